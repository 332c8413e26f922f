//! Numbers with units, and durations.
//!
//! A unit stands on the line of its number and holds together without blanks (`mg/dL`, `/min`); the longest known one is taken. Behind it
//! `/min`, `/h` … make a rate of change.

use std::sync::Arc;

use vitalog_elog::{Amount, Dimension, Span, Unit};

use super::cursor::RESERVED;
use super::{Failed, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::lexer::{Kind, Token};
use crate::source::Loc;
use crate::syntax::{Duration, Literal, Name, UnitWord};

/// The longest duration: ten years. What looks back further than that is a slip of the finger.
pub const MAX_SPAN: Span = Span::days(3660);

impl Parser<'_> {
    /// How many of the coming tokens hang together as a unit would, and their text.
    fn unit_like(&self, most: usize) -> Option<(usize, &str)> {
        let first = self.peek();
        if first.first_on_line || !matches!(first.kind, Kind::Word | Kind::Slash | Kind::Percent) {
            return None;
        }
        let mut count = 1;
        while count < most {
            let (last, next) = (self.ahead(count - 1), self.ahead(count));
            if last.end != next.start || !matches!(next.kind, Kind::Word | Kind::Slash) || last.kind == Kind::Percent {
                break;
            }
            count += 1;
        }
        let last = self.ahead(count - 1);
        // `/ min(…)` divides by a function.
        if last.kind == Kind::Word && self.ahead(count).kind == Kind::OpenParen && self.ahead(count).start == last.end {
            return None;
        }
        Some((count, self.text.get(first.start as usize..last.end as usize)?))
    }

    /// A known unit, if one comes.
    pub fn unit(&mut self) -> Option<UnitWord> {
        let first = self.peek();
        const LONGEST: usize = 7;
        let most = self.unit_like(LONGEST)?.0;
        let (count, name) = (1..=most).rev().find_map(|n| {
            let (count, text) = self.unit_like(n)?;
            (count == n && Unit::any_named(text).next().is_some()).then(|| (count, Arc::from(text)))
        })?;
        let from = self.at;
        for _ in 0..count {
            self.advance();
        }
        let per = self.per();
        if self.at - from < most {
            // It goes on to something that is no unit: `mg/dLL` is not 1 mg divided by `dLL`.
            self.at = from;
            return None;
        }
        self.mark_unit(from);
        Some(UnitWord { name, per, loc: self.since(first) })
    }

    /// `/min` right behind a unit.
    fn per(&mut self) -> Option<Arc<str>> {
        let (last, slash, word) = (self.lexed.tokens[self.at - 1], self.peek(), self.ahead(1));
        let adjacent = slash.kind == Kind::Slash && word.kind == Kind::Word && last.end == slash.start && slash.end == word.start;
        let call = self.ahead(2).kind == Kind::OpenParen;
        if !adjacent || call || Unit::named(Dimension::Time, self.slice(word)).is_none() {
            return None;
        }
        self.advance();
        self.advance();
        Some(Arc::from(self.slice(word)))
    }

    /// Whatever stands where a unit must stand; that it is one is checked later.
    pub fn unit_of_declaration(&mut self) -> Parsed<UnitWord> {
        let first = self.peek();
        if first.kind == Kind::Number && !first.first_on_line {
            self.advance();
            return Ok(UnitWord { name: Arc::from(self.slice(first)), per: None, loc: self.loc(first) });
        }
        if let Some(unit) = self.unit() {
            return Ok(unit);
        }
        let Some((count, text)) = self.unit_like(5) else { return Err(self.expected("a unit")) };
        let (name, from) = (Arc::from(text), self.at);
        for _ in 0..count {
            self.advance();
        }
        self.mark_unit(from);
        Ok(UnitWord { name, per: None, loc: self.since(first) })
    }

    /// A number with its unit, several of them for a duration. In an expression a word behind it must be a unit.
    pub fn literal(&mut self, in_expression: bool) -> Parsed<Literal> {
        let mut parts = Vec::new();
        loop {
            let number = self.need(Kind::Number, "")?;
            let digits: Arc<str> = Arc::from(self.slice(number));
            let unit = self.unit();
            if unit.is_none() && (in_expression || self.unit_like(2).is_some_and(|(count, _)| count > 1)) {
                self.refuse_unknown_unit(number)?;
            }
            let time = unit.as_ref().is_some_and(is_time);
            parts.push((digits, unit));
            if !(time && self.more_duration()) {
                break;
            }
        }
        let of = match self.is_word("of") && !self.peek().first_on_line {
            true => {
                self.advance();
                Some(self.any_name("a dimension (glucose, ketones, …)")?)
            }
            false => None,
        };
        Ok(Literal { parts, of })
    }

    /// Whether a number with a unit of time comes on this line.
    fn more_duration(&self) -> bool {
        let (number, unit) = (self.peek(), self.ahead(1));
        let is_unit =
            |t: Token| t.kind == Kind::Word && !t.first_on_line && Unit::named(Dimension::Time, self.slice(t)).is_some();
        number.kind == Kind::Number && !number.first_on_line && is_unit(unit) && self.ahead(2).kind != Kind::OpenParen
    }

    fn refuse_unknown_unit(&mut self, number: Token) -> Parsed<()> {
        let token = self.peek();
        let unit_like = token.kind == Kind::Word
            || (token.kind == Kind::Slash && token.start > number.end && self.ahead(1).start == token.end);
        if !unit_like || token.first_on_line || self.word_ahead(0).is_some_and(|w| RESERVED.contains(&w)) {
            return Ok(());
        }
        let Some((count, text)) = self.unit_like(5) else { return Ok(()) };
        let text = text.to_owned();
        let loc = self.loc(token).to(self.loc(self.ahead(count - 1)));
        self.report(unknown_unit(&text, loc, None));
        Err(Failed)
    }

    /// A written-out duration, positive and at most [`MAX_SPAN`].
    pub fn duration(&mut self, what: &str) -> Parsed<Duration> {
        let start = self.peek();
        let negative = self.eat(Kind::Minus).is_some();
        if !self.is(Kind::Number) {
            let needed = format!("{what}, as in `15 min`");
            if !self.is(Kind::Word) {
                return Err(self.expected(&needed));
            }
            let note = "a duration is written out: what a rule looks back on must be known when it is compiled";
            return Err(self.expected_noting(&needed, note));
        }
        let literal = self.literal(true)?;
        let loc = self.since(start);
        let mut total: i128 = 0;
        for (digits, unit) in &literal.parts {
            total += self.micros(digits, unit.as_ref(), loc)?;
        }
        let total = if negative { -total } else { total };
        if total <= 0 || total > i128::from(MAX_SPAN.0) {
            let (message, label) = match total {
                t if t > 0 => ("a duration is too long", format!("longer than {}", MAX_SPAN)),
                0 => ("a duration of nothing", "must be more than zero".to_owned()),
                _ => ("a negative duration", "must be more than zero".to_owned()),
            };
            self.report(Diagnostic::new(Code::DURATION, message, loc, label).help(format!("from 1 ms to {}", MAX_SPAN)));
            return Err(Failed);
        }
        Ok(Duration { span: Span(total as i64), loc })
    }

    fn micros(&mut self, digits: &str, unit: Option<&UnitWord>, loc: Loc) -> Parsed<i128> {
        let Some(word) = unit else {
            self.report(
                Diagnostic::new(Code::NO_UNIT, "a duration without a unit", loc, "of what?")
                    .fix(format!("write `{digits} min`"), loc, format!("{digits} min"))
                    .note("units of time: ms, s, min, h, d, weeks"),
            );
            return Err(Failed);
        };
        let time = if is_time(word) { Unit::named(Dimension::Time, &word.name) } else { None };
        let Some(time) = time else {
            let other = Unit::any_named(&word.name).next().map_or("something else", |u| u.dimension().name());
            self.report(
                Diagnostic::new(
                    Code::UNITS,
                    "a duration in a unit that is not one of time",
                    word.loc,
                    format!("this is {other}"),
                )
                .note("units of time: ms, s, min, h, d, weeks"),
            );
            return Err(Failed);
        };
        match Amount::parse(digits, time) {
            Ok(amount) => Ok(i128::from(amount.atoms())),
            Err(_) => {
                self.report(Diagnostic::new(Code::DURATION, "a duration is too long", loc, format!("longer than {}", MAX_SPAN)));
                Err(Failed)
            }
        }
    }
}

