//! Statistics of columns in two stages: of chunks of rows, each in one tile, and of the chunks together.
//!
//! The chunks come from the shape alone, so a stage gives the same bits whether it runs alone or inside the pass that computes
//! its operand ([`plan`](crate::plan) joins them).

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::Real;
use dlrs_kernels::mem::{Rect, TileIo};
use dlrs_kernels::reduce::{self, Reduce as _, ReduceOp};

use super::elementwise::FusedBuilder;
use super::tiles::{Block, TILE, spans};
use super::{Columns, FusionClass, LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// A tensor seen as a matrix: leading axes × last axis, its rows in chunks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Chunks {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Rows of a chunk; the last may be shorter.
    pub(crate) chunk: usize,
}

impl Chunks {
    /// A chunk is an image, several if they are small, or a whole fraction of its lines if it is large: then the tiles of the
    /// convolution that computes the images can hold whole chunks.
    pub(crate) fn of(shape: &Shape) -> Chunks {
        let cols = shape.last().copied().unwrap_or(1);
        let rows = shape[..shape.rank() - 1].iter().product();
        let wanted = (2 * TILE / cols.max(1)).max(32);
        let chunk = match shape.dims() {
            [_, lines, rest @ .., _] if lines * rest.iter().product::<usize>() > wanted => {
                let line: usize = rest.iter().product();
                let fits = |n: &usize| lines.is_multiple_of(*n) && n * line <= wanted;
                line * (1..=*lines).rev().find(fits).unwrap_or(1)
            }
            [_, image @ .., _] if !image.is_empty() => {
                let image = image.iter().product::<usize>().max(1);
                image * (wanted / 8 / image).max(1)
            }
            _ => wanted,
        };
        Chunks { rows, cols, chunk }
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.div_ceil(self.chunk)
    }

    /// Tiles of one chunk each, cut in columns where rows are long.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let wide = self.chunk.min(self.rows) * self.cols > 4 * TILE;
        let width = if wide { (2 * TILE / self.chunk).next_multiple_of(64) } else { self.cols };
        let rows = spans(self.rows, self.chunk);
        rows.flat_map(|r| spans(self.cols, width).map(move |c| Block { rows: r.clone(), cols: c })).collect()
    }

    /// The part of the chunks' results, a matrix of a row per chunk, that belongs to a tile of whole chunks.
    pub(crate) fn rect(&self, rows: &std::ops::Range<usize>, cols: &std::ops::Range<usize>) -> Rect {
        let start = rows.start / self.chunk * self.cols + cols.start;
        Rect { start, rows: rows.len().div_ceil(self.chunk), cols: cols.len(), stride: self.cols }
    }

    /// The results of the chunks.
    fn shape(&self) -> Result<Shape> {
        Shape::new(&[self.count(), self.cols])
    }
}

/// Sums over all axes but the last, of chunks: the first stage of a sum.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SumChunks;

/// The second stage of a sum over all axes but the last: the chunks' sums together, in this shape.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct MergeSums(pub(crate) Shape);

/// Mean and variance over all axes but the last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Moments;

/// Mean and scatter (the sum of squared distances from it) of chunks: the first stage of [`Moments`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct MomentsChunks;

/// The second stage of [`Moments`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct MergeMoments(Chunks);

impl Op for SumChunks {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("sum", inputs, 1)?;
        Ok(vec![Ty::new(inputs[0].dtype, Chunks::of(&inputs[0].shape).shape()?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("sum", "it is a stage of a sum")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let x = cx.inputs[0];
        let mut builder = FusedBuilder::new(x.dtype, x.shape);
        let register = builder.load(x);
        builder.sum(register);
        builder.finish("sum").lower(cx)
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Columns(Columns::Sum)
    }
}

impl Op for MergeSums {
    fn name(&self) -> &'static str {
        "merge_sums"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("merge_sums", inputs, 1)?;
        Ok(vec![Ty::new(inputs[0].dtype, self.0)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("merge_sums", "it is a stage of a sum")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (isa, dtype, cols) = (cx.isa, cx.inputs[0].dtype, cx.inputs[0].shape[1]);
        let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| match dtype {
            DType::F32 => f32::reduce_columns(isa, ReduceOp::Sum, io.input(0), cols, 0, io.output(0).as_slice()),
            _ => f64::reduce_columns(isa, ReduceOp::Sum, io.input(0), cols, 0, io.output(0).as_slice()),
        });
        Ok(Lowered::whole(cx.outputs, body).cost(20.0 + 0.1 * cx.inputs[0].shape.size() as f64))
    }
}

impl Op for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("moments", inputs, 1)?;
        let x = inputs[0];
        if !x.dtype.is_float() {
            bail!(Type, "moments: x has dtype {}; expected a floating-point dtype", x.dtype);
        }
        if x.shape.rank() < 2 {
            bail!("moments: x has shape {}; expected at least two axes", x.shape);
        }
        let ty = Ty::new(x.dtype, Shape::new(&[x.shape[x.shape.rank() - 1]])?);
        Ok(vec![ty, ty])
    }

