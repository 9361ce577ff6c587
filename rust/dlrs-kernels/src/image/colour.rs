//! Colours of one image, in place.

use crate::dispatch;
use crate::isa::Isa;

/// A change of an image's colours. Numbers that differ from image to image stand in the image's parameters; an `at` says
/// where.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Stage {
    /// Each pixel (r, g, b) becomes M·(r, g, b, 1): twelve parameters, M row by row. Three channels.
    Matrix {
        /// First parameter.
        at: usize,
    },
    /// Each channel c becomes `s·x + o`: `channels` parameters s, then as many o.
    Scale {
        /// First parameter.
        at: usize,
    },
    /// Each channel's distance from its mean over the image is multiplied: one parameter.
    Contrast {
        /// The parameter.
        at: usize,
    },
    /// Values are kept between `low` and `high`.
    Clip {
        /// Least value.
        low: f32,
        /// Largest value.
        high: f32,
    },
    /// In terms of hue, saturation and value of a pixel on the scale `low` to `high`: the first parameter is added to the hue,
    /// the second multiplies the saturation, which is kept between the third and the fourth. Three channels.
    HueSaturation {
        /// First parameter.
        at: usize,
        /// Black.
        low: f32,
        /// The largest value of a channel.
        high: f32,
    },
    /// A rectangle becomes one colour: parameters top, left, bottom, right (excluded), then `channels` values.
    Erase {
        /// First parameter.
        at: usize,
    },
}

impl std::hash::Hash for Stage {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        let (at, low, high) = match *self {
            Stage::Matrix { at } | Stage::Scale { at } | Stage::Contrast { at } | Stage::Erase { at } => (at, 0.0, 0.0),
            Stage::Clip { low, high } => (0, low, high),
            Stage::HueSaturation { at, low, high } => (at, low, high),
        };
        (at, low.to_bits(), high.to_bits()).hash(state);
    }
}

impl Stage {
    /// Numbers that the stage takes of each image.
    pub fn parameters(self, channels: usize) -> usize {
        match self {
            Stage::Matrix { .. } => 12,
            Stage::Scale { .. } => 2 * channels,
            Stage::Contrast { .. } => 1,
            Stage::Clip { .. } => 0,
            Stage::HueSaturation { .. } => 4,
            Stage::Erase { .. } => 4 + channels,
        }
    }

    /// Changes an image of rows of `width` pixels of `channels` elements.
    pub fn run(self, isa: Isa, parameters: &[f32], image: &mut [f32], width: usize, channels: usize) {
        dispatch!(isa, s => run(s, self, parameters, image, width, channels));
    }
}

#[inline(always)]
fn run<S>(_: S, stage: Stage, parameters: &[f32], image: &mut [f32], width: usize, channels: usize) {
    match stage {
        Stage::Matrix { at } => matrix(parameters[at..at + 12].try_into().expect("twelve numbers"), image),
        Stage::Scale { at } => {
            let (scale, offset) = parameters[at..at + 2 * channels].split_at(channels);
            linear(image, scale, offset);
        }
        Stage::Contrast { at } => contrast(parameters[at], image, channels),
        Stage::Clip { low, high } => image.iter_mut().for_each(|x| *x = clip(*x, low, high)),
        Stage::HueSaturation { at, low, high } => {
            hue_saturation(parameters[at..at + 4].try_into().expect("four numbers"), (low, high - low), image);
        }
        Stage::Erase { at } => erase(&parameters[at..at + 4 + channels], image, width, channels),
    }
}

