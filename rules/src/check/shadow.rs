//! Rules that add nothing to another: whatever one finds, the other finds as well, no later and no milder.
//!
//! Only what can be told for certain is told: rules that are alike in everything but their name, words and severity, or whose conditions are
//! one comparison each of the same value with a constant, one no stricter than the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_cep::plan::{Compare, Expr, Rational, Rule, RuleKind};
use vitalog_elog::Severity;

use super::World;
use super::number;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;

/// One rule among those that are alike but for a threshold and their severity.
struct Alike<'r> {
    rule: &'r Rule,
    loc: Loc,
    /// How strict it is: of two, the greater finds less.
    strict: Option<Rational>,
    /// Below the threshold nothing is lost: `<=` finds more than `<`.
    open: bool,
    severity: Severity,
}

/// Warns of each rule that another shadows.
pub fn shadowed(world: &World, rules: &[Arc<Rule>], out: &mut Vec<Diagnostic>) {
    let mut families: BTreeMap<String, Vec<Alike<'_>>> = BTreeMap::new();
    for rule in rules {
        let Some(loc) = world.rules.get(&rule.name) else { continue };
        // What other rules look at, or keep quiet for, is there for them.
        let looked_at = world.stream(&rule.name).is_some_and(|s| s.ix.derived().is_some());
        if looked_at || rules.iter().any(|r| r.quiet_while.contains(&rule.name)) {
            continue;
        }
        // A grade that may hold or not leaves nothing certain.
        let [only] = rule.grades.as_slice() else { continue };
        let (family, strict, open) = family(rule);
        families.entry(family).or_default().push(Alike { rule, loc: *loc, strict, open, severity: only.severity });
    }
    for mut family in families.into_values().filter(|f| f.len() > 1) {
        // The laxest first; of equals the gravest, then the one that is declared first.
        family.sort_by(|a, b| {
            let strict = match (a.strict, b.strict) {
                (Some(a), Some(b)) => number::compare(a, b),
                _ => std::cmp::Ordering::Equal,
            };
            strict.then(a.open.cmp(&b.open)).then((Reverse(a.severity), a.loc).cmp(&(Reverse(b.severity), b.loc)))
        });
        let mut gravest: Option<&Alike<'_>> = None;
        for it in &family {
            match gravest {
                Some(other) if other.severity >= it.severity => out.push(tell(it, other)),
                _ => gravest = Some(it),
            }
        }
    }
}

fn tell(it: &Alike<'_>, other: &Alike<'_>) -> Diagnostic {
    let what = format!("`{}` adds nothing to `{}`", it.rule.name, other.rule.name);
    Diagnostic::new(Code::SHADOWED, what, it.loc, "whatever this finds")
        .label(other.loc, "this finds as well, no later and no milder")
        .help("make it graver, ask something else, or leave it out")
}

/// What rules must share to be compared, and how strict this one is among them.
fn family(rule: &Rule) -> (String, Option<Rational>, bool) {
    // Other people hear of it, or at other times: it is not the same.
    let rest = (&rule.lets, &rule.filter, &rule.notify, rule.once_per, rule.stale_after, &rule.quiet_while, rule.shadow);
    let plain = (format!("{:?} {rest:?}", rule.kind), None, false);
    let RuleKind::Episode(episode) = &rule.kind else { return plain };
    // With an end of its own, the other may be over when this one opens; and the laxer one has the earlier onset.
    if episode.until.is_some() || rule.lets.iter().chain(&rule.filter).any(mentions_onset) {
        return plain;
    }
    let Expr::Compare { op, left, right } = &episode.when else { return plain };
    let (op, value, constant) = match (&**left, &**right) {
        (value, Expr::Number(r)) => (*op, value, *r),
        (Expr::Number(r), value) => (turned(*op), value, *r),
        _ => return plain,
    };
    // Below a threshold the lower one is the stricter.
    let (side, strict) = match op {
        Compare::Lt | Compare::Le => ("below", Rational { n: constant.n.saturating_neg(), d: constant.d }),
        Compare::Gt | Compare::Ge => ("above", constant),
        Compare::Eq | Compare::Ne => return plain,
    };
    let shape = (episode.driver, episode.hold, episode.until_hold, episode.lapse);
    (format!("{side} {value:?} {shape:?} {rest:?}"), Some(strict), matches!(op, Compare::Lt | Compare::Gt))
}

fn mentions_onset(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e, Expr::Onset));
    found
}

fn turned(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        same => same,
    }
}
