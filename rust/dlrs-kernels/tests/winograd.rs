//! Minimal filtering against the definition in f64: the stated error bound holds at every level for data of every kind.

use dlrs_kernels::conv::*;
use dlrs_kernels::gemm::{Activation, Epilogue, MatRef};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;

mod support;
use support::{Guarded, Rng};

/// Images, height, width and channels; output channels; zeros above and left, below and right.
type Sizes = ((usize, usize, usize, usize), usize, (usize, usize));

const SIZES: [Sizes; 9] = [
    ((2, 8, 8, 16), 16, (1, 1)),
    ((3, 9, 7, 5), 33, (1, 1)),
    ((1, 5, 30, 40), 20, (0, 0)),
    ((2, 3, 3, 1), 1, (2, 2)),
    ((1, 4, 11, 17), 70, (0, 1)),
    ((5, 2, 2, 64), 65, (2, 0)),
    ((1, 13, 14, 3), 150, (1, 2)),
    ((2, 7, 7, 450), 10, (1, 1)),
    ((1, 61, 6, 24), 128, (1, 1)),
];

fn geometry(((n, h, w, c_in), c_out, (before, after)): Sizes) -> ConvGeometry {
    let output = [1, h + before + after - 2, w + before + after - 2];
    let (kernel, pad) = ([1, 3, 3], [0, before, before]);
    ConvGeometry { n, input: [1, h, w], c_in, kernel, c_out, output, strides: [1; 3], dilation: [1; 3], pad, groups: 1 }
}

/// The definition, and per output the sum of the terms' sizes that the bound speaks of, over the square of `side` outputs.
fn definition(g: &ConvGeometry, x: &[f32], w: &[f32], side: usize) -> (Vec<f64>, Vec<f64>) {
    let at = |i: usize, y: usize, x_: usize, c: usize| -> f64 {
        let (y, x_) = (y.wrapping_sub(g.pad[1]), x_.wrapping_sub(g.pad[2]));
        let inside = y < g.input[1] && x_ < g.input[2];
        if inside { f64::from(x[((i * g.input[1] + y) * g.input[2] + x_) * g.c_in + c]) } else { 0.0 }
    };
    let weights: Vec<f64> =
        (0..g.c_in * g.c_out).map(|c| (0..9).map(|t| f64::from(w[t * g.c_in * g.c_out + c]).abs()).sum()).collect();
    let (mut sums, mut sizes) = (Vec::new(), Vec::new());
    for (i, oy) in (0..g.n).flat_map(|i| (0..g.output[1]).map(move |oy| (i, oy))) {
        for ox in 0..g.output[2] {
            let (top, left) = (oy / side * side, ox / side * side);
            let largest: Vec<f64> = (0..g.c_in)
                .map(|c| {
                    let seen = (0..side + 2).flat_map(|a| (0..side + 2).map(move |b| (a, b)));
                    seen.map(|(a, b)| at(i, top + a, left + b, c).abs()).fold(0.0, f64::max)
                })
                .collect();
            for co in 0..g.c_out {
                let term = |c: usize, t: usize| {
                    at(i, oy + t / 3, ox + t % 3, c) * f64::from(w[(t * g.c_in + c) * g.c_out + co])
                };
                sums.push((0..g.c_in).flat_map(|c| (0..9).map(move |t| (c, t))).map(|(c, t)| term(c, t)).sum());
                sizes.push((0..g.c_in).map(|c| largest[c] * weights[c * g.c_out + co]).sum());
            }
        }
    }
    (sums, sizes)
}

/// A pass, tile by tile, last tile first.
fn run(conv: &WinogradConv, kernel: &WinogradKernel, x: &[f32], w: &[f32], n: usize, epilogue: &Epilogue) -> Vec<f32> {
    let mut u = vec![f32::NAN; kernel.len()];
    kernel.run_all(&Guarded::end(w), &mut u);
    let (x, u) = (Guarded::end(x), Guarded::end(&u));
    let mut y = Guarded::end(&vec![f32::NAN; n]);
    let mut scratch = Guarded::end(&vec![f32::NAN; conv.scratch_len()]);
    let stride = conv.tiles()[0].rect.stride;
    for tile in conv.tiles().iter().rev() {
        let (rows, cols) = (tile.pixels.clone(), tile.channels.clone());
        let part = TileMut::new(&mut y[tile.rect.start..], rows.len(), cols.len(), stride);
        let residual = epilogue.residual.map(|r| r.sub(rows.clone(), cols.clone()));
        let epilogue = Epilogue { bias: epilogue.bias.map(|b| &b[cols]), residual, ..*epilogue };
        conv.run(tile, &x, &u, part, &epilogue, &mut scratch);
    }
    y.to_vec()
}

fn convolve(isa: Isa, f: Winograd, g: &ConvGeometry, x: &[f32], w: &[f32], epilogue: &Epilogue) -> Vec<f32> {
    let kernel = WinogradKernel::forward(isa, f, g.c_in, g.c_out);
    run(&WinogradConv::forward(isa, f, g), &kernel, x, w, g.n * g.image_out(), epilogue)
}

/// Data of several kinds: uniform, of sizes that differ much, and of signs that make all terms add or cancel.
fn data(kind: usize, seed: u64, n: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    let one = |i: usize, rng: &mut Rng| match kind {
        0 => rng.uniform(-1.0, 1.0),
        1 => rng.uniform(-1.0, 1.0) * 2f32.powi((rng.bits() % 24) as i32 - 12),
        2 => rng.uniform(0.99, 1.0),
        _ => (if i.is_multiple_of(2) { 1.0 } else { -1.0 }) * rng.uniform(0.99, 1.0),
    };
    (0..n).map(|i| one(i, &mut rng)).collect()
}

