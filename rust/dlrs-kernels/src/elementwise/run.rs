//! The strip machine: runs a program over a rectangle, a strip at a time, each instruction over the whole strip.
//!
//! Strips are sized to stay in the L1 cache. Values that lie contiguously in an input are read there, and values that an output
//! stores are computed there, so that a program of one operation moves each element once.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::access::{AnyTile, RawTile, Source};
use super::convert::{Number, load_row, store_row};
use super::opcode::{BinaryOp, UnaryOp};
use super::program::{CELL_BYTES, MAX_OUTPUTS, MAX_VALUES, Make, Node, Program, Value};
use crate::isa::Isa;
use crate::mem::DType;
use crate::reduce::{add_rows, join_rows, phases};

/// The elements of a value: element `i` is at `ptr + (i & mask)`. Under mask 0 a whole vector of equal elements is readable.
#[derive(Clone, Copy)]
pub(super) struct Operand<T> {
    pub ptr: *const T,
    pub mask: usize,
}

/// A compute type: how its operations run over strips.
///
/// # Safety of the methods
/// Operands have `n` elements, `y` is writable for `n`, and is either the same memory as an operand or apart from it.
pub(super) trait Compute: Number {
    unsafe fn unary(isa: Isa, op: UnaryOp, n: usize, a: Operand<Self>, y: *mut Self);
    unsafe fn binary(isa: Isa, op: BinaryOp, n: usize, a: Operand<Self>, b: Operand<Self>, y: *mut Self);
    unsafe fn select(isa: Isa, n: usize, c: Operand<Self>, a: Operand<Self>, b: Operand<Self>, y: *mut Self);
    unsafe fn cast(isa: Isa, to: DType, n: usize, a: Operand<Self>, y: *mut Self);
}

impl Program {
    /// Computes rows `rows` and columns `cols` of the outputs, which are the tiles `outputs`. Behind them stands a tile of one row
    /// for each sum.
    ///
    /// `scratch` holds at least [`scratch_len`](Self::scratch_len) bytes, with any content.
    ///
    /// # Panics
    /// If a source or tile has another type or size than the program expects.
    pub fn run(
        &self,
        isa: Isa,
        sources: &[Source<'_>],
        outputs: &mut [AnyTile<'_>],
        rows: Range<usize>,
        cols: Range<usize>,
        scratch: &mut [u8],
    ) {
        assert!(rows.end <= self.rows() && cols.end <= self.cols(), "a tile leaves the iteration space");
        assert!(scratch.len() >= self.scratch_len(), "a program needs {} bytes of scratch memory", self.scratch_len());
        self.check_sources(sources);
        let tiles = self.check_outputs(outputs, rows.len(), cols.len());
        if rows.is_empty() || cols.is_empty() {
            return;
        }
        let base = scratch.as_mut_ptr();
        let cells = base.wrapping_add(base.align_offset(CELL_BYTES));
        match self.compute {
            DType::F64 => Machine::<f64>::new(self, isa, sources, &tiles, rows, cols, cells).run(),
            DType::I32 => Machine::<i32>::new(self, isa, sources, &tiles, rows, cols, cells).run(),
            DType::I64 => Machine::<i64>::new(self, isa, sources, &tiles, rows, cols, cells).run(),
            DType::U64 => Machine::<u64>::new(self, isa, sources, &tiles, rows, cols, cells).run(),
            _ => Machine::<f32>::new(self, isa, sources, &tiles, rows, cols, cells).run(),
        }
    }

    fn check_sources(&self, sources: &[Source<'_>]) {
        assert_eq!(sources.len(), self.inputs.len(), "number of inputs");
        for (i, source) in sources.iter().enumerate() {
            match source {
                Source::Slice(slice) => {
                    assert_eq!(slice.dtype(), self.inputs[i], "type of input {i}");
                    assert!(slice.len() >= self.extents[i], "input {i} has {} elements", slice.len());
                }
                Source::Output(k) => {
                    assert!(self.dense[i], "input {i} runs in place but is not laid out as an output");
                    assert_eq!(self.outputs[*k], self.inputs[i], "type of input {i}, which is output {k}");
                }
            }
        }
    }

    fn check_outputs(&self, outputs: &mut [AnyTile<'_>], rows: usize, cols: usize) -> [RawTile; MAX_OUTPUTS] {
        assert!(outputs.len() == self.outputs.len() + self.sums, "number of outputs");
        const NONE: RawTile = RawTile { ptr: std::ptr::null_mut(), rows: 0, cols: 0, stride: 0 };
        let mut tiles = [NONE; MAX_OUTPUTS];
        for (k, tile) in outputs.iter_mut().enumerate() {
            let (dtype, rows) = self.outputs.get(k).map_or((self.compute, 1), |&d| (d, rows));
            assert_eq!(tile.dtype(), dtype, "type of output {k}");
            let raw = tile.raw();
            assert!(raw.rows == rows && raw.cols == cols, "output {k} is {}x{}, not {rows}x{cols}", raw.rows, raw.cols);
            tiles[k] = raw;
        }
        tiles
    }
}

/// A run of one program over one rectangle.
struct Machine<'a, T> {
    program: &'a Program,
    isa: Isa,
    sources: &'a [Source<'a>],
    tiles: &'a [RawTile; MAX_OUTPUTS],
    rows: Range<usize>,
    cols: Range<usize>,
    /// One cell per value, for values that are the same everywhere; the strips follow.
    cells: *mut T,
    /// Whether every output's rows touch, so that several of them form one strip.
    joined: bool,
    /// Outputs (bit set) that inputs are read from.
    in_place: [u64; MAX_OUTPUTS],
    /// Whether the strips of repeated rows are filled, for all blocks.
    filled: bool,
    /// Written in the order of the nodes, each before it is read.
    values: [MaybeUninit<Operand<T>>; MAX_VALUES],
}

/// The part of the rectangle that one strip holds: `rows` rows from `row` on of `cols` columns from `col` on.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    rows: usize,
    col: usize,
    cols: usize,
}

impl Block {
    fn len(self) -> usize {
        self.rows * self.cols
    }
}

impl<'a, T: Compute> Machine<'a, T> {
    #[inline(always)]
    fn new(
        program: &'a Program,
        isa: Isa,
        sources: &'a [Source<'a>],
        tiles: &'a [RawTile; MAX_OUTPUTS],
        rows: Range<usize>,
        cols: Range<usize>,
        cells: *mut u8,
    ) -> Self {
        let mut in_place = [0; MAX_OUTPUTS];
        for (i, source) in sources.iter().enumerate() {
            if let Source::Output(k) = source {
                in_place[*k] |= 1 << i;
            }
        }
        let joined = tiles[..program.outputs.len()].iter().all(|t| t.rows <= 1 || t.stride == t.cols);
        let values = [const { MaybeUninit::uninit() }; MAX_VALUES];
        Self { program, isa, sources, tiles, rows, cols, cells: cells.cast(), joined, in_place, filled: false, values }
    }

