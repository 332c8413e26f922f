//! What is wrong with a stage: its revisions beside those of the journal, paired off by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::accounting::{Standing, Window};

use super::book::{Book, Named};
use super::stages::Stage;

/// What became of a revision on the way to a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The stage does not have it.
    Lost,
    /// It has it more often than once.
    Doubled,
    /// It has it with another content.
    Bent,
    /// It has it, but holds as current what is former, or the reverse.
    Misplaced,
    /// It has what was never journaled.
    Foreign,
    /// A row of it can't be read.
    Unreadable,
}

/// One revision with which something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub stage: Stage,
    pub kind: Kind,
    pub subject: Arc<str>,
    /// The given name of the reading, or its derived id.
    pub name: Arc<str>,
    pub rev: u32,
    /// Of the journal's, where it has it.
    pub window: Window,
    pub standing: Standing,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Lost => "lost",
            Kind::Doubled => "doubled",
            Kind::Bent => "bent",
            Kind::Misplaced => "misplaced",
            Kind::Foreign => "foreign",
            Kind::Unreadable => "unreadable",
        }
    }
}

/// How often a stage has a revision, and how often it should.
#[derive(Clone, Copy, Default)]
struct Beside {
    journal: [i64; 2],
    stage: [i64; 2],
}

impl Beside {
    fn excess(&self, standing: Standing) -> i64 {
        self.stage[standing as usize] - self.journal[standing as usize]
    }
}

/// The differences between a stage and the journal, which stands in two books: as it was where the stage's current revisions have come to, and where its former ones have.
pub fn differences(stage: Stage, journal: [&Book; 2], held: &Book) -> Vec<Difference> {
    let mut beside: BTreeMap<&Named, Beside> = BTreeMap::new();
    for standing in Standing::ALL {
        let place = standing as usize;
        for (named, times) in &journal[place].revisions {
            beside.entry(named).or_default().journal[place] += times[place];
        }
        for (named, times) in &held.revisions {
            beside.entry(named).or_default().stage[place] += times[place];
        }
    }
    let mut found = Vec::new();
    let mut same_name: BTreeMap<(&str, &str, u32), Unpaired<'_>> = BTreeMap::new();
    for (named, beside) in beside {
        let say = |kind, standing| of(stage, kind, named, standing);
        let [mut current, mut former] = Standing::ALL.map(|standing| beside.excess(standing));
        if named.rev == 0 {
            found.extend((current > 0).then(|| say(Kind::Unreadable, Standing::Current)));
            found.extend((former > 0).then(|| say(Kind::Unreadable, Standing::Former)));
            continue;
        }
        while current * former < 0 {
            found.push(say(Kind::Misplaced, if current < 0 { Standing::Current } else { Standing::Former }));
            (current, former) = (current - current.signum(), former - former.signum());
        }
        let is_journaled = beside.journal.iter().any(|times| *times > 0);
        let unpaired = same_name.entry((&named.subject, &named.name, named.rev)).or_default();
        for (excess, standing) in [(current, Standing::Current), (former, Standing::Former)] {
            for _ in 0..excess.unsigned_abs() {
                match (excess < 0, is_journaled) {
                    (true, _) => unpaired.lacking.push((named, standing)),
                    (false, true) => found.push(say(Kind::Doubled, standing)),
                    (false, false) => unpaired.foreign.push((named, standing)),
                }
            }
        }
    }
    for unpaired in same_name.into_values() {
        let both = unpaired.lacking.len().min(unpaired.foreign.len());
        for (i, (named, standing)) in unpaired.lacking.into_iter().enumerate() {
            found.push(of(stage, if i < both { Kind::Bent } else { Kind::Lost }, named, standing));
        }
        found.extend(unpaired.foreign.into_iter().skip(both).map(|(named, standing)| of(stage, Kind::Foreign, named, standing)));
    }
    found.sort();
    found
}

/// Revisions of one name and number that stand on one side only.
#[derive(Default)]
struct Unpaired<'a> {
    lacking: Vec<(&'a Named, Standing)>,
    foreign: Vec<(&'a Named, Standing)>,
}

fn of(stage: Stage, kind: Kind, named: &Named, standing: Standing) -> Difference {
    let (subject, name, window) = (named.subject.clone(), named.name.clone(), named.window.clone());
    Difference { stage, kind, subject, name, rev: named.rev, window, standing }
}
