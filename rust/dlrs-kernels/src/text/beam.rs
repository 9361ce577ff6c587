//! Beam search: the best continuations of a step, what becomes of them, and the way back through them.

use std::cmp::Ordering;

use super::best::{Candidate, Fault, Row, Score, best};
use crate::isa::Isa;
use crate::mem::Team;

/// What a search is told.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Hypotheses that a sentence has at most, complete ones included.
    pub width: usize,
    /// The token that completes a hypothesis.
    pub eos: Option<u32>,
    /// Tokens that a hypothesis has at least, EOS included.
    pub least: usize,
    /// Tokens that it has at most.
    pub most: usize,
    /// α of the score: the sum of log-probabilities divided by the number of tokens to the power of α.
    pub alpha: f64,
    /// Hypotheses that are wanted: the search ends when nothing can displace one of so many.
    pub wanted: usize,
    /// Whether scores are logits, not log-probabilities.
    pub logits: bool,
}

/// A complete hypothesis.
#[derive(Clone, PartialEq, Debug)]
pub struct Hypothesis {
    /// What was written, EOS included.
    pub tokens: Vec<u32>,
    /// The sum of log-probabilities.
    pub total: f64,
    /// The sum, for length.
    pub score: f64,
    /// Whether it ends in EOS.
    pub complete: bool,
}

/// Hypotheses that have ended: where the last token stands and in what row its predecessor.
#[derive(Clone, Copy)]
struct Ended {
    score: f64,
    total: f64,
    step: usize,
    row: u32,
    token: u32,
}

#[derive(Default)]
struct Sentence {
    /// Sums of log-probabilities of the hypotheses that go on, the best first.
    live: Vec<f64>,
    ended: Vec<Ended>,
}

/// A search over a batch of sentences, `width` rows each.
pub struct BeamSearch {
    rules: Rules,
    sentences: Vec<Sentence>,
    /// Of each step, each row's token and the row that it follows.
    history: Vec<(Vec<u32>, Vec<u32>)>,
}

impl BeamSearch {
    /// A search over `batch` sentences.
    pub fn new(rules: Rules, batch: usize) -> BeamSearch {
        let sentence = || Sentence { live: vec![0.0], ended: Vec::new() };
        BeamSearch { rules, sentences: (0..batch).map(|_| sentence()).collect(), history: Vec::new() }
    }

    /// Rows of scores that a step gives.
    pub fn rows(&self) -> usize {
        self.rules.width * self.sentences.len()
    }

    /// Whether no hypothesis goes on.
    pub fn is_over(&self) -> bool {
        self.sentences.iter().all(|s| s.live.is_empty())
    }

    /// The rows' tokens and the rows that they follow, after a step. Rows in which no hypothesis goes on have a token and a predecessor all
    /// the same.
    pub fn last(&self) -> Option<(&[u32], &[u32])> {
        self.history.last().map(|(tokens, parents)| (&tokens[..], &parents[..]))
    }

    /// Takes the scores of every row's next token.
    ///
    /// # Errors
    /// The first score that is not a number or too large; then nothing has changed.
    ///
    /// # Panics
    /// If there are not `rows` rows.
    pub fn advance<T: Score>(&mut self, isa: Isa, team: &Team, scores: &[T], vocabulary: usize) -> Result<(), Fault> {
        assert!(scores.len() == self.rows() * vocabulary && vocabulary > 0, "scores of other rows");
        let found = self.best(isa, team, scores, vocabulary)?;
        let width = self.rules.width;
        let (mut tokens, mut parents) = (vec![0; self.rows()], vec![0; self.rows()]);
        for (i, candidates) in found.iter().enumerate() {
            let rows = i * width..(i + 1) * width;
            self.sentences[i].follow(
                &self.rules,
                self.history.len() + 1,
                candidates,
                &mut tokens[rows.clone()],
                &mut parents[rows],
            );
            parents[i * width..(i + 1) * width].iter_mut().for_each(|p| *p += (i * width) as u32);
        }
        self.history.push((tokens, parents));
        Ok(())
    }

    /// The continuations of each sentence that there is room for, the best first.
    fn best<T: Score>(
        &self,
        isa: Isa,
        team: &Team,
        scores: &[T],
        vocabulary: usize,
    ) -> Result<Vec<Vec<Candidate>>, Fault> {
        /// Scores that a thread takes at a time: from here on handing work over pays.
        const SHARD: usize = 1 << 17;
        let Rules { width, eos, least, logits, .. } = self.rules;
        let banned = eos.filter(|_| self.history.len() + 1 < least);
        let at_once = SHARD.div_ceil(vocabulary).min(width);
        let mut shards = Vec::new();
        for (i, sentence) in self.sentences.iter().enumerate() {
            shards.extend((0..sentence.live.len()).step_by(at_once).map(|first| (i, first)));
        }
        let work = |&(i, first): &(usize, usize)| {
            let sentence = &self.sentences[i];
            let rows = sentence.live.iter().enumerate().skip(first).take(at_once);
            let rows = rows.map(|(j, &total)| {
                let number = i * width + j;
                Row { rank: j as u32, number, total, scores: &scores[number * vocabulary..][..vocabulary] }
            });
            best(isa, rows, sentence.room(width), banned, logits)
        };
        let parts = match &shards[..] {
            [one] => vec![work(one)],
            _ => team.collect(shards.len(), &|| false, |s, _| work(&shards[s])).unwrap_or_default(),
        };
        let mut found = vec![Vec::new(); self.sentences.len()];
        for ((i, _), part) in shards.iter().zip(parts) {
            found[*i].extend(part?);
        }
        for (candidates, sentence) in found.iter_mut().zip(&self.sentences) {
            candidates.sort_unstable_by(|a: &Candidate, b| b.cmp(a));
            candidates.truncate(sentence.room(width));
        }
        Ok(found)
    }