    fn run(&mut self) {
        self.fill_uniform();
        self.clear_sums();
        self.blocks();
        self.finish_sums();
    }

    fn blocks(&mut self) {
        let width = self.cols.len();
        let all = Block { row: self.rows.start, rows: self.rows.len(), col: self.cols.start, cols: width };
        if self.is_streamed(all) {
            return self.block(all);
        }
        let strip = self.program.strip;
        if self.joined && width <= strip / 2 {
            let step = strip / width;
            for row in self.rows.clone().step_by(step) {
                self.block(Block { row, rows: step.min(self.rows.end - row), ..all });
                // No later block has more rows, or other columns.
                self.filled = true;
            }
            return;
        }
        for row in self.rows.clone() {
            for col in self.cols.clone().step_by(strip) {
                self.block(Block { row, rows: 1, col, cols: strip.min(self.cols.end - col) });
            }
        }
    }

    /// Writes the cells of constants and of inputs that are one element.
    fn fill_uniform(&mut self) {
        const { assert!(CELL_BYTES.is_multiple_of(size_of::<T>())) };
        let lanes = CELL_BYTES / size_of::<T>();
        for (v, node) in self.program.nodes.iter().enumerate() {
            if !node.make.is_uniform(|i| self.program.uniform[usize::from(i)]) {
                continue;
            }
            // SAFETY: scratch holds one cell per value; a uniform input has at least one element, as was checked.
            unsafe {
                let cell = self.cells.add(v * lanes);
                match node.make {
                    Make::Const { value } => (0..lanes).for_each(|i| cell.add(i).write(T::of(value))),
                    Make::Load { input } => {
                        let (ptr, offset) = self.element(usize::from(input), self.rows.start, self.cols.start);
                        load_row(self.isa, self.program.inputs[usize::from(input)], ptr, offset, 0, lanes, cell);
                    }
                    _ => unreachable!("only constants and loads are uniform"),
                }
                self.values[v].write(Operand { ptr: cell, mask: 0 });
            }
        }
    }

    /// Whether no value of the program needs a strip: inputs are read and outputs computed where they lie.
    fn is_streamed(&self, all: Block) -> bool {
        self.program.nodes.iter().all(|node| match node.make {
            Make::Const { .. } => true,
            Make::Load { input } => self.program.uniform[usize::from(input)] || self.is_direct(usize::from(input), all),
            _ => self.direct_output(node, all).is_some(),
        })
    }

