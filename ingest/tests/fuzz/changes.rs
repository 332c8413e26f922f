//! Bytes that nobody would write: sound ones with a few changes.

use proptest::prelude::*;

/// What is put into them: signs that mean something somewhere, and numbers at the ends of their ranges.
const PIECES: [&[u8]; 29] = [
    b"\"",
    b",",
    b"\n",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"true",
    b"-0.0",
    b"1e400",
    b"NaN",
    b"\\u0000",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"'",
    b";",
    b" ",
    b"9999999999999999999",
    b"mg/dL",
    b"2106-02-07T06:28:16Z",
    b"31/03/2024 01:30",
    b"\0",
    b"\xff\xff\xff\xff\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
];

#[derive(Clone, Debug)]
pub enum Change {
    Flip(usize, u8),
    Cut(usize, usize),
    Put(usize, usize),
    Repeat(usize, usize),
}

pub fn change() -> impl Strategy<Value = Change> {
    let at = 0..4_000_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, with)| Change::Flip(at, with)),
        (at.clone(), 1..30_usize).prop_map(|(at, n)| Change::Cut(at, n)),
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Put(at, piece)),
        (at, 1..60_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
    ]
}

/// Some, up to five.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec(change(), 1..6)
}

pub fn changed(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for change in changes {
        let len = bytes.len();
        let at = |at: usize| at % len.max(1);
        match *change {
            Change::Flip(place, with) => bytes.get_mut(at(place)).into_iter().for_each(|b| *b ^= with),
            Change::Cut(place, n) => drop(bytes.drain(at(place).min(len)..(at(place) + n).min(len))),
            Change::Put(place, piece) => drop(bytes.splice(at(place)..at(place), PIECES[piece].iter().copied())),
            Change::Repeat(place, n) => {
                let piece = bytes[at(place).min(len)..(at(place) + n).min(len)].to_vec();
                bytes.splice(at(place)..at(place), piece);
            }
        }
    }
    bytes
}
