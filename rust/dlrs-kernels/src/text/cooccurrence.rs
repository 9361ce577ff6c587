//! How often words stand near each other: X_ij, the sum of 1/d over the places where word j stands d words beside word i.
//!
//! Sums are integers, in units of one over a common denominator of 1..=window, so they do not depend on their order: a corpus counted piece by
//! piece, by any number of threads, gives the same bits as one counted at once. Rows are worked off one at a time into a dense vector
//! of sums (Gustavson, "Two fast algorithms for sparse matrices", TOMS 1978): neighbours of a word cost an addition each, and no hashing.

use crate::mem::{Stop, Team};

/// The largest window whose distances have an exact common denominator here; those above count in units of 1 / [`ROUNDED`].
const EXACT: u64 = 22;
const ROUNDED: u64 = 1 << 28;
/// Ranges that the rows of a part are merged in.
const RANGES: usize = 8;

/// Which neighbours count.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The largest distance.
    pub width: usize,
    /// Whether words to the right count too.
    pub symmetric: bool,
}

impl Window {
    /// What a neighbour at distance 1 adds to the sums: lcm(1..=width), or 2²⁸ beyond 22 words.
    pub fn unit(self) -> u64 {
        let gcd = |mut a: u64, mut b: u64| {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        if self.width as u64 > EXACT { ROUNDED } else { (1..=self.width as u64).fold(1, |l, d| l / gcd(l, d) * d) }
    }

    /// unit/d of every distance d, the nearest integer; that of 0 is 0.
    fn weights(self) -> Vec<u64> {
        let unit = self.unit();
        (0..=self.width as u64).map(|d| if d == 0 { 0 } else { (2 * unit + d) / (2 * d) }).collect()
    }
}

/// A piece of a corpus.
#[derive(Clone, Copy, Debug)]
pub struct Sentences<'a> {
    /// Numbers of words, sentence after sentence.
    pub words: &'a [u32],
    /// Where each sentence ends.
    pub ends: &'a [usize],
    /// So many words at the beginning belong to the piece before: pairs among them have been counted.
    pub carried: usize,
    /// How many different words there are; all numbers are below.
    pub vocabulary: usize,
}

/// Sums of some rows, row after row; the columns of a row in any order.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Word i.
    pub rows: Vec<u32>,
    /// Word j.
    pub columns: Vec<u32>,
    /// X_ij in units.
    pub sums: Vec<u64>,
}

/// Sums over a piece, part after part: part p has rows p, p + parts, p + 2 parts, ... in this order. `None` once `stop` says so.
///
/// # Panics
/// If a word is not in the vocabulary.
pub fn count_pairs(
    team: &Team,
    corpus: Sentences<'_>,
    window: Window,
    parts: usize,
    stop: Stop<'_>,
) -> Option<Vec<Sums>> {
    let places = Places::new(corpus, window.width);
    let weights = window.weights();
    team.collect(parts, stop, |part, stop| {
        let mut row = Row::new(corpus.vocabulary);
        let mut found = Sums::default();
        for word in (part..corpus.vocabulary).step_by(parts) {
            if stop() {
                break;
            }
            for &place in places.of(word) {
                neighbours(&mut row, corpus, &places, place as usize, window.symmetric, &weights);
            }
            row.drain(word, &mut found);
        }
        found
    })
}

/// Adds the neighbours of one place.
#[inline]
fn neighbours(row: &mut Row, corpus: Sentences<'_>, places: &Places, at: usize, symmetric: bool, weights: &[u64]) {
    if at >= corpus.carried {
        for d in 1..=usize::from(places.left[at]) {
            row.add(corpus.words[at - d], weights[d]);
        }
    }
    if symmetric {
        let first = corpus.carried.saturating_sub(at).max(1);
        for d in first..=usize::from(places.right[at]) {
            row.add(corpus.words[at + d], weights[d]);
        }
    }
}

