//! What a tile sees of its step: whole inputs, its own part of the outputs, and scratch memory.

use super::program::{PRIVATE, Rect, Rounds, Span};
use super::run::RunError;
use super::{Element, OutOfMemory, TileMut, is_view_of};

/// The operands of one tile of one step.
pub struct TileIo<'a> {
    pub(super) bases: &'a [*mut u8],
    /// The member's own memory.
    pub(super) private: *mut u8,
    pub(super) inputs: &'a [Span],
    pub(super) outputs: &'a [Span],
    pub(super) in_place: &'a [(usize, usize)],
    pub(super) rects: &'a [Rect],
    pub(super) rounds: Option<&'a Rounds>,
    pub(super) tile: usize,
    pub(super) round: usize,
    pub(super) scratch: &'a mut [u8],
    /// Bit k is set once output k has been handed out, [`EXCHANGED`] once the exchange has.
    pub(super) taken: u128,
    /// Whether the run is to end, asked of the caller if this is the caller's thread.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// Why the run must not go on, if the kernel said so.
    pub(super) refusal: Option<RunError>,
}

const EXCHANGED: u128 = 1 << 127;

impl<'a> TileIo<'a> {
    /// Where the buffer of a span begins.
    fn base(&self, span: &Span) -> *mut u8 {
        if span.buffer == PRIVATE { self.private } else { self.bases[span.buffer] }
    }

    /// All elements of input `i`.
    ///
    /// # Panics
    /// If the elements have another type, or the input is updated in place by this step.
    pub fn input<T: Element>(&self, i: usize) -> &'a [T] {
        let span = &self.inputs[i];
        assert!(is_view_of::<T>(span.dtype), "input {i} holds {}", span.dtype);
        assert!(!self.is_in_place(i), "input {i} is overwritten by this step");
        // SAFETY: the program was proved: the span lies inside its bound buffer or the private memory, is aligned, and no tile that
        // may run beside this one writes it.
        unsafe { std::slice::from_raw_parts(self.base(span).add(span.offset).cast(), span.len) }
    }

    /// Type of the elements of input `i`.
    pub fn input_dtype(&self, i: usize) -> super::DType {
        self.inputs[i].dtype
    }

    /// Whether input `i` is the old content of one of the outputs.
    pub fn is_in_place(&self, i: usize) -> bool {
        self.in_place.iter().any(|&(input, _)| input == i)
    }

    /// The output that holds input `i`, if the step runs in place there.
    pub fn in_place_output(&self, i: usize) -> Option<usize> {
        self.in_place.iter().find(|&&(input, _)| input == i).map(|&(_, output)| output)
    }

    /// Which elements of output `k` this tile writes.
    pub fn rect(&self, k: usize) -> Rect {
        self.rects[k]
    }

    /// This tile's part of output `k`, to be written once.
    ///
    /// # Panics
    /// If the elements have another type, or the part was handed out before.
    pub fn output<T: Element>(&mut self, k: usize) -> TileMut<'a, T> {
        let (span, rect) = (&self.outputs[k], &self.rects[k]);
        assert!(is_view_of::<T>(span.dtype), "output {k} holds {}", span.dtype);
        assert!(self.taken & (1 << k) == 0, "output {k} was handed out before");
        self.taken |= 1 << k;
        // SAFETY: the program was proved: the rectangle lies inside the span, the span inside its buffer or the private memory, and
        // no tile that may run beside this one touches these elements; `taken` lets this tile have them once.
        unsafe {
            let start = self.base(span).add(span.offset).cast::<T>().add(rect.start);
            TileMut::from_raw(start, rect.rows, rect.cols, rect.stride)
        }
    }

    /// This tile's part of output `k`, holding what input `i` holds there: the same memory when the step runs in place, else a copy.
    pub fn update<T: Element>(&mut self, i: usize, k: usize) -> TileMut<'a, T> {
        let rect = self.rects[k];
        let mut tile = self.output::<T>(k);
        if !self.in_place.contains(&(i, k)) {
            let old = self.input::<T>(i);
            for r in 0..rect.rows {
                let start = rect.start + r * rect.stride;
                tile.row(r).copy_from_slice(&old[start..start + rect.cols]);
            }
        }
        tile
    }

    /// The round of a step that runs in rounds; 0 in others. What a tile left in its part of an output in earlier rounds is there still.
    pub fn round(&self) -> usize {
        self.round
    }

    /// What all tiles exchanged in the round before, arbitrary in the first one, and this tile's part of what the next round will see.
    ///
    /// # Panics
    /// If the step has no rounds, the elements have another type, or it was handed out before.
    pub fn exchange<T: Element>(&mut self) -> (&'a [T], TileMut<'a, T>) {
        let rounds = self.rounds.expect("a step in rounds");
        let [now, before] = [self.round, self.round + 1].map(|k| &rounds.exchange[k % 2]);
        assert!(is_view_of::<T>(now.dtype) && is_view_of::<T>(before.dtype), "an exchange of {}", now.dtype);
        assert!(self.taken & EXCHANGED == 0, "the exchange was handed out before");
        self.taken |= EXCHANGED;
        let rect = &rounds.rects[self.tile];
        // SAFETY: the program was proved: both halves lie inside their buffers, aligned, and apart from each other and from what else
        // the step touches; its phase has no other step. So nobody writes `before` in this round, and of `now` the tiles write
        // disjoint rectangles; `taken` lets this tile have its own once.
        unsafe {
            let read = std::slice::from_raw_parts(self.base(before).add(before.offset).cast(), before.len);
            let start = self.base(now).add(now.offset).cast::<T>().add(rect.start);
            (read, TileMut::from_raw(start, rect.rows, rect.cols, rect.stride))
        }
    }

    /// Whether the run is to end: a tile that takes long asks now and then, and returns at once with its outputs unfinished.
    pub fn should_stop(&self) -> bool {
        (self.stop)()
    }

    /// Ends the run with [`RunError::Refused`]: an index was met that leads nowhere.
    pub fn refuse(&mut self, why: String) {
        self.refusal.get_or_insert(RunError::Refused(why));
    }

    /// Ends the run with [`RunError::Unsolvable`]: the operands have values for which there is no result.
    pub fn refuse_values(&mut self, why: String) {
        self.refusal.get_or_insert(RunError::Unsolvable(why));
    }

    /// Ends the run with [`RunError::OutOfMemory`]: these values need memory that is not there.
    pub fn out_of_memory(&mut self, why: OutOfMemory) {
        self.refusal.get_or_insert(RunError::OutOfMemory(why));
    }

    /// Scratch memory for `len` elements with arbitrary content. It is lent once: take all and split it.
    ///
    /// # Panics
    /// If the step did not ask for that much.
    pub fn scratch<T: Element>(&mut self, len: usize) -> &'a mut [T] {
        let slice = super::buffer::cast_mut::<T>(self.scratch);
        let slice = &mut slice[..len];
        self.scratch = &mut [];
        // SAFETY: the scratch memory belongs to this tile for 'a, and the field was emptied, so it is lent once.
        unsafe { std::slice::from_raw_parts_mut(slice.as_mut_ptr(), len) }
    }
}
