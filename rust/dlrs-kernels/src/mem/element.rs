//! The element types that buffers may hold.

use std::fmt;

use super::half::{BF16, F16};

/// The type of a buffer's elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// Truth values, one byte each, 0 or 1.
    Bool,
    /// Unsigned bytes.
    U8,
    /// 16-bit unsigned integers.
    U16,
    /// 32-bit unsigned integers.
    U32,
    /// 64-bit unsigned integers.
    U64,
    /// 8-bit signed integers.
    I8,
    /// 16-bit signed integers.
    I16,
    /// 32-bit signed integers.
    I32,
    /// 64-bit signed integers.
    I64,
    /// Brain floats: IEEE singles without the lower half of their bits.
    BF16,
    /// IEEE half precision.
    F16,
    /// IEEE single precision, the working type.
    F32,
    /// IEEE double precision.
    F64,
}

impl DType {
    /// Every type, in the order of declaration.
    pub const ALL: [DType; 13] = {
        use DType::*;
        [Bool, U8, U16, U32, U64, I8, I16, I32, I64, BF16, F16, F32, F64]
    };

    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::U16 | DType::I16 | DType::F16 | DType::BF16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::U64 | DType::I64 | DType::F64 => 8,
        }
    }

    /// Keras's and NumPy's name of the type.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
        }
    }

    /// Whether the type is a floating-point type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether the type is an integer type; truth values are none.
    pub const fn is_int(self) -> bool {
        !self.is_float() && !matches!(self, DType::Bool)
    }

    /// Whether the type has no negative numbers.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64)
    }

    /// Whether elements of the type are stored and moved, but converted to be computed with.
    pub const fn is_narrow(self) -> bool {
        use DType::*;
        matches!(self, I8 | I16 | U16 | U32 | U64 | F16 | BF16)
    }

    /// The type that kernels compute in for operands of this one.
    ///
    /// Halves compute as singles, truth values and small integers as int32 and int64, whose results wrap to the right ones. 64-bit unsigned
    /// integers are seen as signed ones with the same bits, which is right for sums, differences, products and equality.
    pub const fn working(self) -> DType {
        match self {
            DType::F16 | DType::BF16 => DType::F32,
            DType::Bool | DType::U8 | DType::I8 | DType::I16 | DType::U16 => DType::I32,
            DType::U32 | DType::U64 => DType::I64,
            own => own,
        }
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
    /// The dtypes whose buffers may be viewed as `Self`. Unsigned integers view the bits of every type of their size, which is
    /// all that kernels need that only move elements.
    const DTYPES: &'static [DType];
}

macro_rules! element {
    ($($t:ty: $($dtype:ident)*;)*) => {
        $(
            // SAFETY: every bit pattern of these primitive numbers, and of 16 bits in a transparent struct, is valid, and they
            // have no padding.
            unsafe impl Element for $t {
                const DTYPES: &'static [DType] = &[$(DType::$dtype),*];
            }
        )*
    };
}
element! {
    u8: U8 Bool I8;
    u16: U16 I16 F16 BF16;
    u32: U32 I32 F32;
    u64: U64 I64 F64;
    i8: I8;
    i16: I16;
    i32: I32;
    i64: I64;
    F16: F16;
    BF16: BF16;
    f32: F32;
    f64: F64;
}
