//! The coarse ops against their definitions, and their gradients.

use std::sync::Arc;

use dlrs_kernels::mem::set_threads;

use super::super::masked::live_rows;
use super::super::testing::*;
use super::super::{NodeRef, Op};
use super::gru::Gru;
use super::lstm::Lstm;
use super::reset_before::GruResetBefore;
use super::simple_rnn::SimpleRnn;
use super::{Activation, Steps};
use crate::DType;
use crate::autodiff::gradients;
use crate::graph::{Graph, Val};
use crate::plan::Plan;
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};

const KINDS: [&str; 5] = ["lstm", "gru", "gru_reset_before", "simple_tanh", "simple_relu"];

fn op(kind: &str, steps: Steps) -> Arc<dyn Op> {
    match kind {
        "lstm" => Arc::new(Lstm(steps)),
        "gru" => Arc::new(Gru(steps)),
        "gru_reset_before" => Arc::new(GruResetBefore(steps)),
        "simple_tanh" => Arc::new(SimpleRnn { steps, activation: Activation::Tanh }),
        _ => Arc::new(SimpleRnn { steps, activation: Activation::Relu }),
    }
}

/// The results that users see.
fn seen(kind: &str) -> usize {
    if kind == "lstm" { 3 } else { 2 }
}

/// Operands of a batch of `n`, with a mask that has rows without any live step and steps without any live row.
fn operands(kind: &str, (n, t, u): (usize, usize, usize), masked: bool) -> Vec<Tensor> {
    let gates = match kind {
        "lstm" => 4,
        "gru" | "gru_reset_before" => 3,
        _ => 1,
    };
    let mut x = vec![noise(&[n, t, gates * u], 1), noise(&[n, u], 2)];
    if kind == "lstm" {
        x.push(noise(&[n, u], 3));
    }
    x.push(noise(&[u, gates * u], 4));
    if kind == "gru" {
        x.push(noise(&[gates * u], 5));
    }
    if masked {
        let live = |row: usize, step: usize| u8::from(row % 4 != 3 && step != 1 && !(row + step).is_multiple_of(3));
        let mask: Vec<u8> = (0..n * t).map(|i| live(i / t.max(1), i % t.max(1))).collect();
        x.push(Tensor::from_slice(DType::Bool, &[n, t], &mask).unwrap());
    }
    x
}

fn all_steps() -> Vec<Steps> {
    [false, true].into_iter().flat_map(|masked| [false, true].map(|reverse| Steps { masked, reverse })).collect()
}

fn constants(g: &mut Graph, x: &[Tensor]) -> Vec<Val> {
    x.iter().map(|t| g.constant(t.clone())).collect()
}

/// Results of steps without what is left unwritten: that of denied steps is zero. The states are written, and tested as users see them.
fn written(results: Vec<Tensor>, mask: Option<&Tensor>) -> Vec<Tensor> {
    let Some(mask) = mask else { return results };
    let of_live = |x: Tensor| {
        if x.shape()[..].get(..2) != Some(&mask.shape()[..]) || x.shape().rank() != 3 {
            return x;
        }
        let width = x.shape()[2];
        let data = (0..x.shape().size()).map(|i| if mask.get(i / width) == 0.0 { 0.0 } else { x.get(i) });
        cast(&f64s(x.shape().dims(), &data.collect::<Vec<_>>()), x.dtype())
    };
    results.into_iter().map(of_live).collect()
}

/// An op on z whose denied steps are zeros: the gradient with respect to these is not written.
fn apply(g: &mut Graph, kind: &str, steps: Steps, v: &[Val]) -> crate::error::Result<Vec<Val>> {
    let mut v = v.to_vec();
    if steps.masked {
        v[0] = live_rows(g, v[0], v[v.len() - 1])?;
    }
    g.apply(op(kind, steps), &v)
}

#[test]
fn ops_do_what_their_definitions_say() {
    for (kind, steps) in KINDS.into_iter().flat_map(|kind| all_steps().into_iter().map(move |s| (kind, s))) {
        for sizes in [(2, 3, 5), (1, 1, 1), (3, 0, 4), (0, 2, 3), (37, 4, 18)] {
            let x = operands(kind, sizes, steps.masked);
            let op = op(kind, steps);
            let mask = steps.masked.then(|| x[x.len() - 1].clone());
            let have = written(run(&*op, &x).unwrap(), mask.as_ref());
            let mut g = Graph::new();
            let args = constants(&mut g, &x);
            let want = op.decompose(&mut g, &args).unwrap().unwrap();
            let want = written(eval(&g, &want).unwrap(), mask.as_ref());
            have.iter().zip(&want).for_each(|(have, want)| assert_close(have, want, 1e-13));
            let aliased = written(run_aliased(&*op, &x, true).unwrap(), mask.as_ref());
            aliased.iter().zip(&have).for_each(|(a, b)| assert_eq!(values(a), values(b)));
        }
    }
}

#[test]
fn singles_are_doubles_rounded() {
    for (kind, steps) in KINDS.into_iter().flat_map(|kind| all_steps().into_iter().map(move |s| (kind, s))) {
        for sizes in [(1, 3, 5), (37, 4, 18), (16, 3, 32), (7, 2, 70)] {
            let x = operands(kind, sizes, steps.masked);
            let single: Vec<Tensor> =
                x.iter().map(|x| if x.dtype() == DType::F64 { cast(x, DType::F32) } else { x.clone() }).collect();
            let both = [&x, &single].map(|x| forward_and_back(kind, steps, x));
            both[1].iter().zip(&both[0]).for_each(|(have, want)| assert_close(have, want, 2e-4));
        }
    }
}

