//! What stood in the way, in a sentence.

use vitalog_cep::why::{Asked, Clause, Lack, Part, Truth};
use vitalog_elog::{Span, Time};

use super::{Names, truth_name};

/// One sentence, without its full stop.
pub fn sentence(lack: &Lack, names: &Names<'_>) -> String {
    let time = |t: Option<Time>| t.map_or_else(|| "then".to_owned(), |t| names.at(t));
    let span = |s: Option<Span>| s.map_or_else(|| "some time".to_owned(), |s| s.to_string());
    let readings = names.all_seen(&lack.readings);
    let (since, until) = (time(lack.since), time(lack.until));
    match lack.part {
        Part::Version => format!("this version was not in force at {}", time(lack.until.or(lack.since))),
        Part::Driver if lack.what.is_empty() => "nothing had come of the subject by then".to_owned(),
        Part::Driver => format!("no reading of {} had come by then, so nothing was decided", lack.what),
        Part::When | Part::Where | Part::Until | Part::Severity(_) | Part::Let(_) => match &lack.asked {
            Some(asked) => failed(asked, names),
            None => "it was not asked".to_owned(),
        },
        Part::For => {
            let short = lack
                .has
                .zip(lack.needs)
                .map_or_else(String::new, |(has, needs)| format!(", {} are lacking", Span(needs.0 - has.0)));
            format!("the condition has held since {since}, for {}; it must for {}{short}", span(lack.has), span(lack.needs))
        }
        Part::Gap => format!(
            "the run was broken by a hole: {readings} lie too far apart; it began anew at {since} and must hold for {}",
            span(lack.needs)
        ),
        Part::No if lack.until.is_some() => {
            let heard = if readings.is_empty() { format!("nothing before, counted from {since}") } else { readings };
            format!("it was heard: {heard}; the silence opens at {until}, {} after that, if nothing comes", span(lack.needs))
        }
        Part::No => format!("it was heard again in time: {readings}"),
        Part::Every if lack.since.is_none() => format!("it had not fired by then; it fires next at {until}"),
        Part::Every => {
            let next = lack.until.map_or_else(String::new, |t| format!(", next at {}", names.at(t)));
            format!("it is between two firings: the last was at {since}{next}")
        }
        Part::Step(_) => step(lack, names),
        Part::Within if !lack.what.is_empty() && !lack.readings.is_empty() => {
            format!(
                "`{}` came too late: {readings}, {} after {since}; less than {} is allowed",
                lack.what,
                span(lack.has),
                span(lack.needs)
            )
        }
        Part::Within if !lack.what.is_empty() => {
            format!("nothing came for `{}` within {} of {since}", lack.what, span(lack.needs))
        }
        Part::Within => format!("the readings lie {} apart; less than {} is allowed", span(lack.has), span(lack.needs)),
        Part::Without => format!("`without {}`: {readings} stands in between", lack.what),
        Part::ThenNo => format!("`then no {}`: {readings} came before {until}", lack.what),
        Part::WithNo => format!("`with no {}`: {readings} lies there", lack.what),
        Part::Clock => format!("all is there, and the clock decides it at {until}"),
        Part::Disjoint => "it begins within a match that was taken before (`disjoint`)".to_owned(),
    }
}

fn step(lack: &Lack, names: &Names<'_>) -> String {
    let readings = names.all_seen(&lack.readings);
    let until = lack.until.map_or_else(String::new, |t| format!("; it may still come before {}", names.at(t)));
    match &lack.asked {
        Some(asked) => format!("`{}` did not take {readings}: {}{until}", lack.what, condition(&asked.clause)),
        None if readings.is_empty() => {
            let since = lack.since.map_or_else(String::new, |t| format!(" after {}", names.at(t)));
            format!("nothing came for `{}`{since}{until}", lack.what)
        }
        None => format!("`{}` could not take {readings}{until}", lack.what),
    }
}

/// `bg.value < 70 mg/dL` is false (bg.value = 82 mg/dL), of the reading.
pub fn failed(asked: &Asked, names: &Names<'_>) -> String {
    let of = asked
        .of
        .as_ref()
        .map_or_else(|| format!(", asked at {}", names.at(asked.at)), |seen| format!(", asked of {}", names.seen(seen)));
    format!("{}{of}", condition(&asked.clause))
}

fn condition(clause: &Clause) -> String {
    let values = values(clause);
    let values = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    let truth = clause.truth.map_or("unknown", truth_name);
    let text = if clause.text.is_empty() { "the condition" } else { &clause.text };
    if text == "the condition" { format!("{text} is {truth}{values}") } else { format!("`{text}` is {truth}{values}") }
}

/// The values that it was made of; where conditions are, these.
fn values(clause: &Clause) -> Vec<String> {
    let mut all = Vec::new();
    for part in &clause.parts {
        match (&part.value, part.truth) {
            (Some(value), _) => all.push(format!("{} = {value}", part.text)),
            (None, Some(Truth::True)) if clause.is_all => {}
            (None, _) => all.extend(values(part)),
        }
    }
    all.dedup();
    all
}
