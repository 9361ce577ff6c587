//! Random numbers, keyed by a seed and a counter.

use dlrs_core::ops::random::{Draw, Normal, Uniform};
use dlrs_core::{DType, Ty};
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
    let ty = Ty::new(dtype.0, shape_of("random_uniform", &shape)?);
    call::tensor(Draw::<Uniform>::of(ty), &[seed.to(DType::I64)?])
}

/// Draws from the normal distribution of mean 0 and variance 1.
#[pyfunction]
#[pyo3(signature = (shape, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_normal(shape: Vec<isize>, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    let ty = Ty::new(dtype.0, shape_of("random_normal", &shape)?);
    call::tensor(Draw::<Normal>::of(ty), &[seed.to(DType::I64)?])
}
