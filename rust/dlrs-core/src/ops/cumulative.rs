//! Running sums and products, and first-order linear recurrences, along an axis.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::cumulative::{Lines, Number, products, recurrence, sums};
use dlrs_kernels::mem::{Body, Rect, TileIo};

use super::slice::Span;
use super::tiles::{TILE, spans};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// The axis that an op runs along, and from which end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Along {
    /// The axis.
    pub axis: usize,
    /// Whether it begins at the last element.
    pub reverse: bool,
}

impl Along {
    fn check(self, op: &str, x: Ty) -> Result<()> {
        if self.axis >= x.shape.rank() {
            bail!("{op}: axis {} of a tensor of shape {}", self.axis, x.shape);
        }
        if x.dtype == DType::Bool {
            bail!(Type, "{op}: x has dtype bool; expected numbers");
        }
        Ok(())
    }

    fn backward(self) -> Along {
        Along { reverse: !self.reverse, ..self }
    }

    /// Tiles of whole lines: a line is never cut, so that its sums are the same on any team.
    fn lower(self, shape: &Shape, body: impl Fn(Lines) -> Body) -> Lowered {
        let len = shape[self.axis];
        let outer: usize = shape[..self.axis].iter().product();
        let inner: usize = shape[self.axis + 1..].iter().product();
        let rows = inner == 1;
        let tiles = if rows {
            let lines = spans(outer, TILE / len.clamp(1, TILE));
            lines.map(|l| vec![Rect { start: l.start * len, rows: l.len(), cols: len, stride: len }]).collect()
        } else {
            line_tiles(outer, len, inner).into_iter().map(|rect| vec![rect]).collect()
        };
        let cost = 20.0 + shape.size() as f64 * if rows { 1.2 } else { 0.5 };
        Lowered { tiles, body: body(Lines { rows, len, reverse: self.reverse }), cost, ..Lowered::default() }
    }
}

/// Tiles of whole lines along the middle one of three axes: several matrices (len, inner) if they are small, else columns of
/// one, in whole cache lines.
pub(super) fn line_tiles(outer: usize, len: usize, inner: usize) -> Vec<Rect> {
    if len * inner <= TILE {
        let blocks = spans(outer, TILE / (len * inner).max(1));
        let rect =
            |o: Range<usize>| Rect { start: o.start * len * inner, rows: o.len() * len, cols: inner, stride: inner };
        return blocks.map(rect).collect();
    }
    let width = (TILE / len.max(1)).clamp(64, 1024);
    let columns = (0..outer).flat_map(|o| spans(inner, width).map(move |c| (o, c)));
    let rect = |(o, c): (usize, Range<usize>)| Rect {
        start: o * len * inner + c.start,
        rows: len,
        cols: c.len(),
        stride: inner,
    };
    columns.map(rect).collect()
}

/// What runs along the axis.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Running {
    /// Sums.
    Sum,
    /// Products.
    Product,
}

/// The sum or product of each element and those before it along an axis.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cumulative {
    /// Sums or products.
    pub running: Running,
    /// Along which axis.
    pub along: Along,
}

impl Op for Cumulative {
    fn name(&self) -> &'static str {
        match self.running {
            Running::Sum => "cumsum",
            Running::Product => "cumprod",
        }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 1)?;
        self.along.check(self.name(), inputs[0])?;
        Ok(vec![inputs[0]])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let (x, along) = (node.inputs[0], self.along);
        let dx = match self.running {
            Running::Sum => g.push(Cumulative { running: Running::Sum, along: along.backward() }, &[d])?,
            Running::Product => {
                // dx[k] = Π_{j<k} x[j] · s[k] with s[k] = Σ_{i≥k} d[i] Π_{k<j≤i} x[j] = d[k] + x[k+1]·s[k+1]: nothing is
                // divided by x, which may be 0.
                let before = g.shifted(node.outputs[0], along, 1.0)?;
                let next = g.shifted(x, along.backward(), 0.0)?;
                let s = g.recurrence(next, d, along.backward())?;
                g.mul(before, s)?
            }
        };
        Ok(vec![Some(dx)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        fn body<T: Number>(running: Running, lines: Lines) -> Body {
            Arc::new(move |_: usize, io: &mut TileIo<'_>| {
                let (x, start) = (io.input::<T>(0), io.rect(0).start);
                match running {
                    Running::Sum => sums(x, start, lines, io.output(0)),
                    Running::Product => products(x, start, lines, io.output(0)),
                }
            })
        }
        let (x, running) = (cx.inputs[0], self.running);
        Ok(self.along.lower(&x.shape, |lines| match x.dtype {
            DType::F32 => body::<f32>(running, lines),
            DType::F64 => body::<f64>(running, lines),
            DType::U8 => body::<u8>(running, lines),
            DType::I32 => body::<i32>(running, lines),
            _ => body::<i64>(running, lines),
        }))
    }
}

/// `y[t] = a[t]·y[t−1] + b[t]` along an axis, with `y[−1] = 0`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Recurrence {
    /// Along which axis.
    pub along: Along,
}

