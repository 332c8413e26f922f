//! What of a condition can be told from numbers that are at hand, compiled once for each version.
//!
//! Most readings fail the cheapest part of a condition, so most cost one comparison of two integers per rule. A guard knows fields of the reading, constants,
//! the profile, the instants of the decision, and windows whose value need not be gathered; it leaves out the parts of a condition that ask for more, and asks
//! the cheap ones first.
//!
//! INVARIANT (certain): what a guard tells, true or false, the whole condition comes to. It tells nothing where it does not know, and never says unknown.

use vitalog_elog::FieldIx;

use super::rests::Band;
use super::sieve::Sieve;
use super::version::Case;
use crate::eval::{Ratio, holds, level, short};
use crate::plan::{Anchor, Arith, Compare, Expr, Func, Measure, Ref, Window};
use crate::timeline::{Cell, Set, Table};

/// A condition, or what can be told of it.
#[derive(Debug)]
pub enum Guard {
    Fixed(bool),
    /// Two whole numbers that are looked up.
    Whole(Compare, Whole, Whole),
    /// `sieve`: what is told of many rows at once.
    Numbers {
        op: Compare,
        left: Number,
        right: Number,
        sieve: Option<Sieve>,
    },
    /// All numbers of a window are the same.
    Level(Box<Window>),
    /// Yes or no of the profile.
    Flag(u16),
    /// A word of the reading, by its place.
    Word(FieldIx, Compare, u16),
    Not(Box<Guard>),
    /// The cheaper before the dearer; `is_whole`: none was left out.
    All {
        parts: Vec<Guard>,
        is_whole: bool,
    },
    Any {
        parts: Vec<Guard>,
        is_whole: bool,
    },
}

/// A whole number at hand.
#[derive(Clone, Copy, Debug)]
pub enum Whole {
    Field(FieldIx),
    Fixed(i64),
    Profile(u16),
    Now,
    Onset,
}

/// A number.
#[derive(Debug)]
pub enum Number {
    Whole(Whole),
    Fixed(Ratio),
    Window(Box<Window>),
    Neg(Box<Number>),
    Arith(Arith, Box<Number>, Box<Number>),
    If(Box<Guard>, Box<Number>, Box<Number>),
}

/// Of what a guard is made.
#[derive(Clone, Copy)]
pub struct Source<'e> {
    /// Whose reading the condition is asked of.
    pub of: Ref,
    /// The rule's `let`s.
    pub lets: &'e [Expr],
    /// Whether the onset is known where it is asked: of a step it hangs on where the match begins.
    pub knows_onset: bool,
}

/// The reading at hand, decided at its own instant.
#[derive(Clone, Copy)]
pub struct Here<'c, 'a> {
    pub case: &'c Case<'a>,
    pub table: &'c Table,
    pub row: usize,
    pub onset: i64,
}

