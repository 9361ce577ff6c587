//! Linear algebra on the matrices in the last two axes, and the Fourier transform of the last one.
//!
//! Every op runs the kernel of one item for each item of the batch (the leading axes), in double precision.

use std::sync::Arc;

use dlrs_kernels::linalg::Stop;
use dlrs_kernels::mem::{Rect, TileIo, TileMut};

use super::{LowerCx, Lowered};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};
use crate::{DType, bail};

mod cholesky;
mod determinant;
mod eigh;
mod fourier;
mod qr;
mod solve;
mod svd;

pub use cholesky::Cholesky;
pub use determinant::{Determinant, LogDeterminant};
pub use eigh::Eigh;
pub use fourier::Fourier;
pub use qr::Qr;
pub use solve::{LuFactor, Solve, SolveTriangular};
pub use svd::Svd;

/// Nanoseconds of work that a tile should hold at least.
const TILE_NS: f64 = 20_000.0;

/// The last two axes of a matrix operand.
fn matrix(op: &str, argument: &str, ty: Ty) -> Result<(usize, usize)> {
    if !ty.dtype.is_float() {
        bail!(Type, "{op}: {argument} has dtype {}; expected a floating-point dtype", ty.dtype);
    }
    match ty.shape.dims() {
        [.., m, n] => Ok((*m, *n)),
        _ => bail!("{op}: {argument} has shape {}; expected matrices in the last two axes (rank >= 2)", ty.shape),
    }
}

/// The order of a square matrix operand.
fn square(op: &str, argument: &str, ty: Ty) -> Result<usize> {
    let (m, n) = matrix(op, argument, ty)?;
    if m != n {
        bail!("{op}: {argument} has shape {}; expected square matrices in the last two axes", ty.shape);
    }
    Ok(n)
}

/// The type with these axes in the place of the last `rank` ones.
fn with_item(ty: Ty, rank: usize, item: &[usize]) -> Result<Ty> {
    let batch = &ty.shape[..ty.shape.rank() - rank];
    Ok(Ty::new(ty.dtype, Shape::new(&[batch, item].concat())?))
}

/// The inner loop of an op: items of the operands, items of the results, scratch memory. An error says why there is no result.
type ItemKernel =
    dyn Fn(&[&[f64]], &mut [&mut [f64]], &mut [f64], Stop<'_>) -> std::result::Result<(), String> + Send + Sync;

/// Runs `kernel` once for each item of the batch.
///
/// # Arguments
/// * `ranks`: axes of an item of each operand, and of each result.
/// * `work`: numbers of scratch memory that the kernel needs.
/// * `cost`: nanoseconds of one item.
fn lower(cx: &LowerCx<'_>, ranks: (&[usize], &[usize]), work: usize, cost: f64, kernel: Arc<ItemKernel>) -> Lowered {
    let item = |ty: &Ty, rank: usize| ty.shape[ty.shape.rank() - rank..].iter().product::<usize>();
    let sizes = |types: &[Ty], ranks: &[usize]| types.iter().zip(ranks).map(|(t, &r)| item(t, r)).collect::<Vec<_>>();
    let (ins, outs) = (sizes(cx.inputs, ranks.0), sizes(cx.outputs, ranks.1));
    let first = cx.inputs[0].shape;
    let count: usize = first[..first.rank() - ranks.0[0]].iter().product();
    let chunk = ((TILE_NS / cost.max(1.0)) as usize).clamp(1, count.max(1));
    let tiles = super::tiles::spans(count, chunk)
        .map(|span| outs.iter().map(|&size| Rect::flat(span.start * size, span.len() * size)).collect())
        .collect();
    let dtypes: Vec<DType> = cx.outputs.iter().map(|ty| ty.dtype).collect();
    let numbers = if count == 0 { 0 } else { ins.iter().sum::<usize>() + outs.iter().sum::<usize>() + work };
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let mut rest = io.scratch::<f64>(numbers);
        let mut take = |len: usize| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(len);
            rest = tail;
            head
        };
        let mut inputs: Vec<&mut [f64]> = ins.iter().map(|&len| take(len)).collect();
        let mut outputs: Vec<&mut [f64]> = outs.iter().map(|&len| take(len)).collect();
        let work = take(work);
        let mut results: Vec<Numbers<'_>> = dtypes.iter().enumerate().map(|(k, &d)| Numbers::of(io, k, d)).collect();
        for (n, i) in (tile * chunk..count.min((tile + 1) * chunk)).enumerate() {
            for (k, item) in inputs.iter_mut().enumerate() {
                load(io, k, i * ins[k], item);
            }
            let items: Vec<&[f64]> = inputs.iter().map(|x| &**x).collect();
            if let Err(why) = kernel(&items, &mut outputs, work, &|| io.should_stop()) {
                return io.refuse_values(why);
            }
            for (result, item) in results.iter_mut().zip(&outputs) {
                result.store(n * item.len(), item);
            }
        }
    });
    Lowered { tiles, body, scratch: 8 * numbers, cost: 20.0 + cost * count as f64, ..Lowered::default() }
}

