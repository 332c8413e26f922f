//! How many rows satisfy a condition, and what their numbers come to, counted up row by row, so that a long window that counts or sums them is two look-ups and not a walk.
//!
//! Only of conditions that hang on nothing but the reading itself and the profile at its instant. Counts are kept for the stretch that was last asked for;
//! what changed in it is counted again.

use crate::plan::{Expr, Func, Measure, Ref, Window};

use super::profile::Set;

/// Counts for one condition of windows of one table.
#[derive(Debug)]
pub struct Tally {
    what: Measure,
    asks: Option<Expr>,
    filter: Option<Expr>,
    /// The defaults of profile fields under which it was counted.
    defaults: Vec<(u16, Option<Set>)>,
    /// Whether it can be counted at all.
    pub is_closed: bool,
    /// The first row that is counted.
    base: usize,
    /// After each row from there: how many count, and for how many of them what is asked is true.
    counts: Vec<[u32; 2]>,
    /// The sum of those that count up to there, of a window that sums.
    sums: Option<Vec<i128>>,
}

/// What some rows come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub count: u32,
    /// For how many of them what is asked is true.
    pub holding: u32,
    pub sum: i128,
}

/// What one row adds to it; `None`: it does not count.
pub type Row = Option<(bool, i64)>;

impl Tally {
    /// `defaults`: of each profile field, what holds where nobody set it.
    pub fn new(w: &Window, zone: Option<u16>, defaults: &[Option<Set>]) -> Tally {
        let mut fields = Vec::new();
        let mut is_closed = true;
        for expr in w.asks.iter().chain(&w.filter) {
            expr.walk(&mut |e| {
                is_closed &= hangs_on_the_reading(e);
                match e {
                    Expr::Profile(field) => fields.push(*field),
                    e if e.asks_calendar() => fields.extend(zone),
                    _ => {}
                }
            });
        }
        let default = |field: u16| (field, defaults.get(usize::from(field)).cloned().flatten());
        Tally {
            what: w.what,
            asks: w.asks.clone(),
            filter: w.filter.clone(),
            defaults: fields.into_iter().map(default).collect(),
            is_closed,
            base: 0,
            counts: Vec::new(),
            sums: sums(w).then(Vec::new),
        }
    }

    /// Whether it counts what a window asks.
    pub fn is_of(&self, w: &Window, defaults: &[Option<Set>]) -> bool {
        let same = |(field, default): &(u16, Option<Set>)| defaults.get(usize::from(*field)).is_some_and(|d| d == default);
        let counts = self.what == w.what && self.asks == w.asks && self.filter == w.filter;
        counts && (self.sums.is_some() || !sums(w)) && self.defaults.iter().all(same)
    }

    /// What the rows `from..to` come to; `of` says of a row whether it counts, and then whether what is asked is true, and its number.
    pub fn between(&mut self, from: usize, to: usize, mut of: impl FnMut(usize) -> Row) -> Counted {
        if from >= to {
            return Counted::default();
        }
        if from < self.base || from > self.base + self.counts.len() {
            self.base = from;
            self.truncate(0);
        }
        // What no window reaches any more goes when it is the greater part.
        if from - self.base > to - from + 64 {
            let many = from - self.base;
            let before = self.up_to(from);
            self.counts.drain(..many);
            self.counts.iter_mut().for_each(|c| *c = [c[0] - before.count, c[1] - before.holding]);
            if let Some(sums) = &mut self.sums {
                sums.drain(..many);
                sums.iter_mut().for_each(|sum| *sum -= before.sum);
            }
            self.base = from;
        }
        let mut last = self.up_to(self.base + self.counts.len());
        for row in self.base + self.counts.len()..to {
            if let Some((holds, number)) = of(row) {
                last.count += 1;
                last.holding += u32::from(holds);
                last.sum += i128::from(number);
            }
            self.counts.push([last.count, last.holding]);
            self.sums.iter_mut().for_each(|sums| sums.push(last.sum));
        }
        let (low, high) = (self.up_to(from), self.up_to(to));
        Counted { count: high.count - low.count, holding: high.holding - low.holding, sum: high.sum - low.sum }
    }

