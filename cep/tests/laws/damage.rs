//! Damaged snapshots are refused, never believed and never a panic.

use vitalog_cep::Engine;

use crate::draw;
use crate::draw::dice::Dice;
use crate::world::drive::run;

#[test]
fn every_flipped_byte_is_noticed() {
    let (mut engine, _) = run(&draw::script(7)[..4]);
    let bytes = engine.snapshot();
    assert!(Engine::restore(&bytes).is_ok());
    for i in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[i] ^= mask;
            assert!(Engine::restore(&damaged).is_err(), "byte {i} of {} ^ {mask:#x} went unnoticed", bytes.len());
        }
    }
}

#[test]
fn what_is_cut_short_or_too_long_is_noticed() {
    let (mut engine, _) = run(&draw::script(8));
    let bytes = engine.snapshot();
    for length in 0..bytes.len() {
        assert!(Engine::restore(&bytes[..length]).is_err(), "{length} bytes of {}", bytes.len());
    }
    assert!(Engine::restore(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn noise_is_no_snapshot() {
    let mut dice = Dice::new(9);
    let (mut engine, _) = run(&draw::script(8));
    let bytes = engine.snapshot();
    for _ in 0..2_000 {
        let mut noise: Vec<u8> = (0..dice.below(64)).map(|_| dice.bits() as u8).collect();
        // With a true beginning, too.
        if dice.chance(50) {
            noise.splice(0..0, bytes[..dice.below(32).min(bytes.len())].iter().copied());
        }
        assert!(Engine::restore(&noise).is_err());
    }
}
