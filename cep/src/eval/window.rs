//! Which readings a window has, and what becomes of them.

use std::ops::Range;

use super::aggregate::{fold, fractional, has, of_nothing, unfiltered};
use super::calendar::{Calendar, Stretch, night};
use super::line::Line;
use super::ratio::Ratio;
use super::ready::Condition;
use super::timed::{coverage, coverage_among, days, days_among, decayed, forecast, share, share_among, time_in};
use super::value::Value;
use super::{Binding, Rows, Scope};
use crate::plan::{Anchor, Edge, Func, Measure, Window};
use crate::timeline::{Counted, Table, Tally, Timeline};

/// Where a window lies on the timeline of a decision.
pub struct Place {
    /// Ascending, apart.
    pub stretches: Vec<Stretch>,
    /// Where the last ends: from here ages are counted. Of whole days and nights the first instant that is not in it any more.
    pub end: i64,
}

/// The readings of a window that count, and where it lies.
pub struct Chosen<'t> {
    pub table: &'t Table,
    pub rows: Vec<usize>,
    pub place: Place,
}

/// A window's value.
pub fn window<'a>(w: &'a Window, scope: &Scope<'a, '_>) -> Value<'a> {
    let (to, without) = match w.anchor {
        Anchor::Decision => match scope.end {
            Some(end) => (end, None),
            None => return Value::Unknown,
        },
        Anchor::Until => (scope.now.saturating_sub(1), None),
        Anchor::Before(step) => {
            let Some(bound) = scope.bound.get(usize::from(step)) else { return Value::Unknown };
            let (Some(table), Some(&last)) = (bound.table(scope.line), bound.last_rows().first()) else {
                return Value::Unknown;
            };
            (table.at(last), (bound.stream == w.stream).then_some(bound))
        }
        Anchor::After(_) | Anchor::Days(_) | Anchor::Nights(_) => return placed(w, scope),
    };
    if without.is_none()
        && let Some(counted) = tallied(w, scope, to)
    {
        return counted;
    }
    if let Some(line) = drawn_on(w, scope.line, to, if w.anchor == Anchor::Until { scope.now } else { to }) {
        return Value::number(line);
    }
    if !is_plain(w) {
        let from = to.saturating_sub(w.over.0).saturating_add(1);
        let end = if w.anchor == Anchor::Until { scope.now } else { to };
        return of_chosen(w, scope, Place { stretches: vec![Stretch { from, to }], end }, without);
    }
    let Some(table) = scope.line.table(w.stream) else { return of_nothing(w.func) };
    let rows = table.window(w.over.0, to);
    let (rows, without) = match without.and_then(|own| before_own(&rows, own)) {
        Some(rest) => (rest, None),
        None => (rows, without),
    };
    if w.filter.is_none() && without.is_none() {
        if let Some(short) = unfiltered(w.func, table, rows.clone(), w.what) {
            return short;
        }
        if let Measure::Field(field) = w.what
            && table.is_silent_in(field)
        {
            return of_nothing(w.func);
        }
        return fold(w.func, table, rows, w.what);
    }
    let counting = Counting::of(w, scope, table, rows.clone(), without);
    fold(w.func, table, rows.filter(|&row| counting.has(row)), w.what)
}

/// The rows of a window without those that a step bound, where these are its last.
fn before_own(rows: &Range<usize>, own: &Binding) -> Option<Range<usize>> {
    if own.edge != Edge::End {
        return None;
    }
    let mut left = own.rows.iter().rev().skip_while(|row| **row >= rows.end).peekable();
    let mut end = rows.end;
    while end > rows.start && left.next_if(|row| **row == end - 1).is_some() {
        end -= 1;
    }
    left.next().is_none_or(|row| *row < rows.start).then_some(rows.start..end)
}

