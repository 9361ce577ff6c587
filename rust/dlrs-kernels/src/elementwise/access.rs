//! Where a program's inputs and outputs lie: typed slices, typed tiles, and strides over the iteration space.

use crate::mem::{BF16, DType, F16, TileMut};

/// How an input is laid over the iteration space.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Access {
    /// The type of the stored elements; they are converted to the program's compute type as they are loaded.
    pub dtype: DType,
    /// Distance in elements between neighbours along each axis of the iteration space; 0 where the input is broadcast.
    pub strides: Vec<usize>,
}

impl Access {
    /// An input of the iteration space's own shape, contiguous in row-major order.
    pub fn dense(dtype: DType, shape: &[usize]) -> Self {
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Self { dtype, strides }
    }

    /// A single element, broadcast over `rank` axes.
    pub fn scalar(dtype: DType, rank: usize) -> Self {
        Self { dtype, strides: vec![0; rank] }
    }

    /// A contiguous input of shape `own`, broadcast to the iteration space by NumPy's rules: aligned at the last axis, with
    /// missing and size-1 axes repeated. `rank` is the iteration space's.
    pub fn broadcast(dtype: DType, own: &[usize], rank: usize) -> Self {
        let mut strides = vec![0; rank];
        let mut step = 1;
        for (axis, &len) in own.iter().enumerate().rev() {
            strides[rank - own.len() + axis] = if len == 1 { 0 } else { step };
            step *= len;
        }
        Self { dtype, strides }
    }
}

