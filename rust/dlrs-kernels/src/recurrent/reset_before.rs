//! Gated recurrent units whose reset gate is applied to the state before the recurrent product, as they were first defined.
//!
//! z, r = σ(x + h·U), g = tanh(x_g + (r⊙h)·U_g), h' = z⊙h + (1 − z)⊙g; columns in the order z, r, g. A step is two products.

use super::multiply::Multiply;
use super::steps::{
    Cell, Float, Order, Place, Product, Run, add_to, any_live, copy_rows, each_of_two, is_live, multiply, read, start,
    write,
};
use super::weights::{Layout, Weights};
use crate::isa::{Isa, Lanes};

const GATES: usize = 3;

/// All steps forward, for rows that touch.
pub struct ResetBeforeForward<'a, T> {
    /// Measures.
    pub run: Run,
    /// What the inputs contribute to the gates (rows, steps, 3·units); none if that is what `gates` holds.
    pub z: Option<&'a [T]>,
    /// The first state (rows, units).
    pub h0: &'a [T],
    /// The recurrent weights in each of the [`weights`](Self::weights).
    pub panels: [&'a [T]; 2],
    /// 0 where a state is carried on (rows, steps).
    pub mask: Option<&'a [u8]>,
    /// Receives the states after each step (rows, steps, units).
    pub sequence: &'a mut [T],
    /// Receives the last state (rows, units).
    pub last_h: &'a mut [T],
    /// Receives the gates of each step (rows, steps, 3·units).
    pub gates: &'a mut [T],
    /// Receives r⊙h of each step (rows, steps, units).
    pub resets: &'a mut [T],
}

impl<T: Float> ResetBeforeForward<'_, T> {
    /// How the recurrent weights (units × 3·units) are packed: for z and r, and for g.
    pub const fn weights(units: usize) -> [Layout; 2] {
        [Layout::Gates { gates: 2 }, Layout::Columns { first: 2 * units }]
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
        T::steps(isa, Pass { x: self, scratch, stop });
    }

    /// z, r and r⊙h of one row and a vector of units, from the product of the state `h`.
    #[inline(always)]
    fn gates<L: Lanes<T = T>>(&mut self, l: L, s: usize, at: Place, product: [L::V; 2], h: &[T], reset: &mut [T]) {
        let (run, u, Place { row, j, n, .. }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let (at_gates, at_h) = (run.at(row, place, GATES * u) + j, row * run.stride(u) + j);
        let mut reset_h = l.splat(T::default());
        if is_live(self.mask, &run, row, place) {
            let mut gates = product;
            for g in 0..2 {
                let x = read(l, self.z.unwrap_or(self.gates), at_gates + g * u, n);
                gates[g] = l.sigmoid(l.add(x, product[g]));
                write(l, self.gates, at_gates + g * u, n, gates[g]);
            }
            reset_h = l.mul(gates[1], read(l, h, at_h, n));
            write(l, self.resets, run.at(row, place, u) + j, n, reset_h);
        }
        write(l, reset, at_h, n, reset_h);
    }

    /// g and the state of one row and a vector of units, from the product of r⊙h.
    #[inline(always)]
    fn state<L: Lanes<T = T>>(&mut self, l: L, s: usize, Place { row, j, n, .. }: Place, product: L::V, h: &mut [T]) {
        let (run, u) = (self.run, self.run.units);
        let place = run.place(s);
        let (at_gates, at_h) = (run.at(row, place, GATES * u) + j, row * run.stride(u) + j);
        let before = read(l, h, at_h, n);
        let state = if is_live(self.mask, &run, row, place) {
            let x = read(l, self.z.unwrap_or(self.gates), at_gates + 2 * u, n);
            let g = l.tanh(l.add(x, product));
            write(l, self.gates, at_gates + 2 * u, n, g);
            l.fma(read(l, self.gates, at_gates, n), l.sub(before, g), g)
        } else {
            before
        };
        write(l, self.sequence, run.at(row, place, u) + j, n, state);
        write(l, h, at_h, n, state);
    }
}

/// A pass with its scratch memory, and who is asked whether to stop.
struct Pass<'a, X, T> {
    x: X,
    scratch: &'a mut [T],
    stop: &'a dyn Fn() -> bool,
}

