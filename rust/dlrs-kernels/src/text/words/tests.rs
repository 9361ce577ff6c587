//! Training against its definition in double precision, draws against their distributions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::*;
use crate::isa::Isa;
use crate::mem::{set_threads, team};
use crate::random::Stream;

/// Windows of distinct inputs and outputs.
fn windows(count: usize, inputs: u32, outputs: u32, most: (u32, u32)) -> Windows {
    let mut draws = Draws::new(Isa::current(), Stream { seed: 5, counter: 0 });
    let mut windows = Windows::default();
    for _ in 0..count {
        let (first, step) = (draws.below(inputs), if inputs < 32 { 1 } else { 1 + draws.below(3) });
        (0..1 + draws.below(most.0)).for_each(|i| windows.input((first + i * step) % inputs));
        let first = draws.below(outputs);
        (0..1 + draws.below(most.1)).for_each(|i| windows.output((first + i) % outputs, i % 3 == 0));
        windows.close();
    }
    windows
}

type Rows = Vec<Vec<f64>>;

fn rows(matrices: &Matrices, matrix: usize, count: usize) -> Rows {
    let mut row = vec![0.0; matrices.dims()];
    let mut get = |i| {
        matrices.get(matrix, i, &mut row);
        row.iter().map(|&x| f64::from(x)).collect()
    };
    (0..count).map(&mut get).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(a: &mut [f64], scale: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += scale * b);
}

fn mean(x: &Rows, inputs: &[u32]) -> Vec<f64> {
    let mut mean = vec![0.0; x[0].len()];
    inputs.iter().for_each(|&i| add(&mut mean, 1.0 / inputs.len() as f64, &x[i as usize]));
    mean
}

/// What training is: batch by batch scores with the weights before it, then the steps of window after window.
fn twin(cbow: bool, x: &mut Rows, y: &mut Rows, windows: &Windows, rate: f64) -> (f64, u64) {
    let (mut loss, mut count) = (0.0, 0);
    for batch in (0..windows.batches()).map(|i| windows.batch(i)) {
        let scores: Vec<Rows> = batch
            .clone()
            .map(|i| {
                let w = windows.get(i);
                let vectors: Rows = if cbow {
                    vec![mean(x, w.inputs)]
                } else {
                    w.inputs.iter().map(|&i| x[i as usize].clone()).collect()
                };
                vectors.iter().map(|v| w.outputs.iter().map(|&o| dot(v, &y[o as usize])).collect()).collect()
            })
            .collect();
        for (i, scores) in batch.zip(&scores) {
            let w = windows.get(i);
            let vectors: Rows =
                if cbow { vec![mean(x, w.inputs)] } else { w.inputs.iter().map(|&i| x[i as usize].clone()).collect() };
            let before = y.clone();
            for (n, (v, scores)) in vectors.iter().zip(scores).enumerate() {
                let mut change = vec![0.0; v.len()];
                for ((&o, &sign), score) in w.outputs.iter().zip(w.signs).zip(scores) {
                    let right = 1.0 / (1.0 + (-f64::from(sign) * score).exp());
                    let slope = rate * f64::from(sign) * (1.0 - right);
                    (loss, count) = (loss - right.ln(), count + 1);
                    add(&mut change, slope, &before[o as usize]);
                    add(&mut y[o as usize], slope, v);
                }
                let moved = if cbow { w.inputs } else { &w.inputs[n..n + 1] };
                moved.iter().for_each(|&i| add(&mut x[i as usize], 1.0, &change));
            }
        }
    }
    (loss, count)
}

fn close(found: &Rows, expected: &Rows) {
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 2e-5, "{found} {expected}");
    }
}

fn started(isa: Isa, inputs: usize, outputs: usize, dims: usize) -> Matrices {
    let mut matrices = Matrices::zeros(inputs, outputs, dims).unwrap();
    matrices.draw_inputs(isa, Stream { seed: 1, counter: 2 });
    let mut row = vec![0.0; dims];
    for i in 0..outputs {
        Stream { seed: 3, counter: i as u64 }.uniform_f32(isa, 0, &mut row);
        matrices.put(1, i, &row.iter().map(|x| (x - 0.5) * 2.0).collect::<Vec<_>>());
    }
    // Inputs large enough that slopes differ from one half.
    for i in 0..inputs {
        matrices.get(0, i, &mut row);
        let row: Vec<f32> = row.iter().map(|x| x * dims as f32).collect();
        matrices.put(0, i, &row);
    }
    matrices
}

