//! Images read at given positions.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::image::{Coordinate, Pixel, remap_row, remap_row_coordinate_gradient, remap_row_image_gradient};
use dlrs_kernels::mem::TileIo;

use super::{Reading, image, sizes};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::ops::tiles::TILE;
use crate::ops::{LowerCx, Lowered, NodeRef, Op, arity, no_gradient};
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// The values of images `[batch, height, width, channels]` at positions `[batch, rows, columns, 2]`, pairs (row, column).
/// Operands: images of bytes or of a float type, positions of the type in which bytes or those floats are computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Remap {
    /// How images are read.
    pub reading: Reading,
}

/// The gradient of [`Remap`] with respect to the images. Operands: positions, the gradient of the values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RemapBackwardImages {
    /// How images are read.
    pub reading: Reading,
    /// Rows and columns of the images.
    pub size: (usize, usize),
}

/// The gradient of [`Remap`] with respect to the positions. Operands: images, positions, the gradient of the values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RemapBackwardPositions {
    /// How images are read.
    pub reading: Reading,
}

/// Nanoseconds of one element of single and of double precision.
const COST: [f64; 2] = [1.5, 6.0];

/// Rows and columns of positions for images of a batch `n`, computed in `dtype`.
fn grid(op: &str, n: usize, dtype: DType, positions: Ty) -> Result<(usize, usize)> {
    let &[m, rows, columns, 2] = positions.shape.dims() else {
        bail!("{op}: positions have shape {}; expected (batch, rows, columns, 2)", positions.shape);
    };
    if m != n || positions.dtype != dtype {
        bail!(
            "{op}: positions have type {positions} for a batch of {n} images; expected {dtype}({n}, rows, columns, 2)"
        );
    }
    Ok((rows, columns))
}

/// The type in which images of this one are read.
fn computed(op: &str, dtype: DType) -> Result<DType> {
    match dtype {
        DType::U8 | DType::F32 => Ok(DType::F32),
        DType::F64 => Ok(DType::F64),
        _ => bail!(Type, "{op}: images have dtype {dtype}; expected uint8 or a floating-point dtype"),
    }
}

impl Op for Remap {
    fn name(&self) -> &'static str {
        "remap"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("remap", inputs, 2)?;
        let [n, _, _, c] = sizes("remap", inputs[0])?;
        let dtype = computed("remap", inputs[0].dtype)?;
        let (rows, columns) = grid("remap", n, dtype, inputs[1])?;
        Ok(vec![Ty::new(dtype, Shape::new(&[n, rows, columns, c])?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (x, at) = (node.inputs[0], node.inputs[1]);
        let [_, height, width, _] = sizes("remap", g.ty(x))?;
        if !g.ty(x).dtype.is_float() {
            let x = g.cast(x, g.ty(at).dtype)?;
            return Ok(vec![None, Some(g.push(RemapBackwardPositions { reading: self.reading }, &[x, at, d])?)]);
        }
        let dx = g.push(RemapBackwardImages { reading: self.reading, size: (height, width) }, &[at, d])?;
        let dp = g.push(RemapBackwardPositions { reading: self.reading }, &[x, at, d])?;
        Ok(vec![Some(dx), Some(dp)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.inputs[0].dtype {
            DType::U8 => self.lower_as::<u8>(cx, COST[0]),
            DType::F32 => self.lower_as::<f32>(cx, COST[0]),
            _ => self.lower_as::<f64>(cx, COST[1]),
        })
    }

    fn takes(&self, dtype: DType) -> bool {
        dtype == DType::U8 || !dtype.is_narrow()
    }
}

impl Remap {
    fn lower_as<T: Pixel>(&self, cx: &LowerCx<'_>, cost: f64) -> Lowered {
        let dims = sizes("remap", cx.inputs[0]).expect("the types were checked");
        let (isa, sampling) = (cx.isa, self.reading.sampling::<T::Real>());
        let out = cx.outputs[0].shape;
        let (rows, columns) = (out[1], out[2]);
        let item = columns * dims[3];
        let chunk = TILE / item.max(1);
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (x, at) = (io.input::<T>(0), io.input::<T::Real>(1));
            let mut y = io.output::<T::Real>(0);
            for (i, y) in y.as_slice().chunks_exact_mut(item.max(1)).enumerate() {
                let row = tile * chunk.max(1) + i;
                let at = &at[row * columns * 2..(row + 1) * columns * 2];
                remap_row(isa, &image(x, dims, row / rows), &sampling, at, y);
            }
        });
        Lowered::by_rows(dims[0] * rows, item, chunk, 1, body).cost(20.0 + cost * out.size() as f64)
    }
}

impl Op for RemapBackwardImages {
    fn name(&self) -> &'static str {
        "remap_backward_images"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 2)?;
        let &[n, rows, columns, c] = inputs[1].shape.dims() else {
            bail!("{}: the gradient has shape {}; expected four axes", self.name(), inputs[1].shape);
        };
        if grid(self.name(), n, inputs[1].dtype, inputs[0])? != (rows, columns) || !inputs[1].dtype.is_float() {
            bail!("{}: positions have type {}, the gradient {}", self.name(), inputs[0], inputs[1]);
        }
        Ok(vec![Ty::new(inputs[1].dtype, Shape::new(&[n, self.size.0, self.size.1, c])?)])
    }

    /// Linear in the gradient d; by the positions, Σ e·(values with weights d) is what the remapped e gives with d.
    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (at, d) = (node.inputs[0], node.inputs[1]);
        let reading = self.reading.linear();
        let dp = g.push(RemapBackwardPositions { reading }, &[e, at, d])?;
        Ok(vec![Some(dp), Some(g.push(Remap { reading }, &[e, at])?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.outputs[0].dtype {
            DType::F32 => self.lower_as::<f32>(cx, COST[0]),
            _ => self.lower_as::<f64>(cx, COST[1]),
        })
    }
}

