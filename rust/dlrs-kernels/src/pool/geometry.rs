//! Which elements each window covers.

use std::ops::Range;

/// The windows along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Windows {
    /// Windows of `size` elements, `stride` apart. Before and after the elements lie `padding` places that belong to no window.
    Sliding {
        /// Places of a window.
        size: usize,
        /// From one window to the next.
        stride: usize,
        /// Places before the first element, and after the last.
        padding: (usize, usize),
    },
    /// As many windows as asked for, which cover all elements: window o of n begins at ⌊o·len/n⌋ and ends before ⌈(o + 1)·len/n⌉.
    Adaptive {
        /// Number of windows.
        count: usize,
    },
}

impl Windows {
    /// One window for each element: the axis is not pooled.
    pub const EACH: Windows = Windows::Sliding { size: 1, stride: 1, padding: (0, 0) };

    /// Number of windows over `len` elements, if there is at least one, or no element. Each covers at least one element.
    pub fn count(&self, len: usize) -> Option<usize> {
        match *self {
            Windows::Sliding { size, stride, padding: (before, after) } => {
                let padded = len.checked_add(before)?.checked_add(after)?;
                let sound = size > before && size > after && stride > 0;
                match padded.checked_sub(size).filter(|_| sound && len > 0) {
                    Some(room) => Some(room / stride + 1),
                    None => (sound && len == 0).then_some(0),
                }
            }
            Windows::Adaptive { count } => (len > 0 && count > 0).then_some(count),
        }
    }

    /// The elements of window `o` of `count`, over `len` elements.
    #[inline(always)]
    pub fn span(&self, o: usize, count: usize, len: usize) -> Range<usize> {
        match *self {
            Windows::Sliding { size, stride, padding } => {
                let start = o * stride;
                start.saturating_sub(padding.0)..(start + size - padding.0).min(len)
            }
            Windows::Adaptive { .. } => o * len / count..((o + 1) * len).div_ceil(count),
        }
    }
}

/// Sizes of a pooling of `n` images of `c` channels.
#[derive(Clone, Debug)]
pub struct PoolGeometry {
    /// Images.
    pub n: usize,
    /// Lengths of an image's axes.
    pub input: [usize; 3],
    /// Lengths of a result's axes.
    pub output: [usize; 3],
    /// Channels.
    pub c: usize,
    /// The windows along each axis.
    windows: [Windows; 3],
}

impl PoolGeometry {
    /// The sizes, unless along some axis no window fits.
    pub fn new(n: usize, input: [usize; 3], c: usize, windows: &[Windows; 3]) -> Option<PoolGeometry> {
        let mut output = [0; 3];
        for axis in 0..3 {
            output[axis] = windows[axis].count(input[axis])?;
        }
        Some(PoolGeometry { n, input, output, c, windows: *windows })
    }

    /// Elements of an image.
    pub fn image_in(&self) -> usize {
        self.input.iter().product::<usize>() * self.c
    }

    /// Elements of an image's result.
    pub fn image_out(&self) -> usize {
        self.output.iter().product::<usize>() * self.c
    }

    /// Rows of all results, along the last spatial axis.
    pub fn rows(&self) -> usize {
        self.n * self.output[0] * self.output[1]
    }

    /// Elements of a result's row.
    pub fn row_len(&self) -> usize {
        self.output[2] * self.c
    }

    /// Elements of an image's row.
    pub(super) fn line_len(&self) -> usize {
        self.input[2] * self.c
    }

    /// Where the image rows begin under the windows of a result's row.
    pub(super) fn lines(&self, row: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let (image, o0, o1) =
            (row / self.output[1] / self.output[0], row / self.output[1] % self.output[0], row % self.output[1]);
        let ([d0, d1, _], line) = (self.input, self.line_len());
        let (outer, inner) = (self.span(0, o0), self.span(1, o1));
        outer.flat_map(move |i0| inner.clone().map(move |i1| ((image * d0 + i0) * d1 + i1) * line))
    }

    /// Whether no element lies under two windows.
    pub fn is_disjoint(&self) -> bool {
        (0..3).all(|axis| match self.windows[axis] {
            Windows::Sliding { size, stride, .. } => stride >= size,
            Windows::Adaptive { count } => self.input[axis].is_multiple_of(count),
        })
    }

    #[inline(always)]
    fn span(&self, axis: usize, o: usize) -> Range<usize> {
        self.windows[axis].span(o, self.output[axis], self.input[axis])
    }

    /// The columns under window `o` of a row.
    #[inline(always)]
    pub(super) fn columns(&self, o: usize) -> Range<usize> {
        self.span(2, o)
    }
}
