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

/// Rows of A that are packed, and multiplied by a panel of B, at a time: they stay in L2.
const MC: usize = 512;

/// Elements that let a pointer into scratch be moved to the next cache line.
const ALIGN: usize = 16;

/// Elements of scratch that [`gemm_f32`] needs for a tile of m×n of a product over k.
pub fn gemm_scratch_len(isa: Isa, m: usize, k: usize, n: usize) -> usize {
    let _ = n;
    dispatch!(isa, s => scratch_len(s, m, k))
}

#[inline(always)]
fn scratch_len<S: Tiles>(_: S, m: usize, k: usize) -> usize {
    let kc = block_depth::<S>(m, k);
    kc * panel::<S>() + kc * m.min(MC) + 16 + 2 * ALIGN
}

/// Steps of k between two visits of C: all of them when one block of rows makes a single pass over B.
fn block_depth<S: Tiles>(m: usize, k: usize) -> usize {
    if m <= S::MR { k } else { k.min(S::KC) }
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
    let need = gemm_scratch_len(isa, m, k, n);
    assert!(need <= scratch.len(), "scratch of {} elements, {need} needed", scratch.len());
    match b {
        MatB::Strided(b) if m == 1 && b.col_stride() == 1 => {
            dispatch!(isa, s => gemv::row(s, a, b, c.row(0), epilogue.accumulate));
            finish_rows(&mut c, epilogue);
        }
        _ => {
            dispatch!(isa, s => product(s, a, b, &mut c, epilogue, scratch));
            if late(epilogue) {
                finish_rows(&mut c, epilogue);
            }
        }
    }
}

/// Whether the epilogue reads what the kernels' epilogue cannot: a residual whose columns do not touch.
pub(super) fn late(epilogue: &Epilogue) -> bool {
    epilogue.residual.is_some_and(|r| r.col_stride() != 1)
}

