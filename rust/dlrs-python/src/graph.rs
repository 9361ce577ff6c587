//! `Trace`, `Program` and `Tape`: graphs that Python functions build, and their runs.

use std::sync::{Mutex, PoisonError};

use dlrs_core::dispatch::{self, Operand, Value};
use dlrs_core::plan::{Kernel, Plan};
use dlrs_core::{Ty, tape};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::array::{shape_of, tensor_from};
use crate::call::released;
use crate::epoch;
use crate::errors::{Result, fail, guard};
use crate::exchange::View;
use crate::operand::{Arg, Axes, DTypeArg, type_name};
use crate::tensor::PyTensor;

/// Builds one graph: while entered, ops on its symbolic tensors and on variables are recorded.
#[pyclass(module = "dlrs._dlrs", frozen, weakref)]
pub struct Trace {
    trace: dispatch::Trace,
    names: Mutex<Vec<String>>,
}

/// Tensors and variables of a sequence.
fn operands(what: &str, list: &Bound<'_, PyAny>) -> Result<Vec<Operand>> {
    let mut operands = Vec::new();
    for item in list.try_iter()? {
        let item = item?;
        match Arg::plain(&item)? {
            Some(Arg::Operand(operand)) => operands.push(operand),
            _ => fail!(Type, "{what}: expected tensors and variables, got {}", type_name(&item)),
        }
    }
    Ok(operands)
}

/// Gradients of outputs may be anything that ops take; they get their target's dtype.
fn output_gradients(list: Option<&Bound<'_, PyAny>>, targets: &[Operand]) -> Result<Option<Vec<Operand>>> {
    let Some(list) = list else { return Ok(None) };
    let given: Vec<Arg> = list.try_iter()?.map(|item| Arg::of(&item?)).collect::<Result<_>>()?;
    if given.len() != targets.len() {
        fail!(Value, "output_gradients: {} given for {} targets", given.len(), targets.len());
    }
    let cast = given.into_iter().zip(targets).map(|(d, target)| d.to(target.ty().dtype));
    cast.collect::<Result<Vec<_>>>().map(Some)
}

fn optional_tensors(values: Vec<Option<Value>>) -> Vec<Option<PyTensor>> {
    values.into_iter().map(|v| v.map(PyTensor::from)).collect()
}

#[pymethods]
impl Trace {
    #[new]
    fn new() -> Trace {
        Trace { trace: dispatch::Trace::new(), names: Mutex::default() }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf.get().trace.enter();
        slf
    }

    #[pyo3(signature = (*exc))]
    fn __exit__(&self, exc: &Bound<'_, PyTuple>) {
        let _ = exc;
        self.trace.exit();
    }

    /// A new argument of the graph.
    #[pyo3(signature = (shape, dtype, name=""))]
    fn input(&self, shape: Axes, dtype: DTypeArg, name: &str) -> Result<PyTensor> {
        let ty = Ty::new(dtype.0, shape_of("input", &shape)?);
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = if name.is_empty() { format!("input_{}", names.len()) } else { name.to_owned() };
        names.push(name);
        Ok(Value::Symbolic(self.trace.input(ty)).into())
    }

    /// Gradients of the targets with respect to the sources; `None` where a source has no influence.
    #[pyo3(signature = (targets, sources, output_gradients=None))]
    fn gradients(
        &self,
        targets: &Bound<'_, PyAny>,
        sources: &Bound<'_, PyAny>,
        output_gradients: Option<&Bound<'_, PyAny>>,
    ) -> Result<Vec<Option<PyTensor>>> {
        let (targets, sources) = (operands("targets", targets)?, operands("sources", sources)?);
        let d_targets = self::output_gradients(output_gradients, &targets)?;
        Ok(optional_tensors(guard(|| self.trace.gradients(&targets, d_targets.as_deref(), &sources))?))
    }

    /// Plans the graph for these outputs and the variables it assigns. The trace cannot be used afterwards.
    fn finish(&self, py: Python<'_>, outputs: &Bound<'_, PyAny>) -> Result<Program> {
        let outputs = operands("outputs", outputs)?;
        let plan = py.detach(|| guard(|| self.trace.finish(&outputs)))?;
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Program { plan, names })
    }
}

