//! Cross-entropy of logits, with the softmax inside.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::loss::{
    BadLabel, cross_entropy, cross_entropy_gradient, sparse_cross_entropy, sparse_cross_entropy_gradient,
};
use dlrs_kernels::mem::{Body, TileIo};

use super::index::{Indices, check_indices};
use super::tiles::TILE;
use super::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};
use crate::{DType, bail};

/// −ln of the label's softmax over the last axis of the logits `[.., n]`, with labels `[..]` in 0..n. A label outside ends the run.
#[derive(Clone, Copy, Hash, Debug)]
pub struct SparseSoftmaxCrossEntropy;

/// The gradient of [`SparseSoftmaxCrossEntropy`] with respect to the logits: (softmax(logits) − onehot(label)) · d.
#[derive(Clone, Copy, Hash, Debug)]
pub struct SparseSoftmaxCrossEntropyGradient;

/// −Σ p · ln softmax(logits) over the last axis, for a distribution p of the logits' shape.
#[derive(Clone, Copy, Hash, Debug)]
pub struct SoftmaxCrossEntropy;

/// The gradient of [`SoftmaxCrossEntropy`] with respect to the logits: (softmax(logits) · Σ p − p) · d.
#[derive(Clone, Copy, Hash, Debug)]
pub struct SoftmaxCrossEntropyGradient;

const SPARSE: &str = "sparse_softmax_cross_entropy";
const DENSE: &str = "softmax_cross_entropy";

/// Checks the logits; the type of the losses.
fn infer_loss(op: &str, logits: Ty) -> Result<Ty> {
    if !logits.dtype.is_float() {
        bail!(Type, "{op}: logits has dtype {}; expected a floating-point dtype", logits.dtype);
    }
    let Some((&classes, outer)) = logits.shape.split_last() else {
        bail!("{op}: logits is a scalar; expected at least one axis");
    };
    if classes == 0 {
        bail!("{op}: logits of shape {} has no classes", logits.shape);
    }
    Ok(Ty::new(logits.dtype, Shape::new(outer)?))
}

fn infer_sparse(op: &str, logits: Ty, labels: Ty) -> Result<Ty> {
    let loss = infer_loss(op, logits)?;
    check_indices(op, "labels", labels)?;
    if labels.shape != loss.shape {
        bail!(
            "{op}: labels of shape {} for logits of shape {}; expected labels of shape {}",
            labels.shape,
            logits.shape,
            loss.shape
        );
    }
    Ok(loss)
}

fn infer_dense(op: &str, logits: Ty, labels: Ty) -> Result<Ty> {
    let loss = infer_loss(op, logits)?;
    if labels.dtype != logits.dtype {
        bail!(Type, "{op}: labels has dtype {}, logits has dtype {}", labels.dtype, logits.dtype);
    }
    if labels.shape != logits.shape {
        bail!("{op}: labels of shape {} for logits of shape {}; expected one shape", labels.shape, logits.shape);
    }
    Ok(loss)
}

fn infer_gradient(op: &str, logits: Ty, loss: Ty, d: Ty) -> Result<Vec<Ty>> {
    if d != loss {
        bail!("{op}: the losses' gradient has type {d}; expected {loss}");
    }
    Ok(vec![logits])
}

