//! The simple recurrent network (Elman 1990): h' = a(z + h·U), a = tanh or max(·, 0).

use super::multiply::Multiply;
use super::steps::{Cell, Float, Pass, Place, Run, State, add_to, copy_rows, each_of_two, is_live, read, start, write};
use super::weights::{Layout, Weights};
use crate::isa::{Isa, Lanes};
use crate::mem::TileMut;

/// What is applied to the sums.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Activation {
    /// Hyperbolic tangent.
    Tanh,
    /// max(x, 0).
    Relu,
}

impl Activation {
    #[inline(always)]
    fn of<L: Lanes>(self, l: L, x: L::V) -> L::V {
        match self {
            Activation::Tanh => l.tanh(x),
            Activation::Relu => l.max(x, l.splat(L::T::default())),
        }
    }

    /// d ⊙ a', from a itself.
    #[inline(always)]
    fn backward<L: Lanes>(self, l: L, y: L::V, d: L::V) -> L::V {
        match self {
            Activation::Tanh => l.sub(d, l.mul(d, l.mul(y, y))),
            Activation::Relu => l.where_positive(y, d),
        }
    }
}

const FORWARD: Layout = Layout::Columns { first: 0 };

/// All steps forward, for rows that touch.
pub struct SimpleForward<'a, T> {
    /// Measures.
    pub run: Run,
    /// What is applied to the sums.
    pub activation: Activation,
    /// What the inputs contribute (rows, steps, units); none if that is what `sequence` holds.
    pub z: Option<&'a [T]>,
    /// The first state (rows, units).
    pub h0: &'a [T],
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// 0 where a state is carried on (rows, steps).
    pub mask: Option<&'a [u8]>,
    /// Receives the states after each step (rows, steps, units).
    pub sequence: &'a mut [T],
    /// Receives the last state (rows, units).
    pub last_h: &'a mut [T],
}

impl<T: Float> SimpleForward<'_, T> {
    /// How the recurrent weights (units × units) are packed.
    pub const fn weights() -> Layout {
        FORWARD
    }

    /// Elements of scratch.
    pub fn scratch_len(run: &Run) -> usize {
        2 * run.operand_len(run.units)
    }

    /// Runs it; `stop` is asked before each step whether to leave the rest undone.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run(self, isa: Isa, scratch: &mut [T], stop: &dyn Fn() -> bool) {
        let (run, panels, mask) = (self.run, self.panels, self.mask);
        T::steps(isa, (self, Pass { run, layout: Self::weights(), panels, mask, scratch, stop }));
    }

    /// The state of one row and a vector of units.
    #[inline(always)]
    fn finish<L: Lanes<T = T>>(
        &mut self,
        l: L,
        s: usize,
        at: Place,
        product: L::V,
        h: State<'_, T>,
        next: &mut TileMut<'_, T>,
    ) {
        let (run, u, Place { row, slot, j, n }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let at_sequence = run.at(row, place, u) + j;
        let h = if is_live(self.mask, &run, row, place) {
            let z = read(l, self.z.unwrap_or(self.sequence), at_sequence, n);
            self.activation.of(l, l.add(z, product))
        } else {
            h.read(l, at)
        };
        write(l, self.sequence, at_sequence, n, h);
        write(l, next.row(slot), j, n, h);
    }
}

impl<T: Float> Cell<T> for (SimpleForward<'_, T>, Pass<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, pass) = self;
        let (run, u) = (x.run, x.run.units);
        pass.forward::<M, 2>(
            m,
            x.h0,
            |_, _, _| {},
            #[inline(always)]
            |s, row, panel, product, h, next| {
                each_of_two(
                    u,
                    M::L::LANES,
                    panel,
                    row,
                    product,
                    #[inline(always)]
                    |place, sum| {
                        x.finish(m.lanes(), s, place, sum, h, next);
                    },
                );
            },
        );
        match run.time.checked_sub(1) {
            Some(last) => copy_rows((&x.sequence[run.place(last) * u..], run.time * u), (x.last_h, u), u, run.rows),
            None => x.last_h.copy_from_slice(x.h0),
        }
    }
}

/// All steps backward.
pub struct SimpleBackward<'a, T> {
    /// Measures of the forward pass.
    pub run: Run,
    /// As in the forward pass.
    pub activation: Activation,
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// As in the forward pass.
    pub h0: &'a [T],
    /// What the forward pass returned.
    pub sequence: &'a [T],
    /// As in the forward pass.
    pub mask: Option<&'a [u8]>,
    /// Gradient with respect to the sequence.
    pub d_sequence: Option<&'a [T]>,
    /// Gradient with respect to the last state.
    pub d_last_h: Option<&'a [T]>,
    /// Receives the gradient with respect to `z`.
    pub d_z: &'a mut [T],
    /// Receives the gradient with respect to `h0`.
    pub d_h0: &'a mut [T],
    /// Receives the states before each step (rows, steps, units).
    pub states: &'a mut [T],
}

impl<T: Float> SimpleBackward<'_, T> {
    /// How the recurrent weights (units × units) are packed.
    pub const fn weights(units: usize) -> Layout {
        Layout::Transposed { first: 0, columns: units }
    }

    /// Elements of scratch.
    pub fn scratch_len(run: &Run) -> usize {
        2 * run.operand_len(run.units)
    }

    /// Runs it; `stop` is asked before each step whether to leave the rest undone.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run(self, isa: Isa, scratch: &mut [T], stop: &dyn Fn() -> bool) {
        let (run, panels, mask) = (self.run, self.panels, self.mask);
        T::steps(isa, (self, Pass { run, layout: Self::weights(run.units), panels, mask, scratch, stop }));
    }

    /// The sum's gradient of one row and a vector of units; `d` is what the step after contributes to the state's gradient beyond what
    /// passed its mask.
    #[inline(always)]
    fn finish<L: Lanes<T = T>>(&mut self, l: L, s: usize, at: Place, d: L::V, now: &mut [T]) {
        let (run, u, Place { row, slot, j, n }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let (at, at_row) = (run.at(row, place, u) + j, row * u + j);
        let mut dh = l.add(read(l, self.d_h0, at_row, n), d);
        if let Some(d) = self.d_sequence {
            dh = l.add(dh, read(l, d, at, n));
        }
        let zero = l.splat(T::default());
        let (dz, passed) = if is_live(self.mask, &run, row, place) {
            let before = match s.checked_sub(1) {
                Some(before) => read(l, self.sequence, run.at(row, run.place(before), u) + j, n),
                None => read(l, self.h0, at_row, n),
            };
            write(l, self.states, at, n, before);
            let dz = self.activation.backward(l, read(l, self.sequence, at, n), dh);
            write(l, self.d_z, at, n, dz);
            (dz, zero)
        } else {
            (zero, dh)
        };
        write(l, self.d_h0, at_row, n, passed);
        write(l, now, slot * run.stride(u) + j, n, dz);
    }
}

impl<T: Float> Cell<T> for (SimpleBackward<'_, T>, Pass<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, pass) = self;
        let u = x.run.units;
        start(x.d_h0, x.d_last_h);
        pass.backward(
            m,
            u,
            |_, _, _| {},
            #[inline(always)]
            |s, place, d, now| match s {
                Some(s) => x.finish(m.lanes(), s, place, d, now),
                None => add_to(m.lanes(), x.d_h0, u, place, d),
            },
        );
    }
}
