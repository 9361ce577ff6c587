//! The gradient of a loop.

use std::ops::Range;
use std::sync::Arc;

use super::super::NodeRef;
use super::{Scan, inline};
use crate::autodiff::gradients;
use crate::error::Result;
use crate::graph::{Graph, Val};

/// The loop that computes a loop's gradient: it runs the other way, carries the gradients of the carries and the sums of those of the
/// constants, and repeats each step from the carries that it began with.
pub(super) struct Backward<'a> {
    forward: &'a Scan,
    scan: Scan,
    /// Which operands of the forward loop have gradients.
    carries: Vec<usize>,
    constants: Vec<usize>,
    xs: Vec<usize>,
    /// Which stacked results of the forward loop have a gradient that counts: the ys first, then the saved carries.
    stacks: Vec<usize>,
}

impl<'a> Backward<'a> {
    pub(super) fn new(forward: &'a Scan, d_outputs: &[Option<Val>]) -> Result<Backward<'a>> {
        let float =
            |range: Range<usize>| -> Vec<usize> { range.filter(|&i| forward.arg_ty(i).dtype.is_float()).collect() };
        let first_constant = forward.carries + forward.xs;
        let carries = float(0..forward.carries);
        let xs = float(forward.carries..first_constant);
        let constants = float(first_constant..forward.args.len());
        let stacks: Vec<usize> = (forward.carries..d_outputs.len()).filter(|&i| d_outputs[i].is_some()).collect();

        let mut b = Graph::new();
        let d_carries: Vec<Val> = carries.iter().map(|&i| b.input(forward.arg_ty(i))).collect();
        let sums: Vec<Val> = constants.iter().map(|&i| b.input(forward.arg_ty(i))).collect();
        // The carries saved by the forward loop, and its slices.
        let saved_and_xs: Vec<Val> = (0..first_constant).map(|i| b.input(forward.arg_ty(i))).collect();
        let stack_ty = |i: usize| match i.checked_sub(forward.outputs.len()) {
            None => forward.body.ty(forward.outputs[i]),
            Some(carry) => forward.arg_ty(carry),
        };
        let d_stacks: Vec<Val> = stacks.iter().map(|&i| b.input(stack_ty(i))).collect();
        let held: Vec<Val> = (first_constant..forward.args.len()).map(|i| b.input(forward.arg_ty(i))).collect();
        let args = [saved_and_xs, held].concat();

        let results = inline(&mut b, &forward.body, &forward.args, &args, &forward.outputs)?;
        let (mut targets, mut d_targets) = (Vec::new(), Vec::new());
        let d_results = carries.iter().zip(&d_carries).chain(stacks.iter().zip(&d_stacks));
        for (&i, &d) in d_results.filter(|(i, _)| **i < results.len()) {
            targets.push(results[i]);
            d_targets.push(d);
        }
        let sources: Vec<Val> = carries.iter().chain(&constants).chain(&xs).map(|&i| args[i]).collect();
        let mut grads = gradients(&mut b, &targets, &d_targets, &sources)?;
        for (&i, &d) in stacks.iter().zip(&d_stacks).filter(|(i, _)| **i >= results.len()) {
            // A saved carry is a result of its own.
            let at = carries.iter().position(|&c| c == i - results.len()).expect("only floats have gradients");
            grads[at] = b.add_optional(grads[at], Some(d))?;
        }
        for (k, &sum) in sums.iter().enumerate() {
            grads[carries.len() + k] = b.add_optional(grads[carries.len() + k], Some(sum))?;
        }
        let outputs = sources
            .iter()
            .zip(grads)
            .map(|(&source, d)| d.map_or_else(|| b.zeros_like(source), Ok))
            .collect::<Result<Vec<_>>>()?;
        let carried = carries.len() + constants.len();
        let slices = first_constant + stacks.len();
        let (scan, _) = Scan::new(b, carried, slices, &outputs, forward.length, !forward.reverse)?;
        Ok(Backward { forward, scan, carries, constants, xs, stacks })
    }

    pub(super) fn apply(
        self,
        g: &mut Graph,
        node: &NodeRef<'_>,
        d_outputs: &[Option<Val>],
    ) -> Result<Vec<Option<Val>>> {
        let forward = self.forward;
        let mut operands = Vec::new();
        for &i in &self.carries {
            operands.push(match d_outputs[i] {
                Some(d) => d,
                None => g.zeros_like(node.inputs[i])?,
            });
        }
        for &i in &self.constants {
            operands.push(g.zeros_like(node.inputs[i])?);
        }
        let (xs, held) = node.inputs[forward.carries..].split_at(forward.xs);
        operands.extend(&node.outputs[forward.outputs.len()..]);
        operands.extend(xs);
        operands.extend(self.stacks.iter().filter_map(|&i| d_outputs[i]));
        operands.extend(held);
        let results = g.apply(Arc::new(self.scan), &operands)?;
        let mut grads = vec![None; node.inputs.len()];
        let which = self.carries.iter().chain(&self.constants).chain(&self.xs);
        which.zip(results).for_each(|(&i, d)| grads[i] = Some(d));
        Ok(grads)
    }
}
