//! The five single-rule workloads, each as a rule and as the loop that one would write for that rule alone; and the larger libraries.

use std::fmt::Write as _;

use vitalog_elog::Span;
use vitalog_rules::packs;

use crate::by_hand::{Absence, ByHand, Iteration, Sequence, Threshold, Window};

/// Streams as the single workloads declare them: all are instants, so that peers without intervals count the same.
const STREAMS: &str = "
stream bg { value glucose in mg/dL }
stream carbs { amount mass in g }
stream exercise { energy energy in kcal optional }
stream bp { systolic pressure in mmHg }
";

/// One rule, and the loop by hand.
pub struct Workload {
    pub name: &'static str,
    pub rule: &'static str,
    pub by_hand: fn() -> Box<dyn ByHand>,
    /// What `--long-window` puts in the place of the window's length.
    pub stream: &'static str,
}

pub const ALL: &[Workload] = &[
    Workload {
        name: "threshold",
        rule: "rule r { severity info match bg as x where x.value < 70 mg/dL }",
        by_hand: || Box::<Threshold>::default(),
        stream: "bg",
    },
    Workload {
        name: "sequence",
        rule: "rule r { severity info match disjoint carbs as c where c.amount >= 30 g then bg as b where b.value > 180 mg/dL \
               without exercise within 2 h }",
        by_hand: || Box::<Sequence>::default(),
        stream: "bg",
    },
    Workload {
        name: "iteration",
        rule: "rule r { severity info match disjoint bp{3} in a row where each.systolic >= 140 mmHg within 7 d }",
        by_hand: || Box::<Iteration>::default(),
        stream: "bp",
    },
    Workload {
        name: "absence",
        rule: "rule r { severity info when no bg for 1 h }",
        by_hand: || Box::<Absence>::default(),
        stream: "bg",
    },
    Workload {
        name: "window",
        rule: "rule r { severity info when avg(bg.value over 3 h) > 180 mg/dL and count(bg over 3 h) >= 12 }",
        by_hand: || Box::<Window>::default(),
        stream: "bg",
    },
];

impl Workload {
    pub fn text(&self) -> String {
        format!("{STREAMS}{}\n", self.rule)
    }
}

/// All shipped packs.
pub fn library() -> Vec<(String, String)> {
    packs::ALL.iter().map(|p| (format!("{}.rules", p.name), p.text.to_owned())).collect()
}

/// So many rules on glucose: lows and highs that must hold for a while, each with a bound of its own.
pub fn many(rules: u32) -> String {
    let mut text = STREAMS.to_owned();
    for i in 0..rules {
        let part = f64::from(i) / f64::from(rules.max(1));
        let (sign, bound) = if i % 2 == 0 { ("<", 45.0 + 25.0 * part) } else { (">", 250.0 + 100.0 * part) };
        let _ = writeln!(text, "rule r{i} {{ severity info when bg.value {sign} {bound:.4} mg/dL for 15 min }}");
    }
    text
}

/// A mean over so long, and a pattern of that length whose last step never comes.
pub fn endless(over: Span) -> String {
    let seconds = over.0 / 1_000_000;
    format!(
        "{STREAMS}
        rule mean {{ severity info when avg(bg.value over {seconds} s) > 180 mg/dL and count(bg over {seconds} s) >= 12 }}
        rule never {{ severity info match carbs as c where c.amount >= 30 g then bg as b where b.value > 900 mg/dL within {seconds} s }}
        "
    )
}
