//! Who may rest, once a reading was told: asked of those that it woke, and now and then of all that are awake.

use vitalog_elog::StreamIx;

use super::calm::Calm;
use super::rulebook::Rulebook;
use super::subject::Person;
use crate::decide::{Case, Stay};

/// By what a version rests.
pub enum Still<Rests> {
    By(Rests),
    /// By being on its side of its sill.
    AtSill(Stay),
}

impl Person {
    /// Asks versions that are awake whether they may rest when the next readings of a stream come.
    pub(super) fn settle_calm(&self, rules: &Rulebook, clock: i64, stream: StreamIx, calm: &mut Calm) {
        let (Some(table), Some(route)) = (self.line.table(stream), rules.route(stream)) else { return };
        let Some(row) = table.len().checked_sub(1) else { return };
        calm.settle(table, &route.sills, |place| {
            let (state, version) = (&self.states[place as usize], &rules.versions[place as usize]);
            let case = Case { line: &self.line, version, clock, more: rules.more };
            let noted = self.dues.of(place);
            if let Some(stay) = state.stays(&case, (stream, table), row, noted) {
                debug_assert!(state.calm(&case, stream, row, noted).is_some(), "who rests at a sill would rest without it");
                return Some(Still::AtSill(stay));
            }
            state.calm(&case, stream, row, noted).map(Still::By)
        });
    }
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Amount, Content, Dimension, Effect, FieldIx, Reading, Subject, Time, Value, When};

    use super::*;
    use crate::engine::{Engine, EngineInput};
    use crate::plan::{Compare, Episode, Expr, Library, Measure, Pattern, Ref, Rule, RuleKind, Step};

    pub fn amount(digits: i64) -> Amount {
        Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() }
    }

    fn below(of: Ref, bound: i64) -> Expr {
        let left = Box::new(Expr::Get { of, what: Measure::Field(FieldIx(0)) });
        Expr::Compare { op: Compare::Lt, left, right: Box::new(Expr::number(amount(bound).atoms())) }
    }

    /// `when value < bound`.
    pub fn episode(bound: i64) -> Arc<Rule> {
        let when = below(Ref::Driver, bound);
        let kind = Episode { driver: StreamIx(0), when, hold: None, until: None, until_hold: None, lapse: None };
        rule(bound, RuleKind::Episode(kind))
    }

    /// `match x where x.value < bound`.
    fn of_one(bound: i64) -> Arc<Rule> {
        let step = Step::once(StreamIx(0), Some(below(Ref::Candidate, bound)));
        rule(bound, RuleKind::Match(Pattern::sequence(vec![step], None)))
    }

    fn rule(bound: i64, kind: RuleKind) -> Arc<Rule> {
        Arc::new(Rule { name: format!("r{bound}").into(), meaning: bound as u64, ..Rule::of(kind) })
    }

    /// What each of some numbers has twenty rules find, and how many rest at their sills then.
    fn told(rule: fn(i64) -> Arc<Rule>, numbers: &[i64]) -> Vec<(i64, usize, usize)> {
        let library = Arc::new(Library { rules: (0..20).map(rule).collect(), ..Library::default() });
        let mut engine = Engine::new();
        engine.step(0, Time(0), EngineInput::Library { effective: Time::MIN, library }, &mut Vec::new());
        let tell = |(at, number): (i64, &i64)| {
            let values = Box::new([Some(Value::Quantity(amount(*number)))]);
            let content = Content { stream: StreamIx(0), when: When::At(Time(at)), values, source: None, seq: None };
            let reading = Reading::present(Subject::new("s"), None, 1, "bg", content);
            let mut effects = Vec::new();
            engine.step(at as u64, Time(at), EngineInput::Reading(&reading), &mut effects);
            let found = effects.iter().filter(|effect| matches!(effect, Effect::Finding(_))).count();
            (*number, found, engine.people[0].calms.at(StreamIx(0)).map_or(0, Calm::at_sills))
        };
        (1..).zip(numbers).map(tell).collect()
    }

    #[test]
    fn all_rest_at_their_sills_and_those_alone_find_something_that_a_reading_passes() {
        // The first reading of a subject goes the long way.
        let wanted = [(25, 0, 0), (24, 0, 20), (12, 7, 20), (10, 2, 20), (11, 1, 20), (30, 8, 20)];
        assert_eq!(told(episode, &wanted.map(|(number, ..)| number)), wanted);
        // One that finds something in each reading is awake meanwhile, and asked by and by whether it may rest again.
        let wanted = [(25, 0, 0), (24, 0, 20), (12, 7, 13), (30, 0, 13), (29, 0, 13), (28, 0, 20)];
        assert_eq!(told(of_one, &wanted.map(|(number, ..)| number)), wanted);
    }
}
