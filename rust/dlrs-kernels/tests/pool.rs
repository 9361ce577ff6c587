//! Pooling against its definition. Elements are small integers, so every order of summation gives the same bits, and largest elements tie.

use std::ops::Range;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;
use dlrs_kernels::pool::*;

mod support;
use support::{Guarded, Rng};

fn integers(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| f32::from((rng.bits() % 5) as i8 - 2)).collect()
}

const fn sliding(size: usize, stride: usize, padding: (usize, usize)) -> Windows {
    Windows::Sliding { size, stride, padding }
}

/// Images, their axes, channels and windows.
type Case = (usize, [usize; 3], usize, [Windows; 3]);

const EACH: Windows = Windows::EACH;
const CASES: [Case; 9] = [
    (2, [1, 6, 8], 6, [EACH, sliding(2, 2, (0, 0)), sliding(2, 2, (0, 0))]),
    (2, [1, 4, 6], 64, [EACH, sliding(2, 2, (0, 0)), sliding(2, 2, (0, 0))]),
    (3, [1, 7, 5], 16, [EACH, sliding(3, 2, (1, 1)), sliding(3, 2, (1, 1))]),
    (1, [1, 9, 9], 37, [EACH, sliding(3, 1, (0, 1)), sliding(2, 4, (0, 0))]),
    (2, [1, 1, 11], 3, [EACH, EACH, sliding(4, 3, (2, 1))]),
    (2, [4, 5, 6], 5, [sliding(2, 2, (0, 0)), sliding(3, 1, (1, 0)), sliding(2, 2, (0, 1))]),
    (2, [1, 7, 10], 20, [EACH, Windows::Adaptive { count: 3 }, Windows::Adaptive { count: 4 }]),
    (1, [3, 2, 2], 1, [Windows::Adaptive { count: 5 }, sliding(2, 1, (0, 0)), sliding(5, 1, (2, 2))]),
    (0, [1, 4, 4], 2, [EACH, sliding(2, 2, (0, 0)), sliding(2, 2, (0, 0))]),
];

/// The elements under window `o` of all results, in order.
fn window(g: &PoolGeometry, windows: &[Windows; 3], o: usize) -> Vec<usize> {
    let (channel, place) = (o % g.c, o / g.c);
    let at = [place / g.output[2] / g.output[1] % g.output[0], place / g.output[2] % g.output[1], place % g.output[2]];
    let image = place / g.output.iter().product::<usize>();
    let span = |axis: usize| -> Range<usize> {
        let len = g.input[axis];
        match windows[axis] {
            Windows::Sliding { size, stride, padding } => {
                let start = (at[axis] * stride) as isize - padding.0 as isize;
                start.max(0) as usize..(start + size as isize).min(len as isize) as usize
            }
            Windows::Adaptive { count } => {
                let edge = |o: usize| o as f64 * len as f64 / count as f64;
                edge(at[axis]).floor() as usize..edge(at[axis] + 1).ceil() as usize
            }
        }
    };
    let places = span(0).flat_map(|i0| span(1).flat_map(move |i1| span(2).map(move |i2| (i0, i1, i2))));
    let flat = |(i0, i1, i2)| ((image * g.input[0] + i0) * g.input[1] + i1) * g.input[2] + i2;
    places.map(|place| flat(place) * g.c + channel).collect()
}

