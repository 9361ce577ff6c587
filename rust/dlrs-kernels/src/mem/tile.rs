//! A rectangular, exclusively owned piece of an output.

use std::marker::PhantomData;

use super::Element;

/// A mutable rectangle of `rows` × `cols` elements whose rows lie `stride` elements apart.
///
/// Tiles of one output may be written by several threads at once: they share the output's memory but no element.
/// A contiguous output is a tile of one row.
pub struct TileMut<'a, T: Element> {
    ptr: *mut T,
    rows: usize,
    cols: usize,
    stride: usize,
    _owner: PhantomData<&'a mut [T]>,
}

// SAFETY: a tile is an exclusive borrow of its elements, like `&mut [T]`, and `T: Element` is `Send`.
unsafe impl<T: Element> Send for TileMut<'_, T> {}

impl<'a, T: Element> TileMut<'a, T> {
    /// The rectangle at the start of `data`.
    ///
    /// # Panics
    /// If the rectangle does not fit into `data`, or rows overlap (`stride < cols` with more than one row).
    pub fn new(data: &'a mut [T], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(rows <= 1 || stride >= cols, "rows of a tile overlap: {cols} columns, stride {stride}");
        let need = if rows == 0 || cols == 0 { 0 } else { (rows - 1) * stride + cols };
        assert!(need <= data.len(), "a tile of {rows}x{cols} (stride {stride}) does not fit {} elements", data.len());
        Self { ptr: data.as_mut_ptr(), rows, cols, stride, _owner: PhantomData }
    }

    /// All of `data` as one row.
    pub fn flat(data: &'a mut [T]) -> Self {
        let n = data.len();
        Self::new(data, 1, n, n)
    }

    /// The rectangle at `ptr`.
    ///
    /// # Safety
    /// For `'a`, every element of the rectangle is valid for reads and writes and is touched through this tile alone, and rows do not overlap.
    pub unsafe fn from_raw(ptr: *mut T, rows: usize, cols: usize, stride: usize) -> Self {
        Self { ptr, rows, cols, stride, _owner: PhantomData }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance between the starts of two rows, in elements.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `r`.
    #[inline(always)] // a call would spill the vectors of a kernel that asks for a row
    pub fn row(&mut self, r: usize) -> &mut [T] {
        assert!(r < self.rows, "row {r} of a tile of {} rows", self.rows);
        // SAFETY: row r lies inside the rectangle, which this tile owns; the borrow of self excludes other rows for its length.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.add(r * self.stride), self.cols) }
    }

    /// The whole rectangle as one slice.
    ///
    /// # Panics
    /// If the rows do not touch.
    pub fn as_slice(&mut self) -> &mut [T] {
        assert!(self.is_contiguous(), "a strided tile is not one slice");
        // SAFETY: rows touch, so the rectangle is rows * cols consecutive elements, all owned by this tile.
        unsafe { std::slice::from_raw_parts_mut(self.ptr, self.rows * self.cols) }
    }

    /// Whether the rows touch.
    pub fn is_contiguous(&self) -> bool {
        self.rows <= 1 || self.stride == self.cols
    }

    /// The rectangle of `rows` × `cols` at (`row`, `col`) inside this one.
    pub fn sub(&mut self, row: usize, col: usize, rows: usize, cols: usize) -> TileMut<'_, T> {
        assert!(row + rows <= self.rows && col + cols <= self.cols, "sub-tile leaves its tile");
        // SAFETY: the sub-rectangle lies inside this tile, whose exclusive borrow lasts as long as the result.
        unsafe { TileMut::from_raw(self.ptr.add(row * self.stride + col), rows, cols, self.stride) }
    }

    /// The address of the first element, for kernels that store vectors.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.ptr
    }
}
