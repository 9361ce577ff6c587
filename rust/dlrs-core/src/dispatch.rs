//! One op, three ways: at once on concrete tensors, recorded on tapes while it runs, or added to the graph being traced.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::autodiff;
use crate::distribute::distribute;
use crate::eager;
use crate::error::{Error, Result};
use crate::graph::{Graph, Val, needs_conversion};
use crate::ops::{Ewise, Op};
use crate::plan::{Interrupted, Plan};
use crate::tape;
use crate::tensor::{Tensor, Ty};
use crate::variable::Variable;
use crate::{DType, bail, key};

/// What ops return.
#[derive(Clone, Debug)]
pub enum Value {
    /// A tensor with contents.
    Concrete(Tensor),
    /// A value of a graph that is being traced.
    Symbolic(Symbol),
}

impl Value {
    /// Dtype and shape.
    pub fn ty(&self) -> Ty {
        match self {
            Value::Concrete(t) => t.ty(),
            Value::Symbolic(s) => s.ty,
        }
    }
}

/// A value of a graph that is being traced.
#[derive(Clone)]
pub struct Symbol {
    trace: Trace,
    val: Val,
    ty: Ty,
}

impl Symbol {
    /// Dtype and shape.
    pub fn ty(&self) -> Ty {
        self.ty
    }
}

impl std::fmt::Debug for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Symbol({:?}, {})", self.val, self.ty)
    }
}

/// What ops take.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A tensor or a symbol.
    Value(Value),
    /// A variable's content.
    Variable(Variable),
}

impl Operand {
    /// Dtype and shape.
    pub fn ty(&self) -> Ty {
        match self {
            Operand::Value(v) => v.ty(),
            Operand::Variable(x) => x.ty(),
        }
    }
}

thread_local! {
    static TRACES: RefCell<Vec<Trace>> = const { RefCell::new(Vec::new()) };
}

fn active() -> Option<Trace> {
    TRACES.with_borrow(|traces| traces.last().cloned())
}

/// Whether the calling thread is tracing.
pub fn is_tracing() -> bool {
    TRACES.with_borrow(|traces| !traces.is_empty())
}

/// The active trace, if one of the operands is symbolic.
pub(crate) fn trace_of(operands: &[Operand]) -> Option<Trace> {
    let symbolic = operands.iter().any(|o| matches!(o, Operand::Value(Value::Symbolic(_))));
    if symbolic { active() } else { None }
}

/// Applies an op. Operands of dtypes that it does not compute in are converted before it, its results after it.
///
/// # Errors
/// What the op says of its operands; `Tracing` for a symbol that does not belong to an active trace.
pub fn apply(op: Arc<dyn Op>, operands: &[Operand], interrupted: Interrupted<'_>) -> Result<Vec<Value>> {
    if needs_conversion(&*op, operands.iter().map(Operand::ty)) {
        return apply_converted(op, operands, interrupted);
    }
    if let Some(trace) = active() {
        let is_traced = |o: &Operand| matches!(o, Operand::Variable(_) | Operand::Value(Value::Symbolic(_)));
        if operands.iter().any(is_traced) {
            return trace.apply(op, operands);
        }
    }
    if operands.len() <= 4 {
        // The common case without a heap allocation for the operands' tensors.
        let mut held: [Option<Tensor>; 4] = [None, None, None, None];
        for (slot, operand) in held.iter_mut().zip(operands) {
            *slot = Some(concrete(operand)?);
        }
        let mut tensors: Vec<&Tensor> = Vec::with_capacity(4);
        tensors.extend(held.iter().flatten());
        return run(&op, operands, &tensors, interrupted);
    }
    let held = operands.iter().map(concrete).collect::<Result<Vec<_>>>()?;
    run(&op, operands, &held.iter().collect::<Vec<_>>(), interrupted)
}

fn apply_converted(op: Arc<dyn Op>, operands: &[Operand], interrupted: Interrupted<'_>) -> Result<Vec<Value>> {
    let cast = |x: Operand, dtype: DType| Ok(apply(Arc::new(Ewise::Cast(dtype)), &[x], interrupted)?.remove(0));
    let working = |x: &Operand| match x.ty().dtype {
        dtype if !op.takes(dtype) => Ok(Operand::Value(cast(x.clone(), dtype.working())?)),
        _ => Ok(x.clone()),
    };
    let types: Vec<Ty> = operands.iter().map(Operand::ty).collect();
    let results = op.infer(&types)?;
    let wide = operands.iter().map(working).collect::<Result<Vec<_>>>()?;
    let values = apply(op, &wide, interrupted)?.into_iter().zip(results);
    values.map(|(y, ty)| if y.ty() == ty { Ok(y) } else { cast(Operand::Value(y), ty.dtype) }).collect()
}

