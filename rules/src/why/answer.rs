//! The answer as lines of text: the verdict, what stood in the way, each clause with its value and the readings behind it.

use std::fmt::Write as _;

use vitalog_cep::why::{Asked, Attempt, Clause, Note, Part, Verdict, Why};
use vitalog_elog::{Finding, Quiet, Time};

use super::lack::sentence;
use super::{Names, truth_name, verdict_name};

/// All of it.
pub fn answer(why: &Why, names: &Names<'_>) -> String {
    let mut out = format!("{} \"{}\", {} at {}\n", why.rule, why.title, why.subject, names.at(why.at));
    for line in in_short(why, names) {
        let _ = writeln!(out, "{line}");
    }
    if let Some(version) = &why.version {
        let to = version.to.map_or_else(String::new, |t| format!(" until {}", names.at(t)));
        let from = if version.from == Time::MIN { "always".to_owned() } else { format!("since {}", names.at(version.from)) };
        let _ = writeln!(out, "version {:016x}, in force {from}{to}", version.meaning);
    }
    if let Some(before) = why.before.as_ref().filter(|_| why.verdict != Verdict::Fired) {
        let _ = writeln!(out, "before: {}", found(before, names));
    }
    let mut at = None;
    for asked in &why.account.asked {
        if at != Some(asked.at) {
            let _ = writeln!(out, "\nasked at {}", names.at(asked.at));
            at = Some(asked.at);
        }
        ask(asked, names, &mut out);
    }
    if !why.account.notes.is_empty() {
        out.push('\n');
    }
    for note in &why.account.notes {
        let _ = writeln!(out, "{}", told(note, names));
    }
    for attempt in &why.account.attempts {
        out.push('\n');
        tried(attempt, names, &mut out);
    }
    out
}

/// The verdict in a line or two.
pub fn in_short(why: &Why, names: &Names<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let finding = why.finding.as_ref().map_or_else(String::new, |f| found(f, names));
    let name = verdict_name(why.verdict);
    lines.push(match why.verdict {
        Verdict::Fired | Verdict::Quiet | Verdict::Resolved | Verdict::Lapsed => format!("{name}: {finding}"),
        Verdict::Pending => format!("{name}: not decided yet at that instant; {finding}"),
        Verdict::Silent => match &why.account.lack {
            Some(lack) => format!("{name}: {}", sentence(lack, names)),
            None => format!("{name}: nothing was found"),
        },
        Verdict::NotInForce => format!("{name}: no version of the rule was in force then"),
        Verdict::NotReached => format!("{name}: the clock is at {}, and nothing is decided beyond it", names.at(why.clock)),
    });
    match (why.verdict, &why.account.lack) {
        (Verdict::Pending, Some(lack)) => lines.push(format!("  then: {}", sentence(lack, names))),
        (Verdict::NotReached, Some(lack)) => lines.push(format!("  so far: {}", sentence(lack, names))),
        _ => {}
    }
    if let Some(f) = why.finding.as_ref().filter(|f| !f.text.is_empty()) {
        lines.push(format!("  it says: {}", f.text));
    }
    if let Some(hush) = &why.hush {
        let by = hush.by.as_ref().map_or_else(String::new, |f| format!(": {}", found(f, names)));
        let span = hush.span.map_or_else(String::new, |s| format!(" {s}"));
        lines.push(match hush.quiet {
            Quiet::Stale => format!("  nobody was disturbed: it was found more than{span} after it opened"),
            Quiet::SpokeLately => format!("  nobody was disturbed: at most once per{span}, and the rule had spoken{by}"),
            Quiet::Shadow => "  nobody was disturbed: the rule was on trial (`shadow`)".to_owned(),
            Quiet::OtherOpen => format!("  nobody was disturbed: a rule that keeps it quiet had found something{by}"),
        });
    }
    lines
}

/// A finding in a few words.
fn found(f: &Finding, names: &Names<'_>) -> String {
    let end = f.end.map_or_else(String::new, |t| format!(" until {}", names.at(t)));
    let known = f.resolved_at.filter(|t| Some(*t) != f.end).map_or_else(String::new, |t| format!(", known at {}", names.at(t)));
    format!("{} from {}{end}, decided at {}{known}; {}, {}", f.rule, names.at(f.onset), names.at(f.at), f.severity, f.state)
}

