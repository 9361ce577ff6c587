//! The three passes of a convolution against their definitions. The operands are small integers, so every order of summation gives the
//! same bits.

use dlrs_kernels::conv::*;
use dlrs_kernels::gemm::{Activation, Epilogue, MatRef};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;

mod support;
use support::{Guarded, Rng};

fn integers<T: From<i8>>(seed: u64, n: usize) -> Vec<T> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| T::from((rng.bits() % 9) as i8 - 4)).collect()
}

/// Calls `f(index in x, index in w, index in y)` for every product of the convolution.
fn each_product(g: &ConvGeometry, mut f: impl FnMut(usize, usize, usize)) {
    let unravel = |i: usize, [_, b, c]: [usize; 3]| [i / c / b, i / c % b, i % c];
    let pixels = |s: [usize; 3]| s[0] * s[1] * s[2];
    let (channels, filters) = (g.c_in / g.groups, g.c_out / g.groups);
    for (i, o, k) in (0..g.n)
        .flat_map(|i| (0..pixels(g.output)).map(move |o| (i, o)))
        .flat_map(|(i, o)| (0..pixels(g.kernel)).map(move |k| (i, o, k)))
    {
        let (at, tap) = (unravel(o, g.output), unravel(k, g.kernel));
        let from = [0, 1, 2].map(|a| (at[a] * g.strides[a] + tap[a] * g.dilation[a]) as isize - g.pad[a] as isize);
        if (0..3).any(|a| from[a] < 0 || from[a] >= g.input[a] as isize) {
            continue;
        }
        let [x0, x1, x2] = from.map(|p| p as usize);
        let pixel = ((i * g.input[0] + x0) * g.input[1] + x1) * g.input[2] + x2;
        for (ci, co) in (0..channels * g.c_out).map(|c| (c / g.c_out, c % g.c_out)) {
            let of_x = pixel * g.c_in + co / filters * channels + ci;
            f(of_x, (k * channels + ci) * g.c_out + co, (i * pixels(g.output) + o) * g.c_out + co);
        }
    }
}

fn sizes(g: &ConvGeometry) -> [usize; 3] {
    [g.n * g.image_in(), g.kernel_len(), g.n * g.image_out()]
}

fn check<T>(isa: Isa, g: &ConvGeometry)
where
    T: ConvElement + From<i8> + std::ops::Mul<Output = T> + std::ops::AddAssign,
{
    let sizes = sizes(g);
    let [x, w, dy]: [Guarded<T>; 3] = [0, 1, 2].map(|i| Guarded::end(&integers(i as u64 + 1, sizes[i])));
    let [mut dx, mut dw, mut y] = sizes.map(|n| vec![T::default(); n]);
    each_product(g, |i, t, o| {
        y[o] += x[i] * w[t];
        dx[i] += dy[o] * w[t];
        dw[t] += x[i] * dy[o];
    });
    let mut scratch = vec![T::from(99); conv_scratch_len(isa, g)];
    let stale = T::from(77);
    // Cut by image, and by tap, as tiles are.
    for cut in [0..g.n, 0..1, 1..g.n] {
        let per = sizes[2] / g.n;
        let mut out = Guarded::end(&vec![stale; cut.len() * per]);
        conv_forward(isa, g, &x, &w, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], y[cut.start * per..cut.end * per], "forward {isa:?} {g:?}");
        let per = sizes[0] / g.n;
        let mut out = Guarded::end(&vec![stale; cut.len() * per]);
        conv_input_grad(isa, g, &dy, &w, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], dx[cut.start * per..cut.end * per], "input gradient {isa:?} {g:?}");
    }
    let taps = g.taps();
    for cut in [0..taps, 0..1, taps / 2..taps] {
        let per = g.group_in() * g.c_out;
        let mut out = Guarded::end(&vec![stale; cut.len() * per]);
        conv_kernel_grad(isa, g, &x, &dy, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], dw[cut.start * per..cut.end * per], "kernel gradient {isa:?} {g:?}");
    }
}

