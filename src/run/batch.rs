//! A group of inputs as workers take it, and what each partition says of it.
//!
//! No thread here, and no clock but to tell how long steps took: a [`Share`] steps what it is given. What it says hangs on the group and the number of partitions alone, not on how partitions are shared out.

use std::sync::Arc;
use std::time::Instant;

use vitalog_cep::driver::Split;
use vitalog_cep::plan::Library;
use vitalog_cep::{EngineInput, FORESIGHT, Seen};
use vitalog_elog::{Effect, Effects, Entry, Input, Reading, Time};

use super::own::Own;
use crate::failure::Failure;

/// One group, handed over whole.
pub struct Batch {
    pub first: u64,
    pub entries: Vec<Arc<Entry>>,
    pub split: Split,
    /// What each change of rules among the inputs was compiled to.
    pub libraries: Vec<(u32, Arc<Library>)>,
    /// Whether readings of it may be seen under several subjects.
    pub shares: bool,
    /// Whether it is to be told how long each step took.
    pub timed: bool,
}

/// Effects of the input at a place in its group.
pub type Placed = (u32, Effects);

/// What one partition says of a group.
#[derive(Default)]
pub struct Part {
    pub partition: u32,
    /// Of inputs that concern it.
    pub own: Vec<Placed>,
    /// What fell due meanwhile.
    pub due: Vec<Placed>,
    /// What could be decided only when all of the group was there.
    pub last: Vec<Effect>,
    /// How long each step over an input of its own took, in nanoseconds, where that is asked for.
    pub took: Vec<u32>,
}

/// What readings at a place in their group show to further subjects.
pub type Sights = Vec<(u32, Seen)>;

/// The partitions of one worker.
pub struct Share {
    pub engines: Vec<Own>,
}

impl Share {
    /// Steps each partition over the group up to its end, which waits for what is shown by others.
    ///
    /// # Errors
    /// Those of [`Own::step`].
    pub fn step(&mut self, batch: &Batch) -> Result<(Vec<Part>, Sights), Failure> {
        let (mut parts, mut sights) = (Vec::new(), Vec::new());
        for own in &mut self.engines {
            own.engine.begin();
            let mut part = Part { partition: own.partition, ..Part::default() };
            let ours = &batch.split.ours[own.partition as usize];
            let (mut effects, mut seen, mut stepped, foresees) = (Vec::new(), Vec::new(), 0, own.engine.has_foresight());
            for stretch in stretches(ours, &batch.split.moments, |place| batch.goes_with_others(place)) {
                let (place, is_ours) = match stretch {
                    Stretch::One(place, is_ours) => (place, is_ours),
                    Stretch::Many(places) => {
                        part.own.extend(many(own, batch, places)?);
                        stepped += places.len();
                        continue;
                    }
                };
                if is_ours {
                    if foresees && stepped % FORESIGHT == 0 {
                        own.engine.foresee(ours[stepped..].iter().filter_map(|place| batch.reading(*place)));
                    }
                    stepped += 1;
                }
                let entry = &batch.entries[place as usize];
                let input = if is_ours { batch.input(place) } else { EngineInput::Tick };
                let began = (batch.timed && is_ours).then(Instant::now);
                own.step(batch.first + u64::from(place), entry.arrival, input, &mut effects, &mut seen)?;
                part.took.extend(began.map(|began| u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX)));
                sights.extend(seen.drain(..).map(|seen| (place, seen)));
                if !effects.is_empty() {
                    let list = if is_ours { &mut part.own } else { &mut part.due };
                    list.push((place, effects.drain(..).collect()));
                }
            }
            parts.push(part);
        }
        Ok((parts, sights))
    }

    /// Shows what there is to be seen, and ends the moment.
    ///
    /// # Errors
    /// Those of [`Own::settle`].
    pub fn settle(&mut self, mut sights: Sights, partition_of: impl Fn(&Seen) -> u32, parts: &mut [Part]) -> Result<(), Failure> {
        // From whichever worker they come: by the reading, then by whom it is shown to.
        sights.sort_by(|(a, one), (b, other)| (a, one.subject()).cmp(&(b, other.subject())));
        for (own, part) in self.engines.iter_mut().zip(parts) {
            let partition = own.partition;
            for (_, seen) in sights.iter().filter(|(_, seen)| partition_of(seen) == partition) {
                own.see(seen, &mut part.last)?;
            }
            own.settle(&mut part.last)?;
        }
        Ok(())
    }

    pub fn next_due(&self) -> Option<Time> {
        self.engines.iter().filter_map(|own| own.engine.next_due()).min()
    }

    /// Each partition's whole state, or what changed in it since the last time.
    ///
    /// # Errors
    /// Those of [`Own::increment`].
    pub fn snapshot(&mut self, is_whole: bool) -> Result<Vec<(u32, Vec<u8>)>, Failure> {
        self.engines.iter_mut().map(|own| Ok((own.partition, own.increment(is_whole)?))).collect()
    }

    pub fn own(&self, partition: u32) -> Option<&Own> {
        self.engines.iter().find(|own| own.partition == partition)
    }
}

