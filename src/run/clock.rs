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
        self.at(wall(), Instant::now())
    }

    /// What [`Clock::now`] says when the machine's clock and its monotonic one show this.
    fn at(&mut self, wall: Time, mono: Instant) -> Time {
        let steered = self.steer(wall, mono);
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

    #[test]
    fn another_jump_while_one_is_held_waits_a_minute_of_its_own() {
        let mut c = clock();
        let start = c.anchor;
        let (hour, at) = (3_600_000_000, |s: u64| start + Duration::from_secs(s));
        assert_eq!(c.at(Time(hour + 10_000_000), at(10)), Time(10_000_000));
        assert_eq!(c.at(Time(2 * hour + 40_000_000), at(40)), Time(40_000_000), "further");
        assert_eq!(c.at(Time(2 * hour + 99_000_000), at(99)), Time(99_000_000), "the first would be believed by now");
        assert_eq!(c.at(Time(2 * hour + 100_000_000), at(100)), Time(2 * hour + 100_000_000));
    }

    /// It is believed like one ahead, but what was told stays told: time stands still until the machine's clock has come there again.
    #[test]
    fn a_jump_back_is_held_and_then_waited_out() {
        let mut c = clock();
        let start = c.anchor;
        let (hour, at) = (3_600_000_000, |s: u64| start + Duration::from_secs(s));
        assert_eq!(c.at(Time(10_000_000 - hour), at(10)), Time(10_000_000), "held at the old pace");
        assert_eq!(c.at(Time(69_000_000 - hour), at(69)), Time(69_000_000), "still held after 59 s");
        assert_eq!(c.at(Time(70_000_000 - hour), at(70)), Time(69_000_000), "believed after 60 s");
        assert!(c.jump.is_none() && c.base == Time(70_000_000 - hour), "{c:?}");
        assert_eq!(c.at(Time(68_000_000), at(3_668)), Time(69_000_000), "it stands still");
        assert_eq!(c.at(Time(70_000_000), at(3_670)), Time(70_000_000), "and goes on from there");
    }

    #[test]
    fn a_small_step_back_stands_still() {
        let mut c = clock();
        let start = c.anchor;
        let at = |s: u64| start + Duration::from_secs(s);
        assert_eq!(c.at(Time(10_000_000), at(10)), Time(10_000_000));
        assert_eq!(c.at(Time(9_500_000), at(11)), Time(10_000_000));
        assert_eq!(c.at(Time(10_500_000), at(12)), Time(10_500_000));
    }

    /// Whatever the machine's clock does, at any pace: steps within tolerance and beyond it, some of which stay and some of which do not.
    #[test]
    fn now_never_goes_back() {
        for speed in [1.0, 60.0, 0.5] {
            let mut c = Clock { pace: Pace { origin: Time(0), speed }, ..clock() };
            let start = c.anchor;
            let (mut dice, mut off, mut last, mut moved, mut believed) = (4_711_u64, 0_i64, Time(0), 0, 0);
            for second in 1..=20_000_i64 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                off += match (dice >> 33) % 200 {
                    0 => 3_600_000_000,
                    1 => -600_000_000,
                    2 => -off,
                    3..20 => 1_500_000,
                    20..40 => -1_500_000,
                    _ => 0,
                };
                let base = c.base;
                let now = c.at(Time(second * 1_000_000 + off), start + Duration::from_secs(second.unsigned_abs()));
                assert!(now >= last, "second {second}, {off} us off: {now:?} after {last:?}");
                believed += i32::from((c.base.0 - base.0).abs() > 600_000_000);
                moved += i32::from(now > last);
                last = now;
            }
            assert!(moved > 2_000 && believed > 10, "at {speed} it moved {moved} times, and believed {believed} jumps");
        }
        // By the machine's own clock, from a floor that lies ahead and from none.
        for floor in [Time(wall().0 + 3_600_000_000), Time::MIN] {
            let mut c = Clock::start(floor, 1.0);
            let mut last = floor;
            for _ in 0..1_000 {
                let now = c.now();
                assert!(now >= last, "{now:?} after {last:?}");
                last = now;
            }
        }
    }
}
