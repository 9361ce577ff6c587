//! Convolution over one, two or three spatial axes, and its two gradients. Each is linear in both operands, so the gradients of any
//! of the three are the other two, to any order.

use std::hash::Hash;
use std::sync::Arc;

use dlrs_kernels::conv::{ConvGeometry, Winograd};
use dlrs_kernels::isa::Isa;

use super::{
    Contraction, ForImages, FusionClass, LowerCx, Lowered, NodeRef, Op, Packing, Preparation, TileConsumer, arity,
};
use crate::error::{Error, Result};
use crate::graph::{Graph, Val};
use crate::key::KeyHasher;
use crate::shape::Shape;
use crate::tensor::Ty;
use crate::{DType, bail};

mod kernel_grad;
mod lower;
#[cfg(test)]
mod tests;
mod winograd;

pub use kernel_grad::ConvKernelParts;
use lower::Pass;

/// Convolution (cross-correlation) of x `[n, .., channels]` with a kernel `[.., channels / groups, filters]`.
///
/// There are one to three spatial axes: the last of the three that each attribute has, the others being neutral.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conv {
    /// Positions of x between two outputs.
    pub strides: [usize; 3],
    /// Zeros (before, after) x.
    pub padding: [(usize, usize); 3],
    /// Positions of x between two taps.
    pub dilation: [usize; 3],
    /// Groups of channels: each group of filters sees one group of the channels.
    pub groups: usize,
    /// Which algorithms may compute it.
    pub algo: ConvAlgo,
}

/// Which algorithms may compute a convolution in single precision.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ConvAlgo {
    /// The fastest for its shape, by a committed table ([`choose`](dlrs_kernels::conv::choose)): minimal filtering reassociates sums,
    /// within the bound that [`Winograd`](dlrs_kernels::conv::Winograd) states.
    #[default]
    Auto,
    /// The definition, every output a sum of its own terms.
    Direct,
    /// This one, chosen before.
    Chosen(Winograd),
}

/// The gradient of [`Conv`] with respect to x, which is transposed convolution. Operands: the gradient of the result, the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvBackwardInput {
    /// The convolution.
    pub conv: Conv,
    /// Shape of x.
    pub input: Shape,
}

/// The gradient of [`Conv`] with respect to the kernel. Operands: x, the gradient of the result, and, if they were computed before,
/// the [parts](ConvKernelParts) of the sum that it is. They are a function of the first two, so the gradient goes to those alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConvBackwardKernel {
    /// The convolution.
    pub conv: Conv,
    /// Shape of the kernel.
    pub kernel: Shape,
}

/// The largest stride, dilation and padding: products of them with sizes of tensors keep within 64 bits.
const LARGEST: usize = i32::MAX as usize;

/// Positions along one axis: of `n` elements with `before` + `after` zeros around them, under a kernel of `k` taps.
fn positions(n: usize, k: usize, (before, after): (usize, usize), stride: usize, dilation: usize) -> Option<usize> {
    let reach = k.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    let padded = n.checked_add(before)?.checked_add(after)?;
    Some(padded.checked_sub(reach)? / stride + 1)
}

/// One to three spatial sizes as three, the leading ones 1.
fn three_axes(space: &[usize]) -> [usize; 3] {
    let mut sizes = [1; 3];
    sizes[3 - space.len()..].copy_from_slice(space);
    sizes
}

impl Conv {
    /// Every position, without zeros around x, in one group.
    pub const PLAIN: Conv =
        Conv { strides: [1; 3], padding: [(0, 0); 3], dilation: [1; 3], groups: 1, algo: ConvAlgo::Auto };

