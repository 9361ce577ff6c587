//! How many pairs of an input and an output the rows of a batch are in.

use super::windows::Window;

/// Places of a table: a batch with more rows than half of them is full.
const PLACES: usize = 2048;

/// Counts of rows, in tables with open addressing.
pub(super) struct Tally {
    /// Of inputs and of outputs: at each place a row and its pairs; nothing where these are 0.
    tables: [Vec<(u32, u32)>; 2],
    /// Places that are taken.
    taken: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self { tables: [vec![(0, 0); PLACES], vec![(0, 0); PLACES]], taken: 0 }
    }
}

impl Tally {
    /// Begins anew.
    pub fn clear(&mut self) {
        if self.taken > 0 {
            self.tables.iter_mut().for_each(|table| table.fill((0, 0)));
            self.taken = 0;
        }
    }

    /// Adds `each` pairs to the inputs of a window, `all` to its outputs. False if a row then has more than `most`, or if there is no room; what was
    /// added until then stays.
    pub fn add(&mut self, window: Window<'_>, each: u32, all: u32, most: u32) -> bool {
        window.inputs.iter().all(|&row| self.count(0, row, each, most))
            && window.outputs.iter().all(|&row| self.count(1, row, all, most))
    }

    #[inline(always)]
    fn count(&mut self, table: usize, row: u32, pairs: u32, most: u32) -> bool {
        let table = &mut self.tables[table];
        let mut place = (row.wrapping_mul(0x9E37_79B1) >> (32 - PLACES.ilog2())) as usize;
        while table[place].1 > 0 && table[place].0 != row {
            place = (place + 1) % PLACES;
        }
        if table[place].1 == 0 {
            if self.taken == PLACES / 2 {
                return false;
            }
            self.taken += 1;
        }
        table[place] = (row, table[place].1.saturating_add(pairs));
        table[place].1 <= most
    }
}
