//! Rules at rest, ordered by what would wake them.
//!
//! Each told between which numbers, until when and how far from the reading before the next ones must stay. Bounds of one kind lie in a heap, the one that is crossed first on
//! top: so a reading that crosses none costs one comparison for each kind, and one that does as much as it wakes, however many rest.
//!
//! Bounds that are constants lie in the same order for all subjects, so who rests by one is only marked (`engine::sills`): a number that moves wakes those between its places.
//!
//! INVARIANT (numbered): an entry of a heap counts as long as its rule rests under the number that the entry has; what is left of former rests means nothing.

use std::collections::BinaryHeap;

use vitalog_elog::{FieldIx, StreamIx};

use super::coming::{Newest, Told};
use super::sills::Sills;
use super::spells::Spells;
use crate::decide::{Band, Rest, Stay};

/// All that rest when readings of one stream come.
#[derive(Debug, Default)]
pub struct Resting {
    /// By version the number under which it rests; zero: it does not.
    numbers: Vec<u32>,
    many: usize,
    fields: Vec<(FieldIx, Bounds)>,
    /// How fast they move.
    paces: Vec<(FieldIx, Bounds)>,
    /// Of whom nothing may be said.
    without: Vec<(FieldIx, BinaryHeap<Bound>)>,
    /// How long after the one before.
    after: Bounds,
    /// When: only before a bound.
    at: BinaryHeap<Bound>,
    /// With how many rows: at most so many.
    rows: BinaryHeap<Bound>,
    /// In which other streams nothing may come.
    unheard: Vec<(StreamIx, Entry)>,
    /// The numbers that those at a sill rest by: what the field said when they were looked at.
    stood: Vec<(FieldIx, i64)>,
    /// Until when they do.
    spells: Spells,
    /// The last number given.
    last: u32,
    /// With so many entries those go that do not count.
    most: usize,
    /// While this holds all go on resting.
    whole: Whole,
}

/// A bound that wakes a version. By `key`, which is the greater the earlier it is crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bound {
    key: i64,
    entry: Entry,
}

/// A version under the number under which it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    version: u32,
    /// With [`ABOVE`] of a version above, with [`AT_SILL`] of one that rests at its sill.
    number: u32,
}

const ABOVE: u32 = 1;
const AT_SILL: u32 = 2;
/// From one number to the next.
const NEXT: u32 = 4;

/// Between what a number must stay.
#[derive(Debug, Default)]
struct Bounds {
    /// The least allowed, as keys.
    low: BinaryHeap<Bound>,
    /// The greatest allowed: their keys are these with all bits turned, which turns the order and overflows nowhere.
    high: BinaryHeap<Bound>,
}

/// What has to hold of a reading for all that rest.
#[derive(Debug)]
struct Whole {
    bands: Vec<Band>,
    paces: Vec<Band>,
    sills: Vec<Band>,
    without: Vec<FieldIx>,
    before: i64,
    apart: i64,
    near: i64,
    rows: i64,
}

/// Fewer entries are not looked through.
const FEW: usize = 32;

impl Default for Whole {
    fn default() -> Whole {
        let (bands, paces, sills) = (Vec::new(), Vec::new(), Vec::new());
        Whole { bands, paces, sills, without: Vec::new(), before: i64::MAX, apart: 0, near: i64::MAX, rows: i64::MAX }
    }
}

impl Resting {
    pub fn len(&self) -> usize {
        self.many
    }

    #[cfg(test)]
    pub fn at_sills(&self) -> usize {
        self.numbers.iter().filter(|number| **number & AT_SILL != 0).count()
    }

    /// See [`super::foresee`].
    pub fn glance(&self) -> u64 {
        let lists = self.fields.len() ^ self.paces.len() ^ self.whole.bands.len() ^ self.whole.paces.len();
        (self.numbers.len() ^ lists ^ self.at.len() ^ self.whole.without.len()) as u64
    }

