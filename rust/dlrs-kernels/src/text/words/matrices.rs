//! The vectors in training.

use super::kernel::Strip;
use crate::isa::Isa;
use crate::mem::{Buffer, MAX_ROUND_TILES, OutOfMemory, cast, cast_mut};
use crate::random::Stream;

/// Numbers of a row that a tile works on, at least: fewer make more sums across a vector.
const PIECE: usize = 64;
/// The widest vector of any instruction set.
const LANES: usize = 16;

/// Vectors of the words as inputs and of what they are told apart from. Each matrix lies in pieces of a few columns, one piece
/// after another, so that who works on a piece has its memory for itself. Rows are filled up with zeros, which stay zeros.
pub struct Matrices {
    first: Buffer,
    second: Buffer,
    inputs: usize,
    outputs: usize,
    dims: usize,
    piece: usize,
}

impl Matrices {
    /// Zeros, `inputs` and `outputs` rows of `dims` numbers.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn zeros(inputs: usize, outputs: usize, dims: usize) -> Result<Self, OutOfMemory> {
        let padded = dims.next_multiple_of(LANES);
        let bytes = |rows: usize| {
            rows.checked_mul(padded).and_then(|n| n.checked_mul(4)).filter(|&n| isize::try_from(n).is_ok())
        };
        let piece = padded.div_ceil(MAX_ROUND_TILES).next_multiple_of(LANES).max(PIECE);
        let [first, second] = [inputs, outputs].map(|rows| Buffer::zeroed(bytes(rows).unwrap_or(usize::MAX >> 1)));
        Ok(Self { first: first?, second: second?, inputs, outputs, dims, piece })
    }

    /// Draws the inputs' vectors, uniform in [−½, ½)/dims as in word2vec.
    pub fn draw_inputs(&mut self, isa: Isa, stream: Stream) {
        let (dims, mut row) = (self.dims, vec![0.0; self.dims]);
        for i in 0..self.inputs {
            stream.uniform_f32(isa, (i * dims) as u64, &mut row);
            row.iter_mut().for_each(|x| *x = (*x - 0.5) / dims as f32);
            self.put(0, i, &row);
        }
    }

    /// Number of the first matrix's rows.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of the second matrix's rows.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Numbers of a row.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of pieces.
    pub(super) fn pieces(&self) -> usize {
        self.padded().div_ceil(self.piece)
    }

    /// Columns of a piece.
    pub(super) fn width(&self, piece: usize) -> usize {
        self.piece.min(self.padded() - piece * self.piece)
    }

    fn padded(&self) -> usize {
        self.dims.next_multiple_of(LANES)
    }

    fn rows(&self, matrix: usize) -> usize {
        [self.inputs, self.outputs][matrix]
    }

    /// The elements of a matrix that are a piece.
    pub(super) fn elements(&self, matrix: usize, piece: usize) -> (usize, usize) {
        let rows = self.rows(matrix);
        (rows * piece * self.piece, rows * self.width(piece))
    }

    /// The memory of both matrices.
    pub(super) fn bytes_mut(&mut self) -> [&mut [u8]; 2] {
        [self.first.bytes_mut(), self.second.bytes_mut()]
    }

    /// A row's place in the memory: of each piece the first element, and how many.
    fn places(&self, matrix: usize, row: usize) -> impl Iterator<Item = (usize, usize)> {
        assert!(row < self.rows(matrix), "row {row} of {}", self.rows(matrix));
        (0..self.pieces()).map(move |piece| {
            let (start, width) = (self.elements(matrix, piece).0, self.width(piece));
            (start + row * width, width.min(self.dims - piece * self.piece))
        })
    }

    /// Sets a row of matrix 0 or 1.
    ///
    /// # Panics
    /// If there is no such row, or it has another length.
    pub fn put(&mut self, matrix: usize, row: usize, values: &[f32]) {
        assert_eq!(values.len(), self.dims);
        let places: Vec<_> = self.places(matrix, row).collect();
        let [first, second] = self.bytes_mut();
        let memory: &mut [f32] = cast_mut(if matrix == 0 { first } else { second });
        let mut rest = values;
        for (start, count) in places {
            let (now, later) = rest.split_at(count);
            memory[start..start + count].copy_from_slice(now);
            rest = later;
        }
    }

    /// A row of matrix 0 or 1, into `values`.
    ///
    /// # Panics
    /// As [`Matrices::put`].
    pub fn get(&self, matrix: usize, row: usize, values: &mut [f32]) {
        assert_eq!(values.len(), self.dims);
        let memory: &[f32] = cast([&self.first, &self.second][matrix].bytes());
        let mut rest = values;
        for (start, count) in self.places(matrix, row) {
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&memory[start..start + count]);
            rest = later;
        }
    }
}

impl Strip {
    /// The strip of a piece that a tile has for itself.
    pub(super) fn of(elements: &mut [f32], width: usize) -> Self {
        Strip { start: elements.as_mut_ptr(), width }
    }
}
