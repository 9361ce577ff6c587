//! Tapes: eager ops recorded as a graph, whose gradients are planned once per structure.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::autodiff;
use crate::bail;
use crate::dispatch::{self, Operand, Value, node_key, ones_like};
use crate::eager;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::key::{Key, KeyHasher};
use crate::ops::Op;
use crate::plan::{Plan, used_inputs};
use crate::tensor::Tensor;
use crate::variable::Variable;

/// Backward plans kept; when there are more, all are dropped and made anew.
const MAX_PLANS: usize = 256;

thread_local! {
    static TAPES: RefCell<Vec<Tape>> = const { RefCell::new(Vec::new()) };
    static PLANS: RefCell<HashMap<Key, Rc<Backward>>> = RefCell::new(HashMap::new());
}

/// A planned backward pass: the recorded values it reads, and which sources have a gradient.
struct Backward {
    plan: Plan,
    reads: Vec<Val>,
    connected: Vec<bool>,
}

/// Records the eager ops of the thread that entered it.
#[derive(Clone)]
pub struct Tape(Arc<Mutex<State>>);

struct State {
    persistent: bool,
    watch_variables: bool,
    recording: bool,
    record: Record,
}

/// What was recorded: a graph whose every value has contents.
#[derive(Clone, Default)]
struct Record {
    graph: Graph,
    tensors: Vec<Tensor>,
    values: HashMap<u64, Val>,
    /// Per variable, the contents with which it was read.
    variables: HashMap<Variable, Vec<Val>>,
    key: KeyHasher,
}

impl Record {
    fn leaf(&mut self, tensor: &Tensor) -> Val {
        if let Some(&val) = self.values.get(&tensor.id()) {
            return val;
        }
        let val = self.graph.input(tensor.ty());
        tensor.ty().hash(&mut self.key);
        self.tensors.push(tensor.clone());
        self.values.insert(tensor.id(), val);
        val
    }

    fn node(&mut self, op: &Arc<dyn Op>, inputs: &[&Tensor], results: &[Tensor]) -> Result<()> {
        let vals: Vec<Val> = inputs.iter().map(|t| self.leaf(t)).collect();
        self.key.write_u64(node_key(&**op, &vals) as u64);
        for (val, tensor) in self.graph.apply(Arc::clone(op), &vals)?.into_iter().zip(results) {
            debug_assert_eq!(val.index(), self.tensors.len());
            self.tensors.push(tensor.clone());
            self.values.insert(tensor.id(), val);
        }
        Ok(())
    }
}

/// Records an eager op on the tapes that follow one of its operands.
pub(crate) fn record(op: &Arc<dyn Op>, operands: &[Operand], inputs: &[&Tensor], results: &[Tensor]) -> Result<()> {
    TAPES.with_borrow(|tapes| {
        for tape in tapes {
            let mut state = tape.lock();
            if !state.recording {
                continue;
            }
            for (operand, tensor) in operands.iter().zip(inputs) {
                if let (Operand::Variable(x), true) = (operand, state.watch_variables) {
                    state.record.follow(x, tensor);
                }
            }
            let followed = inputs.iter().any(|t| state.record.values.contains_key(&t.id()));
            if followed {
                state.record.node(op, inputs, results)?;
            }
        }
        Ok(())
    })
}

impl Record {
    fn follow(&mut self, variable: &Variable, tensor: &Tensor) {
        let val = self.leaf(tensor);
        let contents = self.variables.entry(variable.clone()).or_default();
        if !contents.contains(&val) {
            contents.push(val);
        }
    }
}

/// Whether a tape that is recording follows the tensor.
pub(crate) fn follows(tensor: &Tensor) -> bool {
    let follows = |tape: &Tape| {
        let state = tape.lock();
        state.recording && state.record.values.contains_key(&tensor.id())
    };
    TAPES.with_borrow(|tapes| tapes.iter().any(follows))
}

/// Tells the tapes that a variable was read.
pub(crate) fn touch(variable: &Variable, tensor: &Tensor) -> Result<()> {
    TAPES.with_borrow(|tapes| {
        for tape in tapes {
            let mut state = tape.lock();
            if state.recording && state.watch_variables {
                state.record.follow(variable, tensor);
            }
        }
        Ok(())
    })
}

