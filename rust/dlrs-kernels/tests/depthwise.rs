//! The three passes of a depthwise convolution against their definitions, at every level. The operands are small integers, so every
//! order of summation gives the same bits.

use dlrs_kernels::conv::*;
use dlrs_kernels::gemm::{Activation, Epilogue, MatRef};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Buffer, TileMut};

mod support;
use support::{Guarded, Rng};

fn integers(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| ((rng.bits() % 9) as i8 - 4).into()).collect()
}

/// Calls `f(index in x, index in w, index in y)` for every product of the convolution.
fn each_product(g: &ConvGeometry, mut f: impl FnMut(usize, usize, usize)) {
    let unravel = |i: usize, [_, b, c]: [usize; 3]| [i / c / b, i / c % b, i % c];
    let pixels = |s: [usize; 3]| s[0] * s[1] * s[2];
    for i in 0..g.n * pixels(g.output) {
        let at = unravel(i % pixels(g.output), g.output);
        for k in 0..pixels(g.kernel) {
            let tap = unravel(k, g.kernel);
            let from = [0, 1, 2].map(|a| (at[a] * g.strides[a] + tap[a] * g.dilation[a]).wrapping_sub(g.pad[a]));
            if (0..3).all(|a| from[a] < g.input[a]) {
                let pixel = (from[0] * g.input[1] + from[1]) * g.input[2] + from[2];
                let x = (i / pixels(g.output) * pixels(g.input) + pixel) * g.c_in;
                (0..g.c_out).for_each(|co| f(x + co / (g.c_out / g.c_in), k * g.c_out + co, i * g.c_out + co));
            }
        }
    }
}

fn check(isa: Isa, g: &ConvGeometry) {
    let sizes = [g.n * g.image_in(), g.kernel_len(), g.n * g.image_out()];
    let [x, w, dy] = [0, 1, 2].map(|i| Guarded::end(&integers(i as u64 + 1, sizes[i])));
    let [mut dx, mut y] = [sizes[0], sizes[2]].map(|n| vec![0.0; n]);
    each_product(g, |i, t, o| {
        y[o] += x[i] * w[t];
        dx[i] += dy[o] * w[t];
    });
    let mut scratch = vec![99.0; depthwise_scratch_len(g)];
    let rows_of = |size: [usize; 3]| g.n * size[0] * size[1];
    let cuts = |rows: usize| [0..rows, 0..1, rows / 3..rows - 1];
    for cut in cuts(rows_of(g.output)) {
        let per = g.output[2] * g.c_out;
        let mut out = Guarded::end(&vec![77.0; cut.len() * per]);
        depthwise_forward(isa, g, &x, &w, cut.clone(), TileMut::flat(&mut out), &Epilogue::default(), Reread::Later);
        assert_eq!(out[..], y[cut.start * per..cut.end * per], "forward {isa:?} {g:?}");
        let mut dw = vec![0.0; sizes[1]];
        each_product(g, |i, t, o| dw[t] += if cut.contains(&(o / per)) { x[i] * dy[o] } else { 0.0 });
        let mut out = Guarded::end(&vec![77.0; sizes[1]]);
        depthwise_kernel_grad(isa, g, &x, &dy, cut.clone(), TileMut::flat(&mut out));
        assert_eq!(out[..], dw, "kernel gradient {isa:?} {g:?}");
    }
    for cut in cuts(rows_of(g.input)) {
        let per = g.input[2] * g.c_in;
        let mut out = Guarded::end(&vec![77.0; cut.len() * per]);
        depthwise_input_grad(
            isa,
            g,
            &dy,
            &w,
            cut.clone(),
            TileMut::flat(&mut out),
            &Epilogue::default(),
            &mut scratch,
            Reread::Later,
        );
        assert_eq!(out[..], dx[cut.start * per..cut.end * per], "input gradient {isa:?} {g:?}");
    }
}

/// `(images, input, channels)`, `(kernel, filters of a channel)`, strides, dilation, padding (before, after).
fn geometry(
    (n, input, c): (usize, [usize; 3], usize),
    (kernel, m): ([usize; 3], usize),
    strides: [usize; 3],
    dilation: [usize; 3],
    padding: [(usize, usize); 3],
) -> ConvGeometry {
    let output = [0, 1, 2].map(|a| {
        let padded = input[a] + padding[a].0 + padding[a].1;
        (padded - (kernel[a] - 1) * dilation[a] - 1) / strides[a] + 1
    });
    let pad = padding.map(|p| p.0);
    ConvGeometry { n, input, c_in: c, kernel, c_out: m * c, output, strides, dilation, pad, groups: c }
}