/// A planned graph.
#[pyclass(module = "dlrs._dlrs", frozen, weakref)]
pub struct Program {
    pub plan: Plan,
    pub names: Vec<String>,
}

/// What a run is given for one argument.
enum Feed<'py> {
    /// The caller's memory.
    View(View<'py>),
    /// A tensor's.
    Tensor(dlrs_core::Tensor),
}

impl Feed<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Feed::View(view) => view.bytes().expect("only views whose bytes can be read become feeds"),
            Feed::Tensor(tensor) => tensor.bytes(),
        }
    }
}

impl Program {
    /// The name of argument `i`, for messages.
    pub fn input_name(&self, i: usize) -> &str {
        self.names.get(i).map_or("input", String::as_str)
    }

    fn feed<'py>(&self, i: usize, ty: Ty, given: &Bound<'py, PyAny>) -> Result<Feed<'py>> {
        let feed = match Arg::plain(given)? {
            Some(Arg::Operand(operand)) => Feed::Tensor(dispatch::concrete(&operand)?),
            Some(Arg::Number(number)) => Feed::Tensor(number.tensor(ty.dtype)?),
            None => match View::of(given) {
                Some(view) if view.dtype() == Some(ty.dtype) && view.is_aligned(8) && view.bytes().is_some() => {
                    self.check_shape(i, ty, view.dims())?;
                    return Ok(Feed::View(view));
                }
                _ => Feed::Tensor(tensor_from(given, Some(ty.dtype))?),
            },
        };
        let Feed::Tensor(tensor) = feed else { return Ok(feed) };
        self.check_shape(i, ty, tensor.shape())?;
        if tensor.dtype() == ty.dtype {
            return Ok(Feed::Tensor(tensor));
        }
        match crate::call::cast(&crate::operand::concrete(tensor), ty.dtype)? {
            Operand::Value(Value::Concrete(tensor)) => Ok(Feed::Tensor(tensor)),
            _ => fail!(Internal, "a cast of a concrete tensor is not concrete"),
        }
    }

    /// The arguments of a run.
    fn feeds<'py>(&self, inputs: &Bound<'py, PyTuple>) -> Result<Vec<Feed<'py>>> {
        let types = self.plan.inputs();
        if inputs.len() != types.len() {
            fail!(Value, "{} inputs given, {} expected: {}", inputs.len(), types.len(), self.names.join(", "));
        }
        inputs.iter().zip(types).enumerate().map(|(i, (given, ty))| self.feed(i, *ty, &given)).collect()
    }

    fn check_shape(&self, i: usize, ty: Ty, dims: &[usize]) -> Result<()> {
        if *ty.shape != *dims {
            let got = dlrs_core::Shape::new(dims)?;
            fail!(Value, "input {:?}: expected shape {}, got {got}", self.input_name(i), ty.shape);
        }
        Ok(())
    }
}

/// Phase, ops, operands, results, algorithm, tiles, bytes, floating-point operations, images of a chain's group, ids of variables.
type KernelFacts = (usize, Vec<String>, Vec<String>, Vec<String>, String, usize, usize, f64, usize, Vec<u64>);

/// Runs estimated to be shorter, in nanoseconds, keep the interpreter.
const BRIEF: f64 = 20_000.0;

