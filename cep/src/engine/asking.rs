//! Telling one subject's rules what came or went: those that it concerns, each after all that it looks at.

use super::calm::Ranked;
use super::rulebook::Rulebook;
use super::subject::Person;
use crate::decide::{Case, Seen, earlier};
use crate::timeline::Touch;

/// Of so many versions it is looked up together what asking them will look at.
const AT_ONCE: usize = 64;

impl Person {
    /// Tells versions of a reading in order, and some more that may be among them.
    #[inline]
    pub(super) fn ask_also(&mut self, rules: &Rulebook, clock: i64, one: &Touch, awake: &Ranked, more: &Ranked) -> Option<i64> {
        if more.is_empty() {
            return self.ask(rules, clock, one, &awake.ground, &awake.above);
        }
        let all = awake.and(more);
        self.ask(rules, clock, one, &all.ground, &all.above)
    }

    /// Tells versions of a reading in order.
    #[inline]
    fn ask(&mut self, rules: &Rulebook, clock: i64, one: &Touch, ground: &[u32], above: &[u32]) -> Option<i64> {
        let touches = std::slice::from_ref(one);
        let mut due = None;
        for some in ground.chunks(AT_ONCE) {
            self.foresee_asking(rules, some);
            for &version in some {
                due = earlier(due, self.touch(rules, clock, version, touches));
            }
        }
        earlier(due, self.ask_above(rules, clock, one, above))
    }

    /// Tells versions that look at others: each after all that it looks at. From where one found something they are told of that too, and once of all of it.
    fn ask_above(&mut self, rules: &Rulebook, clock: i64, one: &Touch, above: &[u32]) -> Option<i64> {
        let touches = std::slice::from_ref(one);
        let turn = |version: &u32| rules.ranks.turn(*version);
        let (mut due, mut asked) = (None, 0);
        let sorted: Vec<u32>;
        let mut above = above;
        if !above.is_sorted_by_key(turn) {
            let mut all = above.to_vec();
            all.sort_by_key(turn);
            sorted = all;
            above = &sorted;
        }
        for version in above {
            if !self.fed.is_empty() {
                break;
            }
            due = earlier(due, self.touch(rules, clock, *version, touches));
            asked = turn(version) + 1;
        }
        if !self.fed.is_empty() {
            for &version in &rules.ranks.above[asked..] {
                due = earlier(due, self.touch_above(rules, clock, version, touches));
            }
        }
        due
    }

    /// The long way: something came late, or went, or several came.
    pub(super) fn late(&mut self, rules: &Rulebook, clock: i64, touches: &[Touch], enrolled: Option<i64>) -> Option<i64> {
        let behind = self.behind(touches, enrolled);
        match &behind {
            None => touches.iter().for_each(|touch| self.calms.forget_one(touch.stream)),
            Some(behind) => self.calms.begin_behind(behind.stream),
        }
        let mut due = None;
        if let [one] = touches {
            let all = rules.route(one.stream).map(|route| &route.all);
            let passed = behind.map_or_else(Vec::new, |behind| self.unconcerned(rules, one.stream, behind.at));
            let mut next = passed.iter().peekable();
            for &version in all.map_or(&[][..], |all| &all.ground) {
                if next.next_if_eq(&&version).is_none() {
                    due = earlier(due, self.touch_again(rules, clock, version, touches));
                }
            }
            self.passed_over = passed;
            due = earlier(due, self.ask_above(rules, clock, one, all.map_or(&[][..], |all| &all.above)));
        } else {
            for &version in &rules.ranks.ground {
                due = earlier(due, self.touch_again(rules, clock, version, touches));
            }
            for &version in &rules.ranks.above {
                due = earlier(due, self.touch_above(rules, clock, version, touches));
            }
        }
        if let Some(behind) = behind {
            self.rouse_behind(rules, clock, behind);
        }
        if self.line.enrolled() != enrolled {
            let bounds = [enrolled, self.line.enrolled()];
            let from = if bounds.contains(&None) { i64::MIN } else { bounds[0].min(bounds[1]).unwrap_or(i64::MIN) };
            let to = bounds[0].max(bounds[1]).unwrap_or(i64::MAX);
            self.each(rules, clock, |state, case, _| state.enrolled(case, from, to));
            due = earlier(due, self.next_due(rules));
        }
        due
    }

    /// Tells a version what came or went.
    #[inline]
    fn touch(&mut self, rules: &Rulebook, clock: i64, place: u32, touches: &[Touch]) -> Option<i64> {
        let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: rules.more };
        match (self.states[place as usize].decides(&case, touches), touches) {
            (Some((seen, turns)), [Touch { at: Some(at), .. }]) => self.was_told(rules, place, seen, turns, *at),
            _ => self.touch_again(rules, clock, place, touches),
        }
    }

    /// The same by the long way.
    fn touch_again(&mut self, rules: &Rulebook, clock: i64, place: u32, touches: &[Touch]) -> Option<i64> {
        let case = Case { line: &self.line, version: &rules.versions[place as usize], clock, more: rules.more };
        let state = &mut self.states[place as usize];
        let pose = state.pose();
        let Some(seen) = state.touched(&case, touches) else {
            self.fronts.raise(place, &case.version.scope.streams, state.decided_until(&case, None));
            return None;
        };
        self.waits |= rules.more && state.waits();
        let (turns, decided) = (pose.ends(state.pose()), state.decided_until(&case, None));
        self.was_told(rules, place, seen, turns, decided)
    }

    /// A version was told something, and has decided up to an instant. `turns`: it may not go on to rest by what it rested by.
    #[inline]
    fn was_told(&mut self, rules: &Rulebook, place: u32, seen: Seen, turns: bool, decided: i64) -> Option<i64> {
        let streams = &rules.versions[place as usize].scope.streams;
        if let Some(due) = seen.due {
            self.dues.advance(place, due);
        }
        self.fronts.raise(place, streams, decided);
        if turns {
            self.calms.rouse(place, streams);
        }
        if seen.changed {
            self.changed.push(place);
            self.feed(rules, place);
        }
        seen.due
    }

    /// A version that looks at other rules: what touches it, theirs included, all at once.
    pub(super) fn touch_above(&mut self, rules: &Rulebook, clock: i64, place: u32, touches: &[Touch]) -> Option<i64> {
        let streams = &rules.versions[place as usize].scope.streams;
        let ours = |t: &&Touch| streams.binary_search(&t.stream).is_ok();
        let ours: Vec<Touch> = touches.iter().chain(&self.fed).filter(ours).copied().collect();
        if ours.is_empty() { None } else { self.touch(rules, clock, place, &ours) }
    }
}
