//! Softmax and cross-entropies against double precision, their gradients against central differences, and bad labels.

mod support;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::loss::{
    BadLabel, cross_entropy, cross_entropy_gradient, log_softmax, softmax, sparse_cross_entropy,
    sparse_cross_entropy_gradient,
};
use dlrs_kernels::mem::TileMut;
use support::{Guarded, Rng};

fn close<T: Real>(got: &[T], want: &[f64], tolerance: f64) {
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g.to_f64() - w).abs() <= tolerance * (1.0 + w.abs()), "element {i}: {g:?}, not {w}");
    }
}

fn softmax_row(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = x.iter().map(|v| (v - top).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|v| v / sum).collect()
}

fn check<T: Real>(isa: Isa, cols: usize, tolerance: f64) {
    let mut rng = Rng::new(cols as u64);
    let m = 4;
    let data: Vec<T> = (0..m * cols).map(|_| T::of(f64::from(rng.uniform(-8.0, 8.0)))).collect();
    let target: Vec<T> = (0..m * cols).map(|_| T::of(f64::from(rng.uniform(0.0, 0.5)))).collect();
    let dloss: Vec<T> = (0..m).map(|_| T::of(f64::from(rng.uniform(0.5, 2.0)))).collect();
    let labels: Vec<i64> = (0..m).map(|_| i64::from(rng.bits()) % cols as i64).collect();
    let (x, p) = (Guarded::end(&data), Guarded::end(&target));
    let wide: Vec<f64> = data.iter().map(|v| v.to_f64()).collect();
    let soft: Vec<f64> = wide.chunks(cols).flat_map(softmax_row).collect();
    let log: Vec<f64> = soft.iter().map(|v| v.ln()).collect();
    let at = |r: usize, j: usize| r * cols + j;

    // Rows 1..4 alone: the first row is left out of every call.
    let rows = 1..m;
    let mut y = Guarded::end(&vec![T::default(); (m - 1) * cols]);
    softmax(isa, &x, cols, rows.clone(), TileMut::new(&mut y, m - 1, cols, cols));
    close(&y, &soft[cols..], tolerance);
    log_softmax(isa, &x, cols, rows.clone(), TileMut::new(&mut y, m - 1, cols, cols));
    close(&y, &log[cols..], tolerance);

    let mut loss = Guarded::end(&vec![T::default(); m - 1]);
    sparse_cross_entropy(isa, &x, cols, &labels, rows.clone(), &mut loss).unwrap();
    let want: Vec<f64> = rows.clone().map(|r| -log[at(r, labels[r] as usize)]).collect();
    close(&loss, &want, tolerance);
    sparse_cross_entropy_gradient(
        isa,
        &x,
        cols,
        &labels,
        &dloss,
        rows.clone(),
        TileMut::new(&mut y, m - 1, cols, cols),
    )
    .unwrap();
    let onehot = |r: usize, j: usize| if j as i64 == labels[r] { 1.0 } else { 0.0 };
    let each = |f: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        rows.clone().flat_map(|r| (0..cols).map(move |j| (r, j))).map(|(r, j)| f(r, j)).collect()
    };
    close(&y, &each(&|r, j| (soft[at(r, j)] - onehot(r, j)) * dloss[r].to_f64()), tolerance);

    cross_entropy(isa, &x, cols, &p, rows.clone(), &mut loss);
    let weight = |r: usize| (0..cols).map(|j| p[at(r, j)].to_f64()).sum::<f64>();
    let want: Vec<f64> =
        rows.clone().map(|r| (0..cols).map(|j| -p[at(r, j)].to_f64() * log[at(r, j)]).sum::<f64>()).collect();
    close(&loss, &want, tolerance);
    cross_entropy_gradient(isa, &x, cols, &p, &dloss, rows.clone(), TileMut::new(&mut y, m - 1, cols, cols));
    let want = each(&|r, j| (soft[at(r, j)] * weight(r) - p[at(r, j)].to_f64()) * dloss[r].to_f64());
    close(&y, &want, tolerance);
}

#[test]
fn every_width_agrees_with_double_precision() {
    for isa in Isa::supported() {
        for cols in (1..=35).chain([100, 1000]) {
            check::<f32>(isa, cols, 3e-6);
            check::<f64>(isa, cols, 1e-13);
        }
    }
}

#[test]
fn gradients_are_those_of_the_losses() {
    let isa = Isa::current();
    let (cols, h) = (7, 1e-5);
    let mut rng = Rng::new(9);
    let x: Vec<f64> = rng.vec(cols).into_iter().map(f64::from).collect();
    let p: Vec<f64> = (0..cols).map(|_| f64::from(rng.uniform(0.0, 1.0))).collect();
    let mut sparse = vec![0.0; cols];
    sparse_cross_entropy_gradient(isa, &x, cols, &[3i32], &[1.0], 0..1, TileMut::flat(&mut sparse)).unwrap();
    let mut dense = vec![0.0; cols];
    cross_entropy_gradient(isa, &x, cols, &p, &[1.0], 0..1, TileMut::flat(&mut dense));
    for j in 0..cols {
        let mut losses = [[0.0; 2]; 2];
        for (k, step) in [(0, h), (1, -h)] {
            let mut x = x.clone();
            x[j] += step;
            sparse_cross_entropy(isa, &x, cols, &[3i32], 0..1, &mut losses[0][k..=k]).unwrap();
            cross_entropy(isa, &x, cols, &p, 0..1, &mut losses[1][k..=k]);
        }
        assert!(((losses[0][0] - losses[0][1]) / (2.0 * h) - sparse[j]).abs() < 1e-9);
        assert!(((losses[1][0] - losses[1][1]) / (2.0 * h) - dense[j]).abs() < 1e-9);
    }
}

#[test]
fn large_logits_do_not_overflow_and_bad_labels_are_named() {
    for isa in Isa::supported() {
        let x = [1000.0f32, -1000.0, 0.0, f32::NEG_INFINITY];
        let mut y = [0.0; 4];
        softmax(isa, &x, 4, 0..1, TileMut::flat(&mut y));
        assert_eq!(y, [1.0, 0.0, 0.0, 0.0]);
        let mut loss = [0.0; 2];
        let wrong = sparse_cross_entropy(isa, &x, 2, &[1i32, 2], 0..2, &mut loss);
        assert_eq!(wrong, Err(BadLabel { row: 1, label: 2 }));
        let mut dx = [0.0; 4];
        let wrong =
            sparse_cross_entropy_gradient(isa, &x, 2, &[-1i64, 0], &[1.0, 1.0], 0..2, TileMut::new(&mut dx, 2, 2, 2));
        assert_eq!(wrong, Err(BadLabel { row: 0, label: -1 }));
    }
}
