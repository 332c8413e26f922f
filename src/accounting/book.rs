//! What is counted while a stage tells what it holds: tallies of windows, of parts of windows, or the revisions themselves of a few parts.
//!
//! Looking for a difference, windows are told apart first, then each window that differs is split by the first eight bits of its revisions' weights, and only of parts that differ are the revisions
//! looked at. Splitting in two each time would read all stages again for each bit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_elog::accounting::{Standing, Tally, Window, weight_unreadable};
use vitalog_elog::{Reading, Schema};

/// A window, or a part of one.
pub type Cell = (Window, Option<u8>);

/// What is told apart.
#[derive(Debug)]
pub enum Focus {
    Windows,
    /// Of these windows, the parts.
    Parts(BTreeSet<Window>),
    /// Of these parts, the revisions.
    Revisions(BTreeSet<Cell>),
    /// Whatever weighs so: by the next digit, and while they are few the revisions.
    Split(Prefix),
}

/// The first hexadecimal digits of a weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    digits: u32,
    value: u128,
}

/// Who is counted.
#[derive(Clone, Copy)]
pub enum Who<'a> {
    Revision(&'a Reading),
    Unreadable { subject: &'a str, name: &'a str },
}

/// A revision, or a row that can't be read, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub subject: Arc<str>,
    pub name: Arc<str>,
    /// 0 of a row that can't be read.
    pub rev: u32,
    pub weight: u128,
    pub window: Window,
}

/// How often each standing has it.
pub type Times = [i64; 2];

/// The counts of one stage at one position.
#[derive(Clone, Debug)]
pub struct Book {
    focus: Arc<Focus>,
    places: BTreeMap<Cell, usize>,
    tallies: Vec<[Tally; 2]>,
    /// The window of the last one: the next is mostly of the same.
    last: Option<(Window, Option<u8>, usize)>,
    pub revisions: BTreeMap<Named, Times>,
    /// There were too many revisions to keep.
    pub is_cut: bool,
}

/// Revisions that are kept of one that is split.
pub const FEW: usize = 200;

impl Prefix {
    /// Up to 31 hexadecimal digits, small letters.
    pub fn parse(text: &str) -> Option<Prefix> {
        if text.len() > 31 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        let value = if text.is_empty() { 0 } else { u128::from_str_radix(text, 16).ok()? };
        Some(Prefix { digits: text.len() as u32, value })
    }

    /// The next digit of a weight that begins so.
    fn next(self, weight: u128) -> Option<u8> {
        let begins = self.digits == 0 || weight >> (128 - 4 * self.digits) == self.value;
        begins.then_some((weight >> (124 - 4 * self.digits)) as u8 & 15)
    }
}

impl Who<'_> {
    pub fn weight(&self, schema: &Schema) -> u128 {
        match self {
            Who::Revision(reading) => vitalog_elog::accounting::weight(reading, schema),
            Who::Unreadable { subject, name } => weight_unreadable(subject, name),
        }
    }

    fn window(&self, schema: &Schema) -> Window {
        match self {
            Who::Revision(reading) => Window::of(reading, schema),
            Who::Unreadable { .. } => Window::default(),
        }
    }

    fn named(&self, weight: u128, window: Window) -> Named {
        match self {
            Who::Revision(reading) => Named {
                subject: reading.subject.as_str().into(),
                name: reading.given.clone().unwrap_or_else(|| reading.id.to_string().into()),
                rev: reading.rev,
                weight,
                window,
            },
            Who::Unreadable { subject, name } => {
                Named { subject: Arc::from(*subject), name: Arc::from(*name), rev: 0, weight, window }
            }
        }
    }
}

impl Book {
    pub fn new(focus: Arc<Focus>) -> Book {
        Book { focus, places: BTreeMap::new(), tallies: Vec::new(), last: None, revisions: BTreeMap::new(), is_cut: false }
    }

    /// Counts one in.
    pub fn put(&mut self, who: Who<'_>, standing: Standing, weight: u128, schema: &Schema) {
        self.count(who, standing, weight, schema, 1);
    }

    /// Counts one out that was counted in.
    pub fn take(&mut self, who: Who<'_>, standing: Standing, weight: u128, schema: &Schema) {
        self.count(who, standing, weight, schema, -1);
    }

    fn count(&mut self, who: Who<'_>, standing: Standing, weight: u128, schema: &Schema, times: i64) {
        let focus = self.focus.clone();
        let part = (weight >> 120) as u8;
        match &*focus {
            Focus::Windows => self.tally(who, None, standing, weight, schema, times),
            Focus::Parts(windows) => {
                if windows.contains(&who.window(schema)) {
                    self.tally(who, Some(part), standing, weight, schema, times);
                }
            }
            Focus::Revisions(cells) => {
                let cell = (who.window(schema), Some(part));
                if cells.contains(&cell) {
                    self.keep(who.named(weight, cell.0), standing, times);
                }
            }
            Focus::Split(prefix) => {
                if let Some(digit) = prefix.next(weight) {
                    let place = self.place((Window::default(), Some(digit)));
                    self.add(place, standing, weight, times);
                    if !self.is_cut {
                        self.keep(who.named(weight, who.window(schema)), standing, times);
                        self.is_cut = self.revisions.len() > FEW;
                    }
                }
            }
        }
    }

    fn tally(&mut self, who: Who<'_>, part: Option<u8>, standing: Standing, weight: u128, schema: &Schema, times: i64) {
        let place = match (&self.last, who) {
            (Some((window, of, place)), Who::Revision(reading)) if *of == part && window.is_of(reading, schema) => *place,
            _ => {
                let window = who.window(schema);
                let place = self.place((window.clone(), part));
                self.last = Some((window, part, place));
                place
            }
        };
        self.add(place, standing, weight, times);
    }

    fn place(&mut self, cell: Cell) -> usize {
        if let Some(place) = self.places.get(&cell) {
            return *place;
        }
        let place = self.tallies.len();
        self.tallies.push(Default::default());
        self.places.insert(cell, place);
        place
    }

    fn add(&mut self, place: usize, standing: Standing, weight: u128, times: i64) {
        let tally = &mut self.tallies[place][standing as usize];
        *tally = if times > 0 { tally.plus(Tally::of(weight)) } else { tally.minus(Tally::of(weight)) };
    }

    fn keep(&mut self, named: Named, standing: Standing, times: i64) {
        self.revisions.entry(named).or_default()[standing as usize] += times;
    }

    /// What a cell comes to.
    pub fn of(&self, cell: &Cell, standing: Standing) -> Tally {
        self.places.get(cell).map_or_else(Tally::default, |place| self.tallies[*place][standing as usize])
    }

    /// All cells, in order.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.places.keys()
    }

    /// What all cells come to.
    pub fn total(&self, standing: Standing) -> Tally {
        self.tallies.iter().fold(Tally::default(), |sum, tally| sum.plus(tally[standing as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_of_weights_that_begin_with_it() {
        let weight = 0x3f80_0000_0000_0000_0000_0000_0000_0001;
        for (text, next) in [("", Some(3)), ("3", Some(15)), ("3f", Some(8)), ("3e", None), ("4", None)] {
            assert_eq!(Prefix::parse(text).expect("a prefix").next(weight), next, "{text}");
        }
        let all = format!("{weight:032x}");
        assert_eq!(Prefix::parse(&all[..31]).expect("a prefix").next(weight), Some(1));
        for text in ["3F", "0x", "g", " 3", &all] {
            assert_eq!(Prefix::parse(text), None, "{text}");
        }
    }
}
