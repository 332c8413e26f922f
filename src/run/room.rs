//! Room on the disk: below a floor of free space what can be sent again is refused, before a write fails half way.
//!
//! A journal that can't be written ends the process, and then nothing is decided and nobody is told anything. So the last of the disk is kept for what must go on: what falls due,
//! receipts of deliveries, and people's answers to alarms. Whoever sends readings is told to keep them and come again; what is there can be read.
//!
//! The disk is looked at once a second: what comes in within a second, and what waits in queues, must fit below the floor.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::registry::Unit;
use vitalog_elog::Input;

use crate::metrics::{Asked, Metrics};

/// The floor if nobody says otherwise.
pub const FLOOR: u64 = 256 << 20;
/// There is room again when there is an eighth more than the floor, or so much more.
const MORE: u64 = 64 << 20;
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Says how many bytes are free.
type Probe = Box<dyn Fn() -> io::Result<u64> + Send + Sync>;

/// What is known of the disk.
pub struct Room {
    floor: u64,
    probe: Probe,
    free: AtomicU64,
    is_short: AtomicBool,
}

impl Room {
    /// On the disk of a directory; told with `metrics`.
    pub fn on(dir: &Path, floor: u64, metrics: &Metrics) -> Arc<Room> {
        let dir: PathBuf = dir.to_owned();
        let room = Arc::new(Room::by(floor, Box::new(move || free(&dir))));
        room.tell(metrics);
        room
    }

    fn by(floor: u64, probe: Probe) -> Room {
        let room = Room { floor, probe, free: AtomicU64::new(u64::MAX), is_short: AtomicBool::new(false) };
        room.look();
        room
    }

    /// Looks again. There is room again only when there is somewhat more than the floor, so that it does not go to and fro. A disk that does not say
    /// how full it is changes nothing.
    pub fn look(&self) {
        let free = match (self.probe)() {
            Ok(free) => free,
            Err(error) => return tracing::warn!(%error, "the disk does not say how much of it is free"),
        };
        self.free.store(free, Ordering::Release);
        let was = self.is_short();
        let is = free < if was { self.floor.saturating_add((self.floor / 8).min(MORE)) } else { self.floor };
        self.is_short.store(is, Ordering::Release);
        match (was, is) {
            (false, true) => {
                tracing::error!(free, floor = self.floor, "the disk is nearly full; no readings are taken until there is room")
            }
            (true, false) => tracing::warn!(free, floor = self.floor, "there is room on the disk again; readings are taken"),
            _ => {}
        }
    }

    pub fn is_short(&self) -> bool {
        self.is_short.load(Ordering::Acquire)
    }

    /// Bytes, as they were looked at last.
    pub fn free(&self) -> u64 {
        self.free.load(Ordering::Acquire)
    }

    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Whether there is room for these.
    pub fn has_room_for(&self, inputs: &[Input]) -> bool {
        !self.is_short() || inputs.iter().all(|input| matches!(input, Input::Receipt(_) | Input::Command(_)))
    }

    /// Looks again and again, until the task is ended.
    pub async fn watch(self: Arc<Room>) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            self.look();
        }
    }

    fn tell(self: &Arc<Room>, metrics: &Metrics) {
        let (room, floor) = (self.clone(), self.floor);
        let help = "What is free on the disk of the data directory";
        metrics.add(Asked::one("disk_free", help, Some(Unit::Bytes), move || Some(room.free() as f64)));
        let help = "Below it no readings are taken";
        metrics.add(Asked::one("disk_floor", help, Some(Unit::Bytes), move || Some(floor as f64)));
    }
}

/// What this process may still write on the disk of a directory, in bytes.
pub fn free(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests {
    use vitalog_elog::MatchId;
    use vitalog_elog::input::{Action, Command};

    use super::*;

    #[test]
    fn below_the_floor_only_what_must_go_on_has_room_until_there_is_an_eighth_more() {
        let left = Arc::new(AtomicU64::new(100));
        let probe = left.clone();
        let room = Room::by(80, Box::new(move || Ok(probe.load(Ordering::Acquire))));
        let answer = Input::Command(Command { finding: MatchId(1), action: Action::Acknowledge, by: "nurse".into() });
        for (free, is_short) in
            [(100, false), (80, false), (79, true), (80, true), (89, true), (90, false), (85, false), (0, true)]
        {
            left.store(free, Ordering::Release);
            room.look();
            assert_eq!(room.is_short(), is_short, "{free} free of a floor of 80");
            assert_eq!(room.has_room_for(&[Input::Tick]), !is_short);
            assert!(room.has_room_for(std::slice::from_ref(&answer)), "an answer to an alarm is always taken");
            assert_eq!(room.has_room_for(&[answer.clone(), Input::Tick]), !is_short, "all or nothing");
        }
    }

    #[test]
    fn a_disk_that_says_nothing_changes_nothing() {
        let probe = AtomicU64::new(0);
        let room = Room::by(
            80,
            Box::new(move || if probe.fetch_add(1, Ordering::AcqRel) == 0 { Ok(3) } else { Err(io::Error::other("gone")) }),
        );
        assert!(room.is_short());
        room.look();
        assert!(room.is_short());
    }

    #[test]
    fn a_disk_says_how_much_of_it_is_free() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(free(dir.path()).expect("it says") > 0);
        assert!(free(&dir.path().join("none")).is_err());
    }
}
