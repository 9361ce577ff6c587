//! The discrete Fourier transform of any length: mixed radix where the prime factors are small, else Bluestein's convolution.

use std::f64::consts::TAU;

use crate::mem::OutOfMemory;

/// A complex number: real part, imaginary part.
type Complex = [f64; 2];

/// The largest prime factor that is transformed by its definition.
const LARGEST_RADIX: usize = 32;

/// A transform yₖ = Σⱼ xⱼ·exp(−2πi·jk/n) of one length.
pub struct Fourier {
    len: usize,
    method: Method,
}

enum Method {
    /// Cooley and Tukey (1965), factor by factor.
    Factors(Factors),
    /// Bluestein (1970): with jk = (j² + k² − (k − j)²)/2 the transform is a convolution, computed at a power of two.
    Chirp { factors: Factors, chirp: Vec<Complex>, kernel: Vec<Complex> },
}

struct Factors {
    len: usize,
    factors: Vec<usize>,
    /// exp(−2πi·j/len)
    roots: Vec<Complex>,
}

impl Fourier {
    /// A transform of `len` numbers.
    ///
    /// # Errors
    /// If its tables do not fit into memory.
    pub fn new(len: usize) -> Result<Fourier, OutOfMemory> {
        if prime_factors(len).into_iter().all(|p| p <= LARGEST_RADIX) {
            return Ok(Fourier { len, method: Method::Factors(Factors::new(len)?) });
        }
        let factors = Factors::new((2 * len - 1).next_power_of_two())?;
        // j² modulo 2·len: the angle stays exact however long the transform.
        let chirp = table(len, |j| root((j as u128 * j as u128 % (2 * len as u128)) as usize, 2 * len))?;
        let mut signal = table(factors.len, |_| [0.0; 2])?;
        for (j, &[re, im]) in chirp.iter().enumerate() {
            signal[j] = [re, -im];
            signal[(factors.len - j) % factors.len] = [re, -im];
        }
        let mut kernel = table(factors.len, |_| [0.0; 2])?;
        factors.run(&signal, &mut kernel);
        Ok(Fourier { len, method: Method::Chirp { factors, chirp, kernel } })
    }

    /// Numbers of scratch memory that a run needs.
    pub fn work(&self) -> usize {
        match &self.method {
            Method::Factors(_) => 4 * self.len,
            Method::Chirp { factors, .. } => 4 * factors.len,
        }
    }

    /// Estimated nanoseconds of a run.
    pub fn cost(&self) -> f64 {
        let passes = |f: &Factors| f.len as f64 * f.factors.iter().sum::<usize>() as f64;
        match &self.method {
            Method::Factors(factors) => 2.0 * passes(factors),
            Method::Chirp { factors, .. } => 4.0 * passes(factors),
        }
    }

    /// Transforms the numbers with parts `x` into those with parts `y`. With the parts of both exchanged it is the inverse, but
    /// for the factor 1/n.
    pub fn run(&self, x: (&[f64], &[f64]), y: (&mut [f64], &mut [f64]), work: &mut [f64]) {
        let (work, _) = work.as_chunks_mut::<2>();
        let input = x.0.iter().zip(x.1).map(|(&re, &im)| [re, im]);
        let result = match &self.method {
            Method::Factors(factors) => {
                let (a, b) = work.split_at_mut(self.len);
                a.iter_mut().zip(input).for_each(|(a, x)| *a = x);
                factors.run(a, b);
                b
            }
            Method::Chirp { factors, chirp, kernel } => {
                let (a, b) = work.split_at_mut(factors.len);
                a.fill([0.0; 2]);
                a.iter_mut().zip(input.zip(chirp)).for_each(|(a, (x, &c))| *a = times(x, c));
                factors.run(a, b);
                // The inverse transform is the transform with the parts exchanged, in and out.
                a.iter_mut().zip(b.iter().zip(kernel)).for_each(|(a, (&x, &k))| {
                    let [re, im] = times(x, k);
                    *a = [im, re];
                });
                factors.run(a, b);
                let scale = 1.0 / factors.len as f64;
                b.iter_mut().zip(chirp).for_each(|(b, &c)| *b = times([b[1] * scale, b[0] * scale], c));
                b
            }
        };
        for (&[re, im], (a, b)) in result.iter().zip(y.0.iter_mut().zip(y.1)) {
            (*a, *b) = (re, im);
        }
    }
}

impl Factors {
    fn new(len: usize) -> Result<Factors, OutOfMemory> {
        Ok(Factors { len, factors: prime_factors(len), roots: table(len, |j| root(j, len))? })
    }

    fn run(&self, x: &[Complex], y: &mut [Complex]) {
        self.level(&self.factors, x, 1, &mut y[..self.len]);
    }

    /// Transforms every `stride`-th number of `x` into `y`, whose length is the product of `factors`.
    fn level(&self, factors: &[usize], x: &[Complex], stride: usize, y: &mut [Complex]) {
        let Some((&p, rest)) = factors.split_first() else {
            y.copy_from_slice(&x[..y.len()]);
            return;
        };
        let part = y.len() / p;
        for (r, y) in y.chunks_exact_mut(part).enumerate() {
            self.level(rest, &x[r * stride..], stride * p, y);
        }
        let mut column = [[0.0; 2]; LARGEST_RADIX];
        for k in 0..part {
            for (r, c) in column[..p].iter_mut().enumerate() {
                *c = times(y[r * part + k], self.roots[r * k * stride]);
            }
            for q in 0..p {
                let mut sum = column[0];
                for (r, &c) in column[..p].iter().enumerate().skip(1) {
                    let [re, im] = times(c, self.roots[r * q % p * (self.len / p)]);
                    sum = [sum[0] + re, sum[1] + im];
                }
                y[q * part + k] = sum;
            }
        }
    }
}

fn times(a: Complex, b: Complex) -> Complex {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

/// f(0), f(1), ..., f(len − 1).
fn table(len: usize, f: impl Fn(usize) -> Complex) -> Result<Vec<Complex>, OutOfMemory> {
    let mut numbers = Vec::new();
    let bytes = len.saturating_mul(size_of::<Complex>());
    numbers.try_reserve_exact(len).map_err(|_| OutOfMemory { bytes })?;
    numbers.extend((0..len).map(f));
    Ok(numbers)
}

/// exp(−2πi·j/n)
fn root(j: usize, n: usize) -> Complex {
    let (sin, cos) = (TAU * j as f64 / n as f64).sin_cos();
    [cos, -sin]
}

/// The prime factors of n in ascending order; none of 0 and 1.
fn prime_factors(mut n: usize) -> Vec<usize> {
    let (mut factors, mut p) = (Vec::new(), 2);
    while n > 1 {
        while n.is_multiple_of(p) {
            factors.push(p);
            n /= p;
        }
        p += 1;
        if p * p > n && n > 1 {
            factors.push(n);
            break;
        }
    }
    factors
}
