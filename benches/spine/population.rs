//! Readings of a generated population: mostly continuous glucose, with meals, doses, pressure and devices, as NDJSON.

/// One batch of lines, `lines` of them. Batches of one `part` are in the order of time.
pub fn batch(part: u64, number: u64, lines: u64) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = Vec::with_capacity(lines as usize * 130);
    for i in 0..lines {
        let n = number * lines + i;
        let subject = part * 1_000 + n % 500;
        let slot = n / 500;
        let minute = slot * 5;
        let at = time(minute, n % 60);
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
                let wave = (slot % 72) as i64 - 36;
                let value = 60 + wave * wave / 8 + noise as i64;
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

/// An instant of 2026, from its first day on.
fn time(minute: u64, second: u64) -> String {
    let micros = 1_767_225_600_000_000 + (minute * 60 + second) as i64 * 1_000_000;
    vitalog_elog::Time(micros).to_string()
}