    /// A sentence's hypotheses that have ended, at most as many as are wanted, the best first.
    pub fn hypotheses(&self, sentence: usize) -> Vec<Hypothesis> {
        let mut ended = self.sentences[sentence].ended.clone();
        ended.sort_by(by_score);
        ended.truncate(self.rules.wanted);
        ended.iter().map(|e| self.hypothesis(e)).collect()
    }

    fn hypothesis(&self, end: &Ended) -> Hypothesis {
        let mut tokens = vec![end.token];
        let mut row = end.row;
        for (before, parents) in self.history[..end.step - 1].iter().rev() {
            tokens.push(before[row as usize]);
            row = parents[row as usize];
        }
        tokens.reverse();
        let complete = Some(end.token) == self.rules.eos;
        Hypothesis { tokens, total: end.total, score: end.score, complete }
    }
}

/// The best first; of equals the one that ended first.
fn by_score(a: &Ended, b: &Ended) -> Ordering {
    b.score.total_cmp(&a.score)
}

impl Sentence {
    /// Continuations that may be kept: a hypothesis that has ended keeps its place (as in dl4mt, Bahdanau et al. 2015), so that a search of
    /// width 1 ends where a greedy one does.
    fn room(&self, width: usize) -> usize {
        width.saturating_sub(self.ended.len())
    }

    /// Writes the sentence's part of a step: tokens, and predecessors counted from its first row.
    fn follow(
        &mut self,
        rules: &Rules,
        step: usize,
        candidates: &[Candidate],
        tokens: &mut [u32],
        parents: &mut [u32],
    ) {
        let rest = candidates.first().map_or((rules.eos.unwrap_or(0), 0), |c| (c.token, c.rank));
        tokens.fill(rest.0);
        parents.fill(rest.1);
        self.live.clear();
        for c in candidates {
            if Some(c.token) == rules.eos || step == rules.most {
                let score = c.total / (step as f64).powf(rules.alpha);
                self.ended.push(Ended { score, total: c.total, step, row: c.row, token: c.token });
            } else {
                (tokens[self.live.len()], parents[self.live.len()]) = (c.token, c.rank);
                self.live.push(c.total);
            }
        }
        if self.is_decided(rules) {
            self.live.clear();
        }
    }

    /// Whether nothing that goes on can displace a hypothesis that is wanted: log-probabilities are at most 0, so that a sum only falls, and
    /// nothing is divided by more than the greatest length.
    fn is_decided(&self, rules: &Rules) -> bool {
        let Some(&total) = self.live.first() else { return false };
        let bound = total.min(0.0) / (rules.most as f64).powf(rules.alpha);
        self.ended.iter().filter(|e| e.score > bound).count() >= rules.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mem::team;

    const RULES: Rules = Rules { width: 2, eos: Some(0), least: 1, most: 3, alpha: 0.0, wanted: 2, logits: false };

    fn logs(p: &[f64]) -> Vec<f64> {
        p.iter().map(|p| p.ln()).collect()
    }

    #[test]
    fn hypotheses_are_followed_back() {
        let mut search = BeamSearch::new(RULES, 1);
        let isa = Isa::current();
        search.advance(isa, &team(), &logs(&[0.1, 0.5, 0.4, 1.0, 1.0, 1.0]), 3).unwrap();
        assert_eq!(search.last(), Some((&[1, 2][..], &[0, 0][..])));
        search.advance(isa, &team(), &logs(&[0.1, 0.5, 0.4, 0.9, 0.05, 0.05]), 3).unwrap();
        // 2 EOS has 0.36, 1 1 has 0.25.
        assert_eq!(search.last().unwrap().0[0], 1);
        search.advance(isa, &team(), &logs(&[0.2, 0.8, 0.0, 0.0, 0.0, 0.0]), 3).unwrap();
        assert!(search.is_over());
        let found = search.hypotheses(0);
        assert_eq!((&found[0].tokens[..], found[0].complete), (&[2, 0][..], true));
        assert_eq!((&found[1].tokens[..], found[1].complete), (&[1, 1, 1][..], false));
        assert!((found[0].total.exp() - 0.36).abs() < 1e-12 && (found[1].total.exp() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_score_that_is_no_number_changes_nothing() {
        let mut search = BeamSearch::new(RULES, 1);
        let fault = search.advance(Isa::current(), &team(), &[-1.0, f64::NAN, -1.0, 0.0, 0.0, 0.0], 3).unwrap_err();
        assert_eq!((fault.row, fault.token, fault.score.is_nan(), search.last()), (0, 1, true, None));
        assert!(search.advance(Isa::current(), &team(), &[-1.0f32, 2.0, -1.0, 0.0, 0.0, 0.0], 3).is_err());
    }
}
