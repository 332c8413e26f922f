//! Messages: the texts of a rule with their holes filled.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::quantity::push_atoms;
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

/// What fills a hole is seldom longer.
const HOLE: usize = 16;

fn filled<'a>(pieces: &'a [Piece], scope: &Scope<'a, '_>) -> Arc<str> {
    if let [Piece::Text(fixed)] = pieces {
        return fixed.clone();
    }
    let length = |piece: &Piece| if let Piece::Text(fixed) = piece { fixed.len() } else { HOLE };
    let mut text = String::with_capacity(pieces.iter().map(length).sum());
    for piece in pieces {
        match piece {
            Piece::Text(fixed) => text.push_str(fixed),
            Piece::Hole { expr, show } => push_shown(&mut text, value(expr, scope), show, scope),
        }
    }
    Arc::from(text)
}

/// A value as people read it.
pub fn shown(value: Value<'_>, show: &Show, scope: &Scope<'_, '_>) -> String {
    let mut text = String::new();
    push_shown(&mut text, value, show, scope);
    text
}

/// The same, put behind a text.
fn push_shown(text: &mut String, value: Value<'_>, show: &Show, scope: &Scope<'_, '_>) {
    // A root is shown as the number nearest to it.
    let value = if let Value::Root(root) = value { Value::number(root.number()) } else { value };
    let told = match (show, value) {
        (Show::Quantity(unit), Value::Number(n)) => {
            push_atoms(text, n.n, n.d, *unit);
            Some(())
        }
        (Show::Number, Value::Number(n)) => push_plain(text, n),
        (Show::Instant, Value::Number(n)) => i64::try_from(n.floor()).ok().and_then(|t| push_instant(text, t, scope)),
        (Show::TimeOfDay, Value::Number(n)) => {
            let minutes = n.floor().div_euclid(60_000_000);
            push_clock(text, minutes.div_euclid(60), minutes.rem_euclid(60))
        }
        (Show::Span, Value::Number(n)) => i64::try_from(n.rounded()).ok().map(|s| text.push_str(&Span(s).to_string())),
        (Show::Enum(words), Value::Enum(place)) => words.get(usize::from(place)).map(|w| text.push_str(w)),
        (Show::Text, Value::Text(said)) => {
            text.push_str(said);
            Some(())
        }
        (Show::Bool, Value::Bool(b)) => {
            text.push_str(if b { "yes" } else { "no" });
            Some(())
        }
        _ => None,
    };
    if told.is_none() {
        text.push_str("unknown");
    }
}

/// Up to two decimals: a share of one is written so.
fn push_plain(text: &mut String, n: Ratio) -> Option<()> {
    let unit = Dimension::Ratio.units().find(|u| u.name() == "1")?;
    let atoms = n.n.checked_mul(i128::from(unit.atoms()))?;
    push_atoms(text, atoms, n.d, unit);
    Some(())
}

/// `07:05`.
fn push_clock(text: &mut String, hours: i128, minutes: i128) -> Option<()> {
    // Writing to a String cannot fail.
    write!(text, "{hours:02}:{minutes:02}").ok()
}

/// In the subject's time zone, to the minute that has begun; with the date where it is not that of the decision.
fn push_instant(text: &mut String, t: i64, scope: &Scope<'_, '_>) -> Option<()> {
    let calendar = Calendar::of(scope);
    let (then, now) = (calendar.local(t)?, calendar.local(scope.now)?);
    if then.date() == now.date() {
        let two = |n: i8| [b'0' + n as u8 / 10, b'0' + n as u8 % 10].map(char::from);
        text.extend(two(then.hour()));
        text.push(':');
        text.extend(two(then.minute()));
        return Some(());
    }
    write!(text, "{}", then.strftime("%Y-%m-%d %H:%M")).ok()
}
