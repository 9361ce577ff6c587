//! GloVe: Pennington, Socher and Manning, "GloVe: global vectors for word representation", EMNLP 2014.
//!
//! A step on X_ij moves θ_i, b_i, e_j and b'_j alone. Words are dealt out to parts, and X is cut into parts × parts blocks: blocks that share
//! neither rows nor columns touch nothing in common, so that `parts` of them run side by side and the result is that of one after another
//! (Gemulla et al., "Large-scale matrix factorization with distributed stochastic gradient descent", KDD 2011). Word w is row w / parts of
//! part w mod parts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::cooccurrence::Sums;
use crate::dispatch;
use crate::isa::{Isa, Simd, prefetch_l1};
use crate::math;
use crate::mem::{Buffer, OutOfMemory, Stop, Team};
use crate::random::philox4x32;

/// Vectors are filled up to a multiple of this, which is one of every level's lanes.
const PAD: usize = 16;
/// Floats of a cache line.
const LINE: usize = 16;
/// So many cells before its turn a row is fetched.
const AHEAD: usize = 3;
/// Numbers of a cell: its row and its column (16 bits each), ln X_ij, f(X_ij).
pub const CELL: usize = 3;
/// The most rows of a part.
pub const MOST_ROWS: usize = 1 << 16;
/// What stands for the loss of a block that has not been visited.
pub const UNVISITED: f64 = -1.0;

/// f(x) = min(1, (x/x_max)^α).
#[derive(Clone, Copy, Debug)]
pub struct Weighting {
    /// Where f reaches 1.
    pub x_max: f64,
    /// Its exponent.
    pub alpha: f64,
}

/// Random words keyed by a seed and the thing that they are for.
struct Words {
    key: [u32; 2],
    counter: [u32; 4],
    left: usize,
    words: [u32; 4],
}

impl Words {
    fn new(seed: u64, purpose: u32, number: u64) -> Self {
        let counter = [0, number as u32, (number >> 32) as u32, purpose];
        Self { key: [seed as u32, (seed >> 32) as u32], counter, left: 0, words: [0; 4] }
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        if self.left == 0 {
            self.words = philox4x32(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.left = 4;
        }
        self.left -= 1;
        ((u64::from(self.words[self.left]) * n as u64) >> 32) as usize
    }

    /// Every order of the things is as likely (Fisher & Yates).
    fn shuffle<T>(&mut self, things: &mut [T]) {
        for i in (1..things.len()).rev() {
            things.swap(i, self.below(i + 1));
        }
    }
}

/// The order of an epoch's strata: stratum s has the blocks (r, r + s mod parts).
pub fn strata(seed: u64, epoch: u64, parts: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..parts).collect();
    Words::new(seed, 1, epoch).shuffle(&mut order);
    order
}

/// The pairs of a part of the rows as cells.
#[derive(Debug, Default)]
pub struct Blocks {
    /// By column part, each its cells one after another.
    pub cells: Vec<Vec<[u32; CELL]>>,
    /// A number that pairs and sums decide, whatever their order.
    pub checksum: u64,
}

/// The cells of row part `part`, those of a block in an order that `seed` decides. `None` once `stop` says so.
///
/// # Panics
/// If a row is of another part.
#[allow(clippy::too_many_arguments)] // the sums, how they are cut, how they are weighted, and who does it
pub fn blocks(
    isa: Isa,
    team: &Team,
    sums: &[Sums],
    part: usize,
    parts: usize,
    unit: u64,
    weighting: Weighting,
    seed: u64,
    stop: Stop<'_>,
) -> Option<Blocks> {
    let dealt = team.collect(sums.len(), stop, |range, _| deal(&sums[range], part as u32, parts as u32, unit))?;
    let cells = team.collect(parts, stop, |column, _| {
        let mut cells: Vec<[u32; CELL]> = Vec::with_capacity(dealt.iter().map(|range| range.cells[column].len()).sum());
        for range in &dealt {
            cells.extend_from_slice(&range.cells[column]);
        }
        dispatch!(isa, s => weigh(s, &mut cells, weighting));
        Words::new(seed, 2, (part * parts + column) as u64).shuffle(&mut cells);
        cells
    })?;
    Some(Blocks { cells, checksum: dealt.iter().fold(0, |sum, range| sum.wrapping_add(range.checksum)) })
}

