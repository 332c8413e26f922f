//! Streams, random readings, and the run loop's part: what each reading is to those before it.

use std::collections::HashMap;
use std::sync::Arc;

use vitalog_elog::effect::Former;
use vitalog_elog::input::DeadLetter;
use vitalog_elog::{
    Amount, Cause, Change, Content, Dimension, Effect, Entry, Field, FieldKind, Finding, FindingChange, FindingKind,
    FindingState, Input, MatchId, Outcome, Position, Reading, ReadingId, Record, Schema, Severity, Shape, Stream, StreamIx,
    Subject, Time, Unit, Value, When,
};

pub const INCARNATION: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;

/// A small generator of numbers, the same for each seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// How much is tried of what is long: all of it by `tests/run --long erasing`, else some, which by the seed.
pub struct Sample {
    pub all: bool,
    pub seed: u64,
}

impl Sample {
    pub fn of_the_run() -> Sample {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        Sample { all: number("VITALOG_CASES").is_some(), seed: number("VITALOG_SEED").unwrap_or(0) }
    }

    /// The first place that is tried of many in a row, and how far it is to the next, where a sample tries each `step`th.
    pub fn every(&self, step: u64) -> (i64, i64) {
        if self.all { (0, 1) } else { (Dice(self.seed).below(step) as i64, step as i64) }
    }
}

pub fn unit(dimension: Dimension, name: &str) -> Unit {
    Unit::named(dimension, name).unwrap()
}

fn field(name: &str, kind: FieldKind, optional: bool) -> Field {
    Field { name: name.into(), kind, optional, range: None, usual: None, doc: None }
}

fn stream(name: &str, shape: Shape, fields: Vec<Field>) -> Stream {
    Stream {
        name: name.into(),
        shape,
        fields,
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: vec![],
        doc: None,
    }
}

pub fn streams() -> Vec<Stream> {
    let words = ["light", "moderate", "vigorous"].map(Arc::from).to_vec();
    vec![
        stream("bg", Shape::Instant, vec![field("value", FieldKind::Quantity(unit(Dimension::Glucose, "mmol/L")), false)]),
        stream(
            "bp",
            Shape::Instant,
            vec![
                field("systolic", FieldKind::Quantity(unit(Dimension::Pressure, "mmHg")), false),
                field("diastolic", FieldKind::Quantity(unit(Dimension::Pressure, "mmHg")), false),
                field("seated", FieldKind::Bool, true),
            ],
        ),
        stream(
            "exercise",
            Shape::Interval,
            vec![
                field("intensity", FieldKind::Enum(words), false),
                field("note", FieldKind::Text, true),
                field("energy", FieldKind::Quantity(unit(Dimension::Energy, "kcal")), true),
            ],
        ),
    ]
}

pub fn schema() -> Arc<Schema> {
    Arc::new(Schema { streams: streams() })
}

/// `schema` with a stream more, and a field more in the first.
pub fn grown() -> Arc<Schema> {
    let mut streams = streams();
    streams[0].fields.push(field("trend", FieldKind::Text, true));
    streams.push(stream("carbs", Shape::Instant, vec![field("amount", FieldKind::Quantity(unit(Dimension::Mass, "g")), false)]));
    Arc::new(Schema { streams })
}

pub fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// A reading of blood glucose in mmol/L.
pub fn glucose(subject: &str, at: &str, number: &str) -> Reading {
    let amount = Amount::parse(number, unit(Dimension::Glucose, "mmol/L")).unwrap();
    let content = Content {
        stream: StreamIx(0),
        when: When::At(time(at)),
        values: Box::new([Some(Value::Quantity(amount))]),
        source: None,
        seq: None,
    };
    Reading::present(Subject::new(subject), None, 1, "bg", content)
}

