//! The singular value decomposition.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::linalg::{svd, svd_work};

use super::{lower, matrix, with_item};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::slice::Span;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::tensor::Ty;

/// U, s and Vᵀ with A = U·diag(s)·Vᵀ; U and V have orthonormal columns, s is descending.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Svd {
    /// U and V are square, else they have min(m, n) columns.
    pub full: bool,
}

impl Svd {
    fn columns(&self, m: usize, n: usize) -> (usize, usize) {
        if self.full { (m, n) } else { (m.min(n), m.min(n)) }
    }
}

impl Op for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("svd", inputs, 1)?;
        let (m, n) = matrix("svd", "x", inputs[0])?;
        let (mu, nv) = self.columns(m, n);
        let item = |dims: &[usize]| with_item(inputs[0], 2, dims);
        Ok(vec![item(&[m, mu])?, item(&[m.min(n)])?, item(&[nv, n])?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let shape = g.ty(node.inputs[0]).shape;
        let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let [du, ds, dv] = d_outputs else { unreachable!("three results") };
        if self.full && m != n && (du.is_some() || dv.is_some()) {
            return no_gradient("svd", "with full_matrices the added singular vectors are not determined by x");
        }
        let k = m.min(n);
        let s = node.outputs[1];
        let u = first(g, node.outputs[0], shape.rank() - 1, k)?;
        let vh = first(g, node.outputs[2], shape.rank() - 2, k)?;
        let mut inner = None;
        if let Some(ds) = *ds {
            let ds = g.as_rows(ds)?;
            let identity = g.mask_like(ds, |_, _| 1.0)?;
            let ds = g.mul(ds, identity)?;
            inner = Some(diagonal(g, ds, k)?);
        }
        let mut outer = None;
        if let Some(du) = *du {
            let cross = g.matmul(u, du, true, false)?;
            let rate = antisymmetric_part(g, cross, s)?;
            let s_row = g.as_rows(s)?;
            let term = g.mul(rate, s_row)?;
            inner = g.add_optional(inner, Some(term))?;
            if m > k {
                // (I − U·Uᵀ)·dU·S⁻¹·Vᵀ
                let inside = g.matmul(u, cross, false, false)?;
                let outside = g.sub(du, inside)?;
                let scaled = g.div(outside, s_row)?;
                outer = Some(g.matmul(scaled, vh, false, false)?);
            }
        }
        if let Some(dvh) = *dv {
            let cross = g.matmul(vh, dvh, false, true)?;
            let rate = antisymmetric_part(g, cross, s)?;
            let s_column = g.as_columns(s)?;
            let term = g.mul(rate, s_column)?;
            inner = g.add_optional(inner, Some(term))?;
            if n > k {
                // U·S⁻¹·dVᵀ·(I − V·Vᵀ)
                let inside = g.matmul(cross, vh, true, false)?;
                let outside = g.sub(dvh, inside)?;
                let scaled = g.div(outside, s_column)?;
                outer = Some(g.matmul(u, scaled, false, false)?);
            }
        }
        let Some(inner) = inner else { return Ok(vec![None]) };
        let left = g.matmul(u, inner, false, false)?;
        let both = g.matmul(left, vh, false, false)?;
        Ok(vec![g.add_optional(Some(both), outer)?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (m, n) = matrix("svd", "x", cx.inputs[0])?;
        let (mu, nv) = self.columns(m, n);
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], stop: &dyn Fn() -> bool| {
            let [u, s, vh] = y else { unreachable!("three results") };
            svd(m, n, x[0], mu, u, s, nv, vh, work, stop);
            Ok(())
        };
        let (long, short) = (m.max(n), m.min(n));
        let cost = 50.0 + 8.0 * (short * short * long) as f64;
        Ok(lower(cx, (&[2], &[2, 1, 2]), svd_work(m, n), cost, Arc::new(kernel)))
    }
}

/// F ∘ (C − Cᵀ) with Fᵢⱼ = 1/(sⱼ² − sᵢ²) (Townsend 2016, Differentiating the Singular Value Decomposition).
fn antisymmetric_part(g: &mut Graph, cross: Val, s: Val) -> Result<Val> {
    let transposed = g.transposed(cross)?;
    let difference = g.sub(cross, transposed)?;
    let squares = g.square(s)?;
    let rates = g.reciprocal_gaps(squares)?;
    g.mul(rates, difference)
}

/// Rows of `k` numbers (…, 1, k) as diagonal matrices.
fn diagonal(g: &mut Graph, row: Val, k: usize) -> Result<Val> {
    let dims = crate::shape::Shape::new(&[k, k])?;
    let pattern = g.scalar_like(row, 0.0)?;
    let pattern = g.broadcast_to(pattern, dims)?;
    let identity = g.mask_like(pattern, |i, j| f64::from(u8::from(i == j)))?;
    g.mul(identity, row)
}

/// The first `k` positions of an axis.
fn first(g: &mut Graph, x: Val, axis: usize, k: usize) -> Result<Val> {
    let shape = g.ty(x).shape;
    if shape[axis] == k {
        return Ok(x);
    }
    let mut spans: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
    spans[axis] = Span::range(0, k);
    g.slice(x, &spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    /// The factors are determined but for the signs of u and v together, which products of both do not see.
    #[test]
    fn gradients() {
        for dims in [[2, 4, 3], [1, 3, 3], [2, 2, 4]] {
            check_gradient(&[noise(&dims, 3)], &|g, x| Ok(g.apply(Arc::new(Svd { full: false }), x)?[1]));
            check_gradient(&[noise(&dims, 3)], &|g, x| {
                let y = g.apply(Arc::new(Svd { full: false }), x)?;
                let u = g.mul(y[0], y[0])?;
                let u = g.sum(u, &[1], false)?;
                let v = g.mul(y[2], y[2])?;
                let v = g.sum_last(v)?;
                let v = g.reshape(v, g.ty(u).shape)?;
                let sums = g.mul(u, v)?;
                let polar = g.matmul(y[0], y[2], false, false)?;
                let cubes = g.mul(y[0], y[0])?;
                let cubes = g.matmul(cubes, y[2], false, false)?;
                let cubes = g.square(cubes)?;
                let both = g.add(polar, cubes)?;
                let total = g.sum_last(sums)?;
                let total = g.as_columns(total)?;
                g.add(both, total)
            });
        }
        check_gradient(&[noise(&[4, 3], 3)], &|g, x| Ok(g.apply(Arc::new(Svd { full: true }), x)?[1]));
    }
}