/// Every tile of the direct convolution, whose operands are x and w, or dy and w, with the kernel as it is and packed.
fn check_direct(conv: &DirectConv, x: &[f32], w: &[f32], want: &[f32], channels: usize, what: &str) {
    let mut packed = vec![f32::NAN; conv.packed_len()];
    conv.pack(w, &mut packed);
    let packed = Guarded::end(&packed);
    let mut scratch = vec![99.0; conv.scratch_len()];
    let bias: Vec<f32> = integers(8, channels);
    let residual = Guarded::end(&integers::<f32>(9, want.len()));
    let relu = |y: f32| y.max(0.0);
    for kernel in [ConvKernel::Plain(w), ConvKernel::Packed(&packed)] {
        for (full, accumulate) in [(false, false), (true, false), (false, true)] {
            let mut out = Guarded::end(&vec![77.0f32; want.len()]);
            for tile in conv.tiles() {
                let r = tile.rect;
                let end = r.start + (r.rows - 1) * r.stride + r.cols;
                let to = TileMut::new(&mut out[r.start..end], r.rows, r.cols, r.stride);
                let rest = MatRef::new(&residual[r.start..end], r.rows, r.cols, r.stride, 1);
                let epilogue = Epilogue {
                    bias: full.then_some(&bias[tile.channels.clone()]),
                    residual: full.then_some(rest),
                    activation: if full { Activation::Relu } else { Activation::Identity },
                    accumulate,
                    read_after: &[&residual[r.start..end]],
                };
                conv.run(x, kernel, tile, to, &epilogue, &mut scratch);
            }
            let whole = want.iter().enumerate().map(|(i, y)| relu(y + bias[i % channels] + residual[i]));
            let old = if accumulate { 77.0 } else { 0.0 };
            let want: Vec<f32> = if full { whole.collect() } else { want.iter().map(|y| y + old).collect() };
            assert_eq!(out[..], want, "{what}");
        }
    }
}

#[test]
fn direct_convolutions_match_their_definitions() {
    let wide = images((1, 40, 56, 64), (3, 3, 64), (1, 1), (1, 1), (1, 1, 1, 1), 1);
    let many = images((37, 4, 5, 33), (3, 3, 40), (1, 1), (1, 1), (1, 1, 1, 1), 1);
    let deep = images((2, 7, 7, 500), (1, 1, 130), (2, 2), (1, 1), (0, 0, 0, 0), 1);
    let few = images((3, 9, 12, 3), (5, 3, 6), (2, 1), (1, 1), (2, 2, 1, 1), 1);
    let single = images((2, 6, 15, 1), (3, 4, 1), (1, 3), (1, 1), (0, 1, 2, 1), 1);
    for g in geometries().iter().chain(&[wide, many, deep, few, single]).chain(&rows()).chain(&far_apart()) {
        let [x, w, dy] = [0, 1, 2].map(|i| integers::<f32>(i + 1, sizes(g)[i as usize]));
        let (x, w, dy) = (Guarded::end(&x), Guarded::end(&w), Guarded::end(&dy));
        let [mut dx, _, mut y] = sizes(g).map(|n| vec![0.0f32; n]);
        each_product(g, |i, t, o| {
            y[o] += x[i] * w[t];
            dx[i] += dy[o] * w[t];
        });
        for isa in Isa::supported() {
            check_direct(&DirectConv::forward(isa, g), &x, &w, &y, g.c_out, &format!("forward {isa:?} {g:?}"));
            check_direct(&DirectConv::backward_input(isa, g), &dy, &w, &dx, g.c_in, &format!("gradient {isa:?} {g:?}"));
        }
    }
}

#[test]
fn scratch_does_not_grow_with_dilation_or_strides() {
    for g in far_apart() {
        for isa in Isa::supported() {
            let passes = [DirectConv::forward(isa, &g), DirectConv::backward_input(isa, &g)];
            let scratch = passes.map(|conv| conv.scratch_len()).into_iter().max();
            assert!(scratch.max(Some(kernel_sum_scratch_len(isa, &g))) < Some(1 << 16), "{isa:?} {g:?}");
        }
    }
}

