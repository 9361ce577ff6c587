//! Philox against the known answers of its authors, and the draws' distributions and independence of the cut.

mod support;

use dlrs_kernels::isa::{Isa, Level};
use dlrs_kernels::random::{Stream, philox4x32};
use support::Guarded;

/// The vectors for `philox4x32 10` in Random123's `kat_vectors`.
#[test]
fn known_answers() {
    assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox4x32([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    assert_eq!(
        philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    );
}

const STREAM: Stream = Stream { seed: 0x0123_4567_89ab_cdef, counter: 42 };

/// A draw of f32: (stream, level, first element, output).
type Draw = fn(Stream, Isa, u64, &mut [f32]);
const DRAWS: [Draw; 2] = [Stream::uniform_f32, Stream::normal_f32];

#[test]
fn uniform_words_are_those_of_the_scalar_generator() {
    let n = 1000;
    let want: Vec<f32> = (0..n)
        .map(|e| {
            let counter = 16 * (e / 64) + e % 16;
            let words = philox4x32([counter as u32, 0, 42, 0], [0x89ab_cdef, 0x0123_4567]);
            (words[e % 64 / 16] >> 8) as f32 / 16_777_216.0
        })
        .collect();
    for isa in Isa::supported() {
        let mut y = vec![0.0; n];
        STREAM.uniform_f32(isa, 0, &mut y);
        assert_eq!(y, want);
    }
}

#[test]
fn draws_do_not_depend_on_the_cut() {
    for isa in Isa::supported() {
        for draw in DRAWS {
            let mut whole = vec![0.0; 400];
            draw(STREAM, isa, 1 << 33, &mut whole);
            for first in [0usize, 1, 15, 16, 17, 63, 64, 65, 130] {
                for n in (0..=67).chain([200]) {
                    let mut y = Guarded::end(&vec![0.0; n]);
                    draw(STREAM, isa, (1 << 33) + first as u64, &mut y);
                    assert_eq!(y[..], whole[first..first + n]);
                }
            }
        }
    }
    let (mut whole, mut part) = (vec![0.0; 50], vec![0.0; 13]);
    STREAM.normal_f64(0, &mut whole);
    STREAM.normal_f64(7, &mut part);
    assert_eq!(part[..], whole[7..20]);
}

#[test]
fn other_seeds_and_counters_give_other_numbers() {
    let isa = Isa::current();
    let draw = |stream: Stream| {
        let mut y = vec![0.0; 64];
        stream.uniform_f32(isa, 0, &mut y);
        y
    };
    let base = draw(STREAM);
    assert_ne!(base, draw(Stream { seed: STREAM.seed ^ 1 << 40, ..STREAM }));
    assert_ne!(base, draw(Stream { counter: STREAM.counter ^ 1 << 40, ..STREAM }));
}

fn moments(x: impl Iterator<Item = f64> + Clone) -> [f64; 4] {
    let n = x.clone().count() as f64;
    let mean = x.clone().sum::<f64>() / n;
    let central = |p: i32| x.clone().map(|v| (v - mean).powi(p)).sum::<f64>() / n;
    [mean, central(2), central(3), central(4)]
}

fn assert_near(got: [f64; 4], want: [f64; 4], tolerance: f64) {
    for k in 0..4 {
        assert!((got[k] - want[k]).abs() < tolerance, "moments {got:?}, not {want:?}");
    }
}

#[test]
fn moments_are_those_of_the_distributions() {
    let n = 1 << 20;
    let mut y = vec![0.0f32; n];
    for isa in Isa::supported() {
        STREAM.uniform_f32(isa, 0, &mut y);
        assert!(y.iter().all(|&u| (0.0..1.0).contains(&u)));
        assert_near(moments(y.iter().map(|&v| v.into())), [0.5, 1.0 / 12.0, 0.0, 1.0 / 80.0], 2e-3);
        STREAM.normal_f32(isa, 0, &mut y);
        assert_near(moments(y.iter().map(|&v| v.into())), [0.0, 1.0, 0.0, 3.0], 2e-2);
    }
    let mut z = vec![0.0; n];
    STREAM.uniform_f64(0, &mut z);
    assert_near(moments(z.iter().copied()), [0.5, 1.0 / 12.0, 0.0, 1.0 / 80.0], 2e-3);
    STREAM.normal_f64(0, &mut z);
    assert_near(moments(z.iter().copied()), [0.0, 1.0, 0.0, 3.0], 2e-2);
    let mut k = vec![0; 70_000];
    STREAM.integers(-3, 4, 0, &mut k);
    for v in -3..4 {
        let count = k.iter().filter(|&&x| x == v).count();
        assert!((9_500..10_500).contains(&count), "{count} times {v}");
    }
}

#[test]
fn normal_numbers_of_the_levels_agree() {
    let draw = |isa| {
        let mut y = vec![0.0; 10_000];
        STREAM.normal_f32(isa, 0, &mut y);
        y
    };
    let levels = Isa::supported();
    assert_eq!(levels[0].level(), Level::Portable);
    let base = draw(levels[0]);
    for &isa in &levels[1..] {
        assert!(base.iter().zip(draw(isa)).all(|(a, b)| (a - b).abs() < 2e-6));
    }
}
