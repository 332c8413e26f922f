//! Why: it says that something was there exactly where it stands, and each clause it quotes came to what the oracle makes of it.
//!
//! Asked of random rules and timelines at the instants at which something happens, and beside them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_cep::plan::{Expr, Library, Phrase, Place, Rule, RuleKind};
use vitalog_cep::why::{Asked, Attempt, Clause, Lack, MOST_CLAUSES, MOST_READINGS, Part, Truth, Verdict, Why};
use vitalog_elog::profile::ProfileChange;
use vitalog_elog::{Reading, Span, Subject, Time};

use super::{for_scripts, seeds};
use crate::oracle::Standing;
use crate::oracle::derived;
use crate::oracle::eval::eval;
use crate::oracle::profile::Profile;
use crate::oracle::scene::{Bound, Known, Scene};
use crate::oracle::timeline::{Seen, Timeline, micros};
use crate::oracle::versions::{Version, versions};
use crate::world::drive;
use crate::world::script::{Given, Line, expected};
use crate::world::show;

/// How often each verdict was given, each part was what lacked, and a clause was held against the oracle.
type Counts = RefCell<BTreeMap<String, usize>>;

#[test]
fn why_says_what_stands_and_quotes_what_is_so() {
    let counts = Counts::default();
    for_scripts("why", 1_500, &|_, lines| law(lines, &counts));
    if seeds(1_500).count() < 1_500 {
        return;
    }
    let counts = counts.borrow();
    let verdicts = ["Fired", "Quiet", "Pending", "Resolved", "Lapsed", "Silent", "NotInForce", "NotReached"];
    let parts =
        ["Version", "Driver", "When", "For", "Gap", "Where", "No", "Every", "Step", "Within", "Without", "ThenNo", "WithNo"];
    for name in verdicts.into_iter().chain(parts).chain(["Clock", "judged"]) {
        assert!(counts.get(name).is_some_and(|n| *n >= 10), "{name} is hardly ever seen: {counts:?}");
    }
}

fn note(counts: &Counts, name: &str) {
    // Which step, which grade is all the same.
    let name = name.split('(').next().unwrap_or(name);
    *counts.borrow_mut().entry(name.to_owned()).or_default() += 1;
}

fn law(lines: &[Line], counts: &Counts) -> Result<(), String> {
    let lines: Vec<Line> = lines.iter().map(worded).collect();
    let (engine, _) = drive::run(&lines);
    let stands = expected(&lines);
    let world = World::of(&lines);
    for subject in world.subjects() {
        for rule in world.names() {
            for at in world.instants(&stands) {
                let why = engine.why(&rule, &subject, at).map_err(|e| format!("{rule} of {subject}: {e:?}"))?;
                let place = |e: String| format!("{rule} of {subject} at {}: {e}\n{why:#?}", show::instant(at));
                note(counts, &format!("{:?}", why.verdict));
                let lacks = why.account.attempts.iter().map(|a| &a.lack).chain([&why.account.lack]);
                lacks.flatten().for_each(|lack| note(counts, &format!("{:?}", lack.part)));
                is_so(&why, &stands).map_err(place)?;
                world.quotes(&why, counts).map_err(place)?;
            }
        }
    }
    Ok(())
}

/// Whether the verdict is the one that what stands demands.
fn is_so(why: &Why, stands: &[Standing]) -> Result<(), String> {
    let ours = |s: &&Standing| s.rule == *why.rule && s.subject == why.subject.as_str();
    let here: Vec<&Standing> = stands.iter().filter(ours).filter(|s| belongs(s, why.at)).collect();
    let wanted = match (here.is_empty(), here.iter().any(|s| s.at <= why.at)) {
        (true, _) => None,
        (false, true) => Some(true),
        (false, false) => Some(false),
    };
    let says = match why.verdict {
        Verdict::Fired | Verdict::Quiet => Some(true),
        Verdict::Pending => Some(false),
        _ => None,
    };
    if says != wanted {
        return Err(format!("says {:?} where {here:?} stands", why.verdict));
    }
    if let (Some(_), Some(found)) = (wanted, &why.finding)
        && !here.iter().any(|s| **s == Standing::of(found))
    {
        return Err("names a finding that does not stand".to_owned());
    }
    match (&why.account.lack, why.verdict) {
        (Some(_), Verdict::Fired | Verdict::Quiet) => Err("something lacks where something was found".to_owned()),
        (Some(lack), _) if lack.part == Part::For && lack.has >= lack.needs => Err("it has lasted".to_owned()),
        _ => Ok(()),
    }
}