/// NaN stays.
#[inline(always)]
fn clip(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[inline(always)]
fn matrix(m: [f32; 12], image: &mut [f32]) {
    by_pixels(image, |[r, g, b]| [0, 4, 8].map(|i| m[i] * r + m[i + 1] * g + m[i + 2] * b + m[i + 3]));
}

/// Pixels that are worked on side by side, as vectors.
const PIXELS: usize = 16;

/// Replaces the pixels of three channels by what `change` makes of them.
#[inline(always)]
fn by_pixels(image: &mut [f32], change: impl Fn([f32; 3]) -> [f32; 3]) {
    let (blocks, rest) = image.as_chunks_mut::<{ 3 * PIXELS }>();
    for block in blocks {
        let (mut r, mut g, mut b) = ([0.0; PIXELS], [0.0; PIXELS], [0.0; PIXELS]);
        for i in 0..PIXELS {
            (r[i], g[i], b[i]) = (block[3 * i], block[3 * i + 1], block[3 * i + 2]);
        }
        for i in 0..PIXELS {
            [r[i], g[i], b[i]] = change([r[i], g[i], b[i]]);
        }
        for i in 0..PIXELS {
            (block[3 * i], block[3 * i + 1], block[3 * i + 2]) = (r[i], g[i], b[i]);
        }
    }
    rest.as_chunks_mut::<3>().0.iter_mut().for_each(|p| *p = change(*p));
}

/// x·scale + offset, channel by channel.
#[inline(always)]
fn linear(image: &mut [f32], scale: &[f32], offset: &[f32]) {
    const LINE: usize = 48; // whole pixels of one to four channels, and whole vectors
    let channels = scale.len();
    let mut rest = image;
    if LINE.is_multiple_of(channels) {
        let (mut s, mut o) = ([0.0; LINE], [0.0; LINE]);
        for i in 0..LINE {
            (s[i], o[i]) = (scale[i % channels], offset[i % channels]);
        }
        let (lines, end) = rest.as_chunks_mut::<LINE>();
        for line in lines {
            for i in 0..LINE {
                line[i] = line[i] * s[i] + o[i];
            }
        }
        rest = end;
    }
    for p in rest.chunks_exact_mut(channels) {
        p.iter_mut().zip(scale).zip(offset).for_each(|((x, s), o)| *x = *x * s + o);
    }
}

#[inline(always)]
fn contrast(factor: f32, image: &mut [f32], channels: usize) {
    let pixels = (image.len() / channels) as f32;
    let mut sums = vec![0.0f32; PIXELS * channels];
    let mut blocks = image.chunks_exact(PIXELS * channels);
    for block in &mut blocks {
        sums.iter_mut().zip(block).for_each(|(sum, x)| *sum += x);
    }
    sums.iter_mut().zip(blocks.remainder()).for_each(|(sum, x)| *sum += x);
    let mean = |c: usize| sums[c..].iter().step_by(channels).sum::<f32>() / pixels;
    let offset: Vec<f32> = (0..channels).map(|c| mean(c) - mean(c) * factor).collect();
    linear(image, &vec![factor; channels], &offset);
}

/// Smith 1978, "Color gamut transform pairs", in the form without branches by sextant.
#[inline(always)]
fn hue_saturation([turn, factor, least, most]: [f32; 4], (low, range): (f32, f32), image: &mut [f32]) {
    let inverse = 1.0 / range;
    by_pixels(image, |pixel| {
        let [r, g, b] = pixel.map(|x| (x - low) * inverse);
        let value = larger(larger(r, g), b);
        let chroma = value + larger(larger(-r, -g), -b);
        let sixth = if chroma > 0.0 { 1.0 / (6.0 * chroma) } else { 0.0 };
        let at_green = (b - r) * sixth + 2.0 / 6.0;
        let at_blue = (r - g) * sixth + 4.0 / 6.0;
        let hue = if value == g { at_green } else { at_blue };
        let hue = if value == r { (g - b) * sixth } else { hue };
        let hue = if chroma > 0.0 { hue } else { 0.0 } + turn;
        let saturation = if value > 0.0 { chroma / value } else { 0.0 };
        let saturation = clip(saturation * factor, least, most);
        let turned = (hue - hue.floor()) * 6.0;
        let dr = clip((turned - 3.0).abs() - 1.0, 0.0, 1.0);
        let dg = clip(2.0 - (turned - 2.0).abs(), 0.0, 1.0);
        let db = clip(2.0 - (turned - 4.0).abs(), 0.0, 1.0);
        [dr, dg, db].map(|d| value * ((1.0 - saturation) + saturation * d) * range + low)
    });
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn erase(parameters: &[f32], image: &mut [f32], width: usize, channels: usize) {
    let height = image.len() / (width * channels);
    let [top, left, bottom, right] = [0, 1, 2, 3].map(|i| parameters[i] as usize);
    let (bottom, right) = (bottom.min(height), right.min(width));
    if left >= right {
        return;
    }
    for row in top..bottom {
        let line = &mut image[(row * width + left) * channels..(row * width + right) * channels];
        line.chunks_exact_mut(channels).for_each(|p| p.copy_from_slice(&parameters[4..]));
    }
}
