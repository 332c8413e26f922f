//! What rules found: the latest revision of each finding, and every revision it had.

use rusqlite::{Connection, OptionalExtension, params};
use vitalog_elog::{Cause, Change, Finding, FindingChange, FindingKind, FindingState, Input, Quiet, Record, Severity, Wording};

use super::error::ViewsError;
use super::lookup::Place;
use super::subjects::Subjects;

/// Stores a change of a finding. An acknowledgement or a dismissal stands for what people saw: it is void once the finding opens again or
/// grows graver.
pub fn apply(
    conn: &Connection,
    subjects: &mut Subjects,
    (record, place): (&Record, usize),
    change: &FindingChange,
) -> Result<(), ViewsError> {
    let finding = &change.finding;
    let subject = subjects.number(&finding.subject, record.offset, record.entry.arrival);
    keep_revision(conn, record, place, change)?;
    let id = finding.id.0.to_be_bytes();
    let was: Option<u8> =
        conn.prepare_cached("select severity from recommendations where id = ?1")?.query_row([id], |r| r.get(0)).optional()?;
    let void = change.change == Change::Opened || was.is_some_and(|severity| severity_number(finding.severity) > severity);
    conn.prepare_cached(
        "insert into recommendations (id, subject, revision, kind, state, severity, quiet, onset, at, end_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         on conflict (id) do update set revision = ?3, kind = ?4, state = ?5, severity = ?6, quiet = ?7, onset = ?8, at = ?9, end_at = ?10",
    )?
    .execute(params![
        id,
        subject,
        finding.revision,
        kind_number(finding.kind),
        state_number(finding.state),
        severity_number(finding.severity),
        quiet_number(finding.quiet),
        finding.onset.0,
        finding.at.0,
        finding.end.map(|t| t.0),
    ])?;
    if void {
        conn.prepare_cached(
            "update recommendations set acknowledged = null, acknowledged_at = null, dismissed = null, dismissed_at = null where id = ?1",
        )?
        .execute([id])?;
    }
    subjects.judge(subject);
    Ok(())
}

fn keep_revision(conn: &Connection, record: &Record, place: usize, change: &FindingChange) -> Result<(), ViewsError> {
    let f: &Finding = &change.finding;
    let (cause, cause_id) = match change.cause {
        Cause::Reading(id) => (0, Some(id.0.to_be_bytes())),
        Cause::Profile => (1, None),
        Cause::Rules => (2, None),
        Cause::Clock => (3, None),
    };
    let evidence: Vec<u8> = f.evidence.iter().flat_map(|id| id.0.to_be_bytes()).collect();
    conn.prepare_cached(
        "insert or replace into recommendation_history
         (id, revision, record, place, change, cause, cause_id, cause_place, decided_at, rule, version, title, kind, state, severity, onset, at, end_at,
          resolved_at, evidence, text, wordings, notify, cite, quiet, by_clock)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
    )?
    .execute(params![
        f.id.0.to_be_bytes(),
        f.revision,
        record.offset as i64,
        place as i64,
        change_number(change.change),
        cause,
        cause_id,
        cause_place(record, change.cause).map(Place::bytes),
        change.decided_at.0,
        &*f.rule,
        f.version as i64,
        &*f.title,
        kind_number(f.kind),
        state_number(f.state),
        severity_number(f.severity),
        f.onset.0,
        f.at.0,
        f.end.map(|t| t.0),
        f.resolved_at.map(|t| t.0),
        evidence,
        &*f.text,
        wordings(&f.wordings),
        f.notify.as_deref(),
        f.cite.as_deref(),
        quiet_number(f.quiet),
        f.by_clock,
    ])?;
    Ok(())
}

/// As JSON; nothing where there are none.
fn wordings(wordings: &[Wording]) -> Option<String> {
    (!wordings.is_empty()).then(|| serde_json::to_string(wordings).ok())?
}

pub fn wordings_from(text: Option<&str>) -> Option<Vec<Wording>> {
    text.map_or(Some(Vec::new()), |text| serde_json::from_str(text).ok())
}

/// Where the reading lies that made the engine look again, if it is the record's own.
fn cause_place(record: &Record, cause: Cause) -> Option<Place> {
    let Input::Reading(reading) = &record.entry.input else { return None };
    let content = reading.content.as_ref().filter(|_| cause == Cause::Reading(reading.id))?;
    Some(Place::of(content))
}

/// The number a state is stored as.
pub fn state_number(state: FindingState) -> u8 {
    match state {
        FindingState::Open => 0,
        FindingState::Resolved => 1,
        FindingState::Lapsed => 2,
        FindingState::Rescinded => 3,
    }
}

pub fn state_from(number: u8) -> Option<FindingState> {
    [FindingState::Open, FindingState::Resolved, FindingState::Lapsed, FindingState::Rescinded].get(usize::from(number)).copied()
}

pub fn severity_number(severity: Severity) -> u8 {
    Severity::ALL.iter().position(|s| *s == severity).unwrap_or(0) as u8
}

/// What is over when it is found is 2 and 3: [`super::subjects`] asks for it by these numbers.
pub fn kind_number(kind: FindingKind) -> u8 {
    match kind {
        FindingKind::Episode => 0,
        FindingKind::Silence => 1,
        FindingKind::Match => 2,
        FindingKind::Schedule => 3,
    }
}

pub fn kind_from(number: u8) -> Option<FindingKind> {
    [FindingKind::Episode, FindingKind::Silence, FindingKind::Match, FindingKind::Schedule].get(usize::from(number)).copied()
}

fn change_number(change: Change) -> u8 {
    match change {
        Change::Opened => 0,
        Change::Amended => 1,
        Change::Resolved => 2,
        Change::Lapsed => 3,
        Change::Rescinded => 4,
    }
}

pub fn change_from(number: u8) -> Option<Change> {
    [Change::Opened, Change::Amended, Change::Resolved, Change::Lapsed, Change::Rescinded].get(usize::from(number)).copied()
}

/// What was found on trial (`shadow`) is 4. Whoever asks for what people are told leaves it out by this number.
pub const SHADOW: u8 = 4;

fn quiet_number(quiet: Option<Quiet>) -> u8 {
    match quiet {
        None => 0,
        Some(Quiet::Stale) => 1,
        Some(Quiet::SpokeLately) => 2,
        Some(Quiet::OtherOpen) => 3,
        Some(Quiet::Shadow) => SHADOW,
    }
}

pub fn quiet_from(number: u8) -> Option<Quiet> {
    let all = [Quiet::Stale, Quiet::SpokeLately, Quiet::OtherOpen, Quiet::Shadow];
    usize::from(number).checked_sub(1).and_then(|place| all.get(place)).copied()
}