impl<T: Float> Cell<T> for Pass<'_, ResetBeforeForward<'_, T>, T> {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let Pass { mut x, scratch, stop } = self;
        let (run, panels, mask, l) = (x.run, x.panels, x.mask, m.lanes());
        let (u, stride, layouts) = (run.units, run.stride(run.units), ResetBeforeForward::<T>::weights(run.units));
        let (h, reset) = scratch.split_at_mut(run.operand_len(u));
        let order = Order::plain();
        copy_rows((x.h0, u), (h, stride), u, run.rows);
        for s in 0..run.time {
            if stop() {
                return;
            }
            let live = any_live(mask, &run, &order, s);
            multiply::<M, 2>(
                m,
                &run,
                Some(Product { a: &*h, stride, k: u, panels: Weights::Packed(panels[0]) }),
                layouts[0],
                0..layouts[0].count(M::L::LANES, u),
                &live,
                |_, _| {},
                #[inline(always)]
                |row, panel, product| {
                    let place = Place::of_panel(l, (row, row), panel, u);
                    x.gates(l, s, place, product, h, reset);
                },
            );
            multiply::<M, 2>(
                m,
                &run,
                Some(Product { a: &*reset, stride, k: u, panels: Weights::Packed(panels[1]) }),
                layouts[1],
                0..layouts[1].count(M::L::LANES, u),
                &live,
                |_, _| {},
                #[inline(always)]
                |row, panel, product| {
                    each_of_two(
                        u,
                        M::L::LANES,
                        panel,
                        (row, row),
                        product,
                        #[inline(always)]
                        |place, sum| x.state(l, s, place, sum, h),
                    );
                },
            );
        }
        copy_rows((h, stride), (x.last_h, u), u, run.rows);
    }
}