    /// ∂mean/∂x = 1/n, ∂variance/∂x = 2 (x − mean)/n.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let (x, mean) = (node.inputs[0], node.outputs[0]);
        let shape = g.ty(x).shape;
        let share = 1.0 / Chunks::of(&shape).rows as f64;
        let from_mean = d_outputs[0].map(|d| g.mul_scalar(d, share)).transpose()?;
        let from_variance = match d_outputs[1] {
            Some(d) => {
                let slope = g.mul_scalar(d, 2.0 * share)?;
                let distance = g.sub(x, mean)?;
                Some(g.mul(distance, slope)?)
            }
            None => None,
        };
        let dx = g.add_optional(from_variance, from_mean)?;
        Ok(vec![dx.map(|d| g.broadcast_to(d, shape)).transpose()?])
    }

    fn stages(&self, inputs: &[Ty]) -> Option<[Arc<dyn Op>; 2]> {
        let chunks = Chunks::of(&inputs[0].shape);
        Some([Arc::new(MomentsChunks), Arc::new(MergeMoments(chunks))])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.inputs[0].dtype {
            DType::F32 => both_stages::<f32>(cx),
            _ => both_stages::<f64>(cx),
        })
    }
}

/// All chunks and their merger in one tile.
fn both_stages<T: Real>(cx: &LowerCx<'_>) -> Lowered {
    let (isa, chunks) = (cx.isa, Chunks::of(&cx.inputs[0].shape));
    let partial = chunks.count() * chunks.cols;
    let scratch = chunk_scratch_len(&chunks) + 2 * partial;
    let body = Arc::new(move |_: usize, io: &mut TileIo<'_>| {
        let (x, (means, rest)) = (io.input::<T>(0), io.scratch::<T>(scratch).split_at_mut(partial));
        let (scatters, rest) = rest.split_at_mut(partial);
        for k in 0..chunks.count() {
            let rows = k * chunks.chunk..chunks.rows.min((k + 1) * chunks.chunk);
            let part = &x[rows.start * chunks.cols..rows.end * chunks.cols];
            let at = k * chunks.cols..(k + 1) * chunks.cols;
            reduce::moments(isa, part, chunks.cols, &mut means[at.clone()], &mut scatters[at], rest);
        }
        let (mut mean, mut variance) = (io.output::<T>(0), io.output::<T>(1));
        let sizes = ((chunks.rows, chunks.chunk), (chunks.cols, 0));
        reduce::merge_moments((means, scatters), sizes.0, sizes.1, mean.as_slice(), variance.as_slice());
    });
    Lowered::whole(cx.outputs, body)
        .scratch(scratch * size_of::<T>())
        .cost(20.0 + 0.2 * (chunks.rows * chunks.cols) as f64)
}

fn chunk_scratch_len(chunks: &Chunks) -> usize {
    reduce::moments_scratch_len(chunks.cols, chunks.cols)
}

impl Op for MomentsChunks {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("moments", inputs, 1)?;
        let ty = Ty::new(inputs[0].dtype, Chunks::of(&inputs[0].shape).shape()?);
        Ok(vec![ty, ty])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("moments", "it is a stage of moments")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.inputs[0].dtype {
            DType::F32 => chunks_of::<f32>(cx),
            _ => chunks_of::<f64>(cx),
        })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Columns(Columns::Moments)
    }
}

/// A tile per chunk of an operand that lies in memory.
fn chunks_of<T: Real>(cx: &LowerCx<'_>) -> Lowered {
    let (isa, chunks) = (cx.isa, Chunks::of(&cx.inputs[0].shape));
    let blocks: Vec<_> = spans(chunks.rows, chunks.chunk).collect();
    let tiles = blocks.iter().map(|rows| vec![chunks.rect(rows, &(0..chunks.cols)); 2]).collect();
    let scratch = chunk_scratch_len(&chunks);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let rows = &blocks[tile];
        let x = &io.input::<T>(0)[rows.start * chunks.cols..rows.end * chunks.cols];
        let (mut mean, mut scatter, scratch) = (io.output::<T>(0), io.output::<T>(1), io.scratch(scratch));
        reduce::moments(isa, x, chunks.cols, mean.as_slice(), scatter.as_slice(), scratch);
    });
    let cost = 20.0 + 0.1 * (chunks.rows * chunks.cols * size_of::<T>() / 4) as f64;
    Lowered { tiles, body, scratch: scratch * size_of::<T>(), cost, ..Lowered::default() }
}

