//! Connectionist temporal classification.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Real;
use dlrs_kernels::loss::{Ctc as Example, ctc_gradient, ctc_kept, ctc_loss, ctc_scratch};
use dlrs_kernels::mem::{Body, Rect, TileIo};

use super::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

const NAME: &str = "ctc_loss";

/// −ln of the probability of labels, summed over all their alignments with the steps of an output (Graves et al. 2006); ∞ where the
/// steps are too few.
///
/// Operands: logits (batch, steps, classes), labels (batch, labels), the number of labels and of steps of each example (batch) that
/// count, all of int32. Results: the losses (batch); for the gradient, α of some steps, float64, and ln Σ e^logit of each step, as far
/// as the steps count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ctc {
    /// The class that is the blank.
    pub blank: usize,
}

/// The gradient of [`Ctc`] with respect to the logits.
///
/// Operands: those of the loss, its results, and the gradient with respect to the losses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct CtcGradient(Ctc);

/// Examples, steps, classes, labels.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    steps: usize,
    classes: usize,
    labels: usize,
}

impl Sizes {
    fn of(logits: Ty, labels: Ty) -> Sizes {
        let [batch, steps, classes] = [0, 1, 2].map(|axis| logits.shape[axis]);
        let labels = labels.shape[1];
        Sizes { batch, steps, classes, labels }
    }

    /// Nanoseconds: each label of a step costs a few operations on its states, each class an exponential.
    fn cost(self) -> f64 {
        20.0 + (self.batch * self.steps) as f64 * (10.0 + 1.5 * self.labels as f64 + 0.5 * self.classes as f64)
    }

    /// Numbers that an example keeps for the gradient.
    fn kept(self) -> usize {
        ctc_kept(self.steps, self.labels)
    }

    /// Bytes of scratch memory.
    fn scratch(self) -> usize {
        ctc_scratch(self.labels) * size_of::<f64>()
    }

    /// A tile for each example; its part of results with so many elements for each.
    fn tiles(self, results: &[usize]) -> Vec<Vec<Rect>> {
        (0..self.batch).map(|b| results.iter().map(|&each| Rect::flat(b * each, each)).collect()).collect()
    }
}

/// The labels and steps of an example that count; what is wrong with them. A label that is the blank is no error: its
/// step says blank, as Keras and PyTorch score it.
fn counted(io: &TileIo<'_>, x: Sizes, b: usize, labels: &mut Vec<u32>) -> std::result::Result<usize, String> {
    let (all, lengths, steps) = (io.input::<i32>(1), io.input::<i32>(2), io.input::<i32>(3));
    let within = |name: &str, value: i32, most: usize, what: &str| {
        usize::try_from(value)
            .ok()
            .filter(|&n| n <= most)
            .ok_or_else(|| format!("{NAME}: {name}[{b}] is {value}; expected 0 to {most}, the {what}"))
    };
    let length = within("target_length", lengths[b], x.labels, "labels of an example")?;
    let steps = within("output_length", steps[b], x.steps, "steps of the output")?;
    labels.clear();
    for (i, &label) in all[b * x.labels..][..length].iter().enumerate() {
        match u32::try_from(label).ok().filter(|&c| (c as usize) < x.classes) {
            Some(class) => labels.push(class),
            None => return Err(format!("{NAME}: target[{b}, {i}] is {label}; there are {} classes", x.classes)),
        }
    }
    Ok(steps)
}

impl Op for Ctc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(NAME, inputs, 4)?;
        let (logits, labels) = (inputs[0], inputs[1]);
        if !logits.dtype.is_float() || inputs[1..].iter().any(|ty| ty.dtype != DType::I32) {
            bail!(Type, "{NAME}: output has dtype {}, target and lengths {}", logits.dtype, labels.dtype);
        }
        if logits.shape.rank() != 3 || labels.shape.rank() != 2 || labels.shape[0] != logits.shape[0] {
            bail!(
                "{NAME}: `target` must have the shape (batch, labels) and `output` (batch, steps, classes), got {} and {}",
                labels.shape,
                logits.shape
            );
        }
        let sizes = Sizes::of(logits, labels);
        if let Some(length) = inputs[2..].iter().find(|length| length.shape[..] != [sizes.batch]) {
            bail!(
                "{NAME}: `target_length` and `output_length` must have the shape ({},), got {}",
                sizes.batch,
                length.shape
            );
        }
        if self.blank >= sizes.classes {
            bail!("{NAME}: `mask_index` must be one of the {} classes, got {}", sizes.classes, self.blank);
        }
        let ty = |dtype, dims: &[usize]| Ok::<_, crate::error::Error>(Ty::new(dtype, Shape::new(dims)?));
        let (dtype, Sizes { batch, steps, .. }) = (logits.dtype, sizes);
        Ok(vec![ty(dtype, &[batch])?, ty(DType::F64, &[batch, sizes.kept()])?, ty(dtype, &[batch, steps])?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 4]) };
        let d = g.push(CtcGradient(*self), &[node.inputs, node.outputs, &[d]].concat())?;
        Ok(vec![Some(d), None, None, None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[0], cx.inputs[1]);
        let dtype = cx.inputs[0].dtype;
        let body: Body =
            if dtype == DType::F64 { self.body::<f64>(cx.isa, sizes) } else { self.body::<f32>(cx.isa, sizes) };
        let tiles = sizes.tiles(&[1, sizes.kept(), sizes.steps]);
        Ok(Lowered { tiles, body, ..Lowered::default() }.scratch(sizes.scratch()).cost(sizes.cost()))
    }
}

