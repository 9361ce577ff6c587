//! The rows of a matrix of word vectors that have the largest products with given vectors.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::mem::{Stop, Team};

/// Rows of a shard: some of the usual vectors' megabytes, so that lists are seldom begun anew.
const SHARD: usize = 8192;
/// Rows that all queries meet while they are in a near cache.
const BLOCK: usize = 64;
/// Queries that share a row in registers.
const TOGETHER: usize = 4;
/// The most lanes of a level.
const LANES: usize = 16;

/// A row and its product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The row's number.
    pub row: u32,
    /// The scaled product.
    pub score: f32,
}

impl Eq for Near {}

impl Ord for Near {
    /// By score; of equal ones the earlier row is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Of each query the `k` rows with the largest `scale · ⟨row, query⟩`, the largest first and equal ones by number; one list after another.
/// `None` once `stop` says so.
///
/// `rows` and `queries` hold vectors of `width` numbers one after another, `scales` a number for each row. Every product is
/// summed by itself in an order that the width decides, so results depend neither on threads nor on the other queries.
///
/// # Panics
/// If lengths do not fit or `k` is more than the rows.
#[allow(clippy::too_many_arguments)] // plain slices and their sizes
pub fn nearest_rows(
    isa: Isa,
    team: &Team,
    rows: &[f32],
    scales: &[f32],
    queries: &[f32],
    width: usize,
    k: usize,
    stop: Stop<'_>,
) -> Option<Vec<Near>> {
    assert!(width > 0 && rows.len() == scales.len() * width && queries.len().is_multiple_of(width));
    assert!(k <= scales.len() && u32::try_from(scales.len()).is_ok(), "more neighbours than rows");
    if k == 0 {
        return Some(Vec::new());
    }
    let count = queries.len() / width;
    let packed = dispatch!(isa, s => pack(s, queries, width));
    let parts = team.collect(scales.len().div_ceil(SHARD), stop, |i, stop| {
        let end = ((i + 1) * SHARD).min(scales.len());
        let mut kept: Vec<Kept> = (0..count).map(|_| Kept::new(k)).collect();
        for first in (i * SHARD..end).step_by(BLOCK) {
            if stop() {
                break;
            }
            let last = (first + BLOCK).min(end);
            let (rows, scales) = (&rows[first * width..last * width], &scales[first..last]);
            dispatch!(isa, s => block(s, rows, scales, &packed, width, first as u32, &mut kept));
        }
        kept.into_iter().map(|kept| kept.heap.into_vec()).collect::<Vec<_>>()
    })?;
    let mut all = Vec::with_capacity(count * k);
    for query in 0..count {
        let mut found: Vec<Near> =
            parts.iter().flat_map(|part| &part[query]).copied().map(|Reverse(near)| near).collect();
        found.sort_unstable_by(|a, b| b.cmp(a));
        all.extend_from_slice(&found[..k]);
    }
    Some(all)
}

/// The largest so far; the smallest of them on top.
struct Kept {
    heap: BinaryHeap<Reverse<Near>>,
    most: usize,
    /// The smallest score once there are as many as may be. Until then NaN, which nothing is at most: everything is offered.
    floor: f32,
}

impl Kept {
    fn new(most: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(most.min(SHARD)), most, floor: f32::NAN }
    }

    #[inline(never)] // few get here
    fn offer(&mut self, near: Near) {
        if self.heap.len() < self.most {
            self.heap.push(Reverse(near));
        } else if let Some(mut least) = self.heap.peek_mut()
            && near > least.0
        {
            *least = Reverse(near);
        }
        if self.heap.len() == self.most {
            self.floor = self.heap.peek().map_or(f32::NAN, |least| least.0.score);
        }
    }
}

/// Queries as rows meet them: of each [`TOGETHER`] of them the first vectors of all, then the second ones; zeros behind the width. What is
/// left over stands alone.
fn pack<S: Simd>(_: S, queries: &[f32], width: usize) -> Vec<f32> {
    let padded = width.next_multiple_of(S::LANES);
    let mut packed = vec![0.0; queries.len() / width * padded];
    for (packed, queries) in packed.chunks_mut(TOGETHER * padded).zip(queries.chunks(TOGETHER * width)) {
        let together = if queries.len() == TOGETHER * width { TOGETHER } else { 1 };
        for (i, query) in queries.chunks_exact(width).enumerate() {
            let (start, apart) = if together == 1 { (i * padded, 1) } else { (i * S::LANES, TOGETHER) };
            for (j, values) in query.chunks(S::LANES).enumerate() {
                packed[start + j * apart * S::LANES..][..values.len()].copy_from_slice(values);
            }
        }
    }
    packed
}

