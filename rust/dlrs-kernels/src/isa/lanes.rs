//! Arithmetic that kernels write once for both floating-point types: f32 over the vectors of any level, f64 one element at a time.

use super::{Isa, Simd};
use crate::dispatch;
use crate::math;
use crate::mem::Element;

/// Vectors of one floating-point type. Every [`Simd`] level is one of f32; [`Double`] is one of f64.
pub trait Lanes: Copy {
    /// The floating-point type.
    type T: Real;
    /// A vector of `LANES` elements.
    type V: Copy;
    /// Elements of a vector.
    const LANES: usize;

    /// All lanes `x`.
    fn splat(self, x: Self::T) -> Self::V;
    /// Reads `LANES` elements.
    ///
    /// # Safety
    /// `p` is valid for reads of `LANES` elements.
    unsafe fn load(self, p: *const Self::T) -> Self::V;
    /// Writes `LANES` elements.
    ///
    /// # Safety
    /// `p` is valid for writes of `LANES` elements.
    unsafe fn store(self, p: *mut Self::T, v: Self::V);
    /// Reads the first `n` elements; the other lanes are `rest`.
    ///
    /// # Safety
    /// `n <= LANES` and `p` is valid for reads of `n` elements.
    unsafe fn load_or(self, p: *const Self::T, n: usize, rest: Self::T) -> Self::V;
    /// Writes the first `n` lanes.
    ///
    /// # Safety
    /// `n <= LANES` and `p` is valid for writes of `n` elements.
    unsafe fn store_first(self, p: *mut Self::T, n: usize, v: Self::V);
    /// The first `n` lanes of `v`; the others are `rest`.
    fn keep(self, v: Self::V, n: usize, rest: Self::T) -> Self::V;
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// Square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// The larger; NaN if either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger; `b` if `a` is NaN.
    fn max_number(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; NaN if either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// eˣ.
    fn exp(self, a: Self::V) -> Self::V;
    /// Natural logarithm.
    fn log(self, a: Self::V) -> Self::V;
    /// 1/(1 + e⁻ˣ).
    fn sigmoid(self, a: Self::V) -> Self::V;
    /// Hyperbolic tangent.
    fn tanh(self, a: Self::V) -> Self::V;
    /// `a > 0 ? b : 0`, lane by lane; 0 for NaN.
    fn where_positive(self, a: Self::V, b: Self::V) -> Self::V;
    /// The sum of the lanes, in a fixed order.
    fn sum(self, v: Self::V) -> Self::T;
    /// The largest lane; NaN if any is NaN.
    fn largest(self, v: Self::V) -> Self::T;
}

/// A kernel over the vectors of either floating-point type.
pub trait Kernel<T: Real> {
    /// What it returns.
    type Output;
    /// Runs it; implementations are `#[inline(always)]`.
    fn run<L: Lanes<T = T>>(self, l: L) -> Self::Output;
}

/// A floating-point element type: f32 or f64.
pub trait Real:
    Element
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    /// −∞.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// Runs the kernel over this type's vectors at the level of `isa`.
    fn run<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;
    /// The nearest number of this type.
    fn of(x: f64) -> Self;
    /// As double precision.
    fn to_f64(self) -> f64;
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
}

impl Real for f32 {
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;
    const NAN: f32 = f32::NAN;
    #[inline]
    fn run<K: Kernel<f32>>(isa: Isa, kernel: K) -> K::Output {
        dispatch!(isa, s => kernel.run(s))
    }
    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
}

impl Real for f64 {
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;
    const NAN: f64 = f64::NAN;
    #[inline]
    fn run<K: Kernel<f64>>(_: Isa, kernel: K) -> K::Output {
        kernel.run(Double)
    }
    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
}

impl<S: Simd> Lanes for S {
    type T = f32;
    type V = S::F32;
    const LANES: usize = S::LANES;