fn ask(asked: &Asked, names: &Names<'_>, out: &mut String) {
    let of = asked.of.as_ref().map_or_else(String::new, |seen| format!(" of {}", names.seen(seen)));
    let part = match asked.part {
        Part::Severity(severity) => format!("severity {severity} when"),
        Part::Let(place) if asked.what.is_empty() => format!("let {}", place + 1),
        Part::Let(_) => format!("let {}", asked.what),
        Part::Step(_) => format!("step `{}`", asked.what),
        part => super::part_name(part).to_owned(),
    };
    let _ = writeln!(out, "  {part}{of}");
    clause(&asked.clause, 2, names, out);
}

fn clause(it: &Clause, depth: usize, names: &Names<'_>, out: &mut String) {
    let indent = "  ".repeat(depth);
    let outcome = match (&it.value, it.truth) {
        (Some(value), _) => format!("= {value}"),
        (None, truth) => format!("is {}", truth.map_or("unknown", truth_name)),
    };
    let text = if it.text.is_empty() { "(the whole)" } else { &it.text };
    let _ = writeln!(out, "{indent}{text} {outcome}");
    if let Some(window) = &it.window {
        let s = if window.count == 1 { "" } else { "s" };
        let _ = writeln!(out, "{indent}  {} reading{s} {}", window.count, names.window(window));
    }
    for seen in &it.readings {
        let _ = writeln!(out, "{indent}  {}", names.seen(seen));
    }
    for part in &it.parts {
        clause(part, depth + 1, names, out);
    }
    if it.cut {
        let _ = writeln!(out, "{indent}  and more, which is left out");
    }
}

fn told(note: &Note, names: &Names<'_>) -> String {
    let at = |t: &Time| names.at(*t);
    match note {
        Note::Run { since, decisions, has, needs, gap } => {
            let needs = needs.map_or_else(String::new, |n| format!("; it must for {n}"));
            let gap = gap.map_or_else(String::new, |g| format!(", no two decisions more than {g} apart"));
            let s = if *decisions == 1 { "" } else { "s" };
            format!("the condition has held since {}, for {has} at {decisions} decision{s}{needs}{gap}", at(since))
        }
        Note::Broken { from, to, is, most } => {
            format!(
                "before that a hole: from {} to {} are {is}, more than {most}; what held before it does not count",
                at(from),
                at(to)
            )
        }
        Note::Calm { since, has, needs } => {
            format!("the condition of its end has held since {}, for {has}; it must for {needs}", at(since))
        }
        Note::Lapses { at: t } => format!("it lapses at {} if nothing comes before", at(t)),
        Note::Heard { stream, last, next } => {
            let last = last.as_ref().map_or_else(|| "never before".to_owned(), |s| format!("last: {}", names.seen(s)));
            let next = next.as_ref().map_or_else(String::new, |s| format!("; next: {}", names.seen(s)));
            format!("heard of {stream}, {last}{next}")
        }
        Note::Counts { from, enrolled: true } => {
            format!("it counts from {}, the first that was ever seen of the subject", at(from))
        }
        Note::Counts { from, enrolled: false } => format!("it counts from {}", at(from)),
        Note::Opens { at: t } => format!("it opens at {} if nothing comes before", at(t)),
        Note::Fires { last, next } => {
            let last = last.as_ref().map_or_else(|| "it had not fired".to_owned(), |t| format!("it fired last at {}", at(t)));
            let next = next.as_ref().map_or_else(String::new, |t| format!(", and fires next at {}", at(t)));
            format!("{last}{next}")
        }
        Note::Starts { looked_at } => {
            let s = if *looked_at == 1 { "" } else { "s" };
            format!("{looked_at} instant{s} at which a match may begin, looked at from the last on")
        }
        Note::Bounded => "there were more choices than are looked at; some that came further may be missing".to_owned(),
    }
}

fn tried(attempt: &Attempt, names: &Names<'_>, out: &mut String) {
    let done = attempt.done.map_or_else(String::new, |t| format!(", complete at {}", names.at(t)));
    let _ = writeln!(out, "the start at {}{done}", names.at(attempt.start));
    for taken in &attempt.took {
        let _ = writeln!(out, "  took {} for `{}`", names.all_seen(&taken.readings), taken.text);
    }
    if let Some(lack) = &attempt.lack {
        let _ = writeln!(out, "  then: {}", sentence(lack, names));
    }
}
