//! Structural keys: 128-bit hashes that stand for a piece of structure (an op with its attributes, a graph).

use std::hash::{Hash, Hasher};

/// The identity of a piece of structure. Two structures with one key are taken for the same.
pub type Key = u128;

/// Collects structure into a [`Key`]: two multiply-rotate lanes with different constants, mixed at the end.
#[derive(Clone, Copy)]
pub struct KeyHasher {
    a: u64,
    b: u64,
}

impl KeyHasher {
    /// An empty hasher.
    pub fn new() -> KeyHasher {
        KeyHasher { a: 0x9e37_79b9_7f4a_7c15, b: 0xc2b2_ae3d_27d4_eb4f }
    }

    /// The key of all that was written.
    pub fn key(self) -> Key {
        let mix = |mut x: u64| {
            // The finaliser of MurmurHash3.
            x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            x ^ (x >> 33)
        };
        (u128::from(mix(self.a)) << 64) | u128::from(mix(self.b ^ self.a.rotate_left(32)))
    }
}

impl Default for KeyHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.key() as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word) ^ ((chunk.len() as u64) << 56));
        }
    }

    fn write_u64(&mut self, x: u64) {
        self.a = (self.a ^ x).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
        self.b = (self.b.rotate_left(23) ^ x).wrapping_mul(0x9fb2_1c65_1e98_df25) ^ (self.b >> 32);
    }

    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }

    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }

    fn write_u8(&mut self, x: u8) {
        self.write_u64(u64::from(x));
    }
}

/// The key of one value that can be hashed.
pub fn key_of<T: Hash + ?Sized>(x: &T) -> Key {
    let mut hasher = KeyHasher::new();
    x.hash(&mut hasher);
    hasher.key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_structure_has_different_keys() {
        let keys: std::collections::HashSet<_> = (0..100_000u64).map(|i| key_of(&(i, "op"))).collect();
        assert_eq!(keys.len(), 100_000);
        assert_ne!(key_of(&(1usize, 2usize)), key_of(&(2usize, 1usize)));
        assert_ne!(key_of("ab"), key_of("ba"));
    }
}
