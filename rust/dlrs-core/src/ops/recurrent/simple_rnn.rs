//! The simple recurrent network.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::recurrent::{Activation, Float, SimpleBackward as BackwardKernel, SimpleForward as ForwardKernel};

use super::super::{Contraction, FusionClass, Packing, Preparation, TileConsumer};
use super::super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use super::Steps;
use super::attributes::{Sizes, check, expect, given, part, weight_gradient};
use super::definition::{Arguments, plus, run_steps, states_before, through_tanh};
use super::packed::Reading;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;

/// h' = a(z + h·U) for every step.
///
/// Operands: z (batch, steps, units), h0 (batch, units), U (units, units), a mask if [`masked`](Steps::masked). Results: the states
/// after each step, the last state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SimpleRnn {
    /// How it goes through the steps.
    pub steps: Steps,
    /// a.
    pub activation: Activation,
}

/// The gradient of [`SimpleRnn`].
///
/// Operands: U, h0, the states, the gradients that are `given` of those with respect to the states and the last state, and the mask.
/// Results: the gradients with respect to z and h0; the states before each step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct SimpleRnnGradient {
    forward: SimpleRnn,
    given: [bool; 2],
}

impl Op for SimpleRnn {
    fn name(&self) -> &'static str {
        "simple_rnn"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let sizes = check("simple_rnn", inputs, 1, &["h0"], self.steps.masked, 0)?;
        Ok(vec![sizes.steps(inputs[0].dtype, 1)?, sizes.state(inputs[0].dtype)?])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let given = [0, 1].map(|i| d_outputs[i].is_some());
        let (x, y) = (node.inputs, node.outputs);
        let mut operands = vec![x[2], x[1], y[0]];
        operands.extend(d_outputs.iter().flatten());
        operands.extend(&x[3..]);
        let d = g.apply(Arc::new(SimpleRnnGradient { forward: *self, given }), &operands)?;
        let weights = weight_gradient(g, d[2], d[0], x.get(3).copied())?;
        let mut grads = vec![Some(d[0]), Some(d[1]), Some(weights)];
        grads.resize(x.len(), None);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let sizes = Sizes::of(cx.inputs[1], cx.inputs[0]);
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
        let activation = self.activation;
        let step = |b: &mut Graph, x: Arguments<'_>| {
            let product = b.matmul(x.carries[0], x.weights[0], false, false)?;
            let sum = b.add(x.xs[0], product)?;
            let new = match activation {
                Activation::Tanh => b.tanh(sum)?,
                Activation::Relu => {
                    let zero = b.scalar_like(sum, 0.0)?;
                    let positive = b.greater(sum, zero)?;
                    b.select(positive, sum, zero)?
                }
            };
            let new = x.live(b, new, x.carries[0])?;
            Ok((vec![new], vec![new]))
        };
        let (mask, weights) = (inputs.get(3).copied(), &inputs[2..3]);
        let (last, ys) = run_steps(g, self.steps, &inputs[1..2], &inputs[..1], mask, weights, &step)?;
        Ok(Some(vec![ys[0], last[0]]))
    }
}

impl Contraction for SimpleRnn {
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

impl SimpleRnn {
    /// How the recurrent weights are read.
    fn reading(&self, isa: Isa, sizes: Sizes) -> Reading {
        let Sizes { batch, time, units } = sizes;
        Reading { isa, layout: ForwardKernel::<f32>::weights(), units, operand: 2, products: batch * time }
    }

