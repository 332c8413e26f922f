//! An automaton as lines of text, and as a picture: states in a row, ways ahead above them, ways back below.

use std::fmt::Write as _;

use super::chart::{Chart, Way};

/// States first, then each way on a line.
pub fn text(chart: &Chart) -> String {
    let width = chart.states.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (i, state) in chart.states.iter().enumerate() {
        let sign = if state.stands { "(*)" } else { "( )" };
        let begins = if i == 0 { "  it begins here" } else { "" };
        let _ = writeln!(out, "{sign} {}{begins}", state.name);
        for way in chart.ways.iter().filter(|w| w.from == i) {
            let to = &chart.states[way.to].name;
            let _ = writeln!(out, "      --> {to:width$}  {}", way.label);
        }
    }
    out.push_str("(*) a finding stands\n");
    out
}

/// The least between the centres of two states, and what a letter takes.
const STEP: i64 = 200;
const LETTER: i64 = 7;
/// Half a state.
const HALF: (i64, i64) = (58, 20);
/// The height that a way over one state more takes.
const RISE: i64 = 34;
const MARGIN: i64 = 24;

/// A picture of the same, with nothing in it but lines and words.
pub fn svg(chart: &Chart, title: &str) -> String {
    let count = chart.states.len() as i64;
    let lanes = lanes(chart);
    let above = lanes.iter().filter(|l| **l > 0).copied().max().unwrap_or(0);
    let below = -lanes.iter().filter(|l| **l < 0).copied().min().unwrap_or(0);
    let middle = MARGIN + 30 + (above + 1) * RISE + HALF.1;
    let step = step(chart, &lanes);
    let (width, height) = (2 * MARGIN + (count - 1) * step + 2 * HALF.0, middle + HALF.1 + (below + 1) * RISE + MARGIN);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"sans-serif\" font-size=\"12\">"
    );
    let _ = writeln!(out, "<title>{}</title>", escaped(title));
    out.push_str("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">");
    out.push_str("<path d=\"M0 0 L8 4 L0 8 z\"/></marker></defs>\n");
    let _ = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>");
    for (way, lane) in chart.ways.iter().zip(&lanes) {
        draw_way(&mut out, way, *lane, middle, step);
    }
    for (i, state) in chart.states.iter().enumerate() {
        let x = centre(i, step);
        let (left, top) = (x - HALF.0, middle - HALF.1);
        let (fill, line) = if state.stands { ("#ffe8cc", 2) } else { ("#f1f3f5", 1) };
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"{fill}\" stroke=\"black\" stroke-width=\"{line}\"/>",
            2 * HALF.0,
            2 * HALF.1
        );
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>", middle + 4, escaped(&state.name));
    }
    out.push_str("</svg>\n");
    out
}

/// For each way the lane it runs in: 0 straight between neighbours, above for ways ahead and to itself, below for ways back. Ways that would lie upon
/// each other have lanes of their own.
fn lanes(chart: &Chart) -> Vec<i64> {
    let mut lanes: Vec<i64> = Vec::new();
    for (n, way) in chart.ways.iter().enumerate() {
        let straight = way.to == way.from + 1 && !chart.ways[..n].iter().any(|w| (w.from, w.to) == (way.from, way.to));
        if straight {
            lanes.push(0);
            continue;
        }
        let side = if way.to >= way.from { 1 } else { -1 };
        let span = |w: &Way| (w.from.min(w.to), w.from.max(w.to));
        let (from, to) = span(way);
        let taken = |lane: i64| {
            chart.ways[..n].iter().zip(&lanes).any(|(w, l)| {
                let (a, b) = span(w);
                *l == lane && a <= to && from <= b
            })
        };
        let lane = (1..).map(|k| side * k).find(|lane| !taken(*lane)).unwrap_or(side);
        lanes.push(lane);
    }
    lanes
}

/// Between the centres of two states: room for what is written on a straight way.
fn step(chart: &Chart, lanes: &[i64]) -> i64 {
    let straight = chart.ways.iter().zip(lanes).filter(|(_, lane)| **lane == 0);
    let widest = straight.map(|(w, _)| w.label.chars().count() as i64).max().unwrap_or(0);
    STEP.max(widest * LETTER + 2 * HALF.0 + MARGIN)
}

fn centre(state: usize, step: i64) -> i64 {
    MARGIN + HALF.0 + state as i64 * step
}

fn draw_way(out: &mut String, way: &Way, lane: i64, middle: i64, step: i64) {
    let (from, to) = (centre(way.from, step), centre(way.to, step));
    let (path, x, y) = if lane == 0 {
        (format!("M{} {middle} H{}", from + HALF.0, to - HALF.0), (from + to) / 2, middle - 6)
    } else {
        let side = lane.signum();
        // Ways ahead leave a state on its right half and come in on the left one of the next, ways back the other way round.
        let (out_at, in_at) = (from + side * (HALF.0 / 2), to - side * (HALF.0 / 2));
        let edge = middle - side * HALF.1;
        let level = edge - lane * RISE;
        (format!("M{out_at} {edge} V{level} H{in_at} V{edge}"), (out_at + in_at) / 2, level - 4)
    };
    let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"black\" marker-end=\"url(#tip)\"/>");
    // A white seam keeps words apart from the lines they cross.
    let seam = "paint-order=\"stroke\" stroke=\"white\" stroke-width=\"4\"";
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" {seam}>{}</text>", escaped(&way.label));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
