//! Which taps a pixel sees, and runs of pixels along a row that see the same ones.

use std::ops::Range;

use super::super::ConvGeometry;

/// A walk over the rows of one tensor, each pixel of which is a sum over pixels of another.
pub(super) struct Walk<'a> {
    g: &'a ConvGeometry,
    /// Where a tap leads from a position along an axis, unless into padding.
    source: fn(&ConvGeometry, usize, usize, usize) -> Option<usize>,
    to: [usize; 3],
    from: [usize; 3],
    /// Columns between two pixels of a span.
    pub steps: Steps,
    /// Covers a row.
    pub spans: Vec<Span>,
}

/// Columns from a pixel of a span to the next.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub from: usize,
    pub to: usize,
}

/// Pixels of a row that see the same taps.
pub(super) struct Span {
    /// The first one's column.
    pub first: usize,
    pub pixels: usize,
    /// Columns of the kernel, and the column that each reads for the first pixel.
    taps: Vec<(usize, usize)>,
}

/// Offsets of a tap in what is read and in the kernel, in elements.
#[derive(Clone, Copy)]
pub(super) struct Tap {
    pub from: usize,
    pub kernel: usize,
}

/// The input position that tap `k` of output `o` reads.
fn read_by(g: &ConvGeometry, axis: usize, o: usize, k: usize) -> Option<usize> {
    g.at(axis, o, k)
}

impl<'a> Walk<'a> {
    /// Over the outputs, reading inputs.
    pub fn forward(g: &'a ConvGeometry) -> Walk<'a> {
        let steps = Steps { from: g.strides[2], to: 1 };
        Walk { g, source: read_by, to: g.output, from: g.input, steps, spans: Vec::new() }.with_spans()
    }

    /// Over the inputs, reading outputs: columns a stride apart see the same taps.
    pub fn backward(g: &'a ConvGeometry) -> Walk<'a> {
        let steps = Steps { from: 1, to: g.strides[2] };
        Walk { g, source: ConvGeometry::reader, to: g.input, from: g.output, steps, spans: Vec::new() }.with_spans()
    }

    fn with_spans(mut self) -> Walk<'a> {
        let (cols, step) = (self.to[2], self.steps.to);
        for first in 0..step.min(cols) {
            let mut last: Option<Span> = None;
            for col in (first..cols).step_by(step) {
                let kxs = (0..self.g.kernel[2]).filter_map(|k| Some((k, (self.source)(self.g, 2, col, k)?)));
                let taps: Vec<_> = kxs.collect();
                let same = |span: &Span| span.taps.iter().map(|t| t.0).eq(taps.iter().map(|t| t.0));
                match &mut last {
                    Some(span) if same(span) => span.pixels += 1,
                    _ => self.spans.extend(last.replace(Span { first: col, pixels: 1, taps })),
                }
            }
            self.spans.extend(last);
        }
        self
    }

    /// Elements of a row of `channels`.
    pub fn row_len(&self, channels: usize) -> usize {
        self.to[2] * channels
    }

    /// Elements of all images of `channels`.
    pub fn len(&self, channels: usize) -> usize {
        self.g.n * self.to[0] * self.to[1] * self.row_len(channels)
    }

    /// Checks that `len` elements are those rows.
    pub fn check(&self, rows: &Range<usize>, len: usize, channels: usize) {
        let all = self.g.n * self.to[0] * self.to[1];
        assert!(rows.end <= all, "rows {rows:?} of {all}");
        assert_eq!(len, rows.len() * self.row_len(channels), "elements of rows {rows:?}");
    }

    /// What the row after this one reads beyond it, in elements of what is read: to be fetched meanwhile.
    pub fn ahead(&self, row: usize, channels: usize) -> Range<usize> {
        let len = self.from[2] * channels;
        let end = |row| Some((self.last_row(row)? + 1) * len);
        match (end(row), end(row + 1)) {
            (Some(start), Some(end)) => start..end.max(start),
            _ => 0..0,
        }
    }

    /// The last row that a row reads.
    fn last_row(&self, row: usize) -> Option<usize> {
        let (g, per_image) = (self.g, self.to[0] * self.to[1]);
        let (image, row) = (row / per_image, row % per_image);
        if image >= g.n {
            return None;
        }
        let reads = |axis: usize, i: usize| (0..g.kernel[axis]).filter_map(|k| (self.source)(g, axis, i, k)).max();
        let (first, second) = (reads(0, row / self.to[1])?, reads(1, row % self.to[1])?);
        Some((image * self.from[0] + first) * self.from[1] + second)
    }

    /// Lists the taps of the span in a row (of all images), with so many channels read and written.
    pub fn taps(&self, row: usize, span: &Span, channels: usize, channels_to: usize, taps: &mut Vec<Tap>) {
        let (g, per_image) = (self.g, self.to[0] * self.to[1]);
        let (image, row) = (row / per_image, row % per_image);
        taps.clear();
        for k in 0..g.kernel[0] * g.kernel[1] {
            let first = (self.source)(g, 0, row / self.to[1], k / g.kernel[1]);
            let second = (self.source)(g, 1, row % self.to[1], k % g.kernel[1]);
            let (Some(first), Some(second)) = (first, second) else { continue };
            let row = ((image * self.from[0] + first) * self.from[1] + second) * self.from[2];
            taps.extend(
                span.taps.iter().map(|&(kx, col)| Tap {
                    from: (row + col) * channels,
                    kernel: (k * g.kernel[2] + kx) * channels_to,
                }),
            );
        }
    }
}
