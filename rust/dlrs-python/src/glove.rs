//! Co-occurrences of words and GloVe's steps on them: what `dlrs.text.GloVe` asks of the kernels.

use std::sync::{Mutex, MutexGuard, TryLockError};

use dlrs_core::{Error, Tensor};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Element, cast, team};
use dlrs_kernels::text::{
    CELL, Glove, MOST_ROWS, Piece, Sentences, Side, Sums, Weighting, Window, blocks, count_pairs, merge_pieces, strata,
};
use pyo3::prelude::*;

use crate::call::released;
use crate::errors::{Result, fail};
use crate::exchange::View;
use crate::tensor::PyTensor;

fn view<'py>(array: &Bound<'py, PyAny>) -> Result<View<'py>> {
    let Some(view) = View::of(array) else { fail!(Type, "GloVe: expected an array") };
    Ok(view)
}

fn elements<'a, T: Element>(view: &'a View<'_>) -> Result<&'a [T]> {
    match view.bytes() {
        Some(bytes) if view.dtype() == Some(T::DTYPES[0]) => Ok(cast(bytes)),
        _ => fail!(Type, "GloVe: expected an array of {:?} whose elements lie in one piece", T::DTYPES[0]),
    }
}

fn tensor<T: Element>(shape: &[usize], elements: &[T]) -> Result<PyTensor> {
    Ok(Tensor::from_slice(T::DTYPES[0], shape, elements)?.into())
}

/// Where pieces end, as places in a whole of `length`.
fn ends_of(ends: &[i64], length: usize) -> Result<Vec<usize>> {
    let fits =
        ends.is_sorted() && ends.first().is_none_or(|&e| e >= 0) && ends.last().is_none_or(|&e| e == length as i64);
    if !fits || (ends.is_empty() && length > 0) {
        fail!(Value, "GloVe: ends must be ascending and the last one {length}");
    }
    Ok(ends.iter().map(|&end| end as usize).collect())
}

fn check_parts(vocabulary: usize, parts: usize) -> Result<()> {
    if parts == 0 || parts > 1 << 12 || vocabulary.div_ceil(parts) > MOST_ROWS {
        fail!(Value, "GloVe: {vocabulary} words in {parts} parts");
    }
    Ok(())
}

/// What a neighbour at distance 1 adds to the sums.
#[pyfunction]
pub fn cooccurrence_unit(window: usize) -> Result<u64> {
    check_window(window)?;
    Ok(Window { width: window, symmetric: true }.unit())
}

fn check_window(window: usize) -> Result<()> {
    if window == 0 || window > usize::from(u16::MAX) {
        fail!(Value, "GloVe: a window of {window} words");
    }
    Ok(())
}

/// Of each part rows, columns (uint32) and sums in units (uint64).
type Part = (PyTensor, PyTensor, PyTensor);

/// The sums of the pairs of words in a piece of a corpus, part after part.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // plain arrays and numbers
pub fn count_cooccurrences(
    py: Python<'_>,
    words: &Bound<'_, PyAny>,
    ends: &Bound<'_, PyAny>,
    carried: usize,
    vocabulary: usize,
    window: usize,
    symmetric: bool,
    parts: usize,
) -> Result<Vec<Part>> {
    let (words, ends) = (view(words)?, view(ends)?);
    let (words, ends) = (elements::<u32>(&words)?, ends_of(elements(&ends)?, words.shape()?.size())?);
    check_window(window)?;
    check_parts(vocabulary, parts)?;
    if words.iter().any(|&word| word as usize >= vocabulary) || u32::try_from(words.len()).is_err() {
        fail!(Value, "GloVe: {} numbers of words, some not below {vocabulary}", words.len());
    }
    let corpus = Sentences { words, ends: &ends, carried, vocabulary };
    let window = Window { width: window, symmetric };
    let counted = released(py, |stop| Ok(count_pairs(&team(), corpus, window, parts, stop)))?.unwrap_or_default();
    let part = |part: Sums| {
        let n = [part.rows.len()];
        Ok((tensor(&n, &part.rows)?, tensor(&n, &part.columns)?, tensor(&n, &part.sums)?))
    };
    counted.into_iter().map(part).collect()
}

