//! How convolutions are cut into tiles.

use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::conv::{
    ConvElement, ConvGeometry, conv_forward, conv_input_grad, conv_kernel_grad, conv_scratch_len,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{TileIo, TileMut};

use crate::DType;
use crate::ops::{LowerCx, Lowered};

pub(super) fn forward(cx: &LowerCx<'_>, g: ConvGeometry) -> Lowered {
    let images = (g.n, g.image_out());
    match cx.outputs[0].dtype {
        DType::F32 => by_item::<f32>(cx.isa, g, images, 0.01, conv_forward),
        _ => by_item::<f64>(cx.isa, g, images, 0.5, conv_forward),
    }
}

pub(super) fn backward_input(cx: &LowerCx<'_>, g: ConvGeometry) -> Lowered {
    let images = (g.n, g.image_in());
    match cx.outputs[0].dtype {
        DType::F32 => by_item::<f32>(cx.isa, g, images, 0.01, conv_input_grad),
        _ => by_item::<f64>(cx.isa, g, images, 0.5, conv_input_grad),
    }
}

pub(super) fn backward_kernel(cx: &LowerCx<'_>, g: ConvGeometry) -> Lowered {
    let taps = (g.taps(), g.group_in() * g.c_out);
    match cx.outputs[0].dtype {
        DType::F32 => by_item::<f32>(cx.isa, g, taps, 0.01, conv_kernel_grad),
        _ => by_item::<f64>(cx.isa, g, taps, 0.5, conv_kernel_grad),
    }
}

/// One of the three passes: its two operands, which images or taps, and where they go.
type Pass<T> = fn(Isa, &ConvGeometry, &[T], &[T], Range<usize>, TileMut<'_, T>, &mut [T]);

/// Tiles of one item (image or tap) each; `flop` is the time of one multiply-add in nanoseconds.
fn by_item<T: ConvElement>(
    isa: Isa,
    g: ConvGeometry,
    (items, item): (usize, usize),
    flop: f64,
    pass: Pass<T>,
) -> Lowered {
    let scratch = conv_scratch_len(isa, &g);
    let macs = g.macs();
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (a, b) = (io.input::<T>(0), io.input::<T>(1));
        pass(isa, &g, a, b, tile..tile + 1, io.output(0), io.scratch(scratch));
    });
    Lowered::by_rows(items, item, 1, 1, body).scratch(scratch * size_of::<T>()).cost(20.0 + flop * macs)
}
