//! Conversions between element types, and rows moved between memory and strips.

use super::run::Operand;
use crate::isa::Isa;
use crate::mem::{BF16, DType, Element, F16};

/// A type that converts from and to every other as NumPy's do on this platform: integers wrap around; floats are truncated, to
/// small integers through int32 or int64 and wrapping. What does not fit those saturates.
pub(super) trait Number: Element {
    fn of<A: Number>(a: A) -> Self;
    fn to_u8(self) -> u8;
    fn to_u16(self) -> u16;
    fn to_u32(self) -> u32;
    fn to_u64(self) -> u64;
    fn to_i8(self) -> i8;
    fn to_i16(self) -> i16;
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_f16(self) -> F16;
    fn to_bf16(self) -> BF16;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
}

/// Conversions as expressions of the number `$x`.
macro_rules! number {
    ($t:ident, $of:ident, |$x:ident| $($to:ident $target:ident $value:expr;)*) => {
        impl Number for $t {
            #[inline(always)]
            fn of<A: Number>(a: A) -> $t {
                a.$of()
            }
            $(#[inline(always)]
            fn $to(self) -> $target {
                let $x = self;
                $value
            })*
        }
    };
}

macro_rules! integer {
    ($t:ident, $of:ident) => {
        number! { $t, $of, |x|
            to_u8 u8 x as u8;
            to_u16 u16 x as u16;
            to_u32 u32 x as u32;
            to_u64 u64 x as u64;
            to_i8 i8 x as i8;
            to_i16 i16 x as i16;
            to_i32 i32 x as i32;
            to_i64 i64 x as i64;
            to_f16 F16 F16::from_f32(x as f32);
            to_bf16 BF16 BF16::from_f32(x as f32);
            to_f32 f32 x as f32;
            to_f64 f64 x as f64;
        }
    };
}
integer!(u8, to_u8);
integer!(u16, to_u16);
integer!(u32, to_u32);
integer!(u64, to_u64);
integer!(i8, to_i8);
integer!(i16, to_i16);
integer!(i32, to_i32);
integer!(i64, to_i64);

/// `$f` is the number as a primitive float.
macro_rules! float {
    ($t:ident, $of:ident, |$x:ident| $f:expr, $half:ident) => {
        number! { $t, $of, |$x|
            to_u8 u8 $f as i32 as u8;
            to_u16 u16 $f as i32 as u16;
            to_u32 u32 $f as i64 as u32;
            to_u64 u64 if $f < 0.0 { $f as i64 as u64 } else { $f as u64 };
            to_i8 i8 $f as i32 as i8;
            to_i16 i16 $f as i32 as i16;
            to_i32 i32 $f as i32;
            to_i64 i64 $f as i64;
            to_f16 F16 F16::$half($f);
            to_bf16 BF16 BF16::$half($f);
            to_f32 f32 $f as f32;
            to_f64 f64 f64::from($f);
        }
    };
}
float!(F16, to_f16, |x| x.to_f32(), from_f32);
float!(BF16, to_bf16, |x| x.to_f32(), from_f32);
float!(f32, to_f32, |x| x, from_f32);
float!(f64, to_f64, |x| x, from_f64);

#[inline(always)]
unsafe fn gather<A: Number, T: Number>(src: *const A, stride: usize, n: usize, dst: *mut T) {
    // SAFETY: the caller vouches for n elements at `stride` from src, and n at dst.
    unsafe {
        match stride {
            0 => {
                let x = T::of(*src);
                (0..n).for_each(|i| dst.add(i).write(x));
            }
            1 => (0..n).for_each(|i| dst.add(i).write(T::of(*src.add(i)))),
            _ => (0..n).for_each(|i| dst.add(i).write(T::of(*src.add(i * stride)))),
        }
    }
}

