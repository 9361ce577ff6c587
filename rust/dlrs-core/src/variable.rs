//! Variables: named state with a version counter.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use dlrs_kernels::mem::Buffer;

use crate::bail;
use crate::error::{Error, Result};
use crate::key::Key;
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
    packed: Mutex<Vec<Packed>>,
}

/// A copy of the content in another layout, good as long as the version stands.
struct Packed {
    layout: Key,
    version: u64,
    copy: Arc<Buffer>,
}

/// A variable's content.
pub(crate) struct State {
    pub(crate) tensor: Tensor,
    pub(crate) version: u64,
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
            state: RwLock::new(State { tensor: value, version: 0 }),
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
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).version
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
        state.tensor = value;
        state.version += 1;
        Ok(())
    }

    /// The content `state` in the layout that `pack` writes and `layout` names, made anew when the content has changed.
    pub(crate) fn packed(
        &self,
        state: &State,
        layout: Key,
        bytes: usize,
        pack: &dyn Fn(&[u8], &mut [u8]),
    ) -> Result<Arc<Buffer>> {
        let mut cache = self.0.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = cache.iter().find(|p| p.layout == layout && p.version == state.version) {
            return Ok(Arc::clone(&found.copy));
        }
        // Older copies go first: a variable holds at most one copy of each layout.
        cache.retain(|p| p.version == state.version);
        let mut copy = Buffer::recycled(bytes)?;
        pack(state.tensor.bytes(), copy.bytes_mut());
        let copy = Arc::new(copy);
        cache.push(Packed { layout, version: state.version, copy: Arc::clone(&copy) });
        Ok(copy)
    }

    pub(crate) fn read(&self) -> Result<RwLockReadGuard<'_, State>> {
        match self.0.state.try_read() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(e)) => Ok(e.into_inner()),
            Err(TryLockError::WouldBlock) => Err(self.in_use()),
        }
    }

    pub(crate) fn write(&self) -> Result<RwLockWriteGuard<'_, State>> {
        match self.0.state.try_write() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(e)) => Ok(e.into_inner()),
            Err(TryLockError::WouldBlock) => Err(self.in_use()),
        }
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