/// Places within their blocks and the bits of X_ij, by column part.
fn deal(sums: &Sums, part: u32, parts: u32, unit: u64) -> Blocks {
    let mut cells = vec![Vec::with_capacity(sums.rows.len() / parts as usize * 5 / 4); parts as usize];
    let mut checksum = 0u64;
    let unit = unit as f64;
    for ((&row, &column), &sum) in sums.rows.iter().zip(&sums.columns).zip(&sums.sums) {
        assert!(row % parts == part && row / parts < MOST_ROWS as u32 && column / parts < MOST_ROWS as u32);
        let x = (sum as f64 / unit) as f32;
        cells[(column % parts) as usize].push([(row / parts) | ((column / parts) << 16), x.to_bits(), 0]);
        // Odd factors, so that neither pairs nor sums can be exchanged unnoticed.
        let pair =
            u64::from(row).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(column).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        checksum = checksum.wrapping_add((pair ^ (pair >> 29)).wrapping_mul(2 * sum + 1));
    }
    Blocks { cells, checksum }
}

/// X_ij to ln X_ij and f(X_ij).
#[inline(always)]
fn weigh<S: Simd>(s: S, cells: &mut [[u32; CELL]], weighting: Weighting) {
    let (alpha, top) = (s.splat((weighting.alpha as f32).min(f32::MAX)), s.splat(weighting.x_max.ln() as f32));
    for cells in cells.chunks_mut(S::LANES) {
        let mut x = [1.0; PAD];
        for (x, cell) in x.iter_mut().zip(&*cells) {
            *x = f32::from_bits(cell[1]);
        }
        let log = math::log(s, s.load(&x));
        let f = s.min_fast(math::exp(s, s.mul(alpha, s.sub(log, top))), s.splat(1.0));
        let (mut logs, mut weights) = ([0.0; PAD], [0.0; PAD]);
        s.store(&mut logs, log);
        s.store(&mut weights, f);
        for (i, cell) in cells.iter_mut().enumerate() {
            (cell[1], cell[2]) = (logs[i].to_bits(), weights[i].to_bits());
        }
    }
}

/// Parameters of one side (words, or words as contexts) as matrices (words, size + 1), the bias last.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Vectors and biases.
    pub weights: Vec<f32>,
    /// AdaGrad's sums of squares.
    pub squares: Vec<f32>,
}

/// A model being trained.
///
/// A part's rows hold a vector and its sums of squares. Vectors are θ_i, b_i, 1 and e_j, 1, b'_j, filled up with zeros, so that their product is
/// the prediction; the ones stay.
pub struct Glove {
    words: usize,
    size: usize,
    parts: usize,
    sides: [Vec<Mutex<Buffer>>; 2],
    /// Bits of the sum of f·(...)² over each block in this epoch.
    losses: Vec<AtomicU64>,
}

impl Glove {
    /// A model of given parameters: of the words, and of the words as contexts.
    ///
    /// # Errors
    /// If there is not enough memory.
    ///
    /// # Panics
    /// If lengths do not fit, or there are more than [`MOST_ROWS`] words in a part.
    pub fn new(
        words: usize,
        size: usize,
        parts: usize,
        sides: &[Side; 2],
        losses: &[f64],
    ) -> Result<Self, OutOfMemory> {
        assert!(size > 0 && parts > 0 && words.div_ceil(parts) <= MOST_ROWS && losses.len() == parts * parts);
        let mut model = Self { words, size, parts, sides: [Vec::new(), Vec::new()], losses: Vec::new() };
        let stride = model.stride();
        for (s, side) in sides.iter().enumerate() {
            assert!(side.weights.len() == words * (size + 1) && side.squares.len() == side.weights.len());
            for part in 0..parts {
                let mut buffer = Buffer::zeroed(4 * stride * (part..words).step_by(parts).len())?;
                let rows: &mut [f32] = buffer.as_mut_slice();
                for (row, word) in rows.chunks_exact_mut(stride).zip((part..words).step_by(parts)) {
                    let (weights, squares) = row.split_at_mut(stride / 2);
                    let from = word * (size + 1);
                    squares.fill(1.0);
                    weights[..size].copy_from_slice(&side.weights[from..from + size]);
                    squares[..size].copy_from_slice(&side.squares[from..from + size]);
                    weights[size + s] = side.weights[from + size];
                    weights[size + 1 - s] = 1.0;
                    squares[size + s] = side.squares[from + size];
                }
                model.sides[s].push(Mutex::new(buffer));
            }
        }
        model.losses = losses.iter().map(|loss| AtomicU64::new(loss.to_bits())).collect();
        Ok(model)
    }

