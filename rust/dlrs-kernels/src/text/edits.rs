//! Edit distance by bit vectors (Myers 1999; Hyyrö 2003), and what kinds of edits an alignment has.
//!
//! A table of distances has a column for each of the first sequence's items and a row for each of the second's. 64 columns, a strip, are one pair
//! of words in every row: bit i of `up` says that the distance rises by one from column i - 1 to column i, bit i of `down` that it falls.
//! Strips are passed one after another; what goes from one to the next is, for every row, the change from the row above in its last column.

use super::numbering::{Numbering, Words};
use super::space;
use crate::mem::{Stop, Team};

/// Pairs that a thread takes at a time.
const SHARD: usize = 32;
/// Rows times strips whose bit vectors are kept at a time when the way back is looked for.
const KEPT: usize = 1 << 20;
/// Strips after which it is asked whether to stop.
const ASK: usize = 16;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Words, between blanks.
    Words,
    /// Characters, those at the ends that are white space left out.
    Characters,
}

/// Edits that turn the first sequence into the second, fewest in sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EditCounts {
    /// Items left as they are.
    pub hits: u64,
    /// Items put for others.
    pub substitutions: u64,
    /// Items of the first left out.
    pub deletions: u64,
    /// Items of the second added.
    pub insertions: u64,
}

/// Finds edits; keeps its memory for the next pair.
#[derive(Default)]
pub struct Editor {
    words: Words,
    numbering: Numbering,
    first: Vec<u32>,
    second: Vec<u32>,
    /// By item's number: the columns of the strip that have it.
    columns: Vec<u64>,
    /// By row: the change from the row above in the last column passed.
    changes: Vec<i8>,
    /// `changes` before the strips at which the way back begins anew.
    checkpoints: Vec<i8>,
    /// `up` and `down` of the strips at hand.
    bits: Vec<[u64; 2]>,
}

impl Editor {
    /// Reads two texts as sequences of words or characters.
    fn read(&mut self, first: &[u8], second: &[u8], unit: Unit) {
        self.words.clear();
        for (text, items) in [(first, &mut self.first), (second, &mut self.second)] {
            items.clear();
            let words = &mut self.words;
            match unit {
                Unit::Words => space::spoken_words(text, |word| items.push(words.of(word))),
                Unit::Characters => space::characters(space::trim(text), |c, _| items.push(words.of(c))),
            }
        }
        self.columns.clear();
        self.columns.resize(self.words.len(), 0);
    }

    /// Reads two sequences of integers.
    fn read_integers(&mut self, first: &[i64], second: &[i64]) {
        self.numbering.clear();
        for (sequence, items) in [(first, &mut self.first), (second, &mut self.second)] {
            items.clear();
            items.extend(sequence.iter().map(|&x| self.numbering.of(x as u64)));
        }
        self.columns.clear();
        self.columns.resize(self.numbering.len(), 0);
    }

    /// The least number of edits between two sequences.
    ///
    /// Once `stop` says so the result is not to be used; this holds for [`Editor::edits`] too.
    pub fn distance(&mut self, first: &[i64], second: &[i64], stop: Stop<'_>) -> u64 {
        self.read_integers(first, second);
        self.trim();
        self.changes.clear();
        self.changes.resize(self.second.len(), 1);
        let columns = self.first.len();
        for strip in 0..columns.div_ceil(64) {
            if strip % ASK == ASK - 1 && stop() {
                break;
            }
            self.pass(strip, |_, _| {});
        }
        // Down the last column from its top, which is the distance to an empty sequence.
        (columns as i64 + self.changes.iter().map(|&c| i64::from(c)).sum::<i64>()) as u64
    }

    /// Kinds of edits between two texts. Among alignments of fewest edits it is the one that, from the end, leaves an item out where it
    /// can, else adds one where the distance grows in no other way, as rapidfuzz's, behind equal beginnings and before equal ends.
    pub fn edits(&mut self, first: &[u8], second: &[u8], unit: Unit, stop: Stop<'_>) -> EditCounts {
        self.read(first, second, unit);
        let equal = self.trim() as u64;
        let mut edits = self.way_back(stop);
        edits.hits += equal;
        edits
    }

    /// Drops the equal beginnings and ends; how many items these have.
    fn trim(&mut self) -> usize {
        let (a, b) = (&mut self.first, &mut self.second);
        let before = a.iter().zip(&*b).take_while(|(x, y)| x == y).count();
        a.drain(..before);
        b.drain(..before);
        let after = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        a.truncate(a.len() - after);
        b.truncate(b.len() - after);
        before + after
    }

