//! Gradients, as a transformation of a graph into a larger one.

use crate::bail;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Val};
use crate::join::total;
use crate::ops::NodeRef;

/// Adds to `g` the gradients of `Σᵢ ⟨d_targets[i], targets[i]⟩` with respect to `sources`; `None` where a source has no
/// influence. Since gradients are values of the same graph, gradients of gradients are another call.
///
/// # Errors
/// `NoGradient` naming the op that has none, when the result depends on it; `Type` for targets that are not floating-point.
pub fn gradients(g: &mut Graph, targets: &[Val], d_targets: &[Val], sources: &[Val]) -> Result<Vec<Option<Val>>> {
    gradients_from(g, 0, targets, d_targets, sources)
}

/// As [`gradients`], as far as the nodes from number `first` on make the targets of the sources.
fn gradients_from(
    g: &mut Graph,
    first: usize,
    targets: &[Val],
    d_targets: &[Val],
    sources: &[Val],
) -> Result<Vec<Option<Val>>> {
    // Per value, the parts of its gradient that were found so far.
    let mut parts: Vec<Vec<Val>> = vec![Vec::new(); g.len()];
    let nodes = g.nodes().len();
    for (&target, &d) in targets.iter().zip(d_targets) {
        let (want, have) = (g.ty(target), g.ty(d));
        if !want.dtype.is_float() {
            bail!(Type, "gradient: the target has dtype {}; expected a floating-point dtype", want.dtype);
        }
        if want != have {
            bail!("gradient: output_gradients of type {have} for a target of type {want}");
        }
        parts[target.index()].push(d);
    }
    let active = active_values(g, first, sources);
    for index in (first..nodes).rev() {
        let node = &g.nodes()[index];
        let is_reached = node.outputs.iter().any(|v| !parts[v.index()].is_empty());
        if !is_reached || !node.inputs.iter().any(|v| active[v.index()]) {
            continue;
        }
        let node = node.clone();
        // Nodes that this pass adds stand behind the end of `parts` and are never visited: the range was fixed before it began.
        let totals = node.outputs.iter().map(|v| total(g, &parts[v.index()]));
        let d_outputs: Vec<Option<Val>> = totals.collect::<Result<_>>()?;
        let d_inputs = node_gradient(g, &node, &d_outputs)?;
        for (&input, d) in node.inputs.iter().zip(d_inputs) {
            if d.is_some() && active[input.index()] && g.ty(input).dtype.is_float() {
                parts[input.index()].extend(d);
            }
        }
    }
    sources.iter().map(|v| total(g, &parts[v.index()])).collect()
}

/// As [`gradients`], where each source is a set of values whose gradients are added: the contents that a variable had, say.
///
/// # Errors
/// As [`gradients`].
pub fn gradients_of_sets(
    g: &mut Graph,
    targets: &[Val],
    d_targets: &[Val],
    sources: &[Vec<Val>],
) -> Result<Vec<Option<Val>>> {
    let mut parts = gradients(g, targets, d_targets, &sources.concat())?.into_iter();
    let mut sums = Vec::with_capacity(sources.len());
    for vals in sources {
        let mut sum = None;
        for part in parts.by_ref().take(vals.len()) {
            sum = g.add_optional(sum, part)?;
        }
        sums.push(sum);
    }
    Ok(sums)
}

/// Which values depend on a source through nodes from number `first` on.
fn active_values(g: &Graph, first: usize, sources: &[Val]) -> Vec<bool> {
    let mut active = vec![false; g.len()];
    sources.iter().for_each(|v| active[v.index()] = true);
    for node in &g.nodes()[first..] {
        if node.inputs.iter().any(|v| active[v.index()]) {
            node.outputs.iter().for_each(|v| active[v.index()] = true);
        }
    }
    active
}

/// The gradient rule of one node; for an op that has none but is made of finer ops, the gradient of its definition.
fn node_gradient(g: &mut Graph, node: &Node, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
    let rule = node.op.grad(g, &NodeRef { inputs: &node.inputs, outputs: &node.outputs }, d_outputs);
    let Err(Error::NoGradient(_)) = &rule else { return rule };
    let first = g.nodes().len();
    let Some(results) = node.op.decompose(g, &node.inputs)? else { return rule };
    let (mut targets, mut d_targets) = (Vec::new(), Vec::new());
    for (result, d) in results.into_iter().zip(d_outputs) {
        if let Some(d) = *d {
            targets.push(result);
            d_targets.push(d);
        }
    }
    // Only through the definition: operands may depend on one another, and what they are made of has its turn later.
    let mut grads = gradients_from(g, first, &targets, &d_targets, &node.inputs)?;
    // Of an operand that is given twice both places were counted at the first.
    for i in 0..grads.len() {
        if node.inputs[..i].contains(&node.inputs[i]) {
            grads[i] = None;
        }
    }
    Ok(grads)
}

#[cfg(test)]
mod tests {
    use crate::ops::loss::SoftmaxCrossEntropyGradient;
    use crate::ops::testing::{check_gradient, noise};

    #[test]
    fn a_definition_is_differentiated_by_operands_that_depend_on_one_another() {
        check_gradient(&[noise(&[2, 3], 1)], &|g, x| {
            let (labels, d) = (g.exp(x[0])?, g.sum(x[0], &[1], false)?);
            g.push(SoftmaxCrossEntropyGradient, &[x[0], labels, d])
        });
        check_gradient(&[noise(&[2, 3], 1)], &|g, x| {
            let d = g.sum(x[0], &[1], false)?;
            g.push(SoftmaxCrossEntropyGradient, &[x[0], x[0], d])
        });
    }
}
