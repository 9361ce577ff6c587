//! Random numbers, keyed by a seed and a counter.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::random::{Distribution, Draw, Normal, Uniform};
use dlrs_core::{DType, Shape, Ty};
use pyo3::prelude::*;

use crate::array::shape_of;
use crate::call;
use crate::errors::Result;
use crate::operand::{Arg, DTypeArg};
use crate::tensor::PyTensor;

/// Uniform draws from [0, 1). `seed` holds a seed and a counter: equal ones give equal numbers.
#[pyfunction]
#[pyo3(signature = (shape, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_uniform(shape: Vec<isize>, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    draw::<Uniform>(dtype.0, shape_of("random_uniform", &shape)?, seed)
}

/// Draws from the normal distribution of mean 0 and variance 1.
#[pyfunction]
#[pyo3(signature = (shape, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_normal(shape: Vec<isize>, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    draw::<Normal>(dtype.0, shape_of("random_normal", &shape)?, seed)
}

/// Halves are rounded draws of single precision.
fn draw<D: Distribution>(dtype: DType, shape: Shape, seed: Arg) -> Result<PyTensor> {
    let ty = Ty::new(if dtype.is_float() { dtype.working() } else { dtype }, shape);
    let y = call::apply1(Draw::<D>::of(ty), &[seed.to(DType::I64)?])?;
    if ty.dtype == dtype { Ok(y.into()) } else { call::identity(&call::cast(&Operand::Value(y), dtype)?) }
}
