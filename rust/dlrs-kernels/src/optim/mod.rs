//! Fused optimizer updates: one pass over the weights, their slots and the gradient, in place. Formulas are Keras's.
//!
//! Every function takes slices of equal length, so an update is cut anywhere into tiles.

use crate::isa::{Isa, Kernel, Lanes, Real};

/// w ← w − lr·g.
pub fn sgd<T: Real>(isa: Isa, w: &mut [T], g: &[T], learning_rate: f64) {
    struct Rule(f64);
    impl<T: Real> Update<T, 1> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w]: [L::V; 1], g: L::V) -> [L::V; 1] {
            [l.sub(w, l.mul(l.splat(T::of(self.0)), g))]
        }
    }
    run(isa, [w], g, Rule(learning_rate));
}

/// Hyperparameters of stochastic gradient descent with momentum.
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// Step size.
    pub learning_rate: f64,
    /// Share of the last velocity that is kept.
    pub momentum: f64,
}

/// v ← momentum·v − lr·g; w ← w + v.
pub fn sgd_momentum<T: Real>(isa: Isa, w: &mut [T], v: &mut [T], g: &[T], h: Momentum) {
    struct Rule(Momentum);
    impl<T: Real> Update<T, 2> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w, v]: [L::V; 2], g: L::V) -> [L::V; 2] {
            let v = velocity(l, &self.0, v, g);
            [l.add(w, v), v]
        }
    }
    run(isa, [w, v], g, Rule(h));
}

/// Nesterov's momentum: v ← momentum·v − lr·g; w ← w + momentum·v − lr·g.
pub fn sgd_nesterov<T: Real>(isa: Isa, w: &mut [T], v: &mut [T], g: &[T], h: Momentum) {
    struct Rule(Momentum);
    impl<T: Real> Update<T, 2> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w, v]: [L::V; 2], g: L::V) -> [L::V; 2] {
            let v = velocity(l, &self.0, v, g);
            [l.add(w, velocity(l, &self.0, v, g)), v]
        }
    }
    run(isa, [w, v], g, Rule(h));
}

/// momentum·v − lr·g.
#[inline(always)]
fn velocity<T: Real, L: Lanes<T = T>>(l: L, h: &Momentum, v: L::V, g: L::V) -> L::V {
    l.sub(l.mul(l.splat(T::of(h.momentum)), v), l.mul(l.splat(T::of(h.learning_rate)), g))
}

/// Hyperparameters of RMSprop.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    /// Step size.
    pub learning_rate: f64,
    /// Share of the last mean square that is kept.
    pub rho: f64,
    /// Share of the last step that is kept, where there is momentum.
    pub momentum: f64,
    /// Added to the mean square.
    pub epsilon: f64,
}

/// v ← rho·v + (1 − rho)·g²; w ← w − lr·g/√(v + ε).
pub fn rmsprop<T: Real>(isa: Isa, w: &mut [T], v: &mut [T], g: &[T], h: RmsProp) {
    struct Rule(RmsProp);
    impl<T: Real> Update<T, 2> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w, v]: [L::V; 2], g: L::V) -> [L::V; 2] {
            let (v, step) = rms_step(l, &self.0, v, g);
            [l.sub(w, step), v]
        }
    }
    run(isa, [w, v], g, Rule(h));
}

/// As [`rmsprop`], with the steps gathered: m ← momentum·m + lr·g/√(v + ε); w ← w − m.
pub fn rmsprop_momentum<T: Real>(isa: Isa, w: &mut [T], v: &mut [T], m: &mut [T], g: &[T], h: RmsProp) {
    struct Rule(RmsProp);
    impl<T: Real> Update<T, 3> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w, v, m]: [L::V; 3], g: L::V) -> [L::V; 3] {
            let (v, step) = rms_step(l, &self.0, v, g);
            let m = l.add(l.mul(l.splat(T::of(self.0.momentum)), m), step);
            [l.sub(w, m), v, m]
        }
    }
    run(isa, [w, v, m], g, Rule(h));
}

