//! What all cells share: the order of the steps, and a step's product in register tiles.

use std::ops::Range;

use super::multiply::{MAX_TILE, Multiply, Operands};
use super::weights::{Layout, Weights};
use crate::dispatch;
use crate::gemm::{MatRef, pack_b, panel_width};
use crate::isa::{Double, Isa, Lanes, Real};
use crate::mem::{Element, TileMut};

/// Measures of the rows that one call takes through all steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Run {
    /// Rows of the batch.
    pub rows: usize,
    /// Steps.
    pub time: usize,
    /// Units of the state.
    pub units: usize,
    /// Whether the last step comes first.
    pub reverse: bool,
}

impl Run {
    /// The place of step `s` in the order of processing.
    #[inline(always)]
    pub(super) fn place(&self, s: usize) -> usize {
        if self.reverse { self.time - 1 - s } else { s }
    }

    /// Where the elements of a row at a place begin in an array of `width` elements per step.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, place: usize, width: usize) -> usize {
        (row * self.time + place) * width
    }

    /// Elements between two rows of a step's operand in scratch: they must not compete for one set of the nearest cache.
    pub fn stride(&self, width: usize) -> usize {
        width.next_multiple_of(16) + 16
    }

    /// Elements of scratch for a step's operand of `width` elements a row.
    pub(super) fn operand_len(&self, width: usize) -> usize {
        self.rows * self.stride(width)
    }
}

/// The mask of (rows, steps): 0 where a row's state is carried on. None is all ones.
pub(super) type Mask<'a> = Option<&'a [u8]>;

#[inline(always)]
pub(super) fn is_live(mask: Mask<'_>, run: &Run, row: usize, place: usize) -> bool {
    mask.is_none_or(|mask| mask[row * run.time + place] != 0)
}

/// Whether any row of a range is live at step `s`; the range is of slots.
#[inline(always)]
pub(super) fn any_live<'a>(
    mask: Mask<'a>,
    run: &Run,
    order: &'a Order,
    s: usize,
) -> impl Fn(Range<usize>) -> bool + use<'a> {
    let run = *run;
    #[inline(always)]
    move |slots| {
        // No method of the range: what it is given would be compiled without the level's instructions.
        for slot in slots {
            if is_live(mask, &run, order.row(slot), run.place(s)) {
                return true;
            }
        }
        false
    }
}

/// Which row each slot of scratch memory holds. Rows with as many live steps stand together, so that tiles of a step's product have
/// live rows alone, or none.
pub(super) struct Order([u8; Order::MOST]);

impl Order {
    const MOST: usize = 64;

    /// The rows as they stand.
    pub fn plain() -> Order {
        Order(std::array::from_fn(|slot| slot as u8))
    }

    /// The first rows by their live steps.
    pub fn of(mask: Mask<'_>, run: &Run) -> Order {
        let mut order = Order::plain();
        if let Some(mask) = mask {
            let live =
                |row: usize| mask[row * run.time..(row + 1) * run.time].iter().filter(|&&live| live != 0).count();
            order.0[..run.rows.min(Order::MOST)].sort_by_key(|&row| live(row.into()));
        }
        order
    }

    /// The row of a slot.
    #[inline(always)]
    pub fn row(&self, slot: usize) -> usize {
        if slot < Order::MOST { self.0[slot].into() } else { slot }
    }
}

/// Some units of a row: `n` from unit `j`, at most a vector. In scratch memory they lie in a slot.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub row: usize,
    pub slot: usize,
    pub j: usize,
    pub n: usize,
}

impl Place {
    /// The first of a panel of one vector of units.
    #[inline(always)]
    pub fn of_panel<L: Lanes>(_: L, (row, slot): (usize, usize), panel: usize, units: usize) -> Place {
        let j = panel * L::LANES;
        Place { row, slot, j, n: L::LANES.min(units - j) }
    }
}

/// The types that recurrences run in: f32 over vectors, f64 for checks of gradients.
pub trait Float: Real {
    /// Elements of a vector.
    fn lanes(isa: Isa) -> usize;

    /// Packs panels of two vectors of columns, each row after row.
    fn panels(isa: Isa, b: MatRef<'_, Self>, to: &mut [Self]);

    /// Runs the pass at the level.
    fn steps<C: Cell<Self>>(isa: Isa, cell: C);
}

/// A pass over all steps, at any level.
pub trait Cell<T: Real> {
    /// Runs it; implementations are `#[inline(always)]`.
    fn run<M: Multiply<T = T>>(self, m: M);
}

impl Float for f32 {
    fn lanes(isa: Isa) -> usize {
        panel_width(isa) / 2
    }