fn load(io: &TileIo<'_>, input: usize, start: usize, item: &mut [f64]) {
    match io.input_dtype(input) {
        DType::F32 => item.iter_mut().zip(&io.input::<f32>(input)[start..]).for_each(|(a, &x)| *a = x.into()),
        _ => item.copy_from_slice(&io.input::<f64>(input)[start..][..item.len()]),
    }
}

/// A tile's part of a result.
enum Numbers<'a> {
    F32(TileMut<'a, f32>),
    F64(TileMut<'a, f64>),
    I32(TileMut<'a, i32>),
}

impl<'a> Numbers<'a> {
    fn of(io: &mut TileIo<'a>, k: usize, dtype: DType) -> Numbers<'a> {
        match dtype {
            DType::F32 => Numbers::F32(io.output(k)),
            DType::I32 => Numbers::I32(io.output(k)),
            _ => Numbers::F64(io.output(k)),
        }
    }

    fn store(&mut self, start: usize, item: &[f64]) {
        match self {
            Numbers::F32(y) => y.as_slice()[start..].iter_mut().zip(item).for_each(|(y, &x)| *y = x as f32),
            Numbers::F64(y) => y.as_slice()[start..][..item.len()].copy_from_slice(item),
            Numbers::I32(y) => y.as_slice()[start..].iter_mut().zip(item).for_each(|(y, &x)| *y = x as i32),
        }
    }
}

/// The vocabulary of these ops' gradients.
impl Graph {
    /// The last two axes exchanged.
    fn transposed(&mut self, x: Val) -> Result<Val> {
        let rank = self.ty(x).shape.rank();
        let mut axes: Vec<usize> = (0..rank).collect();
        axes.swap(rank - 2, rank - 1);
        self.transpose(x, &axes)
    }

    /// Matrices times the constant one whose element (i, j) is `f(i, j)`, element by element.
    fn masked(&mut self, x: Val, f: impl Fn(usize, usize) -> f64) -> Result<Val> {
        let mask = self.mask_like(x, f)?;
        self.mul(x, mask)
    }

    /// A constant matrix of the size and dtype of the matrices `x`.
    fn mask_like(&mut self, x: Val, f: impl Fn(usize, usize) -> f64) -> Result<Val> {
        let ty = self.ty(x);
        let dims = &ty.shape[ty.shape.rank() - 2..];
        let data: Vec<f64> = (0..dims[0] * dims[1]).map(|i| f(i / dims[1], i % dims[1])).collect();
        let tensor = match ty.dtype {
            DType::F32 => Tensor::from_slice(ty.dtype, dims, &data.iter().map(|&x| x as f32).collect::<Vec<_>>())?,
            _ => Tensor::from_slice(ty.dtype, dims, &data)?,
        };
        Ok(self.constant(tensor))
    }

    /// Vectors as matrices of one column.
    fn as_columns(&mut self, x: Val) -> Result<Val> {
        let shape = self.ty(x).shape;
        self.reshape(x, Shape::new(&[shape.dims(), &[1]].concat())?)
    }

    /// Vectors as matrices of one row.
    fn as_rows(&mut self, x: Val) -> Result<Val> {
        let shape = self.ty(x).shape;
        let (batch, last) = shape.split_at(shape.rank() - 1);
        self.reshape(x, Shape::new(&[batch, &[1], last].concat())?)
    }

    /// The numbers of a batch as matrices of one element.
    fn as_matrices(&mut self, x: Val) -> Result<Val> {
        let shape = self.ty(x).shape;
        self.reshape(x, Shape::new(&[shape.dims(), &[1, 1]].concat())?)
    }

    /// (x + xᵀ)/2: the gradient of an op that reads one triangle of a symmetric matrix.
    fn symmetric(&mut self, x: Val) -> Result<Val> {
        let t = self.transposed(x)?;
        let sum = self.add(x, t)?;
        self.mul_scalar(sum, 0.5)
    }

    /// 1/(xⱼ − xᵢ), and 0 where both are equal, for vectors x: in the gradients of decompositions, the rate at which the
    /// directions i and j turn into each other, which is not determined between equal values.
    fn reciprocal_gaps(&mut self, x: Val) -> Result<Val> {
        let (rows, columns) = (self.as_rows(x)?, self.as_columns(x)?);
        let gaps = self.sub(rows, columns)?;
        let (zero, one) = (self.scalar_like(x, 0.0)?, self.scalar_like(x, 1.0)?);
        let apart = self.not_equal(gaps, zero)?;
        let gaps = self.select(apart, gaps, one)?;
        let rates = self.reciprocal(gaps)?;
        self.select(apart, rates, zero)
    }

    /// `op(a)⁻¹·b` for triangular matrices.
    fn solve_triangular(&mut self, a: Val, b: Val, lower: bool, transpose: bool) -> Result<Val> {
        self.push(SolveTriangular { lower, transpose }, &[a, b])
    }
}