    /// The same, one level further.
    pub fn glance_within(&self) -> u64 {
        let number = self.numbers.first().copied().unwrap_or(0);
        let band = self.whole.bands.first().map_or(0, |band| band.low as u64);
        let band = band ^ self.whole.paces.first().map_or(0, |band| band.low as u64);
        u64::from(number) ^ band ^ self.fields.first().map_or(0, |(_, bounds)| bounds.len() as u64)
    }

    /// Nobody rests.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.many = 0;
        self.fields.clear();
        self.paces.clear();
        self.without.clear();
        self.after.clear();
        self.at.clear();
        self.rows.clear();
        self.unheard.clear();
        self.stood.clear();
        self.spells.clear();
        self.whole.sills.clear();
        self.tighten();
    }

    /// A version rests from now on, as long as all of this holds. It did not rest before. To be followed by [`Resting::tighten`].
    pub fn add(&mut self, version: u32, is_above: bool, rests: impl IntoIterator<Item = Rest>) {
        let entry = self.enter(version, u32::from(is_above));
        let bound = |key| Bound { key, entry };
        for rest in rests {
            match rest {
                Rest::Without(field) => of_field(&mut self.without, field).push(bound(0)),
                Rest::Before(t) => self.at.push(bound(!t)),
                Rest::Apart(span) => self.after.low.push(bound(span)),
                Rest::Near(span) => self.after.high.push(bound(!span)),
                Rest::Rows(most) => self.rows.push(bound(!most)),
                Rest::Unheard(stream) => self.unheard.push((stream, entry)),
                Rest::Within(band) => of_field(&mut self.fields, band.field).add(band, bound),
                Rest::Paced(band) => of_field(&mut self.paces, band.field).add(band, bound),
            }
        }
    }

    /// The same of one that rests at its sill, on the side on which the newest reading is. To be followed by [`Resting::stand`].
    #[inline]
    pub fn add_at_sill(&mut self, version: u32, is_above: bool, stay: Stay) {
        let entry = self.enter(version, u32::from(is_above) | AT_SILL);
        self.spells.add(stay, entry);
    }

    /// Gives a version a number.
    #[inline]
    fn enter(&mut self, version: u32, kind: u32) -> Entry {
        // After a thousand million of them one that is left over may count again: it wakes a version that need not be.
        self.last = self.last.wrapping_add(NEXT).max(NEXT);
        let number = self.last | kind;
        let place = version as usize;
        if self.numbers.len() <= place {
            // Millions of subjects have one for each stream: little more room than is used.
            if self.numbers.capacity() <= place {
                self.numbers.reserve_exact(place + FEW - self.numbers.len());
            }
            self.numbers.resize(place + 1, 0);
        }
        self.numbers[place] = number;
        self.many += 1;
        Entry { version, number }
    }

    /// A version does not rest any more; whether it is above, if it did.
    pub fn remove(&mut self, version: u32) -> Option<bool> {
        let number = std::mem::take(self.numbers.get_mut(version as usize)?);
        if number == 0 {
            return None;
        }
        self.many -= 1;
        Some(number & ABOVE != 0)
    }

    /// Whether all go on resting when a reading comes.
    #[inline]
    pub fn keeps_all(&self, newest: &impl Told) -> bool {
        let whole = &self.whole;
        newest.at() < whole.before
            && whole.apart <= newest.after()
            && newest.after() <= whole.near
            && newest.rows() <= whole.rows
            && whole.bands.iter().all(|band| newest.is_inside(band))
            && whole.sills.iter().all(|band| newest.is_inside(band))
            && whole.paces.iter().all(|band| newest.is_paced(band))
            && !whole.without.iter().any(|field| newest.says(*field))
    }

    /// Takes out those for whom something does not hold of a reading that comes. To be followed by [`Resting::tighten`].
    pub fn wake(&mut self, newest: &Newest<'_>, sills: &Sills, mut woken: impl FnMut(u32, bool)) {
        let Resting { numbers, many, fields, paces, without, after, at, rows, stood, spells, .. } = self;
        let mut rouse = |entry: Entry| {
            if counts(numbers, &entry) {
                numbers[entry.version as usize] = 0;
                *many -= 1;
                woken(entry.version, entry.number & ABOVE != 0);
            }
        };
        spells.drain(newest.at, newest.after, &mut rouse);
        drain(at, |key| key >= !newest.at, &mut rouse);
        drain(rows, |key| key > !newest.rows(), &mut rouse);
        after.drain(Some(newest.after), &mut rouse);
        for (field, bounds) in fields {
            bounds.drain(newest.number(*field), &mut rouse);
        }
        for (field, bounds) in paces {
            bounds.drain(newest.pace(*field), &mut rouse);
        }
        for (field, heap) in without {
            drain(heap, |_| newest.says(*field), &mut rouse);
        }
        for of in sills.fields() {
            let Some((_, stood)) = stood.iter_mut().find(|(field, _)| *field == of.field) else { continue };
            let passed = match newest.number(of.field) {
                Some(number) => of.between(std::mem::replace(stood, number), number),
                None => of.versions(),
            };
            for &version in passed {
                if let Some(number) = numbers.get_mut(version as usize).filter(|number| **number & AT_SILL != 0) {
                    let number = std::mem::take(number);
                    *many -= 1;
                    woken(version, number & ABOVE != 0);
                }
            }
        }
    }

    /// Takes out those for whom nothing may come in a stream. To be followed by [`Resting::tighten`].
    pub fn hear(&mut self, stream: StreamIx, mut woken: impl FnMut(u32, bool)) {
        let Resting { numbers, many, unheard, .. } = self;
        unheard.retain(|(other, entry)| {
            if *other == stream && counts(numbers, entry) {
                numbers[entry.version as usize] = 0;
                *many -= 1;
                woken(entry.version, entry.number & ABOVE != 0);
            }
            *other != stream
        });
    }

    /// The streams in which nothing may come.
    pub fn unheard(&self) -> impl Iterator<Item = StreamIx> {
        self.unheard.iter().map(|(stream, _)| *stream)
    }

    /// Notes where the newest reading is among the sills, after some came to rest there.
    pub fn stand(&mut self, newest: &Newest<'_>, sills: &Sills) {
        self.whole.sills.clear();
        for of in sills.fields() {
            // Without a number nobody rests there.
            let Some(number) = newest.number(of.field) else { continue };
            match self.stood.iter_mut().find(|(field, _)| *field == of.field) {
                Some((_, stood)) => *stood = number,
                None => self.stood.push((of.field, number)),
            }
            let counts = |version: u32| self.numbers.get(version as usize).is_some_and(|number| number & AT_SILL != 0);
            if let Some((low, high)) = of.room(number, counts) {
                self.whole.sills.push(Band { field: of.field, low, high });
            }
        }
    }

    /// Finds anew what has to hold for all, after some came or went.
    pub fn tighten(&mut self) {
        if self.entries() > self.most.max(FEW) {
            let Resting { numbers, fields, paces, without, after, at, rows, unheard, spells, .. } = self;
            spells.keep(|entry| counts(numbers, entry));
            unheard.retain(|(_, entry)| counts(numbers, entry));
            let mut keep = |heap: &mut BinaryHeap<Bound>| heap.retain(|bound| counts(numbers, &bound.entry));
            keep(at);
            keep(rows);
            after.each(&mut keep);
            fields.iter_mut().chain(paces).for_each(|(_, bounds)| bounds.each(&mut keep));
            without.iter_mut().for_each(|(_, heap)| keep(heap));
            self.most = 2 * self.entries();
        }
        let Resting { numbers, fields, paces, without, after, at, rows, spells, whole, .. } = self;
        let stay = spells.narrowest();
        whole.before = top(at, numbers).map_or(i64::MAX, |key| !key).min(stay.before);
        whole.rows = top(rows, numbers).map_or(i64::MAX, |key| !key);
        whole.apart = top(&mut after.low, numbers).unwrap_or(0).max(0);
        whole.near = top(&mut after.high, numbers).map_or(i64::MAX, |key| !key).min(stay.near);
        whole.bands.clear();
        whole.bands.extend(fields.iter_mut().filter_map(|(field, bounds)| bounds.room(*field, numbers)));
        whole.paces.clear();
        whole.paces.extend(paces.iter_mut().filter_map(|(field, bounds)| bounds.room(*field, numbers)));
        whole.without.clear();
        whole.without.extend(without.iter_mut().filter_map(|(field, heap)| top(heap, numbers).map(|_| *field)));
    }

    fn entries(&self) -> usize {
        let bounds = self.fields.iter().chain(&self.paces);
        let of_fields = bounds.map(|(_, bounds)| bounds.len()).chain(self.without.iter().map(|(_, heap)| heap.len()));
        of_fields.sum::<usize>() + self.after.len() + self.at.len() + self.rows.len() + self.unheard.len() + self.spells.len()
    }
}

