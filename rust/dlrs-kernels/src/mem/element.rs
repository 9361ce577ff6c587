//! The element types that buffers may hold.

use std::fmt;

/// The type of a buffer's elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Truth values, one byte each, 0 or 1.
    Bool,
    /// Unsigned bytes.
    U8,
    /// 32-bit signed integers.
    I32,
    /// 64-bit signed integers.
    I64,
    /// IEEE single precision, the working type.
    F32,
    /// IEEE double precision.
    F64,
}

impl DType {
    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 => 1,
            DType::I32 | DType::F32 => 4,
            DType::I64 | DType::F64 => 8,
        }
    }

    /// Keras's and NumPy's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// Whether the type is a floating-point type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }
}

impl fmt::Debug for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A plain number that may live in a buffer.
///
/// # Safety
/// Every bit pattern of `size_of::<Self>()` bytes that a buffer may hold under `DTYPES` must be a valid `Self`, and `Self` has no padding.
pub unsafe trait Element: Copy + Send + Sync + Default + PartialEq + fmt::Debug + 'static {
    /// The dtypes whose buffers may be viewed as `Self` (a bool buffer is viewed as `u8`).
    const DTYPES: &'static [DType];
}

// SAFETY: every bit pattern of these primitive numbers is valid and they have no padding.
unsafe impl Element for u8 {
    const DTYPES: &'static [DType] = &[DType::U8, DType::Bool];
}
// SAFETY: as above.
unsafe impl Element for i32 {
    const DTYPES: &'static [DType] = &[DType::I32];
}
// SAFETY: as above.
unsafe impl Element for i64 {
    const DTYPES: &'static [DType] = &[DType::I64];
}
// SAFETY: as above.
unsafe impl Element for f32 {
    const DTYPES: &'static [DType] = &[DType::F32];
}
// SAFETY: as above.
unsafe impl Element for f64 {
    const DTYPES: &'static [DType] = &[DType::F64];
}