    /// The sizes, or what is wrong with them.
    fn geometry(&self, op: &str, x: &Shape, kernel: &Shape) -> Result<ConvGeometry> {
        let (&[n, ref space @ .., c_in], 3..=5) = (x.dims(), x.rank()) else {
            bail!("{op}: x has shape {x}; expected (batch, .., channels) with one to three spatial axes");
        };
        let (&[ref window @ .., c_group, c_out], true) = (kernel.dims(), kernel.rank() == x.rank()) else {
            bail!("{op}: kernel has shape {kernel}; expected as many axes as x, which has shape {x}");
        };
        let Conv { strides, padding, dilation, groups, .. } = *self;
        if groups == 0 || c_in % groups != 0 || c_out % groups != 0 {
            bail!("{op}: the {c_in} channels of x and the {c_out} filters cannot be cut into {groups} groups");
        }
        if c_in / groups != c_group {
            let each = if groups == 1 { String::new() } else { format!(" in each of {groups} groups") };
            bail!("{op}: x of shape {x} has {c_in} channels; kernel of shape {kernel} takes {c_group}{each}");
        }
        let rank = space.len();
        let (attributes, neutral) = (strides.iter().zip(&padding).zip(&dilation), ((&1, &(0, 0)), &1));
        if attributes.take(3 - rank).any(|axis| axis != neutral) {
            bail!(
                "{op}: strides {strides:?}, padding {padding:?} and dilation {dilation:?} are for more axes than x of shape {x} has"
            );
        }
        if strides.contains(&0) || dilation.contains(&0) {
            let axes = 3 - rank..;
            bail!("{op}: strides {:?} and dilation {:?} must be at least 1", &strides[axes.clone()], &dilation[axes]);
        }
        let numbers = strides.iter().chain(&dilation).chain(padding.iter().flat_map(|(before, after)| [before, after]));
        if numbers.copied().max().is_some_and(|most| most > LARGEST) {
            let axes = 3 - rank..;
            bail!(
                "{op}: strides {:?}, padding {:?} and dilation {:?} must be at most {LARGEST}",
                &strides[axes.clone()],
                &padding[axes.clone()],
                &dilation[axes]
            );
        }
        let (input, window) = (three_axes(space), three_axes(window));
        let mut output = [0; 3];
        for (axis, size) in output.iter_mut().enumerate() {
            let fit = positions(input[axis], window[axis], padding[axis], strides[axis], dilation[axis]);
            let Some(fit) = fit else {
                bail!(
                    "{op}: kernel of shape {kernel} with dilation {:?} does not fit x of shape {x} with padding {:?}",
                    &dilation[3 - rank..],
                    &padding[3 - rank..]
                );
            };
            *size = fit;
        }
        let pad = padding.map(|(before, _)| before);
        Ok(ConvGeometry { n, input, c_in, kernel: window, c_out, output, strides, dilation, pad, groups })
    }

    /// The same convolution with what was chosen for many images as the only choice.
    fn chosen(&self, pass: Pass, isa: Isa, dtype: DType, g: &ConvGeometry) -> Conv {
        let algo = winograd::choice(pass, self.algo, isa, dtype, g).map_or(ConvAlgo::Direct, ConvAlgo::Chosen);
        Conv { algo, ..*self }
    }

    /// Shape of the result, for an x of `rank` axes.
    fn result(g: &ConvGeometry, rank: usize) -> Result<Shape> {
        let space = &g.output[5 - rank..];
        Shape::new(&[&[g.n], space, &[g.c_out]].concat()).map_err(|e| match e {
            Error::Memory(what) => Error::Memory(format!("conv: {what}")),
            other => other,
        })
    }

    /// As [`geometry`](Self::geometry), with the check that `d` has the result's shape.
    fn geometry_of_gradient(&self, op: &str, x: &Shape, kernel: &Shape, d: &Shape) -> Result<ConvGeometry> {
        let g = self.geometry(op, x, kernel)?;
        let expected = Conv::result(&g, x.rank())?;
        if *d != expected {
            bail!("{op}: the gradient has shape {d}; expected {expected}");
        }
        Ok(g)
    }

