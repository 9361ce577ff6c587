//! Recurrent layers.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::Op;
use dlrs_core::ops::masked::{MaskedMatMul, Rest, live_rows};
use dlrs_core::ops::recurrent::gru::Gru;
use dlrs_core::ops::recurrent::lstm::Lstm;
use dlrs_core::ops::recurrent::reset_before::GruResetBefore;
use dlrs_core::ops::recurrent::simple_rnn::SimpleRnn;
use dlrs_core::ops::recurrent::{Activation, Steps};
use dlrs_core::{DType, Graph, Val};
use pyo3::prelude::*;

use super::elementwise::float_of;
use crate::call;
use crate::errors::{Result, fail};
use crate::operand::{Arg, promote, to_all};
use crate::tensor::PyTensor;

/// x·W + b for the steps that the mask allows. What stands at the others is no result: it is for recurrent layers with the same mask.
#[pyfunction]
pub fn masked_matmul(x: Arg, kernel: Arg, bias: Option<Arg>, mask: Arg) -> Result<PyTensor> {
    let op = |bias| MaskedMatMul { transpose_b: false, bias, rest: Rest::Left };
    let [z] = match bias {
        Some(bias) => run("masked_matmul", op(true), [x, kernel, bias], Some(mask), true)?,
        None => run("masked_matmul", op(false), [x, kernel], Some(mask), true)?,
    };
    Ok(z)
}

/// All steps of a long short-term memory, from z = x·W + b.
#[pyfunction]
#[pyo3(signature = (z, h0, c0, recurrent_kernel, mask=None, reverse=false, z_is_masked=false))]
pub fn lstm(
    z: Arg,
    h0: Arg,
    c0: Arg,
    recurrent_kernel: Arg,
    mask: Option<Arg>,
    reverse: bool,
    z_is_masked: bool,
) -> Result<(PyTensor, PyTensor, PyTensor)> {
    let steps = Steps { masked: mask.is_some(), reverse };
    let [sequence, last_h, last_c] = run("lstm", Lstm(steps), [z, h0, c0, recurrent_kernel], mask, z_is_masked)?;
    Ok((sequence, last_h, last_c))
}

/// All steps of gated recurrent units: with a bias of the recurrent products the reset gate is applied after them, else before.
#[pyfunction]
#[pyo3(signature = (z, h0, recurrent_kernel, recurrent_bias=None, mask=None, reverse=false, z_is_masked=false))]
pub fn gru(
    z: Arg,
    h0: Arg,
    recurrent_kernel: Arg,
    recurrent_bias: Option<Arg>,
    mask: Option<Arg>,
    reverse: bool,
    z_is_masked: bool,
) -> Result<(PyTensor, PyTensor)> {
    let steps = Steps { masked: mask.is_some(), reverse };
    let [sequence, last_h] = match recurrent_bias {
        Some(bias) => run("gru", Gru(steps), [z, h0, recurrent_kernel, bias], mask, z_is_masked)?,
        None => run("gru", GruResetBefore(steps), [z, h0, recurrent_kernel], mask, z_is_masked)?,
    };
    Ok((sequence, last_h))
}

/// All steps of a simple recurrent network.
#[pyfunction]
#[pyo3(signature = (z, h0, recurrent_kernel, mask=None, activation="tanh", reverse=false, z_is_masked=false))]
pub fn simple_rnn(
    z: Arg,
    h0: Arg,
    recurrent_kernel: Arg,
    mask: Option<Arg>,
    activation: &str,
    reverse: bool,
    z_is_masked: bool,
) -> Result<(PyTensor, PyTensor)> {
    let activation = match activation {
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        _ => fail!(Value, "simple_rnn: activation is {activation:?}; expected \"tanh\" or \"relu\""),
    };
    let steps = Steps { masked: mask.is_some(), reverse };
    let [sequence, last_h] =
        run("simple_rnn", SimpleRnn { steps, activation }, [z, h0, recurrent_kernel], mask, z_is_masked)?;
    Ok((sequence, last_h))
}

/// The first results of the op of floats in one dtype and, last, the mask. Ops leave denied steps of the gradient with respect to their
/// first operand unwritten: if it is not masked already, it is made so.
fn run<const N: usize, const K: usize>(
    name: &str,
    op: impl Op,
    floats: [Arg; N],
    mask: Option<Arg>,
    is_masked: bool,
) -> Result<[PyTensor; K]> {
    let dtype = float_of(promote(floats.each_ref()));
    let mut operands: Vec<Operand> = to_all(floats, dtype)?.into();
    if let Some(mask) = mask {
        let mask = mask.own()?;
        if mask.ty().dtype != DType::Bool {
            fail!(Type, "{name}: mask has dtype {}; expected bool", mask.ty().dtype);
        }
        operands.push(mask);
        if !is_masked {
            op.infer(&operands.iter().map(Operand::ty).collect::<Vec<_>>())?;
            let live = |g: &mut Graph, v: &[Val]| Ok(vec![live_rows(g, v[0], v[1])?]);
            let z_and_mask = [operands[0].clone(), operands[operands.len() - 1].clone()];
            operands[0] = Operand::Value(call::composite("live_rows", &z_and_mask, live)?.remove(0));
        }
    }
    let mut values = call::apply(op, &operands)?.into_iter();
    Ok(std::array::from_fn(|_| PyTensor::from(values.next().expect("an op has all its results"))))
}
