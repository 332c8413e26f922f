//! Instants: the quick reader must agree with the general one on everything, and refuse what is no instant.

use proptest::prelude::*;
use vitalog_elog::time::TimeError;
use vitalog_elog::{Span, Time};

fn reference(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_nanosecond().div_euclid(1_000) as i64)
}

proptest! {
    /// Shaped like an instant, often just outside of what exists (30 February, 24:00, offsets of 24 h).
    #[test]
    fn agrees_with_the_general_parser(
        y in 1000..2200u32, mo in 0..14u32, d in 0..33u32, h in 0..26u32, mi in 0..62u32, s in 0..62u32,
        fraction in prop_oneof![Just(String::new()), "\\.[0-9]{1,9}"],
        zone in prop_oneof![Just("Z".to_owned()), "[+-][0-2][0-9]:[0-6][0-9]"],
    ) {
        let text = format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{fraction}{zone}");
        prop_assert_eq!(Time::parse(&text).ok().map(Time::micros), reference(&text), "{}", text);
    }

    #[test]
    fn any_text_is_an_instant_or_refused(text in "\\PC{0,40}") {
        prop_assert_eq!(Time::parse(&text).ok().map(Time::micros), reference(&text));
    }

    #[test]
    fn shown_and_read_again(us in -30_000_000_000_000_000i64..60_000_000_000_000_000) {
        prop_assert_eq!(Time::parse(&Time(us).to_string()), Ok(Time(us)));
    }
}

#[test]
fn refusals_say_why() {
    assert_eq!(Time::parse("2026-11-20T08:00:00"), Err(TimeError::NoZone));
    assert_eq!(Time::parse("2026-11-20 08:00"), Err(TimeError::NoZone));
    assert_eq!(Time::parse("yesterday"), Err(TimeError::Malformed));
    assert_eq!(Time::parse("2026-02-30T08:00:00Z"), Err(TimeError::Malformed));
    assert_eq!(Time::parse(""), Err(TimeError::Malformed));
}

#[test]
fn spans_read_aloud() {
    for (span, text) in [
        (Span::ZERO, "0 s"),
        (Span::minutes(15), "15 min"),
        (Span::hours(26), "1 d 2 h"),
        (Span(2_500_000), "2.5 s"),
        (Span(-90_000_000), "-1 min 30 s"),
        (Span(1), "0.000001 s"),
    ] {
        assert_eq!(span.to_string(), text);
    }
}

#[test]
fn arithmetic_ends_at_the_border() {
    assert_eq!(Time::MAX + Span(1), Time::MAX);
    assert_eq!(Time::MIN - Span(1), Time::MIN);
    assert_eq!(Time::MAX.since(Time::MIN), Span::MAX);
    let _ = Time::MAX.to_string();
}
