//! Law 5 on lives: some days or weeks out of a history, by rules of the shipped library, beside the oracle. It enumerates everything, so it is given few readings at a time.

use vitalog_cep::EngineInput;
use vitalog_elog::{Reading, Time};

use super::course::Course;
use super::dice::Draw;
use super::laws::difference;
use super::rulebooks::Rulebooks;
use super::{Given, History};
use crate::oracle::{self, Standing};
use crate::population::Dice;

/// How many readings the oracle is given, and what share of the rules.
const READINGS: i64 = 50;
const ONE_RULE_IN: i64 = 4;

/// How often the two were compared.
pub fn compare(books: &Rulebooks, history: &History) -> Result<u64, String> {
    let mut dice = Dice::of(history.seed, 5);
    let subject = &history.people[0];
    let of = |g: &Given| if let Given::Reading(r) = g { r.subject == *subject } else { false };
    let count = history.entries.iter().filter(|e| of(&e.given)).count() as i64;
    let first = dice.below((count - READINGS).max(1));
    let salt = dice.below(i64::MAX) as u64;
    let few = books.part(salt, ONE_RULE_IN).all;
    let (mut libraries, mut readings, mut profile) = (Vec::new(), Vec::<Reading>::new(), Vec::new());
    let mut course = Course::default();
    let (mut nth, mut compared, mut latest) = (0, 0, Time::MIN);
    for entry in &history.entries {
        let input = match &entry.given {
            Given::Rules { effective, which } => {
                latest = latest.max(*effective);
                libraries.push((latest, few[*which].clone()));
                EngineInput::Library { effective: *effective, library: few[*which].clone() }
            }
            Given::Profile(change) if change.subject == *subject => {
                profile.push(change.clone());
                EngineInput::Profile(change)
            }
            Given::Reading(reading) if reading.subject == *subject => {
                nth += 1;
                if nth <= first || nth > first + READINGS {
                    continue;
                }
                readings.push(reading.clone());
                EngineInput::Reading(reading)
            }
            _ => continue,
        };
        course.until(entry.arrival)?;
        course.step(entry.arrival, input);
        if nth == first + READINGS || (!readings.is_empty() && entry.below(6, 40) == 0) {
            compared += 1;
            let mut has: Vec<Standing> = course.engine.findings().iter().map(Standing::of).collect();
            has.sort();
            let wants = oracle::standing(&libraries, &readings, &profile, course.engine.clock());
            difference("beside the oracle (no more: of the oracle alone)", &wants, &has)?;
            if nth == first + READINGS {
                break;
            }
        }
    }
    Ok(compared)
}
