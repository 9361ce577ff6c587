//! A loop over the first axis of tensors, with carried values.

mod backward;
mod run;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::slice::Span;
use super::{LowerCx, Lowered, NodeRef, Op};
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::key::{Key, KeyHasher};
use crate::plan::Plan;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::variable::Variable;
use crate::{DType, bail};
use backward::Backward;
pub(super) use run::{input_bytes, writer};

/// `carries, ys[t] = body(carries, xs[t], constants)` for every t.
///
/// Operands: the first carries, the xs stacked along a first axis, the constants. Results: the last carries, the stacked ys, and the
/// carries that each step began with, stacked, from which the gradient starts.
#[derive(Clone)]
pub struct Scan {
    body: Arc<Graph>,
    /// The body's arguments: carries, one slice of each xs, constants.
    args: Vec<Val>,
    /// The body's results: carries, one slice of each of the ys.
    outputs: Vec<Val>,
    carries: usize,
    xs: usize,
    length: usize,
    reverse: bool,
    key: Key,
}

impl Scan {
    /// A loop of `length` steps, from the last to the first if `reverse`. The first arguments of `body` are the carries, then
    /// come `xs` slices; what follows, and the variables that it reads (returned here), are constants, in this order. The first of
    /// its `outputs` are the new carries.
    ///
    /// # Errors
    /// `Value` when the new carries do not have the carries' types.
    pub fn new(
        body: Graph,
        carries: usize,
        xs: usize,
        outputs: &[Val],
        length: usize,
        reverse: bool,
    ) -> Result<(Scan, Vec<Variable>)> {
        let mut args = body.inputs().to_vec();
        if args.len() < carries + xs || outputs.len() < carries {
            bail!(Internal, "scan: a body of {} arguments and {} results", args.len(), outputs.len());
        }
        for (i, (&arg, &output)) in args.iter().zip(outputs).take(carries).enumerate() {
            let (have, want) = (body.ty(output), body.ty(arg));
            if have != want {
                bail!("scan: carry {i} begins as {want}, but the body returns {have}");
            }
        }
        let mut variables = Vec::new();
        for v in (0..body.len() as u32).map(Val) {
            if let Source::Variable(x) = body.source(v) {
                args.push(v);
                variables.push(x.clone());
            }
        }
        let key = structure(&body, &args, outputs);
        let outputs = outputs.to_vec();
        Ok((Scan { body: Arc::new(body), args, outputs, carries, xs, length, reverse, key }, variables))
    }

    fn arg_ty(&self, i: usize) -> Ty {
        self.body.ty(self.args[i])
    }

    fn ys(&self) -> usize {
        self.outputs.len() - self.carries
    }

    /// A type with an axis for the steps in front.
    fn stacked(&self, ty: Ty) -> Result<Ty> {
        Ok(Ty::new(ty.dtype, Shape::new(&[&[self.length], ty.shape.dims()].concat())?))
    }

    /// The steps in the order in which they run.
    fn steps(&self) -> impl Iterator<Item = usize> + use<> {
        let (length, reverse) = (self.length, self.reverse);
        (0..length).map(move |t| if reverse { length - 1 - t } else { t })
    }
}

/// The key of all that makes up a body.
pub(super) fn structure(body: &Graph, args: &[Val], outputs: &[Val]) -> Key {
    /// Constants up to this many bytes are known by content, larger ones by identity.
    const SMALL: usize = 4096;
    let mut hasher = KeyHasher::new();
    for v in (0..body.len() as u32).map(Val) {
        body.ty(v).hash(&mut hasher);
        if let Source::Constant(t) = body.source(v) {
            v.hash(&mut hasher);
            if t.bytes().len() <= SMALL { t.bytes().hash(&mut hasher) } else { t.id().hash(&mut hasher) }
        }
    }
    for node in body.nodes() {
        node.op.name().hash(&mut hasher);
        node.op.key(&mut hasher);
        (&node.inputs, &node.outputs).hash(&mut hasher);
    }
    (args, outputs).hash(&mut hasher);
    hasher.key()
}

impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scan({} steps of {} nodes)", self.length, self.body.nodes().len())
    }
}

