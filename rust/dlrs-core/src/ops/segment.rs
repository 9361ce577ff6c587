//! Rows combined by the segment that each belongs to.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::cumulative::Number;
use dlrs_kernels::mem::{Body, TileIo, TileMut};

use super::index::{Indices, check_indices};
use super::tiles::{Block, TILE, grid};
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// How the rows of a segment are combined.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Combine {
    /// Their sum, added in the order in which they stand; 0 of none.
    Sum,
    /// The largest; NaN if there is one, the least number of the dtype of none.
    Max,
    /// The smallest; NaN if there is one, the greatest number of the dtype of none.
    Min,
}

/// Row k of the result combines the rows of `data` whose id is k. With sums it is the adjoint of [`super::index::Take`] along
/// axis 0.
///
/// Negative ids count from the end; one out of range ends the run.
#[derive(Clone, Hash, Debug)]
pub struct Segment {
    /// What is done to the rows.
    pub combine: Combine,
    /// Rows of the result.
    pub segments: usize,
    /// Whether bools, one per row of `data`, are the last operand: rows for which they are false are left out, unread.
    pub masked: bool,
}

impl Op for Segment {
    fn name(&self) -> &'static str {
        match self.combine {
            Combine::Sum => "segment_sum",
            Combine::Max => "segment_max",
            Combine::Min => "segment_min",
        }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        arity(name, inputs, 2 + usize::from(self.masked))?;
        let (data, ids) = (inputs[0], inputs[1]);
        check_indices(name, "segment_ids", ids)?;
        if data.shape.rank() == 0 || ids.shape.rank() != 1 || data.shape[0] != ids.shape[0] {
            bail!(
                "{name}: data of shape {} and segment_ids of shape {}; expected one id per row of data",
                data.shape,
                ids.shape
            );
        }
        if self.masked && inputs[2] != Ty::new(DType::Bool, ids.shape) {
            bail!("{name}: a mask of {} of shape {}; expected one bool per row", inputs[2].dtype, inputs[2].shape);
        }
        let dims = [&[self.segments], &data.shape[1..]].concat();
        Ok(vec![Ty::new(data.dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; node.inputs.len()]) };
        let (data, ids) = (node.inputs[0], node.inputs[1]);
        if self.masked {
            return no_gradient(self.name(), "it was planned already");
        }
        if self.combine == Combine::Sum {
            return Ok(vec![Some(g.take(d, ids, 0)?), None]);
        }
        // Rows that tie share the gradient equally, as those of a maximum do.
        let extremes = g.take(node.outputs[0], ids, 0)?;
        let chosen = g.equal(data, extremes)?;
        let chosen = g.cast(chosen, g.ty(data).dtype)?;
        let count = g.segment_sum(chosen, ids, self.segments)?;
        let count = g.take(count, ids, 0)?;
        let share = g.take(d, ids, 0)?;
        let share = g.div(share, count)?;
        // A segment with NaN has no chosen rows: its rows get 0, not 0 · (d/0).
        let zero = g.zeros_like(data)?;
        let is_chosen = g.not_equal(chosen, zero)?;
        Ok(vec![Some(g.select(is_chosen, share, zero)?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let inner: usize = cx.inputs[0].shape[1..].iter().product();
        let blocks = owners(self.segments, inner);
        let tiles = blocks.iter().map(|b| vec![b.rect(inner)]).collect();
        let cost = 20.0 + (cx.inputs[0].shape.size() + cx.outputs[0].shape.size()) as f64 * 0.1;
        let rows = Rows { name: self.name(), segments: self.segments, masked: self.masked, inner, blocks };
        let body = match (cx.outputs[0].dtype, self.combine) {
            (DType::F32, how) => floats::<f32>(how, f32::INFINITY, rows),
            (DType::F64, how) => floats::<f64>(how, f64::INFINITY, rows),
            (DType::I32, Combine::Sum) => rows.body(0i32, Number::plus),
            (DType::I32, Combine::Max) => rows.body(i32::MIN, Ord::max),
            (DType::I32, Combine::Min) => rows.body(i32::MAX, Ord::min),
            (_, Combine::Sum) => rows.body(0i64, Number::plus),
            (_, Combine::Max) => rows.body(i64::MIN, Ord::max),
            (_, Combine::Min) => rows.body(i64::MAX, Ord::min),
        };
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        if self.combine == Combine::Sum { FusionClass::SumOfRows(self.segments) } else { FusionClass::Opaque }
    }

    fn takes(&self, dtype: DType) -> bool {
        dtype == dtype.working() || (self.masked && dtype == DType::Bool)
    }
}

/// Each tile owns part of the result and looks at all ids for it: few tiles, of columns when rows are long enough that
/// parts of them are still whole cache lines, else of rows.
fn owners(segments: usize, inner: usize) -> Vec<Block> {
    const TILES: usize = 8;
    const LINE: usize = 16;
    if segments * inner <= TILE {
        grid(segments, inner, segments, inner)
    } else if inner >= TILES * LINE {
        grid(segments, inner, segments, inner.div_ceil(TILES).next_multiple_of(LINE))
    } else {
        grid(segments, inner, segments.div_ceil(TILES / 2), inner)
    }
}

struct Rows {
    name: &'static str,
    segments: usize,
    masked: bool,
    inner: usize,
    blocks: Vec<Block>,
}

/// The body for floating-point numbers, of which one may be NaN.
fn floats<T: Number + PartialOrd + std::ops::Neg<Output = T>>(combine: Combine, infinity: T, rows: Rows) -> Body {
    #[allow(clippy::eq_op)] // NaN differs from itself
    let is_nan = |x: T| x != x;
    match combine {
        Combine::Sum => rows.body(T::default(), Number::plus),
        Combine::Max => rows.body(-infinity, move |y: T, x| if x > y || is_nan(x) { x } else { y }),
        Combine::Min => rows.body(infinity, move |y: T, x| if x < y || is_nan(x) { x } else { y }),
    }
}

impl Rows {
    fn body<T: Number>(self, none: T, combine: impl Fn(T, T) -> T + Copy + Send + Sync + 'static) -> Body {
        Arc::new(move |tile: usize, io: &mut TileIo<'_>| self.run(tile, io, none, combine))
    }

    fn run<T: Number>(&self, tile: usize, io: &mut TileIo<'_>, none: T, combine: impl Fn(T, T) -> T + Copy) {
        let (data, ids, block) = (io.input::<T>(0), Indices::of(io, 1), &self.blocks[tile]);
        let mut y: TileMut<'_, T> = io.output(0);
        (0..y.rows()).for_each(|r| y.row(r).fill(none));
        let rows = data.len().checked_div(self.inner).unwrap_or(0);
        let mask = self.masked.then(|| io.input::<u8>(2));
        for i in 0..rows {
            if mask.is_some_and(|mask| mask[i] == 0) {
                continue;
            }
            let Some(segment) = ids.position(i, self.segments) else {
                return io.refuse(format!(
                    "{}: segment_ids[{i}] is {}; expected less than the number of segments, {}",
                    self.name,
                    ids.get(i),
                    self.segments
                ));
            };
            if block.rows.contains(&segment) {
                let row = &data[i * self.inner + block.cols.start..i * self.inner + block.cols.end];
                y.row(segment - block.rows.start).iter_mut().zip(row).for_each(|(y, x)| *y = combine(*y, *x));
            }
        }
    }
}

impl Graph {
    /// Sums of the rows of `data` that have the same id.
    pub fn segment_sum(&mut self, data: Val, ids: Val, segments: usize) -> Result<Val> {
        self.push(Segment { combine: Combine::Sum, segments, masked: false }, &[data, ids])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const ALL: [Combine; 3] = [Combine::Sum, Combine::Max, Combine::Min];

    fn expected(combine: Combine, data: &crate::Tensor, ids: &[i32], segments: usize, inner: usize) -> Vec<f64> {
        let none = match combine {
            Combine::Sum => 0.0,
            Combine::Max => f64::NEG_INFINITY,
            Combine::Min => f64::INFINITY,
        };
        let mut y = vec![none; segments * inner];
        for (i, &id) in ids.iter().enumerate() {
            for c in 0..inner {
                let (y, x) = (&mut y[id as usize * inner + c], data.get(i * inner + c));
                *y = match combine {
                    Combine::Sum => *y + x,
                    Combine::Max => y.max(x),
                    Combine::Min => y.min(x),
                };
            }
        }
        y
    }

    #[test]
    fn every_way_of_cutting() {
        // One tile, columns, rows; the first two also with every segment met.
        for (segments, inner) in [(4, 3), (100, 300), (20_000, 3)] {
            for dtype in [DType::F32, DType::F64, DType::I32, DType::I64] {
                let data = cast(&noise(&[500, inner], 1), dtype);
                let ids: Vec<i32> = (0..500).map(|i| (i * i * 7 % 1000) % segments).collect();
                for combine in ALL {
                    if combine != Combine::Sum && !dtype.is_float() {
                        continue;
                    }
                    let op = Segment { combine, segments: segments as usize, masked: false };
                    let y = run(&op, &[data.clone(), i32s(&[500], &ids)]).unwrap().remove(0);
                    let want = expected(combine, &data, &ids, segments as usize, inner);
                    let want = cast(&f64s(&[segments as usize, inner], &want), dtype);
                    assert_close(&y, &want, if dtype == DType::F32 { 1e-5 } else { 1e-12 });
                }
            }
        }
    }

    #[test]
    fn rows_that_a_mask_denies_are_not_read() {
        let op = Segment { combine: Combine::Sum, segments: 2, masked: true };
        let mask = crate::Tensor::from_slice(DType::Bool, &[4], &[1u8, 0, 1, 0]).unwrap();
        let data = f64s(&[4, 1], &[1.0, f64::NAN, 2.0, f64::NAN]);
        let y = run(&op, &[data, i32s(&[4], &[1, 0, 1, 7]), mask]).unwrap().remove(0);
        assert_eq!(values(&y), [0.0, 3.0]);
    }

    #[test]
    fn empty_segments_and_nan() {
        let run1 = |combine, x, ids: &[i32]| {
            run(&Segment { combine, segments: 2, masked: false }, &[x, i32s(&[ids.len()], ids)]).unwrap().remove(0)
        };
        assert_eq!(values(&run1(Combine::Sum, noise(&[0, 3], 1), &[])), [0.0; 6]);
        assert_eq!(run1(Combine::Max, i32s(&[1], &[3]), &[1]).as_slice::<i32>(), [i32::MIN, 3]);
        assert_eq!(run1(Combine::Min, i64s(&[1], &[3]), &[-1]).as_slice::<i64>(), [i64::MAX, 3]);
        let y = run1(Combine::Max, f64s(&[3], &[1.0, f64::NAN, 5.0]), &[0, 0, 0]);
        assert!(y.get(0).is_nan() && y.get(1) == f64::NEG_INFINITY);
    }

    #[test]
    fn gradients() {
        let ids = i64s(&[4], &[1, 0, -1, 1]);
        for combine in ALL {
            let f = move |g: &mut Graph, x: &[Val]| g.push(Segment { combine, segments: 3, masked: false }, x);
            let finite = move |g: &mut Graph, x: &[Val]| {
                let y = f(g, x)?;
                g.take(y, x[1], 0)
            };
            check_two_gradients(&[noise(&[4, 2], 1), ids.clone()], &finite);
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let sum = Segment { combine: Combine::Sum, segments: 2, masked: false };
        let types = [ty(DType::F32, &[2, 3]), ty(DType::I32, &[3])];
        assert!(refusal(sum.clone(), &types).contains("expected one id per row of data"));
        let error = run(&sum, &[noise(&[3, 2], 1), i32s(&[3], &[0, 1, 2])]).unwrap_err();
        assert!(error.to_string().contains("segment_ids[2] is 2"));
    }
}
