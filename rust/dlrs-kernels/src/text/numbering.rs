//! Numbers for distinct things, in the order they come.

/// An open-addressing table that gives distinct keys the numbers 0, 1, ...; the keys themselves are kept by the caller.
#[derive(Default)]
pub struct Numbering {
    /// Number + 1 of a key, or 0; a power of two of them.
    slots: Vec<u32>,
    hashes: Vec<u64>,
}

/// Slots of an empty table.
const FEWEST: usize = 64;

impl Numbering {
    /// Forgets all keys.
    pub fn clear(&mut self) {
        self.hashes.clear();
        self.slots.clear();
        self.slots.resize(FEWEST, 0);
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The number of the key of that hash for which `is` holds.
    #[inline]
    pub fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = spread(hash) & mask;
        loop {
            let number = self.slots[at].checked_sub(1)?;
            if self.hashes[number as usize] == hash && is(number as usize) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// A number for a new key.
    pub fn add(&mut self, hash: u64) -> u32 {
        if 2 * (self.hashes.len() + 1) > self.slots.len() {
            self.slots = vec![0; (2 * self.slots.len()).max(FEWEST)];
            for number in 0..self.hashes.len() {
                self.place(number);
            }
        }
        self.hashes.push(hash);
        self.place(self.hashes.len() - 1);
        (self.hashes.len() - 1) as u32
    }

    fn place(&mut self, number: usize) {
        let mask = self.slots.len() - 1;
        let mut at = spread(self.hashes[number]) & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = number as u32 + 1;
    }

    /// The number of an integer, a new one if it has none: the integers are their own hashes.
    #[inline]
    pub fn of(&mut self, key: u64) -> u32 {
        match self.find(key, |_| true) {
            Some(number) => number,
            None => self.add(key),
        }
    }
}

/// High bits of a product with 2⁶⁴/φ (Knuth, The Art of Computer Programming 3, 6.4).
fn spread(hash: u64) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

/// Words and their numbers.
#[derive(Default)]
pub struct Words {
    numbering: Numbering,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    /// Forgets all words.
    pub fn clear(&mut self) {
        self.numbering.clear();
        self.bytes.clear();
        self.ends.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbering.len()
    }

    /// The word's number, if it has one.
    #[inline]
    pub fn find(&self, word: &[u8]) -> Option<u32> {
        self.numbering.find(hash(word), |n| self.word(n) == word)
    }

    /// The word's number, a new one if it has none.
    #[inline]
    pub fn of(&mut self, word: &[u8]) -> u32 {
        if let Some(number) = self.find(word) {
            return number;
        }
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
        self.numbering.add(hash(word))
    }

    /// The word with a number.
    pub fn word(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }
}

/// Eight bytes at a time: xor, multiply, rotate.
#[inline]
fn hash(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
    let step = |h: u64, x: u64| (h ^ x).wrapping_mul(FACTOR).rotate_left(26);
    let mut chunks = word.chunks_exact(8);
    let mut h = word.len() as u64;
    for chunk in &mut chunks {
        h = step(h, u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
    }
    let rest = chunks.remainder().iter().fold(0, |x, &b| x << 8 | u64::from(b));
    step(h, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_have_equal_numbers() {
        let mut words = Words::default();
        for _ in 0..2 {
            words.clear();
            let all: Vec<String> = (0..1000).map(|i| format!("word{}", i % 300)).collect();
            let numbers: Vec<u32> = all.iter().map(|w| words.of(w.as_bytes())).collect();
            assert!(numbers.iter().enumerate().all(|(i, &n)| n as usize == i % 300));
            assert_eq!((words.len(), words.find(b"other"), words.find(b"word7")), (300, None, Some(7)));
        }
    }

    #[test]
    fn an_unused_numbering_finds_nothing() {
        assert_eq!(Numbering::default().find(3, |_| true), None);
        let mut numbering = Numbering::default();
        assert_eq!((numbering.of(3), numbering.of(5), numbering.of(3), numbering.len()), (0, 1, 0, 2));
        assert!(!numbering.is_empty());
    }
}
