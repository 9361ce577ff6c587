//! How the target is cut into tiles: from the shape and the level alone.

use std::ops::Range;

use crate::mem::Rect;

/// Images, positions along one axis, and channels of the target that one tile computes: a rectangle of the matrix whose rows are
/// pixels and whose columns are channels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConvTile {
    /// Images.
    pub(super) images: Range<usize>,
    /// Positions along the first spatial axis that has any to cut.
    pub(super) positions: Range<usize>,
    /// Channels.
    pub channels: Range<usize>,
    /// Where it lies in the target.
    pub rect: Rect,
}

/// What the cut depends on.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub images: usize,
    /// Spatial size of the target, and its channels.
    pub target: [usize; 3],
    pub channels: usize,
    /// Elements of the source per pixel of the target.
    pub source: usize,
    /// Multiply-adds per element of the target.
    pub depth: usize,
    /// Columns of a register tile.
    pub panel: usize,
    /// Whether channels may be cut.
    pub divisible: bool,
    /// A number of pixels of which tiles hold multiples: of a few images, or of a few positions along the axis that is cut.
    pub chunk: usize,
}

/// Bytes of source and target that a tile touches: with a panel of the kernel they stay in L2.
const TILE_BYTES: usize = 384 * 1024;
/// Pixels that a tile has rather, over which a panel of the kernel is packed.
const GOOD_PIXELS: usize = 512;
/// Pixels that a tile has at least, when rows are cut to make more tiles.
const MIN_PIXELS: usize = 112;
/// Tiles that there are rather.
const GOOD_TILES: usize = 16;
/// Multiply-adds that a tile should have: about 4 µs.
const TILE_WORK: usize = 400_000;

/// The axis along which images are cut: the first that is longer than 1, so that a tile is contiguous.
pub(super) fn cut_axis(target: [usize; 3]) -> usize {
    target.iter().position(|&n| n > 1).unwrap_or(2)
}

pub(super) fn cut(s: Sizes) -> Vec<ConvTile> {
    let axis = cut_axis(s.target);
    let (len, unit) = (s.target[axis], s.target[axis + 1..].iter().product::<usize>());
    let pixels = len * unit;
    if s.images == 0 || pixels == 0 || s.channels == 0 {
        return Vec::new();
    }
    let fit = (TILE_BYTES / (4 * (s.source + s.channels).max(1))).clamp(MIN_PIXELS, 4 * GOOD_PIXELS);
    let work = |pixels: usize| pixels.saturating_mul(s.channels).saturating_mul(s.depth);
    let wanted = (work(s.images.saturating_mul(pixels)) / TILE_WORK).clamp(1, GOOD_TILES);
    let (images, parts) = if pixels <= fit {
        let good = GOOD_PIXELS.max(2 * TILE_WORK / work(1).max(1));
        let per_tile = (fit.min(good.max(pixels)) / pixels).clamp(1, s.images.div_ceil(wanted));
        (per_tile, 1)
    } else {
        (1, pixels.div_ceil(fit))
    };
    let (images, step_of) = match s.chunk {
        1 => (images, 1),
        chunk if chunk.is_multiple_of(pixels) => (images.next_multiple_of(chunk / pixels), len),
        chunk if chunk.is_multiple_of(unit) => (images, chunk / unit),
        _ => (images, len),
    };
    let parts = if step_of == len { 1 } else { parts };
    let tiles = s.images.div_ceil(images);
    let most = (pixels / MIN_PIXELS).max(1);
    let parts = if images == 1 { parts.max(wanted.div_ceil(tiles).min(most)) } else { 1 };
    let step = len.div_ceil(parts.min(len)).next_multiple_of(step_of);
    let tiles = tiles * len.div_ceil(step);
    let panels = s.channels.div_ceil(s.panel);
    let ranges = if s.divisible { wanted.div_ceil(tiles).min(panels) } else { 1 };
    let width = if ranges == 1 { s.channels } else { panels.div_ceil(ranges) * s.panel };
    let mut out = Vec::new();
    for images in spans(s.images, images) {
        for positions in spans(len, step) {
            for channels in spans(s.channels, width) {
                let first = images.start * pixels + positions.start * unit;
                let rows = images.len() * positions.len() * unit;
                let start = first * s.channels + channels.start;
                let rect = Rect { start, rows, cols: channels.len(), stride: s.channels };
                out.push(ConvTile { images: images.clone(), positions: positions.clone(), channels, rect });
            }
        }
    }
    out
}

/// `0..n` in steps of at most `step`.
fn spans(n: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n.div_ceil(step)).map(move |i| i * step..n.min((i + 1) * step))
}
