//! The machine's own bounds, measured in the same run as what they bound.

use std::hint::black_box;
use std::time::Instant;

use crate::dispatch;
use crate::isa::{Isa, Simd};
use crate::mem::Team;

/// Multiply-adds of 12 independent chains of vectors: more than latency times throughput of a core, fewer than its registers.
const CHAINS: usize = 12;

/// The f32 GFLOP/s of one thread that does nothing but fused multiply-adds in registers, best of several.
pub fn fma_gflops(isa: Isa) -> f64 {
    (0..20).map(|_| fma_gflops_of(isa, 200_000)).fold(0.0, f64::max)
}

/// The same of one loop of `steps`.
pub fn fma_gflops_of(isa: Isa, steps: u32) -> f64 {
    let start = Instant::now();
    let lanes = dispatch!(isa, s => chains(s, black_box(steps)));
    2.0 * f64::from(steps) * (CHAINS * lanes) as f64 / start.elapsed().as_secs_f64() / 1e9
}

#[inline(always)]
fn chains<S: Simd>(s: S, steps: u32) -> usize {
    let (x, y) = (s.splat(black_box(0.5)), s.splat(black_box(0.25)));
    let mut acc = [s.zero(); CHAINS];
    for _ in 0..steps {
        for a in &mut acc {
            *a = s.fma(x, *a, y);
        }
    }
    let sum = acc.iter().skip(1).fold(acc[0], |t, &a| s.add(t, a));
    black_box(s.reduce_add(sum));
    S::LANES
}

/// GB/s at which one thread reads `bytes` over and over: the bandwidth of the smallest cache that holds them, or of memory.
pub fn read_gbs(isa: Isa, bytes: usize) -> f64 {
    let data = vec![1.0f32; bytes / 4];
    let repeats = (20_000_000 / bytes).max(1);
    let mut best = 0.0f64;
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..repeats {
            black_box(sum_of(isa, black_box(&data)));
        }
        best = best.max((repeats * bytes) as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

/// The same of all threads of a team together.
pub fn team_read_gbs(isa: Isa, team: &Team, bytes: usize) -> f64 {
    /// Elements that a thread takes at a time.
    const SHARD: usize = 1 << 18;
    let data = vec![1.0f32; bytes / 4];
    let shards: Vec<&[f32]> = data.chunks(SHARD).collect();
    let mut best = 0.0f64;
    for _ in 0..15 {
        let start = Instant::now();
        black_box(team.collect(shards.len(), &|| false, |i, _| sum_of(isa, black_box(shards[i]))));
        best = best.max(bytes as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}

/// The sum of whole groups of vectors, for what it costs to read them.
pub fn sum_of(isa: Isa, data: &[f32]) -> f32 {
    dispatch!(isa, s => sum(s, data))
}

#[inline(always)]
fn sum<S: Simd>(s: S, data: &[f32]) -> f32 {
    let mut acc = [s.zero(); 8];
    for chunk in data.chunks_exact(8 * S::LANES) {
        for (j, a) in acc.iter_mut().enumerate() {
            *a = s.add(*a, s.load(&chunk[j * S::LANES..]));
        }
    }
    s.reduce_add(acc.iter().skip(1).fold(acc[0], |t, &a| s.add(t, a)))
}

/// GB/s (read and written bytes counted) at which one thread copies `bytes` to another place.
pub fn copy_gbs(bytes: usize) -> f64 {
    let (src, mut dst) = (vec![1u8; bytes], vec![0u8; bytes]);
    let repeats = (20_000_000 / bytes).max(1);
    let mut best = 0.0f64;
    for _ in 0..7 {
        let start = Instant::now();
        for _ in 0..repeats {
            dst.copy_from_slice(black_box(&src));
            black_box(&mut dst);
        }
        best = best.max((2 * repeats * bytes) as f64 / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}
