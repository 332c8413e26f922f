//! Readings that the demo makes up: blood pressure by a cuff, and the health of the phone that sends them. The real data has neither.
//!
//! Their source reads `generated/…`, so that nobody takes them for real. Pure functions of a seed, a persona and a stretch of time; no clock, no
//! state, integers only. They refuse nothing: an empty stretch gives nothing.
//!
//! INVARIANT (stretches join): what is generated for [a, c) is what is generated for [a, b) and [b, c) together. So history can be made
//! at once and the rest as time goes on.

use std::ops::Range;

use serde_json::json;
use vitalog_elog::{Span, Time};

/// Whom to make readings up for.
#[derive(Clone, Debug)]
pub struct Persona {
    pub subject: String,
    pub pressure: Pressure,
    pub disk: Disk,
    /// Local time minus UTC: days, nights and meals happen by local time.
    pub offset: Span,
}

/// What the cuff finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// About 118 over 74.
    Normal,
    /// About 146 over 91, and once in a while above 180.
    High,
}

/// How the phone's storage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Between 40 and 70 %.
    Steady,
    /// Filling by 3 % a day, 90 % at this instant.
    Filling { nearly_full_at: Time },
}

/// One reading in the native form, and its instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub at: Time,
    /// One JSON object, without a line break.
    pub line: String,
}

const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
/// How often the phone tells of itself.
const DEVICE_EVERY: i64 = 5 * MINUTE;

/// All readings of a persona with `from <= at < until`, in order.
pub fn readings(seed: u64, persona: &Persona, stretch: Range<Time>) -> Vec<Generated> {
    let dice = Dice::new(seed, &persona.subject);
    let mut all = pressure(&dice, persona, &stretch);
    all.extend(device(&dice, persona, &stretch));
    all.sort_by(|a, b| (a.at, &a.line).cmp(&(b.at, &b.line)));
    all
}

// ---------------------------------------------------------------- pressure

/// Two readings, two minutes apart, each morning and evening, as home protocols ask; one session in ten is forgotten.
fn pressure(dice: &Dice, persona: &Persona, stretch: &Range<Time>) -> Vec<Generated> {
    let mut out = Vec::new();
    for day in local_days(persona, stretch) {
        for (session, (opens, width)) in [(7 * 60, 90), (20 * 60, 120)].into_iter().enumerate() {
            let slot = day * 2 + session as i64;
            if dice.below("skip", slot, 10) == 0 {
                continue;
            }
            let start = day * DAY + (opens + dice.below("minute", slot, width)) * MINUTE - persona.offset.0;
            for nth in 0..2 {
                let at = Time(start + nth * 2 * MINUTE);
                if stretch.contains(&at) {
                    out.push(cuff(dice, persona, at, slot, nth));
                }
            }
        }
    }
    out
}

fn cuff(dice: &Dice, persona: &Persona, at: Time, slot: i64, nth: i64) -> Generated {
    let (systolic, diastolic) = match persona.pressure {
        Pressure::Normal => (118, 74),
        Pressure::High => (146, 91),
    };
    // Higher in the morning than in the evening, and the first of two higher than the second (Stergiou et al. 2021, J Hypertens 39:1293).
    let morning = if slot % 2 == 0 { 3 } else { -3 };
    let first = if nth == 0 { 2 } else { -2 };
    let crisis = if persona.pressure == Pressure::High && dice.below("crisis", slot, 16) == 0 { 40 } else { 0 };
    let of_session = dice.bell("session", slot, 7);
    let reading = slot * 2 + nth;
    let systolic = systolic + morning + first + crisis + of_session + dice.bell("systolic", reading, 3);
    let diastolic = diastolic + (morning + first) / 2 + crisis / 2 + of_session / 2 + dice.bell("diastolic", reading, 2);
    let pulse = 68 + dice.bell("pulse", slot, 8) + dice.bell("beat", reading, 2);
    let line = json!({"subject": persona.subject, "stream": "bp", "at": at.to_string(), "systolic": systolic, "diastolic": diastolic,
        "pulse": pulse, "source": "generated/cuff"});
    Generated { at, line: line.to_string() }
}

