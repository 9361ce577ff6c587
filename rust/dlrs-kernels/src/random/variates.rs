//! Gamma, beta and binomial numbers by rejection.
//!
//! How many uniform numbers an element takes is random, so each has a sequence of its own: its attempt k reads the words of counter
//! (element, k) of the draw, and elements stay independent of each other and of how they are cut into tiles.

use super::Stream;
use super::philox::philox4x32;

/// Bits of a counter that hold the element; the attempt stands above them.
const ELEMENT_BITS: u32 = 48;

/// Attempts after which a candidate is taken as it is. One in a hundred is rejected, or fewer than one in three for binomial
/// numbers: this many in a row are never met.
const MOST_ATTEMPTS: u64 = 1 << 10;

/// The uniform numbers of one element.
struct Sequence {
    stream: Stream,
    element: u64,
    attempt: u64,
    spare: Option<f64>,
}

impl Sequence {
    fn new(stream: Stream, element: u64) -> Sequence {
        Sequence { stream, element, attempt: 0, spare: None }
    }

    /// A number in (0, 1), an odd multiple of 2⁻⁵⁴: its logarithm is finite.
    fn uniform(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let words = philox4x32(self.stream.block(self.element | self.attempt << ELEMENT_BITS), self.stream.key());
        self.attempt += 1;
        let number = |high: u32, low: u32| {
            let bits = (u64::from(high) << 32 | u64::from(low)) >> 11;
            (bits as f64 + 0.5) / (1u64 << 53) as f64
        };
        self.spare = Some(number(words[2], words[3]));
        number(words[0], words[1])
    }

    /// A standard normal number (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let (u, v) = (self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    }

    fn is_exhausted(&self) -> bool {
        self.attempt >= MOST_ATTEMPTS
    }

    /// The logarithm of a gamma number of shape `alpha` > 0 (Marsaglia and Tsang 2000).
    fn log_gamma(&mut self, alpha: f64) -> f64 {
        if alpha < 1.0 {
            // x·u^(1/α) with x of shape α + 1 has shape α. The power alone may be less than the smallest number.
            let u = self.uniform();
            return self.log_gamma(alpha + 1.0) + u.ln() / alpha;
        }
        let d = alpha - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = self.uniform();
            if u.ln() < 0.5 * x * x + d - d * v + d * v.ln() || self.is_exhausted() {
                return d.ln() + v.ln();
            }
        }
    }

    /// A binomial number of `n` ≥ 0 trials with probability `p` ≤ ½ and n·p < 10: the first place at which the sum of the
    /// probabilities passes a uniform number.
    fn binomial_by_inversion(&mut self, n: f64, p: f64) -> f64 {
        let odds = p / (1.0 - p);
        let (mut u, mut k) = (self.uniform(), 0.0);
        let mut probability = (n * (-p).ln_1p()).exp();
        while u > probability && k < n {
            u -= probability;
            k += 1.0;
            probability *= odds * (n - k + 1.0) / k;
        }
        k
    }

    /// The same for n·p ≥ 10 by transformed rejection with squeeze (Hörmann 1993, algorithm BTRS).
    fn binomial_by_rejection(&mut self, n: f64, p: f64) -> f64 {
        let deviation = (n * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let c = n * p + 0.5;
        let inner = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * deviation;
        let odds = p / (1.0 - p);
        let m = ((n + 1.0) * p).floor();
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + c).floor();
            if us >= 0.07 && v <= inner {
                return k;
            }
            if !(0.0..=n).contains(&k) {
                continue;
            }
            let v = (v * alpha / (a / (us * us) + b)).ln();
            let bound = (m + 0.5) * ((m + 1.0) / (odds * (n - m + 1.0))).ln()
                + (n + 1.0) * ((n - m + 1.0) / (n - k + 1.0)).ln()
                + (k + 0.5) * (odds * (n - k + 1.0) / (k + 1.0)).ln()
                + stirling_tail(m)
                + stirling_tail(n - m)
                - stirling_tail(k)
                - stirling_tail(n - k);
            if v <= bound || self.is_exhausted() {
                return k;
            }
        }
    }
}

/// ln k! − ((k + ½) ln(k + 1) − (k + 1) + ½ ln 2π): the rest of Stirling's formula, to 1e-10.
fn stirling_tail(k: f64) -> f64 {
    if k < 10.0 {
        let factorial: f64 = (1..=k as u32).map(f64::from).product();
        let series = (k + 0.5) * (k + 1.0).ln() - (k + 1.0) + 0.5 * (2.0 * std::f64::consts::PI).ln();
        return factorial.ln() - series;
    }
    let x = k + 1.0;
    let square = x * x;
    (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / square) / square) / x
}

impl Stream {
    /// Element `e` of the draw of gamma numbers of shape `alpha` and scale 1; NaN unless `alpha` is positive.
    pub fn gamma(self, e: u64, alpha: f64) -> f64 {
        if !(alpha > 0.0 && alpha.is_finite()) {
            return f64::NAN;
        }
        Sequence::new(self, e).log_gamma(alpha).exp()
    }

