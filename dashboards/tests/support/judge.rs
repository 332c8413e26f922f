//! A few naive rules over all of a subject's readings at once, so that there is something to recommend, and to take back.

use std::sync::Arc;

use vitalog_elog::{
    Content, Finding, FindingKind, FindingState, MatchId, Reading, Schema, Severity, Span, Subject, Time, Value, When,
};

/// What stands, by the readings that are current.
pub type Judge = fn(&Subject, &[&Reading], &Schema, Time) -> Vec<Finding>;

pub fn number(content: &Content, field: usize) -> Option<f64> {
    match content.values.get(field)? {
        Some(Value::Quantity(amount)) => Some(amount.atoms() as f64 / amount.unit.dimension().usual_unit().atoms() as f64),
        _ => None,
    }
}

fn points<'a>(readings: &[&'a Reading], schema: &Schema, stream: &str) -> Vec<(Time, &'a Reading, &'a Content)> {
    let ix = schema.stream(stream);
    let mut all: Vec<_> = readings
        .iter()
        .filter_map(|r| {
            let content = r.content.as_ref().filter(|c| Some(c.stream) == ix)?;
            Some((content.when.instant()?, *r, content))
        })
        .collect();
    all.sort_by_key(|(t, r, _)| (*t, r.id));
    all
}

struct Draft<'t> {
    rule: &'t str,
    title: &'t str,
    kind: FindingKind,
    severity: Severity,
    cite: &'t str,
}

impl Draft<'_> {
    fn finding(
        &self,
        subject: &Subject,
        onset: Time,
        at: Time,
        end: Option<Time>,
        evidence: &[&Reading],
        text: String,
    ) -> Finding {
        let mut evidence: Vec<_> = evidence.iter().map(|r| r.id).collect();
        evidence.sort_unstable();
        let open = end.is_none() || self.kind == FindingKind::Match;
        Finding {
            id: MatchId::new(self.rule, subject, onset),
            revision: 1,
            rule: self.rule.into(),
            version: 0x5eed,
            title: self.title.into(),
            subject: subject.clone(),
            kind: self.kind,
            state: if open { FindingState::Open } else { FindingState::Resolved },
            severity: self.severity,
            onset,
            at,
            end,
            resolved_at: if open { None } else { end },
            evidence: evidence.into(),
            text: Arc::from(text),
            wordings: Vec::new(),
            notify: None,
            cite: Some(self.cite.into()),
            quiet: None,
            by_clock: false,
        }
    }
}

/// Glucose below 70 mg/dL for 15 minutes, ending with the first reading at or above it.
pub fn lows(subject: &Subject, readings: &[&Reading], schema: &Schema, _now: Time) -> Vec<Finding> {
    let draft = Draft {
        rule: "low_glucose",
        title: "Low glucose",
        kind: FindingKind::Episode,
        severity: Severity::Warning,
        cite: "ADA Standards of Care, section 6: level 1 and 2 hypoglycaemia",
    };
    runs(&points(readings, schema, "bg"), Span::minutes(15), |v| v < 70.0)
        .into_iter()
        .map(|(run, at, end)| {
            let least = run.iter().filter_map(|(_, _, c)| number(c, 0)).fold(f64::INFINITY, f64::min);
            let evidence: Vec<&Reading> = run.iter().filter(|(t, _, _)| *t <= at).map(|(_, r, _)| *r).collect();
            let text = format!("Glucose has been below 70 mg/dL, {least:.0} mg/dL at the lowest. Take 15 g of fast carbohydrate and check again in 15 min.");
            let mut finding = draft.finding(subject, run[0].0, at, end, &evidence, text);
            if least < 54.0 {
                finding.severity = Severity::Urgent;
            }
            finding
        })
        .collect()
}