/// What is kept of a field.
fn of_field<T: Default>(list: &mut Vec<(FieldIx, T)>, field: FieldIx) -> &mut T {
    let place = list.iter().position(|(known, _)| *known == field).unwrap_or_else(|| {
        list.push((field, T::default()));
        list.len() - 1
    });
    &mut list[place].1
}

/// Whether an entry means something: its version rests under its number.
#[inline]
fn counts(numbers: &[u32], entry: &Entry) -> bool {
    numbers[entry.version as usize] == entry.number
}

/// The greatest key that counts.
fn top(heap: &mut BinaryHeap<Bound>, numbers: &[u32]) -> Option<i64> {
    while let Some(bound) = heap.peek() {
        if counts(numbers, &bound.entry) {
            return Some(bound.key);
        }
        heap.pop();
    }
    None
}

/// Takes the entries out whose keys are crossed.
fn drain(heap: &mut BinaryHeap<Bound>, is_crossed: impl Fn(i64) -> bool, rouse: &mut impl FnMut(Entry)) {
    while let Some(bound) = heap.peek().copied().filter(|bound| is_crossed(bound.key)) {
        heap.pop();
        rouse(bound.entry);
    }
}

impl Bounds {
    fn len(&self) -> usize {
        self.low.len() + self.high.len()
    }

