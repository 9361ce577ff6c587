//! Gated recurrent units whose reset gate is applied after the recurrent product.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::recurrent::{Float, GruBackward as BackwardKernel, GruForward as ForwardKernel, Part, Weights};

use super::super::masked::masked_sum;
use super::super::{Contraction, FusionClass, Packing, Preparation, TileConsumer};
use super::super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use super::Steps;
use super::attributes::{Sizes, check, expect, given, part, weight_gradient, written};
use super::definition::{Arguments, gates, plus, run_steps, states_before, through_sigmoid, through_tanh};
use super::packed::Reading;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;

const GATES: usize = 3;

/// z, r = σ(x + h·U + b), n = h·U_n + b_n, g = tanh(x_g + r⊙n), h' = z⊙h + (1 − z)⊙g for every step.
///
/// Operands: x (batch, steps, 3·units) in the order z, r, g, h0 (batch, units), U (units, 3·units), b (3·units), a mask if
/// [`masked`](Steps::masked). Results: the states after each step and the last state; the gates and n of each step, from which the
/// gradient starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Gru(pub Steps);

/// The gradient of [`Gru`].
///
/// Operands: U, h0, the states, gates and n of the steps, the gradients that are `given` of those with respect to the states and the
/// last state, and the mask. Results: the gradients with respect to x, to the recurrent products and to h0; the states before each
/// step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct GruGradient {
    steps: Steps,
    given: [bool; 2],
}

impl Op for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let sizes = check("gru", inputs, GATES, &["h0"], self.0.masked, 1)?;
        let dtype = inputs[0].dtype;
        expect("gru", "recurrent_bias", inputs[3], Ty::new(dtype, Shape::new(&[GATES * sizes.units])?))?;
        let (steps, state) = (sizes.steps(dtype, 1)?, sizes.state(dtype)?);
        Ok(vec![steps, state, sizes.steps(dtype, GATES)?, steps])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[2..].iter().any(Option::is_some) {
            return no_gradient("gru", "of gradients of its own it has only those of its definition");
        }
        let given = [0, 1].map(|i| d_outputs[i].is_some());
        let (x, y, mask) = (node.inputs, node.outputs, node.inputs.get(4).copied());
        let mut operands = vec![x[2], x[1], y[0], y[2], y[3]];
        operands.extend(d_outputs.iter().flatten());
        operands.extend(&x[4..]);
        let d = g.apply(Arc::new(GruGradient { steps: self.0, given }), &operands)?;
        let weights = weight_gradient(g, d[3], d[1], mask)?;
        let bias = match mask {
            Some(mask) => masked_sum(g, d[1], mask)?,
            None => g.sum(d[1], &[0, 1], false)?,
        };
        let mut grads = vec![Some(d[0]), Some(d[2]), Some(weights), Some(bias)];
        grads.resize(x.len(), None);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[0]);
        if cx.inputs[1].dtype == DType::F64 {
            return Ok(self.lower_as::<f64>(cx, sizes));
        }
        match sizes.parts(cx.isa, ForwardKernel::<f32>::weights(), GATES) {
            Some(parts) if cx.packed => self.lower_parts(cx, sizes, parts),
            _ => Ok(self.lower_as::<f32>(cx, sizes)),
        }
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (carries, weights, mask) = (&inputs[1..2], &inputs[2..4], inputs.get(4).copied());
        let (last, ys) = run_steps(g, self.0, carries, &inputs[..1], mask, weights, &step)?;
        Ok(Some(vec![ys[0], last[0], ys[1], ys[2]]))
    }
}

/// One step by the definition.
fn step(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let h = x.carries[0];
    let product = b.matmul(h, x.weights[0], false, false)?;
    let product = b.add(product, x.weights[1])?;
    let (given, product) = (gates(b, x.xs[0], GATES)?, gates(b, product, GATES)?);
    let (z, r) = (b.add(given[0], product[0])?, b.add(given[1], product[1])?);
    let (z, r) = (b.sigmoid(z)?, b.sigmoid(r)?);
    let reset = b.mul(r, product[2])?;
    let sum = b.add(given[2], reset)?;
    let g = b.tanh(sum)?;
    let moved = b.sub(h, g)?;
    let kept = b.mul(z, moved)?;
    let new = b.add(kept, g)?;
    let all = b.concat(&[z, r, g], 1)?;
    let (new, all, candidate) = (x.live(b, new, h)?, x.live_or_zero(b, all)?, x.live_or_zero(b, product[2])?);
    Ok((vec![new], vec![new, all, candidate]))
}