/// A window's number at `now`, where it can be told without looking at each reading. `None` says nothing.
#[inline]
pub fn short(w: &Window, line: &Timeline, now: i64) -> Option<Ratio> {
    if let Func::Forecast(_) = w.func {
        return if w.anchor == Anchor::Decision { drawn_on(w, line, now, now).flatten() } else { None };
    }
    if w.anchor != Anchor::Decision || w.fresh.is_some() || !is_plain(w) {
        return None;
    }
    let table = line.table(w.stream)?;
    let rows = table.window(w.over.0, now);
    let found = if w.filter.is_none() {
        unfiltered(w.func, table, rows, w.what)?
    } else if rows.is_empty() {
        of_nothing(w.func)
    } else {
        return None;
    };
    if let Value::Number(n) = found { Some(n) } else { None }
}

/// Which of some rows of its stream a window counts, ascending.
pub fn counting<'a>(w: &'a Window, scope: &Scope<'a, '_>, table: &'a Table, rows: Range<usize>) -> Vec<usize> {
    let counting = Counting::of(w, scope, table, rows.clone(), None);
    rows.filter(|&row| counting.has(row) && has(table, row, w.what)).collect()
}

/// Whether all numbers of a window at `now` are the same; most differ from the newest soon. `None` says nothing.
pub fn level(w: &Window, line: &Timeline, now: i64) -> Option<bool> {
    let Measure::Field(field) = w.what else { return None };
    if w.filter.is_some() {
        return None;
    }
    let table = line.table(w.stream)?;
    let numbers = table.column(field)?.numbers(table.window(w.over.0, now))?;
    let (newest, others) = numbers.split_last()?;
    Some(others.iter().rev().all(|n| n == newest))
}

/// From so many readings on a window's condition is counted once for each, and not again for each window.
const LONG: usize = 64;

/// A long window that counts or sums readings under a condition of their own. `None` says nothing.
fn tallied<'a>(w: &'a Window, scope: &Scope<'a, '_>, to: i64) -> Option<Value<'a>> {
    let field = if let Measure::Field(field) = w.what { Some(field) } else { None };
    let counts = match w.func {
        Func::Share => true,
        Func::Count => w.filter.is_some(),
        Func::Sum | Func::Avg => w.filter.is_some() && field.is_some(),
        _ => false,
    };
    if !counts || w.fresh.is_some() {
        return None;
    }
    let table = scope.line.table(w.stream)?;
    let rows = table.window(w.over.0, to);
    if rows.len() < LONG || fractional(table, w.what).is_some() {
        return None;
    }
    let mut tallies = table.tallies();
    let defaults = &scope.terms.defaults;
    let place = tallies.iter().position(|t| t.is_of(w, defaults)).unwrap_or_else(|| {
        tallies.push(Tally::new(w, scope.terms.zone, defaults));
        tallies.len() - 1
    });
    let tally = &mut tallies[place];
    if !tally.is_closed {
        return None;
    }
    let column = field.and_then(|field| table.column(field));
    let Counted { count, holding, sum } = tally.between(rows.start, rows.end, |row| {
        let inside = scope.with_item(Rows::one(table, row));
        let passes = w.filter.as_ref().is_none_or(|f| super::truth(f, &inside) == Some(true)) && has(table, row, w.what);
        let holds = w.asks.as_ref().filter(|_| passes).map_or(passes.then_some(true), |asks| super::truth(asks, &inside));
        holds.map(|holds| (holds, column.and_then(|column| column.number(row)).unwrap_or(0)))
    });
    Some(Value::number(match w.func {
        Func::Share => Ratio::new(i128::from(holding) * i128::from(super::timed::WHOLE), i128::from(count)),
        Func::Avg => Ratio::new(sum, i128::from(count)),
        Func::Sum => Some(Ratio { n: sum, d: 1 }),
        _ => Some(Ratio { n: i128::from(count), d: 1 }),
    }))
}

