//! Sums over the rows of elementwise programs, and the mean and scatter of columns: against double precision, and the same bits however
//! the matrix is cut and at every level.

mod support;

use dlrs_kernels::elementwise::{Access, AnySlice, AnyTile, BinaryOp, Instr, Program, Source};
use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::{DType, TileMut};
use dlrs_kernels::reduce::{merge_moments, moments, moments_scratch_len, tile_moments};
use support::{Guarded, Rng};

/// Rows and columns: fewer and more than a period, a vector, and a strip.
const SIZES: [(usize, usize); 14] = [
    (1, 2),
    (1, 16),
    (2, 3),
    (7, 1),
    (70, 5),
    (9, 16),
    (64, 16),
    (100, 17),
    (33, 40),
    (5, 64),
    (13, 100),
    (300, 2),
    (4, 1500),
    (700, 33),
];

fn uniform(seed: u64, n: usize, centre: f32) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| centre + rng.uniform(-1.0, 1.0)).collect()
}

/// y = x·scale with `scale` a row, and the sums over the rows of x and of y: [y, sum of y, sum of x].
const PROGRAM: [Instr; 6] = [
    Instr::Load { input: 0, dst: 0 },
    Instr::Load { input: 1, dst: 1 },
    Instr::Binary { op: BinaryOp::Mul, a: 0, b: 1, dst: 2 },
    Instr::Sum { sum: 0, src: 2 },
    Instr::Sum { sum: 1, src: 0 },
    Instr::Store { output: 0, src: 2 },
];

/// What the program makes of columns `from..` of x, in place or not.
fn sums_f32(
    isa: Isa,
    (rows, cols): (usize, usize),
    x: &[f32],
    scale: &[f32],
    from: usize,
    in_place: bool,
) -> [Vec<f32>; 3] {
    let inputs = [Access::dense(DType::F32, &[rows, cols]), Access::broadcast(DType::F32, &[cols], 2)];
    let program = Program::over_matrix(DType::F32, &[rows, cols], &PROGRAM, &inputs, &[DType::F32]);
    let width = cols - from;
    let old = if in_place { x.to_vec() } else { vec![77.0; rows * cols] };
    let [mut y, mut sums] = [Guarded::end(&old), Guarded::end(&vec![77.0; 2 * width])];
    let (sum_y, sum_x) = sums.split_at_mut(width);
    let (x, scale) = (Guarded::end(x), Guarded::end(scale));
    let first = if in_place { Source::Output(0) } else { Source::Slice(AnySlice::F32(&x)) };
    program.run(
        isa,
        &[first, Source::Slice(AnySlice::F32(&scale))],
        &mut [
            AnyTile::F32(TileMut::new(&mut y[from..], rows, width, cols)),
            AnyTile::F32(TileMut::flat(sum_y)),
            AnyTile::F32(TileMut::flat(sum_x)),
        ],
        0..rows,
        from..cols,
        &mut vec![0; program.scratch_len()],
    );
    [y.to_vec(), sums[..width].to_vec(), sums[width..].to_vec()]
}

#[test]
fn programs_add_up_rows() {
    for (rows, cols) in SIZES {
        let (x, scale) = (uniform(1, rows * cols, 0.5), uniform(2, cols, 1.0));
        let mut bits = None;
        for isa in Isa::supported() {
            let [y, sum_y, sum_x] = sums_f32(isa, (rows, cols), &x, &scale, 0, false);
            for c in 0..cols {
                let column = || (0..rows).map(|r| f64::from(x[r * cols + c]));
                let want = [column().map(|v| v * f64::from(scale[c])).sum(), column().sum::<f64>()];
                for (have, want) in [sum_y[c], sum_x[c]].into_iter().zip(want) {
                    let bound = 1e-6 * (rows as f64).max(4.0);
                    assert!((f64::from(have) - want).abs() <= bound, "column {c} of {rows}x{cols}: {have}, not {want}");
                }
            }
            assert!((0..rows * cols).all(|i| y[i] == x[i] * scale[i % cols]), "{rows}x{cols}");
            let all = (sum_y.clone(), sum_x.clone());
            assert_eq!(bits.get_or_insert(all.clone()), &all, "{rows}x{cols} at {isa:?}");
            assert_eq!(sums_f32(isa, (rows, cols), &x, &scale, 0, true), [y, sum_y, sum_x], "{rows}x{cols} in place");
            for from in [1, cols / 2, cols - 1].into_iter().filter(|&from| 0 < from && from < cols) {
                let [_, some_y, some_x] = sums_f32(isa, (rows, cols), &x, &scale, from, false);
                assert_eq!((&some_y[..], &some_x[..]), (&all.0[from..], &all.1[from..]), "{rows}x{cols} from {from}");
            }
        }
    }
}