    /// Element `e` of the draw of beta numbers: x/(x + y) of gamma numbers of shapes `alpha` and `beta`; NaN unless both are positive.
    pub fn beta(self, e: u64, alpha: f64, beta: f64) -> f64 {
        if !(alpha > 0.0 && beta > 0.0 && alpha.is_finite() && beta.is_finite()) {
            return f64::NAN;
        }
        let mut sequence = Sequence::new(self, e);
        let (x, y) = (sequence.log_gamma(alpha), sequence.log_gamma(beta));
        // In logarithms, as both may be less than the smallest number.
        1.0 / (1.0 + (y - x).exp())
    }

    /// Element `e` of the draw of successes in ⌊`n`⌋ trials with probability `p`; NaN unless n ≥ 0 and 0 ≤ p ≤ 1.
    pub fn binomial(self, e: u64, n: f64, p: f64) -> f64 {
        if !(n >= 0.0 && n.is_finite() && (0.0..=1.0).contains(&p)) {
            return f64::NAN;
        }
        let n = n.floor();
        let mut sequence = Sequence::new(self, e);
        let least = p.min(1.0 - p);
        let k = if n * least < 10.0 {
            sequence.binomial_by_inversion(n, least)
        } else {
            sequence.binomial_by_rejection(n, least)
        };
        if p > 0.5 { n - k } else { k }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: u64 = 100_000;

    fn moments(draw: impl Fn(u64) -> f64) -> (f64, f64) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in (0..COUNT).map(draw) {
            sum += x;
            squares += x * x;
        }
        let mean = sum / COUNT as f64;
        (mean, squares / COUNT as f64 - mean * mean)
    }

    /// The mean within 4 standard errors; the variance within 5 %.
    fn check(what: &str, draw: impl Fn(u64) -> f64, mean: f64, variance: f64) {
        let (m, v) = moments(draw);
        assert!((m - mean).abs() < 4.0 * (variance / COUNT as f64).sqrt(), "{what}: mean {m}, expected {mean}");
        assert!((v / variance - 1.0).abs() < 0.05, "{what}: variance {v}, expected {variance}");
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let stream = Stream { seed: 7, counter: 3 };
        for alpha in [0.3, 1.0, 2.5, 100.0] {
            check("gamma", |e| stream.gamma(e, alpha), alpha, alpha);
        }
        for (a, b) in [(0.5, 0.5), (2.0, 3.0), (7.0, 15.0)] {
            let total: f64 = a + b;
            check("beta", |e| stream.beta(e, a, b), a / total, a * b / (total * total * (total + 1.0)));
        }
        for (n, p) in [(10.0, 0.1), (5.0, 0.9), (40.0, 0.5), (1e5, 0.3), (1e6, 0.99)] {
            check("binomial", |e| stream.binomial(e, n, p), n * p, n * p * (1.0 - p));
        }
    }

    #[test]
    fn small_binomial_probabilities_are_right() {
        // (40 choose k) p^k q^(40−k) around the mean, where rejection is used, against counts.
        let (stream, n, p) = (Stream { seed: 1, counter: 0 }, 40.0, 0.4);
        let mut counts = [0u32; 41];
        (0..COUNT).for_each(|e| counts[stream.binomial(e, n, p) as usize] += 1);
        let mut probability = (n * (-p).ln_1p()).exp();
        for (k, &count) in counts.iter().enumerate() {
            let want = probability * COUNT as f64;
            assert!((f64::from(count) - want).abs() < 5.0 * want.sqrt() + 3.0, "{k}: {count}, expected {want}");
            probability *= p / (1.0 - p) * (n - k as f64) / (k as f64 + 1.0);
        }
    }

    #[test]
    fn edges() {
        let stream = Stream { seed: 7, counter: 3 };
        assert!(
            stream.gamma(0, 0.0).is_nan() && stream.gamma(0, f64::NAN).is_nan() && stream.beta(0, 1.0, -1.0).is_nan()
        );
        assert!(stream.binomial(0, -1.0, 0.5).is_nan() && stream.binomial(0, 3.0, 1.5).is_nan());
        assert_eq!(
            (stream.binomial(0, 5.0, 0.0), stream.binomial(0, 5.0, 1.0), stream.binomial(0, 0.0, 0.5)),
            (0.0, 5.0, 0.0)
        );
        let tiny = (0..1000).map(|e| stream.beta(e, 1e-3, 1e-3));
        assert!(tiny.into_iter().all(|x| (0.0..=1.0).contains(&x)));
    }

    #[test]
    fn stirlings_formula_meets_its_series() {
        let series = |k: f64| {
            let x: f64 = k + 1.0;
            1.0 / 12.0 / x - 1.0 / 360.0 / x.powi(3) + 1.0 / 1260.0 / x.powi(5)
        };
        assert!((stirling_tail(9.0) - series(9.0)).abs() < 1e-10);
        assert!((stirling_tail(0.0) - 0.081_061_466_795_327_2).abs() < 1e-12);
    }
}
