//! Loops, choices and gradients that are Python functions, traced once.

use dlrs_core::dispatch::{Operand, Trace, Value};
use dlrs_core::ops::Ewise;
use dlrs_core::ops::body::Body;
use dlrs_core::ops::branch::Branch;
use dlrs_core::ops::custom::CustomGradient;
use dlrs_core::ops::scan::Scan;
use dlrs_core::ops::while_loop::While;
use dlrs_core::variable::Variable;
use dlrs_core::{DType, Shape, Ty};
use pyo3::prelude::*;

use crate::call::{apply_long, apply1};
use crate::errors::{Result, fail, guard};
use crate::operand::{Arg, Kind, promote};
use crate::tensor::PyTensor;

/// `carry, y = body(carry, x)` for each slice `x` of `xs` along their first axis; the last carries and the stacked ys.
#[pyfunction]
#[pyo3(signature = (body, init, xs, length, reverse=false))]
pub fn scan(
    body: &Bound<'_, PyAny>,
    init: Vec<Arg>,
    xs: Vec<Arg>,
    length: isize,
    reverse: bool,
) -> Result<(Vec<PyTensor>, Vec<PyTensor>)> {
    let Ok(length) = usize::try_from(length) else { fail!(Value, "scan: length is {length}; expected at least 0") };
    let (init, xs) = (own(init)?, own(xs)?);
    let slices = xs.iter().enumerate().map(|(i, x)| slice_ty(i, x, length)).collect::<Result<Vec<_>>>()?;

    let trace = Trace::of_body();
    let (carries, ys) = trace_body(&trace, body, &init, &slices)?;
    if carries.len() != init.len() {
        fail!(Value, "scan: the body returned {} carries; expected {}", carries.len(), init.len());
    }
    // A carry may be returned as a number or in a narrower dtype: it keeps the type with which it began, if it promotes to it.
    trace.enter();
    let types: Vec<Ty> = init.iter().map(Operand::ty).collect();
    let cast =
        |carries: Vec<Arg>| carries.into_iter().zip(&types).map(|(x, ty)| x.to(ty.dtype)).collect::<Result<Vec<_>>>();
    let outputs = settle("scan: carry", carries, &types).and_then(cast).and_then(|c| Ok([c, own(ys)?].concat()));
    trace.exit();
    let outputs = outputs?;
    check_number("scan", outputs.len())?;
    let (graph, results, captures) = guard(|| trace.into_body(&outputs))?;
    let (op, variables) = guard(|| Scan::new(graph, init.len(), xs.len(), &results, length, reverse))?;
    let carried = init.len();
    let operands: Vec<Operand> =
        init.into_iter().chain(xs).chain(captures).chain(variables.into_iter().map(Operand::Variable)).collect();
    let mut values = apply_long(op, &operands)?.into_iter().map(PyTensor::from);
    let last = values.by_ref().take(carried).collect();
    Ok((last, values.take(results.len() - carried).collect()))
}

/// A kernel hands out at most 128 parts of its output at once, and a scan hands out what it carries twice.
fn check_number(op: &str, outputs: usize) -> Result<()> {
    if outputs > 64 {
        fail!(Value, "{op}: {outputs} tensors are carried and returned; expected at most 64");
    }
    Ok(())
}

fn own(args: Vec<Arg>) -> Result<Vec<Operand>> {
    args.into_iter().map(Arg::own).collect()
}

fn variables_of(variables: Vec<Variable>) -> impl Iterator<Item = Operand> {
    variables.into_iter().map(Operand::Variable)
}

/// Runs a Python function on symbols of a trace; the tensors that it returns.
fn call_in(trace: &Trace, function: &Bound<'_, PyAny>, types: &[Ty]) -> Result<Vec<Arg>> {
    let symbols = types.iter().map(|&ty| PyTensor::from(Value::Symbolic(trace.input(ty)))).collect::<Vec<_>>();
    trace.enter();
    let returned = function.call1((symbols,));
    trace.exit();
    returned?.try_iter()?.map(|x| Arg::of(&x?)).collect()
}

/// The traced function with these results, and the operands that it needs besides its arguments.
fn body_of(trace: &Trace, results: Vec<Arg>, dtypes: &[DType]) -> Result<(Body, Vec<Operand>)> {
    trace.enter();
    check_number("a traced function", results.len())?;
    let outputs: Result<Vec<Operand>> = results.into_iter().zip(dtypes).map(|(x, &dtype)| x.to(dtype)).collect();
    trace.exit();
    let outputs = outputs?;
    let (graph, results, captures) = guard(|| trace.into_body(&outputs))?;
    let (body, variables) = Body::new(graph, &results);
    Ok((body, captures.into_iter().chain(variables_of(variables)).collect()))
}

/// `functions[index]([])`, with the index limited to the functions there are; one of them runs. All must return as many tensors,
/// which are cast to the dtypes to which they promote.
#[pyfunction]
pub fn switch(index: Arg, functions: Vec<Bound<'_, PyAny>>) -> Result<Vec<PyTensor>> {
    let traces: Vec<Trace> = functions.iter().map(|_| Trace::of_body()).collect();
    let pairs = traces.iter().zip(&functions);
    let results = pairs.map(|(trace, function)| call_in(trace, function, &[])).collect::<Result<Vec<_>>>()?;
    let count = results.first().map_or(0, Vec::len);
    if let Some(other) = results.iter().find(|r| r.len() != count) {
        fail!(Value, "switch: one branch returns {count} tensors, another {}", other.len());
    }
    let dtypes: Vec<DType> = (0..count).map(|k| promote(results.iter().map(|r| &r[k]))).collect();
    let (mut bodies, mut operands) = (Vec::new(), vec![index.to(DType::I32)?]);
    for (trace, results) in traces.iter().zip(results) {
        let (body, needed) = body_of(trace, results, &dtypes)?;
        bodies.push(body);
        operands.extend(needed);
    }
    let op = guard(|| Branch::new(bodies))?;
    Ok(apply_long(op, &operands)?.into_iter().map(PyTensor::from).collect())
}

