//! Two-dimensional convolution and its two gradients. Each is linear in both operands, so the gradients of any of the three are the
//! other two, to any order.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::conv::{
    ConvElement, ConvGeometry, conv_forward, conv_input_grad, conv_kernel_grad, conv_scratch_len,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{TileIo, TileMut};

use super::{LowerCx, Lowered, NodeRef, Op, arity};
use crate::error::Result;
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

/// Convolution (cross-correlation) of x `[batch, height, width, channels]` with a kernel `[height, width, channels, filters]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv2d {
    /// Rows and columns of x between two outputs.
    pub strides: (usize, usize),
    /// Rows and columns of zeros around x: top, bottom, left, right.
    pub padding: (usize, usize, usize, usize),
    /// Rows and columns of x between two taps.
    pub dilation: (usize, usize),
}

/// The gradient of [`Conv2d`] with respect to x. Operands: the gradient of the result, the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv2dBackwardInput {
    /// The convolution.
    pub conv: Conv2d,
    /// Shape of x.
    pub input: Shape,
}

/// The gradient of [`Conv2d`] with respect to the kernel. Operands: x, the gradient of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv2dBackwardKernel {
    /// The convolution.
    pub conv: Conv2d,
    /// Shape of the kernel.
    pub kernel: Shape,
}

/// Positions along one axis: of `n` elements with `before` + `after` zeros around them, under a kernel of `k` taps.
fn positions(n: usize, k: usize, (before, after): (usize, usize), stride: usize, dilation: usize) -> Option<usize> {
    let reach = k.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    let padded = n.checked_add(before)?.checked_add(after)?;
    Some(padded.checked_sub(reach)? / stride + 1)
}

impl Conv2d {
    /// The sizes, or what is wrong with them.
    fn geometry(&self, op: &str, x: &Shape, kernel: &Shape) -> Result<ConvGeometry> {
        let &[n, h, w, c_in] = x.dims() else {
            bail!("{op}: x has shape {x}; expected (batch, height, width, channels)");
        };
        let &[kh, kw, c_kernel, c_out] = kernel.dims() else {
            bail!("{op}: kernel has shape {kernel}; expected (height, width, channels, filters)");
        };
        if c_in != c_kernel {
            bail!("{op}: x of shape {x} has {c_in} channels; kernel of shape {kernel} takes {c_kernel}");
        }
        if [self.strides.0, self.strides.1, self.dilation.0, self.dilation.1].contains(&0) {
            bail!("{op}: strides {:?} and dilation {:?} must be at least 1", self.strides, self.dilation);
        }
        let (top, bottom, left, right) = self.padding;
        let rows = positions(h, kh, (top, bottom), self.strides.0, self.dilation.0);
        let cols = positions(w, kw, (left, right), self.strides.1, self.dilation.1);
        let (Some(oh), Some(ow)) = (rows, cols) else {
            bail!(
                "{op}: kernel of shape {kernel} with dilation {:?} does not fit x of shape {x} with padding {:?}",
                self.dilation,
                self.padding
            );
        };
        let (strides, dilation) = (self.strides, self.dilation);
        Ok(ConvGeometry { n, h, w, c_in, kh, kw, c_out, oh, ow, strides, dilation, pad_top: top, pad_left: left })
    }

    /// As [`geometry`](Self::geometry), with the check that `d` has the result's shape.
    fn geometry_of_gradient(&self, op: &str, x: &Shape, kernel: &Shape, d: &Shape) -> Result<ConvGeometry> {
        let g = self.geometry(op, x, kernel)?;
        if d.dims() != [g.n, g.oh, g.ow, g.c_out] {
            bail!("{op}: the gradient has shape {d}; expected {}", Shape::new(&[g.n, g.oh, g.ow, g.c_out])?);
        }
        Ok(g)
    }

    fn backward_input(&self, g: &mut Graph, x: Shape, kernel: Val, d: Val) -> Result<Val> {
        g.push(Conv2dBackwardInput { conv: *self, input: x }, &[d, kernel])
    }

    fn backward_kernel(&self, g: &mut Graph, kernel: Shape, x: Val, d: Val) -> Result<Val> {
        g.push(Conv2dBackwardKernel { conv: *self, kernel }, &[x, d])
    }
}

/// Checks two operands' dtypes.
fn check_dtypes(op: &str, names: [&str; 2], inputs: &[Ty]) -> Result<DType> {
    arity(op, inputs, 2)?;
    let (a, b) = (inputs[0].dtype, inputs[1].dtype);
    if a != b || !a.is_float() {
        bail!(Type, "{op}: {} has dtype {a}, {} has dtype {b}; expected one floating-point dtype", names[0], names[1]);
    }
    Ok(a)
}