#[test]
fn products_with_all_taps_match_their_definition() {
    let mut taken = 0;
    for isa in Isa::supported() {
        for g in few_channels().iter().chain(&geometries()).chain(&rows()) {
            let Some(conv) = TapProducts::new(isa, g) else { continue };
            taken += 1;
            let [_, w, dy] = [0, 1, 2].map(|i| Guarded::end(&integers::<f32>(i + 1, sizes(g)[i as usize])));
            let mut dx = vec![0.0f32; sizes(g)[0]];
            each_product(g, |i, t, o| dx[i] += dy[o] * w[t]);
            let mut packed = vec![f32::NAN; conv.packed_len()];
            conv.pack(&w, &mut packed);
            let packed = Guarded::end(&packed);
            let mut scratch = vec![99.0; conv.scratch_len()];
            let (pixels, bias) = (g.image_in() / g.c_in, integers::<f32>(8, g.c_in));
            for (kernel, full, images) in [
                (ConvKernel::Plain(&w), false, 0..g.n),
                (ConvKernel::Packed(&packed), true, 0..g.n),
                (ConvKernel::Packed(&packed), false, g.n - 1..g.n),
            ] {
                let part = &dx[images.start * g.image_in()..images.end * g.image_in()];
                let mut out = Guarded::end(&vec![77.0f32; part.len()]);
                let to = TileMut::new(&mut out, images.len() * pixels, g.c_in, g.c_in);
                let epilogue = Epilogue {
                    bias: full.then_some(&bias),
                    activation: if full { Activation::Relu } else { Activation::Identity },
                    accumulate: full,
                    ..Epilogue::default()
                };
                conv.run(&dy, kernel, images, to, &epilogue, &mut scratch);
                let whole = part.iter().enumerate().map(|(i, y)| (y + 77.0 + bias[i % g.c_in]).max(0.0));
                let want: Vec<f32> = if full { whole.collect() } else { part.to_vec() };
                assert_eq!(out[..], want, "{isa:?} {g:?}");
            }
        }
    }
    assert!(taken >= 8, "{taken} cases are computed like this");
}

/// Few channels in, stride 1.
fn few_channels() -> Vec<ConvGeometry> {
    vec![
        images((3, 14, 14, 6), (5, 5, 16), (1, 1), (1, 1), (0, 0, 0, 0), 1),
        images((2, 12, 13, 4), (5, 5, 16), (1, 1), (1, 1), (2, 2, 1, 3), 1),
        images((2, 9, 7, 2), (7, 7, 12), (1, 1), (1, 1), (0, 0, 0, 0), 1),
        images((2, 9, 11, 4), (3, 3, 20), (1, 1), (2, 1), (0, 1, 0, 0), 1),
        images((1, 8, 9, 1), (5, 4, 9), (1, 1), (1, 2), (0, 0, 0, 0), 1),
        geometry((2, [6, 5, 7], 3), ([3, 3, 3], 10), [1; 3], [1; 3], [(0, 0); 3], 1),
    ]
}

/// Dilations and strides beyond the image: some taps meet nothing, from any output or from some.
fn far_apart() -> Vec<ConvGeometry> {
    const FAR: usize = 1 << 40;
    vec![
        images((2, 1, 5, 1), (1, 2, 1), (1, 1), (1, FAR), (0, 0, FAR, 0), 1),
        images((2, 1, 5, 4), (1, 2, 40), (1, 1), (1, FAR), (0, 0, FAR, 0), 1),
        images((2, 5, 9, 16), (3, 3, 16), (1, 1), (FAR, 1), (FAR, FAR, 1, 1), 1),
        images((2, 5, 9, 16), (3, 3, 16), (1, 1), (1, 9), (1, 1, 9, 9), 1),
        images((2, 5, 9, 6), (3, 5, 6), (1, 1), (4, FAR), (4, 4, 2 * FAR, 2 * FAR), 1),
        images((2, 5, 6, 6), (3, 3, 9), (1, 1), (FAR, 5), (FAR, FAR, 5, 5), 3),
        // No tap of any output meets the image along the second axis.
        images((2, 5, 6, 3), (2, 2, 20), (1, 1), (1, FAR), (0, 0, FAR / 2, FAR / 2), 1),
        // Outputs, or inputs, step over each other.
        images((2, 7, 8, 5), (3, 4, 12), (3, 4), (5, 3), (5, 5, 4, 5), 1),
        images((2, 2, 5, 6), (3, 4, 8), (FAR, 6), (1, 1), (FAR, FAR, 12, 12), 1),
        images((2, 2, 5, 6), (3, 4, 8), (3, FAR), (1, 1), (3, 3, FAR, FAR), 1),
        geometry((2, [3, 4, 5], 3), ([2, 3, 2], 7), [1; 3], [FAR, 4, 1], [(0, FAR), (4, 4), (0, 1)], 1),
    ]
}

/// `padding` is (before, after) of each axis.
fn geometry(
    (n, input, c_in): (usize, [usize; 3], usize),
    (kernel, c_out): ([usize; 3], usize),
    strides: [usize; 3],
    dilation: [usize; 3],
    padding: [(usize, usize); 3],
    groups: usize,
) -> ConvGeometry {
    let output = [0, 1, 2].map(|a| {
        let padded = input[a] + padding[a].0 + padding[a].1;
        (padded.checked_sub((kernel[a] - 1) * dilation[a] + 1)).map_or(0, |x| x / strides[a] + 1)
    });
    ConvGeometry { n, input, c_in, kernel, c_out, output, strides, dilation, pad: padding.map(|p| p.0), groups }
}

