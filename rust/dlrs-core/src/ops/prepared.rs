//! A contraction that finds one of its operands packed by a node before it.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Isa;

use super::{Contraction, ForImages, FusionClass, LowerCx, Lowered, NodeRef, Op, TileConsumer, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;

/// A contraction one operand of which comes packed, from the op that [`Contraction::preparation`] names. The planner puts it in the
/// contraction's place; gradients are taken before.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The contraction.
    pub op: Arc<dyn Op>,
    /// Number of the operand.
    pub operand: usize,
    /// The operand's type before it was packed.
    pub ty: Ty,
}

impl Prepared {
    fn contraction(&self) -> &dyn Contraction {
        match self.op.fusion_class() {
            FusionClass::Contraction(contraction) => contraction,
            _ => unreachable!("only contractions are prepared"),
        }
    }

    /// The operands' types as the contraction knows them.
    fn types(&self, inputs: &[Ty]) -> Vec<Ty> {
        let mut types = inputs.to_vec();
        types[self.operand] = self.ty;
        types
    }
}

impl Op for Prepared {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn key(&self, hasher: &mut KeyHasher) {
        ("prepared", self.operand, self.ty).hash(hasher);
        self.op.key(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        self.op.infer(&self.types(inputs))
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it was planned already")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        self.lower_with(cx, None)
    }

    fn for_images(&self, isa: Isa, inputs: &[Ty], n: usize) -> Option<ForImages> {
        let ForImages { op, operands, .. } = self.op.for_images(isa, &self.types(inputs), n)?;
        let padding = inputs[self.operand].bytes().saturating_sub(self.ty.bytes());
        let is_free = !operands.contains(&self.operand);
        is_free.then(|| ForImages { op: Arc::new(Prepared { op, ..*self }), operands, padding })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for Prepared {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        self.contraction().accepts_consumer(&self.types(inputs))
    }

    fn accepts_columns(&self, inputs: &[Ty]) -> bool {
        self.contraction().accepts_columns(&self.types(inputs))
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let inputs = self.types(cx.inputs);
        self.contraction().lower_with(&LowerCx { inputs: &inputs, packed: true, ..*cx }, consumer)
    }
}