/// Where words stand, and how many neighbours each place has.
struct Places {
    starts: Vec<usize>,
    places: Vec<u32>,
    left: Vec<u16>,
    right: Vec<u16>,
}

impl Places {
    fn new(corpus: Sentences<'_>, width: usize) -> Self {
        let n = corpus.words.len();
        assert!(u32::try_from(n).is_ok() && u16::try_from(width).is_ok() && corpus.ends.last().is_none_or(|&e| e == n));
        let mut starts = vec![0; corpus.vocabulary + 2];
        for &word in corpus.words {
            starts[word as usize + 2] += 1;
        }
        for word in 2..starts.len() {
            starts[word] += starts[word - 1];
        }
        let mut places = vec![0; n];
        for (place, &word) in corpus.words.iter().enumerate() {
            let next = &mut starts[word as usize + 1];
            places[*next] = place as u32;
            *next += 1;
        }
        let (mut left, mut right) = (vec![0; n], vec![0; n]);
        let mut start = 0;
        for &end in corpus.ends {
            for at in start..end {
                left[at] = (at - start).min(width) as u16;
                right[at] = (end - 1 - at).min(width) as u16;
            }
            start = end;
        }
        Self { starts, places, left, right }
    }

    fn of(&self, word: usize) -> &[u32] {
        &self.places[self.starts[word]..self.starts[word + 1]]
    }
}

/// A row being summed.
struct Row {
    sums: Vec<u64>,
    /// The columns whose sums are not 0 stand at the beginning; one more place takes what is not kept.
    columns: Vec<u32>,
    count: usize,
}

impl Row {
    fn new(vocabulary: usize) -> Self {
        Self { sums: vec![0; vocabulary], columns: vec![0; vocabulary + 1], count: 0 }
    }

    #[inline(always)]
    fn add(&mut self, column: u32, weight: u64) {
        // Without a branch: whether a pair is new cannot be foreseen.
        let sum = &mut self.sums[column as usize];
        self.columns[self.count] = column;
        self.count += usize::from(*sum == 0);
        *sum += weight;
    }

    /// Hands the row over and begins anew.
    fn drain(&mut self, row: usize, to: &mut Sums) {
        let columns = &self.columns[..self.count];
        to.rows.resize(to.rows.len() + columns.len(), row as u32);
        to.columns.extend_from_slice(columns);
        to.sums.reserve(columns.len());
        for &column in columns {
            to.sums.push(std::mem::take(&mut self.sums[column as usize]));
        }
        self.count = 0;
    }

    /// Sorts the columns.
    fn sort(&mut self) {
        if self.count < self.sums.len() / 8 {
            return self.columns[..self.count].sort_unstable();
        }
        self.count = 0;
        for (column, &sum) in self.sums.iter().enumerate() {
            self.columns[self.count] = column as u32;
            self.count += usize::from(sum != 0);
        }
    }
}

/// The same part of several pieces.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Word i, in the order that [`count_pairs`] gives.
    pub rows: &'a [u32],
    /// Word j.
    pub columns: &'a [u32],
    /// X_ij in units.
    pub sums: &'a [u64],
}

