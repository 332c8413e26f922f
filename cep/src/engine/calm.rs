//! Which rules the next reading of a stream concerns, for one subject: kept as long as nothing else happens to it.
//!
//! The rules at rest have told between which numbers they stay at rest (see [`crate::decide::Band`]); what is left over is asked each time. Whatever else happens to
//! the subject makes all of this old.

use vitalog_elog::StreamIx;

use super::coming::{Coming, Newest};
use super::resting::Resting;
use super::sills::Sills;
use super::still::Still;
use crate::decide::Rest;
use crate::timeline::Table;

/// By stream.
#[derive(Debug, Default)]
pub struct Calms {
    /// Boxed, for they are taken out while they are used.
    cells: Vec<Option<Box<Calm>>>,
    /// What was noted before the last thing that makes it old has a lesser number.
    epoch: u32,
    /// Streams in which nothing may come for all to go on resting in others, each a bit: there may be more of them than there are.
    counted_on: u64,
    /// A cell is out, and these were roused meanwhile.
    is_out: bool,
    roused: Vec<u32>,
    /// All that are told anything and hang on this stream alone are awake in the cell that is out: to rouse them is nothing.
    told_awake: Option<StreamIx>,
}

/// What is known of the readings of one stream to come.
///
/// INVARIANT (once): a version that they concern is at rest or awake, and stands there once.
#[derive(Debug, Default)]
pub struct Calm {
    epoch: u32,
    /// Readings from here on may be seen under another profile.
    until: i64,
    /// How many readings came since it was last looked at who may rest, and after how many it is looked again.
    age: u32,
    patience: u32,
    resting: Resting,
    /// To be asked each time: on the ground, and above it.
    pub awake: Ranked,
    /// Those that the newest reading woke are awake from these places on.
    woken: [usize; 2],
    /// How many rested before a late reading was told.
    rested: usize,
}

/// Versions by their places: those that look at no other rule, and those above them.
#[derive(Debug, Default)]
pub struct Ranked {
    pub ground: Vec<u32>,
    pub above: Vec<u32>,
}

/// After so many readings it is looked again which of those awake may rest; after twice as many the next time, if nobody does.
const SOON: u32 = 4;
const LATE: u32 = 256;