/// Two spatial axes.
fn images(
    (n, h, w, c_in): (usize, usize, usize, usize),
    (kh, kw, c_out): (usize, usize, usize),
    strides: (usize, usize),
    dilation: (usize, usize),
    (top, bottom, left, right): (usize, usize, usize, usize),
    groups: usize,
) -> ConvGeometry {
    let triple = |(a, b): (usize, usize)| [1, a, b];
    let padding = [(0, 0), (top, bottom), (left, right)];
    geometry((n, [1, h, w], c_in), ([1, kh, kw], c_out), triple(strides), triple(dilation), padding, groups)
}

/// Rows of pixels of few channels, one way or both.
fn rows() -> Vec<ConvGeometry> {
    let padding = |p: usize| (p, p, p, p);
    let mut all: Vec<ConvGeometry> =
        (8..=35).map(|w| images((2, 5, w, 16), (3, 3, 16), (1, 1), (1, 1), padding(1), 1)).collect();
    all.extend((12..=21).map(|w| images((2, 6, w, 9), (5, 5, 11), (1, 1), (1, 1), padding(2), 1)));
    all.extend([
        images((3, 9, 21, 5), (3, 3, 12), (1, 1), (1, 1), padding(0), 1),
        images((1, 40, 33, 12), (3, 3, 10), (1, 1), (1, 1), padding(0), 1),
        images((2, 1, 9, 3), (3, 3, 16), (1, 1), (1, 1), padding(1), 1),
        images((2, 8, 14, 6), (5, 5, 16), (1, 1), (1, 1), padding(0), 1),
        images((2, 7, 30, 16), (3, 3, 9), (2, 1), (1, 1), (0, 1, 1, 1), 1),
        images((2, 9, 17, 16), (3, 3, 16), (1, 1), (2, 1), (2, 2, 1, 0), 1),
        images((2, 3, 9, 16), (7, 3, 13), (1, 1), (1, 1), (5, 6, 0, 1), 1),
        images((2, 5, 9, 13), (3, 3, 40), (2, 1), (1, 1), (1, 1, 2, 2), 1),
        images((9, 4, 40, 3), (2, 5, 33), (1, 1), (1, 1), (0, 0, 1, 3), 1),
        images((2, 4, 3, 5), (3, 3, 16), (1, 1), (1, 1), padding(1), 1),
        // Zeros beyond half the taps.
        images((2, 5, 12, 16), (3, 3, 16), (1, 1), (1, 1), padding(2), 1),
        geometry((2, [5, 6, 18], 12), ([2, 3, 3], 16), [1; 3], [1; 3], [(1, 0), (1, 1), (1, 1)], 1),
        geometry((2, [1, 1, 40], 16), ([1, 1, 3], 16), [1; 3], [1; 3], [(0, 0), (0, 0), (1, 1)], 1),
    ]);
    all
}

/// One channel, in rows of pixels that fill most of their vectors at some level.
fn single_channel() -> Vec<ConvGeometry> {
    let padding = |p: usize| (p, p, p, p);
    let mut all: Vec<ConvGeometry> =
        (1..=9).map(|filters| images((2, 5, 29, 1), (3, 3, filters), (1, 1), (1, 1), padding(1), 1)).collect();
    all.extend([
        images((3, 28, 28, 1), (5, 5, 6), (1, 1), (1, 1), padding(2), 1),
        images((2, 28, 28, 1), (5, 5, 7), (1, 1), (1, 1), padding(0), 1),
        images((2, 50, 16, 1), (3, 3, 35), (1, 1), (1, 1), padding(0), 1),
        images((2, 9, 15, 1), (2, 5, 5), (1, 1), (1, 1), (0, 1, 4, 1), 1),
        // Columns of x that no output reads, and rows of the kernel that meet padding alone.
        images((2, 2, 14, 1), (7, 3, 4), (1, 1), (1, 1), (4, 5, 2, 0), 1),
        ConvGeometry { output: [1, 3, 13], ..images((2, 5, 30, 1), (3, 3, 4), (1, 1), (1, 1), padding(0), 1) },
        geometry((2, [4, 5, 16], 1), ([2, 3, 5], 8), [1; 3], [1; 3], [(1, 0), (1, 1), (2, 2)], 1),
        geometry((2, [7, 5, 31], 1), ([3, 2, 3], 3), [2, 1, 1], [2, 1, 1], [(1, 2), (0, 1), (1, 1)], 1),
        geometry((3, [1, 1, 60], 1), ([1, 1, 5], 12), [1; 3], [1; 3], [(0, 0), (0, 0), (4, 0)], 1),
    ]);
    all
}

