//! Suppression within each class of each image, which the team shares.

use std::collections::BTreeSet;
use std::ops::Range;

use super::hard::{Coordinate, Limits, nms};
use super::rank::ranks;
use super::soft::{Decay, Softly, soft_nms};
use crate::isa::Isa;
use crate::mem::{Stop, Team};

/// Boxes of images of one size: of each image equally many.
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
    /// Only boxes with scores above are looked at.
    pub least: Option<T>,
}

/// Numbers of the boxes of one image that are kept, the best first, with their scores.
pub type Kept<T> = Vec<(u32, T)>;

/// Boxes of one class of one image.
struct Group {
    image: usize,
    /// Their numbers in the image, the best first.
    order: Vec<u32>,
    /// Of each its place in the order of the whole image.
    places: Vec<u32>,
}

impl<T: Coordinate> Images<'_, T> {
    fn image(&self, i: usize) -> Range<usize> {
        let n = self.scores.len() / self.count.max(1);
        i * n..(i + 1) * n
    }

    fn boxes_of(&self, i: usize) -> &[T] {
        let Range { start, end } = self.image(i);
        &self.boxes[4 * start..4 * end]
    }

    /// The groups of one image.
    fn groups(&self, image: usize) -> Vec<Group> {
        let order = ranks(&self.scores[self.image(image)], self.least);
        let Some(classes) = self.classes.map(|c| &c[self.image(image)]) else {
            return vec![Group { image, order, places: Vec::new() }];
        };
        let present: Vec<i64> =
            order.iter().map(|&i| classes[i as usize]).collect::<BTreeSet<_>>().into_iter().collect();
        let mut groups: Vec<Group> =
            present.iter().map(|_| Group { image, order: Vec::new(), places: Vec::new() }).collect();
        for (place, &i) in order.iter().enumerate() {
            let group = &mut groups[present.partition_point(|&class| class < classes[i as usize])];
            group.order.push(i);
            group.places.push(place as u32);
        }
        groups
    }

    /// Suppression in every group; `each` gives places in a group's order with scores. `key` orders what an image keeps.
    fn run(
        &self,
        team: &Team,
        most: usize,
        stop: Stop<'_>,
        each: impl Fn(&Group, Stop<'_>) -> Kept<T> + Sync,
        key: impl Fn(&(u32, u32, T)) -> (u64, u32),
    ) -> Option<Vec<Kept<T>>> {
        let groups = team.collect(self.count, stop, |i, _| self.groups(i))?;
        let groups: Vec<Group> = groups.into_iter().flatten().collect();
        let kept = team.collect(groups.len(), stop, |g, stop| each(&groups[g], stop))?;
        // Place in the image's order, number, score.
        let mut images: Vec<Vec<(u32, u32, T)>> = (0..self.count).map(|_| Vec::new()).collect();
        for (group, kept) in groups.iter().zip(kept) {
            images[group.image].extend(kept.into_iter().map(|(place, score)| {
                let rank = group.places.get(place as usize).copied().unwrap_or(place);
                (rank, group.order[place as usize], score)
            }));
        }
        let finish = |mut kept: Vec<(u32, u32, T)>| {
            if self.classes.is_some() {
                kept.sort_unstable_by_key(&key);
            }
            kept.truncate(most);
            kept.into_iter().map(|(_, i, score)| (i, score)).collect()
        };
        Some(images.into_iter().map(finish).collect())
    }
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
    let each = |group: &Group, stop: Stop<'_>| {
        let scores = &images.scores[images.image(group.image)];
        let kept = nms(isa, images.boxes_of(group.image), &group.order, limits, stop);
        kept.into_iter().map(|place| (place, scores[group.order[place as usize] as usize])).collect()
    };
    images.run(team, limits.most, stop, each, |&(rank, _, _)| (0, rank))
}

/// [`soft_nms`] within each class of each image: the numbers of boxes in their image, in order of what is left of their scores.
/// None once `stop` says so.
///
/// # Panics
/// If the lengths do not fit.
pub fn many_soft_nms<T: Coordinate + Softly>(
    isa: Isa,
    team: &Team,
    images: Images<'_, T>,
    decay: Decay,
    most: usize,
    stop: Stop<'_>,
) -> Option<Vec<Kept<T>>> {
    let least = images.least.unwrap_or(T::NEG_INFINITY);
    let each = |group: &Group, stop: Stop<'_>| {
        let scores = &images.scores[images.image(group.image)];
        soft_nms(isa, images.boxes_of(group.image), scores, &group.order, decay, least, most, stop)
    };
    images.run(team, most, stop, each, |&(_, i, score)| (score.key(), i))
}
