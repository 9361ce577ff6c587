//! Boxes by score: the best first, of equal ones that which comes first.

use crate::isa::Real;

/// A type of scores.
pub trait Score: Real {
    /// Areas below have lost digits, or overlaps with them may: far above the smallest normal number.
    const SMALL: f64;
    /// Boxes whose widths and heights are 0 or from here...
    const SHORTEST: Self;
    /// ... to here have areas that are not [`SMALL`](Self::SMALL), and sums of two of them are finite.
    const LONGEST: Self;

    /// The greatest number of this type that is not above `x`: `y > T::floor(x)` exactly if `y > x`.
    fn floor(x: f64) -> Self;

    /// A number that is less exactly if the score is greater; −0 equals 0.
    fn key(self) -> u64;

    /// The places of `scores` above `threshold`, in order of their keys and then of places.
    fn ranked(scores: &[Self], threshold: Option<Self>) -> Vec<u32>;
}

impl Score for f32 {
    const SMALL: f64 = f32::MIN_POSITIVE as f64 / f32::EPSILON as f64 / f32::EPSILON as f64;
    const SHORTEST: f32 = 1.0 / (1u64 << 40) as f32;
    const LONGEST: f32 = (1u64 << 60) as f32;

    fn floor(x: f64) -> f32 {
        let y = x as f32;
        if f64::from(y) > x { y.next_down() } else { y }
    }

    #[inline(always)]
    fn key(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        u64::from(if bits >> 31 == 0 { !(bits | 1 << 31) } else { bits })
    }

    fn ranked(scores: &[f32], threshold: Option<f32>) -> Vec<u32> {
        // Key and place in one word: its order is total, so that a sort may be unstable.
        let words = above(scores, threshold, |key, i| key << 32 | u64::from(i));
        let words = sorted(words, |&w| w >> 32, 32);
        words.into_iter().map(|w| w as u32).collect()
    }
}

impl Score for f64 {
    const SMALL: f64 = f64::MIN_POSITIVE / f64::EPSILON / f64::EPSILON;
    const SHORTEST: f64 = f64::from_bits((1023 - 459) << 52); // 2^-459
    const LONGEST: f64 = f64::from_bits((1023 + 510) << 52); // 2^510

    fn floor(x: f64) -> f64 {
        x
    }

    #[inline(always)]
    fn key(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        if bits >> 63 == 0 { !(bits | 1 << 63) } else { bits }
    }

    fn ranked(scores: &[f64], threshold: Option<f64>) -> Vec<u32> {
        let pairs = sorted(above(scores, threshold, |key, i| (key, i)), |p| p.0, 64);
        pairs.into_iter().map(|p| p.1).collect()
    }
}

/// The places of `scores`, the best first, of equal ones the first; only those above `threshold`, if there is one.
///
/// # Panics
/// If there are 2³² scores or more.
pub fn ranks<T: Score>(scores: &[T], threshold: Option<T>) -> Vec<u32> {
    assert!(u32::try_from(scores.len()).is_ok(), "too many boxes");
    T::ranked(scores, threshold)
}

fn above<T: Score, W>(scores: &[T], threshold: Option<T>, word: impl Fn(u64, u32) -> W) -> Vec<W> {
    let mut words = Vec::with_capacity(scores.len());
    match threshold {
        None => words.extend(scores.iter().zip(0u32..).map(|(&s, i)| word(s.key(), i))),
        Some(least) => {
            // Most blocks may hold nothing: one look at a block finds that.
            for (block, first) in scores.chunks(64).zip((0u32..).step_by(64)) {
                if block.iter().fold(false, |any, &s| any | (s > least)) {
                    let above = block.iter().zip(first..).filter(|&(&s, _)| s > least);
                    words.extend(above.map(|(&s, i)| word(s.key(), i)));
                }
            }
        }
    }
    words
}

/// Below this a comparison sort is quicker than clearing counters.
const SHORT: usize = 192;
/// Bits that one pass sorts by.
const DIGIT: u32 = 11;

/// `words`, which are in order of places, in order of their keys of so many bits: radix sort by digits, the lowest first, which
/// keeps the order of equal ones. A digit that all keys share takes no pass.
fn sorted<W: Copy + Ord + Default>(mut words: Vec<W>, key: impl Fn(&W) -> u64, bits: u32) -> Vec<W> {
    const BUCKETS: usize = 1 << DIGIT;
    if words.len() < SHORT {
        words.sort_unstable();
        return words;
    }
    let digits = bits.div_ceil(DIGIT) as usize;
    let mut counts = vec![[0u32; BUCKETS]; digits];
    for word in &words {
        let key = key(word);
        for (d, counts) in counts.iter_mut().enumerate() {
            counts[(key >> (d as u32 * DIGIT)) as usize % BUCKETS] += 1;
        }
    }
    let mut other = vec![W::default(); words.len()];
    for (d, counts) in counts.iter_mut().enumerate() {
        let digit = |word: &W| (key(word) >> (d as u32 * DIGIT)) as usize % BUCKETS;
        if counts[digit(&words[0])] as usize == words.len() {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for word in &words {
            let place = &mut counts[digit(word)];
            other[*place as usize] = *word;
            *place += 1;
        }
        std::mem::swap(&mut words, &mut other);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree<T: Score>(scores: &[T], threshold: Option<T>) {
        let mut wanted: Vec<u32> = (0..scores.len() as u32).collect();
        wanted.retain(|&i| threshold.is_none_or(|t| scores[i as usize] > t));
        wanted.sort_by(|&a, &b| scores[b as usize].partial_cmp(&scores[a as usize]).unwrap());
        assert_eq!(ranks(scores, threshold), wanted);
    }

    #[test]
    fn ranks_are_those_of_a_stable_sort() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        for n in [0, 1, 2, 100, 191, 192, 1000, 5000] {
            for spread in [1u64, 3, 1 << 31] {
                let singles: Vec<f32> = (0..n).map(|_| (next() % spread) as f32 / 7.0 - 100.0).collect();
                let doubles: Vec<f64> = (0..n).map(|_| (next() % spread) as f64 / 7.0 - 100.0).collect();
                agree(&singles, None);
                agree(&singles, Some(-99.9));
                agree(&doubles, None);
                agree(&doubles, Some(-99.9));
            }
        }
        agree(&[0.0f32, -0.0, 0.0, 1.0, -1.0].repeat(60), None);
        agree(&[0.0f64, -0.0, 0.0, 1e300, -1e-300].repeat(60), None);
    }
}
