//! Files of word vectors: what `dlrs.text` reads and writes.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use dlrs_core::{DType, Tensor};
use dlrs_io::atomic::AtomicFile;
use dlrs_io::vectors::{self, Vectors, Wanted, Words};
use dlrs_io::{Input, Result as Read};
use dlrs_kernels::mem::{Stop, cast, team};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::call::released;
use crate::errors::{Failure, Result, fail};
use crate::exchange::View;
use crate::io::{failure, io_failure};
use crate::tensor::PyTensor;

/// Opens a file, has it read without the interpreter, and checks that it did not change meanwhile.
fn read<T: Send>(py: Python<'_>, path: PathBuf, work: impl FnOnce(&Input, Stop<'_>) -> Read<T> + Send) -> Result<T> {
    let found = released(py, |stop| {
        let whole = || {
            let input = Input::open(&path)?;
            let found = work(&input, stop)?;
            input.finish()?;
            Ok(found)
        };
        Ok(whole())
    })?;
    found.map_err(|error| Failure::Python(failure(py, error, &path.to_string_lossy())))
}

fn list<'py>(py: Python<'py>, words: &Words) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, words.iter().collect::<Vec<_>>())
}

/// Words, the numbers of a vector, and the vectors, float32 (words, numbers).
type Found<'py> = (Bound<'py, PyList>, usize, PyTensor);

fn found(py: Python<'_>, Vectors { words, width, values }: Vectors) -> Result<Found<'_>> {
    let columns = if words.is_empty() { 0 } else { width };
    let matrix = Tensor::from_slice(DType::F32, &[words.len(), columns], &values)?;
    Ok((list(py, &words)?, width, matrix.into()))
}

/// The vectors of a text file: of its first `limit` words, or of those in `wanted`, which have `dimensions` numbers. If the first line says
/// another number of them, nothing more is read.
#[pyfunction]
pub fn read_vector_text<'py>(
    py: Python<'py>,
    path: PathBuf,
    limit: Option<usize>,
    wanted: Option<Vec<Bound<'py, PyString>>>,
    dimensions: Option<usize>,
) -> Result<Found<'py>> {
    // A string that is no UTF-8 stands in no file.
    let wanted = wanted.as_ref().map(|all| all.iter().filter_map(|word| word.to_str().ok()).collect::<HashSet<_>>());
    let asked = Wanted { words: wanted.as_ref(), width: dimensions, limit };
    let read = read(py, path, |input, stop| {
        let team = team();
        vectors::read_text(input, asked, &|n, work| team.collect(n, stop, |i, _| work(i)).is_some())
    })?;
    found(py, read)
}

/// The vectors of the first `limit` words of a file of word2vec's binary form.
#[pyfunction]
pub fn read_vector_binary(py: Python<'_>, path: PathBuf, limit: Option<usize>) -> Result<Found<'_>> {
    let read = read(py, path, |input, _| vectors::read_binary(input, limit))?;
    found(py, read)
}

/// The first `limit` rows of a matrix of numbers in a `.npy` file as float32, and how many rows the file has.
#[pyfunction]
pub fn read_matrix(py: Python<'_>, path: PathBuf, limit: Option<usize>) -> Result<(PyTensor, u64)> {
    let matrix = read(py, path, |input, _| vectors::read_npy(input, limit))?;
    let shape = [matrix.values.len() / matrix.width, matrix.width];
    Ok((Tensor::from_slice(DType::F32, &shape, &matrix.values)?.into(), matrix.rows))
}

/// The lines of a UTF-8 file.
#[pyfunction]
pub fn read_lines(py: Python<'_>, path: PathBuf) -> Result<Bound<'_, PyList>> {
    let words = read(py, path, |input, _| vectors::read_lines(input))?;
    Ok(list(py, &words)?)
}

/// Writes words and vectors, float32 (words, numbers): word2vec's binary form, or text with or without a first line of two counts.
#[pyfunction]
pub fn write_vectors(
    py: Python<'_>,
    path: PathBuf,
    words: Vec<Bound<'_, PyString>>,
    matrix: &Bound<'_, PyAny>,
    form: &str,
) -> Result<()> {
    let words = words.iter().map(|word| word.to_str()).collect::<PyResult<Vec<_>>>()?;
    let Some(view) = View::of(matrix) else { fail!(Type, "write_vectors: expected an array") };
    let (values, width): (&[f32], _) = match (view.bytes(), view.dims()) {
        (Some(bytes), &[n, width]) if view.dtype() == Some(DType::F32) && n == words.len() && width > 0 => {
            (cast(bytes), width)
        }
        _ => fail!(Value, "write_vectors: expected float32 (words, numbers) in one piece"),
    };
    let written = released(py, |stop| {
        let team = team();
        let workers = |n: usize, work: &(dyn Fn(usize) + Sync)| team.collect(n, stop, |i, _| work(i)).is_some();
        let whole = || {
            let mut file = AtomicFile::create(&path)?;
            match form {
                "word2vec-binary" => vectors::write_binary(&mut file, &words, values)?,
                _ => {
                    if form == "word2vec" {
                        writeln!(file, "{} {width}", words.len())?;
                    }
                    vectors::write_text(&mut file, &words, values, &workers)?;
                }
            }
            file.commit()
        };
        Ok(whole())
    })?;
    written.map_err(|error| Failure::Python(io_failure(py, &error, &path.to_string_lossy())))
}