fn is_time(word: &UnitWord) -> bool {
    word.per.is_none() && Unit::named(Dimension::Time, &word.name).is_some()
}

/// Units as they are spoken, or written in pieces, with the way to write them.
const SPOKEN: &[(&str, &str)] = &[
    ("mm", "mmHg"),
    ("mmol", "mmol/L"),
    ("gram", "g"),
    ("grams", "g"),
    ("percent", "%"),
    ("hr", "h"),
    ("hrs", "h"),
    ("mins", "min"),
    ("bpm", "/min"),
    ("milligrams", "mg"),
    ("kilograms", "kg"),
];

/// A unit that does not exist, with the nearest that does.
pub fn unknown_unit(word: &str, loc: Loc, dimension: Option<Dimension>) -> Diagnostic {
    let d = Diagnostic::new(Code::UNKNOWN_UNIT, format!("there is no unit `{word}`"), loc, "not a unit");
    if matches!(word, "month" | "months" | "mo" | "year" | "years" | "y") {
        return d.help("months and years differ in length; write days, as in `30 d`");
    }
    if matches!(word, "am" | "pm" | "AM" | "PM" | "oclock") {
        return d.help("a time of day is written on 24 hours, as in `09:00` or `21:30`");
    }
    if let Some((_, unit)) = SPOKEN.iter().find(|(spoken, _)| *spoken == word) {
        return d.fix(format!("write `{unit}`"), loc, *unit);
    }
    let names = || Unit::all().filter(|u| dimension.is_none_or(|d| u.dimension() == d)).flat_map(|u| u.names().iter().copied());
    if nearest(word, names()).is_some() {
        return d.did_you_mean(loc, word, names());
    }
    match dimension {
        Some(dimension) => {
            let units: Vec<&str> = dimension.units().map(Unit::name).collect();
            d.help(format!("units of {dimension}: {}", units.join(", ")))
        }
        None => d,
    }
}

/// For diagnostics: the name a literal's dimension was said with.
pub fn dimension_named(name: &Name) -> Result<Dimension, Diagnostic> {
    Dimension::named(&name.text).ok_or_else(|| {
        let names: Vec<&str> = Dimension::ALL.iter().map(|d| d.name()).collect();
        Diagnostic::new(Code::UNKNOWN_NAME, format!("there is no dimension `{}`", name.text), name.loc, "not a dimension")
            .did_you_mean(name.loc, &name.text, names.iter().copied())
            .note(format!("dimensions: {}", names.join(", ")))
    })
}
