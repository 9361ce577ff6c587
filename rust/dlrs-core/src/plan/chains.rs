//! Chains: units that run one after another over a few images, then over the next few, so that what passes between them stays in L2.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::fuse::{Target, Unit};
use super::images::{ByImage, Images};
use crate::error::Result;
use crate::graph::Val;
use crate::ops::Lowered;

/// Bytes of operands and results of a group of images: half of the L2 of processors that have 1 MiB. With twice as much, resnet20
/// took 10 % longer on one, with half as much 3 %.
const GROUP: usize = 512 * 1024;

/// Bytes of an image from which on a unit runs over all images: each thread has memory for one of them.
const LARGE: usize = 32 << 20;

/// The least number of groups: fewer would leave threads without work.
const GROUPS: usize = 8;

/// Units that run over a group of images before the next group begins.
pub(super) struct Chain {
    /// The units.
    pub units: Range<usize>,
    /// Images in all.
    pub all: usize,
    /// Images of a group.
    pub images: usize,
    /// Per unit, what is cut into groups of images, and how.
    pub known: Vec<ByImage>,
    /// The groups, the last one of which may be smaller, and the units for so many images.
    pub sizes: Vec<(Sizes, Vec<Lowered>)>,
}

/// Groups of one size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub count: usize,
    pub images: usize,
}

impl Chain {
    /// Tiles of a unit over all groups.
    pub fn tiles(&self, unit: usize) -> usize {
        self.sizes.iter().map(|(sizes, lowered)| sizes.count * lowered[unit - self.units.start].tiles.len()).sum()
    }
}

/// The units in an order in which those of each chain follow each other, and the chains.
pub(super) fn chains(
    images: &Images<'_>,
    units: Vec<Unit>,
    late: Option<&HashSet<Val>>,
) -> Result<(Vec<Unit>, Vec<Chain>)> {
    let known: Vec<Option<ByImage>> = units
        .iter()
        .map(|unit| {
            let is_late = unit.outputs.iter().filter_map(Target::value).any(|v| late.is_some_and(|l| l.contains(&v)));
            images.of(unit).filter(|_| !is_late)
        })
        .collect();
    let mut search = Search::new(images, &units, &known);
    let mut chains = Vec::new();
    let mut at = 0;
    while at < search.order.len() {
        let found = search.from(at);
        let members: Vec<usize> = found.members.iter().map(|&i| search.order[i]).collect();
        let chain = if members.len() > 1 { chain(images, &units, &known, &members)? } else { None };
        match chain {
            Some(chain) => {
                let start = search.place(&found);
                at = start + members.len();
                chains.push(Chain { units: start..at, ..chain });
            }
            None => at += 1,
        }
    }
    let order = search.order;
    let mut units: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    Ok((order.into_iter().filter_map(|u| units[u].take()).collect(), chains))
}

/// The chain of these units, if they come out for a group as they are for all images.
fn chain(images: &Images<'_>, units: &[Unit], known: &[Option<ByImage>], members: &[usize]) -> Result<Option<Chain>> {
    let known: Vec<&ByImage> = members.iter().filter_map(|&u| known[u].as_ref()).collect();
    let members: Vec<&Unit> = members.iter().map(|&u| &units[u]).collect();
    let all = known[0].all;
    let needs = known.iter().fold(Needs::default(), |needs, known| needs.with(known));
    let group = needs.group(all);
    let mut sizes = Vec::new();
    for size in [Sizes { count: all / group, images: group }, Sizes { count: 1, images: all % group }] {
        if size.images > 0 {
            let Some(again) = images.again(&members, &known, size.images)? else { return Ok(None) };
            sizes.push((size, again.into_iter().map(|unit| unit.lowered).collect()));
        }
    }
    let known = known.into_iter().cloned().collect();
    Ok(Some(Chain { units: 0..0, all, images: group, known, sizes }))
}

/// What says how large groups are.
#[derive(Clone, Copy)]
struct Needs {
    /// Bytes of an image in the unit that has the most.
    bytes: usize,
    /// What the number of images is a multiple of, but for the last group.
    multiple: usize,
}

impl Default for Needs {
    fn default() -> Needs {
        Needs { bytes: 1, multiple: 1 }
    }
}

impl Needs {
    /// With another unit.
    fn with(self, known: &ByImage) -> Needs {
        // Chunks of rows hold powers of two of images or odd numbers of them; of two such numbers the larger one need not do.
        let lcm = |a: usize, b: usize| if a.max(b).is_multiple_of(a.min(b)) { a.max(b) } else { a * b };
        let multiple = known.results.iter().fold(self.multiple, |all, rows| lcm(all, rows.multiple()));
        Needs { bytes: self.bytes.max(known.bytes), multiple }
    }

