//! A plan as text.

use std::fmt::Write;

use super::arena::Layout;
use super::fuse::{Target, Unit};
use super::rewrite::Live;
use super::schedule::Schedule;
use crate::graph::Graph;

pub(super) fn explain(g: &Graph, live: &Live, schedule: &Schedule, units: &[Unit], layout: &Layout) -> String {
    let mut text = String::new();
    let total: f64 = units.iter().map(|u| u.lowered.cost).sum();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} nodes as {} kernels in {} phases, arena {:.1} KiB, constants {} bytes, estimated {:.1} µs on one thread",
        live.nodes.len(),
        units.len(),
        schedule.phases,
        layout.arena as f64 / 1024.0,
        layout.constants.len(),
        total / 1000.0
    );
    for phase in 0..schedule.phases {
        let _ = writeln!(text, "phase {phase}{}", if phase >= schedule.commit_from { " (commit)" } else { "" });
        for (u, unit) in units.iter().enumerate().filter(|(u, _)| schedule.phase[*u] == phase) {
            let inputs: Vec<_> = unit.inputs.iter().map(|&v| g.ty(v).to_string()).collect();
            let outputs: Vec<_> = unit
                .outputs
                .iter()
                .map(|t| match t {
                    Target::Value(v) => g.ty(*v).to_string(),
                    Target::Variable(x) => format!("{:?}", x.name()),
                })
                .collect();
            let place = if layout.spans[u].in_place.is_empty() { "" } else { ", in place" };
            let note = if unit.lowered.note.is_empty() { String::new() } else { format!("{}, ", unit.lowered.note) };
            let _ = writeln!(
                text,
                "  {}: {} -> {} [{note}{} tiles, {:.1} µs{place}]",
                unit.ops.join("+"),
                inputs.join(", "),
                outputs.join(", "),
                unit.lowered.tiles.len(),
                unit.lowered.cost / 1000.0,
            );
        }
    }
    text
}
