//! Which episodes a late reading can't concern, for one subject: those that ask another number of a reading than it says, and than those say that see it.
//!
//! What each asks hangs on the profile alone, and is kept while that says the same; so of most rules nothing is looked at but two bounds, and whether they were idle since.
//!
//! INVARIANT (claims): whoever is passed over would find nothing else than it did.

use vitalog_elog::StreamIx;

use super::rulebook::Rulebook;
use super::subject::Person;
use crate::decide::{Case, Claim, State};
use crate::timeline::Table;

/// By stream.
#[derive(Debug, Default)]
pub struct Claims {
    streams: Vec<Stretch>,
}

/// What the versions on the ground claim that are decided upon a stream, while the profile says one thing.
#[derive(Debug, Default)]
struct Stretch {
    /// Of which count of the profile's changes; `None`: nothing is known.
    profile: Option<u32>,
    /// From where to where.
    from: i64,
    to: i64,
    all: Vec<(u32, Claim)>,
}

impl Claims {
    /// Other rules are in force.
    pub fn forget(&mut self) {
        self.streams.clear();
    }
}

impl Person {
    /// The versions on the ground, in their order, that a reading at an instant can't concern which came behind the newest of its stream, and nothing else did.
    pub(super) fn unconcerned(&mut self, rules: &Rulebook, stream: StreamIx, at: i64) -> Vec<u32> {
        let mut found = std::mem::take(&mut self.passed_over);
        found.clear();
        self.note_claims(rules, stream, at);
        let (Some(table), Some(stretch)) = (self.line.table(stream), self.claims.streams.get(usize::from(stream.0))) else {
            return found;
        };
        let first = table.from(at);
        let mut known = (i64::MIN, first);
        for (version, Claim { band, reach }) in &stretch.all {
            let State::Episode(state) = &self.states[*version as usize] else { continue };
            let to = at.saturating_add(*reach);
            if !state.is_idle_between(at, to) || to > stretch.to {
                continue;
            }
            if known.0 != to {
                known = (to, end_of(table, first, to));
            }
            let numbers = table.column(band.field).and_then(|column| column.numbers(first..known.1));
            if numbers.is_some_and(|numbers| numbers.iter().all(|n| *n < band.low || band.high < *n)) {
                found.push(*version);
            }
        }
        found
    }

    /// Notes what is claimed of a stream at an instant, if that is not known.
    fn note_claims(&mut self, rules: &Rulebook, stream: StreamIx, at: i64) {
        let place = usize::from(stream.0);
        if self.claims.streams.len() <= place {
            self.claims.streams.resize_with(place + 1, Stretch::default);
        }
        let (profile, stretch) = (self.line.profile.count(), &mut self.claims.streams[place]);
        if stretch.profile == Some(profile) && stretch.from <= at && at <= stretch.to {
            return;
        }
        let (from, to) = self.line.profile.stretch(at);
        let ground = rules.route(stream).map_or(&[][..], |route| &route.all.ground);
        let claims = ground.iter().filter_map(|place| {
            let case = Case { line: &self.line, version: &rules.versions[*place as usize], clock: from, more: false };
            Some((*place, case.claim(stream, from, to)?))
        });
        *stretch = Stretch { profile: Some(profile), from, to, all: claims.collect() };
    }
}

/// The first row after an instant, looked for from a row before it.
fn end_of(table: &Table, first: usize, to: i64) -> usize {
    const NEAR: usize = 8;
    let near = first..table.len().min(first + NEAR);
    near.clone()
        .find(|row| table.at(*row) > to)
        .unwrap_or_else(|| if near.end == table.len() { near.end } else { table.after(to) })
}
