//! Random timelines: dense, late, ahead of the clock, amended, removed, sent twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_cep::plan::Library;
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Content, Reading, ReadingId, Span, StreamIx, Subject, Time, Value, When};

use super::dice::Dice;
use super::rules;
use super::terms::{CELL, value};
use crate::world::script::{Given, Line, reading};
use crate::world::{EPOCH, LAB, MEAL, NAP, PROFILE, STREAMS, SUGAR, fields};

/// How arrivals relate to instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Readings come as they happen, one a little after the other.
    Live,
    /// The same, nearly all of them of one stream, each later than all before: so rules come to rest, and are woken.
    Steady,
    /// All has happened before the first of it arrives.
    History,
    /// Late and early, as it falls.
    Mixed,
}

struct Drawing<'d> {
    dice: &'d mut Dice,
    manner: Manner,
    /// How many distinct instants there are, about.
    cells: i64,
    clock: Time,
    subjects: Vec<Subject>,
    sent: Vec<Reading>,
    names: u32,
    library: Library,
    effective: Time,
}

/// The library first, then 6 to 40 inputs, then perhaps a tick long after.
pub fn lines(dice: &mut Dice, library: Library) -> Vec<Line> {
    let subjects = if dice.chance(15) { vec!["s", "t"] } else { vec!["s"] };
    subject_lines(dice, library, subjects.into_iter().map(Subject::new).collect())
}

pub fn subject_lines(dice: &mut Dice, library: Library, subjects: Vec<Subject>) -> Vec<Line> {
    let manner = *dice.pick(&[Manner::Live, Manner::Live, Manner::Steady, Manner::History, Manner::Mixed]);
    let cells = dice.between(3, 13);
    let epoch = dice.epoch;
    let clock = if manner == Manner::History { epoch + Span(cells * CELL) } else { epoch };
    let effective = if dice.chance(75) { Time::MIN } else { epoch + Span(dice.between(0, cells) * CELL) };
    let mut drawing =
        Drawing { dice, manner, cells, clock, subjects, sent: vec![], names: 0, library: library.clone(), effective };
    let mut lines = vec![Line { arrival: clock, input: Given::Library { effective, library: Arc::new(library) } }];
    lines.extend(drawing.zone().map(|input| Line { arrival: clock, input }));
    // The oracle goes through all choices of instants, and here each reading has one of its own.
    let most = if manner == Manner::Steady { 14 } else { 40 };
    for _ in 0..drawing.dice.between(6, most) {
        drawing.advance();
        let input = drawing.input();
        // A journal's arrivals do not run backwards, but the clock has its own rule for it: the greatest seen.
        let behind = if drawing.dice.chance(2) { Span(CELL) } else { Span::ZERO };
        lines.push(Line { arrival: drawing.clock - behind, input });
    }
    if drawing.dice.chance(50) {
        let later = Span(drawing.dice.between(1, 8) * CELL);
        lines.push(Line { arrival: drawing.clock + later, input: Given::Tick });
    }
    if dice.chance(40) { nameless(lines) } else { lines }
}

/// The same, and what is said once and never amended has no name: so its id and its hash follow from what it says.
pub fn nameless(mut lines: Vec<Line>) -> Vec<Line> {
    let mut said: BTreeMap<ReadingId, usize> = BTreeMap::new();
    for line in &lines {
        if let Given::Reading(reading) = &line.input {
            *said.entry(reading.id).or_default() += 1;
        }
    }
    for line in &mut lines {
        if let Given::Reading(reading) = &mut line.input
            && said[&reading.id] == 1
            && reading.rev == 1
        {
            *reading = without_name(reading);
        }
    }
    lines
}

/// Many inputs that come as they happen, nearly all of them readings without names; those of each stream in their order, and some streams behind the others.
pub fn steady(dice: &mut Dice, library: Library, subjects: Vec<Subject>, many: usize) -> Vec<Line> {
    let lags = [0, *dice.pick(&[0, 0, 1, 4]), *dice.pick(&[0, 2, 6])].map(|cells| Span(cells * CELL));
    let epoch = dice.epoch;
    let mut lines =
        vec![Line { arrival: epoch, input: Given::Library { effective: Time::MIN, library: library.clone().into() } }];
    let mut drawing = Drawing {
        dice,
        manner: Manner::Steady,
        cells: 8,
        clock: epoch + Span(8 * CELL),
        subjects,
        sent: vec![],
        names: 0,
        library,
        effective: Time::MIN,
    };
    lines.extend(drawing.zone().map(|input| Line { arrival: epoch, input }));
    while lines.len() < many {
        drawing.advance();
        let input = match drawing.dice.below(100) {
            0..=2 => {
                let change = drawing.profile_change();
                // Some of what is to come.
                let at = drawing.clock + Span(drawing.dice.between(-4, 12) * CELL);
                Given::Profile(ProfileChange { at, ..change })
            }
            3 if !drawing.sent.is_empty() => Given::Reading(drawing.amendment()),
            4 => Given::Reading(drawing.fresh()),
            5 => Given::Tick,
            6..=13 => {
                let late = drawing.dice.between(1, 8) * CELL;
                Given::Reading(drawing.next_behind(&lags.map(|lag| lag + Span(late))))
            }
            14 | 15 => {
                let reading = without_name(&drawing.next_behind(&lags));
                lines.push(Line { arrival: drawing.clock, input: Given::Reading(drawing.named(&reading)) });
                Given::Reading(reading)
            }
            _ => Given::Reading(drawing.next_behind(&lags)),
        };
        lines.push(Line { arrival: drawing.clock, input });
    }
    nameless(lines)
}

