//! Word vectors in training: what `dlrs.text.Word2Vec` asks of the kernels.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use dlrs_core::{DType, Tensor};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Stop, cast, team};
use dlrs_kernels::random::Stream;
use dlrs_kernels::text::words::{
    Architecture, Cbow, END, HierarchicalSoftmax, Matrices, Memory, NegativeSampling, Objective, Sampling, SkipGram,
    train,
};
use pyo3::prelude::*;

use crate::call::released;
use crate::errors::{Result, fail, guard};
use crate::exchange::View;
use crate::tensor::PyTensor;

/// The most words whose windows are drawn at a time.
const MOST_WORDS: usize = 1 << 22;

struct Training {
    matrices: Matrices,
    memory: Memory,
    /// Of the stretch that was trained last: its number, the sum of the losses, and how many they are.
    last: Option<(u64, f64, u64)>,
}

/// The vectors of words and of what they are told apart from, with the rules of their training.
#[pyclass(module = "dlrs._dlrs", name = "Word2VecTrainer", frozen)]
pub struct PyWord2Vec {
    training: Mutex<Training>,
    sampling: Sampling,
    objective: Box<dyn Objective>,
    words: usize,
    cbow: bool,
}

impl PyWord2Vec {
    /// The training, unless another thread is at it: waiting for it would keep that thread from the interpreter.
    fn training(&self) -> Result<MutexGuard<'_, Training>> {
        match self.training.try_lock() {
            Ok(training) => Ok(training),
            Err(TryLockError::Poisoned(training)) => Ok(training.into_inner()),
            Err(TryLockError::WouldBlock) => fail!(Concurrent, "Word2Vec: another thread trains this model"),
        }
    }

    fn stretch<A: Architecture>(
        &self,
        architecture: A,
        training: &mut Training,
        words: &[u32],
        (number, rate): (u64, f32),
        stop: Stop<'_>,
    ) -> dlrs_core::Result<()> {
        let (isa, team, rules) = (Isa::current(), team(), (architecture, &*self.objective));
        let Some(windows) = self.sampling.windows(isa, &team, rules, words, (number, rate), stop) else {
            return Ok(());
        };
        let Training { matrices, memory, last } = training;
        let (loss, count) = train(isa, &team, architecture, matrices, Arc::new(windows), rate, memory)?;
        *last = Some((number, loss, count));
        Ok(())
    }
}

#[pymethods]
impl PyWord2Vec {
    /// Rules for words that occur `counts` times, int64. Without `negatives` the objective is hierarchical softmax.
    #[new]
    #[allow(clippy::too_many_arguments)] // one rule each
    fn new(
        counts: Vec<u64>,
        size: usize,
        window: u32,
        dynamic: bool,
        sample: f64,
        negatives: Option<usize>,
        exponent: f64,
        cbow: bool,
        seed: u64,
    ) -> Result<Self> {
        if counts.len() < 2 || counts.len() >= END as usize || counts.contains(&0) || size == 0 || window == 0 {
            fail!(Value, "Word2Vec: {} words, vectors of {size} numbers, windows of {window}", counts.len());
        }
        Ok(guard(|| -> dlrs_core::Result<Self> {
            let objective: Box<dyn Objective> = match negatives {
                Some(negatives) => Box::new(NegativeSampling::new(&counts, exponent, negatives)),
                None => Box::new(HierarchicalSoftmax::new(&counts)),
            };
            let mut matrices = Matrices::zeros(counts.len(), objective.rows(), size)?;
            matrices.draw_inputs(Isa::current(), Stream { seed, counter: u64::MAX });
            let sampling = Sampling::new(&counts, sample, window, dynamic, seed);
            let training = Mutex::new(Training { matrices, memory: Memory::default(), last: None });
            Ok(Self { training, sampling, objective, words: counts.len(), cbow })
        })?)
    }

    /// Trains on stretch `number` of a corpus, numbers of words (uint32) with 2³² − 1 behind each sentence: all of it or, if a signal comes
    /// in time, none, which [`Self::last`] tells.
    fn train(&self, py: Python<'_>, words: &Bound<'_, PyAny>, number: u64, rate: f32) -> Result<()> {
        let Some(view) = View::of(words) else { fail!(Type, "Word2Vec: expected an array") };
        let words: &[u32] = match view.bytes() {
            Some(bytes) if view.dtype() == Some(DType::U32) => cast(bytes),
            _ => fail!(Type, "Word2Vec: expected numbers of words, uint32, that lie in one piece"),
        };
        let known = |&word: &u32| word == END || (word as usize) < self.words;
        if words.len() > MOST_WORDS || !words.iter().all(known) {
            fail!(Value, "Word2Vec: {} words, some not below {}", words.len(), self.words);
        }
        let training = &mut *self.training()?;
        released(py, |stop| match self.cbow {
            true => self.stretch(Cbow, training, words, (number, rate), stop),
            false => self.stretch(SkipGram, training, words, (number, rate), stop),
        })
    }

    /// Of the stretch that was trained last: its number, the sum of the losses, and how many they are.
    fn last(&self) -> Result<Option<(u64, f64, u64)>> {
        Ok(self.training()?.last)
    }

    /// Both matrices, float32 (rows, size).
    fn matrices(&self) -> Result<(PyTensor, PyTensor)> {
        let training = self.training()?;
        let matrices = &training.matrices;
        let all = |matrix: usize, rows: usize| -> Result<PyTensor> {
            let size = matrices.dims();
            let mut values = vec![0.0; rows * size];
            for (row, values) in values.chunks_exact_mut(size).enumerate() {
                matrices.get(matrix, row, values);
            }
            Ok(Tensor::from_slice(DType::F32, &[rows, size], &values)?.into())
        };
        Ok((all(0, matrices.inputs())?, all(1, matrices.outputs())?))
    }

    /// Sets both matrices.
    fn set_matrices(&self, first: &Bound<'_, PyAny>, second: &Bound<'_, PyAny>) -> Result<()> {
        let mut training = self.training()?;
        let matrices = &mut training.matrices;
        for (matrix, (array, rows)) in
            [(first, matrices.inputs()), (second, matrices.outputs())].into_iter().enumerate()
        {
            let Some(view) = View::of(array) else { fail!(Type, "Word2Vec: expected an array") };
            let size = matrices.dims();
            match view.bytes() {
                Some(bytes) if view.dtype() == Some(DType::F32) && view.dims() == [rows, size] => {
                    let values = cast::<f32>(bytes).chunks_exact(size);
                    values.enumerate().for_each(|(row, values)| matrices.put(matrix, row, values));
                }
                _ => fail!(Value, "Word2Vec: expected float32 ({rows}, {size}), got {:?}", view.dims()),
            }
        }
        Ok(())
    }
}
