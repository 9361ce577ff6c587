//! Softmax and the losses made of it.

use dlrs_core::DType;
use dlrs_core::ops::attention::Attention;
use dlrs_core::ops::ctc::Ctc;
use dlrs_core::ops::ctc_decode::{CtcBeam, CtcGreedy};
use dlrs_core::ops::loss::{SoftmaxCrossEntropy, SparseSoftmaxCrossEntropy};
use pyo3::prelude::*;

use super::elementwise::{float_of, floating};
use super::shape::axis_of;
use crate::call::{self, apply_heavy, composite, only};
use crate::errors::{Result, fail};
use crate::operand::{Arg, promote, to_all};
use crate::tensor::PyTensor;

/// exp(x) / Σ exp(x) along an axis.
#[pyfunction]
#[pyo3(signature = (x, axis=-1))]
pub fn softmax(x: Arg, axis: isize) -> Result<PyTensor> {
    let x = floating(x)?;
    let axis = axis_of("softmax", axis, x.ty().shape.rank())?;
    only(composite(("softmax", axis), &[x], |g, v| Ok(vec![g.softmax(v[0], axis)?]))?)
}

/// The logarithm of softmax along an axis.
#[pyfunction]
#[pyo3(signature = (x, axis=-1))]
pub fn log_softmax(x: Arg, axis: isize) -> Result<PyTensor> {
    let x = floating(x)?;
    let axis = axis_of("log_softmax", axis, x.ty().shape.rank())?;
    only(composite(("log_softmax", axis), &[x], |g, v| Ok(vec![g.log_softmax(v[0], axis)?]))?)
}

/// −Σ labels · log_softmax(logits) over the last axis.
#[pyfunction]
pub fn softmax_cross_entropy(logits: Arg, labels: Arg) -> Result<PyTensor> {
    let dtype = float_of(promote([&logits, &labels]));
    call::tensor(SoftmaxCrossEntropy, &[logits.to(dtype)?, labels.to(dtype)?])
}

/// −log_softmax(logits)[label] over the last axis.
#[pyfunction]
pub fn sparse_softmax_cross_entropy(logits: Arg, labels: Arg) -> Result<PyTensor> {
    let labels = match labels.dtype() {
        DType::I32 | DType::I64 => labels.own()?,
        dtype if dtype.is_int() => labels.to(dtype.working())?,
        dtype => fail!(Type, "sparse_softmax_cross_entropy: labels have dtype {dtype}; expected integers"),
    };
    call::tensor(SparseSoftmaxCrossEntropy, &[floating(logits)?, labels])
}

/// softmax(scale · query · keyᵀ + bias) · value, head by head: query (batch, targets, heads, features), key (batch, sources, groups,
/// features), value (batch, sources, groups, width); bias and mask broadcast to (batch, heads, targets, sources).
#[pyfunction]
#[pyo3(signature = (query, key, value, bias, mask, scale, is_causal))]
pub fn dot_product_attention(
    query: Arg,
    key: Arg,
    value: Arg,
    bias: Option<Arg>,
    mask: Option<Arg>,
    scale: f64,
    is_causal: bool,
) -> Result<PyTensor> {
    let dtype = float_of(promote([&query, &key, &value]));
    let mut operands = to_all([query, key, value], dtype)?.to_vec();
    let op = Attention::new(scale, is_causal, bias.is_some(), mask.is_some());
    if let Some(bias) = bias {
        operands.push(bias.to(dtype)?);
    }
    if let Some(mask) = mask {
        operands.push(mask.to(DType::Bool)?);
    }
    let sources = operands[1].ty().shape.get(1).copied().unwrap_or(1);
    let work = operands[0].ty().shape.size().saturating_mul(4 * sources);
    apply_heavy(op, &operands, work).map(PyTensor::from)
}

/// −ln of the probability of label sequences, summed over their alignments with the steps of logits.
#[pyfunction]
#[pyo3(signature = (target, output, target_length, output_length, mask_index=0))]
pub fn ctc_loss(
    target: Arg,
    output: Arg,
    target_length: Arg,
    output_length: Arg,
    mask_index: usize,
) -> Result<PyTensor> {
    let integers = [target, target_length, output_length].map(|x| x.to(DType::I32));
    let operands = std::iter::once(floating(output)).chain(integers).collect::<Result<Vec<_>>>()?;
    let loss = call::apply(Ctc { blank: mask_index }, &operands)?.swap_remove(0);
    Ok(PyTensor::from(loss))
}

/// The likeliest label sequences, int32 (paths, batch, steps), and their scores, (batch, paths): of logits the one of each step's best class if
/// there is no `beam_width`, else of logarithms of probabilities the `top_paths` best.
#[pyfunction]
#[pyo3(signature = (inputs, sequence_lengths, beam_width, top_paths, merge_repeated, mask_index))]
pub fn ctc_decode(
    inputs: Arg,
    sequence_lengths: Arg,
    beam_width: Option<usize>,
    top_paths: usize,
    merge_repeated: bool,
    mask_index: usize,
) -> Result<(PyTensor, PyTensor)> {
    let operands = [floating(inputs)?, sequence_lengths.to(DType::I32)?];
    let results = match beam_width {
        Some(width) => call::apply(CtcBeam { width, top: top_paths, blank: mask_index }, &operands)?,
        None => call::apply(CtcGreedy { merge_repeated, blank: mask_index }, &operands)?,
    };
    let [paths, scores]: [_; 2] = results.try_into().expect("decoding has two results");
    Ok((paths.into(), scores.into()))
}
