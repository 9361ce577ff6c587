//! Gated recurrent units (Cho et al. 2014, arXiv 1406.1078) whose reset gate is applied after the recurrent product.
//!
//! z, r = σ(x + h·U + b), n = h·U_n + b_n, g = tanh(x_g + r⊙n), h' = z⊙h + (1 − z)⊙g; columns in the order z, r, g.

use super::ahead::{Address, Ahead, Lines, fetch};
use super::multiply::Multiply;
use super::steps::{Cell, Float, Part, Pass, Place, Round, Run, State, add_to, is_live, read, start, write};
use super::weights::{Layout, Weights};
use crate::isa::{Isa, Lanes};
use crate::mem::{Element, TileMut};

const GATES: usize = 3;
const FORWARD: Layout = Layout::Gates { gates: GATES };

/// Steps forward, for rows that touch: all steps, or one step of some units.
pub struct GruForward<'a, T: Element> {
    /// Measures.
    pub run: Run,
    /// What the inputs contribute to the gates (rows, steps, 3·units); none if that is what `gates` holds.
    pub z: Option<&'a [T]>,
    /// The first state (rows, units).
    pub h0: &'a [T],
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// What is added to the recurrent products (3·units).
    pub bias: &'a [T],
    /// 0 where a state is carried on (rows, steps).
    pub mask: Option<&'a [u8]>,
    /// Receives the states after each step: rows times steps of the units.
    pub sequence: TileMut<'a, T>,
    /// Receives the last state: rows of the units.
    pub last_h: TileMut<'a, T>,
    /// Receives the gates of each step: rows times steps times gates of the units.
    pub gates: TileMut<'a, T>,
    /// Receives n of each step: rows times steps of the units.
    pub candidates: TileMut<'a, T>,
}

impl<T: Float> GruForward<'_, T> {
    /// How the recurrent weights (units × 3·units) are packed.
    pub const fn weights() -> Layout {
        FORWARD
    }

    /// Elements of scratch.
    pub fn scratch_len(run: &Run) -> usize {
        2 * run.operand_len(run.units)
    }

    /// Runs all steps; `stop` is asked before each whether to leave the rest undone.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run(self, isa: Isa, scratch: &mut [T], stop: &dyn Fn() -> bool) {
        let (run, panels, mask) = (self.run, self.panels, self.mask);
        T::steps(isa, (self, Pass { run, layout: Self::weights(), panels, mask, scratch, stop }));
    }

    /// Runs the step of the part. Results have the part's units alone; what the steps before left in them is there still.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run_part(self, isa: Isa, part: Part<'_, T>) {
        let (run, weights, mask) = (self.run, self.panels, self.mask);
        T::steps(isa, (self, Round { run, layout: Self::weights(), weights, mask, part }));
    }

    /// Where that lies which a vector of units will touch, in results that begin with unit `first`.
    fn ahead(&mut self, first: usize) -> Ahead<T> {
        let gates = match self.z {
            Some(z) => Lines::of(z, self.run.units, 0),
            None => Lines::of_tile(&mut self.gates, first),
        };
        let written = [Lines::of_tile(&mut self.sequence, first), Lines::of_tile(&mut self.candidates, first)];
        Ahead { time: self.run.time, gates, count: GATES, written }
    }

    /// The last state, from what begins with unit `first`.
    fn copy_last(&mut self, first: usize) {
        let run = self.run;
        for row in 0..run.rows {
            let h = self.last_h.row(row);
            match run.time.checked_sub(1) {
                Some(last) => h.copy_from_slice(self.sequence.row(row * run.time + run.place(last))),
                None => h.copy_from_slice(&self.h0[row * run.units + first..][..h.len()]),
            }
        }
    }

    /// The gates and the state of one row and a vector of units, from the product of the state `h`. Results begin with unit `first`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // a closure's arguments
    fn finish<L: Lanes<T = T>>(
        &mut self,
        l: L,
        s: usize,
        first: usize,
        at: Place,
        product: [L::V; GATES],
        h: State<'_, T>,
        next: &mut TileMut<'_, T>,
    ) {
        let (run, u, Place { row, slot, j, n }) = (self.run, self.run.units, at);
        let (place, to) = (run.place(s), j - first);
        let step = row * run.time + place;
        let before = h.read(l, at);
        let h = if is_live(self.mask, &run, row, place) {
            let (mut x, mut product) = (product, product);
            for g in 0..GATES {
                x[g] = match self.z {
                    Some(z) => read(l, z, (step * GATES + g) * u + j, n),
                    None => read(l, self.gates.row(step * GATES + g), to, n),
                };
                product[g] = l.add(product[g], read(l, self.bias, g * u + j, n));
            }
            let (z, r) = (l.sigmoid(l.add(x[0], product[0])), l.sigmoid(l.add(x[1], product[1])));
            let g = l.tanh(l.fma(r, product[2], x[2]));
            let gates = [z, r, g];
            for g in 0..GATES {
                write(l, self.gates.row(step * GATES + g), to, n, gates[g]);
            }
            write(l, self.candidates.row(step), to, n, product[2]);
            l.fma(z, l.sub(before, g), g)
        } else {
            before
        };
        write(l, self.sequence.row(step), to, n, h);
        write(l, next.row(slot), to, n, h);
    }
}

