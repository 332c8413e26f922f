//! A file that is synced while it is written, a little at a time.
//!
//! Who syncs a large file at its end has everybody who syncs another one meanwhile wait for all of it: the journal, and with it whoever waits for a receipt.

use std::fs::File;
use std::io::{self, Write};

/// So many bytes are synced together: a few milliseconds of a disk.
const SLICE: usize = 4 << 20;

/// What can be synced.
pub trait Disk: Write {
    /// # Errors
    /// What the file system says.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Never has more than a slice that was not synced.
pub struct Sliced<D> {
    to: D,
    waiting: usize,
}

impl<D: Disk> Sliced<D> {
    pub fn new(to: D) -> Sliced<D> {
        Sliced { to, waiting: 0 }
    }

    /// What is left of a slice is for whoever takes it.
    pub fn into_inner(self) -> D {
        self.to
    }
}

impl<D: Disk> Write for Sliced<D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting == SLICE {
            self.to.sync()?;
            self.waiting = 0;
        }
        let taken = self.to.write(&bytes[..bytes.len().min(SLICE - self.waiting)])?;
        self.waiting += taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that takes less than it is given, and counts.
    #[derive(Default)]
    struct Counting {
        bytes: Vec<u8>,
        synced: usize,
        most: usize,
    }

    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(3_000_001);
            self.bytes.extend_from_slice(&bytes[..taken]);
            self.most = self.most.max(self.bytes.len() - self.synced);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Counting {
        fn sync(&mut self) -> io::Result<()> {
            assert!(self.bytes.len() - self.synced == SLICE, "a sync for less than a slice");
            self.synced = self.bytes.len();
            Ok(())
        }
    }

    #[test]
    fn what_is_written_is_that_and_never_more_than_a_slice_waits() {
        let mut sliced = Sliced::new(Counting::default());
        let mut all = Vec::new();
        for (number, length) in [5, 7 << 20, 0, 30 << 20, 1, 9 << 20].into_iter().enumerate() {
            let piece: Vec<u8> = (0..length).map(|i| (i * 7 + number) as u8).collect();
            sliced.write_all(&piece).expect("it takes it");
            all.extend(piece);
        }
        let disk = sliced.into_inner();
        assert!(disk.bytes == all);
        assert_eq!(disk.most, SLICE);
        assert!(disk.bytes.len() - disk.synced <= SLICE);
    }
}
