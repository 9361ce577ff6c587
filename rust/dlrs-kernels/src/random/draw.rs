//! Uniform and normal numbers, and integers, from the counter-based generator.
//!
//! In single precision elements come in groups of 64 = 16 counters × 4 words: element e is word (e mod 64)/16 of counter 16·⌊e/64⌋ + e mod 16,
//! which suits vectors of 8 and 16 lanes alike. In double precision and for integers element e is half e mod 2 of counter ⌊e/2⌋.

use super::philox::{philox_lanes, philox4x32};
use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::math;

/// Elements that share one batch of counters.
const GROUP: usize = 64;
/// Counters of a group.
const COUNTERS: usize = 16;

/// 2⁻²⁴, the spacing of uniform numbers in single precision.
const STEP: f32 = 1.0 / 16_777_216.0;

/// The numbers keyed by a seed and the counter of the draw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    /// Which generator.
    pub seed: u64,
    /// Which draw of that generator.
    pub counter: u64,
}

/// Four vectors of words to four vectors of numbers.
trait Map: Copy {
    fn map<S: Simd>(self, s: S, words: [S::I32; 4]) -> [S::F32; 4];
}

/// Multiples of 2⁻²⁴ in [0, 1).
#[derive(Clone, Copy)]
struct Uniform;

#[inline(always)]
fn uniform<S: Simd>(s: S, word: S::I32) -> S::F32 {
    s.mul(s.from_i32(s.shr_u32::<8>(word)), s.splat(STEP))
}

impl Map for Uniform {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [a, b, c, d]: [S::I32; 4]) -> [S::F32; 4] {
        [uniform(s, a), uniform(s, b), uniform(s, c), uniform(s, d)]
    }
}

/// The words as they are.
#[derive(Clone, Copy)]
struct Words;

impl Map for Words {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [a, b, c, d]: [S::I32; 4]) -> [S::F32; 4] {
        [s.from_bits(a), s.from_bits(b), s.from_bits(c), s.from_bits(d)]
    }
}

/// Standard normal numbers, by Box and Muller's polar form without rejection: √(−2 ln u)·(cos 2πv, sin 2πv).
#[derive(Clone, Copy)]
struct Normal;

impl Map for Normal {
    #[inline(always)]
    fn map<S: Simd>(self, s: S, [a, b, c, d]: [S::I32; 4]) -> [S::F32; 4] {
        let (x, y) = box_muller(s, a, b);
        let (z, w) = box_muller(s, c, d);
        [x, y, z, w]
    }
}

#[inline(always)]
fn box_muller<S: Simd>(s: S, a: S::I32, b: S::I32) -> (S::F32, S::F32) {
    // u in (0, 1], so that the logarithm is finite.
    let u = s.mul(s.from_i32(s.add_i32(s.shr_u32::<8>(a), s.splat_i32(1))), s.splat(STEP));
    let radius = s.sqrt(s.mul(s.splat(-2.0), math::log(s, u)));
    // v in quarter turns: its integer part chooses the quadrant exactly.
    let v = s.mul(s.from_i32(s.shr_u32::<8>(b)), s.splat(4.0 * STEP));
    let quarter = s.round_even(v);
    let (sin, cos) = math::sin_cos_reduced(s, s.mul(s.sub(v, quarter), s.splat(std::f32::consts::FRAC_PI_2)));
    let n = s.to_i32_round(quarter);
    let odd = s.eq_i32(s.and(n, s.splat_i32(1)), s.splat_i32(1));
    let flip = |x: S::F32, n: S::I32| s.from_bits(s.xor(s.to_bits(x), s.shl::<30>(s.and(n, s.splat_i32(2)))));
    let sine = flip(s.select(odd, cos, sin), n);
    let cosine = flip(s.select(odd, sin, cos), s.add_i32(n, s.splat_i32(1)));
    (s.mul(radius, cosine), s.mul(radius, sine))
}

impl Stream {
    pub(super) fn key(self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }

    pub(super) fn block(self, index: u64) -> [u32; 4] {
        [index as u32, (index >> 32) as u32, self.counter as u32, (self.counter >> 32) as u32]
    }

    /// Elements `first`, `first + 1`, … of the uniform draw on [0, 1): multiples of 2⁻²⁴.
    pub fn uniform_f32(self, isa: Isa, first: u64, y: &mut [f32]) {
        dispatch!(isa, s => self.fill(s, Uniform, first, y));
    }

