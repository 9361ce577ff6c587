//! The loops around the micro-kernels.

use crate::dispatch;
use crate::isa::Isa;
use crate::mem::TileMut;

use super::levels::{Tiles, panel};
use super::micro::{Block, Finish, Rows};
use super::pack::{PackedRef, pack_panel, pack_rows};
use super::{Activation, Epilogue, MatRef, gemv};

/// The right operand.
#[derive(Clone, Copy, Debug)]
pub enum MatB<'a> {
    /// Any strides.
    Strided(MatRef<'a, f32>),
    /// Packed for the level that multiplies.
    Packed(PackedRef<'a>),
}

impl MatB<'_> {
    /// Rows (k) and columns (n).
    pub fn size(&self) -> (usize, usize) {
        match self {
            MatB::Strided(b) => (b.rows(), b.cols()),
            MatB::Packed(b) => b.size(),
        }
    }
}

/// Rows of A, at most, that are multiplied by all panels of B at a time.
const MC: usize = 512;

/// Elements of them in a block of k steps: packed, they take half of the smallest L2 that has the widest level.
const SLAB: usize = 128 * 1024;

/// Steps of k between two visits of C when one block of rows makes a single pass over B.
const ONE_BLOCK_DEPTH: usize = 2048;

/// Elements that let a pointer into scratch be moved to the next cache line.
const ALIGN: usize = 16;

/// Elements that packing A writes beyond its end, at most: a vector of the widest level.
const VECTOR: usize = 16;

/// Elements of scratch that [`gemm_f32`] needs for a tile of m×n of a product over k.
pub fn gemm_scratch_len(isa: Isa, m: usize, k: usize, n: usize) -> usize {
    dispatch!(isa, s => {
        let across = if is_narrow(s, m, n) { m * n + ALIGN + scratch_len(s, n, k) } else { 0 };
        scratch_len(s, m, k).max(across)
    })
}

/// Elements of scratch that [`gemm_f32`] needs for any tile of up to m×n of a product over up to k.
pub fn gemm_scratch_most(isa: Isa, m: usize, k: usize, n: usize) -> usize {
    dispatch!(isa, s => scratch_most(s, m, k).max(across_most(s, m, k, n)))
}

/// As [`gemm_scratch_len`] for a narrow C.
#[inline(always)]
fn across_most<S: Tiles>(s: S, m: usize, k: usize, n: usize) -> usize {
    m * n.min(S::MR) + ALIGN + scratch_most(s, n.min(S::MR), k)
}

#[inline(always)]
fn scratch_most<S: Tiles>(_: S, m: usize, k: usize) -> usize {
    let few = k.min(ONE_BLOCK_DEPTH) * (panel::<S>() + m.min(S::MR));
    few.max(k.min(S::DEPTH) * (panel::<S>() + m.min(MC))) + VECTOR + 2 * ALIGN
}

#[inline(always)]
fn scratch_len<S: Tiles>(_: S, m: usize, k: usize) -> usize {
    k.div_ceil(depth_blocks::<S>(m, k)) * (panel::<S>() + m.min(MC)) + VECTOR + 2 * ALIGN
}

/// Into how many blocks, as equal as can be, k is cut: between two, C is stored and fetched again.
fn depth_blocks<S: Tiles>(m: usize, k: usize) -> usize {
    k.div_ceil(if m <= S::MR { ONE_BLOCK_DEPTH } else { S::DEPTH }).max(1)
}