impl Op for SparseSoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        SPARSE
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(SPARSE, inputs, 2)?;
        Ok(vec![infer_sparse(SPARSE, inputs[0], inputs[1])?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let d = g.push(SparseSoftmaxCrossEntropyGradient, &[node.inputs[0], node.inputs[1], d])?;
        Ok(vec![Some(d), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body: Body = match cx.inputs[0].dtype {
            DType::F32 => sparse_body::<f32>(cx),
            _ => sparse_body::<f64>(cx),
        };
        Ok(lower_loss(cx, body))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (logits, labels) = (inputs[0], inputs[1]);
        let last = g.ty(logits).shape.rank() - 1;
        let logarithms = g.log_softmax(logits, last)?;
        let is_label = is_label(g, logits, labels)?;
        let zero = g.scalar_like(logits, 0.0)?;
        let chosen = g.select(is_label, logarithms, zero)?;
        let sum = g.sum(chosen, &[last], false)?;
        Ok(Some(vec![g.neg(sum)?]))
    }
}

impl Op for SparseSoftmaxCrossEntropyGradient {
    fn name(&self) -> &'static str {
        "sparse_softmax_cross_entropy_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 3)?;
        let loss = infer_sparse(self.name(), inputs[0], inputs[1])?;
        infer_gradient(self.name(), inputs[0], loss, inputs[2])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body: Body = match cx.inputs[0].dtype {
            DType::F32 => sparse_gradient_body::<f32>(cx),
            _ => sparse_gradient_body::<f64>(cx),
        };
        Ok(lower_gradient(cx, body))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (logits, labels, d) = (inputs[0], inputs[1], inputs[2]);
        let probabilities = g.softmax(logits, g.ty(logits).shape.rank() - 1)?;
        let is_label = is_label(g, logits, labels)?;
        let onehot = g.cast(is_label, g.ty(logits).dtype)?;
        let error = g.sub(probabilities, onehot)?;
        let d = g.unsqueeze_last(d)?;
        Ok(Some(vec![g.mul(error, d)?]))
    }
}

impl Op for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        DENSE
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(DENSE, inputs, 2)?;
        Ok(vec![infer_dense(DENSE, inputs[0], inputs[1])?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (logits, labels) = (node.inputs[0], node.inputs[1]);
        let d_logits = g.push(SoftmaxCrossEntropyGradient, &[logits, labels, d])?;
        let logarithms = g.log_softmax(logits, g.ty(logits).shape.rank() - 1)?;
        let minus_d = g.neg(d)?;
        let minus_d = g.unsqueeze_last(minus_d)?;
        Ok(vec![Some(d_logits), Some(g.mul(logarithms, minus_d)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body: Body = match cx.inputs[0].dtype {
            DType::F32 => dense_body::<f32>(cx),
            _ => dense_body::<f64>(cx),
        };
        Ok(lower_loss(cx, body))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let last = g.ty(inputs[0]).shape.rank() - 1;
        let logarithms = g.log_softmax(inputs[0], last)?;
        let weighted = g.mul(inputs[1], logarithms)?;
        let sum = g.sum(weighted, &[last], false)?;
        Ok(Some(vec![g.neg(sum)?]))
    }
}

impl Op for SoftmaxCrossEntropyGradient {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 3)?;
        let loss = infer_dense(self.name(), inputs[0], inputs[1])?;
        infer_gradient(self.name(), inputs[0], loss, inputs[2])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body: Body = match cx.inputs[0].dtype {
            DType::F32 => dense_gradient_body::<f32>(cx),
            _ => dense_gradient_body::<f64>(cx),
        };
        Ok(lower_gradient(cx, body))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (logits, labels, d) = (inputs[0], inputs[1], inputs[2]);
        let probabilities = g.softmax(logits, g.ty(logits).shape.rank() - 1)?;
        let weight = g.sum_last(labels)?;
        let weighted = g.mul(probabilities, weight)?;
        let error = g.sub(weighted, labels)?;
        let d = g.unsqueeze_last(d)?;
        Ok(Some(vec![g.mul(error, d)?]))
    }
}

/// Whether each class is the row's label: labels `[..]` against 0..n.
fn is_label(g: &mut Graph, logits: Val, labels: Val) -> Result<Val> {
    let shape = g.ty(logits).shape;
    let classes = shape[shape.rank() - 1];
    let dtype = g.ty(labels).dtype;
    let numbers = match dtype {
        DType::I32 => Tensor::from_slice(dtype, &[classes], &(0..classes as i32).collect::<Vec<_>>())?,
        _ => Tensor::from_slice(dtype, &[classes], &(0..classes as i64).collect::<Vec<_>>())?,
    };
    let numbers = g.constant(numbers);
    let labels = g.unsqueeze_last(labels)?;
    g.equal(labels, numbers)
}

fn classes(cx: &LowerCx<'_>) -> usize {
    *cx.inputs[0].shape.last().expect("checked by the shape rule")
}

/// Tiles of losses, one element per row of the logits.
fn lower_loss(cx: &LowerCx<'_>, body: Body) -> Lowered {
    let chunk = TILE / 4 / classes(cx);
    Lowered::by_rows(cx.outputs[0].shape.size(), 1, chunk, 1, body).cost(cost(cx))
}

/// Tiles of the logits' gradient: whole rows.
fn lower_gradient(cx: &LowerCx<'_>, body: Body) -> Lowered {
    let n = classes(cx);
    Lowered::by_rows(cx.outputs[0].shape.size() / n, n, TILE / 4 / n, 1, body).cost(cost(cx))
}

fn cost(cx: &LowerCx<'_>) -> f64 {
    let per_element = if cx.inputs[0].dtype == DType::F32 { 0.4 } else { 8.0 };
    let size = cx.inputs[0].shape.size();
    20.0 + 15.0 * (size / classes(cx)) as f64 + per_element * size as f64
}

/// Which rows a tile of losses covers.
fn loss_rows(io: &TileIo<'_>) -> Range<usize> {
    io.rect(0).start..io.rect(0).start + io.rect(0).rows
}

/// Which rows a tile of the gradient covers.
fn gradient_rows(io: &TileIo<'_>, cols: usize) -> Range<usize> {
    let first = io.rect(0).start / cols;
    first..first + io.rect(0).rows
}

fn refuse(io: &mut TileIo<'_>, outcome: std::result::Result<(), BadLabel>, cols: usize) {
    if let Err(BadLabel { row, label }) = outcome {
        io.refuse(format!("{SPARSE}: label {label} in row {row} is out of range for {cols} classes"));
    }
}

fn sparse_body<T: Real>(cx: &LowerCx<'_>) -> Body {
    let (isa, cols): (Isa, usize) = (cx.isa, classes(cx));
    Arc::new(move |_, io| {
        let (x, rows) = (io.input::<T>(0), loss_rows(io));
        let mut loss = io.output::<T>(0);
        let outcome = match Indices::of(io, 1) {
            Indices::I32(labels) => sparse_cross_entropy(isa, x, cols, labels, rows, loss.as_slice()),
            Indices::I64(labels) => sparse_cross_entropy(isa, x, cols, labels, rows, loss.as_slice()),
        };
        refuse(io, outcome, cols);
    })
}

fn sparse_gradient_body<T: Real>(cx: &LowerCx<'_>) -> Body {
    let (isa, cols): (Isa, usize) = (cx.isa, classes(cx));
    Arc::new(move |_, io| {
        let (x, d, rows) = (io.input::<T>(0), io.input::<T>(2), gradient_rows(io, cols));
        let dx = io.output::<T>(0);
        let outcome = match Indices::of(io, 1) {
            Indices::I32(labels) => sparse_cross_entropy_gradient(isa, x, cols, labels, d, rows, dx),
            Indices::I64(labels) => sparse_cross_entropy_gradient(isa, x, cols, labels, d, rows, dx),
        };
        refuse(io, outcome, cols);
    })
}

fn dense_body<T: Real>(cx: &LowerCx<'_>) -> Body {
    let (isa, cols): (Isa, usize) = (cx.isa, classes(cx));
    Arc::new(move |_, io| {
        let rows = loss_rows(io);
        cross_entropy::<T>(isa, io.input(0), cols, io.input(1), rows, io.output(0).as_slice());
    })
}

fn dense_gradient_body<T: Real>(cx: &LowerCx<'_>) -> Body {
    let (isa, cols): (Isa, usize) = (cx.isa, classes(cx));
    Arc::new(move |_, io| {
        let rows = gradient_rows(io, cols);
        cross_entropy_gradient::<T>(isa, io.input(0), cols, io.input(1), io.input(2), rows, io.output(0));
    })
}

impl Graph {
    /// `x` with an axis of length 1 at the end.
    pub(crate) fn unsqueeze_last(&mut self, x: Val) -> Result<Val> {
        let dims = [self.ty(x).shape.dims(), &[1]].concat();
        self.reshape(x, Shape::new(&dims)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::error::Error;

    fn compare(op: &dyn Op, inputs: &[Tensor]) {
        let mut g = Graph::new();
        let args: Vec<Val> = inputs.iter().map(|x| g.constant(x.clone())).collect();
        let want = op.decompose(&mut g, &args).unwrap().unwrap()[0];
        let want = eval(&g, &[want]).unwrap().remove(0);
        assert_close(&run(op, inputs).unwrap()[0], &want, 1e-12);
        let single: Vec<Tensor> =
            inputs.iter().map(|x| if x.dtype() == DType::F64 { cast(x, DType::F32) } else { x.clone() }).collect();
        assert_close(&run(op, &single).unwrap()[0], &want, 1e-5);
    }

    #[test]
    fn kernels_agree_with_the_definitions() {
        for (outer, n) in [(&[][..], 5), (&[3], 1), (&[64], 10), (&[300], 70), (&[2, 3], 9)] {
            let shape = [outer, &[n]].concat();
            let count = outer.iter().product::<usize>();
            let labels: Vec<i32> = (0..count as i32).map(|i| i * 7 % n as i32).collect();
            let wide: Vec<i64> = labels.iter().map(|&l| l.into()).collect();
            let (logits, d) = (noise(&shape, 1), noise(outer, 2));
            for labels in [i32s(outer, &labels), i64s(outer, &wide)] {
                compare(&SparseSoftmaxCrossEntropy, &[logits.clone(), labels.clone()]);
                compare(&SparseSoftmaxCrossEntropyGradient, &[logits.clone(), labels, d.clone()]);
            }
            let p = noise(&shape, 3);
            compare(&SoftmaxCrossEntropy, &[logits.clone(), p.clone()]);
            compare(&SoftmaxCrossEntropyGradient, &[logits.clone(), p, d]);
        }
    }

    #[test]
    fn gradients() {
        let (logits, labels) = (noise(&[3, 4], 1), i32s(&[3], &[1, 3, 0]));
        check_two_gradients(&[logits.clone(), labels], &|g, x| g.push(SparseSoftmaxCrossEntropy, x));
        check_two_gradients(&[logits, noise(&[3, 4], 2)], &|g, x| g.push(SoftmaxCrossEntropy, x));
    }

    #[test]
    fn a_label_out_of_range_is_named() {
        let want = "sparse_softmax_cross_entropy: label 3 in row 1 is out of range for 3 classes";
        let (logits, labels) = (noise(&[2, 3], 1), i32s(&[2], &[0, 3]));
        let error = run(&SparseSoftmaxCrossEntropy, &[logits, labels]).unwrap_err();
        assert_eq!(error, Error::Index(want.into()));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let (x, column) = (ty(DType::F32, &[2, 3]), ty(DType::I32, &[2, 1]));
        assert_eq!(
            refusal(SparseSoftmaxCrossEntropy, &[x, column]),
            "sparse_softmax_cross_entropy: labels of shape (2, 1) for logits of shape (2, 3); expected labels of shape (2,)"
        );
        assert!(refusal(SparseSoftmaxCrossEntropy, &[x, x]).contains("labels has dtype float32"));
        assert!(refusal(SoftmaxCrossEntropy, &[x, ty(DType::F32, &[2])]).contains("expected one shape"));
        assert!(refusal(SoftmaxCrossEntropy, &[ty(DType::F32, &[2, 0]), x]).contains("has no classes"));
    }
}
