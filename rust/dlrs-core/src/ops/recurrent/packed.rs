//! Recurrent weights packed by a node of their own, or once for all runs.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{TileIo, cast, cast_mut};
use dlrs_kernels::recurrent::{Float, Layout, Weights};

use super::super::{LowerCx, Lowered, NodeRef, Op, Packing, Preparation, arity, no_gradient};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::{KeyHasher, key_of};
use crate::shape::Shape;
use crate::tensor::Ty;

/// Products with a row each from which packing the weights pays.
const FEW: usize = 4;

/// How a pass reads the recurrent weights, which are operand `operand`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reading {
    pub isa: Isa,
    pub layout: Layout,
    pub units: usize,
    pub operand: usize,
    /// Rows times steps.
    pub products: usize,
}

impl Reading {
    fn is_direct<T: Float>(&self) -> bool {
        self.products <= FEW && self.layout.reads_directly::<T>(self.isa, self.units)
    }

    /// Elements of scratch for weights that are not `packed`.
    pub fn scratch_len<T: Float>(&self, packed: bool) -> usize {
        if packed || self.is_direct::<T>() {
            0
        } else {
            self.layout.len::<T>(self.isa, self.units).next_multiple_of(16)
        }
    }

    /// The weights, packed into scratch if they are neither `packed` nor read as they are.
    pub fn weights<'a, T: Float>(&self, packed: bool, io: &TileIo<'a>, scratch: &'a mut [T]) -> Weights<'a, T> {
        let weights = io.input::<T>(self.operand);
        if packed {
            Weights::Packed(weights)
        } else if self.is_direct::<T>() {
            Weights::Direct(weights)
        } else {
            self.layout.pack(self.isa, self.units, weights, scratch);
            Weights::Packed(scratch)
        }
    }

    /// Packs them in every run.
    pub fn preparation(self, inputs: &[Ty]) -> Option<Preparation> {
        let pays = inputs[self.operand].dtype == DType::F32 && !self.is_direct::<f32>();
        pays.then(|| Preparation { operand: self.operand, op: Arc::new(PackWeights(self)) })
    }

    /// Packs them once for all runs.
    pub fn packing(self, inputs: &[Ty]) -> Option<Packing> {
        let Reading { isa, layout, units, .. } = self;
        let pays = inputs[self.operand].dtype == DType::F32 && !self.is_direct::<f32>();
        pays.then(|| Packing {
            operand: self.operand,
            layout: key_of(&("recurrent weights", isa, layout, units)),
            bytes: size_of::<f32>() * layout.len::<f32>(isa, units),
            pack: Arc::new(move |from, to| layout.pack::<f32>(isa, units, cast(from), cast_mut(to))),
        })
    }
}

/// Packs recurrent weights of f32.
#[derive(Clone, Copy, Hash, Debug)]
struct PackWeights(Reading);

impl PackWeights {
    /// The panels of each tile.
    fn tiles(&self) -> Vec<Range<usize>> {
        const TILE: usize = 64 * 1024;
        let (all, each) = (self.0.layout.panels_of::<f32>(self.0.isa, self.0.units), self.panel());
        super::super::tiles::spans(all, TILE / each.max(1)).collect()
    }

    /// Elements of a panel.
    fn panel(&self) -> usize {
        let panels = self.0.layout.panels_of::<f32>(self.0.isa, self.0.units).max(1);
        self.0.layout.len::<f32>(self.0.isa, self.0.units) / panels
    }
}

impl Op for PackWeights {
    fn name(&self) -> &'static str {
        "pack_recurrent_weights"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        let Reading { isa, layout, units, .. } = self.0;
        (isa, layout, units).hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 1)?;
        Ok(vec![Ty::new(DType::F32, Shape::new(&[self.0.layout.len::<f32>(self.0.isa, self.0.units)])?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it was planned already")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let Reading { isa, layout, units, .. } = self.0;
        let (panels, each) = (self.tiles(), self.panel());
        let rect = |p: &Range<usize>| vec![dlrs_kernels::mem::Rect::flat(p.start * each, p.len() * each)];
        let tiles = panels.iter().map(rect).collect();
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let mut to = io.output::<f32>(0);
            layout.pack_panels(isa, units, io.input(0), panels[tile].clone(), to.as_slice());
        });
        let cost = 20.0 + 0.25 * cx.outputs[0].shape.size() as f64;
        Ok(Lowered { tiles, body, ..Lowered::default() }.cost(cost))
    }
}
