//! A = Q·R by Householder reflections.

use super::{Stop, add_scaled, dot};

/// Numbers of scratch memory that [`qr`] needs.
pub fn qr_work(m: usize, n: usize) -> usize {
    m * n + m * m + m.min(n)
}

/// Writes the factors of the m×n matrix `a`: Q (m×k) with orthonormal columns, R (k×n) upper triangular; k is min(m, n) or m.
///
/// Signs are LAPACK's (dgeqrf): element i of R's diagonal has the sign opposite to that of the element it was made of. Ends
/// early, with a part of the factors, if told to stop.
pub fn qr(m: usize, n: usize, a: &[f64], k: usize, q: &mut [f64], r: &mut [f64], work: &mut [f64], stop: Stop<'_>) {
    // Columns as rows: reflections act on columns.
    let (columns, rest) = work.split_at_mut(m * n);
    let (basis, taus) = rest.split_at_mut(m * m);
    for (j, column) in columns.chunks_exact_mut(m.max(1)).enumerate() {
        column.iter_mut().enumerate().for_each(|(i, x)| *x = a[i * n + j]);
    }
    let steps = m.min(n);
    for i in 0..steps {
        if stop() {
            return;
        }
        let (head, tail) = columns.split_at_mut((i + 1) * m);
        let v = &mut head[i * m + i..];
        taus[i] = reflector(v);
        for column in tail.chunks_exact_mut(m) {
            reflect(v, taus[i], &mut column[i..]);
        }
    }
    for i in 0..k {
        for j in 0..n {
            r[i * n + j] = if j < i { 0.0 } else { columns[j * m + i] };
        }
    }
    // Q = H₀·H₁ ⋯ applied to the first k unit vectors.
    for (j, column) in basis.chunks_exact_mut(m.max(1)).enumerate().take(k) {
        if stop() {
            return;
        }
        column.fill(0.0);
        column[j] = 1.0;
        for i in (0..steps).rev() {
            reflect(&columns[i * m + i..][..m - i], taus[i], &mut column[i..]);
        }
        column.iter().enumerate().for_each(|(i, &x)| q[i * k + j] = x);
    }
}

/// Makes x a reflection I − τ·v·vᵀ that takes it to (β, 0, …): β in its first place, behind it v without its leading 1. Returns τ.
fn reflector(x: &mut [f64]) -> f64 {
    let Some((first, rest)) = x.split_first_mut() else { return 0.0 };
    let tail = dot(rest, rest);
    if tail == 0.0 {
        return 0.0;
    }
    let beta = -first.signum() * first.hypot(tail.sqrt());
    let tau = (beta - *first) / beta;
    let scale = 1.0 / (*first - beta);
    rest.iter_mut().for_each(|v| *v *= scale);
    *first = beta;
    tau
}

/// y ← (I − τ·v·vᵀ)·y, where v's first element is taken for 1.
fn reflect(v: &[f64], tau: f64, y: &mut [f64]) {
    let along = tau * (y[0] + dot(&v[1..], &y[1..]));
    y[0] -= along;
    add_scaled(&mut y[1..], -along, &v[1..]);
}
