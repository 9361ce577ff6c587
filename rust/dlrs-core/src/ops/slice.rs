//! Parts of tensors: slices and padding.

use std::hash::Hash;

use dlrs_kernels::mem::{Element, TileIo};

use super::shape::{AnyElement, by_size};
use super::tiles::{Block, cut};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};
use crate::{DType, bail};

/// Evenly spaced positions along one axis: `start`, `start + step`, … (`len` of them; `step` may be negative).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Span {
    /// The first position.
    pub start: usize,
    /// How many positions.
    pub len: usize,
    /// Distance from one to the next.
    pub step: isize,
}

impl Span {
    /// All positions of an axis.
    pub fn all(len: usize) -> Span {
        Span { start: 0, len, step: 1 }
    }

    /// Neighbouring positions.
    pub fn range(start: usize, len: usize) -> Span {
        Span { start, len, step: 1 }
    }

    fn position(&self, i: usize) -> usize {
        self.start.wrapping_add_signed(self.step * i as isize)
    }

    fn fits(&self, axis_len: usize) -> bool {
        let last = (self.len as isize - 1).checked_mul(self.step).and_then(|d| (self.start as isize).checked_add(d));
        self.step != 0
            && (self.len == 0 || (self.start < axis_len && last.is_some_and(|l| (0..axis_len as isize).contains(&l))))
    }

    /// Which of the positions `at` is.
    fn find(&self, at: usize) -> Option<usize> {
        let distance = at as isize - self.start as isize;
        let i = distance / self.step;
        (distance % self.step == 0 && (0..self.len as isize).contains(&i)).then_some(i as usize)
    }
}

fn check_spans(op: &str, spans: &[Span], shape: &Shape) -> Result<()> {
    if spans.len() != shape.rank() {
        bail!("{op}: {} slices for a tensor of shape {shape}", spans.len());
    }
    for (axis, (span, &n)) in spans.iter().zip(shape.iter()).enumerate() {
        if !span.fits(n) {
            bail!(
                "{op}: {} positions from {} in steps of {} leave axis {axis} of a tensor of shape {shape}",
                span.len,
                span.start,
                span.step
            );
        }
    }
    Ok(())
}

