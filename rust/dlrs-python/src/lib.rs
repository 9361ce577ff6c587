//! The `dlrs._dlrs` extension module.
use pyo3::prelude::*;

#[pymodule]
mod _dlrs {}
