//! Optimizer updates: new states (weights and slots) from the old ones, the gradient and a step size, in one pass.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::{Body, Rect, TileIo, TileMut};
use dlrs_kernels::optim;

use super::tiles::{TILE, spans};
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, TileUpdate, Update, arity, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;
use crate::{DType, bail};

/// An update formula with `N` states: the weights first, then their slots.
pub trait Rule<const N: usize>: Clone + fmt::Debug + Send + Sync + 'static {
    /// The op's name.
    const NAME: &'static str;

    /// The hyperparameters that are part of the op.
    fn attributes(&self) -> Vec<f64>;

    /// The update in place, with the step size.
    fn step<T: Real>(&self, isa: Isa, states: [&mut [T]; N], gradient: &[T], step: f64);

    /// The new states in elementwise ops.
    ///
    /// # Errors
    /// What those ops say.
    fn define(&self, g: &mut Graph, states: [Val; N], gradient: Val, step: Val) -> Result<[Val; N]>;
}

/// A rule as an op. Operands: the states, the gradient, the step size (a scalar of the states' dtype); results: the new states.
#[derive(Clone, Debug)]
pub struct StateUpdate<R, const N: usize>(pub R);

/// Stochastic gradient descent: w ← w − lr·g. The step size is the learning rate.
#[derive(Clone, Debug)]
pub struct Sgd;

/// Momentum (Polyak 1964): v ← momentum·v − lr·g; w ← w + v. States w, v; the step size is the learning rate.
#[derive(Clone, Debug)]
pub struct Momentum {
    /// Share of the last velocity that is kept.
    pub momentum: f64,
}

/// Nesterov's momentum: v ← momentum·v − lr·g; w ← w + momentum·v − lr·g. States w, v; the step size is the learning rate.
#[derive(Clone, Debug)]
pub struct Nesterov {
    /// Share of the last velocity that is kept.
    pub momentum: f64,
}

/// RMSprop: v ← rho·v + (1 − rho)·g²; w ← w − lr·g/√(v + ε). States w, v; the step size is the learning rate.
#[derive(Clone, Debug)]
pub struct Rmsprop {
    /// Share of the last mean square that is kept.
    pub rho: f64,
    /// Added to the mean square.
    pub epsilon: f64,
}

/// RMSprop with momentum: v as in [`Rmsprop`]; m ← momentum·m + lr·g/√(v + ε); w ← w − m. States w, v, m.
#[derive(Clone, Debug)]
pub struct RmspropMomentum {
    /// Share of the last mean square that is kept.
    pub rho: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// Added to the mean square.
    pub epsilon: f64,
}

/// Adam (Kingma and Ba 2015): m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); w ← w − α·m/(√v + ε). States w, m, v; the step
/// size is α = lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ).
#[derive(Clone, Debug)]
pub struct Adam {
    /// Share of the last mean that is kept.
    pub beta_1: f64,
    /// Share of the last mean square that is kept.
    pub beta_2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

impl<R: Rule<N>, const N: usize> Op for StateUpdate<R, N> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.0.attributes().iter().for_each(|a| a.to_bits().hash(hasher));
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(R::NAME, inputs, N + 2)?;
        let (weights, step) = (inputs[0], inputs[N + 1]);
        if !weights.dtype.is_float() {
            bail!(Type, "{}: the weights have dtype {}; expected a floating-point dtype", R::NAME, weights.dtype);
        }
        if let Some((i, ty)) = inputs[..=N].iter().enumerate().find(|(_, ty)| **ty != weights) {
            let what = if i == N { "the gradient".to_string() } else { format!("slot {i}") };
            bail!("{}: {what} has type {ty}; expected the weights' type {weights}", R::NAME);
        }
        if step.dtype != weights.dtype || step.shape.rank() != 0 {
            bail!("{}: the step size has type {step}; expected a scalar of {}", R::NAME, weights.dtype);
        }
        Ok(vec![weights; N])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(R::NAME, "an update in place is the end of a step")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let size = cx.outputs[0].shape.size();
        let body: Body = match cx.outputs[0].dtype {
            DType::F32 => self.body::<f32>(cx.isa),
            _ => self.body::<f64>(cx.isa),
        };
        let pairs: Vec<(usize, usize)> = (0..N).map(|k| (k, k)).collect();
        let bytes = (2 * N + 1) * cx.outputs[0].bytes();
        let tiles = spans(size, TILE).map(|s| vec![Rect::flat(s.start, s.len()); N]).collect();
        Ok(Lowered { tiles, body, may_alias: pairs, cost: 20.0 + 0.01 * bytes as f64, ..Lowered::default() })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Update(self)
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        let states = std::array::from_fn(|k| inputs[k]);
        Ok(Some(self.0.define(g, states, inputs[N], inputs[N + 1])?.to_vec()))
    }
}

impl<R: Rule<N>, const N: usize> StateUpdate<R, N> {
    fn body<T: Real>(&self, isa: Isa) -> Body {
        let rule = self.0.clone();
        Arc::new(move |_, io| {
            let (start, len) = (io.rect(0).start, io.rect(0).cols);
            let gradient = &io.input::<T>(N)[start..start + len];
            update_tile(&rule, isa, io, gradient, 0, N + 1);
        })
    }
}