// ---------------------------------------------------------------- the phone

fn device(dice: &Dice, persona: &Persona, stretch: &Range<Time>) -> Vec<Generated> {
    let first = stretch.start.0.div_euclid(DEVICE_EVERY) + i64::from(stretch.start.0.rem_euclid(DEVICE_EVERY) != 0);
    let end = stretch.end.0.div_euclid(DEVICE_EVERY) + i64::from(stretch.end.0.rem_euclid(DEVICE_EVERY) != 0);
    (first..end).map(|slot| phone(dice, persona, slot)).collect()
}

fn phone(dice: &Dice, persona: &Persona, slot: i64) -> Generated {
    let at = Time(slot * DEVICE_EVERY);
    // One half hour in forty an app goes wild for 20 minutes.
    let wild = dice.below("wild", slot.div_euclid(6), 40) == 0 && slot.rem_euclid(6) < 4;
    let cpu = if wild { 930 + dice.below("cpu", slot, 60) } else { 90 + dice.below("cpu", slot, 180) };
    let memory = 520 + dice.below("memory by hour", slot.div_euclid(12), 160) + dice.below("memory", slot, 20);
    let line = json!({"subject": persona.subject, "stream": "device", "at": at.to_string(), "cpu": percent(cpu), "memory": percent(memory),
        "disk": percent(disk(dice, persona, at)), "battery": percent(battery(dice, persona, at)), "source": "generated/phone", "seq": slot});
    Generated { at, line: line.to_string() }
}

/// In tenths of a percent.
fn disk(dice: &Dice, persona: &Persona, at: Time) -> i64 {
    match persona.disk {
        Disk::Steady => 400 + dice.below("disk", 0, 250) + dice.below("disk by day", at.0.div_euclid(DAY), 50),
        Disk::Filling { nearly_full_at } => (900 + at.since(nearly_full_at).0.div_euclid(DAY / 30)).clamp(350, 995),
    }
}

/// In tenths of a percent: full when unplugged in the morning, less by the hour, charged from late evening on.
fn battery(dice: &Dice, persona: &Persona, at: Time) -> i64 {
    let local = at.0 + persona.offset.0;
    let unplugged = |day: i64| day * DAY + (7 * 60 + dice.below("unplugged", day, 60)) * MINUTE;
    let today = local.div_euclid(DAY);
    let day = if local >= unplugged(today) { today } else { today - 1 };
    let plugged = day * DAY + (22 * 60 + 30 + dice.below("plugged", day, 60)) * MINUTE;
    // One day in four is a heavy one, on which the charge does not last.
    let per_hour = if dice.below("heavy", day, 4) == 0 { 62 } else { 35 + dice.below("drain", day, 20) };
    let left = |t: i64| (1_000 - (t - unplugged(day)) * per_hour / (60 * MINUTE)).max(20);
    if local < plugged { left(local) } else { (left(plugged) + (local - plugged) * 400 / (60 * MINUTE)).min(1_000) }
}

// ---------------------------------------------------------------- helpers

/// The local days that a stretch touches, as days since the epoch.
fn local_days(persona: &Persona, stretch: &Range<Time>) -> Range<i64> {
    if stretch.is_empty() {
        return 0..0;
    }
    (stretch.start.0 + persona.offset.0).div_euclid(DAY)..(stretch.end.0 + persona.offset.0).div_euclid(DAY) + 1
}