impl Op for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes("conv2d", ["x", "kernel"], inputs)?;
        let g = self.geometry("conv2d", &inputs[0].shape, &inputs[1].shape)?;
        Ok(vec![Ty::new(dtype, Shape::new(&[g.n, g.oh, g.ow, g.c_out])?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (x, kernel) = (node.inputs[0], node.inputs[1]);
        let dx = self.backward_input(g, g.ty(x).shape, kernel, d)?;
        let dw = self.backward_kernel(g, g.ty(kernel).shape, x, d)?;
        Ok(vec![Some(dx), Some(dw)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.geometry("conv2d", &cx.inputs[0].shape, &cx.inputs[1].shape)?;
        let item = g.oh * g.ow * g.c_out;
        Ok(match cx.outputs[0].dtype {
            DType::F32 => lower::<f32>(cx.isa, g, (g.n, item), 0.01, conv_forward),
            _ => lower::<f64>(cx.isa, g, (g.n, item), 0.5, conv_forward),
        })
    }
}

impl Op for Conv2dBackwardInput {
    fn name(&self) -> &'static str {
        "conv2d_backward_input"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes(self.name(), ["gradient", "kernel"], inputs)?;
        self.conv.geometry_of_gradient(self.name(), &self.input, &inputs[1].shape, &inputs[0].shape)?;
        Ok(vec![Ty::new(dtype, self.input)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (d, kernel) = (node.inputs[0], node.inputs[1]);
        let dw = self.conv.backward_kernel(g, g.ty(kernel).shape, e, d)?;
        Ok(vec![Some(g.push(self.conv, &[e, kernel])?), Some(dw)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.conv.geometry(self.name(), &self.input, &cx.inputs[1].shape)?;
        let item = g.h * g.w * g.c_in;
        Ok(match cx.outputs[0].dtype {
            DType::F32 => lower::<f32>(cx.isa, g, (g.n, item), 0.01, conv_input_grad),
            _ => lower::<f64>(cx.isa, g, (g.n, item), 0.5, conv_input_grad),
        })
    }
}

impl Op for Conv2dBackwardKernel {
    fn name(&self) -> &'static str {
        "conv2d_backward_kernel"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes(self.name(), ["x", "gradient"], inputs)?;
        self.conv.geometry_of_gradient(self.name(), &inputs[0].shape, &self.kernel, &inputs[1].shape)?;
        Ok(vec![Ty::new(dtype, self.kernel)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(e) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (x, d) = (node.inputs[0], node.inputs[1]);
        let dx = self.conv.backward_input(g, g.ty(x).shape, e, d)?;
        Ok(vec![Some(dx), Some(g.push(self.conv, &[x, e])?)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.conv.geometry(self.name(), &cx.inputs[0].shape, &self.kernel)?;
        let item = g.c_in * g.c_out;
        Ok(match cx.outputs[0].dtype {
            DType::F32 => lower::<f32>(cx.isa, g, (g.kh * g.kw, item), 0.01, conv_kernel_grad),
            _ => lower::<f64>(cx.isa, g, (g.kh * g.kw, item), 0.5, conv_kernel_grad),
        })
    }
}

/// One of the three passes: its two operands, which images or taps, and where they go.
type Pass<T> = fn(Isa, &ConvGeometry, &[T], &[T], Range<usize>, TileMut<'_, T>, &mut [T]);

/// Tiles of one item (image or tap) each; `flop` is the time of one multiply-add in nanoseconds.
fn lower<T: ConvElement>(
    isa: Isa,
    g: ConvGeometry,
    (items, item): (usize, usize),
    flop: f64,
    pass: Pass<T>,
) -> Lowered {
    let scratch = conv_scratch_len(isa, &g);
    let macs = g.n * g.oh * g.ow * g.c_out * g.kh * g.kw * g.c_in;
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (a, b) = (io.input::<T>(0), io.input::<T>(1));
        pass(isa, &g, a, b, tile..tile + 1, io.output(0), io.scratch(scratch));
    });
    Lowered::by_rows(items, item, 1, 1, body).scratch(scratch * size_of::<T>()).cost(20.0 + flop * macs as f64)
}

impl Graph {
    /// Convolution of x `[batch, height, width, channels]` with a kernel `[height, width, channels, filters]`.
    pub fn conv2d(&mut self, conv: Conv2d, x: Val, kernel: Val) -> Result<Val> {
        self.push(conv, &[x, kernel])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::tensor::Tensor;

    const CASES: &[([usize; 4], [usize; 4], Conv2d)] = &[
        ([2, 5, 6, 3], [3, 3, 3, 4], Conv2d { strides: (1, 1), padding: (1, 1, 1, 1), dilation: (1, 1) }),
        ([2, 7, 6, 2], [3, 2, 2, 5], Conv2d { strides: (2, 3), padding: (0, 1, 2, 0), dilation: (1, 1) }),
        ([1, 8, 9, 1], [2, 3, 1, 2], Conv2d { strides: (2, 1), padding: (1, 0, 0, 2), dilation: (3, 2) }),
        ([3, 4, 4, 5], [1, 1, 5, 2], Conv2d { strides: (1, 1), padding: (0, 0, 0, 0), dilation: (1, 1) }),
        ([0, 4, 4, 2], [3, 3, 2, 2], Conv2d { strides: (1, 1), padding: (0, 0, 0, 0), dilation: (1, 1) }),
    ];

    fn reference(x: &Tensor, w: &Tensor, y: &Shape, conv: Conv2d) -> Vec<f64> {
        let (xs, ws) = (*x.shape(), *w.shape());
        let mut out = Vec::new();
        for i in 0..y.size() {
            let (image, oy, ox, co) = (i / y[3] / y[2] / y[1], i / y[3] / y[2] % y[1], i / y[3] % y[2], i % y[3]);
            let mut sum = 0.0;
            for t in 0..ws[0] * ws[1] * ws[2] {
                let (ky, kx, ci) = (t / ws[2] / ws[1], t / ws[2] % ws[1], t % ws[2]);
                let row = (oy * conv.strides.0 + ky * conv.dilation.0).checked_sub(conv.padding.0);
                let col = (ox * conv.strides.1 + kx * conv.dilation.1).checked_sub(conv.padding.2);
                let (Some(row), Some(col)) = (row.filter(|&r| r < xs[1]), col.filter(|&c| c < xs[2])) else { continue };
                sum += x.get(((image * xs[1] + row) * xs[2] + col) * xs[3] + ci) * w.get(t * ws[3] + co);
            }
            out.push(sum);
        }
        out
    }

    #[test]
    fn convolutions_agree_with_the_definition() {
        for &(x, w, conv) in CASES {
            let (x, w) = (noise(&x, 1), noise(&w, 2));
            let y = run(&conv, &[x.clone(), w.clone()]).unwrap().remove(0);
            let want = f64s(y.shape(), &reference(&x, &w, y.shape(), conv));
            assert_close(&y, &want, 1e-12);
            let single = run(&conv, &[cast(&x, DType::F32), cast(&w, DType::F32)]).unwrap().remove(0);
            assert_close(&single, &want, 1e-5);
        }
    }

    #[test]
    fn gradients_of_all_three() {
        for &(x, w, conv) in CASES {
            check_gradient(&[noise(&x, 1), noise(&w, 2)], &|g, v| g.conv2d(conv, v[0], v[1]));
        }
        let (x, w, conv) = CASES[1];
        let (x, w) = (noise(&x, 1), noise(&w, 2));
        let d = noise(run(&conv, &[x.clone(), w.clone()]).unwrap()[0].shape(), 3);
        let (input, kernel) = (*x.shape(), *w.shape());
        check_gradient(&[d.clone(), w.clone()], &|g, v| g.push(Conv2dBackwardInput { conv, input }, v));
        check_gradient(&[x.clone(), d.clone()], &|g, v| g.push(Conv2dBackwardKernel { conv, kernel }, v));
        // Single precision takes other kernels.
        let single = |op: &dyn Op, a: &Tensor, b: &Tensor| {
            let want = run(op, &[a.clone(), b.clone()]).unwrap().remove(0);
            let have = run(op, &[cast(a, DType::F32), cast(b, DType::F32)]).unwrap().remove(0);
            assert_close(&have, &want, 1e-5);
        };
        single(&Conv2dBackwardInput { conv, input }, &d, &w);
        single(&Conv2dBackwardKernel { conv, kernel }, &x, &d);
    }

    #[test]
    fn bad_arguments_are_named() {
        let ty = |dims: &[usize]| Ty::new(DType::F32, Shape::new(dims).unwrap());
        let conv = Conv2d { strides: (1, 1), padding: (0, 0, 0, 0), dilation: (1, 1) };
        let (x, w) = (ty(&[2, 5, 5, 3]), ty(&[3, 3, 3, 8]));
        assert_eq!(
            refusal(conv, &[ty(&[5, 5, 3]), w]),
            "conv2d: x has shape (5, 5, 3); expected (batch, height, width, channels)"
        );
        assert_eq!(
            refusal(conv, &[x, ty(&[3, 3, 4, 8])]),
            "conv2d: x of shape (2, 5, 5, 3) has 3 channels; kernel of shape (3, 3, 4, 8) takes 4"
        );
        assert!(refusal(conv, &[x, ty(&[6, 3, 3, 8])]).contains("does not fit x of shape (2, 5, 5, 3)"));
        let backward = Conv2dBackwardInput { conv, input: x.shape };
        assert!(refusal(backward, &[x, w]).contains("the gradient has shape (2, 5, 5, 3); expected (2, 3, 3, 8)"));
        assert!(refusal(Conv2d { strides: (0, 1), ..conv }, &[x, w]).contains("must be at least 1"));
    }
}
