//! The level that every target has: arrays of eight lanes, left to the compiler's vectoriser.

use super::{Isa, Simd};

/// Lanes of the portable level.
const N: usize = 8;

/// Whether the target itself has fused multiply-add; elsewhere `f32::mul_add` would be a library call.
const FUSED: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// The portable level: vectors are arrays of eight.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

#[inline(always)]
fn map<A: Copy, R>(a: [A; N], f: impl Fn(A) -> R) -> [R; N] {
    std::array::from_fn(
        #[inline(always)]
        |i| f(a[i]),
    )
}

#[inline(always)]
fn map2<A: Copy, B: Copy, R>(a: [A; N], b: [B; N], f: impl Fn(A, B) -> R) -> [R; N] {
    std::array::from_fn(
        #[inline(always)]
        |i| f(a[i], b[i]),
    )
}

/// 1.5 · 2²³: adding it leaves the nearest integer of a small number in the low mantissa bits.
const ROUND: f32 = 12_582_912.0;

/// Adding and taking away 2²³ drops the fraction; from there on every float is an integer.
#[inline(always)]
fn round_even(x: f32) -> f32 {
    const INTEGERS: f32 = 8_388_608.0;
    let magic = INTEGERS.copysign(x);
    if x.abs() < INTEGERS { ((x + magic) - magic).copysign(x) } else { x }
}

#[inline(always)]
fn mask(b: bool) -> u32 {
    if b { u32::MAX } else { 0 }
}

impl Simd for Portable {
    const LANES: usize = N;
    type F32 = [f32; N];
    type I32 = [i32; N];
    type Mask = [u32; N];