/// Any reading that admission could let through, in whatever unit and with whatever digits.
pub fn any_content(dice: &mut Dice, schema: &Schema) -> Content {
    let ix = StreamIx(dice.below(schema.streams.len() as u64) as u16);
    let stream = schema.get(ix);
    // Three months around a change of year; sometimes to the microsecond.
    let base = time("2025-12-01T00:00:00Z").micros() + (dice.below(90 * 24 * 12) as i64) * 300_000_000;
    let at = Time(if dice.one_in(4) { base + dice.below(1_000_000) as i64 } else { base });
    let when = match stream.shape {
        Shape::Instant => When::At(at),
        Shape::Interval => {
            let end = (!dice.one_in(4)).then(|| Time(at.micros() + dice.below(7_200_000_000) as i64));
            When::During { start: at, end }
        }
    };
    let values = stream.fields.iter().map(|f| (!(f.optional && dice.one_in(2))).then(|| any_value(dice, &f.kind))).collect();
    let source = dice.one_in(2).then(|| Arc::from(*dice.pick(&["g7/8J2K", "omron", "a much longer name of a source"])));
    let seq = source.as_ref().and_then(|_| dice.one_in(2).then(|| if dice.one_in(20) { u64::MAX } else { dice.below(10_000) }));
    Content { stream: ix, when, values, source, seq }
}

fn any_value(dice: &mut Dice, kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Quantity(declared) => {
            let units: Vec<Unit> = declared.dimension().units().collect();
            let unit = if dice.one_in(3) { *dice.pick(&units) } else { *declared };
            let digits = match dice.below(10) {
                0 => dice.next() as i64 / 1_000_000,
                1 => -(dice.below(1000) as i64),
                _ => dice.below(400) as i64,
            };
            Value::Quantity(Amount { digits, scale: dice.below(4) as u8, unit })
        }
        FieldKind::Enum(words) => Value::Enum(dice.below(words.len() as u64) as u16),
        FieldKind::Text => {
            Value::Text((*dice.pick(&["", "a;b=c mmol/L", "ünïcode ✓ and more than twelve bytes", "=1+1"])).into())
        }
        FieldKind::Bool => Value::Bool(dice.one_in(2)),
        FieldKind::TimeOfDay => Value::TimeOfDay(vitalog_elog::TimeOfDay::new(dice.below(24 * 60) as u16).expect("within a day")),
    }
}

/// Journals inputs and says what each is, as the engine would.
pub struct RunLoop {
    pub schema: Arc<Schema>,
    pub records: Vec<Record>,
    current: HashMap<(Subject, ReadingId), Reading>,
}

impl RunLoop {
    pub fn new(schema: Arc<Schema>) -> RunLoop {
        RunLoop { schema, records: Vec::new(), current: HashMap::new() }
    }

    pub fn next(&self) -> u64 {
        self.records.len() as u64
    }

    pub fn position(&self) -> Position {
        position(self.next())
    }

    pub fn push(&mut self, input: Input) {
        let offset = self.next();
        let arrival = Time(time("2026-03-01T00:00:00Z").micros() + offset as i64 * 1_000_003);
        let mut effects = vitalog_elog::Effects::new();
        if let Input::Reading(reading) = &input {
            effects.push(Effect::Reading(self.outcome(reading)));
        }
        self.records.push(Record { offset, entry: Arc::new(Entry { arrival, input }), effects });
    }

    pub fn read(&mut self, reading: Reading) {
        self.push(Input::Reading(reading));
    }

    /// A change of a finding, as an effect of the last input.
    pub fn find(&mut self, subject: &str, onset: &str, revision: u32, state: FindingState) {
        let (subject, onset) = (Subject::new(subject), time(onset));
        let finding = Finding {
            id: MatchId::new("low", &subject, onset),
            revision,
            rule: "low".into(),
            version: 0xfeed_0000_0000_0001,
            title: "Low glucose".into(),
            subject,
            kind: FindingKind::Episode,
            state,
            severity: Severity::Urgent,
            onset,
            at: onset,
            end: None,
            resolved_at: None,
            evidence: [ReadingId(1), ReadingId(2)].into(),
            text: format!("revision {revision}").into(),
            wordings: Vec::new(),
            notify: Some("care".into()),
            cite: None,
            quiet: None,
            by_clock: false,
        };
        let change = if revision == 1 { Change::Opened } else { Change::Amended };
        let change = FindingChange { change, finding, cause: Cause::Reading(ReadingId(2)), decided_at: onset };
        self.records.last_mut().unwrap().effects.push(Effect::Finding(Box::new(change)));
    }

