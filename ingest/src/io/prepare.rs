//! A body made ready for the journal: each reading as an input, or refused and as a dead letter, with its receipt. Pure, so that it can run on
//! any thread.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use foldhash::{HashMap, HashMapExt};
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{Input, Once, Reading, Refusal, Schema, Subject, Time};

use super::again::Many;
use super::quota::{READINGS, SPENT, beyond};
use super::receipt::Receipt;
use crate::admit::{Admission, dead_letter};
use crate::decode::{Format, Item, decode, header_of};

/// What is to be journaled, and the receipts that wait for it.
#[derive(Default)]
pub(super) struct Prepared {
    pub inputs: Vec<Input>,
    pub receipts: Vec<Receipt>,
    /// For each input, whose receipt it is.
    pub owners: Vec<usize>,
    /// How many were refused because the sender may not write that subject.
    pub denied: usize,
}

/// What is held against what.
pub(super) struct Judge<'a> {
    pub admission: &'a Admission,
    pub access: &'a dyn Access,
    pub who: &'a Principal,
    pub now: Time,
    /// The most readings in one body.
    pub most: usize,
}

/// Why a body as a whole was refused.
pub(super) enum Whole {
    Malformed(Refusal),
    TooMany,
}

impl Judge<'_> {
    pub fn body(&self, format: &Format, body: &[u8]) -> Result<Prepared, Whole> {
        let mut prepared = Prepared::default();
        let mut permitted = HashMap::new();
        let header = header_of(format, body);
        for item in decode(format, body).map_err(Whole::Malformed)? {
            if item.index >= self.most {
                return Err(Whole::TooMany);
            }
            self.item(item, header, &mut permitted, &mut prepared);
        }
        if prepared.receipts.is_empty() {
            let refusal = Refusal::whole("empty_body", "the body holds no readings", "send at least one reading");
            return Err(Whole::Malformed(refusal));
        }
        Ok(prepared)
    }

    fn item(&self, item: Item<'_>, header: &[u8], permitted: &mut HashMap<Subject, bool>, prepared: &mut Prepared) {
        let Item { index, line, ref reading, .. } = item;
        let admitted = match reading {
            Ok(raw) => self.admission.admit(raw, self.now),
            Err(refusal) => Err(refusal.clone()),
        };
        let letter =
            |refusal: &Refusal| dead_letter(refusal, reading.as_ref().ok(), &under(header, item.as_sent()), &self.who.id);
        let (input, receipt) = match admitted {
            Ok(reading) if self.may_write(&reading.subject, permitted) => {
                if let Some(other) = self.not_theirs(&reading) {
                    return self.deny(other, index, line, prepared);
                }
                let receipt = Receipt::waiting(index, line, name_of(&reading), reading.rev);
                let receipt = receipt.flagged(self.admission.schema(), &reading);
                (Input::Reading(reading), receipt)
            }
            Ok(reading) => return self.deny(reading.subject, index, line, prepared),
            Err(refusal) => {
                let letter = letter(&refusal);
                // What nobody may send is not kept either, whatever else is wrong with it.
                if let Some(subject) = letter.subject.as_ref().filter(|subject| !self.may_write(subject, permitted)) {
                    return self.deny(subject.clone(), index, line, prepared);
                }
                (Input::DeadLetter(letter), Receipt::rejected(index, line, refusal))
            }
        };
        prepared.owners.push(prepared.receipts.len());
        prepared.inputs.push(input);
        prepared.receipts.push(receipt);
    }

    fn may_write(&self, subject: &Subject, known: &mut HashMap<Subject, bool>) -> bool {
        if let Some(may) = known.get(subject) {
            return *may;
        }
        let may =
            self.access.decide(self.who, Wish::Write(subject)) == Decision::Allow && !self.access.is_beyond(self.who, subject);
        known.insert(subject.clone(), may);
        may
    }

    /// A further subject that a reading names, and that is not for whoever sends it.
    fn not_theirs(&self, reading: &Reading) -> Option<Subject> {
        not_theirs(self.access, self.who, self.admission.schema(), reading)
    }

    fn deny(&self, subject: Subject, index: usize, line: u64, prepared: &mut Prepared) {
        let is_beyond = self.access.is_beyond(self.who, &subject);
        let refusal = if is_beyond { beyond(&subject) } else { not_permitted(&subject) };
        prepared.receipts.push(Receipt::rejected(index, line, refusal));
        prepared.denied += 1;
    }
}

impl Prepared {
    /// Whom the reading at a place of the body is about, where that could be read and who sent it may write it.
    pub fn subject_of(&self, place: usize) -> Option<Subject> {
        match &self.inputs[self.owners.binary_search(&place).ok()?] {
            Input::Reading(reading) => Some(reading.subject.clone()),
            Input::DeadLetter(letter) => letter.subject.clone(),
            _ => None,
        }
    }