/// The line through plain numbers up to an instant, drawn on from where the window ends: where it comes to, if anywhere. `None` says nothing.
fn drawn_on(w: &Window, line: &Timeline, to: i64, end: i64) -> Option<Option<Ratio>> {
    let (Func::Forecast(ahead), Measure::Field(field), Anchor::Decision | Anchor::Until) = (w.func, w.what, w.anchor) else {
        return None;
    };
    if w.filter.is_some() || w.fresh.is_some() {
        return None;
    }
    let table = line.table(w.stream)?;
    if table.is_silent_in(field) {
        return Some(None);
    }
    let rows = table.window(w.over.0, to);
    let (instants, numbers) = (table.instants(rows.clone()), table.column(field)?.numbers(rows)?);
    Some(Line::along(instants, numbers, end).and_then(|line| line.at(ahead.0)))
}

/// A window that is over where something other than the decision says.
fn placed<'a>(w: &'a Window, scope: &Scope<'a, '_>) -> Value<'a> {
    let place = match w.anchor {
        Anchor::After(step) => after(w, scope, step),
        Anchor::Days(n) => scope.end.and_then(|end| Calendar::of(scope).days_before(end, n)),
        Anchor::Nights(n) => scope.end.and_then(|end| Calendar::of(scope).nights_before(end, n, night(scope))),
        Anchor::Decision | Anchor::Until | Anchor::Before(_) => None,
    };
    match place {
        Some((stretches, end)) => {
            of_stretch(w, scope, &stretches, end).unwrap_or_else(|| of_chosen(w, scope, Place { stretches, end }, None))
        }
        None => Value::Unknown,
    }
}

/// All readings of one stretch, where they need not be gathered. `None` says nothing.
fn of_stretch<'a>(w: &'a Window, scope: &Scope<'a, '_>, stretches: &[Stretch], end: i64) -> Option<Value<'a>> {
    let ([stretch], None, None) = (stretches, &w.filter, w.fresh) else { return None };
    let table = scope.line.table(w.stream)?;
    let rows = within(table, *stretch);
    match (w.func, w.what) {
        _ if rows.is_empty() => None,
        (Func::Forecast(_), Measure::Field(field)) if table.is_silent_in(field) => Some(Value::Unknown),
        (Func::Forecast(ahead), Measure::Field(field)) => {
            let (instants, numbers) = (table.instants(rows.clone()), table.column(field)?.numbers(rows)?);
            Some(Value::number(Line::along(instants, numbers, end).and_then(|line| line.at(ahead.0))))
        }
        (Func::Share, _) => share_among(w, scope, table, rows),
        (Func::Coverage(slot), _) => coverage_among(w, table, rows, stretch, slot.0),
        (Func::Days, Measure::Itself) if matches!(w.anchor, Anchor::Days(_)) => Some(days_among(table, rows, scope)),
        _ if is_plain(w) => unfiltered(w.func, table, rows, w.what),
        _ => None,
    }
}

/// What the coverage of a window of whole days or nights is at most, for how many readings lie in it.
pub fn covered_at_most(w: &Window, scope: &Scope<'_, '_>) -> Option<Ratio> {
    let Func::Coverage(slot) = w.func else { return None };
    let (stretches, _) = match w.anchor {
        Anchor::Days(n) => Calendar::of(scope).days_before(scope.end?, n)?,
        Anchor::Nights(n) => Calendar::of(scope).nights_before(scope.end?, n, night(scope))?,
        _ => return None,
    };
    let table = scope.line.table(w.stream)?;
    let rows = stretches.iter().map(|s| within(table, *s).len() as i128).sum::<i128>();
    let slots = stretches.iter().map(|s| (i128::from(s.to) - i128::from(s.from) + 1) / i128::from(slot.0.max(1)));
    Ratio::new(rows * i128::from(super::timed::WHOLE), slots.sum())
}

