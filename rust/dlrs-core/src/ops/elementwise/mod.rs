//! Elementwise ops, one by one and fused into one pass.

mod fused;
mod gradient;
mod names;

use std::hash::Hash;

use dlrs_kernels::elementwise::{BinaryOp, UnaryOp};

use gradient::{binary_grad, unary_grad};
use names::{binary_name, unary_name};

use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

pub use fused::{Fused, TileProgramEpilogue};
pub(crate) use fused::{FusedBuilder, TileColumns};

/// An elementwise op. Operands have one dtype (promotion happens where ops are called) and broadcast against each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ewise {
    /// One operand.
    Unary(UnaryOp),
    /// Two operands.
    Binary(BinaryOp),
    /// `c ? a : b`.
    Select,
    /// Conversion to a dtype.
    Cast(DType),
    /// Repetition to a shape.
    BroadcastTo(Shape),
    /// The identity, through which no gradient flows.
    StopGradient,
}

impl Op for Ewise {
    fn name(&self) -> &'static str {
        match self {
            Ewise::Unary(op) => unary_name(*op),
            Ewise::Binary(op) => binary_name(*op),
            Ewise::Select => "where",
            Ewise::Cast(_) => "cast",
            Ewise::BroadcastTo(_) => "broadcast_to",
            Ewise::StopGradient => "stop_gradient",
        }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        let arity_of = match self {
            Ewise::Binary(_) => 2,
            Ewise::Select => 3,
            _ => 1,
        };
        arity(name, inputs, arity_of)?;
        let x = inputs[0];
        let ty = match self {
            Ewise::Unary(op) => {
                if !op.is_integral() && !x.dtype.is_float() {
                    bail!(Type, "{name}: x has dtype {}; expected a floating-point dtype", x.dtype);
                }
                Ty::new(if is_question(*op) { DType::Bool } else { x.dtype }, x.shape)
            }
            Ewise::Binary(op) => {
                let shape = broadcast(name, ["x1", "x2"], x, inputs[1])?;
                let (float, defined) = (x.dtype.is_float(), [op.is_on_integers(), op.is_on_floats()]);
                if !defined[usize::from(float)] {
                    let expected = if float { "an integer" } else { "a floating-point" };
                    bail!(Type, "{name}: x1 and x2 have dtype {}; expected {expected} dtype", x.dtype);
                }
                Ty::new(if is_predicate(*op) { DType::Bool } else { x.dtype }, shape)
            }
            Ewise::Select => {
                let shape = broadcast(name, ["x1", "x2"], inputs[1], inputs[2])?;
                let branch = Ty::new(inputs[1].dtype, shape);
                let Some(shape) = x.shape.broadcast(&shape) else {
                    bail!("{name}: condition of shape {} and branches of shape {shape} cannot be broadcast", x.shape);
                };
                Ty::new(branch.dtype, shape)
            }
            Ewise::Cast(dtype) => Ty::new(*dtype, x.shape),
            Ewise::BroadcastTo(shape) => {
                if x.shape.broadcast(shape) != Some(*shape) {
                    bail!("{name}: x of shape {} cannot be broadcast to {shape}", x.shape);
                }
                Ty::new(x.dtype, *shape)
            }
            Ewise::StopGradient => x,
        };
        Ok(vec![ty])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let none = vec![None; node.inputs.len()];
        let Some(d) = d_outputs[0] else { return Ok(none) };
        match self {
            Ewise::Unary(op) => Ok(vec![unary_grad(*op, g, node.inputs[0], node.outputs[0], d)?]),
            Ewise::Binary(op) => binary_grad(*op, g, node, d),
            Ewise::Select => {
                let zero = g.scalar_like(d, 0.0)?;
                let (a, b) = (g.select(node.inputs[0], d, zero)?, g.select(node.inputs[0], zero, d)?);
                Ok(vec![
                    None,
                    Some(g.sum_to(a, g.ty(node.inputs[1]).shape)?),
                    Some(g.sum_to(b, g.ty(node.inputs[2]).shape)?),
                ])
            }
            Ewise::Cast(dtype) => {
                let from = g.ty(node.inputs[0]).dtype;
                let differentiable = dtype.is_float() && from.is_float();
                Ok(vec![if differentiable { Some(g.cast(d, from)?) } else { None }])
            }
            Ewise::BroadcastTo(_) => Ok(vec![Some(g.sum_to(d, g.ty(node.inputs[0]).shape)?)]),
            Ewise::StopGradient => Ok(none),
        }
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let mut fused = FusedBuilder::new(compute_dtype(self, cx.inputs), cx.outputs[0].shape);
        let operands: Vec<_> = cx.inputs.iter().map(|&ty| fused.load(ty)).collect();
        let result = fused.op(self, &operands);
        fused.store(result, cx.outputs[0].dtype);
        fused.finish(self.name()).lower(cx)
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Elementwise(self)
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

fn broadcast(op: &str, names: [&str; 2], a: Ty, b: Ty) -> Result<Shape> {
    if a.dtype != b.dtype {
        bail!(Type, "{op}: {} has dtype {}, {} has dtype {}", names[0], a.dtype, names[1], b.dtype);
    }
    match a.shape.broadcast(&b.shape) {
        Some(shape) => Ok(shape),
        None => {
            bail!(
                "{op}: {} of shape {} and {} of shape {} cannot be broadcast together",
                names[0],
                a.shape,
                names[1],
                b.shape
            )
        }
    }
}

/// Whether the result is a truth value.
fn is_question(op: UnaryOp) -> bool {
    use UnaryOp::*;
    matches!(op, IsFinite | IsInf | IsNan | LogicalNot | SignBit)
}

/// Whether the result is a truth value.
fn is_predicate(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Lt | Le | Gt | Ge | Eq | Ne | LogicalAnd | LogicalOr)
}

/// The type in which a single op computes: truth values and small integers as 32-bit integers, halves as singles.
pub(crate) fn compute_dtype(op: &Ewise, inputs: &[Ty]) -> DType {
    let widen = |d: DType| match d {
        DType::U64 => DType::U64,
        d => d.working(),
    };
    match op {
        // The wider side of a conversion: an integer is converted while it is loaded, a float while it is stored.
        Ewise::Cast(to) => match (widen(inputs[0].dtype), widen(*to)) {
            (from, to) if from.is_float() == to.is_float() => {
                if from.size() == 8 {
                    from
                } else {
                    to
                }
            }
            (from, _) if from.is_float() => from,
            (_, to) => to,
        },
        Ewise::Select => widen(inputs[1].dtype),
        _ => widen(inputs[0].dtype),
    }
}
