//! Reductions over axes.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;

/// Sum over axes.
#[derive(Clone, Hash, Debug)]
pub struct Reduce {
    axes: Vec<usize>,
    keepdims: bool,
}

impl Reduce {
    /// Sum over `axes` (sorted, in range).
    pub fn sum(axes: &[usize], keepdims: bool) -> Reduce {
        Reduce { axes: axes.to_vec(), keepdims }
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("sum", inputs, 1)?;
        let kept = inputs[0].shape.iter().enumerate();
        let dims: Vec<usize> = kept
            .filter_map(|(i, &n)| if !self.axes.contains(&i) { Some(n) } else { self.keepdims.then_some(1) })
            .collect();
        Ok(vec![Ty::new(inputs[0].dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let shape = g.ty(node.inputs[0]).shape;
        let kept = self.axes.iter().fold(shape, |s, &a| s.with_dim(a, 1));
        let d = g.reshape(d, kept)?;
        Ok(vec![Some(g.broadcast_to(d, shape)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let shape = cx.inputs[0].shape;
        let kept = self.axes.iter().fold(shape, |s, &a| s.with_dim(a, 1));
        let strides = kept.broadcast_strides(&shape);
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
            let x = io.input::<f32>(0);
            let mut tile = io.output::<f32>(0);
            let y = tile.as_slice();
            y.fill(0.0);
            for (i, x) in x.iter().enumerate() {
                let mut rest = i;
                let mut at = 0;
                for axis in (0..shape.rank()).rev() {
                    at += rest % shape[axis] * strides[axis];
                    rest /= shape[axis];
                }
                y[at] += x;
            }
        });
        Ok(Lowered::whole(cx.outputs, body))
    }
}