impl<R: Rule<N>, const N: usize> Update for StateUpdate<R, N> {
    fn gradient(&self) -> usize {
        N
    }

    fn tile_update(&self, _dtype: DType) -> TileUpdate {
        let rule = self.0.clone();
        Arc::new(move |io, gradient, first| update_tile(&rule, Isa::current(), io, gradient, first, first + N))
    }
}

/// Updates the states, inputs `first`.. of the step and its outputs, by a gradient whose rows touch; the step size is input `step`.
fn update_tile<R: Rule<N>, const N: usize, T: Real>(
    rule: &R,
    isa: Isa,
    io: &mut TileIo<'_>,
    gradient: &[T],
    first: usize,
    step: usize,
) {
    let step = io.input::<T>(step)[0].to_f64();
    let mut states: [TileMut<'_, T>; N] = std::array::from_fn(|k| io.update(first + k, k));
    if states.iter().all(TileMut::is_contiguous) {
        return rule.step(isa, states.each_mut().map(|s| s.as_slice()), gradient, step);
    }
    for (r, gradient) in gradient.chunks_exact(states[0].cols()).enumerate() {
        rule.step(isa, states.each_mut().map(|s| s.row(r)), gradient, step);
    }
}

impl Rule<1> for Sgd {
    const NAME: &'static str = "sgd_update";

    fn attributes(&self) -> Vec<f64> {
        Vec::new()
    }

    fn step<T: Real>(&self, isa: Isa, [w]: [&mut [T]; 1], gradient: &[T], step: f64) {
        optim::sgd(isa, w, gradient, step);
    }

    fn define(&self, g: &mut Graph, [w]: [Val; 1], gradient: Val, step: Val) -> Result<[Val; 1]> {
        let change = g.mul(gradient, step)?;
        Ok([g.sub(w, change)?])
    }
}

/// momentum·v − lr·g.
fn velocity(g: &mut Graph, momentum: f64, v: Val, gradient: Val, step: Val) -> Result<Val> {
    let kept = g.mul_scalar(v, momentum)?;
    let fresh = g.mul(gradient, step)?;
    g.sub(kept, fresh)
}

impl Rule<2> for Momentum {
    const NAME: &'static str = "momentum_update";

    fn attributes(&self) -> Vec<f64> {
        vec![self.momentum]
    }

    fn step<T: Real>(&self, isa: Isa, [w, v]: [&mut [T]; 2], gradient: &[T], step: f64) {
        let h = optim::Momentum { learning_rate: step, momentum: self.momentum };
        optim::sgd_momentum(isa, w, v, gradient, h);
    }

    fn define(&self, g: &mut Graph, [w, v]: [Val; 2], gradient: Val, step: Val) -> Result<[Val; 2]> {
        let v = velocity(g, self.momentum, v, gradient, step)?;
        Ok([g.add(w, v)?, v])
    }
}

impl Rule<2> for Nesterov {
    const NAME: &'static str = "nesterov_update";

    fn attributes(&self) -> Vec<f64> {
        vec![self.momentum]
    }

    fn step<T: Real>(&self, isa: Isa, [w, v]: [&mut [T]; 2], gradient: &[T], step: f64) {
        let h = optim::Momentum { learning_rate: step, momentum: self.momentum };
        optim::sgd_nesterov(isa, w, v, gradient, h);
    }

    fn define(&self, g: &mut Graph, [w, v]: [Val; 2], gradient: Val, step: Val) -> Result<[Val; 2]> {
        let v = velocity(g, self.momentum, v, gradient, step)?;
        let ahead = velocity(g, self.momentum, v, gradient, step)?;
        Ok([g.add(w, ahead)?, v])
    }
}

/// The new mean square, and lr·g/√(v + ε).
fn rms_step(g: &mut Graph, rho: f64, epsilon: f64, v: Val, gradient: Val, step: Val) -> Result<(Val, Val)> {
    let kept = g.mul_scalar(v, rho)?;
    let square = g.square(gradient)?;
    let fresh = g.mul_scalar(square, 1.0 - rho)?;
    let v = g.add(kept, fresh)?;
    let positive = g.add_scalar(v, epsilon)?;
    let root = g.sqrt(positive)?;
    let scaled = g.mul(gradient, step)?;
    Ok((v, g.div(scaled, root)?))
}

impl Rule<2> for Rmsprop {
    const NAME: &'static str = "rmsprop_update";

    fn attributes(&self) -> Vec<f64> {
        vec![self.rho, self.epsilon]
    }

    fn step<T: Real>(&self, isa: Isa, [w, v]: [&mut [T]; 2], gradient: &[T], step: f64) {
        let h = optim::RmsProp { learning_rate: step, rho: self.rho, momentum: 0.0, epsilon: self.epsilon };
        optim::rmsprop(isa, w, v, gradient, h);
    }

    fn define(&self, g: &mut Graph, [w, v]: [Val; 2], gradient: Val, step: Val) -> Result<[Val; 2]> {
        let (v, change) = rms_step(g, self.rho, self.epsilon, v, gradient, step)?;
        Ok([g.sub(w, change)?, v])
    }
}

impl Rule<3> for RmspropMomentum {
    const NAME: &'static str = "rmsprop_momentum_update";

    fn attributes(&self) -> Vec<f64> {
        vec![self.rho, self.momentum, self.epsilon]
    }

    fn step<T: Real>(&self, isa: Isa, [w, v, m]: [&mut [T]; 3], gradient: &[T], step: f64) {
        let h = optim::RmsProp { learning_rate: step, rho: self.rho, momentum: self.momentum, epsilon: self.epsilon };
        optim::rmsprop_momentum(isa, w, v, m, gradient, h);
    }

    fn define(&self, g: &mut Graph, [w, v, m]: [Val; 3], gradient: Val, step: Val) -> Result<[Val; 3]> {
        let (v, change) = rms_step(g, self.rho, self.epsilon, v, gradient, step)?;
        let kept = g.mul_scalar(m, self.momentum)?;
        let m = g.add(kept, change)?;
        Ok([g.sub(w, m)?, v, m])
    }
}

/// x + (1 − beta)·(y − x).
fn towards(g: &mut Graph, x: Val, y: Val, beta: f64) -> Result<Val> {
    let distance = g.sub(y, x)?;
    let part = g.mul_scalar(distance, 1.0 - beta)?;
    g.add(x, part)
}

impl Rule<3> for Adam {
    const NAME: &'static str = "adam_update";

    fn attributes(&self) -> Vec<f64> {
        vec![self.beta_1, self.beta_2, self.epsilon]
    }

    fn step<T: Real>(&self, isa: Isa, [w, m, v]: [&mut [T]; 3], gradient: &[T], step: f64) {
        let h = optim::Adam { alpha: step, beta_1: self.beta_1, beta_2: self.beta_2, epsilon: self.epsilon };
        optim::adam(isa, w, m, v, gradient, h);
    }

    fn define(&self, g: &mut Graph, [w, m, v]: [Val; 3], gradient: Val, step: Val) -> Result<[Val; 3]> {
        let m = towards(g, m, gradient, self.beta_1)?;
        let square = g.square(gradient)?;
        let v = towards(g, v, square, self.beta_2)?;
        let scaled = g.mul(m, step)?;
        let root = g.sqrt(v)?;
        let root = g.add_scalar(root, self.epsilon)?;
        let change = g.div(scaled, root)?;
        Ok([g.sub(w, change)?, m, v])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::shape::Shape;
    use crate::tensor::Tensor;

    fn check<R: Rule<N>, const N: usize>(rule: R) {
        let op = StateUpdate(rule);
        for shape in [&[3, 5][..], &[20_000], &[]] {
            for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-6)] {
                let mut inputs: Vec<Tensor> = (0..=N as u64).map(|i| cast(&noise(shape, i), dtype)).collect();
                // Mean squares are not negative.
                for slot in &mut inputs[1..N] {
                    let squares: Vec<f64> = values(slot).iter().map(|x| x * x).collect();
                    *slot = cast(&f64s(shape, &squares), dtype);
                }
                inputs.push(Tensor::scalar(dtype, 0.01).unwrap());
                let mut g = Graph::new();
                let args: Vec<Val> = inputs.iter().map(|x| g.constant(x.clone())).collect();
                let want = op.decompose(&mut g, &args).unwrap().unwrap();
                let want = eval(&g, &want).unwrap();
                for alias in [false, true] {
                    let have = run_aliased(&op, &inputs, alias).unwrap();
                    have.iter().zip(&want).for_each(|(have, want)| assert_close(have, want, tolerance));
                }
            }
        }
    }

    #[test]
    fn kernels_agree_with_the_definitions() {
        check::<_, 1>(Sgd);
        check::<_, 2>(Momentum { momentum: 0.9 });
        check::<_, 2>(Nesterov { momentum: 0.9 });
        check::<_, 2>(Rmsprop { rho: 0.9, epsilon: 1e-7 });
        check::<_, 3>(RmspropMomentum { rho: 0.9, momentum: 0.5, epsilon: 1e-7 });
        check::<_, 3>(Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 });
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
        let op = || StateUpdate::<_, 2>(Momentum { momentum: 0.9 });
        let (w, other, scalar) = (ty(&[2]), ty(&[3]), ty(&[]));
        let slot = refusal(op(), &[w, other, w, scalar]);
        assert_eq!(slot, "momentum_update: slot 1 has type float32(3,); expected the weights' type float32(2,)");
        assert!(refusal(op(), &[w, w, other, scalar]).contains("the gradient has type"));
        assert!(refusal(op(), &[w, w, w, w]).contains("the step size has type"));
    }

    #[test]
    fn hyperparameters_are_part_of_the_key() {
        let key = |momentum| {
            let mut hasher = KeyHasher::new();
            Op::key(&StateUpdate::<_, 2>(Momentum { momentum }), &mut hasher);
            hasher.key()
        };
        assert_ne!(key(0.9), key(0.5));
    }
}
