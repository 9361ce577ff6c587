//! Augmentation: one geometric map and a series of changes of colour, an image at a time.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::image::{Pixel, Stage, warp};
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

/// Images `[batch, height, width, channels]` of bytes or f32 under a map of their own and then under `stages`, as f32.
///
/// Operands: images; parameters f32 `[batch, numbers]`, of which each image's map takes the first eight, if there is a map
/// (see [`dlrs_kernels::image::Projection`]), and each stage those that it says.
#[derive(Clone, PartialEq, Debug)]
pub struct Augment {
    /// How images are read under the map; without one, they stay where they are.
    pub map: Option<Reading>,
    /// Rows and columns of the result.
    pub size: (usize, usize),
    /// Changes of colour, in order.
    pub stages: Vec<Stage>,
}

impl Augment {
    fn check_stages(&self, channels: usize, numbers: usize) -> Result<()> {
        if self.map.is_some() && numbers < 8 {
            bail!("augment: {numbers} parameters per image; a map takes 8");
        }
        for stage in &self.stages {
            let at = match *stage {
                Stage::Matrix { at } | Stage::HueSaturation { at, .. } if channels != 3 => {
                    bail!("augment: images have {channels} channels; {stage:?} takes 3, number {at} is its parameter")
                }
                Stage::Matrix { at }
                | Stage::Scale { at }
                | Stage::Contrast { at }
                | Stage::HueSaturation { at, .. }
                | Stage::Erase { at } => at,
                Stage::Clip { .. } => 0,
            };
            if at.checked_add(stage.parameters(channels)).is_none_or(|end| end > numbers) {
                bail!("augment: {stage:?} reads beyond the {numbers} parameters of an image");
            }
        }
        Ok(())
    }
}

impl Op for Augment {
    fn name(&self) -> &'static str {
        "augment"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        (self.map, self.size, &self.stages).hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        arity("augment", inputs, 2)?;
        let [n, h, w, c] = sizes("augment", inputs[0])?;
        if !matches!(inputs[0].dtype, DType::U8 | DType::F32) {
            bail!(Type, "augment: images have dtype {}; expected uint8 or float32", inputs[0].dtype);
        }
        if self.map.is_none() && self.size != (h, w) {
            bail!("augment: a result of {:?} pixels from images of {:?} needs a map", self.size, (h, w));
        }
        match inputs[1].shape.dims() {
            &[m, numbers] if m == n && inputs[1].dtype == DType::F32 => self.check_stages(c, numbers)?,
            _ => bail!("augment: parameters have type {}; expected float32({n}, numbers)", inputs[1]),
        }
        Ok(vec![Ty::new(DType::F32, Shape::new(&[n, self.size.0, self.size.1, c])?)])
    }

    fn grad(&self, _: &mut Graph, _: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        if d_outputs[0].is_none() {
            return Ok(vec![None; 2]);
        }
        no_gradient("augment", "it prepares data; call the layers one by one for gradients by images")
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        match cx.inputs[0].dtype {
            DType::U8 => self.lower_as::<u8>(cx),
            _ => self.lower_as::<f32>(cx),
        }
    }

    fn takes(&self, dtype: DType) -> bool {
        dtype == DType::U8 || !dtype.is_narrow()
    }
}

impl Augment {
    fn lower_as<T: Pixel<Real = f32>>(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let dims = sizes("augment", cx.inputs[0])?;
        let numbers = cx.inputs[1].shape[1];
        let (isa, op) = (cx.isa, self.clone());
        let item = self.size.0 * self.size.1 * dims[3];
        let chunk = (TILE / item.max(1)).max(1);
        let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
            let (x, parameters) = (io.input::<T>(0), io.input::<f32>(1));
            let mut y = io.output::<f32>(0);
            for (i, y) in y.as_slice().chunks_exact_mut(item.max(1)).enumerate() {
                let i = tile * chunk + i;
                let (image, parameters) = (image(x, dims, i), &parameters[i * numbers..(i + 1) * numbers]);
                match op.map {
                    Some(reading) => {
                        let map = parameters[..8].try_into().expect("eight numbers");
                        warp(isa, &image, &reading.sampling(), &map, (0, op.size.1), y);
                    }
                    None => y.iter_mut().zip(image.data).for_each(|(y, x)| *y = x.real()),
                }
                op.stages.iter().for_each(|stage| stage.run(isa, parameters, y, op.size.1, dims[3]));
            }
        });
        let cost = (1.0 + 0.5 * self.stages.len() as f64) * (dims[0] * item) as f64;
        Ok(Lowered::by_rows(dims[0], item, chunk, 1, body).cost(20.0 + cost))
    }
}

#[cfg(test)]
mod tests {
    use dlrs_kernels::image::{Border, Interpolation};

    use super::*;
    use crate::ops::testing::*;
    use crate::tensor::Tensor;

    #[test]
    fn a_map_and_stages() {
        // Columns exchanged, then 2x + 1, at most 9.
        let reading = Reading::new(Interpolation::Bilinear, Border::Constant, 0.0);
        let stages = vec![Stage::Scale { at: 8 }, Stage::Clip { low: 0.0, high: 9.0 }];
        let op = Augment { map: Some(reading), size: (2, 2), stages };
        let x = Tensor::from_slice(DType::U8, &[1, 2, 2, 1], &[1u8, 2, 3, 5]).unwrap();
        let numbers = [-1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 1.0];
        let y = run(&op, &[x, f32s(&[1, 10], &numbers)]).unwrap();
        assert_eq!(values(&y[0]), [5.0, 3.0, 9.0, 7.0]);
    }

    #[test]
    fn refusals() {
        let ty = |dtype, dims: &[usize]| Ty::new(dtype, Shape::new(dims).unwrap());
        let op = |stages| Augment { map: None, size: (4, 4), stages };
        let (grey, p) = (ty(DType::U8, &[2, 4, 4, 1]), ty(DType::F32, &[2, 6]));
        assert!(refusal(op(vec![Stage::Matrix { at: 0 }]), &[grey, p]).contains("images have 1 channels"));
        assert!(refusal(op(vec![Stage::Scale { at: 5 }]), &[grey, p]).contains("reads beyond the 6 parameters"));
        assert!(refusal(op(vec![]), &[grey, ty(DType::F32, &[3, 6])]).contains("expected float32(2, numbers)"));
        assert!(refusal(op(vec![]), &[ty(DType::U8, &[2, 5, 4, 1]), p]).contains("needs a map"));
        assert!(refusal(op(vec![]), &[ty(DType::I32, &[2, 4, 4, 1]), p]).contains("images have dtype int32"));
    }
}
