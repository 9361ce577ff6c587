//! Long short-term memory (Hochreiter and Schmidhuber 1997; with a forget gate: Gers, Schmidhuber and Cummins 2000).
//!
//! i, f, o = σ(z + h·U), g = tanh(z + h·U), c' = f⊙c + i⊙g, h' = o⊙tanh(c'); gates in the order i, f, g, o.

use super::ahead::{Address, Ahead, Lines, fetch};
use super::multiply::Multiply;
use super::steps::{Cell, Float, Part, Pass, Place, Round, Run, State, add_to, is_live, read, start, write};
use super::weights::{Layout, Weights};
use crate::isa::{Isa, Lanes};
use crate::mem::{Element, TileMut};

const GATES: usize = 4;
const FORWARD: Layout = Layout::Gates { gates: GATES };

/// Steps forward, for rows that touch: all steps, or one step of some units.
pub struct LstmForward<'a, T: Element> {
    /// Measures.
    pub run: Run,
    /// What the inputs contribute to the gates (rows, steps, 4·units); none if that is what `gates` holds.
    pub z: Option<&'a [T]>,
    /// The first state (rows, units).
    pub h0: &'a [T],
    /// The first cell state (rows, units).
    pub c0: &'a [T],
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// 0 where a state is carried on (rows, steps).
    pub mask: Option<&'a [u8]>,
    /// Receives the states after each step: rows times steps of the units.
    pub sequence: TileMut<'a, T>,
    /// Receives the last state: rows of the units.
    pub last_h: TileMut<'a, T>,
    /// Receives the last cell state: rows of the units.
    pub last_c: TileMut<'a, T>,
    /// Receives the gates of each step: rows times steps times gates of the units.
    pub gates: TileMut<'a, T>,
    /// Receives the cell states after each step: rows times steps of the units.
    pub cells: TileMut<'a, T>,
}

impl<T: Float> LstmForward<'_, T> {
    /// How the recurrent weights (units × 4·units) are packed.
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
}

impl<T: Float> Cell<T> for (LstmForward<'_, T>, Pass<'_, T>) {
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

impl<T: Float> Cell<T> for (LstmForward<'_, T>, Round<'_, T>) {
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

impl<T: Float> LstmForward<'_, T> {
    /// Where that lies which a vector of units will touch, in results that begin with unit `first`.
    fn ahead(&mut self, first: usize) -> Ahead<T> {
        let gates = match self.z {
            Some(z) => Lines::of(z, self.run.units, 0),
            None => Lines::of_tile(&mut self.gates, first),
        };
        let written = [Lines::of_tile(&mut self.sequence, first), Lines::of_tile(&mut self.cells, first)];
        Ahead { time: self.run.time, gates, count: GATES, written }
    }

    /// The last states, from what begins with unit `first`.
    fn copy_last(&mut self, first: usize) {
        let run = self.run;
        for row in 0..run.rows {
            let (h, c) = (self.last_h.row(row), self.last_c.row(row));
            match run.time.checked_sub(1) {
                Some(last) => {
                    let at = row * run.time + run.place(last);
                    h.copy_from_slice(self.sequence.row(at));
                    c.copy_from_slice(self.cells.row(at));
                }
                None => {
                    let units = row * run.units + first..row * run.units + first + h.len();
                    h.copy_from_slice(&self.h0[units.clone()]);
                    c.copy_from_slice(&self.c0[units]);
                }
            }
        }
    }

    /// The gates and states of one row and a vector of units, from the product of the state `h`. Results begin with unit `first`.
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
        let c = match s.checked_sub(1) {
            Some(before) => read(l, self.cells.row(row * run.time + run.place(before)), to, n),
            None => read(l, self.c0, row * u + j, n),
        };
        let (c, h) = if is_live(self.mask, &run, row, place) {
            let mut x = product;
            for g in 0..GATES {
                let z = match self.z {
                    Some(z) => read(l, z, (step * GATES + g) * u + j, n),
                    None => read(l, self.gates.row(step * GATES + g), to, n),
                };
                x[g] = l.add(z, x[g]);
            }
            let (i, f, g, o) = (l.sigmoid(x[0]), l.sigmoid(x[1]), l.tanh(x[2]), l.sigmoid(x[3]));
            let c = l.fma(f, c, l.mul(i, g));
            let gates = [i, f, g, o];
            for g in 0..GATES {
                write(l, self.gates.row(step * GATES + g), to, n, gates[g]);
            }
            (c, l.mul(o, l.tanh(c)))
        } else {
            (c, h.read(l, at))
        };
        write(l, self.cells.row(step), to, n, c);
        write(l, self.sequence.row(step), to, n, h);
        write(l, next.row(slot), to, n, h);
    }
}