    /// The readings, in the order of the body.
    pub fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.inputs.iter().filter_map(|input| if let Input::Reading(reading) = input { Some(reading) } else { None })
    }

    /// Leaves out some of the readings, by their place among them, for a quota that is spent.
    pub fn hold(&mut self, refused: &HashSet<usize>, why: &Refusal) {
        let mut number = 0;
        let mut kept = Vec::with_capacity(self.owners.len());
        let inputs = std::mem::take(&mut self.inputs).into_iter().zip(std::mem::take(&mut self.owners));
        for (input, owner) in inputs {
            let is_reading = matches!(input, Input::Reading(_));
            if is_reading && refused.contains(&number) {
                let Receipt { index, line, .. } = self.receipts[owner];
                self.receipts[owner] = Receipt::rejected(index, line, why.clone());
            } else {
                kept.push((input, owner));
            }
            number += usize::from(is_reading);
        }
        (self.inputs, self.owners) = kept.into_iter().unzip();
    }

    /// The places of those whose subject would be one more than its tenant may have.
    pub fn beyond(&self) -> Vec<usize> {
        self.spent("subject")
    }

    /// The places of those that a quota has refused, by its field.
    fn spent(&self, field: &str) -> Vec<usize> {
        let is_it = |refusal: &Refusal| refusal.code == SPENT && refusal.field.as_deref() == Some(field);
        let all = self.receipts.iter().enumerate();
        all.filter(|(_, receipt)| receipt.refusal.as_ref().is_some_and(is_it)).map(|(place, _)| place).collect()
    }

    /// The one subject that all of it is about, where it is one; and how many there are.
    fn subjects(&self) -> (Option<Subject>, usize) {
        let mut subjects: Vec<Subject> = self.owners.iter().filter_map(|place| self.subject_of(*place)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        (subjects.first().filter(|_| subjects.len() == 1).cloned(), subjects.len())
    }

    /// What is said of it beside what the inputs say: under the one subject that it is about, where it is one. Else each further input says what concerns one subject.
    pub fn said(&self) -> (Option<Subject>, Many, Vec<Input>) {
        let (one, count) = self.subjects();
        let (beyond, spent) = (self.beyond(), self.spent(READINGS));
        let is_quota = |place: &usize| beyond.binary_search(place).is_ok() || spent.binary_search(place).is_ok();
        let denied = (0..self.receipts.len()).filter(|place| self.owners.binary_search(place).is_err() && !is_quota(place));
        let denied = denied.collect();
        let why = spent.first().and_then(|place| self.receipts[*place].refusal.clone());
        let mut whole = Many { denied, refused: Vec::new(), beyond, spent, why };
        let mut parts: BTreeMap<Subject, Many> = BTreeMap::new();
        for place in &self.owners {
            let Some(refusal) = &self.receipts[*place].refusal else { continue };
            let into = match self.subject_of(*place) {
                Some(subject) if count > 1 => &mut parts.entry(subject).or_default().refused,
                _ => &mut whole.refused,
            };
            into.push((*place, refusal.clone()));
        }
        // Strings and numbers can't fail to be written.
        let bytes = |said: &Many| serde_json::to_vec(said).unwrap_or_default().into();
        let part = |(subject, said)| Input::Once(Once { subject: Some(subject), request: None, answer: bytes(&said) });
        (one, whole, parts.into_iter().map(part).collect())
    }
}

/// A further subject that a reading names, and that is not for whoever sends it: its timeline would show it.
pub(super) fn not_theirs(access: &dyn Access, who: &Principal, schema: &Schema, reading: &Reading) -> Option<Subject> {
    let further = reading.content.as_ref()?.further_subjects(schema);
    further.into_iter().find(|subject| !access.may_name(who, subject) || access.is_beyond(who, subject))
}

pub(super) fn not_permitted(subject: &Subject) -> Refusal {
    let remedy = "ask whoever runs this for a token that may";
    Refusal::of("not_permitted", "subject", subject.as_str(), "you may not write readings of this subject", remedy)
}

/// A row under its header, so that it can be read again.
fn under<'b>(header: &[u8], row: Cow<'b, [u8]>) -> Cow<'b, [u8]> {
    if header.is_empty() { row } else { Cow::Owned([header, b"\n", &row].concat()) }
}

/// The name by which a reading can be amended.
pub(super) fn name_of(reading: &Reading) -> String {
    reading.given.as_deref().map_or_else(|| reading.id.to_string(), str::to_owned)
}
