//! How C is cut into tiles that may run in parallel: from the shape and the level alone.

use crate::isa::Isa;

/// The size of a tile; C has ceil(m / rows) × ceil(n / cols) of them, the last ones smaller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiling {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile, a multiple of the panel width unless it is all of them.
    pub cols: usize,
}

/// Multiply-adds below which another tile costs more than it saves.
const MIN_TILE_WORK: usize = 400_000;

/// The tiles of an m×k by k×n product.
pub fn tiling(isa: Isa, m: usize, k: usize, n: usize) -> Tiling {
    let panel = super::panel_width(isa);
    let work = m.saturating_mul(k).saturating_mul(n);
    let wanted = (work / MIN_TILE_WORK).clamp(1, 16);
    let row_tiles = m.div_ceil(512).max(1);
    let col_tiles = wanted.div_ceil(row_tiles);
    let panels = n.div_ceil(panel).max(1);
    Tiling { rows: m.div_ceil(row_tiles).max(1), cols: panels.div_ceil(col_tiles) * panel }
}
