//! Graphs that ops call: branches, bodies of loops, gradients given by the user.

use std::sync::Arc;

use dlrs_kernels::mem::TileIo;

use super::scan::{inline, input_bytes, structure};
use crate::error::Result;
use crate::graph::{Graph, Source, Val};
use crate::key::Key;
use crate::plan::Plan;
use crate::tensor::Ty;
use crate::variable::Variable;

/// A graph with its arguments and results.
#[derive(Clone, Debug)]
pub struct Body {
    graph: Arc<Graph>,
    args: Vec<Val>,
    outputs: Vec<Val>,
    key: Key,
}

impl Body {
    /// The function that `graph` computes from its inputs. The variables that it reads (returned here) are further arguments.
    pub fn new(graph: Graph, outputs: &[Val]) -> (Body, Vec<Variable>) {
        let mut args = graph.inputs().to_vec();
        let mut variables = Vec::new();
        for v in (0..graph.len() as u32).map(Val) {
            if let Source::Variable(x) = graph.source(v) {
                args.push(v);
                variables.push(x.clone());
            }
        }
        let key = structure(&graph, &args, outputs);
        (Body { graph: Arc::new(graph), args, outputs: outputs.to_vec(), key }, variables)
    }

    /// Stands for all that makes up the function.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Types of the arguments.
    pub(crate) fn inputs(&self) -> Vec<Ty> {
        self.args.iter().map(|&v| self.graph.ty(v)).collect()
    }

    /// Types of the results.
    pub(crate) fn results(&self) -> Vec<Ty> {
        self.outputs.iter().map(|&v| self.graph.ty(v)).collect()
    }

    /// The function, planned.
    pub(crate) fn plan(&self) -> Result<Plan> {
        Plan::build(&self.graph, &self.args, &self.outputs)
    }

    /// The results for arguments of another graph.
    pub(crate) fn inline(&self, g: &mut Graph, args: &[Val]) -> Result<Vec<Val>> {
        inline(g, &self.graph, &self.args, args, &self.outputs)
    }
}

/// The bytes of a tile's operands.
pub(super) fn operand_bytes<'a>(io: &TileIo<'a>, operands: std::ops::Range<usize>) -> Vec<&'a [u8]> {
    operands.map(|i| input_bytes(io, i)).collect()
}
