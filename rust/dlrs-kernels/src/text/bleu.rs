//! Counts that BLEU is made of (Papineni et al. 2002): lengths, n-grams, and those that a reference has too.

use std::ops::Range;

use super::numbering::{Numbering, Words};
use super::{space, thirteen_a};
use crate::mem::{Stop, Team};

/// Sentences that a thread takes at a time.
const SHARD: usize = 64;
/// Tokens of a sentence from which on it is asked for every order whether to stop.
const LONG: usize = 1 << 14;

/// What counts as a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tokenizer {
    /// As mteval-v13a.
    ThirteenA,
    /// Every character that is not white space.
    Characters,
    /// What stands between white space.
    Spaces,
}

/// Counts n-grams of a sentence; keeps its memory for the next.
#[derive(Default)]
pub struct NgramCounter {
    words: Words,
    numbering: Numbering,
    scratch: thirteen_a::Scratch,
    hypothesis: Grams,
    references: Grams,
    /// Where the tokens of each reference end.
    ends: Vec<usize>,
    counts: Vec<Count>,
}

/// Numbers of tokens, and of the n-grams of the order at hand that begin with them: [`NONE`] where the hypothesis lacks it.
#[derive(Default)]
struct Grams {
    tokens: Vec<u32>,
    grams: Vec<u32>,
}

const NONE: u32 = u32::MAX;

/// How often an n-gram stands in the hypothesis, in the reference at hand, and in the reference that has it most.
#[derive(Clone, Copy, Default)]
struct Count {
    own: u32,
    here: u32,
    most: u32,
}

impl NgramCounter {
    /// Adds to `into`: length of the hypothesis; length of the reference nearest in length, of two the shorter; for every order
    /// from 1 the n-grams in common, each at most as often as the reference has it that has it most; for every order all n-grams.
    /// Once `stop` says so the counts are not to be used.
    pub fn add(
        &mut self,
        hypothesis: &[u8],
        references: &[&[u8]],
        tokenizer: Tokenizer,
        into: &mut [u64],
        stop: Stop<'_>,
    ) {
        let orders = into.len() / 2 - 1;
        self.read(hypothesis, references, tokenizer);
        let length = self.hypothesis.tokens.len();
        let lengths = self.ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end)));
        into[0] += length as u64;
        into[1] += lengths.min_by_key(|&l| (l.abs_diff(length), l)).unwrap_or(0) as u64;
        let (matches, totals) = into[2..].split_at_mut(orders);
        let mut some = true; // an n-gram in common has shorter ones in common
        for order in 1..=orders.min(length) {
            if length > LONG && stop() {
                return;
            }
            totals[order - 1] += (length + 1 - order) as u64;
            if some {
                let found = self.matches(order);
                matches[order - 1] += found;
                some = found > 0;
            }
        }
    }

    fn read(&mut self, hypothesis: &[u8], references: &[&[u8]], tokenizer: Tokenizer) {
        let Self { words, scratch, hypothesis: own, references: others, ends, .. } = self;
        words.clear();
        own.tokens.clear();
        tokens(hypothesis, tokenizer, scratch, |word| own.tokens.push(words.of(word)));
        others.tokens.clear();
        ends.clear();
        for reference in references {
            tokens(reference, tokenizer, scratch, |word| others.tokens.push(words.find(word).unwrap_or(NONE)));
            ends.push(others.tokens.len());
        }
        for grams in [own, others] {
            grams.grams.clear();
            grams.grams.extend_from_slice(&grams.tokens);
        }
    }

    /// N-grams in common, of an order one more than the last time.
    fn matches(&mut self, order: usize) -> u64 {
        let Self { words, numbering, hypothesis, references, ends, counts, .. } = self;
        let all = 0..hypothesis.tokens.len() + 1 - order;
        let distinct = if order == 1 {
            words.len()
        } else {
            numbering.clear();
            hypothesis.lengthen(order, all.clone(), |key| numbering.of(key));
            numbering.len()
        };
        counts.clear();
        counts.resize(distinct, Count::default());
        hypothesis.grams[all].iter().for_each(|&gram| counts[gram as usize].own += 1);
        let mut start = 0;
        for &end in &*ends {
            let places = start..(end + 1).saturating_sub(order).max(start);
            start = end;
            if order > 1 {
                references.lengthen(order, places.clone(), |key| numbering.find(key, |_| true).unwrap_or(NONE));
            }
            let known = || references.grams[places.clone()].iter().filter(|&&gram| gram != NONE);
            for &gram in known() {
                let count = &mut counts[gram as usize];
                count.here += 1;
                count.most = count.most.max(count.here);
            }
            if ends.len() > 1 {
                known().for_each(|&gram| counts[gram as usize].here = 0);
            }
        }
        counts.iter().map(|count| u64::from(count.own.min(count.most))).sum()
    }
}

impl Grams {
    /// At `places`, n-grams of `order`: the one shorter by a token, and the token that follows it.
    #[inline(always)]
    fn lengthen(&mut self, order: usize, places: Range<usize>, mut number: impl FnMut(u64) -> u32) {
        for i in places {
            let (shorter, token) = (self.grams[i], self.tokens[i + order - 1]);
            let known = shorter != NONE && token != NONE;
            self.grams[i] = if known { number(u64::from(shorter) << 32 | u64::from(token)) } else { NONE };
        }
    }
}

