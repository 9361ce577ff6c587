//! The gradients of attention by queries, keys and values.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::attention::{
    AttentionElement, AttentionGeometry, BackwardSums, Gradients, KEYS, attention_backward,
    attention_backward_scratch_len,
};
use dlrs_kernels::mem::TileIo;

use super::{Attention, cost, definition, rows_of};
use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::tiles::spans;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// The gradients of [`Attention`]. Operands: its own, the gradient of its result, the logarithms that it left, and result times
/// gradient, summed over the width. Results: the parts of the queries' gradient, `[parts, ..queries]`, for the caller to add
/// up, and the gradients of keys and values.
///
/// Each part is what some of the sources give. A tile goes over those sources block by block, so that scores are computed once for all
/// three gradients; the parts are as many as keep many threads busy, and depend on the shapes alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AttentionBackward {
    /// The attention.
    pub attention: Attention,
}

/// Tiles below which sources are cut in parts.
const TILES: usize = 8;

/// The least sources of a part.
const PART: usize = 4 * KEYS;

const NAME: &str = "dot_product_attention_backward";

impl AttentionBackward {
    /// Which sources each part of the queries' gradient comes from, given the shapes of queries and keys.
    pub(super) fn parts(&self, query: &Shape, key: &Shape) -> Vec<Range<usize>> {
        let (batch, sources, groups) = (query[0], key[1], key[2]);
        let wanted = TILES.div_ceil((batch * groups).max(1)).min(sources / PART).max(1);
        let part = sources.div_ceil(wanted).next_multiple_of(KEYS);
        let parts: Vec<_> = spans(sources, part).collect();
        if parts.is_empty() { vec![Range::default()] } else { parts }
    }

    fn lower_as<T: AttentionElement>(self, cx: &LowerCx<'_>, g: AttentionGeometry) -> Lowered {
        let (isa, extra) = (cx.isa, self.attention.operands());
        let parts = self.parts(&cx.inputs[0].shape, &cx.inputs[1].shape);
        let groups = (0..g.batch).flat_map(|b| (0..g.groups).map(move |group| (b, group)));
        let blocks: Vec<_> =
            groups.flat_map(|at| parts.iter().cloned().enumerate().map(move |(i, part)| (at, i, part))).collect();
        let shared = g.shared() * g.features;
        let tiles = blocks.iter().map(|((b, group), i, sources)| {
            let (b, group) = (*b, *group);
            let of_sources =
                |width: usize| rows_of(g.sources, g.groups, [b, sources.start, group], sources.len(), width, width);
            let first = [i * g.batch + b, 0, group * g.shared()];
            let query = rows_of(g.targets, g.heads, first, g.targets, shared, g.features);
            vec![query, of_sources(g.features), of_sources(g.width)]
        });
        let tiles = tiles.collect();
        let scratch = attention_backward_scratch_len::<T>(isa, &g);
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (at, _, sources) = &blocks[tile];
            let x = self.attention.gather::<T>(io);
            let d = Gradients { result: io.input(extra), log_sum: io.input(extra + 1), product: io.input(extra + 2) };
            let (mut query, mut key, mut value) = (io.output::<T>(0), io.output(1), io.output(2));
            let work = io.scratch(scratch);
            (0..g.targets).for_each(|t| query.row(t).fill(T::of(0.0)));
            for block in spans(sources.len(), KEYS) {
                if io.should_stop() {
                    return;
                }
                let mut sums = BackwardSums {
                    query: query.sub(0, 0, g.targets, shared),
                    key: key.sub(block.start, 0, block.len(), g.features),
                    value: value.sub(block.start, 0, block.len(), g.width),
                };
                let block = sources.start + block.start..sources.start + block.end;
                attention_backward(isa, &g, &x, &d, *at, block, &mut sums, work);
            }
        });
        Lowered { tiles, body, scratch: scratch * size_of::<T>(), ..Lowered::default() }
    }
}

impl Op for AttentionBackward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let g = self.attention.geometry(NAME, inputs)?;
        let &[d, log_sum, product] = &inputs[self.attention.operands()..] else {
            return Err(Error::Internal(format!("{NAME}: got {} operands", inputs.len())));
        };
        let (query, key, value) = (inputs[0], inputs[1], inputs[2]);
        let rows = Ty::new(query.dtype.working(), Shape::new(&[g.batch, g.targets, g.heads])?);
        let result = Ty::new(query.dtype, Shape::new(&[g.batch, g.targets, g.heads, g.width])?);
        if d != result || log_sum != rows || product != rows {
            bail!("{NAME}: gradient {d}, logarithms {log_sum}, products {product}; expected {result}, {rows}, {rows}");
        }
        let parts = self.parts(&query.shape, &key.shape).len();
        let d_query = Shape::new(&[&[parts], query.shape.dims()].concat())?;
        Ok(vec![Ty::new(query.dtype, d_query), key, value])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(NAME, "it is differentiated through its definition")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.attention.geometry(NAME, cx.inputs)?;
        let dtype = cx.inputs[0].dtype;
        let lowered = if dtype == DType::F64 { self.lower_as::<f64>(cx, g) } else { self.lower_as::<f32>(cx, g) };
        // Five products to the forward pass's two.
        Ok(lowered.cost(cost(dtype, &g, 2.5 * g.macs())).flops(5.0 * g.macs()))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        definition::backward(self, g, inputs).map(Some)
    }
}
