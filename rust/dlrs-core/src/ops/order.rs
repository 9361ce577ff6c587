//! Sorting, the largest elements, and places in sorted lists.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::mem::{Body, TileIo};
use dlrs_kernels::order::{Order, Ordered, search, sort_lines};

use super::tiles::{TILE, spans};
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::{Tensor, Ty};
use crate::{DType, bail};

/// The first elements along the last axis in order, and their places (int32). Equal elements keep their order; NaN is last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sort {
    /// The largest first; else the smallest.
    pub descending: bool,
    /// How many elements; all if not given.
    pub k: Option<usize>,
}

impl Op for Sort {
    fn name(&self) -> &'static str {
        if self.k.is_some() { "top_k" } else { "sort" }
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let name = self.name();
        arity(name, inputs, 1)?;
        let x = inputs[0];
        let Some(&len) = x.shape.last() else { bail!("{name}: x is a scalar; expected at least one axis") };
        let k = self.k.unwrap_or(len);
        if k > len {
            bail!("{name}: k is {k}, but x of shape {} has {len} elements along its last axis", x.shape);
        }
        if len > i32::MAX as usize {
            bail!("{name}: the last axis of x of shape {} is too long for int32 places", x.shape);
        }
        let shape = x.shape.with_dim(x.shape.rank() - 1, k);
        Ok(vec![Ty::new(x.dtype, shape), Ty::new(DType::I32, shape)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let shape = g.ty(node.inputs[0]).shape;
        let (rank, places) = (shape.rank(), node.outputs[1]);
        let (lines, len) = (shape[..rank - 1].iter().product::<usize>(), shape[rank - 1]);
        // Each element's gradient goes to the place that it came from, counted in the flattened operand.
        let starts: Vec<i64> = (0..lines).map(|line| (line * len) as i64).collect();
        let starts = g.constant(Tensor::from_slice(DType::I64, &[lines, 1], &starts)?);
        let k = g.ty(places).shape[rank - 1];
        let places = g.cast(places, DType::I64)?;
        let places = g.reshape(places, Shape::new(&[lines, k])?)?;
        let places = g.add(places, starts)?;
        let flat = Shape::new(&[lines * k])?;
        let (places, d) = (g.reshape(places, flat)?, g.reshape(d, flat)?);
        let dx = g.segment_sum(d, places, lines * len)?;
        Ok(vec![Some(g.reshape(dx, shape)?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        fn body<T: Ordered>(len: usize, chunk: usize, order: Order) -> Body {
            Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
                let x = &io.input::<T>(0)[tile * chunk * len..];
                let scratch = io.scratch(len);
                sort_lines(x, len, order, scratch, io.output(0), io.output(1));
            })
        }
        let x = cx.inputs[0];
        let (len, k) = (x.shape[x.shape.rank() - 1], cx.outputs[0].shape[x.shape.rank() - 1]);
        let lines: usize = x.shape[..x.shape.rank() - 1].iter().product();
        let (chunk, order) = (TILE.div_ceil(4 * len.max(1)), Order { descending: self.descending, k });
        let body = match x.dtype {
            DType::Bool | DType::U8 => body::<u8>(len, chunk, order),
            DType::I32 => body::<i32>(len, chunk, order),
            DType::I64 => body::<i64>(len, chunk, order),
            DType::F32 => body::<f32>(len, chunk, order),
            DType::F64 => body::<f64>(len, chunk, order),
            DType::U64 => body::<u64>(len, chunk, order),
            dtype => unreachable!("operands of {dtype} are converted"),
        };
        let cost = 50.0 + (lines * len) as f64 * (2.0 + 2.0 * (k.max(2) as f64).log2());
        Ok(Lowered::by_rows(lines, k, chunk, 2, body).scratch(len * size_of::<i32>()).cost(cost))
    }

    fn takes(&self, dtype: DType) -> bool {
        dtype == DType::U64 || !dtype.is_narrow()
    }
}

/// Where values belong in an ascending vector: before the elements that equal them, or behind (`right`). The result is int32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SearchSorted {
    /// Whether equal elements come before the value.
    pub right: bool,
}

impl Op for SearchSorted {
    fn name(&self) -> &'static str {
        "searchsorted"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("searchsorted", inputs, 2)?;
        let (sorted, values) = (inputs[0], inputs[1]);
        if sorted.shape.rank() != 1 {
            bail!("searchsorted: sorted_sequence has shape {}; expected one axis", sorted.shape);
        }
        if sorted.shape[0] > i32::MAX as usize {
            bail!("searchsorted: sorted_sequence of shape {} is too long for int32 places", sorted.shape);
        }
        if sorted.dtype != values.dtype {
            bail!(Type, "searchsorted: sorted_sequence holds {}, values {}", sorted.dtype, values.dtype);
        }
        Ok(vec![Ty::new(DType::I32, values.shape)])
    }

