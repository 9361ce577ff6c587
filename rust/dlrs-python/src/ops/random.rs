//! Random numbers, keyed by a seed and a counter.

use dlrs_core::dispatch::Operand;
use dlrs_core::ops::Ewise;
use dlrs_core::ops::random::{Distribution, Draw, Normal, Uniform};
use dlrs_core::ops::variates::{Family, Variates};
use dlrs_core::{DType, Shape, Ty};
use pyo3::prelude::*;

use crate::array::shape_of;
use crate::call::{self, apply1};
use crate::errors::Result;
use crate::operand::{Arg, Axes, DTypeArg};
use crate::tensor::PyTensor;

/// Uniform draws from [0, 1). `seed` holds a seed and a counter: equal ones give equal numbers.
#[pyfunction]
#[pyo3(signature = (shape, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_uniform(shape: Axes, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    draw::<Uniform>(dtype.0, shape_of("random_uniform", &shape)?, seed)
}

/// Draws from the normal distribution of mean 0 and variance 1.
#[pyfunction]
#[pyo3(signature = (shape, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_normal(shape: Axes, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    draw::<Normal>(dtype.0, shape_of("random_normal", &shape)?, seed)
}

/// Halves are rounded draws of single precision.
fn draw<D: Distribution>(dtype: DType, shape: Shape, seed: Arg) -> Result<PyTensor> {
    let ty = Ty::new(if dtype.is_float() { dtype.working() } else { dtype }, shape);
    let y = call::apply1(Draw::<D>::of(ty), &[seed.to(DType::I64)?])?;
    if ty.dtype == dtype { Ok(y.into()) } else { call::identity(&call::cast(&Operand::Value(y), dtype)?) }
}

/// Gamma numbers of shape `alpha`, a number or one for every element, and scale 1.
#[pyfunction]
#[pyo3(signature = (shape, alpha, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_gamma(shape: Axes, alpha: Arg, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    variates(Family::Gamma, "random_gamma", &shape, [alpha], seed, dtype)
}

/// Beta numbers of shapes `alpha` and `beta`.
#[pyfunction]
#[pyo3(signature = (shape, alpha, beta, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_beta(shape: Axes, alpha: Arg, beta: Arg, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    variates(Family::Beta, "random_beta", &shape, [alpha, beta], seed, dtype)
}

/// Successes in `counts` trials with probabilities `probabilities`.
#[pyfunction]
#[pyo3(signature = (shape, counts, probabilities, seed, dtype=DTypeArg(DType::F32)))]
pub fn random_binomial(shape: Axes, counts: Arg, probabilities: Arg, seed: Arg, dtype: DTypeArg) -> Result<PyTensor> {
    variates(Family::Binomial, "random_binomial", &shape, [counts, probabilities], seed, dtype)
}

fn variates<const N: usize>(
    family: Family,
    name: &str,
    shape: &[isize],
    parameters: [Arg; N],
    seed: Arg,
    dtype: DTypeArg,
) -> Result<PyTensor> {
    let dtype = dtype.0;
    let ty = Ty::new(if dtype.is_float() { dtype.working() } else { dtype }, shape_of(name, shape)?);
    let mut operands = vec![seed.to(DType::I64)?];
    for parameter in parameters {
        let parameter = parameter.to(DType::F64)?;
        let have = parameter.ty().shape;
        let given = have.rank() == 0 || have == ty.shape;
        operands.push(if given {
            parameter
        } else {
            Operand::Value(apply1(Ewise::BroadcastTo(ty.shape), &[parameter])?)
        });
    }
    let y = apply1(Variates { family, ty }, &operands)?;
    if ty.dtype == dtype { Ok(y.into()) } else { call::identity(&call::cast(&Operand::Value(y), dtype)?) }
}
