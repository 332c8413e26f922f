//! What an endpoint was told of a finding, and which message follows from that.
//!
//! | there is to tell | not told yet | told: stands | told: over | told: withdrawn | told: dismissed |
//! |---|---|---|---|---|---|
//! | it is news, or graver | opened, if wanted | amended, if graver | amended | opened, if wanted | amended, if graver |
//! | resolved, lapsed | - | resolved, lapsed | - | - | - |
//! | rescinded | - | rescinded | rescinded | - | - |
//! | acknowledged | - | acknowledged | - | - | - |
//! | dismissed | - | dismissed | - | - | - |
//! | a step is due | opened | repeated | repeated | opened | repeated |
//!
//! An endpoint that was told of the dismissal forgets the finding when it ends.
//!
//! "Graver" compares with the gravest that this endpoint was told, so that a severity that falls and rises again disturbs nobody twice;
//! or with what it was when someone acknowledged or dismissed it.

use serde::{Deserialize, Serialize};
use vitalog_elog::{Finding, FindingState, Severity};

use super::alarm::Occasion;

/// What an endpoint believes, if everything sent to it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub standing: Standing,
    /// The gravest it was told since it began to stand, or was acknowledged or dismissed.
    pub severity: Severity,
    /// The delivery sent last.
    pub last: u128,
    /// Whether any of them is known to have arrived.
    pub reached: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    Stands,
    Over,
    Withdrawn,
    Dismissed,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Opened,
    Amended,
    Resolved,
    Lapsed,
    Rescinded,
    Acknowledged,
    Dismissed,
    /// It still stands, and a policy has it told again.
    Repeated,
}

impl Kind {
    /// The type of the message.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Opened => "finding.opened",
            Kind::Amended => "finding.amended",
            Kind::Resolved => "finding.resolved",
            Kind::Lapsed => "finding.lapsed",
            Kind::Rescinded => "finding.rescinded",
            Kind::Acknowledged => "finding.acknowledged",
            Kind::Dismissed => "finding.dismissed",
            Kind::Repeated => "finding.repeated",
        }
    }
}

/// The message an endpoint gets, given what it was told before and whether its filter wants the finding as it is now.
pub(super) fn kind(occasion: Occasion, before: Option<&Heard>, finding: &Finding, wanted: bool) -> Option<Kind> {
    let standing = before.map(|heard| heard.standing);
    let graver = before.is_none_or(|heard| finding.severity > heard.severity);
    match (occasion, standing) {
        (Occasion::None, _) => None,
        (Occasion::News, None | Some(Standing::Withdrawn)) => wanted.then_some(Kind::Opened),
        (Occasion::Step, None | Some(Standing::Withdrawn)) => Some(Kind::Opened),
        (Occasion::Step, Some(_)) => Some(Kind::Repeated),
        (Occasion::News, Some(Standing::Over)) => Some(Kind::Amended),
        (Occasion::News, Some(Standing::Stands | Standing::Dismissed)) => graver.then_some(Kind::Amended),
        (Occasion::Ending, Some(Standing::Stands)) => Some(match finding.state {
            FindingState::Rescinded => Kind::Rescinded,
            FindingState::Lapsed => Kind::Lapsed,
            FindingState::Resolved | FindingState::Open => Kind::Resolved,
        }),
        (Occasion::Ending, Some(Standing::Over)) => (finding.state == FindingState::Rescinded).then_some(Kind::Rescinded),
        (Occasion::Acknowledged, Some(Standing::Stands)) => Some(Kind::Acknowledged),
        (Occasion::Dismissed, Some(Standing::Stands)) => Some(Kind::Dismissed),
        _ => None,
    }
}

impl Heard {
    /// What it believes after this message.
    pub(super) fn after(kind: Kind, before: Option<&Heard>, finding: &Finding, delivery: u128) -> Heard {
        let standing = match kind {
            Kind::Opened | Kind::Amended | Kind::Acknowledged | Kind::Repeated => Standing::Stands,
            Kind::Resolved | Kind::Lapsed => Standing::Over,
            Kind::Rescinded => Standing::Withdrawn,
            Kind::Dismissed => Standing::Dismissed,
        };
        // What begins to stand again begins anew; and whoever takes it on or dismisses it does so as grave as it is now.
        let anew = matches!(kind, Kind::Opened | Kind::Acknowledged | Kind::Dismissed);
        let gravest = match before {
            Some(heard) if !anew && heard.standing != Standing::Over => heard.severity.max(finding.severity),
            _ => finding.severity,
        };
        Heard { standing, severity: gravest, last: delivery, reached: before.is_some_and(|heard| heard.reached) }
    }
}
