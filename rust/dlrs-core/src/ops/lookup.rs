//! Rows of a matrix by number: vectors of tokens.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::{Element, TileIo};

use super::index::{Indices, check_indices};
use super::shape::{AnyElement, by_size};
use super::tiles::{Block, cut};
use super::{FusionClass, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Row `ids[i]` of a matrix for every i. An id that is no row, such as a negative one, ends the run and is named with its position.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Who looks up, as the error says it.
    pub owner: Arc<str>,
}

impl Op for Lookup {
    fn name(&self) -> &'static str {
        "lookup"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.owner.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("lookup", inputs, 2)?;
        let (table, ids) = (inputs[0], inputs[1]);
        check_indices("lookup", "ids", ids)?;
        if table.shape.rank() != 2 {
            bail!("lookup: the table must be a matrix, got shape {}", table.shape);
        }
        Ok(vec![Ty::new(table.dtype, Shape::new(&[ids.shape.dims(), &table.shape[1..]].concat())?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (table, ids) = (g.ty(node.inputs[0]).shape, node.inputs[1]);
        let count = g.ty(ids).shape.size();
        let ids = g.reshape(ids, Shape::new(&[count])?)?;
        let d = g.reshape(d, Shape::new(&[count, table[1]])?)?;
        Ok(vec![Some(g.segment_sum(d, ids, table[0])?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (rows, width) = (cx.inputs[0].shape[0], cx.inputs[0].shape[1]);
        let ids = cx.inputs[1].shape;
        let blocks = cut(ids.size(), width);
        let tiles = blocks.iter().map(|b| vec![b.rect(width)]).collect();
        let cost = 20.0 + ids.size() as f64 * (3.0 + 0.03 * (width * cx.outputs[0].dtype.size()) as f64);
        let body = by_size(cx.outputs[0].dtype, Rows { owner: self.owner.clone(), ids, rows, width, blocks });
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Gather
    }
}

struct Rows {
    owner: Arc<str>,
    ids: Shape,
    rows: usize,
    width: usize,
    blocks: Vec<Block>,
}

impl Rows {
    /// What is wrong with id number `i`.
    fn refusal(&self, i: usize, id: i64) -> String {
        let (mut rest, mut position) = (i, vec![0; self.ids.rank()]);
        for (place, &size) in position.iter_mut().zip(self.ids.iter()).rev() {
            (*place, rest) = (rest % size, rest / size);
        }
        let position: Vec<String> = position.iter().map(usize::to_string).collect();
        let comma = if position.len() == 1 { "," } else { "" };
        let (owner, rows, position) = (&self.owner, self.rows, position.join(", "));
        format!("{owner}, lookup: id {id} at position ({position}{comma}) of the inputs is not in [0, {rows})")
    }
}

impl AnyElement for Rows {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, ids) = (io.input::<T>(0), Indices::of(io, 1));
        let (mut y, block) = (io.output::<T>(0), &self.blocks[tile]);
        for (r, i) in block.rows.clone().enumerate() {
            let id = ids.get(i);
            let Some(row) = usize::try_from(id).ok().filter(|&row| row < self.rows) else {
                return io.refuse(self.refusal(i, id));
            };
            let start = row * self.width + block.cols.start;
            let y = y.row(r);
            y.copy_from_slice(&x[start..start + y.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::error::Error;

    fn lookup() -> Lookup {
        Lookup { owner: "Embedding layer 'words'".into() }
    }

    #[test]
    fn rows_are_those_of_the_ids() {
        let table = noise(&[5, 3], 1);
        let y = run(&lookup(), &[table.clone(), i64s(&[2, 2], &[3, 0, 0, 4])]).unwrap().remove(0);
        assert_eq!(y.shape().dims(), [2, 2, 3]);
        for (i, row) in [3, 0, 0, 4].into_iter().enumerate() {
            for c in 0..3 {
                assert_eq!(y.get(i * 3 + c), table.get(row * 3 + c));
            }
        }
    }

    #[test]
    fn an_id_that_is_no_row_is_named_with_its_position() {
        for (id, ids) in [(5, i32s(&[2, 2], &[0, 4, 5, 1])), (-1, i32s(&[2, 2], &[0, 4, -1, 1]))] {
            let error = run(&lookup(), &[noise(&[5, 3], 1), ids]).unwrap_err();
            let want =
                format!("Embedding layer 'words', lookup: id {id} at position (1, 0) of the inputs is not in [0, 5)");
            assert_eq!(error, Error::Index(want));
        }
        let error = run(&lookup(), &[noise(&[5, 3], 1), i64s(&[], &[i64::MIN])]).unwrap_err();
        assert!(matches!(error, Error::Index(why) if why.contains("at position ()")));
    }

    #[test]
    fn gradients() {
        let ids = i32s(&[2, 3], &[1, 0, 3, 1, 1, 0]);
        check_gradient(&[noise(&[4, 2], 1), ids], &move |g, x| g.push(lookup(), &[x[0], x[1]]));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let (x, i) = (ty(DType::F32, &[2, 3]), ty(DType::I32, &[3]));
        assert_eq!(refusal(lookup(), &[x, x]), "lookup: ids has dtype float32; expected int32 or int64");
        let cube = ty(DType::F32, &[2, 3, 4]);
        assert_eq!(refusal(lookup(), &[cube, i]), "lookup: the table must be a matrix, got shape (2, 3, 4)");
    }
}
