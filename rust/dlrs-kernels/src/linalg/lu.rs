//! P·A = L·U by elimination with partial pivoting, and what it solves.

use super::{Singular, add_scaled, two_rows};

/// Replaces the m×n matrix `a` by its factors: U on and above the diagonal, L (with ones on its diagonal) below it.
/// In step i row i was exchanged with row `pivots[i]`; there are min(m, n) steps. A column of zeros is passed over.
pub fn lu(m: usize, n: usize, a: &mut [f64], pivots: &mut [f64]) {
    for i in 0..m.min(n) {
        let mut best = i;
        for row in i + 1..m {
            if a[row * n + i].abs() > a[best * n + i].abs() {
                best = row;
            }
        }
        pivots[i] = best as f64;
        if best != i {
            let (p, q) = two_rows(a, n, i, best);
            p.swap_with_slice(q);
        }
        let pivot = a[i * n + i];
        if pivot == 0.0 {
            continue;
        }
        for row in i + 1..m {
            let (above, below) = two_rows(a, n, i, row);
            below[i] /= pivot;
            let factor = -below[i];
            add_scaled(&mut below[i + 1..], factor, &above[i + 1..]);
        }
    }
}

/// Replaces the n×k matrix `b` by A⁻¹·b, for the factors that [`lu`] made of the n×n matrix A.
///
/// # Errors
/// The number of the first pivot that is zero.
pub fn lu_solve(n: usize, factors: &[f64], pivots: &[f64], k: usize, b: &mut [f64]) -> Result<(), Singular> {
    for i in 0..n {
        let other = pivots[i] as usize;
        if other != i {
            let (p, q) = two_rows(b, k, i, other);
            p.swap_with_slice(q);
        }
    }
    for i in 0..n {
        for j in 0..i {
            let (known, row) = two_rows(b, k, j, i);
            add_scaled(row, -factors[i * n + j], known);
        }
    }
    solve_triangular(n, factors, false, false, k, b)
}

/// Replaces the n×k matrix `b` by the solution x of A·x = b, or of Aᵀ·x = b if `transpose`. Of the n×n matrix A only the lower
/// triangle is read if `lower`, else the upper one.
///
/// # Errors
/// The number of the first element of the diagonal that is zero.
pub fn solve_triangular(
    n: usize,
    a: &[f64],
    lower: bool,
    transpose: bool,
    k: usize,
    b: &mut [f64],
) -> Result<(), Singular> {
    if let Some(i) = (0..n).find(|&i| a[i * n + i] == 0.0) {
        return Err(Singular(i + 1));
    }
    // The transpose of a lower triangle is an upper one, which is solved from its last row upwards.
    let forward = lower != transpose;
    for step in 0..n {
        let i = if forward { step } else { n - 1 - step };
        let known = if forward { 0..i } else { i + 1..n };
        for j in known {
            let factor = if transpose { a[j * n + i] } else { a[i * n + j] };
            let (p, q) = two_rows(b, k, i.min(j), i.max(j));
            let (row, solved) = if i < j { (p, &*q) } else { (q, &*p) };
            add_scaled(row, -factor, solved);
        }
        let pivot = a[i * n + i];
        b[i * k..][..k].iter_mut().for_each(|x| *x /= pivot);
    }
    Ok(())
}