/// All steps backward.
pub struct LstmBackward<'a, T> {
    /// Measures of the forward pass.
    pub run: Run,
    /// The recurrent weights, in [`weights`](Self::weights) if they are packed.
    pub panels: Weights<'a, T>,
    /// As in the forward pass.
    pub h0: &'a [T],
    /// As in the forward pass.
    pub c0: &'a [T],
    /// What the forward pass returned.
    pub sequence: &'a [T],
    /// What the forward pass returned.
    pub gates: &'a [T],
    /// What the forward pass returned.
    pub cells: &'a [T],
    /// As in the forward pass.
    pub mask: Option<&'a [u8]>,
    /// Gradient with respect to the sequence.
    pub d_sequence: Option<&'a [T]>,
    /// Gradient with respect to the last state.
    pub d_last_h: Option<&'a [T]>,
    /// Gradient with respect to the last cell state.
    pub d_last_c: Option<&'a [T]>,
    /// Receives the gradient with respect to `z`.
    pub d_z: &'a mut [T],
    /// Receives the gradient with respect to `h0`.
    pub d_h0: &'a mut [T],
    /// Receives the gradient with respect to `c0`.
    pub d_c0: &'a mut [T],
    /// Receives the states before each step (rows, steps, units).
    pub states: &'a mut [T],
}

impl<T: Float> LstmBackward<'_, T> {
    /// How the recurrent weights (units × 4·units) are packed.
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
}

impl<T: Float> Cell<T> for (LstmBackward<'_, T>, Pass<'_, T>) {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let (mut x, pass) = self;
        let (run, u) = (x.run, x.run.units);
        start(x.d_h0, x.d_last_h);
        start(x.d_c0, x.d_last_c);
        let gates = [Address::of(x.gates), Address::of(x.d_z)];
        let d_sequence = Address::of(x.d_sequence.unwrap_or(x.sequence));
        let states = [Address::of(x.cells), Address::of(x.states), d_sequence];
        pass.backward(
            m,
            GATES * u,
            #[inline(always)]
            |s, row, panel| {
                let (place, j) = (run.place(s), 2 * panel * M::L::LANES);
                for (x, g) in gates.iter().flat_map(|x| (0..GATES).map(move |g| (x, g))) {
                    fetch(m.lanes(), x, run.at(row, place, GATES * u) + g * u + j, 2);
                }
                states.iter().for_each(|x| fetch(m.lanes(), x, run.at(row, place, u) + j, 2));
            },
            #[inline(always)]
            |s, place, d, now| match s {
                Some(s) => x.finish(m.lanes(), s, place, d, now),
                None => add_to(m.lanes(), x.d_h0, u, place, d),
            },
        );
    }
}

impl<T: Float> LstmBackward<'_, T> {
    /// The gates' gradients of one row and a vector of units; `d` is what the step after contributes to the state's gradient beyond
    /// what passed its mask.
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
        let zero = l.splat(T::default());
        let mut dz = [zero; GATES];
        if is_live(self.mask, &run, row, place) {
            let (h_before, c_before) = match s.checked_sub(1) {
                Some(before) => {
                    let at = run.at(row, run.place(before), u) + j;
                    (read(l, self.sequence, at, n), read(l, self.cells, at, n))
                }
                None => (read(l, self.h0, at_row, n), read(l, self.c0, at_row, n)),
            };
            write(l, self.states, at, n, h_before);
            // No closure here: it would be compiled without the level's instructions.
            let (i, f) = (read(l, self.gates, at_z, n), read(l, self.gates, at_z + u, n));
            let (g, o) = (read(l, self.gates, at_z + 2 * u, n), read(l, self.gates, at_z + 3 * u, n));
            let tanh_c = l.tanh(read(l, self.cells, at, n));
            // dc' + dh⊙o⊙(1 − tanh² c')
            let through = l.mul(dh, o);
            let dc = l.add(read(l, self.d_c0, at_row, n), l.sub(through, l.mul(through, l.mul(tanh_c, tanh_c))));
            dz = [
                through_sigmoid(l, i, l.mul(dc, g)),
                through_sigmoid(l, f, l.mul(dc, c_before)),
                {
                    let d = l.mul(dc, i);
                    l.sub(d, l.mul(d, l.mul(g, g)))
                },
                through_sigmoid(l, o, l.mul(dh, tanh_c)),
            ];
            write(l, self.d_c0, at_row, n, l.mul(dc, f));
            for g in 0..GATES {
                write(l, self.d_z, at_z + g * u, n, dz[g]);
            }
            dh = zero;
        }
        write(l, self.d_h0, at_row, n, dh);
        for g in 0..GATES {
            write(l, now, at_now + g * u, n, dz[g]);
        }
    }
}

/// d ⊙ y ⊙ (1 − y): the gradient through a sigmoid, from its value.
#[inline(always)]
fn through_sigmoid<L: Lanes>(l: L, y: L::V, d: L::V) -> L::V {
    l.mul(d, l.sub(y, l.mul(y, y)))
}
