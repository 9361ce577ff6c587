//! Plain loops: the f64 product, and the scalar twin that the vector kernels are tested against.

use crate::mem::TileMut;

use super::MatRef;

/// C (+)= A·B in f64, sequential in k. Any speed: f64 serves checks, not training.
///
/// # Panics
/// If the sizes do not agree.
pub fn gemm_f64(a: MatRef<f64>, b: MatRef<f64>, mut c: TileMut<f64>, accumulate: bool) {
    let (m, k, n) = (a.rows(), a.cols(), b.cols());
    assert_eq!(b.rows(), k, "rows of B against columns of A");
    assert_eq!((c.rows(), c.cols()), (m, n), "the tile of C against A·B");
    for i in 0..m {
        let row = c.row(i);
        if !accumulate {
            row.fill(0.0);
        }
        for p in 0..k {
            let x = a.at(i, p);
            for (j, y) in row.iter_mut().enumerate() {
                *y += x * b.at(p, j);
            }
        }
    }
}
