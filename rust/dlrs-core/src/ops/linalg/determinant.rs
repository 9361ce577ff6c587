//! Determinants.

use std::sync::Arc;

use dlrs_kernels::linalg::lu;

use super::{Solve, lower, square, with_item};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::tensor::Ty;

/// The determinant.
#[derive(Clone, Copy, Debug)]
pub struct Determinant;

/// The sign of the determinant and the logarithm of its absolute value.
#[derive(Clone, Copy, Debug)]
pub struct LogDeterminant;

/// A⁻ᵀ times the numbers `scale`: refused, as every inverse, where A is singular.
fn inverse_transposed(g: &mut Graph, a: Val, scale: Val) -> Result<Val> {
    let scale = g.as_matrices(scale)?;
    let identity = g.mask_like(a, |i, j| f64::from(u8::from(i == j)))?;
    let scaled = g.mul(identity, scale)?;
    let transposed = g.transposed(a)?;
    g.push(Solve, &[transposed, scaled])
}

/// The pivots of one matrix, and whether rows were exchanged an odd number of times.
fn pivots<'a>(n: usize, x: &[f64], work: &'a mut [f64]) -> (impl Iterator<Item = f64> + use<'a>, bool) {
    let (factors, exchanged) = work.split_at_mut(n * n);
    factors.copy_from_slice(x);
    lu(n, n, factors, exchanged);
    let odd = exchanged.iter().enumerate().filter(|&(i, &p)| p as usize != i).count() % 2 == 1;
    let factors = &*factors;
    ((0..n).map(move |i| factors[i * n + i]), odd)
}

fn cost(n: usize) -> f64 {
    20.0 + 0.4 * (n * n * n) as f64
}

impl Op for Determinant {
    fn name(&self) -> &'static str {
        "det"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("det", inputs, 1)?;
        square("det", "x", inputs[0])?;
        Ok(vec![with_item(inputs[0], 2, &[])?])
    }

    /// d·det·A⁻ᵀ (Giles 2008)
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let scale = g.mul(d, node.outputs[0])?;
        Ok(vec![Some(inverse_transposed(g, node.inputs[0], scale)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let n = square("det", "x", cx.inputs[0])?;
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], _: &dyn Fn() -> bool| {
            let (pivots, odd) = pivots(n, x[0], work);
            y[0][0] = pivots.fold(if odd { -1.0 } else { 1.0 }, |product, pivot| product * pivot);
            Ok(())
        };
        Ok(lower(cx, (&[2], &[0]), n * n + n, cost(n), Arc::new(kernel)))
    }
}

impl Op for LogDeterminant {
    fn name(&self) -> &'static str {
        "slogdet"
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("slogdet", inputs, 1)?;
        square("slogdet", "x", inputs[0])?;
        Ok(vec![with_item(inputs[0], 2, &[])?; 2])
    }

    /// d·A⁻ᵀ for the logarithm; the sign is constant
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[1] else { return Ok(vec![None]) };
        Ok(vec![Some(inverse_transposed(g, node.inputs[0], d)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let n = square("slogdet", "x", cx.inputs[0])?;
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], _: &dyn Fn() -> bool| {
            let (pivots, odd) = pivots(n, x[0], work);
            let (mut sign, mut log) = (if odd { -1.0 } else { 1.0 }, 0.0);
            for pivot in pivots {
                sign *= if pivot == 0.0 { 0.0 } else { pivot.signum() };
                log += pivot.abs().ln();
            }
            (y[0][0], y[1][0]) = (sign, log);
            Ok(())
        };
        Ok(lower(cx, (&[2], &[0, 0]), n * n + n, cost(n), Arc::new(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        check_two_gradients(&[noise(&[2, 3, 3], 1)], &|g, x| g.push(Determinant, x));
        check_two_gradients(&[noise(&[2, 3, 3], 1)], &|g, x| Ok(g.apply(Arc::new(LogDeterminant), x)?[1]));
    }

    #[test]
    fn singular_matrices_have_determinant_zero() {
        let a = f64s(&[2, 2], &[1.0, 2.0, 2.0, 4.0]);
        assert_eq!(values(&run(&Determinant, std::slice::from_ref(&a)).unwrap()[0]), [0.0]);
        let both = run(&LogDeterminant, std::slice::from_ref(&a)).unwrap();
        assert_eq!([both[0].get(0), both[1].get(0)], [0.0, f64::NEG_INFINITY]);
    }
}