/// Rows, columns and sums of one part, as [`count_cooccurrences`] gives them.
type Arrays<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The views behind some pieces.
type Views<'py> = Vec<(View<'py>, View<'py>, View<'py>)>;

fn views<'py>(pieces: &[Arrays<'py>]) -> Result<Views<'py>> {
    pieces.iter().map(|(r, c, s)| Ok((view(r)?, view(c)?, view(s)?))).collect()
}

/// The pieces of part `part`.
fn pieces_of<'a>(views: &'a Views<'_>, vocabulary: usize, part: usize, parts: usize) -> Result<Vec<Piece<'a>>> {
    check_parts(vocabulary, parts)?;
    let mut pieces = Vec::new();
    for (rows, columns, sums) in views {
        let piece = Piece { rows: elements(rows)?, columns: elements(columns)?, sums: elements(sums)? };
        let lengths = piece.rows.len() == piece.columns.len() && piece.rows.len() == piece.sums.len();
        let below = |numbers: &[u32]| numbers.iter().all(|&n| (n as usize) < vocabulary);
        let own = piece.rows.is_sorted() && piece.rows.iter().all(|&row| row as usize % parts == part);
        if !lengths || !below(piece.rows) || !below(piece.columns) || !own {
            fail!(Value, "GloVe: a piece of part {part} has rows of another, out of order or out of the vocabulary");
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The sums of several pieces of a part as one piece.
#[pyfunction]
pub fn merge_cooccurrences(
    py: Python<'_>,
    pieces: Vec<Arrays<'_>>,
    vocabulary: usize,
    part: usize,
    parts: usize,
) -> Result<Part> {
    let views = views(&pieces)?;
    let pieces = pieces_of(&views, vocabulary, part, parts)?;
    let ranges = released(py, |stop| Ok(merge_pieces(&team(), &pieces, vocabulary, stop)))?.unwrap_or_default();
    let n = ranges.iter().map(|range| range.rows.len()).sum();
    let (mut rows, mut columns, mut sums) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
    for range in ranges {
        rows.extend_from_slice(&range.rows);
        columns.extend_from_slice(&range.columns);
        sums.extend_from_slice(&range.sums);
    }
    Ok((tensor(&[n], &rows)?, tensor(&[n], &columns)?, tensor(&[n], &sums)?))
}

/// The cells of a part, uint32 (n, 3), block after block, where the blocks end, and a checksum; `pieces` are the part's rows, columns and sums
/// in the pieces of a corpus.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // plain arrays and numbers
pub fn glove_blocks(
    py: Python<'_>,
    pieces: Vec<Arrays<'_>>,
    vocabulary: usize,
    part: usize,
    parts: usize,
    unit: u64,
    x_max: f64,
    alpha: f64,
    seed: u64,
) -> Result<(PyTensor, PyTensor, u64)> {
    let views = views(&pieces)?;
    let pieces = pieces_of(&views, vocabulary, part, parts)?;
    let weighting = Weighting { x_max, alpha };
    let found = released(py, |stop| {
        let (team, sums) = (team(), merge_pieces(&team(), &pieces, vocabulary, stop));
        Ok(sums.and_then(|sums| blocks(Isa::current(), &team, &sums, part, parts, unit, weighting, seed, stop)))
    })?;
    let found = found.unwrap_or_default();
    let (mut cells, mut ends) =
        (Vec::with_capacity(CELL * found.cells.iter().map(Vec::len).sum::<usize>()), Vec::new());
    for block in found.cells {
        cells.extend_from_slice(block.as_flattened());
        ends.push((cells.len() / CELL) as i64);
    }
    Ok((tensor(&[cells.len() / CELL, CELL], &cells)?, tensor(&[ends.len()], &ends)?, found.checksum))
}

/// The order of an epoch's strata.
#[pyfunction]
pub fn glove_strata(seed: u64, epoch: u64, parts: usize) -> Result<Vec<usize>> {
    check_parts(0, parts)?;
    Ok(strata(seed, epoch, parts))
}

/// GloVe's parameters while they are trained.
#[pyclass(module = "dlrs._dlrs", name = "GloveTrainer", frozen)]
pub struct PyGlove {
    model: Mutex<Glove>,
    words: usize,
    size: usize,
    parts: usize,
}

impl PyGlove {
    /// The model, unless another thread is at it: waiting for it would keep that thread from the interpreter.
    fn model(&self) -> Result<MutexGuard<'_, Glove>> {
        match self.model.try_lock() {
            Ok(model) => Ok(model),
            Err(TryLockError::Poisoned(model)) => Ok(model.into_inner()),
            Err(TryLockError::WouldBlock) => fail!(Concurrent, "GloVe: another thread trains this model"),
        }
    }
}

#[pymethods]
impl PyGlove {
    /// Weights and sums of squares, float32 (2, words, size + 1), and the losses of the blocks, float64 (parts, parts).
    #[new]
    fn new(weights: &Bound<'_, PyAny>, squares: &Bound<'_, PyAny>, losses: &Bound<'_, PyAny>) -> Result<Self> {
        let (weights, squares, losses) = (view(weights)?, view(squares)?, view(losses)?);
        let (words, size, parts) = match (weights.dims(), squares.dims(), losses.dims()) {
            (a @ &[2, words, size], b, &[p, q]) if a == b && p == q && size > 1 => (words, size - 1, p),
            _ => fail!(Value, "GloVe: expected weights and squares (2, words, size + 1), losses (parts, parts)"),
        };
        check_parts(words, parts)?;
        let (weights, squares): (&[f32], &[f32]) = (elements(&weights)?, elements(&squares)?);
        let half = weights.len() / 2;
        let side =
            |at: usize| Side { weights: weights[at..at + half].to_vec(), squares: squares[at..at + half].to_vec() };
        let model = Glove::new(words, size, parts, &[side(0), side(half)], elements(&losses)?);
        let model = model.map_err(Error::from)?;
        Ok(Self { model: Mutex::new(model), words, size, parts })
    }

    /// Begins an epoch.
    fn begin(&self) -> Result<()> {
        self.model()?.begin();
        Ok(())
    }

    /// Visits what has not been visited of a stratum; `cells` and `ends` are those of each part.
    fn visit(
        &self,
        py: Python<'_>,
        cells: Vec<Bound<'_, PyAny>>,
        ends: Vec<Bound<'_, PyAny>>,
        stratum: usize,
        rate: f32,
    ) -> Result<()> {
        let cells = cells.iter().map(view).collect::<Result<Vec<_>>>()?;
        let cells = cells.iter().map(elements::<u32>).collect::<Result<Vec<_>>>()?;
        if cells.len() != self.parts || ends.len() != self.parts || stratum >= self.parts {
            fail!(Value, "GloVe: expected the cells and ends of {} parts, and one of their strata", self.parts);
        }
        let mut all = Vec::new();
        for (cells, ends) in cells.iter().zip(&ends) {
            let ends = view(ends)?;
            let ends = elements::<i64>(&ends)?;
            if !cells.len().is_multiple_of(CELL) || ends.len() != self.parts {
                fail!(Value, "GloVe: expected cells (n, {CELL}) and {} ends of blocks", self.parts);
            }
            all.push(ends_of(ends, cells.len() / CELL)?);
        }
        let model = self.model()?;
        let model = &*model;
        released(py, |stop| Ok(model.stratum(Isa::current(), &team(), &cells, &all, stratum, rate, stop)))?;
        Ok(())
    }

    /// The losses of the blocks, float64 (parts, parts), -1 where one has not been visited.
    fn losses(&self) -> Result<PyTensor> {
        tensor(&[self.parts, self.parts], &self.model()?.losses())
    }

    /// Weights and sums of squares.
    fn state(&self) -> Result<(PyTensor, PyTensor)> {
        let [words, contexts] = self.model()?.sides();
        let shape = [2, self.words, self.size + 1];
        let both = |a: Vec<f32>, b: Vec<f32>| tensor(&shape, &[a, b].concat());
        Ok((both(words.weights, contexts.weights)?, both(words.squares, contexts.squares)?))
    }
}
