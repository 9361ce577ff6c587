//! Strips of channels as arrays of fixed length.

use crate::mem::Element;

/// Channels of a strip: a vector of the widest level.
pub(crate) const STRIP: usize = 16;

/// The strip of `x` at `at`. Of the last strip of all only the elements that exist are read; the others are zeros.
#[inline(always)]
pub(crate) fn load<T: Element>(x: &[T], at: usize) -> [T; STRIP] {
    match x[at..].first_chunk::<STRIP>() {
        Some(strip) => *strip,
        None => {
            let rest = &x[at..];
            std::array::from_fn(|i| rest.get(i).copied().unwrap_or_default())
        }
    }
}

/// The strip of `x` at `at`, all of which exists if it is `WHOLE`. Strips that are known to be whole stay in registers.
#[inline(always)]
pub(crate) fn load_known<T: Element, const WHOLE: bool>(x: &[T], at: usize) -> [T; STRIP] {
    if WHOLE { *x[at..].first_chunk::<STRIP>().expect("a whole strip") } else { load(x, at) }
}

/// Writes the first `n` elements of a strip to `y` at `at`, where a whole strip lies.
#[inline(always)]
pub(crate) fn store_first<T: Element>(y: &mut [T], at: usize, n: usize, mut strip: [T; STRIP]) {
    let whole = y[at..].first_chunk_mut::<STRIP>().expect("a whole strip");
    if n < STRIP {
        for i in 0..STRIP {
            strip[i] = if i < n { strip[i] } else { whole[i] };
        }
    }
    *whole = strip;
}

/// The first `n` elements of `x` at `at`; the others are zeros.
#[inline(always)]
pub(crate) fn load_first<T: Element>(x: &[T], at: usize, n: usize) -> [T; STRIP] {
    let strip = load(x, at);
    if n >= STRIP { strip } else { std::array::from_fn(|i| if i < n { strip[i] } else { T::default() }) }
}

/// Writes a strip to `y` at `at`, as far as `y` goes. Strips are written from left to right: what lies beyond a pixel's channels is
/// overwritten by the next one.
#[inline(always)]
pub(crate) fn store<T: Element>(y: &mut [T], at: usize, strip: [T; STRIP]) {
    let rest = &mut y[at..];
    match rest.first_chunk_mut::<STRIP>() {
        Some(whole) => *whole = strip,
        None => rest.iter_mut().zip(strip).for_each(|(y, v)| *y = v),
    }
}

/// Adds a strip to `y` at `at`, as far as `y` goes.
#[inline(always)]
pub(crate) fn add<T: Element + std::ops::Add<Output = T>>(y: &mut [T], at: usize, strip: [T; STRIP]) {
    let rest = &mut y[at..];
    match rest.first_chunk_mut::<STRIP>() {
        Some(whole) => (0..STRIP).for_each(|i| whole[i] = whole[i] + strip[i]),
        None => rest.iter_mut().zip(strip).for_each(|(y, v)| *y = *y + v),
    }
}
