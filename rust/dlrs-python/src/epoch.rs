//! Arguments of `Program.run_epoch`: arrays bound where they lie, the order of rows, progress.

use std::time::Duration;

use dlrs_core::plan::{EpochArray, EpochOptions};
use dlrs_core::{DType, Error, Shape, Tensor, Ty};
use pyo3::prelude::*;

use crate::array::tensor_from;
use crate::call::released;
use crate::errors::{Failure, Result, fail};
use crate::exchange::View;
use crate::graph::Program;
use crate::operand::Arg;
use crate::tensor::PyTensor;

/// One array as it is bound.
enum Rows<'py> {
    View(View<'py>, DType),
    Tensor(Tensor),
}

impl<'py> Rows<'py> {
    fn of(given: &Bound<'py, PyAny>) -> Result<Rows<'py>> {
        if let Some(Arg::Operand(operand)) = Arg::plain(given)? {
            return Ok(Rows::Tensor(dlrs_core::dispatch::concrete(&operand)?));
        }
        if let Some(view) = View::of(given)
            && let Some(dtype) = view.dtype()
            && view.bytes().is_some()
        {
            return Ok(Rows::View(view, dtype));
        }
        Ok(Rows::Tensor(tensor_from(given, None)?))
    }

    fn dims(&self) -> &[usize] {
        match self {
            Rows::View(view, _) => view.dims(),
            Rows::Tensor(tensor) => tensor.shape(),
        }
    }

    fn array(&self) -> EpochArray<'_> {
        let (bytes, dtype) = match self {
            Rows::View(view, dtype) => (view.bytes().expect("only views whose bytes can be read become rows"), *dtype),
            Rows::Tensor(tensor) => (tensor.bytes(), tensor.dtype()),
        };
        EpochArray { bytes, dtype, rows: self.dims()[0] }
    }

    /// Checks the shape of one row.
    fn check(&self, name: &str, ty: &Ty) -> Result<()> {
        let dims = self.dims();
        if ty.shape.rank() == 0 {
            fail!(Value, "input {name:?} is a scalar: it has no batch axis to run over");
        }
        if dims.is_empty() || dims[1..] != ty.shape[1..] {
            let rows = ty.shape[1..].iter().map(|n| format!(", {n}")).collect::<String>();
            fail!(Value, "array for input {name:?}: expected shape (N{rows}), got {}", Shape::new(dims)?);
        }
        Ok(())
    }
}

/// Options of a run, checked.
pub fn options(interval: f64, collect: bool, stop_on_nonfinite: Option<usize>) -> Result<EpochOptions> {
    match Duration::try_from_secs_f64(interval) {
        Ok(interval) => Ok(EpochOptions { collect, stop_on_nonfinite, interval }),
        Err(_) => fail!(Value, "interval: expected a number of seconds of at least 0, got {interval}"),
    }
}

/// Runs a program over the rows of arrays.
pub fn run(
    py: Python<'_>,
    program: &Program,
    arrays: &Bound<'_, PyAny>,
    order: Option<&Bound<'_, PyAny>>,
    on_progress: Option<Py<PyAny>>,
    options: EpochOptions,
) -> Result<(usize, Vec<PyTensor>)> {
    let types = program.plan.inputs();
    let rows = arrays.try_iter()?.map(|given| Rows::of(&given?)).collect::<Result<Vec<_>>>()?;
    if rows.len() != types.len() {
        fail!(Value, "{} arrays given, {} expected: {}", rows.len(), types.len(), program.names.join(", "));
    }
    for (i, (rows, ty)) in rows.iter().zip(types).enumerate() {
        rows.check(program.input_name(i), ty)?;
    }
    check_lengths(program, &rows)?;
    if let Some(output) = options.stop_on_nonfinite {
        check_guarded(program, output)?;
    }
    let order = order.map(row_numbers).transpose()?;
    let order = order.as_ref().map(Tensor::as_slice::<i64>);
    let arrays: Vec<EpochArray<'_>> = rows.iter().map(Rows::array).collect();
    let mut progress = Progress { callback: on_progress, raised: None };
    let result = released(py, |interrupted| {
        program.plan.run_epoch(&arrays, order, options, &mut |steps| progress.report(steps), Some(interrupted))
    });
    if let Some(error) = progress.raised {
        return Err(Failure::Python(error));
    }
    let (steps, results) = result?;
    Ok((steps, results.into_iter().map(PyTensor::from).collect()))
}

fn check_lengths(program: &Program, rows: &[Rows<'_>]) -> Result<()> {
    let lengths: Vec<usize> = rows.iter().map(|r| r.dims()[0]).collect();
    if lengths.windows(2).any(|w| w[0] != w[1]) {
        let each: Vec<String> =
            lengths.iter().enumerate().map(|(i, n)| format!("{:?} has {n}", program.input_name(i))).collect();
        fail!(Value, "arrays of unequal numbers of rows: {}", each.join(", "));
    }
    Ok(())
}

fn check_guarded(program: &Program, output: usize) -> Result<()> {
    match program.plan.outputs().get(output) {
        Some(ty) if ty.shape.size() == 1 && ty.dtype.is_float() => Ok(()),
        Some(ty) => fail!(Value, "stop_on_nonfinite: output {output} is {ty}; expected a floating-point scalar"),
        None => fail!(Value, "stop_on_nonfinite: there is no output {output}"),
    }
}

/// The order of rows as int64.
fn row_numbers(order: &Bound<'_, PyAny>) -> Result<Tensor> {
    let given = match Arg::plain(order)? {
        Some(Arg::Operand(operand)) => dlrs_core::dispatch::concrete(&operand)?,
        Some(Arg::Number(number)) => number.tensor(Arg::Number(number).dtype())?,
        None => tensor_from(order, None)?,
    };
    if given.dtype().is_float() || given.dtype() == DType::Bool || given.shape().rank() != 1 {
        fail!(
            Type,
            "order: expected a one-dimensional array of integers, got shape {} and dtype {}",
            given.shape(),
            given.dtype()
        );
    }
    if given.dtype() == DType::I64 {
        return Ok(given);
    }
    let wide: Vec<i64> = (0..given.shape().size()).map(|i| given.get(i) as i64).collect();
    Ok(Tensor::from_slice(DType::I64, given.shape(), &wide)?)
}

/// Calls back to Python; an exception there ends the run.
struct Progress {
    callback: Option<Py<PyAny>>,
    raised: Option<PyErr>,
}

impl Progress {
    fn report(&mut self, steps: usize) -> dlrs_core::Result<()> {
        let Some(callback) = &self.callback else { return Ok(()) };
        Python::attach(|py| {
            callback.call1(py, (steps,)).map(drop).map_err(|error| {
                self.raised = Some(error);
                Error::Interrupted
            })
        })
    }
}
