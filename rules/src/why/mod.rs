//! What the engine says of why, for people and for programs.
//!
//! | file | makes |
//! |---|---|
//! | `answer` | the answer as lines of text |
//! | `lack` | what stood in the way, in a sentence |
//! | `json` | the answer as JSON, with stable names |

mod answer;
mod json;
mod lack;

use vitalog_cep::why::{Extent, Part, Seen, Truth, Verdict};
use vitalog_elog::{ReadingId, Time};

pub use answer::{answer, in_short};
pub use json::{finding as finding_json, json};

/// How instants and readings are called.
pub struct Names<'n> {
    pub time: &'n dyn Fn(Time) -> String,
    pub reading: &'n dyn Fn(ReadingId) -> String,
}

impl Names<'_> {
    fn at(&self, t: Time) -> String {
        (self.time)(t)
    }

    /// `bg 62 mg/dL at 02:15 (r3)`.
    fn seen(&self, seen: &Seen) -> String {
        let value = seen.value.as_ref().map_or_else(String::new, |v| format!(" {v}"));
        let when = match (seen.start, seen.goes_on) {
            (_, true) => format!("since {}", self.at(seen.at)),
            (Some(start), false) => format!("from {} to {}", self.at(start), self.at(seen.at)),
            (None, false) => format!("at {}", self.at(seen.at)),
        };
        let ids: Vec<String> = seen.ids.iter().map(|id| (self.reading)(*id)).collect();
        let ids = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
        format!("{}{value} {when}{ids}", seen.stream)
    }

    /// `after 01:15 to 02:15`: an end that is just outside is said to be so.
    fn window(&self, window: &Extent) -> String {
        let from = match window.from.0.rem_euclid(1_000_000) {
            1 => format!("after {}", self.at(Time(window.from.0 - 1))),
            _ => format!("from {}", self.at(window.from)),
        };
        match window.to.0.rem_euclid(1_000_000) {
            999_999 => format!("{from} and before {}", self.at(Time(window.to.0.saturating_add(1)))),
            _ => format!("{from} to {}", self.at(window.to)),
        }
    }

    fn all_seen(&self, seen: &[Seen]) -> String {
        seen.iter().map(|s| self.seen(s)).collect::<Vec<_>>().join("; ")
    }
}

/// A part of a rule, by a stable name.
pub fn part_name(part: Part) -> &'static str {
    match part {
        Part::Version => "version",
        Part::Driver => "driver",
        Part::When => "when",
        Part::For => "for",
        Part::Gap => "gap",
        Part::Where => "where",
        Part::Until => "until",
        Part::Severity(_) => "severity",
        Part::Let(_) => "let",
        Part::No => "no",
        Part::Every => "every",
        Part::Step(_) => "step",
        Part::Within => "within",
        Part::Without => "without",
        Part::ThenNo => "then_no",
        Part::WithNo => "with_no",
        Part::Clock => "clock",
        Part::Disjoint => "disjoint",
    }
}

/// How it stood, by a stable name.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fired => "fired",
        Verdict::Quiet => "quiet",
        Verdict::Pending => "pending",
        Verdict::Resolved => "resolved",
        Verdict::Lapsed => "lapsed",
        Verdict::Silent => "silent",
        Verdict::NotInForce => "not_in_force",
        Verdict::NotReached => "not_reached",
    }
}

fn truth_name(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}
