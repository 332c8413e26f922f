//! How what happened comes in: mostly in seconds; and late, in bulk and backwards, twice, corrected, taken back, by a clock that is wrong, or rounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::{Amount, Content, Reading, Span, Subject, Time, Value, When};

use super::dice::Draw;
use super::life::Event;
use super::speaker::Speaker;
use super::{DAY, Entry, Given, MINUTE};
use crate::population::Dice;

/// The inputs that come of what happened to one subject, in no order.
pub fn arrive(speaker: &Speaker, dice: &mut Dice, subject: &Subject, mut events: Vec<Event>, end: Time) -> Vec<Entry> {
    events.sort_by_key(|e| instant(&e.content));
    let rounds = dice.one_in(4);
    let careless = dice.pick(&[10, 40, 200]);
    let held = outages(dice, &events);
    let mut entries = Vec::new();
    for (nth, event) in events.into_iter().enumerate() {
        let mut content = event.content;
        if rounds {
            round(&mut content);
        }
        let at = instant(&content);
        let mut arrival = held.get(&nth).copied().unwrap_or(at + Span(dice.between(1, 40) * 1_000_000));
        if dice.one_in(careless * 3) {
            // Late by minutes, days or months; or its clock is ahead, and it comes before it happened.
            arrival = match dice.below(6) {
                0 => at - Span(dice.between(1, 3 * 1_440) * MINUTE),
                1 | 2 => at + Span(dice.between(1, 300) * MINUTE),
                3 | 4 => at + Span(dice.between(1, 6 * 24) * 60 * MINUTE),
                _ => at + Span::days(dice.between(5, 150)),
            };
        }
        if at > end && arrival <= end && !dice.one_in(4) {
            continue;
        }
        let stream = speaker.schema.get(content.stream).name.clone();
        let mut push = |arrival: Time, given: Option<&Arc<str>>, rev: u32, content: Option<&Content>| {
            let reading = match (content, given) {
                (Some(content), given) => Reading::present(subject.clone(), given.cloned(), rev, &stream, content.clone()),
                (None, Some(given)) => Reading::removal(subject.clone(), given.clone(), rev),
                (None, None) => return,
            };
            entries.push(Entry { arrival, given: Given::Reading(reading), chance: 0 });
        };
        let name: Arc<str> = Arc::from(format!("n{nth}"));
        let named = event.begun || dice.one_in(careless);
        if event.begun {
            let When::During { start, .. } = content.when else { continue };
            let begun = Content { when: When::During { start, end: None }, ..content.clone() };
            push(start + Span(dice.between(1, 20 * 60) * 1_000_000), Some(&name), 1, Some(&begun));
            push(arrival, Some(&name), 2, Some(&content));
        } else {
            push(arrival, named.then_some(&name), 1, Some(&content));
        }
        if dice.one_in(careless * 2) {
            // Sent again, or heard by another app as well.
            let mut again = content.clone();
            if dice.one_in(2) {
                again.source = Some(Arc::from("other"));
                shift(&mut again, dice.pick(&[0, 30_000_000, 40_000_000]));
            }
            push(arrival + Span(dice.pick(&[1_000_000, 60_000_000, DAY])), named.then_some(&name), 1, Some(&again));
        }
        if named {
            let later = arrival + Span(dice.pick(&[-MINUTE, MINUTE, 20 * MINUTE, DAY, 40 * DAY]) + dice.below(MINUTE));
            match dice.below(3) {
                0 => push(later, Some(&name), 3, None),
                1 => {
                    let mut other = content.clone();
                    amend(&mut other, dice);
                    push(later, Some(&name), 4, Some(&other));
                }
                _ => {}
            }
        }
    }
    entries
}

/// Stretches in which what is heard waits, and then comes at once, in order or backwards: which events, and when they arrive.
fn outages(dice: &mut Dice, events: &[Event]) -> BTreeMap<usize, Time> {
    let mut held = BTreeMap::new();
    let mut nth = dice.between(20, 400) as usize;
    while nth < events.len() {
        let count = dice.pick(&[3, 12, 60]).min(events.len() - nth);
        let last = instant(&events[nth + count - 1].content) + Span(MINUTE);
        let backwards = dice.one_in(3);
        for i in 0..count {
            let place = if backwards { count - 1 - i } else { i };
            held.insert(nth + i, last + Span(place as i64 * 100_000));
        }
        nth += count + dice.between(50, 900) as usize;
    }
    held
}

fn instant(content: &Content) -> Time {
    content.when.instant().unwrap_or_else(|| content.when.start())
}

fn shift(content: &mut Content, by: i64) {
    content.when = match content.when {
        When::At(t) => When::At(t + Span(by)),
        When::During { start, end } => When::During { start: start + Span(by), end: end.map(|t| t + Span(by)) },
    };
}

/// To five minutes: readings of several streams, and of one, share their instants.
fn round(content: &mut Content) {
    let whole = |t: Time| Time(t.0.div_euclid(5 * MINUTE) * 5 * MINUTE);
    content.when = match content.when {
        When::At(t) => When::At(whole(t)),
        When::During { start, end } => {
            When::During { start: whole(start), end: end.map(|t| whole(t).max(whole(start) + Span(MINUTE))) }
        }
    };
}

/// Another number, or another time.
fn amend(content: &mut Content, dice: &mut Dice) {
    if dice.one_in(3) {
        return shift(content, dice.between(-300, 300) * MINUTE);
    }
    if let Some(Some(Value::Quantity(Amount { digits, .. }))) = content.values.first_mut() {
        *digits = (*digits * dice.between(6, 14) / 10).max(1);
    }
}