impl Op for MergeMoments {
    fn name(&self) -> &'static str {
        "merge_moments"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("merge_moments", inputs, 2)?;
        let ty = Ty::new(inputs[0].dtype, Shape::new(&[self.0.cols])?);
        Ok(vec![ty, ty])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, _: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        no_gradient("merge_moments", "it is a stage of moments")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.inputs[0].dtype {
            DType::F32 => merge::<f32>(self.0, cx),
            _ => merge::<f64>(self.0, cx),
        })
    }
}

fn merge<T: Real>(chunks: Chunks, cx: &LowerCx<'_>) -> Lowered {
    let blocks: Vec<_> = spans(chunks.cols, 256).collect();
    let tiles = blocks.iter().map(|c| vec![Rect::flat(c.start, c.len()); 2]).collect();
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let parts = (io.input::<T>(0), io.input::<T>(1));
        let (mut mean, mut variance) = (io.output::<T>(0), io.output::<T>(1));
        let (rows, cols) = ((chunks.rows, chunks.chunk), (chunks.cols, blocks[tile].start));
        reduce::merge_moments(parts, rows, cols, mean.as_slice(), variance.as_slice());
    });
    let cost = 20.0 + 0.5 * cx.inputs[0].shape.size() as f64;
    Lowered { tiles, body, cost, ..Lowered::default() }
}

