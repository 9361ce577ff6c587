//! The vocabulary of gradient rules: ops as short methods of [`Graph`].

use dlrs_kernels::elementwise::{BinaryOp, UnaryOp};

use super::FusionClass;
use super::elementwise::Ewise;
use super::matmul::MatMul;
use super::reduce::Reduction;
use super::shape::{Reshape, Transpose};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::shape::Shape;

macro_rules! unary {
    ($($name:ident $op:ident),*) => {
        impl Graph {
            $(#[doc = concat!("`UnaryOp::", stringify!($op), "`, element by element.")]
            pub fn $name(&mut self, x: Val) -> Result<Val> {
                self.push(Ewise::Unary(UnaryOp::$op), &[x])
            })*
        }
    };
}

macro_rules! binary {
    ($($name:ident $op:ident),*) => {
        impl Graph {
            $(#[doc = concat!("`BinaryOp::", stringify!($op), "`, element by element with broadcasting.")]
            pub fn $name(&mut self, a: Val, b: Val) -> Result<Val> {
                self.push(Ewise::Binary(BinaryOp::$op), &[a, b])
            })*
        }
    };
}

unary!(neg Neg, exp Exp, log Log, sqrt Sqrt, square Square, reciprocal Reciprocal, sign Sign, sin Sin, cos Cos, sigmoid Sigmoid, tanh Tanh);
binary!(add Add, sub Sub, mul Mul, div Div, pow Pow, greater Gt, less Lt, equal Eq, not_equal Ne, logical_and LogicalAnd);

impl Graph {
    /// `c ? a : b`, element by element with broadcasting.
    pub fn select(&mut self, c: Val, a: Val, b: Val) -> Result<Val> {
        self.push(Ewise::Select, &[c, a, b])
    }

    /// `x`, through which no gradient flows.
    pub fn stop_gradient(&mut self, x: Val) -> Result<Val> {
        self.push(Ewise::StopGradient, &[x])
    }

    /// Conversion to another dtype.
    pub fn cast(&mut self, x: Val, dtype: DType) -> Result<Val> {
        if self.ty(x).dtype == dtype { Ok(x) } else { self.push(Ewise::Cast(dtype), &[x]) }
    }

    /// A scalar of `x`'s dtype.
    pub fn scalar_like(&mut self, x: Val, value: f64) -> Result<Val> {
        self.scalar(self.ty(x).dtype, value)
    }

    /// `x` + number.
    pub fn add_scalar(&mut self, x: Val, value: f64) -> Result<Val> {
        let c = self.scalar_like(x, value)?;
        self.add(x, c)
    }

    /// `x` · number.
    pub fn mul_scalar(&mut self, x: Val, value: f64) -> Result<Val> {
        let c = self.scalar_like(x, value)?;
        self.mul(x, c)
    }

    /// Zeros of `x`'s type.
    pub fn zeros_like(&mut self, x: Val) -> Result<Val> {
        let zero = self.scalar_like(x, 0.0)?;
        self.broadcast_to(zero, self.ty(x).shape)
    }

    /// `x` repeated along new and size-1 axes.
    pub fn broadcast_to(&mut self, x: Val, shape: Shape) -> Result<Val> {
        if self.ty(x).shape == shape { Ok(x) } else { self.push(Ewise::BroadcastTo(shape), &[x]) }
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: Val, shape: Shape) -> Result<Val> {
        if self.ty(x).shape == shape { Ok(x) } else { self.push(Reshape { shape }, &[x]) }
    }

    /// Axes in another order.
    pub fn transpose(&mut self, x: Val, axes: &[usize]) -> Result<Val> {
        self.push(Transpose { axes: axes.to_vec() }, &[x])
    }

    /// Sum over `axes`.
    pub fn sum(&mut self, x: Val, axes: &[usize], keepdims: bool) -> Result<Val> {
        self.reduce(Reduction::Sum, x, axes, keepdims)
    }

    /// The adjoint of broadcasting: sums `x` over the axes along which `shape` was repeated.
    pub fn sum_to(&mut self, x: Val, shape: Shape) -> Result<Val> {
        let from = self.ty(x).shape;
        if from == shape {
            return Ok(x);
        }
        if let Some(summed) = self.sum_before_scaling(x, shape)? {
            return Ok(summed);
        }
        let skip = from.rank() - shape.rank();
        let axes: Vec<usize> =
            (0..from.rank()).filter(|&i| i < skip || (shape[i - skip] == 1 && from[i] != 1)).collect();
        let summed = self.sum(x, &axes, false)?;
        self.reshape(summed, shape)
    }

    /// Σ(a·b) = (Σa)·b where b is the same along the axes that are summed, and Σ(−a) = −Σa: what is left to sum is then often summed
    /// already.
    fn sum_before_scaling(&mut self, x: Val, shape: Shape) -> Result<Option<Val>> {
        let Source::Node { node, .. } = *self.source(x) else { return Ok(None) };
        let node = &self.nodes()[node];
        let FusionClass::Elementwise(&op) = node.op.fusion_class() else { return Ok(None) };
        let inputs = node.inputs.clone();
        let full = |v: Val| self.ty(v).shape == self.ty(x).shape;
        let fits = |v: Val| self.ty(v).shape.broadcast(&shape) == Some(shape);
        match op {
            Ewise::Unary(UnaryOp::Neg) => {
                let sum = self.sum_to(inputs[0], shape)?;
                Ok(Some(self.neg(sum)?))
            }
            Ewise::Binary(BinaryOp::Mul) => {
                let (a, b) = (inputs[0], inputs[1]);
                let (long, row) = match (full(a) && fits(b), full(b) && fits(a)) {
                    (true, _) => (a, b),
                    (_, true) => (b, a),
                    _ => return Ok(None),
                };
                let sum = self.sum_to(long, shape)?;
                Ok(Some(self.mul(sum, row)?))
            }
            _ => Ok(None),
        }
    }

    /// `op(a)·op(b)` over the last two axes, where `op` transposes if asked.
    pub fn matmul(&mut self, a: Val, b: Val, transpose_a: bool, transpose_b: bool) -> Result<Val> {
        self.push(MatMul { transpose_a, transpose_b }, &[a, b])
    }

    /// `a + b` where either may be missing (zero).
    pub fn add_optional(&mut self, a: Option<Val>, b: Option<Val>) -> Result<Option<Val>> {
        match (a, b) {
            (Some(a), Some(b)) => Ok(Some(self.add(a, b)?)),
            (one, other) => Ok(one.or(other)),
        }
    }
}
