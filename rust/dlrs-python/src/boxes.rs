//! Rectangles that a detector finds: what `dlrs.vision.boxes` asks of the kernels.

use dlrs_core::{DType, Tensor};
use dlrs_kernels::boxes::{Coordinate, Decay, Fault, Images, Kept, Limits, Softly, check, many_nms, many_soft_nms};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{cast, team};
use pyo3::prelude::*;

use crate::call::released;
use crate::errors::{Result, fail};
use crate::exchange::View;
use crate::tensor::PyTensor;

/// Of one image: numbers of boxes (int64) and their scores.
type Found = (PyTensor, PyTensor);

/// The arrays of a call; they stay in place while the views live.
struct Arrays<'py> {
    name: &'static str,
    boxes: View<'py>,
    scores: View<'py>,
    classes: Option<View<'py>>,
}

impl<'py> Arrays<'py> {
    fn of(
        name: &'static str,
        boxes: &Bound<'py, PyAny>,
        scores: &Bound<'py, PyAny>,
        classes: Option<&Bound<'py, PyAny>>,
    ) -> Result<Self> {
        let views = (View::of(boxes), View::of(scores), classes.map(View::of));
        let (Some(boxes), Some(scores), classes @ (None | Some(Some(_)))) = views else {
            fail!(Type, "{name}: expected arrays");
        };
        let arrays = Self { name, boxes, scores, classes: classes.flatten() };
        let fit = matches!((arrays.boxes.dims(), arrays.scores.dims()), ([b, n, 4], [c, m]) if b == c && n == m);
        let classes = arrays.classes.as_ref();
        let classes_fit = classes.is_none_or(|c| c.dims() == arrays.scores.dims() && c.dtype() == Some(DType::I64));
        if !fit || !classes_fit || arrays.scores.dims()[1] > u32::MAX as usize {
            fail!(Value, "{name}: expected boxes (images, n, 4), scores (images, n) and int64 classes of their shape");
        }
        Ok(arrays)
    }

    fn bytes<'a>(&self, view: &'a View<'py>) -> Result<&'a [u8]> {
        match view.bytes() {
            Some(bytes) => Ok(bytes),
            None => fail!(Type, "{}: expected arrays whose elements lie in one piece", self.name),
        }
    }

    /// The boxes and scores as numbers of type `T`, checked.
    fn images<T: Coordinate>(&self) -> Result<Images<'_, T>> {
        let (boxes, scores) = (cast(self.bytes(&self.boxes)?), cast(self.bytes(&self.scores)?));
        let areas = match check::<T>(Isa::current(), boxes, scores) {
            Ok(areas) => areas,
            Err(fault) => {
                let (what, at) = match fault {
                    Fault::NotFinite(i) => ("side that is not finite", i),
                    Fault::Inverted(i) => ("side before its opposite", i),
                    Fault::Score(i) => ("score that is not finite", i),
                };
                let n = self.scores.dims()[1];
                let image = if self.scores.dims()[0] > 1 { format!(" of image {}", at / n) } else { String::new() };
                fail!(Value, "{}: box {}{image} has a {what}.", self.name, at % n);
            }
        };
        let classes = self.classes.as_ref().map(|c| self.bytes(c)).transpose()?.map(cast);
        Ok(Images { boxes, scores, classes, count: self.scores.dims()[0], areas })
    }
}

fn found<T: Coordinate>(dtype: DType, images: Option<Vec<Kept<T>>>) -> Result<Vec<Found>> {
    let one = |kept: Kept<T>| {
        let numbers: Vec<i64> = kept.iter().map(|&(i, _)| i64::from(i)).collect();
        let scores: Vec<T> = kept.iter().map(|&(_, score)| score).collect();
        let numbers = Tensor::from_slice(DType::I64, &[numbers.len()], &numbers)?;
        Ok((numbers.into(), Tensor::from_slice(dtype, &[scores.len()], &scores)?.into()))
    };
    images.into_iter().flatten().map(one).collect()
}

/// Runs `f` for the type of the boxes, which is that of the scores.
macro_rules! by_type {
    ($arrays:expr, $f:ident($($arg:expr),*)) => {
        match ($arrays.boxes.dtype(), $arrays.scores.dtype()) {
            (Some(dtype @ DType::F32), Some(DType::F32)) => $f::<f32>(dtype, $arrays, $($arg),*),
            (Some(dtype @ DType::F64), Some(DType::F64)) => $f::<f64>(dtype, $arrays, $($arg),*),
            _ => fail!(Type, "{}: expected boxes and scores of float32 or both of float64", $arrays.name),
        }
    };
}

/// Non-maximum suppression within each class of each image: numbers of boxes, the best first, and their scores.
#[pyfunction]
#[pyo3(signature = (boxes, scores, classes, threshold, least, most))]
pub fn box_nms(
    py: Python<'_>,
    boxes: &Bound<'_, PyAny>,
    scores: &Bound<'_, PyAny>,
    classes: Option<&Bound<'_, PyAny>>,
    threshold: f64,
    least: Option<f64>,
    most: usize,
) -> Result<Vec<Found>> {
    let arrays = Arrays::of("nms", boxes, scores, classes)?;
    by_type!(&arrays, hard(py, threshold, least, most))
}

fn hard<T: Coordinate>(
    dtype: DType,
    arrays: &Arrays<'_>,
    py: Python<'_>,
    threshold: f64,
    least: Option<f64>,
    most: usize,
) -> Result<Vec<Found>> {
    let images = arrays.images::<T>()?;
    let limits = Limits { least: least.map(T::floor), threshold: T::floor(threshold), most };
    found(dtype, released(py, |stop| Ok(many_nms(Isa::current(), &team(), images, limits, stop)))?)
}

/// Soft suppression, linear above `threshold`, or gaussian of variance `sigma`: numbers of boxes and what is left of their scores.
#[pyfunction]
#[pyo3(signature = (boxes, scores, classes, threshold, sigma, least, most))]
pub fn box_soft_nms(
    py: Python<'_>,
    boxes: &Bound<'_, PyAny>,
    scores: &Bound<'_, PyAny>,
    classes: Option<&Bound<'_, PyAny>>,
    threshold: Option<f64>,
    sigma: f64,
    least: f64,
    most: usize,
) -> Result<Vec<Found>> {
    let arrays = Arrays::of("soft_nms", boxes, scores, classes)?;
    let decay = threshold.map_or(Decay::Gaussian(sigma), Decay::Linear);
    by_type!(&arrays, soft(py, decay, least, most))
}

fn soft<T: Coordinate + Softly>(
    dtype: DType,
    arrays: &Arrays<'_>,
    py: Python<'_>,
    decay: Decay,
    least: f64,
    most: usize,
) -> Result<Vec<Found>> {
    let images = arrays.images::<T>()?;
    found(
        dtype,
        released(py, |stop| Ok(many_soft_nms(Isa::current(), &team(), images, decay, T::floor(least), most, stop)))?,
    )
}
