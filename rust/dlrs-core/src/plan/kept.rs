//! Values that depend on unwritten variables alone, computed once per version of these and kept between runs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Plan;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::key::{Key, KeyHasher};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// A value computed from variables. It is held in a variable of its own, so that plans read it as they read weights: from a
/// snapshot, packed once.
pub(super) struct Kept {
    value: Variable,
    plan: Plan,
    /// The versions from which the value was computed; none before the first time.
    versions: Mutex<Option<Vec<u64>>>,
}

/// Plans for several batch sizes share what they keep.
static ALL: Mutex<Option<HashMap<Key, Weak<Kept>>>> = Mutex::new(None);

impl Kept {
    /// The value `output` of a graph without arguments.
    ///
    /// # Errors
    /// As [`Plan::build`].
    pub fn of(g: &Graph, output: Val) -> Result<Arc<Kept>> {
        let key = structure(g, output);
        let lock = || ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().as_ref().and_then(|all| all.get(&key)?.upgrade()) {
            return Ok(kept);
        }
        let value = Variable::new("kept", Tensor::zeros(g.ty(output))?);
        let kept = Kept { value, plan: Plan::build(g, &[], &[output])?, versions: Mutex::new(None) };
        let mut all = lock();
        let all = all.get_or_insert_default();
        all.retain(|_, kept| kept.strong_count() > 0);
        // Another thread may have been first.
        if let Some(kept) = all.get(&key).and_then(Weak::upgrade) {
            return Ok(kept);
        }
        let kept = Arc::new(kept);
        all.insert(key, Arc::downgrade(&kept));
        Ok(kept)
    }

    /// The variable that holds the value after [`refresh`](Self::refresh).
    pub fn value(&self) -> &Variable {
        &self.value
    }

    /// The variables that the value depends on.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.plan.variables.iter().map(|x| &x.variable)
    }

    /// Their versions.
    pub fn versions(&self) -> impl Iterator<Item = u64> + '_ {
        self.variables().map(Variable::version)
    }

    /// Computes the value if it is of other versions than the variables have now.
    ///
    /// # Errors
    /// `Concurrent` while a run writes one of the variables, `Memory`.
    pub fn refresh(&self) -> Result<()> {
        let mut kept = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| kept.iter().copied().eq(self.versions())) {
            return Ok(());
        }
        // Read before the content: what is written in between is seen the next time.
        let versions = self.versions().collect();
        *kept = None;
        let value = self.plan.run(&[], None)?.swap_remove(0);
        self.value.assign(value)?;
        *kept = Some(versions);
        Ok(())
    }
}

/// All that makes up the value.
fn structure(g: &Graph, output: Val) -> Key {
    let mut hasher = KeyHasher::new();
    for v in (0..g.len() as u32).map(Val) {
        match g.source(v) {
            Source::Variable(x) => ("variable", v, x.id()).hash(&mut hasher),
            Source::Constant(t) => ("constant", v, t.ty(), t.bytes()).hash(&mut hasher),
            Source::Input(i) => ("input", v, i).hash(&mut hasher),
            Source::Node { .. } => {}
        }
    }
    for node in g.nodes() {
        node.op.name().hash(&mut hasher);
        node.op.key(&mut hasher);
        (&node.inputs, &node.outputs).hash(&mut hasher);
    }
    output.hash(&mut hasher);
    hasher.key()
}