impl<T: Float> Cell<T> for (GruForward<'_, T>, Pass<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, pass) = self;
        let (run, u, ahead) = (x.run, x.run.units, x.ahead(0));
        pass.forward::<M, GATES>(
            m,
            x.h0,
            #[inline(always)]
            |s, row, panel| ahead.fetch(m.lanes(), run.place(s), row, panel * M::L::LANES),
            #[inline(always)]
            |s, row, panel, product, h, next| {
                let place = Place::of_panel(m.lanes(), row, panel, u);
                x.finish(m.lanes(), s, 0, place, product, h, next);
            },
        );
        x.copy_last(0);
    }
}

impl<T: Float> Cell<T> for (GruForward<'_, T>, Round<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, round) = self;
        let (run, u, s, first) = (x.run, x.run.units, round.part.step, round.part.panels.start * M::L::LANES);
        let ahead = x.ahead(first);
        round.forward::<M, GATES>(
            m,
            #[inline(always)]
            |s, row, panel| ahead.fetch(m.lanes(), run.place(s), row, panel * M::L::LANES),
            #[inline(always)]
            |s, row, panel, product, h, next| {
                let place = Place::of_panel(m.lanes(), row, panel, u);
                x.finish(m.lanes(), s, first, place, product, h, next);
            },
        );
        if s + 1 == run.time {
            x.copy_last(first);
        }
    }
}

/// All steps backward.
pub struct GruBackward<'a, T> {
    /// Measures of the forward pass.
    pub run: Run,
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// As in the forward pass.
    pub h0: &'a [T],
    /// What the forward pass returned.
    pub sequence: &'a [T],
    /// What the forward pass returned.
    pub gates: &'a [T],
    /// What the forward pass returned.
    pub candidates: &'a [T],
    /// As in the forward pass.
    pub mask: Option<&'a [u8]>,
    /// Gradient with respect to the sequence.
    pub d_sequence: Option<&'a [T]>,
    /// Gradient with respect to the last state.
    pub d_last_h: Option<&'a [T]>,
    /// Receives the gradient with respect to `z`.
    pub d_z: &'a mut [T],
    /// Receives the gradient with respect to the recurrent products (rows, steps, 3·units).
    pub d_products: &'a mut [T],
    /// Receives the gradient with respect to `h0`.
    pub d_h0: &'a mut [T],
    /// Receives the states before each step (rows, steps, units).
    pub states: &'a mut [T],
}

