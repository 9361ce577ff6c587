//! Conversions between element types, and rows moved between memory and strips.

use super::run::Operand;
use crate::isa::Isa;
use crate::mem::{DType, Element};

/// A type that converts from and to every other, as Rust's `as` does, except that floats become bytes through i32, wrapping.
pub(super) trait Number: Element {
    fn of<A: Number>(a: A) -> Self;
    fn to_u8(self) -> u8;
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
}

macro_rules! number {
    ($t:ident, $of:ident, |$x:ident| $byte:expr) => {
        impl Number for $t {
            #[inline(always)]
            fn of<A: Number>(a: A) -> $t {
                a.$of()
            }
            #[inline(always)]
            fn to_u8(self) -> u8 {
                let $x = self;
                $byte
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    };
}
number!(u8, to_u8, |x| x);
number!(i32, to_i32, |x| x as u8);
number!(i64, to_i64, |x| x as u8);
number!(f32, to_f32, |x| x as i32 as u8);
number!(f64, to_f64, |x| x as i32 as u8);

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
    // SAFETY: the caller's promise, for the type that `dtype` names.
    unsafe {
        match dtype {
            DType::Bool | DType::U8 => crate::dispatch!(isa, _s => gather(src.add(offset), stride, n, dst)),
            DType::I32 => crate::dispatch!(isa, _s => gather(src.cast::<i32>().add(offset), stride, n, dst)),
            DType::I64 => crate::dispatch!(isa, _s => gather(src.cast::<i64>().add(offset), stride, n, dst)),
            DType::F32 => crate::dispatch!(isa, _s => gather(src.cast::<f32>().add(offset), stride, n, dst)),
            DType::F64 => crate::dispatch!(isa, _s => gather(src.cast::<f64>().add(offset), stride, n, dst)),
        }
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
    // SAFETY: the caller's promise, for the type that `dtype` names.
    unsafe {
        match dtype {
            DType::Bool => {
                crate::dispatch!(isa, _s => scatter(src, n, dst.add(offset), |x| u8::from(x != T::default())))
            }
            DType::U8 => crate::dispatch!(isa, _s => scatter(src, n, dst.add(offset), T::to_u8)),
            DType::I32 => crate::dispatch!(isa, _s => scatter(src, n, dst.cast::<i32>().add(offset), T::to_i32)),
            DType::I64 => crate::dispatch!(isa, _s => scatter(src, n, dst.cast::<i64>().add(offset), T::to_i64)),
            DType::F32 => crate::dispatch!(isa, _s => scatter(src, n, dst.cast::<f32>().add(offset), T::to_f32)),
            DType::F64 => crate::dispatch!(isa, _s => scatter(src, n, dst.cast::<f64>().add(offset), T::to_f64)),
        }
    }
}

/// `x` rounded or wrapped to `dtype` and back.
#[inline(always)]
pub(super) fn round_trip<T: Number>(dtype: DType, x: T) -> T {
    match dtype {
        DType::Bool => T::of(u8::from(x != T::default())),
        DType::U8 => T::of(x.to_u8()),
        DType::I32 => T::of(x.to_i32()),
        DType::I64 => T::of(x.to_i64()),
        DType::F32 => T::of(x.to_f32()),
        DType::F64 => T::of(x.to_f64()),
    }
}
