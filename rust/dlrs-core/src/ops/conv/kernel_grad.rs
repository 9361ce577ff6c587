//! The gradient by the kernel: a sum over the pixels of all images, computed part by part at the same time and then put together.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::conv::{
    ConvGeometry, add_part, conv_kernel_grad, depthwise_kernel_grad, kernel_grad_parts, sum_parts,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{TileIo, TileMut};

use super::{Conv, check_dtypes, lower::by_item};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::tiles::TILE;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::shape::Shape;
use crate::tensor::Ty;

/// The parts of the sum that [`ConvBackwardKernel`](super::ConvBackwardKernel) is, `[parts, elements of the kernel]`, for it to
/// add up. Operands: x, the gradient of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvKernelParts {
    /// The convolution.
    pub conv: Conv,
    /// Shape of the kernel.
    pub kernel: Shape,
}

/// Whether the sum is computed in parts.
pub(super) fn is_cut(dtype: DType, g: &ConvGeometry) -> bool {
    dtype == DType::F32 && g.is_depthwise() && kernel_grad_parts(g).len() > 1
}

impl Op for ConvKernelParts {
    fn name(&self) -> &'static str {
        "conv_kernel_parts"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes(self.name(), ["x", "gradient"], inputs)?;
        let g = self.conv.geometry_of_gradient(self.name(), &inputs[0].shape, &self.kernel, &inputs[1].shape)?;
        Ok(vec![Ty::new(dtype, Shape::new(&[kernel_grad_parts(&g).len(), self.kernel.size()])?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "its sum, conv_backward_kernel, has one")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.conv.geometry(self.name(), &cx.inputs[0].shape, &self.kernel)?;
        let (isa, parts, cost) = (cx.isa, kernel_grad_parts(&g), cost(&g));
        let (count, len) = (parts.len(), self.kernel.size());
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            depthwise_kernel_grad(isa, &g, io.input(0), io.input(1), parts[tile].clone(), io.output(0));
        });
        Ok(Lowered::by_rows(count, len, 1, 1, body).cost(cost).note("depthwise"))
    }
}

/// Nanoseconds of the sum.
fn cost(g: &ConvGeometry) -> f64 {
    20.0 + g.macs() * if g.is_depthwise() { 0.05 } else { 0.015 }
}

/// Adds up the parts.
pub(super) fn add_up(cx: &LowerCx<'_>) -> Lowered {
    let (isa, parts, len) = (cx.isa, cx.inputs[2].shape[0], cx.outputs[0].shape.size());
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let mut to = io.output::<f32>(0);
        let to = to.as_slice();
        sum_parts(isa, io.input(2), len, tile * TILE..tile * TILE + to.len(), to);
    });
    Lowered::by_rows(len, 1, TILE, 1, body).cost(20.0 + 0.1 * (parts * len) as f64)
}

/// The whole sum, in one tile; the same bits as of its parts added up.
fn at_once(isa: Isa, g: ConvGeometry) -> Lowered {
    let (parts, len) = (kernel_grad_parts(&g), g.kernel_len());
    let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
        let (x, d) = (io.input::<f32>(0), io.input::<f32>(1));
        let (mut to, part) = (io.output::<f32>(0), io.scratch::<f32>(len));
        let to = to.as_slice();
        for (i, rows) in parts.iter().enumerate() {
            if i == 0 {
                depthwise_kernel_grad(isa, &g, x, d, rows.clone(), TileMut::flat(to));
            } else {
                depthwise_kernel_grad(isa, &g, x, d, rows.clone(), TileMut::flat(part));
                add_part(isa, part, to);
            }
        }
    });
    Lowered::by_rows(1, len, 1, 1, body).scratch(len * size_of::<f32>()).cost(cost(&g)).note("depthwise")
}

/// The sum without parts given.
pub(super) fn lower(cx: &LowerCx<'_>, g: ConvGeometry) -> Lowered {
    if cx.outputs[0].dtype == DType::F32 && g.is_depthwise() {
        return at_once(cx.isa, g);
    }
    let taps = (g.taps(), g.group_in() * g.c_out);
    match cx.outputs[0].dtype {
        DType::F32 => by_item::<f32>(cx.isa, g, taps, 0.02, conv_kernel_grad),
        _ => by_item::<f64>(cx.isa, g, taps, 0.5, conv_kernel_grad),
    }
}