    fn stride(&self) -> usize {
        2 * (self.size + 2).next_multiple_of(PAD)
    }

    /// The parameters.
    pub fn sides(&self) -> [Side; 2] {
        let (size, stride) = (self.size, self.stride());
        [0, 1].map(|s| {
            let mut side = Side { weights: Vec::new(), squares: Vec::new() };
            let parts: Vec<_> =
                self.sides[s].iter().map(|p| p.lock().unwrap_or_else(PoisonError::into_inner)).collect();
            for word in 0..self.words {
                let row = &parts[word % self.parts].as_slice::<f32>()[word / self.parts * stride..][..stride];
                let (weights, squares) = row.split_at(stride / 2);
                for (from, to) in [(weights, &mut side.weights), (squares, &mut side.squares)] {
                    to.extend_from_slice(&from[..size]);
                    to.push(from[size + s]);
                }
            }
            side
        })
    }

    /// Losses of the blocks in this epoch, [`UNVISITED`] before their turn.
    pub fn losses(&self) -> Vec<f64> {
        self.losses.iter().map(|loss| f64::from_bits(loss.load(Relaxed))).collect()
    }

    /// Begins an epoch: no block has been visited.
    pub fn begin(&mut self) {
        self.losses.fill_with(|| AtomicU64::new(UNVISITED.to_bits()));
    }

    /// Visits the blocks of a stratum that have not been visited in this epoch. Whether it came to its end; if `stop` says so before, the blocks
    /// that were begun are whole and the others as they were.
    ///
    /// `cells` are those of each row part, block after block, which end at `ends`.
    ///
    /// # Panics
    /// If lengths do not fit or a cell names a row that there is not.
    #[allow(clippy::too_many_arguments)] // where, which cells, how far
    pub fn stratum(
        &self,
        isa: Isa,
        team: &Team,
        cells: &[&[u32]],
        ends: &[Vec<usize>],
        stratum: usize,
        rate: f32,
        stop: Stop<'_>,
    ) -> bool {
        let parts = self.parts;
        assert!(cells.len() == parts && ends.len() == parts && ends.iter().all(|ends| ends.len() == parts));
        let visited = team.collect(parts, stop, |row, _| {
            let column = (row + stratum) % parts;
            let block = row * parts + column;
            if f64::from_bits(self.losses[block].load(Relaxed)) != UNVISITED {
                return;
            }
            let start = if column == 0 { 0 } else { ends[row][column - 1] };
            let cells = &cells[row][CELL * start..CELL * ends[row][column]];
            // Nobody waits: within a stratum each part is one block's.
            let mut rows = self.sides[0][row].lock().unwrap_or_else(PoisonError::into_inner);
            let mut columns = self.sides[1][column].lock().unwrap_or_else(PoisonError::into_inner);
            let (rows, columns) = (rows.as_mut_slice::<f32>(), columns.as_mut_slice::<f32>());
            let loss = dispatch!(isa, s => visit(s, cells, rows, columns, self.size, rate));
            self.losses[block].store(loss.to_bits(), Relaxed);
        });
        visited.is_some()
    }
}

