//! Scaled dot-product attention as one coarse op: no matrix of scores is kept, neither forward nor for the gradients.

mod backward;
mod definition;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::attention::{
    AttentionElement, AttentionGeometry, AttentionOperands, attention_forward, attention_forward_scratch_len,
};
use dlrs_kernels::mem::{Rect, TileIo};

pub use backward::AttentionBackward;

use super::tiles::spans;
use super::{LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

const NAME: &str = "dot_product_attention";

/// softmax(scale · Q·Kᵀ + bias) · V, head by head. Operands: queries `[batch, targets, heads, features]`, keys
/// `[batch, sources, groups, features]`, values `[batch, sources, groups, width]`, then the bias and the mask, if there are any, which
/// broadcast to `[batch, heads, targets, sources]`. Results: `[batch, targets, heads, width]`, and the logarithms of the sums of
/// exponentials `[batch, targets, heads]`, from which the gradients are computed.
///
/// A target that sees no source has the result 0 and no gradient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Attention {
    /// Bits of the factor of the scores.
    scale: u64,
    /// Whether targets see only sources up to their own position.
    pub causal: bool,
    /// Whether there is a bias.
    pub bias: bool,
    /// Whether there is a mask.
    pub mask: bool,
}

/// Nanoseconds of a multiply-add in single and in double precision.
const MAC: [f64; 2] = [0.012, 1.0];

/// Nanoseconds of what else is done with a score.
const EXPONENTIAL: [f64; 2] = [0.3, 8.0];

/// Targets of a tile: the more, the less often keys and values are packed.
const TARGETS: usize = 256;

/// Tiles below which targets are cut finer.
const TILES: usize = 16;

/// The least targets of a tile when they are cut finer.
const FEW_TARGETS: usize = 64;

impl Attention {
    /// Attention with that factor of the scores.
    pub fn new(scale: f64, causal: bool, bias: bool, mask: bool) -> Attention {
        Attention { scale: scale.to_bits(), causal, bias, mask }
    }

    fn scale(&self) -> f64 {
        f64::from_bits(self.scale)
    }

    /// Number of operands.
    fn operands(&self) -> usize {
        3 + usize::from(self.bias) + usize::from(self.mask)
    }

    /// Place of the bias among the operands.
    fn bias_at(&self) -> Option<usize> {
        self.bias.then_some(3)
    }

    /// Place of the mask among the operands.
    fn mask_at(&self) -> Option<usize> {
        self.mask.then_some(3 + usize::from(self.bias))
    }

    /// Checks the operands; the sizes.
    fn geometry(&self, op: &str, inputs: &[Ty]) -> Result<AttentionGeometry> {
        if inputs.len() < self.operands() {
            return Err(Error::Internal(format!("{op} takes {} operands, got {}", self.operands(), inputs.len())));
        }
        let [query, key, value] = [inputs[0], inputs[1], inputs[2]];
        if !query.dtype.is_float() || key.dtype != query.dtype || value.dtype != query.dtype {
            let types = [query.dtype, key.dtype, value.dtype];
            bail!(Type, "{op}: query, key and value have dtypes {types:?}; expected one floating-point dtype");
        }
        let (&[batch, targets, heads, features], &[kb, sources, groups, kf], &[vb, vs, vg, width]) =
            (query.shape.dims(), key.shape.dims(), value.shape.dims())
        else {
            bail!("{op}: query of shape {}, key {}, value {}; expected four axes", query.shape, key.shape, value.shape);
        };
        let agree = (kb, kf) == (batch, features) && (vb, vs, vg) == (batch, sources, groups);
        if !agree || groups == 0 || !heads.is_multiple_of(groups) {
            bail!(
                "{op}: query of shape {}, key {}, value {}; expected (batch, targets, heads, features), (batch, sources, groups, \
                 features), (batch, sources, groups, width) with heads a multiple of groups",
                query.shape,
                key.shape,
                value.shape
            );
        }
        let scores = Shape::new(&[batch, heads, targets, sources])?;
        let strides = |what: &str, at: Option<usize>, dtype: DType| -> Result<Option<[usize; 4]>> {
            let Some(ty) = at.map(|i| inputs[i]) else { return Ok(None) };
            if ty.dtype != dtype {
                bail!(Type, "{op}: {what} has dtype {}; expected {dtype}", ty.dtype);
            }
            if ty.shape.rank() > 4 || ty.shape.broadcast(&scores) != Some(scores) {
                bail!("{op}: {what} of shape {} does not broadcast to the scores' shape {scores}", ty.shape);
            }
            Ok(ty.shape.broadcast_strides(&scores).try_into().ok())
        };
        let bias = strides("bias", self.bias_at(), query.dtype)?;
        let mask = strides("mask", self.mask_at(), DType::Bool)?;
        let causal = self.causal;
        Ok(AttentionGeometry { batch, heads, groups, targets, sources, features, width, causal, bias, mask })
    }