    fn panels(isa: Isa, b: MatRef<'_, f32>, to: &mut [f32]) {
        pack_b(isa, b, to);
    }

    fn steps<C: Cell<f32>>(isa: Isa, cell: C) {
        dispatch!(isa, s => cell.run(s));
    }
}

impl Float for f64 {
    fn lanes(_: Isa) -> usize {
        Double::LANES
    }

    fn panels(_: Isa, b: MatRef<'_, f64>, to: &mut [f64]) {
        for (panel, to) in to.chunks_exact_mut(2 * b.rows()).enumerate() {
            for (i, to) in to.iter_mut().enumerate() {
                let (p, j) = (i / 2, 2 * panel + i % 2);
                *to = if j < b.cols() { b.at(p, j) } else { 0.0 };
            }
        }
    }

    fn steps<C: Cell<f64>>(_: Isa, cell: C) {
        cell.run(Double);
    }
}

/// A step's product: rows of `k` elements in scratch, `stride` apart, times packed weights.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub a: &'a [T],
    pub stride: usize,
    pub k: usize,
    pub panels: Weights<'a, T>,
}

/// The elements of a tile, in a cache line of their own.
#[repr(align(64))]
struct Tile<T>([T; MAX_TILE]);

/// Panels in the order in which step `s` takes them: each step begins with those that the one before took last, which are in cache.
#[inline(always)]
pub(super) fn to_and_fro(panels: Range<usize>, s: usize) -> impl Iterator<Item = usize> {
    (0..panels.len()).map(move |i| if s.is_multiple_of(2) { panels.start + i } else { panels.end - 1 - i })
}

/// Multiplies the slots by some panels, tile by tile, and hands `V` vectors of each slot and panel to `finish(slot, panel, vectors)`;
/// before, `ahead(slot, panel)` may fetch what that reads: rows are many pages apart, where hardware does not look. Tiles
/// whose slots `live` denies are not multiplied: their rows of `a` are zero, or their products are not needed.
#[inline(always)]
pub(super) fn multiply<M: Multiply, const V: usize>(
    m: M,
    run: &Run,
    x: Option<Product<'_, M::T>>,
    layout: Layout,
    panels: impl Iterator<Item = usize>,
    live: impl Fn(Range<usize>) -> bool,
    ahead: impl Fn(usize, usize),
    mut finish: impl FnMut(usize, usize, [<M::L as Lanes>::V; V]),
) {
    let (l, lanes, rows) = (m.lanes(), M::L::LANES, run.rows);
    assert!(layout.vectors() == V);
    let blocks = rows.div_ceil(M::rows(V));
    let weights = x.map(|x| {
        let last = (rows.max(1) - 1) * x.stride + x.k;
        assert!(last <= x.a.len(), "a step's operand");
        (x, layout.panels(x.panels, lanes, x.k, run.units))
    });
    let mut tile = Tile([M::T::default(); MAX_TILE]);
    assert!(M::rows(V) * V * lanes <= MAX_TILE);
    for panel in panels {
        for block in 0..blocks {
            let (first, height) = crate::gemm::block_of(rows, blocks, block);
            match &weights {
                Some((x, weights)) if live(first..first + height) => {
                    let operands = Operands {
                        a: x.a[first * x.stride..].as_ptr(),
                        a_stride: x.stride,
                        panel: weights.data[panel * weights.strides.0..].as_ptr(),
                        panel_stride: weights.strides.1,
                        vector_stride: weights.strides.2,
                        k: x.k,
                    };
                    (first..first + height).for_each(|row| ahead(row, panel));
                    // SAFETY: the rows of the block lie in `a`, as asserted, and all k rows of the panel in `weights`; the tile has
                    // room for the largest product, as asserted.
                    unsafe { m.product(height, V, &operands, tile.0.as_mut_ptr()) }
                }
                _ => tile.0[..height * V * lanes].fill(M::T::default()),
            }
            for i in 0..height {
                let row = &tile.0[i * V * lanes..(i + 1) * V * lanes];
                let mut vectors = [l.splat(M::T::default()); V];
                for v in 0..V {
                    // SAFETY: the row holds V vectors.
                    vectors[v] = unsafe { l.load(row.as_ptr().add(v * lanes)) };
                }
                finish(first + i, panel, vectors);
            }
        }
    }
}

