//! The graph: the only representation of computation. Nodes are ops, edges are typed, shaped values.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::ops::Op;
use crate::tensor::{Tensor, Ty};
use crate::variable::Variable;
use crate::{DType, bail};

/// A value of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Val(pub u32);

impl Val {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Given at each run: argument number i.
    Input(usize),
    /// A variable's content at the start of the run.
    Variable(Variable),
    /// Known when the graph is built.
    Constant(Tensor),
    /// Output `output` of node `node`.
    Node {
        /// Index of the node.
        node: usize,
        /// Which of its outputs.
        output: usize,
    },
}

/// An op applied to values.
#[derive(Clone, Debug)]
pub struct Node {
    /// The op.
    pub op: Arc<dyn Op>,
    /// Its operands.
    pub inputs: Vec<Val>,
    /// Its results.
    pub outputs: Vec<Val>,
}

/// Whether an op's operands, of these types, are converted to their working types before and its results back after it. Ops run
/// alone ([`dispatch::apply`](crate::dispatch::apply)) follow the same rule as those of a graph.
pub(crate) fn needs_conversion(op: &dyn Op, mut types: impl Iterator<Item = Ty>) -> bool {
    types.any(|ty| !op.takes(ty.dtype))
}

/// A directed acyclic graph in topological order: a node's operands stand before it.
#[derive(Clone, Default, Debug)]
pub struct Graph {
    values: Vec<(Ty, Source)>,
    nodes: Vec<Node>,
    inputs: Vec<Val>,
    reads: HashMap<Variable, Val>,
    writes: Vec<(Variable, Val)>,
    /// What reads find after each assignment: the start of a new history, for gradients do not flow through assignments.
    rereads: Vec<(Variable, Val)>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    fn value(&mut self, ty: Ty, source: Source) -> Val {
        self.values.push((ty, source));
        Val(self.values.len() as u32 - 1)
    }

    /// A new argument of the graph.
    pub fn input(&mut self, ty: Ty) -> Val {
        let val = self.value(ty, Source::Input(self.inputs.len()));
        self.inputs.push(val);
        val
    }

    /// A value known now.
    pub fn constant(&mut self, tensor: Tensor) -> Val {
        self.value(tensor.ty(), Source::Constant(tensor))
    }

    /// A scalar known now.
    pub fn scalar(&mut self, dtype: crate::DType, value: f64) -> Result<Val> {
        Ok(self.constant(Tensor::scalar(dtype, value)?))
    }

    /// A variable's content: what was last written in this graph, else what it holds when a run begins. Gradients with respect
    /// to the variable end here, as they do eagerly: what was written is a number now, however it was computed.
    pub fn read(&mut self, variable: &Variable) -> Val {
        match self.rereads.iter().rev().find(|(v, _)| v == variable) {
            Some((_, val)) => *val,
            None => self.initial(variable),
        }
    }

    /// The values under which a variable was read: its content when a run begins, and what reads find after each assignment.
    pub fn contents(&mut self, variable: &Variable) -> Vec<Val> {
        let mut vals = vec![self.initial(variable)];
        vals.extend(self.rereads.iter().filter(|(v, _)| v == variable).map(|(_, val)| *val));
        vals
    }

    /// A variable's content when a run begins.
    pub fn initial(&mut self, variable: &Variable) -> Val {
        if let Some(&val) = self.reads.get(variable) {
            return val;
        }
        let val = self.value(variable.ty(), Source::Variable(variable.clone()));
        self.reads.insert(variable.clone(), val);
        val
    }

    /// The value under which the variable was read from outside, if it was.
    pub fn initial_if_read(&self, variable: &Variable) -> Option<Val> {
        self.reads.get(variable).copied()
    }

    /// Records that the run ends with `val` in `variable`.
    ///
    /// # Errors
    /// `Value` for another shape, `Type` for another dtype than the variable's.
    pub fn write(&mut self, variable: &Variable, val: Val) -> Result<()> {
        let (have, want) = (self.ty(val), variable.ty());
        if have.dtype != want.dtype {
            bail!(Type, "variable {:?} holds {}; cannot assign {}", variable.name(), want.dtype, have.dtype);
        }
        if have.shape != want.shape {
            bail!(
                "variable {:?} has shape {}; cannot assign a value of shape {}",
                variable.name(),
                want.shape,
                have.shape
            );
        }
        let reread = if want.dtype.is_float() { self.stop_gradient(val)? } else { val };
        self.rereads.push((variable.clone(), reread));
        match self.writes.iter_mut().find(|(v, _)| v == variable) {
            Some((_, old)) => *old = val,
            None => self.writes.push((variable.clone(), val)),
        }
        Ok(())
    }

