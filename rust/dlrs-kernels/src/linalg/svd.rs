//! A = U·diag(s)·Vᵀ by one-sided Jacobi rotations (Hestenes 1958), which compute small singular values to full relative accuracy
//! (Demmel and Veselić 1992).

use super::{ROTATIONS_PER_STOP, Stop, add_scaled, dot, jacobi_angle, rotate, two_rows};

/// Sweeps after which a matrix that has not converged (one with NaN) is left as it is.
const MOST_SWEEPS: usize = 60;

/// Numbers of scratch memory that [`svd`] needs.
pub fn svd_work(m: usize, n: usize) -> usize {
    let (long, short) = (m.max(n), m.min(n));
    short * long + short * short + long * long
}

/// Writes the singular values of the m×n matrix `a` in descending order, the left singular vectors as the `mu` columns of `u`
/// (m×mu) and the right ones as the `nv` rows of `vh` (nv×n). `mu` and `nv` are min(m, n), or m and n for complete bases.
pub fn svd(
    m: usize,
    n: usize,
    a: &[f64],
    mu: usize,
    u: &mut [f64],
    s: &mut [f64],
    nv: usize,
    vh: &mut [f64],
    work: &mut [f64],
    stop: Stop<'_>,
) {
    let (long, short) = (m.max(n), m.min(n));
    let (lines, rest) = work.split_at_mut(short * long);
    let (turns, basis) = rest.split_at_mut(short * short);
    // The short side's lines of the matrix: its columns if it is tall, else its rows.
    for i in 0..short {
        for j in 0..long {
            lines[i * long + j] = if m >= n { a[j * n + i] } else { a[i * n + j] };
        }
        (0..short).for_each(|j| turns[i * short + j] = f64::from(u8::from(i == j)));
    }
    for _ in 0..MOST_SWEEPS {
        if stop() || !sweep(short, long, lines, turns, stop) {
            break;
        }
    }
    let norms: Vec<f64> = lines.chunks_exact(long.max(1)).map(norm).collect();
    let mut order: Vec<usize> = (0..short).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    // Long vectors are the normalised lines, completed to a basis; short ones are the turns.
    let wanted = if m >= n { mu } else { nv };
    for (place, &from) in order.iter().enumerate() {
        if stop() {
            return;
        }
        s[place] = norms[from];
        let (done, row) = basis.split_at_mut(place * long);
        let row = &mut row[..long];
        if norms[from] > 0.0 || norms[from].is_nan() {
            row.iter_mut().zip(&lines[from * long..]).for_each(|(x, y)| *x = y / norms[from]);
        } else {
            complete(done, row);
        }
        for i in 0..short {
            let x = turns[from * short + i];
            if m >= n { vh[place * n + i] = x } else { u[i * mu + place] = x }
        }
    }
    for place in short..wanted {
        if stop() {
            return;
        }
        let (done, row) = basis.split_at_mut(place * long);
        complete(done, &mut row[..long]);
    }
    for place in 0..wanted {
        for i in 0..long {
            let x = basis[place * long + i];
            if m >= n { u[i * mu + place] = x } else { vh[place * n + i] = x }
        }
    }
}

/// The length of a vector, without overflow.
fn norm(x: &[f64]) -> f64 {
    let top = x.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
    if top == 0.0 || !top.is_finite() {
        return x.iter().map(|x| x.abs()).sum();
    }
    top * x.iter().map(|x| (x / top) * (x / top)).sum::<f64>().sqrt()
}

/// Turns every pair of lines until they are orthogonal; returns whether one was not. Ends early if told to stop.
fn sweep(short: usize, long: usize, lines: &mut [f64], turns: &mut [f64], stop: Stop<'_>) -> bool {
    let mut turned = false;
    for p in 0..short {
        for q in p + 1..short {
            if q % ROTATIONS_PER_STOP == 0 && stop() {
                return false;
            }
            let (x, y) = two_rows(lines, long, p, q);
            let (a, b, cross) = (dot(x, x), dot(y, y), dot(x, y));
            // Also false for NaN, which no rotation removes.
            let apart = cross.abs() > f64::EPSILON * (a * b).sqrt() && cross != 0.0;
            if !apart {
                continue;
            }
            turned = true;
            let (c, s) = jacobi_angle(a, b, cross);
            rotate(x, y, c, s);
            let (x, y) = two_rows(turns, short, p, q);
            rotate(x, y, c, s);
        }
    }
    turned
}

/// Writes a unit vector orthogonal to the orthonormal vectors `done`: what remains of the unit vector furthest from them.
fn complete(done: &[f64], row: &mut [f64]) {
    let len = row.len();
    let inside = |axis: usize| done.chunks_exact(len).map(|v| v[axis] * v[axis]).sum::<f64>();
    let best = (0..len).map(|axis| (axis, inside(axis))).min_by(|a, b| a.1.total_cmp(&b.1));
    row.fill(0.0);
    row[best.map_or(0, |(axis, _)| axis)] = 1.0;
    // Twice is enough (Kahan, in Parlett, The Symmetric Eigenvalue Problem, 6.9).
    for _ in 0..2 {
        for v in done.chunks_exact(len) {
            let along = dot(v, row);
            add_scaled(row, -along, v);
        }
        let length = norm(row);
        row.iter_mut().for_each(|x| *x /= length);
    }
}