    /// Base address of an input, and the index of its element at (row, col).
    fn element(&self, input: usize, row: usize, col: usize) -> (*const u8, usize) {
        match self.sources[input] {
            Source::Slice(slice) => {
                let space = &self.program.space;
                (slice.as_ptr(), space.row_offset(input, row) + col * space.col_strides[input])
            }
            Source::Output(k) => {
                let tile = &self.tiles[k];
                (tile.ptr.cast_const(), (row - self.rows.start) * tile.stride + col - self.cols.start)
            }
        }
    }

    /// Whether the block's elements of an input are contiguous and of the compute type.
    fn is_direct(&self, input: usize, block: Block) -> bool {
        let program = self.program;
        if program.inputs[input] != program.compute {
            return false;
        }
        match self.sources[input] {
            Source::Slice(_) if block.rows == 1 => program.space.col_strides[input] == 1 || block.cols == 1,
            Source::Slice(_) => program.dense[input] && block.cols == program.cols(),
            Source::Output(_) => block.rows == 1 || self.joined,
        }
    }

    /// Where the node's result belongs if it can be computed straight into an output.
    fn direct_output(&self, node: &Node, block: Block) -> Option<*mut T> {
        let k = usize::from(node.output?);
        if (block.rows > 1 && !self.joined) || node.read_later & self.in_place[k] != 0 {
            return None;
        }
        let tile = &self.tiles[k];
        let at = (block.row - self.rows.start) * tile.stride + block.col - self.cols.start;
        // SAFETY: the block lies inside the rectangle that the tile covers.
        Some(unsafe { tile.ptr.cast::<T>().add(at) })
    }

    /// The elements of a value.
    ///
    /// # Safety
    /// Its node has run; operands are numbered below the nodes that read them.
    #[inline(always)]
    unsafe fn value(&self, v: Value) -> Operand<T> {
        // SAFETY: as above.
        unsafe { self.values[usize::from(v)].assume_init() }
    }

    /// The strip of a node.
    fn strip(&self, node: &Node) -> *mut T {
        let cells = self.program.nodes.len() * (CELL_BYTES / size_of::<T>());
        // SAFETY: scratch holds the cells and `slots` strips.
        unsafe { self.cells.add(cells + usize::from(node.slot) * self.program.strip) }
    }

    fn block(&mut self, block: Block) {
        let n = block.len();
        let program = self.program;
        let mut direct = 0u64;
        for (v, node) in program.nodes.iter().enumerate() {
            // SAFETY: operands are numbered below this node, so theirs have run.
            let at = |v: Value| unsafe { self.value(v) };
            let (isa, target) = (self.isa, self.direct_output(node, block));
            let y = target.unwrap_or_else(|| self.strip(node));
            // SAFETY: operands were made earlier for this block and have n elements; y is the node's own strip, which holds n as the
            // block was cut to fit or streams, or its place in an output, which no later reader of that output's old content needs.
            unsafe {
                match node.make {
                    Make::Const { .. } => continue,
                    Make::Load { input } => {
                        if !program.uniform[usize::from(input)] {
                            let ready = self.filled && program.repeated[usize::from(input)];
                            let loaded = if ready { at(v as Value) } else { self.load(usize::from(input), block, y) };
                            self.values[v].write(loaded);
                            self.add_up(node, block, loaded.ptr);
                        }
                        continue;
                    }
                    Make::Unary { op, a } => T::unary(isa, op, n, at(a), y),
                    Make::Binary { op, a, b } => T::binary(isa, op, n, at(a), at(b), y),
                    Make::Select { c, a, b } => T::select(isa, n, at(c), at(a), at(b), y),
                    Make::Cast { to, a } => T::cast(isa, to, n, at(a), y),
                }
            }
            self.values[v].write(Operand { ptr: y, mask: usize::MAX });
            self.add_up(node, block, y);
            if let (Some(_), Some(k)) = (target, node.output) {
                direct |= 1 << k;
            }
        }
        for k in (0..program.outputs.len()).filter(|k| direct & (1 << k) == 0) {
            self.store(k, block);
        }
    }

    /// The partial sums of sum `k`.
    fn partial_sums(&self, k: usize) -> *mut T {
        let (program, lanes) = (self.program, CELL_BYTES / size_of::<T>());
        let strips = program.nodes.len() * lanes + program.slots * program.strip;
        // SAFETY: scratch holds the cells, the strips and the partial sums.
        unsafe { self.cells.add(strips + k * phases(program.cols()) * self.cols.len()) }
    }

