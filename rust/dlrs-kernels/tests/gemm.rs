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
    // A column whose elements touch goes another way than one with gaps.
    let stride = if n == 1 && !m.is_multiple_of(2) { 1 } else { n + 3 };
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
        ..Epilogue::default()
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
#[ignore = "a campaign of minutes"]
fn random_sizes_match_the_definition() {
    use Layout::*;
    let layouts = [RowMajor, Transposed, Padded, BothStrided, Page];
    let mut rng = Rng::new(7);
    let mut below = |n: u32| (rng.bits() % n) as usize;
    for _ in 0..1000 {
        let largest = [3, 20, 70, 300][below(4)];
        let size = (below(largest), below(2 * largest), below(largest));
        let (la, lb) = (layouts[below(5)], layouts[below(5)]);
        Isa::supported().into_iter().for_each(|isa| check(isa, size, la, lb));
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
            ((1, 700, 77), RowMajor, Transposed),
            ((77, 700, 1), RowMajor, RowMajor),
            ((77, 700, 1), Transposed, BothStrided),
            ((77, 700, 3), Transposed, RowMajor),
            ((130, 2100, 10), Transposed, Transposed),
        ] {
            check(isa, size, la, lb);
        }
    }
}

/// Σ_t A_t·B_t by definition against the batch-reduce product, with A in the strides given.
fn check_batch_reduce(isa: Isa, (taps, m, k, n): (usize, usize, usize, usize), a_strides: (usize, usize)) {
    let span = |rows: usize, cols: usize, s: (usize, usize)| {
        if rows * cols == 0 { 0 } else { (rows - 1) * s.0 + (cols - 1) * s.1 + 1 }
    };
    let (a_len, b_len) = (span(m, k, a_strides), span(k, n, (n + 1, 1)));
    // Overlapping operands, as neighbouring pixels of a convolution are.
    let a_offsets: Vec<usize> = (0..taps).map(|t| 3 * t).collect();
    let b_offsets: Vec<usize> = (0..taps).map(|t| 5 * (taps - t)).collect();
    let a = Guarded::end(&numbers(1, a_len + 3 * taps.saturating_sub(1)));
    let b = Guarded::end(&numbers(2, b_len + 5 * taps));
    let (old, residual, bias) = (numbers(3, m * n), numbers(4, m * n), numbers(5, n));
    let all = Epilogue {
        bias: Some(&bias),
        activation: Activation::Relu,
        residual: Some(MatRef::row_major(&residual, m, n)),
        accumulate: true,
        ..Epilogue::default()
    };
    for e in [Epilogue::default(), all] {
        let mut want = if e.accumulate { old.clone() } else { vec![0.0; m * n] };
        for t in 0..taps {
            let a = MatRef::new(&a[a_offsets[t]..], m, k, a_strides.0, a_strides.1);
            let b = MatRef::new(&b[b_offsets[t]..], k, n, n + 1, 1);
            let sum = Epilogue { accumulate: true, ..Epilogue::default() };
            want = by_definition(isa, a, b, &want, &sum);
        }
        let empty = (MatRef::new(&[], m, 0, 0, 0), MatRef::new(&[], 0, n, 0, 0));
        want = by_definition(isa, empty.0, empty.1, &want, &Epilogue { accumulate: true, ..e });
        let mut c = Guarded::end(&old);
        let mut scratch = Guarded::end(&vec![f32::NAN; gemm_scratch_len(isa, m, k, n)]);
        let tile = TileMut::new(&mut c, m, n, n);
        batch_reduce_gemm_f32(isa, &a, &a_offsets, a_strides, &b, &b_offsets, n + 1, m, k, tile, &e, &mut scratch);
        assert_bits(&c, &want, &format!("{isa:?} {taps} of {m}x{k}x{n} {a_strides:?} {}", e.accumulate));
    }
}

#[test]
fn batch_reduce_is_one_chain_over_products() {
    for isa in Isa::supported() {
        for taps in [0, 1, 2, 9] {
            for (m, k, n) in [(1, 1, 1), (5, 3, 32), (14, 7, 70), (29, 16, 33), (3, 0, 40), (2, 5, 16)] {
                check_batch_reduce(isa, (taps, m, k, n), (k + 2, 1));
                check_batch_reduce(isa, (taps, m, k, n), (1, m + 2));
                check_batch_reduce(isa, (taps, m, k, n), (3, 2));
            }
        }
    }
}