impl RemapBackwardImages {
    /// A tile is one image: its pixels are summed up in the order of the positions.
    fn lower_as<F: Coordinate + Pixel<Real = F>>(&self, cx: &LowerCx<'_>, cost: f64) -> Lowered {
        let (reading, size) = (self.reading, self.size);
        let d = cx.inputs[1].shape;
        let (values, item) = (d[1] * d[2] * d[3], size.0 * size.1 * d[3]);
        let places = d[1] * d[2] * 2;
        let body = Arc::new(move |i: usize, io: &mut TileIo<'_>| {
            let (at, d) = (io.input::<F>(0), io.input::<F>(1));
            let mut y = io.output::<F>(0);
            let y = y.as_slice();
            y.fill(F::of(0.0));
            if !y.is_empty() {
                let (at, d) = (&at[i * places..(i + 1) * places], &d[i * values..(i + 1) * values]);
                remap_row_image_gradient(size, &reading.sampling(), at, d, y);
            }
        });
        Lowered::by_rows(d[0], item, 1, 1, body).cost(20.0 + 4.0 * cost * d.size() as f64)
    }
}

impl Op for RemapBackwardPositions {
    fn name(&self) -> &'static str {
        "remap_backward_positions"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity(self.name(), inputs, 3)?;
        let [n, _, _, c] = sizes(self.name(), inputs[0])?;
        let (rows, columns) = grid(self.name(), n, inputs[0].dtype, inputs[1])?;
        let want = Ty::new(inputs[0].dtype, Shape::new(&[n, rows, columns, c])?);
        if inputs[2] != want || !inputs[0].dtype.is_float() {
            bail!("{}: the gradient has type {}; expected {want}", self.name(), inputs[2]);
        }
        Ok(vec![inputs[1]])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[0].is_none() {
            return Ok(vec![None; 3]);
        }
        no_gradient(self.name(), "interpolation has no second derivative by positions")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        Ok(match cx.outputs[0].dtype {
            DType::F32 => self.lower_as::<f32>(cx, COST[0]),
            _ => self.lower_as::<f64>(cx, COST[1]),
        })
    }
}