#[pymethods]
impl Program {
    /// Runs once.
    #[pyo3(signature = (*inputs))]
    fn __call__<'py>(&self, py: Python<'py>, inputs: &Bound<'py, PyTuple>) -> Result<Vec<PyTensor>> {
        let feeds = self.feeds(inputs)?;
        let bytes: Vec<&[u8]> = feeds.iter().map(Feed::bytes).collect();
        let results = if self.plan.cost() < BRIEF {
            guard(|| self.plan.run(&bytes, None))?
        } else {
            released(py, |interrupted| self.plan.run(&bytes, Some(interrupted)))?
        };
        Ok(results.into_iter().map(PyTensor::from).collect())
    }

    /// Runs over the rows of arrays, a batch a step.
    #[pyo3(signature = (arrays, order, on_progress=None, interval=0.1, collect=false, stop_on_nonfinite=None))]
    fn run_epoch(
        slf: &Bound<'_, Self>,
        arrays: &Bound<'_, PyAny>,
        order: Option<&Bound<'_, PyAny>>,
        on_progress: Option<Py<PyAny>>,
        interval: f64,
        collect: bool,
        stop_on_nonfinite: Option<usize>,
    ) -> Result<(usize, Vec<PyTensor>)> {
        let options = epoch::options(interval, collect, stop_on_nonfinite)?;
        epoch::run(slf.py(), slf.get(), arrays, order, on_progress, options)
    }

    /// The names of the arguments.
    #[getter]
    fn input_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, &self.names)
    }

    /// The plan as text: phases, units, tiles, estimated times and memory.
    fn explain(&self) -> String {
        self.plan.explain()
    }

    /// The kernels: phase, ops, operands, results, algorithm, tiles, bytes, floating-point operations, images that they run over at
    /// a time if they form a chain with others of their phase (else 0), ids of the variables that they read or write.
    fn kernels(&self) -> Vec<KernelFacts> {
        let facts = |k: &Kernel| {
            let ops = k.ops.iter().map(ToString::to_string).collect();
            let (inputs, outputs, variables) = (k.inputs.clone(), k.outputs.clone(), k.variables.clone());
            (k.phase, ops, inputs, outputs, k.algorithm.to_owned(), k.tiles, k.bytes, k.flops, k.images, variables)
        };
        self.plan.kernels().iter().map(facts).collect()
    }

    /// Bytes that the values of one run take at once.
    #[getter]
    fn arena_bytes(&self) -> usize {
        self.plan.arena()
    }

    /// Runs once; the seconds of each kernel, summed over the threads.
    #[pyo3(signature = (*inputs))]
    fn profile<'py>(&self, py: Python<'py>, inputs: &Bound<'py, PyTuple>) -> Result<Vec<f64>> {
        let feeds = self.feeds(inputs)?;
        let bytes: Vec<&[u8]> = feeds.iter().map(Feed::bytes).collect();
        let times = released(py, |interrupted| self.plan.profile(&bytes, Some(interrupted)))?;
        Ok(times.iter().map(|&ns| ns as f64 * 1e-9).collect())
    }

    fn __repr__(&self) -> String {
        format!("<Program({})>", self.names.join(", "))
    }
}

/// Records eager ops between `__enter__` and `__exit__`.
#[pyclass(module = "dlrs._dlrs", frozen, weakref)]
pub struct Tape {
    tape: tape::Tape,
}

#[pymethods]
impl Tape {
    #[new]
    #[pyo3(signature = (persistent=false, watch_accessed_variables=true))]
    fn new(persistent: bool, watch_accessed_variables: bool) -> Tape {
        Tape { tape: tape::Tape::new(persistent, watch_accessed_variables) }
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf.get().tape.enter();
        slf
    }

    #[pyo3(signature = (*exc))]
    fn __exit__(&self, exc: &Bound<'_, PyTuple>) {
        let _ = exc;
        self.tape.exit();
    }

    /// Follows a tensor or a variable.
    fn watch(&self, x: &Bound<'_, PyAny>) -> Result<()> {
        match Arg::plain(x)? {
            Some(Arg::Operand(operand)) => Ok(guard(|| self.tape.watch(&operand))?),
            _ => fail!(Type, "watch: expected a Tensor or a Variable, got {}", type_name(x)),
        }
    }

    /// Gradients of the targets with respect to the sources; `None` where a source has no influence.
    #[pyo3(signature = (targets, sources, output_gradients=None))]
    fn gradient(
        &self,
        py: Python<'_>,
        targets: &Bound<'_, PyAny>,
        sources: &Bound<'_, PyAny>,
        output_gradients: Option<&Bound<'_, PyAny>>,
    ) -> Result<Vec<Option<PyTensor>>> {
        let (targets, sources) = (operands("targets", targets)?, operands("sources", sources)?);
        let d_targets = self::output_gradients(output_gradients, &targets)?;
        let work = |interrupted: &dyn Fn() -> bool| {
            self.tape.gradient(&targets, d_targets.as_deref(), &sources, Some(interrupted))
        };
        Ok(optional_tensors(released(py, work)?))
    }

    fn stop_recording(&self) {
        self.tape.set_recording(false);
    }

    fn resume_recording(&self) {
        self.tape.set_recording(true);
    }
}

/// Whether the calling thread is tracing.
#[pyfunction]
pub fn is_tracing() -> bool {
    dispatch::is_tracing()
}