/// Offers the rows of a block to what the queries have kept.
#[inline(always)]
fn block<S: Simd>(s: S, rows: &[f32], scales: &[f32], packed: &[f32], width: usize, first: u32, kept: &mut [Kept]) {
    let padded = width.next_multiple_of(S::LANES);
    let mut query = 0;
    while query + TOGETHER <= kept.len() {
        let (packed, kept) = (&packed[query * padded..][..TOGETHER * padded], &mut kept[query..query + TOGETHER]);
        offer_rows::<S, TOGETHER, 2>(s, rows, scales, packed, width, first, kept);
        query += TOGETHER;
    }
    while query < kept.len() {
        let (packed, kept) = (&packed[query * padded..][..padded], &mut kept[query..query + 1]);
        offer_rows::<S, 1, 4>(s, rows, scales, packed, width, first, kept);
        query += 1;
    }
}

/// Offers rows to `N` queries. As many rows as a vector has lanes are multiplied, `R` at a time, before their sums are compared with what was
/// kept.
#[inline(always)]
fn offer_rows<S: Simd, const N: usize, const R: usize>(
    s: S,
    rows: &[f32],
    scales: &[f32],
    packed: &[f32],
    width: usize,
    first: u32,
    kept: &mut [Kept],
) {
    assert!(rows.len() == scales.len() * width && kept.len() == N);
    let mut sums = [[s.zero(); LANES]; N]; // behind the last row whatever there was: nobody looks
    let mut start = 0;
    while start < scales.len() {
        let count = (scales.len() - start).min(S::LANES);
        let rows = &rows[start * width..(start + count) * width];
        let mut i = 0;
        while i < count {
            products::<S, N, R>(s, rows, count, i, packed, width, &mut sums);
            i += R;
        }
        // SAFETY: count <= LANES scales follow.
        let scale = unsafe { s.load_partial(scales[start..start + count].as_ptr(), count) };
        for n in 0..N {
            // No −0, which total order puts before 0.
            let scores = s.add(s.mul(lane_sums(s, &mut sums[n]), scale), s.zero());
            let beaten = s.le(scores, s.splat(kept[n].floor));
            let mut good = s.mask_bits(s.mask_and(s.mask_not(beaten), s.first(count)));
            if good != 0 {
                let mut each = [0.0; LANES];
                s.store(&mut each, scores);
                while good != 0 {
                    let lane = good.trailing_zeros() as usize;
                    kept[n].offer(Near { row: first + (start + lane) as u32, score: each[lane] });
                    good &= good - 1;
                }
            }
        }
        start += count;
    }
}

/// Lane by lane, the products of `R` rows from row `i` on with `N` queries. Behind the last row, it stands again.
#[inline(always)]
fn products<S: Simd, const N: usize, const R: usize>(
    s: S,
    rows: &[f32],
    count: usize,
    i: usize,
    packed: &[f32],
    width: usize,
    sums: &mut [[S::F32; LANES]; N],
) {
    let mut starts = [0; R];
    for r in 0..R {
        starts[r] = (i + r).min(count - 1) * width;
    }
    assert!(starts[R - 1] + width <= rows.len() && packed.len() == N * width.next_multiple_of(S::LANES));
    let mut acc = [[s.zero(); N]; R];
    let (mut at, rows, queries) = (0, rows.as_ptr(), packed.as_ptr());
    while at < width {
        let left = width - at;
        let mut x = [s.zero(); R];
        for r in 0..R {
            // SAFETY: `left` numbers of the row follow, and all rows end before the last one does.
            x[r] = unsafe {
                let row = rows.add(starts[r] + at);
                if left >= S::LANES { s.load_ptr(row) } else { s.load_partial(row, left) }
            };
        }
        for n in 0..N {
            // SAFETY: N vectors of queries belong to each vector of a row, the last of which may be a part of one.
            let y = unsafe { s.load_ptr(queries.add(N * at + n * S::LANES)) };
            for r in 0..R {
                acc[r][n] = s.fma(x[r], y, acc[r][n]);
            }
        }
        at += S::LANES;
    }
    for r in 0..R {
        for n in 0..N {
            sums[n][(i + r).min(S::LANES - 1)] = acc[r][n];
        }
    }
}

/// Lane `i` is the sum of the lanes of vector `i`, added in the order of `reduce_add`.
#[inline(always)]
fn lane_sums<S: Simd>(s: S, vectors: &mut [S::F32; LANES]) -> S::F32 {
    halve::<S, 8>(s, vectors);
    halve::<S, 4>(s, vectors);
    halve::<S, 2>(s, vectors);
    halve::<S, 1>(s, vectors);
    vectors[0]
}

