//! Dense linear algebra on one small matrix, in double precision.
//!
//! Matrices are row-major slices. Single precision is computed here too: the caller converts on the way in and out, which costs little
//! beside the O(n³) work and leaves results correct to the last bits of f32. Operation order depends on sizes alone.

mod cholesky;
mod eigen;
mod fourier;
mod lu;
mod qr;
mod svd;

pub use cholesky::cholesky;
pub use eigen::eigh;
pub use fourier::Fourier;
pub use lu::{lu, lu_solve, solve_triangular};
pub use qr::{qr, qr_work};
pub use svd::{svd, svd_work};

/// The number of a pivot that is zero, or of a leading minor that is not positive: the matrix has no such decomposition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Singular(pub usize);

/// Whether an iteration is to end at once.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// Plane rotations between two questions whether to stop: a few milliseconds for lines of 10,000 numbers.
const ROTATIONS_PER_STOP: usize = 32;

/// Σ aᵢ·bᵢ in order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// y ← y + factor · x
fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

/// Two rows of a matrix at once, `p` before `q`.
fn two_rows(a: &mut [f64], width: usize, p: usize, q: usize) -> (&mut [f64], &mut [f64]) {
    let (head, tail) = a.split_at_mut(q * width);
    (&mut head[p * width..][..width], &mut tail[..width])
}

