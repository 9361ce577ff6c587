//! Long short-term memory.

use std::hash::Hash;
use std::ops::Range;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::recurrent::{Float, LstmBackward as BackwardKernel, LstmForward as ForwardKernel, Part, Weights};

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
use crate::tensor::Ty;

const GATES: usize = 4;

/// i, f, o = σ(z + h·U), g = tanh(z + h·U), c' = f⊙c + i⊙g, h' = o⊙tanh(c') for every step.
///
/// Operands: z (batch, steps, 4·units) with the gates in the order i, f, g, o, h0 and c0 (batch, units), U (units, 4·units), a mask if
/// [`masked`](Steps::masked). Results: the states after each step, the last state, the last cell state; the gates and the cell states
/// of each step, from which the gradient starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lstm(pub Steps);

/// The gradient of [`Lstm`].
///
/// Operands: U, h0, c0, the states, gates and cell states of the steps, the gradients that are `given` of those with respect to the
/// states, the last state and the last cell state, and the mask. Results: the gradients with respect to z, h0 and c0; the states
/// before each step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct LstmGradient {
    steps: Steps,
    given: [bool; 3],
}

impl Op for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let sizes = check("lstm", inputs, GATES, &["h0", "c0"], self.0.masked, 0)?;
        let dtype = inputs[0].dtype;
        let (steps, state) = (sizes.steps(dtype, 1)?, sizes.state(dtype)?);
        Ok(vec![steps, state, state, sizes.steps(dtype, GATES)?, steps])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[3..].iter().any(Option::is_some) {
            return no_gradient("lstm", "of gradients of its own it has only those of its definition");
        }
        let given = [0, 1, 2].map(|i| d_outputs[i].is_some());
        let (x, y) = (node.inputs, node.outputs);
        let mut operands = vec![x[3], x[1], x[2], y[0], y[3], y[4]];
        operands.extend(d_outputs.iter().flatten());
        operands.extend(&x[4..]);
        let d = g.apply(std::sync::Arc::new(LstmGradient { steps: self.0, given }), &operands)?;
        let weights = weight_gradient(g, d[3], d[0], x.get(4).copied())?;
        let mut grads = vec![Some(d[0]), Some(d[1]), Some(d[2]), Some(weights)];
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
        let (carries, weights) = (&inputs[1..3], &inputs[3..4]);
        let (last, ys) = run_steps(g, self.0, carries, &inputs[..1], inputs.get(4).copied(), weights, &step)?;
        Ok(Some(vec![ys[0], last[0], last[1], ys[1], ys[2]]))
    }
}

/// One step by the definition.
fn step(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let (h, c) = (x.carries[0], x.carries[1]);
    let product = b.matmul(h, x.weights[0], false, false)?;
    let sums = b.add(x.xs[0], product)?;
    let sums = gates(b, sums, GATES)?;
    let (i, f, g, o) = (b.sigmoid(sums[0])?, b.sigmoid(sums[1])?, b.tanh(sums[2])?, b.sigmoid(sums[3])?);
    let (kept, added) = (b.mul(f, c)?, b.mul(i, g)?);
    let new_c = b.add(kept, added)?;
    let squashed = b.tanh(new_c)?;
    let new_h = b.mul(o, squashed)?;
    let (new_h, new_c) = (x.live(b, new_h, h)?, x.live(b, new_c, c)?);
    let all = b.concat(&[i, f, g, o], 1)?;
    let all = x.live_or_zero(b, all)?;
    Ok((vec![new_h, new_c], vec![new_h, all, new_c]))
}

impl Contraction for Lstm {
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

impl Lstm {
    /// How the recurrent weights are read.
    fn reading(&self, isa: Isa, sizes: Sizes) -> Reading {
        let Sizes { batch, time, units } = sizes;
        Reading { isa, layout: ForwardKernel::<f32>::weights(), units, operand: 3, products: batch * time }
    }

