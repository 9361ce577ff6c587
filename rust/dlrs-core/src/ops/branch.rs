//! A choice between functions, of which one runs.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::body::{Body, operand_bytes};
use super::scan::writer;
use super::{LowerCx, Lowered, NodeRef, Op};
use crate::autodiff::gradients;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::plan::Plan;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// `bodies[index]` of its operands, with the index limited to the bodies there are.
///
/// Operands: the index (an int32 scalar), the operands of the first body, those of the second, and so on.
#[derive(Clone, Debug)]
pub struct Branch {
    bodies: Vec<Body>,
}

impl Branch {
    /// A choice between functions whose results have the same types.
    ///
    /// # Errors
    /// `Value` when the types differ or there is no body.
    pub fn new(bodies: Vec<Body>) -> Result<Branch> {
        let Some(first) = bodies.first() else { bail!("switch: there are no branches") };
        let want = first.results();
        for (i, body) in bodies.iter().enumerate() {
            let have = body.results();
            if have != want {
                bail!("switch: branch 0 returns {}, branch {i} returns {}", list(&want), list(&have));
            }
        }
        Ok(Branch { bodies })
    }

    /// The operands of each body.
    fn parts<'a, T>(&self, operands: &'a [T]) -> Vec<&'a [T]> {
        let mut rest = &operands[1..];
        let mut parts = Vec::with_capacity(self.bodies.len());
        for body in &self.bodies {
            let (part, behind) = rest.split_at(body.inputs().len());
            parts.push(part);
            rest = behind;
        }
        parts
    }
}

fn list(types: &[Ty]) -> String {
    let types: Vec<String> = types.iter().map(Ty::to_string).collect();
    format!("({})", types.join(", "))
}

impl Op for Branch {
    fn name(&self) -> &'static str {
        "switch"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.bodies.iter().for_each(|body| body.key().hash(hasher));
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let want: Vec<Ty> = self.bodies.iter().flat_map(Body::inputs).collect();
        let index = Ty::new(DType::I32, Shape::scalar());
        if inputs.first() != Some(&index) || inputs[1..] != want {
            bail!("switch: operands {}; expected {index} and {}", list(inputs), list(&want));
        }
        Ok(self.bodies[0].results())
    }

    /// The choice between the bodies' gradients: each gives those of its own operands, and zeros for the others.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let present: Vec<usize> = (0..d_outputs.len()).filter(|&k| d_outputs[k].is_some()).collect();
        let types: Vec<Ty> = self.bodies.iter().flat_map(Body::inputs).collect();
        let sources: Vec<usize> = (0..types.len()).filter(|&i| types[i].dtype.is_float()).collect();
        let results = self.bodies[0].results();
        let (mut bodies, mut operands) = (Vec::new(), vec![node.inputs[0]]);
        let mut first = 0;
        for (body, part) in self.bodies.iter().zip(self.parts(node.inputs)) {
            let mut b = Graph::new();
            let args: Vec<Val> = body.inputs().into_iter().map(|ty| b.input(ty)).collect();
            let d: Vec<Val> = present.iter().map(|&k| b.input(results[k])).collect();
            let y = body.inline(&mut b, &args)?;
            let targets: Vec<Val> = present.iter().map(|&k| y[k]).collect();
            let own: Vec<usize> = sources.iter().copied().filter(|i| (first..first + args.len()).contains(i)).collect();
            let by: Vec<Val> = own.iter().map(|&i| args[i - first]).collect();
            let mut found = gradients(&mut b, &targets, &d, &by)?.into_iter();
            let mut grads = Vec::with_capacity(sources.len());
            for &i in &sources {
                let d = if own.contains(&i) { found.next().flatten() } else { None };
                grads.push(match d {
                    Some(d) => d,
                    None => {
                        let zero = b.scalar(types[i].dtype, 0.0)?;
                        b.broadcast_to(zero, types[i].shape)?
                    }
                });
            }
            bodies.push(Body::new(b, &grads).0);
            operands.extend_from_slice(part);
            operands.extend(present.iter().filter_map(|&k| d_outputs[k]));
            first += args.len();
        }
        let grads = g.apply(Arc::new(Branch::new(bodies)?), &operands)?;
        let mut all = vec![None; node.inputs.len()];
        sources.iter().zip(grads).for_each(|(&i, d)| all[1 + i] = Some(d));
        Ok(all)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let plans = self.bodies.iter().map(Body::plan).collect::<Result<Vec<Plan>>>()?;
        let cost = 500.0 + plans.iter().map(Plan::cost).fold(0.0, f64::max);
        let mut starts = vec![1];
        self.bodies.iter().for_each(|body| starts.push(starts[starts.len() - 1] + body.inputs().len()));
        let outputs = cx.outputs.to_vec();
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            let which = (io.input::<i32>(0)[0].max(0) as usize).min(plans.len() - 1);
            let feeds = operand_bytes(io, starts[which]..starts[which + 1]);
            match plans[which].run(&feeds, None) {
                Ok(results) => {
                    for (k, (y, ty)) in results.iter().zip(&outputs).enumerate() {
                        writer(io, k, ty.dtype)(0, y.bytes());
                    }
                }
                Err(error) => io.refuse(error.to_string()),
            }
        });
        Ok(Lowered::whole(cx.outputs, body).cost(cost))
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tensor::Tensor;

    fn ty(dtype: DType, dims: &[usize]) -> Ty {
        Ty::new(dtype, Shape::new(dims).unwrap())
    }

    /// x·w, or sin x.
    fn choice() -> Branch {
        let mut b = Graph::new();
        let (x, w) = (b.input(ty(DType::F64, &[2, 3])), b.input(ty(DType::F64, &[3])));
        let y = b.mul(x, w).unwrap();
        let mut c = Graph::new();
        let z = c.input(ty(DType::F64, &[2, 3]));
        let s = c.sin(z).unwrap();
        Branch::new(vec![Body::new(b, &[y]).0, Body::new(c, &[s]).0]).unwrap()
    }

    fn operands(index: i32) -> [Tensor; 4] {
        [i32s(&[], &[index]), noise(&[2, 3], 1), noise(&[3], 2), noise(&[2, 3], 3)]
    }

    #[test]
    fn one_body_runs() {
        for (index, first) in [(0, true), (1, false), (-5, true), (9, false)] {
            let x = operands(index);
            let y = values(&run(&choice(), &x).unwrap()[0]);
            for (e, y) in y.into_iter().enumerate() {
                let want = if first { x[1].get(e) * x[2].get(e % 3) } else { x[3].get(e).sin() };
                assert!((y - want).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn gradients_are_those_of_the_body_that_ran() {
        for index in 0..2 {
            check_two_gradients(&operands(index), &|g, x| g.push(choice(), x));
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let body = |dims: &[usize]| {
            let mut b = Graph::new();
            let x = b.input(ty(DType::F32, dims));
            Body::new(b, &[x]).0
        };
        let error = Branch::new(vec![body(&[2]), body(&[3])]).unwrap_err().to_string();
        assert_eq!(error, "switch: branch 0 returns (float32(2,)), branch 1 returns (float32(3,))");
        assert!(Branch::new(vec![]).is_err());
        assert!(refusal(choice(), &[ty(DType::I32, &[])]).contains("expected int32() and (float64(2, 3), "));
    }
}
