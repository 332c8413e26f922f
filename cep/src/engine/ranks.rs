//! In which order rules are decided: those that look at the findings of others after these.
//!
//! The compiler refuses circles, over all versions together. Given one all the same, the engine decides each rule of it once a step, in the order of their names'
//! first coming; what stands then may hang on the order of arrival.

use std::sync::Arc;

use vitalog_elog::StreamIx;

use crate::decide::Version;
use crate::plan::Derived;

/// What hangs on what.
#[derive(Debug, Default)]
pub struct Ranks {
    /// Versions that look at no other rule, by place.
    pub ground: Vec<u32>,
    /// The others, each after all that it looks at.
    pub above: Vec<u32>,
    /// For each version its place among these, if it looks at another.
    turns: Vec<Option<usize>>,
    /// For each version the derived stream that its findings are rows of, if any rule looks at it.
    feeds: Vec<Option<StreamIx>>,
}

impl Ranks {
    pub fn of(versions: &[Version], names: &[(Arc<str>, Vec<u32>)], name_of: &[u32], derived: &[Derived]) -> Ranks {
        let name = |d: &Derived| names.iter().position(|(name, _)| *name == d.rule);
        let named: Vec<Option<usize>> = derived.iter().map(name).collect();
        let uses = |place: usize| {
            let streams = versions[place].scope.streams.iter();
            streams.filter_map(|s| s.derived()).filter_map(|d| named.get(d).copied().flatten())
        };
        let mut rank = vec![0_usize; names.len()];
        // As often as there are names: what still changes then goes in a circle.
        for _ in 0..names.len() {
            let before = rank.clone();
            for place in 0..versions.len() {
                let above = uses(place).map(|used| before[used] + 1).max().unwrap_or(0);
                let own = &mut rank[name_of[place] as usize];
                *own = (*own).max(above).min(names.len());
            }
            if rank == before {
                break;
            }
        }
        let of = |place: u32| rank[name_of[place as usize] as usize];
        let looks = |place: &u32| versions[*place as usize].scope.streams.iter().any(|s| s.derived().is_some());
        let (mut above, ground): (Vec<u32>, Vec<u32>) = (0..versions.len() as u32).partition(looks);
        above.sort_by_key(|place| (of(*place), *place));
        let mut turns = vec![None; versions.len()];
        above.iter().enumerate().for_each(|(turn, place)| turns[*place as usize] = Some(turn));
        let mut feeds = vec![None; versions.len()];
        for (i, place) in named.iter().enumerate() {
            for version in place.iter().flat_map(|name| &names[*name].1) {
                feeds[*version as usize] = Some(Derived::stream(i));
            }
        }
        Ranks { ground, above, turns, feeds }
    }

    /// Whether a version looks at other rules.
    pub fn is_above(&self, place: u32) -> bool {
        self.turns.get(place as usize).is_some_and(Option::is_some)
    }

    /// The place of a version among those that look at others.
    #[inline]
    pub fn turn(&self, place: u32) -> usize {
        self.turns.get(place as usize).copied().flatten().unwrap_or(0)
    }

    /// The derived stream of a version, if any rule looks at it.
    #[inline]
    pub fn feeds(&self, place: u32) -> Option<StreamIx> {
        self.feeds.get(place as usize).copied().flatten()
    }
}