/// The open stretch after a step, if it is over at the decision.
fn after(w: &Window, scope: &Scope<'_, '_>, step: u8) -> Option<(Vec<Stretch>, i64)> {
    let bound = scope.bound.get(usize::from(step))?;
    let at = bound.table(scope.line)?.at(*bound.last_rows().first()?);
    let end = at.checked_add(w.over.0)?;
    (end <= scope.now).then(|| (vec![Stretch { from: at.saturating_add(1), to: end.saturating_sub(1) }], end))
}

/// Looks at each reading.
fn of_chosen<'a>(w: &'a Window, scope: &Scope<'a, '_>, place: Place, without: Option<&Binding>) -> Value<'a> {
    let nothing = Table::default();
    let table = scope.line.table(w.stream);
    let Some(table) = table else {
        let chosen = Chosen { table: &nothing, rows: Vec::new(), place };
        return match of_rows(w, scope, &chosen) {
            Value::Number(n) if w.fresh.is_none() => Value::Number(n),
            _ => Value::Unknown,
        };
    };
    if let (Some(_), Measure::Field(field)) = (w.fresh, w.what)
        && table.is_silent_in(field)
    {
        return Value::Unknown;
    }
    let rows = rows_of(w, scope, table, &place.stretches, without);
    if let Some(fresh) = w.fresh {
        let newest = rows.iter().rev().find(|&&row| has(table, row, w.what)).map(|&row| table.at(row));
        if newest.is_none_or(|at| at <= place.end.saturating_sub(fresh.0)) {
            return Value::Unknown;
        }
    }
    match w.func {
        Func::Share | Func::TimeIn(_) | Func::Coverage(_) | Func::DecayedSum(_) | Func::Days | Func::Forecast(_) => {
            of_rows(w, scope, &Chosen { table, rows, place })
        }
        _ => fold_in(w, scope, table, rows),
    }
}

fn fold_in<'a>(w: &'a Window, scope: &Scope<'a, '_>, table: &'a Table, rows: Vec<usize>) -> Value<'a> {
    if matches!(w.what, Measure::AtClock | Measure::StartClock) {
        return super::clock::of_times(w.func, table, &rows, w.what, scope);
    }
    fold(w.func, table, rows.iter().copied(), w.what)
}

/// What has no value of its own without where the window lies.
fn of_rows<'a>(w: &'a Window, scope: &Scope<'a, '_>, chosen: &Chosen<'a>) -> Value<'a> {
    match w.func {
        Func::Share => share(w, scope, chosen),
        Func::TimeIn(most) => time_in(w, scope, chosen, most.0),
        Func::Coverage(slot) => coverage(w, chosen, slot.0),
        Func::DecayedSum(half_life) => decayed(w, chosen, half_life.0),
        Func::Days => days(w, scope, chosen),
        Func::Forecast(ahead) => forecast(w, chosen, ahead.0),
        func => of_nothing(func),
    }
}

/// The readings in the stretches that count.
fn rows_of<'a>(
    w: &'a Window,
    scope: &Scope<'a, '_>,
    table: &'a Table,
    stretches: &[Stretch],
    without: Option<&Binding>,
) -> Vec<usize> {
    let ranges = || stretches.iter().map(|s| within(table, *s)).filter(|r| !r.is_empty());
    let (Some(first), Some(last)) = (ranges().next(), ranges().next_back()) else { return Vec::new() };
    let counting = Counting::of(w, scope, table, first.start..last.end, without);
    let mut rows = Vec::with_capacity(if w.filter.is_none() { ranges().map(|r| r.len()).sum() } else { 0 });
    rows.extend(ranges().flatten().filter(|&row| counting.has(row)));
    rows
}

/// Which readings in the stretch count: they pass the condition, and are not the step's own.
struct Counting<'a, 's, 'l> {
    scope: &'s Scope<'a, 'l>,
    table: &'a Table,
    condition: Option<Condition<'a>>,
    without: Option<&'s Binding>,
}