/// `values = step(values)` while `test(values)`, which returns one truth value, holds.
#[pyfunction]
pub fn while_loop(test: &Bound<'_, PyAny>, step: &Bound<'_, PyAny>, init: Vec<Arg>) -> Result<Vec<PyTensor>> {
    let mut operands = own(init)?;
    let types: Vec<Ty> = operands.iter().map(Operand::ty).collect();
    let trace = Trace::of_body();
    let truth = call_in(&trace, test, &types)?;
    let (test, needed) = body_of(&trace, truth, &[DType::Bool])?;
    operands.extend(needed);
    let trace = Trace::of_body();
    let values = call_in(&trace, step, &types)?;
    if values.len() != types.len() {
        fail!(Value, "while_loop: the body returned {} values; expected {}", values.len(), types.len());
    }
    let values = settle("while_loop: value", values, &types)?;
    let dtypes: Vec<DType> = types.iter().map(|ty| ty.dtype).collect();
    let (step, needed) = body_of(&trace, values, &dtypes)?;
    operands.extend(needed);
    let op = guard(|| While::new(test, step, types.len()))?;
    Ok(apply_long(op, &operands)?.into_iter().map(PyTensor::from).collect())
}

/// `values`, whose gradients with respect to `arguments` are what `gradient` makes of the values' gradients: a tensor, or None for no
/// influence, for each argument.
#[pyfunction]
pub fn custom_gradient(values: Vec<Arg>, arguments: Vec<Arg>, gradient: &Bound<'_, PyAny>) -> Result<Vec<PyTensor>> {
    let (values, arguments) = (own(values)?, own(arguments)?);
    let types: Vec<Ty> = values.iter().map(Operand::ty).collect();
    let trace = Trace::of_body();
    let symbols = types.iter().map(|&ty| PyTensor::from(Value::Symbolic(trace.input(ty)))).collect::<Vec<_>>();
    trace.enter();
    let returned = gradient.call1((symbols,));
    trace.exit();
    let (mut grads, mut sources) = (Vec::new(), Vec::new());
    for (i, d) in returned?.try_iter()?.enumerate() {
        let d = d?;
        if arguments.get(i).is_some_and(|x| x.ty().dtype.is_float()) && !d.is_none() {
            grads.push(Arg::of(&d)?);
            sources.push(i);
        } else if i >= arguments.len() {
            fail!(Value, "custom_gradient: more gradients than the {} arguments", arguments.len());
        }
    }
    let dtypes: Vec<DType> = sources.iter().map(|&i| arguments[i].ty().dtype).collect();
    let (body, needed) = body_of(&trace, grads, &dtypes)?;
    let op = guard(|| CustomGradient::new(body, values.len(), arguments.len(), sources))?;
    let mut operands = Vec::new();
    for value in values {
        // The way in which the values were computed has no say.
        let is_float = value.ty().dtype.is_float();
        operands.push(if is_float { Operand::Value(apply1(Ewise::StopGradient, &[value])?) } else { value });
    }
    operands.extend(arguments.into_iter().chain(needed));
    Ok(apply_long(op, &operands)?.into_iter().map(PyTensor::from).collect())
}

/// The type of one slice of `x`.
fn slice_ty(i: usize, x: &Operand, length: usize) -> Result<Ty> {
    let ty = x.ty();
    match ty.shape.split_first() {
        Some((&n, rest)) if n == length => Ok(Ty::new(ty.dtype, Shape::new(rest)?)),
        _ => fail!(Value, "scan: xs[{i}] has shape {}; expected {length} slices along its first axis", ty.shape),
    }
}

/// Calls the body on symbols.
fn trace_body(trace: &Trace, body: &Bound<'_, PyAny>, init: &[Operand], slices: &[Ty]) -> Result<(Vec<Arg>, Vec<Arg>)> {
    let symbol = |ty: Ty| PyTensor::from(Value::Symbolic(trace.input(ty)));
    let carries: Vec<PyTensor> = init.iter().map(|x| symbol(x.ty())).collect();
    let xs: Vec<PyTensor> = slices.iter().map(|&ty| symbol(ty)).collect();
    trace.enter();
    let returned = body.call1((carries, xs)).and_then(|r| r.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>());
    trace.exit();
    let (carries, ys) = returned?;
    let args = |list: Bound<'_, PyAny>| list.try_iter()?.map(|x| Arg::of(&x?)).collect::<Result<Vec<_>>>();
    Ok((args(carries)?, args(ys)?))
}

/// Checks that values can go on in the types with which they began: a number or a narrower dtype can.
fn settle(what: &str, values: Vec<Arg>, types: &[Ty]) -> Result<Vec<Arg>> {
    for (i, (value, want)) in values.iter().zip(types).enumerate() {
        if value.kind().join(Kind::DType(want.dtype)).dtype() != want.dtype {
            fail!(Type, "{what} {i} begins as {want}, but the body returns dtype {}", value.dtype());
        }
    }
    Ok(values)
}
