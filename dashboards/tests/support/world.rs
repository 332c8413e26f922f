//! A stand-in for journal, engine and run loop: it numbers what is submitted, knows which revision is current, judges naively, and feeds the views.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use vitalog_dashboards::io::Live;
use vitalog_dashboards::views::Views;
use vitalog_elog::access::Emergency;
use vitalog_elog::effect::Former;
use vitalog_elog::port::{Accepted, Answer, Inlet, Past, Reach};
use vitalog_elog::{
    Cause, Change, Effect, Entry, Finding, FindingChange, FindingState, Input, MatchId, Outcome, Position, Reading, ReadingId,
    Record, Schema, Subject, Time,
};

use super::judge::Judge;

pub const INCARNATION: u128 = 0xfeed;

pub struct World {
    inner: Mutex<Inner>,
    pub live: Arc<Live>,
    /// The newest first.
    opened: Mutex<Vec<Emergency>>,
}

struct Inner {
    views: Views,
    schema: Arc<Schema>,
    next: u64,
    clock: Time,
    current: BTreeMap<(Subject, ReadingId), Reading>,
    findings: BTreeMap<MatchId, Finding>,
    judge: Option<Judge>,
    records: Vec<Record>,
}

impl World {
    pub fn new(path: &Path, schema: Arc<Schema>, judge: Option<Judge>) -> Arc<World> {
        let views = Views::open(path, INCARNATION).expect("the views open");
        let live = Live::new(views.position());
        let inner = Inner {
            views,
            schema,
            next: 0,
            clock: Time(0),
            current: BTreeMap::new(),
            findings: BTreeMap::new(),
            judge,
            records: Vec::new(),
        };
        Arc::new(World { inner: Mutex::new(inner), live, opened: Mutex::default() })
    }

    /// Takes inputs in at a time. They are judged together.
    pub fn give(&self, at: Time, inputs: Vec<Input>) -> Accepted {
        let mut guard = self.inner.lock().expect("nobody panicked");
        let inner = &mut *guard;
        inner.clock = inner.clock.max(at);
        let first = inner.next;
        let mut outcomes = Vec::new();
        let mut records = Vec::new();
        let last = inputs.len().saturating_sub(1);
        let mut touched = Vec::new();
        for (i, input) in inputs.into_iter().enumerate() {
            let mut effects = Vec::new();
            if let Input::Reading(reading) = &input {
                effects.push(Effect::Reading(inner.take(reading)));
                touched.push((reading.subject.clone(), reading.id));
            }
            if i == last && inner.judge.is_some() {
                touched.sort_unstable();
                touched.dedup_by(|a, b| a.0 == b.0);
                for (subject, id) in touched.drain(..) {
                    effects.extend(
                        inner
                            .judge_anew(&subject, Cause::Reading(id))
                            .into_iter()
                            .map(|change| Effect::Finding(Box::new(change))),
                    );
                }
            }
            outcomes.push(effects.iter().find_map(|e| match e {
                Effect::Reading(outcome) => Some(outcome.clone()),
                _ => None,
            }));
            records.push(Record {
                offset: inner.next,
                entry: Arc::new(Entry { arrival: inner.clock, input }),
                effects: effects.into(),
            });
            inner.next += 1;
        }
        let position = Position { incarnation: INCARNATION, next: inner.next, chain: chain(inner.next) };
        let arrival = inner.clock;
        let schema = inner.schema.clone();
        inner.views.apply(&records, position, &schema).expect("the views take it");
        inner.records.extend(records.iter().cloned());
        drop(guard);
        self.live.publish(&Arc::from(records), position, &schema);
        Accepted { first, arrival, outcomes, position }
    }

    /// A record with effects of the test's own making.
    #[allow(dead_code, reason = "the example makes up no effects")]
    pub fn feed(&self, at: Time, input: Input, effects: Vec<Effect>) -> u64 {
        let mut inner = self.inner.lock().expect("nobody panicked");
        let record = Record { offset: inner.next, entry: Arc::new(Entry { arrival: at, input }), effects: effects.into() };
        inner.next += 1;
        let position = Position { incarnation: INCARNATION, next: inner.next, chain: chain(inner.next) };
        let schema = inner.schema.clone();
        inner.views.apply(std::slice::from_ref(&record), position, &schema).expect("the views take it");
        inner.records.push(record.clone());
        drop(inner);
        self.live.publish(&Arc::from([record]), position, &schema);
        position.next
    }

