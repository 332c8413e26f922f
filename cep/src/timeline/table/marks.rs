//! Which revision of which reading each row of a table is, by slot.
//!
//! A hash takes more room than all that most readings say, and is asked for only where somebody amends one. Where it follows from the row, it is made then: the reading is plain, and
//! came from the source that all rows of the table came from. The first row of another kind has all of them kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::ReadingId;

use super::Mark;
use crate::grow;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Marks {
    ids: Vec<ReadingId>,
    /// Which are of plain readings, and the revisions of the others. Nothing as long as all are plain, which are first revisions.
    plain: Vec<bool>,
    revs: Vec<u32>,
    pub hashes: Hashes,
}

/// Where hashes are to be had.
#[derive(Debug, Default, Serialize, Deserialize)]
pub enum Hashes {
    /// There are no rows, or of a kind of which nobody asks.
    #[default]
    None,
    /// From what the row says, and this. All readings are plain.
    Follow(Origin),
    Kept(Vec<u128>),
}

/// What the hash of a reading follows from besides its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The stream's name.
    pub stream: Arc<str>,
    pub source: Option<Arc<str>>,
}

impl Marks {
    /// So many slots, those of removed rows too.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    #[inline]
    pub fn id(&self, slot: usize) -> ReadingId {
        self.ids[slot]
    }

    pub fn ids(&self) -> &[ReadingId] {
        &self.ids
    }

    /// `None` of a plain reading.
    pub fn rev(&self, slot: usize) -> Option<u32> {
        self.revs.get(slot).copied().filter(|_| !self.plain[slot])
    }

    /// Whether the hash of a row that is put next, a plain one, follows from what it says; the first row settles from what besides.
    #[inline]
    pub fn follow(&mut self, stream: &Arc<str>, source: Option<&Arc<str>>) -> bool {
        match &self.hashes {
            Hashes::Follow(_) => self.follows(stream) && self.comes_from(source),
            Hashes::None if self.ids.is_empty() => {
                self.hashes = Hashes::Follow(Origin { stream: stream.clone(), source: source.cloned() });
                true
            }
            Hashes::None | Hashes::Kept(_) => false,
        }
    }

    /// Whether there are rows, all of them plain readings of this stream, whose hashes follow.
    #[inline]
    pub fn follows(&self, stream: &Arc<str>) -> bool {
        matches!(&self.hashes, Hashes::Follow(origin) if origin.stream == *stream)
    }

    /// Whether their hashes follow, and all came from this source.
    #[inline]
    pub fn comes_from(&self, source: Option<&Arc<str>>) -> bool {
        matches!(&self.hashes, Hashes::Follow(origin) if origin.source.as_ref() == source)
    }

    /// Enters the mark of a plain reading whose hash follows, as those of all before it do.
    #[inline]
    pub fn put_plain(&mut self, id: ReadingId) {
        debug_assert!(self.plain.is_empty() && matches!(self.hashes, Hashes::Follow(_)), "all are plain");
        grow::push(&mut self.ids, id);
    }

    /// Enters the mark of a row, at a slot or after all. Its hash is left out where it follows, or nobody asks for it.
    #[inline]
    pub fn put(&mut self, slot: usize, mark: &Mark) {
        self.put_id(slot, mark.id);
        if !mark.plain || !self.plain.is_empty() {
            set(&mut self.plain, slot, mark.plain, true);
            set(&mut self.revs, slot, mark.rev, 1);
        }
        if let Hashes::Kept(hashes) = &mut self.hashes {
            set(hashes, slot, mark.hash, 0);
        }
    }

    /// Enters the id alone, where nobody asks for more.
    #[inline]
    pub fn put_id(&mut self, slot: usize, id: ReadingId) {
        set(&mut self.ids, slot, id, ReadingId(0));
    }

    pub fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.plain.shrink_to_fit();
        self.revs.shrink_to_fit();
        if let Hashes::Kept(hashes) = &mut self.hashes {
            hashes.shrink_to_fit();
        }
    }

    /// See `engine::foresee`.
    pub fn glance(&self) -> u64 {
        (self.ids.len() ^ self.revs.len()) as u64
    }

    /// The same, one level further.
    pub fn glance_at_newest(&self) -> u64 {
        let hash = if let Hashes::Kept(hashes) = &self.hashes { hashes.last().map_or(0, |hash| *hash as u64) } else { 0 };
        self.ids.last().map_or(0, |id| id.0 as u64) ^ hash
    }
}

