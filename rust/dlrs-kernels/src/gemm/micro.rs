//! The register-tiled micro-kernel family: `MR` rows by `NV` vectors of C held in registers while k runs.

use crate::isa::Simd;

use super::Activation;
use super::levels::Tiles;

/// How a micro-kernel's rows of A lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rows {
    /// Each row contiguous in k, rows `a_stride` apart: A as it is.
    Contiguous,
    /// The rows of one k adjacent, successive k `a_stride` apart: A packed, or A transposed.
    Interleaved,
}

/// One block of C and what it is computed from. Sizes and strides in elements.
pub(crate) struct Block<'a> {
    pub k: usize,
    pub a: *const f32,
    pub a_stride: usize,
    pub b: *const f32,
    pub b_stride: usize,
    /// Where a streaming kernel leaves B's rows, `NV` vectors each, one after another; null for nowhere.
    pub copy: *mut f32,
    /// Offsets into A and B of the products that are summed, as many of either; one pair of zeros for a plain product.
    pub taps: (&'a [usize], &'a [usize]),
    pub c: *mut f32,
    pub c_stride: usize,
    /// Where the next block of C begins, to be fetched meanwhile.
    pub next_c: *const f32,
    /// Columns of C that exist, at most `NV` vectors; B has all of them.
    pub cols: usize,
    /// Whether the chain goes on from C's contents.
    pub resume: bool,
    /// What to do before the store, when the chain ends here.
    pub finish: Option<Finish>,
}

/// The epilogue at one block of C.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    /// Null for none.
    pub bias: *const f32,
    /// Null for none.
    pub residual: *const f32,
    pub residual_stride: usize,
    pub activation: Activation,
}

impl Finish {
    /// The epilogue `rows` rows and `cols` columns further on.
    pub fn at(self, rows: usize, cols: usize) -> Self {
        let shift = |p: *const f32, by| if p.is_null() { p } else { p.wrapping_add(by) };
        Self {
            bias: shift(self.bias, cols),
            residual: shift(self.residual, rows * self.residual_stride + cols),
            ..self
        }
    }
}

/// Rows of B that a streaming kernel fetches ahead: the rows may be pages apart, where hardware does not look. Lines a page apart share
/// a set of L1, which holds 8 of them on any machine.
const AHEAD: usize = 8;

/// A micro-kernel.
///
/// # Safety
/// For `MR` rows and `NV` vectors of columns of which `cols` exist, every element of A, of B (all `NV` vectors) and, within `cols`, of
/// C, bias and residual that the block names is valid, and C is the caller's alone.
pub(crate) type Kernel<S> = unsafe fn(S, &Block);

/// The kernel of that size. Compiled per level, called through a table.
///
/// # Safety
/// As [`Kernel`].
pub(crate) unsafe fn kernel<S: Tiles, const MR: usize, const NV: usize, const INTERLEAVED: bool, const STREAM: bool>(
    s: S,
    x: &Block,
) {
    s.vectorize(
        #[inline(always)]
        || {
            // SAFETY: the caller's promise is passed on.
            unsafe { run::<S, MR, NV, INTERLEAVED, STREAM>(s, x) }
        },
    )
}

