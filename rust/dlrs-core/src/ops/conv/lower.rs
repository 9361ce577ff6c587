//! Which algorithm a pass takes, and how it is cut into tiles.

use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;

use dlrs_kernels::conv::{
    ConvElement, ConvGeometry, ConvKernel, ConvTile, DirectConv, Reread, TapProducts, conv_forward, conv_input_grad,
    conv_scratch_len, depthwise_forward, depthwise_input_grad, depthwise_scratch_len,
};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Rect, TileIo, TileMut, cast, cast_mut};

use crate::DType;
use crate::key::{KeyHasher, key_of};
use crate::ops::finish::Finish;
use crate::ops::matmul::{Product, lower_f32, pack_second};
use crate::ops::tiles::{Block, TILE, spans};
use crate::ops::{LowerCx, Lowered, Packing, TileConsumer};

/// A pass that yields images: the convolution itself, or its gradient by the input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pass {
    Forward,
    BackwardInput,
}

/// How single precision computes it.
enum Algorithm {
    /// As one matrix product.
    Product(Product),
    Direct(Box<DirectConv>),
    TapProducts(Box<TapProducts>),
    Depthwise,
}

impl Pass {
    fn algorithm(self, isa: Isa, g: &ConvGeometry) -> Algorithm {
        match self.product(g) {
            _ if g.is_depthwise() => Algorithm::Depthwise,
            Some(product) => Algorithm::Product(product),
            None => match self {
                Pass::Forward => Algorithm::Direct(Box::new(DirectConv::forward(isa, g))),
                Pass::BackwardInput => match TapProducts::new(isa, g) {
                    Some(products) => Algorithm::TapProducts(Box::new(products)),
                    None => Algorithm::Direct(Box::new(DirectConv::backward_input(isa, g))),
                },
            },
        }
    }

    /// The matrix product that the pass is, if it is one: of pixels by a kernel of one tap, or of whole images by a kernel that covers
    /// them.
    fn product(self, g: &ConvGeometry) -> Option<Product> {
        if g.groups != 1 || g.pad != [0; 3] {
            return None;
        }
        let pixels = g.output.iter().product::<usize>();
        let pointwise = g.kernel == [1; 3] && g.input == g.output;
        let whole = pixels == 1 && g.kernel == g.input && g.dilation == [1; 3];
        if !pointwise && !whole {
            return None;
        }
        let (rows, depth, cols) = (g.n * pixels, g.taps() * g.c_in, g.c_out);
        Some(match self {
            Pass::Forward => Product::of_matrices(rows, depth, cols, (cols, 1)),
            Pass::BackwardInput => Product::of_matrices(rows, cols, depth, (1, cols)),
        })
    }

    /// The kernel calls.
    pub(super) fn lower(self, cx: &LowerCx<'_>, g: ConvGeometry, consumer: Option<TileConsumer>) -> Lowered {
        if cx.outputs[0].dtype == DType::F64 {
            return match self {
                Pass::Forward => by_item::<f64>(cx.isa, g, (g.n, g.image_out()), 0.5, conv_forward),
                Pass::BackwardInput => by_item::<f64>(cx.isa, g, (g.n, g.image_in()), 0.5, conv_input_grad),
            };
        }
        let lowered = match self.algorithm(cx.isa, &g) {
            Algorithm::Product(product) => lower_f32(cx, product, consumer).note("matrix product"),
            Algorithm::Depthwise => depthwise(cx.isa, self, g, consumer).note("depthwise"),
            Algorithm::Direct(conv) => direct(cx.packed, *conv, consumer).cost(20.0 + 0.02 * g.macs()).note("direct"),
            Algorithm::TapProducts(conv) => {
                tap_products(cx.packed, *conv, &g, consumer).note("direct, all taps at once")
            }
        };
        lowered.flops(2.0 * g.macs())
    }