    fn backward_input(&self, g: &mut Graph, x: Shape, kernel: Val, d: Val) -> Result<Val> {
        g.push(ConvBackwardInput { conv: *self, input: x }, &[d, kernel])
    }

    /// The gradient with respect to a kernel of that shape, of x and the gradient `d` of the result.
    ///
    /// # Errors
    /// `Value` or `Type` when they do not fit.
    pub fn backward_kernel(&self, g: &mut Graph, kernel: Shape, x: Val, d: Val) -> Result<Val> {
        let op = ConvBackwardKernel { conv: *self, kernel };
        let geometry = self.geometry_of_gradient(op.name(), &g.ty(x).shape, &kernel, &g.ty(d).shape)?;
        if g.ty(x).dtype == g.ty(d).dtype && kernel_grad::is_cut(g.ty(x).dtype, &geometry) {
            let parts = g.push(ConvKernelParts { conv: *self, kernel }, &[x, d])?;
            return g.push(op, &[x, d, parts]);
        }
        g.push(op, &[x, d])
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

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes(self.name(), ["x", "kernel"], inputs)?;
        let g = self.geometry(self.name(), &inputs[0].shape, &inputs[1].shape)?;
        Ok(vec![Ty::new(dtype, Conv::result(&g, inputs[0].shape.rank())?)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let Some(d) = d_outputs[0] else { return Ok(vec![None, None]) };
        let (x, kernel) = (node.inputs[0], node.inputs[1]);
        let dx = self.backward_input(g, g.ty(x).shape, kernel, d)?;
        let dw = self.backward_kernel(g, g.ty(kernel).shape, x, d)?;
        Ok(vec![Some(dx), Some(dw)])
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        self.lower_with(cx, None)
    }

    fn for_images(&self, isa: Isa, inputs: &[Ty], _: usize) -> Option<ForImages> {
        let g = self.geometry(self.name(), &inputs[0].shape, &inputs[1].shape).ok()?;
        let op = self.chosen(Pass::Forward, isa, inputs[0].dtype, &g);
        Some(ForImages { op: Arc::new(op), operands: &[0], padding: 0 })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for Conv {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        inputs[0].dtype == DType::F32
    }

    fn accepts_columns(&self, inputs: &[Ty]) -> bool {
        self.accepts_consumer(inputs)
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let g = self.geometry(self.name(), &cx.inputs[0].shape, &cx.inputs[1].shape)?;
        Ok(match winograd::choice(Pass::Forward, self.algo, cx.isa, cx.outputs[0].dtype, &g) {
            Some(f) if cx.packed => winograd::lower(Pass::Forward, f, cx, &g, consumer),
            _ => Pass::Forward.lower(cx, g, consumer),
        })
    }

    fn weights(&self, _: &[Ty]) -> Option<usize> {
        Some(1)
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        let g = self.geometry(self.name(), &inputs[0].shape, &inputs[1].shape).ok()?;
        match winograd::choice(Pass::Forward, self.algo, isa, inputs[0].dtype, &g) {
            Some(f) => Some(winograd::packing(Pass::Forward, f, isa, &g)),
            None => Pass::Forward.packing(isa, g),
        }
    }

    fn preparation(&self, isa: Isa, inputs: &[Ty]) -> Option<Preparation> {
        let g = self.geometry(self.name(), &inputs[0].shape, &inputs[1].shape).ok()?;
        let f = winograd::choice(Pass::Forward, self.algo, isa, inputs[0].dtype, &g)?;
        Some(winograd::preparation(Pass::Forward, f, isa, &g))
    }
}

impl Op for ConvBackwardInput {
    fn name(&self) -> &'static str {
        "conv_backward_input"
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
        self.lower_with(cx, None)
    }

    fn for_images(&self, isa: Isa, inputs: &[Ty], n: usize) -> Option<ForImages> {
        let g = self.conv.geometry(self.name(), &self.input, &inputs[1].shape).ok()?;
        let conv = self.conv.chosen(Pass::BackwardInput, isa, inputs[0].dtype, &g);
        let op = ConvBackwardInput { conv, input: self.input.with_dim(0, n) };
        Some(ForImages { op: Arc::new(op), operands: &[0], padding: 0 })
    }

    fn fusion_class(&self) -> FusionClass<'_> {
        FusionClass::Contraction(self)
    }
}

impl Contraction for ConvBackwardInput {
    fn accepts_consumer(&self, inputs: &[Ty]) -> bool {
        inputs[0].dtype == DType::F32
    }

