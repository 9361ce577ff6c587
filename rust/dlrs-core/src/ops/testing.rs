//! For the ops' unit tests: running one op, or a graph op by op, and gradients against central differences.

use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Bind, Buffer, Scratch, Span, Step, TileProgram, Work};

use super::{LowerCx, Op};
use crate::DType;
use crate::autodiff::gradients;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::tensor::{Tensor, Ty};

/// A tensor of f64 elements.
pub(crate) fn f64s(shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::from_slice(DType::F64, shape, data).unwrap()
}

/// A tensor of f32 elements.
pub(crate) fn f32s(shape: &[usize], data: &[f32]) -> Tensor {
    Tensor::from_slice(DType::F32, shape, data).unwrap()
}

/// A tensor of i32 elements.
pub(crate) fn i32s(shape: &[usize], data: &[i32]) -> Tensor {
    Tensor::from_slice(DType::I32, shape, data).unwrap()
}

/// A tensor of i64 elements.
pub(crate) fn i64s(shape: &[usize], data: &[i64]) -> Tensor {
    Tensor::from_slice(DType::I64, shape, data).unwrap()
}

/// Numbers in (−1, 1) without order.
pub(crate) fn noise(shape: &[usize], seed: u64) -> Tensor {
    let n = shape.iter().product::<usize>();
    let data: Vec<f64> = (0..n as u64)
        .map(|i| {
            let x = (i + seed * 7919 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            ((x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect();
    f64s(shape, &data)
}

/// The same numbers in another dtype.
pub(crate) fn cast(x: &Tensor, dtype: DType) -> Tensor {
    let mut g = Graph::new();
    let v = g.constant(x.clone());
    let y = g.cast(v, dtype).unwrap();
    eval(&g, &[y]).unwrap().remove(0)
}

/// All elements as f64.
pub(crate) fn values(x: &Tensor) -> Vec<f64> {
    (0..x.shape().size()).map(|i| x.get(i)).collect()
}

/// Asserts that tensors agree within `tolerance`, absolutely and relatively.
pub(crate) fn assert_close(have: &Tensor, want: &Tensor, tolerance: f64) {
    assert_eq!(have.shape(), want.shape());
    for (i, (a, b)) in values(have).into_iter().zip(values(want)).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan());
        assert!(same || (a - b).abs() <= tolerance * (1.0 + b.abs()), "element {i}: {a} is not {b}");
    }
}

/// Runs one op. Every output element is first filled with rubbish, so that one that is not written shows.
pub(crate) fn run(op: &dyn Op, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    run_aliased(op, inputs, false)
}

/// Runs one op with every pair of its operands and results that may be the same memory being it, if `alias`.
pub(crate) fn run_aliased(op: &dyn Op, inputs: &[Tensor], alias: bool) -> Result<Vec<Tensor>> {
    let types: Vec<Ty> = inputs.iter().map(Tensor::ty).collect();
    let results = op.infer(&types)?;
    let lowered = op.lower(&LowerCx { isa: Isa::current(), inputs: &types, outputs: &results, packed: false })?;
    let pairs = if alias { lowered.may_alias.clone() } else { Vec::new() };
    let alias_of = |k: usize| pairs.iter().find(|&&(_, o)| o == k).map(|&(i, _)| i);
    let mut buffers: Vec<Buffer> = Vec::new();
    for (k, ty) in results.iter().enumerate() {
        let mut buffer = Buffer::recycled(ty.bytes()).unwrap();
        match alias_of(k) {
            Some(i) => buffer.bytes_mut()[..ty.bytes()].copy_from_slice(inputs[i].bytes()),
            None => buffer.bytes_mut().fill(0x7f),
        }
        buffers.push(buffer);
    }
    let span = |buffer, ty: &Ty| Span { buffer, offset: 0, len: ty.shape.size(), dtype: ty.dtype };
    let place = |i: usize| pairs.iter().find(|p| p.0 == i).map_or(results.len() + i, |p| p.1);
    let step = Step {
        name: op.name(),
        inputs: types.iter().enumerate().map(|(i, ty)| span(place(i), ty)).collect(),
        outputs: results.iter().enumerate().map(|(k, ty)| span(k, ty)).collect(),
        in_place: pairs.clone(),
        tiles: lowered.tiles.into(),
        scratch: lowered.scratch,
        cost: lowered.cost,
        rounds: None,
        body: lowered.body,
    };
    let lens: Vec<usize> = results.iter().chain(&types).map(Ty::bytes).collect();
    let program = TileProgram::new(vec![step], vec![vec![Work::Tiles(0)]], 1, &lens, 0).unwrap();
    let writes = buffers.iter_mut().map(|b| Bind::Write(b.bytes_mut()));
    let mut binds: Vec<Bind<'_>> = writes.chain(inputs.iter().map(|x| Bind::Read(x.bytes()))).collect();
    program.run(&mut binds, &mut Scratch::default(), None, None)?;
    Ok(results.into_iter().zip(buffers).map(|(ty, buffer)| Tensor::from_buffer(ty, buffer)).collect())
}

/// The values of a graph without arguments, op by op.
pub(crate) fn eval(g: &Graph, wanted: &[Val]) -> Result<Vec<Tensor>> {
    let mut values: Vec<Option<Tensor>> = (0..g.len() as u32)
        .map(|i| match g.source(Val(i)) {
            Source::Constant(t) => Some(t.clone()),
            _ => None,
        })
        .collect();
    for node in g.nodes() {
        let inputs: Vec<Tensor> = node.inputs.iter().map(|v| values[v.index()].clone().unwrap()).collect();
        for (v, t) in node.outputs.iter().zip(run(&*node.op, &inputs)?) {
            values[v.index()] = Some(t);
        }
    }
    Ok(wanted.iter().map(|v| values[v.index()].clone().unwrap()).collect())
}

/// A function as a graph: its arguments are constants, so that a graph can be evaluated as it stands.
pub(crate) type Build<'a> = &'a dyn Fn(&mut Graph, &[Val]) -> Result<Val>;

/// A number that depends on every element of `f(x)` with another weight.
fn objective(f: Build<'_>, g: &mut Graph, x: &[Val]) -> Val {
    let y = f(g, x).unwrap();
    let weights = g.constant(noise(&g.ty(y).shape, 99));
    let weighted = g.mul(y, weights).unwrap();
    let axes: Vec<usize> = (0..g.ty(y).shape.rank()).collect();
    g.sum(weighted, &axes, false).unwrap()
}

/// Compares the gradients of `f` at f64 `x` with central differences.
pub(crate) fn check_gradient(x: &[Tensor], f: Build<'_>) {
    let at = |x: &[Tensor]| {
        let mut g = Graph::new();
        let args: Vec<Val> = x.iter().map(|t| g.constant(t.clone())).collect();
        let y = objective(f, &mut g, &args);
        eval(&g, &[y]).unwrap()[0].get(0)
    };
    let mut g = Graph::new();
    let args: Vec<Val> = x.iter().map(|t| g.constant(t.clone())).collect();
    let y = objective(f, &mut g, &args);
    let one = g.scalar_like(y, 1.0).unwrap();
    let grads = gradients(&mut g, &[y], &[one], &args).unwrap();
    const H: f64 = 1e-5;
    for (i, d) in grads.into_iter().enumerate() {
        if x[i].dtype() != DType::F64 {
            continue;
        }
        let d = d.unwrap_or_else(|| panic!("argument {i} has no gradient"));
        let have = eval(&g, &[d]).unwrap().remove(0);
        assert_eq!(have.shape(), x[i].shape(), "gradient of argument {i}");
        for e in 0..x[i].shape().size() {
            let moved = |by: f64| {
                let mut x = x.to_vec();
                let mut data = values(&x[i]);
                data[e] += by;
                x[i] = f64s(x[i].shape(), &data);
                at(&x)
            };
            let want = (moved(H) - moved(-H)) / (2.0 * H);
            let have = have.get(e);
            let close = (have - want).abs() <= 1e-6 * (1.0 + want.abs());
            assert!(close, "argument {i}, element {e}: gradient {have}, central difference {want}");
        }
    }
}

/// [`check_gradient`] of `f` and of its own gradient.
pub(crate) fn check_two_gradients(x: &[Tensor], f: Build<'_>) {
    check_gradient(x, f);
    for i in (0..x.len()).filter(|&i| x[i].dtype() == DType::F64) {
        check_gradient(x, &|g, args| {
            let y = objective(f, g, args);
            let one = g.scalar_like(y, 1.0)?;
            let d = gradients(g, &[y], &[one], &args[i..=i])?[0];
            // Where the gradient is constant in some argument, the second one must still exist to be compared.
            let mut d = d.unwrap_or_else(|| panic!("argument {i} has no gradient"));
            for &x in args {
                if g.ty(x).dtype != DType::F64 {
                    continue;
                }
                let axes: Vec<usize> = (0..g.ty(x).shape.rank()).collect();
                let square = g.square(x)?;
                let total = g.sum(square, &axes, false)?;
                d = g.add(d, total)?;
            }
            Ok(d)
        });
    }
}

/// The message with which `op` refuses operands of these types.
pub(crate) fn refusal(op: impl Op, types: &[Ty]) -> String {
    Arc::new(op).infer(types).unwrap_err().to_string()
}