    /// Somebody opens a subject in an emergency, or looks into one that was.
    #[allow(dead_code, reason = "the example has no emergencies")]
    pub fn open(&self, emergency: Emergency) {
        let mut opened = self.opened.lock().expect("nobody panicked");
        opened.retain(|known| known.number != emergency.number);
        opened.insert(0, emergency);
        drop(opened);
        self.live.look_at_emergencies();
    }

    #[allow(dead_code, reason = "the example has no emergencies")]
    pub fn emergencies(&self, subject: &Subject) -> Vec<Emergency> {
        let opened = self.opened.lock().expect("nobody panicked");
        opened.iter().filter(|emergency| emergency.subject == *subject).cloned().collect()
    }

    #[allow(dead_code, reason = "the example replays nothing")]
    pub fn records(&self) -> Vec<Record> {
        self.inner.lock().expect("nobody panicked").records.clone()
    }

    #[allow(dead_code, reason = "the example compares nothing")]
    pub fn content_hash(&self) -> u128 {
        self.inner.lock().expect("nobody panicked").views.content_hash().expect("a hash")
    }

    #[allow(dead_code, reason = "only the example acts as the gateway")]
    pub fn current(&self, subject: &Subject, id: ReadingId) -> Option<Reading> {
        self.inner.lock().expect("nobody panicked").current.get(&(subject.clone(), id)).cloned()
    }
}

pub fn chain(next: u64) -> [u8; 32] {
    let mut chain = [0; 32];
    chain[..8].copy_from_slice(&next.to_le_bytes());
    chain
}

impl Inner {
    fn take(&mut self, reading: &Reading) -> Outcome {
        let key = (reading.subject.clone(), reading.id);
        let outcome = match self.current.get(&key) {
            None => Outcome::New,
            Some(was) if was.revision() == reading.revision() => return Outcome::Duplicate,
            Some(was) if was.revision() > reading.revision() => return Outcome::Outdated,
            Some(was) => {
                let place = was.content.as_ref().map(|c| (c.stream, c.when.instant().unwrap_or(c.when.start())));
                Outcome::superseded(Former { rev: was.rev, hash: was.hash, place })
            }
        };
        self.current.insert(key, reading.clone());
        outcome
    }

    fn judge_anew(&mut self, subject: &Subject, cause: Cause) -> Vec<FindingChange> {
        let Some(judge) = self.judge else { return Vec::new() };
        let readings: Vec<&Reading> = self
            .current
            .range((subject.clone(), ReadingId(0))..)
            .take_while(|((s, _), _)| s == subject)
            .map(|(_, r)| r)
            .collect();
        let found = judge(subject, &readings, &self.schema, self.clock);
        let mut changes = Vec::new();
        let mut tell =
            |change: Change, finding: Finding| changes.push(FindingChange { change, finding, cause, decided_at: self.clock });
        for mut finding in found.iter().cloned() {
            match self.findings.get(&finding.id) {
                None => tell(Change::Opened, finding.clone()),
                Some(was) => {
                    finding.revision = was.revision;
                    if *was == finding {
                        continue;
                    }
                    finding.revision += 1;
                    let change = match (was.state, finding.state) {
                        (FindingState::Rescinded, _) => Change::Opened,
                        (FindingState::Open, FindingState::Resolved) => Change::Resolved,
                        _ => Change::Amended,
                    };
                    tell(change, finding.clone());
                }
            }
            self.findings.insert(finding.id, finding);
        }
        for finding in self.findings.values_mut().filter(|f| f.subject == *subject && f.state != FindingState::Rescinded) {
            if !found.iter().any(|f| f.id == finding.id) {
                finding.state = FindingState::Rescinded;
                finding.revision += 1;
                tell(Change::Rescinded, finding.clone());
            }
        }
        changes
    }
}

impl Inlet for World {
    fn submit(&self, inputs: Vec<Input>, done: Answer) {
        let at = self.inner.lock().expect("nobody panicked").clock;
        done(Ok(self.give(at, inputs)));
    }
}

impl Past for World {
    fn reach(&self, instant: Time, done: Reach) {
        let inner = self.inner.lock().expect("nobody panicked");
        done((instant < inner.clock).then_some(inner.next));
    }
}
