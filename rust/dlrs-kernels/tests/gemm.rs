//! The matrix product at every level against its definition: one chain of multiply-adds per element.

use dlrs_kernels::gemm::*;
use dlrs_kernels::isa::{Isa, Level};
use dlrs_kernels::mem::TileMut;

mod support;
use support::{Guarded, Rng};

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    Rng::new(seed).vec(n)
}

fn step(isa: Isa, a: f32, b: f32, sum: f32) -> f32 {
    let fused = isa.level() != Level::Portable || cfg!(any(target_feature = "fma", target_arch = "aarch64"));
    if fused { a.mul_add(b, sum) } else { a * b + sum }
}

/// C = epilogue(A·B) by definition, row-major.
fn by_definition(isa: Isa, a: MatRef<f32>, b: MatRef<f32>, old: &[f32], e: &Epilogue) -> Vec<f32> {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for j in 0..n {
            let start = if e.accumulate { old[i * n + j] } else { 0.0 };
            let mut x = (0..k).fold(start, |sum, p| step(isa, a.at(i, p), b.at(p, j), sum));
            if let Some(bias) = e.bias {
                x += bias[j];
            }
            if let Some(r) = e.residual {
                x += r.at(i, j);
            }
            c[i * n + j] = if e.activation == Activation::Relu && x < 0.0 { 0.0 } else { x };
        }
    }
    c
}

/// The product through the kernels, into a tile with a gap between rows that must stay untouched.
fn by_kernel(isa: Isa, a: MatRef<f32>, b: MatB, old: &[f32], e: &Epilogue) -> Vec<f32> {
    let (m, k, n) = (a.rows(), a.cols(), b.size().1);
    let stride = n + 3;
    let len = if m == 0 || n == 0 { 0 } else { (m - 1) * stride + n };
    let mut c = Guarded::end(&vec![7.0; len]);
    for i in 0..m {
        c[(i * stride).min(len)..][..n].copy_from_slice(&old[i * n..][..n]);
    }
    let mut scratch = Guarded::end(&vec![f32::NAN; gemm_scratch_len(isa, m, k, n)]);
    gemm_f32(isa, a, b, TileMut::new(&mut c, m, n, stride), e, &mut scratch);
    let mut out = Vec::new();
    for i in 0..m {
        out.extend_from_slice(&c[(i * stride).min(len)..][..n]);
        let gap = &c[(i * stride + n).min(len)..(i * stride + stride).min(len)];
        assert!(gap.iter().all(|&x| x == 7.0), "wrote between rows");
    }
    out
}

fn assert_bits(got: &[f32], want: &[f32], what: &str) {
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!(g.to_bits() == w.to_bits() || (g == w && *g == 0.0), "{what}: element {i} is {g}, not {w}");
    }
    assert_eq!(got.len(), want.len());
}

/// Storage whose first and last bytes border on unreadable pages, filled with the matrix in the layout asked for.
struct Stored {
    buffer: Guarded<f32>,
    rows: usize,
    cols: usize,
    strides: (usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Layout {
    RowMajor,
    Transposed,
    Padded,
    BothStrided,
    Page,
}

impl Stored {
    fn new(seed: u64, rows: usize, cols: usize, layout: Layout) -> Self {
        let strides = match layout {
            Layout::RowMajor => (cols, 1),
            Layout::Transposed => (1, rows),
            Layout::Padded => (cols + 5, 1),
            Layout::BothStrided => (2 * cols + 1, 2),
            Layout::Page => (1024, 1),
        };
        let len = if rows == 0 || cols == 0 { 0 } else { (rows - 1) * strides.0 + (cols - 1) * strides.1 + 1 };
        // Which end borders on the unreadable page changes with the seed's parity.
        let data = numbers(seed, len);
        let buffer = if seed.is_multiple_of(2) { Guarded::start(&data) } else { Guarded::end(&data) };
        Self { buffer, rows, cols, strides }
    }

    fn get(&self) -> MatRef<'_, f32> {
        MatRef::new(&self.buffer, self.rows, self.cols, self.strides.0, self.strides.1)
    }
}

fn check(isa: Isa, (m, k, n): (usize, usize, usize), la: Layout, lb: Layout) {
    let (a, b) = (Stored::new(1, m, k, la), Stored::new(2, k, n, lb));
    let (old, residual, bias) = (numbers(3, m * n), numbers(4, 2 * m * n), numbers(5, n));
    let mut packed = vec![f32::NAN; packed_len(isa, k, n)];
    pack_b(isa, b.get(), &mut packed);
    let packed = PackedRef::new(isa, &packed, k, n);
    let plain = Epilogue::default();
    let all = Epilogue {
        bias: Some(&bias),
        activation: Activation::Relu,
        residual: Some(MatRef::row_major(&residual, m, n)),
        accumulate: true,
    };
    let strided = Epilogue { residual: Some(MatRef::new(&residual, m, n, 1, m)), ..all };
    for e in [plain, all, strided, Epilogue { accumulate: true, ..plain }, Epilogue { bias: Some(&bias), ..plain }] {
        let what =
            format!("{isa:?} {m}x{k}x{n} {la:?} {lb:?} {e:?}", e = (e.bias.is_some(), e.activation, e.accumulate));
        let want = by_definition(isa, a.get(), b.get(), &old, &e);
        assert_bits(&by_kernel(isa, a.get(), MatB::Strided(b.get()), &old, &e), &want, &what);
        assert_bits(&by_kernel(isa, a.get(), MatB::Packed(packed), &old, &e), &want, &format!("{what} packed"));
    }
}

#[test]
fn small_sizes_match_the_definition() {
    for isa in Isa::supported() {
        for m in [0, 1, 2, 3, 5, 7, 13, 14, 15, 29] {
            for k in [0, 1, 2, 15, 17, 33] {
                for n in [0, 1, 2, 8, 15, 16, 17, 31, 32, 33, 70] {
                    check(isa, (m, k, n), Layout::RowMajor, Layout::RowMajor);
                }
            }
        }
    }
}

#[test]
fn every_layout_matches_the_definition() {
    use Layout::*;
    for isa in Isa::supported() {
        for la in [RowMajor, Transposed, Padded, BothStrided, Page] {
            for lb in [RowMajor, Transposed, Padded, BothStrided, Page] {
                for size in [(1, 19, 35), (6, 20, 3), (31, 40, 67), (17, 5, 140)] {
                    check(isa, size, la, lb);
                }
            }
        }
    }
}

#[test]
fn blocks_of_k_and_m_do_not_show() {
    use Layout::*;
    for isa in Isa::supported() {
        for (size, la, lb) in [
            ((33, 700, 40), RowMajor, RowMajor),
            ((20, 1100, 33), Transposed, Transposed),
            ((530, 300, 35), Page, RowMajor),
            ((3, 600, 37), RowMajor, Transposed),
            ((15, 600, 130), Page, Padded),
            ((4, 600, 130), Page, Transposed),
            ((1, 700, 77), BothStrided, RowMajor),
        ] {
            check(isa, size, la, lb);
        }
    }
}