/// C = epilogue(A·B) for a tile C of m×n.
///
/// # Panics
/// If sizes do not agree, B was packed for another level, or `scratch` is shorter than [`gemm_scratch_len`].
pub fn gemm_f32(isa: Isa, a: MatRef<f32>, b: MatB, mut c: TileMut<f32>, epilogue: &Epilogue, scratch: &mut [f32]) {
    let (m, k, n) = (a.rows(), a.cols(), c.cols());
    assert_eq!(b.size(), (k, n), "B against k and the columns of C");
    assert_eq!(c.rows(), m, "rows of C against rows of A");
    epilogue.check(m, n);
    if let MatB::Packed(b) = b {
        assert_eq!(b.panel(), super::panel_width(isa), "B was packed for another level");
    }
    if m == 0 || n == 0 {
        return;
    }
    let need = dispatch!(isa, s => scratch_len(s, m, k));
    assert!(need <= scratch.len(), "scratch of {} elements, {need} needed", scratch.len());
    if gemv::try_vector(isa, a, b, &mut c, epilogue.accumulate) {
        return finish_rows(&mut c, epilogue);
    }
    if dispatch!(isa, s => try_across(s, a, b, &mut c, epilogue.accumulate, scratch)) {
        return finish_rows(&mut c, epilogue);
    }
    dispatch!(isa, s => product(s, a, b, c.sub(0, 0, m, n), epilogue, scratch));
    if late(epilogue) {
        finish_rows(&mut c, epilogue);
    }
}

/// Steps of k from which transposing C costs little beside the product.
const DEEP: usize = 128;

/// Whether C is high and so narrow that one block of rows of Cᵀ holds it.
#[inline(always)]
fn is_narrow<S: Tiles>(_: S, m: usize, n: usize) -> bool {
    (2..=S::MR).contains(&n) && m >= panel::<S>()
}

/// Computes a narrow C as (Bᵀ·Aᵀ)ᵀ where A lies transposed, as in the gradient by the weights of a layer of few units: A is then read
/// in whole vectors, and broadcast are the few elements of B. Says whether it did; the sums are the same chains.
#[inline(always)]
fn try_across<S: Tiles>(
    s: S,
    a: MatRef<f32>,
    b: MatB,
    c: &mut TileMut<f32>,
    accumulate: bool,
    scratch: &mut [f32],
) -> bool {
    let (m, k, n) = (a.rows(), a.cols(), c.cols());
    let MatB::Strided(b) = b else { return false };
    let transposed = a.row_stride() == 1 && a.col_stride() != 1;
    if !transposed || k < DEEP || !is_narrow(s, m, n) || scratch.len() < m * n + ALIGN + scratch_len(s, n, k) {
        return false;
    }
    let (across, scratch) = aligned(scratch).split_at_mut(m * n);
    if accumulate {
        (0..m).for_each(|i| c.row(i).iter().enumerate().for_each(|(j, &y)| across[j * m + i] = y));
    }
    let epilogue = Epilogue { accumulate, ..Epilogue::default() };
    product(s, b.t(), MatB::Strided(a.t()), TileMut::new(across, n, m, m), &epilogue, scratch);
    (0..m).for_each(|i| c.row(i).iter_mut().enumerate().for_each(|(j, y)| *y = across[j * m + i]));
    true
}

/// Whether the epilogue reads what the kernels' epilogue cannot: a residual whose columns do not touch.
pub(crate) fn late(epilogue: &Epilogue) -> bool {
    epilogue.residual.is_some_and(|r| r.col_stride() != 1)
}

