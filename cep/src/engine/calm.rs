//! Which rules the next reading of a stream concerns, for one subject: kept as long as nothing else happens to it.
//!
//! The rules at rest have told between which numbers they stay at rest (see [`crate::decide::Band`]); what is left over is asked each time. Whatever else happens to
//! the subject makes all of this old.

use vitalog_elog::StreamIx;

use crate::decide::{Band, Rest};
use crate::timeline::Table;

/// By stream.
#[derive(Debug, Default)]
pub struct Calms {
    /// Boxed, for they are taken out while they are used.
    cells: Vec<Option<Box<Calm>>>,
    /// What was noted before the last thing that makes it old has a lesser number.
    epoch: u32,
}

/// What is known of the readings of one stream to come.
#[derive(Debug, Default)]
pub struct Calm {
    epoch: u32,
    /// Readings from here on may be seen under another profile.
    until: i64,
    /// While this holds all that rest go on resting.
    whole: Whole,
    /// Rules at rest, each with what has to hold.
    resting: Vec<Resting>,
    /// To be asked each time: on the ground, and above it.
    pub awake: Awake,
    /// How many readings came since it was last looked at who may rest, and after how many it is looked again.
    age: u32,
    patience: u32,
    /// Those that the newest reading woke.
    woken: Vec<Resting>,
}

/// What has to hold of a reading for all that rest.
#[derive(Debug)]
struct Whole {
    bands: Vec<Band>,
    before: i64,
    apart: i64,
    near: i64,
}

/// Versions by their places.
#[derive(Debug, Default)]
pub struct Awake {
    pub ground: Vec<u32>,
    pub above: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Resting {
    version: u32,
    is_above: bool,
    rest: Rest,
}

/// After so many readings it is looked again which of those awake may rest; after twice as many the next time, if nobody does.
const SOON: u32 = 4;
const LATE: u32 = 256;

impl Default for Whole {
    fn default() -> Whole {
        Whole { bands: Vec::new(), before: i64::MAX, apart: 0, near: i64::MAX }
    }
}

impl Calms {
    /// Nothing that was noted holds any more.
    #[inline]
    pub fn forget(&mut self) {
        self.epoch += 1;
    }

    /// What holds for the newest reading of a stream, which is at `t`. To be put back by [`Calms::keep`].
    #[inline]
    pub fn take(&mut self, stream: StreamIx, t: i64) -> Option<Box<Calm>> {
        self.cells.get_mut(usize::from(stream.0))?.take_if(|cell| cell.epoch == self.epoch && t < cell.until)
    }

    /// Notes a cell, as of now.
    #[inline]
    pub fn keep(&mut self, stream: StreamIx, mut cell: Box<Calm>) {
        let place = usize::from(stream.0);
        if self.cells.len() <= place {
            self.cells.resize_with(place + 1, || None);
        }
        cell.epoch = self.epoch;
        self.cells[place] = Some(cell);
    }

    /// Room for a cell that is made anew.
    pub fn room(&mut self, stream: StreamIx, until: i64) -> Box<Calm> {
        let mut cell = self.cells.get_mut(usize::from(stream.0)).and_then(Option::take).unwrap_or_default();
        cell.until = until;
        cell.resting.clear();
        cell.awake.ground.clear();
        cell.awake.above.clear();
        cell.woken.clear();
        (cell.age, cell.patience) = (SOON, SOON);
        cell
    }

    /// A version is not at rest any more, for a reason that is not a reading of these streams.
    pub fn rouse(&mut self, version: u32, is_above: bool, streams: &[StreamIx]) {
        for stream in streams {
            if let Some(Some(cell)) = self.cells.get_mut(usize::from(stream.0)) {
                cell.resting.retain(|r| r.version != version);
                cell.awake.place(version, is_above);
            }
        }
    }
}

/// The newest reading of a table.
#[derive(Clone, Copy)]
struct Newest<'a> {
    table: &'a Table,
    row: usize,
    at: i64,
    /// How long after the one before.
    after: i64,
}

