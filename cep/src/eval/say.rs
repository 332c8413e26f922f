//! Messages: the texts of a rule with their holes filled.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::quantity::format_atoms;
use vitalog_elog::{Dimension, Span, Wording};

use super::calendar::Calendar;
use super::ratio::Ratio;
use super::value::Value;
use super::{Lets, Scope, value};
use crate::plan::{Piece, Show};

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub text: Arc<str>,
    /// What some roles are told instead. `None`: the rule has one text for all.
    pub wordings: Option<Arc<[Wording]>>,
}

/// The rule's texts at this decision; `let`s that are not at hand are evaluated in this scope.
pub fn render<'a>(scope: &Scope<'a, '_>) -> Words {
    let rule = &*scope.terms.rule;
    if let ([Piece::Text(fixed)], []) = (&rule.say[..], &rule.wordings[..]) {
        return Words { text: fixed.clone(), wordings: None };
    }
    let lets = Lets::of(scope);
    let scope = Scope { lets: scope.lets.or(Some(&lets)), ..*scope };
    let wordings = rule.wordings.iter().map(|w| Wording { to: w.to.clone(), text: filled(&w.say, &scope) });
    let wordings = (!rule.wordings.is_empty()).then(|| wordings.collect());
    Words { text: filled(&rule.say, &scope), wordings }
}

fn filled<'a>(pieces: &'a [Piece], scope: &Scope<'a, '_>) -> Arc<str> {
    if let [Piece::Text(fixed)] = pieces {
        return fixed.clone();
    }
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(fixed) => text.push_str(fixed),
            Piece::Hole { expr, show } => text.push_str(&shown(value(expr, scope), show, scope)),
        }
    }
    Arc::from(text)
}

/// A value as people read it.
pub fn shown(value: Value<'_>, show: &Show, scope: &Scope<'_, '_>) -> String {
    // A root is shown as the number nearest to it.
    let value = if let Value::Root(root) = value { Value::number(root.number()) } else { value };
    let text = match (show, value) {
        (Show::Quantity(unit), Value::Number(n)) => Some(format_atoms(n.n, n.d, *unit)),
        (Show::Number, Value::Number(n)) => plain(n),
        (Show::Instant, Value::Number(n)) => i64::try_from(n.floor()).ok().and_then(|t| instant(t, scope)),
        (Show::TimeOfDay, Value::Number(n)) => Some(time_of_day(n)),
        (Show::Span, Value::Number(n)) => i64::try_from(n.rounded()).ok().map(|s| Span(s).to_string()),
        (Show::Enum(words), Value::Enum(place)) => words.get(usize::from(place)).map(|w| w.to_string()),
        (Show::Text, Value::Text(text)) => Some(text.to_owned()),
        (Show::Bool, Value::Bool(b)) => Some((if b { "yes" } else { "no" }).to_owned()),
        _ => None,
    };
    text.unwrap_or_else(|| "unknown".to_owned())
}

/// Up to two decimals: a share of one is written so.
fn plain(n: Ratio) -> Option<String> {
    let unit = Dimension::Ratio.units().find(|u| u.name() == "1")?;
    let atoms = n.n.checked_mul(i128::from(unit.atoms()))?;
    Some(format_atoms(atoms, n.d, unit))
}

/// To the minute that has begun.
fn time_of_day(n: Ratio) -> String {
    let minutes = n.floor().div_euclid(60_000_000);
    format!("{:02}:{:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
}

/// In the subject's time zone, to the minute; with the date where it is not that of the decision.
fn instant(t: i64, scope: &Scope<'_, '_>) -> Option<String> {
    let calendar = Calendar::of(scope);
    let (then, now) = (calendar.local(t)?, calendar.local(scope.now)?);
    let pattern = if then.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    Some(then.strftime(pattern).to_string())
}
