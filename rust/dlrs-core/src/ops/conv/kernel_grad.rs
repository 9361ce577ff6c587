//! The gradient by the kernel: a sum over the pixels of all images, computed part by part at the same time and then put together.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::conv::{
    ConvGeometry, add_part, conv_kernel_grad, conv_kernel_sum, depthwise_kernel_grad, kernel_grad_parts,
    kernel_sum_columns, kernel_sum_scratch_len, sum_parts,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, TileMut};

use super::{Conv, check_dtypes, lower::by_item};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::tiles::{TILE, spans};
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
    dtype == DType::F32 && kernel_grad_parts(g).len() > 1
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
        let (sum, len) = (Sum::new(cx.isa, g), self.kernel.size());
        let parts = 0..sum.parts.len();
        let blocks: Vec<(usize, Range<usize>)> =
            parts.flat_map(|part| sum.columns().map(move |columns| (part, columns))).collect();
        let tiles = blocks.iter().map(|(part, columns)| vec![sum.rect(part * len, columns)]).collect();
        let (scratch, cost, note) = (sum.scratch * size_of::<f32>(), sum.cost(), sum.note());
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (part, columns) = &blocks[tile];
            let (x, d) = (io.input::<f32>(0), io.input::<f32>(1));
            sum.part(x, d, *part, columns, io.output(0), io.scratch(sum.scratch));
        });
        Ok(Lowered { tiles, body, scratch, cost, note, ..Lowered::default() }.flops(2.0 * g.macs()))
    }
}

/// The sum in single precision: its parts are ranges of rows of the outputs, its tiles blocks of columns of the kernel, seen as a
/// matrix of taps and input channels by output channels.
struct Sum {
    isa: Isa,
    g: ConvGeometry,
    parts: Vec<Range<usize>>,
    /// Elements of scratch that a part needs.
    scratch: usize,
}

impl Sum {
    fn new(isa: Isa, g: ConvGeometry) -> Sum {
        let scratch = if g.is_depthwise() { 0 } else { kernel_sum_scratch_len(isa, &g) };
        Sum { isa, g, parts: kernel_grad_parts(&g), scratch }
    }

    /// Rows of the kernel as a matrix.
    fn rows(&self) -> usize {
        self.g.taps() * self.g.group_in()
    }

    /// The blocks of columns.
    fn columns(&self) -> impl Iterator<Item = Range<usize>> + Clone + use<> {
        spans(self.g.c_out, if self.g.is_depthwise() { self.g.c_out } else { kernel_sum_columns(&self.g) })
    }

    /// Those columns of a matrix that begins at element `start`.
    fn rect(&self, start: usize, columns: &Range<usize>) -> Rect {
        Rect { start: start + columns.start, rows: self.rows(), cols: columns.len(), stride: self.g.c_out }
    }

    /// Those columns of a part.
    fn part(
        &self,
        x: &[f32],
        d: &[f32],
        part: usize,
        columns: &Range<usize>,
        to: TileMut<'_, f32>,
        scratch: &mut [f32],
    ) {
        let rows = self.parts[part].clone();
        if self.g.is_depthwise() {
            return depthwise_kernel_grad(self.isa, &self.g, x, d, rows, to);
        }
        conv_kernel_sum(self.isa, &self.g, x, d, rows, columns.clone(), to, scratch);
    }

    /// Nanoseconds.
    fn cost(&self) -> f64 {
        20.0 + self.g.macs() * if self.g.is_depthwise() { 0.05 } else { 0.012 }
    }

    fn note(&self) -> &'static str {
        if self.g.is_depthwise() { "depthwise" } else { "direct" }
    }
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

/// The sum without parts given; the same bits as of its parts added up.
pub(super) fn lower(cx: &LowerCx<'_>, g: ConvGeometry) -> Lowered {
    if cx.outputs[0].dtype == DType::F64 {
        return by_item::<f64>(cx.isa, g, (g.taps(), g.group_in() * g.c_out), 0.5, conv_kernel_grad);
    }
    let sum = Sum::new(cx.isa, g);
    let blocks: Vec<Range<usize>> = sum.columns().collect();
    let tiles = blocks.iter().map(|columns| vec![sum.rect(0, columns)]).collect();
    let width = blocks.first().map_or(0, Range::len);
    let part_len = if sum.parts.len() > 1 { sum.rows() * width } else { 0 };
    let (len, cost, note) = (part_len + sum.scratch, sum.cost(), sum.note());
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (columns, cols) = (&blocks[tile], blocks[tile].len());
        let (x, d) = (io.input::<f32>(0), io.input::<f32>(1));
        let (part, scratch) = io.scratch::<f32>(len).split_at_mut(part_len);
        let mut to = io.output::<f32>(0);
        sum.part(x, d, 0, columns, to.sub(0, 0, sum.rows(), cols), scratch);
        for i in 1..sum.parts.len() {
            let part = &mut part[..sum.rows() * cols];
            sum.part(x, d, i, columns, TileMut::new(part, sum.rows(), cols, cols), scratch);
            (0..sum.rows()).for_each(|r| add_part(sum.isa, &part[r * cols..(r + 1) * cols], to.row(r)));
        }
    });
    Lowered { tiles, body, scratch: len * size_of::<f32>(), cost, note, ..Lowered::default() }.flops(2.0 * g.macs())
}
