//! Positions of extremes.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::reduce::{self, ArgOp};

use super::super::tiles::Block;
use super::super::{LowerCx, Lowered, NodeRef, Op, arity};
use super::{View, part};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Position of the largest or smallest element along an axis, the first of equals; a NaN counts as both. The result is int32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ArgReduce {
    /// Whether the largest is sought.
    pub largest: bool,
    /// The axis.
    pub axis: usize,
}

impl Op for ArgReduce {
    fn name(&self) -> &'static str {
        if self.largest { "argmax" } else { "argmin" }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        arity(name, inputs, 1)?;
        let x = inputs[0];
        if self.axis >= x.shape.rank() {
            bail!("{name}: axis {} of a tensor of shape {}", self.axis, x.shape);
        }
        if x.shape[self.axis] == 0 {
            bail!("{name}: x of shape {} has no elements along axis {}", x.shape, self.axis);
        }
        if x.shape[self.axis] > i32::MAX as usize {
            bail!("{name}: axis {} of x of shape {} is too long for int32 positions", self.axis, x.shape);
        }
        let dims = [&x.shape[..self.axis], &x.shape[self.axis + 1..]].concat();
        Ok(vec![Ty::new(DType::I32, Shape::new(&dims)?)])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let view = View::of(&cx.inputs[0].shape, self.axis, 1);
        let (isa, dtype, blocks) = (cx.isa, cx.inputs[0].dtype, view.blocks());
        let op = if self.largest { ArgOp::ArgMax } else { ArgOp::ArgMin };
        let tiles = blocks.iter().map(|b| vec![b.rect(view.inner)]).collect();
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| match dtype {
            DType::Bool | DType::U8 => arg_tile::<u8>(isa, op, view, &blocks[tile], io),
            DType::I32 => arg_tile::<i32>(isa, op, view, &blocks[tile], io),
            DType::I64 => arg_tile::<i64>(isa, op, view, &blocks[tile], io),
            DType::F32 => arg_tile::<f32>(isa, op, view, &blocks[tile], io),
            DType::F64 => arg_tile::<f64>(isa, op, view, &blocks[tile], io),
            dtype => unreachable!("operands of {dtype} are converted"),
        });
        Ok(Lowered { tiles, body, cost: 20.0 + view.elements() as f64, ..Lowered::default() })
    }
}

fn arg_tile<T: reduce::ArgReduce>(isa: Isa, op: ArgOp, view: View, block: &Block, io: &mut TileIo<'_>) {
    reduce::arg_reduce::<T, i32>(isa, op, io.input(0), &part(view, block), io.output(0));
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::*;
    use super::*;

    #[test]
    fn positions_of_extremes() {
        let x = f32s(&[2, 4], &[1.0, 5.0, 5.0, -2.0, 3.0, f32::NAN, 9.0, 3.0]);
        let arg = |largest, axis| run(&ArgReduce { largest, axis }, std::slice::from_ref(&x)).unwrap().remove(0);
        assert_eq!(arg(true, 1).as_slice::<i32>(), [1, 1]);
        assert_eq!(arg(false, 1).as_slice::<i32>(), [3, 1]);
        assert_eq!(arg(true, 0).as_slice::<i32>(), [1, 1, 1, 1]);
        assert_eq!(arg(false, 0).as_slice::<i32>(), [0, 1, 0, 0]);
        let ty = Ty::new(DType::F32, Shape::new(&[2]).unwrap());
        assert_eq!(refusal(ArgReduce { largest: true, axis: 1 }, &[ty]), "argmax: axis 1 of a tensor of shape (2,)");
    }
}
