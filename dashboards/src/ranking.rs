//! Who needs a look: the order in which subjects are shown.
//!
//! A pure function of what stands and of the time. First the gravest that nobody has acknowledged, then the gravest that somebody has, then
//! whoever was heard of last. Dismissed findings, and quiet matches, count for nothing.

use std::cmp::{Ordering, Reverse};

use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::{Severity, Span, Time};

use crate::ask::words;
use crate::views::Attention;

/// How long a match wants a look: unlike an episode it has no end to reach, so it would want one for ever.
pub const MATCH_LOOK: Span = Span::hours(24);

/// How much a subject wants a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Look {
    /// The gravest that stands and that nobody has acknowledged.
    #[schema(value_type = Option<words::Severity>)]
    pub severity: Option<Severity>,
    /// How many of that severity.
    pub count: u32,
    /// The gravest that stands and that somebody has acknowledged.
    #[schema(value_type = Option<words::Severity>)]
    pub acknowledged: Option<Severity>,
}

/// What stands about a subject, judged at a time.
pub fn look(attention: &Attention, now: Time) -> Look {
    let mut look = Look::default();
    for (severity, standing) in Severity::ALL.into_iter().zip(&attention.grades) {
        let fresh = standing.latest_match.is_some_and(|at| now.since(Time(at)) < MATCH_LOOK);
        let count = standing.open + u32::from(fresh);
        if count > 0 {
            look.severity = Some(severity);
            look.count = count;
        }
        if standing.acknowledged > 0 {
            look.acknowledged = Some(severity);
        }
    }
    look
}

/// What the order is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    pub look: Look,
    /// The instant of the latest reading.
    pub last_at: Option<Time>,
}

/// Whoever comes first needs a look first. Names decide last, so the order is total.
pub fn order(a: &Candidate, b: &Candidate) -> Ordering {
    let key = |c: &Candidate| Reverse((c.look.severity, c.look.acknowledged, c.last_at));
    key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::Attention;

    const NOW: Time = Time(1_000_000_000_000_000);

    fn candidate(name: &str, attention: Attention, minutes_ago: i64) -> Candidate {
        Candidate { name: name.into(), look: look(&attention, NOW), last_at: Some(NOW - Span::minutes(minutes_ago)) }
    }

    fn open(severity: Severity) -> Attention {
        let mut attention = Attention::default();
        attention.grades[severity as usize].open = 1;
        attention
    }

    fn acknowledged(severity: Severity) -> Attention {
        let mut attention = Attention::default();
        attention.grades[severity as usize].acknowledged = 1;
        attention
    }

    fn matched(severity: Severity, hours_ago: i64) -> Attention {
        let mut attention = Attention::default();
        attention.grades[severity as usize].latest_match = Some((NOW - Span::hours(hours_ago)).0);
        attention
    }

    fn names(mut list: Vec<Candidate>) -> String {
        list.sort_by(order);
        list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn gravest_unacknowledged_first_then_acknowledged_then_recency() {
        let list = vec![
            candidate("quiet-old", Attention::default(), 500),
            candidate("quiet-new", Attention::default(), 5),
            candidate("critical-acknowledged", acknowledged(Severity::Critical), 1),
            candidate("warning", open(Severity::Warning), 50),
            candidate("urgent", open(Severity::Urgent), 300),
        ];
        assert_eq!(names(list), "urgent warning critical-acknowledged quiet-new quiet-old");
    }

    #[test]
    fn a_match_wants_a_look_for_a_day() {
        let list = vec![
            candidate("yesterday", matched(Severity::Critical, 24), 30),
            candidate("today", matched(Severity::Info, 23), 60),
            candidate("nothing", Attention::default(), 20),
        ];
        assert_eq!(names(list), "today nothing yesterday");
    }

    #[test]
    fn equal_claims_are_ordered_by_recency_then_name() {
        let list = vec![
            candidate("b", open(Severity::Warning), 10),
            candidate("a", open(Severity::Warning), 10),
            candidate("c", open(Severity::Warning), 9),
        ];
        assert_eq!(names(list), "c a b");
    }

    #[test]
    fn the_gravest_counts_and_how_many_of_it() {
        let mut attention = open(Severity::Warning);
        attention.grades[Severity::Urgent as usize].open = 2;
        attention.grades[Severity::Urgent as usize].latest_match = Some(NOW.0);
        assert_eq!(look(&attention, NOW), Look { severity: Some(Severity::Urgent), count: 3, acknowledged: None });
    }
}