/// The sums of pieces, for ranges of rows one after another; here the columns of a row are in order. `None` once `stop` says so.
///
/// # Panics
/// If lengths do not fit or a column is not below `vocabulary`.
pub fn merge_pieces(team: &Team, pieces: &[Piece<'_>], vocabulary: usize, stop: Stop<'_>) -> Option<Vec<Sums>> {
    assert!(pieces.iter().all(|p| p.rows.len() == p.columns.len() && p.rows.len() == p.sums.len()));
    team.collect(RANGES, stop, |range, stop| {
        let bound = |i: usize| (vocabulary * i).div_ceil(RANGES) as u32;
        let (first, end) = (bound(range), bound(range + 1));
        let mut next: Vec<usize> = pieces.iter().map(|p| p.rows.partition_point(|&r| r < first)).collect();
        let mut row = Row::new(vocabulary);
        let mut merged = Sums::default();
        loop {
            let rows = pieces.iter().zip(&next).filter_map(|(piece, &at)| piece.rows.get(at));
            let Some(word) = rows.copied().min().filter(|&word| word < end && !stop()) else { return merged };
            for (piece, at) in pieces.iter().zip(&mut next) {
                while piece.rows.get(*at) == Some(&word) {
                    row.add(piece.columns[*at], piece.sums[*at]);
                    *at += 1;
                }
            }
            row.sort();
            row.drain(word as usize, &mut merged);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::mem::team;

    type Map = BTreeMap<(u32, u32), u64>;

    fn words(count: usize, vocabulary: u32, mut state: u64) -> Vec<u32> {
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        (0..count).map(|_| draw() % (1 + draw() % vocabulary)).collect()
    }

    /// Every pair of places, one after another.
    fn twin(words: &[u32], ends: &[usize], window: Window) -> Map {
        let mut all = Map::new();
        let mut start = 0;
        for &end in ends {
            for right in start..end {
                for left in start.max(right.saturating_sub(window.width))..right {
                    let weight = (window.unit() as f64 / (right - left) as f64).round() as u64;
                    *all.entry((words[right], words[left])).or_default() += weight;
                    if window.symmetric {
                        *all.entry((words[left], words[right])).or_default() += weight;
                    }
                }
            }
            start = end;
        }
        all
    }

    fn map(parts: &[Sums]) -> Map {
        let mut all = Map::new();
        for part in parts {
            for (i, &sum) in part.sums.iter().enumerate() {
                assert!(all.insert((part.rows[i], part.columns[i]), sum).is_none(), "a pair twice");
            }
        }
        all
    }

    #[test]
    fn the_sums_of_the_scalar_twin() {
        let words = words(3000, 90, 1);
        let ends = [1, 1, 7, 40, 1000, 1003, 3000];
        for (width, symmetric, parts) in [(1, true, 1), (10, true, 16), (5, false, 7), (23, true, 90)] {
            let window = Window { width, symmetric };
            let corpus = Sentences { words: &words, ends: &ends, carried: 0, vocabulary: 90 };
            let parts = count_pairs(&team(), corpus, window, parts, &|| false).unwrap();
            assert!(parts.iter().enumerate().all(|(p, part)| part.rows.iter().all(|&r| r as usize % parts.len() == p)));
            assert_eq!(map(&parts), twin(&words, &ends, window));
        }
    }

    #[test]
    fn pieces_of_any_size_merge_into_the_whole() {
        let words = words(2000, 50, 2);
        for (size, width, symmetric) in [(1, 3, true), (5, 10, true), (701, 4, false), (2000, 8, true)] {
            let window = Window { width, symmetric };
            let mut pieces = Vec::new();
            for start in (0..words.len()).step_by(size) {
                let carried = start.min(width);
                let piece = &words[start - carried..(start + size).min(words.len())];
                let corpus = Sentences { words: piece, ends: &[piece.len()], carried, vocabulary: 50 };
                pieces.extend(count_pairs(&team(), corpus, window, 1, &|| false).unwrap());
            }
            let views: Vec<_> =
                pieces.iter().map(|p| Piece { rows: &p.rows, columns: &p.columns, sums: &p.sums }).collect();
            let merged = merge_pieces(&team(), &views, 50, &|| false).unwrap();
            assert_eq!(map(&merged), twin(&words, &[2000], window));
            assert!(merged.iter().all(|s| s.rows.iter().zip(&s.columns).is_sorted()));
        }
    }

    #[test]
    fn units_divide_by_every_distance() {
        let unit = |width| Window { width, symmetric: true }.unit();
        assert_eq!((unit(1), unit(10), unit(22), unit(23)), (1, 2520, 232_792_560, 1 << 28));
        assert_eq!(Window { width: 4, symmetric: true }.weights(), [0, 12, 6, 4, 3]);
    }
}