impl Calms {
    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        (self.cells.len() ^ self.roused.len()) as u64
    }

    /// What was noted of a stream, old or not.
    #[inline]
    pub fn at(&self, stream: StreamIx) -> Option<&Calm> {
        self.cells.get(usize::from(stream.0))?.as_deref()
    }

    /// Nothing that was noted holds any more.
    #[inline]
    pub fn forget(&mut self) {
        self.epoch += 1;
    }

    /// The same of what was noted of one stream.
    pub fn forget_one(&mut self, stream: StreamIx) {
        if let Some(Some(cell)) = self.cells.get_mut(usize::from(stream.0)) {
            cell.until = i64::MIN;
        }
    }

    /// A reading is told that came behind the newest of a stream.
    pub fn begin_behind(&mut self, stream: StreamIx) {
        if let Some(Some(cell)) = self.cells.get_mut(usize::from(stream.0)) {
            cell.rested = cell.resting.len();
        }
    }

    /// It was told, and these may not go on resting: which of them did. If anybody rests no more it is asked at the next reading who may.
    pub fn end_behind(&mut self, stream: StreamIx, versions: impl Iterator<Item = u32>) -> Vec<u32> {
        let Some(Some(cell)) = self.cells.get_mut(usize::from(stream.0)) else { return Vec::new() };
        let roused = versions.filter(|version| cell.rouse(*version)).collect();
        if cell.resting.len() < cell.rested {
            cell.resting.tighten();
            cell.age = cell.patience;
        }
        roused
    }

    /// What is known of the readings of a stream to come, where all whom they concern rest.
    #[inline]
    pub fn at_rest(&self, stream: StreamIx) -> Option<&Calm> {
        self.at(stream).filter(|cell| cell.epoch == self.epoch && cell.awake.is_empty())
    }

    /// What holds for the newest reading of a stream, which is at `t`. To be put back by [`Calms::keep`].
    #[inline]
    pub fn take(&mut self, stream: StreamIx, t: i64) -> Option<Box<Calm>> {
        let cell = self.cells.get_mut(usize::from(stream.0))?.take_if(|cell| cell.epoch == self.epoch && t < cell.until);
        self.is_out = cell.is_some();
        cell
    }

    /// The reading that a cell is out for is told, only to those awake in it or to others too.
    #[inline]
    pub fn tell_awake(&mut self, stream: StreamIx, only: bool) {
        self.told_awake = only.then_some(stream);
    }

    /// Wakes in a cell that is out those that were roused meanwhile, for to be asked with the others whether they may rest. Whether any of them rested.
    #[inline]
    pub fn stir(&mut self, cell: &mut Calm) -> bool {
        let mut rested = false;
        self.told_awake = None;
        self.roused.drain(..).for_each(|version| rested |= cell.rouse(version));
        rested
    }

    /// Notes a cell, as of now.
    #[inline]
    pub fn keep(&mut self, stream: StreamIx, mut cell: Box<Calm>) {
        let place = usize::from(stream.0);
        if self.cells.len() <= place {
            self.cells.resize_with(place + 1, || None);
        }
        self.is_out = false;
        self.roused.drain(..).for_each(|version| cell.stir(version));
        cell.epoch = self.epoch;
        self.counted_on |= cell.resting.unheard().fold(0, |all, stream| all | bit(stream));
        self.cells[place] = Some(cell);
    }

    /// Whether somebody may rest in another stream only while nothing comes in this one.
    #[inline]
    pub fn is_counted_on(&self, stream: StreamIx) -> bool {
        self.counted_on & bit(stream) != 0
    }

    /// Something came in a stream, or went: those do not rest any more that rested as long as nothing did, and are asked at the next reading whether they may again. Who they are.
    pub fn hear(&mut self, stream: StreamIx) -> Vec<u32> {
        let mut heard = Vec::new();
        for cell in self.cells.iter_mut().flatten() {
            cell.hear(stream, &mut heard);
        }
        self.counted_on =
            self.cells.iter().flatten().flat_map(|cell| cell.resting.unheard()).fold(0, |all, stream| all | bit(stream));
        heard
    }

    /// Room for a cell that is made anew.
    pub fn room(&mut self, stream: StreamIx, until: i64) -> Box<Calm> {
        self.is_out = true;
        let mut cell = self.cells.get_mut(usize::from(stream.0)).and_then(Option::take).unwrap_or_default();
        cell.until = until;
        cell.resting.clear();
        cell.awake.ground.clear();
        cell.awake.above.clear();
        cell.woken = [0, 0];
        (cell.age, cell.patience) = (SOON, SOON);
        cell
    }

    /// A version is not at rest any more, for a reason that is not a reading of these streams. Of a stream that does not concern it nothing is noted.
    #[inline]
    pub fn rouse(&mut self, version: u32, streams: &[StreamIx]) {
        if let ([only], Some(told)) = (streams, self.told_awake)
            && *only == told
        {
            return;
        }
        if self.is_out {
            self.roused.push(version);
        }
        for stream in streams {
            if let Some(Some(cell)) = self.cells.get_mut(usize::from(stream.0)) {
                cell.stir(version);
            }
        }
    }
}

/// Of a stream, or of more than one.
#[inline]
fn bit(stream: StreamIx) -> u64 {
    1 << (stream.0 % 64)
}

