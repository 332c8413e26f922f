//! Tests: scripts of readings with the times and values they mean.
//!
//! Day 1 of a script is a Monday, in UTC. A line's time without a day is on the day of the line before; an earlier time is late data. In an
//! expectation it is the last such time of day not after the script's clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::profile::ProfileChange;
use vitalog_elog::reading::Content;
use vitalog_elog::{Reading, Span, StreamIx, Subject, Time, When};

use super::World;
use super::literal::field_value;
use crate::diagnostic::{Code, Diagnostic};
use crate::script::{Action, DAY_ONE, Expectation, Step, TestCase};
use crate::source::{Loc, Sources};
use crate::syntax::{self, End, Expect, Line, LineKind, Moment, MomentKind, Name, Test};

/// A line this far before the one above it is more likely meant for the next day than for late data.
const FAR_BACK: Span = Span::hours(12);

/// A reading that the script has named.
struct Named {
    content: Content,
    rev: u32,
    loc: Loc,
    used: bool,
    removed: bool,
}

pub struct Script<'w> {
    pub world: &'w World,
    pub out: &'w mut Vec<Diagnostic>,
    named: BTreeMap<Arc<str>, Named>,
    clock: Option<Time>,
    /// The day of the line before, from 0.
    day: i64,
}

/// A test as data; `None` where an error leaves none.
pub fn script(world: &World, test: &Test, sources: &Sources, out: &mut Vec<Diagnostic>) -> Option<TestCase> {
    let before = out.len();
    if !world.rules.contains_key(&test.rule.text) {
        out.push(unknown_rule(world, &test.rule));
    }
    let mut script = Script { world, out, named: BTreeMap::new(), clock: None, day: 0 };
    let mut steps = Vec::new();
    // What is set before the first timed line holds from the beginning.
    let first = test.lines.iter().find_map(|l| script.first_instant(l)).unwrap_or(DAY_ONE);
    for line in &test.lines {
        if let Some((at, action)) = script.line(line, first) {
            steps.push(Step { at, line: sources.start(line.loc).line, action });
        }
    }
    for (name, it) in &script.named {
        if !it.used && !test.broken {
            let d =
                Diagnostic::new(Code::UNUSED_NAME, format!("nothing uses the name `{name}`"), it.loc, "not amended, not removed");
            script.out.push(d);
        }
    }
    if test.broken || out[before..].iter().any(Diagnostic::is_error) {
        return None;
    }
    Some(TestCase {
        rule: test.rule.text.clone(),
        name: test.title.as_ref().map_or_else(|| test.rule.text.clone(), |t| t.text.clone()),
        file: sources.get(test.loc.file).name.clone(),
        line: sources.start(test.loc).line,
        script: steps,
    })
}

fn unknown_rule(world: &World, name: &Name) -> Diagnostic {
    Diagnostic::new(Code::UNKNOWN_RULE, format!("there is no rule `{}`", name.text), name.loc, "not declared").did_you_mean(
        name.loc,
        &name.text,
        world.rules.keys().map(|n| &**n),
    )
}