impl Source<'_> {
    /// What can be told of a condition; `None`: nothing.
    pub fn guard(&self, condition: &Expr) -> Option<Guard> {
        Some(match condition {
            Expr::Bool(b) => Guard::Fixed(*b),
            Expr::Profile(field) => Guard::Flag(*field),
            Expr::Not(e) => Guard::Not(Box::new(self.guard(e)?)),
            Expr::And(all) => {
                let (parts, is_whole) = self.parts(all)?;
                Guard::All { parts, is_whole }
            }
            Expr::Or(any) => {
                let (parts, is_whole) = self.parts(any)?;
                Guard::Any { parts, is_whole }
            }
            Expr::Between { value, low, high } => {
                let bounds = [self.compare(Compare::Ge, value, low), self.compare(Compare::Le, value, high)];
                let is_whole = bounds.iter().all(Option::is_some);
                let parts: Vec<Guard> = bounds.into_iter().flatten().collect();
                (!parts.is_empty()).then_some(Guard::All { parts, is_whole })?
            }
            Expr::Compare { op, left, right } => self.compare(*op, left, right)?,
            Expr::Let(place) => self.before(*place)?.guard(self.lets.get(usize::from(*place))?)?,
            _ => return None,
        })
    }

    fn parts(&self, all: &[Expr]) -> Option<(Vec<Guard>, bool)> {
        let mut parts: Vec<Guard> = all.iter().filter_map(|e| self.guard(e)).collect();
        parts.sort_by_key(Guard::cost);
        let is_whole = parts.len() == all.len();
        (!parts.is_empty()).then_some((parts, is_whole))
    }

    fn compare(&self, op: Compare, left: &Expr, right: &Expr) -> Option<Guard> {
        match (left, right) {
            (Expr::Get { of, what: Measure::Field(field) }, Expr::Enum(place)) if *of == self.of => {
                return Some(Guard::Word(*field, op, *place));
            }
            (Expr::Enum(place), Expr::Get { of, what: Measure::Field(field) }) if *of == self.of => {
                return Some(Guard::Word(*field, op.mirrored(), *place));
            }
            (Expr::Window(a), Expr::Window(b)) if op == Compare::Eq && are_extremes(a, b) => {
                return Some(Guard::Level(a.clone()));
            }
            _ => {}
        }
        Some(match (self.number(left)?, self.number(right)?) {
            (Number::Whole(a), Number::Whole(b)) => Guard::Whole(op, a, b),
            (left, right) => {
                let sieve = Sieve::of(op, &left, &right);
                Guard::Numbers { op, left, right, sieve }
            }
        })
    }

    fn number(&self, expr: &Expr) -> Option<Number> {
        let boxed = |e: &Expr| self.number(e).map(Box::new);
        Some(match expr {
            Expr::Number(n) if n.d == 1 => Number::Whole(Whole::Fixed(n.n)),
            Expr::Number(n) => Number::Fixed(Ratio::new(i128::from(n.n), i128::from(n.d))?),
            Expr::Get { of, what: Measure::Field(field) } if *of == self.of => Number::Whole(Whole::Field(*field)),
            Expr::Get { of, what: Measure::At } if *of == self.of => Number::Whole(Whole::Now),
            Expr::Now => Number::Whole(Whole::Now),
            Expr::Onset if self.knows_onset => Number::Whole(Whole::Onset),
            Expr::Profile(field) => Number::Whole(Whole::Profile(*field)),
            Expr::Window(w) if w.anchor == Anchor::Decision && w.fresh.is_none() => Number::Window(w.clone()),
            Expr::Neg(e) => Number::Neg(boxed(e)?),
            Expr::Arith { op, left, right } => Number::Arith(*op, boxed(left)?, boxed(right)?),
            Expr::If { condition, then, otherwise } => {
                Number::If(Box::new(self.guard(condition)?), boxed(then)?, boxed(otherwise)?)
            }
            Expr::Let(place) => self.before(*place)?.number(self.lets.get(usize::from(*place))?)?,
            _ => return None,
        })
    }

    /// What a `let` sees: those before it.
    fn before(&self, place: u16) -> Option<Source<'_>> {
        Some(Source { lets: self.lets.get(..usize::from(place))?, ..*self }).filter(|_| usize::from(place) < self.lets.len())
    }
}

impl Guard {
    /// What the condition comes to, where it can be told.
    #[inline]
    pub fn ask(&self, here: &Here<'_, '_>) -> Option<bool> {
        match self {
            Guard::Whole(op, left, right) => Some(holds(*op, left.of(here)?.cmp(&right.of(here)?))),
            Guard::Numbers { op, left, right, .. } => Some(holds(*op, left.of(here)?.compare(right.of(here)?))),
            Guard::Level(w) => level(w, here.case.line, here.table.at(here.row)),
            Guard::Flag(field) => match here.case.profile(*field, here.table.at(here.row))? {
                Set::Bool(truth) => Some(*truth),
                _ => None,
            },
            Guard::Word(field, op, place) => match here.table.column(*field)?.cell(here.row)? {
                Cell::Enum(word) => Some(holds(*op, word.cmp(place))),
                _ => None,
            },
            Guard::Fixed(truth) => Some(*truth),
            Guard::Not(e) => e.ask(here).map(|truth| !truth),
            Guard::All { parts, is_whole } => one_decides(parts, *is_whole, here, false),
            Guard::Any { parts, is_whole } => one_decides(parts, *is_whole, here, true),
        }
    }

