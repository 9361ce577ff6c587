//! A read-only matrix over a slice, with any strides.

use std::ops::Range;

/// A read-only matrix of `rows` × `cols` elements; element (i, j) lies at `i * row_stride + j * col_stride` of the slice.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T: Copy> MatRef<'a, T> {
    /// The matrix at the start of `data`. A stride of 0 repeats a row or a column.
    ///
    /// # Panics
    /// If an element would lie outside `data`.
    pub fn new(data: &'a [T], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Self {
        if rows > 0 && cols > 0 {
            let last = (rows - 1)
                .checked_mul(row_stride)
                .and_then(|r| (cols - 1).checked_mul(col_stride).and_then(|c| r.checked_add(c)));
            assert!(
                last.is_some_and(|last| last < data.len()),
                "a {rows}x{cols} matrix with strides ({row_stride}, {col_stride}) does not fit {} elements",
                data.len()
            );
        }
        Self { data, rows, cols, row_stride, col_stride }
    }

    /// A matrix whose rows touch.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        Self::new(data, rows, cols, cols, 1)
    }

    /// The transposed view.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance between two rows, in elements.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Distance between two columns, in elements.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Element (row, col).
    pub fn at(&self, row: usize, col: usize) -> T {
        assert!(row < self.rows && col < self.cols, "({row}, {col}) of a {}x{} matrix", self.rows, self.cols);
        self.data[row * self.row_stride + col * self.col_stride]
    }

    /// The view of those rows and columns.
    ///
    /// # Panics
    /// If a range leaves the matrix.
    pub fn sub(self, rows: Range<usize>, cols: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert!(cols.start <= cols.end && cols.end <= self.cols, "columns {cols:?} of {}", self.cols);
        let start = if rows.is_empty() || cols.is_empty() {
            0
        } else {
            rows.start * self.row_stride + cols.start * self.col_stride
        };
        Self { data: &self.data[start..], rows: rows.len(), cols: cols.len(), ..self }
    }

    /// The matrix in which `n` rows that touch are one.
    ///
    /// # Panics
    /// If rows do not touch.
    pub(crate) fn joined(self, n: usize) -> Self {
        assert!(self.rows <= 1 || self.row_stride == self.cols, "rows {} apart do not touch", self.row_stride);
        Self { rows: self.rows / n, cols: self.cols * n, row_stride: self.row_stride * n, ..self }
    }

    /// The address of element (0, 0), for kernels that load vectors.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}
