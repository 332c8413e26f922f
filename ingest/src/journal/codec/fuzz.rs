//! Any bytes: a payload is read, refused, or opened as it was sealed; nothing panics, hangs or takes more room than its bytes warrant.
//!
//! `VITALOG_CASES` says how many are tried, and `VITALOG_SEED` which.

use proptest::prelude::*;
use vitalog_elog::input::{Action, Command, DeadLetter};
use vitalog_elog::metering::{Party, Sent};
use vitalog_elog::once::{Once, Request};
use vitalog_elog::{Entry, Input, MatchId, Reading, Schema, Subject, Time};

use super::{Place, decode, seal};
use crate::effort::{apart, tried};
use crate::journal::home::Placing;
use crate::keys::{KekPlace, Keys};

const PLACE: Place = Place { incarnation: 77, first: 1_000 };

/// Cases of each kind in a run of all tests.
const USUAL: u32 = 3_000;

struct World {
    keys: Keys,
    entries: Vec<Entry>,
    sealed: Vec<u8>,
    /// The same in parts: the house's, ann's and bob's.
    split: Vec<u8>,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().expect("a directory");
    let kek = KekPlace::given(&"0f".repeat(32), "the test").expect("a key");
    let mut keys = Keys::open(&dir.path().join("keys.db"), &kek, true).expect("made");
    let subjects = ["ann", "bob"].map(Subject::new);
    keys.make(&subjects.clone().map(Some)).expect("made");
    let removal =
        |subject: &Subject, n: u32| Input::Reading(Reading::removal(subject.clone(), format!("r{n}").as_str().into(), n));
    let letter = DeadLetter {
        subject: Some(subjects[1].clone()),
        code: "c".into(),
        field: None,
        message: "m".into(),
        raw: b"raw"[..].into(),
        sender: "s".into(),
    };
    let inputs = vec![
        removal(&subjects[0], 1),
        Input::Tick,
        removal(&subjects[1], 2),
        Input::Command(Command { finding: MatchId(5), action: Action::Dismiss, by: "nurse".into() }),
        Input::DeadLetter(letter),
        removal(&subjects[0], 3),
        Input::Once(Once { subject: Some(subjects[1].clone()), request: None, answer: b"part"[..].into() }),
        Input::Once(Once {
            subject: None,
            request: Some(Request { by: "s".into(), key: 1, asked: 2, inputs: 7 }),
            answer: b"whole"[..].into(),
        }),
        Input::Sent(Sent { by: Party { tenant: Some("t".into()), account: "s".into(), token: None }, readings: 3, refused: 1 }),
    ];
    let entries: Vec<Entry> = inputs.into_iter().zip(10..).map(|(input, at)| Entry { arrival: Time(at), input }).collect();
    let placing = Placing { partitions: 3, of: |subject, n| u32::from(subject.as_str().as_bytes()[0] - b'`') % n };
    let sealed = |placing| seal(&Schema::default(), &entries, PLACE, &keys, placing).expect("sealed");
    let (sealed, split) = (sealed(None), sealed(Some(placing)));
    World { keys, entries, sealed, split, _dir: dir }
}

/// Reads all that a payload has, where it can be read.
fn read(bytes: &[u8], keys: &Keys) -> Option<Vec<Entry>> {
    let payload = decode(PLACE, bytes, keys).ok()?;
    assert!(payload.len() <= 3 * bytes.len(), "{} entries of {} bytes", payload.len(), bytes.len());
    (0..payload.len()).map(|i| payload.entry(i, PLACE.first, &Schema::default()).ok()).collect()
}

/// A number as a payload has it: seven bits a byte.
fn written(mut n: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Cut(usize, usize),
    Put(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..600_usize;
    prop_oneof![
        (at.clone(), 1..=255_u8).prop_map(|(at, with)| Change::Flip(at, with)),
        (at.clone(), 1..40_usize).prop_map(|(at, n)| Change::Cut(at, n)),
        (at.clone(), any::<u32>()).prop_map(|(at, n)| Change::Put(at, written(n))),
        (at, 1..60_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
    ]
}

fn changed(from: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    for change in changes {
        let len = bytes.len();
        match change {
            Change::Flip(at, with) => bytes.get_mut(at % len.max(1)).into_iter().for_each(|b| *b ^= with),
            Change::Cut(at, n) => drop(bytes.drain((*at).min(len)..(at + n).min(len))),
            Change::Put(at, what) => drop(bytes.splice((*at).min(len)..(*at).min(len), what.iter().copied())),
            Change::Repeat(at, n) => {
                let piece = bytes[(*at).min(len)..(at + n).min(len)].to_vec();
                bytes.extend(piece);
            }
        }
    }
    bytes
}

#[test]
fn any_bytes() {
    let world = world();
    let inputs = (0..5_u8, proptest::collection::vec(any::<u8>(), 0..300));
    tried("journal, any bytes", USUAL, inputs, |(version, rest)| drop(read(&[&[version], &rest[..]].concat(), &world.keys)));
}

#[test]
fn a_changed_payload_is_refused_or_the_same() {
    let world = world();
    tried("journal, changed payloads", USUAL, proptest::collection::vec(change(), 1..4), |changes| {
        for from in [&world.sealed, &world.split] {
            if let Some(entries) = read(&changed(from, &changes), &world.keys) {
                assert_eq!(entries, world.entries, "other entries of other bytes");
            }
        }
    });
}

/// Whoever has the keys may seal anything.
#[test]
fn anything_under_a_sound_seal() {
    let world = world();
    let listed = proptest::collection::vec((any::<i64>(), 0..10_u8, 0..4_u32), 0..12);
    let plain = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 0..4);
    tried("journal, anything sealed", USUAL, (listed, plain), |(listed, plain)| {
        let mut payload = vec![super::PAYLOAD_VERSION];
        payload.extend([9; crate::keys::NONCE]);
        let from = payload.len();
        payload = postcard::to_extend(&listed, payload).expect("encoded");
        let hash = *blake3::hash(&payload[from..]).as_bytes();
        payload.extend(written(plain.len() as u32));
        for (held, plain) in world.keys.held().iter().cycle().zip(&plain) {
            let mut sealed = plain.clone();
            let place = super::sealed::about(PLACE, held.id, &hash);
            held.secret.seal(&[9; crate::keys::NONCE], &place, &mut sealed).expect("sealed");
            payload.extend(held.id.0);
            payload.extend(written(sealed.len() as u32));
            payload.extend(sealed);
        }
        read(&payload, &world.keys);
    });
}

#[test]
fn all_of_it_stays_small() {
    apart("journal::codec::fuzz::");
}

#[test]
fn what_is_sealed_is_read() {
    let world = world();
    assert_eq!(read(&world.split, &world.keys), Some(world.entries.clone()));
    assert_eq!(read(&world.sealed, &world.keys), Some(world.entries));
}