    fn lower_as<T: Float>(&self, cx: &LowerCx<'_>, sizes: Sizes) -> Lowered {
        let (isa, packed, reading) = (cx.isa, cx.packed, self.reading(cx.isa, sizes));
        let own = reading.scratch_len::<T>(packed);
        let (Steps { masked, reverse }, activation) = (self.steps, self.activation);
        let Sizes { time, units: u, .. } = sizes;
        let scratch = move |rows: &Range<usize>| own + ForwardKernel::<T>::scratch_len(&sizes.run(rows, reverse));
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (panels, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(own);
            let panels = reading.weights(packed, io, panels);
            let z = (!io.is_in_place(0)).then(|| part(io.input(0), rows, time * u));
            let [mut sequence, mut last_h] = [0, 1].map(|k| io.output::<T>(k));
            let forward = ForwardKernel {
                run: sizes.run(rows, reverse),
                activation,
                z,
                h0: part(io.input(1), rows, u),
                panels,
                mask: masked.then(|| part(io.input(3), rows, time)),
                sequence: sequence.as_slice(),
                last_h: last_h.as_slice(),
            };
            forward.run(isa, rest, &|| io.should_stop());
        };
        let most = sizes.tiles().first().map_or(0, scratch);
        let lowered = sizes.lower(&[time, 1], sizes.work(1), body);
        lowered.scratch(most * size_of::<T>()).may_alias(&[(0, 0)])
    }
}

impl Op for SimpleRnnGradient {
    fn name(&self) -> &'static str {
        "simple_rnn_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let (h0, sequence) = (inputs[1], inputs[2]);
        expect(self.name(), "sequence", sequence, Sizes::of(h0, sequence).steps(h0.dtype, 1)?)?;
        Ok(vec![sequence, h0, sequence])
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
        let (steps, activation) = (self.forward.steps, self.forward.activation);
        let (h0, sequence) = (inputs[1], inputs[2]);
        let [d_sequence, d_h] = given(self.given, 3).map(|at| at.map(|at| inputs[at]));
        let states = states_before(g, steps, h0, sequence)?;
        let d_h = d_h.map_or_else(|| g.zeros_like(h0), Ok)?;
        let mut xs = vec![sequence];
        xs.extend(d_sequence);
        let step = |b: &mut Graph, x: Arguments<'_>| {
            let dh = plus(b, x.carries[0], x.xs.get(1).copied())?;
            let dz = match activation {
                Activation::Tanh => through_tanh(b, x.xs[0], dh)?,
                Activation::Relu => {
                    let zero = b.scalar_like(dh, 0.0)?;
                    let positive = b.greater(x.xs[0], zero)?;
                    b.select(positive, dh, zero)?
                }
            };
            let dz = x.live_or_zero(b, dz)?;
            let product = b.matmul(dz, x.weights[0], false, true)?;
            Ok((vec![x.live(b, product, dh)?], vec![dz]))
        };
        let mask = steps.masked.then(|| inputs[inputs.len() - 1]);
        let backward = Steps { reverse: !steps.reverse, ..steps };
        let (first, ys) = run_steps(g, backward, &[d_h], &xs, mask, &inputs[..1], &step)?;
        Ok(Some(vec![ys[0], first[0], states]))
    }
}

impl Contraction for SimpleRnnGradient {
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

impl SimpleRnnGradient {
    /// How the recurrent weights are read.
    fn reading(&self, isa: Isa, sizes: Sizes) -> Reading {
        let Sizes { batch, time, units } = sizes;
        Reading { isa, layout: BackwardKernel::<f32>::weights(units), units, operand: 0, products: batch * time }
    }

    fn lower_as<T: Float>(&self, cx: &LowerCx<'_>, sizes: Sizes) -> Lowered {
        let (isa, packed, reading) = (cx.isa, cx.packed, self.reading(cx.isa, sizes));
        let own = reading.scratch_len::<T>(packed);
        let (Steps { masked, reverse }, activation) = (self.forward.steps, self.forward.activation);
        let Sizes { time, units: u, .. } = sizes;
        let scratch = move |rows: &Range<usize>| own + BackwardKernel::<T>::scratch_len(&sizes.run(rows, reverse));
        let [d_sequence, d_last_h] = given(self.given, 3);
        let mask = 3 + self.given.iter().filter(|&&given| given).count();
        let body = move |rows: &Range<usize>, io: &mut TileIo<'_>| {
            let (panels, rest) = io.scratch::<T>(scratch(rows)).split_at_mut(own);
            let panels = reading.weights(packed, io, panels);
            let operand = |i: usize, width: usize| part(io.input::<T>(i), rows, width);
            let (h0, sequence) = (operand(1, u), operand(2, time * u));
            let (d_sequence, d_last_h) = (d_sequence.map(|i| operand(i, time * u)), d_last_h.map(|i| operand(i, u)));
            let mask = masked.then(|| part(io.input(mask), rows, time));
            let [mut d_z, mut d_h0, mut states] = [0, 1, 2].map(|k| io.output::<T>(k));
            let backward = BackwardKernel {
                run: sizes.run(rows, reverse),
                activation,
                panels,
                h0,
                sequence,
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
        let rows = [time, 1, time];
        sizes.lower(&rows, sizes.work(1), body).scratch(most * size_of::<T>())
    }
}
