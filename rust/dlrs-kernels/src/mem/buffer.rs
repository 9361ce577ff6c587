//! Aligned, fallibly allocated memory, with a small pool so that results of eager ops reuse warm pages.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::HashMap;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use super::{DType, Element};

/// Alignment of every buffer: a cache line, which is also an AVX-512 vector.
pub const ALIGN: usize = 64;
/// Smaller buffers are left to the system allocator, which is fast enough for them.
const POOL_MIN: usize = 4096;
/// The pool keeps at most this many bytes.
const POOL_MAX: usize = 256 << 20;

/// An allocation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// Bytes asked for.
    pub bytes: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot allocate {} bytes", self.bytes)
    }
}

/// An owned block of initialised bytes, aligned to [`ALIGN`].
pub struct Buffer {
    /// What the allocator gave: up to [`ALIGN`] − 1 bytes before the first one used.
    block: NonNull<u8>,
    len: usize,
    capacity: usize,
}

// SAFETY: a buffer owns its bytes, as `Vec<u8>` does.
unsafe impl Send for Buffer {}
// SAFETY: shared access only reads.
unsafe impl Sync for Buffer {}

/// Freed blocks by capacity.
static POOL: Mutex<Option<Pool>> = Mutex::new(None);

#[derive(Default)]
struct Pool {
    free: HashMap<usize, Vec<Block>>,
    bytes: usize,
}

struct Block(NonNull<u8>);
// SAFETY: a free block is owned by the pool alone.
unsafe impl Send for Block {}

/// The allocator's own alignment: for a stricter one it would write the zeros itself, page by page, where zeros that the system
/// hands out cost nothing until they are touched. So blocks are larger by [`ALIGN`], and begin inside.
const OWN_ALIGN: usize = 16;

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(capacity.checked_add(ALIGN)?, OWN_ALIGN).ok()
}

/// Capacities grow by eighths of a power of two, so that a recycled block fits well.
fn capacity_for(len: usize) -> Option<usize> {
    let step = if len < POOL_MIN { ALIGN } else { (len.checked_next_power_of_two()? / 8).max(ALIGN) };
    len.max(1).checked_next_multiple_of(step)
}

impl Buffer {
    /// `len` zero bytes.
    pub fn zeroed(len: usize) -> Result<Buffer, OutOfMemory> {
        let (mut buffer, used) = Self::obtain(len)?;
        if used {
            buffer.bytes_mut().fill(0);
        }
        Ok(buffer)
    }

    /// `len` bytes that hold some earlier values or zeros: for outputs that are written whole.
    pub fn recycled(len: usize) -> Result<Buffer, OutOfMemory> {
        Ok(Self::obtain(len)?.0)
    }

    /// A buffer, and whether it was used before.
    fn obtain(len: usize) -> Result<(Buffer, bool), OutOfMemory> {
        let oom = OutOfMemory { bytes: len };
        let capacity = capacity_for(len).filter(|&c| c <= isize::MAX as usize).ok_or(oom)?;
        if capacity >= POOL_MIN
            && let Some(block) = take_from_pool(capacity)
        {
            return Ok((Buffer { block, len, capacity }, true));
        }
        let layout = layout(capacity).ok_or(oom)?;
        // SAFETY: the layout is not empty, since capacity_for returns at least ALIGN.
        let block = unsafe { alloc_zeroed(layout) };
        NonNull::new(block).map(|block| (Buffer { block, len, capacity }, false)).ok_or(oom)
    }

    /// The first byte: the first multiple of [`ALIGN`] in the block.
    fn start(&self) -> *mut u8 {
        let block = self.block.as_ptr();
        // SAFETY: the block is longer than its capacity by ALIGN, so the offset, less than ALIGN, stays inside.
        unsafe { block.add(block.addr().next_multiple_of(ALIGN) - block.addr()) }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the buffer holds no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: behind start() the block holds at least len initialised bytes (zeroed at birth, or recycled).
        unsafe { std::slice::from_raw_parts(self.start(), self.len) }
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in bytes(); the exclusive borrow makes the access unique.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }

    /// The buffer as elements of type `T`, as many as fit.
    pub fn as_slice<T: Element>(&self) -> &[T] {
        cast(self.bytes())
    }

    /// The buffer as elements of type `T`, to be written.
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        cast_mut(self.bytes_mut())
    }
}

fn take_from_pool(capacity: usize) -> Option<NonNull<u8>> {
    let mut guard = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = guard.as_mut()?;
    let block = pool.free.get_mut(&capacity)?.pop()?;
    pool.bytes -= capacity;
    Some(block.0)
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.capacity >= POOL_MIN {
            let mut guard = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let pool = guard.get_or_insert_with(Pool::default);
            if pool.bytes + self.capacity <= POOL_MAX {
                pool.bytes += self.capacity;
                pool.free.entry(self.capacity).or_default().push(Block(self.block));
                return;
            }
        }
        if let Some(layout) = layout(self.capacity) {
            // SAFETY: the block was allocated with this layout and is given up here.
            unsafe { dealloc(self.block.as_ptr(), layout) };
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// Bytes seen as elements of type `T`, as many as fit.
///
/// # Panics
/// If the bytes are not aligned for `T`.
pub fn cast<T: Element>(bytes: &[u8]) -> &[T] {
    let n = bytes.len() / size_of::<T>();
    if n == 0 {
        return &[];
    }
    assert!(bytes.as_ptr().cast::<T>().is_aligned(), "buffer is not aligned for its elements");
    // SAFETY: aligned, inside the borrow, and every bit pattern is a valid `T: Element`.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), n) }
}

/// Bytes seen as elements of type `T`, to be written.
///
/// # Panics
/// If the bytes are not aligned for `T`.
pub fn cast_mut<T: Element>(bytes: &mut [u8]) -> &mut [T] {
    let n = bytes.len() / size_of::<T>();
    if n == 0 {
        return &mut [];
    }
    assert!(bytes.as_ptr().cast::<T>().is_aligned(), "buffer is not aligned for its elements");
    // SAFETY: aligned, inside the exclusive borrow, and every bit pattern is a valid `T: Element` and valid bytes.
    unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), n) }
}

/// Elements seen as bytes.
pub fn bytes_of<T: Element>(x: &[T]) -> &[u8] {
    // SAFETY: `T: Element` has no padding, so all its bytes are initialised.
    unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), size_of_val(x)) }
}

/// Elements seen as bytes, to be written.
pub fn bytes_of_mut<T: Element>(x: &mut [T]) -> &mut [u8] {
    // SAFETY: `T: Element` has no padding, so all its bytes are initialised, and every bit pattern is a valid element.
    unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), size_of_val(x)) }
}

/// Whether `T` may view elements of `dtype`.
pub fn is_view_of<T: Element>(dtype: DType) -> bool {
    T::DTYPES.contains(&dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_recycled() {
        let mut a = Buffer::zeroed(10_000).unwrap();
        assert_eq!(a.bytes().as_ptr() as usize % ALIGN, 0);
        a.as_mut_slice::<f32>()[3] = 2.5;
        assert_eq!(a.as_slice::<f32>()[3], 2.5);
        drop(a);
        assert!(Buffer::zeroed(10_000).unwrap().bytes().iter().all(|&b| b == 0));
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        assert!(Buffer::zeroed(usize::MAX - 100).is_err());
        assert!(Buffer::recycled(1 << 60).is_err());
        assert_eq!(Buffer::zeroed(0).unwrap().len(), 0);
    }
}