/// Tenths of a percent as a text with its unit, so that no binary fraction is in between.
fn percent(tenths: i64) -> String {
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Chance that depends on nothing but the seed, the subject, what is asked, and for which place: no order, no state.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, subject: &str) -> Dice {
        Dice(subject.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte))))
    }

    /// Evenly among 0 … `bound` - 1.
    fn below(&self, what: &str, place: i64, bound: i64) -> i64 {
        let hash = what.bytes().fold(self.0, |hash, byte| mix(hash ^ u64::from(byte)));
        (mix(hash ^ place as u64) % bound.unsigned_abs().max(1)) as i64
    }

    /// About normally distributed around zero, within three times `spread`: the sum of three even chances.
    fn bell(&self, what: &str, place: i64, spread: i64) -> i64 {
        (0..3).map(|i| self.below(what, place * 3 + i, 2 * spread + 1) - spread).sum()
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014), after adding its constant.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap_or_default()
    }

    fn persona(pressure: Pressure) -> Persona {
        let disk = Disk::Filling { nearly_full_at: time("2026-11-15T12:00:00Z") };
        Persona { subject: "p-1".into(), pressure, disk, offset: Span::hours(1) }
    }

    fn month() -> Range<Time> {
        time("2026-10-20T00:00:00Z")..time("2026-11-20T00:00:00Z")
    }

    fn values(all: &[Generated], stream: &str) -> Vec<serde_json::Value> {
        all.iter()
            .filter_map(|g| serde_json::from_str(&g.line).ok())
            .filter(|v: &serde_json::Value| v["stream"] == stream)
            .collect()
    }

    fn tenths(v: &serde_json::Value) -> i64 {
        v.as_str().unwrap_or("").trim_end_matches(" %").replace('.', "").parse().unwrap_or(-1)
    }

    #[test]
    fn stretches_join() {
        let (p, whole) = (persona(Pressure::High), month());
        for cut in ["2026-11-02T06:59:59Z", "2026-11-02T07:05:00Z", "2026-10-20T00:00:00Z", "2026-11-01T23:00:00Z"] {
            let cut = time(cut);
            let mut joined = readings(7, &p, whole.start..cut);
            joined.extend(readings(7, &p, cut..whole.end));
            assert_eq!(joined, readings(7, &p, whole.clone()));
        }
        assert!(readings(7, &p, whole.end..whole.start).is_empty());
    }

    #[test]
    fn pressures_are_those_of_people() {
        for (pressure, low, high) in [(Pressure::Normal, 112, 124), (Pressure::High, 140, 154)] {
            let all = values(&readings(7, &persona(pressure), month()), "bp");
            assert!((90..=124).contains(&all.len()), "four a day, some forgotten: {}", all.len());
            let mut sum = 0;
            for v in &all {
                let (systolic, diastolic) = (v["systolic"].as_i64().unwrap_or(0), v["diastolic"].as_i64().unwrap_or(0));
                assert!(systolic > diastolic + 10 && (80..=240).contains(&systolic) && (40..=150).contains(&diastolic), "{v}");
                sum += systolic;
            }
            let mean = sum / all.len() as i64;
            assert!((low..=high).contains(&mean), "{pressure:?}: mean systolic {mean}");
            let crises = all.iter().filter(|v| v["systolic"].as_i64() > Some(180)).count();
            assert_eq!(crises > 0, pressure == Pressure::High);
        }
    }

    #[test]
    fn the_phone_empties_fills_and_gets_busy() {
        let all = values(&readings(7, &persona(Pressure::Normal), month()), "device");
        assert_eq!(all.len(), 31 * 288);
        for field in ["cpu", "memory", "disk", "battery"] {
            assert!(all.iter().all(|v| (0..=1_000).contains(&tenths(&v[field]))), "{field}");
        }
        assert!(all.iter().any(|v| tenths(&v["battery"]) < 100) && all.iter().any(|v| tenths(&v["battery"]) == 1_000));
        assert!(all.windows(3).any(|w| w.iter().all(|v| tenths(&v["cpu"]) > 900)));
        let disk: Vec<i64> = all.iter().map(|v| tenths(&v["disk"])).collect();
        assert!(disk.is_sorted(), "nobody cleans up");
        let crossed = all.iter().find(|v| tenths(&v["disk"]) >= 900).map(|v| v["at"].clone());
        assert_eq!(crossed, Some("2026-11-15T12:00:00Z".into()));
    }
}
