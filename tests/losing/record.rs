//! What `preload.c` appends to its log, read back.

use std::path::PathBuf;

/// A change that was done to the disk.
#[derive(Debug)]
pub enum Change {
    Create { path: PathBuf, inode: u64 },
    Write { inode: u64, at: usize, bytes: Vec<u8> },
    Truncate { inode: u64, length: usize },
    Sync { inode: u64 },
    SyncDir { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
    MakeDir { path: PathBuf },
    Link { from: PathBuf, to: PathBuf },
}

/// With the length of the log behind it: whoever looked at the log when it was that long knows that this was done.
#[derive(Debug)]
pub struct Record {
    pub change: Change,
    pub ends: u64,
}

const HEAD: usize = 1 + 8 + 8 + 4 + 4;

/// All records of a log. The last may be half there, where a process was killed.
pub fn read(mut log: &[u8]) -> Vec<Record> {
    let (mut all, mut ends) = (Vec::new(), 0);
    while log.len() >= HEAD {
        let number = |from: usize, bytes: usize| {
            log[from..from + bytes].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let (kind, inode, at) = (log[0], number(1, 8), number(9, 8));
        let (path, more) = (number(17, 4) as usize, number(21, 4) as usize);
        let length = HEAD + path + more;
        if log.len() < length {
            break;
        }
        let text = |bytes: &[u8]| PathBuf::from(std::str::from_utf8(bytes).expect("paths of ours are text"));
        let (path, more) = log[HEAD..length].split_at(path);
        let change = match kind {
            1 => Change::Create { path: text(path), inode },
            2 => Change::Write { inode, at: at as usize, bytes: more.to_vec() },
            3 => Change::Truncate { inode, length: at as usize },
            4 => Change::Sync { inode },
            5 => Change::SyncDir { path: text(path) },
            6 => Change::Rename { from: text(path), to: text(more) },
            7 => Change::Remove { path: text(path) },
            8 => Change::MakeDir { path: text(path) },
            9 => Change::Link { from: text(path), to: text(more) },
            _ => panic!("a record of kind {kind}"),
        };
        ends += length as u64;
        all.push(Record { change, ends });
        log = &log[length..];
    }
    all
}
