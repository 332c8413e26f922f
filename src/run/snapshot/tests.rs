//! The law of snapshots on disk: whatever of them is damaged, missing, doubled or foreign, a start has a state of the journal, and goes on from it to the same end.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitalog_cep::Engine;
use vitalog_elog::{Entry, Position};
use vitalog_notify::Config;

use super::file::{Unfit, Volume};
use super::{State, Store, survey};
use crate::failure::Failure;
use crate::run::mind::{Mind, Spread};
use crate::run::spread::{PARTITIONS, bytes, journal, mind, position, said};

type Groups = Vec<Vec<Arc<Entry>>>;

fn spread() -> Spread {
    Spread { partitions: PARTITIONS, workers: 2, beyond: None }
}

/// Steps groups from an offset on, writing a snapshot after each; the offset it comes to.
fn course(mind: &mut Mind, store: &mut Store, groups: &[Vec<Arc<Entry>>], mut next: u64) -> u64 {
    for group in groups {
        let first = next;
        next += group.len() as u64;
        mind.step(first..next, |offset, _| Ok(group[(offset - first) as usize].clone())).expect("it steps");
        let taken = mind.snapshot(position(next), store.is_empty()).expect("the workers are there");
        store.write(taken).expect("it is written");
    }
    next
}

/// The state that a start finds, and where the journal goes on from there.
fn restored(dir: &Path, least: u64) -> (Store, Option<(Position, Mind)>) {
    let mut store = Store::new(dir.to_owned());
    let make = |state| Mind::restore(state, Config::silent(), spread());
    let found = store.restore(least, |p| *p == position(p.next), make).expect("the folder is read");
    (store, found)
}

/// The whole state at the end of the journal, gone on to from what a start finds.
fn end(dir: &Path, least: u64, groups: &Groups) -> (u64, Vec<u8>) {
    let (_, found) = restored(dir, least);
    let (from, mut mind) = found.map_or_else(|| (0, mind(2)), |(position, mind)| (position.next, mind));
    let mut next = 0;
    let rest = groups.iter().skip_while(|group| {
        let is_before = next < from;
        next += if is_before { group.len() as u64 } else { 0 };
        is_before
    });
    let rest: Groups = rest.cloned().collect();
    assert_eq!(next, from, "a snapshot is of the end of a group");
    (from, bytes(&said(&mut mind, &rest, from).1))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all
}

fn is_whole(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "snapshot")
}

fn offset(path: &Path) -> u64 {
    path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).expect("an offset")
}

/// A folder after a course with a restart in the midst.
fn written(groups: &Groups) -> (tempfile::TempDir, u64) {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut one, mut store) = (mind(2), Store::new(dir.path().to_owned()));
    let half = groups.len() / 2;
    let next = course(&mut one, &mut store, &groups[..half], 0);
    let (mut store, found) = restored(dir.path(), next);
    let (at, mut one) = found.expect("a state");
    assert_eq!(at, position(next));
    let next = course(&mut one, &mut store, &groups[half..], next);
    (dir, next)
}

#[test]
fn whatever_is_damaged_a_start_comes_to_the_same_end() {
    for seed in 1..=3 {
        let groups = journal(seed);
        let whole = bytes(&said(&mut mind(1), &groups, 0).1);
        let (dir, next) = written(&groups);
        let all = files(dir.path());
        assert!(all.iter().filter(|f| is_whole(f)).count() == 2 && all.len() > 4, "seed {seed}: {all:?}");
        assert_eq!(end(dir.path(), next, &groups), (next, whole.clone()), "seed {seed}: undamaged");
        let mut reached = BTreeSet::new();
        for file in &all {
            let good = fs::read(file).expect("a file");
            let (first, last) = (good[0], good.len() - 1);
            let bent = |at: usize| [&good[..at], &[good[at] ^ 0x20][..], &good[at + 1..]].concat();
            let damages = [
                Some(bent(good.len() / 2)),
                Some(bent(7)),
                Some(bent(40)),
                Some(bent(last)),
                Some(good[..good.len() / 3].to_vec()),
                Some([&good[..], &[first]].concat()),
                Some(Vec::new()),
                None,
            ];
            for (i, damage) in damages.into_iter().enumerate() {
                match damage {
                    Some(bytes) => fs::write(file, bytes).expect("written"),
                    None => fs::remove_file(file).expect("removed"),
                }
                let (from, came_to) = end(dir.path(), next, &groups);
                assert!(came_to == whole, "seed {seed}: {} with damage {i}: another state, from {from}", file.display());
                assert!(from > 0, "seed {seed}: {} with damage {i}: nothing was restored", file.display());
                let newest = all.iter().rfind(|f| is_whole(f)).expect("a whole one");
                if !is_whole(file) && file > newest {
                    assert!(from < offset(file), "seed {seed}: {} counts with damage {i}", file.display());
                } else {
                    assert_eq!(from, next, "seed {seed}: {} with damage {i}: there was a way round", file.display());
                }
                reached.insert(from);
            }
            fs::write(file, good).expect("written");
        }
        assert!(reached.len() > 2, "seed {seed}: only {reached:?}");
    }
}