    /// Passes the 64 columns of a strip, all rows; `row` is given each row's number and bit vectors (Hyyrö 2003, figure 4).
    #[inline(always)]
    fn pass(&mut self, strip: usize, mut row: impl FnMut(usize, [u64; 2])) {
        let items = &self.first[64 * strip..(64 * strip + 64).min(self.first.len())];
        items.iter().enumerate().for_each(|(i, &item)| self.columns[item as usize] |= 1 << i);
        let last = items.len() - 1;
        let (mut up, mut down) = (u64::MAX, 0u64);
        for (number, (item, change)) in self.second.iter().zip(&mut self.changes).enumerate() {
            let (rises, falls) = (u64::from(*change > 0), u64::from(*change < 0));
            let equal = self.columns[*item as usize];
            let vertical = equal | down;
            let equal = equal | falls;
            let horizontal = (((equal & up).wrapping_add(up)) ^ up) | equal;
            let more = down | !(horizontal | up);
            let less = up & horizontal;
            *change = (more >> last & 1) as i8 - (less >> last & 1) as i8;
            let (more, less) = (more << 1 | rises, less << 1 | falls);
            up = less | !(vertical | more);
            down = more & vertical;
            row(number, [up, down]);
        }
        items.iter().for_each(|&item| self.columns[item as usize] = 0);
    }

    fn way_back(&mut self, stop: Stop<'_>) -> EditCounts {
        let rows = self.second.len();
        let strips = self.first.len().div_ceil(64);
        let at_once = (KEPT / rows.max(1)).clamp(1, strips.max(1));
        self.changes.clear();
        self.changes.resize(rows, 1);
        self.checkpoints.clear();
        for strip in 0..strips {
            if strip % ASK == ASK - 1 && stop() {
                return EditCounts::default();
            }
            if strip % at_once == 0 {
                self.checkpoints.extend_from_slice(&self.changes);
            }
            if strip / at_once < (strips - 1) / at_once {
                self.pass(strip, |_, _| {});
            }
        }
        let mut edits = EditCounts::default();
        let (mut row, mut column) = (rows, self.first.len());
        for part in (0..strips.div_ceil(at_once)).rev() {
            if stop() {
                break;
            }
            let start = part * at_once;
            self.keep(part, start..(start + at_once).min(strips));
            self.walk(64 * start, &mut row, &mut column, &mut edits);
        }
        edits.deletions += column as u64;
        edits.insertions += row as u64;
        edits
    }

    /// Passes the strips again and keeps their bit vectors.
    fn keep(&mut self, part: usize, strips: std::ops::Range<usize>) {
        let rows = self.second.len();
        self.changes.copy_from_slice(&self.checkpoints[part * rows..(part + 1) * rows]);
        let mut bits = std::mem::take(&mut self.bits);
        bits.clear();
        bits.reserve(rows * strips.len());
        for strip in strips {
            self.pass(strip, |_, vectors| bits.push(vectors));
        }
        self.bits = bits;
    }

    /// Goes back from a place in the table until its top or the column `left`, with which the strips kept begin.
    fn walk(&self, left: usize, row: &mut usize, column: &mut usize, edits: &mut EditCounts) {
        let rows = self.second.len();
        let bit = |which: usize, row: usize, column: usize| {
            let place = column - left;
            self.bits[place / 64 * rows + row][which] >> (place % 64) & 1 == 1
        };
        while *row > 0 && *column > left {
            if bit(0, *row - 1, *column - 1) {
                edits.deletions += 1;
                *column -= 1;
                continue;
            }
            *row -= 1;
            if *row > 0 && bit(1, *row - 1, *column - 1) {
                edits.insertions += 1;
            } else {
                *column -= 1;
                let equal = self.first[*column] == self.second[*row];
                *(if equal { &mut edits.hits } else { &mut edits.substitutions }) += 1;
            }
        }
    }
}

/// [`Editor::edits`] of each pair of texts.
pub fn many_edits(team: &Team, pairs: &[(&[u8], &[u8])], unit: Unit, stop: Stop<'_>) -> Option<Vec<EditCounts>> {
    let parts = team.collect(pairs.len().div_ceil(SHARD), stop, |i, stop| {
        let mut editor = Editor::default();
        let shard = &pairs[i * SHARD..((i + 1) * SHARD).min(pairs.len())];
        shard.iter().map(|(first, second)| editor.edits(first, second, unit, stop)).collect::<Vec<_>>()
    })?;
    Some(parts.concat())
}