impl<T: Float> GruBackward<'_, T> {
    /// How the recurrent weights (units × 3·units) are packed.
    pub const fn weights(units: usize) -> Layout {
        Layout::Transposed { first: 0, columns: GATES * units }
    }

    /// Elements of scratch.
    pub fn scratch_len(run: &Run) -> usize {
        2 * run.operand_len(GATES * run.units)
    }

    /// Runs it; `stop` is asked before each step whether to leave the rest undone.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run(self, isa: Isa, scratch: &mut [T], stop: &dyn Fn() -> bool) {
        let (run, panels, mask) = (self.run, self.panels, self.mask);
        T::steps(isa, (self, Pass { run, layout: Self::weights(run.units), panels, mask, scratch, stop }));
    }

    /// The gates' gradients of one row and a vector of units; `d` is what the products of the step after contribute to the state's
    /// gradient.
    #[inline(always)]
    fn finish<L: Lanes<T = T>>(&mut self, l: L, s: usize, at: Place, d: L::V, now: &mut [T]) {
        let (run, u, Place { row, slot, j, n }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let (at_z, at, at_row) = (run.at(row, place, GATES * u) + j, run.at(row, place, u) + j, row * u + j);
        let at_now = slot * run.stride(GATES * u) + j;
        let mut dh = l.add(read(l, self.d_h0, at_row, n), d);
        if let Some(d) = self.d_sequence {
            dh = l.add(dh, read(l, d, at, n));
        }
        let mut products = [l.splat(T::default()); GATES];
        if is_live(self.mask, &run, row, place) {
            let before = match s.checked_sub(1) {
                Some(before) => read(l, self.sequence, run.at(row, run.place(before), u) + j, n),
                None => read(l, self.h0, at_row, n),
            };
            write(l, self.states, at, n, before);
            let z = read(l, self.gates, at_z, n);
            let r = read(l, self.gates, at_z + u, n);
            let g = read(l, self.gates, at_z + 2 * u, n);
            let candidate = read(l, self.candidates, at, n);
            let (slope_z, slope_r) = (l.sub(z, l.mul(z, z)), l.sub(r, l.mul(r, r)));
            let to_z = l.mul(dh, z);
            let to_g = l.sub(dh, to_z);
            let dg = l.sub(to_g, l.mul(to_g, l.mul(g, g)));
            let (d_z, d_r) = (l.mul(dh, l.sub(before, g)), l.mul(dg, candidate));
            let dx = [l.mul(d_z, slope_z), l.mul(d_r, slope_r), dg];
            products = [dx[0], dx[1], l.mul(dg, r)];
            for g in 0..GATES {
                write(l, self.d_z, at_z + g * u, n, dx[g]);
                write(l, self.d_products, at_z + g * u, n, products[g]);
            }
            dh = to_z;
        }
        write(l, self.d_h0, at_row, n, dh);
        for g in 0..GATES {
            write(l, now, at_now + g * u, n, products[g]);
        }
    }
}

impl<T: Float> Cell<T> for (GruBackward<'_, T>, Pass<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, pass) = self;
        let (run, u) = (x.run, x.run.units);
        start(x.d_h0, x.d_last_h);
        let gates = [Address::of(x.gates), Address::of(x.d_z), Address::of(x.d_products)];
        let d_sequence = Address::of(x.d_sequence.unwrap_or(x.sequence));
        let states = [Address::of(x.candidates), Address::of(x.states), d_sequence];
        pass.backward(
            m,
            GATES * u,
            #[inline(always)]
            |s, row, panel| {
                let (place, j) = (run.place(s), 2 * panel * M::L::LANES);
                for x in &gates {
                    for g in 0..GATES {
                        fetch(m.lanes(), x, run.at(row, place, GATES * u) + g * u + j, 2);
                    }
                }
                for x in &states {
                    fetch(m.lanes(), x, run.at(row, place, u) + j, 2);
                }
            },
            #[inline(always)]
            |s, place, d, now| match s {
                Some(s) => x.finish(m.lanes(), s, place, d, now),
                None => add_to(m.lanes(), x.d_h0, u, place, d),
            },
        );
    }
}
