//! A time of day, as a clock on a wall shows it: hours and minutes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Minutes after midnight, less than a day of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// `None` from 24 hours on.
    pub fn new(minutes: u16) -> Option<TimeOfDay> {
        (minutes < 24 * 60).then_some(TimeOfDay(minutes))
    }

    /// Reads `07:30`, each number with two digits.
    pub fn parse(text: &str) -> Option<TimeOfDay> {
        let &[a, b, b':', c, d] = text.as_bytes() else { return None };
        let digit = |c: u8| c.is_ascii_digit().then(|| u16::from(c - b'0'));
        let (hour, minute) = (digit(a)? * 10 + digit(b)?, digit(c)? * 10 + digit(d)?);
        if hour < 24 && minute < 60 { TimeOfDay::new(hour * 60 + minute) } else { None }
    }

    /// After midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }

    /// After midnight.
    pub fn micros(self) -> i64 {
        i64::from(self.0) * 60_000_000
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for minutes in 0..24 * 60 {
            let time = TimeOfDay::new(minutes).expect("within a day");
            assert_eq!(TimeOfDay::parse(&time.to_string()), Some(time));
        }
        assert_eq!(TimeOfDay::parse("07:30").map(TimeOfDay::minutes), Some(450));
        for wrong in ["24:00", "7:30", "07:60", "07:30:00", "0730", "07-30", "", "٠٧:٣٠"] {
            assert_eq!(TimeOfDay::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TimeOfDay::new(24 * 60), None);
    }
}