impl Contraction for Gru {
    fn accepts_consumer(&self, _: &[Ty]) -> bool {
        false
    }

    fn lower_with(&self, cx: &LowerCx<'_>, _: Option<TileConsumer>) -> Result<Lowered> {
        self.lower(cx)
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        self.reading(isa, Sizes::of(inputs[1], inputs[0])).packing(inputs)
    }

    fn preparation(&self, isa: Isa, inputs: &[Ty]) -> Option<Preparation> {
        self.reading(isa, Sizes::of(inputs[1], inputs[0])).preparation(inputs)
    }
}

impl Gru {
    /// How the recurrent weights are read.
    fn reading(&self, isa: Isa, sizes: Sizes) -> Reading {
        let Sizes { batch, time, units } = sizes;
        Reading { isa, layout: ForwardKernel::<f32>::weights(), units, operand: 2, products: batch * time }
    }

    /// Rows of the units in each result, per batch row.
    fn rows(time: usize) -> [usize; 4] {
        [time, 1, GATES * time, time]
    }

    /// The forward pass over some rows.
    fn kernel<'a, T: Float>(
        self,
        sizes: Sizes,
        rows: &Range<usize>,
        io: &mut TileIo<'a>,
        panels: Weights<'a, T>,
    ) -> ForwardKernel<'a, T> {
        let (Steps { masked, reverse }, Sizes { time, units: u, .. }) = (self.0, sizes);
        let [sequence, last_h, gates, candidates] = [0, 1, 2, 3].map(|k| io.output::<T>(k));
        ForwardKernel {
            run: sizes.run(rows, reverse),
            z: (!io.is_in_place(0)).then(|| part(io.input(0), rows, GATES * time * u)),
            h0: part(io.input(1), rows, u),
            panels,
            bias: io.input(3),
            mask: masked.then(|| part(io.input(4), rows, time)),
            sequence,
            last_h,
            gates,
            candidates,
        }
    }

    /// Tiles of rows, each of which goes through all steps.
    fn lower_as<T: Float>(self, cx: &LowerCx<'_>, sizes: Sizes) -> Lowered {
        let (isa, packed, reading) = (cx.isa, cx.packed, self.reading(cx.isa, sizes));
        let own = reading.scratch_len::<T>(packed);
        let scratch = move |rows: &Range<usize>| own + ForwardKernel::<T>::scratch_len(&sizes.run(rows, false));
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (panels, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(own);
            let panels = reading.weights(packed, io, panels);
            self.kernel(sizes, rows, io, panels).run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let lowered = sizes.lower(&Self::rows(sizes.time), sizes.work(GATES), body);
        lowered.scratch(most * size_of::<T>()).may_alias(&[(0, 2)])
    }

    /// Tiles of units, which exchange their states after each step.
    fn lower_parts(self, cx: &LowerCx<'_>, sizes: Sizes, parts: Vec<Range<usize>>) -> Result<Lowered> {
        let (isa, reading) = (cx.isa, self.reading(cx.isa, sizes));
        let body = move |panels: &Range<usize>, io: &mut TileIo<'_>| {
            let weights = reading.weights::<f32>(true, io, &mut []);
            let (step, panels, run) = (io.round(), panels.clone(), sizes.run(&(0..sizes.batch), false));
            let (exchanged, next) = io.exchange();
            let before = if step == 0 { (io.input(1), sizes.units) } else { (exchanged, run.stride(sizes.units)) };
            let kernel = self.kernel(sizes, &(0..sizes.batch), io, weights);
            kernel.run_part(isa, Part { step, panels, before, next });
        };
        let lanes = <f32 as Float>::lanes(isa);
        let lowered = sizes.lower_parts(lanes, parts, &Self::rows(sizes.time), sizes.work(GATES), body)?;
        Ok(lowered.may_alias(&[(0, 2)]))
    }
}

impl Op for GruGradient {
    fn name(&self) -> &'static str {
        "gru_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (h0, sequence) = (inputs[1], inputs[2]);
        let gates = Sizes::of(h0, sequence).steps(h0.dtype, GATES)?;
        expect("gru_gradient", "gates", inputs[3], gates)?;
        Ok(vec![gates, gates, h0, sequence])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[2]);
        Ok(if cx.inputs[1].dtype == DType::F64 {
            self.lower_as::<f64>(cx, sizes)
        } else {
            self.lower_as::<f32>(cx, sizes)
        })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let (h0, sequence) = (inputs[1], inputs[2]);
        let [d_sequence, d_h] = given(self.given, 5).map(|at| at.map(|at| inputs[at]));
        let states = states_before(g, self.steps, h0, sequence)?;
        let d_h = d_h.map_or_else(|| g.zeros_like(h0), Ok)?;
        let mask = self.steps.masked.then(|| inputs[inputs.len() - 1]);
        let mut xs = vec![written(g, inputs[3], mask)?, written(g, inputs[4], mask)?, states];
        xs.extend(d_sequence);
        let backward = Steps { reverse: !self.steps.reverse, ..self.steps };
        let (first, ys) = run_steps(g, backward, &[d_h], &xs, mask, &inputs[..1], &step_back)?;
        Ok(Some(vec![ys[0], ys[1], first[0], states]))
    }
}