/// Converts `n` elements of type `dtype`, `stride` apart from element `offset` of `src` on, into `dst`.
///
/// # Safety
/// Those elements are readable, `n` elements are writable at `dst`, and the two do not overlap.
pub(super) unsafe fn load_row<T: Number>(
    isa: Isa,
    dtype: DType,
    src: *const u8,
    offset: usize,
    stride: usize,
    n: usize,
    dst: *mut T,
) {
    macro_rules! gathered {
        ($t:ty) => {
            // SAFETY: the caller's promise, for the type that `dtype` names.
            unsafe { crate::dispatch!(isa, _s => gather(src.cast::<$t>().add(offset), stride, n, dst)) }
        };
    }
    match dtype {
        DType::Bool | DType::U8 => gathered!(u8),
        DType::U16 => gathered!(u16),
        DType::U32 => gathered!(u32),
        DType::U64 => gathered!(u64),
        DType::I8 => gathered!(i8),
        DType::I16 => gathered!(i16),
        DType::I32 => gathered!(i32),
        DType::I64 => gathered!(i64),
        DType::F16 => gathered!(F16),
        DType::BF16 => gathered!(BF16),
        DType::F32 => gathered!(f32),
        DType::F64 => gathered!(f64),
    }
}

#[inline(always)]
unsafe fn scatter<T: Number, B>(src: Operand<T>, n: usize, dst: *mut B, f: impl Fn(T) -> B) {
    // SAFETY: the caller vouches for n elements of src and at dst.
    unsafe {
        if src.mask == 0 {
            (0..n).for_each(|i| dst.add(i).write(f(*src.ptr)));
        } else {
            (0..n).for_each(|i| dst.add(i).write(f(*src.ptr.add(i))));
        }
    }
}

/// Converts `n` elements of `src` into elements of type `dtype` from element `offset` of `dst` on.
///
/// # Safety
/// `src` has `n` elements, those of `dst` are writable, and the two do not overlap.
pub(super) unsafe fn store_row<T: Number>(
    isa: Isa,
    dtype: DType,
    src: Operand<T>,
    n: usize,
    dst: *mut u8,
    offset: usize,
) {
    macro_rules! scattered {
        ($t:ty, $f:expr) => {
            // SAFETY: the caller's promise, for the type that `dtype` names.
            unsafe { crate::dispatch!(isa, _s => scatter(src, n, dst.cast::<$t>().add(offset), $f)) }
        };
    }
    match dtype {
        DType::Bool => scattered!(u8, |x| u8::from(x != T::default())),
        DType::U8 => scattered!(u8, T::to_u8),
        DType::U16 => scattered!(u16, T::to_u16),
        DType::U32 => scattered!(u32, T::to_u32),
        DType::U64 => scattered!(u64, T::to_u64),
        DType::I8 => scattered!(i8, T::to_i8),
        DType::I16 => scattered!(i16, T::to_i16),
        DType::I32 => scattered!(i32, T::to_i32),
        DType::I64 => scattered!(i64, T::to_i64),
        DType::F16 => scattered!(F16, T::to_f16),
        DType::BF16 => scattered!(BF16, T::to_bf16),
        DType::F32 => scattered!(f32, T::to_f32),
        DType::F64 => scattered!(f64, T::to_f64),
    }
}

/// `x` rounded or wrapped to `dtype` and back.
#[inline(always)]
pub(super) fn round_trip<T: Number>(dtype: DType, x: T) -> T {
    match dtype {
        DType::Bool => T::of(u8::from(x != T::default())),
        DType::U8 => T::of(x.to_u8()),
        DType::U16 => T::of(x.to_u16()),
        DType::U32 => T::of(x.to_u32()),
        DType::U64 => T::of(x.to_u64()),
        DType::I8 => T::of(x.to_i8()),
        DType::I16 => T::of(x.to_i16()),
        DType::I32 => T::of(x.to_i32()),
        DType::I64 => T::of(x.to_i64()),
        DType::F16 => T::of(x.to_f16()),
        DType::BF16 => T::of(x.to_bf16()),
        DType::F32 => T::of(x.to_f32()),
        DType::F64 => T::of(x.to_f64()),
    }
}
