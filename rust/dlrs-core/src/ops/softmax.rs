//! Softmax and its logarithm, over the last axis.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::loss::{log_softmax, softmax};
use dlrs_kernels::mem::{Body, TileIo, TileMut};

use super::tiles::TILE;
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;
use crate::{DType, bail};

/// exp(xᵢ) / Σⱼ exp(xⱼ) over the last axis.
#[derive(Clone, Copy, Hash, Debug)]
pub struct Softmax;

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        infer("softmax", inputs)
    }

    /// y ⊙ (d − Σ d·y)
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let y = node.outputs[0];
        let product = g.mul(d, y)?;
        let total = g.sum_last(product)?;
        let centred = g.sub(d, total)?;
        Ok(vec![Some(g.mul(y, centred)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(lower(cx, softmax, softmax))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let x = centred(g, inputs[0])?;
        let e = g.exp(x)?;
        let total = g.sum_last(e)?;
        Ok(Some(vec![g.div(e, total)?]))
    }
}

/// xᵢ − ln Σⱼ exp(xⱼ) over the last axis.
#[derive(Clone, Copy, Hash, Debug)]
pub struct LogSoftmax;

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        infer("log_softmax", inputs)
    }

    /// d − eʸ · Σ d
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let total = g.sum_last(d)?;
        let probabilities = g.exp(node.outputs[0])?;
        let share = g.mul(probabilities, total)?;
        Ok(vec![Some(g.sub(d, share)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(lower(cx, log_softmax, log_softmax))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let x = centred(g, inputs[0])?;
        let e = g.exp(x)?;
        let total = g.sum_last(e)?;
        let log = g.log(total)?;
        Ok(Some(vec![g.sub(x, log)?]))
    }
}

fn infer(op: &str, inputs: &[Ty]) -> Result<Vec<Ty>> {
    arity(op, inputs, 1)?;
    let x = inputs[0];
    if !x.dtype.is_float() {
        bail!(Type, "{op}: x has dtype {}; expected a floating-point dtype", x.dtype);
    }
    if x.shape.rank() == 0 {
        bail!("{op}: x is a scalar; expected at least one axis");
    }
    Ok(vec![x])
}

/// x minus its largest element, which changes neither the result nor its gradient.
fn centred(g: &mut Graph, x: Val) -> Result<Val> {
    let top = g.max(x, &[g.ty(x).shape.rank() - 1], true)?;
    let top = g.stop_gradient(top)?;
    g.sub(x, top)
}

/// A kernel over rows: the operand, its row length, which rows, and where they go.
type RowKernel<T> = fn(Isa, &[T], usize, std::ops::Range<usize>, TileMut<'_, T>);

fn lower(cx: &LowerCx<'_>, single: RowKernel<f32>, double: RowKernel<f64>) -> Lowered {
    let shape = cx.inputs[0].shape;
    let cols = shape[shape.rank() - 1];
    let isa = cx.isa;
    let rows = move |io: &TileIo<'_>| {
        let first = io.rect(0).start / cols;
        first..first + io.rect(0).rows
    };
    let body: Body = match cx.inputs[0].dtype {
        DType::F32 => Arc::new(move |_, io| single(isa, io.input(0), cols, rows(io), io.output(0))),
        _ => Arc::new(move |_, io| double(isa, io.input(0), cols, rows(io), io.output(0))),
    };
    let per_element = if cx.inputs[0].dtype == DType::F32 { 0.3 } else { 8.0 };
    let rows = shape.size().checked_div(cols).unwrap_or(0);
    Lowered::by_rows(rows, cols, TILE / 4 / cols.max(1), 1, body)
        .cost(20.0 + 15.0 * rows as f64 + per_element * shape.size() as f64)
}

impl Graph {
    /// Sum over the last axis, which stays with length 1.
    pub(crate) fn sum_last(&mut self, x: Val) -> Result<Val> {
        self.sum(x, &[self.ty(x).shape.rank() - 1], true)
    }

    /// Softmax over `axis`.
    pub fn softmax(&mut self, x: Val, axis: usize) -> Result<Val> {
        self.over_last(Softmax, x, axis)
    }

    /// Logarithm of the softmax over `axis`.
    pub fn log_softmax(&mut self, x: Val, axis: usize) -> Result<Val> {
        self.over_last(LogSoftmax, x, axis)
    }

    /// Applies an op of the last axis along another one.
    fn over_last(&mut self, op: impl Op, x: Val, axis: usize) -> Result<Val> {
        let rank = self.ty(x).shape.rank();
        if axis + 1 >= rank {
            return self.push(op, &[x]);
        }
        // Exchanging two axes is its own inverse.
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(axis, rank - 1);
        let x = self.transpose(x, &axes)?;
        let y = self.push(op, &[x])?;
        self.transpose(y, &axes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::shape::Shape;

    #[test]
    fn kernels_agree_with_the_definition() {
        for shape in [&[7][..], &[3, 5], &[40, 300], &[2, 3, 9], &[0, 4]] {
            let x = noise(shape, 4);
            for op in [&Softmax as &dyn Op, &LogSoftmax] {
                let mut g = Graph::new();
                let v = g.constant(x.clone());
                let want = op.decompose(&mut g, &[v]).unwrap().unwrap()[0];
                let want = eval(&g, &[want]).unwrap().remove(0);
                assert_close(&run(op, std::slice::from_ref(&x)).unwrap()[0], &want, 1e-12);
                assert_close(&run(op, &[cast(&x, DType::F32)]).unwrap()[0], &want, 1e-5);
            }
        }
    }

    #[test]
    fn large_numbers_do_not_overflow() {
        let y = run(&Softmax, &[f32s(&[2], &[1e30, -1e30])]).unwrap().remove(0);
        assert_eq!(y.as_slice::<f32>(), [1.0, 0.0]);
    }

    #[test]
    fn gradients() {
        check_two_gradients(&[noise(&[2, 4], 1)], &|g, x| g.softmax(x[0], 1));
        check_two_gradients(&[noise(&[2, 4], 1)], &|g, x| g.log_softmax(x[0], 1));
        check_gradient(&[noise(&[2, 3, 2], 1)], &|g, x| g.softmax(x[0], 1));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ints = Ty::new(DType::I32, Shape::new(&[2]).unwrap());
        assert_eq!(refusal(Softmax, &[ints]), "softmax: x has dtype int32; expected a floating-point dtype");
        let scalar = Ty::new(DType::F32, Shape::scalar());
        assert_eq!(refusal(LogSoftmax, &[scalar]), "log_softmax: x is a scalar; expected at least one axis");
    }
}