/// The elements at given positions of every axis.
#[derive(Clone, Hash, Debug)]
pub struct Slice {
    /// Per axis.
    pub spans: Vec<Span>,
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("slice", inputs, 1)?;
        check_spans("slice", &self.spans, &inputs[0].shape)?;
        let dims: Vec<usize> = self.spans.iter().map(|s| s.len).collect();
        Ok(vec![Ty::new(inputs[0].dtype, Shape::new(&dims)?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let shape = g.ty(node.inputs[0]).shape;
        let rule = |d| g.push(Embed { shape, spans: self.spans.clone() }, &[d]);
        Ok(vec![d_outputs[0].map(rule).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let (shape, spans) = merge(&cx.inputs[0].shape, &self.spans);
        let (last, outer) = spans.split_last().expect("merged axes are never none");
        let strides = shape.strides();
        let blocks = cut(outer.iter().map(|s| s.len).product(), last.len);
        let tiles = blocks.iter().map(|b| vec![b.rect(last.len)]).collect();
        let kernel = Gather { strides, spans: spans.clone(), blocks };
        let cost = 20.0 + cx.outputs[0].bytes() as f64 * if last.step == 1 { 0.03 } else { 0.15 };
        let body = by_size(cx.outputs[0].dtype, kernel);
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// Whole trailing axes are taken as one with the axis before them, so that rows are long.
fn merge(shape: &Shape, spans: &[Span]) -> (Shape, Vec<Span>) {
    let (mut dims, mut spans) = (shape.to_vec(), spans.to_vec());
    while let [.., before, last] = spans[..]
        && last == Span::all(dims[dims.len() - 1])
        && before.step == 1
    {
        let n = last.len;
        spans.pop();
        dims.pop();
        *spans.last_mut().expect("two axes were there") = Span::range(before.start * n, before.len * n);
        *dims.last_mut().expect("two axes were there") *= n;
    }
    if spans.is_empty() {
        (dims, spans) = (vec![1], vec![Span::all(1)]);
    }
    (Shape::new(&dims).expect("as many elements as before"), spans)
}

struct Gather {
    strides: Vec<usize>,
    spans: Vec<Span>,
    blocks: Vec<Block>,
}

impl AnyElement for Gather {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, mut y, block) = (io.input::<T>(0), io.output::<T>(0), &self.blocks[tile]);
        let (last, outer) = self.spans.split_last().expect("merged axes are never none");
        for (r, row) in block.rows.clone().enumerate() {
            let (mut rest, mut offset) = (row, 0);
            for (span, stride) in outer.iter().zip(&self.strides).rev() {
                offset += span.position(rest % span.len) * stride;
                rest /= span.len;
            }
            let y = y.row(r);
            if last.step == 1 {
                y.copy_from_slice(&x[offset + last.start + block.cols.start..][..y.len()]);
            } else {
                for (y, col) in y.iter_mut().zip(block.cols.clone()) {
                    *y = x[offset + last.position(col)];
                }
            }
        }
    }
}

/// The operand at given positions of a larger tensor that is 0 elsewhere: the adjoint of [`Slice`].
#[derive(Clone, Hash, Debug)]
pub struct Embed {
    /// Shape of the result.
    pub shape: Shape,
    /// Where the operand's elements go, per axis.
    pub spans: Vec<Span>,
}

impl Op for Embed {
    fn name(&self) -> &'static str {
        "slice_gradient"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        infer_placed("slice_gradient", inputs, &self.shape, &self.spans)
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        Ok(vec![d_outputs[0].map(|d| g.push(Slice { spans: self.spans.clone() }, &[d])).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        lower_placed(cx, &self.spans, 0.0)
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

/// The operand with a border of a constant around it.
#[derive(Clone, Hash, Debug)]
pub struct Pad {
    /// Width of the border per axis, before and after.
    pub widths: Vec<(usize, usize)>,
    value: u64,
}

impl Pad {
    /// A border of these widths filled with `value`.
    pub fn new(widths: &[(usize, usize)], value: f64) -> Pad {
        Pad { widths: widths.to_vec(), value: value.to_bits() }
    }

    fn spans(&self, x: &Shape) -> Vec<Span> {
        self.widths.iter().zip(x.iter()).map(|(w, &n)| Span::range(w.0, n)).collect()
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("pad", inputs, 1)?;
        let x = inputs[0].shape;
        if self.widths.len() != x.rank() {
            bail!("pad: pad_width for {} axes; x has shape {x}", self.widths.len());
        }
        let dims: Option<Vec<usize>> =
            self.widths.iter().zip(x.iter()).map(|(w, &n)| n.checked_add(w.0)?.checked_add(w.1)).collect();
        let Some(dims) = dims else { bail!(Memory, "pad: pad_width {:?} is too large", self.widths) };
        infer_placed("pad", inputs, &Shape::new(&dims)?, &self.spans(&x))
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let spans = self.spans(&g.ty(node.inputs[0]).shape);
        Ok(vec![d_outputs[0].map(|d| g.push(Slice { spans }, &[d])).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        lower_placed(cx, &self.spans(&cx.inputs[0].shape), f64::from_bits(self.value))
    }

    fn takes(&self, _dtype: DType) -> bool {
        true
    }
}

fn infer_placed(op: &str, inputs: &[Ty], shape: &Shape, spans: &[Span]) -> Result<Vec<Ty>> {
    arity(op, inputs, 1)?;
    check_spans(op, spans, shape)?;
    if !spans.iter().map(|s| s.len).eq(inputs[0].shape.iter().copied()) {
        bail!("{op}: x of shape {} does not have the shape of the slice", inputs[0].shape);
    }
    Ok(vec![Ty::new(inputs[0].dtype, *shape)])
}

fn lower_placed(cx: &LowerCx<'_>, spans: &[Span], value: f64) -> Result<Lowered> {
    let (shape, spans) = merge(&cx.outputs[0].shape, spans);
    let (&cols, outer) = shape.split_last().expect("merged axes are never none");
    let blocks = cut(outer.iter().product(), cols);
    let tiles = blocks.iter().map(|b| vec![b.rect(cols)]).collect();
    let dtype = cx.outputs[0].dtype;
    let fill = Tensor::scalar(dtype, value)?;
    let body = by_size(dtype, Place { shape, spans, blocks, fill });
    let cost = 20.0 + cx.outputs[0].bytes() as f64 * 0.03;
    Ok(Lowered { tiles, body, cost, ..Lowered::default() })
}

struct Place {
    shape: Shape,
    spans: Vec<Span>,
    blocks: Vec<Block>,
    fill: Tensor,
}

impl Place {
    /// Which row of the operand falls on row `row` of the result.
    fn source_row(&self, row: usize) -> Option<usize> {
        let last = self.spans.len() - 1;
        let (mut rest, mut source, mut stride) = (row, 0, 1);
        for (span, n) in self.spans[..last].iter().zip(&self.shape[..last]).rev() {
            source += span.find(rest % n)? * stride;
            stride *= span.len;
            rest /= n;
        }
        Some(source)
    }
}

impl AnyElement for Place {
    fn run<T: Element>(&self, tile: usize, io: &mut TileIo<'_>) {
        let (x, mut y, block) = (io.input::<T>(0), io.output::<T>(0), &self.blocks[tile]);
        let last = self.spans[self.spans.len() - 1];
        let fill = self.fill.as_slice::<T>()[0];
        for (r, row) in block.rows.clone().enumerate() {
            let y = y.row(r);
            y.fill(fill);
            let Some(source) = self.source_row(row) else { continue };
            let x = &x[source * last.len..][..last.len];
            if last.step == 1 {
                let (from, to) = (block.cols.start.max(last.start), block.cols.end.min(last.start + last.len));
                if from < to {
                    y[from - block.cols.start..to - block.cols.start]
                        .copy_from_slice(&x[from - last.start..to - last.start]);
                }
                continue;
            }
            for (i, x) in x.iter().enumerate() {
                let at = last.position(i);
                if block.cols.contains(&at) {
                    y[at - block.cols.start] = *x;
                }
            }
        }
    }
}

impl Graph {
    /// The elements of `x` at given positions of every axis.
    pub fn slice(&mut self, x: Val, spans: &[Span]) -> Result<Val> {
        let whole = self.ty(x).shape.iter().map(|&n| Span::all(n)).eq(spans.iter().copied());
        if whole { Ok(x) } else { self.push(Slice { spans: spans.to_vec() }, &[x]) }
    }

    /// `x` with a border of `value` around it; widths per axis, before and after.
    pub fn pad(&mut self, x: Val, widths: &[(usize, usize)], value: f64) -> Result<Val> {
        self.push(Pad::new(widths, value), &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::DType;

    fn span(start: usize, len: usize, step: isize) -> Span {
        Span { start, len, step }
    }

    /// The reference: every position by its own arithmetic.
    fn sliced(x: &Tensor, spans: &[Span]) -> Vec<f64> {
        let strides = x.shape().strides();
        let n: usize = spans.iter().map(|s| s.len).product();
        let element = |mut i: usize| {
            let mut offset = 0;
            for (s, stride) in spans.iter().zip(&strides).rev() {
                offset += (s.start as isize + (i % s.len) as isize * s.step) as usize * stride;
                i /= s.len;
            }
            x.get(offset)
        };
        (0..n).map(element).collect()
    }

    #[test]
    fn slices_of_every_kind() {
        let cases: &[(&[usize], &[Span])] = &[
            (&[10], &[span(2, 5, 1)]),
            (&[10], &[span(9, 10, -1)]),
            (&[4, 6, 5], &[span(1, 2, 1), span(0, 6, 1), span(0, 5, 1)]),
            (&[4, 6, 5], &[span(3, 2, -2), span(1, 3, 2), span(4, 2, -3)]),
            (&[300, 200], &[span(1, 290, 1), span(3, 190, 1)]),
            (&[40_000], &[span(39_999, 20_000, -2)]),
            (&[4, 6], &[span(0, 0, 1), span(0, 6, 1)]),
            (&[], &[]),
        ];
        for (shape, spans) in cases {
            for dtype in [DType::F64, DType::I32, DType::U8] {
                let x = cast(&noise(shape, 3), dtype);
                let y = run(&Slice { spans: spans.to_vec() }, std::slice::from_ref(&x)).unwrap().remove(0);
                assert_eq!(values(&y), sliced(&x, spans), "{shape:?} {spans:?}");
                // The adjoint puts every element back where it came from, and nothing elsewhere.
                let back = Embed { shape: *x.shape(), spans: spans.to_vec() };
                let back = run(&back, std::slice::from_ref(&y)).unwrap().remove(0);
                assert_eq!(sliced(&back, spans), values(&y));
                let sum = |t: &Tensor| values(t).iter().sum::<f64>();
                assert!((sum(&back) - sum(&y)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn padding() {
        let x = i32s(&[2, 2], &[1, 2, 3, 4]);
        let y = run(&Pad::new(&[(1, 0), (0, 2)], 9.0), &[x]).unwrap().remove(0);
        assert_eq!(y.as_slice::<i32>(), [9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9]);
    }

    #[test]
    fn gradients() {
        let spans = [span(2, 2, -2), span(1, 2, 1)];
        check_gradient(&[noise(&[3, 4], 1)], &|g, x| g.slice(x[0], &spans));
        check_gradient(&[noise(&[2, 2], 1)], &|g, x| {
            g.push(Embed { shape: Shape::new(&[3, 4])?, spans: spans.to_vec() }, x)
        });
        check_gradient(&[noise(&[2, 3], 1)], &|g, x| g.pad(x[0], &[(1, 2), (0, 1)], 3.0));
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let x = ty(DType::F32, &[2, 3]);
        let out = refusal(Slice { spans: vec![span(0, 2, 1), span(1, 3, 1)] }, &[x]);
        assert_eq!(out, "slice: 3 positions from 1 in steps of 1 leave axis 1 of a tensor of shape (2, 3)");
        assert!(refusal(Pad::new(&[(0, 1)], 0.0), &[x]).contains("pad_width for 1 axes"));
    }
}