/// States, rows so many elements apart.
#[derive(Clone, Copy)]
pub(super) struct State<'a, T> {
    pub data: &'a [T],
    pub stride: usize,
}

impl<T: Real> State<'_, T> {
    /// Units of a row.
    #[inline(always)]
    pub fn read<L: Lanes<T = T>>(&self, l: L, Place { slot, j, n, .. }: Place) -> L::V {
        read(l, self.data, slot * self.stride + j, n)
    }
}

/// What one step forward needs that computes some of the panels: the others' part of the state is computed elsewhere.
pub(super) struct Round<'a, T: Element> {
    pub run: Run,
    pub layout: Layout,
    pub weights: Weights<'a, T>,
    pub mask: Mask<'a>,
    pub part: Part<'a, T>,
}

/// A step of some panels of units.
pub struct Part<'a, T: Element> {
    /// Which step.
    pub step: usize,
    /// The panels.
    pub panels: Range<usize>,
    /// The state before, all units, and the elements between two of its rows.
    pub before: (&'a [T], usize),
    /// Receives these units of the state after the step.
    pub next: TileMut<'a, T>,
}

impl<T: Real> Round<'_, T> {
    /// The step forward, as [`Pass::forward`].
    #[inline(always)]
    pub fn forward<M: Multiply<T = T>, const V: usize>(
        self,
        m: M,
        ahead: impl Fn(usize, usize, usize),
        mut finish: impl FnMut(usize, (usize, usize), usize, [<M::L as Lanes>::V; V], State<'_, T>, &mut TileMut<'_, T>),
    ) {
        let Part { step: s, panels, before: (data, stride), mut next } = self.part;
        let (before, order) = (State { data, stride }, Order::plain());
        multiply::<M, V>(
            m,
            &self.run,
            Some(Product { a: data, stride, k: self.run.units, panels: self.weights }),
            self.layout,
            to_and_fro(panels, s),
            any_live(self.mask, &self.run, &order, s),
            #[inline(always)]
            |row, panel| ahead(s, row, panel),
            #[inline(always)]
            |row, panel, product| finish(s, (row, row), panel, product, before, &mut next),
        );
    }
}

/// What the passes of all cells need: measures, weights, mask, memory, and who is asked whether to stop.
pub(super) struct Pass<'a, T> {
    pub run: Run,
    pub layout: Layout,
    pub panels: Weights<'a, T>,
    pub mask: Mask<'a>,
    pub scratch: &'a mut [T],
    pub stop: &'a dyn Fn() -> bool,
}

