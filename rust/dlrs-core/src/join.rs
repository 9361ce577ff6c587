//! Sums of products, as one product of joined operands.
//!
//! a₁·b₁ + … + aₛ·bₛ = [a₁, …, aₛ]·[b₁; …; bₛ]. What is used at each of s steps, such as a decoder's weights, gets s parts of its gradient:
//! one product with all steps' terms writes the result once, where s products write it s times and s - 1 additions read it again.
//!
//! The sum is in other brackets, and within the bound that `distribute` states.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::{Graph, Node, Source, Val};
use crate::key::Key;
use crate::ops::FusionClass;

/// Fewer products than this are added: joining copies the operands.
const FEWEST: usize = 3;

/// The sum of `parts`; `None` of none.
///
/// # Errors
/// What ops say of their operands.
pub(crate) fn total(g: &mut Graph, parts: &[Val]) -> Result<Option<Val>> {
    if parts.len() < FEWEST {
        return add(g, parts);
    }
    let mut alike: Vec<(Kind, Vec<Val>)> = Vec::new();
    let mut others = Vec::new();
    for &part in parts {
        match kind(g, part) {
            None => others.push(part),
            Some(kind) => match alike.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, members)) => members.push(part),
                None => alike.push((kind, vec![part])),
            },
        }
    }
    if alike.iter().all(|(_, members)| members.len() < FEWEST) {
        return add(g, parts);
    }
    for (kind, members) in alike {
        if members.len() < FEWEST {
            others.extend(members);
        } else {
            others.push(product(g, &members, kind.along)?);
        }
    }
    add(g, &others)
}

fn add(g: &mut Graph, parts: &[Val]) -> Result<Option<Val>> {
    parts.iter().try_fold(None, |sum, &part| g.add_optional(sum, Some(part)))
}

/// The node that computes `v`, if it is a product.
fn maker(g: &Graph, v: Val) -> Option<&Node> {
    let Source::Node { node, .. } = g.source(v) else { return None };
    Some(&g.nodes()[*node])
}

/// What products that may be joined have in common.
#[derive(PartialEq)]
struct Kind {
    /// Of the op and the sizes that are not joined.
    key: Key,
    /// The axis of each operand that is summed over.
    along: [usize; 2],
}

/// The kind of a product whose operands are smaller than what is saved.
fn kind(g: &Graph, v: Val) -> Option<Kind> {
    let node = maker(g, v)?;
    let along @ [along_a, along_b] = summed(g, node)?;
    let [a, b] = [g.ty(node.inputs[0]), g.ty(node.inputs[1])];
    // Copies read and write the operands; a product that is added is written once and read once.
    if 2 * (a.shape.size() + b.shape.size()) > 3 * g.ty(v).shape.size() {
        return None;
    }
    let rest = (a.dtype, a.shape.with_dim(along_a, 1), b.shape.with_dim(along_b, 1));
    let mut hasher = crate::key::KeyHasher::new();
    std::hash::Hash::hash(node.op.name(), &mut hasher);
    node.op.key(&mut hasher);
    std::hash::Hash::hash(&rest, &mut hasher);
    Some(Kind { key: hasher.key(), along })
}

fn summed(g: &Graph, node: &Node) -> Option<[usize; 2]> {
    let FusionClass::Contraction(contraction) = node.op.fusion_class() else { return None };
    let types: Vec<_> = node.inputs.iter().map(|&v| g.ty(v)).collect();
    contraction.summed(&types)
}

/// The product of the members' operands, each joined along its axis of `along`.
fn product(g: &mut Graph, members: &[Val], along: [usize; 2]) -> Result<Val> {
    let nodes: Vec<Node> = members.iter().filter_map(|&v| maker(g, v)).cloned().collect();
    let mut operands = Vec::with_capacity(2);
    for (i, axis) in along.into_iter().enumerate() {
        let pieces: Vec<Val> = nodes.iter().map(|node| node.inputs[i]).collect();
        operands.push(g.concat(&pieces, axis)?);
    }
    Ok(g.apply(Arc::clone(&nodes[0].op), &operands)?[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff;
    use crate::ops::testing::{eval, noise, values};
    use crate::plan::Plan;

    /// How many products the plan of ∂/∂w Σₛ ⟨xₛ·w, cₛ⟩ computes, for xₛ of `shapes`, after its value was checked.
    fn weight_gradient(shapes: &[[usize; 2]], columns: usize) -> Result<usize> {
        let mut g = Graph::new();
        let k = shapes[0][1];
        let w = g.constant(noise(&[k, columns], 99));
        let (mut sum, mut want) = (None, vec![0.0; k * columns]);
        for (s, shape) in shapes.iter().enumerate() {
            let (x, c) = (noise(shape, s as u64), noise(&[shape[0], columns], 50 + s as u64));
            for (i, want) in want.iter_mut().enumerate() {
                let term = |row: usize| x.get(row * k + i / columns) * c.get(row * columns + i % columns);
                *want += (0..shape[0]).map(term).sum::<f64>();
            }
            let (x, c) = (g.constant(x), g.constant(c));
            let y = g.matmul(x, w, false, false)?;
            let weighted = g.mul(y, c)?;
            let part = g.sum(weighted, &[0, 1], false)?;
            sum = g.add_optional(sum, Some(part))?;
        }
        let target = sum.expect("steps");
        let one = g.scalar_like(target, 1.0)?;
        let gradient = autodiff::gradients(&mut g, &[target], &[one], &[w])?[0].expect("it depends on w");
        let found = values(&eval(&g, &[gradient])?[0]);
        assert!(found.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} {want:?}");
        let plan = Plan::build(&g, &[], &[gradient])?;
        Ok(plan.kernels().iter().filter(|kernel| kernel.ops.contains(&"matmul")).count())
    }

    #[test]
    fn parts_of_one_weights_gradient_are_one_product() -> Result<()> {
        assert_eq!(weight_gradient(&[[2, 9], [3, 9], [2, 9], [1, 9]], 8)?, 1);
        Ok(())
    }

    #[test]
    fn two_parts_and_long_ones_are_added() -> Result<()> {
        assert_eq!(weight_gradient(&[[2, 9], [3, 9]], 8)?, 2);
        assert_eq!(weight_gradient(&[[40, 3], [40, 3], [40, 3]], 2)?, 3);
        Ok(())
    }
}