/// Steps on the cells of a block, one after another; the sum of f·(...)² before each step.
#[inline(always)]
fn visit<S: Simd>(s: S, cells: &[u32], rows: &mut [f32], columns: &mut [f32], size: usize, rate: f32) -> f64 {
    let width = (size + 2).next_multiple_of(PAD);
    let whole = size / S::LANES * S::LANES;
    let (keep_row, keep_column) = (kept(size + 1 - whole), kept(size - whole));
    let mut loss = 0.0;
    for at in (0..cells.len()).step_by(CELL) {
        if let Some(&place) = cells.get(at + AHEAD * CELL) {
            fetch(rows, (place & 0xffff) as usize * 2 * width, 2 * width);
            fetch(columns, (place >> 16) as usize * 2 * width, 2 * width);
        }
        let place = cells[at];
        let (log, weight) = (f32::from_bits(cells[at + 1]), f32::from_bits(cells[at + 2]));
        let row = &mut rows[(place & 0xffff) as usize * 2 * width..][..2 * width];
        let column = &mut columns[(place >> 16) as usize * 2 * width..][..2 * width];
        let difference = product(s, row, column, width) - log;
        let weighted = weight * difference;
        loss += f64::from(weighted * difference);
        let step = s.splat(rate * weighted);
        for i in (0..whole).step_by(S::LANES) {
            let (t, e) = (s.load(&row[i..]), s.load(&column[i..]));
            move_one(s, row, i, width, t, s.mul(step, e));
            move_one(s, column, i, width, e, s.mul(step, t));
        }
        for i in (whole..width).step_by(S::LANES) {
            let (t, e) = (s.load(&row[i..]), s.load(&column[i..]));
            let (keep_row, keep_column) = (s.load(&keep_row[i - whole..]), s.load(&keep_column[i - whole..]));
            move_one(s, row, i, width, t, s.mul(s.mul(step, e), keep_row));
            move_one(s, column, i, width, e, s.mul(s.mul(step, t), keep_column));
        }
    }
    loss
}

/// The longest rest of a vector: what is left of `size` after whole vectors of 16, the bias and the one, filled up.
const REST: usize = 3 * PAD;

/// Ones, but for a zero at `frozen`.
fn kept(frozen: usize) -> [f32; REST] {
    let mut ones = [1.0; REST];
    ones[frozen] = 0.0;
    ones
}

#[inline(always)]
fn fetch(rows: &[f32], start: usize, length: usize) {
    for line in (start..start + length).step_by(LINE) {
        if let Some(first) = rows.get(line) {
            prefetch_l1(first);
        }
    }
}

/// ⟨row, column⟩.
#[inline(always)]
fn product<S: Simd>(s: S, row: &[f32], column: &[f32], width: usize) -> f32 {
    let mut sums = [s.zero(); 2];
    let pairs = width / (2 * S::LANES) * (2 * S::LANES);
    for i in (0..pairs).step_by(2 * S::LANES) {
        sums[0] = s.fma(s.load(&row[i..]), s.load(&column[i..]), sums[0]);
        sums[1] = s.fma(s.load(&row[i + S::LANES..]), s.load(&column[i + S::LANES..]), sums[1]);
    }
    if pairs < width {
        sums[0] = s.fma(s.load(&row[pairs..]), s.load(&column[pairs..]), sums[0]);
    }
    s.reduce_add(s.add(sums[0], sums[1]))
}

/// w ← w − g/√h; h ← h + g² (Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 2011), g with the learning rate in it as in the authors'
/// program.
#[inline(always)]
fn move_one<S: Simd>(s: S, row: &mut [f32], i: usize, width: usize, w: S::F32, g: S::F32) {
    let h = s.load(&row[width + i..]);
    s.store(&mut row[i..], s.fnma(g, inverse_root(s, h), w));
    s.store(&mut row[width + i..], s.fma(g, g, h));
}

