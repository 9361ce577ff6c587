//! Eager execution: an op on concrete tensors is a graph of one node, planned once per op, shapes and dtypes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::Result;
use crate::graph::Graph;
use crate::key::{Key, KeyHasher};
use crate::ops::{FusionClass, Op};
use crate::plan::{Interrupted, Plan};
use crate::tensor::{Tensor, Ty};

/// Plans kept for eager ops; when there are more, all are dropped and made anew.
const MAX_PLANS: usize = 4096;

thread_local! {
    static PLANS: RefCell<HashMap<Key, Rc<Plan>>> = RefCell::new(HashMap::new());
}

/// Runs `op` on concrete tensors.
///
/// # Errors
/// What the op says of its operands, or of their values.
pub fn apply(op: &Arc<dyn Op>, inputs: &[&Tensor], interrupted: Interrupted<'_>) -> Result<Vec<Tensor>> {
    if let FusionClass::View = op.fusion_class() {
        let shape = op.infer(&[inputs[0].ty()])?[0].shape;
        return Ok(vec![inputs[0].with_shape(shape)]);
    }
    let plan = plan(op, inputs)?;
    let mut feeds: [&[u8]; 8] = [&[]; 8];
    if inputs.len() <= feeds.len() {
        inputs.iter().zip(&mut feeds).for_each(|(t, feed)| *feed = t.bytes());
        return plan.run(&feeds[..inputs.len()], interrupted);
    }
    plan.run(&inputs.iter().map(|t| t.bytes()).collect::<Vec<_>>(), interrupted)
}

/// Estimated time of `op` on one thread, in nanoseconds.
///
/// # Errors
/// As [`apply`].
pub fn cost(op: &Arc<dyn Op>, inputs: &[&Tensor]) -> Result<f64> {
    Ok(plan(op, inputs)?.cost())
}

fn plan(op: &Arc<dyn Op>, inputs: &[&Tensor]) -> Result<Rc<Plan>> {
    let mut hasher = KeyHasher::new();
    op.name().hash(&mut hasher);
    op.key(&mut hasher);
    inputs.iter().for_each(|t| t.ty().hash(&mut hasher));
    let key = hasher.key();
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(&key).cloned()) {
        return Ok(plan);
    }
    let types: Vec<Ty> = inputs.iter().map(|t| t.ty()).collect();
    let plan = Rc::new(one_node(Arc::clone(op), &types)?);
    PLANS.with_borrow_mut(|plans| {
        if plans.len() >= MAX_PLANS {
            plans.clear();
        }
        plans.insert(key, Rc::clone(&plan));
    });
    Ok(plan)
}

fn one_node(op: Arc<dyn Op>, types: &[Ty]) -> Result<Plan> {
    let mut g = Graph::new();
    let inputs: Vec<_> = types.iter().map(|&ty| g.input(ty)).collect();
    let outputs = g.apply(op, &inputs)?;
    Plan::build(&g, &inputs, &outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::ops::{Ewise, matmul::MatMul};
    use dlrs_kernels::elementwise::BinaryOp;

    fn run(op: impl Op, inputs: &[&Tensor]) -> Tensor {
        let op: Arc<dyn Op> = Arc::new(op);
        apply(&op, inputs, None).unwrap().remove(0)
    }

    #[test]
    fn ops_broadcast_and_multiply() {
        let a = Tensor::from_slice(DType::F32, &[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let b = Tensor::from_slice(DType::F32, &[3], &[10.0f32, 20.0, 30.0]).unwrap();
        let sum = run(Ewise::Binary(BinaryOp::Add), &[&a, &b]);
        assert_eq!(sum.as_slice::<f32>(), [11.0, 22.0, 33.0, 14.0, 25.0, 36.0]);
        let product = run(MatMul { transpose_a: false, transpose_b: true }, &[&a, &a]);
        assert_eq!(product.as_slice::<f32>(), [14.0, 32.0, 32.0, 77.0]);
        let less = run(Ewise::Binary(BinaryOp::Lt), &[&a, &b]);
        assert_eq!(less.dtype(), DType::Bool);
        assert_eq!(less.as_slice::<u8>(), [1; 6]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let a = Tensor::zeros(Ty::new(DType::F32, crate::Shape::new(&[2, 3]).unwrap())).unwrap();
        let op: Arc<dyn Op> = Arc::new(MatMul { transpose_a: false, transpose_b: false });
        let error = apply(&op, &[&a, &a], None).unwrap_err();
        assert!(error.to_string().contains("(2, 3)") && error.to_string().contains("matmul"), "{error}");
    }
}