    #[inline(always)]
    fn splat(self, x: f32) -> S::F32 {
        Simd::splat(self, x)
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> S::F32 {
        // SAFETY: passed on.
        unsafe { self.load_ptr(p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: S::F32) {
        // SAFETY: passed on.
        unsafe { self.store_ptr(p, v) }
    }
    #[inline(always)]
    unsafe fn load_or(self, p: *const f32, n: usize, rest: f32) -> S::F32 {
        // SAFETY: passed on.
        self.keep(unsafe { self.load_partial(p, n) }, n, rest)
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize, v: S::F32) {
        // SAFETY: passed on.
        unsafe { self.store_partial(p, n, v) }
    }
    #[inline(always)]
    fn keep(self, v: S::F32, n: usize, rest: f32) -> S::F32 {
        self.select(self.first(n), v, Simd::splat(self, rest))
    }
    #[inline(always)]
    fn add(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::add(self, a, b)
    }
    #[inline(always)]
    fn sub(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::sub(self, a, b)
    }
    #[inline(always)]
    fn mul(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::mul(self, a, b)
    }
    #[inline(always)]
    fn div(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::div(self, a, b)
    }
    #[inline(always)]
    fn fma(self, a: S::F32, b: S::F32, c: S::F32) -> S::F32 {
        Simd::fma(self, a, b, c)
    }
    #[inline(always)]
    fn sqrt(self, a: S::F32) -> S::F32 {
        Simd::sqrt(self, a)
    }
    #[inline(always)]
    fn max(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::max(self, a, b)
    }
    #[inline(always)]
    fn max_number(self, a: S::F32, b: S::F32) -> S::F32 {
        self.max_fast(a, b)
    }
    #[inline(always)]
    fn min(self, a: S::F32, b: S::F32) -> S::F32 {
        Simd::min(self, a, b)
    }
    #[inline(always)]
    fn exp(self, a: S::F32) -> S::F32 {
        math::exp(self, a)
    }
    #[inline(always)]
    fn log(self, a: S::F32) -> S::F32 {
        math::log(self, a)
    }
    #[inline(always)]
    fn sigmoid(self, a: S::F32) -> S::F32 {
        math::sigmoid(self, a)
    }
    #[inline(always)]
    fn tanh(self, a: S::F32) -> S::F32 {
        math::tanh(self, a)
    }
    #[inline(always)]
    fn where_positive(self, a: S::F32, b: S::F32) -> S::F32 {
        self.select(self.gt(a, self.zero()), b, self.zero())
    }
    #[inline(always)]
    fn sum(self, v: S::F32) -> f32 {
        self.reduce_add(v)
    }
    #[inline(always)]
    fn largest(self, v: S::F32) -> f32 {
        self.reduce_max(v)
    }
}

/// f64, one element at a time.
#[derive(Clone, Copy, Debug)]
pub struct Double;

impl Lanes for Double {
    type T = f64;
    type V = f64;
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(self, x: f64) -> f64 {
        x
    }
    #[inline(always)]
    unsafe fn load(self, p: *const f64) -> f64 {
        // SAFETY: the caller vouches for one element at p.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64, v: f64) {
        // SAFETY: the caller vouches for one element at p.
        unsafe { *p = v }
    }
    #[inline(always)]
    unsafe fn load_or(self, p: *const f64, n: usize, rest: f64) -> f64 {
        // SAFETY: the caller vouches for n elements at p.
        if n > 0 { unsafe { *p } } else { rest }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f64, n: usize, v: f64) {
        if n > 0 {
            // SAFETY: the caller vouches for n elements at p.
            unsafe { *p = v }
        }
    }
    #[inline(always)]
    fn keep(self, v: f64, n: usize, rest: f64) -> f64 {
        if n > 0 { v } else { rest }
    }
    #[inline(always)]
    fn add(self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline(always)]
    fn fma(self, a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
    #[inline(always)]
    fn sqrt(self, a: f64) -> f64 {
        a.sqrt()
    }
    #[inline(always)]
    fn max(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || a > b { a } else { b }
    }
    #[inline(always)]
    fn max_number(self, a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f64, b: f64) -> f64 {
        if a.is_nan() || a < b { a } else { b }
    }
    #[inline(always)]
    fn exp(self, a: f64) -> f64 {
        a.exp()
    }
    #[inline(always)]
    fn log(self, a: f64) -> f64 {
        a.ln()
    }
    #[inline(always)]
    fn sigmoid(self, a: f64) -> f64 {
        1.0 / (1.0 + (-a).exp())
    }
    #[inline(always)]
    fn tanh(self, a: f64) -> f64 {
        a.tanh()
    }
    #[inline(always)]
    fn where_positive(self, a: f64, b: f64) -> f64 {
        if a > 0.0 { b } else { 0.0 }
    }
    #[inline(always)]
    fn sum(self, v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn largest(self, v: f64) -> f64 {
        v
    }
}