impl<'a> Newest<'a> {
    #[inline]
    fn of(table: &'a Table) -> Option<Newest<'a>> {
        let row = table.len().checked_sub(1)?;
        let at = table.at(row);
        let after = row.checked_sub(1).map_or(i64::MAX, |before| at.saturating_sub(table.at(before)));
        Some(Newest { table, row, at, after })
    }

    #[inline]
    fn is_inside(&self, band: &Band) -> bool {
        self.table.column(band.field).and_then(|c| c.number(self.row)).is_some_and(|n| band.low <= n && n <= band.high)
    }

    fn keeps(&self, rest: &Rest) -> bool {
        match rest {
            Rest::Within(band) => self.is_inside(band),
            Rest::Before(t) => self.at < *t,
            Rest::Apart(span) => self.after >= *span,
            Rest::Near(span) => self.after <= *span,
        }
    }

    #[inline]
    fn keeps_all(&self, whole: &Whole) -> bool {
        self.at < whole.before
            && whole.apart <= self.after
            && self.after <= whole.near
            && whole.bands.iter().all(|band| self.is_inside(band))
    }
}

impl Whole {
    fn add(&mut self, rest: &Rest) {
        match rest {
            Rest::Before(t) => self.before = self.before.min(*t),
            Rest::Apart(span) => self.apart = self.apart.max(*span),
            Rest::Near(span) => self.near = self.near.min(*span),
            Rest::Within(band) => match self.bands.iter_mut().find(|known| known.field == band.field) {
                Some(known) => *known = Band { low: known.low.max(band.low), high: known.high.min(band.high), ..*known },
                None => self.bands.push(*band),
            },
        }
    }
}

impl Calm {
    /// Wakes those that the newest reading of a table may concern. Whether it is to be looked at who may rest, once the reading was told.
    #[inline]
    pub fn wake(&mut self, table: &Table) -> bool {
        self.age += 1;
        let Some(newest) = Newest::of(table) else { return true };
        if newest.keeps_all(&self.whole) {
            return self.age >= self.patience;
        }
        self.woken.clear();
        let mut kept = 0;
        let mut from = 0;
        while let Some(first) = self.resting.get(from).copied() {
            // INVARIANT (together): what a version told stands together.
            let told = self.resting[from..].iter().take_while(|r| r.version == first.version).count();
            if self.resting[from..from + told].iter().all(|r| newest.keeps(&r.rest)) {
                self.resting.copy_within(from..from + told, kept);
                kept += told;
            } else {
                self.woken.push(first);
            }
            from += told;
        }
        self.resting.truncate(kept);
        for one in &self.woken {
            self.awake.place(one.version, one.is_above);
        }
        true
    }

    /// Wakes a version for another reason than the newest reading. It is to be looked at whether it may rest, once the reading was told.
    pub fn rouse(&mut self, version: u32, is_above: bool) -> bool {
        self.resting.retain(|r| r.version != version);
        self.awake.place(version, is_above);
        self.woken.push(Resting { version, is_above, rest: Rest::Before(i64::MIN) });
        true
    }