#[test]
fn errors_stay_below_the_bound() {
    for (sizes, f) in SIZES.iter().flat_map(|s| [(s, Winograd::F2), (s, Winograd::F4)]) {
        let g = geometry(*sizes);
        for kind in 0..4 {
            let (x, w) = (data(kind, 1, g.n * g.image_in()), data(kind, 2, g.kernel_len()));
            let (want, size) = definition(&g, &x, &w, f.outputs());
            for isa in Isa::supported() {
                let y = convolve(isa, f, &g, &x, &w, &Epilogue::default());
                for ((y, want), size) in y.iter().zip(&want).zip(&size) {
                    let error = (f64::from(*y) - want).abs();
                    assert!(error <= f.error_bound(g.c_in) * size, "{isa:?} {f:?} {sizes:?} {kind}: {y} for {want}");
                    // Uniform data are far below it.
                    assert!(
                        kind != 0 || error <= 8.0 * f64::from(f32::EPSILON) * size,
                        "{isa:?} {f:?} {sizes:?}: {y} for {want}"
                    );
                }
            }
        }
    }
}

#[test]
fn small_integers_are_exact_in_f2() {
    let g = geometry(SIZES[1]);
    let mut rng = Rng::new(5);
    let mut integers = |n: usize| -> Vec<f32> { (0..n).map(|_| (rng.bits() % 9) as f32 - 4.0).collect() };
    let (x, w) = (integers(g.n * g.image_in()), integers(g.kernel_len()));
    let (want, _) = definition(&g, &x, &w, 2);
    for isa in Isa::supported() {
        let y = convolve(isa, Winograd::F2, &g, &x, &w, &Epilogue::default());
        assert!(y.iter().zip(&want).all(|(y, want)| f64::from(*y) == *want), "{isa:?}");
    }
}

#[test]
fn the_gradient_by_the_input_is_the_convolution_with_the_kernel_reversed() {
    for (sizes, f) in SIZES.iter().flat_map(|s| [(s, Winograd::F2), (s, Winograd::F4)]) {
        let g = geometry(*sizes);
        let (dy, w) = (data(0, 1, g.n * g.image_out()), data(0, 2, g.kernel_len()));
        let (wide, w64): (Vec<f64>, Vec<f64>) =
            (dy.iter().map(|&x| x.into()).collect(), w.iter().map(|&x| x.into()).collect());
        let mut want = vec![0.0; g.n * g.image_in()];
        let mut scratch = vec![0.0; conv_scratch_len(Isa::current(), &g)];
        conv_input_grad(Isa::current(), &g, &wide, &w64, 0..g.n, TileMut::flat(&mut want), &mut scratch);
        for isa in Isa::supported() {
            let kernel = WinogradKernel::backward_input(isa, f, g.c_in, g.c_out);
            let conv = WinogradConv::backward_input(isa, f, &g);
            let dx = run(&conv, &kernel, &dy, &w, want.len(), &Epilogue::default());
            let bound = f.error_bound(g.c_out) * 9.0 * g.c_out as f64;
            assert!(
                dx.iter().zip(&want).all(|(x, want)| (f64::from(*x) - want).abs() <= bound),
                "{isa:?} {f:?} {sizes:?}"
            );
        }
    }
}

#[test]
fn the_epilogue_is_applied_to_each_output() {
    for (sizes, f) in SIZES.iter().flat_map(|s| [(s, Winograd::F2), (s, Winograd::F4)]) {
        let g = geometry(*sizes);
        let outputs = g.n * g.image_out();
        let (x, w) = (data(0, 1, g.n * g.image_in()), data(0, 2, g.kernel_len()));
        let (bias, residual) = (data(0, 3, g.c_out), data(0, 4, outputs));
        for isa in Isa::supported() {
            let plain = convolve(isa, f, &g, &x, &w, &Epilogue::default());
            let epilogue = Epilogue {
                bias: Some(&bias),
                residual: Some(MatRef::row_major(&residual, outputs / g.c_out, g.c_out)),
                activation: Activation::Relu,
                ..Epilogue::default()
            };
            let y = convolve(isa, f, &g, &x, &w, &epilogue);
            let want = |i: usize| (plain[i] + bias[i % g.c_out] + residual[i]).max(0.0);
            assert!((0..outputs).all(|i| y[i] == want(i)), "{isa:?} {f:?} {sizes:?}");
        }
    }
}

#[test]
fn not_a_number_reaches_every_output_that_sees_it() {
    let g = geometry(SIZES[0]);
    let (mut x, w) = (data(0, 1, g.n * g.image_in()), data(0, 2, g.kernel_len()));
    x[(3 * 8 + 4) * 16 + 2] = f32::NAN;
    for isa in Isa::supported() {
        let epilogue = Epilogue { activation: Activation::Relu, ..Epilogue::default() };
        let y = convolve(isa, Winograd::F4, &g, &x, &w, &epilogue);
        let pixel = |oy: usize, ox: usize| &y[(oy * 8 + ox) * 16..][..16];
        assert!((2..5).flat_map(|oy| (3..6).map(move |ox| pixel(oy, ox))).flatten().all(|y| y.is_nan()));
        assert!(y[g.image_out()..].iter().all(|y| y.is_finite()), "the other image");
    }
}
