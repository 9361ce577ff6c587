//! What the benchmarks share: products run tile by tile on the team, as plans run them.
#![forbid(unsafe_code)]

use std::sync::Arc;

use dlrs_kernels::gemm::{Epilogue, MatB, MatRef, Tiling, gemm_f32, gemm_scratch_len, tiling};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::{Bind, Buffer, DType, Rect, Scratch, Span, Step, Team, TileProgram, Work};
pub use dlrs_kernels::peak;

/// C = A·B of one shape, cut into its tiles.
pub struct Product {
    program: TileProgram,
    a: Buffer,
    b: Buffer,
    c: Buffer,
    scratch: Scratch,
}

fn numbers(seed: usize, len: usize) -> Buffer {
    let mut buffer = Buffer::zeroed(4 * len.max(1)).expect("memory for an operand");
    for (i, x) in buffer.as_mut_slice::<f32>()[..len].iter_mut().enumerate() {
        *x = ((i + seed).wrapping_mul(2_654_435_761) % 4096) as f32 / 2048.0 - 1.0;
    }
    buffer
}

impl Product {
    /// A product of m×k by k×n, either operand stored transposed.
    pub fn new(isa: Isa, (m, k, n): (usize, usize, usize), transposed: (bool, bool)) -> Self {
        Self::with_tiling(isa, (m, k, n), transposed, tiling(isa, m, k, n))
    }

    /// The same, cut otherwise.
    pub fn with_tiling(
        isa: Isa,
        (m, k, n): (usize, usize, usize),
        transposed: (bool, bool),
        Tiling { rows, cols }: Tiling,
    ) -> Self {
        let span = |buffer, len| Span { buffer, offset: 0, len, dtype: DType::F32 };
        let mut tiles = Vec::new();
        let mut origins = Vec::new();
        for j in (0..n).step_by(cols) {
            for i in (0..m).step_by(rows) {
                origins.push((i, j));
                tiles.push(vec![Rect { start: i * n + j, rows: rows.min(m - i), cols: cols.min(n - j), stride: n }]);
            }
        }
        let scratch = gemm_scratch_len(isa, rows.min(m), k, cols.min(n));
        let step = Step {
            name: "gemm",
            inputs: vec![span(0, m * k), span(1, k * n)],
            outputs: vec![span(2, m * n)],
            in_place: vec![],
            rounds: None,
            tiles: Arc::new(tiles),
            scratch: 4 * scratch,
            cost: 2.0 * (m * k * n) as f64 * 0.01,
            body: Arc::new(move |tile, io| {
                let (i, j) = origins[tile];
                let a = if transposed.0 {
                    MatRef::row_major(io.input(0), k, m).t()
                } else {
                    MatRef::row_major(io.input(0), m, k)
                };
                let b = if transposed.1 {
                    MatRef::row_major(io.input(1), n, k).t()
                } else {
                    MatRef::row_major(io.input(1), k, n)
                };
                let c = io.output(0);
                let (a, b) = (a.sub(i..i + c.rows(), 0..k), b.sub(0..k, j..j + c.cols()));
                gemm_f32(isa, a, MatB::Strided(b), c, &Epilogue::default(), io.scratch(scratch));
            }),
        };
        let lens = [m * k, k * n, m * n];
        let program = TileProgram::new(vec![step], vec![vec![Work::Tiles(0)]], 1, &lens.map(|l| 4 * l), 0);
        let program = program.expect("tiles are disjoint");
        let [a, b, c] = [numbers(1, lens[0]), numbers(2, lens[1]), numbers(3, lens[2])];
        Self { program, a, b, c, scratch: Scratch::default() }
    }

    /// Multiplies.
    pub fn run(&mut self, team: Option<&Team>) {
        let mut binds = [Bind::Read(self.a.bytes()), Bind::Read(self.b.bytes()), Bind::Write(self.c.bytes_mut())];
        self.program.run(&mut binds, &mut self.scratch, team, None).expect("a product does not fail");
    }
}