impl Calm {
    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        u64::from(self.epoch) ^ self.resting.glance() ^ (self.awake.ground.len() ^ self.awake.above.len()) as u64
    }

    /// Whether nobody of those at rest wakes by a reading that comes.
    #[inline]
    pub fn sleeps_on(&self, coming: &Coming<'_>) -> bool {
        coming.at < self.until && self.resting.keeps_all(coming)
    }

    /// How many rest at their sills.
    #[cfg(test)]
    pub fn at_sills(&self) -> usize {
        self.resting.at_sills()
    }

    /// The same, one level further.
    pub fn glance_within(&self) -> u64 {
        let first = |list: &[u32]| u64::from(list.first().copied().unwrap_or(0));
        self.resting.glance_within() ^ first(&self.awake.ground) ^ first(&self.awake.above)
    }

    /// Wakes those that the newest reading of a table may concern. Whether it is to be looked at who may rest, once the reading was told.
    #[inline]
    pub fn wake(&mut self, table: &Table, sills: &Sills) -> bool {
        self.age += 1;
        let Some(newest) = Newest::of(table) else { return true };
        let Calm { resting, awake, .. } = self;
        self.woken = [awake.ground.len(), awake.above.len()];
        if resting.keeps_all(&newest) {
            return self.age >= self.patience;
        }
        resting.wake(&newest, sills, |version, is_above| awake.list(is_above).push(version));
        true
    }

    /// Wakes a version for another reason than the newest reading. Whether it rested: then it is to be looked at whether it may, once the reading was told.
    pub fn rouse(&mut self, version: u32) -> bool {
        let rested = self.resting.remove(version);
        if let Some(is_above) = rested {
            self.awake.list(is_above).push(version);
        }
        rested.is_some()
    }

    /// The same between two readings: it is looked at with all others whether it may rest again.
    fn stir(&mut self, version: u32) {
        if self.rouse(version) {
            self.resting.tighten();
        }
    }

    /// See [`Calms::hear`].
    fn hear(&mut self, stream: StreamIx, heard: &mut Vec<u32>) {
        let (Calm { resting, awake, .. }, before) = (&mut *self, heard.len());
        resting.hear(stream, |version, is_above| {
            awake.list(is_above).push(version);
            heard.push(version);
        });
        if heard.len() > before {
            self.resting.tighten();
            self.age = self.patience;
        }
    }

    /// Notes what versions tell of themselves that are awake: what has to hold for them to rest, or that they can't. Those that were awake before the newest
    /// reading are asked the more seldom the longer they are.
    pub fn settle<Rests: IntoIterator<Item = Rest>>(
        &mut self,
        table: &Table,
        sills: &Sills,
        mut calm: impl FnMut(u32) -> Option<Still<Rests>>,
    ) {
        let asks_all = self.age >= self.patience;
        let before = self.resting.len();
        let Calm { resting, awake, woken, .. } = self;
        for (is_above, woken) in [false, true].into_iter().zip(*woken) {
            let list = awake.list(is_above);
            let from = if asks_all { 0 } else { woken };
            let mut kept = from;
            for place in from..list.len() {
                let version = list[place];
                match calm(version) {
                    Some(Still::AtSill(stay)) => resting.add_at_sill(version, is_above, stay),
                    Some(Still::By(rests)) => resting.add(version, is_above, rests),
                    None => {
                        list[kept] = version;
                        kept += 1;
                    }
                }
            }
            list.truncate(kept);
        }
        if asks_all {
            self.age = 0;
            self.patience = if self.resting.len() > before { SOON } else { (self.patience * 2).min(LATE) };
        }
        if let Some(newest) = Newest::of(table) {
            self.resting.stand(&newest, sills);
        }
        self.resting.tighten();
    }
}