#[test]
fn one_in_the_place_of_another_does_not_count() {
    let groups = journal(5);
    let whole = bytes(&said(&mut mind(1), &groups, 0).1);
    let (dir, next) = written(&groups);
    let all = files(dir.path());
    for file in &all {
        let good = fs::read(file).expect("a file");
        for other in all.iter().filter(|other| *other != file) {
            fs::copy(other, file).expect("copied");
            let (from, came_to) = end(dir.path(), next, &groups);
            assert!(came_to == whole, "{} in the place of {}: from {from}", other.display(), file.display());
        }
        fs::write(file, good).expect("written");
    }
    // From a run that went another way.
    let (others, _) = written(&journal(6));
    for other in files(others.path()).iter().filter(|f| !is_whole(f)) {
        let intruder = dir.path().join(other.file_name().expect("a name"));
        if !intruder.exists() {
            fs::copy(other, &intruder).expect("copied");
            assert_eq!(end(dir.path(), next, &groups), (next, whole.clone()), "{}", intruder.display());
            fs::remove_file(intruder).expect("removed");
        }
    }
}

/// What is merged from files is what the engines would have written.
#[test]
fn a_merged_state_is_the_whole_one() {
    let groups = journal(2);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut one, mut store) = (mind(2), Store::new(dir.path().to_owned()));
    let mut merged = 0;
    let mut next = 0;
    for (i, group) in groups.iter().enumerate() {
        next = course(&mut one, &mut store, std::slice::from_ref(group), next);
        let newest = files(dir.path()).into_iter().rfind(|f| is_whole(f)).expect("a whole one");
        if offset(&newest) == next || i < 10 {
            continue;
        }
        merged += 1;
        let count = groups.iter().scan(0, |sum, g| {
            *sum += g.len() as u64;
            Some(*sum)
        });
        let count = count.take_while(|sum| *sum <= offset(&newest)).count();
        let expected = said(&mut mind(1), &groups[..count], 0).1;
        let again = |state: State| -> Result<Vec<Vec<u8>>, Failure> {
            assert!(bytes_of(&state) == (expected.notifier.clone(), expected.versions.count()));
            Ok(state.engines.into_iter().map(|mut engine: Engine| engine.snapshot()).collect())
        };
        let found = Store::new(dir.path().to_owned()).restore(offset(&newest), |_| true, again).expect("the folder is read");
        assert!(found.is_some_and(|(at, engines)| at == position(offset(&newest)) && engines == expected.engines), "group {i}");
    }
    assert!(merged > 10, "only {merged} times");
}

fn bytes_of(state: &State) -> (Vec<u8>, usize) {
    (state.notifier.clone(), state.versions.count())
}

#[test]
fn there_is_a_way_back_for_sinks_that_are_behind_and_old_files_go() {
    let groups = journal(4);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut one, mut store) = (mind(1), Store::new(dir.path().to_owned()));
    let (mut next, mut before, mut most) = (0, Vec::new(), 0);
    for group in &groups {
        next = course(&mut one, &mut store, std::slice::from_ref(group), next);
        before.push(next);
        for &at in before.iter().rev().take(super::store::KEEP) {
            assert_eq!(restored(dir.path(), at).1.map(|(position, _)| position.next), Some(at), "after {next}");
        }
        most = most.max(files(dir.path()).iter().filter(|f| is_whole(f)).count());
    }
    assert_eq!(most, 2, "two whole ones are kept, and no more");
    assert!(files(dir.path()).len() < groups.len() / 2, "increments that nobody needs are gone");
}

/// A start that found nothing, and one that lies behind what is there, make away with what they did not go on from.
#[test]
fn what_a_start_did_not_go_on_from_goes_when_there_is_something_better() {
    let groups = journal(3);
    let (dir, next) = written(&groups);
    fs::write(dir.path().join(format!("{:020}.snapshot", 7)), b"VTLGSNP4 of a former version").expect("written");
    let newest = files(dir.path()).into_iter().rfind(|f| is_whole(f)).map(|f| offset(&f)).expect("a whole one");
    let (mut store, found) = restored(dir.path(), next - 1);
    let (at, mut one) = found.expect("a state");
    assert!(at.next < next && at.next >= newest);
    let other = vec![groups[3].clone()];
    let to = course(&mut one, &mut store, &other, at.next);
    let (_, found) = restored(dir.path(), u64::MAX);
    assert_eq!(found.map(|(position, _)| position.next), Some(to), "its own branch is found");
    let (mut store, none) = restored(dir.path(), 3);
    assert!(none.is_none() && store.is_empty());
    course(&mut mind(1), &mut store, &groups[..1], 0);
    assert_eq!(files(dir.path()).len(), 1, "{:?}", files(dir.path()));
}