#[test]
fn steps_are_those_of_the_definition_at_every_level() {
    for isa in Isa::supported() {
        for (inputs, outputs, dims, most) in
            [(3, 9, 1, (2, 6)), (40, 30, 16, (7, 6)), (200, 99, 100, (10, 20)), (70, 50, 131, (4, 1))]
        {
            for cbow in [false, true] {
                let mut windows = windows(150, inputs as u32, outputs as u32, most);
                match cbow {
                    true => windows.cut(Cbow, 30),
                    false => windows.cut(SkipGram, 60),
                }
                let windows = Arc::new(windows);
                let mut matrices = started(isa, inputs, outputs, dims);
                let (mut x, mut y) = (rows(&matrices, 0, inputs), rows(&matrices, 1, outputs));
                let (mut memory, rate) = (Memory::default(), 0.02);
                let (loss, count) = match cbow {
                    true => train(isa, &team(), Cbow, &mut matrices, Arc::clone(&windows), rate, &mut memory),
                    false => train(isa, &team(), SkipGram, &mut matrices, Arc::clone(&windows), rate, &mut memory),
                }
                .unwrap();
                let expected = twin(cbow, &mut x, &mut y, &windows, f64::from(rate));
                assert_eq!(count, expected.1);
                assert!((loss / expected.0 - 1.0).abs() < 1e-5, "{loss} {expected:?}");
                close(&rows(&matrices, 0, inputs), &x);
                close(&rows(&matrices, 1, outputs), &y);
            }
        }
    }
}

