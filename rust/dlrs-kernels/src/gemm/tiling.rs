//! How C is cut into tiles that may run in parallel: from the shape and the level alone.

use crate::isa::Isa;

use super::panel_width;

/// The size of a tile; C has ceil(m / rows) × ceil(n / cols) of them, the last ones smaller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiling {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile, a multiple of the panel width unless it is all of them.
    pub cols: usize,
}

/// Multiply-adds that a tile should have: about 2 µs, ten times what handing out a tile costs.
const TILE_WORK: usize = 200_000;
/// More tiles than this balance no better.
const MAX_TILES: usize = 16;
/// Tiles below which rows are cut too, although every tile then packs its panels again.
const FEW_TILES: usize = 4;
/// Rows that a tile has at most: its block of A stays in L2 while panels of B pass.
const MAX_ROWS: usize = 512;
/// Rows that a tile has at least when rows are cut to make more tiles.
const MIN_ROWS: usize = 28;
/// Columns that a tile has at least when rows are cut by [`MAX_ROWS`], since each tile may pack its rows of A; and columns that it has
/// rather, when that leaves enough tiles.
const MIN_COLS: usize = 256;
const GOOD_COLS: usize = 512;
/// Rows up to which a product is bound by reading B: its tiles are counted by B's size.
const STREAM_ROWS: usize = 4;
/// Elements of B that such a tile should read, and how many of a row in one piece.
const STREAM_WORK: usize = 64 * 1024;

/// The tiles of an m×k by k×n product.
pub fn tiling(isa: Isa, m: usize, k: usize, n: usize) -> Tiling {
    let panel = panel_width(isa);
    let panels = n.div_ceil(panel).max(1);
    let (rows, work) = (m.div_ceil(MAX_ROWS).max(1), k.saturating_mul(n.next_multiple_of(panel / 2)));
    let (wanted, min_cols) = match m {
        0..=STREAM_ROWS => (work / STREAM_WORK, MIN_COLS),
        _ if rows > 1 => {
            let enough = rows * n.div_ceil(GOOD_COLS) >= FEW_TILES;
            (work.saturating_mul(m) / TILE_WORK, if enough { GOOD_COLS } else { MIN_COLS })
        }
        _ => (work.saturating_mul(m) / TILE_WORK, panel),
    };
    let wanted = wanted.clamp(1, MAX_TILES);
    let per_tile = panels.div_ceil(wanted.div_ceil(rows)).max((min_cols / panel).min(panels));
    let cols = panels.div_ceil(per_tile);
    let cut = if rows * cols < wanted.min(FEW_TILES) { (wanted.min(FEW_TILES) / cols).min(m / MIN_ROWS) } else { 1 };
    Tiling { rows: m.div_ceil(rows.max(cut)).max(1), cols: per_tile * panel }
}