fn run(
    op: &Arc<dyn Op>,
    operands: &[Operand],
    tensors: &[&Tensor],
    interrupted: Interrupted<'_>,
) -> Result<Vec<Value>> {
    let results = eager::apply(op, tensors, interrupted)?;
    tape::record(op, operands, tensors, &results)?;
    Ok(results.into_iter().map(Value::Concrete).collect())
}

/// The tensor behind an operand.
///
/// # Errors
/// `Tracing` for a symbol.
pub fn concrete(operand: &Operand) -> Result<Tensor> {
    match operand {
        Operand::Value(Value::Concrete(t)) => Ok(t.clone()),
        Operand::Variable(x) => x.value(),
        Operand::Value(Value::Symbolic(_)) => Err(stale()),
    }
}

fn stale() -> Error {
    Error::Tracing(
        "a symbolic tensor was used outside the function that was being traced; return it from the function instead of keeping it"
            .to_owned(),
    )
}

/// A variable's content: a symbol inside a trace.
///
/// # Errors
/// `Concurrent` while a run writes the variable.
pub fn read(variable: &Variable) -> Result<Value> {
    match active() {
        Some(trace) => {
            let val = trace.lock().graph.read(variable);
            Ok(Value::Symbolic(trace.symbol(val)))
        }
        None => {
            let tensor = variable.value()?;
            tape::touch(variable, &tensor)?;
            Ok(Value::Concrete(tensor))
        }
    }
}

/// Writes a variable: at once, or, inside a trace, at the end of each run.
///
/// # Errors
/// As [`Variable::assign`].
pub fn assign(variable: &Variable, value: &Operand) -> Result<()> {
    match active() {
        Some(trace) => {
            let val = trace.val(value)?;
            trace.lock().graph.write(variable, val)
        }
        None => variable.assign(concrete(value)?),
    }
}