fn geometries() -> Vec<ConvGeometry> {
    vec![
        images((2, 7, 9, 3), (3, 3, 5), (1, 1), (1, 1), (1, 1, 1, 1), 1),
        images((2, 8, 8, 1), (5, 5, 6), (1, 1), (1, 1), (2, 2, 2, 2), 1),
        images((3, 9, 11, 4), (3, 2, 33), (2, 3), (1, 1), (0, 1, 0, 2), 1),
        images((2, 9, 10, 2), (3, 3, 32), (1, 1), (2, 3), (2, 2, 3, 3), 1),
        images((2, 6, 6, 40), (1, 1, 70), (2, 2), (1, 1), (0, 0, 0, 0), 1),
        images((2, 3, 3, 2), (7, 7, 3), (1, 2), (1, 1), (5, 5, 5, 5), 1),
        images((2, 4, 30, 2), (1, 15, 3), (1, 4), (1, 1), (0, 0, 0, 0), 1),
        images((2, 2, 2, 2), (3, 3, 3), (1, 1), (1, 1), (0, 0, 0, 0), 1),
        images((2, 6, 7, 6), (3, 2, 9), (2, 1), (1, 2), (1, 0, 2, 1), 3),
        images((2, 5, 6, 20), (3, 3, 20), (1, 1), (1, 1), (1, 1, 1, 1), 20),
        images((2, 5, 6, 3), (3, 3, 6), (1, 2), (1, 1), (1, 1, 1, 1), 3),
        // One filter: in the gradient by the input both strides of a tap are 1.
        images((2, 5, 6, 48), (3, 3, 1), (1, 1), (1, 1), (1, 1, 1, 1), 1),
        images((2, 5, 6, 32), (3, 2, 1), (2, 2), (1, 1), (1, 1, 0, 1), 1),
        images((2, 5, 6, 66), (3, 3, 2), (2, 1), (1, 1), (1, 1, 1, 1), 2),
        geometry((2, [4, 5, 6], 2), ([2, 3, 3], 18), [1; 3], [1; 3], [(1, 0), (1, 1), (1, 1)], 1),
        geometry((2, [7, 4, 6], 4), ([3, 2, 2], 6), [2, 1, 2], [2, 2, 1], [(0, 1), (2, 0), (1, 1)], 2),
        geometry((2, [1, 1, 40], 17), ([1, 1, 5], 16), [1; 3], [1, 1, 3], [(0, 0), (0, 0), (12, 0)], 1),
    ]
}

/// The gradient by the kernel of some rows of the outputs and some columns of the kernel.
fn check_kernel_sum(isa: Isa, g: &ConvGeometry) {
    let [x, dy] = [g.n * g.image_in(), g.n * g.image_out()].map(|n| Guarded::end(&integers::<f32>(n as u64, n)));
    let mut scratch = vec![99.0; kernel_sum_scratch_len(isa, g)];
    let rows = g.n * g.output[0] * g.output[1];
    let per_row = g.output[2] * g.c_out;
    for (rows, columns) in [
        (0..rows, 0..g.c_out),
        (0..rows.min(1), 0..g.c_out),
        (rows / 3..rows, if g.groups > 1 || g.c_out <= 32 { 0..g.c_out } else { 32..g.c_out }),
    ] {
        let mut want = vec![0.0; g.kernel_len()];
        each_product(g, |i, t, o| want[t] += if rows.contains(&(o / per_row)) { x[i] * dy[o] } else { 0.0 });
        let mut out = Guarded::end(&vec![77.0; g.kernel_len()]);
        let taps = g.taps() * g.group_in();
        let to = TileMut::new(&mut out[columns.start..], taps, columns.len(), g.c_out);
        conv_kernel_sum(isa, g, &x, &dy, rows.clone(), columns.clone(), to, &mut scratch);
        for (t, (have, want)) in out.iter().zip(&want).enumerate().filter(|(t, _)| columns.contains(&(t % g.c_out))) {
            assert_eq!(have, want, "element {t} of {rows:?}, {columns:?}, {isa:?} {g:?}");
        }
    }
}

#[test]
fn every_pass_matches_its_definition() {
    for g in geometries().iter().chain(&rows()).chain(&single_channel()).chain(&far_apart()) {
        for isa in Isa::supported() {
            check::<f32>(isa, g);
            check_kernel_sum(isa, g);
        }
        check::<f64>(Isa::current(), g);
    }
}
