//! Direct convolution in f32, and the gradient by its input: register tiles of pixels × channels over kernel panels packed once per
//! tile, or once for all.
//!
//! A tile copies the part of its source that it needs between zeros, unless that is all inside, so that every pixel is treated alike;
//! then, for some taps and channels at a time (as many as let a panel of the kernel stay in L1), panel by panel, all its pixels are
//! multiplied. Few channels have loops of their own, see [`rows`]. Every element is one chain over taps and channels in a fixed order, so its bytes do not depend on the tile.

mod bundle;
mod multiply;
mod phase;
mod row_kernel;
mod rows;
mod tiles;
mod view;

use std::hash::{Hash, Hasher};
use std::ops::Range;

use crate::dispatch;
use crate::gemm::levels::{Tiles, panel};
use crate::gemm::{Epilogue, MatRef, panel_width};
use crate::isa::Isa;
use crate::mem::TileMut;

use super::ConvGeometry;
use bundle::Bundle;
use phase::Phase;
pub(crate) use row_kernel::RowKernel;
#[cfg(target_arch = "x86_64")]
pub(crate) use row_kernel::{LEAST_PIXELS, row_kernel};
pub use tiles::ConvTile;
use view::{Images, Window};

/// A convolution, or the gradient of one by its input, prepared for one level.
#[derive(Clone, Debug)]
pub struct DirectConv {
    isa: Isa,
    groups: usize,
    kernel: [usize; 3],
    images: usize,
    source: Images,
    target: Images,
    /// The matrix (channels of the source × channels of the target) of one tap and group.
    taps: TapMatrix,
    phases: Vec<Phase>,
    /// How many pixels the target's stand for, if not one.
    bundle: Option<Bundle>,
    /// Whether the row kernels compute it.
    by_rows: bool,
    tiles: Vec<ConvTile>,
}

/// Where the matrices of the taps lie in the kernel.
#[derive(Clone, Copy, Debug, Hash)]
struct TapMatrix {
    /// Channels of the source and of the target in a group.
    rows: usize,
    cols: usize,
    /// Pixels that the target's channels belong to.
    pixels: usize,
    strides: (usize, usize),
    /// Elements from tap to tap, and from group to group.
    tap: usize,
    group: usize,
}

impl TapMatrix {
    fn of<'a>(&self, kernel: &'a [f32], tap: usize, group: usize) -> MatRef<'a, f32> {
        MatRef::new(
            &kernel[tap * self.tap + group * self.group..],
            self.rows,
            self.cols / self.pixels,
            self.strides.0,
            self.strides.1,
        )
    }
}

