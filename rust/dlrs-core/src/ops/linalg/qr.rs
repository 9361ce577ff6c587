//! The QR decomposition.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::linalg::{qr, qr_work};

use super::{lower, matrix, with_item};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::slice::Span;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::shape::Shape;
use crate::tensor::Ty;

/// Q with orthonormal columns and R upper triangular with A = Q·R.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Qr {
    /// Q is square, else it has min(m, n) columns.
    pub complete: bool,
}

impl Qr {
    fn columns(&self, m: usize, n: usize) -> usize {
        if self.complete { m } else { m.min(n) }
    }
}

impl Op for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("qr", inputs, 1)?;
        let (m, n) = matrix("qr", "x", inputs[0])?;
        let k = self.columns(m, n);
        Ok(vec![with_item(inputs[0], 2, &[m, k])?, with_item(inputs[0], 2, &[k, n])?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs.iter().all(Option::is_none) {
            return Ok(vec![None]);
        }
        let shape = g.ty(node.inputs[0]).shape;
        let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        if self.complete && m > n {
            return no_gradient("qr", "with mode 'complete' the added columns of q are not determined by x");
        }
        let (q, r) = (node.outputs[0], node.outputs[1]);
        let dq = d_outputs[0].map_or_else(|| g.zeros_like(q), Ok)?;
        let dr = d_outputs[1].map_or_else(|| g.zeros_like(r), Ok)?;
        if m >= n {
            return Ok(vec![Some(tall_gradient(g, q, r, dq, dr)?)]);
        }
        // A = (X Y) = Q·(U V) with X = Q·U: what Y gives to Q passes through V = Qᵀ·Y.
        let (_, y) = split(g, node.inputs[0], m)?;
        let (u, _) = split(g, r, m)?;
        let (du, dv) = split(g, dr, m)?;
        let through = g.matmul(y, dv, false, true)?;
        let dq = g.add(dq, through)?;
        let dx = tall_gradient(g, q, u, dq, du)?;
        let dy = g.matmul(q, dv, false, false)?;
        Ok(vec![Some(g.concat(&[dx, dy], shape.rank() - 1)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (m, n) = matrix("qr", "x", cx.inputs[0])?;
        let k = self.columns(m, n);
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], stop: &dyn Fn() -> bool| {
            let [q, r] = y else { unreachable!("two results") };
            qr(m, n, x[0], k, q, r, work, stop);
            Ok(())
        };
        let cost = 20.0 + (m * m.min(n) * (n + k)) as f64;
        Ok(lower(cx, (&[2], &[2, 2]), qr_work(m, n), cost, Arc::new(kernel)))
    }
}

/// (dQ + Q·copyltu(M))·R⁻ᵀ with M = R·dRᵀ − dQᵀ·Q, where copyltu mirrors the lower triangle (Liao et al. 2019, arXiv 1903.09650).
fn tall_gradient(g: &mut Graph, q: Val, r: Val, dq: Val, dr: Val) -> Result<Val> {
    let (from_r, from_q) = (g.matmul(r, dr, false, true)?, g.matmul(dq, q, true, false)?);
    let m = g.sub(from_r, from_q)?;
    let lower = g.masked(m, |i, j| if i > j { 1.0 } else { 0.0 })?;
    let upper = g.transposed(lower)?;
    let diagonal = g.masked(m, |i, j| if i == j { 1.0 } else { 0.0 })?;
    let mirrored = g.add(lower, upper)?;
    let mirrored = g.add(mirrored, diagonal)?;
    let turned = g.matmul(q, mirrored, false, false)?;
    let inner = g.add(dq, turned)?;
    let inner = g.transposed(inner)?;
    let result = g.solve_triangular(r, inner, false, false)?;
    g.transposed(result)
}

/// The first `m` columns and the others.
fn split(g: &mut Graph, x: Val, m: usize) -> Result<(Val, Val)> {
    let shape: Shape = g.ty(x).shape;
    let last = shape.rank() - 1;
    let mut spans: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
    spans[last] = Span::range(0, m);
    let first = g.slice(x, &spans)?;
    spans[last] = Span::range(m, shape[last] - m);
    Ok((first, g.slice(x, &spans)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        for dims in [[2, 4, 3], [1, 3, 3], [2, 2, 5]] {
            for k in 0..2 {
                check_gradient(&[noise(&dims, 1)], &|g, x| Ok(g.apply(Arc::new(Qr { complete: false }), x)?[k]));
            }
        }
    }
}