#[test]
fn f64_matches_exact_sums() {
    let integers = |seed, n| numbers(seed, n).into_iter().map(|x| f64::from((4.0 * x).round())).collect::<Vec<f64>>();
    for (m, k, n) in [(1, 1, 1), (3, 5, 7), (4, 0, 2), (17, 20, 9)] {
        let (a, b, old) = (integers(1, m * k), integers(2, k * n), integers(3, m * n));
        for accumulate in [false, true] {
            let mut c = old.clone();
            let (at, b) = (MatRef::row_major(&a, k, m).t(), MatRef::row_major(&b, k, n));
            gemm_f64(at, b, TileMut::new(&mut c, m, n, n), accumulate);
            for (i, j) in (0..m * n).map(|x| (x / n, x % n)) {
                let sum: f64 = (0..k).map(|p| at.at(i, p) * b.at(p, j)).sum();
                assert_eq!(c[i * n + j], sum + if accumulate { old[i * n + j] } else { 0.0 });
            }
        }
    }
}

#[test]
fn tiles_have_the_bytes_of_the_whole() {
    let (m, k, n) = (67, 500, 150);
    for isa in Isa::supported() {
        let (a, b) = (Stored::new(1, m, k, Layout::RowMajor), Stored::new(2, k, n, Layout::Padded));
        let whole = by_kernel(isa, a.get(), MatB::Strided(b.get()), &vec![0.0; m * n], &Epilogue::default());
        for (rows, cols) in [(67, 32), (1, 150), (20, 37), (66, 149)] {
            for (i, j) in (0..m).step_by(rows).flat_map(|i| (0..n).step_by(cols).map(move |j| (i, j))) {
                let (r, c) = (rows.min(m - i), cols.min(n - j));
                let (a, b) = (a.get().sub(i..i + r, 0..k), b.get().sub(0..k, j..j + c));
                let tile = by_kernel(isa, a, MatB::Strided(b), &vec![0.0; r * c], &Epilogue::default());
                let want: Vec<f32> = (0..r * c).map(|x| whole[(i + x / c) * n + j + x % c]).collect();
                assert_bits(&tile, &want, &format!("{isa:?} tile of {rows}x{cols} at ({i}, {j})"));
            }
        }
    }
}

#[test]
fn nan_and_infinity_pass_through() {
    for isa in Isa::supported() {
        let (a, b) = ([f32::NAN, 1.0, f32::INFINITY, 1.0], [1.0; 40]);
        let relu = Epilogue { activation: Activation::Relu, ..Epilogue::default() };
        let (a, b) = (MatRef::row_major(&a, 2, 2), MatRef::row_major(&b, 2, 20));
        let c = by_kernel(isa, a, MatB::Strided(b), &[0.0; 40], &relu);
        assert!(c[..20].iter().all(|x| x.is_nan()) && c[20..].iter().all(|x| *x == f32::INFINITY), "{isa:?} {c:?}");
    }
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_matrix_that_leaves_its_slice_is_refused() {
    MatRef::new(&[0.0f32; 10], 3, 4, 4, 1);
}

#[test]
#[should_panic(expected = "B against k")]
fn operands_that_do_not_agree_are_refused() {
    let (a, b) = ([0.0f32; 12], [0.0f32; 12]);
    let (a, b) = (MatRef::row_major(&a, 3, 4), MatRef::row_major(&b, 3, 4));
    gemm_f32(Isa::current(), a, MatB::Strided(b), TileMut::new(&mut [0.0; 12], 3, 4, 4), &Epilogue::default(), &mut []);
}

#[test]
fn tilings_cover_and_start_at_panels() {
    for isa in Isa::supported() {
        for (m, k, n) in
            [(1, 1, 1), (0, 5, 5), (5, 0, 5), (5, 5, 0), (1, 1024, 1024), (128, 784, 512), (2048, 2048, 2048)]
        {
            let t = tiling(isa, m, k, n);
            assert!(t.rows > 0 && t.cols > 0);
            assert!(t.cols >= n || t.cols.is_multiple_of(panel_width(isa)), "{t:?} for {m}x{k}x{n}");
            assert!(m.div_ceil(t.rows) * n.div_ceil(t.cols) <= 64);
        }
    }
}
