//! Shared by the kernels' tests: buffers that end (or begin) at an unmapped page, and a small number generator.
#![allow(dead_code)] // each test binary uses a part

use std::ops::{Deref, DerefMut};

/// A slice whose end touches an inaccessible page, and whose start is preceded by one when it fills whole pages:
/// reading or writing beyond the end stops the test with a fault.
pub struct Guarded<T: Copy> {
    map: *mut u8,
    map_len: usize,
    data: *mut T,
    len: usize,
}

const PAGE: usize = 4096;

impl<T: Copy> Guarded<T> {
    /// A copy of `x` that ends at an inaccessible page.
    pub fn end(x: &[T]) -> Self {
        Self::place(x, true)
    }

    /// A copy of `x` that starts right after an inaccessible page.
    pub fn start(x: &[T]) -> Self {
        Self::place(x, false)
    }

    fn place(x: &[T], at_end: bool) -> Self {
        let bytes = size_of_val(x);
        let inner = bytes.div_ceil(PAGE).max(1) * PAGE;
        let map_len = inner + 2 * PAGE;
        // SAFETY: a fresh anonymous mapping; its first and last page lose all access, the copy lies between them.
        unsafe {
            let map = libc::mmap(
                std::ptr::null_mut(),
                map_len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(map, libc::MAP_FAILED);
            let map = map.cast::<u8>();
            assert_eq!(libc::mprotect(map.cast(), PAGE, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(map.add(PAGE + inner).cast(), PAGE, libc::PROT_NONE), 0);
            let data = map.add(if at_end { PAGE + inner - bytes } else { PAGE }).cast::<T>();
            std::ptr::copy_nonoverlapping(x.as_ptr(), data, x.len());
            Self { map, map_len, data, len: x.len() }
        }
    }
}

impl<T: Copy> Deref for Guarded<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `len` elements were copied to `data`, which the mapping keeps alive.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<T: Copy> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the mapping is owned.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }
}

impl<T: Copy> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `place` and is unmapped once.
        unsafe { libc::munmap(self.map.cast(), self.map_len) };
    }
}

/// A linear congruential generator (Knuth's MMIX constants); its high bits are good enough for test data.
pub struct Rng(u64);

impl Rng {
    /// The generator with that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A number in [lo, hi).
    pub fn uniform(&mut self, lo: f32, hi: f32) -> f32 {
        lo + (hi - lo) * (self.bits() >> 8) as f32 / 16_777_216.0
    }

    /// `n` numbers in [-2, 2).
    pub fn vec(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.uniform(-2.0, 2.0)).collect()
    }
}
