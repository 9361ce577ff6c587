//! The proof of a tile program: what tiles that may run at the same time write is disjoint from all that others of them touch.

use super::program::{MAX_ROUND_TILES, PRIVATE, Rect, Span, Step, Work};

/// Checks that a step's spans lie in their buffers, aligned for their elements, and its tiles in its outputs.
pub(super) fn check_step(step: &Step, buffer_lens: &[usize], private: usize) -> Result<(), String> {
    for span in step.inputs.iter().chain(step.written()) {
        let len = match span.buffer {
            PRIVATE => private,
            shared => *buffer_lens.get(shared).ok_or_else(|| format!("{}: no buffer {shared}", step.name))?,
        };
        let bytes = span.len.checked_mul(span.dtype.size()).and_then(|b| b.checked_add(span.offset));
        if bytes.is_none_or(|end| end > len) || !span.offset.is_multiple_of(span.dtype.size()) {
            return Err(format!("{}: {span:?} does not fit a buffer of {len} bytes", step.name));
        }
    }
    for &(i, o) in &step.in_place {
        if step.inputs[i] != step.outputs[o] {
            return Err(format!("{}: input {i} and output {o} are not the same memory", step.name));
        }
    }
    for rects in step.tiles.iter() {
        if rects.len() != step.outputs.len() {
            return Err(format!("{}: a tile covers {} of {} outputs", step.name, rects.len(), step.outputs.len()));
        }
        for (rect, span) in rects.iter().zip(&step.outputs) {
            check_rect(step, rect, span)?;
        }
    }
    let Some(rounds) = &step.rounds else { return Ok(()) };
    if rounds.rects.len() != step.tiles.len() || step.tiles.len() > MAX_ROUND_TILES {
        return Err(format!("{}: {} tiles in rounds, {} exchange", step.name, step.tiles.len(), rounds.rects.len()));
    }
    rounds
        .exchange
        .iter()
        .flat_map(|half| rounds.rects.iter().map(move |rect| (rect, half)))
        .try_for_each(|(rect, half)| check_rect(step, rect, half))
}

fn check_rect(step: &Step, rect: &Rect, span: &Span) -> Result<(), String> {
    if rect.end() > span.len || (rect.rows > 1 && rect.stride < rect.cols) {
        return Err(format!("{}: {rect:?} leaves an output of {} elements", step.name, span.len));
    }
    Ok(())
}

/// Proves that what tiles of one phase write is disjoint from everything that tiles touch that may run beside them.
pub(super) fn check_phase(steps: &[Step], phase: &[Work]) -> Result<(), String> {
    for work in phase {
        for &s in work.steps() {
            check_own(&steps[s])?;
            if steps[s].rounds.is_some() && !matches!(phase, [Work::Tiles(_)]) {
                return Err(format!("{}: rounds beside other work", steps[s].name));
            }
        }
        if let Work::Tiles(s) = work {
            let step = &steps[*s];
            for output in 0..step.outputs.len() {
                check_tiles(step, step.tiles.iter().map(|t| &t[output]))?;
            }
            if let Some(rounds) = &step.rounds {
                check_tiles(step, rounds.rects.iter())?;
            }
            if step.inputs.iter().chain(step.written()).any(|span| span.buffer == PRIVATE) {
                return Err(format!("{}: private memory outside a lane", step.name));
            }
        }
    }
    check_apart(steps, phase)
}

/// Proves that what a step writes shares no memory with each other, nor with an input that is not the old content of one of its outputs.
/// So in each round the half that is read is not written.
fn check_own(step: &Step) -> Result<(), String> {
    for (o, output) in step.written().enumerate() {
        if step.written().skip(o + 1).any(|other| other.overlaps(output)) {
            return Err(format!("{}: two outputs share memory", step.name));
        }
        let meets = |(i, input): (usize, &Span)| input.overlaps(output) && !step.in_place.contains(&(i, o));
        if step.inputs.iter().enumerate().any(meets) {
            return Err(format!("{} reads what it writes", step.name));
        }
    }
    Ok(())
}

/// What a part of a phase touches.
struct Access {
    /// Which part.
    work: usize,
    step: usize,
    span: Span,
}

/// Proves that no part of a phase touches what another one writes: written ranges in order of their place, in which everything
/// that is touched is looked up.
fn check_apart(steps: &[Step], phase: &[Work]) -> Result<(), String> {
    let list = |spans: fn(&Step) -> &[Span]| {
        let mut list = Vec::new();
        for (work, part) in phase.iter().enumerate() {
            for &step in part.steps() {
                let shared = spans(&steps[step]).iter().filter(|span| span.buffer != PRIVATE && span.len > 0);
                list.extend(shared.map(|&span| Access { work, step, span }));
            }
        }
        list
    };
    let mut written: Vec<Access> = list(|step| &step.outputs);
    written.sort_by_key(|a| (a.span.buffer, a.span.offset));
    // Of ranges that overlap, which only one part may have, the one that reaches furthest stands for those before it.
    let mut reach: Vec<Access> = Vec::with_capacity(written.len());
    for access in written {
        match reach.last_mut() {
            Some(last) if last.span.overlaps(&access.span) => {
                if last.work != access.work {
                    let (a, b) = (steps[last.step].name, steps[access.step].name);
                    return Err(format!("{a} and {b} write the same memory in one phase"));
                }
                last.span.extend_to(&access.span);
            }
            _ => reach.push(access),
        }
    }
    for read in list(|step| &step.inputs) {
        let first = reach.partition_point(|w| (w.span.buffer, w.span.end()) <= (read.span.buffer, read.span.offset));
        let mut met = reach[first..].iter().take_while(|w| w.span.overlaps(&read.span));
        if let Some(write) = met.find(|w| w.work != read.work) {
            let (a, b) = (steps[read.step].name, steps[write.step].name);
            return Err(format!("{a} reads what {b} writes in the same phase"));
        }
    }
    Ok(())
}

/// Proves that the tiles of one output are pairwise disjoint.
fn check_tiles<'a>(step: &Step, tiles: impl Iterator<Item = &'a Rect>) -> Result<(), String> {
    let mut rects: Vec<&Rect> = tiles.filter(|r| !r.is_empty()).collect();
    rects.sort_by_key(|r| r.start);
    for (n, rect) in rects.iter().enumerate() {
        let end = rect.end();
        // Sorted by start: a later rectangle that begins after the end cannot meet this one, nor can any after it.
        for other in rects[n + 1..].iter().take_while(|other| other.start < end) {
            if !rect.is_disjoint(other) {
                return Err(format!("{}: tiles {rect:?} and {other:?} overlap", step.name));
            }
        }
    }
    Ok(())
}