impl Graph {
    /// Mean and variance of floats over all axes but the last.
    ///
    /// # Errors
    /// `Type` for other dtypes, `Value` for fewer than two axes.
    pub fn moments(&mut self, x: Val) -> Result<(Val, Val)> {
        let results = self.apply(Arc::new(Moments), &[x])?;
        Ok((results[0], results[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::elementwise::Ewise;
    use super::super::testing::*;
    use super::*;
    use crate::ops::matmul::MatMul;
    use crate::plan::Plan;
    use crate::tensor::Tensor;
    use dlrs_kernels::elementwise::UnaryOp;

    fn shape(dims: &[usize]) -> Shape {
        Shape::new(dims).unwrap()
    }

    fn planned(g: &Graph, outputs: &[Val]) -> (Vec<Tensor>, String) {
        let plan = Plan::build(g, &[], outputs).unwrap();
        (plan.run(&[], None).unwrap(), plan.explain())
    }

    #[test]
    fn chunks_are_images_or_whole_fractions_of_them() {
        let chunk = |dims: &[usize]| Chunks::of(&shape(dims)).chunk;
        assert_eq!(chunk(&[128, 32, 32, 16]), 1024);
        assert_eq!(chunk(&[128, 8, 8, 64]), 64);
        assert_eq!(chunk(&[64, 32, 32, 64]), 512);
        assert_eq!(chunk(&[32, 112, 112, 64]), 448);
        assert_eq!(chunk(&[4, 113, 113, 64]), 113);
        assert_eq!(chunk(&[128, 1, 1, 10]), 409);
        assert_eq!(chunk(&[1000, 100]), 327);
    }

    #[test]
    fn moments_of_all_shapes() {
        for dims in [&[5usize, 3][..], &[300, 200], &[3, 9, 7, 33], &[7, 2, 2, 2, 5], &[2, 40, 40, 70], &[700, 1]] {
            let x = noise(dims, 1);
            let (n, c) = (dims[..dims.len() - 1].iter().product::<usize>(), dims[dims.len() - 1]);
            let column = |c0: usize| (0..n).map(move |r| r * c + c0);
            let mean: Vec<f64> = (0..c).map(|c0| column(c0).map(|i| x.get(i)).sum::<f64>() / n as f64).collect();
            let square = |c0: usize| column(c0).map(|i| (x.get(i) - mean[c0]).powi(2)).sum::<f64>() / n as f64;
            let variance: Vec<f64> = (0..c).map(square).collect();
            for (x, tolerance) in [(x.clone(), 1e-13), (cast(&x, DType::F32), 1e-6)] {
                let alone = run(&Moments, std::slice::from_ref(&x)).unwrap();
                assert_close(&alone[0], &f64s(&[c], &mean), tolerance);
                assert_close(&alone[1], &f64s(&[c], &variance), tolerance);
                let mut g = Graph::new();
                let v = g.constant(x);
                let (m, s) = g.moments(v).unwrap();
                let (planned, _) = planned(&g, &[m, s]);
                assert_eq!(values(&planned[0]), values(&alone[0]), "{dims:?}");
                assert_eq!(values(&planned[1]), values(&alone[1]), "{dims:?}");
            }
        }
    }

    #[test]
    fn a_large_mean_takes_no_digits_from_the_variance() {
        let data: Vec<f32> = (0..40_000).map(|i| 10_000.0 + (i / 4 % 2) as f32).collect();
        let moments = run(&Moments, &[f32s(&[100, 10, 10, 4], &data)]).unwrap();
        assert_close(&moments[0], &f64s(&[4], &[10_000.5; 4]), 1e-7);
        assert_close(&moments[1], &f64s(&[4], &[0.25; 4]), 1e-6);
    }

    #[test]
    fn gradients_of_moments_and_sums() {
        for dims in [&[3usize, 2, 2, 3][..], &[4, 2]] {
            check_two_gradients(&[noise(dims, 1)], &|g, v| {
                let (mean, variance) = g.moments(v[0])?;
                let mean = g.square(mean)?;
                g.mul(mean, variance)
            });
        }
    }

    #[test]
    fn bad_operands_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, shape(dims));
        assert!(refusal(Moments, &[ty(DType::I32, &[2, 3])]).contains("moments: x has dtype int32"));
        assert!(refusal(Moments, &[ty(DType::F32, &[3])]).contains("at least two axes"));
    }

    /// Statistics of the value of a chain and of what the chain makes of a product give the bits that they give alone.
    #[test]
    fn statistics_in_the_pass_that_computes_their_operand() {
        for dims in [[40usize, 8, 8, 64], [70, 5, 9, 7]] {
            let (x, y) = (cast(&noise(&dims, 1), DType::F32), cast(&noise(&dims, 2), DType::F32));
            let mut g = Graph::new();
            let (a, b) = (g.constant(x), g.constant(y));
            let zero = g.scalar_like(a, 0.0).unwrap();
            let positive = g.greater(a, zero).unwrap();
            let dz = g.select(positive, b, zero).unwrap();
            let row = shape(&dims[3..]);
            let first = g.sum_to(dz, row).unwrap();
            let product = g.mul(dz, a).unwrap();
            let second = g.sum_to(product, row).unwrap();
            let (mean, variance) = g.moments(dz).unwrap();
            let total = g.add(first, second).unwrap();
            let total = g.add(total, mean).unwrap();
            let result = g.mul(dz, total).unwrap();
            let wanted = [first, second, mean, variance, result];
            let (have, text) = planned(&g, &wanted);
            let want = eval(&g, &wanted).unwrap();
            let staged = planned(&g, &[first]).0;
            assert_eq!(values(&have[0]), values(&staged[0]));
            for (have, want) in have.iter().zip(&want) {
                assert_close(have, want, 1e-5);
            }
            assert_eq!(text.lines().filter(|l| l.contains("where")).count(), 1, "{text}");
        }
    }

    #[test]
    fn statistics_of_a_products_tiles() {
        let (a, b) = (cast(&noise(&[700, 40], 1), DType::F32), cast(&noise(&[40, 96], 2), DType::F32));
        let mut g = Graph::new();
        let (a, b) = (g.constant(a), g.constant(b));
        let y = g.push(MatMul { transpose_a: false, transpose_b: false }, &[a, b]).unwrap();
        let (mean, variance) = g.moments(y).unwrap();
        let centred = g.sub(y, mean).unwrap();
        let z = g.push(Ewise::Unary(UnaryOp::Relu), &[y]).unwrap();
        let square = g.push(MatMul { transpose_a: true, transpose_b: false }, &[b, b]).unwrap();
        let w = g.push(MatMul { transpose_a: false, transpose_b: false }, &[z, square]).unwrap();
        let w = g.push(Ewise::Unary(UnaryOp::Relu), &[w]).unwrap();
        let total = g.sum(w, &[0], false).unwrap();
        let wanted = [mean, variance, centred, w, total];
        let (have, text) = planned(&g, &wanted);
        for (have, want) in have.iter().zip(&eval(&g, &wanted).unwrap()) {
            assert_close(have, want, 1e-5);
        }
        assert!(text.contains("matmul+moments:") && text.contains("matmul+relu+sum:"), "{text}");
        let mut alone = Graph::new();
        let y = alone.constant(eval(&g, &[y]).unwrap().remove(0));
        let (mean, variance) = alone.moments(y).unwrap();
        let (alone, _) = planned(&alone, &[mean, variance]);
        assert_eq!(values(&have[0]), values(&alone[0]));
        assert_eq!(values(&have[1]), values(&alone[1]));
    }
}