    /// The layout in which single precision reads a kernel fastest.
    pub(super) fn packing(self, isa: Isa, g: ConvGeometry) -> Option<Packing> {
        match self.algorithm(isa, &g) {
            Algorithm::Product(product) => pack_second(isa, product),
            Algorithm::Depthwise => None,
            Algorithm::Direct(conv) => {
                let mut hasher = KeyHasher::new();
                "convolution panels".hash(&mut hasher);
                conv.hash_layout(&mut hasher);
                let layout = hasher.key();
                let bytes = conv.packed_len() * size_of::<f32>();
                let pack = move |from: &[u8], to: &mut [u8]| conv.pack(cast(from), cast_mut(to));
                Some(Packing { operand: 1, layout, bytes, pack: Arc::new(pack) })
            }
            Algorithm::TapProducts(conv) => {
                let layout = key_of(&("tap panels", isa, g.taps(), g.c_in, g.c_out));
                let bytes = conv.packed_len() * size_of::<f32>();
                let pack = move |from: &[u8], to: &mut [u8]| conv.pack(cast(from), cast_mut(to));
                Some(Packing { operand: 1, layout, bytes, pack: Arc::new(pack) })
            }
        }
    }
}

fn direct(packed: bool, conv: DirectConv, consumer: Option<TileConsumer>) -> Lowered {
    let finish = Finish::new(consumer, 2);
    let conv = if finish.is_update() { conv.whole_rows() } else { conv.in_chunks(finish.chunk()) };
    let tiles = conv.tiles().iter().map(|tile| finish.rects(tile.rect, &place(tile))).collect();
    let largest = conv.tiles().iter().map(|tile| tile.rect.rows * tile.rect.cols).max().unwrap_or(0);
    let own = (conv.scratch_len() * size_of::<f32>()).next_multiple_of(64);
    let scratch = own + finish.scratch_len(largest);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let tile = &conv.tiles()[tile];
        let (x, kernel) = (io.input::<f32>(0), io.input::<f32>(1));
        let kernel = if packed { ConvKernel::Packed(kernel) } else { ConvKernel::Plain(kernel) };
        let (own, rest) = io.scratch::<u8>(scratch).split_at_mut(own);
        finish.run(io, &place(tile), rest, |to, epilogue| conv.run(x, kernel, tile, to, epilogue, cast_mut(own)));
    });
    Lowered { tiles, body, scratch, ..Lowered::default() }
}

/// Tiles into which products with all taps are cut if there are as many images.
const TAP_TILES: usize = 16;

/// Tiles of whole images.
fn tap_products(packed: bool, conv: TapProducts, g: &ConvGeometry, consumer: Option<TileConsumer>) -> Lowered {
    let (pixels, channels) = (g.input.iter().product::<usize>(), g.c_in);
    let finish = Finish::new(consumer, 2);
    // Chunks are several images or whole fractions of one.
    let whole = (finish.chunk() / pixels.max(1)).max(1);
    let images: Vec<Range<usize>> = spans(g.n, g.n.div_ceil(TAP_TILES).max(1).next_multiple_of(whole)).collect();
    let place =
        move |images: &Range<usize>| Block { rows: images.start * pixels..images.end * pixels, cols: 0..channels };
    let rect = |images: &Range<usize>| Rect {
        start: images.start * pixels * channels,
        rows: images.len() * pixels,
        cols: channels,
        stride: channels,
    };
    let tiles = images.iter().map(|images| finish.rects(rect(images), &place(images))).collect();
    let largest = images.iter().map(|images| images.len() * pixels * channels).max().unwrap_or(0);
    let own = (conv.scratch_len() * size_of::<f32>()).next_multiple_of(64);
    let scratch = own + finish.scratch_len(largest);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let images = images[tile].clone();
        let (dy, kernel) = (io.input::<f32>(0), io.input::<f32>(1));
        let kernel = if packed { ConvKernel::Packed(kernel) } else { ConvKernel::Plain(kernel) };
        let (own, rest) = io.scratch::<u8>(scratch).split_at_mut(own);
        finish.run(io, &place(&images), rest, |to, epilogue| {
            conv.run(dy, kernel, images.clone(), to, epilogue, cast_mut(own));
        });
    });
    Lowered { tiles, body, scratch, cost: 20.0 + 0.01 * g.macs(), ..Lowered::default() }
}