impl Op for Recurrence {
    fn name(&self) -> &'static str {
        "linear_recurrence"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("linear_recurrence", inputs, 2)?;
        let (a, b) = (inputs[0], inputs[1]);
        self.along.check("linear_recurrence", a)?;
        if a != b {
            bail!("linear_recurrence: a is {a}, b is {b}; expected the same type");
        }
        if !a.dtype.is_float() {
            bail!(Type, "linear_recurrence: a has dtype {}; expected a floating-point dtype", a.dtype);
        }
        Ok(vec![a])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None; 2]) };
        // db[t] = d[t] + a[t+1]·db[t+1], da[t] = db[t]·y[t−1].
        let next = g.shifted(node.inputs[0], self.along.backward(), 0.0)?;
        let db = g.recurrence(next, d, self.along.backward())?;
        let before = g.shifted(node.outputs[0], self.along, 0.0)?;
        Ok(vec![Some(g.mul(db, before)?), Some(db)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        fn body<T: Number>(lines: Lines) -> Body {
            Arc::new(move |_: usize, io: &mut TileIo<'_>| {
                let start = io.rect(0).start;
                recurrence::<T>(io.input(0), io.input(1), start, lines, io.output(0));
            })
        }
        let ty = cx.inputs[0];
        Ok(self.along.lower(&ty.shape, |lines| match ty.dtype {
            DType::F32 => body::<f32>(lines),
            _ => body::<f64>(lines),
        }))
    }
}

impl Graph {
    /// `y[t] = a[t]·y[t−1] + b[t]`.
    fn recurrence(&mut self, a: Val, b: Val, along: Along) -> Result<Val> {
        self.push(Recurrence { along }, &[a, b])
    }

    /// `y[t] = x[t−1]` along the axis, counted from the end where the op begins; the first element is `fill`.
    fn shifted(&mut self, x: Val, along: Along, fill: f64) -> Result<Val> {
        let shape = self.ty(x).shape;
        let len = shape[along.axis];
        if len == 0 {
            return Ok(x);
        }
        let mut kept: Vec<Span> = shape.iter().map(|&n| Span::all(n)).collect();
        kept[along.axis] = Span::range(usize::from(along.reverse), len - 1);
        let mut widths = vec![(0, 0); shape.rank()];
        widths[along.axis] = if along.reverse { (0, 1) } else { (1, 0) };
        let part = self.slice(x, &kept)?;
        self.pad(part, &widths, fill)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    const RUNNINGS: [Running; 2] = [Running::Sum, Running::Product];

    fn along(axis: usize, reverse: bool) -> Along {
        Along { axis, reverse }
    }

    #[test]
    fn every_axis_and_direction() {
        let x = noise(&[3, 4, 5], 1);
        for (axis, stride) in [(0, 20), (1, 5), (2, 1)] {
            for reverse in [false, true] {
                for running in RUNNINGS {
                    let y =
                        run(&Cumulative { running, along: along(axis, reverse) }, std::slice::from_ref(&x)).unwrap();
                    let len = x.shape()[axis];
                    for e in 0..60 {
                        let place = e / stride % len;
                        let line = (0..len).filter(|&t| if reverse { t >= place } else { t <= place });
                        let terms = line.map(|t| x.get(e - place * stride + t * stride));
                        let want: f64 = match running {
                            Running::Sum => terms.sum(),
                            Running::Product => terms.product(),
                        };
                        assert!((y[0].get(e) - want).abs() < 1e-14);
                    }
                }
            }
        }
    }

    #[test]
    fn integers_wrap_and_wide_lines_are_whole() {
        let x = i32s(&[3], &[i32::MAX, 1, 5]);
        let y = run(&Cumulative { running: Running::Sum, along: along(0, false) }, &[x]).unwrap();
        assert_eq!(y[0].as_slice::<i32>(), [i32::MAX, i32::MIN, i32::MIN + 5]);
        for shape in [vec![100_000], vec![300, 700], vec![300, 7], vec![0, 3], vec![3, 0]] {
            let ones = i32s(&shape, &vec![1; shape.iter().product()]);
            let y = run(&Cumulative { running: Running::Sum, along: along(0, false) }, &[ones]).unwrap();
            let inner: usize = shape[1..].iter().product();
            assert!(y[0].as_slice::<i32>().iter().enumerate().all(|(e, &y)| y as usize == e / inner + 1));
        }
    }

    #[test]
    fn gradients_also_at_zeros() {
        let zeros = f64s(&[2, 3], &[0.5, 0.0, -1.5, 0.0, 0.0, 2.0]);
        for axis in 0..2 {
            for reverse in [false, true] {
                for running in RUNNINGS {
                    let f = |g: &mut Graph, x: &[Val]| g.push(Cumulative { running, along: along(axis, reverse) }, x);
                    check_two_gradients(&[noise(&[3, 4], 1)], &f);
                    check_two_gradients(std::slice::from_ref(&zeros), &f);
                }
                let f = |g: &mut Graph, x: &[Val]| g.recurrence(x[0], x[1], along(axis, reverse));
                check_two_gradients(&[noise(&[3, 4], 1), noise(&[3, 4], 2)], &f);
            }
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let op = Cumulative { running: Running::Sum, along: along(1, false) };
        assert_eq!(refusal(op, &[ty(DType::F32, &[2])]), "cumsum: axis 1 of a tensor of shape (2,)");
        assert!(refusal(op, &[ty(DType::Bool, &[2, 3])]).contains("dtype bool"));
        let op = Recurrence { along: along(0, false) };
        assert!(refusal(op, &[ty(DType::F32, &[2]), ty(DType::F32, &[3])]).contains("b is float32(3,)"));
    }
}
