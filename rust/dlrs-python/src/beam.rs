//! Beam search: the bookkeeping that `dlrs.text.beam_search` leaves to the kernels.

use std::sync::{Mutex, MutexGuard, TryLockError};

use dlrs_core::{DType, Tensor};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{cast, team};
use dlrs_kernels::text::{BeamSearch, Fault, Rules};
use pyo3::prelude::*;

use crate::errors::{Result, fail, guard};
use crate::exchange::View;
use crate::tensor::PyTensor;

/// A search over a batch of sentences.
#[pyclass(module = "dlrs._dlrs", name = "BeamSearch", frozen)]
pub struct PyBeamSearch {
    search: Mutex<BeamSearch>,
    width: usize,
}

/// Tokens, sum of log-probabilities, score, whether complete.
type Found = (PyTensor, f64, f64, bool);

fn int32(numbers: &[u32]) -> Result<PyTensor> {
    let numbers: Vec<i32> = numbers.iter().map(|&n| n as i32).collect();
    Ok(Tensor::from_slice(DType::I32, &[numbers.len()], &numbers)?.into())
}

impl PyBeamSearch {
    /// The search, unless another thread is at it: waiting for it would keep that thread from the interpreter.
    fn search(&self) -> Result<MutexGuard<'_, BeamSearch>> {
        match self.search.try_lock() {
            Ok(search) => Ok(search),
            Err(TryLockError::Poisoned(search)) => Ok(search.into_inner()),
            Err(TryLockError::WouldBlock) => fail!(Concurrent, "beam_search: another thread uses this search"),
        }
    }

    fn fault(&self, fault: Fault) -> String {
        let Fault { row, token, score } = fault;
        let (sentence, hypothesis) = (row / self.width, row % self.width);
        let rule = if score.is_finite() { "log-probabilities are at most 0" } else { "scores must be numbers or -inf" };
        format!(
            "beam_search: the score of token {token} after hypothesis {hypothesis} of sentence {sentence} is {score}; {rule}."
        )
    }
}

#[pymethods]
impl PyBeamSearch {
    #[new]
    #[allow(clippy::too_many_arguments)] // one rule each
    fn new(
        batch: usize,
        width: usize,
        eos: Option<u32>,
        least: usize,
        most: usize,
        alpha: f64,
        wanted: usize,
        logits: bool,
    ) -> Result<Self> {
        if width == 0 || batch == 0 || batch.checked_mul(width).is_none_or(|rows| rows > i32::MAX as usize) {
            fail!(Value, "beam_search: {batch} sentences of {width} hypotheses");
        }
        let rules = Rules { width, eos, least, most, alpha, wanted, logits };
        Ok(Self { search: Mutex::new(BeamSearch::new(rules, batch)), width })
    }

    /// Takes the next tokens' scores, an array (rows, vocabulary). Whether the search goes on; tokens of the rows, and the rows that
    /// they follow, int32, or None if each follows itself.
    fn advance(&self, py: Python<'_>, scores: &Bound<'_, PyAny>) -> Result<(bool, PyTensor, Option<PyTensor>)> {
        let Some(view) = View::of(scores) else { fail!(Type, "beam_search: scores must be an array") };
        let mut search = self.search()?;
        let search = &mut *search;
        let (&[rows, vocabulary], Some(bytes)) = (view.dims(), view.bytes()) else {
            fail!(Value, "beam_search: scores must have two axes and lie in one piece, got shape {:?}.", view.dims());
        };
        if rows != search.rows() || vocabulary == 0 || vocabulary > i32::MAX as usize {
            fail!(Value, "beam_search: scores must have shape ({}, vocabulary), got {:?}.", search.rows(), view.dims());
        }
        let (isa, team) = (Isa::current(), team());
        let taken = match view.dtype() {
            Some(DType::F32) => {
                let scores: &[f32] = cast(bytes);
                py.detach(|| guard(|| Ok::<_, dlrs_core::Error>(search.advance(isa, &team, scores, vocabulary))))?
            }
            Some(DType::F64) => {
                let scores: &[f64] = cast(bytes);
                py.detach(|| guard(|| Ok::<_, dlrs_core::Error>(search.advance(isa, &team, scores, vocabulary))))?
            }
            _ => fail!(Type, "beam_search: scores must be of float32 or float64"),
        };
        if let Err(fault) = taken {
            fail!(Value, "{}", self.fault(fault));
        }
        let (tokens, parents) = search.last().unwrap_or_default();
        let moved = parents.iter().enumerate().any(|(row, &parent)| row != parent as usize);
        Ok((!search.is_over(), int32(tokens)?, moved.then(|| int32(parents)).transpose()?))
    }

    /// A sentence's hypotheses, the best first.
    fn hypotheses(&self, sentence: usize) -> Result<Vec<Found>> {
        let found = self.search()?.hypotheses(sentence);
        found.into_iter().map(|h| Ok((int32(&h.tokens)?, h.total, h.score, h.complete))).collect()
    }
}
