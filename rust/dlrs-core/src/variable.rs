//! Variables: named state with a version counter.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use dlrs_kernels::mem::Buffer;

use crate::bail;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::ops::Packing;
use crate::tensor::{Tensor, Ty};

/// A named buffer that outlives plans: weights, optimizer slots, moving statistics, metric totals, seed counters.
/// Clones are the same variable.
#[derive(Clone)]
pub struct Variable(Arc<Inner>);

struct Inner {
    id: u64,
    name: RwLock<String>,
    ty: Ty,
    state: RwLock<State>,
    /// How often the content was written; read without the lock, which a run may hold while it waits for its caller.
    version: AtomicU64,
    packed: Mutex<Vec<Packed>>,
}

/// How often a lock is tried before the variable counts as in use.
const ATTEMPTS: usize = 1000;

/// A copy of the content in another layout, good as long as the version stands.
struct Packed {
    layout: Key,
    version: u64,
    copy: Arc<Buffer>,
}

/// A variable's content.
pub(crate) struct State {
    pub(crate) tensor: Tensor,
}

impl Variable {
    /// A variable that holds `value`.
    pub fn new(name: &str, value: Tensor) -> Variable {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let ty = value.ty();
        Variable(Arc::new(Inner {
            id: NEXT.fetch_add(1, Relaxed),
            name: RwLock::new(name.to_owned()),
            ty,
            state: RwLock::new(State { tensor: value }),
            version: AtomicU64::new(0),
            packed: Mutex::default(),
        }))
    }

    /// A number that no other variable of this process has.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Dtype and shape, fixed for life.
    pub fn ty(&self) -> Ty {
        self.0.ty
    }

    /// The name, for messages.
    pub fn name(&self) -> String {
        self.0.name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the variable another name.
    pub fn rename(&self, name: &str) {
        *self.0.name.write().unwrap_or_else(PoisonError::into_inner) = name.to_owned();
    }

    /// The content, shared until the next write.
    ///
    /// # Errors
    /// `Concurrent` while a run writes the variable.
    pub fn value(&self) -> Result<Tensor> {
        Ok(self.read()?.tensor.clone())
    }

    /// How often the variable has been written.
    pub fn version(&self) -> u64 {
        self.0.version.load(SeqCst)
    }

    /// Counts a write. The caller holds the write lock.
    pub(crate) fn count_write(&self) {
        self.0.version.fetch_add(1, SeqCst);
    }

    /// Replaces the content.
    ///
    /// # Errors
    /// `Value` for another shape, `Type` for another dtype, `Concurrent` while a run uses the variable.
    pub fn assign(&self, value: Tensor) -> Result<()> {
        if value.ty().dtype != self.0.ty.dtype {
            bail!(Type, "variable {:?} holds {}; cannot assign {}", self.name(), self.0.ty.dtype, value.dtype());
        }
        if value.ty().shape != self.0.ty.shape {
            bail!(
                "variable {:?} has shape {}; cannot assign a value of shape {}",
                self.name(),
                self.0.ty.shape,
                value.shape()
            );
        }
        let mut state = self.write()?;
        // What a variable holds is a value of its own: gradients by the variable do not go through what it was computed from.
        state.tensor = value.detached();
        self.count_write();
        Ok(())
    }

    /// `content`, which the variable held at `version`, in another layout: made anew when the version has changed.
    pub(crate) fn packed(&self, content: &Tensor, version: u64, packing: &Packing) -> Result<Arc<Buffer>> {
        let mut cache = self.0.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.iter().find(|p| p.layout == packing.layout && p.version == version) {
            return Ok(Arc::clone(&found.copy));
        }
        // Other versions' copies go first: a variable holds at most one copy of each layout.
        cache.retain(|p| p.version == version);
        let mut copy = Buffer::recycled(packing.bytes)?;
        (packing.pack)(content.bytes(), copy.bytes_mut());
        let copy = Arc::new(copy);
        cache.push(Packed { layout: packing.layout, version, copy: Arc::clone(&copy) });
        Ok(copy)
    }

    pub(crate) fn read(&self) -> Result<RwLockReadGuard<'_, State>> {
        self.attempt(|| match self.0.state.try_read() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(e)) => Some(e.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    pub(crate) fn write(&self) -> Result<RwLockWriteGuard<'_, State>> {
        self.attempt(|| match self.0.state.try_write() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(e)) => Some(e.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// Tries for a moment: others hold the lock for less than a microsecond while they read, and for a whole run while they write,
    /// for which the caller, who may hold Python's lock, must not wait.
    fn attempt<T>(&self, lock: impl Fn() -> Option<T>) -> Result<T> {
        for _ in 0..ATTEMPTS {
            if let Some(guard) = lock() {
                return Ok(guard);
            }
            std::thread::yield_now();
        }
        Err(self.in_use())
    }

    fn in_use(&self) -> Error {
        Error::Concurrent(format!(
            "variable {:?} is in use by another thread; train one model from one thread at a time",
            self.name()
        ))
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Variable) -> bool {
        self.0.id == other.0.id
    }
}
impl Eq for Variable {}

impl Hash for Variable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Variable({:?}, {})", self.name(), self.0.ty)
    }
}
