//! The three passes of a convolution against their definitions. The operands are small integers, so every order of summation gives the
//! same bits.

use dlrs_kernels::conv::*;
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
    for (i, oy, ox) in (0..g.n * g.oh * g.ow).map(|p| (p / g.ow / g.oh, p / g.ow % g.oh, p % g.ow)) {
        for (ky, kx) in (0..g.kh * g.kw).map(|t| (t / g.kw, t % g.kw)) {
            let iy = (oy * g.strides.0 + ky * g.dilation.0) as isize - g.pad_top as isize;
            let ix = (ox * g.strides.1 + kx * g.dilation.1) as isize - g.pad_left as isize;
            if iy < 0 || ix < 0 || iy >= g.h as isize || ix >= g.w as isize {
                continue;
            }
            let pixel = (i * g.h + iy as usize) * g.w + ix as usize;
            for (ci, co) in (0..g.c_in * g.c_out).map(|c| (c / g.c_out, c % g.c_out)) {
                let tap = ((ky * g.kw + kx) * g.c_in + ci) * g.c_out + co;
                f(pixel * g.c_in + ci, tap, ((i * g.oh + oy) * g.ow + ox) * g.c_out + co);
            }
        }
    }
}

fn check<T>(isa: Isa, g: &ConvGeometry)
where
    T: ConvElement + From<i8> + std::ops::Mul<Output = T> + std::ops::AddAssign,
{
    let sizes = [g.n * g.h * g.w * g.c_in, g.kh * g.kw * g.c_in * g.c_out, g.n * g.oh * g.ow * g.c_out];
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
    let taps = g.kh * g.kw;
    for cut in [0..taps, 0..1, taps / 2..taps] {
        let per = g.c_in * g.c_out;
        let mut out = Guarded::end(&vec![stale; cut.len() * per]);
        conv_kernel_grad(isa, g, &x, &dy, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], dw[cut.start * per..cut.end * per], "kernel gradient {isa:?} {g:?}");
    }
}

fn geometry(
    (n, h, w, c_in): (usize, usize, usize, usize),
    (kh, kw, c_out): (usize, usize, usize),
    strides: (usize, usize),
    dilation: (usize, usize),
    pads: (usize, usize, usize, usize),
) -> ConvGeometry {
    let (top, bottom, left, right) = pads;
    let out = |len: usize, k: usize, d: usize, s: usize| (len.checked_sub((k - 1) * d + 1)).map_or(0, |x| x / s + 1);
    let oh = out(h + top + bottom, kh, dilation.0, strides.0);
    let ow = out(w + left + right, kw, dilation.1, strides.1);
    ConvGeometry { n, h, w, c_in, kh, kw, c_out, oh, ow, strides, dilation, pad_top: top, pad_left: left }
}

#[test]
fn every_pass_matches_its_definition() {
    let geometries = [
        geometry((2, 7, 9, 3), (3, 3, 5), (1, 1), (1, 1), (1, 1, 1, 1)),
        geometry((2, 8, 8, 1), (5, 5, 6), (1, 1), (1, 1), (2, 2, 2, 2)),
        geometry((3, 9, 11, 4), (3, 2, 33), (2, 3), (1, 1), (0, 1, 0, 2)),
        geometry((2, 9, 10, 2), (3, 3, 32), (1, 1), (2, 3), (2, 2, 3, 3)),
        geometry((2, 6, 6, 40), (1, 1, 70), (2, 2), (1, 1), (0, 0, 0, 0)),
        geometry((2, 3, 3, 2), (7, 7, 3), (1, 2), (1, 1), (5, 5, 5, 5)),
        geometry((2, 4, 30, 2), (1, 15, 3), (1, 4), (1, 1), (0, 0, 0, 0)),
        geometry((2, 2, 2, 2), (3, 3, 3), (1, 1), (1, 1), (0, 0, 0, 0)),
    ];
    for g in &geometries {
        for isa in Isa::supported() {
            check::<f32>(isa, g);
        }
        check::<f64>(Isa::current(), g);
    }
}
