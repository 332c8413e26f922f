//! The rules over the years: the shipped library, and other states of it: rules taken away, put back, changed, on trial, and back to what they were.

use std::sync::Arc;

use vitalog_cep::plan::{Library, Rule};
use vitalog_elog::profile::ProfileField;
use vitalog_elog::{Schema, Span, Time};
use vitalog_rules::{Source, compile, packs};

use super::dice::Draw;
use super::{DAY, Entry, Given, MINUTE};
use crate::oracle::derived;
use crate::population::Dice;

/// The states that the rules go through. The first is the shipped library.
pub struct Rulebooks {
    pub all: Vec<Arc<Library>>,
    pub fields: Vec<ProfileField>,
}

/// What was changed in the text of the packs, in one edition after another.
const EDITIONS: [&[(&str, &str)]; 3] = [
    &[],
    &[
        (" for 15 min", " for 25 min"),
        ("within 7 d", "within 5 d"),
        ("at 09:00", "at 07:30"),
        ("within 2 h", "within 3 h"),
        ("no bg for 6 h", "no bg for 5 h"),
    ],
    &[
        (" for 2 h", " for 90 min"),
        ("within 30 min", "within 1 h"),
        ("over 7 d", "over 9 d"),
        ("over 14 d", "over 10 d"),
        ("for 3 d", "for 2 d"),
        ("    severity warning\n", "    severity warning\n    shadow\n"),
    ],
];

impl Rulebooks {
    pub fn new() -> Rulebooks {
        let edition = |changes: &[(&str, &str)], prior: &Library| {
            let text = |text: &str| changes.iter().fold(text.to_owned(), |text, (was, is)| text.replace(was, is));
            // The examples in the packs are of the shipped edition.
            let sources: Vec<Source> =
                packs::ALL.iter().map(|p| Source::new(&format!("{}.rules", p.name), &text(p.text))).collect();
            let compiled = compile(&sources, prior);
            let shown = if compiled.library.is_none() { compiled.render(false) } else { String::new() };
            compiled.library.unwrap_or_else(|| panic!("an edition must compile:\n{shown}"))
        };
        // Twice: so that each knows the places of what any of them declares.
        let known = EDITIONS.iter().fold(Library::default(), |prior, changes| edition(changes, &prior));
        let editions: Vec<Library> = EDITIONS.iter().map(|changes| edition(changes, &known)).collect();
        let mut all: Vec<Arc<Library>> = editions.iter().cloned().map(Arc::new).collect();
        for (library, rest) in [(&editions[0], 0), (&editions[0], 1), (&editions[1], 2)] {
            all.push(Arc::new(without(library, |place| place % 3 == rest)));
        }
        let fields = editions[0].profile.clone();
        Rulebooks { all, fields }
    }

    /// The same with one rule in `n`, and those that it looks at: which, says the salt.
    pub fn part(&self, salt: u64, n: i64) -> Rulebooks {
        let name = |rule: &Rule| rule.name.bytes().fold(salt, |n, b| n.wrapping_mul(0x100_0000_01B3) ^ u64::from(b));
        let part = |library: &Arc<Library>| {
            let is_gone = |place: usize| Dice(name(&library.rules[place])).below(n) != 0;
            Arc::new(with_looked_at(library, |place| !is_gone(place)))
        };
        Rulebooks { all: self.all.iter().map(part).collect(), fields: self.fields.clone() }
    }

    pub fn whole(&self) -> &Library {
        &self.all[0]
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.all[0].schema
    }

    /// The shipped rules from the beginning, and what becomes of them in so many days.
    pub fn changes(&self, dice: &mut Dice, beginning: Time, days: i64) -> Vec<Entry> {
        let entry = |arrival, effective, which| Entry { arrival, given: Given::Rules { effective, which }, chance: 0 };
        let first = if dice.one_in(3) { dice.below(self.all.len() as i64) as usize } else { 0 };
        let mut all = vec![entry(beginning, Time::MIN, first)];
        let mut day = dice.between(20, 900);
        while day < days {
            let now = beginning + Span(day * DAY + dice.below(DAY));
            let effective = match dice.below(4) {
                0 => now + Span(dice.between(1, 30 * 1_440) * MINUTE),
                1 => now - Span(dice.between(1, 40 * 1_440) * MINUTE),
                _ => now,
            };
            all.push(entry(now, effective, dice.below(self.all.len() as i64) as usize));
            day += dice.between(1, 700);
        }
        all
    }
}

/// A library without some rules, and without those that look at them.
fn without(library: &Library, is_gone: impl Fn(usize) -> bool) -> Library {
    let mut kept: Vec<bool> = (0..library.rules.len()).map(|place| !is_gone(place)).collect();
    while let Some(place) = (0..kept.len()).find(|&p| kept[p] && looked_at(library, p).any(|other| !kept[other])) {
        kept[place] = false;
    }
    only(library, &kept)
}

/// A library of some rules, and of those that they look at.
fn with_looked_at(library: &Library, is_kept: impl Fn(usize) -> bool) -> Library {
    let mut kept: Vec<bool> = (0..library.rules.len()).map(is_kept).collect();
    while let Some(place) = (0..kept.len()).find(|&p| kept[p] && looked_at(library, p).any(|other| !kept[other])) {
        looked_at(library, place).for_each(|other| kept[other] = true);
    }
    only(library, &kept)
}

/// The places of the rules that a rule looks at.
fn looked_at(library: &Library, place: usize) -> impl Iterator<Item = usize> {
    let streams = derived::uses(&library.rules[place]);
    let names = streams.into_iter().filter_map(|s| s.derived()).map(|d| library.derived[d].rule.clone());
    names.filter_map(|name| library.rules.iter().position(|r| r.name == name))
}

fn only(library: &Library, kept: &[bool]) -> Library {
    let rules = library.rules.iter().zip(kept).filter(|(_, kept)| **kept).map(|(rule, _)| rule.clone()).collect();
    Library { rules, ..library.clone() }
}
