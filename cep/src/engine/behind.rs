//! Who goes on resting when a reading comes behind the newest of its stream.
//!
//! Most late readings lie so far back that no window of the next one sees them, and nothing that began by then is still to be completed. What rules told of the readings to come
//! was told by what lies before these, and holds as it did.
//!
//! INVARIANT (behind): whoever rests after a late reading would tell as much of the readings to come as it told before: no decision after the newest reading hangs on the late one, and the state is in
//! the middle of the same ([`crate::decide::State::pose`]).

use vitalog_elog::StreamIx;

use super::rulebook::Rulebook;
use super::subject::Person;
use crate::decide::Case;
use crate::timeline::Touch;

/// A reading that came behind the newest of its stream, and nothing else.
#[derive(Clone, Copy)]
pub struct Behind {
    pub stream: StreamIx,
    pub at: i64,
    newest: i64,
}

impl Person {
    /// `enrolled` is the enrolment before it came.
    pub(super) fn behind(&self, touches: &[Touch], enrolled: Option<i64>) -> Option<Behind> {
        let [one] = touches else { return None };
        let at = one.at.filter(|_| one.came && self.line.enrolled() == enrolled)?;
        let newest = self.line.table(one.stream)?.last()?;
        (at < newest).then_some(Behind { stream: one.stream, at, newest })
    }

    /// It was told. Who decides nothing after the newest reading that hangs on it goes on resting; the others are asked whether they may.
    pub(super) fn rouse_behind(&mut self, rules: &Rulebook, clock: i64, behind: Behind) {
        let Behind { stream, at, newest } = behind;
        let Some(route) = rules.route(stream) else { return };
        let all = route.all.ground.iter().chain(&route.all.above).copied();
        let near = all.filter(|version| !rules.versions[*version as usize].is_past(stream, at, newest));
        let roused = self.calms.end_behind(stream, near);
        roused.into_iter().for_each(|place| self.note_front(rules, clock, place, None));
    }

    /// Notes how far a version is that is woken and not told of anything: while it rested nobody did, and when something comes elsewhere nobody wakes it any more who would. `but`: see
    /// [`crate::decide::State::decided_until`].
    pub(super) fn note_front(&mut self, rules: &Rulebook, clock: i64, place: u32, but: Option<StreamIx>) {
        let version = &rules.versions[place as usize];
        let case = Case { line: &self.line, version, clock, more: rules.more };
        self.fronts.raise(place, &version.scope.streams, self.states[place as usize].decided_until(&case, but));
    }
}