    fn clear(&mut self) {
        self.low.clear();
        self.high.clear();
    }

    fn add(&mut self, Band { low, high, .. }: Band, bound: impl Fn(i64) -> Bound) {
        if high < i64::MAX {
            self.high.push(bound(!high));
        }
        // Of one that allows any number there must be one.
        if low > i64::MIN || high == i64::MAX {
            self.low.push(bound(low));
        }
    }

    /// Between what all that count stay; `None`: none does.
    fn room(&mut self, field: FieldIx, numbers: &[u32]) -> Option<Band> {
        let (low, high) = (top(&mut self.low, numbers), top(&mut self.high, numbers));
        let is_any = low.is_some() || high.is_some();
        is_any.then(|| Band { field, low: low.unwrap_or(i64::MIN), high: high.map_or(i64::MAX, |key| !key) })
    }

    fn each(&mut self, f: &mut impl FnMut(&mut BinaryHeap<Bound>)) {
        f(&mut self.low);
        f(&mut self.high);
    }

    /// Takes out what a number crosses; no number crosses all.
    fn drain(&mut self, number: Option<i64>, rouse: &mut impl FnMut(Entry)) {
        drain(&mut self.low, |key| number.is_none_or(|n| n < key), rouse);
        drain(&mut self.high, |key| number.is_none_or(|n| !n < key), rouse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Amount, Content, Dimension, ReadingId, StreamIx, Time, Value, When};

    use crate::decide::Sill;
    use crate::timeline::{Mark, Table};

    fn atoms(digits: i64) -> i64 {
        Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() }.atoms()
    }

    /// Readings of two fields.
    fn table_of(rows: &[(i64, [Option<i64>; 2])]) -> Table {
        let mut table = Table::default();
        for (at, numbers) in rows {
            let amount = |digits| Value::Quantity(Amount { digits, scale: 0, unit: Dimension::Count.usual_unit() });
            let values = numbers.iter().map(|n| n.map(amount)).collect();
            let content = Content { stream: StreamIx(0), when: When::At(Time(*at)), values, source: None, seq: None };
            table.insert(*at, Mark { id: ReadingId(*at as u128), hash: 0, rev: 1, plain: true }, &content, None);
        }
        table
    }