    /// Images of a group; the groups are about equally large.
    fn group(self, all: usize) -> usize {
        let most = (GROUP / self.bytes).clamp(1, (all / GROUPS).max(1));
        all.div_ceil(all.div_ceil(most)).next_multiple_of(self.multiple)
    }

    /// Whether a unit gains from running over groups: they are enough, and each has more bytes of its own than it reads of what all
    /// share, the weights.
    fn pay(self, known: &ByImage) -> bool {
        let group = self.group(known.all);
        known.all >= GROUPS * group && self.bytes <= LARGE && known.others <= group * known.bytes
    }
}

/// The search for chains among units in an order in which each stands behind those whose results it reads.
struct Search<'a> {
    known: &'a [Option<ByImage>],
    /// The order that is being found. What stands before the place of the search is final.
    order: Vec<usize>,
    /// Per unit, the roots of what it reads and of what it makes.
    reads: Vec<Vec<Val>>,
    makes: Vec<Vec<Val>>,
    /// Per root, the units that read it.
    readers: HashMap<Val, Vec<usize>>,
}

/// Positions in the order, from the first member on.
#[derive(Default)]
struct Found {
    members: Vec<usize>,
    /// Those that need what members make.
    after: Vec<usize>,
    /// What members make, what those after them make, and who reads it.
    made: HashSet<Val>,
    made_after: HashSet<Val>,
    waiting: HashSet<usize>,
    needs: Needs,
}

impl<'a> Search<'a> {
    fn new(images: &Images<'_>, units: &[Unit], known: &'a [Option<ByImage>]) -> Search<'a> {
        let roots = |unit: &Unit| unit.inputs.iter().map(|&v| images.live.root(v)).collect();
        let reads: Vec<Vec<Val>> = units.iter().map(roots).collect();
        let makes = units.iter().map(|unit| unit.outputs.iter().filter_map(Target::value).collect()).collect();
        let mut readers: HashMap<Val, Vec<usize>> = HashMap::new();
        for (u, read) in reads.iter().enumerate() {
            read.iter().for_each(|&v| readers.entry(v).or_default().push(u));
        }
        Search { known, order: (0..units.len()).collect(), reads, makes, readers }
    }

    /// The chain that begins with the unit at a place.
    fn from(&self, at: usize) -> Found {
        let mut found = Found::default();
        if !self.may_join(&found, self.order[at]) {
            return found;
        }
        self.add(&mut found, at);
        for place in at + 1..self.order.len() {
            let u = self.order[place];
            if !found.waiting.remove(&u) {
                continue;
            }
            let is_apart = self.reads[u].iter().any(|v| found.made_after.contains(v));
            if !is_apart && self.may_join(&found, u) {
                self.add(&mut found, place);
            } else {
                found.after.push(place);
                self.extend(&mut found.made_after, &mut found.waiting, u);
            }
            if found.waiting.is_empty() {
                break;
            }
        }
        found
    }

    fn add(&self, found: &mut Found, place: usize) {
        let u = self.order[place];
        found.needs = self.known[u].iter().fold(found.needs, Needs::with);
        found.members.push(place);
        self.extend(&mut found.made, &mut found.waiting, u);
    }

    fn extend(&self, made: &mut HashSet<Val>, waiting: &mut HashSet<usize>, u: usize) {
        made.extend(&self.makes[u]);
        waiting.extend(self.makes[u].iter().filter_map(|v| self.readers.get(v)).flatten());
    }

    /// Whether a unit makes as many images as those found, from the same images of theirs, and reads little besides.
    fn may_join(&self, found: &Found, u: usize) -> bool {
        let Some(known) = &self.known[u] else { return false };
        let by_image = self.reads[u].iter().zip(&known.operands).all(|(v, is)| *is || !found.made.contains(v));
        let first = found.members.first().and_then(|&place| self.known[self.order[place]].as_ref());
        by_image && first.is_none_or(|first| first.all == known.all) && found.needs.with(known).pay(known)
    }

    /// Puts the members in a row, behind what they need and before what needs them; returns the place of the first.
    fn place(&mut self, found: &Found) -> usize {
        let (first, last) = (found.members[0], found.members[found.members.len() - 1]);
        let moved = |place: &usize| found.members.contains(place) || found.after.contains(place);
        let before: Vec<usize> = (first..=last).filter(|place| !moved(place)).collect();
        let after = found.after.iter().filter(|&&place| place < last);
        let order =
            before.iter().chain(&found.members).chain(after).map(|&place| self.order[place]).collect::<Vec<_>>();
        self.order[first..=last].copy_from_slice(&order);
        first + before.len()
    }
}