impl Op for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        hasher.write(&self.key.to_le_bytes());
        (self.carries, self.xs, self.length, self.reverse).hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        if inputs.len() != self.args.len() {
            bail!(Internal, "scan takes {} operands, got {}", self.args.len(), inputs.len());
        }
        for (i, &have) in inputs.iter().enumerate() {
            let is_x = (self.carries..self.carries + self.xs).contains(&i);
            let want = if is_x { self.stacked(self.arg_ty(i))? } else { self.arg_ty(i) };
            if have != want {
                bail!("scan: operand {i} has type {have}; expected {want}");
            }
        }
        let carries: Vec<Ty> = (0..self.carries).map(|i| self.arg_ty(i)).collect();
        let ys = self.outputs[self.carries..].iter().map(|&v| self.stacked(self.body.ty(v)));
        let saved = carries.iter().map(|&ty| self.stacked(ty));
        let stacks = ys.chain(saved).collect::<Result<Vec<_>>>()?;
        Ok([carries, stacks].concat())
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        Backward::new(self, d_outputs)?.apply(g, node, d_outputs)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let plan = Plan::build(&self.body, &self.args, &self.outputs)?;
        let cost = 20.0 + self.length as f64 * (500.0 + plan.cost());
        let (scan, outputs) = (self.clone(), cx.outputs.to_vec());
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            if let Err(error) = scan.run(&plan, &outputs, io) {
                io.refuse(error.to_string());
            }
        });
        Ok(Lowered::whole(cx.outputs, body).cost(cost))
    }

    /// All steps one after another.
    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        if self.length == 0 {
            return Ok(None);
        }
        let (stacks, constants) = inputs[self.carries..].split_at(self.xs);
        let mut carries = inputs[..self.carries].to_vec();
        let mut columns: Vec<Vec<Val>> = vec![vec![carries[0]; self.length]; self.ys() + self.carries];
        for t in self.steps() {
            let slices = stacks.iter().map(|&x| step_of(g, x, t)).collect::<Result<Vec<_>>>()?;
            let results = inline(g, &self.body, &self.args, &[&carries, &slices, constants].concat(), &self.outputs)?;
            let (new, ys) = results.split_at(self.carries);
            columns.iter_mut().zip(ys.iter().chain(&carries)).for_each(|(column, &v)| column[t] = v);
            carries = new.to_vec();
        }
        let stack = |column: Vec<Val>| {
            let rows = column.into_iter().map(|v| unsqueeze_first(g, v)).collect::<Result<Vec<_>>>()?;
            g.concat(&rows, 0)
        };
        let stacks = columns.into_iter().map(stack).collect::<Result<Vec<_>>>()?;
        Ok(Some([carries, stacks].concat()))
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// `x[t]`.
fn step_of(g: &mut Graph, x: Val, t: usize) -> Result<Val> {
    let shape = g.ty(x).shape;
    let mut spans: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
    spans[0] = Span::range(t, 1);
    let row = g.slice(x, &spans)?;
    g.reshape(row, Shape::new(&shape[1..])?)
}

fn unsqueeze_first(g: &mut Graph, x: Val) -> Result<Val> {
    let dims = [&[1], g.ty(x).shape.dims()].concat();
    g.reshape(x, Shape::new(&dims)?)
}

