//! Random draws without state: element i of a draw is a function of the seed, the counter and i alone.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Body, TileIo};
use dlrs_kernels::random::Stream;

use super::tiles::TILE;
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// A distribution of random numbers.
pub trait Distribution: fmt::Debug + Send + Sync + 'static {
    /// The op's name.
    const NAME: &'static str;
    /// Nanoseconds for a number of single precision.
    const COST: f64;

    /// Elements `first`, `first + 1`, … of the draw in single precision.
    fn fill_f32(stream: Stream, isa: Isa, first: u64, y: &mut [f32]);
    /// Elements `first`, `first + 1`, … of the draw in double precision.
    fn fill_f64(stream: Stream, first: u64, y: &mut [f64]);
}

/// Numbers spread evenly over [0, 1).
#[derive(Debug)]
pub struct Uniform;

impl Distribution for Uniform {
    const NAME: &'static str = "random_uniform";
    const COST: f64 = 0.25;

    fn fill_f32(stream: Stream, isa: Isa, first: u64, y: &mut [f32]) {
        stream.uniform_f32(isa, first, y);
    }

    fn fill_f64(stream: Stream, first: u64, y: &mut [f64]) {
        stream.uniform_f64(first, y);
    }
}

/// Standard normal numbers.
#[derive(Debug)]
pub struct Normal;

impl Distribution for Normal {
    const NAME: &'static str = "random_normal";
    const COST: f64 = 0.5;

    fn fill_f32(stream: Stream, isa: Isa, first: u64, y: &mut [f32]) {
        stream.normal_f32(isa, first, y);
    }

    fn fill_f64(stream: Stream, first: u64, y: &mut [f64]) {
        stream.normal_f64(first, y);
    }
}

/// A draw from a distribution. The operand is the seed: int64 (seed, counter).
#[derive(Debug)]
pub struct Draw<D> {
    ty: Ty,
    distribution: PhantomData<D>,
}

impl<D> Draw<D> {
    /// A draw of this type.
    pub fn of(ty: Ty) -> Draw<D> {
        Draw { ty, distribution: PhantomData }
    }
}

impl<D: Distribution> Op for Draw<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.ty.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(D::NAME, inputs, 1)?;
        check_draw(D::NAME, self.ty, inputs[0])?;
        Ok(vec![self.ty])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        // A draw is a constant: it does not depend on anything that has a gradient.
        Ok(vec![None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let isa = cx.isa;
        let body: Body = match self.ty.dtype {
            DType::F32 => Arc::new(move |_, io| {
                let (stream, first) = (stream(io), io.rect(0).start as u64);
                D::fill_f32(stream, isa, first, io.output(0).as_slice());
            }),
            _ => Arc::new(move |_, io| {
                let (stream, first) = (stream(io), io.rect(0).start as u64);
                D::fill_f64(stream, first, io.output(0).as_slice());
            }),
        };
        Ok(Lowered::by_rows(self.ty.shape.size(), 1, TILE, 1, body).cost(cost(self.ty, D::COST)))
    }
}

/// Checks the type of a draw and of the seed that it is given.
pub(crate) fn check_draw(op: &str, ty: Ty, seed: Ty) -> Result<()> {
    if !ty.dtype.is_float() {
        bail!(Type, "{op}: dtype is {}; expected a floating-point dtype", ty.dtype);
    }
    let want = Ty::new(DType::I64, Shape::new(&[2])?);
    if seed != want {
        bail!("{op}: seed has type {seed}; expected {want}: the seed and the counter");
    }
    Ok(())
}

/// Nanoseconds; double precision has no vectors.
fn cost(ty: Ty, per_element: f64) -> f64 {
    20.0 + ty.shape.size() as f64 * if ty.dtype == DType::F32 { per_element } else { 20.0 }
}

pub(crate) fn stream(io: &TileIo<'_>) -> Stream {
    let seed = io.input::<i64>(0);
    Stream { seed: seed[0] as u64, counter: seed[1] as u64 }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn ty(dtype: DType, dims: &[usize]) -> Ty {
        Ty::new(dtype, Shape::new(dims).unwrap())
    }

    #[test]
    fn draws_have_their_moments_and_do_not_depend_on_the_shape() {
        for dtype in [DType::F32, DType::F64] {
            let seed = i64s(&[2], &[3, 5]);
            let draw = |op: &dyn Op| values(&run(op, std::slice::from_ref(&seed)).unwrap()[0]);
            let n = 100_000;
            let uniform = draw(&Draw::<Uniform>::of(ty(dtype, &[n])));
            let mean = uniform.iter().sum::<f64>() / n as f64;
            assert!((mean - 0.5).abs() < 0.01 && uniform.iter().all(|x| (0.0..1.0).contains(x)));
            let normal = draw(&Draw::<Normal>::of(ty(dtype, &[100, 1000])));
            let (mean, square) = (normal.iter().sum::<f64>(), normal.iter().map(|x| x * x).sum::<f64>());
            assert!((mean / n as f64).abs() < 0.02 && (square / n as f64 - 1.0).abs() < 0.03);
            assert_eq!(draw(&Draw::<Uniform>::of(ty(dtype, &[7]))), uniform[..7]);
            assert_eq!(draw(&Draw::<Normal>::of(ty(dtype, &[3, 30_000]))), normal[..90_000]);
        }
    }

    #[test]
    fn seed_and_counter_both_matter() {
        let op = Draw::<Uniform>::of(ty(DType::F32, &[8]));
        let draw = |seed: &[i64]| values(&run(&op, &[i64s(&[2], seed)]).unwrap()[0]);
        assert_eq!(draw(&[1, 2]), draw(&[1, 2]));
        assert_ne!(draw(&[1, 2]), draw(&[1, 3]));
        assert_ne!(draw(&[1, 2]), draw(&[2, 2]));
    }

    #[test]
    fn bad_arguments_are_named() {
        let op = Draw::<Normal>::of(ty(DType::F32, &[8]));
        let want = "random_normal: seed has type int32(2,); expected int64(2,): the seed and the counter";
        assert_eq!(refusal(op, &[ty(DType::I32, &[2])]), want);
        let op = Draw::<Uniform>::of(ty(DType::I32, &[8]));
        assert!(refusal(op, &[ty(DType::I64, &[2])]).contains("dtype is int32"));
    }
}