impl<T: Real> Pass<'_, T> {
    /// All steps forward. Each vector of the product of the state before step `s` by the weights is handed to
    /// `finish(s, (row, slot), panel, product, state, next state)`.
    #[inline(always)]
    pub fn forward<M: Multiply<T = T>, const V: usize>(
        self,
        m: M,
        h0: &[T],
        ahead: impl Fn(usize, usize, usize),
        mut finish: impl FnMut(usize, (usize, usize), usize, [<M::L as Lanes>::V; V], State<'_, T>, &mut TileMut<'_, T>),
    ) {
        let (run, panels, u) = (self.run, self.panels, self.run.units);
        let order = Order::of(self.mask, &run);
        let stride = run.stride(u);
        let count = self.layout.count(M::L::LANES, u);
        let (mut h, mut next) = self.scratch.split_at_mut(run.operand_len(u));
        for slot in 0..run.rows {
            h[slot * stride..][..u].copy_from_slice(&h0[order.row(slot) * u..][..u]);
        }
        for s in 0..run.time {
            if (self.stop)() {
                return;
            }
            let before = State { data: h, stride };
            let mut next_tile = TileMut::new(next, run.rows, u, stride);
            multiply::<M, V>(
                m,
                &run,
                Some(Product { a: h, stride, k: u, panels }),
                self.layout,
                to_and_fro(0..count, s),
                any_live(self.mask, &run, &order, s),
                #[inline(always)]
                |slot, panel| ahead(s, order.row(slot), panel),
                #[inline(always)]
                |slot, panel, product| finish(s, (order.row(slot), slot), panel, product, before, &mut next_tile),
            );
            std::mem::swap(&mut h, &mut next);
        }
    }

    /// All steps backward. `finish(s, place, d, now)` leaves the `k` gradients of a row's sums at step `s` in the rows of `now`; `d` is
    /// what those of the step after give by the weights. At the end it is given what those of the first step give, and no `s`.
    #[inline(always)]
    pub fn backward<M: Multiply<T = T>>(
        self,
        m: M,
        k: usize,
        ahead: impl Fn(usize, usize, usize),
        mut finish: impl FnMut(Option<usize>, Place, <M::L as Lanes>::V, &mut [T]),
    ) {
        let (run, panels, mask) = (self.run, self.panels, self.mask);
        let (stride, order) = (run.stride(k), Order::of(mask, &run));
        let (mut later, mut now) = self.scratch.split_at_mut(run.operand_len(k));
        for after in (0..=run.time).rev() {
            if (self.stop)() {
                return;
            }
            let is_step = after < run.time;
            multiply::<M, 2>(
                m,
                &run,
                is_step.then_some(Product { a: &*later, stride, k, panels }),
                self.layout,
                to_and_fro(0..self.layout.count(M::L::LANES, run.units), after),
                #[inline(always)]
                |slots| is_step && any_live(mask, &run, &order, after)(slots),
                #[inline(always)]
                |slot, panel| {
                    if let Some(s) = after.checked_sub(1) {
                        ahead(s, order.row(slot), panel);
                    }
                },
                #[inline(always)]
                |slot, panel, d| {
                    each_of_two(
                        run.units,
                        M::L::LANES,
                        panel,
                        (order.row(slot), slot),
                        d,
                        #[inline(always)]
                        |place, d| finish(after.checked_sub(1), place, d, now),
                    );
                },
            );
            std::mem::swap(&mut later, &mut now);
        }
    }
}

/// Calls `f` with the vectors of a row of a panel of two vectors of units, as far as there are units.
#[inline(always)]
pub(super) fn each_of_two<V: Copy>(
    units: usize,
    lanes: usize,
    panel: usize,
    (row, slot): (usize, usize),
    vectors: [V; 2],
    mut f: impl FnMut(Place, V),
) {
    for v in 0..2 {
        let j = (2 * panel + v) * lanes;
        if j < units {
            f(Place { row, slot, j, n: lanes.min(units - j) }, vectors[v]);
        }
    }
}

/// Adds a vector to those of rows that touch.
#[inline(always)]
pub(super) fn add_to<L: Lanes>(l: L, to: &mut [L::T], units: usize, Place { row, j, n, .. }: Place, d: L::V) {
    let at = row * units + j;
    let sum = l.add(read(l, to, at, n), d);
    write(l, to, at, n, sum);
}

/// What a gradient begins with: that with respect to the last state, if it counts.
pub(super) fn start<T: Real>(to: &mut [T], from: Option<&[T]>) {
    match from {
        Some(from) => to.copy_from_slice(from),
        None => to.fill(T::default()),
    }
}

/// `n` elements from `at`; the other lanes are 0.
#[inline(always)]
pub(super) fn read<L: Lanes>(l: L, x: &[L::T], at: usize, n: usize) -> L::V {
    let x = &x[at..at + n];
    // SAFETY: x has n elements, and n is at most LANES in the second branch.
    unsafe { if n == L::LANES { l.load(x.as_ptr()) } else { l.load_or(x.as_ptr(), n.min(L::LANES), L::T::default()) } }
}

/// Writes the first `n` lanes from `at` on.
#[inline(always)]
pub(super) fn write<L: Lanes>(l: L, x: &mut [L::T], at: usize, n: usize, v: L::V) {
    let x = &mut x[at..at + n];
    // SAFETY: x has n elements, and n is at most LANES in the second branch.
    unsafe {
        if n == L::LANES { l.store(x.as_mut_ptr(), v) } else { l.store_first(x.as_mut_ptr(), n.min(L::LANES), v) }
    }
}

/// Copies rows of `units` elements between arrays whose rows lie so many elements apart.
pub(super) fn copy_rows<T: Real>(from: (&[T], usize), to: (&mut [T], usize), units: usize, rows: usize) {
    for r in 0..rows {
        to.0[r * to.1..][..units].copy_from_slice(&from.0[r * from.1..][..units]);
    }
}