/// All steps backward.
pub struct ResetBeforeBackward<'a, T> {
    /// Measures of the forward pass.
    pub run: Run,
    /// The recurrent weights in each of the [`weights`](Self::weights).
    pub panels: [&'a [T]; 2],
    /// As in the forward pass.
    pub h0: &'a [T],
    /// What the forward pass returned.
    pub sequence: &'a [T],
    /// What the forward pass returned.
    pub gates: &'a [T],
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

impl<T: Float> ResetBeforeBackward<'_, T> {
    /// How the recurrent weights (units × 3·units) are packed: of z and r, and of g.
    pub const fn weights(units: usize) -> [Layout; 2] {
        [Layout::Transposed { first: 0, columns: 2 * units }, Layout::Transposed { first: 2 * units, columns: units }]
    }

    /// Elements of scratch.
    pub fn scratch_len(run: &Run) -> usize {
        run.operand_len(2 * run.units) + run.operand_len(run.units)
    }

    /// Runs it; `stop` is asked before each step whether to leave the rest undone.
    ///
    /// # Panics
    /// If an array is too short.
    pub fn run(self, isa: Isa, scratch: &mut [T], stop: &dyn Fn() -> bool) {
        T::steps(isa, Pass { x: self, scratch, stop });
    }

    /// The state before step `s`.
    #[inline(always)]
    fn before<L: Lanes<T = T>>(&self, l: L, s: usize, Place { row, j, n, .. }: Place) -> L::V {
        let u = self.run.units;
        match s.checked_sub(1) {
            Some(before) => read(l, self.sequence, self.run.at(row, self.run.place(before), u) + j, n),
            None => read(l, self.h0, row * u + j, n),
        }
    }

    /// The gradients of the sums of z and g of one row and a vector of units.
    #[inline(always)]
    fn gates<L: Lanes<T = T>>(&mut self, l: L, s: usize, at: Place, d_g: &mut [T], d_zr: &mut [T]) {
        let (run, u, Place { row, j, n, .. }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let (at_z, at_h) = (run.at(row, place, GATES * u) + j, run.at(row, place, u) + j);
        let mut dh = read(l, self.d_h0, row * u + j, n);
        if let Some(d) = self.d_sequence {
            dh = l.add(dh, read(l, d, at_h, n));
        }
        let zero = l.splat(T::default());
        let (mut dz, mut dg) = (zero, zero);
        if is_live(self.mask, &run, row, place) {
            let before = self.before(l, s, at);
            write(l, self.states, at_h, n, before);
            let (z, g) = (read(l, self.gates, at_z, n), read(l, self.gates, at_z + 2 * u, n));
            let to_z = l.mul(dh, z);
            let to_g = l.sub(dh, to_z);
            dg = l.sub(to_g, l.mul(to_g, l.mul(g, g)));
            dz = l.mul(l.mul(dh, l.sub(before, g)), l.sub(z, l.mul(z, z)));
            dh = to_z;
            write(l, self.d_z, at_z, n, dz);
            write(l, self.d_z, at_z + 2 * u, n, dg);
        }
        write(l, self.d_h0, row * u + j, n, dh);
        write(l, d_zr, row * run.stride(2 * u) + j, n, dz);
        write(l, d_g, row * run.stride(u) + j, n, dg);
    }

    /// The gradient of the sum of r, from that of r⊙h.
    #[inline(always)]
    fn reset<L: Lanes<T = T>>(&mut self, l: L, s: usize, at: Place, d: L::V, d_zr: &mut [T]) {
        let (run, u, Place { row, j, n, .. }) = (self.run, self.run.units, at);
        let place = run.place(s);
        let at_r = run.at(row, place, GATES * u) + u + j;
        let mut dr = l.splat(T::default());
        if is_live(self.mask, &run, row, place) {
            let r = read(l, self.gates, at_r, n);
            dr = l.mul(l.mul(d, self.before(l, s, at)), l.sub(r, l.mul(r, r)));
            add_to(l, self.d_h0, u, at, l.mul(d, r));
            write(l, self.d_z, at_r, n, dr);
        }
        write(l, d_zr, row * run.stride(2 * u) + u + j, n, dr);
    }
}

impl<T: Float> Cell<T> for Pass<'_, ResetBeforeBackward<'_, T>, T> {
    #[inline(always)]
    fn run<M: Multiply<T = T>>(self, m: M) {
        let Pass { mut x, scratch, stop } = self;
        let (run, u) = (x.run, x.run.units);
        let (d_zr, d_g) = scratch.split_at_mut(run.operand_len(2 * u));
        let order = Order::plain();
        start(x.d_h0, x.d_last_h);
        for s in (0..run.time).rev() {
            if stop() {
                return;
            }
            for row in 0..run.rows {
                for panel in 0..u.div_ceil(M::L::LANES) {
                    x.gates(m.lanes(), s, Place::of_panel(m.lanes(), (row, row), panel, u), d_g, d_zr);
                }
            }
            let live = any_live(x.mask, &run, &order, s);
            x.through_reset(m, s, &live, d_g, d_zr);
            x.through_gates(m, &live, d_zr);
        }
    }
}

impl<T: Float> ResetBeforeBackward<'_, T> {
    /// The product by the weights of g.
    #[inline(always)]
    fn through_reset<M: Multiply<T = T>>(
        &mut self,
        m: M,
        s: usize,
        live: impl Fn(std::ops::Range<usize>) -> bool,
        d_g: &[T],
        d_zr: &mut [T],
    ) {
        let (run, u) = (self.run, self.run.units);
        multiply::<M, 2>(
            m,
            &run,
            Some(Product { a: d_g, stride: run.stride(u), k: u, panels: Weights::Packed(self.panels[1]) }),
            Self::weights(u)[1],
            0..Self::weights(u)[1].count(M::L::LANES, u),
            live,
            |_, _| {},
            #[inline(always)]
            |row, panel, d| {
                each_of_two(
                    u,
                    M::L::LANES,
                    panel,
                    (row, row),
                    d,
                    #[inline(always)]
                    |place, d| self.reset(m.lanes(), s, place, d, d_zr),
                );
            },
        );
    }

    /// The product by the weights of z and r.
    #[inline(always)]
    fn through_gates<M: Multiply<T = T>>(&mut self, m: M, live: impl Fn(std::ops::Range<usize>) -> bool, d_zr: &[T]) {
        let (run, u) = (self.run, self.run.units);
        multiply::<M, 2>(
            m,
            &run,
            Some(Product { a: d_zr, stride: run.stride(2 * u), k: 2 * u, panels: Weights::Packed(self.panels[0]) }),
            Self::weights(u)[0],
            0..Self::weights(u)[0].count(M::L::LANES, u),
            live,
            |_, _| {},
            #[inline(always)]
            |row, panel, d| {
                each_of_two(
                    u,
                    M::L::LANES,
                    panel,
                    (row, row),
                    d,
                    #[inline(always)]
                    |place, d| add_to(m.lanes(), self.d_h0, u, place, d),
                );
            },
        );
    }
}
