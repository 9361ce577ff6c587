//! Ops that move elements or only rename their places.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::{Element, TileIo};

use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// The same elements, in the same order, under another shape.
#[derive(Clone, Copy, Hash, Debug)]
pub struct Reshape {
    /// The new shape.
    pub shape: Shape,
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("reshape", inputs, 1)?;
        if inputs[0].shape.size() != self.shape.size() {
            bail!(
                "reshape: x of shape {} has {} elements; shape {} has {}",
                inputs[0].shape,
                inputs[0].shape.size(),
                self.shape,
                self.shape.size()
            );
        }
        Ok(vec![Ty::new(inputs[0].dtype, self.shape)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let shape = g.ty(node.inputs[0]).shape;
        Ok(vec![d_outputs[0].map(|d| g.reshape(d, shape)).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let body = by_size(cx.outputs[0].dtype, Copy);
        Ok(Lowered::whole(cx.outputs, body))
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::View
    }
}

/// A kernel body that is the same for all element types of one size.
pub(crate) trait AnyElement: Send + Sync + 'static {
    /// The tile's work on elements of type `T`.
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>);
}

/// The body for a dtype.
pub(crate) fn by_size(dtype: DType, kernel: impl AnyElement) -> dlrs_kernels::mem::Body {
    match dtype {
        DType::Bool | DType::U8 => Arc::new(move |tile, io| kernel.run::<u8>(tile, io)),
        DType::I32 => Arc::new(move |tile, io| kernel.run::<i32>(tile, io)),
        DType::I64 => Arc::new(move |tile, io| kernel.run::<i64>(tile, io)),
        DType::F32 => Arc::new(move |tile, io| kernel.run::<f32>(tile, io)),
        DType::F64 => Arc::new(move |tile, io| kernel.run::<f64>(tile, io)),
    }
}

struct Copy;

impl AnyElement for Copy {
    fn run<T: Element>(&self, _tile: usize, io: &mut TileIo<'_>) {
        let rect = io.rect(0);
        let x = io.input::<T>(0);
        io.output::<T>(0).as_slice().copy_from_slice(&x[rect.start..rect.start + rect.cols]);
    }
}

/// Axes in another order: axis i of the result is axis `axes[i]` of the operand.
#[derive(Clone, Hash, Debug)]
pub struct Transpose {
    /// The order.
    pub axes: Vec<usize>,
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("transpose", inputs, 1)?;
        let shape = inputs[0].shape;
        let mut seen = self.axes.clone();
        seen.sort_unstable();
        if seen.iter().copied().ne(0..shape.rank()) {
            bail!("transpose: axes {:?} are not a permutation of the axes of a tensor of shape {shape}", self.axes);
        }
        let dims: Vec<usize> = self.axes.iter().map(|&a| shape[a]).collect();
        Ok(vec![Ty::new(inputs[0].dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let mut inverse = vec![0; self.axes.len()];
        self.axes.iter().enumerate().for_each(|(i, &a)| inverse[a] = i);
        Ok(vec![d_outputs[0].map(|d| g.transpose(d, &inverse)).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let own = cx.inputs[0].shape.strides();
        let strides: Vec<usize> = self.axes.iter().map(|&a| own[a]).collect();
        Ok(Lowered::whole(cx.outputs, by_size(cx.outputs[0].dtype, Walk { shape: cx.outputs[0].shape, strides })))
    }
}

/// Reads the operand along given strides.
struct Walk {
    shape: Shape,
    strides: Vec<usize>,
}

impl AnyElement for Walk {
    fn run<T: Element>(&self, _tile: usize, io: &mut TileIo<'_>) {
        let x = io.input::<T>(0);
        let mut tile = io.output::<T>(0);
        let y = tile.as_slice();
        let Some((&inner, outer)) = self.shape.split_last() else {
            y.copy_from_slice(x);
            return;
        };
        let step = self.strides[outer.len()];
        let mut index = vec![0; outer.len()];
        let mut start = 0;
        for row in y.chunks_exact_mut(inner.max(1)) {
            for (i, y) in row.iter_mut().enumerate() {
                *y = x[start + i * step];
            }
            // The next row: count up like an odometer.
            for axis in (0..outer.len()).rev() {
                index[axis] += 1;
                start += self.strides[axis];
                if index[axis] < outer[axis] {
                    break;
                }
                start -= outer[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
    }
}