impl Tape {
    /// An empty tape. One that is not persistent gives gradients once and then lets its values go.
    pub fn new(persistent: bool, watch_variables: bool) -> Tape {
        Tape(Arc::new(Mutex::new(State { persistent, watch_variables, recording: false, record: Record::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the calling thread's eager ops on watched values are recorded.
    pub fn enter(&self) {
        self.lock().recording = true;
        TAPES.with_borrow_mut(|tapes| tapes.push(self.clone()));
    }

    /// Ends [`enter`](Self::enter).
    pub fn exit(&self) {
        self.lock().recording = false;
        TAPES.with_borrow_mut(|tapes| {
            if let Some(at) = tapes.iter().rposition(|t| Arc::ptr_eq(&t.0, &self.0)) {
                tapes.remove(at);
            }
        });
    }

    /// Suspends or resumes recording.
    pub fn set_recording(&self, recording: bool) {
        self.lock().recording = recording;
    }

    /// Follows a value.
    ///
    /// # Errors
    /// `Type` for a value whose dtype is not floating-point, `Concurrent` for a variable that a run writes.
    pub fn watch(&self, operand: &Operand) -> Result<()> {
        if !operand.ty().dtype.is_float() {
            bail!(Type, "GradientTape.watch: a value of dtype {}; expected a floating-point dtype", operand.ty().dtype);
        }
        if let Operand::Value(Value::Symbolic(_)) = operand {
            return Ok(()); // a trace knows all its values
        }
        let tensor = dispatch::concrete(operand)?;
        let mut state = self.lock();
        match operand {
            Operand::Variable(x) => state.record.follow(x, &tensor),
            Operand::Value(_) => _ = state.record.leaf(&tensor),
        }
        Ok(())
    }

    /// The gradients of `Σ ⟨d_targets, targets⟩` (of the sum of all elements by default) with respect to `sources`; `None` for a
    /// source without influence. Inside another tape the computation is recorded in turn; symbolic targets are differentiated in
    /// the graph that is being traced.
    ///
    /// # Errors
    /// As [`autodiff::gradients`]; `Value` when a tape that is not persistent was used before.
    pub fn gradient(
        &self,
        targets: &[Operand],
        d_targets: Option<&[Operand]>,
        sources: &[Operand],
        interrupted: crate::plan::Interrupted<'_>,
    ) -> Result<Vec<Option<Value>>> {
        if let Some(trace) = dispatch::trace_of(targets) {
            return trace.gradients(targets, d_targets, sources);
        }
        let mut state = self.lock();
        let own = state.persistent && state.recording;
        let record = if state.persistent { state.record.clone() } else { std::mem::take(&mut state.record) };
        drop(state); // ops below are recorded on this very tape, if it is persistent and still entered
        let other = |t: &Tape| !Arc::ptr_eq(&t.0, &self.0) && t.lock().recording;
        let outer = own || TAPES.with_borrow(|tapes| tapes.iter().any(other));
        record.gradient(targets, d_targets, sources, outer, interrupted)
    }
}

impl Record {
    /// The recorded values that an operand stands for: none if it was not followed, several for a variable that was assigned.
    fn find(&self, operand: &Operand) -> Result<Vec<Val>> {
        Ok(match operand {
            Operand::Variable(x) => self.variables.get(x).cloned().unwrap_or_default(),
            other => self.values.get(&dispatch::concrete(other)?.id()).copied().into_iter().collect(),
        })
    }

    fn gradient(
        &self,
        targets: &[Operand],
        d_targets: Option<&[Operand]>,
        sources: &[Operand],
        outer: bool,
        interrupted: crate::plan::Interrupted<'_>,
    ) -> Result<Vec<Option<Value>>> {
        // A variable as a target is what it holds now.
        let known = targets.iter().map(|o| Ok(self.find(o)?.last().copied())).collect::<Result<Vec<_>>>()?;
        let wanted = sources.iter().map(|o| self.find(o)).collect::<Result<Vec<_>>>()?;
        let (size, key) = (self.graph.len(), self.key);
        let vals: Vec<Val> = known.iter().flatten().copied().collect();
        if vals.is_empty() || wanted.iter().all(Vec::is_empty) {
            return Ok(vec![None; sources.len()]);
        }
        let given = match d_targets {
            None => Vec::new(),
            Some(d) => {
                let kept = d.iter().zip(&known).filter(|(_, k)| k.is_some());
                kept.map(|(d, _)| dispatch::concrete(d)).collect::<Result<Vec<Tensor>>>()?
            }
        };
        if outer {
            self.gradient_by_ops(&vals, &given, &wanted, interrupted)
        } else {
            self.gradient_by_plan(&vals, &given, &wanted, size, key, interrupted)
        }
    }

    fn d_targets(g: &mut Graph, vals: &[Val], given: &[Tensor], as_inputs: bool) -> Result<Vec<Val>> {
        if given.is_empty() {
            return vals.iter().map(|&v| ones_like(g, v)).collect();
        }
        Ok(given.iter().map(|t| if as_inputs { g.input(t.ty()) } else { g.constant(t.clone()) }).collect())
    }

    /// One plan for the whole backward pass, found again by the structure of what was recorded.
    fn gradient_by_plan(
        &self,
        vals: &[Val],
        given: &[Tensor],
        wanted: &[Vec<Val>],
        size: usize,
        mut key: KeyHasher,
        interrupted: crate::plan::Interrupted<'_>,
    ) -> Result<Vec<Option<Value>>> {
        (vals, wanted, given.len()).hash(&mut key);
        let key = key.key();
        let backward = match PLANS.with_borrow(|plans| plans.get(&key).cloned()) {
            Some(backward) => backward,
            None => {
                let backward = Rc::new(self.plan(vals, given, wanted, size)?);
                PLANS.with_borrow_mut(|plans| {
                    if plans.len() >= MAX_PLANS {
                        plans.clear();
                    }
                    plans.insert(key, Rc::clone(&backward));
                });
                backward
            }
        };
        // Values behind the recorded ones are the given output gradients, in order.
        let tensor = |v: &Val| self.tensors.get(v.index()).unwrap_or_else(|| &given[v.index() - size]);
        let feeds: Vec<&[u8]> = backward.reads.iter().map(|v| tensor(v).bytes()).collect();
        let mut results = backward.plan.run(&feeds, interrupted)?.into_iter();
        Ok(backward.connected.iter().map(|&c| if c { results.next().map(Value::Concrete) } else { None }).collect())
    }

    fn plan(&self, vals: &[Val], given: &[Tensor], wanted: &[Vec<Val>], size: usize) -> Result<Backward> {
        let mut g = self.graph.clone();
        let d_targets = Self::d_targets(&mut g, vals, given, true)?;
        let grads = autodiff::gradients_of_sets(&mut g, vals, &d_targets, wanted)?;
        let outputs: Vec<Val> = grads.iter().flatten().copied().collect();
        let mut candidates: Vec<Val> = (0..size as u32).map(Val).collect();
        if !given.is_empty() {
            candidates.extend(&d_targets);
        }
        let reads = used_inputs(&g, &candidates, &outputs);
        let plan = Plan::build(&g, &reads, &outputs)?;
        Ok(Backward { plan, reads, connected: grads.iter().map(Option::is_some).collect() })
    }

    /// The backward pass op by op, so that an enclosing tape records it.
    fn gradient_by_ops(
        &self,
        vals: &[Val],
        given: &[Tensor],
        wanted: &[Vec<Val>],
        interrupted: crate::plan::Interrupted<'_>,
    ) -> Result<Vec<Option<Value>>> {
        let mut g = self.graph.clone();
        let first_new = g.nodes().len();
        let d_targets = Self::d_targets(&mut g, vals, given, false)?;
        let grads = autodiff::gradients_of_sets(&mut g, vals, &d_targets, wanted)?;
        let mut contents: HashMap<Val, Tensor> = HashMap::new();
        for node in &g.nodes()[first_new..] {
            let inputs: Vec<Tensor> = node.inputs.iter().map(|&v| self.content(&g, &contents, v)).collect();
            let refs: Vec<&Tensor> = inputs.iter().collect();
            let results = eager::apply(&node.op, &refs, interrupted)?;
            let operands: Vec<Operand> = inputs.iter().map(|t| Operand::Value(Value::Concrete(t.clone()))).collect();
            record(&node.op, &operands, &refs, &results)?;
            contents.extend(node.outputs.iter().copied().zip(results));
        }
        Ok(grads.iter().map(|d| d.map(|v| Value::Concrete(self.content(&g, &contents, v)))).collect())
    }

    fn content(&self, g: &Graph, contents: &HashMap<Val, Tensor>, v: Val) -> Tensor {
        match (self.tensors.get(v.index()), g.source(v)) {
            (Some(t), _) => t.clone(),
            (None, Source::Constant(t)) => t.clone(),
            _ => contents[&v].clone(),
        }
    }
}
