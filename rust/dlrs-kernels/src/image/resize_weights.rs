//! The weights with which each element of an axis enters each element of the resized axis.
//!
//! With pixel centres at halves, element o of the new axis looks at place (o + ½)·from/to − ½ of the old one.

use crate::isa::Real;
use crate::mem::OutOfMemory;

/// How elements between the given ones are made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resampling {
    /// The nearest element.
    Nearest,
    /// A line from neighbour to neighbour.
    Bilinear,
    /// Cubic convolution with a = −½ (Keys 1981, IEEE Trans. ASSP 29, eq. 4).
    Bicubic,
    /// The cardinal sine, windowed by its own main lobe over 3 elements to each side (Duchon 1979).
    Lanczos3,
    /// The same over 5 elements.
    Lanczos5,
    /// The mean of what the new element covers.
    Area,
}

impl Resampling {
    /// Every method, with its name.
    pub const ALL: [(&str, Resampling); 6] = [
        ("nearest", Resampling::Nearest),
        ("bilinear", Resampling::Bilinear),
        ("bicubic", Resampling::Bicubic),
        ("lanczos3", Resampling::Lanczos3),
        ("lanczos5", Resampling::Lanczos5),
        ("area", Resampling::Area),
    ];

    /// Distance from which on the weight is 0.
    fn radius(self) -> f64 {
        match self {
            Resampling::Nearest | Resampling::Area => 0.5,
            Resampling::Bilinear => 1.0,
            Resampling::Bicubic => 2.0,
            Resampling::Lanczos3 => 3.0,
            Resampling::Lanczos5 => 5.0,
        }
    }

    /// The weight at distance `x`.
    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| if x < 1e-9 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
        match self {
            _ if x >= self.radius() => 0.0,
            Resampling::Nearest | Resampling::Area => 1.0,
            Resampling::Bilinear => 1.0 - x,
            Resampling::Bicubic if x <= 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Resampling::Bicubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Resampling::Lanczos3 | Resampling::Lanczos5 => sinc(x) * sinc(x / self.radius()),
        }
    }
}

/// The weights of an axis: those of element o belong to a run of elements of the old axis.
#[derive(Clone, Debug)]
pub struct ResizeWeights<T> {
    /// Per element of the new axis, the first element with a weight and the place of that weight; one more at the end.
    runs: Vec<(usize, usize)>,
    weights: Vec<T>,
}

impl<T: Real> ResizeWeights<T> {
    /// The weights of an axis of `from` elements made to have `to`. With `antialias`, an axis that becomes shorter is filtered to the
    /// frequencies that it can still carry, by a kernel that is wider accordingly.
    ///
    /// # Errors
    /// If they do not fit into memory.
    ///
    /// # Panics
    /// If `from` is 0 and `to` is not.
    pub fn new(from: usize, to: usize, method: Resampling, antialias: bool) -> Result<ResizeWeights<T>, OutOfMemory> {
        let mut made = Self::with_capacity(to, to)?;
        let scale = from as f64 / to as f64;
        for o in 0..to {
            let centre = (o as f64 + 0.5) * scale;
            match method {
                Resampling::Nearest => made.push((centre.floor() as usize).min(from - 1), [1.0])?,
                Resampling::Area => {
                    let (start, end) = (o as f64 * scale, (o as f64 + 1.0) * scale);
                    let first = (start.floor() as usize).min(from - 1);
                    let last = (end.ceil() as usize).clamp(first + 1, from);
                    let covered = |i: usize| end.min(i as f64 + 1.0) - start.max(i as f64);
                    made.push(first, (first..last).map(covered))?;
                }
                _ => {
                    let wide = if antialias { scale.max(1.0) } else { 1.0 };
                    let (centre, radius) = (centre - 0.5, method.radius() * wide);
                    let first = (centre - radius).ceil().max(0.0) as usize;
                    let last = ((centre + radius).floor() as usize + 1).min(from);
                    made.push(first, (first..last).map(|i| method.weight((i as f64 - centre).abs() / wide)))?;
                }
            }
        }
        Ok(made)
    }

    fn with_capacity(runs: usize, weights: usize) -> Result<ResizeWeights<T>, OutOfMemory> {
        let mut made = ResizeWeights { runs: Vec::new(), weights: Vec::new() };
        let fits = made.runs.try_reserve_exact(runs + 1).is_ok() && made.weights.try_reserve(weights).is_ok();
        if !fits {
            return Err(OutOfMemory { bytes: runs.saturating_mul(size_of::<(usize, usize)>()) });
        }
        made.runs.push((0, 0));
        Ok(made)
    }

    /// Adds an element of the new axis; its weights are divided by their sum.
    fn push(
        &mut self,
        first: usize,
        weights: impl IntoIterator<Item = f64, IntoIter: Clone>,
    ) -> Result<(), OutOfMemory> {
        let weights = weights.into_iter();
        let sum: f64 = weights.clone().sum();
        self.push_run(first, weights.map(|w| T::of(w / sum)))
    }

    fn push_run(&mut self, first: usize, weights: impl Iterator<Item = T>) -> Result<(), OutOfMemory> {
        self.runs.last_mut().expect("there is always an end").0 = first;
        for w in weights {
            if self.weights.len() == self.weights.capacity() {
                let more = self.weights.len().max(16);
                self.weights.try_reserve(more).map_err(|_| OutOfMemory { bytes: more * size_of::<T>() })?;
            }
            self.weights.push(w);
        }
        self.runs.push((0, self.weights.len()));
        Ok(())
    }

    /// The weights of the adjoint map, from the new axis to the old one of `from` elements.
    ///
    /// # Errors
    /// If they do not fit into memory.
    pub fn transposed(&self, from: usize) -> Result<ResizeWeights<T>, OutOfMemory> {
        let mut made = Self::with_capacity(from, self.weights.len())?;
        // Runs move forward along both axes, so that those which hold an element are neighbours.
        let mut first = 0;
        for i in 0..from {
            while first < self.len() && self.run(first).0 + self.run(first).1.len() <= i {
                first += 1;
            }
            let holding = (first..self.len()).take_while(|&o| self.run(o).0 <= i);
            let weight = |o: usize| {
                let (start, weights) = self.run(o);
                weights.get(i - start).copied().unwrap_or_default()
            };
            made.push_run(first, holding.map(weight))?;
        }
        Ok(made)
    }

    /// Elements of the new axis.
    pub fn len(&self) -> usize {
        self.runs.len() - 1
    }

    /// Whether the new axis has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first element of the old axis that element `o` of the new one depends on, and the weights from there on.
    #[inline(always)]
    pub fn run(&self, o: usize) -> (usize, &[T]) {
        let ((first, start), (_, end)) = (self.runs[o], self.runs[o + 1]);
        (first, &self.weights[start..end])
    }
}