impl Ctc {
    fn body<T: Real>(self, isa: dlrs_kernels::isa::Isa, x: Sizes) -> Body {
        Arc::new(move |b: usize, io: &mut TileIo<'_>| {
            let mut labels = Vec::with_capacity(x.labels);
            let steps = match counted(io, x, b, &mut labels) {
                Ok(steps) => steps,
                Err(why) => return io.refuse(why),
            };
            let logits = &io.input::<T>(0)[b * x.steps * x.classes..][..steps * x.classes];
            let example = Example { logits, classes: x.classes, labels: &labels, blank: self.blank };
            let scratch = io.scratch::<f64>(ctc_scratch(x.labels));
            let (mut loss, mut kept, mut sums) = (io.output::<T>(0), io.output::<f64>(1), io.output::<T>(2));
            match ctc_loss(isa, example, kept.as_slice(), sums.as_slice(), scratch) {
                Ok(found) => loss.as_slice()[0] = found,
                Err(why) => io.out_of_memory(why),
            }
        })
    }
}

impl Op for CtcGradient {
    fn name(&self) -> &'static str {
        "ctc_loss_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 8)?;
        if inputs[7] != inputs[4] {
            bail!("{}: the losses' gradient has type {}; expected {}", self.name(), inputs[7], inputs[4]);
        }
        Ok(vec![inputs[0]])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "alignments are summed in one pass, whose slopes alone are known")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[0], cx.inputs[1]);
        let dtype = cx.inputs[0].dtype;
        let body: Body =
            if dtype == DType::F64 { self.body::<f64>(cx.isa, sizes) } else { self.body::<f32>(cx.isa, sizes) };
        let tiles = sizes.tiles(&[sizes.steps * sizes.classes]);
        Ok(Lowered { tiles, body, ..Lowered::default() }.scratch(sizes.scratch()).cost(1.5 * sizes.cost()))
    }
}

impl CtcGradient {
    fn body<T: Real>(self, isa: dlrs_kernels::isa::Isa, x: Sizes) -> Body {
        Arc::new(move |b: usize, io: &mut TileIo<'_>| {
            let mut labels = Vec::with_capacity(x.labels);
            let steps = match counted(io, x, b, &mut labels) {
                Ok(steps) => steps,
                Err(why) => return io.refuse(why),
            };
            let logits = &io.input::<T>(0)[b * x.steps * x.classes..][..steps * x.classes];
            let example = Example { logits, classes: x.classes, labels: &labels, blank: self.0.blank };
            let kept = &io.input::<f64>(5)[b * x.kept()..][..x.kept()];
            let sums = &io.input::<T>(6)[b * x.steps..][..x.steps];
            let loss_and_d = (io.input::<T>(4)[b], io.input::<T>(7)[b]);
            let scratch = io.scratch::<f64>(ctc_scratch(x.labels));
            let mut dx = io.output::<T>(0);
            let (counted, rest) = dx.as_slice().split_at_mut(steps * x.classes);
            if let Err(why) = ctc_gradient(isa, example, (kept, sums), loss_and_d, counted, scratch) {
                io.out_of_memory(why);
            }
            rest.fill(T::default());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tensor::Tensor;

    fn operands(target: &[i32], lengths: [i32; 2], steps: [i32; 2]) -> Vec<Tensor> {
        vec![noise(&[2, 5, 4], 1), i32s(&[2, 3], target), i32s(&[2], &lengths), i32s(&[2], &steps)]
    }

    #[test]
    fn gradients() {
        for lengths in [[3, 2], [0, 1]] {
            let x = operands(&[1, 2, 1, 3, 3, 0], lengths, [5, 4]);
            check_gradient(&x, &|g, v| Ok(g.apply(Arc::new(Ctc { blank: 0 }), v)?[0]));
        }
    }

    #[test]
    fn too_few_steps_cost_infinitely_much_and_have_no_slope() {
        let x = operands(&[1, 1, 1, 1, 2, 3], [3, 3], [4, 2]);
        let y = run(&Ctc { blank: 0 }, &x).unwrap();
        assert_eq!(values(&y[0]), [f64::INFINITY; 2]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let said = |target: &[i32], lengths, steps| {
            run(&Ctc { blank: 0 }, &operands(target, lengths, steps)).unwrap_err().to_string()
        };
        let good = [1, 2, 1, 3, 3, 1];
        assert!(said(&good, [4, 1], [5, 5]).contains("target_length[0] is 4; expected 0 to 3"));
        assert!(said(&good, [1, -1], [5, 5]).contains("target_length[1] is -1"));
        assert!(said(&good, [1, 1], [5, 6]).contains("output_length[1] is 6; expected 0 to 5"));
        assert!(said(&[1, 4, 0, 1, 1, 1], [2, 1], [5, 5]).contains("target[0, 1] is 4; there are 4 classes"));
        assert!(said(&[1, 1, -2, 1, 1, 1], [3, 1], [5, 5]).contains("target[0, 2] is -2"));
    }
}