/// The epilogue on a tile that holds the sums.
pub(crate) fn finish_rows(c: &mut TileMut<f32>, epilogue: &Epilogue) {
    for i in 0..c.rows() {
        let row = c.row(i);
        if let Some(bias) = epilogue.bias {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
        if let Some(residual) = epilogue.residual {
            row.iter_mut().enumerate().for_each(|(j, y)| *y += residual.at(i, j));
        }
        if epilogue.activation == Activation::Relu {
            row.iter_mut().for_each(|y| *y = if *y < 0.0 { 0.0 } else { *y });
        }
    }
}

/// The epilogue as the kernels take it.
pub(crate) fn finish(epilogue: &Epilogue) -> Option<Finish> {
    let plain = epilogue.bias.is_none() && epilogue.residual.is_none() && epilogue.activation == Activation::Identity;
    (!plain && !late(epilogue)).then(|| Finish {
        bias: epilogue.bias.map_or(std::ptr::null(), |b| b.as_ptr()),
        residual: epilogue.residual.map_or(std::ptr::null(), |r| r.as_ptr()),
        residual_stride: epilogue.residual.map_or(0, |r| r.row_stride()),
        activation: epilogue.activation,
    })
}

/// `x` moved to the next cache line.
pub(crate) fn aligned(x: &mut [f32]) -> &mut [f32] {
    let by = x.as_ptr().align_offset(64).min(x.len());
    &mut x[by..]
}

/// Where block `i` of `len` cut into `blocks` begins and how long it is, when they are as equal as can be.
#[inline]
pub(crate) fn block_of(len: usize, blocks: usize, i: usize) -> (usize, usize) {
    let (size, larger) = (len / blocks, len % blocks);
    (i * size + i.min(larger), size + (i < larger) as usize)
}

/// A product on its way: its operands, and how it goes through them.
struct Product<'a, S> {
    s: S,
    a: MatRef<'a, f32>,
    b: MatB<'a>,
    c: TileMut<'a, f32>,
    accumulate: bool,
    finish: Option<Finish>,
    /// Whether blocks of A are packed.
    interleave: bool,
    form: Rows,
}

/// The rows and steps of k that are multiplied with all columns before the next: where they start and how many they are.
#[derive(Clone, Copy)]
struct Slab {
    m0: usize,
    mc: usize,
    k0: usize,
    kc: usize,
}

/// One panel of B over a slab's k, as the first block of rows reads it.
struct Panel {
    ptr: *const f32,
    stride: usize,
    /// Whether the first block packs it for the others.
    stream: bool,
}

#[inline(always)]
fn product<S: Tiles>(s: S, a: MatRef<f32>, b: MatB, mut c: TileMut<f32>, epilogue: &Epilogue, scratch: &mut [f32]) {
    let (m, k, n) = (c.rows(), a.cols(), c.cols());
    let depths = depth_blocks::<S>(m, k);
    let slabs = m.div_ceil((SLAB / k.div_ceil(depths).max(1)).clamp(S::MR, MC));
    let (b_scratch, a_scratch) = aligned(scratch).split_at_mut(k.div_ceil(depths) * panel::<S>());
    let a_scratch = aligned(a_scratch);
    let interleave = interleave(&a);
    let transposed = a.col_stride() != 1 && (a.row_stride() == 1 || m == 1);
    let form = if interleave || transposed { Rows::Interleaved } else { Rows::Contiguous };
    let (accumulate, finish) = (epilogue.accumulate, finish(epilogue));
    let mut x = Product { s, a, b, c: c.sub(0, 0, m, n), accumulate, finish, interleave, form };
    for (i, j) in (0..slabs).flat_map(|i| (0..depths).map(move |j| (i, j))) {
        let ((m0, mc), (k0, kc)) = (block_of(m, slabs, i), block_of(k, depths, j));
        let slab = Slab { m0, mc, k0, kc };
        if interleave {
            x.pack_a(slab, a_scratch);
        }
        for n0 in (0..n).step_by(panel::<S>()) {
            let panel = x.panel(slab, n0, b_scratch);
            x.multiply(slab, n0, panel, a_scratch, b_scratch.as_mut_ptr());
        }
    }
}

