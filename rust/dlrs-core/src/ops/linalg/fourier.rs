//! The discrete Fourier transform, of complex numbers as pairs of real tensors.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::linalg::Fourier as Plan;

use super::lower;
use crate::bail;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::tensor::Ty;

/// yₖ = Σⱼ xⱼ·exp(∓2πi·jk/n) over the last axis, with the sign + for `inverse`. Neither direction is scaled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fourier {
    /// Use the conjugate roots.
    pub inverse: bool,
}

impl Op for Fourier {
    fn name(&self) -> &'static str {
        "fourier"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("fourier", inputs, 2)?;
        let (re, im) = (inputs[0], inputs[1]);
        if re != im || !re.dtype.is_float() {
            bail!("fourier: the real part has type {re}, the imaginary part {im}; expected one floating-point type");
        }
        if re.shape.last().is_none_or(|&n| n == 0) {
            bail!("fourier: x has shape {}; expected at least one number along a last axis (rank >= 1)", re.shape);
        }
        Ok(vec![re, im])
    }

    /// The adjoint of a symmetric complex matrix is its conjugate: the transform in the other direction.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs.iter().all(Option::is_none) {
            return Ok(vec![None, None]);
        }
        let re = d_outputs[0].map_or_else(|| g.zeros_like(node.outputs[0]), Ok)?;
        let im = d_outputs[1].map_or_else(|| g.zeros_like(node.outputs[1]), Ok)?;
        let d = g.apply(Arc::new(Fourier { inverse: !self.inverse }), &[re, im])?;
        Ok(d.into_iter().map(Some).collect())
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let shape = cx.inputs[0].shape;
        // Without anything to transform, nothing needs to be ready for it.
        let plan = Plan::new(if shape.size() == 0 { 1 } else { shape[shape.rank() - 1] })?;
        let (inverse, work, cost) = (self.inverse, plan.work(), 20.0 + plan.cost());
        let kernel = move |x: &[&[f64]], y: &mut [&mut [f64]], work: &mut [f64], _: &dyn Fn() -> bool| {
            let [re, im] = y else { unreachable!("two results") };
            if inverse {
                plan.run((x[1], x[0]), (im, re), work);
            } else {
                plan.run((x[0], x[1]), (re, im), work);
            }
            Ok(())
        };
        Ok(lower(cx, (&[1, 1], &[1, 1]), work, cost, Arc::new(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::*;

    #[test]
    fn gradients() {
        for k in 0..2 {
            check_two_gradients(&[noise(&[2, 5], 1), noise(&[2, 5], 2)], &|g, x| {
                let both = g.apply(Arc::new(Fourier { inverse: false }), x)?;
                let cubic = g.square(both[k])?;
                g.mul(cubic, both[1 - k])
            });
        }
    }

    #[test]
    fn there_and_back() {
        let x = [noise(&[3, 12], 1), noise(&[3, 12], 2)];
        let there = run(&Fourier { inverse: false }, &x).unwrap();
        let back = run(&Fourier { inverse: true }, &there).unwrap();
        let scaled = |t: &crate::Tensor| f64s(&[3, 12], &values(t).iter().map(|v| v / 12.0).collect::<Vec<_>>());
        assert_close(&scaled(&back[0]), &x[0], 1e-13);
        assert_close(&scaled(&back[1]), &x[1], 1e-13);
    }
}