/// 1/√x for x ≥ 1 to 5·10⁻⁶: Newton's iteration from a linear guess at the logarithm, far cheaper than a root and a quotient and the same on
/// every processor (Lomont, "Fast inverse square root", 2003).
#[inline(always)]
fn inverse_root<S: Simd>(s: S, x: S::F32) -> S::F32 {
    let half = s.mul(x, s.splat(0.5));
    let guess = s.sub_i32(s.splat_i32(0x5f37_5a86), s.shr_u32::<1>(s.to_bits(x)));
    let mut y = s.from_bits(guess);
    for _ in 0..2 {
        y = s.mul(y, s.fnma(half, s.mul(y, y), s.splat(1.5)));
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::team;

    fn draws(count: usize, mut state: u64) -> Vec<f32> {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| draw()).collect()
    }

    fn sides(words: usize, size: usize) -> [Side; 2] {
        [1, 2].map(|seed| {
            let weights = draws(words * (size + 1), seed);
            let squares = draws(words * (size + 1), seed + 2).iter().map(|x| 1.5 + x).collect();
            Side { weights, squares }
        })
    }

    /// Every pair of words that `keep` likes, with sums.
    fn sums(words: u32, part: usize, parts: usize) -> Sums {
        let mut sums = Sums::default();
        for row in (part as u32..words).step_by(parts) {
            for column in (0..words).filter(|c| (row * 7 + c * 3) % 5 < 2) {
                sums.rows.push(row);
                sums.columns.push(column);
                sums.sums.push(u64::from(1 + (row * column) % 400));
            }
        }
        sums
    }

    const WEIGHTING: Weighting = Weighting { x_max: 100.0, alpha: 0.75 };

    fn cells(words: u32, parts: usize) -> (Vec<Vec<u32>>, Vec<Vec<usize>>) {
        let (mut cells, mut ends) = (Vec::new(), Vec::new());
        for part in 0..parts {
            let sums = [sums(words, part, parts)];
            let found = blocks(Isa::current(), &team(), &sums, part, parts, 2, WEIGHTING, 5, &|| false).unwrap();
            let lengths = found.cells.iter().map(Vec::len);
            ends.push(
                lengths
                    .scan(0, |end, n| {
                        *end += n;
                        Some(*end)
                    })
                    .collect(),
            );
            cells.push(found.cells.concat().into_flattened());
        }
        (cells, ends)
    }

    #[test]
    fn cells_hold_the_sums() {
        for isa in Isa::supported() {
            let (sums, unit) = (sums(50, 2, 7), 3);
            let found = blocks(isa, &team(), std::slice::from_ref(&sums), 2, 7, unit, WEIGHTING, 5, &|| false).unwrap();
            let mut pairs = std::collections::BTreeMap::new();
            for (column, cells) in found.cells.iter().enumerate() {
                for &[place, log, f] in cells {
                    let pair = ((place & 0xffff) * 7 + 2, (place >> 16) * 7 + column as u32);
                    assert!(pairs.insert(pair, (f32::from_bits(log), f32::from_bits(f))).is_none());
                }
            }
            assert_eq!(pairs.len(), sums.rows.len());
            for (i, (&row, &column)) in sums.rows.iter().zip(&sums.columns).enumerate() {
                let x = sums.sums[i] as f64 / unit as f64;
                let (log, f) = pairs[&(row, column)];
                assert!((f64::from(log) - x.ln()).abs() < 1e-6 * (1.0 + x.ln().abs()), "{isa:?}");
                assert!((f64::from(f) - (x / 100.0).powf(0.75).min(1.0)).abs() < 2e-6 * f64::from(f), "{isa:?}");
            }
            let mut other = Sums { rows: sums.rows.clone(), columns: sums.columns.clone(), sums: sums.sums.clone() };
            other.sums.swap(0, 5);
            assert_ne!(deal(&other, 2, 7, unit).checksum, found.checksum);
        }
    }

    /// The steps in single precision, with roots and quotients; the sum of losses.
    fn twin(
        sides: &mut [Side; 2],
        size: usize,
        parts: usize,
        (row, column): (usize, usize),
        cells: &[u32],
        rate: f32,
    ) -> f64 {
        let mut loss = 0.0;
        for cell in cells.chunks_exact(CELL) {
            let (row, column) = ((cell[0] & 0xffff) as usize * parts + row, (cell[0] >> 16) as usize * parts + column);
            let (log, weight) = (f32::from_bits(cell[1]), f32::from_bits(cell[2]));
            let at = [row * (size + 1), column * (size + 1)];
            let [theta, e] = [0, 1].map(|s| sides[s].weights[at[s]..at[s] + size + 1].to_vec());
            let dot: f32 = (0..size).map(|i| theta[i] * e[i]).sum();
            let difference = dot + theta[size] + e[size] - log;
            loss += f64::from(weight * difference * difference);
            for (s, other) in [e, theta].iter().enumerate() {
                for i in 0..=size {
                    let g = rate * weight * difference * if i < size { other[i] } else { 1.0 };
                    sides[s].weights[at[s] + i] -= g / sides[s].squares[at[s] + i].sqrt();
                    sides[s].squares[at[s] + i] += g * g;
                }
            }
        }
        loss
    }

    #[test]
    fn the_steps_of_the_scalar_twin_at_every_level() {
        for isa in Isa::supported() {
            for (words, size, parts) in [(9, 1, 1), (33, 6, 4), (40, 14, 5), (40, 15, 3), (21, 16, 2), (21, 50, 21)] {
                let (cells, ends) = cells(words, parts);
                let views: Vec<&[u32]> = cells.iter().map(Vec::as_slice).collect();
                let words = words as usize;
                let mut expected = sides(words, size);
                let mut model = Glove::new(words, size, parts, &expected, &vec![0.0; parts * parts]).unwrap();
                for epoch in 0..2 {
                    model.begin();
                    for stratum in strata(3, epoch, parts) {
                        assert!(model.stratum(isa, &team(), &views, &ends, stratum, 0.05, &|| false));
                        for row in 0..parts {
                            let (column, block) = ((row + stratum) % parts, row * parts + (row + stratum) % parts);
                            let start = if column == 0 { 0 } else { ends[row][column - 1] };
                            let cells = &cells[row][CELL * start..CELL * ends[row][column]];
                            let loss = twin(&mut expected, size, parts, (row, column), cells, 0.05);
                            assert!((model.losses()[block] - loss).abs() <= 1e-4 * (loss + 0.01), "{isa:?} {size}");
                        }
                    }
                }
                let found = model.sides();
                for (found, expected) in found.iter().zip(&expected) {
                    for (a, b) in [(&found.weights, &expected.weights), (&found.squares, &expected.squares)] {
                        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-5 * (1.0 + b.abs())), "{isa:?} {size}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_stop_leaves_blocks_whole_and_the_rest_follows() {
        let (words, size, parts) = (60, 7, 12);
        let (cells, ends) = cells(words, parts);
        let views: Vec<&[u32]> = cells.iter().map(Vec::as_slice).collect();
        let start = sides(words as usize, size);
        let visit = |model: &Glove, stop: Stop<'_>| model.stratum(Isa::current(), &team(), &views, &ends, 5, 0.1, stop);
        let unvisited = vec![UNVISITED; parts * parts];
        let whole = Glove::new(words as usize, size, parts, &start, &unvisited).unwrap();
        assert!(visit(&whole, &|| false));
        let asked = std::cell::Cell::new(0);
        let model = Glove::new(words as usize, size, parts, &start, &unvisited).unwrap();
        assert!(!visit(&model, &|| {
            asked.set(asked.get() + 1);
            asked.get() > 4
        }));
        assert_ne!(model.sides(), whole.sides());
        let resumed = Glove::new(words as usize, size, parts, &model.sides(), &model.losses()).unwrap();
        assert!(visit(&resumed, &|| false));
        assert!(resumed.sides() == whole.sides() && resumed.losses() == whole.losses());
    }

    #[test]
    fn inverse_roots_are_near() {
        for isa in Isa::supported() {
            dispatch!(isa, s => {
                let mut x = 1.0f32;
                while x < 1e30 {
                    let y = s.reduce_max(inverse_root(s, s.splat(x)));
                    assert!((f64::from(y) * f64::from(x).sqrt() - 1.0).abs() < 5e-6, "{x}");
                    x *= 1.013;
                }
            });
        }
    }

    #[test]
    fn orders_are_permutations_keyed_by_seed_and_epoch() {
        let mut order = strata(1, 0, 40);
        assert_ne!(order, strata(1, 1, 40));
        assert_ne!(order, strata(2, 0, 40));
        assert_eq!(order, strata(1, 0, 40));
        order.sort_unstable();
        assert!(order.into_iter().eq(0..40));
    }
}