    fn accepts_columns(&self, inputs: &[Ty]) -> bool {
        self.accepts_consumer(inputs)
    }

    fn lower_with(&self, cx: &LowerCx<'_>, consumer: Option<TileConsumer>) -> Result<Lowered> {
        let g = self.conv.geometry(self.name(), &self.input, &cx.inputs[1].shape)?;
        Ok(match winograd::choice(Pass::BackwardInput, self.conv.algo, cx.isa, cx.outputs[0].dtype, &g) {
            Some(f) if cx.packed => winograd::lower(Pass::BackwardInput, f, cx, &g, consumer),
            _ => Pass::BackwardInput.lower(cx, g, consumer),
        })
    }

    fn packing(&self, isa: Isa, inputs: &[Ty]) -> Option<Packing> {
        let g = self.conv.geometry(self.name(), &self.input, &inputs[1].shape).ok()?;
        match winograd::choice(Pass::BackwardInput, self.conv.algo, isa, inputs[0].dtype, &g) {
            Some(f) => Some(winograd::packing(Pass::BackwardInput, f, isa, &g)),
            None => Pass::BackwardInput.packing(isa, g),
        }
    }

    fn preparation(&self, isa: Isa, inputs: &[Ty]) -> Option<Preparation> {
        let g = self.conv.geometry(self.name(), &self.input, &inputs[1].shape).ok()?;
        let f = winograd::choice(Pass::BackwardInput, self.conv.algo, isa, inputs[0].dtype, &g)?;
        Some(winograd::preparation(Pass::BackwardInput, f, isa, &g))
    }
}

impl Op for ConvBackwardKernel {
    fn name(&self) -> &'static str {
        "conv_backward_kernel"
    }

    fn key(&self, hasher: &mut KeyHasher) {
        self.hash(hasher);
    }

    fn infer(&self, inputs: &[Ty]) -> Result<Vec<Ty>> {
        let dtype = check_dtypes(self.name(), ["x", "gradient"], &inputs[..inputs.len().min(2)])?;
        self.conv.geometry_of_gradient(self.name(), &inputs[0].shape, &self.kernel, &inputs[1].shape)?;
        Ok(vec![Ty::new(dtype, self.kernel)])
    }

    fn grad(&self, g: &mut Graph, node: &NodeRef<'_>, d_outputs: &[Option<Val>]) -> Result<Vec<Option<Val>>> {
        let mut grads = vec![None; node.inputs.len()];
        let Some(e) = d_outputs[0] else { return Ok(grads) };
        let (x, d) = (node.inputs[0], node.inputs[1]);
        grads[0] = Some(self.conv.backward_input(g, g.ty(x).shape, e, d)?);
        grads[1] = Some(g.push(self.conv, &[x, e])?);
        Ok(grads)
    }

    fn lower(&self, cx: &LowerCx<'_>) -> Result<Lowered> {
        let g = self.conv.geometry(self.name(), &cx.inputs[0].shape, &self.kernel)?;
        Ok(if cx.inputs.len() == 3 { kernel_grad::add_up(cx) } else { kernel_grad::lower(cx, g) })
    }
}

impl Graph {
    /// Convolution of x `[n, .., channels]` with a kernel `[.., channels / groups, filters]`.
    pub fn conv(&mut self, conv: Conv, x: Val, kernel: Val) -> Result<Val> {
        self.push(conv, &[x, kernel])
    }
}