    /// Notes what versions tell of themselves that are awake: what has to hold for them to rest, or that they can't. Those that were awake before the newest
    /// reading are asked the more seldom the longer they are.
    pub fn settle<Rests: IntoIterator<Item = Rest>>(&mut self, mut calm: impl FnMut(u32) -> Option<Rests>) {
        let asks_all = self.age >= self.patience;
        let before = self.resting.len();
        for is_above in [false, true] {
            let awake = std::mem::take(if is_above { &mut self.awake.above } else { &mut self.awake.ground });
            for version in awake {
                let asked = asks_all || self.woken.iter().any(|w| w.version == version);
                match if asked { calm(version) } else { None } {
                    Some(rests) => self.resting.extend(rests.into_iter().map(|rest| Resting { version, is_above, rest })),
                    None => self.awake.place(version, is_above),
                }
            }
        }
        if asks_all {
            self.age = 0;
            self.patience = if self.resting.len() > before { SOON } else { (self.patience * 2).min(LATE) };
        }
        self.woken.clear();
        self.whole = Whole::default();
        self.resting.iter().for_each(|r| self.whole.add(&r.rest));
    }
}

impl Awake {
    pub fn place(&mut self, version: u32, is_above: bool) {
        let list = if is_above { &mut self.above } else { &mut self.ground };
        if !list.contains(&version) {
            list.push(version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Amount, Content, Dimension, FieldIx, ReadingId, Time, Value, When};

    use crate::timeline::Mark;

    fn table_of(digits: i64) -> Table {
        let mut table = Table::default();
        let amount = Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() };
        let values = vec![Some(Value::Quantity(amount))].into();
        let content = Content { stream: StreamIx(0), when: When::At(Time(1)), values, source: None, seq: None };
        table.insert(1, Mark { id: ReadingId(1), hash: 0, rev: 1, plain: true }, &content);
        table
    }

    #[test]
    fn only_those_wake_for_whom_it_does_not_hold_any_more() {
        let one = Amount { digits: 1, scale: 0, unit: Dimension::Count.usual_unit() }.atoms();
        let band = |low, high| Band { field: FieldIx(0), low: low * one, high: high * one };
        let mut calm =
            Calm { awake: Awake { ground: vec![1, 2, 3], above: vec![4] }, age: SOON, patience: SOON, ..Calm::default() };
        calm.settle(|version| match version {
            1 => Some(vec![Rest::Within(band(0, 9))]),
            2 => Some(vec![Rest::Within(band(5, 20)), Rest::Before(7)]),
            3 => None,
            _ => Some(vec![]),
        });
        assert_eq!((calm.whole.bands.clone(), calm.awake.ground.clone()), (vec![band(5, 9)], vec![3]));
        assert!(!calm.wake(&table_of(6)));
        assert!(calm.wake(&table_of(12)));
        assert_eq!((calm.awake.ground.clone(), calm.resting.len()), (vec![3, 1], 2));
        calm.settle(|version| (version == 3).then(Vec::new));
        assert_eq!((calm.whole.before, calm.awake.ground.clone()), (7, vec![3, 1]), "only who was woken is asked");
        calm.age = calm.patience;
        calm.settle(|version| (version == 3).then(Vec::new));
        assert_eq!(calm.awake.ground, [1], "all are, after a while");
        assert!(calm.wake(&Table::default()), "no reading, no number");
        let mut calms = Calms::default();
        calms.keep(StreamIx(1), Box::new(Calm { until: 9, ..calm }));
        calms.rouse(2, false, &[StreamIx(0), StreamIx(1), StreamIx(9)]);
        let mut calm = calms.take(StreamIx(1), -1).expect("it holds");
        assert_eq!((calm.awake.ground.clone(), calm.resting.len()), (vec![1, 2], 0));
        // One that rests whatever comes has nothing to wait for, and is roused all the same.
        calm.settle(|_| Some(vec![]));
        assert!(calm.rouse(4, true) && calm.awake.above.contains(&4));
        calm.settle(|version| (version == 4).then(Vec::new));
        assert!(calm.awake.above.is_empty(), "it is asked whether it may rest again");
    }

    #[test]
    fn each_wakes_by_what_it_waits_for() {
        let newest = Newest { table: &table_of(3), row: 0, at: 10, after: 5 };
        assert!(newest.keeps(&Rest::Before(11)) && !newest.keeps(&Rest::Before(10)));
        assert!(newest.keeps(&Rest::Apart(5)) && !newest.keeps(&Rest::Apart(6)));
        assert!(newest.keeps(&Rest::Near(5)) && !newest.keeps(&Rest::Near(4)));
        assert!(!newest.keeps(&Rest::Within(Band { field: FieldIx(1), low: i64::MIN, high: i64::MAX })), "nothing is said there");
        let mut whole = Whole::default();
        assert!(newest.keeps_all(&whole));
        whole.add(&Rest::Apart(6));
        assert!(!newest.keeps_all(&whole));
    }

    #[test]
    fn what_is_old_holds_no_more() {
        let mut calms = Calms { epoch: 1, ..Calms::default() };
        let stream = StreamIx(2);
        calms.keep(stream, Box::new(Calm { until: 10, ..Calm::default() }));
        assert!(calms.take(stream, 10).is_none(), "the profile is another from there");
        let calm = calms.take(stream, 9).expect("it holds");
        calms.keep(stream, calm);
        calms.forget();
        assert!(calms.take(stream, 5).is_none() && calms.take(StreamIx(9), 5).is_none());
        assert!(Calms { epoch: 0, ..calms }.take(StreamIx(1), -5).is_none(), "nothing was ever noted of it");
    }
}
