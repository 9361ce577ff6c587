//! How the sum over pixels that the gradient by the kernel is falls into parts, which may be computed at the same time, and how they
//! are put together.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::block_of;
use crate::isa::{Isa, Simd};

use super::ConvGeometry;

/// More parts than this balance no better.
const MAX_PARTS: usize = 16;

/// Multiply-adds of a part: 20 to 50 µs of a dense convolution, and of a depthwise one, which is bound by memory.
const PART_MACS: f64 = 1.8e6;
const DEPTHWISE_PART_MACS: f64 = 2e6;

/// Rows of the outputs of all images, part by part: whole images if there are enough. Decided by the shape alone; parts together
/// are at most half as large as the operands.
pub fn kernel_grad_parts(g: &ConvGeometry) -> Vec<Range<usize>> {
    let rows = g.n * g.output[0] * g.output[1];
    let operands = g.n * (g.image_in() + g.image_out());
    let room = operands / (2 * g.kernel_len()).max(1);
    let work = g.macs() / if g.is_depthwise() { DEPTHWISE_PART_MACS } else { PART_MACS };
    let parts = (work as usize).min(room).clamp(1, MAX_PARTS);
    let (parts, unit) = if parts <= g.n { (parts, rows / g.n) } else { (parts.min(rows).max(1), 1) };
    let part = |i| {
        let (first, n) = block_of(rows / unit.max(1), parts, i);
        first * unit..(first + n) * unit
    };
    (0..parts).map(part).collect()
}

/// Elements `range` of the sum of parts of `len` elements each, which lie one after another; they are added in this order.
///
/// # Panics
/// If the parts do not have that range, or `to` is not as long as it.
pub fn sum_parts(isa: Isa, parts: &[f32], len: usize, range: Range<usize>, to: &mut [f32]) {
    assert_eq!(to.len(), range.len(), "elements of the sum");
    let mut parts = parts.chunks_exact(len).map(|part| &part[range.clone()]);
    match parts.next() {
        Some(first) => to.copy_from_slice(first),
        None => to.fill(0.0),
    }
    parts.for_each(|part| add_part(isa, part, to));
}

/// to += part.
///
/// # Panics
/// If they differ in length.
pub fn add_part(isa: Isa, part: &[f32], to: &mut [f32]) {
    assert_eq!(to.len(), part.len(), "elements of a part");
    dispatch!(isa, s => add(s, part, to));
}

#[inline(always)]
fn add<S: Simd>(s: S, part: &[f32], to: &mut [f32]) {
    let whole = to.len() - to.len() % S::LANES;
    for i in (0..whole).step_by(S::LANES) {
        let sum = s.add(s.load(&to[i..]), s.load(&part[i..]));
        s.store(&mut to[i..], sum);
    }
    to[whole..].iter_mut().zip(&part[whole..]).for_each(|(y, x)| *y += x);
}