    /// What those before a row come to, from the first that is counted on.
    fn up_to(&self, row: usize) -> Counted {
        let Some(place) = row.checked_sub(self.base + 1) else { return Counted::default() };
        let [count, holding] = self.counts[place];
        Counted { count, holding, sum: self.sums.as_ref().map_or(0, |sums| sums[place]) }
    }

    fn truncate(&mut self, len: usize) {
        self.counts.truncate(len);
        self.sums.iter_mut().for_each(|sums| sums.truncate(len));
    }

    /// A row came in at this place or went from it, or what was there is decided otherwise.
    pub fn changed(&mut self, row: usize) {
        self.base = self.base.min(row);
        self.truncate(row - self.base);
    }
}

/// Whether a window asks what numbers come to.
fn sums(w: &Window) -> bool {
    matches!(w.func, Func::Sum | Func::Avg)
}

/// Whether a node hangs on the reading and the profile only.
pub fn hangs_on_the_reading(e: &Expr) -> bool {
    match e {
        Expr::Get { of, .. } => *of == Ref::Item,
        Expr::Now | Expr::Onset | Expr::Let(_) | Expr::Window(_) | Expr::Bound { .. } | Expr::Covered { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Anchor, Compare};
    use vitalog_elog::{FieldIx, Span, StreamIx};

    fn window(filter: Expr) -> Window {
        Window {
            func: Func::Count,
            stream: StreamIx(0),
            what: Measure::Itself,
            asks: None,
            filter: Some(filter),
            over: Span::days(1),
            anchor: Anchor::Decision,
            fresh: None,
        }
    }

    #[test]
    fn counts_follow_what_changes() {
        let mut values: Vec<i64> = (0..500).map(|i| i * 37 % 101).collect();
        let mut tally = Tally::new(&Window { func: Func::Sum, ..window(Expr::Bool(true)) }, None, &[]);
        for step in 0..3_000_usize {
            let (place, value) = (step * 7919 % values.len(), (step % 97) as i64);
            match step % 11 {
                0 => {
                    values.insert(place, value);
                    tally.changed(place);
                }
                1 => {
                    values.remove(place);
                    tally.changed(place);
                }
                2 => values.push(value),
                _ => {}
            }
            let from = step * 31 % values.len();
            let to = (from + step % 173).min(values.len());
            let counted = |v: &i64| *v % 3 != 0;
            let found = tally.between(from, to, |row| Some((values[row] > 50, values[row])).filter(|_| counted(&values[row])));
            let all = values[from..to].iter().filter(|v| counted(v));
            let holding = all.clone().filter(|v| **v > 50).count() as u32;
            let sum = all.clone().map(|v| i128::from(*v)).sum();
            assert_eq!(found, Counted { count: all.count() as u32, holding, sum }, "step {step}, rows {from}..{to}");
        }
    }

    #[test]
    fn a_condition_that_looks_elsewhere_is_not_counted() {
        let get = |of| Box::new(Expr::Get { of, what: Measure::Field(FieldIx(0)) });
        let below = |left, right| Expr::Compare { op: Compare::Lt, left, right };
        let own = below(get(Ref::Item), Box::new(Expr::Profile(1)));
        assert!(Tally::new(&window(own.clone()), None, &[]).is_closed);
        assert!(!Tally::new(&window(below(get(Ref::Item), get(Ref::Driver))), None, &[]).is_closed);
        assert!(!Tally::new(&window(below(get(Ref::Item), Box::new(Expr::Now))), None, &[]).is_closed);
        // Under another default it is another condition.
        let tally = Tally::new(&window(own.clone()), None, &[None, Some(Set::Number(3))]);
        assert!(tally.is_of(&window(own.clone()), &[None, Some(Set::Number(3))]));
        assert!(!tally.is_of(&window(own), &[None, Some(Set::Number(4))]));
    }
}
