//! Reductions over axes.

mod arg;

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Body, TileIo};
use dlrs_kernels::reduce::{self, ReduceOp};

pub use arg::ArgReduce;

use super::columns::{Chunks, MergeSums, SumChunks};
use super::tiles::{Block, TILE, grid};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// What is made of the elements that are reduced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reduction {
    /// Their sum; 0 of none. Integers wrap around.
    Sum,
    /// Their product; 1 of none. Integers wrap around.
    Prod,
    /// The largest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
    /// Whether one is true.
    Any,
    /// Whether all are true.
    All,
}

impl Reduction {
    fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::Prod => "prod",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Any => "any",
            Reduction::All => "all",
        }
    }

    fn is_logical(self) -> bool {
        matches!(self, Reduction::Any | Reduction::All)
    }

    fn is_extreme(self) -> bool {
        matches!(self, Reduction::Max | Reduction::Min)
    }

    /// The kernel's name for an operation on numbers.
    fn kernel(self) -> Option<ReduceOp> {
        match self {
            Reduction::Sum => Some(ReduceOp::Sum),
            Reduction::Prod => Some(ReduceOp::Prod),
            Reduction::Max => Some(ReduceOp::Max),
            Reduction::Min => Some(ReduceOp::Min),
            Reduction::Any | Reduction::All => None,
        }
    }
}

/// A reduction over neighbouring axes. [`Graph::reduce`] brings every choice of axes and every dtype into this form.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reduce {
    op: Reduction,
    /// The first axis.
    first: usize,
    /// How many axes from there on.
    count: usize,
    keepdims: bool,
}

/// A tensor seen as [outer, len, inner], of which the middle axis is reduced.
#[derive(Clone, Copy)]
struct View {
    outer: usize,
    len: usize,
    inner: usize,
}

impl View {
    fn of(shape: &Shape, first: usize, count: usize) -> View {
        let product = |dims: &[usize]| dims.iter().product();
        View {
            outer: product(&shape[..first]),
            len: product(&shape[first..first + count]),
            inner: product(&shape[first + count..]),
        }
    }

    /// Tiles of the result, outer × inner, that read about [`TILE`] elements each; parts of rows are whole cache lines.
    fn blocks(&self) -> Vec<Block> {
        const LINES: usize = 64;
        let per_row = (self.len * self.inner).max(1);
        if per_row <= TILE || self.inner <= LINES {
            return grid(self.outer, self.inner, (TILE / per_row).max(1), self.inner);
        }
        grid(self.outer, self.inner, 1, (TILE / self.len).next_multiple_of(LINES))
    }

    fn elements(&self) -> usize {
        self.outer * self.len * self.inner
    }
}

impl Reduce {
    /// The shape of the result with the reduced axes kept at length 1.
    fn kept(&self, x: &Shape) -> Shape {
        (self.first..self.first + self.count).fold(*x, |s, axis| s.with_dim(axis, 1))
    }

    /// Whether this is a sum of columns in several chunks, each of which the pass before it can take.
    fn is_sum_of_columns(&self, x: &Ty) -> bool {
        let shape = &x.shape;
        let leading = self.first == 0 && self.count > 0 && self.count + 1 == shape.rank();
        let float = matches!(x.dtype, DType::F32 | DType::F64);
        self.op == Reduction::Sum && leading && float && shape[self.count] > 1 && Chunks::of(shape).count() > 1
    }

