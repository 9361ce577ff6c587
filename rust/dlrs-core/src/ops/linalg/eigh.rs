//! Eigenvalues and eigenvectors of symmetric matrices.

use std::sync::Arc;

use dlrs_kernels::linalg::eigh;

use super::{lower, square, with_item};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::tensor::Ty;

/// Ascending eigenvalues and orthonormal eigenvectors (columns) of symmetric matrices, of which the lower triangle is read.
#[derive(Clone, Copy, Debug)]
pub struct Eigh;

impl Op for Eigh {
    fn name(&self) -> &'static str {
        "eigh"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("eigh", inputs, 1)?;
        let n = square("eigh", "x", inputs[0])?;
        Ok(vec![with_item(inputs[0], 2, &[n])?, inputs[0]])
    }

    /// V·(diag(dw) + F∘(Vᵀ·dV))·Vᵀ, made symmetric, with Fᵢⱼ = 1/(wⱼ − wᵢ) (Giles 2008, Ionescu et al. 2015, arXiv 1509.07838)
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let (w, v) = (node.outputs[0], node.outputs[1]);
        let mut inner = None;
        if let Some(dw) = d_outputs[0] {
            let identity = g.mask_like(v, |i, j| f64::from(u8::from(i == j)))?;
            let dw = g.as_rows(dw)?;
            inner = Some(g.mul(identity, dw)?);
        }
        if let Some(dv) = d_outputs[1] {
            let cross = g.matmul(v, dv, true, false)?;
            let rates = g.reciprocal_gaps(w)?;
            let term = g.mul(rates, cross)?;
            inner = g.add_optional(inner, Some(term))?;
        }
        let Some(inner) = inner else { return Ok(vec![None]) };
        let left = g.matmul(v, inner, false, false)?;
        let both = g.matmul(left, v, false, true)?;
        Ok(vec![Some(g.symmetric(both)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let n = square("eigh", "x", cx.inputs[0])?;
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], stop: &dyn Fn() -> bool| {
            let [w, v] = y else { unreachable!("two results") };
            eigh(n, x[0], w, v, work, stop);
            Ok(())
        };
        let cost = 50.0 + 12.0 * (n * n * n) as f64;
        Ok(lower(cx, (&[2], &[1, 2]), 2 * n * n, cost, Arc::new(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        let x = [noise(&[2, 3, 3], 5)];
        check_two_gradients(&x, &|g, x| {
            let a = g.symmetric(x[0])?;
            Ok(g.apply(Arc::new(Eigh), &[a])?[0])
        });
        check_gradient(&x, &|g, x| {
            // The signs of eigenvectors are not determined: their squares are.
            let a = g.symmetric(x[0])?;
            let v = g.apply(Arc::new(Eigh), &[a])?[1];
            g.square(v)
        });
    }
}