/// Of an episode or silence the end is not in it; of what is over when it is found it is.
fn belongs(s: &Standing, t: Time) -> bool {
    let point = matches!(s.kind, "match" | "schedule");
    let is_over = if point { t > s.end.unwrap_or(s.onset).max(s.at) } else { s.end.is_some_and(|end| end <= t) };
    s.at == t || (s.onset <= t && !is_over)
}

/// The line with the words of its rules, each expression spelled out.
fn worded(line: &Line) -> Line {
    let Given::Library { effective, library } = &line.input else { return line.clone() };
    let mut library = Library::clone(library);
    for rule in &mut library.rules {
        let mut worded = Rule::clone(rule);
        for expr in rule.exprs() {
            expr.walk(&mut |e| {
                let text = Arc::from(show::expr(e));
                worded.phrasing.exprs.push(Phrase { expr: e.clone(), text, place: Place::ANY, show: None, per: None });
            });
        }
        *rule = Arc::new(worded);
    }
    Line { arrival: line.arrival, input: Given::Library { effective: *effective, library: Arc::new(library) } }
}

/// All that the oracle needs.
struct World {
    libraries: Vec<(Time, Arc<Library>)>,
    revisions: Vec<Reading>,
    changes: Vec<ProfileChange>,
    clock: Time,
}

impl World {
    fn of(lines: &[Line]) -> World {
        let clock = lines.iter().map(|l| l.arrival).max().unwrap_or(Time(0));
        let mut world = World { libraries: vec![], revisions: vec![], changes: vec![], clock };
        for line in lines {
            match &line.input {
                Given::Reading(r) => world.revisions.push(r.clone()),
                Given::Profile(c) => world.changes.push(c.clone()),
                Given::Library { effective, library } => world.libraries.push((*effective, library.clone())),
                Given::Tick => {}
            }
        }
        world
    }

    fn subjects(&self) -> BTreeSet<Subject> {
        self.revisions.iter().map(|r| r.subject.clone()).collect()
    }

    fn names(&self) -> BTreeSet<String> {
        self.libraries.iter().flat_map(|(_, l)| l.rules.iter().map(|r| r.name.to_string())).collect()
    }

    /// Where something happens, some of it just before and after, and the clock.
    fn instants(&self, stands: &[Standing]) -> BTreeSet<Time> {
        let of_readings = self.revisions.iter().filter_map(|r| r.content.as_ref()?.when.instant());
        let of_findings = stands.iter().flat_map(|s| [Some(s.onset), Some(s.at), s.end, s.resolved_at]).flatten();
        let mut all: BTreeSet<Time> = of_readings.chain(of_findings).collect();
        let beside: Vec<Time> = all.iter().enumerate().map(|(i, t)| Time(t.0.saturating_add(i as i64 % 3 - 1))).collect();
        all.extend(beside);
        all.insert(self.clock);
        all.insert(Time(self.clock.0.saturating_add(Span::minutes(1).0)));
        all.into_iter().take(24).collect()
    }

    /// Whether all that is quoted came to what the oracle makes of it.
    fn quotes(&self, why: &Why, counts: &Counts) -> Result<(), String> {
        let account = &why.account;
        if account.attempts.len() > 2 || account.asked.iter().any(|a| size(&a.clause) > MOST_CLAUSES) {
            return Err("more is told than the bounds say".to_owned());
        }
        let Some(version) = why.version.and_then(|v| self.version(&why.rule, v.meaning, v.from)) else { return Ok(()) };
        if !derived::uses(&version.rule).is_empty() {
            return Ok(());
        }
        let schema = &self.libraries.last().ok_or("no library")?.1.schema;
        let timeline = Timeline::of(&why.subject, &self.revisions, schema, self.clock);
        let profile = Profile::of(&why.subject, &version.fields, &self.changes, self.clock);
        let judge = Judge { timeline: &timeline, profile: &profile, rule: &version.rule, counts };
        for asked in &account.asked {
            judge.agree(asked, onset_of(why, asked), account.attempts.first())?;
        }
        if let Some(lack) = &account.lack {
            judge.lacks(lack, account.attempts.first())?;
        }
        account.attempts.iter().try_for_each(|a| a.lack.as_ref().map_or(Ok(()), |lack| judge.lacks(lack, Some(a))))
    }

    fn version(&self, name: &str, meaning: u64, from: Time) -> Option<Version> {
        let all = versions(&self.libraries);
        all.into_iter().find(|v| *v.rule.name == *name && v.rule.meaning == meaning && v.from == micros(from))
    }
}

/// The onset with which a clause was asked, where it follows from the answer.
fn onset_of(why: &Why, asked: &Asked) -> Option<Time> {
    match asked.part {
        Part::When => Some(asked.at),
        Part::Step(_) => why.account.attempts.first().map(|a| a.start),
        _ => why.account.lack.as_ref().filter(|l| l.part == asked.part).and_then(|l| l.since),
    }
}