/// [`Editor::distance`] of each pair of sequences.
pub fn many_distances(team: &Team, pairs: &[(&[i64], &[i64])], stop: Stop<'_>) -> Option<Vec<u64>> {
    let parts = team.collect(pairs.len().div_ceil(SHARD), stop, |i, stop| {
        let mut editor = Editor::default();
        let shard = &pairs[i * SHARD..((i + 1) * SHARD).min(pairs.len())];
        shard.iter().map(|(first, second)| editor.distance(first, second, stop)).collect::<Vec<_>>()
    })?;
    Some(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table (Wagner & Fischer 1974), and the way back as [`Editor::edits`] says.
    fn twin(a: &[i64], b: &[i64]) -> (u64, EditCounts) {
        let table = table(a, b);
        let before = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let (p, q) = (&a[before..], &b[before..]);
        let after = p.iter().rev().zip(q.iter().rev()).take_while(|(x, y)| x == y).count();
        let (p, q) = (&p[..p.len() - after], &q[..q.len() - after]);
        let inner = self::table(p, q);
        let mut edits = EditCounts { hits: (before + after) as u64, ..EditCounts::default() };
        let (mut i, mut j) = (p.len(), q.len());
        while i > 0 && j > 0 {
            if inner[j][i] == inner[j][i - 1] + 1 {
                edits.deletions += 1;
                i -= 1;
            } else if inner[j - 1][i] < inner[j - 1][i - 1] {
                edits.insertions += 1;
                j -= 1;
            } else {
                i -= 1;
                j -= 1;
                if p[i] == q[j] { edits.hits += 1 } else { edits.substitutions += 1 }
            }
        }
        edits.deletions += i as u64;
        edits.insertions += j as u64;
        (table[b.len()][a.len()], edits)
    }

    fn table(a: &[i64], b: &[i64]) -> Vec<Vec<u64>> {
        let mut table = vec![(0..=a.len() as u64).collect::<Vec<_>>()];
        for (j, y) in b.iter().enumerate() {
            let mut row = vec![j as u64 + 1];
            for (i, x) in a.iter().enumerate() {
                let kept = table[j][i] + u64::from(x != y);
                row.push(kept.min(row[i] + 1).min(table[j][i + 1] + 1));
            }
            table.push(row);
        }
        table
    }

    fn text(items: &[i64]) -> String {
        items.iter().map(|x| format!("w{x}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn edits_are_those_of_the_table() {
        let mut state = 1u64;
        let mut draw = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut editor = Editor::default();
        for round in 0..400 {
            let (kinds, longest) = (1 + draw(6), if round % 8 == 0 { 300 } else { 20 });
            let mut sequence = || (0..draw(longest)).map(|_| draw(kinds) as i64 - 2).collect::<Vec<_>>();
            let (a, b) = (sequence(), sequence());
            let (distance, edits) = twin(&a, &b);
            assert_eq!(editor.distance(&a, &b, &|| false), distance);
            assert_eq!(editor.edits(text(&a).as_bytes(), text(&b).as_bytes(), Unit::Words, &|| false), edits);
            assert_eq!(edits.substitutions + edits.deletions + edits.insertions, distance);
        }
    }

    #[test]
    fn the_way_back_may_begin_anew() {
        let a: Vec<i64> = (0..700).map(|i| i * 7 % 11).collect();
        let b: Vec<i64> = (0..(KEPT as i64 / 4)).map(|i| i * 5 % 13).collect();
        let mut editor = Editor::default();
        let (first, second) = (text(&a), text(&b));
        let edits = editor.edits(first.as_bytes(), second.as_bytes(), Unit::Words, &|| false);
        assert!(editor.checkpoints.len() > b.len());
        assert_eq!(edits.hits + edits.substitutions + edits.deletions, 700);
        assert_eq!(edits.hits + edits.substitutions + edits.insertions, b.len() as u64);
        assert_eq!(edits.substitutions + edits.deletions + edits.insertions, editor.distance(&a, &b, &|| false));
    }

    #[test]
    fn characters_are_those_between_the_ends() {
        let edits = Editor::default().edits(" kitten ".as_bytes(), "sitting\n".as_bytes(), Unit::Characters, &|| false);
        assert_eq!(edits, EditCounts { hits: 4, substitutions: 2, deletions: 0, insertions: 1 });
        assert_eq!(Editor::default().edits(b"", b"", Unit::Characters, &|| false), EditCounts::default());
    }
}
