//! Systems of linear equations.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::linalg::{Singular, lu, lu_solve, solve_triangular};

use super::{lower, matrix, square, with_item};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::tensor::Ty;
use crate::{DType, bail};

/// The matrices x with A·x = b.
#[derive(Clone, Copy, Debug)]
pub struct Solve;

/// The matrices x with T·x = b, or Tᵀ·x = b, where T is a triangle of A.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SolveTriangular {
    /// Read the lower triangle, else the upper one.
    pub lower: bool,
    /// Solve with the triangle transposed.
    pub transpose: bool,
}

/// The factors of P·A = L·U in one matrix, and the rows that were exchanged: in step i row i with row pivot i (int32).
#[derive(Clone, Copy, Debug)]
pub struct LuFactor;

/// Checks the operands of a system.
fn infer(op: &str, inputs: &[Ty]) -> Result<Vec<Ty>> {
    arity(op, inputs, 2)?;
    let (a, b) = (inputs[0], inputs[1]);
    let n = square(op, "a", a)?;
    let (rows, _) = matrix(op, "b", b)?;
    let batch = |ty: Ty| ty.shape[..ty.shape.rank() - 2].to_vec();
    if a.dtype != b.dtype || n != rows || batch(a) != batch(b) {
        bail!(
            "{op}: a of type {a} and b of type {b}; expected as many rows of b as of a, equal leading axes and dtypes"
        );
    }
    Ok(vec![b])
}

fn singular(op: &'static str) -> impl Fn(Singular) -> String {
    move |Singular(pivot)| format!("{op}: a is singular: pivot {pivot} is zero")
}

impl Op for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        infer("solve", inputs)
    }

    /// db = A⁻ᵀ·d, dA = −db·xᵀ
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let transposed = g.transposed(node.inputs[0])?;
        let db = g.push(Solve, &[transposed, d])?;
        let product = g.matmul(db, node.outputs[0], false, true)?;
        Ok(vec![Some(g.neg(product)?), Some(db)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (n, (_, k)) = (square("solve", "a", cx.inputs[0])?, matrix("solve", "b", cx.inputs[1])?);
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], _: &dyn Fn() -> bool| {
            let (factors, pivots) = work.split_at_mut(n * n);
            factors.copy_from_slice(x[0]);
            y[0].copy_from_slice(x[1]);
            lu(n, n, factors, pivots);
            lu_solve(n, factors, pivots, k, y[0]).map_err(singular("solve"))
        };
        let cost = 20.0 + (n * n) as f64 * (0.3 * n as f64 + 0.5 * k as f64);
        Ok(lower(cx, (&[2, 2], &[2]), n * n + n, cost, Arc::new(kernel)))
    }
}

impl Op for SolveTriangular {
    fn name(&self) -> &'static str {
        "solve_triangular"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        infer("solve_triangular", inputs)
    }

    /// db = T⁻ᵀ·d, dA = the triangle of −db·xᵀ (of its transpose if Tᵀ was solved with)
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (a, x) = (node.inputs[0], node.outputs[0]);
        let db = g.solve_triangular(a, d, self.lower, !self.transpose)?;
        let (left, right) = if self.transpose { (x, db) } else { (db, x) };
        let da = g.matmul(left, right, false, true)?;
        let lower = self.lower;
        let da = g.masked(da, |i, j| if (lower && j <= i) || (!lower && j >= i) { -1.0 } else { 0.0 })?;
        Ok(vec![Some(da), Some(db)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (n, (_, k)) = (square("solve", "a", cx.inputs[0])?, matrix("solve", "b", cx.inputs[1])?);
        let (from_below, transpose) = (self.lower, self.transpose);
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], _: &mut [f64], _: &dyn Fn() -> bool| {
            y[0].copy_from_slice(x[1]);
            solve_triangular(n, x[0], from_below, transpose, k, y[0]).map_err(singular("solve_triangular"))
        };
        let cost = 20.0 + 0.3 * (n * n * k.max(1)) as f64;
        Ok(lower(cx, (&[2, 2], &[2]), 0, cost, Arc::new(kernel)))
    }
}

impl Op for LuFactor {
    fn name(&self) -> &'static str {
        "lu_factor"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("lu_factor", inputs, 1)?;
        let (m, n) = matrix("lu_factor", "x", inputs[0])?;
        let pivots = with_item(inputs[0], 2, &[m.min(n)])?;
        Ok(vec![inputs[0], Ty::new(DType::I32, pivots.shape)])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("lu_factor", "use solve, inv or det, which have one")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (m, n) = matrix("lu_factor", "x", cx.inputs[0])?;
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], _: &mut [f64], _: &dyn Fn() -> bool| {
            let [factors, pivots] = y else { unreachable!("two results") };
            factors.copy_from_slice(x[0]);
            lu(m, n, factors, pivots);
            Ok(())
        };
        let cost = 20.0 + 0.4 * (m * n * m.min(n)) as f64;
        Ok(lower(cx, (&[2], &[2, 1]), 0, cost, Arc::new(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        let (a, b) = (noise(&[2, 3, 3], 1), noise(&[2, 3, 2], 2));
        check_two_gradients(&[a.clone(), b.clone()], &|g, x| g.push(Solve, x));
        for (lower, transpose) in [(false, false), (false, true), (true, false), (true, true)] {
            check_gradient(&[a.clone(), b.clone()], &|g, x| {
                let a = g.add_scalar(x[0], 2.0)?;
                g.solve_triangular(a, x[1], lower, transpose)
            });
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let (a, b) = (f64s(&[2, 2], &[1.0, 2.0, 2.0, 4.0]), f64s(&[2, 1], &[1.0, 1.0]));
        let error = run(&Solve, &[a.clone(), b.clone()]).unwrap_err().to_string();
        assert_eq!(error, "solve: a is singular: pivot 2 is zero");
        assert!(refusal(Solve, &[b.ty(), b.ty()]).contains("expected square matrices"));
        assert!(refusal(Solve, &[a.ty(), f64s(&[1, 2], &[1.0, 1.0]).ty()]).contains("as many rows of b as of a"));
    }
}