    /// Elements of the draw of 32 bits each, in the order of the numbers in single precision.
    pub fn words(self, isa: Isa, first: u64, y: &mut [u32]) {
        let y = crate::mem::cast_mut::<f32>(crate::mem::bytes_of_mut(y));
        dispatch!(isa, s => self.fill(s, Words, first, y));
    }

    /// Elements of the standard normal draw.
    pub fn normal_f32(self, isa: Isa, first: u64, y: &mut [f32]) {
        dispatch!(isa, s => self.fill(s, Normal, first, y));
    }

    #[inline(always)]
    fn fill<S: Simd, M: Map>(self, s: S, map: M, first: u64, y: &mut [f32]) {
        let mut group = first / GROUP as u64;
        let skip = (first % GROUP as u64) as usize;
        let mut buffer = [0.0; GROUP];
        let mut y = y;
        if skip > 0 {
            self.group(s, map, group, &mut buffer);
            let (head, rest) = y.split_at_mut(y.len().min(GROUP - skip));
            head.copy_from_slice(&buffer[skip..skip + head.len()]);
            (y, group) = (rest, group + 1);
        }
        let mut whole = y.chunks_exact_mut(GROUP);
        for chunk in &mut whole {
            self.group(s, map, group, chunk.try_into().expect("chunks have the group's length"));
            group += 1;
        }
        let tail = whole.into_remainder();
        if !tail.is_empty() {
            self.group(s, map, group, &mut buffer);
            tail.copy_from_slice(&buffer[..tail.len()]);
        }
    }

    /// The 64 elements of a group.
    #[inline(always)]
    fn group<S: Simd, M: Map>(self, s: S, map: M, group: u64, y: &mut [f32; GROUP]) {
        const LANE: [i32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        // The low word of a group's first counter is a multiple of 16, so adding a lane does not carry.
        let [low, high, c0, c1] = self.block(group * COUNTERS as u64);
        let splat = |w: u32| s.splat_i32(w as i32);
        for half in (0..COUNTERS).step_by(S::LANES) {
            // SAFETY: half + LANES ≤ 16, as LANES is 8 or 16.
            let lane = unsafe { s.load_i32_ptr(LANE[half..][..S::LANES].as_ptr()) };
            let words = philox_lanes(s, [s.add_i32(splat(low), lane), splat(high), splat(c0), splat(c1)], self.key());
            let values = map.map(s, words);
            for k in 0..4 {
                s.store(&mut y[k * COUNTERS + half..], values[k]);
            }
        }
    }

    /// The 64 bits of element `e` in double precision and of integers.
    fn bits(self, e: u64) -> u64 {
        let words = philox4x32(self.block(e / 2), self.key());
        let half = 2 * (e % 2) as usize;
        u64::from(words[half]) << 32 | u64::from(words[half + 1])
    }

    /// Elements of the uniform draw on [0, 1): multiples of 2⁻⁵³.
    pub fn uniform_f64(self, first: u64, y: &mut [f64]) {
        for (e, y) in (first..).zip(y) {
            *y = (self.bits(e) >> 11) as f64 / (1u64 << 53) as f64;
        }
    }

    /// Elements of the standard normal draw; a pair of elements shares a counter.
    pub fn normal_f64(self, first: u64, y: &mut [f64]) {
        for (e, y) in (first..).zip(y) {
            let u = ((self.bits(e & !1) >> 11) + 1) as f64 / (1u64 << 53) as f64;
            let v = (self.bits(e | 1) >> 11) as f64 / (1u64 << 53) as f64;
            let (sin, cos) = (2.0 * std::f64::consts::PI * v).sin_cos();
            *y = (-2.0 * u.ln()).sqrt() * if e % 2 == 0 { cos } else { sin };
        }
    }

    /// Elements of the draw of integers in low..high (Lemire's multiplication; its bias is below (high − low)/2⁶⁴).
    ///
    /// # Panics
    /// If `low >= high`.
    pub fn integers(self, low: i64, high: i64, first: u64, y: &mut [i64]) {
        assert!(low < high, "integers from {low} to {high}");
        let range = high.wrapping_sub(low) as u64;
        for (e, y) in (first..).zip(y) {
            let scaled = (u128::from(self.bits(e)) * u128::from(range)) >> 64;
            *y = low.wrapping_add(scaled as i64);
        }
    }
}