impl<S: Tiles> Product<'_, S> {
    /// Rows `row..row + rows` of the slab's part of A.
    #[inline(always)]
    fn rows_of_a(&self, slab: Slab, row: usize, rows: usize) -> MatRef<'_, f32> {
        let start = slab.m0 + row;
        self.a.sub(start..start + rows, slab.k0..slab.k0 + slab.kc)
    }

    /// Packs the slab of A, block of rows by block of rows.
    #[inline(always)]
    fn pack_a(&self, slab: Slab, scratch: &mut [f32]) {
        let blocks = slab.mc.div_ceil(S::MR);
        for i in 0..blocks {
            let (row, rows) = block_of(slab.mc, blocks, i);
            let block = self.rows_of_a(slab, row, rows);
            assert!((row + rows) * slab.kc + VECTOR <= scratch.len());
            // SAFETY: the block's elements and a vector more fit scratch, as asserted, and rows <= MR <= LANES.
            unsafe { pack_rows(self.s, block, scratch.as_mut_ptr().add(row * slab.kc)) }
        }
    }

    /// The panel of B at column `n0`: where it lies, if it can be read there, else packed into `scratch`.
    #[inline(always)]
    fn panel(&self, slab: Slab, n0: usize, scratch: &mut [f32]) -> Panel {
        let width = panel::<S>();
        let b = match self.b {
            MatB::Packed(b) => return Panel { ptr: b.panel_ptr(slab.k0, n0), stride: width, stream: false },
            MatB::Strided(b) => b.sub(slab.k0..slab.k0 + slab.kc, n0..b.cols().min(n0 + width)),
        };
        if b.cols() == width && b.col_stride() == 1 {
            return Panel { ptr: b.as_ptr(), stride: b.row_stride(), stream: true };
        }
        let stride = b.cols().next_multiple_of(S::LANES);
        assert!(slab.kc * stride <= scratch.len());
        // SAFETY: kc rows of whole vectors fit scratch, as asserted, and have room for b's columns.
        unsafe { pack_panel(self.s, b, scratch.as_mut_ptr(), stride) }
        Panel { ptr: scratch.as_ptr(), stride, stream: false }
    }

    /// Multiplies the slab by a panel. `copy` is where a streamed panel is packed: kc rows of the panel's width.
    #[inline(always)]
    fn multiply(&mut self, slab: Slab, n0: usize, mut b: Panel, packed_a: &[f32], copy: *mut f32) {
        let cols = panel::<S>().min(self.c.cols() - n0);
        let blocks = slab.mc.div_ceil(S::MR);
        let c_stride = self.c.stride();
        let last = slab.k0 + slab.kc == self.a.cols();
        for i in 0..blocks {
            let (row, rows) = block_of(slab.mc, blocks, i);
            let (a, a_stride) = if self.interleave {
                (packed_a[row * slab.kc..].as_ptr(), rows)
            } else {
                let a = self.rows_of_a(slab, row, rows);
                (a.as_ptr(), if self.form == Rows::Interleaved { a.col_stride() } else { a.row_stride() })
            };
            let c = self.c.sub(slab.m0 + row, n0, rows, cols).as_mut_ptr();
            let below = c.wrapping_add(rows * c_stride);
            let top_of_next = c.wrapping_sub(row * c_stride).wrapping_add(cols);
            let block = Block {
                k: slab.kc,
                a,
                a_stride,
                b: b.ptr,
                b_stride: b.stride,
                copy: if blocks == 1 { std::ptr::null_mut() } else { copy },
                taps: (&[0], &[0]),
                c,
                c_stride,
                next_c: if i + 1 < blocks { below } else { top_of_next },
                cols,
                resume: slab.k0 > 0 || self.accumulate,
                finish: self.finish.filter(|_| last).map(|f| f.at(slab.m0 + row, n0)),
            };
            // SAFETY: the sub-matrices were checked against A, B and C; B's rows hold whole vectors, being packed or a whole panel,
            // and so does the copy of a whole panel; bias and residual were checked against C.
            unsafe {
                if b.stream {
                    S::streaming_kernel(rows, self.form)(self.s, &block);
                    if blocks > 1 {
                        b = Panel { ptr: copy, stride: panel::<S>(), stream: false };
                    }
                } else {
                    S::kernel(rows, cols.div_ceil(S::LANES), self.form)(self.s, &block);
                }
            }
        }
    }
}

/// Whether A is packed: when neither stride is 1, and when its rows are a multiple of 4 KiB apart, since then all rows of a block
/// compete for the same L1 set.
fn interleave(a: &MatRef<f32>) -> bool {
    let readable = a.rows() == 1 || a.row_stride() == 1 || a.col_stride() == 1;
    let one_set = a.rows() > 1 && a.row_stride() != 1 && a.row_stride().is_multiple_of(1024);
    !readable || one_set
}
