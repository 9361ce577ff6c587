//! The gradient by the input.

use std::ops::Range;

use crate::dispatch;
use crate::gemm::{Activation, Epilogue, finish_rows};
use crate::isa::Isa;
use crate::mem::TileMut;

use super::super::ConvGeometry;
use super::walk::Walk;
use super::{Reread, finished, pass};

/// Elements of scratch that [`depthwise_input_grad`] needs: a row of the gradient by each filter.
pub fn depthwise_scratch_len(g: &ConvGeometry) -> usize {
    if g.multiplier() == 1 { 0 } else { g.input[2] * g.c_out }
}

/// dx, with the epilogue, for those rows of the inputs of all images, from dy and w; `dx` holds them, a pixel's channels in a row,
/// and nothing else.
///
/// # Panics
/// If the convolution is not depthwise, a slice does not have its size, `dx` is not contiguous, the epilogue does not fit it or
/// accumulates, or `scratch` is shorter than [`depthwise_scratch_len`].
pub fn depthwise_input_grad(
    isa: Isa,
    g: &ConvGeometry,
    dy: &[f32],
    kernel: &[f32],
    rows: Range<usize>,
    mut dx: TileMut<f32>,
    epilogue: &Epilogue,
    scratch: &mut [f32],
    reread: Reread,
) {
    assert!(g.is_depthwise(), "not depthwise: {g:?}");
    assert_eq!((dy.len(), kernel.len()), (g.n * g.image_out(), g.kernel_len()), "gradient of the output, and kernel");
    let (walk, dx) = (Walk::backward(g), dx.as_slice());
    walk.check(&rows, dx.len(), g.c_in);
    let pixels = dx.len() / g.c_in;
    let (m, dy) = (g.multiplier(), (dy, g.c_out));
    if m == 1 {
        return finished(dx, g.c_in, epilogue, reread, |dx, finish| {
            dispatch!(isa, s => pass::<_, false>(s, &walk, dy, kernel, (dx, g.c_in), rows, finish));
        });
    }
    let filters = &mut scratch[..depthwise_scratch_len(g)];
    let plain = (None, Activation::Identity, Reread::Soon);
    for (row, dx) in rows.zip(dx.chunks_exact_mut(walk.row_len(g.c_in).max(1))) {
        dispatch!(isa, s => pass::<_, false>(s, &walk, dy, kernel, (&mut *filters, g.c_out), row..row + 1, plain));
        for (dx, filters) in dx.iter_mut().zip(filters.chunks_exact(m)) {
            *dx = filters.iter().sum();
        }
    }
    finish_rows(&mut TileMut::new(dx, pixels, g.c_in, g.c_in), epilogue);
}