/// Turns rows p and q by a plane rotation: (c·p − s·q, s·p + c·q).
fn rotate(p: &mut [f64], q: &mut [f64], c: f64, s: f64) {
    for (x, y) in p.iter_mut().zip(q) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

/// Cosine and sine of the smaller angle whose rotation makes the off-diagonal element `cross` of [[a, cross], [cross, b]] zero
/// (Golub and Van Loan, Matrix Computations, 8.5.2).
fn jacobi_angle(a: f64, b: f64, cross: f64) -> (f64, f64) {
    let zeta = (b - a) / (2.0 * cross);
    let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    (c, c * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in (−1, 1) without order.
    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    fn product(
        m: usize,
        k: usize,
        n: usize,
        a: impl Fn(usize, usize) -> f64,
        b: impl Fn(usize, usize) -> f64,
    ) -> Vec<f64> {
        let mut c = vec![0.0; m * n];
        for i in 0..m {
            for j in 0..n {
                c[i * n + j] = (0..k).map(|l| a(i, l) * b(l, j)).sum();
            }
        }
        c
    }

    fn assert_close(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} is not {b}"));
    }

    fn identity(n: usize) -> Vec<f64> {
        (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect()
    }

    #[test]
    fn cholesky_multiplies_back() {
        for n in [0, 1, 2, 7] {
            let x = noise(n * n, 1);
            let mut a = product(n, n, n, |i, k| x[i * n + k], |k, j| x[j * n + k]);
            (0..n).for_each(|i| a[i * n + i] += 1.0);
            let mut l = a.clone();
            cholesky(n, &mut l, &|| false).unwrap();
            assert_close(&product(n, n, n, |i, k| l[i * n + k], |k, j| l[j * n + k]), &a);
        }
        assert_eq!(cholesky(2, &mut [1.0, 0.0, 2.0, 1.0], &|| false), Err(Singular(2)));
        assert_eq!(cholesky(1, &mut [f64::NAN], &|| false), Err(Singular(1)));
    }

    #[test]
    fn lu_solves() {
        for n in [1, 2, 6] {
            let (a, b) = (noise(n * n, 2), noise(n * 3, 3));
            let (mut factors, mut pivots, mut x) = (a.clone(), vec![0.0; n], b.clone());
            lu(n, n, &mut factors, &mut pivots);
            lu_solve(n, &factors, &pivots, 3, &mut x).unwrap();
            assert_close(&product(n, n, 3, |i, k| a[i * n + k], |k, j| x[k * 3 + j]), &b);
        }
        let (mut a, mut pivots) = ([1.0, 2.0, 2.0, 4.0], [0.0; 2]);
        lu(2, 2, &mut a, &mut pivots);
        assert_eq!(lu_solve(2, &a, &pivots, 1, &mut [1.0, 1.0]), Err(Singular(2)));
    }

    #[test]
    fn triangles_solve_either_way() {
        let a = [2.0, 3.0, 5.0, 7.0];
        for (lower, transpose) in [(false, false), (false, true), (true, false), (true, true)] {
            let at = |i: usize, j: usize| {
                let (i, j) = if transpose { (j, i) } else { (i, j) };
                if (lower && j > i) || (!lower && j < i) { 0.0 } else { a[2 * i + j] }
            };
            let mut x = [1.0, 4.0];
            solve_triangular(2, &a, lower, transpose, 1, &mut x).unwrap();
            assert_close(&product(2, 2, 1, at, |k, _| x[k]), &[1.0, 4.0]);
        }
        assert_eq!(solve_triangular(2, &[0.0, 1.0, 0.0, 1.0], false, false, 1, &mut [1.0, 1.0]), Err(Singular(1)));
    }

    #[test]
    fn qr_is_orthogonal_and_multiplies_back() {
        for (m, n, complete) in [(4, 3, false), (4, 3, true), (3, 5, false), (3, 3, true), (1, 1, false), (2, 0, true)]
        {
            let k = if complete { m } else { m.min(n) };
            let a = noise(m * n, 5);
            let (mut q, mut r, mut work) = (vec![9.0; m * k], vec![9.0; k * n], vec![0.0; qr_work(m, n)]);
            qr(m, n, &a, k, &mut q, &mut r, &mut work, &|| false);
            assert_close(&product(m, k, n, |i, l| q[i * k + l], |l, j| r[l * n + j]), &a);
            assert_close(&product(k, m, k, |i, l| q[l * k + i], |l, j| q[l * k + j]), &identity(k));
            (0..k).for_each(|i| (0..i.min(n)).for_each(|j| assert_eq!(r[i * n + j], 0.0)));
        }
    }

    #[test]
    fn svd_is_orthogonal_sorted_and_multiplies_back() {
        for (m, n, full) in [(5, 3, false), (5, 3, true), (3, 5, false), (3, 5, true), (4, 4, true), (1, 1, false)] {
            let k = m.min(n);
            let (mu, nv) = if full { (m, n) } else { (k, k) };
            for rank_one in [false, true] {
                let mut a = noise(m * n, 7);
                if rank_one {
                    (0..m * n).for_each(|i| a[i] = (1 + i / n) as f64 * (2 + i % n) as f64);
                }
                let (mut u, mut s, mut vh) = (vec![9.0; m * mu], vec![9.0; k], vec![9.0; nv * n]);
                let mut work = vec![0.0; svd_work(m, n)];
                svd(m, n, &a, mu, &mut u, &mut s, nv, &mut vh, &mut work, &|| false);
                assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|&x| x >= 0.0));
                let scale = s[0];
                let back = product(m, k, n, |i, l| u[i * mu + l] * s[l] / scale, |l, j| vh[l * n + j]);
                assert_close(&back, &a.iter().map(|x| x / scale).collect::<Vec<_>>());
                assert_close(&product(mu, m, mu, |i, l| u[l * mu + i], |l, j| u[l * mu + j]), &identity(mu));
                assert_close(&product(nv, n, nv, |i, l| vh[i * n + l], |l, j| vh[j * n + l]), &identity(nv));
            }
        }
    }

    #[test]
    fn eigenvectors_are_turned_into_multiples_of_themselves() {
        for n in [1, 2, 6] {
            let x = noise(n * n, 11);
            let at = |i: usize, j: usize| x[i.max(j) * n + i.min(j)];
            let (mut w, mut v, mut work) = (vec![0.0; n], vec![0.0; n * n], vec![0.0; 2 * n * n]);
            eigh(n, &x, &mut w, &mut v, &mut work, &|| false);
            assert!(w.windows(2).all(|w| w[0] <= w[1]));
            let turned = product(n, n, n, at, |l, j| v[l * n + j]);
            assert_close(&turned, &(0..n * n).map(|i| v[i] * w[i % n]).collect::<Vec<_>>());
            assert_close(&product(n, n, n, |i, l| v[l * n + i], |l, j| v[l * n + j]), &identity(n));
        }
    }

    #[test]
    fn fourier_agrees_with_the_definition() {
        for n in [1, 2, 3, 4, 5, 6, 12, 30, 64, 97, 106, 210, 251] {
            let plan = Fourier::new(n).unwrap();
            let (re, im) = (noise(n, 1), noise(n, 2));
            let (mut a, mut b, mut work) = (vec![0.0; n], vec![0.0; n], vec![0.0; plan.work()]);
            plan.run((&re, &im), (&mut a, &mut b), &mut work);
            for k in 0..n {
                let (mut x, mut y) = (0.0, 0.0);
                for j in 0..n {
                    let (s, c) = (-std::f64::consts::TAU * (j * k % n) as f64 / n as f64).sin_cos();
                    x += re[j] * c - im[j] * s;
                    y += re[j] * s + im[j] * c;
                }
                assert!((x - a[k]).abs() + (y - b[k]).abs() < 1e-11, "n = {n}, k = {k}");
            }
        }
    }
}