/// A few inputs with long pauses between: readings that come later than their stream's last, some after the clock has passed what they lead to, and the last of all removed or said otherwise.
/// What was noted for one reading is passed by the clock then when another comes.
pub fn sparse(dice: &mut Dice, library: Library, many: usize) -> Vec<Line> {
    let epoch = dice.epoch;
    let (manner, clock) = (Manner::Mixed, epoch);
    let subjects = vec![Subject::new("s")];
    let mut lines =
        vec![Line { arrival: epoch, input: Given::Library { effective: Time::MIN, library: library.clone().into() } }];
    let mut drawing = Drawing { dice, manner, cells: 8, clock, subjects, sent: vec![], names: 0, library, effective: Time::MIN };
    lines.extend(drawing.zone().map(|input| Line { arrival: epoch, input }));
    let mut last = epoch;
    while lines.len() < many {
        drawing.clock = drawing.clock + Span(*drawing.dice.pick(&[1, 1, 2, 6, 12]) * CELL);
        let input = match drawing.dice.below(100) {
            0..=5 => Given::Tick,
            6..=30 if !drawing.sent.is_empty() => Given::Reading(drawing.last_taken_back()),
            _ => {
                last = Time(drawing.dice.between(last.0 / CELL + 1, drawing.clock.0 / CELL).max(last.0 / CELL) * CELL);
                Given::Reading(drawing.next_at(last))
            }
        };
        lines.push(Line { arrival: drawing.clock, input });
    }
    lines
}

/// What a phone gathered and sends at once: readings in order that lie behind the clock, so that what they lead to may be over when they come. The newest of all is taken back before that now and then.
pub fn gathered(dice: &mut Dice, library: Library, many: usize) -> Vec<Line> {
    let epoch = dice.epoch;
    let (manner, clock) = (Manner::Mixed, epoch + Span(8 * CELL));
    let subjects = vec![Subject::new("s")];
    let effective = if dice.chance(70) { Time::MIN } else { epoch + Span(dice.between(0, 20) * CELL) };
    let mut lines = vec![Line { arrival: epoch, input: Given::Library { effective, library: library.clone().into() } }];
    let mut drawing = Drawing { dice, manner, cells: 8, clock, subjects, sent: vec![], names: 0, library, effective };
    lines.extend(drawing.zone().map(|input| Line { arrival: epoch, input }));
    while lines.len() < many {
        drawing.clock = drawing.clock + Span(*drawing.dice.pick(&[0, 0, 1, 1, 4, 12]) * CELL);
        let arrival = drawing.clock;
        match drawing.dice.below(100) {
            0..=3 => lines.push(Line { arrival, input: Given::Tick }),
            4..=8 => lines.push(Line { arrival, input: Given::Profile(drawing.profile_change()) }),
            9..=38 if !drawing.sent.is_empty() => {
                lines.push(Line { arrival, input: Given::Reading(drawing.last_taken_back()) });
            }
            _ => {
                let mut at = arrival - Span(drawing.dice.between(0, 16) * CELL);
                for _ in 0..=drawing.dice.below(4) {
                    lines.push(Line { arrival, input: Given::Reading(drawing.next_at(at)) });
                    at = at + Span(*drawing.dice.pick(&[1, 1, 2, 3]) * CELL);
                    if at > arrival {
                        break;
                    }
                }
            }
        }
    }
    lines
}

/// The inputs before there are readings of more instants than so many: the oracle goes through all choices of them.
pub fn of_few_instants(lines: Vec<Line>, most: usize) -> Vec<Line> {
    let mut instants = BTreeSet::new();
    let is_one_of_few = |line: &Line| {
        if let Given::Reading(Reading { content: Some(content), .. }) = &line.input {
            instants.insert((content.when.start(), content.when.instant()));
        }
        instants.len() <= most
    };
    lines.into_iter().take_while(is_one_of_few).collect()
}

