//! Loops whose bodies are Python functions, traced once.

use dlrs_core::dispatch::{Operand, Trace, Value};
use dlrs_core::ops::scan::Scan;
use dlrs_core::{Shape, Ty};
use pyo3::prelude::*;

use crate::call::apply_long;
use crate::errors::{Result, fail, guard};
use crate::operand::{Arg, Kind};
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
    let own = |args: Vec<Arg>| args.into_iter().map(Arg::own).collect::<Result<Vec<_>>>();
    let (init, xs) = (own(init)?, own(xs)?);
    let slices = xs.iter().enumerate().map(|(i, x)| slice_ty(i, x, length)).collect::<Result<Vec<_>>>()?;

    let trace = Trace::of_body();
    let (carries, ys) = trace_body(&trace, body, &init, &slices)?;
    if carries.len() != init.len() {
        fail!(Value, "scan: the body returned {} carries; expected {}", carries.len(), init.len());
    }
    // A carry may be returned as a number or in a narrower dtype: it keeps the type with which it began, if it promotes to it.
    trace.enter();
    let outputs = settle(carries, &init).and_then(|carries| Ok([carries, own(ys)?].concat()));
    trace.exit();
    let outputs = outputs?;
    let (graph, results, captures) = guard(|| trace.into_body(&outputs))?;
    let (op, variables) = guard(|| Scan::new(graph, init.len(), xs.len(), &results, length, reverse))?;
    let carried = init.len();
    let operands: Vec<Operand> =
        init.into_iter().chain(xs).chain(captures).chain(variables.into_iter().map(Operand::Variable)).collect();
    let mut values = apply_long(op, &operands)?.into_iter().map(PyTensor::from);
    let last = values.by_ref().take(carried).collect();
    Ok((last, values.take(results.len() - carried).collect()))
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

fn settle(carries: Vec<Arg>, init: &[Operand]) -> Result<Vec<Operand>> {
    let pairs = carries.into_iter().zip(init).enumerate();
    pairs
        .map(|(i, (carry, first))| {
            let want = first.ty();
            if carry.kind().join(Kind::DType(want.dtype)).dtype() != want.dtype {
                let have = carry.dtype();
                fail!(Type, "scan: carry {i} begins as {}, but the body returns dtype {have}", want);
            }
            carry.to(want.dtype)
        })
        .collect()
}