fn check(isa: Isa, (n, input, c, windows): &Case) {
    let g = PoolGeometry::new(*n, *input, *c, windows).unwrap();
    let (inside, outside) = (g.n * g.image_in(), g.n * g.image_out());
    let (x, e) = (Guarded::end(&integers(1, inside)), Guarded::end(&integers(2, inside)));
    // Divisible by every number of elements that a window has here.
    let d: Vec<f32> = integers(3, outside).into_iter().map(|d| d * 720.0).collect();
    let d = Guarded::end(&d);
    let [mut largest, mut mean, mut gathered] = [(); 3].map(|()| vec![0.0; outside]);
    let [mut to_largest, mut to_mean] = [(); 2].map(|()| vec![0.0; inside]);
    for o in 0..outside {
        let window = window(&g, windows, o);
        let first = *window.iter().rev().max_by(|a, b| x[**a].total_cmp(&x[**b])).unwrap();
        (largest[o], gathered[o]) = (x[first], e[first]);
        mean[o] = window.iter().map(|&i| x[i]).sum::<f32>() / window.len() as f32;
        to_largest[first] += d[o];
        window.iter().for_each(|&i| to_mean[i] += d[o] / window.len() as f32);
    }
    let mut scratch = vec![99.0; pool_scratch_len(&g)];
    let rows = g.rows();
    for cut in [0..rows, 0..rows.min(1), rows / 2..rows] {
        let part = cut.start * g.row_len()..cut.end * g.row_len();
        let mut out = Guarded::end(&vec![77.0f32; part.len()]);
        max_pool(isa, &g, &x, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], largest[part.clone()], "maximum {isa:?} {g:?}");
        average_pool(isa, &g, &x, cut.clone(), TileMut::flat(&mut out), &mut scratch);
        assert_eq!(out[..], mean[part.clone()], "mean {isa:?} {g:?}");
        max_pool_gather(isa, &g, &x, &e, cut, TileMut::flat(&mut out));
        assert_eq!(out[..], gathered[part], "gathered {isa:?} {g:?}");
    }
    for cut in [0..g.n, g.n / 2..g.n] {
        let part = cut.start * g.image_in()..cut.end * g.image_in();
        let mut out = Guarded::end(&vec![77.0f32; part.len()]);
        max_pool_backward(isa, &g, &x, &d, cut.clone(), TileMut::flat(&mut out));
        assert_eq!(out[..], to_largest[part.clone()], "gradient of the maximum {isa:?} {g:?}");
        if g.is_disjoint() {
            out.fill(77.0);
            max_pool_backward_disjoint(isa, &g, &x, &d, cut.clone(), TileMut::flat(&mut out));
            assert_eq!(out[..], to_largest[part.clone()], "gradient of the maximum, disjoint {isa:?} {g:?}");
        }
        average_pool_backward(isa, &g, &d, cut, TileMut::flat(&mut out));
        assert_eq!(out[..], to_mean[part], "gradient of the mean {isa:?} {g:?}");
    }
}

#[test]
fn pooling_agrees_with_the_definition() {
    for isa in Isa::supported() {
        CASES.iter().for_each(|case| check(isa, case));
    }
}

#[test]
fn what_is_not_a_number_is_the_largest() {
    let nan = f32::NAN;
    let g = PoolGeometry::new(1, [1, 1, 6], 1, &[EACH, EACH, sliding(3, 3, (0, 0))]).unwrap();
    let x = [1.0, nan, 2.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
    for isa in Isa::supported() {
        let (mut y, mut dx, mut scratch) = ([0.0; 2], [9.0; 6], [0.0; 6]);
        max_pool(isa, &g, &x, 0..1, TileMut::flat(&mut y), &mut scratch);
        assert!(y[0].is_nan() && y[1] == f32::NEG_INFINITY);
        max_pool_backward(isa, &g, &x, &[3.0, 4.0], 0..1, TileMut::flat(&mut dx));
        assert_eq!(dx, [0.0, 3.0, 0.0, 4.0, 0.0, 0.0]);
        max_pool_backward_disjoint(isa, &g, &x, &[3.0, 4.0], 0..1, TileMut::flat(&mut dx));
        assert_eq!(dx, [0.0, 3.0, 0.0, 4.0, 0.0, 0.0]);
    }
}

#[test]
fn whole_numbers_are_pooled() {
    let g = PoolGeometry::new(1, [1, 2, 2], 2, &[EACH, sliding(2, 1, (0, 0)), sliding(2, 1, (0, 0))]).unwrap();
    let mut y = [0u8; 2];
    max_pool(Isa::current(), &g, &[1u8, 200, 3, 4, 255, 6, 7, 8], 0..1, TileMut::flat(&mut y), &mut [0; 4]);
    assert_eq!(y, [255, 200]);
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    assert_eq!(sliding(3, 1, (0, 0)).count(2), None);
    assert_eq!(sliding(3, 1, (1, 0)).count(2), Some(1));
    assert_eq!(sliding(2, 0, (0, 0)).count(4), None);
    assert_eq!(sliding(2, 1, (2, 0)).count(4), None, "a window of padding alone");
    assert_eq!(sliding(2, 2, (0, 0)).count(0), Some(0));
    assert_eq!(Windows::Adaptive { count: 0 }.count(4), None);
}