    /// Rows of the units in each result, per batch row.
    fn rows(time: usize) -> [usize; 5] {
        [time, 1, 1, GATES * time, time]
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
        let [sequence, last_h, last_c, gates, cells] = [0, 1, 2, 3, 4].map(|k| io.output::<T>(k));
        ForwardKernel {
            run: sizes.run(rows, reverse),
            z: (!io.is_in_place(0)).then(|| part(io.input(0), rows, GATES * time * u)),
            h0: part(io.input(1), rows, u),
            c0: part(io.input(2), rows, u),
            panels,
            mask: masked.then(|| part(io.input(4), rows, time)),
            sequence,
            last_h,
            last_c,
            gates,
            cells,
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
        lowered.scratch(most * size_of::<T>()).may_alias(&[(0, 3)])
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
        Ok(lowered.may_alias(&[(0, 3)]))
    }
}

impl Op for LstmGradient {
    fn name(&self) -> &'static str {
        "lstm_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (h0, sequence) = (inputs[1], inputs[3]);
        let gates = Sizes::of(h0, sequence).steps(h0.dtype, GATES)?;
        expect("lstm_gradient", "gates", inputs[4], gates)?;
        Ok(vec![gates, h0, h0, sequence])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[3]);
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
        let (h0, c0, sequence, cells) = (inputs[1], inputs[2], inputs[3], inputs[5]);
        let [d_sequence, d_h, d_c] = given(self.given, 6).map(|at| at.map(|at| inputs[at]));
        let states = states_before(g, self.steps, h0, sequence)?;
        let before = states_before(g, self.steps, c0, cells)?;
        let (d_h, d_c) = (d_h.map_or_else(|| g.zeros_like(h0), Ok)?, d_c.map_or_else(|| g.zeros_like(c0), Ok)?);
        let mask = self.steps.masked.then(|| inputs[inputs.len() - 1]);
        let mut xs = vec![written(g, inputs[4], mask)?, cells, before];
        xs.extend(d_sequence);
        let backward = Steps { reverse: !self.steps.reverse, ..self.steps };
        let (first, ys) = run_steps(g, backward, &[d_h, d_c], &xs, mask, &inputs[..1], &step_back)?;
        Ok(Some(vec![ys[0], first[0], first[1], states]))
    }
}

/// The gradient of one step by the definition.
fn step_back(b: &mut Graph, x: Arguments<'_>) -> Result<(Vec<Val>, Vec<Val>)> {
    let gate = gates(b, x.xs[0], GATES)?;
    let (i, f, g, o) = (gate[0], gate[1], gate[2], gate[3]);
    let (c, before) = (x.xs[1], x.xs[2]);
    let dh = plus(b, x.carries[0], x.xs.get(3).copied())?;
    let squashed = b.tanh(c)?;
    let through = b.mul(dh, o)?;
    let through = through_tanh(b, squashed, through)?;
    let dc = b.add(x.carries[1], through)?;
    let (di, df, dg, d_o) = (b.mul(dc, g)?, b.mul(dc, before)?, b.mul(dc, i)?, b.mul(dh, squashed)?);
    let dz =
        [through_sigmoid(b, i, di)?, through_sigmoid(b, f, df)?, through_tanh(b, g, dg)?, through_sigmoid(b, o, d_o)?];
    let dz = b.concat(&dz, 1)?;
    let dz = x.live_or_zero(b, dz)?;
    let product = b.matmul(dz, x.weights[0], false, true)?;
    let kept = b.mul(dc, f)?;
    Ok((vec![x.live(b, product, dh)?, x.live(b, kept, x.carries[1])?], vec![dz]))
}

impl Contraction for LstmGradient {
    fn accepts_consumer(&self, _: &[Ty]) -> bool {
        false
    }

    fn lower_with(&self, cx: &LowerCx<'_>, _: Option<TileConsumer>) -> Result<Lowered> {
        self.lower(cx)
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        self.reading(isa, Sizes::of(inputs[1], inputs[3])).packing(inputs)
    }

    fn preparation(&self, isa: Isa, inputs: &[Ty]) -> Option<Preparation> {
        self.reading(isa, Sizes::of(inputs[1], inputs[3])).preparation(inputs)
    }
}

impl LstmGradient {
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
        let [d_sequence, d_last_h, d_last_c] = given(self.given, 6);
        let mask = 6 + self.given.iter().filter(|&&given| given).count();
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (panels, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(own);
            let panels = reading.weights(packed, io, panels);
            let operand = |i: usize, width: usize| part(io.input::<T>(i), rows, width);
            let (h0, c0) = (operand(1, u), operand(2, u));
            let (sequence, gates, cells) = (operand(3, time * u), operand(4, GATES * time * u), operand(5, time * u));
            let d_sequence = d_sequence.map(|i| operand(i, time * u));
            let (d_last_h, d_last_c) = (d_last_h.map(|i| operand(i, u)), d_last_c.map(|i| operand(i, u)));
            let mask = masked.then(|| part(io.input(mask), rows, time));
            let [mut d_z, mut d_h0, mut d_c0, mut states] = [0, 1, 2, 3].map(|k| io.output::<T>(k));
            let backward = BackwardKernel {
                run: sizes.run(rows, reverse),
                panels,
                h0,
                c0,
                sequence,
                gates,
                cells,
                mask,
                d_sequence,
                d_last_h,
                d_last_c,
                d_z: d_z.as_slice(),
                d_h0: d_h0.as_slice(),
                d_c0: d_c0.as_slice(),
                states: states.as_slice(),
            };
            backward.run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let rows = [GATES * time, 1, 1, time];
        sizes.lower(&rows, sizes.work(GATES), body).scratch(most * size_of::<T>())
    }
}
