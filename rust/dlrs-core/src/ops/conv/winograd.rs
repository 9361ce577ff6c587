//! Convolutions by minimal filtering: the kernel is transformed by a node of its own, or once for all runs.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::conv::{Algorithm, ConvGeometry, Winograd, WinogradConv, WinogradKernel, WinogradTile, choose};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, cast, cast_mut};

use super::ConvAlgo;
use super::lower::Pass;
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::{KeyHasher, key_of};
use crate::ops::finish::Finish;
use crate::ops::tiles::Block;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, Packing, Preparation, TileConsumer, arity, no_gradient};
use crate::shape::Shape;
use crate::tensor::Ty;

/// The algorithm of minimal filtering that computes the pass, if one does.
pub(super) fn choice(pass: Pass, algo: ConvAlgo, isa: Isa, dtype: DType, g: &ConvGeometry) -> Option<Winograd> {
    let fits = match pass {
        Pass::Forward => WinogradConv::accepts(g),
        Pass::BackwardInput => WinogradConv::accepts_backward_input(g),
    };
    if algo == ConvAlgo::Direct || dtype != DType::F32 || !fits {
        return None;
    }
    if let ConvAlgo::Chosen(f) = algo {
        return Some(f);
    }
    match choose(isa, g) {
        Algorithm::Winograd(f) => Some(f),
        Algorithm::Direct => None,
    }
}

/// The transformed kernel as a copy that is kept with a variable.
pub(super) fn packing(pass: Pass, f: Winograd, isa: Isa, g: &ConvGeometry) -> Packing {
    let transform = TransformKernel::new(pass, f, isa, g);
    let (layout, kernel) = (key_of(&("transformed kernel", transform)), transform.kernel());
    let bytes = kernel.len() * size_of::<f32>();
    let pack = move |from: &[u8], to: &mut [u8]| kernel.run_all(cast(from), cast_mut(to));
    Packing { operand: 1, layout, bytes, pack: Arc::new(pack) }
}

/// The transformed kernel as a node.
pub(super) fn preparation(pass: Pass, f: Winograd, isa: Isa, g: &ConvGeometry) -> Preparation {
    Preparation { operand: 1, op: Arc::new(TransformKernel::new(pass, f, isa, g)) }
}

/// The kernel calls; operand 1 is the transformed kernel.
pub(super) fn lower(
    pass: Pass,
    f: Winograd,
    cx: &LowerCx<'_>,
    g: &ConvGeometry,
    consumer: Option<TileConsumer>,
) -> Lowered {
    let conv = match pass {
        Pass::Forward => WinogradConv::forward(cx.isa, f, g),
        Pass::BackwardInput => WinogradConv::backward_input(cx.isa, f, g),
    };
    let finish = Finish::new(consumer, 2);
    let conv = if finish.is_update() { conv.whole_rows() } else { conv.in_chunks(finish.chunk()) };
    let tiles = conv.tiles().iter().map(|tile| finish.rects(tile.rect, &place(tile))).collect();
    let largest = conv.tiles().iter().map(|tile| tile.rect.rows * tile.rect.cols).max().unwrap_or(0);
    let own = (conv.scratch_len() * size_of::<f32>()).next_multiple_of(64);
    let scratch = own + finish.scratch_len(largest);
    // Transforms and products together take about as long as half of the definition's multiplications.
    let cost = 20.0 + 0.01 * g.macs();
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let tile = &conv.tiles()[tile];
        let (x, u) = (io.input::<f32>(0), io.input::<f32>(1));
        let (own, rest) = io.scratch::<u8>(scratch).split_at_mut(own);
        finish.run(io, &place(tile), rest, |to, epilogue| conv.run(tile, x, u, to, epilogue, cast_mut(own)));
    });
    Lowered { tiles, body, scratch, ..Lowered::default() }.cost(cost).note(f.name()).flops(2.0 * g.macs())
}

/// The tile's place in the result seen as a matrix of pixels and channels.
fn place(tile: &WinogradTile) -> Block {
    Block { rows: tile.pixels.clone(), cols: tile.channels.clone() }
}

/// The transform of a kernel `[.., 3, 3, c_in, c_out]`, laid out for one level.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct TransformKernel {
    pass: Pass,
    f: Winograd,
    isa: Isa,
    channels: (usize, usize),
}

impl TransformKernel {
    fn new(pass: Pass, f: Winograd, isa: Isa, g: &ConvGeometry) -> TransformKernel {
        TransformKernel { pass, f, isa, channels: (g.c_in, g.c_out) }
    }

    fn kernel(&self) -> WinogradKernel {
        let (c_in, c_out) = self.channels;
        match self.pass {
            Pass::Forward => WinogradKernel::forward(self.isa, self.f, c_in, c_out),
            Pass::BackwardInput => WinogradKernel::backward_input(self.isa, self.f, c_in, c_out),
        }
    }
}

impl Op for TransformKernel {
    fn name(&self) -> &'static str {
        "winograd_kernel"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 1)?;
        Ok(vec![Ty::new(DType::F32, Shape::new(&[self.kernel().len()])?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it was planned already")
    }

    fn lower(&self, _: &LowerCx<'_>) -> Result<Lowered> {
        let (kernel, points) = (self.kernel(), self.f.points());
        let rect = |start, cols, stride| vec![Rect { start, rows: points, cols, stride }];
        let tiles = kernel.pieces().iter().map(|piece| rect(piece.start, piece.len, piece.stride)).collect();
        let cost = 20.0 + 0.25 * kernel.len() as f64;
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            kernel.run(&kernel.pieces()[tile], io.input(0), io.output(0));
        });
        Ok(Lowered { tiles, body, ..Lowered::default() }.cost(cost))
    }
}
