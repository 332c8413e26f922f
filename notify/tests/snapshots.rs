//! Snapshots of the alarms: any damage is noticed.

use vitalog_elog::Change;
use vitalog_notify::Notifier;
use vitalog_notify::core::SnapshotError;

use crate::world::{self, at, change, finding, step, tick};

fn some_state() -> Notifier {
    let mut notifier = Notifier::new(world::config());
    for (i, name) in ["low", "high", "odd"].into_iter().enumerate() {
        let mut it = finding(name);
        it.by_clock = name == "odd";
        let opened = change(&mut it, Change::Opened, at(i as i64));
        step(&mut notifier, &tick(at(i as i64)), vec![opened]);
    }
    notifier
}

#[test]
fn a_snapshot_restores_to_itself() {
    let before = some_state();
    let bytes = before.snapshot();
    let after = Notifier::restore(&bytes, world::config()).expect("it was just written");
    assert_eq!(after.snapshot(), bytes);
    assert_eq!(after.next_due(), before.next_due());
    assert_eq!(after.next(), 3);
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let bytes = some_state().snapshot();
    for i in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[i] ^= 0x41;
        assert!(Notifier::restore(&bent, world::config()).is_err(), "byte {i}");
        assert!(Notifier::restore(&bytes[..i], world::config()).is_err(), "cut at {i}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(Notifier::restore(&longer, world::config()).err(), Some(SnapshotError::Damaged));
}

#[test]
fn another_version_is_named() {
    let mut bytes = some_state().snapshot();
    // The formats before this one lack policies; what their bytes would be taken for is nobody's guess.
    for other in [1, 2, 9] {
        bytes[8] = other;
        assert_eq!(Notifier::restore(&bytes, world::config()).err(), Some(SnapshotError::Version(u16::from(other))));
    }
    assert_eq!(Notifier::restore(b"something else", world::config()).err(), Some(SnapshotError::Foreign));
}
