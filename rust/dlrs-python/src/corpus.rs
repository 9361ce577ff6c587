//! Corpora of text as numbers: what `dlrs.text` reads them with.

use std::sync::{Mutex, PoisonError};

use dlrs_core::{DType, Tensor};
use dlrs_kernels::text::{CorpusWords, SENTENCE_END};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::errors::{Result, fail};
use crate::tensor::PyTensor;
use crate::text::{bytes_of, int64};

/// The words of a corpus with numbers from 1 on in the order they come; 0 is behind each sentence.
#[pyclass(module = "dlrs._dlrs", name = "CorpusWords", frozen)]
#[derive(Default)]
pub struct PyCorpusWords {
    words: Mutex<CorpusWords>,
}

fn tensor(numbers: &[u32]) -> Result<PyTensor> {
    Ok(Tensor::from_slice(DType::U32, &[numbers.len()], numbers)?.into())
}

impl PyCorpusWords {
    fn with<R>(&self, f: impl FnOnce(&mut CorpusWords) -> R) -> R {
        f(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl PyCorpusWords {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The numbers (uint32) of a piece of text with a sentence in each line, and the word at its end, which may go on.
    fn text<'py>(&self, py: Python<'py>, text: &Bound<'py, PyString>) -> Result<(PyTensor, Bound<'py, PyAny>)> {
        let (bytes, mut numbers) = (bytes_of(text)?, Vec::new());
        let from = self.with(|words| words.text(&bytes, &mut numbers));
        Ok((tensor(&numbers)?, decoded(py, &bytes[from..])?))
    }

    /// The numbers (uint32) of sentences, each a string or a list of strings.
    fn sentences(&self, sentences: &Bound<'_, PyList>) -> Result<PyTensor> {
        let mut numbers = Vec::new();
        for sentence in sentences {
            if let Ok(text) = sentence.cast::<PyString>() {
                let bytes = bytes_of(text)?;
                self.with(|words| words.sentence(&bytes, &mut numbers));
                continue;
            }
            let Ok(list) = sentence.cast::<PyList>() else { fail!(Type, "expected strings or lists of strings") };
            for word in list {
                let Ok(word) = word.cast::<PyString>() else { fail!(Type, "expected strings") };
                let bytes = bytes_of(word)?;
                numbers.push(self.with(|words| words.word(&bytes)));
            }
            numbers.push(SENTENCE_END);
        }
        tensor(&numbers)
    }

    /// The words, in the order of their numbers, and how often each has occurred (int64).
    fn counted<'py>(&self, py: Python<'py>) -> Result<(Vec<Bound<'py, PyAny>>, PyTensor)> {
        self.with(|words| {
            let all: PyResult<Vec<_>> = words.words().map(|word| decoded(py, word)).collect();
            Ok((all?, int64(words.counts(), &[words.counts().len()])?))
        })
    }
}

/// A string, which may have lone surrogates.
fn decoded<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(PyString::new(py, text).into_any()),
        Err(_) => PyBytes::new(py, bytes).call_method1("decode", ("utf-8", "surrogatepass")),
    }
}