/// The results and the gradients of all operands.
fn forward_and_back(kind: &str, steps: Steps, x: &[Tensor]) -> Vec<Tensor> {
    let mut g = Graph::new();
    let args = constants(&mut g, x);
    let y = apply(&mut g, kind, steps, &args).unwrap();
    let y = y[..seen(kind)].to_vec();
    let dtype = x[0].dtype();
    let d: Vec<Val> = (20..)
        .zip(&y)
        .map(|(seed, &y)| (seed, g.ty(y).shape))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(seed, shape)| g.constant(cast(&noise(&shape, seed), dtype)))
        .collect();
    let floats: Vec<Val> = args.iter().copied().filter(|&v| g.ty(v).dtype == dtype).collect();
    let grads = gradients(&mut g, &y, &d, &floats).unwrap();
    let wanted: Vec<Val> = y.into_iter().chain(grads.into_iter().flatten()).collect();
    eval(&g, &wanted).unwrap()
}

#[test]
fn gradients_are_those_of_the_definitions() {
    for (kind, steps) in KINDS.into_iter().flat_map(|kind| all_steps().into_iter().map(move |s| (kind, s))) {
        let x = operands(kind, (5, 4, 3), steps.masked);
        for result in 0..seen(kind) {
            check_gradient(&x, &|g, v| Ok(apply(g, kind, steps, v)?[result]));
        }
        // What the gradient takes of the forward pass has gradients, too.
        let small = operands(kind, (2, 3, 2), steps.masked);
        check_two_gradients(&small, &|g, v| {
            let y = apply(g, kind, steps, v)?;
            let last = g.ty(y[1]).shape;
            let last = g.reshape(y[1], Shape::new(&[last[0], 1, last[1]])?)?;
            g.add(y[0], last)
        });
    }
}

#[test]
fn the_gradient_op_does_what_its_definition_says() {
    for (kind, steps) in KINDS.into_iter().flat_map(|kind| all_steps().into_iter().map(move |s| (kind, s))) {
        let x = operands(kind, (3, 4, 5), steps.masked);
        let mut g = Graph::new();
        let args = constants(&mut g, &x);
        let op = op(kind, steps);
        let y = g.apply(Arc::clone(&op), &args).unwrap();
        let d: Vec<Option<Val>> = (0..y.len())
            .map(|i| (i < seen(kind)).then(|| g.constant(noise(&g.ty(y[i]).shape, 7 + i as u64))))
            .collect();
        let nodes = g.nodes().len();
        op.grad(&mut g, &NodeRef { inputs: &args, outputs: &y }, &d).unwrap();
        let gradient = g.nodes()[nodes].clone();
        let want = gradient.op.decompose(&mut g, &gradient.inputs).unwrap().unwrap();
        let mask = steps.masked.then(|| x[x.len() - 1].clone());
        let [have, want] = [&gradient.outputs, &want].map(|all| written(eval(&g, all).unwrap(), mask.as_ref()));
        have.iter().zip(&want).for_each(|(have, want)| assert_close(have, want, 1e-13));
    }
}

#[test]
fn rounds_over_parts_of_the_units_compute_what_tiles_of_rows_do() {
    for (kind, steps) in ["lstm", "gru"].into_iter().flat_map(|kind| all_steps().into_iter().map(move |s| (kind, s))) {
        for sizes in [(1, 6, 288), (8, 2, 170), (17, 2, 304)] {
            let x = operands(kind, sizes, steps.masked);
            let x: Vec<Tensor> =
                x.iter().map(|x| if x.dtype() == DType::F64 { cast(x, DType::F32) } else { x.clone() }).collect();
            let op = op(kind, steps);
            let want = run(&*op, &x).unwrap();
            for threads in [1, 3] {
                let mut g = Graph::new();
                let mut args = constants(&mut g, &x);
                args[0] = g.neg(args[0]).unwrap(); // a value that gives its memory to the gates
                args[0] = g.neg(args[0]).unwrap();
                let y = g.apply(Arc::clone(&op), &args).unwrap();
                let plan = Plan::build(&g, &[], &y[..seen(kind)]).unwrap();
                assert!(plan.kernels().iter().any(|kernel| kernel.algorithm == "in rounds"), "{kind} {sizes:?}");
                set_threads(threads);
                let have = plan.run(&[], None).unwrap();
                have.iter().zip(&want).for_each(|(have, want)| assert_eq!(values(have), values(want)));
            }
        }
    }
}

#[test]
fn bad_operands_are_named() {
    let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
    let plain = Steps::default();
    let state = ty(&[2, 4]);
    assert_eq!(
        refusal(Lstm(plain), &[ty(&[2, 3, 15]), state, state, ty(&[4, 16])]),
        "lstm: z has shape (2, 3, 15); expected (batch, steps, 4 * units)"
    );
    assert_eq!(
        refusal(Lstm(plain), &[ty(&[2, 3, 16]), state, ty(&[2, 5]), ty(&[4, 16])]),
        "lstm: c0 has shape (2, 5); expected (2, 4)"
    );
    assert_eq!(
        refusal(Gru(plain), &[ty(&[2, 3, 12]), state, ty(&[4, 12]), ty(&[11])]),
        "gru: recurrent_bias has shape (11,); expected (12,)"
    );
    let masked = Steps { masked: true, ..plain };
    assert_eq!(
        refusal(GruResetBefore(masked), &[ty(&[2, 3, 12]), state, ty(&[4, 12]), ty(&[2, 3])]),
        "gru: mask has dtype float32; expected bool"
    );
}