    fn within(field: u16, low: i64, high: i64) -> Rest {
        Rest::Within(Band { field: FieldIx(field), low, high })
    }

    /// As it is meant.
    fn holds(rest: &Rest, newest: &Newest<'_>) -> bool {
        match rest {
            Rest::Within(band) => newest.is_inside(band),
            Rest::Paced(band) => newest.is_paced(band),
            Rest::Without(field) => !newest.says(*field),
            Rest::Before(t) => newest.at < *t,
            Rest::Apart(span) => newest.after >= *span,
            Rest::Near(span) => newest.after <= *span,
            Rest::Rows(most) => newest.rows() <= *most,
            Rest::Unheard(_) => true,
        }
    }

    /// Versions from here on have sills; of which field, below which number they are low.
    const WITH_SILLS: u32 = 40;

    fn sill(version: u32) -> (u16, i64) {
        (version as u16 % 2, atoms(i64::from(version * 7 % 60)))
    }

    fn sills() -> Sills {
        let of = |version: u32| {
            let (field, bound) = sill(version);
            Sill::below(FieldIx(field), bound)
        };
        Sills::of((WITH_SILLS..2 * WITH_SILLS).map(|version| (version, of(version))))
    }

    /// What has to hold for one to stay on the side of its sill on which it is, which are its bounds.
    fn at_sill(version: u32, newest: &Newest<'_>, stay: Stay) -> Option<Vec<Rest>> {
        let (field, bound) = sill(version);
        let number = newest.number(FieldIx(field))?;
        let side = if number < bound { within(field, i64::MIN, bound - 1) } else { within(field, bound, i64::MAX) };
        Some(vec![side, Rest::Before(stay.before), Rest::Near(stay.near)])
    }

    /// Of what one may rest by that has no sill.
    fn drawn(below: &mut impl FnMut(u64) -> u64, at: i64) -> Vec<Rest> {
        let low = atoms(below(60) as i64);
        (0..below(4))
            .map(|_| match below(12) {
                0 => Rest::Before(at + below(200) as i64),
                1 => Rest::Apart(below(4) as i64),
                2 => Rest::Near(15 + below(10) as i64),
                3 => within(0, i64::MIN, low),
                4 => within(1, low, i64::MAX),
                5 => within(1, i64::MIN, i64::MAX),
                6 => Rest::Without(FieldIx(1)),
                7 => Rest::Paced(Band { field: FieldIx(0), low: i64::MIN, high: low * 100_000_000 }),
                9 => Rest::Rows(1 + below(5) as i64),
                10 => Rest::Unheard(StreamIx(below(3) as u16)),
                8 => Rest::Paced(Band { field: FieldIx(1), low: -low * 100_000_000, high: i64::MAX }),
                _ => within(0, low, low + atoms(40)),
            })
            .collect()
    }

    fn is_above(version: u32) -> bool {
        version.is_multiple_of(3)
    }

    /// Something comes in another stream: those wake who rest as long as nothing does. How many.
    fn hear(resting: &mut Resting, told: &mut Vec<(u32, Vec<Rest>)>, stream: StreamIx) -> usize {
        let is_told = |(_, rests): &(u32, Vec<Rest>)| rests.contains(&Rest::Unheard(stream));
        assert!(resting.unheard().any(|other| other == stream) || !told.iter().any(is_told));
        let mut heard: Vec<(u32, bool)> = told.extract_if(.., |one| is_told(one)).map(|(v, _)| (v, is_above(v))).collect();
        let mut woken = Vec::new();
        resting.hear(stream, |version, is_above| woken.push((version, is_above)));
        heard.sort_unstable();
        woken.sort_unstable();
        assert_eq!(woken, heard);
        woken.len()
    }

