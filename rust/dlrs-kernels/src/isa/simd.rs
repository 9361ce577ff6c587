//! One vector type per instruction-set level, behind one small trait.
//!
//! Kernels are written once, generic over [`Simd`] and marked `#[inline(always)]` down to the last helper, and compiled per level by
//! [`dispatch!`](crate::dispatch), whose entry enables the level's target features.

use super::{Doubles, Isa};

/// The vectors of one instruction-set level. A value exists only where the level is supported, so its methods are safe to call.
///
/// Methods are single instructions wherever the level has them. `max` and `min` return NaN if either operand is NaN, as NumPy's
/// `maximum` and `minimum` do; `max_fast` and `min_fast` return the second operand then.
#[allow(clippy::wrong_self_convention)] // `self` is the level's token, not the operand
pub trait Simd: Doubles + Copy + Send + Sync + 'static {
    /// f32 (and i32) lanes of a vector.
    const LANES: usize;
    /// A vector of `LANES` f32.
    type F32: Copy;
    /// A vector of `LANES` i32.
    type I32: Copy;
    /// A truth value per lane.
    type Mask: Copy;

    /// The level's token, if `isa` reaches the level.
    fn new(isa: Isa) -> Option<Self>;

    /// Runs `f`, which must be inlined into the call, with the level's target features enabled.
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::F32;
    /// All lanes `x`.
    fn splat_i32(self, x: i32) -> Self::I32;

    /// Reads `LANES` elements.
    ///
    /// # Safety
    /// `p` is valid for reads of `LANES` elements; no alignment is needed.
    unsafe fn load_ptr(self, p: *const f32) -> Self::F32;
    /// Writes `LANES` elements.
    ///
    /// # Safety
    /// `p` is valid for writes of `LANES` elements; no alignment is needed.
    unsafe fn store_ptr(self, p: *mut f32, v: Self::F32);
    /// Writes all lanes past the caches: for what is not read before it would have left them. Nobody else may read it before
    /// [`Simd::fence_streams`].
    ///
    /// # Safety
    /// `p` is valid for writes of `LANES` elements and aligned to the vector's size.
    unsafe fn stream_ptr(self, p: *mut f32, v: Self::F32) {
        // SAFETY: the caller vouches for the elements.
        unsafe { self.store_ptr(p, v) }
    }
    /// Orders everything streamed before what is written from here on.
    fn fence_streams(self) {}
    /// Reads the first `n < LANES` elements; the other lanes are 0 and their memory is not touched.
    ///
    /// # Safety
    /// `n <= LANES` and `p` is valid for reads of `n` elements.
    unsafe fn load_partial(self, p: *const f32, n: usize) -> Self::F32;
    /// Writes the first `n < LANES` lanes; memory beyond them is not touched.
    ///
    /// # Safety
    /// `n <= LANES` and `p` is valid for writes of `n` elements.
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: Self::F32);
    /// Reads `LANES` integers.
    ///
    /// # Safety
    /// `p` is valid for reads of `LANES` elements; no alignment is needed.
    unsafe fn load_i32_ptr(self, p: *const i32) -> Self::I32;
    /// Writes `LANES` integers.
    ///
    /// # Safety
    /// `p` is valid for writes of `LANES` elements; no alignment is needed.
    unsafe fn store_i32_ptr(self, p: *mut i32, v: Self::I32);

    /// Lane `i` of the result is lane `index[i] < LANES` of `a`.
    fn permute(self, a: Self::F32, index: Self::I32) -> Self::F32;

    /// `a + b`.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a - b`.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b`.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a / b`.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once where the level has fused multiply-add, twice at the portable level.
    fn fma(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// `c - a * b`, rounded as [`fma`](Self::fma) is.
    fn fnma(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Square root, correctly rounded.
    fn sqrt(self, a: Self::F32) -> Self::F32;
    /// The larger; `b` if either is NaN.
    fn max_fast(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The smaller; `b` if either is NaN.
    fn min_fast(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// The nearest integer, ties to even.
    fn round_even(self, a: Self::F32) -> Self::F32;
    /// The largest integer not above.
    fn floor(self, a: Self::F32) -> Self::F32;

    /// `a < b`; false for NaN.
    fn lt(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a <= b`; false for NaN.
    fn le(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a == b`; false for NaN.
    fn eq(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `a != b`; true for NaN.
    fn ne(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// `m ? a : b`, lane by lane.
    fn select(self, m: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `m ? a : b`, lane by lane.
    fn select_i32(self, m: Self::Mask, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Both.
    fn mask_and(self, a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Either.
    fn mask_or(self, a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Neither.
    fn mask_not(self, a: Self::Mask) -> Self::Mask;
    /// The first `n <= LANES` lanes.
    fn first(self, n: usize) -> Self::Mask;
    /// Bit `i` of the result is lane `i`.
    fn mask_bits(self, m: Self::Mask) -> u32;
    /// `a == b`.
    fn eq_i32(self, a: Self::I32, b: Self::I32) -> Self::Mask;
    /// `a > b`.
    fn gt_i32(self, a: Self::I32, b: Self::I32) -> Self::Mask;

    /// The nearest integer, ties to even, for `|a| < 2²²`.
    fn to_i32_round(self, a: Self::F32) -> Self::I32;
    /// The integer part, for `|a| < 2³¹`.
    fn to_i32_trunc(self, a: Self::F32) -> Self::I32;
    /// The nearest f32.
    fn from_i32(self, a: Self::I32) -> Self::F32;
    /// `a + b`, wrapping.
    fn add_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// `a - b`, wrapping.
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The unsigned 64-bit products of the even lanes: low halves in the even lanes, high halves in the odd ones.
    fn mul_even_u32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Every odd lane moved to the even lane before it; the odd lanes become 0.
    fn odd_to_even(self, a: Self::I32) -> Self::I32;
    /// The even lanes of `a`, and in the odd lanes the even lanes of `b`.
    fn interleave_even(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Shift left by `N` bits.
    fn shl<const N: i32>(self, a: Self::I32) -> Self::I32;
    /// Arithmetic shift right by `N` bits.
    fn shr<const N: i32>(self, a: Self::I32) -> Self::I32;
    /// Logical shift right by `N` bits.
    fn shr_u32<const N: i32>(self, a: Self::I32) -> Self::I32;
    /// Bitwise and.
    fn and(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Bitwise or.
    fn or(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Bitwise exclusive or.
    fn xor(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// The same bits as integers.
    fn to_bits(self, a: Self::F32) -> Self::I32;
    /// The same bits as floats.
    fn from_bits(self, a: Self::I32) -> Self::F32;

    /// `a · 2ⁿ`, rounded once, for integers n with |n| ≤ 250.
    #[inline(always)]
    fn scale_by_power_of_two(self, a: Self::F32, n: Self::F32) -> Self::F32 {
        // Two factors, as 2ⁿ itself leaves the normal range at both ends.
        let n = self.to_i32_round(n);
        let half = self.shr::<1>(n);
        let bias = self.splat_i32(127);
        let first = self.from_bits(self.shl::<23>(self.add_i32(half, bias)));
        let second = self.from_bits(self.shl::<23>(self.add_i32(self.sub_i32(n, half), bias)));
        self.mul(self.mul(a, first), second)
    }

    /// The sum of the lanes: lane `i` meets lane `i + width/2`, halving the width until one is left.
    fn reduce_add(self, v: Self::F32) -> f32;
    /// The sums of the lanes of four vectors, in an order of its own.
    fn reduce_add_each(self, v: [Self::F32; 4]) -> [f32; 4];
    /// The largest lane; NaN if any is NaN.
    fn reduce_max(self, v: Self::F32) -> f32;
    /// The smallest lane; NaN if any is NaN.
    #[inline(always)]
    fn reduce_min(self, v: Self::F32) -> f32 {
        -self.reduce_max(self.neg(v))
    }

    /// Zeros.
    #[inline(always)]
    fn zero(self) -> Self::F32 {
        self.splat(0.0)
    }
    /// The first `LANES` elements of `x`.
    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F32 {
        let x = &x[..Self::LANES];
        // SAFETY: x has LANES elements.
        unsafe { self.load_ptr(x.as_ptr()) }
    }
    /// Writes the first `LANES` elements of `y`.
    #[inline(always)]
    fn store(self, y: &mut [f32], v: Self::F32) {
        let y = &mut y[..Self::LANES];
        // SAFETY: y has LANES elements.
        unsafe { self.store_ptr(y.as_mut_ptr(), v) }
    }
    /// `a > b`; false for NaN.
    #[inline(always)]
    fn gt(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        self.lt(b, a)
    }
    /// `a >= b`; false for NaN.
    #[inline(always)]
    fn ge(self, a: Self::F32, b: Self::F32) -> Self::Mask {
        self.le(b, a)
    }
    /// The larger; NaN if either is NaN.
    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        self.select(self.ne(a, a), a, self.max_fast(a, b))
    }
    /// The smaller; NaN if either is NaN.
    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        self.select(self.ne(a, a), a, self.min_fast(a, b))
    }
    /// `|a|`.
    #[inline(always)]
    fn abs(self, a: Self::F32) -> Self::F32 {
        self.from_bits(self.and(self.to_bits(a), self.splat_i32(0x7fff_ffff)))
    }
    /// `-a`.
    #[inline(always)]
    fn neg(self, a: Self::F32) -> Self::F32 {
        self.from_bits(self.xor(self.to_bits(a), self.splat_i32(i32::MIN)))
    }
    /// `|a|` with the sign of `b`.
    #[inline(always)]
    fn copysign(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        let sign = self.and(self.to_bits(b), self.splat_i32(i32::MIN));
        self.from_bits(self.or(self.to_bits(self.abs(a)), sign))
    }
    /// Whether any lane is true.
    #[inline(always)]
    fn any(self, m: Self::Mask) -> bool {
        self.mask_bits(m) != 0
    }
}

/// `dispatch!(isa, s => kernel(s, x, y))` runs `kernel`, which is generic over [`Simd`](crate::isa::Simd) and `#[inline(always)]`, at the level of `isa`.
#[macro_export]
macro_rules! dispatch {
    ($isa:expr, $s:ident => $body:expr) => {{
        use $crate::isa::Simd as _;
        let isa: $crate::isa::Isa = $isa;
        #[cfg(target_arch = "x86_64")]
        {
            if let Some($s) = $crate::isa::Avx512::new(isa) {
                $s.vectorize(
                    #[inline(always)]
                    || $body,
                )
            } else if let Some($s) = $crate::isa::Avx2::new(isa) {
                $s.vectorize(
                    #[inline(always)]
                    || $body,
                )
            } else {
                let $s = $crate::isa::Portable;
                $body
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = isa;
            let $s = $crate::isa::Portable;
            $body
        }
    }};
}