/// A read-only buffer of any element type.
#[derive(Clone, Copy, Debug)]
pub enum AnySlice<'a> {
    /// Truth values, 0 or 1.
    Bool(&'a [u8]),
    /// Bytes.
    U8(&'a [u8]),
    /// 16-bit unsigned integers.
    U16(&'a [u16]),
    /// 32-bit unsigned integers.
    U32(&'a [u32]),
    /// 64-bit unsigned integers.
    U64(&'a [u64]),
    /// 8-bit integers.
    I8(&'a [i8]),
    /// 16-bit integers.
    I16(&'a [i16]),
    /// 32-bit integers.
    I32(&'a [i32]),
    /// 64-bit integers.
    I64(&'a [i64]),
    /// Half precision.
    F16(&'a [F16]),
    /// Brain floats.
    BF16(&'a [BF16]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// The value of an expression on what any variant of `$any` holds.
macro_rules! of_any {
    ($any:expr, $kind:ident, $x:ident => $value:expr) => {
        match $any {
            $kind::Bool($x) | $kind::U8($x) => $value,
            $kind::U16($x) => $value,
            $kind::U32($x) => $value,
            $kind::U64($x) => $value,
            $kind::I8($x) => $value,
            $kind::I16($x) => $value,
            $kind::I32($x) => $value,
            $kind::I64($x) => $value,
            $kind::F16($x) => $value,
            $kind::BF16($x) => $value,
            $kind::F32($x) => $value,
            $kind::F64($x) => $value,
        }
    };
}

/// The dtype that the variant of `$any` is named after.
macro_rules! dtype_of_any {
    ($any:expr, $kind:ident: $($dtype:ident)*) => {
        match $any {
            $($kind::$dtype(_) => DType::$dtype,)*
        }
    };
}

impl AnySlice<'_> {
    /// The element type.
    pub fn dtype(&self) -> DType {
        dtype_of_any!(self, AnySlice: Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 BF16 F32 F64)
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        of_any!(self, AnySlice, x => x.len())
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of the first element.
    pub(super) fn as_ptr(&self) -> *const u8 {
        of_any!(self, AnySlice, x => x.as_ptr().cast())
    }
}

/// What an input reads in one run.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The whole buffer that the input's strides walk over.
    Slice(AnySlice<'a>),
    /// The old contents of that output: the program runs in place. The input's access must be dense and of the output's type.
    Output(usize),
}

/// An output rectangle of any element type.
pub enum AnyTile<'a> {
    /// Truth values: nonzero results are stored as 1.
    Bool(TileMut<'a, u8>),
    /// Bytes.
    U8(TileMut<'a, u8>),
    /// 16-bit unsigned integers.
    U16(TileMut<'a, u16>),
    /// 32-bit unsigned integers.
    U32(TileMut<'a, u32>),
    /// 64-bit unsigned integers.
    U64(TileMut<'a, u64>),
    /// 8-bit integers.
    I8(TileMut<'a, i8>),
    /// 16-bit integers.
    I16(TileMut<'a, i16>),
    /// 32-bit integers.
    I32(TileMut<'a, i32>),
    /// 64-bit integers.
    I64(TileMut<'a, i64>),
    /// Half precision.
    F16(TileMut<'a, F16>),
    /// Brain floats.
    BF16(TileMut<'a, BF16>),
    /// Single precision.
    F32(TileMut<'a, f32>),
    /// Double precision.
    F64(TileMut<'a, f64>),
}

/// The address and measures of a tile, without its type.
pub(super) struct RawTile {
    pub ptr: *mut u8,
    pub rows: usize,
    pub cols: usize,
    pub stride: usize,
}

impl AnyTile<'_> {
    /// The element type.
    pub fn dtype(&self) -> DType {
        dtype_of_any!(self, AnyTile: Bool U8 U16 U32 U64 I8 I16 I32 I64 F16 BF16 F32 F64)
    }

    pub(super) fn raw(&mut self) -> RawTile {
        of_any!(self, AnyTile, t => RawTile { ptr: t.as_mut_ptr().cast(), rows: t.rows(), cols: t.cols(), stride: t.stride() })
    }
}

/// An iteration space of few axes, and the strides of each input over it.
#[derive(Clone, Debug)]
pub(super) struct Space {
    /// Lengths of all axes but the last, outermost first.
    pub outer: Vec<usize>,
    /// Length of the last axis.
    pub cols: usize,
    /// Product of `outer`.
    pub rows: usize,
    /// Per input, the strides along `outer`.
    pub outer_strides: Vec<Vec<usize>>,
    /// Per input, the stride along the last axis.
    pub col_strides: Vec<usize>,
}

impl Space {
    /// `shape` with size-1 axes dropped and neighbouring axes merged where every input walks over both in one stride.
    /// With `keep_cols` the last axis stays as it is, so that rectangles of a matrix stay rectangles.
    pub fn new(shape: &[usize], inputs: &[Access], keep_cols: bool) -> Self {
        for access in inputs {
            assert_eq!(
                access.strides.len(),
                shape.len(),
                "an input's strides do not match the iteration space {shape:?}"
            );
        }
        let mut axes: Vec<(usize, Vec<usize>)> = Vec::new();
        for (axis, &len) in shape.iter().enumerate() {
            let strides: Vec<usize> = inputs.iter().map(|a| a.strides[axis]).collect();
            let kept = keep_cols && axis + 1 == shape.len();
            if len == 1 && !kept {
                continue;
            }
            match axes.last_mut() {
                Some((outer_len, outer)) if !kept && outer.iter().zip(&strides).all(|(o, s)| *o == s * len) => {
                    *outer_len *= len;
                    *outer = strides;
                }
                _ => axes.push((len, strides)),
            }
        }
        let (cols, col_strides) = axes.pop().unwrap_or((1, vec![0; inputs.len()]));
        let outer: Vec<usize> = axes.iter().map(|a| a.0).collect();
        let outer_strides = (0..inputs.len()).map(|i| axes.iter().map(|a| a.1[i]).collect()).collect();
        Self { rows: outer.iter().product(), outer, cols, outer_strides, col_strides }
    }

    /// One more than the largest offset that the input reaches, 0 for an empty space.
    pub fn extent(&self, input: usize) -> usize {
        if self.rows == 0 || self.cols == 0 {
            return 0;
        }
        let outer = self.outer.iter().zip(&self.outer_strides[input]).map(|(len, s)| (len - 1) * s).sum::<usize>();
        outer + (self.cols - 1) * self.col_strides[input] + 1
    }

    /// Whether the input is row-major contiguous.
    pub fn is_dense(&self, input: usize) -> bool {
        let mut step = self.cols;
        (self.cols == 1 || self.col_strides[input] == 1)
            && self.outer.iter().zip(&self.outer_strides[input]).rev().all(|(&len, &s)| {
                let fits = len == 1 || s == step;
                step *= len;
                fits
            })
    }

    /// Whether every row of the input is the same.
    pub fn is_row_invariant(&self, input: usize) -> bool {
        self.outer_strides[input].iter().all(|&s| s == 0)
    }

    /// Offset of the start of row `row` of the input.
    #[inline]
    pub fn row_offset(&self, input: usize, row: usize) -> usize {
        match (self.outer.as_slice(), self.outer_strides[input].as_slice()) {
            ([], _) => 0,
            ([_], [stride]) => row * stride,
            (outer, strides) => {
                let mut rest = row;
                outer.iter().zip(strides).rev().fold(0, |offset, (len, stride)| {
                    let index = rest % len;
                    rest /= len;
                    offset + index * stride
                })
            }
        }
    }
}
