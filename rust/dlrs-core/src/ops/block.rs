//! Blocks of tensors that begin where index tensors say: read, and written.

use std::hash::Hash;

use dlrs_kernels::mem::{Element, TileIo};

use super::index::{Indices, check_indices};
use super::shape::{AnyElement, by_size};
use super::tiles::{Block, cut};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Neighbouring elements of a tensor. Operands: the tensor, and where the block begins, an integer for each axis. A block that is not
/// inside ends the run.
#[derive(Clone, Hash, Debug)]
pub struct BlockAt {
    /// Sizes of the block.
    pub sizes: Shape,
}

/// A tensor with a block of it replaced. Operands: the tensor, the block, and where it begins, as for [`BlockAt`].
#[derive(Clone, Copy, Hash, Debug)]
pub struct BlockUpdate;

const READ: &str = "slice";
const WRITE: &str = "slice_update";

/// Nanoseconds of a byte that is copied.
const COPY: f64 = 0.03;

fn check(op: &str, x: Ty, sizes: &Shape, starts: Ty) -> Result<()> {
    check_indices(op, "start_indices", starts)?;
    let rank = x.shape.rank();
    if starts.shape.dims() != [rank] || sizes.rank() != rank {
        bail!("{op}: start_indices of shape {} and a block of shape {sizes} in x of shape {}", starts.shape, x.shape);
    }
    if sizes.iter().zip(x.shape.iter()).any(|(size, n)| size > n) {
        bail!("{op}: a block of shape {sizes} is not inside x of shape {}", x.shape);
    }
    Ok(())
}

