//! A life: what a person's devices measure and what the person writes down, over years.
//!
//! Habits come and go by the quarter, some weeks nothing is heard at all, and now and then something is worn that measures every few minutes
//! (see [`super::stretches`]).

use vitalog_elog::{Content, Time, When};

use super::dice::Draw;
use super::profiles::Home;
use super::speaker::{Say, Speaker};
use super::stretches::{self, Stretch};
use super::{BEGINNING, DAY, MINUTE};
use crate::population::Dice;

use Say::{Tenths, Text, Whole, Word, Yes};

/// What a person does regularly, in some quarters of a year.
const HABITS: usize = 8;
const PRICK: usize = 0;
const EAT: usize = 1;
const INJECT: usize = 2;
const TABLETS: usize = 3;
const CUFF: usize = 4;
const SLEEP: usize = 5;
const SPORT: usize = 6;
const PHONE: usize = 7;

/// Something that happened; of what goes on for a while, first that it began.
pub struct Event {
    pub content: Content,
    /// What was said of it while it went on.
    pub begun: bool,
}

impl Event {
    pub fn at(&self) -> Time {
        self.content.when.instant().unwrap_or_else(|| self.content.when.start())
    }
}

/// All that happened so far.
pub struct Told<'a> {
    pub speaker: &'a Speaker,
    pub events: Vec<Event>,
}

/// A person on the way through the days.
pub struct Life<'a> {
    pub dice: &'a mut Dice,
    pub told: Told<'a>,
    home: &'a Home,
    habits: [bool; HABITS],
    /// What the season brings: glucose in mg/dL, pressure in mmHg, per cent of the phone's disk.
    glucose: i64,
    pressure: i64,
    disk: i64,
    drug: &'static str,
}

/// All that happens in so many days, in no order.
pub fn live(speaker: &Speaker, dice: &mut Dice, home: &Home, days: i64) -> Vec<Event> {
    let has: Vec<bool> = (0..HABITS).map(|_| dice.one_in(4)).collect();
    let worn: i64 = dice.pick(&[150, 400, 400, 1500]);
    let mut life = Life {
        dice,
        told: Told { speaker, events: Vec::new() },
        home,
        habits: [false; HABITS],
        glucose: 120,
        pressure: 125,
        disk: 50,
        drug: "metformin",
    };
    let mut silent_until = 0;
    for day in 0..days {
        if day % 91 == 0 {
            life.season(&has);
        }
        if life.dice.one_in(60) {
            silent_until = day + life.dice.between(2, 80);
        }
        if day < silent_until {
            continue;
        }
        life.day(day);
        if life.dice.one_in(worn) {
            let midnight = BEGINNING.0 + day * DAY - home.offset;
            let which = life.dice.pick(&Stretch::ALL);
            stretches::wear(&mut life, which, midnight);
        }
    }
    life.told.events
}

impl Told<'_> {
    pub fn at(&mut self, at: i64, stream: &str, said: &[(&str, Say)]) {
        let content = self.speaker.at(stream, Time(at), said);
        self.events.push(Event { content, begun: false });
    }

    /// Something that lasted; now and then it was said that it began, too.
    pub fn during(&mut self, start: i64, end: i64, stream: &str, said: &[(&str, Say)]) {
        let when = When::During { start: Time(start), end: Some(Time(end)) };
        let content = self.speaker.content(stream, when, said);
        let begun = self.events.len().is_multiple_of(4);
        self.events.push(Event { content, begun });
    }
}

