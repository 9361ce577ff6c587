//! Suppression against scalar twins, at every level, for arrangements with few and many overlaps.

mod support;

use dlrs_kernels::boxes::{
    Areas, Coordinate, Decay, Fault, Images, Limits, Softly, check, many_nms, many_soft_nms, nms, ranks, soft_nms,
};
use dlrs_kernels::isa::{Isa, Real};
use dlrs_kernels::mem::team;
use support::{Guarded, Rng};

const GO_ON: &dyn Fn() -> bool = &|| false;

/// Overlap as the kernels state it.
fn iou<T: Real>(a: &[T], b: &[T]) -> T {
    let (zero, area) = (T::default(), |x: &[T]| (x[2] - x[0]) * (x[3] - x[1]));
    let (max, min) = (|x: T, y: T| if x > y { x } else { y }, |x: T, y: T| if x < y { x } else { y });
    let shared = max(min(a[2], b[2]) - max(a[0], b[0]), zero) * max(min(a[3], b[3]) - max(a[1], b[1]), zero);
    shared / ((area(a) + area(b)) - shared)
}

fn at<T>(boxes: &[T], i: u32) -> &[T] {
    &boxes[4 * i as usize..][..4]
}

fn twin<T: Real>(boxes: &[T], order: &[u32], threshold: T) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::new();
    for (place, &i) in order.iter().enumerate() {
        let above = |&k: &u32| iou(at(boxes, order[k as usize]), at(boxes, i)) > threshold;
        if !kept.iter().any(above) {
            kept.push(place as u32);
        }
    }
    kept
}

/// Boxes of one of several arrangements.
fn boxes(kind: usize, n: usize, rng: &mut Rng) -> Vec<f64> {
    let uniform = |rng: &mut Rng, lo: f64, hi: f64| f64::from(rng.uniform(lo as f32, hi as f32));
    let centers: Vec<[f64; 2]> = (0..12).map(|_| [uniform(rng, 0.0, 900.0), uniform(rng, 0.0, 900.0)]).collect();
    let mut all = Vec::new();
    for i in 0..n {
        let (x, y, w, h) = match kind {
            // Of all sizes, scattered.
            0 => {
                let size = 2f64.powf(uniform(rng, 1.0, 8.0));
                (uniform(rng, 0.0, 900.0), uniform(rng, -900.0, 0.0), size, size * uniform(rng, 0.2, 4.0))
            }
            // Around few centres.
            1 => {
                let c = centers[rng.bits() as usize % 12];
                (c[0] + uniform(rng, -9.0, 9.0), c[1] + uniform(rng, -9.0, 9.0), uniform(rng, 30.0, 60.0), 50.0)
            }
            // Almost one box.
            2 => (uniform(rng, 0.0, 1.0), uniform(rng, 0.0, 1.0), 100.0, 100.0),
            // Apart.
            3 => (10.0 * (i % 50) as f64, 10.0 * (i / 50) as f64, 8.0, 8.0),
            // On a coarse lattice: many equal sides, overlaps at the threshold, boxes without area.
            4 => {
                let step = |rng: &mut Rng, n: u32| f64::from(rng.bits() % n);
                (step(rng, 12), step(rng, 12), step(rng, 5), step(rng, 5))
            }
            // Far from the origin, with sides of a few units in the last place.
            5 => {
                let far = |rng: &mut Rng| 1.0e6 + f64::from(rng.bits() % 64) / 16.0;
                (far(rng), far(rng), f64::from(1 + rng.bits() % 8) / 16.0, f64::from(1 + rng.bits() % 8) / 16.0)
            }
            // Long and thin, either way.
            6 if rng.bits().is_multiple_of(2) => {
                (uniform(rng, 0.0, 300.0), uniform(rng, 0.0, 300.0), 200.0, uniform(rng, 1.0, 3.0))
            }
            6 => (uniform(rng, 0.0, 300.0), uniform(rng, 0.0, 300.0), uniform(rng, 1.0, 3.0), 200.0),
            // So small that areas lose digits.
            7 => {
                let tiny = |rng: &mut Rng| f64::from(rng.bits() % 16) * 1e-22;
                (tiny(rng), tiny(rng), tiny(rng), tiny(rng))
            }
            // So large that areas overflow.
            _ => {
                let huge = |rng: &mut Rng| 3e38 * f64::from(rng.uniform(-1.0, 1.0));
                let (x, y) = (huge(rng), huge(rng));
                (x, y, (huge(rng) - x).max(0.0), (huge(rng) - y).max(0.0))
            }
        };
        all.extend([x, y, x + w, y + h]);
    }
    all
}

const KINDS: usize = 9;

