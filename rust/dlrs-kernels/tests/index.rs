//! Gathers and scatters against plain loops, cut by rows, with bad indices named.

mod support;

use dlrs_kernels::index::{BadIndex, gather_rows, gather_rows_u8, scatter_add_rows};
use dlrs_kernels::isa::Isa;
use dlrs_kernels::mem::TileMut;
use support::{Guarded, Rng};

#[test]
fn rows_are_gathered_and_converted() {
    let mut rng = Rng::new(1);
    for width in (1..=35).chain([784]) {
        let x: Vec<u8> = (0..6 * width).map(|_| rng.bits() as u8).collect();
        let indices = [5i64, 0, 3, 3, 1];
        let guarded = Guarded::end(&x);
        let mut y = Guarded::end(&vec![0u8; 3 * width]);
        gather_rows(&guarded, &indices, 1..4, TileMut::new(&mut y, 3, width, width)).unwrap();
        for isa in Isa::supported() {
            let mut z = Guarded::end(&vec![0.0f32; 3 * width]);
            gather_rows_u8(isa, &guarded, &indices, 1..4, 0.5, TileMut::new(&mut z, 3, width, width)).unwrap();
            for (r, &row) in indices[1..4].iter().enumerate() {
                for j in 0..width {
                    assert_eq!(y[r * width + j], x[row as usize * width + j]);
                    assert_eq!(z[r * width + j], f32::from(y[r * width + j]) * 0.5);
                }
            }
        }
    }
    let mut y = [0.0f32; 2];
    let wrong = gather_rows(&[1.0f32, 2.0], &[0i32, 2], 0..2, TileMut::new(&mut y, 2, 1, 1));
    assert_eq!(wrong, Err(BadIndex { position: 1, index: 2 }));
    let wrong = gather_rows_u8(Isa::current(), &[1], &[-1i64], 0..1, 1.0, TileMut::flat(&mut y[..1]));
    assert_eq!(wrong, Err(BadIndex { position: 0, index: -1 }));
}

#[test]
fn rows_are_added_up_whatever_the_cut() {
    let mut rng = Rng::new(2);
    let (n, total, width) = (50, 9, 19);
    let indices: Vec<i32> = (0..n).map(|_| (rng.bits() % total as u32) as i32).collect();
    let x = rng.vec(n * width);
    let mut want = vec![0.0f32; total * width];
    for i in 0..n {
        for j in 0..width {
            want[indices[i] as usize * width + j] += x[i * width + j];
        }
    }
    for isa in Isa::supported() {
        for rows in [0..9, 0..4, 4..9, 3..3] {
            let mut y = Guarded::end(&vec![7.0; rows.len() * width]);
            let tile = TileMut::new(&mut y, rows.len(), width, width);
            scatter_add_rows(isa, &x, &indices, total, rows.clone(), tile).unwrap();
            assert_eq!(y[..], want[rows.start * width..rows.end * width]);
        }
        let mut y = [0.0; 2];
        let wrong = scatter_add_rows(isa, &[1.0, 2.0], &[0i64, 2], 2, 0..2, TileMut::new(&mut y, 2, 1, 1));
        assert_eq!(wrong, Err(BadIndex { position: 1, index: 2 }));
    }
}
