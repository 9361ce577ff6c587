//! Tensors from values.

use dlrs_core::dispatch::concrete;
use dlrs_core::{DType, Tensor, Ty};
use dlrs_kernels::mem::Buffer;
use pyo3::prelude::*;

use crate::array::{shape_of, tensor_from};
use crate::call::{cast, identity, value_of};
use crate::errors::{Result, fail};
use crate::operand::{Arg, Axes, DTypeArg};
use crate::tensor::PyTensor;

/// A tensor of a value: Python floats become float32, ints int32; arrays keep their dtype.
#[pyfunction]
#[pyo3(signature = (value, dtype=None))]
pub fn tensor<'py>(value: &Bound<'py, PyAny>, dtype: Option<DTypeArg>) -> Result<Bound<'py, PyTensor>> {
    let py = value.py();
    if let Ok(tensor) = value.cast::<PyTensor>()
        && dtype.is_none_or(|d| d.0 == tensor.get().ty().dtype)
    {
        return Ok(tensor.clone());
    }
    let made = match (Arg::plain(value)?, dtype) {
        (Some(arg), Some(dtype)) => identity(&arg.to(dtype.0)?)?,
        (Some(arg), None) => value_of(&arg.own()?)?.into(),
        (None, dtype) => tensor_from(value, dtype.map(|d| d.0))?.into(),
    };
    Ok(Bound::new(py, made)?)
}

/// A tensor with all elements `value`, a number or a tensor of one element.
#[pyfunction]
pub fn full(shape: Axes, value: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    let ty = Ty::new(dtype.0, shape_of("full", &shape)?);
    let one = match value {
        Arg::Number(number) => number.tensor(ty.dtype)?,
        Arg::Operand(operand) => concrete(&cast(&operand, ty.dtype)?)?,
    };
    if one.shape().size() != 1 {
        fail!(Value, "full: value has shape {}; expected one element", one.shape());
    }
    if !matches!(ty.dtype, DType::I64 | DType::U64) {
        return Ok(Tensor::full(ty, one.get(0))?.into());
    }
    // Larger integers would not survive the way through f64.
    let mut buffer = Buffer::recycled(ty.bytes()).map_err(dlrs_core::Error::from)?;
    buffer.as_mut_slice::<u64>().fill(one.as_slice::<u64>()[0]);
    Ok(Tensor::from_buffer(ty, buffer).into())
}