    /// Applies `op`; the results' types come from its shape rule.
    ///
    /// # Errors
    /// What the op says of its operands.
    pub fn apply(&mut self, op: Arc<dyn Op>, inputs: &[Val]) -> Result<Vec<Val>> {
        let types: Vec<Ty> = inputs.iter().map(|&v| self.ty(v)).collect();
        let results = op.infer(&types)?;
        if needs_conversion(&*op, types.iter().copied()) {
            let working = |dtype: DType| if op.takes(dtype) { dtype } else { dtype.working() };
            let operands = inputs.iter().zip(&types).map(|(&v, ty)| self.cast(v, working(ty.dtype)));
            let operands = operands.collect::<Result<Vec<_>>>()?;
            let outputs = self.apply(op, &operands)?;
            return outputs.into_iter().zip(results).map(|(v, ty)| self.cast(v, ty.dtype)).collect();
        }
        let node = self.nodes.len();
        let outputs: Vec<Val> =
            results.into_iter().enumerate().map(|(output, ty)| self.value(ty, Source::Node { node, output })).collect();
        self.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: outputs.clone() });
        Ok(outputs)
    }

    /// The same graph with every op that has stages replaced by them; `None` if there is no such op. Values keep their numbers.
    ///
    /// # Errors
    /// What the stages say of their operands.
    pub(crate) fn in_stages(&self) -> Result<Option<Graph>> {
        let stages = |node: &Node| {
            let types: Vec<Ty> = node.inputs.iter().map(|&v| self.ty(v)).collect();
            node.op.stages(&types)
        };
        if self.nodes.iter().all(|node| stages(node).is_none()) {
            return Ok(None);
        }
        let staged = self.replace(|g, node| {
            let Some([first, second]) = stages(node) else { return Ok(None) };
            let inputs = g.apply(first, &node.inputs)?;
            Ok(Some(Node { op: second, inputs, outputs: node.outputs.clone() }))
        });
        staged.map(Some)
    }

    /// Applies an op of one result.
    pub fn push(&mut self, op: impl Op, inputs: &[Val]) -> Result<Val> {
        Ok(self.apply(Arc::new(op), inputs)?[0])
    }

    /// The same graph with other nodes in the place of some: `by` is given a node, may apply ops before it, and returns the node that
    /// computes its results instead, if there is one. Values keep their numbers.
    ///
    /// # Errors
    /// Those of `by`.
    pub(crate) fn replace(&self, mut by: impl FnMut(&mut Graph, &Node) -> Result<Option<Node>>) -> Result<Graph> {
        let mut g = Graph { nodes: Vec::with_capacity(self.nodes.len() * 5 / 4), ..self.clone() };
        for node in &self.nodes {
            let other = by(&mut g, node)?;
            g.place(other.unwrap_or_else(|| node.clone()));
        }
        Ok(g)
    }

    /// The same graph with other ops in some nodes, which make of other types the same values.
    pub(crate) fn retyped(&self, ops: &HashMap<usize, Arc<dyn Op>>, ty: impl Fn(Val, Ty) -> Ty) -> Graph {
        let mut g = self.clone();
        ops.iter().for_each(|(&n, op)| g.nodes[n].op = Arc::clone(op));
        for (v, value) in g.values.iter_mut().enumerate() {
            value.0 = ty(Val(v as u32), value.0);
        }
        g
    }

    /// Appends a node whose results have their numbers already.
    fn place(&mut self, node: Node) {
        for (output, v) in node.outputs.iter().enumerate() {
            self.values[v.index()].1 = Source::Node { node: self.nodes.len(), output };
        }
        self.nodes.push(node);
    }

    /// Type of a value.
    pub fn ty(&self, val: Val) -> Ty {
        self.values[val.index()].0
    }

    /// Source of a value.
    pub fn source(&self, val: Val) -> &Source {
        &self.values[val.index()].1
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the graph holds no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The nodes, in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The arguments.
    pub fn inputs(&self) -> &[Val] {
        &self.inputs
    }

    /// The variables that a run writes, with the values.
    pub fn writes(&self) -> &[(Variable, Val)] {
        &self.writes
    }
}
