//! Readings of a generated population as NDJSON.

pub use crate::readings::{SUBJECTS, glucose};
use crate::readings::{Said, What, said};

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

/// One batch of lines, `lines` of them. Batches of one `part` are in the order of time.
pub fn batch(tempo: Tempo, part: u64, number: u64, lines: u64) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = Vec::with_capacity(lines as usize * 130);
    for n in number * lines..(number + 1) * lines {
        let Said { subject, slot, what } = said(part, n);
        let at = vitalog_elog::Time(tempo.from + (slot * tempo.every) as i64 * 1_000_000 + (n % SUBJECTS) as i64 * 1_000);
        let head = format_args!(r#"{{"subject":"s{subject}","at":"{at}""#).to_string();
        let written = match what {
            What::Glucose(value) => {
                writeln!(out, r#"{head},"stream":"bg","value":{value},"source":"g7","seq":{slot}}}"#)
            }
            What::Carbs(amount) => writeln!(out, r#"{head},"stream":"carbs","amount":{amount}}}"#),
            What::Bolus(amount) => writeln!(out, r#"{head},"stream":"medication","kind":"bolus","amount":"{amount}.5 U"}}"#),
            What::Pressure { systolic, diastolic } => {
                writeln!(out, r#"{head},"stream":"bp","systolic":{systolic},"diastolic":{diastolic}}}"#)
            }
            What::Device { battery, cpu } => writeln!(out, r#"{head},"stream":"device","battery":{battery},"cpu":{cpu}}}"#),
        };
        written.expect("memory takes it");
    }
    out
}
