//! The likeliest label sequences of an output of connectionist temporal classification.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Real;
use dlrs_kernels::mem::{Body, Rect, TileIo};
use dlrs_kernels::text::PrefixSearch;

use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

const NAME: &str = "ctc_decode";

/// The likeliest class of each step, repetitions merged if asked for, without blanks.
///
/// Operands: logits (batch, steps, classes), the number of steps of each example that count (batch), int32. Results: the classes, int32
/// (1, batch, steps), −1 behind them, and minus the sum of the largest logits (batch, 1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CtcGreedy {
    /// Whether a class that is that of the step before is left out.
    pub merge_repeated: bool,
    /// The class that is the blank.
    pub blank: usize,
}

/// Prefix beam search (Hannun et al. 2014, algorithm 1).
///
/// Operands: logarithms of probabilities (batch, steps, classes), the number of steps of each example that count (batch), int32. Results: the
/// `top` likeliest sequences, int32 (top, batch, steps), −1 behind each, and the logarithms of their probabilities (batch, top), −∞ where there
/// is no further sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CtcBeam {
    /// How many prefixes are kept after each step.
    pub width: usize,
    /// How many sequences are the result.
    pub top: usize,
    /// The class that is the blank.
    pub blank: usize,
}

/// Types of `top` paths and their scores.
fn results(inputs: &[Ty], blank: usize, top: usize) -> Result<Vec<Ty>> {
    arity(NAME, inputs, 2)?;
    let (scores, lengths) = (inputs[0], inputs[1]);
    if !scores.dtype.is_float() || lengths.dtype != DType::I32 {
        bail!(Type, "{NAME}: `inputs` has dtype {}, `sequence_lengths` {}", scores.dtype, lengths.dtype);
    }
    if scores.shape.rank() != 3 || lengths.shape[..] != scores.shape[..1] {
        bail!(
            "{NAME}: `inputs` must have the shape (batch, steps, classes) and `sequence_lengths` (batch,), got {} and {}",
            scores.shape,
            lengths.shape
        );
    }
    let (batch, steps, classes) = (scores.shape[0], scores.shape[1], scores.shape[2]);
    if blank >= classes || i32::try_from(classes).is_err() {
        bail!("{NAME}: `mask_index` must be one of the {classes} classes, got {blank}");
    }
    let paths = Ty::new(DType::I32, Shape::new(&[top, batch, steps])?);
    Ok(vec![paths, Ty::new(scores.dtype, Shape::new(&[batch, top])?)])
}

/// A tile for each example: its `top` paths and their scores.
fn tiles(batch: usize, steps: usize, top: usize) -> Vec<Vec<Rect>> {
    let paths = |b: usize| Rect { start: b * steps, rows: top, cols: steps, stride: batch * steps };
    (0..batch).map(|b| vec![paths(b), Rect::flat(b * top, top)]).collect()
}

/// The scores of example `b`, as far as they count; what is wrong with them.
fn counted<'a, T: Real>(io: &mut TileIo<'a>, b: usize, steps: usize, classes: usize) -> Option<&'a [T]> {
    let (scores, length) = (io.input::<T>(0), io.input::<i32>(1)[b]);
    let Some(count) = usize::try_from(length).ok().filter(|&count| count <= steps) else {
        io.refuse(format!("{NAME}: sequence_lengths[{b}] is {length}; expected 0 to {steps}, the steps"));
        return None;
    };
    let scores = &scores[b * steps * classes..][..count * classes];
    if let Some(at) = scores.iter().position(|&score| score.is_nan()) {
        io.refuse_values(format!("{NAME}: step {} of example {b} has a score of NaN", at / classes));
        return None;
    }
    Some(scores)
}

/// Writes tokens, and −1 behind them.
fn write(path: &mut [i32], tokens: impl IntoIterator<Item = u32>) {
    path.fill(-1);
    path.iter_mut().zip(tokens).for_each(|(to, token)| *to = token as i32);
}

fn no_slope(d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
    match d_outputs[1] {
        Some(_) => super::no_gradient(NAME, "which sequences are found changes by leaps; ctc_loss has slopes"),
        None => Ok(vec![None, None]),
    }
}

impl Op for CtcGreedy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        results(inputs, self.blank, 1)
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_slope(d_outputs)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let shape = cx.inputs[0].shape;
        let (batch, steps, classes) = (shape[0], shape[1], shape[2]);
        let body = match cx.inputs[0].dtype {
            DType::F64 => self.body::<f64>(steps, classes),
            _ => self.body::<f32>(steps, classes),
        };
        let cost = 50.0 + shape.size() as f64;
        Ok(Lowered { tiles: tiles(batch, steps, 1), body, ..Lowered::default() }.cost(cost))
    }
}