/// Adds the nodes of `body` to `g`, with `values` in the place of `args`; what stands for `outputs`.
pub(super) fn inline(g: &mut Graph, body: &Graph, args: &[Val], values: &[Val], outputs: &[Val]) -> Result<Vec<Val>> {
    let mut map: Vec<Option<Val>> = (0..body.len() as u32)
        .map(|i| match body.source(Val(i)) {
            Source::Constant(t) => Some(g.constant(t.clone())),
            _ => None,
        })
        .collect();
    args.iter().zip(values).for_each(|(arg, &value)| map[arg.index()] = Some(value));
    let find = |map: &[Option<Val>], v: &Val| map[v.index()].expect("operands stand before their node");
    for node in body.nodes() {
        let inputs: Vec<Val> = node.inputs.iter().map(|v| find(&map, v)).collect();
        let results = g.apply(Arc::clone(&node.op), &inputs)?;
        node.outputs.iter().zip(results).for_each(|(v, result)| map[v.index()] = Some(result));
    }
    Ok(outputs.iter().map(|v| find(&map, v)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::DType;
    use crate::tensor::Tensor;

    /// c ← tanh(c·w + x), y = c·x, with a counter that is carried along.
    fn recurrence(length: usize, reverse: bool) -> Scan {
        let ty = |dims: &[usize]| Ty::new(DType::F64, Shape::new(dims).unwrap());
        let mut b = Graph::new();
        let (c, n) = (b.input(ty(&[2, 3])), b.input(Ty::new(DType::I32, Shape::scalar())));
        let (x, w) = (b.input(ty(&[2, 3])), b.input(ty(&[3, 3])));
        let product = b.matmul(c, w, false, false).unwrap();
        let sum = b.add(product, x).unwrap();
        let new = b.tanh(sum).unwrap();
        let y = b.mul(new, x).unwrap();
        let next = b.add_scalar(n, 1.0).unwrap();
        Scan::new(b, 2, 1, &[new, next, y, n], length, reverse).unwrap().0
    }

    fn operands(length: usize) -> [Tensor; 4] {
        [noise(&[2, 3], 1), i32s(&[], &[5]), noise(&[length, 2, 3], 2), noise(&[3, 3], 3)]
    }

    #[test]
    fn a_loop_is_its_steps() {
        for reverse in [false, true] {
            let (scan, x) = (recurrence(5, reverse), operands(5));
            let mut g = Graph::new();
            let args: Vec<Val> = x.iter().map(|t| g.constant(t.clone())).collect();
            let want = scan.decompose(&mut g, &args).unwrap().unwrap();
            let have = run(&scan, &x).unwrap();
            assert_eq!(have.len(), 6);
            have.iter().zip(eval(&g, &want).unwrap()).for_each(|(have, want)| assert_close(have, &want, 1e-14));
            let order = if reverse { [9, 8, 7, 6, 5] } else { [5, 6, 7, 8, 9] };
            assert_eq!(have[3].as_slice::<i32>(), order);
            assert_eq!(have[1].as_slice::<i32>(), [10]);
        }
    }

    #[test]
    fn slices_of_any_size_are_aligned() {
        let ty = Ty::new(DType::F32, Shape::new(&[3]).unwrap());
        let mut b = Graph::new();
        let (c, x) = (b.input(ty), b.input(ty));
        let sum = b.add(c, x).unwrap();
        let (scan, _) = Scan::new(b, 1, 1, &[sum, sum], 3, false).unwrap();
        let x = f32s(&[3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        let y = run(&scan, &[f32s(&[3], &[0.0; 3]), x]).unwrap();
        assert_eq!(y[0].as_slice::<f32>(), [12.0, 15.0, 18.0]);
        assert_eq!(y[1].as_slice::<f32>(), [1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 12.0, 15.0, 18.0]);
        assert_eq!(y[2].as_slice::<f32>(), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0]);
    }

    #[test]
    fn no_steps() {
        let y = run(&recurrence(0, false), &operands(0)).unwrap();
        assert_eq!(values(&y[0]), values(&noise(&[2, 3], 1)));
        assert_eq!(y[2].shape().dims(), [0, 2, 3]);
    }

    #[test]
    fn gradients_to_any_order() {
        for reverse in [false, true] {
            let x = operands(3);
            check_two_gradients(&x, &|g, v| Ok(g.apply(Arc::new(recurrence(3, reverse)), v)?[0]));
            check_two_gradients(&x, &|g, v| Ok(g.apply(Arc::new(recurrence(3, reverse)), v)?[2]));
        }
    }

    #[test]
    fn a_value_may_be_carried_and_returned() {
        let ty = Ty::new(DType::F64, Shape::new(&[2]).unwrap());
        let cumulative = |g: &mut Graph, v: &[Val]| {
            let mut b = Graph::new();
            let (c, x) = (b.input(ty), b.input(ty));
            let sum = b.add(c, x)?;
            let new = b.tanh(sum)?;
            let (scan, _) = Scan::new(b, 1, 1, &[new, new], 4, false)?;
            let results = g.apply(Arc::new(scan), v)?;
            g.add(results[0], results[1])
        };
        check_two_gradients(&[noise(&[2], 1), noise(&[4, 2], 2)], &cumulative);
    }

    #[test]
    fn variables_become_operands() {
        let ty = Ty::new(DType::F64, Shape::new(&[2]).unwrap());
        let variable = Variable::new("w", f64s(&[2], &[2.0, 3.0]));
        let mut b = Graph::new();
        let (c, w) = (b.input(ty), b.read(&variable));
        let product = b.mul(c, w).unwrap();
        let (scan, variables) = Scan::new(b, 1, 0, &[product], 3, false).unwrap();
        assert!(variables.len() == 1 && variables[0] == variable);
        let y = run(&scan, &[f64s(&[2], &[1.0, 1.0]), variable.value().unwrap()]).unwrap();
        assert_eq!(values(&y[0]), [8.0, 27.0]);
    }

    #[test]
    fn bad_arguments_are_named() {
        let mut b = Graph::new();
        let c = b.input(Ty::new(DType::F32, Shape::new(&[2]).unwrap()));
        let wider = b.cast(c, DType::F64).unwrap();
        let error = Scan::new(b, 1, 0, &[wider], 3, false).unwrap_err().to_string();
        assert_eq!(error, "scan: carry 0 begins as float32(2,), but the body returns float64(2,)");
        let x = operands(4).map(|t| t.ty());
        assert!(refusal(recurrence(5, false), &x).contains("operand 2 has type float64(4, 2, 3)"));
    }
}
