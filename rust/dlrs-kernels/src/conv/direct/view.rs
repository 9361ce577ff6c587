//! The source as a tile reads it: where it lies, or copied with zeros around it.

use std::ops::Range;

/// Images of pixels of `channels` elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Images {
    pub size: [usize; 3],
    pub channels: usize,
}

impl Images {
    pub fn len(&self) -> usize {
        self.size.iter().product::<usize>() * self.channels
    }

    /// Elements between two positions along each axis.
    pub fn strides(&self) -> [usize; 3] {
        [self.size[1] * self.size[2] * self.channels, self.size[2] * self.channels, self.channels]
    }
}

/// The part of the (endless, zero outside the image) source that a tile needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub from: [isize; 3],
    pub size: [usize; 3],
}

impl Window {
    /// Whether no part of it is outside the image.
    pub fn inside(&self, size: [usize; 3]) -> bool {
        (0..3).all(|a| self.from[a] >= 0 && self.from[a] as usize + self.size[a] <= size[a])
    }

    pub fn pixels(&self) -> usize {
        self.size.iter().product()
    }

    /// The part of `0..size` of the image that it holds along `axis`.
    fn covered(&self, axis: usize, size: usize) -> Range<usize> {
        let end = (self.from[axis] + self.size[axis] as isize).clamp(0, size as isize) as usize;
        (self.from[axis].max(0) as usize).min(end)..end
    }

    /// Copies the window of each image into `to`, zeros where it is outside.
    pub fn copy(&self, x: &[f32], images: Images, which: Range<usize>, to: &mut [f32]) {
        let c = images.channels;
        let row = self.size[2] * c;
        let [planes, lines, cols] = [0, 1, 2].map(|a| self.covered(a, images.size[a]));
        let left = (cols.start as isize - self.from[2]).clamp(0, self.size[2] as isize) as usize * c;
        let middle = cols.len() * c;
        let per_image = self.pixels() * c;
        for (to, i) in to.chunks_exact_mut(per_image).zip(which) {
            let image = &x[i * images.len()..(i + 1) * images.len()];
            for (r, to) in to.chunks_exact_mut(row).enumerate() {
                let plane = self.from[0] + (r / self.size[1]) as isize;
                let line = self.from[1] + (r % self.size[1]) as isize;
                let here = |at: isize, range: &Range<usize>| at >= 0 && range.contains(&(at as usize));
                if !here(plane, &planes) || !here(line, &lines) {
                    to.fill(0.0);
                    continue;
                }
                let from = ((plane as usize * images.size[1] + line as usize) * images.size[2] + cols.start) * c;
                to[..left].fill(0.0);
                to[left..left + middle].copy_from_slice(&image[from..from + middle]);
                to[left + middle..].fill(0.0);
            }
        }
    }
}