/// The new mean square, and lr·g/√(v + ε).
#[inline(always)]
fn rms_step<T: Real, L: Lanes<T = T>>(l: L, h: &RmsProp, v: L::V, g: L::V) -> (L::V, L::V) {
    let fresh = l.mul(l.splat(T::of(1.0 - h.rho)), l.mul(g, g));
    let v = l.add(l.mul(l.splat(T::of(h.rho)), v), fresh);
    (v, l.div(l.mul(l.splat(T::of(h.learning_rate)), g), l.sqrt(l.add(v, l.splat(T::of(h.epsilon))))))
}

/// Hyperparameters of Adam.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) at step t.
    pub alpha: f64,
    /// Share of the last mean that is kept.
    pub beta_1: f64,
    /// Share of the last mean square that is kept.
    pub beta_2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

/// m ← m + (1 − β₁)·(g − m); v ← v + (1 − β₂)·(g² − v); w ← w − α·m/(√v + ε) (Kingma and Ba 2015, in the form at the end of their section 2).
pub fn adam<T: Real>(isa: Isa, w: &mut [T], m: &mut [T], v: &mut [T], g: &[T], h: Adam) {
    struct Rule(Adam);
    impl<T: Real> Update<T, 3> for Rule {
        #[inline(always)]
        fn update<L: Lanes<T = T>>(&self, l: L, [w, m, v]: [L::V; 3], g: L::V) -> [L::V; 3] {
            let h = &self.0;
            let m = l.add(m, l.mul(l.sub(g, m), l.splat(T::of(1.0 - h.beta_1))));
            let v = l.add(v, l.mul(l.sub(l.mul(g, g), v), l.splat(T::of(1.0 - h.beta_2))));
            let step = l.div(l.mul(m, l.splat(T::of(h.alpha))), l.add(l.sqrt(v), l.splat(T::of(h.epsilon))));
            [l.sub(w, step), m, v]
        }
    }
    run(isa, [w, m, v], g, Rule(h));
}

/// New values of the weight and its slots, in that order, from the old ones and the gradient.
trait Update<T: Real, const K: usize> {
    fn update<L: Lanes<T = T>>(&self, l: L, state: [L::V; K], g: L::V) -> [L::V; K];
}

struct Pass<'a, T, R, const K: usize> {
    state: [&'a mut [T]; K],
    g: &'a [T],
    rule: R,
}

fn run<T: Real, R: Update<T, K>, const K: usize>(isa: Isa, state: [&mut [T]; K], g: &[T], rule: R) {
    assert!(state.iter().all(|s| s.len() == g.len()), "weights, slots and gradient differ in length");
    T::run(isa, Pass { state, g, rule });
}

impl<T: Real, R: Update<T, K>, const K: usize> Kernel<T> for Pass<'_, T, R, K> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<T = T>>(self, l: L) {
        let n = self.g.len();
        let g = self.g.as_ptr();
        let state = self.state.map(|s| s.as_mut_ptr());
        let mut i = 0;
        // Loops over k, not `map` or `for_each`: what they call may not be inlined here, and would pass vectors through memory.
        // SAFETY: all slices have n elements, as `run` checked; i + LANES ≤ n in the loop and n − i are left after it.
        unsafe {
            while i + L::LANES <= n {
                let g = l.load(g.add(i));
                let mut old = [g; K];
                for k in 0..K {
                    old[k] = l.load(state[k].add(i));
                }
                let new = self.rule.update(l, old, g);
                for k in 0..K {
                    l.store(state[k].add(i), new[k]);
                }
                i += L::LANES;
            }
            if i < n {
                let zero = T::default();
                let old = state.map(|p| l.load_or(p.add(i), n - i, zero));
                let new = self.rule.update(l, old, l.load_or(g.add(i), n - i, zero));
                (0..K).for_each(|k| l.store_first(state[k].add(i), n - i, new[k]));
            }
        }
    }
}