/// Puts a value at a slot, and `before` at those of which nothing was said so far.
#[inline]
fn set<T: Copy>(list: &mut Vec<T>, slot: usize, value: T, before: T) {
    while list.len() < slot {
        grow::push(list, before);
    }
    match list.get_mut(slot) {
        Some(place) => *place = value,
        None => grow::push(list, value),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use vitalog_elog::{Amount, Content, Dimension, Reading, StreamIx, Subject, Time, Value, When};

    use super::*;
    use crate::timeline::{Table, Timeline, Wanted};

    /// Numbers by chance, the same for the same seed.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }

        fn chance(&mut self, percent: u64) -> bool {
            self.below(100) < percent
        }
    }

    /// A reading that a stream of instants, or one of intervals, may get; so many in a hundred are `odd`, and make hashes be kept.
    fn drawn(dice: &mut Dice, odd: u64, known: &BTreeMap<ReadingId, Reading>) -> Reading {
        let stream = dice.below(2);
        let at = Time(dice.below(40) as i64);
        let when = match (stream, dice.below(4)) {
            (0, _) => When::At(at),
            (_, 0) => When::During { start: at, end: None },
            (_, 1) if dice.chance(odd) => When::During { start: at, end: Some(at) },
            (_, n) => When::During { start: at, end: Some(Time(at.0 + 1 + n as i64)) },
        };
        let unit = Dimension::Count.usual_unit();
        let number = Value::Quantity(Amount { digits: dice.below(9) as i64, scale: 0, unit });
        let first = if dice.chance(odd) { Value::Bool(true) } else { number };
        let text = Value::Text(Arc::from(["x", "y", ""][dice.below(3) as usize]));
        let mut values =
            vec![Some(first).filter(|_| dice.chance(80)), Some(text).filter(|_| dice.chance(50)), Some(Value::Enum(3))];
        values.truncate(dice.below(4) as usize);
        let source = if dice.chance(odd) { None } else { Some(Arc::from("meter")) };
        let content = Content { stream: StreamIx(stream as u16), when, values: values.into(), source, seq: None };
        let name = match known.keys().nth(dice.below(60) as usize) {
            Some(id) if dice.chance(odd) => Some((id.to_string(), 2)),
            _ if dice.chance(odd) => Some((format!("n{}", dice.below(5)), 1 + dice.below(2) as u32)),
            _ => None,
        };
        let (given, rev) = name.map_or((None, 1), |(name, rev)| (Some(Arc::from(name)), rev));
        if given.is_some() && dice.chance(20) {
            return Reading::removal(Subject::new("s"), given.unwrap_or_default(), rev + 1);
        }
        Reading::present(Subject::new("s"), given, rev, ["bg", "sleep"][stream as usize], content)
    }

    /// Every row has the mark of the reading that is current; whether all hashes follow.
    fn agrees(table: &Table, known: &BTreeMap<ReadingId, Reading>) -> bool {
        for row in 0..table.len() {
            let mark = table.mark(row);
            let reading = &known[&mark.id];
            let plain = reading.given.is_none() && reading.rev == 1;
            assert_eq!(mark, Mark { id: reading.id, hash: reading.hash, rev: reading.rev, plain });
            assert_eq!(table.is_plain(row), plain);
        }
        matches!(table.marks.hashes, Hashes::Follow(_))
    }

    #[test]
    fn each_row_has_the_mark_of_its_reading_however_they_came_and_were_cut() {
        let (mut following, mut kept, mut joined) = (0, 0, 0);
        for seed in 0..600 {
            let mut dice = Dice(seed);
            let wanted = Wanted { names: vec![Arc::from("bg"), Arc::from("sleep")], ..Wanted::default() };
            let mut line = Timeline { wanted: Arc::new(wanted), ..Timeline::default() };
            let (mut known, mut touched) = (BTreeMap::<ReadingId, Reading>::new(), Vec::new());
            for _ in 0..60 {
                let reading = drawn(&mut dice, [0, 2, 30][seed as usize % 3], &known);
                line.put(&reading, 1_000, &mut touched);
                let current = known.entry(reading.id).or_insert_with(|| reading.clone());
                if reading.revision() > current.revision() {
                    *current = reading;
                }
                for stream in [StreamIx(0), StreamIx(1)] {
                    for table in [line.table(stream), line.endless(stream)].into_iter().flatten() {
                        let count = if agrees(table, &known) { &mut following } else { &mut kept };
                        *count += 1;
                    }
                }
            }
            // Parted in two, that of instants changed meanwhile, and put together again.
            for (place, stream) in line.streams.iter_mut().enumerate() {
                let Some((stream, cold)) = stream.as_mut().and_then(|s| s.ended.part(20, &[]).map(|cold| (s, cold))) else {
                    continue;
                };
                agrees(&cold, &known);
                agrees(&stream.ended, &known);
                joined += 1;
                for _ in 0..dice.below(3) {
                    let late = drawn(&mut dice, 50, &BTreeMap::new());
                    if let Some(content) =
                        late.content.as_ref().filter(|c| c.stream.0 == 0 && place == 0 && !known.contains_key(&late.id))
                    {
                        let mark = Mark { id: late.id, hash: late.hash, rev: late.rev, plain: late.given.is_none() };
                        stream.ended.insert(30, mark, &Content { when: When::At(Time(30)), ..content.clone() }, None);
                        let content = Content { when: When::At(Time(30)), ..content.clone() };
                        known.insert(late.id, Reading { content: Some(content), ..late });
                    }
                }
                stream.ended.join(cold);
                agrees(&stream.ended, &known);
            }
        }
        let counts = format!("{following} tables whose hashes follow, {kept} with hashes, {joined} parted");
        assert!(following > 10_000 && kept > 10_000 && joined > 1_000, "{counts}");
    }
}
