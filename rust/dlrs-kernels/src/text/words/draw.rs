//! Which words a window has, and which outputs: what is drawn at random.

use crate::isa::Isa;
use crate::random::Stream;

/// Words of the generator that are drawn at a time.
const DRAWN: usize = 256;

/// The 32-bit words of a stream one after another.
pub struct Draws {
    isa: Isa,
    stream: Stream,
    words: Vec<u32>,
    drawn: u64,
    at: usize,
}

impl Draws {
    /// From the beginning of a stream.
    pub fn new(isa: Isa, stream: Stream) -> Self {
        Self { isa, stream, words: vec![0; DRAWN], drawn: 0, at: DRAWN }
    }

    /// The next word.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.at == DRAWN {
            self.stream.words(self.isa, self.drawn, &mut self.words);
            (self.drawn, self.at) = (self.drawn + DRAWN as u64, 0);
        }
        self.at += 1;
        self.words[self.at - 1]
    }

    /// A number below `bound`.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }
}

/// A table to draw from a distribution in constant time: Walker's aliases, made as Vose does (1991).
#[derive(Clone, Debug)]
pub struct Alias {
    /// Of each place, how much of 2³² belongs to its own number, and to which the rest does.
    places: Vec<(u32, u32)>,
}

impl Alias {
    /// Numbers 0, 1, … with chances in proportion to `weights`.
    ///
    /// # Panics
    /// If there is no weight, one is negative or not finite, or all are 0.
    pub fn new(weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        assert!(sum > 0.0 && sum.is_finite() && weights.iter().all(|&w| w >= 0.0), "weights of a draw");
        let mut shares: Vec<f64> = weights.iter().map(|w| w / sum * weights.len() as f64).collect();
        let mut places: Vec<(u32, u32)> = (0..weights.len()).map(|i| (u32::MAX, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..weights.len()).partition(|&i| shares[i] < 1.0);
        while let (Some(&i), Some(&k)) = (small.last(), large.last()) {
            small.pop();
            places[i] = ((shares[i] * 4_294_967_296.0) as u32, k as u32);
            shares[k] -= 1.0 - shares[i];
            if shares[k] < 1.0 {
                small.push(k);
                large.pop();
            }
        }
        Self { places }
    }

    /// A number.
    #[inline]
    pub fn draw(&self, draws: &mut Draws) -> u32 {
        let i = draws.below(self.places.len() as u32);
        let (own, other) = self.places[i as usize];
        if draws.word() < own { i } else { other }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