/// Steps a partition over readings of its own that nothing comes between.
fn many(own: &mut Own, batch: &Batch, places: &[u32]) -> Result<Vec<Placed>, Failure> {
    let arrival = |place: u32| batch.entries[place as usize].arrival;
    let readings: Vec<(Time, &Reading)> =
        places.iter().filter_map(|place| Some((arrival(*place), batch.reading(*place)?))).collect();
    Ok(places.iter().copied().zip(own.step_all(&readings)?).collect())
}

impl Batch {
    /// Whether an input may be stepped over together with others: a reading that only its own subject sees, of which nobody asks how long it took.
    fn goes_with_others(&self, place: u32) -> bool {
        !self.shares && !self.timed && self.reading(place).is_some()
    }

    fn reading(&self, place: u32) -> Option<&Reading> {
        match &self.entries[place as usize].input {
            Input::Reading(reading) => Some(reading),
            _ => None,
        }
    }

    fn input(&self, place: u32) -> EngineInput<'_> {
        match &self.entries[place as usize].input {
            Input::Reading(reading) => EngineInput::Reading(reading),
            Input::Profile(change) => EngineInput::Profile(change),
            Input::Rules(change) => match self.libraries.iter().find(|(at, _)| *at == place) {
                Some((_, library)) => EngineInput::Library { effective: change.effective, library: library.clone() },
                None => EngineInput::Tick,
            },
            Input::Command(_)
            | Input::Receipt(_)
            | Input::DeadLetter(_)
            | Input::Mending(_)
            | Input::Once(_)
            | Input::Sent(_)
            | Input::Tick
            | Input::Erased => EngineInput::Tick,
        }
    }
}

/// What a partition steps over at once.
#[derive(Debug, PartialEq, Eq)]
enum Stretch<'o> {
    /// One input, and whether it is ours.
    One(u32, bool),
    /// Several of ours during which the clock stands still.
    Many(&'o [u32]),
}

/// Two ascending lists as one: each place once. Those of ours that `go_together` are put together, up to where the clock moves on.
fn stretches<'o>(
    mut ours: &'o [u32],
    mut moments: &'o [u32],
    go_together: impl Fn(u32) -> bool,
) -> impl Iterator<Item = Stretch<'o>> {
    std::iter::from_fn(move || {
        let next = ours.first().into_iter().chain(moments.first()).copied().min()?;
        let moves = moments.first() == Some(&next);
        if moves {
            moments = &moments[1..];
        }
        if ours.first() != Some(&next) {
            return Some(Stretch::One(next, false));
        }
        let until = moments.first().copied().unwrap_or(u32::MAX);
        let many = if moves { 0 } else { ours.iter().take_while(|place| **place < until && go_together(**place)).count() };
        let (taken, left) = ours.split_at(many.max(1));
        ours = left;
        Some(if many > 1 { Stretch::Many(taken) } else { Stretch::One(next, true) })
    })
}

#[cfg(test)]
mod tests {
    use super::Stretch::{Many, One};
    use super::stretches;

    #[test]
    fn a_place_of_both_lists_is_walked_once_as_ours() {
        let walked: Vec<_> = stretches(&[1, 4, 5], &[0, 4, 7], |_| false).collect();
        assert_eq!(walked, [One(0, false), One(1, true), One(4, true), One(5, true), One(7, false)]);
    }

    #[test]
    fn what_goes_together_is_put_together_while_the_clock_stands_still() {
        let walked: Vec<_> = stretches(&[1, 2, 4, 5, 6, 8, 9, 11, 12], &[0, 4, 10], |place| place != 8).collect();
        let wanted = [
            One(0, false),
            Many(&[1, 2]),
            One(4, true),
            Many(&[5, 6]),
            One(8, true),
            One(9, true),
            One(10, false),
            Many(&[11, 12]),
        ];
        assert_eq!(walked, wanted);
    }
}