/// A graph that is being built by running a function on symbols.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    graph: Graph,
    /// The body of a control-flow op is traced, which takes its tensors from outside.
    is_body: bool,
    /// Values from outside that this trace reads, with the arguments that stand for them.
    captures: Vec<(Value, Val)>,
    constants: HashMap<u64, Val>,
    finished: bool,
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Trace) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Trace {
    /// An empty trace.
    pub fn new() -> Trace {
        Trace(Arc::default())
    }

    /// An empty trace of a function that a control-flow op will call: see [`into_body`](Self::into_body).
    pub fn of_body() -> Trace {
        Trace(Arc::new(Mutex::new(State { is_body: true, ..State::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn symbol(&self, val: Val) -> Symbol {
        let ty = self.lock().graph.ty(val);
        Symbol { trace: self.clone(), val, ty }
    }

    /// From now on the calling thread's ops on symbols and variables are added to this trace.
    pub fn enter(&self) {
        TRACES.with_borrow_mut(|traces| traces.push(self.clone()));
    }

    /// Ends [`enter`](Self::enter).
    pub fn exit(&self) {
        TRACES.with_borrow_mut(|traces| {
            if let Some(at) = traces.iter().rposition(|t| t == self) {
                traces.truncate(at);
            }
        });
    }

    /// A new argument.
    pub fn input(&self, ty: Ty) -> Symbol {
        let val = self.lock().graph.input(ty);
        Symbol { trace: self.clone(), val, ty }
    }

    /// The value that stands for an operand in this trace.
    fn val(&self, operand: &Operand) -> Result<Val> {
        match operand {
            Operand::Variable(x) => Ok(self.lock().graph.read(x)),
            Operand::Value(Value::Concrete(t)) => {
                let mut state = self.lock();
                if let Some(&val) = state.constants.get(&t.id()) {
                    return Ok(val);
                }
                // A body takes tensors as operands, so that its plan is the same at each call; numbers are constants.
                let val = if state.is_body && (t.shape().rank() > 0 || tape::follows(t)) {
                    let val = state.graph.input(t.ty());
                    state.captures.push((Value::Concrete(t.clone()), val));
                    val
                } else {
                    state.graph.constant(t.clone())
                };
                state.constants.insert(t.id(), val);
                Ok(val)
            }
            Operand::Value(Value::Symbolic(s)) if s.trace == *self => Ok(s.val),
            Operand::Value(Value::Symbolic(s)) => {
                let enclosing = TRACES.with_borrow(|traces| traces.contains(&s.trace));
                if !enclosing {
                    return Err(stale());
                }
                let mut state = self.lock();
                let is_it = |v: &Value| matches!(v, Value::Symbolic(o) if o.trace == s.trace && o.val == s.val);
                if let Some((_, val)) = state.captures.iter().find(|(v, _)| is_it(v)) {
                    return Ok(*val);
                }
                let val = state.graph.input(s.ty);
                state.captures.push((Value::Symbolic(s.clone()), val));
                Ok(val)
            }
        }
    }

    fn apply(&self, op: Arc<dyn Op>, operands: &[Operand]) -> Result<Vec<Value>> {
        let vals = operands.iter().map(|o| self.val(o)).collect::<Result<Vec<_>>>()?;
        let mut state = self.lock();
        if state.finished {
            bail!(Tracing, "a symbolic tensor of a finished trace was used");
        }
        let results = state.graph.apply(op, &vals)?;
        let symbol = |val| Value::Symbolic(Symbol { trace: self.clone(), val, ty: state.graph.ty(val) });
        Ok(results.into_iter().map(symbol).collect())
    }

    /// The gradients of `Σ ⟨d_targets, targets⟩` (of the sum of all elements by default) with respect to `sources`.
    ///
    /// # Errors
    /// As [`autodiff::gradients`].
    pub fn gradients(
        &self,
        targets: &[Operand],
        d_targets: Option<&[Operand]>,
        sources: &[Operand],
    ) -> Result<Vec<Option<Value>>> {
        let vals = |list: &[Operand]| list.iter().map(|o| self.val(o)).collect::<Result<Vec<Val>>>();
        let targets = vals(targets)?;
        // A target depends on the content of a variable that stood when it was computed, whatever was assigned since.
        let sources: Vec<Vec<Val>> = sources
            .iter()
            .map(|o| match o {
                Operand::Variable(x) => Ok(self.lock().graph.contents(x)),
                other => Ok(vec![self.val(other)?]),
            })
            .collect::<Result<_>>()?;
        let d_targets = d_targets.map(vals).transpose()?;
        let mut state = self.lock();
        let g = &mut state.graph;
        let d_targets = match d_targets {
            Some(d) => d,
            None => targets.iter().map(|&t| ones_like(g, t)).collect::<Result<_>>()?,
        };
        if let Some(distributed) = distribute(g)? {
            *g = distributed;
        }
        let grads = autodiff::gradients_of_sets(g, &targets, &d_targets, &sources)?;
        let symbol = |val| Value::Symbolic(Symbol { trace: self.clone(), val, ty: state.graph.ty(val) });
        Ok(grads.into_iter().map(|d| d.map(symbol)).collect())
    }

    /// Plans the trace for `outputs` and the variables it assigns. Its symbols cannot be used afterwards.
    ///
    /// # Errors
    /// As [`Plan::build`].
    pub fn finish(&self, outputs: &[Operand]) -> Result<Plan> {
        let outputs = outputs.iter().map(|o| self.val(o)).collect::<Result<Vec<_>>>()?;
        let mut state = self.lock();
        state.finished = true;
        let graph = std::mem::take(&mut state.graph);
        let graph = distribute(&graph)?.unwrap_or(graph);
        Plan::build(&graph, graph.inputs(), &outputs)
    }

    /// The traced graph with the values of `outputs`, and the values from outside that became its last arguments: the body of
    /// a control-flow op. Its symbols cannot be used afterwards.
    ///
    /// # Errors
    /// `Tracing` for an output that is not of this trace, or when the function assigned variables, which a body must not.
    pub fn into_body(&self, outputs: &[Operand]) -> Result<(Graph, Vec<Val>, Vec<Operand>)> {
        let outputs = outputs.iter().map(|o| self.val(o)).collect::<Result<Vec<_>>>()?;
        let mut state = self.lock();
        state.finished = true;
        if let Some((x, _)) = state.graph.writes().first() {
            bail!(
                Tracing,
                "variable {:?} was assigned inside the body of a control-flow op; carry it as a value instead",
                x.name()
            );
        }
        let captures = state.captures.drain(..).map(|(value, _)| Operand::Value(value)).collect();
        Ok((std::mem::take(&mut state.graph), outputs, captures))
    }
}

/// Ones of the type of `v`.
pub(crate) fn ones_like(g: &mut Graph, v: Val) -> Result<Val> {
    let one = g.scalar_like(v, 1.0)?;
    let shape = g.ty(v).shape;
    g.broadcast_to(one, shape)
}

/// The structural key of an op applied to operands that are known by number.
pub(crate) fn node_key(op: &dyn Op, inputs: &[Val]) -> key::Key {
    let mut hasher = key::KeyHasher::new();
    std::hash::Hash::hash(op.name(), &mut hasher);
    op.key(&mut hasher);
    std::hash::Hash::hash(inputs, &mut hasher);
    hasher.key()
}