#[test]
fn bits_are_the_same_for_any_number_of_threads_and_rows_may_repeat() {
    let mut all = windows(300, 500, 400, (9, 13));
    for repeated in [[7, 7, 7], [8, 9, 8]] {
        repeated.iter().for_each(|&row| all.input(row));
        all.output(1, true);
        all.output(2, false);
        all.close();
    }
    all.cut(SkipGram, 50);
    let all = Arc::new(all);
    let results: Vec<_> = [1, 2, 3, 5]
        .iter()
        .map(|&threads| {
            set_threads(threads);
            let isa = Isa::current();
            let mut matrices = started(isa, 500, 400, 200);
            let loss =
                train(isa, &team(), SkipGram, &mut matrices, Arc::clone(&all), 0.05, &mut Memory::default()).unwrap();
            set_threads(0);
            (loss.0.to_bits(), rows(&matrices, 0, 500), rows(&matrices, 1, 400))
        })
        .collect();
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
#[should_panic(expected = "the same output twice")]
fn outputs_in_registers_together_differ() {
    let mut windows = Windows::default();
    windows.input(0);
    windows.output(1, true);
    windows.output(1, false);
    windows.close();
    windows.cut(SkipGram, 1);
    let mut matrices = Matrices::zeros(2, 2, 4).unwrap();
    let _ = train(Isa::current(), &team(), SkipGram, &mut matrices, Arc::new(windows), 0.1, &mut Memory::default());
}

#[test]
#[should_panic(expected = "rows that are none")]
fn rows_are_those_of_the_matrices() {
    let mut windows = Windows::default();
    windows.input(2);
    windows.output(1, true);
    windows.close();
    windows.cut(SkipGram, 1);
    let mut matrices = Matrices::zeros(2, 2, 4).unwrap();
    let _ = train(Isa::current(), &team(), SkipGram, &mut matrices, Arc::new(windows), 0.1, &mut Memory::default());
}

#[test]
fn aliases_draw_in_proportion_to_the_weights() {
    let weights = [5.0, 0.0, 1.0, 3.0, 0.5, 10.0];
    let alias = Alias::new(&weights);
    let mut draws = Draws::new(Isa::current(), Stream { seed: 9, counter: 1 });
    let mut found = [0.0; 6];
    let n = 400_000;
    (0..n).for_each(|_| found[alias.draw(&mut draws) as usize] += 1.0);
    let sum: f64 = weights.iter().sum();
    for (found, weight) in found.iter().zip(weights) {
        let p = weight / sum;
        let deviation = (n as f64 * p * (1.0 - p)).sqrt();
        assert!((found - n as f64 * p).abs() <= 5.0 * deviation, "{found} of {n} for {p}");
    }
}

#[test]
fn ways_in_the_tree_are_those_of_huffman() {
    // 5 and 3 make 8; 8 and 7 make 15; 15 and 20 make 35.
    let tree = HierarchicalSoftmax::new(&[20, 7, 5, 3]);
    assert_eq!(tree.rows(), 3);
    assert_eq!(tree.way(0), [(2, false)]);
    assert_eq!(tree.way(1), [(2, true), (1, true)]);
    assert_eq!(tree.way(2), [(2, true), (1, false), (0, false)]);
    assert_eq!(tree.way(3), [(2, true), (1, false), (0, true)]);
    // As many words are as long as the best code: the mean length is at least the entropy and less than one more.
    let counts: Vec<u64> = (1..500).map(|n| 100_000 / n).collect();
    let tree = HierarchicalSoftmax::new(&counts);
    let total = counts.iter().sum::<u64>() as f64;
    let mean: f64 = counts.iter().enumerate().map(|(i, &c)| c as f64 / total * tree.way(i).len() as f64).sum();
    let entropy: f64 = counts.iter().map(|&c| -(c as f64 / total) * (c as f64 / total).log2()).sum();
    assert!(mean >= entropy && mean < entropy + 1.0, "{mean} {entropy}");
    // Kraft: the ways fill the tree.
    let filled: f64 = (0..counts.len()).map(|i| (-(tree.way(i).len() as f64)).exp2()).sum();
    assert!((filled - 1.0).abs() < 1e-9);
}

/// The neighbours of every word, from windows without sampling.
#[test]
fn windows_hold_the_neighbours_in_the_sentence() {
    let counts = [1u64; 9];
    let words = [0, 1, 2, 3, END, 4, END, END, 5, 6];
    let sampling = Sampling::new(&counts, 0.0, 2, false, 1);
    let objective = NegativeSampling::new(&counts, 0.75, 3);
    let windows =
        sampling.windows(Isa::current(), &team(), (SkipGram, &objective), &words, (0, 0.025), &|| false).unwrap();
    let found: Vec<(u32, Vec<u32>)> =
        (0..windows.len()).map(|i| (windows.get(i).outputs[0], windows.get(i).inputs.to_vec())).collect();
    let expected =
        [(0, vec![1, 2]), (1, vec![0, 2, 3]), (2, vec![0, 1, 3]), (3, vec![1, 2]), (5, vec![6]), (6, vec![5])];
    assert_eq!(found, expected);
    for i in 0..windows.len() {
        let mut outputs = windows.get(i).outputs.to_vec();
        assert_eq!(windows.get(i).signs, [1.0, -1.0, -1.0, -1.0]);
        outputs.sort_unstable();
        outputs.dedup();
        assert_eq!(outputs.len(), 4);
    }
    assert!(sampling.windows(Isa::current(), &team(), (SkipGram, &objective), &words, (0, 0.025), &|| true).is_none());
}

#[test]
fn frequent_words_are_kept_as_often_as_said_and_sizes_are_drawn_evenly() {
    // Word 0 is 9 of 10: t/f = 0.1/0.9, the chance √(1/9) + 1/9.
    let words: Vec<u32> = (0..200_000).map(|i| u32::from(i % 10 == 0)).collect();
    let counts = [180_000u64, 20_000];
    let objective = HierarchicalSoftmax::new(&counts);
    let sampling = Sampling::new(&counts, 0.1, 4, true, 7);
    let windows =
        sampling.windows(Isa::current(), &team(), (SkipGram, &objective), &words, (3, 0.025), &|| false).unwrap();
    // Of two words the left one is the one that turned left at the root: the rarer.
    let rare = (0..windows.len()).filter(|&i| windows.get(i).signs[0] > 0.0).count() as f64;
    let kept = windows.len() as f64 - rare;
    assert!((kept / 180_000.0 - (1.0 / 3.0 + 1.0 / 9.0)).abs() < 0.01, "{kept}");
    assert!((rare - 20_000.0).abs() < 1.0, "all of the rarer are kept");
    let mut sizes: HashMap<usize, f64> = HashMap::new();
    (0..windows.len()).for_each(|i| *sizes.entry(windows.get(i).inputs.len()).or_default() += 1.0);
    for size in [2, 4, 6, 8] {
        assert!((sizes[&size] / windows.len() as f64 - 0.25).abs() < 0.01, "{sizes:?}");
    }
    let again =
        sampling.windows(Isa::current(), &team(), (SkipGram, &objective), &words, (3, 0.025), &|| false).unwrap();
    assert!((0..windows.len()).all(|i| windows.get(i).inputs == again.get(i).inputs));
    let other =
        sampling.windows(Isa::current(), &team(), (SkipGram, &objective), &words, (4, 0.025), &|| false).unwrap();
    assert_ne!(other.len(), windows.len());
}

/// The most pairs of a row that is in so many windows of a batch, by maps.
fn most_pairs(architecture: impl Architecture, windows: &Windows, batch: usize, least: usize) -> usize {
    let mut pairs: HashMap<(bool, u32), (usize, HashSet<usize>)> = HashMap::new();
    for i in windows.batch(batch) {
        let window = windows.get(i);
        let mut add = |row, count| {
            let (pairs, windows) = pairs.entry(row).or_default();
            *pairs += count;
            windows.insert(i);
        };
        window.inputs.iter().for_each(|&row| add((false, row), window.outputs.len()));
        window.outputs.iter().for_each(|&row| add((true, row), architecture.scored(window)));
    }
    pairs.into_values().filter(|(_, windows)| windows.len() >= least).map(|(pairs, _)| pairs).max().unwrap_or(0)
}

fn batches_hold(architecture: impl Architecture, mut windows: Windows, most: usize) {
    windows.cut(architecture, most as u32);
    let mut first = 0;
    for i in 0..windows.batches() {
        let batch = windows.batch(i);
        assert_eq!(batch.start, first);
        first = batch.end;
        assert!(batch.len() <= 32 && most_pairs(architecture, &windows, i, 2) <= most);
        if batch.len() < 32 && i + 1 < windows.batches() {
            // One window more would have been too much.
            let mut longer = Windows::default();
            for window in (batch.start..=batch.end).map(|i| windows.get(i)) {
                window.inputs.iter().for_each(|&row| longer.input(row));
                window.outputs.iter().for_each(|&row| longer.output(row, true));
                longer.close();
            }
            assert!(most_pairs(architecture, &longer, 0, 1) > most);
        }
    }
    assert_eq!(first, windows.len());
}

#[test]
fn no_row_of_a_batch_is_in_more_pairs_than_said() {
    for most in [1, 7, 40, 1000] {
        batches_hold(SkipGram, windows(400, 60, 200, (9, 6)), most);
        batches_hold(Cbow, windows(400, 60, 200, (9, 6)), most);
    }
    batches_hold(SkipGram, Windows::default(), 5);
    // More rows than the tables have places for.
    let mut wide = windows(3, 5000, 5000, (4, 4));
    (0..3000).for_each(|row| wide.input(row));
    wide.output(7, true);
    wide.close();
    wide.append(&windows(3, 5000, 5000, (4, 4)));
    wide.cut(SkipGram, u32::MAX);
    assert_eq!((0..wide.batches()).map(|i| wide.batch(i)).collect::<Vec<_>>(), [0..3, 3..4, 4..7]);
}

#[test]
fn wide_windows_become_several_with_the_same_outputs() {
    let words: Vec<u32> = (0..60).collect();
    let counts = [1u64; 60];
    let objective = NegativeSampling::new(&counts, 0.75, 3);
    let sampling = Sampling::new(&counts, 0.0, 20, false, 1);
    let drawn = |architecture: SkipGram, rate: f32| {
        sampling.windows(Isa::current(), &team(), (architecture, &objective), &words, (0, rate), &|| false).unwrap()
    };
    for (rate, most) in [(0.025, 12), (0.2, 5), (3.0, 1)] {
        let windows = drawn(SkipGram, rate);
        let of_30: Vec<Window<'_>> =
            (0..windows.len()).map(|i| windows.get(i)).filter(|w| w.outputs[0] == 30).collect();
        assert!(of_30.iter().all(|w| w.inputs.len() <= most && w.outputs == of_30[0].outputs));
        assert_eq!(of_30.len(), 40usize.div_ceil(most));
        let inputs: Vec<u32> = of_30.iter().flat_map(|w| w.inputs.iter().copied()).collect();
        assert_eq!(inputs, (10..30).chain(31..51).collect::<Vec<_>>());
        assert!(of_30.iter().all(|w| w.signs == [1.0, -1.0, -1.0, -1.0]));
    }
    let whole = sampling.windows(Isa::current(), &team(), (Cbow, &objective), &words, (0, 0.025), &|| false).unwrap();
    assert_eq!(whole.len(), 60);
}
