//! The dated rules: every version of every rule that was ever in force, and which of them a stream concerns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitalog_elog::{StreamIx, Time};

use super::calm::Ranked;
use super::ranks::Ranks;
use super::sills::Sills;
use crate::decide::Version;
use crate::plan::Library;
use crate::timeline::Wanted;

/// All versions of all rules.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rulebook {
    pub library: Arc<Library>,
    /// Since when the newest library is in force.
    effective: Time,
    /// In the order in which they came into force.
    pub versions: Vec<Version>,
    /// Each rule's name with the places of its versions, oldest first.
    pub names: Vec<(Arc<str>, Vec<u32>)>,
    /// For each version the place of its name.
    pub name_of: Vec<u32>,
    /// What hangs on what. Made again after a restore.
    #[serde(skip)]
    pub ranks: Ranks,
    /// For each declared stream what it concerns. Made again after a restore.
    #[serde(skip)]
    routes: Vec<Route>,
    /// Whether readings of any stream are seen under several subjects.
    #[serde(skip)]
    pub shares: bool,
    /// More is to come at this moment.
    #[serde(skip)]
    pub more: bool,
    /// What timelines are to keep.
    #[serde(skip)]
    pub wanted: Arc<Wanted>,
}

impl Default for Rulebook {
    fn default() -> Rulebook {
        Rulebook {
            library: Arc::default(),
            effective: Time::MIN,
            versions: Vec::new(),
            names: Vec::new(),
            name_of: Vec::new(),
            ranks: Ranks::default(),
            routes: Vec::new(),
            shares: false,
            more: false,
            wanted: Arc::default(),
        }
    }
}

/// The versions that the readings of a stream concern.
#[derive(Debug, Default)]
pub struct Route {
    pub all: Ranked,
    /// Those that a reading concerns which is later than all of its stream and all that was decided.
    pub newest: Ranked,
    /// Where those turn that are decided upon it.
    pub sills: Sills,
}

/// What a new library changed.
#[derive(Debug)]
pub struct Revision {
    /// Since when.
    pub from: i64,
    /// Versions that ended.
    pub ended: Vec<usize>,
    /// The first of the versions that are new.
    pub new: usize,
    /// Versions that go on and say otherwise what they found.
    pub retold: Vec<usize>,
}

impl Rulebook {
    /// Puts a library into force. A rule that means the same stays under its version.
    pub fn revise(&mut self, effective: Time, library: Arc<Library>) -> Revision {
        self.effective = self.effective.max(effective);
        let from = self.effective.0;
        let new = self.versions.len();
        let (mut ended, mut retold) = (Vec::new(), Vec::new());
        let mut kept = vec![false; library.rules.len()];
        for (place, version) in self.versions.iter_mut().enumerate().filter(|(_, v)| v.to == i64::MAX) {
            match library.rules.iter().position(|r| r.name == version.terms.rule.name) {
                Some(i) if version.means(&library.rules[i], &library) => {
                    kept[i] = true;
                    if version.renew(library.rules[i].clone(), &library, from) {
                        retold.push(place);
                    }
                }
                _ => {
                    version.to = from;
                    ended.push(place);
                }
            }
        }
        for (rule, _) in library.rules.iter().zip(kept).filter(|(_, kept)| !kept) {
            let place = self.versions.len() as u32;
            let name = self.names.iter().position(|(name, _)| *name == rule.name).unwrap_or_else(|| {
                self.names.push((rule.name.clone(), Vec::new()));
                self.names.len() - 1
            });
            self.names[name].1.push(place);
            self.name_of.push(name as u32);
            self.versions.push(Version::new(rule.clone(), &library, from));
        }
        self.library = library;
        self.chart();
        Revision { from, ended, new, retold }
    }

    /// Makes again what is not stored.
    pub fn restore(&mut self) {
        self.versions.iter_mut().for_each(Version::survey);
        self.chart();
    }

    /// The versions that a stream concerns; `None`: none.
    #[inline]
    pub fn route(&self, stream: StreamIx) -> Option<&Route> {
        self.routes.get(usize::from(stream.0))
    }

    fn chart(&mut self) {
        self.routes.clear();
        self.shares = self.library.schema.shares();
        self.ranks = Ranks::of(&self.versions, &self.names, &self.name_of, &self.library.derived);
        let streams = self.versions.iter().flat_map(|v| &v.scope.streams).filter(|s| s.derived().is_none());
        let many = streams.map(|s| usize::from(s.0) + 1).max().unwrap_or(0);
        self.routes.resize_with(many, Route::default);
        let mut enter = |place: u32, which: fn(&mut Route) -> &mut Vec<u32>, only: fn(&Version, StreamIx) -> bool| {
            let version = &self.versions[place as usize];
            for &stream in version.scope.streams.iter().filter(|s| s.derived().is_none() && only(version, **s)) {
                which(&mut self.routes[usize::from(stream.0)]).push(place);
            }
        };
        let newest = |version: &Version, stream| version.is_driven_by(stream) || version.heeds(stream);
        for &place in &self.ranks.ground {
            enter(place, |r| &mut r.all.ground, |_, _| true);
            enter(place, |r| &mut r.newest.ground, newest);
        }
        for &place in &self.ranks.above {
            enter(place, |r| &mut r.all.above, |_, _| true);
            enter(place, |r| &mut r.newest.above, newest);
        }
        for (stream, route) in (0..).map(StreamIx).zip(&mut self.routes) {
            let those = (0_u32..).zip(&self.versions).filter(|(_, version)| version.is_driven_by(stream));
            route.sills = Sills::of(those.filter_map(|(place, version)| Some((place, version.scope.sill?))));
        }
        let names = self.library.schema.streams.iter().map(|stream| stream.name.clone()).collect();
        let sums = self.versions.iter().flat_map(|v| &v.scope.sums);
        let mut sums: Vec<_> = sums.filter(|(stream, _)| stream.derived().is_none()).copied().collect();
        sums.sort();
        sums.dedup();
        let mut edges: Vec<_> = self.versions.iter().flat_map(|v| &v.scope.edges).copied().collect();
        edges.sort();
        edges.dedup();
        self.wanted = Arc::new(Wanted { names, sums, edges });
    }
}