    /// Between which numbers a reading must say what it says for the condition to be true, whenever from one instant to another it is asked; one that says no number is in
    /// no band. `None`: that is not known.
    pub fn band(&self, case: &Case<'_>, from: i64, to: i64) -> Option<Band> {
        match self {
            Guard::Whole(op, Whole::Field(field), bound) => true_of(*field, *op, bound.all_along(case, from, to)?),
            Guard::Whole(op, bound, Whole::Field(field)) => true_of(*field, op.mirrored(), bound.all_along(case, from, to)?),
            Guard::All { parts, .. } => {
                let mut bands = parts.iter().filter_map(|part| part.band(case, from, to));
                let first = bands.next()?;
                let narrower = |a: Band, b: Band| Band { low: a.low.max(b.low), high: a.high.min(b.high), ..a };
                Some(bands.filter(|other| other.field == first.field).fold(first, narrower))
            }
            _ => None,
        }
    }

    /// Where it belongs among others: before those that cost more.
    fn cost(&self) -> u32 {
        match self {
            Guard::Fixed(_) => 0,
            Guard::Whole(..) | Guard::Word(..) | Guard::Flag(_) => 1,
            // Mostly the newest two differ.
            Guard::Level(_) => 8,
            Guard::Numbers { left, right, .. } => 2 + left.cost() + right.cost(),
            Guard::Not(e) => e.cost(),
            Guard::All { parts, .. } | Guard::Any { parts, .. } => parts.iter().map(Guard::cost).sum(),
        }
    }
}

/// One part that is as `decisive` says decides; all others together, if none was left out.
#[inline]
fn one_decides(parts: &[Guard], is_whole: bool, here: &Here<'_, '_>, decisive: bool) -> Option<bool> {
    let mut tells = is_whole;
    for part in parts {
        match part.ask(here) {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => tells = false,
        }
    }
    tells.then_some(!decisive)
}

/// The numbers of which `number op bound` is true, where they lie together.
fn true_of(field: FieldIx, op: Compare, bound: i64) -> Option<Band> {
    let (low, high) = match op {
        Compare::Lt => (i64::MIN, bound.checked_sub(1)?),
        Compare::Le => (i64::MIN, bound),
        Compare::Gt => (bound.checked_add(1)?, i64::MAX),
        Compare::Ge => (bound, i64::MAX),
        Compare::Eq => (bound, bound),
        Compare::Ne => return None,
    };
    Some(Band { field, low, high })
}

/// What two numbers come to.
pub fn reckoned(op: Arith, a: Ratio, b: Ratio) -> Option<Ratio> {
    match op {
        Arith::Add => a.add(b),
        Arith::Sub => a.sub(b),
        Arith::Mul => a.mul(b),
        Arith::Div => a.div(b),
    }
}

/// Whether two windows are the greatest and the least of the same numbers.
fn are_extremes(a: &Window, b: &Window) -> bool {
    let funcs = matches!((a.func, b.func), (Func::Max, Func::Min) | (Func::Min, Func::Max));
    funcs && a.anchor == Anchor::Decision && a.fresh.is_none() && Window { func: a.func, ..b.clone() } == *a
}