/// The lows, highs that last, high pressure, spikes after meals and a battery that runs out.
#[allow(dead_code, reason = "of the tests only the example needs them all")]
pub fn many(subject: &Subject, readings: &[&Reading], schema: &Schema, now: Time) -> Vec<Finding> {
    let mut all = lows(subject, readings, schema, now);
    let high = Draft {
        rule: "high_glucose",
        title: "High glucose for two hours",
        kind: FindingKind::Episode,
        severity: Severity::Advisory,
        cite: "Battelino et al. 2019, Diabetes Care 42:1593",
    };
    for (run, at, end) in runs(&points(readings, schema, "bg"), Span::hours(2), |v| v > 180.0) {
        let evidence: Vec<&Reading> = run.iter().filter(|(t, _, _)| *t <= at).map(|(_, r, _)| *r).collect();
        let text = "Glucose has been above 180 mg/dL for two hours. Drink water, and check whether a correction is due.".into();
        all.push(high.finding(subject, run[0].0, at, end, &evidence, text));
    }
    let pressure = Draft {
        rule: "stage_2",
        title: "Blood pressure high at home",
        kind: FindingKind::Match,
        severity: Severity::Warning,
        cite: "ESH 2021 home blood pressure monitoring",
    };
    let bp = points(readings, schema, "bp");
    for three in bp.chunks(3).filter(|c| c.len() == 3 && c.iter().all(|(_, _, c)| number(c, 0) >= Some(140.0))) {
        let evidence: Vec<&Reading> = three.iter().map(|(_, r, _)| *r).collect();
        let text =
            "Three high readings running. Rest for five minutes and measure again; talk to your doctor if it stays so.".into();
        all.push(pressure.finding(subject, three[0].0, three[2].0, Some(three[2].0), &evidence, text));
    }
    let battery = Draft {
        rule: "battery_low",
        title: "Device battery low",
        kind: FindingKind::Episode,
        severity: Severity::Info,
        cite: "Practice (Nightscout's device status alarms)",
    };
    for (run, at, end) in runs_of(&points(readings, schema, "device"), 2, Span::ZERO, |v| v < 20.0) {
        let text = "The battery of the device is below 20 %. Readings stop when it is empty.".into();
        all.push(battery.finding(subject, run[0].0, at, end, &[run[0].1], text));
    }
    let silence = Draft {
        rule: "silent_sensor",
        title: "No glucose readings",
        kind: FindingKind::Silence,
        severity: Severity::Critical,
        cite: "Practice (Nightscout's stale data alarms)",
    };
    if let Some((last, reading, _)) = points(readings, schema, "bg").last()
        && now.since(*last) > Span::hours(2)
    {
        let text = "No glucose reading has come for more than two hours. Check the sensor and the phone.".into();
        all.push(silence.finding(subject, *last, *last + Span::hours(2), None, &[reading], text));
    }
    all
}

type Run<'a> = (Vec<(Time, &'a Reading, &'a Content)>, Time, Option<Time>);

fn runs<'a>(points: &[(Time, &'a Reading, &'a Content)], hold: Span, holds: impl Fn(f64) -> bool) -> Vec<Run<'a>> {
    runs_of(points, 0, hold, holds)
}

/// Runs of readings for which it holds, that last; when each opened, and when it ended.
fn runs_of<'a>(
    points: &[(Time, &'a Reading, &'a Content)],
    field: usize,
    hold: Span,
    holds: impl Fn(f64) -> bool,
) -> Vec<Run<'a>> {
    let mut all = Vec::new();
    let mut run: Vec<(Time, &Reading, &Content)> = Vec::new();
    let mut close = |run: &mut Vec<(Time, &'a Reading, &'a Content)>, end: Option<Time>| {
        let opened = run.iter().map(|(t, _, _)| *t).find(|t| t.since(run[0].0) >= hold);
        if let Some(at) = opened {
            all.push((run.clone(), at, end));
        }
        run.clear();
    };
    for (t, reading, content) in points {
        if number(content, field).is_some_and(&holds) {
            run.push((*t, reading, content));
        } else {
            close(&mut run, Some(*t));
        }
    }
    close(&mut run, None);
    all
}

/// Where a reading stands, for whoever needs a time of it.
#[allow(dead_code, reason = "not every user of the world asks for it")]
pub fn time_of(reading: &Reading) -> Option<Time> {
    match reading.content.as_ref()?.when {
        When::At(t) => Some(t),
        When::During { start, .. } => Some(start),
    }
}