impl Ranked {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.ground.is_empty() && self.above.is_empty()
    }

    /// Those, and these as well, each once.
    pub fn and(&self, more: &Ranked) -> Ranked {
        let join = |some: &[u32], more: &[u32]| {
            let fresh = more.iter().filter(|version| !some.contains(version));
            some.iter().chain(fresh).copied().collect()
        };
        Ranked { ground: join(&self.ground, &more.ground), above: join(&self.above, &more.above) }
    }

    fn list(&mut self, is_above: bool) -> &mut Vec<u32> {
        if is_above { &mut self.above } else { &mut self.ground }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Amount, Content, Dimension, FieldIx, ReadingId, Time, Value, When};

    use crate::decide::Band;
    use crate::timeline::Mark;

    fn table_of(digits: i64) -> Table {
        let mut table = Table::default();
        let amount = Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() };
        let values = vec![Some(Value::Quantity(amount))].into();
        let content = Content { stream: StreamIx(0), when: When::At(Time(1)), values, source: None, seq: None };
        table.insert(1, Mark { id: ReadingId(1), hash: 0, rev: 1, plain: true }, &content, None);
        table
    }

    #[test]
    fn only_those_wake_for_whom_it_does_not_hold_any_more() {
        let one = Amount { digits: 1, scale: 0, unit: Dimension::Count.usual_unit() }.atoms();
        let within = |low, high| Rest::Within(Band { field: FieldIx(0), low: low * one, high: high * one });
        let mut calm =
            Calm { awake: Ranked { ground: vec![1, 2, 3], above: vec![4] }, age: SOON, patience: SOON, ..Calm::default() };
        let sills = Sills::default();
        calm.settle(&table_of(6), &sills, |version| match version {
            1 => Some(Still::By(vec![within(0, 9)])),
            2 => Some(Still::By(vec![within(5, 20), Rest::Before(7)])),
            3 => None,
            _ => Some(Still::By(vec![])),
        });
        assert_eq!((calm.awake.ground.clone(), calm.resting.len()), (vec![3], 3));
        assert!(!calm.wake(&table_of(6), &sills));
        assert!(calm.wake(&table_of(12), &sills));
        assert_eq!((calm.awake.ground.clone(), calm.resting.len()), (vec![3, 1], 2));
        calm.settle(&table_of(12), &sills, |version| (version == 3).then_some(Still::By(Vec::new())));
        assert_eq!(calm.awake.ground, [3, 1], "only who was woken is asked");
        assert!(!calm.wake(&table_of(12), &sills));
        calm.age = calm.patience;
        calm.settle(&table_of(12), &sills, |version| (version == 3).then_some(Still::By(Vec::new())));
        assert_eq!(calm.awake.ground, [1], "all are, after a while");
        assert!(calm.wake(&Table::default(), &sills), "no reading, no number");
        // One that rests whatever comes has nothing to wait for, and is roused all the same.
        assert!(calm.rouse(4) && calm.awake.above.contains(&4));
        assert!(!calm.rouse(4) && !calm.rouse(9), "whoever is awake or not concerned is not awake twice");
        calm.settle(&table_of(12), &sills, |version| (version == 4).then_some(Still::By(Vec::new())));
        assert!(calm.awake.above.is_empty(), "it is asked whether it may rest again");
    }

    #[test]
    fn who_is_roused_is_awake_wherever_it_rested() {
        let resting = |versions: &[u32]| {
            let awake = Ranked { ground: versions.to_vec(), above: Vec::new() };
            let mut calm = Calm { until: 9, awake, age: SOON, patience: SOON, ..Calm::default() };
            calm.settle(&Table::default(), &Sills::default(), |_| Some(Still::By(vec![])));
            Box::new(calm)
        };
        let mut calms = Calms::default();
        calms.keep(StreamIx(1), resting(&[1, 2]));
        calms.keep(StreamIx(2), resting(&[1]));
        calms.rouse(2, &[StreamIx(0), StreamIx(1), StreamIx(2), StreamIx(9)]);
        let out = calms.take(StreamIx(1), -1).expect("it holds");
        assert_eq!((out.awake.ground.clone(), out.resting.len()), (vec![2], 1));
        // While the cell is out.
        calms.rouse(1, &[StreamIx(1), StreamIx(2)]);
        calms.keep(StreamIx(1), out);
        for (stream, awake) in [(1, vec![2, 1]), (2, vec![1])] {
            let cell = calms.take(StreamIx(stream), -1).expect("it holds");
            assert_eq!((cell.awake.ground.clone(), cell.resting.len()), (awake, 0), "stream {stream}");
        }
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
