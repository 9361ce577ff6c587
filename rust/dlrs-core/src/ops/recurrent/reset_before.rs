//! Gated recurrent units whose reset gate is applied to the state before the recurrent product.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::recurrent::{Float, ResetBeforeBackward as BackwardKernel, ResetBeforeForward as ForwardKernel};

use super::super::slice::Span;
use super::super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use super::Steps;
use super::attributes::{Sizes, check, expect, given, part, weight_gradient, written};
use super::definition::{Arguments, gates, plus, run_steps, states_before, through_sigmoid, through_tanh};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;

const GATES: usize = 3;

/// z, r = σ(x + h·U), g = tanh(x_g + (r⊙h)·U_g), h' = z⊙h + (1 − z)⊙g for every step.
///
/// Operands: x (batch, steps, 3·units) in the order z, r, g, h0 (batch, units), U (units, 3·units), a mask if
/// [`masked`](Steps::masked). Results: the states after each step and the last state; the gates and r⊙h of each step, from which the
/// gradient starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GruResetBefore(pub Steps);

/// The gradient of [`GruResetBefore`].
///
/// Operands: U, h0, the states and gates of the steps, the gradients that are `given` of those with respect to the states and the last
/// state, and the mask. Results: the gradients with respect to x and h0; the states before each step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct GruResetBeforeGradient {
    steps: Steps,
    given: [bool; 2],
}

impl Op for GruResetBefore {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let sizes = check("gru", inputs, GATES, &["h0"], self.0.masked, 0)?;
        let dtype = inputs[0].dtype;
        let (steps, state) = (sizes.steps(dtype, 1)?, sizes.state(dtype)?);
        Ok(vec![steps, state, sizes.steps(dtype, GATES)?, steps])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[2..].iter().any(Option::is_some) {
            return no_gradient("gru", "of gradients of its own it has only those of its definition");
        }
        let given = [0, 1].map(|i| d_outputs[i].is_some());
        let (x, y, mask) = (node.inputs, node.outputs, node.inputs.get(3).copied());
        let mut operands = vec![x[2], x[1], y[0], y[2]];
        operands.extend(d_outputs.iter().flatten());
        operands.extend(&x[3..]);
        let d = g.apply(Arc::new(GruResetBeforeGradient { steps: self.0, given }), &operands)?;
        let (all, units) = (g.ty(d[0]).shape, g.ty(d[2]).shape[2]);
        let mut columns =
            |first: usize, n: usize| g.slice(d[0], &[Span::all(all[0]), Span::all(all[1]), Span::range(first, n)]);
        let (d_zr, d_g) = (columns(0, 2 * units)?, columns(2 * units, units)?);
        let weights = [weight_gradient(g, d[2], d_zr, mask)?, weight_gradient(g, y[3], d_g, mask)?];
        let weights = g.concat(&weights, 1)?;
        let mut grads = vec![Some(d[0]), Some(d[1]), Some(weights)];
        grads.resize(x.len(), None);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[0]);
        Ok(if cx.inputs[0].dtype == DType::F64 {
            self.lower_as::<f64>(cx.isa, sizes)
        } else {
            self.lower_as::<f32>(cx.isa, sizes)
        })
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (carries, weights, mask) = (&inputs[1..2], &inputs[2..3], inputs.get(3).copied());
        let (last, ys) = run_steps(g, self.0, carries, &inputs[..1], mask, weights, &step)?;
        Ok(Some(vec![ys[0], last[0], ys[1], ys[2]]))
    }
}

/// The weights of z and r, and those of g.
fn parts(b: &mut Graph, weights: Val) -> Result<[Val; 2]> {
    let units = b.ty(weights).shape[0];
    let mut columns = |first: usize, n: usize| b.slice(weights, &[Span::all(units), Span::range(first, n)]);
    Ok([columns(0, 2 * units)?, columns(2 * units, units)?])
}

/// One step by the definition.
fn step(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let h = x.carries[0];
    let [w_zr, w_g] = parts(b, x.weights[0])?;
    let given = gates(b, x.xs[0], GATES)?;
    let product = b.matmul(h, w_zr, false, false)?;
    let product = gates(b, product, 2)?;
    let (z, r) = (b.add(given[0], product[0])?, b.add(given[1], product[1])?);
    let (z, r) = (b.sigmoid(z)?, b.sigmoid(r)?);
    let reset = b.mul(r, h)?;
    let product = b.matmul(reset, w_g, false, false)?;
    let sum = b.add(given[2], product)?;
    let g = b.tanh(sum)?;
    let moved = b.sub(h, g)?;
    let kept = b.mul(z, moved)?;
    let new = b.add(kept, g)?;
    let all = b.concat(&[z, r, g], 1)?;
    let (new, all, reset) = (x.live(b, new, h)?, x.live_or_zero(b, all)?, x.live_or_zero(b, reset)?);
    Ok((vec![new], vec![new, all, reset]))
}

