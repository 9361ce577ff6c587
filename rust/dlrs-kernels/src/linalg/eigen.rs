//! Eigenvalues and eigenvectors of symmetric matrices by cyclic Jacobi rotations.

use super::{ROTATIONS_PER_STOP, Stop, jacobi_angle, rotate, two_rows};

/// Sweeps after which a matrix that has not converged (one with NaN) is left as it is.
const MOST_SWEEPS: usize = 60;

/// Writes the eigenvalues of the symmetric n×n matrix `a`, of which the lower triangle is read, in ascending order, and its
/// orthonormal eigenvectors as the columns of `v`. `work` has 2·n² numbers.
///
/// Jacobi's method is slower than tridiagonal QR, but as accurate as any and one page long (Golub and Van Loan 8.5).
pub fn eigh(n: usize, a: &[f64], w: &mut [f64], v: &mut [f64], work: &mut [f64], stop: Stop<'_>) {
    let (m, vectors) = work[..2 * n * n].split_at_mut(n * n);
    for i in 0..n {
        for j in 0..n {
            m[i * n + j] = a[i.max(j) * n + i.min(j)];
            vectors[i * n + j] = f64::from(u8::from(i == j));
        }
    }
    for _ in 0..MOST_SWEEPS {
        if stop() || !sweep(n, m, vectors, stop) {
            break;
        }
    }
    if stop() {
        return;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| m[i * n + i].total_cmp(&m[j * n + j]));
    for (place, &from) in order.iter().enumerate() {
        w[place] = m[from * n + from];
        (0..n).for_each(|i| v[i * n + place] = vectors[from * n + i]);
    }
}

/// Rotates every pair once, unless told to stop; returns whether one needed it. Row i of `vectors` is eigenvector i.
fn sweep(n: usize, m: &mut [f64], vectors: &mut [f64], stop: Stop<'_>) -> bool {
    let mut turned = false;
    for p in 0..n {
        for q in p + 1..n {
            if q % ROTATIONS_PER_STOP == 0 && stop() {
                return false;
            }
            let (a, b, cross) = (m[p * n + p], m[q * n + q], m[p * n + q]);
            // Below the rounding error of both diagonal elements there is nothing left to annihilate.
            if a.abs() + cross.abs() == a.abs() && b.abs() + cross.abs() == b.abs() {
                m[p * n + q] = 0.0;
                m[q * n + p] = 0.0;
                continue;
            }
            turned = true;
            let (c, s) = jacobi_angle(a, b, cross);
            let (row_p, row_q) = two_rows(m, n, p, q);
            rotate(row_p, row_q, c, s);
            for row in m.chunks_exact_mut(n) {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
            m[p * n + q] = 0.0;
            m[q * n + p] = 0.0;
            let (vector_p, vector_q) = two_rows(vectors, n, p, q);
            rotate(vector_p, vector_q, c, s);
        }
    }
    turned
}
