//! An episode: the decision at hand, the run it stands in, and what it still lacks.

use vitalog_elog::Time;

use super::teller::{between, failed, narrowed};
use super::{Account, Asked, Lack, Note, Part, Seen, Teller};
use crate::decide::Fact;
use crate::decide::episode::{Episodes, Look, Phase};
use crate::eval::{Rows, Scope};
use crate::plan::Episode;

pub fn account(teller: &Teller<'_>, state: &Episodes, rule: &Episode, t: i64, fact: Option<&Fact>) -> Account {
    let mut account = Account::default();
    let here = Here { teller, state, rule };
    let Some(look) = state.look(&teller.case, rule, t) else {
        account.lack = Some(Lack { what: teller.stream(rule.driver), ..Lack::of(Part::Driver) });
        return account;
    };
    // What opened it, if that was before.
    if let Some(fact) = fact.filter(|f| f.at < look.at)
        && let Some(opening) = state.look(&teller.case, rule, fact.at)
    {
        here.asked(&opening, &mut account);
        here.run(&opening, fact.onset, &mut account);
    }
    here.asked(&look, &mut account);
    match look.after {
        Phase::Run { from } => here.run(&look, from, &mut account),
        Phase::Open { onset, at, .. } if at == look.at => here.run(&look, onset, &mut account),
        _ => {}
    }
    here.ending(&look, t, &mut account);
    account.lack = here.lack(&look, t, &account.asked);
    account
}

struct Here<'t, 'a> {
    teller: &'t Teller<'a>,
    state: &'t Episodes,
    rule: &'a Episode,
}

impl<'a> Here<'_, 'a> {
    /// What is asked at a decision, in the order in which it is.
    fn asked(&self, look: &Look<'a>, account: &mut Account) {
        let rows = Rows::some(look.table, look.rows.clone());
        let each = |part, expr, onset| self.teller.ask_each(part, expr, self.rule.driver, &rows, onset);
        let filter = self.teller.rule().filter.as_ref();
        let when = each(Part::When, &self.rule.when, look.onset);
        let holds = failed(&when).is_none();
        account.asked.extend(when);
        let rest = |account: &mut Account, onset| {
            let scope: Scope<'a, '_> = self.teller.case.scope(look.at, onset).driven_by(rows);
            account.asked.extend(self.teller.ask_rest(&scope));
        };
        match look.before {
            Phase::Open { onset, .. } => {
                if let Some(until) = &self.rule.until {
                    account.asked.extend(each(Part::Until, until, onset));
                }
                rest(account, onset);
            }
            Phase::Idle | Phase::Run { .. } => {
                if let Some(filter) = filter.filter(|_| holds && self.lasts(look)) {
                    account.asked.extend(each(Part::Where, filter, look.onset));
                }
                if let Phase::Open { onset, .. } = look.after {
                    rest(account, onset);
                }
            }
        }
    }

    fn lasts(&self, look: &Look<'_>) -> bool {
        self.rule.hold.is_none_or(|h| between(look.onset, look.at) >= h.span)
    }

    /// Since when the condition holds, and what broke it off before.
    fn run(&self, look: &Look<'a>, from: i64, account: &mut Account) {
        let hold = self.rule.hold;
        let rows = look.table.from(from)..look.rows.end;
        let mut decisions = rows.len();
        // Readings of one instant are one decision.
        decisions -= rows.clone().skip(1).filter(|&row| look.table.at(row) == look.table.at(row - 1)).count();
        account.notes.push(Note::Run {
            since: Time(from),
            decisions,
            has: between(from, look.at),
            needs: hold.map(|h| h.span),
            gap: hold.map(|h| h.gap),
        });
        account.notes.extend(self.broken(look, from));
    }

    /// The gap before a run, if the condition held at its other side.
    fn broken(&self, look: &Look<'a>, from: i64) -> Option<Note> {
        let hold = self.rule.hold?;
        let before = look.table.from(from).checked_sub(1)?;
        let previous = look.table.at(before);
        let most = self.rule.lapse.map_or(hold.gap, |lapse| lapse.min(hold.gap));
        let is = between(previous, from);
        let rows = Rows::some(look.table, look.table.rows_at(previous));
        let held = self.teller.ask_each(Part::When, &self.rule.when, self.rule.driver, &rows, previous);
        let broke = is > most && failed(&held).is_none() && self.state.phase(previous) != Phase::Idle;
        broke.then_some(Note::Broken { from: Time(previous), to: Time(from), is, most })
    }

    /// How far its end has come, and when it lapses.
    fn ending(&self, look: &Look<'_>, t: i64, account: &mut Account) {
        let Phase::Open { calm, .. } = self.state.phase(t) else { return };
        if let (Some(since), Some(hold)) = (calm, self.rule.until_hold) {
            account.notes.push(Note::Calm { since: Time(since), has: between(since, look.at), needs: hold.span });
        }
        if let Some(lapse) = self.rule.lapse {
            account.notes.push(Note::Lapses { at: Time(look.at) + lapse });
        }
    }

    fn lack(&self, look: &Look<'a>, t: i64, asked: &[Asked]) -> Option<Lack> {
        let version = self.teller.case.version;
        match self.state.phase(t) {
            Phase::Open { at, .. } if version.owns(at) => return None,
            // What it would have opened before it was in force is nobody's.
            Phase::Open { at, .. } => return Some(Lack { since: Some(Time(at)), ..Lack::of(Part::Version) }),
            Phase::Idle | Phase::Run { .. } => {}
        }
        let here: Vec<Asked> = asked.iter().filter(|a| a.at.0 == look.at).cloned().collect();
        let of = |part: Part| -> Vec<Asked> { here.iter().filter(|a| a.part == part).cloned().collect() };
        if let Some(when) = failed(&of(Part::When)) {
            return Some(Lack {
                asked: Some(narrowed(when)),
                readings: when.of.clone().into_iter().collect(),
                ..Lack::of(Part::When)
            });
        }
        if look.at >= version.to || look.at < version.from {
            return Some(Lack { since: Some(Time(look.at)), ..Lack::of(Part::Version) });
        }
        let Phase::Run { from } = look.after else { return None };
        if let Some(hold) = self.rule.hold.filter(|h| between(from, look.at) < h.span) {
            let lack = Lack {
                since: Some(Time(from)),
                has: Some(between(from, look.at)),
                needs: Some(hold.span),
                ..Lack::of(Part::For)
            };
            let Some(Note::Broken { from: last, to, .. }) = self.broken(look, from) else { return Some(lack) };
            let ends = [last, to].map(|at| self.at(look, at.0));
            return Some(Lack { part: Part::Gap, readings: ends.into_iter().flatten().collect(), ..lack });
        }
        let filter = of(Part::Where);
        let first = failed(&filter)?;
        Some(Lack { asked: Some(narrowed(first)), since: Some(Time(from)), ..Lack::of(Part::Where) })
    }

    /// The first reading of the driver at an instant.
    fn at(&self, look: &Look<'_>, t: i64) -> Option<Seen> {
        let row = look.table.rows_at(t).next()?;
        Some(self.teller.seen_row(self.rule.driver, look.table, row))
    }
}
