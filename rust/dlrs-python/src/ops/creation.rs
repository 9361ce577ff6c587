//! Tensors from values.

use dlrs_core::{Tensor, Ty};
use pyo3::prelude::*;

use crate::array::{shape_of, tensor_from};
use crate::call::{identity, value_of};
use crate::errors::Result;
use crate::operand::{Arg, DTypeArg};
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

/// A tensor with all elements `value`.
#[pyfunction]
pub fn full(shape: Vec<isize>, value: f64, dtype: DTypeArg) -> Result<PyTensor> {
    Ok(Tensor::full(Ty::new(dtype.0, shape_of("full", &shape)?), value)?.into())
}