    fn axes(&self) -> Vec<usize> {
        (self.first..self.first + self.count).collect()
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        arity(name, inputs, 1)?;
        let x = inputs[0];
        if self.first + self.count > x.shape.rank() {
            bail!("{name}: axes {:?} of a tensor of shape {}", self.axes(), x.shape);
        }
        let logical = x.dtype == DType::Bool;
        if logical != self.op.is_logical() || x.dtype == DType::U8 {
            bail!(Type, "{name}: x has dtype {}", x.dtype);
        }
        let view = View::of(&x.shape, self.first, self.count);
        if self.op.is_extreme() && view.len == 0 && view.outer * view.inner > 0 {
            bail!("{name}: x of shape {} has no elements along axes {:?}", x.shape, self.axes());
        }
        if self.keepdims {
            return Ok(vec![Ty::new(x.dtype, self.kept(&x.shape))]);
        }
        let dims = [&x.shape[..self.first], &x.shape[self.first + self.count..]].concat();
        Ok(vec![Ty::new(x.dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let x = node.inputs[0];
        let shape = g.ty(x).shape;
        let kept = self.kept(&shape);
        let (d, y) = (g.reshape(d, kept)?, g.reshape(node.outputs[0], kept)?);
        let dx = match self.op {
            Reduction::Sum => g.broadcast_to(d, shape)?,
            Reduction::Prod => prod_gradient(g, x, y, d, &self.axes())?,
            Reduction::Max | Reduction::Min => {
                // Elements that tie share the gradient equally.
                let chosen = g.equal(x, y)?;
                let chosen = g.cast(chosen, g.ty(x).dtype)?;
                let count = g.sum(chosen, &self.axes(), true)?;
                let share = g.div(d, count)?;
                g.mul(chosen, share)?
            }
            Reduction::Any | Reduction::All => return Ok(vec![None]),
        };
        Ok(vec![Some(dx)])
    }

    fn stages(&self, inputs: &[Ty]) -> Option<[Arc<dyn Op>; 2]> {
        let result = self.infer(inputs).ok()?[0].shape;
        self.is_sum_of_columns(&inputs[0]).then(|| [Arc::new(SumChunks) as Arc<dyn Op>, Arc::new(MergeSums(result))])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let view = View::of(&cx.inputs[0].shape, self.first, self.count);
        let (dtype, blocks) = (cx.inputs[0].dtype, view.blocks());
        let tiles = blocks.iter().map(|b| vec![b.rect(view.inner)]).collect();
        let cost = 20.0 + view.elements() as f64 * if dtype == DType::F32 { 0.05 } else { 0.5 };
        let (isa, all) = (cx.isa, self.op == Reduction::All);
        let body: Body = match self.op.kernel() {
            None => Arc::new(move |tile, io| {
                reduce::reduce_truth(all, io.input(0), &part(view, &blocks[tile]), io.output(0));
            }),
            Some(op) => Arc::new(move |tile, io| match dtype {
                DType::F32 => reduce_tile::<f32>(isa, op, view, &blocks[tile], io),
                DType::F64 => reduce_tile::<f64>(isa, op, view, &blocks[tile], io),
                DType::I32 => reduce_tile::<i32>(isa, op, view, &blocks[tile], io),
                _ => reduce_tile::<i64>(isa, op, view, &blocks[tile], io),
            }),
        };
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }
}

/// The part of the view that a tile reduces.
fn part(view: View, block: &Block) -> reduce::View {
    reduce::View {
        reduce_len: view.len,
        inner_len: view.inner,
        outer: block.rows.clone(),
        steps: 0..view.len,
        inner: block.cols.clone(),
    }
}

fn reduce_tile<T: reduce::Reduce>(isa: Isa, op: ReduceOp, view: View, block: &Block, io: &mut TileIo<'_>) {
    reduce::reduce::<T>(isa, op, io.input(0), &part(view, block), io.output(0));
}

/// d·∂y/∂xᵢ = d·Πⱼ≠ᵢ xⱼ: y/xᵢ without zeros; with one zero the product of the others, at that zero alone; with more, nothing.
fn prod_gradient(g: &mut Graph, x: Val, y: Val, d: Val, axes: &[usize]) -> Result<Val> {
    let dtype = g.ty(x).dtype;
    let (zero, one) = (g.scalar(dtype, 0.0)?, g.scalar(dtype, 1.0)?);
    let is_zero = g.equal(x, zero)?;
    let safe = g.select(is_zero, one, x)?;
    let is_zero_number = g.cast(is_zero, dtype)?;
    let zeros = g.sum(is_zero_number, axes, true)?;
    let others = g.reduce(Reduction::Prod, safe, axes, true)?;
    let (none, single) = (g.equal(zeros, zero)?, g.equal(zeros, one)?);
    let quotient = g.div(y, safe)?;
    let the_zero = g.logical_and(single, is_zero)?;
    let at_zero = g.select(the_zero, others, zero)?;
    let slope = g.select(none, quotient, at_zero)?;
    g.mul(d, slope)
}

impl Graph {
    /// `x` reduced over `axes` (sorted, in range).
    ///
    /// Sums and products of truth values and small integers are int32, of small unsigned integers uint32. Halves are summed as
    /// singles throughout. Axes that do not stand together are reduced one after
    /// another, and a long axis with few results in two stages, so that the team can share it.
    ///
    /// # Errors
    /// `Value` for the largest or smallest of no elements.
    pub fn reduce(&mut self, op: Reduction, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        let dtype = self.ty(x).dtype;
        let working = match dtype {
            _ if op.is_logical() => DType::Bool,
            dtype => dtype.working(),
        };
        let x = if op.is_extreme() { self.in_order(x)? } else { x };
        let x = self.cast(x, working)?;
        let y = self.reduce_groups(op, x, axes, keepdims)?;
        match op {
            Reduction::Any | Reduction::All => Ok(y),
            Reduction::Max | Reduction::Min => {
                let y = self.cast(y, dtype)?;
                self.in_order(y)
            }
            Reduction::Sum | Reduction::Prod => self.cast(y, total(dtype)),
        }
    }

    /// 64-bit unsigned integers moved by half their range, so that seen as signed ones they keep their order; twice is the
    /// identity. Elements of other dtypes as they are.
    pub fn in_order(&mut self, x: Val) -> Result<Val> {
        if self.ty(x).dtype != DType::U64 {
            return Ok(x);
        }
        self.add_scalar(x, (1u64 << 63) as f64)
    }

    fn reduce_groups(&mut self, op: Reduction, mut x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        // From the last group of neighbours to the first, so that the numbers of the axes before stay what they are.
        let mut rest = axes;
        while let Some(&last) = rest.last() {
            let count = rest.iter().rev().enumerate().take_while(|&(i, &axis)| axis + i == last).count();
            let first = last + 1 - count;
            rest = &rest[..rest.len() - count];
            x = self.reduce_group(&Reduce { op, first, count, keepdims }, x)?;
        }
        Ok(x)
    }

    fn reduce_group(&mut self, reduce: &Reduce, x: Val) -> Result<Val> {
        let shape = self.ty(x).shape;
        let view = View::of(&shape, reduce.first, reduce.count);
        if reduce.is_sum_of_columns(&self.ty(x)) {
            return self.push(reduce.clone(), &[x]);
        }
        let Some(chunks) = chunks(view) else { return self.push(reduce.clone(), &[x]) };
        let ty = reduce.infer(&[self.ty(x)])?[0];
        let split = Shape::new(&[view.outer, chunks, view.len / chunks, view.inner])?;
        let x = self.reshape(x, split)?;
        let middle = Reduce { op: reduce.op, first: 2, count: 1, keepdims: false };
        let partial = self.push(middle, &[x])?;
        let y = self.push(Reduce { op: reduce.op, first: 1, count: 1, keepdims: false }, &[partial])?;
        self.reshape(y, ty.shape)
    }

    /// Product over `axes`.
    pub fn prod(&mut self, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        self.reduce(Reduction::Prod, x, axes, keepdims)
    }

    /// Largest element over `axes`.
    pub fn max(&mut self, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        self.reduce(Reduction::Max, x, axes, keepdims)
    }

    /// Smallest element over `axes`.
    pub fn min(&mut self, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        self.reduce(Reduction::Min, x, axes, keepdims)
    }

    /// Mean over `axes` of floating-point numbers; NaN of none.
    pub fn mean(&mut self, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        let ty = self.ty(x);
        if !ty.dtype.is_float() {
            bail!(Type, "mean: x has dtype {}; expected a floating-point dtype", ty.dtype);
        }
        let x = self.cast(x, ty.dtype.working())?;
        let n: usize = axes.iter().map(|&axis| ty.shape[axis]).product();
        let sum = self.reduce(Reduction::Sum, x, axes, keepdims)?;
        let mean = self.mul_scalar(sum, 1.0 / n as f64)?;
        self.cast(mean, ty.dtype)
    }
}

/// The dtype of sums and products of elements of dtype `dtype`.
fn total(dtype: DType) -> DType {
    match dtype {
        DType::Bool | DType::I8 | DType::I16 => DType::I32,
        DType::U8 | DType::U16 => DType::U32,
        dtype => dtype,
    }
}

/// Into how many equal parts a reduction with too few results to share among threads is cut, from its shape alone.
fn chunks(view: View) -> Option<usize> {
    const PART: usize = 4 * TILE;
    const MOST: usize = 1024;
    let few_tiles = view.outer * view.inner.div_ceil(64) < 8;
    let wanted = view.elements().div_ceil(PART);
    if !few_tiles || wanted < 2 {
        return None;
    }
    (wanted.min(MOST)..=MOST).find(|&c| view.len.is_multiple_of(c) && view.len > c)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tensor::Tensor;

    fn reduced(op: Reduction, x: &Tensor, axes: &[usize], keepdims: bool) -> Tensor {
        let mut g = Graph::new();
        let v = g.constant(x.clone());
        let y = g.reduce(op, v, axes, keepdims).unwrap();
        eval(&g, &[y]).unwrap().remove(0)
    }

    fn reference(op: Reduction, x: &Tensor, axes: &[usize]) -> Vec<f64> {
        let shape = *x.shape();
        let kept = axes.iter().fold(shape, |s, &a| s.with_dim(a, 1));
        let strides = kept.broadcast_strides(&shape);
        let start = match op {
            Reduction::Sum | Reduction::Any => 0.0,
            Reduction::Prod | Reduction::All => 1.0,
            Reduction::Max => f64::NEG_INFINITY,
            Reduction::Min => f64::INFINITY,
        };
        let mut y = vec![start; kept.size()];
        for i in 0..shape.size() {
            let (mut rest, mut at) = (i, 0);
            for axis in (0..shape.rank()).rev() {
                at += rest % shape[axis] * strides[axis];
                rest /= shape[axis];
            }
            let (a, b) = (y[at], x.get(i));
            y[at] = match op {
                Reduction::Sum => a + b,
                Reduction::Prod => a * b,
                Reduction::Max => a.max(b),
                Reduction::Min => a.min(b),
                Reduction::Any => f64::from(a != 0.0 || b != 0.0),
                Reduction::All => f64::from(a != 0.0 && b != 0.0),
            };
        }
        y
    }

    const ALL: [Reduction; 6] =
        [Reduction::Sum, Reduction::Prod, Reduction::Max, Reduction::Min, Reduction::Any, Reduction::All];

    #[test]
    fn every_choice_of_axes_and_dtype() {
        let shape = [3, 4, 1, 5];
        for mask in 0..16usize {
            let axes: Vec<usize> = (0..4).filter(|a| mask >> a & 1 == 1).collect();
            for dtype in DType::ALL {
                let scale = if dtype.is_float() { 1.0 } else { 3.0 };
                let signed = |v: f64| if dtype.is_unsigned() { v.abs() } else { v };
                let x = f64s(&shape, &values(&noise(&shape, 5)).iter().map(|v| signed(v * scale)).collect::<Vec<_>>());
                let x = cast(&x, dtype);
                for op in ALL {
                    let y = reduced(op, &x, &axes, false);
                    let want = reference(op, &x, &axes);
                    for (have, want) in values(&y).iter().zip(&want) {
                        let bound = if dtype.is_narrow() { 0.02 * (1.0 + want.abs()) } else { 1e-5 };
                        assert!((have - want).abs() < bound, "{op:?} {dtype} over {axes:?}: {have}, {want}");
                    }
                    let rank = reduced(op, &x, &axes, true).shape().rank();
                    assert_eq!((rank, y.shape().rank()), (4, 4 - axes.len()));
                }
                let sum = reduced(Reduction::Sum, &x, &axes, false).dtype();
                assert_eq!(sum, total(dtype));
                assert_eq!(reduced(Reduction::Max, &x, &axes, false).dtype(), dtype);
            }
        }
    }

    #[test]
    fn large_reductions() {
        for (shape, axes) in [
            (&[1 << 18][..], &[0][..]),
            (&[50_000, 10], &[0]),
            (&[3, 700, 300], &[1]),
            (&[999, 301], &[1]),
            (&[64, 3000], &[0]),
        ] {
            let x = noise(shape, 2);
            let x32 = cast(&x, DType::F32);
            for op in [Reduction::Sum, Reduction::Max] {
                let want = f64s(reduced(op, &x, axes, false).shape(), &reference(op, &x, axes));
                assert_close(&reduced(op, &x, axes, false), &want, 1e-10);
                assert_close(&reduced(op, &x32, axes, false), &want, 1e-4);
            }
        }
    }

    #[test]
    fn nothing_and_not_a_number() {
        let empty = f64s(&[0, 3], &[]);
        assert_eq!(values(&reduced(Reduction::Sum, &empty, &[0], false)), [0.0; 3]);
        assert_eq!(values(&reduced(Reduction::Prod, &empty, &[0], false)), [1.0; 3]);
        let nan = f32s(&[3], &[1.0, f32::NAN, 2.0]);
        assert!(reduced(Reduction::Max, &nan, &[0], false).get(0).is_nan());
        assert!(reduced(Reduction::Min, &nan, &[0], false).get(0).is_nan());
        let ty = Ty::new(DType::F32, Shape::new(&[0, 3]).unwrap());
        let op = Reduce { op: Reduction::Max, first: 0, count: 1, keepdims: false };
        assert_eq!(refusal(op, &[ty]), "max: x of shape (0, 3) has no elements along axes [0]");
    }

    #[test]
    fn gradients() {
        let x = noise(&[2, 3, 4], 1);
        for axes in [&[1][..], &[0, 2], &[0, 1, 2]] {
            check_gradient(std::slice::from_ref(&x), &|g, v| g.mean(v[0], axes, false));
            check_two_gradients(std::slice::from_ref(&x), &|g, v| g.prod(v[0], axes, true));
            check_gradient(std::slice::from_ref(&x), &|g, v| g.max(v[0], axes, false));
            check_gradient(std::slice::from_ref(&x), &|g, v| g.min(v[0], axes, false));
        }
        // Rows without, with one and with two zeros.
        let zeros = f64s(&[3, 3], &[2.0, 3.0, 4.0, 0.0, 3.0, 4.0, 0.0, 3.0, 0.0]);
        check_gradient(&[zeros], &|g, v| g.prod(v[0], &[1], false));
        // Elements that tie: between the two, any step up is felt and any step down is not.
        check_gradient(&[f64s(&[3], &[1.0, 1.0, 0.0])], &|g, v| g.max(v[0], &[0], false));
    }
}