    /// As the journal is once a subject is erased: of what was about it nothing is left but that there was something.
    pub fn forget(&mut self, subject: &Subject) {
        self.current.retain(|(whose, _), _| whose != subject);
        for record in &mut self.records {
            let is_about = match &record.entry.input {
                Input::Reading(reading) => reading.subject == *subject,
                Input::DeadLetter(letter) => letter.subject.as_ref() == Some(subject),
                _ => false,
            };
            if is_about {
                record.entry = Arc::new(Entry { arrival: record.entry.arrival, input: Input::Erased });
                record.effects.retain(|effect| !matches!(effect, Effect::Reading(_)));
            }
            record.effects.retain(|effect| !matches!(effect, Effect::Finding(change) if change.finding.subject == *subject));
        }
    }

    fn outcome(&mut self, reading: &Reading) -> Outcome {
        let key = (reading.subject.clone(), reading.id);
        let Some(former) = self.current.get(&key) else {
            self.current.insert(key, reading.clone());
            return Outcome::New;
        };
        match reading.revision().cmp(&former.revision()) {
            std::cmp::Ordering::Equal => Outcome::Duplicate,
            std::cmp::Ordering::Less => Outcome::Outdated,
            std::cmp::Ordering::Greater => {
                let place = former.content.as_ref().map(|c| (c.stream, c.when.instant().unwrap_or(c.when.start())));
                let was = Former { rev: former.rev, hash: former.hash, place };
                self.current.insert(key, reading.clone());
                Outcome::superseded(was)
            }
        }
    }

    /// A random input: mostly new readings, some that amend, remove, repeat or come too late, some dead letters and findings.
    pub fn random(&mut self, dice: &mut Dice) {
        let subject = Subject::new(dice.pick::<&str>(&["p-001", "p-002", "a-subject-with-a-name-of-some-length"]));
        let past: Vec<Reading> = self.records.iter().filter_map(|r| r.reading()).map(|(r, _)| r.clone()).collect();
        let schema = self.schema.clone();
        match dice.below(12) {
            0 if !past.is_empty() => self.read(dice.pick(&past).clone()),
            1..=3 if !past.is_empty() => {
                let former = dice.pick(&past).clone();
                // By its given name, or by the id its receipt told.
                let given = former.given.clone().unwrap_or_else(|| former.id.to_string().into());
                let rev = (former.rev + 2 - dice.below(3) as u32).max(1);
                if dice.one_in(3) {
                    self.read(Reading::removal(former.subject, given, rev));
                } else {
                    let content = any_content(dice, &schema);
                    let name = schema.get(content.stream).name.clone();
                    self.read(Reading::present(former.subject, Some(given), rev, &name, content));
                }
            }
            4 if dice.one_in(2) => {
                let given = format!("early-{}", dice.below(20)).into();
                self.read(Reading::removal(subject, given, 2));
            }
            5 if dice.one_in(2) => self.push(Input::DeadLetter(DeadLetter {
                subject: dice.one_in(2).then_some(subject),
                code: "out_of_range".into(),
                field: Some("value".into()),
                message: "too high".into(),
                raw: vec![0, 159, 146, 150, b'{'].into(),
                sender: "t-1".into(),
            })),
            6 if dice.one_in(4) => self.push(Input::Tick),
            _ => {
                let content = any_content(dice, &schema);
                let name = schema.get(content.stream).name.clone();
                let given = match dice.below(4) {
                    0 => Some(format!("early-{}", dice.below(20)).into()),
                    1 => Some(format!("r{:06}", self.next()).into()),
                    _ => None,
                };
                self.read(Reading::present(subject, given, 1, &name, content));
            }
        }
        if dice.one_in(6) {
            let revision = 1 + self.records.iter().flat_map(Record::changes).count() as u32;
            self.find("p-001", "2026-01-01T00:00:00Z", revision, FindingState::Open);
        }
    }
}

/// A position whose chain depends on how far it is.
pub fn position(next: u64) -> Position {
    if next == 0 {
        return Position::start(INCARNATION);
    }
    let mut chain = [0xa5; 32];
    chain[..8].copy_from_slice(&next.to_le_bytes());
    Position { incarnation: INCARNATION, next, chain }
}