impl RemapBackwardPositions {
    fn lower_as<F: Coordinate + Pixel<Real = F>>(&self, cx: &LowerCx<'_>, cost: f64) -> Lowered {
        let dims = sizes(self.name(), cx.inputs[0]).expect("the types were checked");
        let reading = self.reading;
        let out = cx.outputs[0].shape;
        let (rows, columns, channels) = (out[1], out[2], dims[3]);
        let chunk = TILE / (columns * channels).max(1);
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (x, at, d) = (io.input::<F>(0), io.input::<F>(1), io.input::<F>(2));
            let mut y = io.output::<F>(0);
            for (i, y) in y.as_slice().chunks_exact_mut((2 * columns).max(1)).enumerate() {
                let row = tile * chunk.max(1) + i;
                if channels == 0 {
                    y.fill(F::of(0.0));
                    continue;
                }
                let at = &at[row * columns * 2..(row + 1) * columns * 2];
                let d = &d[row * columns * channels..(row + 1) * columns * channels];
                remap_row_coordinate_gradient(&image(x, dims, row / rows), &reading.sampling(), at, d, y);
            }
        });
        let elements = (dims[0] * rows * columns * channels) as f64;
        Lowered::by_rows(dims[0] * rows, 2 * columns, chunk, 1, body).cost(20.0 + 2.0 * cost * elements)
    }
}

#[cfg(test)]
mod tests {
    use dlrs_kernels::image::{Border, Interpolation};

    use super::*;
    use crate::ops::testing::*;

    fn positions(shape: &[usize]) -> crate::Tensor {
        let data: Vec<f64> = values(&noise(shape, 3)).iter().map(|x| 1.5 + 3.7 * x).collect();
        f64s(shape, &data)
    }

    #[test]
    fn gradients() {
        for border in Border::ALL {
            let x = [noise(&[2, 4, 5, 3], 1), positions(&[2, 3, 2, 2])];
            let remap = Remap { reading: Reading::new(Interpolation::Bilinear, border, 0.5) };
            check_gradient(&x, &|g, x| g.push(remap, x));
            check_gradient(&x[..1], &|g, x| {
                let at = g.constant(positions(&[2, 3, 2, 2]));
                let y = g.push(remap, &[x[0], at])?;
                g.square(y)
            });
            let back = RemapBackwardImages { reading: remap.reading, size: (4, 5) };
            check_gradient(&[positions(&[2, 3, 2, 2]), noise(&[2, 3, 2, 1], 2)], &|g, x| g.push(back, x));
        }
    }

    #[test]
    fn the_nearest_pixel() {
        let remap = Remap { reading: Reading::new(Interpolation::Nearest, Border::Constant, 7.0) };
        let x = f64s(&[1, 2, 2, 1], &[0.0, 1.0, 2.0, 3.0]);
        let at = f64s(&[1, 1, 4, 2], &[0.4, 0.4, 0.5, -0.5, 1.2, 0.9, 1.5, 0.0]);
        assert_eq!(values(&run(&remap, &[x, at]).unwrap()[0]), [0.0, 2.0, 3.0, 7.0]);
        let x = [noise(&[1, 4, 5, 2], 1), positions(&[1, 3, 2, 2])];
        check_gradient(&x, &|g, x| g.push(remap, x));
    }

    #[test]
    fn refusals() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let remap = Remap { reading: Reading::new(Interpolation::Nearest, Border::Wrap, 0.0) };
        let image = ty(DType::F32, &[1, 4, 4, 1]);
        assert!(refusal(remap, &[ty(DType::F32, &[4, 4, 1]), image]).contains("images have shape (4, 4, 1)"));
        assert!(refusal(remap, &[ty(DType::I32, &[1, 4, 4, 1]), image]).contains("images have dtype int32"));
        assert!(refusal(remap, &[image, ty(DType::F32, &[1, 4, 4, 3])]).contains("positions have shape"));
        assert!(refusal(remap, &[image, ty(DType::F32, &[2, 4, 4, 2])]).contains("for a batch of 1 images"));
        assert!(refusal(remap, &[ty(DType::F32, &[1, 0, 4, 1]), image]).contains("at least one pixel"));
    }
}
