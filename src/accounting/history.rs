//! What the journal says: which revisions there are, and which of them holds, at any offset.
//!
//! A journal that was trimmed says nothing of what came before its beginning. There the views are the witness, which had what the journal had when it was trimmed: a lake is held against them.
//!
//! It is found out anew from the revisions alone, by their order (`rev`, then hash), and not from what the engine said of them when they came: so the engine is audited as well.
//!
//! Nearly all readings have one revision. A first pass finds out by a filter which ids may have more ([`Ids`]); only of these it is kept in mind which revisions came, so that an audit of many readings takes
//! a few bytes for each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use vitalog_dashboards::ask::Readers;
use vitalog_elog::accounting::{Scope, Standing, place};
use vitalog_elog::effect::Former;
use vitalog_elog::{Input, Outcome, Reading, ReadingId, Schema, Subject, Time};
use vitalog_ingest::journal::{Group, Kind};

use vitalog_lakehouse::Cuts;

use super::book::{Book, Focus, Who};
use crate::backup::{Running, Source};
use crate::failure::Failure;

/// Inputs that are read of the journal at a time: so long, at most, a server's journal waits.
const SLICE: u64 = 4_096;

/// Which ids were seen more than once. It may err to that side.
pub struct Ids {
    once: Vec<u64>,
    more: Vec<u64>,
}

impl Ids {
    /// For about so many.
    pub fn sized_for(count: u64) -> Ids {
        let words = (count.saturating_mul(16) / 64).clamp(1_024, 1 << 34).next_power_of_two() as usize;
        Ids { once: vec![0; words], more: vec![0; words] }
    }

    pub fn note(&mut self, reading: &Reading) {
        let (word, bit) = self.place(reading);
        self.more[word] |= self.once[word] & bit;
        self.once[word] |= bit;
    }

    fn may_be_many(&self, reading: &Reading) -> bool {
        let (word, bit) = self.place(reading);
        self.more[word] & bit != 0
    }

    fn place(&self, reading: &Reading) -> (usize, u64) {
        let mut hasher = DefaultHasher::new();
        (reading.subject.as_str(), reading.id.0).hash(&mut hasher);
        let hash = hasher.finish();
        ((hash >> 6) as usize & (self.once.len() - 1), 1 << (hash & 63))
    }
}

/// A reading as it stands in the journal.
pub struct Journaled {
    pub offset: u64,
    pub arrival: Time,
    pub reading: Reading,
}

/// Takes each reading before an offset: first those that the views have from before the journal's beginning, if they are asked, then the journal's in order. What was erased is none any more.
///
/// # Errors
/// Where journal or views can't be read.
pub fn walk(
    journal: &impl Source,
    views: Option<&Readers>,
    schema: &Schema,
    until: u64,
    mut each: impl FnMut(Journaled),
) -> Result<(), Failure> {
    let failed = |e| Failure::new(format!("journal: {e}"));
    let mut next = journal.with(|journal| journal.first())?;
    if let Some(views) = views.filter(|_| next > 0) {
        let mut witness = |offset, arrival, reading| each(Journaled { offset, arrival, reading });
        let asked = views.take().and_then(|reader| reader.ask(|ask| ask.revisions_before(next, &mut witness)));
        asked.map_err(|e| Failure::new(format!("views: {e}")))?;
    }
    while next < until {
        let groups = journal.with(move |journal| {
            let (mut groups, mut inputs) = (Vec::new(), 0);
            for group in journal.read_from(next)? {
                let group: Group = group?;
                inputs += group.offsets().end - group.offsets().start;
                groups.push(group);
                if inputs >= SLICE {
                    break;
                }
            }
            Ok(groups)
        })?;
        let groups: Vec<Group> = groups.map_err(failed)?;
        let Some(last) = groups.last() else {
            return Err(Failure::new(format!("the journal gives nothing from offset {next} on")));
        };
        next = last.position.next;
        for group in &groups {
            for offset in group.offsets().take_while(|offset| *offset < until) {
                if group.kind(offset) != Some(Kind::Reading) {
                    continue;
                }
                let entry = group.entry(offset, schema).map_err(failed)?;
                if let Input::Reading(reading) = entry.input {
                    each(Journaled { offset, arrival: entry.arrival, reading });
                }
            }
        }
    }
    Ok(())
}

