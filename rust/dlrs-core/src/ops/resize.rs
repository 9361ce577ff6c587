//! Resizing of images. It is linear, and so is its gradient: the map with the weights transposed.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::image::{Resampling, ResizeGeometry, ResizePixel, ResizeWeights, resize_rows, resize_scratch_len};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileIo;

use super::tiles::TILE;
use super::{ForImages, LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Images `[batch, height, width, channels]` made to have other heights and widths.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Resize {
    /// Height and width of the result.
    pub size: (usize, usize),
    /// How elements between the given ones are made.
    pub interpolation: Resampling,
    /// Whether images that become smaller are first filtered to the frequencies that the smaller ones can carry.
    pub antialias: bool,
}

/// The gradient of [`Resize`]: the adjoint map.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ResizeBackward {
    /// The resizing.
    pub resize: Resize,
    /// Height and width of the images that it was given.
    pub input: (usize, usize),
}

fn check_images(op: &str, x: Ty) -> Result<[usize; 4]> {
    let &[n, h, w, c] = x.shape.dims() else {
        bail!("{op}: images have shape {}; expected (batch, height, width, channels)", x.shape);
    };
    Ok([n, h, w, c])
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("resize", inputs, 1)?;
        let x = inputs[0];
        let [n, h, w, c] = check_images("resize", x)?;
        if !x.dtype.is_float() && x.dtype != DType::U8 {
            bail!(Type, "resize: images have dtype {}; expected uint8 or a floating-point dtype", x.dtype);
        }
        if h == 0 || w == 0 {
            bail!("resize: images of shape {} have no pixels", x.shape);
        }
        Ok(vec![Ty::new(x.dtype, Shape::new(&[n, self.size.0, self.size.1, c])?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None]) };
        let shape = g.ty(node.inputs[0]).shape;
        Ok(vec![Some(g.push(ResizeBackward { resize: *self, input: (shape[1], shape[2]) }, &[d])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let [n, h, w, c] = check_images("resize", cx.inputs[0])?;
        let g = ResizeGeometry { n, h, w, c };
        match cx.inputs[0].dtype {
            DType::U8 => lower::<u8>(cx.isa, g, self.weights(h, 0)?, self.weights(w, 1)?),
            DType::F32 => lower::<f32>(cx.isa, g, self.weights(h, 0)?, self.weights(w, 1)?),
            _ => lower::<f64>(cx.isa, g, self.weights(h, 0)?, self.weights(w, 1)?),
        }
    }
}

impl Resize {
    /// The weights along the rows (`axis` 0) or columns.
    fn weights<T: dlrs_kernels::isa::Real>(&self, from: usize, axis: usize) -> Result<ResizeWeights<T>> {
        let to = [self.size.0, self.size.1][axis];
        Ok(ResizeWeights::new(from, to, self.interpolation, self.antialias)?)
    }
}

impl Op for ResizeBackward {
    fn name(&self) -> &'static str {
        "resize_backward"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("resize_backward", inputs, 1)?;
        let [n, h, w, c] = check_images("resize_backward", inputs[0])?;
        if !inputs[0].dtype.is_float() || (h, w) != self.resize.size {
            bail!(
                "resize_backward: the gradient is {}; expected floating-point images of size {:?}",
                inputs[0],
                self.resize.size
            );
        }
        Ok(vec![Ty::new(inputs[0].dtype, Shape::new(&[n, self.input.0, self.input.1, c])?)])
    }

    fn grad(&self, g: &mut Graph, _node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None]) };
        Ok(vec![Some(g.push(self.resize, &[e])?)])
    }

    fn for_images(&self, _: Isa, _: &[Ty], _: usize) -> Option<ForImages> {
        Some(ForImages { op: Arc::new(*self), operands: &[0], padding: 0 })
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let [n, h, w, c] = check_images("resize_backward", cx.inputs[0])?;
        let g = ResizeGeometry { n, h, w, c };
        let (rows, columns) = self.input;
        match cx.inputs[0].dtype {
            DType::F32 => {
                let along =
                    |from, axis| Ok::<_, crate::Error>(self.resize.weights::<f32>(from, axis)?.transposed(from)?);
                lower::<f32>(cx.isa, g, along(rows, 0)?, along(columns, 1)?)
            }
            _ => {
                let along =
                    |from, axis| Ok::<_, crate::Error>(self.resize.weights::<f64>(from, axis)?.transposed(from)?);
                lower::<f64>(cx.isa, g, along(rows, 0)?, along(columns, 1)?)
            }
        }
    }
}

