//! Counts over texts: what `dlrs.text` asks of the kernels.

use std::borrow::Cow;

use dlrs_core::{DType, Tensor};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{cast, team};
use dlrs_kernels::text::{
    Segment, Tokenizer, Unit, corpus_counts, many_distances, many_edits, nearest_rows, sentence_counts,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::call::released;
use crate::errors::{Result, fail};
use crate::exchange::View;
use crate::tensor::PyTensor;

/// The bytes of a string: its own UTF-8, or of one with lone surrogates a copy that has them.
pub(crate) fn bytes_of<'a>(string: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = string.to_str() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let bytes = string.call_method1("encode", ("utf-8", "surrogatepass"))?;
    Ok(Cow::Owned(bytes.cast::<PyBytes>()?.as_bytes().to_vec()))
}

fn all_bytes<'a>(strings: &'a [Bound<'_, PyString>]) -> PyResult<Vec<Cow<'a, [u8]>>> {
    strings.iter().map(bytes_of).collect()
}

/// Numbers as int64.
pub(crate) fn int64(rows: &[u64], shape: &[usize]) -> Result<PyTensor> {
    let numbers: Vec<i64> = rows.iter().map(|&n| n as i64).collect();
    Ok(Tensor::from_slice(DType::I64, shape, &numbers)?.into())
}

/// Counts that BLEU is made of, int64: lengths of hypotheses and nearest references, n-grams in common and n-grams of each order up to
/// `orders`. Of each sentence, or their sum.
#[pyfunction]
pub fn bleu_counts(
    py: Python<'_>,
    hypotheses: Vec<Bound<'_, PyString>>,
    references: Vec<Vec<Bound<'_, PyString>>>,
    tokenizer: &str,
    orders: usize,
    each: bool,
) -> Result<PyTensor> {
    let tokenizer = match tokenizer {
        "13a" => Tokenizer::ThirteenA,
        "char" => Tokenizer::Characters,
        "none" => Tokenizer::Spaces,
        other => fail!(Value, "bleu: `tokenizer` must be \"13a\", \"char\" or \"none\", got {other:?}."),
    };
    let own = all_bytes(&hypotheses)?;
    let others = references.iter().map(|refs| all_bytes(refs)).collect::<PyResult<Vec<_>>>()?;
    let rows = own.iter().zip(&others);
    let segments: Vec<Segment<'_>> = rows.map(|(h, refs)| (&**h, refs.iter().map(|r| &**r).collect())).collect();
    let count = if each { sentence_counts } else { corpus_counts };
    let counts = released(py, |stop| Ok(count(&team(), &segments, tokenizer, orders, stop)))?;
    let rows = if each { segments.len() } else { 1 };
    int64(&counts.unwrap_or_default(), &[rows, 2 + 2 * orders])
}

/// Of each pair of texts, hits, substitutions, deletions and insertions, int64 (pairs, 4).
#[pyfunction]
pub fn edit_counts(
    py: Python<'_>,
    first: Vec<Bound<'_, PyString>>,
    second: Vec<Bound<'_, PyString>>,
    characters: bool,
) -> Result<PyTensor> {
    let (first, second) = (all_bytes(&first)?, all_bytes(&second)?);
    let pairs: Vec<(&[u8], &[u8])> = first.iter().zip(&second).map(|(a, b)| (&**a, &**b)).collect();
    let unit = if characters { Unit::Characters } else { Unit::Words };
    let edits = released(py, |stop| Ok(many_edits(&team(), &pairs, unit, stop)))?.unwrap_or_default();
    let rows: Vec<u64> = edits.iter().flat_map(|e| [e.hits, e.substitutions, e.deletions, e.insertions]).collect();
    int64(&rows, &[edits.len(), 4])
}

/// Edit distances between pairs of sequences of int64.
#[pyfunction]
pub fn edit_distances(py: Python<'_>, first: Vec<Bound<'_, PyAny>>, second: Vec<Bound<'_, PyAny>>) -> Result<PyTensor> {
    let (first, second) = (views(&first)?, views(&second)?);
    let pairs = first.iter().zip(&second).map(|(a, b)| Ok((integers(a)?, integers(b)?))).collect::<Result<Vec<_>>>()?;
    let distances = released(py, |stop| Ok(many_distances(&team(), &pairs, stop)))?.unwrap_or_default();
    int64(&distances, &[distances.len()])
}

fn views<'py>(arrays: &[Bound<'py, PyAny>]) -> Result<Vec<View<'py>>> {
    match arrays.iter().map(View::of).collect() {
        Some(views) => Ok(views),
        None => fail!(Type, "edit_distance: expected arrays"),
    }
}

fn integers<'a>(view: &'a View<'_>) -> Result<&'a [i64]> {
    match view.bytes() {
        Some(bytes) if view.dtype() == Some(DType::I64) => Ok(cast(bytes)),
        _ => fail!(Type, "edit_distance: expected int64 arrays whose elements lie in one piece"),
    }
}

/// Of each query the `k` rows with the largest scaled product: numbers (int64) and products, both (queries, k), the largest first.
#[pyfunction]
pub fn nearest_vectors(
    py: Python<'_>,
    rows: &Bound<'_, PyAny>,
    scales: &Bound<'_, PyAny>,
    queries: &Bound<'_, PyAny>,
    k: usize,
) -> Result<(PyTensor, PyTensor)> {
    let (Some(rows), Some(scales), Some(queries)) = (View::of(rows), View::of(scales), View::of(queries)) else {
        fail!(Type, "nearest: expected arrays");
    };
    let (count, width, asked) = match (rows.dims(), scales.dims(), queries.dims()) {
        (&[n, d], &[m], &[q, e]) if n == m && d == e && d > 0 && k <= n && n <= u32::MAX as usize => (n, d, q),
        _ => fail!(Value, "nearest: expected rows (n, d), scales (n,), queries (q, d) and k <= n"),
    };
    let (rows, scales, queries) = (floats(&rows)?, floats(&scales)?, floats(&queries)?);
    debug_assert_eq!(rows.len(), count * width);
    let found = released(py, |stop| Ok(nearest_rows(Isa::current(), &team(), rows, scales, queries, width, k, stop)))?;
    let found = found.unwrap_or_default();
    let numbers: Vec<i64> = found.iter().map(|near| i64::from(near.row)).collect();
    let scores: Vec<f32> = found.iter().map(|near| near.score).collect();
    let numbers = Tensor::from_slice(DType::I64, &[asked, k], &numbers)?;
    Ok((numbers.into(), Tensor::from_slice(DType::F32, &[asked, k], &scores)?.into()))
}

fn floats<'a>(view: &'a View<'_>) -> Result<&'a [f32]> {
    match view.bytes() {
        Some(bytes) if view.dtype() == Some(DType::F32) => Ok(cast(bytes)),
        _ => fail!(Type, "nearest: expected float32 arrays whose elements lie in one piece"),
    }
}