fn moments_of<T: Real>(isa: Isa, (rows, cols): (usize, usize), x: &[T]) -> [Vec<T>; 2] {
    let (x, mut out) = (Guarded::end(&x[..rows * cols]), [(); 2].map(|()| Guarded::end(&vec![T::NAN; cols])));
    let mut scratch = vec![T::NAN; moments_scratch_len(cols, cols)];
    let [mean, scatter] = &mut out;
    moments(isa, &x, cols, mean, scatter, &mut scratch);
    out.map(|v| v.to_vec())
}

/// The mean and the summed squared distances of column `c`.
fn of_column(x: &[f32], (rows, cols): (usize, usize), c: usize) -> (f64, f64) {
    let column = || (0..rows).map(|r| f64::from(x[r * cols + c]));
    let mean = column().sum::<f64>() / rows as f64;
    (mean, column().map(|v| (v - mean) * (v - mean)).sum())
}

#[test]
fn moments_match_their_definitions() {
    for (size @ (rows, cols), centre) in SIZES.into_iter().flat_map(|size| [(size, 0.0), (size, 1000.0)]) {
        let x = uniform(3, rows * cols, centre);
        let wide: Vec<f64> = x.iter().map(|&v| v.into()).collect();
        let mut bits = None;
        for isa in Isa::supported() {
            let ([mean, scatter], [wide_mean, wide_scatter]) =
                (moments_of(isa, size, &x), moments_of(isa, size, &wide));
            for c in 0..cols {
                let (m, s) = of_column(&x, size, c);
                let close = |have: f64, want: f64, bound: f64| {
                    assert!((have - want).abs() <= bound, "column {c} of {size:?} around {centre}: {have}, not {want}");
                };
                close(mean[c].into(), m, 1e-6 * f64::from(centre.max(1.0)));
                // The mean's own error, a few units in its last place, counts squared once a row.
                let off = 1e-6 * f64::from(centre.max(1.0));
                close(scatter[c].into(), s, 4e-6 * s + rows as f64 * (off * off + 1e-12));
                close(wide_mean[c], m, 1e-12 * f64::from(centre.max(1.0)));
                close(wide_scatter[c], s, 1e-10 * s.max(1.0));
            }
            assert_eq!(bits.get_or_insert([mean.clone(), scatter.clone()]), &[mean, scatter], "{size:?} at {isa:?}");
        }
    }
}

#[test]
fn moments_of_a_part_of_the_columns_are_those_of_the_whole() {
    for size @ (rows, cols) in SIZES {
        let x = uniform(4, rows * cols, 2.0);
        for isa in Isa::supported() {
            let [mean, scatter] = moments_of(isa, size, &x);
            for columns in [0..cols, cols / 3..cols, 0..cols.div_ceil(2)] {
                let n = columns.len();
                let (mut copy, mut out) = (Guarded::end(&x), Guarded::end(&vec![f32::NAN; 2 * n]));
                let mut tile = TileMut::new(&mut copy[columns.start..], rows, n, cols);
                let (m, s) = out.split_at_mut(n);
                tile_moments(isa, &mut tile, cols, m, s, &mut vec![f32::NAN; moments_scratch_len(cols, n)]);
                assert_eq!((&*m, &*s), (&mean[columns.clone()], &scatter[columns.clone()]), "{columns:?} of {size:?}");
            }
        }
    }
}

#[test]
fn moments_of_chunks_merge() {
    for size @ (rows, cols) in SIZES {
        let x = uniform(5, rows * cols, 3.0);
        for chunk in [1, 2, rows.div_ceil(3), rows] {
            let parts: Vec<[Vec<f32>; 2]> = x
                .chunks(chunk * cols)
                .map(|part| moments_of(Isa::current(), (part.len() / cols, cols), part))
                .collect();
            let [means, scatters] = [0, 1].map(|i| parts.iter().flat_map(|part| part[i].clone()).collect::<Vec<f32>>());
            for first in [0, cols / 2] {
                let (mut mean, mut variance) = (vec![f32::NAN; cols - first], vec![f32::NAN; cols - first]);
                merge_moments((&means, &scatters), (rows, chunk), (cols, first), &mut mean, &mut variance);
                for c in first..cols {
                    let (m, s) = of_column(&x, size, c);
                    let (have, v) = (f64::from(mean[c - first]), s / rows as f64);
                    assert!((have - m).abs() <= 4e-6, "mean {c} of {size:?} by {chunk}: {have}, not {m}");
                    let have = f64::from(variance[c - first]);
                    assert!((have - v).abs() <= 4e-6, "variance {c} of {size:?} by {chunk}: {have}, not {v}");
                }
            }
        }
    }
}