/// The kernel as it comes.
#[derive(Clone, Copy, Debug)]
pub enum ConvKernel<'a> {
    /// `[k0, k1, k2, c_in / groups, c_out]`.
    Plain(&'a [f32]),
    /// Packed by [`DirectConv::pack`].
    Packed(&'a [f32]),
}

impl DirectConv {
    /// y from x.
    pub fn forward(isa: Isa, g: &ConvGeometry) -> DirectConv {
        let (source, target) = images(g);
        let taps = TapMatrix {
            rows: g.group_in(),
            cols: g.group_out(),
            pixels: 1,
            strides: (g.c_out, 1),
            tap: g.group_in() * g.c_out,
            group: g.group_out(),
        };
        DirectConv::new(isa, g, source, target, taps, phase::forward(g))
    }

    /// dx from dy.
    pub fn backward_input(isa: Isa, g: &ConvGeometry) -> DirectConv {
        let (target, source) = images(g);
        let taps = TapMatrix {
            rows: g.group_out(),
            cols: g.group_in(),
            pixels: 1,
            strides: (1, g.c_out),
            tap: g.group_in() * g.c_out,
            group: g.group_out(),
        };
        DirectConv::new(isa, g, source, target, taps, phase::backward_input(g))
    }

    fn new(isa: Isa, g: &ConvGeometry, source: Images, target: Images, taps: TapMatrix, phases: Vec<Phase>) -> Self {
        let mut conv = DirectConv {
            isa,
            groups: g.groups,
            kernel: g.kernel,
            images: g.n,
            source,
            target,
            taps,
            phases,
            bundle: None,
            by_rows: false,
            tiles: Vec::new(),
        };
        conv.by_rows = dispatch!(isa, s => rows::fits(s, &conv));
        if !conv.by_rows {
            conv.bundle();
        }
        conv.tiles = conv.cut(conv.groups == 1, 1);
        conv
    }

    /// Makes several pixels of few channels one of more.
    fn bundle(&mut self) {
        let lanes = panel_width(self.isa) / 2;
        let whole = self.groups == 1;
        let bundle = whole.then(|| Bundle::best(lanes, self.target, &self.phases, self.kernel[2])).flatten();
        if let Some(bundle) = &bundle {
            bundle.apply(&mut self.target, &mut self.phases);
            (self.taps.cols, self.taps.pixels, self.kernel[2]) = (self.target.channels, bundle.pixels, bundle.span);
        }
        self.bundle = bundle;
    }

    /// The tiles, which have all channels of their pixels unless they are `divisible`, and hold multiples of `chunk` pixels.
    fn cut(&self, divisible: bool, chunk: usize) -> Vec<ConvTile> {
        let pixels = self.target.size.iter().product::<usize>();
        // Of bundles, or of whole images where a chunk ends inside a bundle.
        let chunk = match chunk {
            0 | 1 => 1,
            chunk if chunk.is_multiple_of(self.taps.pixels) => chunk / self.taps.pixels,
            _ => pixels.max(1),
        };
        let taps = self.kernel.iter().product::<usize>();
        let mut tiles = tiles::cut(tiles::Sizes {
            images: self.images,
            target: self.target.size,
            channels: self.target.channels,
            source: self.source.len().div_ceil(pixels.max(1)),
            depth: (taps * self.taps.rows).div_ceil(self.phases.len().max(1)),
            panel: panel_width(self.isa),
            divisible,
            chunk,
        });
        let each = self.taps.pixels;
        for tile in &mut tiles {
            let r = &mut tile.rect;
            (r.rows, r.cols, r.stride) = (r.rows * each, r.cols / each, r.stride / each);
            tile.channels.end -= tile.channels.len() - r.cols;
        }
        tiles
    }

    /// The same with tiles that hold multiples of so many pixels, counted from the first: whole images, or positions of one.
    pub fn in_chunks(mut self, pixels: usize) -> DirectConv {
        self.tiles = self.cut(self.groups == 1, pixels);
        self
    }

    /// The same with tiles that have all channels of their pixels.
    pub fn whole_rows(mut self) -> DirectConv {
        self.tiles = self.cut(false, 1);
        self
    }

    /// The tiles that together are the target. They may be computed in any order, by any number of threads.
    pub fn tiles(&self) -> &[ConvTile] {
        &self.tiles
    }

    /// Elements of scratch that a tile needs.
    pub fn scratch_len(&self) -> usize {
        let copied = |tile: &ConvTile| {
            let window = self.window(tile);
            if self.by_rows || window.inside(self.source.size) {
                0
            } else {
                tile.images.len() * window.pixels() * self.source.channels
            }
        };
        let copy = self.tiles.iter().map(copied).max().unwrap_or(0);
        dispatch!(self.isa, s => copy + panel_len(s) + 2 * ALIGN)
    }

    /// Elements of the packed kernel.
    pub fn packed_len(&self) -> usize {
        self.phases.iter().map(|phase| self.packed_group(phase) * self.groups).sum()
    }

    /// Feeds `hasher` all that [`pack`](Self::pack) reads: two convolutions that agree on it read the same packed kernel. Sizes of
    /// images are in it only as far as they decide how pixels are bundled and which taps there are.
    pub fn hash_layout(&self, hasher: &mut impl Hasher) {
        (self.isa, self.groups, self.kernel, self.taps, &self.bundle).hash(hasher);
        for phase in &self.phases {
            phase.each_ref().map(|axis| &axis.taps).hash(hasher);
        }
    }

    /// Packs the kernel, panel by panel in the order in which tiles read it.
    ///
    /// # Panics
    /// If `kernel` or `to` is too short.
    pub fn pack(&self, kernel: &[f32], to: &mut [f32]) {
        dispatch!(self.isa, s => multiply::pack_all(s, self, kernel, to));
    }

    /// Computes a tile of the target, given the whole source.
    ///
    /// # Panics
    /// If sizes do not agree, or `scratch` is shorter than [`scratch_len`](Self::scratch_len).
    pub fn run(
        &self,
        source: &[f32],
        kernel: ConvKernel<'_>,
        tile: &ConvTile,
        mut to: TileMut<'_, f32>,
        epilogue: &Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        assert_eq!(source.len(), self.images * self.source.len(), "source");
        assert_eq!((to.rows(), to.cols()), (tile.rect.rows, tile.rect.cols), "target of the tile");
        epilogue.check(to.rows(), to.cols());
        assert!(epilogue.residual.is_none_or(|r| r.col_stride() == 1), "the columns of a residual touch");
        if self.by_rows {
            let scratch = aligned(scratch);
            return dispatch!(self.isa, s => rows::tile(s, self, source, kernel, tile, to, epilogue, scratch));
        }
        let Some(bundle) = &self.bundle else { return self.multiply(source, kernel, tile, to, epilogue, scratch) };
        let (rows, cols) = (to.rows() / bundle.pixels, to.cols() * bundle.pixels);
        let bias = epilogue.bias.map(|bias| bias.repeat(bundle.pixels));
        let residual = epilogue.residual.map(|r| r.joined(bundle.pixels));
        let epilogue = Epilogue { bias: bias.as_deref(), residual, ..*epilogue };
        let tile = ConvTile { channels: 0..cols, ..tile.clone() };
        self.multiply(source, kernel, &tile, TileMut::new(to.as_slice(), rows, cols, cols), &epilogue, scratch);
    }

    /// As [`run`](Self::run), in bundles.
    fn multiply(
        &self,
        source: &[f32],
        kernel: ConvKernel<'_>,
        tile: &ConvTile,
        to: TileMut<'_, f32>,
        epilogue: &Epilogue<'_>,
        scratch: &mut [f32],
    ) {
        let window = self.window(tile);
        let scratch = aligned(scratch);
        let channels = self.source.channels;
        if window.inside(self.source.size) {
            let images = &source[tile.images.start * self.source.len()..tile.images.end * self.source.len()];
            let view = View { data: images, image: self.source.len(), strides: self.source.strides(), from: [0; 3] };
            dispatch!(self.isa, s => multiply::tile(s, self, &view, kernel, tile, to, epilogue, scratch));
        } else {
            let image = window.pixels() * channels;
            let (copy, scratch) = scratch.split_at_mut(tile.images.len() * image);
            window.copy(source, self.source, tile.images.clone(), copy);
            let strides = Images { size: window.size, channels }.strides();
            let view = View { data: copy, image, strides, from: window.from };
            let scratch = aligned(scratch);
            dispatch!(self.isa, s => multiply::tile(s, self, &view, kernel, tile, to, epilogue, scratch));
        }
    }

    /// Positions of the tile along each axis of the target.
    fn positions(&self, tile: &ConvTile) -> [Range<usize>; 3] {
        let axis = tiles::cut_axis(self.target.size);
        [0, 1, 2].map(|a| if a == axis { tile.positions.clone() } else { 0..self.target.size[a] })
    }

    /// The part of the source that the tile reads.
    fn window(&self, tile: &ConvTile) -> Window {
        let positions = self.positions(tile);
        let mut bounds = [(isize::MAX, isize::MIN); 3];
        for phase in &self.phases {
            let targets = [0, 1, 2].map(|a| phase[a].within(&positions[a]));
            let [Some(x), Some(y), Some(z)] = [0, 1, 2].map(|a| phase[a].reach()) else { continue };
            if targets.iter().any(|t| t.is_empty()) {
                continue;
            }
            for (a, (first, further)) in [x, y, z].into_iter().enumerate() {
                let from = (targets[a].start * phase[a].jump) as isize + first;
                let to = ((targets[a].end - 1) * phase[a].jump + further) as isize + first + 1;
                bounds[a] = (bounds[a].0.min(from), bounds[a].1.max(to));
            }
        }
        if bounds.iter().any(|b| b.0 >= b.1) {
            return Window { from: [0; 3], size: [0; 3] };
        }
        Window { from: bounds.map(|b| b.0), size: bounds.map(|b| (b.1 - b.0) as usize) }
    }

    /// Elements of one group of the packed kernel of a phase.
    fn packed_group(&self, phase: &Phase) -> usize {
        let taps: usize = phase.iter().map(|axis| axis.taps.len()).product();
        taps * self.taps.rows * self.taps.cols.next_multiple_of(panel_width(self.isa))
    }
}

/// The images of x and y.
fn images(g: &ConvGeometry) -> (Images, Images) {
    (Images { size: g.input, channels: g.c_in }, Images { size: g.output, channels: g.c_out })
}

/// The source as a tile sees it.
struct View<'a> {
    data: &'a [f32],
    /// Elements from image to image, and along each axis.
    image: usize,
    strides: [usize; 3],
    /// The position of the first pixel.
    from: [isize; 3],
}

/// Elements that let a pointer into scratch be moved to the next cache line.
const ALIGN: usize = 16;

fn aligned(x: &mut [f32]) -> &mut [f32] {
    let by = x.as_ptr().align_offset(64).min(x.len());
    &mut x[by..]
}

/// Elements of a panel of the kernel that stays in L1 while pixels pass.
fn panel_len<S: Tiles>(_: S) -> usize {
    S::KC * panel::<S>()
}
