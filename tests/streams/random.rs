//! Random numbers that are the same everywhere and for ever, and instants of the week in which both streams play.

/// SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + (self.next() % (most - least + 1) as u64) as i64
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }
}

/// A second of the week that begins on Monday 2026-03-02 (UTC), as RFC 3339 writes it.
pub fn instant(second: i64) -> String {
    let (day, rest) = (second.div_euclid(86_400), second.rem_euclid(86_400));
    format!("2026-03-{:02}T{:02}:{:02}:{:02}Z", 2 + day, rest / 3600, rest / 60 % 60, rest % 60)
}

/// The second of a day (1 is Monday), hour and minute.
pub fn second(day: i64, hour: i64, minute: i64) -> i64 {
    (day - 1) * 86_400 + hour * 3600 + minute * 60
}

/// Lines in the order of their instants, those of one second as they were made.
pub fn in_order(mut lines: Vec<(i64, String)>) -> Vec<String> {
    lines.sort_by_key(|(second, _)| *second);
    lines.into_iter().map(|(_, line)| line).collect()
}
