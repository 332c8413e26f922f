//! Pure decisions on who does what: in which order history is fed to an engine, in which partition a subject is, and what of a group of inputs concerns each
//! partition.
//!
//! Whoever holds journal and threads asks here and acts on the answer.

use vitalog_elog::{Reading, Subject, Time};

/// Partitions of a data directory that was made without saying how many. More than most machines have cores, so that they can be shared out evenly; few enough that
/// each may keep the rules beside its subjects.
pub const PARTITIONS: u32 = 16;

/// Sorts readings so that the engine's clock may follow event time: by instant (an interval stands at its end; one without an end, at its start),
/// removals last. The sort is stable.
pub fn backtest_order(readings: &mut [Reading]) {
    readings.sort_by_key(|r| match &r.content {
        Some(content) => (false, content.when.instant().unwrap_or(content.when.start())),
        None => (true, Default::default()),
    });
}

/// The partition of a subject, of so many. It is the same for ever: snapshots hang on it (FNV-1a over the name, folded).
pub fn partition_of(subject: &Subject, partitions: u32) -> u32 {
    let name = subject.as_str().as_bytes();
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    // The low bits alone tell names apart badly that differ in their last letter only.
    ((hash ^ (hash >> 32)) % u64::from(partitions.max(1))) as u32
}

/// Which of so many workers owns a partition.
pub fn worker_of(partition: u32, workers: u32) -> u32 {
    partition % workers.max(1)
}

/// Whom an input concerns.
#[derive(Clone, Copy, Debug)]
pub enum Concerns<'i> {
    Subject(&'i Subject),
    All,
    /// It only shows how late it is.
    Nobody,
}

/// What of a group of inputs each partition steps over, by their places in the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// By partition: what concerns it.
    pub ours: Vec<Vec<u32>>,
    /// Where the clock moves on: to partitions that such an input does not concern it is a tick.
    ///
    /// INVARIANT (one clock): so after a group all partitions' clocks are the same, and each decides what is due, or begins with it ([`crate::Engine::set_slice`]), at the input that a single engine would.
    pub moments: Vec<u32>,
}

/// Splits a group. `clock` is the greatest arrival before it, and afterwards that of its last.
pub fn split<'i>(partitions: u32, clock: &mut Time, group: impl IntoIterator<Item = (Time, Concerns<'i>)>) -> Split {
    let mut split = Split { ours: vec![Vec::new(); partitions as usize], moments: Vec::new() };
    for (place, (arrival, concerns)) in group.into_iter().enumerate() {
        let place = place as u32;
        match concerns {
            Concerns::Subject(subject) => split.ours[partition_of(subject, partitions) as usize].push(place),
            Concerns::All => split.ours.iter_mut().for_each(|ours| ours.push(place)),
            Concerns::Nobody => {}
        }
        if arrival > *clock {
            *clock = arrival;
            split.moments.push(place);
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_subjects_are_is_for_ever() {
        let of = |name: &str| partition_of(&Subject::new(name), 16);
        // Taken down once: snapshots of every version go by them.
        assert_eq!(["p-0000000", "p-0000001", "p-0000002", "a", "ann@example"].map(of), [11, 12, 5, 0, 13]);
        let mut held = [0; 16];
        (0..16_000).for_each(|i| held[of(&format!("p-{i:07}")) as usize] += 1);
        assert!(held.iter().all(|n| (800..1_200).contains(n)), "they are spread evenly: {held:?}");
        assert_eq!(partition_of(&Subject::new("a"), 1), 0);
    }

    #[test]
    fn each_partition_has_its_own_and_all_have_the_clock() {
        let (ann, bob) = (Subject::new("ann"), Subject::new("bob"));
        let (a, b) = (partition_of(&ann, 16) as usize, partition_of(&bob, 16) as usize);
        assert_ne!(a, b);
        let mut clock = Time(5);
        let group = [
            (Time(5), Concerns::Subject(&ann)),
            (Time(7), Concerns::Subject(&bob)),
            (Time(7), Concerns::All),
            (Time(6), Concerns::Subject(&ann)),
            (Time(9), Concerns::Nobody),
        ];
        let split = split(16, &mut clock, group);
        assert_eq!((&split.ours[a][..], &split.ours[b][..]), (&[0, 2, 3][..], &[1, 2][..]));
        assert!((0..16).filter(|p| ![a, b].contains(p)).all(|p| split.ours[p] == [2]));
        assert_eq!((split.moments, clock), (vec![1, 4], Time(9)));
    }
}