    fn grad(&self, _g: &mut Graph, _node: &NodeRef<'_>, _d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        Ok(vec![None, None])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        fn body<T: Ordered>(right: bool) -> Body {
            Arc::new(move |_: usize, io: &mut TileIo<'_>| {
                let (sorted, rect) = (io.input::<T>(0), io.rect(0));
                let values = &io.input::<T>(1)[rect.start..][..rect.rows * rect.cols];
                search(sorted, values, right, io.output(0).as_slice());
            })
        }
        let (n, right) = (cx.outputs[0].shape.size(), self.right);
        let body = match cx.inputs[0].dtype {
            DType::Bool | DType::U8 => body::<u8>(right),
            DType::I32 => body::<i32>(right),
            DType::I64 => body::<i64>(right),
            DType::F32 => body::<f32>(right),
            DType::F64 => body::<f64>(right),
            DType::U64 => body::<u64>(right),
            dtype => unreachable!("operands of {dtype} are converted"),
        };
        let tiles = spans(n, TILE / 4).map(|s| vec![dlrs_kernels::mem::Rect::flat(s.start, s.len())]).collect();
        let cost = 20.0 + n as f64 * 3.0 * (cx.inputs[0].shape.size().max(2) as f64).log2();
        Ok(Lowered { tiles, body, cost, ..Lowered::default() })
    }

    fn takes(&self, dtype: DType) -> bool {
        dtype == DType::U64 || !dtype.is_narrow()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn equal_elements_keep_their_order_and_nan_is_last() {
        let x = f32s(&[2, 4], &[2.0, f32::NAN, -1.0, 2.0, 0.0, -0.0, f32::NEG_INFINITY, -0.0]);
        let sort = |descending, k| run(&Sort { descending, k }, std::slice::from_ref(&x)).unwrap();
        let y = sort(false, None);
        assert_eq!(y[1].as_slice::<i32>(), [2, 0, 3, 1, 2, 0, 1, 3]);
        assert!(y[0].get(3).is_nan() && y[0].get(0) == -1.0);
        assert_eq!(sort(true, None)[1].as_slice::<i32>(), [0, 3, 2, 1, 0, 1, 3, 2]);
        assert_eq!(sort(true, Some(2))[1].as_slice::<i32>(), [0, 3, 0, 1]);
        assert_eq!(sort(true, Some(0))[0].shape().dims(), [2, 0]);
    }

    #[test]
    fn every_dtype_and_size() {
        for dtype in [DType::U8, DType::I32, DType::I64, DType::U64, DType::F32, DType::F64] {
            for shape in [vec![20_000], vec![300, 70], vec![5, 0], vec![0, 3]] {
                let n: usize = shape.iter().product();
                let x = cast(&f64s(&shape, &(0..n).map(|i| (i * 7919 % 251) as f64).collect::<Vec<_>>()), dtype);
                let y = run(&Sort { descending: false, k: None }, std::slice::from_ref(&x)).unwrap();
                let len = *shape.last().unwrap();
                for line in 0..n.checked_div(len).unwrap_or(0) {
                    let mut want: Vec<usize> = (0..len).collect();
                    want.sort_by(|&a, &b| x.get(line * len + a).total_cmp(&x.get(line * len + b)));
                    for (i, place) in want.into_iter().enumerate() {
                        assert_eq!(y[1].get(line * len + i), place as f64);
                        assert_eq!(y[0].get(line * len + i), x.get(line * len + place));
                    }
                }
            }
        }
    }

    #[test]
    fn values_find_their_places() {
        let sorted = f64s(&[4], &[1.0, 2.0, 2.0, 5.0]);
        let values = f64s(&[2, 3], &[0.0, 2.0, 9.0, 5.0, f64::NAN, 1.5]);
        let place = |right| run(&SearchSorted { right }, &[sorted.clone(), values.clone()]).unwrap().remove(0);
        assert_eq!(place(false).as_slice::<i32>(), [0, 1, 4, 3, 4, 1]);
        assert_eq!(place(true).as_slice::<i32>(), [0, 3, 4, 4, 4, 1]);
    }

    #[test]
    fn gradients() {
        let x = noise(&[3, 5], 1);
        for (descending, k) in [(false, None), (true, Some(2))] {
            let f = move |g: &mut Graph, x: &[Val]| Ok(g.apply(Arc::new(Sort { descending, k }), x)?[0]);
            check_two_gradients(std::slice::from_ref(&x), &f);
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let op = Sort { descending: true, k: Some(4) };
        assert!(refusal(op, &[ty(DType::F32, &[2, 3])]).starts_with("top_k: k is 4, but x of shape (2, 3) has 3"));
        assert!(refusal(Sort { k: None, ..op }, &[ty(DType::F32, &[])]).contains("scalar"));
        let (x, wide) = (ty(DType::F32, &[2]), ty(DType::F64, &[2]));
        assert!(refusal(SearchSorted { right: false }, &[x, wide]).contains("holds float32, values float64"));
    }
}