/// Both passes that yield pixels add a bias and a residual and apply an activation.
fn check_epilogue(isa: Isa, g: &ConvGeometry) {
    let (x, w, dy) = (integers(1, g.n * g.image_in()), integers(2, g.kernel_len()), integers(3, g.n * g.image_out()));
    let mut scratch = vec![99.0; depthwise_scratch_len(g)];
    let check = |rows: usize, channels: usize, len: usize, pass: &mut dyn FnMut(&mut [f32], &Epilogue)| {
        let (bias, residual) = (integers(4, channels), integers(5, len));
        let (mut plain, mut out) = (vec![0.0; len], vec![0.0; len]);
        pass(&mut plain, &Epilogue::default());
        for with_residual in [false, true] {
            let matrix = MatRef::row_major(&residual, len / channels, channels);
            let residual = with_residual.then_some(matrix);
            pass(
                &mut out,
                &Epilogue { bias: Some(&bias), activation: Activation::Relu, residual, ..Epilogue::default() },
            );
            for (i, (y, plain)) in out.iter().zip(&plain).enumerate() {
                let term = residual.map_or(0.0, |r| r.at(i / channels, i % channels));
                assert_eq!(*y, (plain + bias[i % channels] + term).max(0.0), "{isa:?} {g:?}, {rows} rows");
            }
        }
    };
    let (out, into) = (g.n * g.output[0] * g.output[1], g.n * g.input[0] * g.input[1]);
    check(out, g.c_out, dy.len(), &mut |y, e| {
        depthwise_forward(isa, g, &x, &w, 0..out, TileMut::flat(y), e, Reread::Later)
    });
    check(into, g.c_in, x.len(), &mut |dx, e| {
        depthwise_input_grad(isa, g, &dy, &w, 0..into, TileMut::flat(dx), e, &mut scratch, Reread::Later);
    });
}

#[test]
fn every_pass_matches_its_definition() {
    let same = |k: usize| [(0, 0), (k / 2, k / 2), (k / 2, k / 2)];
    let geometries = [
        geometry((2, [1, 7, 19], 16), ([1, 3, 3], 1), [1; 3], [1; 3], same(3)),
        geometry((1, [1, 6, 6], 2), ([1, 3, 3], 1), [1; 3], [1; 3], same(3)),
        geometry((2, [1, 9, 12], 37), ([1, 5, 5], 1), [1; 3], [1; 3], same(5)),
        geometry((1, [1, 12, 9], 64), ([1, 7, 7], 1), [1; 3], [1; 3], same(7)),
        geometry((2, [1, 9, 11], 33), ([1, 3, 3], 1), [1, 2, 2], [1; 3], [(0, 0), (0, 1), (0, 1)]),
        geometry((2, [1, 9, 11], 19), ([1, 2, 3], 1), [1, 3, 5], [1; 3], [(0, 0), (2, 0), (4, 4)]),
        geometry((2, [1, 10, 17], 48), ([1, 3, 3], 1), [1; 3], [1, 2, 3], [(0, 0), (2, 2), (3, 3)]),
        geometry((2, [1, 8, 9], 5), ([1, 3, 3], 2), [1; 3], [1; 3], same(3)),
        geometry((2, [1, 8, 9], 24), ([1, 3, 3], 3), [1, 2, 2], [1; 3], same(3)),
        geometry((1, [1, 5, 6], 3), ([1, 3, 3], 17), [1; 3], [1, 1, 2], same(3)),
        geometry((2, [1, 1, 40], 20), ([1, 1, 5], 1), [1; 3], [1, 1, 3], [(0, 0), (0, 0), (12, 0)]),
        geometry((2, [1, 1, 31], 6), ([1, 1, 4], 2), [1, 1, 2], [1; 3], [(0, 0), (0, 0), (1, 2)]),
        geometry((2, [4, 5, 6], 18), ([2, 3, 3], 1), [1; 3], [1; 3], [(1, 0), (1, 1), (1, 1)]),
        geometry((2, [7, 4, 6], 4), ([3, 2, 2], 2), [2, 1, 2], [2, 2, 1], [(0, 1), (2, 0), (1, 1)]),
        geometry((2, [1, 3, 3], 8), ([1, 7, 7], 1), [1, 1, 2], [1; 3], [(0, 0), (5, 5), (5, 5)]),
        geometry((2, [1, 4, 4], 16), ([1, 1, 1], 1), [1, 2, 2], [1; 3], [(0, 0); 3]),
    ];
    for g in &geometries {
        for isa in Isa::supported() {
            check(isa, g);
            check_epilogue(isa, g);
        }
    }
}

/// A result larger than caches is the same whether it is written through or past them, wherever it begins.
#[test]
fn large_results_do_not_depend_on_when_they_are_read() {
    let g = geometry((1, [1, 520, 520], 32), ([1, 3, 3], 1), [1; 3], [1; 3], [(0, 0), (1, 1), (1, 1)]);
    let len = g.image_out();
    let (from, kernel) = (integers(1, len), integers(2, g.kernel_len()));
    let mut buffers = [0, 1].map(|_| Buffer::zeroed(4 * (len + 1)).expect("memory for a result"));
    let [soon, later] = buffers.each_mut().map(Buffer::as_mut_slice::<f32>);
    let plain = Epilogue::default();
    for isa in Isa::supported() {
        for first in [0, 1] {
            let at = first..first + len;
            for (to, reread) in [(&mut *soon, Reread::Soon), (&mut *later, Reread::Later)] {
                to.fill(77.0);
                let y = TileMut::flat(&mut to[at.clone()]);
                depthwise_forward(isa, &g, &from, &kernel, 0..520, y, &plain, reread);
            }
            assert!(soon == later, "forward {isa:?} from {first}");
            for (to, reread) in [(&mut *soon, Reread::Soon), (&mut *later, Reread::Later)] {
                to.fill(77.0);
                let dx = TileMut::flat(&mut to[at.clone()]);
                depthwise_input_grad(isa, &g, &from, &kernel, 0..520, dx, &plain, &mut [], reread);
            }
            assert!(soon == later, "input gradient {isa:?} from {first}");
        }
    }
}