/// The gradient of one step by the definition.
fn step_back(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let gate = gates(b, x.xs[0], GATES)?;
    let (z, r, g) = (gate[0], gate[1], gate[2]);
    let (candidate, before) = (x.xs[1], x.xs[2]);
    let dh = plus(b, x.carries[0], x.xs.get(3).copied())?;
    let kept = b.mul(dh, z)?;
    let to_g = b.sub(dh, kept)?;
    let dg = through_tanh(b, g, to_g)?;
    let moved = b.sub(before, g)?;
    let (to_z, to_r, to_candidate) = (b.mul(dh, moved)?, b.mul(dg, candidate)?, b.mul(dg, r)?);
    let (dz, dr) = (through_sigmoid(b, z, to_z)?, through_sigmoid(b, r, to_r)?);
    let (dx, products) = (b.concat(&[dz, dr, dg], 1)?, b.concat(&[dz, dr, to_candidate], 1)?);
    let (dx, products) = (x.live_or_zero(b, dx)?, x.live_or_zero(b, products)?);
    let through = b.matmul(products, x.weights[0], false, true)?;
    let new = b.add(kept, through)?;
    Ok((vec![x.live(b, new, dh)?], vec![dx, products]))
}

impl Contraction for GruGradient {
    fn accepts_consumer(&self, _: &[Ty]) -> bool {
        false
    }

    fn lower_with(&self, cx: &LowerCx<'_>, _: Option<TileConsumer>) -> Result<Lowered> {
        self.lower(cx)
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        self.reading(isa, Sizes::of(inputs[1], inputs[2])).packing(inputs)
    }

    fn preparation(&self, isa: Isa, inputs: &[Ty]) -> Option<Preparation> {
        self.reading(isa, Sizes::of(inputs[1], inputs[2])).preparation(inputs)
    }
}

impl GruGradient {
    /// How the recurrent weights are read.
    fn reading(&self, isa: Isa, sizes: Sizes) -> Reading {
        let Sizes { batch, time, units } = sizes;
        Reading { isa, layout: BackwardKernel::<f32>::weights(units), units, operand: 0, products: batch * time }
    }

    fn lower_as<T: Float>(&self, cx: &LowerCx<'_>, sizes: Sizes) -> Lowered {
        let (isa, packed, reading) = (cx.isa, cx.packed, self.reading(cx.isa, sizes));
        let own = reading.scratch_len::<T>(packed);
        let Steps { masked, reverse } = self.steps;
        let Sizes { time, units: u, .. } = sizes;
        let scratch = move |rows: &Range<usize>| own + BackwardKernel::<T>::scratch_len(&sizes.run(rows, reverse));
        let [d_sequence, d_last_h] = given(self.given, 5);
        let mask = 5 + self.given.iter().filter(|&&given| given).count();
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (panels, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(own);
            let panels = reading.weights(packed, io, panels);
            let operand = |i: usize, width: usize| part(io.input::<T>(i), rows, width);
            let h0 = operand(1, u);
            let (sequence, gates, candidates) =
                (operand(2, time * u), operand(3, GATES * time * u), operand(4, time * u));
            let (d_sequence, d_last_h) = (d_sequence.map(|i| operand(i, time * u)), d_last_h.map(|i| operand(i, u)));
            let mask = masked.then(|| part(io.input(mask), rows, time));
            let [mut d_z, mut d_products, mut d_h0, mut states] = [0, 1, 2, 3].map(|k| io.output::<T>(k));
            let backward = BackwardKernel {
                run: sizes.run(rows, reverse),
                panels,
                h0,
                sequence,
                gates,
                candidates,
                mask,
                d_sequence,
                d_last_h,
                d_z: d_z.as_slice(),
                d_products: d_products.as_slice(),
                d_h0: d_h0.as_slice(),
                states: states.as_slice(),
            };
            backward.run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let rows = [GATES * time, GATES * time, 1, time];
        sizes.lower(&rows, sizes.work(GATES), body).scratch(most * size_of::<T>())
    }
}