/// # Safety
/// As [`Kernel`].
#[inline(always)]
unsafe fn run<S: Tiles, const MR: usize, const NV: usize, const INTERLEAVED: bool, const STREAM: bool>(
    s: S,
    x: &Block,
) {
    let mut acc = [[s.zero(); NV]; MR];
    for i in 0..MR {
        for j in 0..NV {
            s.prefetch_l2(x.next_c.wrapping_add(i * x.c_stride + j * S::LANES));
        }
    }
    // SAFETY: rows, vectors and steps stay inside what the caller vouches for.
    unsafe {
        if x.resume {
            each::<S, MR, NV>(
                x,
                #[inline(always)]
                |i, j, p, n| acc[i][j] = load(s, p, n),
            );
        }
        let mut copy = x.copy;
        // By address: what an iterator calls may not be inlined here, and would spill the registers.
        let (a_offsets, b_offsets, taps) = (x.taps.0.as_ptr(), x.taps.1.as_ptr(), x.taps.0.len());
        let mut tap = 0;
        while tap < taps {
            let (mut a, mut b) = (x.a.add(*a_offsets.add(tap)), x.b.add(*b_offsets.add(tap)));
            tap += 1;
            for _ in 0..x.k {
                let mut row = [s.zero(); NV];
                for j in 0..NV {
                    row[j] = s.load_ptr(b.add(j * S::LANES));
                    if STREAM {
                        s.prefetch(b.wrapping_add(AHEAD * x.b_stride + j * S::LANES));
                    }
                }
                if STREAM && !copy.is_null() {
                    for j in 0..NV {
                        s.store_ptr(copy.add(j * S::LANES), row[j]);
                    }
                    copy = copy.wrapping_add(NV * S::LANES);
                }
                for i in 0..MR {
                    let ai = s.splat(if INTERLEAVED { *a.add(i) } else { *a.add(i * x.a_stride) });
                    for j in 0..NV {
                        acc[i][j] = s.fma(ai, row[j], acc[i][j]);
                    }
                }
                a = a.wrapping_add(if INTERLEAVED { x.a_stride } else { 1 });
                b = b.wrapping_add(x.b_stride);
            }
        }
        if let Some(finish) = &x.finish {
            apply(s, x, finish, &mut acc);
        }
        each::<S, MR, NV>(
            x,
            #[inline(always)]
            |i, j, p, n| store(s, p, n, acc[i][j]),
        );
    }
}

/// The epilogue on the whole register tile; its choices are made outside the loops so that `acc` stays in registers.
///
/// # Safety
/// As [`Kernel`].
#[inline(always)]
pub(crate) unsafe fn apply<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    x: &Block,
    finish: &Finish,
    acc: &mut [[S::F32; NV]; MR],
) {
    // SAFETY: bias and residual, when given, have the block's columns, and rows for the residual.
    unsafe {
        if !finish.bias.is_null() {
            let bias: [S::F32; NV] = std::array::from_fn(
                #[inline(always)]
                |j| {
                    let at = j * S::LANES;
                    if at < x.cols { load(s, finish.bias.add(at), (x.cols - at).min(S::LANES)) } else { s.zero() }
                },
            );
            for i in 0..MR {
                for j in 0..NV {
                    acc[i][j] = s.add(acc[i][j], bias[j]);
                }
            }
        }
        if !finish.residual.is_null() {
            each::<S, MR, NV>(
                x,
                #[inline(always)]
                |i, j, _, n| {
                    let r = load(s, finish.residual.add(i * finish.residual_stride + j * S::LANES), n);
                    acc[i][j] = s.add(acc[i][j], r);
                },
            );
        }
    }
    if finish.activation == Activation::Relu {
        // max_fast returns its second operand when one is NaN, so NaN survives.
        for i in 0..MR {
            for j in 0..NV {
                acc[i][j] = s.max_fast(s.zero(), acc[i][j]);
            }
        }
    }
}

/// Calls `f(row, vector, address in C, elements)` for every vector of the block that has columns.
#[inline(always)]
pub(crate) fn each<S: Simd, const MR: usize, const NV: usize>(
    x: &Block,
    mut f: impl FnMut(usize, usize, *mut f32, usize),
) {
    if x.cols == NV * S::LANES {
        for i in 0..MR {
            for j in 0..NV {
                f(i, j, x.c.wrapping_add(i * x.c_stride + j * S::LANES), S::LANES);
            }
        }
    } else {
        for j in 0..NV {
            let n = x.cols.saturating_sub(j * S::LANES).min(S::LANES);
            if n > 0 {
                for i in 0..MR {
                    f(i, j, x.c.wrapping_add(i * x.c_stride + j * S::LANES), n);
                }
            }
        }
    }
}

/// # Safety
/// `p` is valid for reads of `n` elements.
#[inline(always)]
pub(crate) unsafe fn load<S: Simd>(s: S, p: *const f32, n: usize) -> S::F32 {
    // SAFETY: the caller vouches for n elements.
    unsafe { if n == S::LANES { s.load_ptr(p) } else { s.load_partial(p, n) } }
}

/// # Safety
/// `p` is valid for writes of `n` elements.
#[inline(always)]
pub(crate) unsafe fn store<S: Simd>(s: S, p: *mut f32, n: usize, v: S::F32) {
    // SAFETY: the caller vouches for n elements.
    unsafe { if n == S::LANES { s.store_ptr(p, v) } else { s.store_partial(p, n, v) } }
}