/// Elements of a tile of a depthwise convolution: with the rows around it that it reads, it stays in L2.
const DEPTHWISE_TILE: usize = 64 * 1024;

/// Tiles into which a depthwise convolution is cut if they are not too small to be worth it.
const DEPTHWISE_TILES: usize = 32;

/// Tiles of whole rows of pixels.
fn depthwise(isa: Isa, pass: Pass, g: ConvGeometry, consumer: Option<TileConsumer>) -> Lowered {
    let (size, channels) = match pass {
        Pass::Forward => (g.output, g.c_out),
        Pass::BackwardInput => (g.input, g.c_in),
    };
    let (rows, cols) = (g.n * size[0] * size[1], size[2]);
    let row = (cols * channels).max(1);
    let chunk = rows.div_ceil(DEPTHWISE_TILES).clamp(TILE.div_ceil(row), DEPTHWISE_TILE.div_ceil(row));
    let finish = Finish::new(consumer, 2);
    let reread = if finish.rereads() { Reread::Soon } else { Reread::Later };
    // Chunks are several rows of pixels or whole fractions of one.
    let chunk = chunk.next_multiple_of((finish.chunk() / cols.max(1)).max(1));
    let place = move |rows: &Range<usize>| Block { rows: rows.start * cols..rows.end * cols, cols: 0..channels };
    let rect = |rows: Range<usize>| Rect {
        start: rows.start * row,
        rows: rows.len() * cols,
        cols: channels,
        stride: channels,
    };
    let blocks: Vec<Range<usize>> = spans(rows, chunk).collect();
    let tiles = blocks.iter().map(|rows| finish.rects(rect(rows.clone()), &place(rows))).collect();
    let own = (depthwise_scratch_len(&g) * size_of::<f32>()).next_multiple_of(64);
    let scratch = own + finish.scratch_len(chunk * row);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let rows = blocks[tile].clone();
        let (x, kernel) = (io.input::<f32>(0), io.input::<f32>(1));
        let (own, rest) = io.scratch::<u8>(scratch).split_at_mut(own);
        finish.run(io, &place(&rows), rest, |to, epilogue| match pass {
            Pass::Forward => depthwise_forward(isa, &g, x, kernel, rows, to, epilogue, reread),
            Pass::BackwardInput => depthwise_input_grad(isa, &g, x, kernel, rows, to, epilogue, cast_mut(own), reread),
        });
    });
    let cost = 20.0 + 0.05 * g.macs();
    Lowered { tiles, body, scratch, cost, ..Lowered::default() }
}

/// The tile's place in the result seen as a matrix of pixels and channels.
fn place(tile: &ConvTile) -> Block {
    let row = tile.rect.start / tile.rect.stride;
    Block { rows: row..row + tile.rect.rows, cols: tile.channels.clone() }
}

/// A pass: its two operands, which images or taps, and where they go.
type Items<T> = fn(Isa, &ConvGeometry, &[T], &[T], Range<usize>, TileMut<'_, T>, &mut [T]);

/// Tiles of one item (image or tap) each; `mac` is the time of one multiply-add in nanoseconds.
pub(super) fn by_item<T: ConvElement>(
    isa: Isa,
    g: ConvGeometry,
    (items, item): (usize, usize),
    mac: f64,
    pass: Items<T>,
) -> Lowered {
    let scratch = conv_scratch_len(isa, &g);
    let body = Arc::new(move |tile: usize, io: &mut TileIo<'_>| {
        let (a, b) = (io.input::<T>(0), io.input::<T>(1));
        pass(isa, &g, a, b, tile..tile + 1, io.output(0), io.scratch(scratch));
    });
    Lowered::by_rows(items, item, 1, 1, body).scratch(scratch * size_of::<T>()).cost(20.0 + mac * g.macs())
}