/// Tiles of whole rows of results.
fn lower<P: ResizePixel>(
    isa: Isa,
    g: ResizeGeometry,
    rows: ResizeWeights<P::Sum>,
    columns: ResizeWeights<P::Sum>,
) -> Result<Lowered> {
    let (count, row) = (g.n * rows.len(), columns.len() * g.c);
    let (chunk, scratch) = ((TILE / row.max(g.w * g.c).max(1)).max(1), resize_scratch_len(&g));
    let taps =
        |weights: &ResizeWeights<P::Sum>| if weights.is_empty() { 0 } else { weights.run(weights.len() / 2).1.len() };
    let work = count * (g.w * g.c * taps(&rows) + columns.len() * g.c.next_multiple_of(16) * taps(&columns));
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let range = tile * chunk..count.min((tile + 1) * chunk);
        resize_rows::<P>(isa, &g, &rows, &columns, io.input(0), range, io.output(0), io.scratch(scratch));
    });
    let tiled = Lowered::by_rows(if row == 0 { 0 } else { count }, row, chunk, 1, body);
    Ok(tiled.scratch(scratch * size_of::<P::Sum>()).cost(20.0 + 0.1 * work as f64))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tensor::Tensor;

    fn cases() -> impl Iterator<Item = (Vec<usize>, Resize)> {
        let sizes = [([2, 5, 4, 3], (3, 7)), ([1, 3, 6, 17], (6, 2)), ([2, 4, 4, 1], (4, 4)), ([0, 3, 3, 2], (2, 2))];
        sizes.into_iter().flat_map(|(x, size)| {
            Resampling::ALL.into_iter().flat_map(move |(_, interpolation)| {
                [false, true].map(|antialias| (x.to_vec(), Resize { size, interpolation, antialias }))
            })
        })
    }

    #[test]
    fn gradients_to_any_order() {
        for (x, op) in cases() {
            check_gradient(&[noise(&x, 1)], &move |g, v| g.push(op, v));
            let d = noise(&[x[0], op.size.0, op.size.1, x[3]], 2);
            check_gradient(&[d], &move |g, v| g.push(ResizeBackward { resize: op, input: (x[1], x[2]) }, v));
        }
    }

    #[test]
    fn constants_stay_and_precisions_agree() {
        for (shape, op) in cases() {
            let n = shape.iter().product();
            let y = run(&op, &[f64s(&shape, &vec![0.7; n])]).unwrap().remove(0);
            assert!(values(&y).iter().all(|v| (v - 0.7).abs() < 1e-12), "{op:?}");
            let x = noise(&shape, 1);
            let want = run(&op, std::slice::from_ref(&x)).unwrap().remove(0);
            assert_close(&run(&op, &[cast(&x, DType::F32)]).unwrap()[0], &want, 1e-5);
            let bytes: Vec<u8> = values(&x).iter().map(|v| (v * 127.0 + 127.0) as u8).collect();
            let bytes = Tensor::from_slice(DType::U8, &shape, &bytes).unwrap();
            let want = run(&op, &[cast(&bytes, DType::F64)]).unwrap().remove(0);
            for (have, want) in values(&run(&op, &[bytes]).unwrap()[0]).into_iter().zip(values(&want)) {
                assert!((have - want.clamp(0.0, 255.0)).abs() < 0.5001, "{op:?}: {have} is not {want}");
            }
        }
    }

    #[test]
    fn lines_between_two_pixels() {
        let op = Resize { size: (1, 4), interpolation: Resampling::Bilinear, antialias: false };
        let y = run(&op, &[f64s(&[1, 1, 2, 1], &[0.0, 1.0])]).unwrap().remove(0);
        assert_eq!(values(&y), [0.0, 0.25, 0.75, 1.0]);
        let op = Resize { interpolation: Resampling::Area, size: (1, 2), ..op };
        let y = run(&op, &[f64s(&[1, 1, 3, 1], &[0.0, 3.0, 6.0])]).unwrap().remove(0);
        assert_eq!(values(&y), [1.0, 5.0]);
    }

    #[test]
    fn bad_arguments_are_named() {
        let op = Resize { size: (2, 2), interpolation: Resampling::Nearest, antialias: false };
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        assert!(refusal(op, &[ty(DType::F32, &[3, 3, 1])]).contains("images have shape (3, 3, 1)"));
        assert!(refusal(op, &[ty(DType::I32, &[1, 3, 3, 1])]).contains("dtype int32"));
        assert!(refusal(op, &[ty(DType::F32, &[1, 0, 3, 1])]).contains("no pixels"));
    }
}
