//! Values whose gradient the user gives.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::body::{Body, operand_bytes};
use super::scan::writer;
use super::{LowerCx, Lowered, NodeRef, Op};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Values that were computed from arguments, with a gradient of their own.
///
/// Operands: the values, the arguments, what else the gradient takes. Results: the values. The gradient is a function of the values'
/// gradients and the last operands; it returns the gradients of the arguments `sources`.
#[derive(Clone, Debug)]
pub struct CustomGradient {
    gradient: Body,
    values: usize,
    arguments: usize,
    /// Which of the arguments have gradients, in the order of the gradient's results.
    sources: Vec<usize>,
}

impl CustomGradient {
    /// Values with this gradient.
    ///
    /// # Errors
    /// `Value` when the gradient does not return one result for each of `sources`.
    pub fn new(gradient: Body, values: usize, arguments: usize, sources: Vec<usize>) -> Result<CustomGradient> {
        if gradient.results().len() != sources.len() {
            bail!("custom_gradient: {} gradients for {} arguments", gradient.results().len(), sources.len());
        }
        Ok(CustomGradient { gradient, values, arguments, sources })
    }
}

impl Op for CustomGradient {
    fn name(&self) -> &'static str {
        "custom_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        (self.gradient.key(), self.values, self.arguments, &self.sources).hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let takes = self.gradient.inputs();
        let held = self.values + self.arguments;
        if inputs.len() != held + takes.len() - self.values || inputs[held..] != takes[self.values..] {
            bail!(Internal, "custom_gradient: operands {inputs:?} for a gradient that takes {takes:?}");
        }
        for (&i, have) in self.sources.iter().zip(self.gradient.results()) {
            let want = inputs[self.values + i];
            if have != want {
                bail!("custom_gradient: the gradient of argument {i} has type {have}; expected {want}");
            }
        }
        Ok(inputs[..self.values].to_vec())
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let mut args = Vec::new();
        for (d, &y) in d_outputs.iter().zip(node.outputs) {
            args.push(match *d {
                Some(d) => d,
                None => g.zeros_like(y)?,
            });
        }
        args.extend_from_slice(&node.inputs[self.values + self.arguments..]);
        let mut grads = vec![None; node.inputs.len()];
        let found = self.gradient.inline(g, &args)?;
        self.sources.iter().zip(found).for_each(|(&i, d)| grads[self.values + i] = Some(d));
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let outputs = cx.outputs.to_vec();
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            for (k, bytes) in operand_bytes(io, 0..outputs.len()).into_iter().enumerate() {
                writer(io, k, outputs[k].dtype)(0, bytes);
            }
        });
        Ok(Lowered::whole(cx.outputs, body))
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::Shape;
    use crate::autodiff::gradients;

    #[test]
    fn the_given_gradient_counts() {
        // y = x² with a gradient of d·cos x.
        let ty = Ty::new(DType::F64, Shape::new(&[3]).unwrap());
        let mut b = Graph::new();
        let (d, x) = (b.input(ty), b.input(ty));
        let slope = b.cos(x).unwrap();
        let dx = b.mul(d, slope).unwrap();
        let op = CustomGradient::new(Body::new(b, &[dx]).0, 1, 1, vec![0]).unwrap();
        let x = noise(&[3], 1);
        let mut g = Graph::new();
        let arg = g.constant(x.clone());
        let square = g.square(arg).unwrap();
        let value = g.stop_gradient(square).unwrap();
        let y = g.apply(Arc::new(op), &[value, arg, arg]).unwrap()[0];
        let one = g.constant(f64s(&[3], &[1.0; 3]));
        let d = gradients(&mut g, &[y], &[one], &[arg]).unwrap()[0].unwrap();
        let got = eval(&g, &[y, d]).unwrap();
        for e in 0..3 {
            assert_eq!(got[0].get(e), x.get(e) * x.get(e));
            assert!((got[1].get(e) - x.get(e).cos()).abs() < 1e-12);
        }
    }
}