/// Of vectors `i` and `i + HALF` one: in lanes whose number has the bit `HALF` the sums of the second's lanes that differ in that bit, in the
/// others those of the first's.
#[inline(always)]
fn halve<S: Simd, const HALF: usize>(s: S, vectors: &mut [S::F32; LANES]) {
    if HALF >= S::LANES {
        return;
    }
    let mut other = [0i32; LANES];
    for lane in 0..LANES {
        other[lane] = (lane ^ HALF) as i32;
    }
    // SAFETY: no level has more than LANES lanes.
    let other = unsafe { s.load_i32_ptr(other.as_ptr()) };
    let bit = s.and(other, s.splat_i32(HALF as i32));
    let of_first = s.eq_i32(bit, s.splat_i32(HALF as i32));
    for i in 0..HALF {
        let (a, b) = (vectors[i], vectors[i + HALF]);
        let (near, far) = (s.select(of_first, a, b), s.select(of_first, b, a));
        vectors[i] = s.add(near, s.permute(far, other));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::team;

    fn draws(count: usize, mut state: u64) -> Vec<f32> {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1 << 23) as f32 - 1.0).mul_add(4.0, 0.0).round() / 4.0
        };
        (0..count).map(|_| draw()).collect()
    }

    /// All products, sorted. Quarters multiply and add exactly, so that equal scores are many and equal.
    fn twin(rows: &[f32], scales: &[f32], query: &[f32], k: usize) -> Vec<Near> {
        let dot = |row: &[f32]| row.iter().zip(query).map(|(x, y)| x * y).sum::<f32>();
        let scores = rows.chunks_exact(query.len()).zip(scales).map(|(row, scale)| dot(row) * scale);
        let mut all: Vec<Near> =
            scores.enumerate().map(|(i, score)| Near { row: i as u32, score: score + 0.0 }).collect();
        all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.row.cmp(&b.row)));
        all.truncate(k);
        all
    }

    #[test]
    fn the_rows_of_the_scalar_twin_at_every_level() {
        for isa in Isa::supported() {
            for (count, width, asked, k) in
                [(1, 1, 1, 1), (63, 3, 2, 63), (200, 50, 5, 10), (9000, 17, 4, 40), (70, 64, 9, 0)]
            {
                let (rows, queries) = (draws(count * width, 1), draws(asked * width, 2));
                let scales: Vec<f32> = (0..count).map(|i| [1.0, 0.5, 0.0][i % 3]).collect();
                let found = nearest_rows(isa, &team(), &rows, &scales, &queries, width, k, &|| false).unwrap();
                let expected: Vec<Near> =
                    queries.chunks_exact(width).flat_map(|q| twin(&rows, &scales, q, k)).collect();
                let positive = |near: &Near| (near.row, near.score + 0.0);
                assert!(found.iter().map(positive).eq(expected.iter().map(positive)), "{isa:?} {count} {width}");
            }
        }
    }

    #[test]
    fn sums_of_lanes_are_those_of_reduce_add() {
        fn check<S: Simd>(s: S) {
            let x = draws(LANES * LANES, 3);
            let x: Vec<f32> = x.iter().enumerate().map(|(i, x)| x * 1.1f32.powi(i as i32 % 90)).collect();
            let mut vectors = [s.zero(); LANES];
            for i in 0..S::LANES {
                vectors[i] = s.load(&x[i * LANES..]);
            }
            let (expected, mut sums) = (vectors, [0.0; LANES]);
            s.store(&mut sums, lane_sums(s, &mut vectors));
            for i in 0..S::LANES {
                assert_eq!(sums[i], s.reduce_add(expected[i]));
            }
        }
        for isa in Isa::supported() {
            dispatch!(isa, s => check(s));
        }
    }

    #[test]
    fn the_same_bits_alone_and_among_other_queries() {
        for isa in Isa::supported() {
            for width in [1, 15, 50, 300] {
                let round = |x: Vec<f32>| x.into_iter().enumerate().map(|(i, x)| x / (1 + i % 7) as f32).collect();
                let (rows, queries): (Vec<f32>, Vec<f32>) = (round(draws(333 * width, 1)), round(draws(7 * width, 2)));
                let near = |queries: &[f32]| {
                    nearest_rows(isa, &team(), &rows, &[0.7; 333], queries, width, 20, &|| false).unwrap()
                };
                let each: Vec<Near> = queries.chunks_exact(width).flat_map(near).collect();
                assert_eq!(near(&queries), each);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_still_counted() {
        let rows = [f32::NAN; 100];
        for isa in Isa::supported() {
            assert_eq!(nearest_rows(isa, &team(), &rows, &[1.0; 100], &[1.0], 1, 90, &|| false).unwrap().len(), 90);
        }
    }

    #[test]
    fn a_stop_is_heard() {
        assert!(nearest_rows(Isa::current(), &team(), &[1.0; 8], &[1.0; 4], &[1.0; 2], 2, 1, &|| true).is_none());
    }
}