    fn clear_sums(&self) {
        let n = phases(self.program.cols()) * self.cols.len();
        // SAFETY: as many elements belong to each sum; all bits zero are the number zero.
        (0..self.program.sums).for_each(|k| unsafe { self.partial_sums(k).write_bytes(0, n) });
    }

    /// Adds the value of a node to the sum taken of it.
    #[inline(always)]
    fn add_up(&self, node: &Node, block: Block, value: *const T) {
        if let Some(k) = node.sum {
            self.add_block(usize::from(k), block, value);
        }
    }

    fn add_block(&self, k: usize, block: Block, value: *const T) {
        let (width, row, col) = (self.cols.len(), block.row - self.rows.start, block.col - self.cols.start);
        let n = phases(self.program.cols()) * width;
        // SAFETY: the value has an element for each of the block; the partial sums are n elements of scratch that nothing else uses.
        // Programs with sums compute in f32 or f64, which is T.
        unsafe {
            let acc = self.partial_sums(k);
            match self.program.compute {
                DType::F32 => {
                    let acc = std::slice::from_raw_parts_mut(acc.cast::<f32>(), n);
                    let x = std::slice::from_raw_parts(value.cast::<f32>(), block.len());
                    add_rows(self.isa, acc, width, row, col, x);
                }
                _ => {
                    let acc = std::slice::from_raw_parts_mut(acc.cast::<f64>(), n);
                    let x = std::slice::from_raw_parts(value.cast::<f64>(), block.len());
                    add_rows(self.isa, acc, width, row, col, x);
                }
            }
        }
    }

    fn finish_sums(&self) {
        let (width, phases) = (self.cols.len(), phases(self.program.cols()));
        for k in 0..self.program.sums {
            let tile = &self.tiles[self.program.outputs.len() + k];
            // SAFETY: the partial sums were cleared; the sum's tile is a row of `width` elements of the compute type, which is T.
            unsafe {
                let acc = self.partial_sums(k);
                match self.program.compute {
                    DType::F32 => join_rows(
                        std::slice::from_raw_parts(acc.cast::<f32>(), phases * width),
                        std::slice::from_raw_parts_mut(tile.ptr.cast(), width),
                    ),
                    _ => join_rows(
                        std::slice::from_raw_parts(acc.cast::<f64>(), phases * width),
                        std::slice::from_raw_parts_mut(tile.ptr.cast(), width),
                    ),
                }
            }
        }
    }

    /// The block's elements of an input: where they lie, or gathered and converted into `strip`.
    unsafe fn load(&self, input: usize, block: Block, strip: *mut T) -> Operand<T> {
        let program = self.program;
        let (dtype, stride) = (program.inputs[input], program.space.col_strides[input]);
        let (ptr, offset) = self.element(input, block.row, block.col);
        // SAFETY: `check_sources` found the input to reach over the whole space; the caller vouches for the strip.
        unsafe {
            if self.is_direct(input, block) {
                return Operand { ptr: ptr.cast::<T>().add(offset), mask: usize::MAX };
            }
            if block.rows == 1 && stride == 0 {
                load_row(self.isa, dtype, ptr, offset, 0, CELL_BYTES / size_of::<T>(), strip);
                return Operand { ptr: strip, mask: 0 };
            }
            let stride = if matches!(self.sources[input], Source::Output(_)) { 1 } else { stride };
            load_row(self.isa, dtype, ptr, offset, stride, block.cols, strip);
            if program.space.is_row_invariant(input) {
                // Doubling: each copy appends what is there already.
                let mut done = block.cols;
                while done < block.len() {
                    let more = done.min(block.len() - done);
                    std::ptr::copy_nonoverlapping(strip, strip.add(done), more);
                    done += more;
                }
            } else {
                for r in 1..block.rows {
                    let (ptr, offset) = self.element(input, block.row + r, block.col);
                    load_row(self.isa, dtype, ptr, offset, stride, block.cols, strip.add(r * block.cols));
                }
            }
        }
        Operand { ptr: strip, mask: usize::MAX }
    }

    /// Converts the block's part of output `k` into its tile.
    fn store(&self, k: usize, block: Block) {
        let (tile, dtype) = (&self.tiles[k], self.program.outputs[k]);
        // SAFETY: all nodes of the block have run.
        let value = unsafe { self.value(self.program.stores[k]) };
        for r in 0..block.rows {
            let offset = (block.row - self.rows.start + r) * tile.stride + block.col - self.cols.start;
            // SAFETY: the value has an element for every one of the block, which lies inside the tile's rectangle.
            unsafe {
                let row = Operand { ptr: value.ptr.add((r * block.cols) & value.mask), mask: value.mask };
                store_row(self.isa, dtype, row, block.cols, tile.ptr, offset);
            }
        }
    }
}
