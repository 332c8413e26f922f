//! Readings of a generated population: mostly continuous glucose, with meals, doses, pressure and devices, as NDJSON.

/// When readings happened.
#[derive(Clone, Copy)]
pub struct Tempo {
    /// The first, in microseconds since the epoch.
    pub from: i64,
    /// Between two of one subject, in seconds.
    pub every: u64,
}

impl Tempo {
    /// History: every five minutes from the first day of 2026 on.
    pub const HISTORY: Tempo = Tempo { from: 1_767_225_600_000_000, every: 300 };

    /// Going on now: every two seconds, the first so long ago that the last of `readings` per subject is now.
    pub fn live(readings: u64) -> Tempo {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros() as i64;
        Tempo { from: now - readings as i64 * 2_000_000, every: 2 }
    }
}

/// Subjects of a part.
pub const SUBJECTS: u64 = 500;

/// One batch of lines, `lines` of them. Batches of one `part` are in the order of time.
pub fn batch(tempo: Tempo, part: u64, number: u64, lines: u64) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = Vec::with_capacity(lines as usize * 130);
    for i in 0..lines {
        let n = number * lines + i;
        let subject = part * 1_000 + n % SUBJECTS;
        let slot = n / SUBJECTS;
        let at = vitalog_elog::Time(tempo.from + (slot * tempo.every) as i64 * 1_000_000 + (n % SUBJECTS) as i64 * 1_000);
        let noise = (n.wrapping_mul(6_364_136_223_846_793_005) >> 40) % 60;
        let written = match n % 50 {
            7 => writeln!(out, r#"{{"subject":"s{subject}","stream":"carbs","at":"{at}","amount":{}}}"#, 10 + noise),
            17 => writeln!(
                out,
                r#"{{"subject":"s{subject}","stream":"medication","at":"{at}","kind":"bolus","amount":"{}.5 U"}}"#,
                noise % 9
            ),
            27 => writeln!(
                out,
                r#"{{"subject":"s{subject}","stream":"bp","at":"{at}","systolic":{},"diastolic":{}}}"#,
                110 + noise,
                70 + noise / 3
            ),
            37 => writeln!(
                out,
                r#"{{"subject":"s{subject}","stream":"device","at":"{at}","battery":{},"cpu":{noise}}}"#,
                30 + noise
            ),
            _ => {
                let value = glucose(subject, slot, noise);
                writeln!(
                    out,
                    r#"{{"subject":"s{subject}","stream":"bg","at":"{at}","value":{value},"source":"g7","seq":{slot}}}"#
                )
            }
        };
        written.expect("memory takes it");
    }
    out
}

/// Glucose as a sensor reports it: it drifts over the day and after meals with a jitter of a few mg/dL, is above 180 mg/dL for some hours of a day, and
/// once in one to two days dips below 54 mg/dL for half an hour.
pub fn glucose(subject: u64, slot: u64, noise: u64) -> u64 {
    let turn = |period: u64| ((slot + subject * 37) % period) as f64 / period as f64 * std::f64::consts::TAU;
    let steady = 138.0 + 34.0 * turn(288).sin() + 24.0 * turn(67).sin() + noise as f64 / 10.0;
    let since_dip = (slot + subject * 53) % (300 + subject % 200);
    // Down within 40 min, low for half an hour, and up again.
    let depth = match since_dip {
        0..=7 => since_dip as f64 / 8.0,
        8..=14 => 1.0,
        15..=22 => (23 - since_dip) as f64 / 8.0,
        _ => 0.0,
    };
    (steady + (48.0 - steady) * depth) as u64
}
