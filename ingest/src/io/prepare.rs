//! A body made ready for the journal: each reading as an input, or refused and as a dead letter, with its receipt. Pure, so that it can run on
//! any thread.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_elog::{Input, Once, Reading, Refusal, Schema, Subject, Time};

use super::again::Many;
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
        let may = self.access.decide(self.who, Wish::Write(subject)) == Decision::Allow;
        known.insert(subject.clone(), may);
        may
    }

    /// A further subject that a reading names, and that is not for whoever sends it.
    fn not_theirs(&self, reading: &Reading) -> Option<Subject> {
        not_theirs(self.access, self.who, self.admission.schema(), reading)
    }

    fn deny(&self, subject: Subject, index: usize, line: u64, prepared: &mut Prepared) {
        prepared.receipts.push(Receipt::rejected(index, line, not_permitted(&subject)));
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
        let denied = (0..self.receipts.len()).filter(|place| self.owners.binary_search(place).is_err());
        let mut whole = Many { denied: denied.collect(), refused: Vec::new() };
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
    further.into_iter().find(|subject| !access.may_name(who, subject))
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
