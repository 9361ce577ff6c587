//! Suppression within each class of each image, which the team shares.

use std::ops::Range;

use super::check::{Areas, areas};
use super::hard::{Coordinate, Limits, extreme_nms, nms};
use super::rank::{Score, ranks};
use super::soft::{Decay, Softly, extreme_soft_nms, soft_nms};
use crate::isa::Isa;
use crate::mem::{Stop, Team};

/// Boxes of images: of each image equally many.
#[derive(Clone, Copy)]
pub struct Images<'a, T> {
    /// Four sides of each box.
    pub boxes: &'a [T],
    /// A score of each box.
    pub scores: &'a [T],
    /// A class of each box; boxes of different ones leave each other alone.
    pub classes: Option<&'a [i64]>,
    /// Number of images.
    pub count: usize,
    /// What [`check`](super::check) says of all areas.
    pub areas: Areas,
}

/// Numbers of the boxes of one image that are kept, the best first, with their scores.
pub type Kept<T> = Vec<(u32, T)>;

/// Boxes of one class of one image, with their numbers.
struct Group<T> {
    image: usize,
    boxes: Vec<T>,
    scores: Vec<T>,
    numbers: Vec<u32>,
}

impl<T: Score> Images<'_, T> {
    fn image(&self, i: usize) -> Range<usize> {
        let n = self.scores.len() / self.count.max(1);
        i * n..(i + 1) * n
    }

    fn boxes_of(&self, i: usize) -> &[T] {
        let Range { start, end } = self.image(i);
        &self.boxes[4 * start..4 * end]
    }

    /// The classes of one image, each with its boxes in their order.
    fn groups(&self, image: usize, classes: &[i64]) -> Vec<Group<T>> {
        let classes = &classes[self.image(image)];
        let (boxes, scores) = (self.boxes_of(image), &self.scores[self.image(image)]);
        let (group_of, sizes) = numbered(classes);
        let empty = |&size: &usize| Group {
            image,
            boxes: Vec::with_capacity(4 * size),
            scores: Vec::with_capacity(size),
            numbers: Vec::with_capacity(size),
        };
        let mut groups: Vec<Group<T>> = sizes.iter().map(empty).collect();
        for (i, &group) in group_of.iter().enumerate() {
            let group = &mut groups[group as usize];
            group.boxes.extend_from_slice(&boxes[4 * i..4 * i + 4]);
            group.scores.push(scores[i]);
            group.numbers.push(i as u32);
        }
        groups
    }

    /// What the areas of some of the boxes are.
    fn areas_of(&self, boxes: &[T]) -> Areas {
        if self.areas == Areas::Ordinary { Areas::Ordinary } else { areas(boxes) }
    }

    /// `each` of the boxes and scores of every class of every image; the best `most` of an image.
    fn run(
        &self,
        team: &Team,
        most: usize,
        stop: Stop<'_>,
        each: impl Fn(&[T], &[T], Stop<'_>) -> Kept<T> + Sync,
    ) -> Option<Vec<Kept<T>>> {
        let Some(classes) = self.classes else {
            return team.collect(self.count, stop, |i, stop| each(self.boxes_of(i), &self.scores[self.image(i)], stop));
        };
        let groups = team.collect(self.count, stop, |i, _| self.groups(i, classes))?;
        let groups: Vec<Group<T>> = groups.into_iter().flatten().collect();
        let kept = team.collect(groups.len(), stop, |g, stop| each(&groups[g].boxes, &groups[g].scores, stop))?;
        // What is left of each box of each image, and nothing of those that are gone: ranking it orders what is kept.
        let n = self.scores.len() / self.count.max(1);
        let mut left = vec![T::NEG_INFINITY; self.scores.len()];
        for (group, kept) in groups.iter().zip(kept) {
            let left = &mut left[group.image * n..][..n];
            for (i, score) in kept {
                left[group.numbers[i as usize] as usize] = score;
            }
        }
        let best = |i: usize| {
            let left = &left[self.image(i)];
            ranks(left, Some(T::NEG_INFINITY)).into_iter().take(most).map(|i| (i, left[i as usize])).collect()
        };
        let images = (0..self.count).map(best).collect();
        Some(images)
    }
}

/// Numbers from 0 on in place of classes, and how often each comes.
fn numbered(classes: &[i64]) -> (Vec<u32>, Vec<usize>) {
    let (Some(&least), Some(&greatest)) = (classes.iter().min(), classes.iter().max()) else {
        return (Vec::new(), Vec::new());
    };
    let span = greatest.abs_diff(least);
    let (numbers, count): (Vec<u32>, usize) = if span < 1 << 16 {
        (classes.iter().map(|&c| c.abs_diff(least) as u32).collect(), span as usize + 1)
    } else {
        let mut present = classes.to_vec();
        present.sort_unstable();
        present.dedup();
        let number = |&class: &i64| present.partition_point(|&p| p < class) as u32;
        (classes.iter().map(number).collect(), present.len())
    };
    let mut sizes = vec![0; count];
    for &number in &numbers {
        sizes[number as usize] += 1;
    }
    (numbers, sizes)
}

/// [`nms`] within each class of each image. The numbers of boxes in their image, the best first, of equal ones the first.
/// None once `stop` says so.
///
/// # Panics
/// If the lengths do not fit.
pub fn many_nms<T: Coordinate>(
    isa: Isa,
    team: &Team,
    images: Images<'_, T>,
    limits: Limits<T>,
    stop: Stop<'_>,
) -> Option<Vec<Kept<T>>> {
    images.run(team, limits.most, stop, |boxes, scores, stop| {
        let kept = match images.areas_of(boxes) {
            Areas::Ordinary => nms(isa, boxes, scores, limits, stop),
            Areas::Extreme => extreme_nms(isa, boxes, scores, limits, stop),
        };
        kept.into_iter().map(|i| (i, scores[i as usize])).collect()
    })
}

/// [`soft_nms`] within each class of each image: the numbers of boxes in their image, in order of what is left of their scores.
/// None once `stop` says so.
///
/// # Panics
/// If the lengths do not fit.
pub fn many_soft_nms<T: Softly>(
    isa: Isa,
    team: &Team,
    images: Images<'_, T>,
    decay: Decay,
    least: T,
    most: usize,
    stop: Stop<'_>,
) -> Option<Vec<Kept<T>>> {
    images.run(team, most, stop, |boxes, scores, stop| match images.areas_of(boxes) {
        Areas::Ordinary => soft_nms(isa, boxes, scores, decay, least, most, stop),
        Areas::Extreme => extreme_soft_nms(isa, boxes, scores, decay, least, most, stop),
    })
}
