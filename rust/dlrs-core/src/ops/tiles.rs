//! How outputs are cut into tiles: from their shape alone, so that every element is computed the same way on any team.

use std::ops::Range;

use dlrs_kernels::mem::Rect;

/// Elements of one tile: its operands and results stay in L2, and a large tensor has enough tiles for every thread.
pub(crate) const TILE: usize = 16 * 1024;

/// A rectangle of an output seen as a matrix.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) rows: Range<usize>,
    pub(crate) cols: Range<usize>,
}

impl Block {
    /// The rectangle in an output whose rows have `stride` elements.
    pub(crate) fn rect(&self, stride: usize) -> Rect {
        Rect { start: self.rows.start * stride + self.cols.start, rows: self.rows.len(), cols: self.cols.len(), stride }
    }
}

/// `0..n` in steps of at most `step`.
pub(crate) fn spans(n: usize, step: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let step = step.max(1);
    (0..n.div_ceil(step)).map(move |i| i * step..n.min((i + 1) * step))
}

/// Rows × columns in blocks of `height` × `width`.
pub(crate) fn grid(rows: usize, cols: usize, height: usize, width: usize) -> Vec<Block> {
    if rows == 0 || cols == 0 {
        return Vec::new();
    }
    let blocks = spans(rows, height).flat_map(|r| spans(cols, width).map(move |c| Block { rows: r.clone(), cols: c }));
    blocks.collect()
}

/// Rows × columns in blocks of about [`TILE`] elements: whole rows if they are short, else parts of a row.
pub(crate) fn cut(rows: usize, cols: usize) -> Vec<Block> {
    let width = cols.clamp(1, TILE);
    grid(rows, cols, (TILE / width).max(1), width)
}

/// Offset of each position of the leading axes `dims` in an operand with strides `strides`, in row-major order, from row
/// `first` on: an odometer.
pub(crate) struct Odometer<'a> {
    dims: &'a [usize],
    strides: &'a [usize],
    index: [usize; crate::shape::MAX_RANK],
    offset: usize,
}

impl<'a> Odometer<'a> {
    pub(crate) fn at(dims: &'a [usize], strides: &'a [usize], first: usize) -> Odometer<'a> {
        let (mut index, mut offset, mut rest) = ([0; crate::shape::MAX_RANK], 0, first);
        for axis in (0..dims.len()).rev() {
            index[axis] = rest % dims[axis];
            offset += index[axis] * strides[axis];
            rest /= dims[axis];
        }
        Odometer { dims, strides, index, offset }
    }

    /// Offset of the present position.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Moves to the next position.
    pub(crate) fn step(&mut self) {
        for axis in (0..self.dims.len()).rev() {
            self.index[axis] += 1;
            self.offset += self.strides[axis];
            if self.index[axis] < self.dims[axis] {
                return;
            }
            self.offset -= self.dims[axis] * self.strides[axis];
            self.index[axis] = 0;
        }
    }
}