impl Op for BlockAt {
    fn name(&self) -> &'static str {
        "slice_at"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(READ, inputs, 2)?;
        check(READ, inputs[0], &self.sizes, inputs[1])?;
        Ok(vec![Ty::new(inputs[0].dtype, self.sizes)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 2]) };
        let zeros = g.zeros_like(node.inputs[0])?;
        Ok(vec![Some(g.push(BlockUpdate, &[zeros, d, node.inputs[1]])?), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let place = Place::new(READ, &cx.inputs[0].shape, &self.sizes);
        let cols = place.sizes[place.sizes.len() - 1];
        let blocks = cut(place.sizes[..place.sizes.len() - 1].iter().product(), cols);
        let tiles = blocks.iter().map(|b| vec![b.rect(cols)]).collect();
        let cost = 20.0 + cx.outputs[0].bytes() as f64 * COPY;
        Ok(Lowered { tiles, body: by_size(cx.outputs[0].dtype, Read { place, blocks }), cost, ..Lowered::default() })
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

impl Op for BlockUpdate {
    fn name(&self) -> &'static str {
        WRITE
    }

    fn key(&self, _hasher: &mut KeyHasher) {}

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(WRITE, inputs, 3)?;
        let (x, update) = (inputs[0], inputs[1]);
        if update.dtype != x.dtype {
            bail!(Type, "{WRITE}: updates have dtype {}; x has {}", update.dtype, x.dtype);
        }
        check(WRITE, x, &update.shape, inputs[2])?;
        Ok(vec![x])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 3]) };
        let zeros = g.zeros_like(node.inputs[1])?;
        let d_x = g.push(BlockUpdate, &[d, zeros, node.inputs[2]])?;
        let d_update = g.push(BlockAt { sizes: g.ty(node.inputs[1]).shape }, &[d, node.inputs[2]])?;
        Ok(vec![Some(d_x), Some(d_update), None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let place = Place::new(WRITE, &cx.inputs[0].shape, &cx.inputs[1].shape);
        let cols = place.dims[place.dims.len() - 1];
        let blocks = cut(place.dims[..place.dims.len() - 1].iter().product(), cols);
        let tiles = blocks.iter().map(|b| vec![b.rect(cols)]).collect();
        let cost = 20.0 + cx.outputs[0].bytes() as f64 * COPY;
        let body = by_size(cx.outputs[0].dtype, Write { place, blocks });
        Ok(Lowered { tiles, body, may_alias: vec![(0, 0)], cost, ..Lowered::default() })
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// A block in a tensor. Trailing axes that it fills are taken as one with the axis before them, so that rows are long.
struct Place {
    op: &'static str,
    /// The tensor's sizes and the block's as the caller has them.
    shape: Shape,
    block: Shape,
    /// Those after merging.
    dims: Vec<usize>,
    sizes: Vec<usize>,
    /// How many elements a step along the last of these axes was before it was merged.
    inner: usize,
}

impl Place {
    fn new(op: &'static str, shape: &Shape, block: &Shape) -> Place {
        let (mut dims, mut sizes, mut inner) = (shape.to_vec(), block.to_vec(), 1);
        while dims.len() > 1 && dims.last() == sizes.last() {
            inner *= dims.pop().unwrap_or(1);
            sizes.pop();
        }
        match (dims.last_mut(), sizes.last_mut()) {
            (Some(n), Some(size)) => (*n, *size) = (*n * inner, *size * inner),
            _ => (dims, sizes) = (vec![1], vec![1]),
        }
        Place { op, shape: *shape, block: *block, dims, sizes, inner }
    }

    /// Where the block begins in the merged axes, from operand `number`.
    fn starts(&self, io: &TileIo<'_>, number: usize) -> std::result::Result<Vec<usize>, String> {
        let given = Indices::of(io, number);
        let mut starts = vec![0; self.dims.len()];
        for (axis, (&n, &size)) in self.shape.iter().zip(self.block.iter()).enumerate() {
            let start = given.get(axis);
            if !(0..=(n - size) as i64).contains(&start) {
                return Err(format!(
                    "{}: a block of {size} from {start} on is not inside axis {axis} of length {n}",
                    self.op
                ));
            }
            if let Some(to) = starts.get_mut(axis) {
                *to = start as usize;
            }
        }
        if let Some(last) = starts.last_mut() {
            *last *= self.inner;
        }
        Ok(starts)
    }
}

struct Read {
    place: Place,
    blocks: Vec<Block>,
}

impl AnyElement for Read {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (place, block) = (&self.place, &self.blocks[tile]);
        let starts = match place.starts(io, 1) {
            Ok(starts) => starts,
            Err(why) => return io.refuse(why),
        };
        let (x, mut y) = (io.input::<T>(0), io.output::<T>(0));
        let last = place.dims.len() - 1;
        for (r, row) in block.rows.clone().enumerate() {
            let (mut rest, mut from, mut stride) = (row, 0, 1);
            for axis in (0..last).rev() {
                from += (starts[axis] + rest % place.sizes[axis]) * stride;
                rest /= place.sizes[axis];
                stride *= place.dims[axis];
            }
            let y = y.row(r);
            y.copy_from_slice(&x[from * place.dims[last] + starts[last] + block.cols.start..][..y.len()]);
        }
    }
}

struct Write {
    place: Place,
    blocks: Vec<Block>,
}

impl Write {
    /// The row of the update that falls on row `row` of the result.
    fn source(&self, row: usize, starts: &[usize]) -> Option<usize> {
        let (mut rest, mut source, mut stride) = (row, 0, 1);
        for axis in (0..starts.len() - 1).rev() {
            let (n, size) = (self.place.dims[axis], self.place.sizes[axis]);
            let at = (rest % n).checked_sub(starts[axis]).filter(|&at| at < size)?;
            source += at * stride;
            stride *= size;
            rest /= n;
        }
        Some(source)
    }
}

impl AnyElement for Write {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let block = &self.blocks[tile];
        let starts = match self.place.starts(io, 2) {
            Ok(starts) => starts,
            Err(why) => return io.refuse(why),
        };
        let update = io.input::<T>(1);
        let mut y = io.update::<T>(0, 0);
        let last = starts.len() - 1;
        let (start, size) = (starts[last], self.place.sizes[last]);
        let (from, to) = (block.cols.start.max(start), block.cols.end.min(start + size));
        if from >= to {
            return;
        }
        for (r, row) in block.rows.clone().enumerate() {
            let Some(source) = self.source(row, &starts) else { continue };
            let part = &update[source * size + from - start..][..to - from];
            y.row(r)[from - block.cols.start..to - block.cols.start].copy_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::error::Error;

    /// The place of each element of a block in its tensor, by its own arithmetic.
    fn places(dims: &[usize], sizes: &[usize], starts: &[i32]) -> Vec<usize> {
        let place = |mut i: usize| {
            let (mut at, mut stride) = (0, 1);
            for axis in (0..dims.len()).rev() {
                at += (starts[axis] as usize + i % sizes[axis]) * stride;
                i /= sizes[axis];
                stride *= dims[axis];
            }
            at
        };
        (0..sizes.iter().product()).map(place).collect()
    }

    #[test]
    fn blocks_are_read_and_written() {
        let cases: &[(&[usize], &[usize], &[i32])] = &[
            (&[10], &[4], &[6]),
            (&[2, 8, 40, 16], &[2, 8, 1, 16], &[0, 0, 39, 0]),
            (&[3, 5, 7], &[2, 2, 3], &[1, 2, 4]),
            (&[3, 5, 7], &[3, 5, 7], &[0, 0, 0]),
            (&[2, 40_000], &[1, 30_000], &[1, 9_999]),
            (&[3, 4], &[0, 4], &[3, 0]),
            (&[], &[], &[]),
        ];
        for &(dims, sizes, starts) in cases {
            let at = i32s(&[starts.len()], starts);
            let places = places(dims, sizes, starts);
            for dtype in [DType::F64, DType::I32, DType::U8] {
                let (x, update) = (cast(&noise(dims, 3), dtype), cast(&noise(sizes, 4), dtype));
                let read = BlockAt { sizes: Shape::new(sizes).unwrap() };
                let block = run(&read, &[x.clone(), at.clone()]).unwrap().remove(0);
                assert_eq!(values(&block), places.iter().map(|&i| x.get(i)).collect::<Vec<_>>());
                let mut want = values(&x);
                places.iter().enumerate().for_each(|(i, &place)| want[place] = update.get(i));
                for alias in [false, true] {
                    let operands = [x.clone(), update.clone(), at.clone()];
                    assert_eq!(values(&run_aliased(&BlockUpdate, &operands, alias).unwrap()[0]), want);
                }
            }
        }
    }

    #[test]
    fn a_block_that_is_not_inside_is_named() {
        let x = noise(&[3, 4], 1);
        let read = |at: &[i32]| run(&BlockAt { sizes: Shape::new(&[2, 4]).unwrap() }, &[x.clone(), i32s(&[2], at)]);
        let error = Error::Index("slice: a block of 2 from 2 on is not inside axis 0 of length 3".into());
        assert_eq!(read(&[2, 0]).unwrap_err(), error);
        let error = Error::Index("slice: a block of 4 from -1 on is not inside axis 1 of length 4".into());
        assert_eq!(read(&[0, -1]).unwrap_err(), error);
    }

    #[test]
    fn gradients() {
        let at = i32s(&[2], &[1, 0]);
        let sizes = Shape::new(&[2, 3]).unwrap();
        let x = noise(&[4, 3], 1);
        check_gradient(&[x.clone(), at.clone()], &move |g, x| g.push(BlockAt { sizes }, &[x[0], x[1]]));
        check_gradient(&[x, noise(&[2, 2], 2), at], &|g, x| g.push(BlockUpdate, x));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let (x, at) = (ty(DType::F32, &[2, 3]), ty(DType::I32, &[2]));
        let message = refusal(BlockUpdate, &[x, ty(DType::F32, &[2, 4]), at]);
        assert_eq!(message, "slice_update: a block of shape (2, 4) is not inside x of shape (2, 3)");
        let message = refusal(BlockUpdate, &[x, ty(DType::F64, &[2, 1]), at]);
        assert_eq!(message, "slice_update: updates have dtype float64; x has float32");
        let message = refusal(BlockUpdate, &[x, x, ty(DType::I32, &[3])]);
        assert!(message.contains("start_indices of shape (3,)"), "{message}");
    }
}
