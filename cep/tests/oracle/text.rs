//! What people are told: text with its holes filled.

use vitalog_cep::plan::{Piece, Rule, Show};
use vitalog_elog::quantity::format_atoms;
use vitalog_elog::{Span, Time, Value};

use super::eval::eval;
use super::number::Number;
use super::scene::{Known, Scene};
use super::timeline::Micros;

/// What the patient is told, and behind it what others are told instead.
pub fn render(rule: &Rule, scene: &Scene<'_>) -> String {
    let others = rule.wordings.iter().map(|w| instead(&w.to, &filled(&w.say, scene)));
    filled(&rule.say, scene) + &others.collect::<String>()
}

/// How what a role is told is written behind the text.
pub fn instead(role: &str, text: &str) -> String {
    format!(" [to {role}: {text}]")
}

fn filled(say: &[Piece], scene: &Scene<'_>) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.to_string(),
        Piece::Hole { expr, show } => {
            eval(expr, scene).and_then(|known| shown(&known, show, scene)).unwrap_or_else(|| "unknown".to_owned())
        }
    };
    say.iter().map(piece).collect()
}

fn shown(known: &Known, show: &Show, scene: &Scene<'_>) -> Option<String> {
    if let Known::Root { square } = known {
        return shown(&Known::Number(square.root()?), show, scene);
    }
    match (known, show) {
        (Known::Number(n), Show::Quantity(unit)) => {
            let (n, d) = n.parts()?;
            Some(format_atoms(n, d, *unit))
        }
        (Known::Number(n), Show::Number) => two_decimals(*n),
        (Known::Number(n), Show::Instant) => clock_time(n.floor()?, scene),
        (Known::Number(n), Show::TimeOfDay) => {
            let minute = n.floor()? / super::calendar::MINUTE;
            Some(format!("{:02}:{:02}", minute / 60, minute % 60))
        }
        (Known::Number(n), Show::Span) => Some(Span(i64::try_from(n.round_half_even()?).ok()?).to_string()),
        (Known::Enum(i), Show::Enum(words)) => words.get(usize::from(*i)).map(ToString::to_string),
        (Known::Text(text), Show::Text) => Some(text.clone()),
        (Known::Bool(b), Show::Bool) => Some(if *b { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}

/// Up to two decimals, rounded half to even, without zeros at the end.
fn two_decimals(n: Number) -> Option<String> {
    let hundredths = n.times(Number::whole(100))?.round_half_even()?;
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = (hundredths.abs() / 100, hundredths.abs() % 100);
    Some(match (rest / 10, rest % 10) {
        (0, 0) => format!("{sign}{whole}"),
        (tenths, 0) => format!("{sign}{whole}.{tenths}"),
        (tenths, last) => format!("{sign}{whole}.{tenths}{last}"),
    })
}

/// `08:15` in the subject's time zone, with the date where it is not that of the decision.
fn clock_time(instant: Micros, scene: &Scene<'_>) -> Option<String> {
    let zone = match scene.profile.named("time_zone", scene.now) {
        Some(Value::Text(name)) => jiff::tz::TimeZone::get(&name).unwrap_or(jiff::tz::TimeZone::UTC),
        _ => jiff::tz::TimeZone::UTC,
    };
    let civil = |m: Micros| {
        let micros = i64::try_from(m).ok()?;
        Some(jiff::Timestamp::from_microsecond(Time(micros).0).ok()?.to_zoned(zone.clone()).datetime())
    };
    let (shown, decided) = (civil(instant)?, civil(scene.now)?);
    let hour = format!("{:02}:{:02}", shown.hour(), shown.minute());
    if shown.date() == decided.date() { Some(hour) } else { Some(format!("{} {hour}", shown.date())) }
}
