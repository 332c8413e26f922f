//! What an expression can see when it is asked: the instant decided, the readings at hand, what the steps bound.

use vitalog_cep::plan::{Measure, Ref, Rule};
use vitalog_elog::Value;

use super::number::Number;
use super::profile::Profile;
use super::timeline::{Micros, Seen, Timeline};

/// What a step bound: its instants in order, with the readings that fit there.
pub type Bound<'a> = Vec<(Micros, Vec<&'a Seen>)>;

/// A known value; unknown is the `None` around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Number(Number),
    /// The root of a quotient.
    Root {
        square: Number,
    },
    Bool(bool),
    Enum(u16),
    Text(String),
}

#[derive(Clone)]
pub struct Scene<'a> {
    pub timeline: &'a Timeline,
    pub profile: &'a Profile<'a>,
    pub rule: &'a Rule,
    /// The instant decided; in a step's or absence's condition that of the candidate.
    pub now: Micros,
    pub onset: Option<Micros>,
    /// One reading in a condition, all of the instant in a text.
    pub driver: Vec<&'a Seen>,
    pub candidate: Option<&'a Seen>,
    pub item: Option<&'a Seen>,
    /// What the step at hand bound at the repeats before.
    pub repeats: Bound<'a>,
    /// The steps bound so far.
    pub steps: Vec<Bound<'a>>,
}

impl<'a> Scene<'a> {
    pub fn new(timeline: &'a Timeline, profile: &'a Profile<'a>, rule: &'a Rule, now: Micros) -> Scene<'a> {
        Scene {
            timeline,
            profile,
            rule,
            now,
            onset: None,
            driver: vec![],
            candidate: None,
            item: None,
            repeats: vec![],
            steps: vec![],
        }
    }

    /// The instant at which profile fields are taken: inside a window that of the reading at hand, else the instant decided, which in a step's
    /// condition is that at which the step would bind the candidate.
    pub fn profile_instant(&self) -> Micros {
        self.item.map_or(self.now, |r| r.instant.unwrap_or(r.start))
    }

    /// Where windows end: at the instant decided, inside the condition of another at its reading. `None`: an interval that goes on stands nowhere yet.
    pub fn end(&self) -> Option<Micros> {
        self.item.map_or(Some(self.now), |r| r.instant)
    }

    /// The same decision without a reading at hand.
    pub fn decision(&self) -> Scene<'a> {
        Scene { candidate: None, repeats: vec![], item: None, ..self.clone() }
    }

    pub fn with_item(&self, item: &'a Seen) -> Scene<'a> {
        Scene { item: Some(item), ..self.clone() }
    }

    /// `Get`: of one reading what it says, of several the mean, or what they share.
    pub fn get(&self, of: Ref, what: Measure) -> Option<Known> {
        let readings: Vec<&Seen> = match of {
            Ref::Driver => self.driver.clone(),
            Ref::Candidate => self.candidate.into_iter().collect(),
            Ref::First => match self.repeats.first() {
                Some((_, readings)) => readings.clone(),
                None => self.candidate.into_iter().collect(),
            },
            Ref::Previous => self.repeats.last()?.1.clone(),
            Ref::Item => self.item.into_iter().collect(),
            Ref::Step(i) => self.steps.get(usize::from(i))?.last()?.1.clone(),
        };
        let said: Option<Vec<Known>> = readings.iter().map(|r| measure(r, what)).collect();
        together(&said?, what)
    }
}

/// What one reading says.
pub fn measure(reading: &Seen, what: Measure) -> Option<Known> {
    let number = |n: Micros| Some(Known::Number(Number::whole(n)));
    match what {
        Measure::Field(field) => reading.values.get(usize::from(field.0))?.clone(),
        Measure::At => number(reading.instant?),
        Measure::End => number(reading.end?),
        Measure::Start => number(reading.start),
        Measure::Duration => number(reading.end? - reading.start),
        // Times of day need a calendar: see `clock`.
        Measure::Itself | Measure::AtClock | Measure::StartClock => None,
    }
}

/// What readings of one instant say together; all of them said something.
pub fn together(said: &[Known], what: Measure) -> Option<Known> {
    let numbers: Option<Vec<Number>> = said.iter().map(|k| if let Known::Number(n) = k { Some(*n) } else { None }).collect();
    let first = said.first()?;
    match numbers {
        Some(numbers) if what == Measure::Start => numbers.into_iter().min().map(Known::Number),
        Some(numbers) => Number::mean(&numbers).map(Known::Number),
        None => said.iter().all(|k| k == first).then(|| first.clone()),
    }
}

pub fn known(value: &Value) -> Known {
    match value {
        Value::Quantity(amount) => Known::Number(Number::whole(i128::from(amount.atoms()))),
        Value::Enum(i) => Known::Enum(*i),
        Value::Text(text) => Known::Text(text.to_string()),
        Value::Bool(b) => Known::Bool(*b),
        Value::TimeOfDay(time) => Known::Number(Number::whole(Micros::from(time.minutes()) * 60_000_000)),
    }
}