impl Whole {
    /// What it is at every instant from one to another, if it is the same.
    pub fn all_along(self, case: &Case<'_>, from: i64, to: i64) -> Option<i64> {
        match self {
            Whole::Fixed(n) => Some(n),
            Whole::Profile(field) if !case.line.profile.changes(field).any(|at| from < at && at <= to) => {
                match case.profile(field, from)? {
                    Set::Number(n) => Some(*n),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    #[inline]
    fn of(self, here: &Here<'_, '_>) -> Option<i64> {
        match self {
            Whole::Field(field) => here.table.column(field)?.number(here.row),
            Whole::Fixed(n) => Some(n),
            Whole::Profile(field) => match here.case.profile(field, here.table.at(here.row))? {
                Set::Number(n) => Some(*n),
                _ => None,
            },
            Whole::Now => Some(here.table.at(here.row)),
            Whole::Onset => Some(here.onset),
        }
    }
}

impl Number {
    fn of(&self, here: &Here<'_, '_>) -> Option<Ratio> {
        match self {
            Number::Whole(whole) => whole.of(here).map(Ratio::whole),
            Number::Fixed(n) => Some(*n),
            Number::Window(w) => short(w, here.case.line, here.table.at(here.row)),
            Number::Neg(e) => e.of(here)?.neg(),
            Number::Arith(op, left, right) => reckoned(*op, left.of(here)?, right.of(here)?),
            Number::If(condition, then, otherwise) => if condition.ask(here)? { then } else { otherwise }.of(here),
        }
    }

    fn cost(&self) -> u32 {
        match self {
            Number::Whole(_) | Number::Fixed(_) => 0,
            Number::Window(w) => match w.func {
                Func::First | Func::Last | Func::Delta => 10,
                // Of a few it is one walk, of many it is kept; and seldom are there as many as are asked for.
                Func::Reversals => 12,
                Func::Sum | Func::Avg | Func::Min | Func::Max => 15,
                // That there are enough readings, or none of another stream, is mostly true, and decides nothing then; but rows are not walked along for it, as for what follows.
                Func::Count => 20,
                _ => 40,
            },
            Number::Neg(e) => 1 + e.cost(),
            Number::Arith(_, left, right) => 2 + left.cost() + right.cost(),
            Number::If(condition, then, otherwise) => condition.cost() + then.cost().max(otherwise.cost()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(of: Ref) -> Box<Expr> {
        Box::new(Expr::Get { of, what: Measure::Field(FieldIx(0)) })
    }

    fn below(n: i64, right: Box<Expr>) -> Expr {
        Expr::Compare { op: Compare::Lt, left: Box::new(Expr::number(n)), right }
    }

    #[test]
    fn a_comparison_is_true_in_its_band_and_nowhere_else() {
        for op in [Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge, Compare::Eq] {
            let band = true_of(FieldIx(0), op, 3).expect("there is one");
            assert!((-9..9).all(|n: i64| holds(op, n.cmp(&3)) == (band.low <= n && n <= band.high)), "{op:?}");
        }
        let none = [(Compare::Ne, 3), (Compare::Lt, i64::MIN), (Compare::Gt, i64::MAX)];
        assert!(none.into_iter().all(|(op, bound)| true_of(FieldIx(0), op, bound).is_none()));
    }

    #[test]
    fn what_cannot_be_told_is_left_out_and_noted() {
        let lets = [Expr::number(3), Expr::Let(0), Expr::Let(7)];
        let source = Source { of: Ref::Driver, lets: &lets, knows_onset: true };
        let (known, foreign) = (below(5, get(Ref::Driver)), below(5, get(Ref::Candidate)));
        assert!(matches!(source.guard(&known), Some(Guard::Whole(Compare::Lt, Whole::Fixed(5), Whole::Field(_)))));
        assert!(source.guard(&foreign).is_none());
        assert!(source.guard(&Expr::And(vec![foreign.clone(), foreign.clone()])).is_none());
        // Where a match begins is not known when a step's reading is looked at alone.
        let onset = below(5, Box::new(Expr::Onset));
        assert!(source.guard(&onset).is_some() && Source { knows_onset: false, ..source }.guard(&onset).is_none());
        // Another reading's instant and words are not those of the one at hand.
        let at = |of| Box::new(Expr::Get { of, what: Measure::At });
        assert!(source.guard(&below(5, at(Ref::Driver))).is_some() && source.guard(&below(5, at(Ref::Step(0)))).is_none());
        let is_word = |left: Box<Expr>, right: Box<Expr>| source.guard(&Expr::Compare { op: Compare::Eq, left, right });
        let word = || Box::new(Expr::Enum(1));
        assert!(is_word(get(Ref::Driver), word()).is_some() && is_word(get(Ref::Step(0)), word()).is_none());
        assert!(is_word(word(), get(Ref::Driver)).is_some() && is_word(word(), get(Ref::Step(0))).is_none());
        let part = source.guard(&Expr::And(vec![foreign.clone(), known.clone()]));
        assert!(matches!(part, Some(Guard::All { parts, is_whole: false }) if parts.len() == 1));
        let all = source.guard(&Expr::Or(vec![known.clone(), Expr::Bool(false)]));
        assert!(matches!(all, Some(Guard::Any { parts, is_whole: true }) if matches!(parts[0], Guard::Fixed(false))));
        assert!(matches!(source.guard(&Expr::Profile(4)), Some(Guard::Flag(4))));
        // A `let` sees those before it.
        let of_let = |place| source.guard(&below(5, Box::new(Expr::Let(place))));
        assert!(matches!(of_let(1), Some(Guard::Whole(_, Whole::Fixed(5), Whole::Fixed(3)))));
        assert!(of_let(2).is_none() && of_let(9).is_none());
    }
}
