//! Increments: a whole snapshot and what changed since, merged, is the whole that would have been taken instead, byte for byte; and an engine goes on from
//! it as if nothing had been cut. Wherever the cuts are, whatever is merged meanwhile, however often it is restarted.

use vitalog_cep::{Engine, SnapshotError};
use vitalog_elog::{Effect, Subject};

use super::{check, for_scripts, seeds};
use crate::draw::dice::Dice;
use crate::draw::{rules, timelines};
use crate::world::drive;
use crate::world::script::Line;

fn bytes(chain: &[Vec<u8>]) -> Vec<&[u8]> {
    chain.iter().map(Vec::as_slice).collect()
}

fn law(seed: u64, lines: &[Line]) -> Result<(), String> {
    let mut dice = Dice::new(!seed);
    let mut whole = Engine::new();
    let mut engine = Engine::new();
    let mut chain: Vec<Vec<u8>> = Vec::new();
    let mut place = 0;
    while place < lines.len() {
        let end = lines.len().min(place + 1 + dice.below(9));
        let (mut ours, mut theirs): (Vec<Effect>, Vec<Effect>) = Default::default();
        let moment = dice.chance(50);
        if moment {
            engine.begin();
            whole.begin();
        }
        for (i, line) in lines.iter().enumerate().take(end).skip(place) {
            ours.extend(drive::step(&mut engine, i, line));
            theirs.extend(drive::step(&mut whole, i, line));
        }
        if moment {
            engine.settle(&mut ours);
            whole.settle(&mut theirs);
        }
        if ours != theirs {
            return Err(format!("before input {end}: other effects after a restart\n{ours:#?}\ninstead of\n{theirs:#?}"));
        }
        place = end;
        if dice.chance(10) {
            engine.start_anew();
            chain.clear();
        }
        if dice.chance(10) {
            // Whoever looks takes no marks away.
            engine.snapshot();
        }
        chain.push(engine.increment());
        let merged = Engine::merge(&bytes(&chain)).map_err(|e| format!("before input {end}: {e}"))?;
        if merged != whole.snapshot() {
            return Err(format!("before input {end}: {} snapshots merged are not the whole one", chain.len()));
        }
        match dice.below(4) {
            0 => chain = vec![merged],
            1 => {
                let some = 1 + dice.below(chain.len());
                let base = Engine::merge(&bytes(&chain[..some])).map_err(|e| format!("before input {end}: {e}"))?;
                chain.splice(..some, [base]);
            }
            _ => {}
        }
        if dice.chance(30) {
            engine = Engine::restore_all(&bytes(&chain)).map_err(|e| format!("before input {end}: {e}"))?;
        }
    }
    Ok(())
}

#[test]
fn what_changed_since_makes_the_whole() {
    for_scripts("increments", 1_500, &law);
}

/// Where many are seen, few are touched between two snapshots; readings are shown to others, too.
#[test]
fn of_many_subjects_who_see_each_other_too() {
    let names = ["s", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    for seed in seeds(500) {
        let mut dice = Dice::either(seed ^ 0x1DC2);
        let mut library = rules::library(&mut dice);
        if dice.chance(50) {
            library.schema = crate::world::shared_schema();
        }
        let lines = timelines::subject_lines(&mut dice, library, names.map(Subject::new).to_vec());
        check("increments of many subjects", seed, lines, &law);
    }
}

/// An increment tells of those who were touched, and of nobody else.
#[test]
fn who_was_not_touched_is_not_told_of() {
    let mut dice = Dice::new(11);
    let library = rules::library(&mut dice);
    let names: Vec<Subject> = (0..40).map(|i| Subject::new(&format!("a-subject-with-a-name-{i}"))).collect();
    let lines = timelines::subject_lines(&mut dice, library, names);
    let (mut engine, _) = drive::run(&lines);
    let told = |bytes: &[u8]| bytes.windows(22).filter(|w| w.starts_with(b"a-subject-with-a-name-")).count();
    let first = engine.increment();
    assert_eq!(first, engine.snapshot(), "the first is the whole");
    assert!(told(&first) >= 10, "only {} subjects", told(&first));
    assert_eq!(told(&engine.increment()), 0);
    drive::step(
        &mut engine,
        lines.len(),
        lines.iter().rfind(|l| matches!(l.input, crate::world::script::Given::Reading(_))).unwrap(),
    );
    assert!((1..=2).contains(&told(&engine.increment())));
}

#[test]
fn what_does_not_follow_is_refused() {
    let names: Vec<Subject> = (0..6).map(|i| Subject::new(&format!("s{i}"))).collect();
    let mut dice = Dice::new(5);
    let library = rules::library(&mut dice);
    let lines = timelines::subject_lines(&mut dice, library, names);
    let mut engine = Engine::new();
    let mut chain = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        drive::step(&mut engine, i, line);
        if i % 3 == 0 {
            chain.push(engine.increment());
        }
    }
    let all = bytes(&chain);
    assert!(Engine::merge(&all).is_ok());
    assert_eq!(Engine::merge(&[]), Err(SnapshotError::Apart));
    assert_eq!(Engine::restore_all(&all[chain.len() / 2..]).err(), Some(SnapshotError::Apart), "there is no whole one");
    // A gap that a new subject falls into.
    let newcomer = (1..chain.len()).find(|i| Engine::merge(&[&all[..*i], &all[i + 1..]].concat()) == Err(SnapshotError::Apart));
    assert!(newcomer.is_some());
    for (i, snapshot) in chain.iter().enumerate() {
        for at in (0..snapshot.len()).step_by(1 + snapshot.len() / 40) {
            let mut damaged = chain.clone();
            damaged[i][at] ^= 0x10;
            assert!(Engine::merge(&bytes(&damaged)).is_err(), "byte {at} of snapshot {i}");
            damaged[i].truncate(at);
            assert!(Engine::restore_all(&bytes(&damaged)).is_err(), "snapshot {i} cut at {at}");
        }
    }
}

/// One bit at every byte of a whole one and the increments upon it: each is refused, and none makes another state.
#[test]
fn a_bit_that_is_bent_anywhere_is_refused() {
    let names: Vec<Subject> = (0..3).map(|i| Subject::new(&format!("s{i}"))).collect();
    let mut drawn = (1..).map(|seed| {
        let mut dice = Dice::new(seed);
        let library = rules::library(&mut dice);
        timelines::subject_lines(&mut dice, library, names.clone())
    });
    let lines = drawn.find(|lines| lines.len() >= 24).expect("some are long enough");
    let mut engine = Engine::new();
    let mut chain = Vec::new();
    for (i, line) in lines.iter().enumerate().take(24) {
        drive::step(&mut engine, i, line);
        if i % 8 == 7 {
            chain.push(engine.increment());
        }
    }
    assert_eq!(chain.len(), 3, "a whole one and two increments");
    let whole = Engine::merge(&bytes(&chain)).expect("it is sound");
    let mut bent = 0;
    for i in 0..chain.len() {
        for at in 0..chain[i].len() {
            let bit = 1_u8 << (at % 8);
            chain[i][at] ^= bit;
            assert!(Engine::merge(&bytes(&chain)).is_err(), "bit {bit:#04x} of byte {at} of snapshot {i}: merged");
            assert!(Engine::restore_all(&bytes(&chain)).is_err(), "bit {bit:#04x} of byte {at} of snapshot {i}: restored");
            chain[i][at] ^= bit;
            bent += 1;
        }
    }
    assert!(bent > 1_000, "only {bent} bytes");
    assert_eq!(Engine::merge(&bytes(&chain)), Ok(whole));
}
