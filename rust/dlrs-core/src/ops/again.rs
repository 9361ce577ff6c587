//! An op that is run a second time.

use std::hash::Hash;
use std::sync::Arc;

use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, no_gradient};
use crate::DType;
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;

/// An op with the key of another, so that the planner does not take its result for the one that is there already. The planner puts
/// it where computing a value again costs less than keeping it; gradients are taken before.
#[derive(Debug)]
pub(crate) struct Again(pub Arc<dyn Op>);

impl Op for Again {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn key(&self, hasher: &mut KeyHasher) {
        "again".hash(hasher);
        self.0.key(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        self.0.infer(inputs)
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient(self.name(), "it was planned already")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        self.0.lower(cx)
    }

    fn takes(&self, dtype: DType) -> bool {
        self.0.takes(dtype)
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        self.0.fusion_class()
    }
}