fn size(clause: &Clause) -> usize {
    1 + clause.parts.iter().map(size).sum::<usize>()
}

struct Judge<'a> {
    timeline: &'a Timeline,
    profile: &'a Profile<'a>,
    rule: &'a Rule,
    counts: &'a Counts,
}

impl<'a> Judge<'a> {
    fn lacks(&self, lack: &Lack, attempt: Option<&Attempt>) -> Result<(), String> {
        let Some(asked) = &lack.asked else { return Ok(()) };
        if asked.clause.truth.is_none_or(|t| t == Truth::True) {
            return Err(format!("`{}` is no reason", asked.clause.text));
        }
        let onset = match asked.part {
            Part::Step(_) => attempt.map(|a| a.start),
            Part::When => Some(asked.at),
            Part::Where if matches!(self.rule.kind, RuleKind::Schedule(_)) => Some(asked.at),
            _ => lack.since,
        };
        self.agree(asked, onset, attempt)
    }

    /// Whether the oracle says the same of a clause.
    fn agree(&self, asked: &Asked, onset: Option<Time>, attempt: Option<&Attempt>) -> Result<(), String> {
        let (Some(onset), Some(truth)) = (onset, asked.clause.truth) else { return Ok(()) };
        let Some(expr) = self.written(&asked.clause.text) else { return Err(format!("nobody wrote `{}`", asked.clause.text)) };
        let Some(scene) = self.scene(asked, onset, attempt, expr) else { return Ok(()) };
        note(self.counts, "judged");
        let says = match eval(expr, &scene) {
            Some(Known::Bool(true)) => Truth::True,
            Some(Known::Bool(false)) => Truth::False,
            _ => Truth::Unknown,
        };
        if says == truth { Ok(()) } else { Err(format!("`{}` is {truth:?}, and the oracle says {says:?}", asked.clause.text)) }
    }

    fn written(&self, text: &str) -> Option<&'a Expr> {
        self.rule.phrasing.exprs.iter().find(|w| *w.text == *text).map(|w| &w.expr)
    }

    fn scene(&self, asked: &Asked, onset: Time, attempt: Option<&Attempt>, expr: &Expr) -> Option<Scene<'a>> {
        let mut scene =
            Scene { onset: Some(micros(onset)), ..Scene::new(self.timeline, self.profile, self.rule, micros(asked.at)) };
        let of = asked.of.as_ref().and_then(|seen| self.seen(seen.ids.first().copied()?));
        match (&self.rule.kind, asked.part) {
            (RuleKind::Episode(_), Part::When | Part::Where | Part::Until) => scene.driver = vec![of?],
            (RuleKind::Silence(_) | RuleKind::Schedule(_), Part::When | Part::Where) => {}
            (RuleKind::Silence(_), Part::No) => scene.candidate = Some(of?),
            (RuleKind::Match(_), Part::Step(step)) => {
                if names_repeats(expr) {
                    return None;
                }
                scene.candidate = Some(of?);
                scene.steps = self.bound(attempt?, Some(step))?;
            }
            (RuleKind::Match(_), Part::Where) => scene.steps = self.bound(attempt?, None)?,
            _ => return None,
        }
        Some(scene)
    }

    /// What the steps took; where one step is asked for, those before it alone. `None` where not all of it is told.
    fn bound(&self, attempt: &Attempt, before: Option<u8>) -> Option<Vec<Bound<'a>>> {
        let RuleKind::Match(pattern) = &self.rule.kind else { return None };
        let of_step = |step: u8| attempt.took.iter().filter(move |t| t.step == step).count();
        if attempt.took.iter().any(|t| of_step(t.step) >= MOST_READINGS || t.readings.len() >= MOST_READINGS) {
            return None;
        }
        let mut steps: Vec<Bound<'a>> = vec![vec![]; pattern.steps.len()];
        for taken in attempt.took.iter().filter(|t| before.is_none_or(|step| t.step < step)) {
            let readings = taken.readings.iter().filter_map(|seen| self.seen(seen.ids.first().copied()?));
            steps[usize::from(taken.step)].push((micros(taken.at), readings.collect()));
        }
        Some(steps)
    }

    fn seen(&self, id: vitalog_elog::ReadingId) -> Option<&'a Seen> {
        self.timeline.readings.iter().find(|r| r.id == id)
    }
}

/// Whether it asks what its own step took before, which an answer does not tell apart by rounds.
fn names_repeats(expr: &Expr) -> bool {
    use vitalog_cep::plan::Ref;
    let mut found = false;
    expr.walk(&mut |e| found |= matches!(e, Expr::Get { of: Ref::First | Ref::Previous, .. } | Expr::Bound { .. }));
    found
}