    #[test]
    fn each_wakes_when_something_that_it_told_does_not_hold_and_not_before() {
        let mut dice = 7_u64;
        let mut below = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let (mut resting, sills) = (Resting::default(), sills());
        let mut told: Vec<(u32, Vec<Rest>)> = Vec::new();
        let mut last = [None, None];
        let (mut before, mut woken_in_all, mut woken_at_sills, mut heard_in_all, mut quiet) = (0_i64, 0, 0, 0, 0);
        for step in 0..20_000_i64 {
            let at = before + 1 + below(20) as i64;
            let mut number = || (below(10) > 0).then(|| below(100) as i64);
            let row = [number(), number()];
            let many = below(4) as i64;
            let rows = (0..many).map(|i| (before - many + i, last)).chain([(before, last), (at, row)]);
            let table = table_of(&rows.collect::<Vec<_>>());
            let newest = Newest::of(&table).expect("it has rows");
            (before, last) = (at, row);
            let mut woken = Vec::new();
            let all = resting.keeps_all(&newest);
            resting.wake(&newest, &sills, |version, is_above| woken.push((version, is_above)));
            woken.sort_unstable();
            let mut meant: Vec<(u32, bool)> = Vec::new();
            told.retain(|(version, rests)| {
                let keeps = rests.iter().all(|rest| holds(rest, &newest));
                if !keeps {
                    meant.push((*version, is_above(*version)));
                }
                keeps
            });
            meant.sort_unstable();
            assert_eq!(woken, meant, "step {step}");
            if below(8) == 0 {
                heard_in_all += hear(&mut resting, &mut told, StreamIx(below(3) as u16));
            }
            // Of sills it may be told too little, never too much.
            assert!(!all || meant.is_empty(), "step {step}");
            woken_in_all += woken.len();
            woken_at_sills += woken.iter().filter(|(version, _)| *version >= WITH_SILLS).count();
            quiet += usize::from(all);
            for _ in 0..below(4) {
                let version = below(80) as u32;
                let was = told.iter().position(|(v, _)| *v == version);
                assert_eq!(resting.remove(version), was.map(|_| is_above(version)));
                was.map(|place| told.swap_remove(place));
                let ever = |is: bool, n: i64| if is { i64::MAX } else { n };
                let stay =
                    Stay { before: ever(below(2) == 0, at + below(200) as i64), near: ever(below(3) == 0, 15 + below(6) as i64) };
                if version >= WITH_SILLS {
                    let Some(rests) = at_sill(version, &newest, stay) else { continue };
                    resting.add_at_sill(version, is_above(version), stay);
                    told.push((version, rests));
                    continue;
                }
                let rests = drawn(&mut below, at);
                resting.add(version, is_above(version), rests.iter().copied());
                told.push((version, rests));
            }
            resting.stand(&newest, &sills);
            resting.tighten();
            assert_eq!(resting.len(), told.len());
        }
        let enough = woken_in_all > 3_000 && woken_at_sills > 1_000 && heard_in_all > 100 && quiet > 1_000;
        assert!(enough, "{woken_in_all}, {woken_at_sills} at sills, {heard_in_all} by other streams, {quiet} times nobody");
    }

    #[test]
    fn what_does_not_count_any_more_takes_no_room_for_long() {
        let mut resting = Resting::default();
        for step in 0..10_000 {
            let paced = Rest::Paced(Band { field: FieldIx(0), low: 0, high: 9 });
            resting.add(step % 5, false, [Rest::Before(i64::MAX), within(0, 0, 9), paced]);
            resting.add_at_sill(7 + step % 5, false, Stay { before: i64::from(step), near: 9 });
            resting.tighten();
            resting.remove(7 + step % 5);
            resting.remove((step + 1) % 5);
        }
        assert!(resting.at.len() + resting.fields[0].1.len() < 4 * FEW, "{} {}", resting.at.len(), resting.fields[0].1.len());
        assert!(resting.spells.len() < 4 * FEW, "{}", resting.spells.len());
        assert!(resting.paces[0].1.len() < 4 * FEW, "{}", resting.paces[0].1.len());
        resting.clear();
        assert_eq!((resting.len(), resting.whole.before, resting.entries()), (0, i64::MAX, 0));
        assert!(resting.whole.bands.is_empty() && resting.whole.paces.is_empty());
    }
}
