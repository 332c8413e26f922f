//! The answer as JSON. Names are stable: fields may come, none is renamed.

use serde_json::{Value, json};
use vitalog_cep::why::{Asked, Attempt, Clause, Lack, Note, Part, Seen, Why};
use vitalog_elog::{Finding, Quiet, Span, Time};

use super::{Names, part_name, truth_name, verdict_name};

/// All of it, with the sentence that people would read.
pub fn json(why: &Why) -> Value {
    let names = Names { time: &|t| t.to_string(), reading: &|id| id.to_string() };
    json!({
        "rule": &*why.rule,
        "title": &*why.title,
        "subject": why.subject.as_str(),
        "at": time(why.at),
        "clock": time(why.clock),
        "verdict": verdict_name(why.verdict),
        "in_short": super::in_short(why, &names).join("\n"),
        "finding": why.finding.as_ref().map(finding),
        "quiet": why.hush.as_ref().map(|hush| json!({
            "why": match hush.quiet {
                Quiet::Stale => "stale",
                Quiet::SpokeLately => "spoke_lately",
                Quiet::OtherOpen => "other_open",
                Quiet::Shadow => "shadow",
            },
            "by": hush.by.as_deref().map(finding),
            "span": hush.span.map(span),
        })),
        "before": why.before.as_ref().map(finding),
        "version": why.version.map(|v| json!({
            "meaning": format!("{:016x}", v.meaning),
            "from": (v.from != Time::MIN).then(|| time(v.from)),
            "to": v.to.map(time),
        })),
        "lack": why.account.lack.as_ref().map(|l| lack(l, &names)),
        "asked": why.account.asked.iter().map(asked).collect::<Vec<_>>(),
        "notes": why.account.notes.iter().map(note).collect::<Vec<_>>(),
        "attempts": why.account.attempts.iter().map(|a| attempt(a, &names)).collect::<Vec<_>>(),
    })
}

fn time(t: Time) -> String {
    t.to_string()
}

fn span(s: Span) -> String {
    s.to_string()
}

/// A finding, as `backtest --format json` says it.
pub fn finding(f: &Finding) -> Value {
    json!({
        "id": f.id.to_string(),
        "rule": &*f.rule,
        "subject": f.subject.as_str(),
        "kind": f.kind.name(),
        "state": f.state.name(),
        "severity": f.severity.name(),
        "onset": time(f.onset),
        "at": time(f.at),
        "end": f.end.map(time),
        "resolved_at": f.resolved_at.map(time),
        "evidence": f.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "quiet": f.quiet,
        "text": &*f.text,
        "wordings": f.wordings.iter().map(|w| json!({"to": &*w.to, "text": &*w.text})).collect::<Vec<_>>(),
    })
}

fn part(part: Part, out: &mut Value) {
    out["part"] = json!(part_name(part));
    match part {
        Part::Step(step) => out["step"] = json!(step + 1),
        Part::Let(place) => out["let"] = json!(place + 1),
        Part::Severity(severity) => out["severity"] = json!(severity.name()),
        _ => {}
    }
}

fn asked(it: &Asked) -> Value {
    let mut out = json!({"at": time(it.at), "what": &*it.what, "of": it.of.as_ref().map(seen), "clause": clause(&it.clause)});
    part(it.part, &mut out);
    out
}

fn clause(it: &Clause) -> Value {
    let mut out = json!({ "text": &*it.text });
    if let Some(truth) = it.truth {
        out["is"] = json!(truth_name(truth));
    }
    if let Some(value) = &it.value {
        out["value"] = json!(value);
    }
    if !it.readings.is_empty() {
        out["readings"] = it.readings.iter().map(seen).collect();
    }
    if let Some(window) = it.window {
        out["window"] = json!({"from": time(window.from), "to": time(window.to), "count": window.count});
    }
    if !it.parts.is_empty() {
        out["parts"] = it.parts.iter().map(clause).collect();
    }
    if it.cut {
        out["cut"] = json!(true);
    }
    out
}

fn seen(it: &Seen) -> Value {
    json!({
        "stream": &*it.stream,
        "ids": it.ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "at": time(it.at),
        "start": it.start.map(time),
        "goes_on": it.goes_on,
        "value": it.value,
    })
}

fn lack(it: &Lack, names: &Names<'_>) -> Value {
    let mut out = json!({
        "sentence": super::lack::sentence(it, names),
        "what": &*it.what,
        "asked": it.asked.as_ref().map(asked),
        "readings": it.readings.iter().map(seen).collect::<Vec<_>>(),
        "since": it.since.map(time),
        "until": it.until.map(time),
        "has": it.has.map(span),
        "needs": it.needs.map(span),
    });
    part(it.part, &mut out);
    out
}

fn note(it: &Note) -> Value {
    match it {
        Note::Run { since, decisions, has, needs, gap } => json!({
            "note": "run", "since": time(*since), "decisions": decisions, "has": span(*has), "needs": needs.map(span), "gap": gap.map(span)
        }),
        Note::Broken { from, to, is, most } => {
            json!({"note": "broken", "from": time(*from), "to": time(*to), "is": span(*is), "most": span(*most)})
        }
        Note::Calm { since, has, needs } => {
            json!({"note": "calm", "since": time(*since), "has": span(*has), "needs": span(*needs)})
        }
        Note::Lapses { at } => json!({"note": "lapses", "at": time(*at)}),
        Note::Heard { stream, last, next } => {
            json!({"note": "heard", "stream": &**stream, "last": last.as_ref().map(seen), "next": next.as_ref().map(seen)})
        }
        Note::Counts { from, enrolled } => json!({"note": "counts", "from": time(*from), "enrolled": enrolled}),
        Note::Opens { at } => json!({"note": "opens", "at": time(*at)}),
        Note::Fires { last, next } => json!({"note": "fires", "last": last.map(time), "next": next.map(time)}),
        Note::Starts { looked_at } => json!({"note": "starts", "looked_at": looked_at}),
        Note::Bounded => json!({"note": "bounded"}),
    }
}

fn attempt(it: &Attempt, names: &Names<'_>) -> Value {
    let took = it.took.iter().map(|t| {
        json!({"step": t.step + 1, "text": &*t.text, "at": time(t.at), "readings": t.readings.iter().map(seen).collect::<Vec<_>>()})
    });
    json!({
        "start": time(it.start),
        "took": took.collect::<Vec<_>>(),
        "done": it.done.map(time),
        "lack": it.lack.as_ref().map(|l| lack(l, names)),
    })
}