/// A hypothesis and its references.
pub type Segment<'a> = (&'a [u8], Vec<&'a [u8]>);

/// Of each segment what [`NgramCounter::add`] counts for orders up to `orders`, one row of 2 + 2 `orders` numbers after another.
pub fn sentence_counts(
    team: &Team,
    segments: &[Segment<'_>],
    tokenizer: Tokenizer,
    orders: usize,
    stop: Stop<'_>,
) -> Option<Vec<u64>> {
    let width = 2 + 2 * orders;
    let rows = shards(team, segments, stop, |counter, shard, stop| {
        let mut rows = vec![0; shard.len() * width];
        for ((hypothesis, references), row) in shard.iter().zip(rows.chunks_exact_mut(width)) {
            counter.add(hypothesis, references, tokenizer, row, stop);
        }
        rows
    })?;
    Some(rows.concat())
}

/// The sum of the rows of [`sentence_counts`].
pub fn corpus_counts(
    team: &Team,
    segments: &[Segment<'_>],
    tokenizer: Tokenizer,
    orders: usize,
    stop: Stop<'_>,
) -> Option<Vec<u64>> {
    let sums = shards(team, segments, stop, |counter, shard, stop| {
        let mut sums = vec![0; 2 + 2 * orders];
        shard
            .iter()
            .for_each(|(hypothesis, references)| counter.add(hypothesis, references, tokenizer, &mut sums, stop));
        sums
    })?;
    let mut total = vec![0; 2 + 2 * orders];
    sums.iter().for_each(|part| total.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
    Some(total)
}

fn shards<'a, R: Send + Sync>(
    team: &Team,
    segments: &[Segment<'a>],
    stop: Stop<'_>,
    work: impl Fn(&mut NgramCounter, &[Segment<'a>], Stop<'_>) -> R + Sync,
) -> Option<Vec<R>> {
    let shards: Vec<&[Segment<'a>]> = segments.chunks(SHARD).collect();
    team.collect(shards.len(), stop, |i, stop| work(&mut NgramCounter::default(), shards[i], stop))
}

fn tokens(sentence: &[u8], tokenizer: Tokenizer, scratch: &mut thirteen_a::Scratch, mut token: impl FnMut(&[u8])) {
    let sentence = space::trim_end(sentence);
    match tokenizer {
        Tokenizer::Spaces => space::words(sentence, token),
        Tokenizer::Characters => space::characters(sentence, |c, is_space| {
            if !is_space {
                token(c);
            }
        }),
        Tokenizer::ThirteenA => space::words(thirteen_a::tokenize(sentence, scratch), token),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn count(hypothesis: &str, references: &[&str], tokenizer: Tokenizer, orders: usize) -> Vec<u64> {
        let mut row = vec![0; 2 + 2 * orders];
        let references: Vec<&[u8]> = references.iter().map(|r| r.as_bytes()).collect();
        NgramCounter::default().add(hypothesis.as_bytes(), &references, tokenizer, &mut row, &|| false);
        row
    }

    /// The definition, with n-grams in hash maps.
    fn twin(hypothesis: &str, references: &[&str], orders: usize) -> Vec<u64> {
        let split = |s: &str| s.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (own, others) = (split(hypothesis), references.iter().map(|r| split(r)).collect::<Vec<_>>());
        let grams = |tokens: &[String], n: usize| {
            let mut counts = HashMap::<Vec<String>, u64>::new();
            tokens.windows(n).for_each(|w| *counts.entry(w.to_vec()).or_default() += 1);
            counts
        };
        let nearest = others.iter().map(Vec::len).min_by_key(|l| (l.abs_diff(own.len()), *l)).unwrap_or(0);
        let mut row = vec![own.len() as u64, nearest as u64];
        let in_common = |n| {
            let most = |gram: &Vec<String>| others.iter().map(|o| *grams(o, n).get(gram).unwrap_or(&0)).max();
            grams(&own, n).iter().map(|(gram, &count)| count.min(most(gram).unwrap_or(0))).sum::<u64>()
        };
        row.extend((1..=orders).map(in_common));
        row.extend((1..=orders).map(|n| (own.len() + 1).saturating_sub(n) as u64));
        row
    }

    #[test]
    fn counts_are_clipped() {
        // Papineni et al. 2002, example 2.
        let row = count(
            "the the the the the the the",
            &["the cat is on the mat", "there is a cat on the mat"],
            Tokenizer::Spaces,
            2,
        );
        assert_eq!(row, [7, 7, 2, 0, 7, 6]);
        assert_eq!(count("", &[""], Tokenizer::ThirteenA, 2), [0; 6]);
        assert_eq!(count("a b", &["abc"], Tokenizer::Characters, 3), [2, 3, 2, 1, 0, 2, 1, 0]);
    }

    #[test]
    fn counts_are_those_of_the_definition() {
        let mut state = 1u64;
        let mut draw = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..300 {
            let kinds = 1 + draw(4);
            let mut sentence = || (0..draw(14)).map(|_| format!("w{} ", draw(kinds))).collect::<String>();
            let (own, others) = (sentence(), [sentence(), sentence(), sentence()]);
            for used in 0..=3 {
                let references: Vec<&str> = others[..used].iter().map(String::as_str).collect();
                assert_eq!(count(&own, &references, Tokenizer::Spaces, 5), twin(&own, &references, 5));
            }
        }
    }
}
