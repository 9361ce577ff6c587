//! A loop that ends when a condition says so.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::body::{Body, operand_bytes};
use super::scan::writer;
use super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::plan::Plan;
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};
use crate::{DType, bail};

/// `carries = step(carries)` while `test(carries)` holds.
///
/// Operands: the first carries, what else `test` takes, what else `step` takes. Results: the last carries.
#[derive(Clone, Debug)]
pub struct While {
    test: Body,
    step: Body,
    carries: usize,
}

impl While {
    /// A loop that carries the first `carries` arguments of both functions.
    ///
    /// # Errors
    /// `Value` when `test` does not return one truth value, or `step` not the types of the carries.
    pub fn new(test: Body, step: Body, carries: usize) -> Result<While> {
        let truth = Ty::new(DType::Bool, Shape::scalar());
        if test.results() != [truth] {
            bail!("while_loop: cond returns {:?}; expected one bool", test.results());
        }
        for (i, (have, want)) in step.results().iter().zip(step.inputs()).take(carries).enumerate() {
            if *have != want {
                bail!("while_loop: value {i} begins as {want}, but the body returns {have}");
            }
        }
        Ok(While { test, step, carries })
    }
}

impl Op for While {
    fn name(&self) -> &'static str {
        "while_loop"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        (self.test.key(), self.step.key(), self.carries).hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (test, step) = (self.test.inputs(), self.step.inputs());
        let want = [&step[..self.carries], &test[self.carries..], &step[self.carries..]].concat();
        if inputs != want {
            bail!(Internal, "while_loop: operands {inputs:?}; expected {want:?}");
        }
        Ok(step[..self.carries].to_vec())
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("while_loop", "the number of its steps is not bounded; pass maximum_iterations, or use scan")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        /// Steps on which the estimate counts.
        const STEPS: f64 = 10.0;
        let (test, step) = (self.test.plan()?, self.step.plan()?);
        let cost = STEPS * (1000.0 + test.cost() + step.cost());
        let (op, outputs) = (self.clone(), cx.outputs.to_vec());
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            if let Err(error) = op.run(&test, &step, &outputs, io) {
                io.refuse(error.to_string());
            }
        });
        Ok(Lowered::whole(cx.outputs, body).cost(cost))
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

impl While {
    fn run(&self, test: &Plan, step: &Plan, outputs: &[Ty], io: &mut TileIo<'_>) -> Result<()> {
        let middle = self.test.inputs().len();
        let end = middle + self.step.inputs().len() - self.carries;
        let first = operand_bytes(io, 0..self.carries);
        let (of_test, of_step) = (operand_bytes(io, self.carries..middle), operand_bytes(io, middle..end));
        let mut carries: Option<Vec<Tensor>> = None;
        while !io.should_stop() {
            let now = carries.as_ref().map_or(first.clone(), |tensors| tensors.iter().map(Tensor::bytes).collect());
            let goes_on = test.run(&[&now[..], &of_test].concat(), None)?[0].get(0) != 0.0;
            if !goes_on {
                for (k, (bytes, ty)) in now.into_iter().zip(outputs).enumerate() {
                    writer(io, k, ty.dtype)(0, bytes);
                }
                return Ok(());
            }
            carries = Some(step.run(&[&now[..], &of_step].concat(), None)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    /// Doubles x and counts while x < limit.
    fn doubling() -> While {
        let ty = |dtype| Ty::new(dtype, Shape::scalar());
        let mut t = Graph::new();
        let (x, _, limit) = (t.input(ty(DType::F64)), t.input(ty(DType::I32)), t.input(ty(DType::F64)));
        let less = t.less(x, limit).unwrap();
        let mut s = Graph::new();
        let (x, n, factor) = (s.input(ty(DType::F64)), s.input(ty(DType::I32)), s.input(ty(DType::F64)));
        let y = s.mul(x, factor).unwrap();
        let m = s.add_scalar(n, 1.0).unwrap();
        While::new(Body::new(t, &[less]).0, Body::new(s, &[y, m]).0, 2).unwrap()
    }

    #[test]
    fn the_condition_ends_the_loop() {
        for (limit, x, n) in [(100.0, 128.0, 7), (1.0, 1.0, 0), (0.0, 1.0, 0)] {
            let operands = [f64s(&[], &[1.0]), i32s(&[], &[0]), f64s(&[], &[limit]), f64s(&[], &[2.0])];
            let y = run(&doubling(), &operands).unwrap();
            assert_eq!((y[0].get(0), y[1].get(0)), (x, f64::from(n)));
        }
    }

    #[test]
    fn there_is_no_gradient_and_types_are_kept() {
        let op = doubling();
        let error = op.grad(&mut Graph::new(), &NodeRef { inputs: &[], outputs: &[] }, &[]).unwrap_err();
        assert!(error.to_string().contains("pass maximum_iterations"));
        let mut b = Graph::new();
        let x = b.input(Ty::new(DType::F32, Shape::scalar()));
        let wide = b.cast(x, DType::F64).unwrap();
        let error = While::new(op.test.clone(), Body::new(b, &[wide]).0, 1).unwrap_err();
        assert_eq!(error.to_string(), "while_loop: value 0 begins as float32(), but the body returns float64()");
    }
}