#[test]
fn what_could_not_be_written_is_made_up_for_by_a_whole_one() {
    let groups = journal(1);
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("snapshots");
    fs::create_dir(&folder).expect("a folder");
    let (mut one, mut store) = (mind(2), Store::new(folder.clone()));
    let next = course(&mut one, &mut store, &groups[..4], 0);
    let aside = dir.path().join("aside");
    fs::rename(&folder, &aside).expect("moved");
    let (_, taken) = (0, one.snapshot(position(next + 1), false).expect("the workers are there"));
    assert!(store.write(taken).is_err() && store.is_empty());
    fs::rename(&aside, &folder).expect("moved");
    // An increment upon what was lost is not written.
    let taken = one.snapshot(position(next + 2), false).expect("the workers are there");
    assert!(store.write(taken).is_err());
    let next = course(&mut one, &mut store, &groups[4..9], next);
    let expected = bytes(&said(&mut mind(1), &groups[..9], 0).1);
    let (_, found) = restored(&folder, next);
    let (_, mut again) = found.expect("a state");
    assert!(bytes(&again.snapshot(position(next), true).expect("the workers are there")) == expected);
}

/// What a start would have at an offset or before it, as bytes.
fn held(dir: &Path, least: u64) -> Option<(u64, Vec<u8>)> {
    let make = |state: State| -> Result<Vec<u8>, Failure> {
        let engines = state.engines.into_iter().flat_map(|mut engine: Engine| engine.snapshot());
        Ok(state.versions.count().to_le_bytes().into_iter().chain(state.notifier).chain(engines).collect())
    };
    let found = Store::new(dir.to_owned()).restore(least, |_| true, make).expect("the folder is read");
    found.map(|(at, bytes)| (at.next, bytes))
}

/// One bit at every byte of each file of a small chain: the file is refused and named, and a start has the state before it, or a way round to the same.
#[test]
fn a_bit_that_is_bent_anywhere_is_refused_and_named() {
    let groups = journal(7);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut one, mut store) = (mind(1), Store::new(dir.path().to_owned()));
    let next = course(&mut one, &mut store, &groups[..4], 0);
    // Two whole ones, each with increments upon it.
    assert!(store.lay_down().expect("it is laid down"));
    let next = course(&mut one, &mut store, &groups[4..6], next);
    let all = files(dir.path());
    let newest = all.iter().rposition(|f| is_whole(f)).expect("a whole one");
    assert!(all.iter().filter(|f| is_whole(f)).count() == 2 && newest + 1 < all.len(), "{all:?}");
    assert!(survey(dir.path()).expect("it is read").unfit.is_empty());
    let states: Vec<(u64, Vec<u8>)> = all.iter().map(|f| held(dir.path(), offset(f)).expect("a state")).collect();
    assert!(all.iter().zip(&states).all(|(file, state)| offset(file) == state.0), "there is a state at each");

    let mut started = 0;
    for (i, file) in all.iter().enumerate() {
        let good = fs::read(file).expect("a file");
        let place = fs::OpenOptions::new().write(true).open(file).expect("it opens");
        let put = |at: usize, byte: u8| place.write_all_at(&[byte], at as u64).expect("written");
        for at in 0..good.len() {
            put(at, good[at] ^ (1_u8 << (at % 8)));
            let which = format!("bit {} of byte {at} of {}", at % 8, file.display());
            let why = Volume::open(file).expect_err(&which);
            let expected = match at {
                0..7 => matches!(why, Unfit::Foreign),
                7 => matches!(why, Unfit::Format(_)),
                _ => matches!(why, Unfit::Damaged),
            };
            assert!(expected, "{which}: {why}");
            // A start reads all of them, so it is tried at some: head, end, and here and there.
            if at % 8 == 0 && (at <= 80 || at + 32 >= good.len() || at % 1_000 == 0) {
                started += 1;
                let survey = survey(dir.path()).expect("it is read");
                assert_eq!(survey.unfit, [(file.clone(), why.to_string())], "{which}");
                let expected = if i > newest { &states[i - 1] } else { states.last().expect("there are some") };
                assert!(held(dir.path(), next).as_ref() == Some(expected), "{which}: another state than that at {}", expected.0);
            }
            put(at, good[at]);
        }
    }
    assert!(started > 14 * all.len(), "only {started} starts");
    assert_eq!(held(dir.path(), next).as_ref(), states.last());
}