/// The revisions of one id that came so far.
#[derive(Default)]
pub struct Revisions {
    known: BTreeSet<(u32, u128)>,
    greatest: Option<Reading>,
}

impl Revisions {
    /// Takes in one more: what it is to those before it.
    pub fn take_in(&mut self, reading: &Reading) -> Outcome {
        if !self.known.insert(reading.revision()) {
            return Outcome::Duplicate;
        }
        let outcome = match &self.greatest {
            None => Outcome::New,
            Some(greatest) if greatest.revision() > reading.revision() => return Outcome::Outdated,
            Some(greatest) => {
                let place = greatest.content.as_ref().map(|c| (c.stream, place(c.when)));
                Outcome::superseded(Former { rev: greatest.rev, hash: greatest.hash, place })
            }
        };
        self.greatest = Some(reading.clone());
        outcome
    }
}

/// What the journal says at an offset: of all revisions, and of those that the lake keeps.
#[derive(Clone)]
pub struct Books {
    pub all: Book,
    pub kept: Book,
}

/// What the journal says at some offsets.
pub struct History<'a> {
    pub journal: &'a Running,
    /// Of what came before it begins.
    pub views: &'a Readers,
    pub schema: &'a Schema,
    pub scope: &'a Scope,
    pub ids: &'a Ids,
    /// What the lake keeps.
    pub cuts: &'a Cuts,
}

impl History<'_> {
    /// Books for each of the offsets.
    ///
    /// # Errors
    /// Where the journal can't be read.
    pub fn at(&self, offsets: &[u64], focus: &Arc<Focus>) -> Result<BTreeMap<u64, Books>, Failure> {
        let mut wanted = offsets.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let until = wanted.last().copied().unwrap_or(0);
        let mut wanted = wanted.into_iter().peekable();
        let mut state = State {
            of: self,
            books: Books { all: Book::new(focus.clone()), kept: Book::new(focus.clone()) },
            many: HashMap::new(),
        };
        let mut books = BTreeMap::new();
        walk(self.journal, Some(self.views), self.schema, until, |journaled| {
            while let Some(offset) = wanted.next_if(|offset| *offset <= journaled.offset) {
                books.insert(offset, state.books.clone());
            }
            state.take_in(&journaled);
        })?;
        books.extend(wanted.map(|offset| (offset, state.books.clone())));
        Ok(books)
    }
}

struct State<'a> {
    of: &'a History<'a>,
    books: Books,
    /// Of ids that may have several.
    many: HashMap<(Subject, ReadingId), Revisions>,
}

impl State<'_> {
    fn take_in(&mut self, journaled: &Journaled) {
        let (reading, arrival) = (&journaled.reading, journaled.arrival);
        if self.of.scope.subject.as_ref().is_some_and(|subject| *subject != reading.subject) {
            return;
        }
        if !self.of.ids.may_be_many(reading) {
            return self.count(Book::put, reading, standing_of(reading, true), arrival);
        }
        let revisions = self.many.entry((reading.subject.clone(), reading.id)).or_default();
        let greatest = revisions.greatest.clone();
        let holds = match revisions.take_in(reading) {
            Outcome::Duplicate => return,
            Outcome::Outdated => false,
            Outcome::New | Outcome::Superseded { .. } => true,
        };
        // It has content, so its arrival, which is another one, says nothing of how long it is kept.
        if let Some(former) = greatest.filter(|former| holds && former.content.is_some()) {
            self.count(Book::take, &former, Standing::Current, arrival);
            self.count(Book::put, &former, Standing::Former, arrival);
        }
        self.count(Book::put, reading, standing_of(reading, holds), arrival);
    }

    fn count(&mut self, count: Count, reading: &Reading, standing: Standing, arrival: Time) {
        let History { scope, schema, cuts, .. } = self.of;
        if !scope.has(reading, schema) {
            return;
        }
        let who = Who::Revision(reading);
        let weight = who.weight(schema);
        count(&mut self.books.all, who, standing, weight, schema);
        if !cuts.is_past(reading, standing, arrival, schema) {
            count(&mut self.books.kept, who, standing, weight, schema);
        }
    }
}

type Count = fn(&mut Book, Who<'_>, Standing, u128, &Schema);

/// A removal never is what is current, even where it holds.
fn standing_of(reading: &Reading, holds: bool) -> Standing {
    if holds && reading.content.is_some() { Standing::Current } else { Standing::Former }
}
