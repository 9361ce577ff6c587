//! Optimizer updates, each one pass over the state: new values in the order of the arguments.

use dlrs_core::ops::Op;
use dlrs_core::ops::optim::{Adam, Momentum, Nesterov, Rmsprop, RmspropMomentum, Sgd, StateUpdate};
use pyo3::prelude::*;

use crate::call::apply;
use crate::errors::{Result, fail};
use crate::operand::Arg;
use crate::tensor::PyTensor;

/// w − lr·g.
#[pyfunction]
pub fn sgd_update(w: Arg, g: Arg, lr: Arg) -> Result<PyTensor> {
    let [w] = update(StateUpdate(Sgd), [w], g, lr)?;
    Ok(w)
}

/// SGD with momentum, Nesterov's if asked.
#[pyfunction]
pub fn momentum_update(w: Arg, v: Arg, g: Arg, lr: Arg, momentum: f64, nesterov: bool) -> Result<(PyTensor, PyTensor)> {
    let [w, v] = if nesterov {
        update(StateUpdate(Nesterov { momentum }), [w, v], g, lr)?
    } else {
        update(StateUpdate(Momentum { momentum }), [w, v], g, lr)?
    };
    Ok((w, v))
}

/// RMSprop in its plain form.
#[pyfunction]
pub fn rmsprop_update(w: Arg, s: Arg, g: Arg, lr: Arg, rho: f64, epsilon: f64) -> Result<(PyTensor, PyTensor)> {
    let [w, s] = update(StateUpdate(Rmsprop { rho, epsilon }), [w, s], g, lr)?;
    Ok((w, s))
}

/// RMSprop whose steps are gathered.
#[pyfunction]
pub fn rmsprop_momentum_update(
    w: Arg,
    s: Arg,
    m: Arg,
    g: Arg,
    lr: Arg,
    rho: f64,
    momentum: f64,
    epsilon: f64,
) -> Result<(PyTensor, PyTensor, PyTensor)> {
    let [w, s, m] = update(StateUpdate(RmspropMomentum { rho, momentum, epsilon }), [w, s, m], g, lr)?;
    Ok((w, s, m))
}

/// Adam; `alpha` is lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ).
#[pyfunction]
pub fn adam_update(
    w: Arg,
    m: Arg,
    v: Arg,
    g: Arg,
    alpha: Arg,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
) -> Result<(PyTensor, PyTensor, PyTensor)> {
    let [w, m, v] = update(StateUpdate(Adam { beta_1, beta_2, epsilon }), [w, m, v], g, alpha)?;
    Ok((w, m, v))
}

/// The states keep their dtypes; the gradient and the step size are cast to the weights'.
fn update<const N: usize>(op: impl Op, states: [Arg; N], gradient: Arg, step: Arg) -> Result<[PyTensor; N]> {
    let dtype = states[0].dtype();
    let operands = states.into_iter().chain([gradient, step]).map(|a| a.to(dtype)).collect::<Result<Vec<_>>>()?;
    let results: Vec<PyTensor> = apply(op, &operands)?.into_iter().map(PyTensor::from).collect();
    match results.try_into() {
        Ok(results) => Ok(results),
        Err(_) => fail!(Internal, "an update has as many results as states"),
    }
}
