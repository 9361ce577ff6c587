//! Calls into the core: every op that Python asks for passes here.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dlrs_core::dispatch::{self, Operand, Value};
use dlrs_core::graph::Source;
use dlrs_core::key::{Key, key_of};
use dlrs_core::ops::{Ewise, Op};
use dlrs_core::{DType, Graph, Ty, Val};
use pyo3::prelude::*;

use crate::errors::{Failure, Result, fail, guard};
use crate::operand::concrete;
use crate::tensor::PyTensor;

/// Elements from which on an op is taken to last longer than handing the interpreter over, about 50 µs.
const LONG: usize = 1 << 16;

/// Applies an op: at once, recorded, or added to the active trace.
pub fn apply(op: impl Op, operands: &[Operand]) -> Result<Vec<Value>> {
    let long = work(operands) > LONG && !dispatch::is_tracing();
    run(long, Arc::new(op), operands)
}

/// As [`apply`], for an op of one result.
pub fn apply1(op: impl Op, operands: &[Operand]) -> Result<Value> {
    first(apply(op, operands)?)
}

/// As [`apply1`], for an op that does `flops` operations.
pub fn apply_heavy(op: impl Op, operands: &[Operand], flops: usize) -> Result<Value> {
    first(run(flops > LONG * 32 && !dispatch::is_tracing(), Arc::new(op), operands)?)
}

/// As [`apply`], for an op whose time its operands do not tell: a loop.
pub fn apply_long(op: impl Op, operands: &[Operand]) -> Result<Vec<Value>> {
    run(!dispatch::is_tracing(), Arc::new(op), operands)
}

fn run(long: bool, op: Arc<dyn Op>, operands: &[Operand]) -> Result<Vec<Value>> {
    if !long {
        return Ok(guard(|| dispatch::apply(op, operands, None))?);
    }
    // Every caller holds the interpreter, so that attaching again only finds it.
    Python::attach(|py| released(py, |interrupted| dispatch::apply(op, operands, Some(interrupted))))
}

/// Applies a function that the core states in several ops. `key` stands for the function and its attributes: the ops are found
/// once per key and operand types.
pub fn composite(
    key: impl Hash,
    operands: &[Operand],
    build: impl FnOnce(&mut Graph, &[Val]) -> dlrs_core::Result<Vec<Val>>,
) -> Result<Vec<Value>> {
    /// Ops with the values that are the results.
    type Built = Rc<(Graph, Vec<Val>)>;
    thread_local! {
        static COMPOSITES: RefCell<HashMap<Key, Built>> = RefCell::default();
    }
    const MOST: usize = 1024;
    let types: Vec<Ty> = operands.iter().map(Operand::ty).collect();
    let key = key_of(&(key, &types));
    let known = COMPOSITES.with_borrow(|all| all.get(&key).cloned());
    let built = match known {
        Some(built) => built,
        None => {
            let mut g = Graph::new();
            let inputs: Vec<Val> = types.iter().map(|&ty| g.input(ty)).collect();
            let outputs = guard(|| build(&mut g, &inputs))?;
            let built = Rc::new((g, outputs));
            COMPOSITES.with_borrow_mut(|all| {
                if all.len() >= MOST {
                    all.clear();
                }
                all.insert(key, Rc::clone(&built));
            });
            built
        }
    };
    let (g, outputs) = &*built;
    let mut known: HashMap<Val, Operand> = g.inputs().iter().copied().zip(operands.iter().cloned()).collect();
    for node in g.nodes() {
        let inputs = node.inputs.iter().map(|&v| operand_of(g, &known, v)).collect::<Result<Vec<_>>>()?;
        let long = work(&inputs) > LONG && !dispatch::is_tracing();
        let results = run(long, Arc::clone(&node.op), &inputs)?;
        known.extend(node.outputs.iter().copied().zip(results.into_iter().map(Operand::Value)));
    }
    outputs.iter().map(|&v| value_of(&operand_of(g, &known, v)?)).collect()
}

fn operand_of(g: &Graph, known: &HashMap<Val, Operand>, v: Val) -> Result<Operand> {
    match (known.get(&v), g.source(v)) {
        (Some(operand), _) => Ok(operand.clone()),
        (None, Source::Constant(tensor)) => Ok(concrete(tensor.clone())),
        _ => fail!(Internal, "a composite uses a value that it does not compute"),
    }
}

/// The operand's value: a variable is read.
pub fn value_of(x: &Operand) -> Result<Value> {
    match x {
        Operand::Value(value) => Ok(value.clone()),
        Operand::Variable(variable) => Ok(guard(|| dispatch::read(variable))?),
    }
}

/// The operand itself as a Python tensor.
pub fn identity(x: &Operand) -> Result<PyTensor> {
    value_of(x).map(PyTensor::from)
}

fn first(values: Vec<Value>) -> Result<Value> {
    Ok(values.into_iter().next().expect("an op has at least one result"))
}

fn work(operands: &[Operand]) -> usize {
    operands.iter().map(|o| o.ty().shape.size()).sum()
}

/// Conversion to another dtype.
pub fn cast(x: &Operand, dtype: DType) -> Result<Operand> {
    Ok(Operand::Value(apply1(Ewise::Cast(dtype), std::slice::from_ref(x))?))
}

/// As [`apply1`], as a Python tensor.
pub fn tensor(op: impl Op, operands: &[Operand]) -> Result<PyTensor> {
    apply1(op, operands).map(PyTensor::from)
}

/// The only one of a composite's results, as a Python tensor.
pub fn only(values: Vec<Value>) -> Result<PyTensor> {
    first(values).map(PyTensor::from)
}

/// Runs `work` with the interpreter released; `work` is given a function that says whether the user asked to stop.
pub fn released<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&dyn Fn() -> bool) -> dlrs_core::Result<T> + Send,
) -> Result<T> {
    let (result, signal) = py.detach(|| {
        let signals = Signals::new();
        let result = guard(|| work(&|| signals.arrived()));
        (result, signals.error.into_inner())
    });
    match signal {
        Some(error) => Err(Failure::Python(error)),
        None => Ok(result?),
    }
}

/// Looks for signals now and then while the interpreter is released.
struct Signals {
    looked: Cell<Instant>,
    error: RefCell<Option<PyErr>>,
}

impl Signals {
    /// Between two looks. Attaching may wait for another thread's turn (5 ms), so it must be rare beside the work.
    const INTERVAL: Duration = Duration::from_millis(40);

    fn new() -> Signals {
        Signals { looked: Cell::new(Instant::now()), error: RefCell::new(None) }
    }

    fn arrived(&self) -> bool {
        if self.error.borrow().is_some() {
            return true;
        }
        if self.looked.get().elapsed() < Self::INTERVAL {
            return false;
        }
        let result = Python::attach(|py| py.check_signals());
        self.looked.set(Instant::now());
        match result {
            Ok(()) => false,
            Err(error) => {
                *self.error.borrow_mut() = Some(error);
                true
            }
        }
    }
}