impl<'a, 's, 'l> Counting<'a, 's, 'l> {
    /// Of rows that have a last one, or of none.
    fn of(
        w: &'a Window,
        scope: &'s Scope<'a, 'l>,
        table: &'a Table,
        rows: Range<usize>,
        without: Option<&'s Binding>,
    ) -> Counting<'a, 's, 'l> {
        let condition = w.filter.as_ref().filter(|_| !rows.is_empty());
        let condition = condition.map(|f| Condition::of(f, scope, table, rows.start, rows.end - 1));
        Counting { scope, table, condition, without }
    }

    fn has(&self, row: usize) -> bool {
        let own = self.without.is_some_and(|own| own.has(self.scope.line, self.table, row));
        !own && self.condition.as_ref().is_none_or(|c| c.ask(self.scope, self.table, row) == Some(true))
    }
}

/// Where a window lies, and which of its readings count: what its value is made of, looked at one by one. `None` where it has no place.
pub fn contents<'a>(w: &'a Window, scope: &Scope<'a, '_>) -> Option<(Place, Vec<usize>)> {
    let back = |to: i64, end: i64| {
        let from = to.saturating_sub(w.over.0).saturating_add(1);
        Some((vec![Stretch { from, to }], end))
    };
    let mut without = None;
    let (stretches, end) = match w.anchor {
        Anchor::Decision => back(scope.now, scope.now),
        Anchor::Until => back(scope.now.saturating_sub(1), scope.now),
        Anchor::Before(step) => {
            let bound = scope.bound.get(usize::from(step))?;
            let at = bound.table(scope.line)?.at(*bound.last_rows().first()?);
            without = (bound.stream == w.stream).then_some(bound);
            back(at, at)
        }
        Anchor::After(step) => after(w, scope, step),
        Anchor::Days(n) => Calendar::of(scope).days_before(scope.now, n),
        Anchor::Nights(n) => Calendar::of(scope).nights_before(scope.now, n, night(scope)),
    }?;
    let rows = scope.line.table(w.stream).map_or_else(Vec::new, |table| {
        let mut rows = rows_of(w, scope, table, &stretches, without);
        rows.retain(|&row| has(table, row, w.what));
        rows
    });
    Some((Place { stretches, end }, rows))
}

fn within(table: &Table, stretch: Stretch) -> Range<usize> {
    let from = table.from(stretch.from);
    from..table.after(stretch.to).max(from)
}

/// Whether the value hangs on nothing but the readings and their order.
fn is_plain(w: &Window) -> bool {
    let timed = matches!(
        w.func,
        Func::Share | Func::TimeIn(_) | Func::Coverage(_) | Func::DecayedSum(_) | Func::Days | Func::Forecast(_)
    );
    !timed && w.fresh.is_none() && !matches!(w.what, Measure::AtClock | Measure::StartClock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::StreamIx;

    #[test]
    fn a_steps_own_rows_are_left_out_where_they_are_the_last() {
        let own = |rows: &[usize]| Binding { rows: rows.to_vec(), ..Binding::none(StreamIx(0)) };
        let rest = |rows: &[usize]| before_own(&(3..9), &own(rows));
        assert_eq!((rest(&[8]), rest(&[7, 8]), rest(&[]), rest(&[1, 2, 8])), (Some(3..8), Some(3..7), Some(3..9), Some(3..8)));
        assert_eq!(
            (rest(&[8, 9, 11]), rest(&[9]), rest(&[0]), rest(&[3, 4, 5, 6, 7, 8])),
            (Some(3..8), Some(3..9), Some(3..9), Some(3..3))
        );
        assert_eq!((rest(&[7]), rest(&[4, 8]), before_own(&(3..3), &own(&[3]))), (None, None, Some(3..3)));
        let of_starts = Binding { edge: Edge::Start, ..own(&[8]) };
        assert_eq!(before_own(&(3..9), &of_starts), None);
    }
}