impl Script<'_> {
    fn first_instant(&self, line: &Line) -> Option<Time> {
        line.at.as_ref().map(|m| match m.kind {
            MomentKind::Instant(t) => t,
            MomentKind::OfDay { day, seconds } => of_day(day.unwrap_or(1) - 1, seconds),
        })
    }

    /// A line's time: on the day of the line before where it says none.
    fn time(&mut self, moment: &Moment) -> Time {
        match moment.kind {
            MomentKind::Instant(t) => {
                self.day = t.since(DAY_ONE).0.div_euclid(Span::days(1).0);
                t
            }
            MomentKind::OfDay { day, seconds } => {
                self.day = day.map_or(self.day, |d| d - 1);
                of_day(self.day, seconds)
            }
        }
    }

    fn line(&mut self, line: &Line, first: Time) -> Option<(Time, Action)> {
        let started = line.at.as_ref().map(|m| (self.time(m), m));
        if let Some((at, moment)) = started
            && let Some(clock) = self.clock
            && clock.since(at) > FAR_BACK
            && matches!(moment.kind, MomentKind::OfDay { day: None, .. })
        {
            let d = Diagnostic::new(
                Code::BACK_IN_TIME,
                "a line far before the one above it",
                moment.loc,
                "taken as late data of this day",
            );
            self.out.push(d.help(format!(
                "for the next day write `day {} …`; for late data of this day `day {} …`",
                self.day + 2,
                self.day + 1
            )));
        }
        let at = started.map(|(at, _)| at);
        match &line.kind {
            LineKind::Reading { end, stream, values, alias } => {
                self.reading(line, at, end.as_ref(), stream, values, alias.as_ref())
            }
            LineKind::Amend { name, start, end, values } => {
                let at = self.arrive(at, first);
                self.amend(at, name, start.as_ref(), end.as_ref(), values)
            }
            LineKind::Remove { name } => {
                let at = self.arrive(at, first);
                self.remove(at, name)
            }
            LineKind::Set { field, value } => self.set(at, first, field, value.as_ref()),
            LineKind::Until(moment) => {
                let at = self.time(moment);
                if self.clock.is_some_and(|clock| at < clock) {
                    let d = Diagnostic::new(
                        Code::SCRIPT_TIME,
                        "the clock does not run backwards",
                        moment.loc,
                        "before the line above",
                    );
                    self.out.push(d.help(format!("for the next day write `day {}`", self.day + 2)));
                    return None;
                }
                Some((self.arrive(Some(at), first), Action::Advance))
            }
            LineKind::Expect(expect) => {
                let at = self.arrive(at, first);
                self.expect(at, expect).map(|e| (at, Action::Expect(e)))
            }
        }
    }

    /// Moves the clock, never back.
    fn arrive(&mut self, at: Option<Time>, first: Time) -> Time {
        let clock = self.clock.max(at).unwrap_or(first);
        self.clock = Some(clock);
        clock
    }

    fn reading(
        &mut self,
        line: &Line,
        at: Option<Time>,
        end: Option<&End>,
        name: &Name,
        values: &[syntax::Value],
        alias: Option<&Name>,
    ) -> Option<(Time, Action)> {
        let Some(ix) = self.stream(name) else {
            self.clock = self.clock.max(at);
            return None;
        };
        let Some(start) = at else {
            let d = Diagnostic::new(Code::SCRIPT_TIME, "a reading without a time", line.loc, "expected a time before it");
            self.out.push(d.help("as in `02:15 bg 68 mg/dL`"));
            return None;
        };
        let when = self.when(ix, start, end, line.at.as_ref().map_or(line.loc, |m| m.loc));
        let arrival = self.arrive(when.and_then(When::instant).or(at), start);
        let when = when?;
        let content = Content { stream: ix, when, values: self.fields(ix, values, None, name.loc)?, source: None, seq: None };
        if let Some(alias) = alias {
            let named = Named { content: content.clone(), rev: 1, loc: alias.loc, used: false, removed: false };
            if let Some(first) = self.named.insert(alias.text.clone(), named) {
                let d = Diagnostic::new(
                    Code::DECLARED_TWICE,
                    format!("a reading is already called `{}`", alias.text),
                    alias.loc,
                    "named again",
                );
                self.out.push(d.label(first.loc, "first named here"));
            }
        }
        Some((arrival, self.present(content, alias.map(|a| &*a.text), 1)))
    }

    fn present(&self, content: Content, given: Option<&str>, rev: u32) -> Action {
        let stream = &self.world.declared(content.stream).name;
        Action::Reading(Reading::present(Subject::new(TestCase::SUBJECT), given.map(Arc::from), rev, stream, content))
    }

    fn when(&mut self, ix: StreamIx, start: Time, end: Option<&End>, loc: Loc) -> Option<When> {
        let stream = self.world.declared(ix);
        match (stream.is_interval(), end) {
            (false, None) => Some(When::At(start)),
            (true, Some(End::Open)) => Some(When::During { start, end: None }),
            (true, Some(End::At(moment))) => {
                let mut end = self.time(moment);
                // `22:30 to 06:10` goes past midnight.
                if end < start && matches!(moment.kind, MomentKind::OfDay { day: None, .. }) {
                    self.day += 1;
                    end = end + Span::days(1);
                }
                if end < start {
                    let d = Diagnostic::new(
                        Code::SCRIPT_TIME,
                        "an interval that ends before it begins",
                        moment.loc,
                        "before its start",
                    );
                    self.out.push(d);
                    return None;
                }
                Some(When::During { start, end: Some(end) })
            }
            (false, Some(_)) => {
                let d = Diagnostic::new(
                    Code::SCRIPT_TIME,
                    format!("the readings of `{}` are instants", stream.name),
                    loc,
                    "expected one time",
                );
                self.out.push(d);
                None
            }
            (true, None) => {
                let d = Diagnostic::new(
                    Code::SCRIPT_TIME,
                    format!("the readings of `{}` are intervals", stream.name),
                    loc,
                    "expected a start and an end",
                );
                self.out.push(
                    d.help(format!("as in `22:30 to 06:10 {}`; one that goes on: `22:30 to now {}`", stream.name, stream.name)),
                );
                None
            }
        }
    }

    fn stream(&mut self, name: &Name) -> Option<StreamIx> {
        if let Some(info) = self.world.stream(&name.text).filter(|s| s.ix.derived().is_none()) {
            return Some(info.ix);
        }
        if let Some(rule) = self.world.rules.get(&name.text) {
            let d =
                Diagnostic::new(Code::UNKNOWN_NAME, format!("`{}` is a rule", name.text), name.loc, "its findings are not sent");
            self.out.push(d.label(*rule, "declared here").help("send the readings that it looks for"));
            return None;
        }
        let words = ["expect", "amend", "remove", "set", "until"];
        let d = Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no stream `{}`", name.text), name.loc, "not declared")
            .did_you_mean(name.loc, &name.text, self.world.stream_names().chain(words));
        self.out.push(d.note("a line is a reading, `expect`, `amend`, `remove`, `set` or `until`"));
        None
    }

    fn named(&mut self, name: &Name) -> Option<&mut Named> {
        if !self.named.contains_key(&name.text) {
            let d =
                Diagnostic::new(Code::SCRIPT_NAME, format!("no reading is called `{}`", name.text), name.loc, "not named before")
                    .did_you_mean(name.loc, &name.text, self.named.keys().map(|n| &**n));
            self.out.push(d.help("name a reading with `as`, as in `02:15 bg 62 mg/dL as wrong`"));
            return None;
        }
        let it = self.named.get_mut(&name.text)?;
        it.used = true;
        Some(it)
    }

    fn amend(
        &mut self,
        at: Time,
        name: &Name,
        start: Option<&Moment>,
        end: Option<&End>,
        values: &[syntax::Value],
    ) -> Option<(Time, Action)> {
        let former = self.named(name)?.content.clone();
        let start_at = start.map(|m| self.time(m)).unwrap_or(former.when.start());
        let when = match (start, end) {
            (None, None) => Some(former.when),
            _ => self.when(former.stream, start_at, end, start.map_or(name.loc, |m| m.loc)),
        }?;
        let values = self.fields(former.stream, values, Some(&former.values), name.loc)?;
        let content = Content { when, values, ..former };
        let it = self.named.get_mut(&name.text)?;
        it.rev += 1;
        it.removed = false;
        it.content = content.clone();
        let rev = it.rev;
        let at = self.arrive(when.instant().max(Some(at)), at);
        Some((at, self.present(content, Some(&name.text), rev)))
    }

    fn remove(&mut self, at: Time, name: &Name) -> Option<(Time, Action)> {
        let it = self.named(name)?;
        it.rev += 1;
        let twice = std::mem::replace(&mut it.removed, true);
        let rev = it.rev;
        if twice {
            self.out.push(Diagnostic::new(Code::TWICE, format!("`{}` is removed twice", name.text), name.loc, "already removed"));
            return None;
        }
        Some((at, Action::Reading(Reading::removal(Subject::new(TestCase::SUBJECT), name.text.clone(), rev))))
    }

    fn set(&mut self, at: Option<Time>, first: Time, name: &Name, value: Option<&syntax::Value>) -> Option<(Time, Action)> {
        let Some((ix, info)) = self.world.settings.get(&name.text) else {
            let d = Diagnostic::new(
                Code::UNKNOWN_FIELD,
                format!("the profile has no field `{}`", name.text),
                name.loc,
                "no such field",
            );
            self.out.push(d.did_you_mean(name.loc, &name.text, self.world.settings.keys().map(|n| &**n)));
            return None;
        };
        let field = &self.world.profile[usize::from(*ix)];
        let value = match value {
            None => None,
            Some(_) if info.broken => return None,
            Some(value) => match field_value(value, &field.kind, field.range) {
                Ok(value) => Some(value),
                Err(d) => {
                    self.out.push(*d);
                    return None;
                }
            },
        };
        // Before any timed line it holds from the beginning of all readings.
        let from = at.or(self.clock).unwrap_or(Time(0));
        let arrival = self.arrive(at, first);
        let change = ProfileChange { subject: Subject::new(TestCase::SUBJECT), field: name.text.clone(), value, at: from };
        Some((arrival, Action::Profile(change)))
    }

    fn expect(&mut self, clock: Time, expect: &Expect) -> Option<Expectation> {
        if !self.world.rules.contains_key(&expect.rule.text) {
            self.out.push(unknown_rule(self.world, &expect.rule));
            return None;
        }
        let when = |moment: &Option<Moment>| moment.as_ref().map(|m| lately(m, clock));
        Some(Expectation {
            rule: expect.rule.text.clone(),
            absent: expect.absent,
            onset: when(&expect.onset),
            at: when(&expect.at),
            until: when(&expect.until),
            severity: expect.severity,
            state: expect.state,
            text: expect.text.clone(),
        })
    }
}

fn of_day(day: i64, seconds: i64) -> Time {
    DAY_ONE + Span::days(day) + Span::seconds(seconds)
}

/// The last such time of day that is not after the clock.
fn lately(moment: &Moment, clock: Time) -> Time {
    match moment.kind {
        MomentKind::Instant(t) => t,
        MomentKind::OfDay { day: Some(day), seconds } => of_day(day - 1, seconds),
        MomentKind::OfDay { day: None, seconds } => {
            let today = clock.since(DAY_ONE).0.div_euclid(Span::days(1).0);
            let t = of_day(today, seconds);
            if t > clock { of_day(today - 1, seconds) } else { t }
        }
    }
}
