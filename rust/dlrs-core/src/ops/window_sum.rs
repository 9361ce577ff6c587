//! Sums over neighbours along the last axis.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::TileIo;
use dlrs_kernels::pool::window_sum;

use super::tiles::TILE;
use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::tensor::Ty;
use crate::{DType, bail};

/// `y[.., c] = Σ x[.., j]` over |j − c| ≤ `radius`: a symmetric linear map, and so its own gradient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WindowSum {
    /// Neighbours to each side.
    pub radius: usize,
}

impl Op for WindowSum {
    fn name(&self) -> &'static str {
        "window_sum"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("window_sum", inputs, 1)?;
        let x = inputs[0];
        if !x.dtype.is_float() {
            bail!(Type, "window_sum: x has dtype {}; expected a floating-point dtype", x.dtype);
        }
        if x.shape.rank() == 0 {
            bail!("window_sum: x is a scalar; expected at least one axis");
        }
        Ok(vec![x])
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        Ok(vec![d_outputs[0].map(|d| g.push(*self, &[d])).transpose()?])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let c = cx.inputs[0].shape[cx.inputs[0].shape.rank() - 1];
        let rows = cx.inputs[0].shape.size().checked_div(c).unwrap_or(0);
        Ok(match cx.inputs[0].dtype {
            DType::F32 => lower::<f32>(cx.isa, self.radius, rows, c),
            _ => lower::<f64>(cx.isa, self.radius, rows, c),
        })
    }
}

fn lower<T: Real>(isa: Isa, radius: usize, rows: usize, c: usize) -> Lowered {
    let chunk = (TILE / c.max(1)).max(1);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let part = tile * chunk..rows.min((tile + 1) * chunk);
        let x = &io.input::<T>(0)[part.start * c..part.end * c];
        window_sum(isa, radius, x, io.output(0));
    });
    let cost = 20.0 + 0.1 * (rows * c * (1 + radius.min(c))) as f64;
    Lowered::by_rows(rows, c, chunk, 1, body).cost(cost)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::shape::Shape;

    #[test]
    fn sums_of_neighbours() {
        let x = f64s(&[2, 4], &[1.0, 2.0, 3.0, 4.0, 10.0, 20.0, 30.0, 40.0]);
        let y = run(&WindowSum { radius: 1 }, std::slice::from_ref(&x)).unwrap().remove(0);
        assert_eq!(values(&y), [3.0, 6.0, 9.0, 7.0, 30.0, 60.0, 90.0, 70.0]);
        let all = run(&WindowSum { radius: 99 }, &[cast(&x, DType::F32)]).unwrap().remove(0);
        assert_eq!(values(&all), [10.0, 10.0, 10.0, 10.0, 100.0, 100.0, 100.0, 100.0]);
    }

    #[test]
    fn gradients() {
        for (shape, radius) in [(&[3, 7][..], 2), (&[5], 0), (&[2, 2, 3], 8), (&[0, 3], 1)] {
            check_gradient(&[noise(shape, 1)], &|g, v| g.push(WindowSum { radius }, v));
        }
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        assert!(refusal(WindowSum { radius: 1 }, &[ty(DType::F32, &[])]).contains("scalar"));
        assert!(refusal(WindowSum { radius: 1 }, &[ty(DType::I32, &[3])]).contains("int32"));
    }
}