impl GruResetBefore {
    fn lower_as<T: Float>(&self, isa: Isa, sizes: Sizes) -> Lowered {
        let Steps { masked, reverse } = self.0;
        let Sizes { time, units: u, .. } = sizes;
        let layouts = ForwardKernel::<T>::weights(u);
        let packed = layouts.map(|layout| layout.len::<T>(isa, u));
        let run_len = move |rows: &Range<usize>| ForwardKernel::<T>::scratch_len(&sizes.run(rows, reverse));
        let scratch = move |rows: &Range<usize>| packed[0] + packed[1] + run_len(rows);
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (zr, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(packed[0]);
            let (g, rest) = rest.split_at_mut(packed[1]);
            layouts[0].pack(isa, u, io.input(2), zr);
            layouts[1].pack(isa, u, io.input(2), g);
            let z = (!io.is_in_place(0)).then(|| part(io.input(0), rows, GATES * time * u));
            let [mut sequence, mut last_h, mut gates, mut resets] = [0, 1, 2, 3].map(|k| io.output::<T>(k));
            let forward = ForwardKernel {
                run: sizes.run(rows, reverse),
                z,
                h0: part(io.input(1), rows, u),
                panels: [zr, g],
                mask: masked.then(|| part(io.input(3), rows, time)),
                sequence: sequence.as_slice(),
                last_h: last_h.as_slice(),
                gates: gates.as_slice(),
                resets: resets.as_slice(),
            };
            forward.run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let rows = [time, 1, GATES * time, time];
        sizes.lower(&rows, sizes.work(GATES), body).scratch(most * size_of::<T>()).may_alias(&[(0, 2)])
    }
}

impl Op for GruResetBeforeGradient {
    fn name(&self) -> &'static str {
        "gru_reset_before_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (h0, sequence) = (inputs[1], inputs[2]);
        let gates = Sizes::of(h0, sequence).steps(h0.dtype, GATES)?;
        expect("gru_reset_before_gradient", "gates", inputs[3], gates)?;
        Ok(vec![gates, h0, sequence])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[2]);
        Ok(if cx.inputs[0].dtype == DType::F64 {
            self.lower_as::<f64>(cx.isa, sizes)
        } else {
            self.lower_as::<f32>(cx.isa, sizes)
        })
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (h0, sequence) = (inputs[1], inputs[2]);
        let [d_sequence, d_h] = given(self.given, 4).map(|at| at.map(|at| inputs[at]));
        let states = states_before(g, self.steps, h0, sequence)?;
        let d_h = d_h.map_or_else(|| g.zeros_like(h0), Ok)?;
        let mask = self.steps.masked.then(|| inputs[inputs.len() - 1]);
        let mut xs = vec![written(g, inputs[3], mask)?, states];
        xs.extend(d_sequence);
        let backward = Steps { reverse: !self.steps.reverse, ..self.steps };
        let (first, ys) = run_steps(g, backward, &[d_h], &xs, mask, &inputs[..1], &step_back)?;
        Ok(Some(vec![ys[0], first[0], states]))
    }
}

/// The gradient of one step by the definition.
fn step_back(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let gate = gates(b, x.xs[0], GATES)?;
    let (z, r, g, before) = (gate[0], gate[1], gate[2], x.xs[1]);
    let [w_zr, w_g] = parts(b, x.weights[0])?;
    let dh = plus(b, x.carries[0], x.xs.get(2).copied())?;
    let kept = b.mul(dh, z)?;
    let to_g = b.sub(dh, kept)?;
    let dg = through_tanh(b, g, to_g)?;
    let moved = b.sub(before, g)?;
    let to_z = b.mul(dh, moved)?;
    let d_reset = b.matmul(dg, w_g, false, true)?;
    let to_r = b.mul(d_reset, before)?;
    let (dz, dr) = (through_sigmoid(b, z, to_z)?, through_sigmoid(b, r, to_r)?);
    let zr = b.concat(&[dz, dr], 1)?;
    let through = b.matmul(zr, w_zr, false, true)?;
    let through_reset = b.mul(d_reset, r)?;
    let new = b.add(kept, through)?;
    let new = b.add(new, through_reset)?;
    let dx = b.concat(&[dz, dr, dg], 1)?;
    Ok((vec![x.live(b, new, dh)?], vec![x.live_or_zero(b, dx)?]))
}

impl GruResetBeforeGradient {
    fn lower_as<T: Float>(&self, isa: Isa, sizes: Sizes) -> Lowered {
        let Steps { masked, reverse } = self.steps;
        let Sizes { time, units: u, .. } = sizes;
        let layouts = BackwardKernel::<T>::weights(u);
        let packed = layouts.map(|layout| layout.len::<T>(isa, u));
        let run_len = move |rows: &Range<usize>| BackwardKernel::<T>::scratch_len(&sizes.run(rows, reverse));
        let scratch = move |rows: &Range<usize>| packed[0] + packed[1] + run_len(rows);
        let [d_sequence, d_last_h] = given(self.given, 4);
        let mask = 4 + self.given.iter().filter(|&&given| given).count();
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (zr, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(packed[0]);
            let (g, rest) = rest.split_at_mut(packed[1]);
            layouts[0].pack(isa, u, io.input(0), zr);
            layouts[1].pack(isa, u, io.input(0), g);
            let operand = |i: usize, width: usize| part(io.input::<T>(i), rows, width);
            let h0 = operand(1, u);
            let (sequence, gates) = (operand(2, time * u), operand(3, GATES * time * u));
            let (d_sequence, d_last_h) = (d_sequence.map(|i| operand(i, time * u)), d_last_h.map(|i| operand(i, u)));
            let mask = masked.then(|| part(io.input(mask), rows, time));
            let [mut d_z, mut d_h0, mut states] = [0, 1, 2].map(|k| io.output::<T>(k));
            let backward = BackwardKernel {
                run: sizes.run(rows, reverse),
                panels: [zr, g],
                h0,
                sequence,
                gates,
                mask,
                d_sequence,
                d_last_h,
                d_z: d_z.as_slice(),
                d_h0: d_h0.as_slice(),
                states: states.as_slice(),
            };
            backward.run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let rows = [GATES * time, 1, time];
        sizes.lower(&rows, sizes.work(GATES), body).scratch(most * size_of::<T>())
    }
}
