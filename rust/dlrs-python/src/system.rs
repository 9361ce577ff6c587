//! State of the machine and the process: threads, instruction sets, measured peaks.

use std::collections::BTreeMap;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{MAX_THREADS, requested_threads, set_threads, team};
use dlrs_kernels::peak::{copy_gbs, fma_gflops, team_read_gbs};
use pyo3::prelude::*;

use crate::errors::{Result, fail, guard};

/// Threads that a run uses, the calling one included.
#[pyfunction]
pub fn num_threads() -> usize {
    team().size()
}

/// Sets the number of threads that a run uses.
#[pyfunction]
pub fn set_num_threads(n: isize) -> Result<()> {
    match usize::try_from(n) {
        Ok(n @ 1..=MAX_THREADS) => set_threads(n),
        _ => fail!(Value, "set_num_threads: n is {n}; expected 1 to {MAX_THREADS}"),
    }
    Ok(())
}

/// Refuses settings in the environment that mean nothing: a typing mistake there would otherwise go unnoticed.
pub fn check_environment() -> PyResult<()> {
    let algorithm = match std::env::var("DLRS_CONV_ALGO") {
        Ok(name) if name != "auto" && name != "direct" => {
            Err(format!("DLRS_CONV_ALGO is {name:?}; expected \"auto\" or \"direct\""))
        }
        _ => Ok(()),
    };
    let checked = Isa::requested().map(|_| ()).and_then(|()| requested_threads().map(|_| ())).and(algorithm);
    checked.map_err(pyo3::exceptions::PyValueError::new_err)
}

/// The instruction-set level in use.
#[pyfunction]
pub fn isa() -> &'static str {
    Isa::current().level().name()
}

/// The instruction-set levels that this machine supports, weakest first.
#[pyfunction]
pub fn supported_isas() -> Vec<&'static str> {
    Isa::supported().into_iter().map(|isa| isa.level().name()).collect()
}

/// GB/s at which all threads together read `bytes`: what bounds a search through a matrix of that size.
#[pyfunction]
pub fn read_gbs(py: Python<'_>, bytes: usize) -> Result<f64> {
    py.detach(|| guard(|| Ok(team_read_gbs(Isa::current(), &team(), bytes.clamp(4, 1 << 30)))))
}

/// What bounds this machine, measured now in about 50 ms: `fma_gflops`, f32 multiply-adds of one thread in registers, and
/// `copy_gbs`, bytes read and written by one thread that copies memory.
#[pyfunction]
pub fn machine_peaks(py: Python<'_>) -> Result<BTreeMap<&'static str, f64>> {
    /// Several times the last-level cache of most machines.
    const COPIED: usize = 32 << 20;
    py.detach(|| {
        guard(|| Ok(BTreeMap::from([("fma_gflops", fma_gflops(Isa::current())), ("copy_gbs", copy_gbs(COPIED))])))
    })
}