    #[inline(always)]
    fn new(_: Isa) -> Option<Self> {
        Some(Self)
    }
    #[inline(always)]
    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; N] {
        [x; N]
    }
    #[inline(always)]
    fn splat_i32(self, x: i32) -> [i32; N] {
        [x; N]
    }
    #[inline(always)]
    unsafe fn load_ptr(self, p: *const f32) -> [f32; N] {
        // SAFETY: the caller vouches for N elements at p.
        unsafe { p.cast::<[f32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, p: *mut f32, v: [f32; N]) {
        // SAFETY: the caller vouches for N elements at p.
        unsafe { p.cast::<[f32; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn load_partial(self, p: *const f32, n: usize) -> [f32; N] {
        let mut v = [0.0; N];
        for i in 0..n {
            // SAFETY: the caller vouches for n elements at p.
            v[i] = unsafe { p.add(i).read_unaligned() };
        }
        v
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut f32, n: usize, v: [f32; N]) {
        for i in 0..n {
            // SAFETY: the caller vouches for n elements at p.
            unsafe { p.add(i).write_unaligned(v[i]) };
        }
    }
    #[inline(always)]
    unsafe fn load_i32_ptr(self, p: *const i32) -> [i32; N] {
        // SAFETY: the caller vouches for N elements at p.
        unsafe { p.cast::<[i32; N]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store_i32_ptr(self, p: *mut i32, v: [i32; N]) {
        // SAFETY: the caller vouches for N elements at p.
        unsafe { p.cast::<[i32; N]>().write_unaligned(v) }
    }
    #[inline(always)]
    fn add(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| x + y)
    }
    #[inline(always)]
    fn sub(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| x - y)
    }
    #[inline(always)]
    fn mul(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| x * y)
    }
    #[inline(always)]
    fn div(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| x / y)
    }
    #[inline(always)]
    fn fma(self, a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| if FUSED { a[i].mul_add(b[i], c[i]) } else { a[i] * b[i] + c[i] })
    }
    #[inline(always)]
    fn fnma(self, a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| if FUSED { (-a[i]).mul_add(b[i], c[i]) } else { c[i] - a[i] * b[i] })
    }
    #[inline(always)]
    fn sqrt(self, a: [f32; N]) -> [f32; N] {
        map(a, f32::sqrt)
    }
    #[inline(always)]
    fn max_fast(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    fn min_fast(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        map2(a, b, |x, y| if x < y { x } else { y })
    }
    #[inline(always)]
    fn round_even(self, a: [f32; N]) -> [f32; N] {
        map(a, round_even)
    }
    #[inline(always)]
    fn floor(self, a: [f32; N]) -> [f32; N] {
        map(a, |x| {
            let r = round_even(x);
            // A result of zero keeps the sign of x, as floor does.
            (if r > x { r - 1.0 } else { r }).copysign(x)
        })
    }
    #[inline(always)]
    fn lt(self, a: [f32; N], b: [f32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x < y))
    }
    #[inline(always)]
    fn le(self, a: [f32; N], b: [f32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x <= y))
    }
    #[inline(always)]
    fn eq(self, a: [f32; N], b: [f32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x == y))
    }
    #[inline(always)]
    fn ne(self, a: [f32; N], b: [f32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x != y))
    }
    #[inline(always)]
    fn select(self, m: [u32; N], a: [f32; N], b: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| f32::from_bits((a[i].to_bits() & m[i]) | (b[i].to_bits() & !m[i])))
    }
    #[inline(always)]
    fn select_i32(self, m: [u32; N], a: [i32; N], b: [i32; N]) -> [i32; N] {
        std::array::from_fn(|i| (a[i] & m[i] as i32) | (b[i] & !m[i] as i32))
    }
    #[inline(always)]
    fn mask_and(self, a: [u32; N], b: [u32; N]) -> [u32; N] {
        map2(a, b, |x, y| x & y)
    }
    #[inline(always)]
    fn mask_or(self, a: [u32; N], b: [u32; N]) -> [u32; N] {
        map2(a, b, |x, y| x | y)
    }
    #[inline(always)]
    fn mask_not(self, a: [u32; N]) -> [u32; N] {
        map(a, |x| !x)
    }
    #[inline(always)]
    fn first(self, n: usize) -> [u32; N] {
        std::array::from_fn(|i| mask(i < n))
    }
    #[inline(always)]
    fn mask_bits(self, m: [u32; N]) -> u32 {
        (0..N).fold(0, |bits, i| bits | ((m[i] & 1) << i))
    }
    #[inline(always)]
    fn eq_i32(self, a: [i32; N], b: [i32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x == y))
    }
    #[inline(always)]
    fn gt_i32(self, a: [i32; N], b: [i32; N]) -> [u32; N] {
        map2(a, b, |x, y| mask(x > y))
    }
    #[inline(always)]
    fn to_i32_round(self, a: [f32; N]) -> [i32; N] {
        map(a, |x| ((x + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32))
    }
    #[inline(always)]
    fn to_i32_trunc(self, a: [f32; N]) -> [i32; N] {
        map(a, |x| x as i32)
    }
    #[inline(always)]
    fn from_i32(self, a: [i32; N]) -> [f32; N] {
        map(a, |x| x as f32)
    }
    #[inline(always)]
    fn add_i32(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        map2(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn sub_i32(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        map2(a, b, i32::wrapping_sub)
    }
    #[inline(always)]
    fn mul_even_u32(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        std::array::from_fn(|i| {
            let even = i & !1;
            let product = u64::from(a[even] as u32) * u64::from(b[even] as u32);
            (product >> (32 * (i & 1))) as i32
        })
    }
    #[inline(always)]
    fn odd_to_even(self, a: [i32; N]) -> [i32; N] {
        std::array::from_fn(|i| if i & 1 == 0 { a[i + 1] } else { 0 })
    }
    #[inline(always)]
    fn interleave_even(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        std::array::from_fn(|i| if i & 1 == 0 { a[i] } else { b[i - 1] })
    }
    #[inline(always)]
    fn shl<const K: i32>(self, a: [i32; N]) -> [i32; N] {
        map(a, |x| x << K)
    }
    #[inline(always)]
    fn shr<const K: i32>(self, a: [i32; N]) -> [i32; N] {
        map(a, |x| x >> K)
    }
    #[inline(always)]
    fn shr_u32<const K: i32>(self, a: [i32; N]) -> [i32; N] {
        map(a, |x| ((x as u32) >> K) as i32)
    }
    #[inline(always)]
    fn and(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        map2(a, b, |x, y| x & y)
    }
    #[inline(always)]
    fn or(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        map2(a, b, |x, y| x | y)
    }
    #[inline(always)]
    fn xor(self, a: [i32; N], b: [i32; N]) -> [i32; N] {
        map2(a, b, |x, y| x ^ y)
    }
    #[inline(always)]
    fn to_bits(self, a: [f32; N]) -> [i32; N] {
        map(a, |x| x.to_bits() as i32)
    }
    #[inline(always)]
    fn from_bits(self, a: [i32; N]) -> [f32; N] {
        map(a, |x| f32::from_bits(x as u32))
    }
    #[inline(always)]
    fn permute(self, a: [f32; N], index: [i32; N]) -> [f32; N] {
        std::array::from_fn(|i| a[index[i] as usize])
    }
    #[inline(always)]
    fn reduce_add(self, v: [f32; N]) -> f32 {
        let q: [f32; 4] = std::array::from_fn(|i| v[i] + v[i + 4]);
        (q[0] + q[2]) + (q[1] + q[3])
    }
    #[inline(always)]
    fn reduce_add_each(self, v: [[f32; N]; 4]) -> [f32; 4] {
        [self.reduce_add(v[0]), self.reduce_add(v[1]), self.reduce_add(v[2]), self.reduce_add(v[3])]
    }
    #[inline(always)]
    fn reduce_max(self, v: [f32; N]) -> f32 {
        v[1..].iter().fold(v[0], |m, &x| if m.is_nan() || m >= x { m } else { x })
    }
}