    /// What the kernels are given.
    fn gather<'a, T: AttentionElement>(&self, io: &TileIo<'a>) -> AttentionOperands<'a, T> {
        AttentionOperands {
            query: io.input(0),
            key: io.input(1),
            value: io.input(2),
            bias: self.bias_at().map(|i| io.input(i)),
            mask: self.mask_at().map(|i| io.input(i)),
            scale: T::of(self.scale()),
        }
    }

    fn lower_as<T: AttentionElement>(self, cx: &LowerCx<'_>, g: AttentionGeometry) -> Lowered {
        let isa = cx.isa;
        let per_tile = targets_per_tile(&g);
        let heads = (0..g.batch).flat_map(|b| (0..g.heads).map(move |head| (b, head)));
        let blocks: Vec<_> =
            heads.flat_map(|at| spans(g.targets, per_tile).map(move |targets| (at, targets))).collect();
        let rect = |&((b, head), ref targets): &((usize, usize), Range<usize>), width: usize| {
            rows_of(g.targets, g.heads, [b, targets.start, head], targets.len(), width, width)
        };
        let tiles = blocks.iter().map(|block| vec![rect(block, g.width), rect(block, 1)]).collect();
        let scratch = attention_forward_scratch_len::<T>(isa, &g, per_tile);
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (at, targets) = blocks[tile].clone();
            let x = self.gather::<T>(io);
            let (result, log_sum) = (io.output(0), io.output(1));
            attention_forward(isa, &g, &x, at, targets, result, log_sum, io.scratch(scratch));
        });
        Lowered { tiles, body, scratch: scratch * size_of::<T>(), ..Lowered::default() }
    }
}

/// Targets of a tile: fewer where there are few heads. A row's bits do not depend on it.
fn targets_per_tile(g: &AttentionGeometry) -> usize {
    let heads = (g.batch * g.heads).max(1);
    let pieces = TILES.div_ceil(heads);
    g.targets.div_ceil(pieces).next_multiple_of(FEW_TARGETS).min(TARGETS).min(g.targets.max(1))
}

/// Nanoseconds of a multiply-add of a single target, whose time is that of reading keys and values.
const READ: f64 = 0.06;

/// Nanoseconds of so many multiply-adds, and of the exponentials.
fn cost(dtype: DType, g: &AttentionGeometry, macs: f64) -> f64 {
    let wide = usize::from(dtype == DType::F64);
    let mac = if g.targets == 1 { MAC[wide].max(READ) } else { MAC[wide] };
    20.0 + macs * mac + g.scores() * EXPONENTIAL[wide]
}

/// Those rows of `heads` side by side from one on: row `row` of `rows`, batch item by batch item.
fn rows_of(rows: usize, heads: usize, [b, row, head]: [usize; 3], len: usize, cols: usize, width: usize) -> Rect {
    if len == 0 || cols == 0 {
        return Rect::empty();
    }
    Rect { start: ((b * rows + row) * heads + head) * width, rows: len, cols, stride: heads * width }
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        NAME
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let g = self.geometry(NAME, inputs)?;
        let dtype = inputs[0].dtype;
        let result = Ty::new(dtype, Shape::new(&[g.batch, g.targets, g.heads, g.width])?);
        // Logarithms of sums need all digits: what is exponentiated again is their difference from scores.
        Ok(vec![result, Ty::new(dtype.working(), Shape::new(&[g.batch, g.targets, g.heads])?)])
    }

    /// With P the probabilities, D the result's gradient and S the scores: dV = Pᵀ·D, dS = P ⊙ (D·Vᵀ − rowsum(D ⊙ result)),
    /// dQ = scale · dS·K, dK = scale · dSᵀ·Q.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[1].is_some() {
            return no_gradient(NAME, "through the logarithms it is differentiated by its definition");
        }
        let Some(d) = d_outputs[0] else { return Ok(vec![None; node.inputs.len()]) };
        let product = g.mul(d, node.outputs[0])?;
        let product = g.sum(product, &[3], false)?;
        let product = g.cast(product, g.ty(node.outputs[1]).dtype)?;
        let mut inputs = node.inputs.to_vec();
        inputs.extend([d, node.outputs[1], product]);
        let parts = g.apply(Arc::new(AttentionBackward { attention: *self }), &inputs)?;
        let d_query = g.sum(parts[0], &[0], false)?;
        let mut grads = vec![Some(d_query), Some(parts[1]), Some(parts[2])];
        if let Some(i) = self.bias_at() {
            let d_scores = definition::score_gradient(self, g, &inputs)?.1;
            grads.push(Some(g.sum_to(d_scores, g.ty(node.inputs[i]).shape)?));
        }
        grads.resize(node.inputs.len(), None);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.geometry(NAME, cx.inputs)?;
        let dtype = cx.inputs[0].dtype;
        let lowered = if dtype == DType::F64 { self.lower_as::<f64>(cx, g) } else { self.lower_as::<f32>(cx, g) };
        Ok(lowered.cost(cost(dtype, &g, g.macs())).flops(2.0 * g.macs()))
    }

    fn decompose(&self, g: &mut Graph, inputs: &[Val]) -> Result<Option<Vec<Val>>> {
        definition::attention(self, g, inputs).map(Some)
    }
}
