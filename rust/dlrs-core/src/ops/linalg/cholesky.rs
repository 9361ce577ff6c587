//! The Cholesky decomposition.

use std::sync::Arc;

use dlrs_kernels::linalg::{Singular, cholesky};

use super::{lower, square};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::tensor::Ty;

/// The lower triangular L with A = L·Lᵀ, of symmetric positive definite matrices, of which the lower triangle is read.
#[derive(Clone, Copy, Debug)]
pub struct Cholesky;

impl Op for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("cholesky", inputs, 1)?;
        square("cholesky", "x", inputs[0])?;
        Ok(vec![inputs[0]])
    }

    /// L⁻ᵀ·Φ(Lᵀ·dL)·L⁻¹, made symmetric, where Φ takes the lower triangle with half of the diagonal (Murray 2016,
    /// arXiv 1602.07527).
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let l = node.outputs[0];
        let inner = g.matmul(l, d, true, false)?;
        let inner = g.masked(inner, |i, j| if i > j { 1.0 } else { 0.5 * f64::from(u8::from(i == j)) })?;
        let left = g.solve_triangular(l, inner, true, true)?;
        let left = g.transposed(left)?;
        let both = g.solve_triangular(l, left, true, true)?;
        Ok(vec![Some(g.symmetric(both)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let n = square("cholesky", "x", cx.inputs[0])?;
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], _: &mut [f64], stop: &dyn Fn() -> bool| {
            y[0].copy_from_slice(x[0]);
            cholesky(n, y[0], stop).map_err(|Singular(order)| {
                format!("cholesky: x is not positive definite: its leading minor of order {order} is not positive")
            })
        };
        Ok(lower(cx, (&[2], &[2]), 0, 20.0 + 0.3 * (n * n * n) as f64, Arc::new(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        check_two_gradients(&[noise(&[2, 3, 3], 1)], &|g, x| {
            let square = g.matmul(x[0], x[0], false, true)?;
            let a = g.mask_like(square, |i, j| f64::from(u8::from(i == j)))?;
            let a = g.add(square, a)?;
            g.push(Cholesky, &[a])
        });
    }

    #[test]
    fn indefinite_matrices_are_refused() {
        let error = run(&Cholesky, &[f64s(&[2, 2], &[1.0, 2.0, 2.0, 1.0])]).unwrap_err();
        let want = "cholesky: x is not positive definite: its leading minor of order 2 is not positive";
        assert_eq!(error, crate::Error::Value(want.to_owned()));
    }
}
