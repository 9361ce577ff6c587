//! Prefix beam search step by step: what `dlrs.text.ctc_beam_search` asks of the kernels.

use std::sync::{Mutex, MutexGuard, TryLockError};

use dlrs_core::{DType, Tensor};
use dlrs_kernels::mem::cast;
use dlrs_kernels::text::PrefixSearch;
use pyo3::prelude::*;

use crate::errors::{Result, fail};
use crate::exchange::View;
use crate::tensor::PyTensor;

/// A search over the output of one example.
#[pyclass(module = "dlrs._dlrs", name = "PrefixSearch", frozen)]
pub struct PyPrefixSearch {
    search: Mutex<PrefixSearch>,
    classes: usize,
}

impl PyPrefixSearch {
    fn search(&self) -> Result<MutexGuard<'_, PrefixSearch>> {
        match self.search.try_lock() {
            Ok(search) => Ok(search),
            Err(TryLockError::Poisoned(search)) => Ok(search.into_inner()),
            Err(TryLockError::WouldBlock) => fail!(Concurrent, "ctc_beam_search: another thread uses this search"),
        }
    }
}

fn int32(tokens: &[u32]) -> Result<PyTensor> {
    let tokens: Vec<i32> = tokens.iter().map(|&n| n as i32).collect();
    Ok(Tensor::from_slice(DType::I32, &[tokens.len()], &tokens)?.into())
}

#[pymethods]
impl PyPrefixSearch {
    #[new]
    fn new(width: usize, classes: usize, blank: usize) -> Result<Self> {
        if width == 0 || blank >= classes || i32::try_from(classes).is_err() {
            fail!(Value, "ctc_beam_search: a beam of {width}, {classes} classes, blank {blank}");
        }
        Ok(Self { search: Mutex::new(PrefixSearch::new(width, blank)), classes })
    }

    /// Numbers of the prefixes in the beam, the likeliest first.
    fn numbers(&self) -> Result<Vec<u32>> {
        Ok(self.search()?.numbers().collect())
    }

    /// The tokens of the prefixes with these numbers, which have been in the beam.
    fn tokens(&self, numbers: Vec<u32>) -> Result<Vec<Vec<u32>>> {
        let search = self.search()?;
        if numbers.iter().any(|&number| number as usize >= search.known()) {
            fail!(Value, "ctc_beam_search: no prefix has such a number");
        }
        Ok(numbers.into_iter().map(|number| search.tokens(number)).collect())
    }

    /// Takes logarithms of the classes' probabilities, float64 (classes,), and what is added to the score of each prefix that is followed by
    /// each class, (prefixes, classes).
    fn step(&self, scores: &Bound<'_, PyAny>, bonus: Option<&Bound<'_, PyAny>>) -> Result<()> {
        let mut search = self.search()?;
        let (scores, bonus) = (view(scores)?, bonus.map(view).transpose()?);
        let scores = numbers(&scores, self.classes)?;
        let count = search.len() * self.classes;
        let bonus = bonus.as_ref().map(|bonus| numbers(bonus, count)).transpose()?;
        search.step(scores, bonus);
        Ok(())
    }

    /// Tokens, int32, and the logarithm of the probability of each prefix in the beam, the likeliest first.
    fn found(&self) -> Result<Vec<(PyTensor, f64)>> {
        self.search()?.found().into_iter().map(|(tokens, score)| Ok((int32(&tokens)?, score))).collect()
    }
}

fn view<'py>(array: &Bound<'py, PyAny>) -> Result<View<'py>> {
    match View::of(array) {
        Some(view) => Ok(view),
        None => fail!(Type, "ctc_beam_search: expected an array"),
    }
}

fn numbers<'a>(view: &'a View<'_>, count: usize) -> Result<&'a [f64]> {
    let numbers: &[f64] = match view.bytes() {
        Some(bytes) if view.dtype() == Some(DType::F64) => cast(bytes),
        _ => fail!(Type, "ctc_beam_search: expected float64 that lies in one piece"),
    };
    if numbers.len() != count || numbers.iter().any(|x| x.is_nan() || *x == f64::INFINITY) {
        fail!(Value, "ctc_beam_search: expected {count} scores, none of NaN or inf");
    }
    Ok(numbers)
}