/// The epilogue on a tile that holds the sums.
fn finish_rows(c: &mut TileMut<f32>, epilogue: &Epilogue) {
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
pub(super) fn finish(epilogue: &Epilogue) -> Option<Finish> {
    let plain = epilogue.bias.is_none() && epilogue.residual.is_none() && epilogue.activation == Activation::Identity;
    (!plain && !late(epilogue)).then(|| Finish {
        bias: epilogue.bias.map_or(std::ptr::null(), |b| b.as_ptr()),
        residual: epilogue.residual.map_or(std::ptr::null(), |r| r.as_ptr()),
        residual_stride: epilogue.residual.map_or(0, |r| r.row_stride()),
        activation: epilogue.activation,
    })
}

/// `x` moved to the next cache line.
fn aligned(x: &mut [f32]) -> &mut [f32] {
    let by = x.as_ptr().align_offset(64).min(x.len());
    &mut x[by..]
}

/// How many blocks of at most `mr` rows `m` rows make, and where block `i` of them lies when they are as equal as can be.
pub(super) fn row_block(m: usize, blocks: usize, i: usize) -> (usize, usize) {
    let (size, larger) = (m / blocks, m % blocks);
    (i * size + i.min(larger), size + (i < larger) as usize)
}

#[inline(always)]
fn product<S: Tiles>(s: S, a: MatRef<f32>, b: MatB, c: &mut TileMut<f32>, epilogue: &Epilogue, scratch: &mut [f32]) {
    let (m, k, n) = (c.rows(), a.cols(), c.cols());
    let width = panel::<S>();
    let finish = finish(epilogue);
    let scratch = aligned(scratch);
    let depth = block_depth::<S>(m, k);
    let (b_panel, a_scratch) = scratch.split_at_mut(depth * width);
    let a_scratch = aligned(a_scratch);
    let interleave = interleave(&a, n);
    let transposed = a.col_stride() != 1 && (a.row_stride() == 1 || m == 1);
    let form = if interleave || transposed { Rows::Interleaved } else { Rows::Contiguous };
    for m0 in (0..m).step_by(MC) {
        let mc = MC.min(m - m0);
        let blocks = mc.div_ceil(S::MR);
        // k = 0 is one empty step, which stores the epilogue of zeros.
        for k0 in (0..k.max(1)).step_by(depth.max(1)) {
            let kc = depth.min(k - k0);
            let last = k0 + kc == k;
            if interleave {
                for i in 0..blocks {
                    let (row, rows) = row_block(mc, blocks, i);
                    let block = a.sub(m0 + row..m0 + row + rows, k0..k0 + kc);
                    assert!((row + rows) * kc + 16 <= a_scratch.len());
                    // SAFETY: the block's elements and sixteen more fit scratch, as asserted.
                    unsafe { pack_rows(s, block, a_scratch.as_mut_ptr().add(row * kc)) }
                }
            }
            for n0 in (0..n).step_by(width) {
                let cols = width.min(n - n0);
                let vectors = cols.div_ceil(S::LANES);
                let copy = b_panel.as_mut_ptr();
                let (mut b_ptr, mut b_stride, mut stream) = (copy.cast_const(), vectors * S::LANES, false);
                match b {
                    MatB::Packed(b) => (b_ptr, b_stride) = (b.panel_ptr(k0, n0), width),
                    MatB::Strided(b) => {
                        let b = b.sub(k0..k0 + kc, n0..n0 + cols);
                        assert!(kc * b_stride <= b_panel.len());
                        stream = cols == width && b.col_stride() == 1;
                        if stream {
                            (b_ptr, b_stride) = (b.as_ptr(), b.row_stride());
                        } else {
                            // SAFETY: kc rows of whole vectors fit the panel, as asserted, and hold cols elements each.
                            unsafe { pack_panel(s, b, copy, b_stride) }
                        }
                    }
                }
                for i in 0..blocks {
                    let (row, rows) = row_block(mc, blocks, i);
                    let (a_ptr, a_stride) = if interleave {
                        (a_scratch[row * kc..].as_ptr(), rows)
                    } else {
                        let block = a.sub(m0 + row..m0 + row + rows, k0..k0 + kc);
                        (block.as_ptr(), if form == Rows::Interleaved { a.col_stride() } else { a.row_stride() })
                    };
                    let c_stride = c.stride();
                    let c_ptr = c.sub(m0 + row, n0, rows, cols).as_mut_ptr();
                    // The block below, or the top of the next panel; beyond the tile it is a harmless hint.
                    let next_c = if i + 1 < blocks {
                        c_ptr.wrapping_add(rows * c_stride)
                    } else {
                        c_ptr.wrapping_sub(row * c_stride).wrapping_add(width)
                    };
                    let block = Block {
                        k: kc,
                        a: a_ptr,
                        a_stride,
                        b: b_ptr,
                        b_stride,
                        copy: if blocks == 1 { std::ptr::null_mut() } else { copy },
                        taps: (&[0], &[0]),
                        c: c_ptr,
                        c_stride,
                        next_c,
                        cols,
                        resume: k0 > 0 || epilogue.accumulate,
                        finish: if last { finish.map(|f| f.at(m0 + row, n0)) } else { None },
                    };
                    // SAFETY: the sub-matrices were checked against A, B and C; B's rows hold `vectors` whole vectors, being packed or
                    // a full panel; bias and residual were checked against C.
                    unsafe {
                        if stream {
                            S::streaming_kernel(rows, form)(s, &block);
                            (b_ptr, b_stride, stream) = (copy, width, false);
                        } else {
                            S::kernel(rows, vectors, form)(s, &block);
                        }
                    }
                }
            }
        }
    }
}

/// Whether A is worth packing: always when neither stride is 1; when its rows are a multiple of 4 KiB apart, since then all rows of a
/// block compete for the same L1 set, unless few columns share the cost.
fn interleave(a: &MatRef<f32>, n: usize) -> bool {
    if a.row_stride() == 1 || a.rows() == 1 {
        return false;
    }
    a.col_stride() != 1 || a.row_stride().is_multiple_of(1024) && n >= 128
}