impl CtcGreedy {
    fn body<T: Real>(self, steps: usize, classes: usize) -> Body {
        Arc::new(move |b: usize, io: &mut TileIo<'_>| {
            let Some(scores) = counted::<T>(io, b, steps, classes) else { return };
            let (mut sum, mut last, mut tokens) = (0.0, self.blank, Vec::with_capacity(steps));
            for row in scores.chunks_exact(classes) {
                let mut best = 0;
                for class in 1..classes {
                    if row[class].to_f64() > row[best].to_f64() {
                        best = class;
                    }
                }
                sum += row[best].to_f64();
                if best != self.blank && !(self.merge_repeated && best == last) {
                    tokens.push(best as u32);
                }
                last = best;
            }
            write(io.output::<i32>(0).row(0), tokens);
            io.output::<T>(1).as_slice()[0] = T::of(0.0 - sum);
        })
    }
}

impl Op for CtcBeam {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        if self.top == 0 || self.top > self.width {
            bail!("{NAME}: `top_paths` must be 1 to `beam_width` = {}, got {}", self.width, self.top);
        }
        results(inputs, self.blank, self.top)
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_slope(d_outputs)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let shape = cx.inputs[0].shape;
        let (batch, steps, classes) = (shape[0], shape[1], shape[2]);
        let body = match cx.inputs[0].dtype {
            DType::F64 => self.body::<f64>(steps, classes),
            _ => self.body::<f32>(steps, classes),
        };
        let each = (self.width.min(1 << 20) * (classes + 20)) as f64;
        let cost = 50.0 + (batch * steps) as f64 * each;
        Ok(Lowered { tiles: tiles(batch, steps, self.top), body, ..Lowered::default() }.cost(cost))
    }
}

impl CtcBeam {
    fn body<T: Real>(self, steps: usize, classes: usize) -> Body {
        Arc::new(move |b: usize, io: &mut TileIo<'_>| {
            let Some(scores) = counted::<T>(io, b, steps, classes) else { return };
            let mut search = PrefixSearch::new(self.width, self.blank);
            for row in scores.chunks_exact(classes) {
                if io.should_stop() {
                    return;
                }
                search.step(row, None);
            }
            let found = search.found();
            let (mut paths, mut totals) = (io.output::<i32>(0), io.output::<T>(1));
            for k in 0..self.top {
                let (tokens, total) = found.get(k).map_or((&[][..], f64::NEG_INFINITY), |(tokens, p)| (tokens, *p));
                write(paths.row(k), tokens.iter().copied());
                totals.as_slice()[k] = T::of(total);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn examples_are_searched_apart_as_far_as_they_count() {
        let even = [(1.0f32 / 3.0).ln(); 12];
        let op = CtcBeam { width: 9, top: 3, blank: 0 };
        let found = run(&op, &[f32s(&[2, 2, 3], &even), cast(&f64s(&[2], &[1.0, 2.0]), DType::I32)]).unwrap();
        assert_eq!(found[0].as_slice::<i32>(), [1, -1, 1, -1, 2, -1, 2, -1, -1, -1, 1, 2]);
        let scores: Vec<f32> = found[1].as_slice::<f32>().iter().map(|p| (p.exp() * 9.0).round()).collect();
        assert_eq!(scores, [3.0, 3.0, 3.0, 3.0, 3.0, 1.0]);
    }

    #[test]
    fn the_best_classes_are_merged_if_asked_for() {
        let logits = f32s(&[1, 5, 2], &[0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0, 9.0, 9.0]);
        let decode = |merge_repeated, length: f64| {
            let operands = [logits.clone(), cast(&f64s(&[1], &[length]), DType::I32)];
            let found = run(&CtcGreedy { merge_repeated, blank: 0 }, &operands).unwrap();
            (found[0].as_slice::<i32>().to_vec(), found[1].get(0))
        };
        assert_eq!(decode(true, 5.0), (vec![1, 1, -1, -1, -1], -19.0));
        assert_eq!(decode(false, 4.0), (vec![1, 1, 1, -1, -1], -10.0));
        assert_eq!(decode(true, 0.0), (vec![-1; 5], 0.0));
    }

    #[test]
    fn bad_arguments_are_named() {
        let scores = f32s(&[1, 1, 2], &[0.0, f32::NAN]);
        let op = CtcBeam { width: 2, top: 1, blank: 0 };
        let refused = |op: &CtcBeam, length: i32| {
            run(op, &[scores.clone(), cast(&f64s(&[1], &[f64::from(length)]), DType::I32)]).unwrap_err().to_string()
        };
        assert!(refused(&op, 2).contains("sequence_lengths[0] is 2; expected 0 to 1"));
        assert!(refused(&op, 1).contains("step 0 of example 0 has a score of NaN"));
        assert!(refused(&CtcBeam { blank: 2, ..op }, 1).contains("`mask_index`"));
        assert!(refused(&CtcBeam { top: 3, ..op }, 1).contains("`top_paths` must be 1 to `beam_width` = 2, got 3"));
    }
}