fn suppression<T: Coordinate>() {
    let mut rng = Rng::new(3);
    for kind in 0..KINDS {
        for n in [0, 1, 17, 300, 1500] {
            let given: Vec<T> = boxes(kind, n, &mut rng).into_iter().map(T::of).collect();
            let scores: Vec<T> = (0..n).map(|_| T::of(f64::from(rng.bits() % 100))).collect();
            check(Isa::current(), &given, &scores).unwrap();
            let (given, order) = (Guarded::end(&given), ranks(&scores, None));
            for threshold in [0.0, 1e-9, 0.1, 0.3, 0.5, 0.5f64.next_down(), 0.7, 0.95, 1.0].map(T::floor) {
                let wanted: Vec<u32> =
                    twin(&given, &order, threshold).into_iter().map(|place| order[place as usize]).collect();
                for isa in Isa::supported() {
                    for most in [usize::MAX, 40] {
                        let kept = nms(isa, &given, &scores, Limits { least: None, threshold, most }, GO_ON);
                        assert_eq!(kept, wanted[..most.min(wanted.len())], "{kind} {n} {threshold:?} {isa:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn suppression_of_singles() {
    suppression::<f32>();
}

#[test]
fn suppression_of_doubles() {
    suppression::<f64>();
}

/// The algorithm as the paper states it: each time the best of all is taken, and all others are looked at.
fn soft_twin<T: Real>(given: &[T], scores: &[T], decay: Decay, least: T) -> Vec<(u32, T)> {
    let mut left: Vec<(u32, T)> = scores.iter().zip(0..).map(|(&s, i)| (i, s)).collect();
    let mut kept = Vec::new();
    loop {
        left.retain(|&(_, s)| s > least);
        let best = left.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.1.partial_cmp(&b.1).unwrap());
        let Some((k, _)) = best else { return kept };
        let (i, score) = left.remove(k);
        kept.push((i, score));
        for (j, s) in &mut left {
            let overlap = iou(at(given, i), at(given, *j));
            let share = match decay {
                Decay::Linear(t) if overlap.to_f64() > t => T::of(1.0) - overlap,
                Decay::Gaussian(sigma) if overlap.to_f64() > 0.0 => {
                    T::of((-(overlap.to_f64() * overlap.to_f64()) / sigma).exp())
                }
                _ => T::of(1.0),
            };
            *s = *s * share;
        }
    }
}

fn softly<T: Coordinate + Softly>() {
    let mut rng = Rng::new(5);
    for kind in 0..KINDS {
        let n = 150;
        let given: Vec<T> = boxes(kind, n, &mut rng).into_iter().map(T::of).collect();
        let scores: Vec<T> = (0..n).map(|_| T::of(f64::from(rng.bits() % 100) / 100.0)).collect();
        for decay in [Decay::Linear(0.3), Decay::Linear(0.0), Decay::Gaussian(0.5), Decay::Gaussian(0.01)] {
            for least in [0.0, 0.3] {
                let wanted = soft_twin(&given, &scores, decay, T::of(least));
                for isa in Isa::supported() {
                    let kept = soft_nms(isa, &given, &scores, decay, T::of(least), usize::MAX, GO_ON);
                    assert_eq!(kept, wanted, "{kind} {decay:?} {least} {isa:?}");
                }
            }
        }
    }
}

#[test]
fn soft_suppression_of_singles() {
    softly::<f32>();
}

#[test]
fn soft_suppression_of_doubles() {
    softly::<f64>();
}

#[test]
fn classes_and_images_leave_each_other_alone() {
    let mut rng = Rng::new(7);
    let (count, n) = (3, 400);
    let given: Vec<f32> = boxes(0, count * n, &mut rng).into_iter().map(|x| x as f32).collect();
    let scores: Vec<f32> = (0..count * n).map(|_| (rng.bits() % 50) as f32 / 50.0).collect();
    let classes: Vec<i64> = (0..count * n).map(|_| i64::from(rng.bits() % 7) * i64::from(u32::MAX) - 5).collect();
    let limits = Limits { least: Some(0.1), threshold: 0.4, most: 60 };
    let images = Images { boxes: &given, scores: &scores, classes: Some(&classes), count, areas: Areas::Ordinary };
    let kept = many_nms(Isa::current(), &team(), images, limits, GO_ON).unwrap();
    let soft = many_soft_nms(Isa::current(), &team(), images, Decay::Linear(0.4), 0.1, 60, GO_ON).unwrap();
    for image in 0..count {
        let (first, mut wanted) = (image * n, Vec::new());
        let order = ranks(&scores[first..first + n], Some(0.1));
        let mut falling = Vec::new();
        for class in 0..7 {
            let own: Vec<u32> = order
                .iter()
                .copied()
                .filter(|&i| classes[first + i as usize] == class * i64::from(u32::MAX) - 5)
                .collect();
            let (boxes, scores) = (&given[4 * first..4 * (first + n)], &scores[first..first + n]);
            wanted.extend(twin(boxes, &own, 0.4).into_iter().map(|p| own[p as usize]));
            let own_boxes: Vec<f32> = own.iter().flat_map(|&i| at(boxes, i).to_vec()).collect();
            let own_scores: Vec<f32> = own.iter().map(|&i| scores[i as usize]).collect();
            let soft = soft_nms(Isa::current(), &own_boxes, &own_scores, Decay::Linear(0.4), 0.1, 60, GO_ON);
            falling.extend(soft.iter().map(|k| k.1));
        }
        wanted.sort_by_key(|&i| order.iter().position(|&o| o == i));
        wanted.truncate(60);
        assert_eq!(kept[image].iter().map(|k| k.0).collect::<Vec<_>>(), wanted);
        falling.sort_by(|a, b| b.partial_cmp(a).unwrap());
        falling.truncate(60);
        assert_eq!(soft[image].iter().map(|k| k.1).collect::<Vec<_>>(), falling);
    }
}

/// Overlaps in double precision, rounded to singles.
fn wide_twin(boxes: &[f32], order: &[u32], threshold: f32) -> Vec<u32> {
    let boxes: Vec<f64> = boxes.iter().map(|&x| f64::from(x)).collect();
    let mut kept: Vec<u32> = Vec::new();
    for &i in order {
        if !kept.iter().any(|&k| iou(at(&boxes, k), at(&boxes, i)) as f32 > threshold) {
            kept.push(i);
        }
    }
    kept
}

fn all_at_once<T: Coordinate>(boxes: &[T], scores: &[T], threshold: T) -> Vec<u32> {
    let areas = check(Isa::current(), boxes, scores).unwrap();
    let images = Images { boxes, scores, classes: None, count: 1, areas };
    let limits = Limits { least: None, threshold, most: usize::MAX };
    let kept = many_nms(Isa::current(), &team(), images, limits, GO_ON).unwrap();
    kept[0].iter().map(|k| k.0).collect()
}

#[test]
fn areas_that_over_or_underflow_are_right_nevertheless() {
    let mut rng = Rng::new(11);
    let lengths = [1e-40f32, 1e-30, 1e-10, 1.0, 1e15, 1e30, 1e38];
    for n in [2, 30, 300, 1500] {
        for length in lengths {
            for height in lengths {
                let mut given: Vec<f32> = Vec::new();
                for _ in 0..n {
                    let mut draw = |lo, hi, scale: f32| scale * rng.uniform(lo, hi);
                    let (x, y) = (draw(-1.0, 1.0, length), draw(-1.0, 1.0, height));
                    given.extend([x, y, x + draw(0.0, 1.5, length), y + draw(0.0, 1.5, height)]);
                }
                let scores: Vec<f32> = (0..n).map(|_| (rng.bits() % 100) as f32).collect();
                let order = ranks(&scores, None);
                let ordinary = check(Isa::current(), &given, &scores) == Ok(Areas::Ordinary);
                for threshold in [0.1, 0.3, 0.7] {
                    let kept = all_at_once(&given, &scores, threshold);
                    if ordinary {
                        let wanted = twin(&given, &order, threshold);
                        assert!(wanted.iter().map(|&place| order[place as usize]).eq(kept), "{length} {height}");
                    } else {
                        assert_eq!(kept, wide_twin(&given, &order, threshold), "{n} {length} {height} {threshold}");
                    }
                }
                assert!(ordinary || n > 30 || length != 1.0 || height != 1.0);
            }
        }
    }
}

#[test]
fn doubles_times_a_power_of_two_are_kept_as_before() {
    let mut rng = Rng::new(12);
    for kind in [0, 1, 3, 6] {
        let given = boxes(kind, 1000, &mut rng);
        let scores: Vec<f64> = (0..1000).map(|_| f64::from(rng.bits() % 100)).collect();
        let wanted = all_at_once(&given, &scores, 0.4);
        assert!(wanted.len() > 5 && (kind == 3 || wanted.len() < 1000));
        for power in [-900, -500, 520, 900, 1010] {
            let scaled: Vec<f64> = given.iter().map(|x| x * 2f64.powi(power)).collect();
            assert_eq!(check(Isa::current(), &scaled, &scores), Ok(Areas::Extreme));
            assert_eq!(all_at_once(&scaled, &scores, 0.4), wanted, "{kind} {power}");
        }
    }
}

#[test]
fn scores_fall_as_in_double_precision_where_areas_are_extreme() {
    let mut rng = Rng::new(13);
    for kind in [1, 6] {
        for power in [-100, 60, 100] {
            let doubles: Vec<f64> = boxes(kind, 200, &mut rng).into_iter().map(|x| f64::from(x as f32)).collect();
            let given: Vec<f32> = doubles.iter().map(|x| (x * 2f64.powi(power)) as f32).collect();
            let scores: Vec<f32> = (0..200).map(|_| 0.2 + (rng.bits() % 1000) as f32 / 2000.0).collect();
            let wide: Vec<f64> = scores.iter().map(|&s| f64::from(s)).collect();
            for decay in [Decay::Linear(0.3), Decay::Gaussian(0.5)] {
                let wanted = soft_twin(&doubles, &wide, decay, 0.01);
                let areas = check(Isa::current(), &given, &scores).unwrap();
                let images = Images { boxes: &given, scores: &scores, classes: None, count: 1, areas };
                let kept =
                    many_soft_nms(Isa::current(), &team(), images, decay, 0.01, usize::MAX, GO_ON).unwrap().remove(0);
                assert_eq!(areas, Areas::Extreme);
                assert!(kept.iter().map(|k| k.0).eq(wanted.iter().map(|k| k.0)), "{kind} {power} {decay:?}");
                assert!(kept.iter().zip(&wanted).all(|(a, b)| (f64::from(a.1) - b.1).abs() < 1e-5));
            }
        }
    }
}

#[test]
fn only_the_class_with_extreme_areas_is_computed_otherwise() {
    // In singles a third is above a third.
    let ordinary = [0.0f32, 0.0, 3.0, 1.0, 0.0, 0.0, 1.0, 1.0];
    let extreme = [0.0f32, 0.0, 1e25, 1e25, 0.0, 0.0, 1e25, 0.6e25];
    let given = [ordinary, extreme].concat();
    let scores = [4.0f32, 3.0, 2.0, 1.0];
    let areas = check(Isa::current(), &given, &scores).unwrap();
    let images = Images { boxes: &given, scores: &scores, classes: Some(&[0, 0, 1, 1]), count: 1, areas };
    let limits = Limits { least: None, threshold: f32::floor(1.0 / 3.0), most: usize::MAX };
    let kept = many_nms(Isa::current(), &team(), images, limits, GO_ON).unwrap();
    assert_eq!(kept[0].iter().map(|k| k.0).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn areas_are_looked_at_wherever_a_box_stands() {
    for n in [1, 2, 16, 17, 40] {
        for at in 0..n {
            for (length, areas) in [
                (0.0f32, Areas::Ordinary),
                (1e-12, Areas::Ordinary),
                (1e18, Areas::Ordinary),
                (1e-13, Areas::Extreme),
                (1e19, Areas::Extreme),
                (f32::MAX, Areas::Extreme),
            ] {
                let mut given = [1.0f32, 1.0, 2.0, 2.0].repeat(n);
                given[4 * at] = 0.0;
                given[4 * at + 2] = length;
                assert_eq!(check(Isa::current(), &given, &vec![0.5; n]), Ok(areas), "{n} {at} {length}");
            }
        }
    }
}

#[test]
fn faults_are_found() {
    let good = [[0.0f32, 0.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]].concat();
    assert_eq!(check(Isa::current(), &good, &[0.0, 1.0]), Ok(Areas::Ordinary));
    assert_eq!(check(Isa::current(), &good, &[0.0, f32::NAN]), Err(Fault::Score(1)));
    assert_eq!(check(Isa::current(), &good, &[f32::NEG_INFINITY, 1.0]), Err(Fault::Score(0)));
    for (side, bad, fault) in [
        (5, f32::NAN, Fault::NotFinite(1)),
        (4, f32::INFINITY, Fault::NotFinite(1)),
        (0, 1.5, Fault::Inverted(0)),
        (7, 1.5, Fault::Inverted(1)),
    ] {
        let mut boxes = good.clone();
        boxes[side] = bad;
        assert_eq!(check(Isa::current(), &boxes, &[0.0, 1.0]), Err(fault));
    }
}

#[test]
fn a_stop_is_heard() {
    let mut rng = Rng::new(1);
    let given: Vec<f32> = boxes(3, 2000, &mut rng).into_iter().map(|x| x as f32).collect();
    let scores = vec![0.5; 2000];
    let images = Images { boxes: &given, scores: &scores, classes: None, count: 1, areas: Areas::Ordinary };
    let limits = Limits { least: None, threshold: 0.5, most: usize::MAX };
    assert!(many_nms(Isa::current(), &team(), images, limits, &|| true).is_none());
}
