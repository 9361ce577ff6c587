//! Images.

use dlrs_core::DType;
use dlrs_core::ops::image::{Augment, Reading, Remap};
use dlrs_kernels::image::{Border, Interpolation, Stage};
use pyo3::prelude::*;

use crate::call;
use crate::errors::{Result, fail};
use crate::operand::Arg;
use crate::tensor::PyTensor;

fn interpolation_of(op: &str, name: &str) -> Result<Interpolation> {
    Ok(match name {
        "nearest" => Interpolation::Nearest,
        "bilinear" => Interpolation::Bilinear,
        _ => fail!(Value, "{op}: interpolation is {name:?}; expected 'nearest' or 'bilinear'"),
    })
}

fn reading_of(op: &str, interpolation: &str, fill_mode: &str, fill_value: f64) -> Result<Reading> {
    let Some(border) = Border::ALL.into_iter().find(|b| b.name() == fill_mode) else {
        let names = Border::ALL.map(Border::name).join(", ");
        fail!(Value, "{op}: fill_mode is {fill_mode:?}; expected one of {names}")
    };
    Ok(Reading::new(interpolation_of(op, interpolation)?, border, fill_value))
}

/// The values of images at positions, pairs (row, column) along the last axis.
#[pyfunction]
#[pyo3(signature = (images, positions, interpolation="bilinear", fill_mode="constant", fill_value=0.0))]
pub fn remap(images: Arg, positions: Arg, interpolation: &str, fill_mode: &str, fill_value: f64) -> Result<PyTensor> {
    let reading = reading_of("remap", interpolation, fill_mode, fill_value)?;
    let images = images.own()?;
    let dtype = if images.ty().dtype == DType::F64 { DType::F64 } else { DType::F32 };
    call::tensor(Remap { reading }, &[images, positions.to(dtype)?])
}

/// Images under a map of their own, given by the first eight parameters, and under changes of colour; as float32.
#[pyfunction]
#[pyo3(signature = (images, parameters, size, stages, reading=None))]
pub fn augment(
    images: Arg,
    parameters: Arg,
    size: (usize, usize),
    stages: Vec<(String, usize, f32, f32)>,
    reading: Option<(String, String, f64)>,
) -> Result<PyTensor> {
    let stage = |(name, at, low, high): &(String, usize, f32, f32)| -> Result<Stage> {
        let (at, low, high) = (*at, *low, *high);
        Ok(match name.as_str() {
            "matrix" => Stage::Matrix { at },
            "scale" => Stage::Scale { at },
            "contrast" => Stage::Contrast { at },
            "clip" => Stage::Clip { low, high },
            "hue_saturation" => Stage::HueSaturation { at, low, high },
            "erase" => Stage::Erase { at },
            _ => fail!(Value, "augment: no stage is called {name:?}"),
        })
    };
    let stages = stages.iter().map(stage).collect::<Result<Vec<_>>>()?;
    let map = reading.map(|(how, beyond, fill)| reading_of("augment", &how, &beyond, fill)).transpose()?;
    call::tensor(Augment { map, size, stages }, &[images.own()?, parameters.to(DType::F32)?])
}
