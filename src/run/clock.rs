//! The wall clock: the only one in the tree.
//!
//! Everything else gets time from journaled inputs. The clock never runs backwards, and a jump of the machine's clock against the monotonic one
//! (a wrong battery clock, a suspended machine, a step by hand) is held: until the wall clock has stayed on its new course for
//! [`CONFIRM_AFTER`], time goes on at the old pace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use vitalog_elog::{Span, Time};

/// A difference below this is ordinary steering by a time service.
const TOLERANCE_US: i64 = 2_000_000;
/// How long a jump must persist before it is believed.
pub const CONFIRM_AFTER: Duration = Duration::from_secs(60);

/// Steered time.
#[derive(Debug)]
pub struct Clock {
    /// The wall time that the monotonic clock's `anchor` stands for.
    base: Time,
    anchor: Instant,
    last: Time,
    pace: Pace,
    jump: Option<Jump>,
}

/// For demonstrations: from `origin` on, time runs `speed` times as fast.
#[derive(Debug)]
struct Pace {
    origin: Time,
    speed: f64,
}

#[derive(Debug)]
struct Jump {
    since: Instant,
    by_us: i64,
}

impl Clock {
    /// A clock that starts at the machine's time, but not before `floor` (the last journaled arrival), and runs `speed` times as fast as life.
    pub fn start(floor: Time, speed: f64) -> Clock {
        let now = wall();
        Clock { base: now, anchor: Instant::now(), last: floor, pace: Pace { origin: now, speed }, jump: None }
    }

    /// Now, never before an earlier answer.
    pub fn now(&mut self) -> Time {
        let steered = self.steer(wall(), Instant::now());
        let Pace { origin, speed } = self.pace;
        let paced = if speed == 1.0 { steered } else { origin + Span((steered.since(origin).0 as f64 * speed) as i64) };
        self.last = self.last.max(paced);
        self.last
    }

    fn steer(&mut self, wall: Time, mono: Instant) -> Time {
        let expected = Time(self.base.0 + mono.duration_since(self.anchor).as_micros() as i64);
        let difference = wall.since(expected).0;
        if difference.abs() <= TOLERANCE_US {
            self.jump = None;
            self.base = wall;
            self.anchor = mono;
            return wall;
        }
        let same_jump = self.jump.as_ref().is_some_and(|j| (j.by_us - difference).abs() <= TOLERANCE_US);
        if !same_jump {
            tracing::warn!(by_seconds = difference / 1_000_000, "the machine's clock jumped; held until it is confirmed");
            self.jump = Some(Jump { since: mono, by_us: difference });
        }
        let confirmed = self.jump.as_ref().is_some_and(|j| mono.duration_since(j.since) >= CONFIRM_AFTER);
        if confirmed {
            tracing::warn!(by_seconds = difference / 1_000_000, "the machine's clock kept its new course; it is followed");
            self.jump = None;
            self.base = wall;
            self.anchor = mono;
            return wall;
        }
        expected
    }
}

/// Tells the time to the doors.
pub type Now = Arc<dyn Fn() -> Time + Send + Sync>;

/// A reader of a clock of its own.
pub fn reader(speed: f64) -> Now {
    let clock = Mutex::new(Clock::start(Time::MIN, speed));
    Arc::new(move || clock.lock().unwrap_or_else(PoisonError::into_inner).now())
}

/// The machine's time, unsteered.
pub fn wall() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock { base: Time(0), anchor: Instant::now(), last: Time(0), pace: Pace { origin: Time(0), speed: 1.0 }, jump: None }
    }

    #[test]
    fn small_differences_are_followed() {
        let mut c = clock();
        let mono = c.anchor + Duration::from_secs(10);
        assert_eq!(c.steer(Time(11_000_000), mono), Time(11_000_000));
    }

    #[test]
    fn a_jump_is_held_until_confirmed() {
        let mut c = clock();
        let start = c.anchor;
        let hour = 3_600_000_000;
        let at = |s: u64| start + Duration::from_secs(s);
        assert_eq!(c.steer(Time(hour + 10_000_000), at(10)), Time(10_000_000), "held at the old pace");
        assert_eq!(c.steer(Time(hour + 69_000_000), at(69)), Time(69_000_000), "still held after 59 s");
        assert_eq!(c.steer(Time(hour + 71_000_000), at(71)), Time(hour + 71_000_000), "believed after 60 s");
    }

    #[test]
    fn a_jump_that_goes_back_is_forgotten() {
        let mut c = clock();
        let start = c.anchor;
        let at = |s: u64| start + Duration::from_secs(s);
        c.steer(Time(3_600_000_000), at(10));
        assert_eq!(c.steer(Time(50_000_000), at(50)), Time(50_000_000));
        assert_eq!(c.steer(Time(3_700_000_000), at(80)), Time(80_000_000), "a new jump waits its own minute");
    }
}
