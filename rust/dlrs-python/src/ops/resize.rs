//! Images (batch, height, width, channels) of another size.

use dlrs_core::ops::resize::Resize;
use dlrs_kernels::image::Resampling;
use pyo3::prelude::*;

use crate::call;
use crate::errors::{Result, fail};
use crate::operand::Arg;
use crate::tensor::PyTensor;

/// Images of another height and width.
#[pyfunction]
#[pyo3(signature = (images, size, interpolation="bilinear", antialias=false))]
pub fn resize(images: Arg, size: (usize, usize), interpolation: &str, antialias: bool) -> Result<PyTensor> {
    let Some((_, method)) = Resampling::ALL.into_iter().find(|(name, _)| *name == interpolation) else {
        let names = Resampling::ALL.map(|(name, _)| name).join(", ");
        fail!(Value, "resize: interpolation {interpolation:?} is not one of {names}");
    };
    call::tensor(Resize { size, interpolation: method, antialias }, &[images.own()?])
}