impl Life<'_> {
    fn season(&mut self, has: &[bool]) {
        for (habit, has) in self.habits.iter_mut().zip(has) {
            *habit = *has && self.dice.below(5) < 3;
        }
        self.glucose = self.dice.pick(&[110, 110, 140, 75, 65, 210, 290]);
        self.pressure = self.dice.pick(&[118, 118, 128, 137, 150, 168, 95]);
        self.drug = self.dice.pick(&["metformin", "metformin", "ramipril"]);
    }

    fn day(&mut self, day: i64) {
        let midnight = BEGINNING.0 + day * DAY - self.home.offset;
        // Never twice the same instant, but where somebody rounds (see `mishaps`).
        let mut clock = |hour: i64, minutes: i64| midnight + hour * 60 * MINUTE + self.dice.below(minutes * MINUTE);
        let (morning, noon, evening, night) = (clock(7, 50), clock(12, 90), clock(18, 90), clock(21, 90));
        let does = |life: &Self, habit: usize| life.habits[habit];
        if does(self, PRICK) {
            for at in [morning, evening] {
                if !self.dice.one_in(3) {
                    self.prick(at);
                }
            }
        }
        if does(self, EAT) {
            self.eat(self.dice.0 as i64 & 1, morning, noon);
        }
        if does(self, INJECT) && !self.dice.one_in(9) {
            let at = midnight + self.home.insulin_hour * 60 * MINUTE + self.dice.below(90 * MINUTE);
            self.told.at(at, "medication", &[("kind", Word("basal")), ("amount", Whole(20))]);
        }
        if does(self, TABLETS) && !self.dice.one_in(5) {
            self.tablets(midnight);
        }
        if does(self, CUFF) && !self.dice.one_in(2) {
            self.cuff(morning + 5 * MINUTE);
            self.cuff(night + 5 * MINUTE);
        }
        if does(self, SLEEP) && !self.dice.one_in(5) {
            let bed = midnight - self.dice.between(0, 180) * MINUTE;
            let minutes = self.dice.between(240, 540);
            let awake = self.dice.between(0, 150);
            let said = [("awake", Whole(awake)), ("deep", Whole(self.dice.between(10, 120))), ("rem", Whole(90))];
            self.told.during(bed, bed + minutes * MINUTE + self.dice.below(MINUTE), "sleep", &said);
        }
        if does(self, SPORT) && self.dice.one_in(3) {
            let minutes = self.dice.between(10, 100);
            let intensity = self.dice.pick(&["light", "moderate", "vigorous"]);
            self.told.during(evening - minutes * MINUTE, evening, "exercise", &[("intensity", Word(intensity))]);
        }
        if does(self, PHONE) {
            self.phone(noon + 20 * MINUTE);
        }
        self.rarely(noon + 40 * MINUTE);
    }

    /// A drop of blood; when it is low something is done about it, or not.
    fn prick(&mut self, at: i64) {
        let value =
            (self.glucose + self.dice.between(-35, 45) + if self.dice.one_in(40) { self.dice.between(-60, 400) } else { 0 })
                .clamp(25, 700);
        self.told.at(at, "bg", &[("value", Whole(value))]);
        if value < 70 && self.dice.one_in(2) {
            self.told.at(at + 3 * MINUTE, "carbs", &[("amount", Whole(15))]);
            let again = (value + self.dice.between(-12, 60)).clamp(25, 700);
            self.told.at(at + self.dice.between(16, 29) * MINUTE, "bg", &[("value", Whole(again))]);
        }
        if value < 54 && self.dice.one_in(3) {
            let said = [("what", Word("hypoglycaemia")), ("assisted", Yes(self.dice.one_in(2)))];
            self.told.at(at + 5 * MINUTE, "symptom", &said);
        }
        if value > 250 && self.dice.one_in(2) {
            self.told.at(
                at + 4 * MINUTE,
                "medication",
                &[("kind", Word("correction")), ("amount", Whole(self.dice.between(1, 6)))],
            );
            self.told.at(at + 6 * MINUTE, "ketones", &[("value", Tenths(self.dice.pick(&[1, 3, 7, 17, 35])))]);
            if self.dice.one_in(3) {
                self.told.at(at + 100 * MINUTE, "bg", &[("value", Whole(value - 20))]);
                self.told.at(at + 110 * MINUTE, "medication", &[("kind", Word("correction")), ("amount", Whole(3))]);
            }
        }
        if self.dice.one_in(150) {
            let shown = self.dice.pick(&["low", "high"]);
            self.told.at(at + 2 * MINUTE, "bg_limit", &[("shown", Word(shown)), ("source", Word("meter"))]);
        }
    }

    fn eat(&mut self, which: i64, morning: i64, noon: i64) {
        let at = if which == 0 { morning + 30 * MINUTE } else { noon };
        let grams = self.dice.between(8, 110);
        self.told.at(at, "carbs", &[("amount", Whole(grams)), ("meal", Text("Lunch"))]);
        if self.habits[INJECT] && !self.dice.one_in(4) {
            let units = if self.dice.one_in(120) { 60 } else { grams / 10 + 1 };
            self.told.at(
                at + self.dice.between(-10, 25) * MINUTE,
                "medication",
                &[("kind", Word("bolus")), ("amount", Whole(units))],
            );
        }
        if self.habits[PRICK] && self.dice.one_in(3) {
            self.prick(at - 5 * MINUTE);
            let later = at + self.dice.between(50, 110) * MINUTE;
            self.prick(later);
        }
    }

    fn tablets(&mut self, midnight: i64) {
        let at = midnight + self.home.tablet_hour * 60 * MINUTE + self.dice.between(-40, 100) * MINUTE;
        self.told.at(at, "medication", &[("kind", Word("oral")), ("drug", Text(self.drug))]);
        if self.dice.one_in(25) {
            self.told.at(at + 30 * MINUTE, "medication", &[("kind", Word("oral")), ("drug", Text(self.drug))]);
        }
    }

    /// Two in a row, rarely lying and then standing, or at the doctor's.
    fn cuff(&mut self, at: i64) {
        let rise = if self.dice.one_in(30) { self.dice.between(30, 70) } else { 0 };
        let place = self.dice.pick(&[None, Some("home"), Some("home"), Some("home"), Some("office")]);
        let stands = self.dice.one_in(8);
        for nth in 0..2 {
            let fall = if stands && nth == 1 { 25 } else { 0 };
            let systolic = (self.pressure + rise - fall + self.dice.between(-12, 12)).clamp(60, 280);
            let mut said = vec![("systolic", Whole(systolic)), ("diastolic", Whole((systolic * 62 / 100).max(25)))];
            said.extend(place.map(|p| ("place", Word(p))));
            if stands {
                said.push(("posture", Word(if nth == 0 { "lying" } else { "standing" })));
            }
            if systolic > 180 && self.dice.one_in(2) {
                said.push(("alarm_signs", Yes(self.dice.one_in(2))));
            }
            if self.dice.one_in(200) {
                said[1] = ("diastolic", Whole(systolic - 4));
            }
            self.told.at(at + nth * self.dice.between(1, 5) * MINUTE, "bp", &said);
        }
    }

    fn phone(&mut self, at: i64) {
        self.disk = if self.disk > 98 { 40 } else { self.disk + self.dice.pick(&[0, 0, 0, 1]) };
        let said = [
            ("battery", Whole(self.dice.between(3, 100))),
            ("cpu", Whole(self.dice.between(2, 99))),
            ("memory", Whole(self.dice.between(30, 98))),
            ("disk", Whole(self.disk)),
        ];
        self.told.at(at, "device", &said);
        if self.dice.one_in(3) {
            self.told.at(at + 7 * MINUTE, "contact", &[("source", Text("phone"))]);
        }
    }

    fn rarely(&mut self, at: i64) {
        if self.dice.one_in(80) {
            let what = self.dice.pick(&["illness", "hyperglycaemia", "other"]);
            self.told.at(at, "symptom", &[("what", Word(what))]);
        }
        if self.dice.one_in(120) {
            self.told.at(at + MINUTE, "diary", &[("what", Word("meal")), ("amount", Word("more"))]);
        }
        if self.dice.one_in(100) {
            self.told.at(at + 2 * MINUTE, "a1c", &[("value", Tenths(self.dice.between(50, 110)))]);
        }
    }
}