/// What a sender would have said who gives no names.
pub fn without_name(reading: &Reading) -> Reading {
    let Some(content) = reading.content.clone() else { return reading.clone() };
    let name = STREAMS[usize::from(content.stream.0)].1;
    Reading::present(reading.subject.clone(), None, 1, name, content)
}

impl Drawing<'_> {
    /// Where clocks are turned, somebody mostly lives by one of them.
    fn zone(&mut self) -> Option<Given> {
        if self.dice.epoch == EPOCH || self.dice.chance(20) {
            return None;
        }
        let subject = self.dice.pick(&self.subjects).clone();
        let zone = *self.dice.pick(&["Europe/Berlin", "America/New_York"]);
        let at = self.dice.epoch - Span::days(3);
        Some(Given::Profile(ProfileChange {
            subject,
            field: Arc::from("time_zone"),
            value: Some(Value::Text(Arc::from(zone))),
            at,
        }))
    }

    fn advance(&mut self) {
        let step = match self.manner {
            Manner::Live => *self.dice.pick(&[0, 1, 1, 1, 2, 3]),
            Manner::Steady => *self.dice.pick(&[1, 1, 1, 2]),
            Manner::History => *self.dice.pick(&[0, 0, 0, 0, 1]),
            Manner::Mixed => *self.dice.pick(&[0, 0, 1, 2]),
        };
        self.clock = self.clock + Span(step * CELL);
    }

    fn input(&mut self) -> Given {
        if self.manner == Manner::Steady && self.dice.chance(90) {
            return Given::Reading(self.next_of_one());
        }
        match self.dice.below(100) {
            0..=7 => Given::Tick,
            8..=14 => Given::Profile(self.profile_change()),
            15..=16 => self.library_change(),
            17..=29 if !self.sent.is_empty() => Given::Reading(self.amendment()),
            30..=35 if !self.sent.is_empty() => Given::Reading(self.removal()),
            36..=40 if !self.sent.is_empty() => Given::Reading(self.dice.pick(&self.sent).clone()),
            41..=42 => Given::Reading(self.removal_before_original()),
            _ => Given::Reading(self.fresh()),
        }
    }

    fn fresh(&mut self) -> Reading {
        self.names += 1;
        let subject = self.dice.pick(&self.subjects).clone();
        let (name, rev) = (format!("n{}", self.names), if self.dice.chance(5) { 2 } else { 1 });
        self.say(&subject, &name, rev)
    }

    /// What happens now, mostly to the same stream.
    fn next_of_one(&mut self) -> Reading {
        self.names += 1;
        let subject = self.dice.pick(&self.subjects).clone();
        let stream = if self.dice.chance(85) { SUGAR } else { *self.dice.pick(&[MEAL, LAB]) };
        let values = self.values(stream);
        let reading = reading(&subject, &format!("n{}", self.names), 1, stream, When::At(self.clock), values);
        self.sent.push(reading.clone());
        reading
    }

    /// What happened then, mostly of the same stream.
    fn next_at(&mut self, at: Time) -> Reading {
        self.names += 1;
        let subject = self.dice.pick(&self.subjects).clone();
        let stream = if self.dice.chance(80) { SUGAR } else { *self.dice.pick(&[MEAL, LAB]) };
        let values = self.values(stream);
        let reading = reading(&subject, &format!("n{}", self.names), 1, stream, When::At(at), values);
        self.sent.push(reading.clone());
        reading
    }

    /// The reading that was sent last is none any more, or says something else.
    fn last_taken_back(&mut self) -> Reading {
        let Some(was) = self.sent.pop() else { return self.next_of_one() };
        let name = was.given.clone().unwrap_or_default();
        match (was.content, self.dice.chance(50)) {
            (Some(content), true) => {
                let values = self.values(content.stream);
                reading(&was.subject, &name, was.rev + 1, content.stream, content.when, values)
            }
            _ => Reading::removal(was.subject, name, was.rev + 1),
        }
    }

    /// What happens now, of a stream that lags behind.
    fn next_behind(&mut self, lags: &[Span; 3]) -> Reading {
        self.names += 1;
        let subject = self.dice.pick(&self.subjects).clone();
        let place = if self.dice.chance(70) { 0 } else { 1 + self.dice.below(2) };
        let stream = [SUGAR, MEAL, LAB][place];
        let values = self.values(stream);
        let at = self.clock - lags[place];
        let reading = reading(&subject, &format!("n{}", self.names), 1, stream, When::At(at), values);
        if self.dice.chance(3) {
            self.sent.push(reading.clone());
        }
        reading
    }

    /// An amendment of a reading without a name, which is named by its id: the same a little later, or removed.
    fn named(&mut self, reading: &Reading) -> Reading {
        let name = reading.id.to_string();
        match reading.content.clone() {
            Some(content) if self.dice.chance(60) => {
                let when = When::At(self.clock - Span(self.dice.between(0, 3) * CELL));
                let stream = STREAMS[usize::from(content.stream.0)].1;
                let content = Content { when, ..content };
                Reading::present(reading.subject.clone(), Some(Arc::from(name)), 2, stream, content)
            }
            _ => Reading::removal(reading.subject.clone(), Arc::from(name), 2),
        }
    }

    /// Another revision of what was sent: higher, of the same number, or lower; of the same stream or another.
    fn amendment(&mut self) -> Reading {
        let was = self.dice.pick(&self.sent).clone();
        let rev = match self.dice.below(10) {
            0..=1 => was.rev,
            2 => was.rev.saturating_sub(1),
            _ => was.rev + 1,
        };
        let name = was.given.clone().unwrap_or_default();
        self.say(&was.subject, &name, rev)
    }

    fn removal(&mut self) -> Reading {
        let was = self.dice.pick(&self.sent).clone();
        let name = was.given.clone().unwrap_or_default();
        let removal = Reading::removal(was.subject, name, was.rev + u32::from(self.dice.chance(80)));
        self.sent.push(removal.clone());
        removal
    }

    fn removal_before_original(&mut self) -> Reading {
        let subject = self.dice.pick(&self.subjects).clone();
        let name = format!("n{}", i64::from(self.names) + self.dice.between(1, 3));
        let rev = self.dice.between(1, 2) as u32;
        Reading::removal(subject, Arc::from(name), rev)
    }

    fn say(&mut self, subject: &Subject, name: &str, rev: u32) -> Reading {
        let stream = *self.dice.pick(&[SUGAR, SUGAR, SUGAR, SUGAR, SUGAR, SUGAR, SUGAR, MEAL, MEAL, LAB, LAB, NAP, NAP]);
        let when = self.when(stream);
        let values = self.values(stream);
        let reading = reading(subject, name, rev, stream, when, values);
        self.sent.push(reading.clone());
        reading
    }

    fn when(&mut self, stream: StreamIx) -> When {
        let instant = self.instant();
        if stream != NAP {
            return When::At(instant);
        }
        let length = self.dice.between(0, 4) * CELL;
        let end = (!self.dice.chance(20)).then_some(instant);
        When::During { start: instant - Span(length), end }
    }

    fn instant(&mut self) -> Time {
        let nudge = if self.dice.chance(5) { *self.dice.pick(&[-1, 1, CELL / 2]) } else { 0 };
        let cell = self.dice.between(0, self.cells) * CELL;
        let base = match self.manner {
            Manner::Live | Manner::Steady if self.dice.chance(75) => self.clock,
            Manner::Live | Manner::Steady if self.dice.chance(70) => self.clock - Span(self.dice.between(0, 4) * CELL),
            _ => self.dice.epoch + Span(cell),
        };
        base + Span(nudge)
    }

    fn values(&mut self, stream: StreamIx) -> Vec<Option<Value>> {
        let mut values: Vec<Option<Value>> = Vec::new();
        for (_, kind, optional) in fields(stream) {
            let absent = *optional && self.dice.chance(22);
            values.push((!absent).then(|| kind.value(value(self.dice, *kind))));
        }
        // A schema that grew since leaves the rest off.
        if self.dice.chance(10) {
            let said = values.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
            values.truncate(said);
        }
        values
    }

    fn profile_change(&mut self) -> ProfileChange {
        let (name, kind) = PROFILE[self.dice.below(PROFILE.len())];
        let value = (!self.dice.chance(15)).then(|| match name {
            "time_zone" => Value::Text(Arc::from(*self.dice.pick(&[
                "Europe/Berlin",
                "America/New_York",
                "UTC",
                "Asia/Kathmandu",
                "nowhere",
            ]))),
            "night" => Value::Text(Arc::from(*self.dice.pick(&[
                "23:10 to 23:50",
                "00:00 to 00:25",
                "22:00 to 23:30",
                "01:20 to 02:30",
                "02:40 to 03:10",
                "at night",
            ]))),
            _ => {
                let n = value(self.dice, kind);
                kind.value(n)
            }
        });
        let subject = self.dice.pick(&self.subjects).clone();
        let at = if self.dice.chance(50) { self.clock } else { self.instant() };
        ProfileChange { subject, field: Arc::from(name), value, at }
    }

    fn library_change(&mut self) -> Given {
        self.library = rules::changed(self.dice, &self.library);
        let effective = if self.dice.chance(60) { self.clock } else { self.instant() };
        self.effective = self.effective.max(effective);
        Given::Library { effective: self.effective, library: Arc::new(self.library.clone()) }
    }
}
