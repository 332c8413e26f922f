//! Policies carried out the naive way, written from the manual: every step and repetition of a policy is put on a list when it begins, and whatever of
//! the list has come due is told. What is told of changes and answers is taken as given; the steps are compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitalog_elog::effect::Delivery;
use vitalog_elog::input::{Action, DeliveryOutcome};
use vitalog_elog::policy::{Policy, PolicyStep, RepeatUntil};
use vitalog_elog::{Entry, Finding, FindingChange, FindingState, Input, MatchId, Severity, Span, Time};
use vitalog_notify::{Config, Endpoint};

/// Longer than any history here lasts.
const LONG: Span = Span::seconds(10_000);

/// A step's message: endpoint, finding, kind, step, repetition, due, late.
pub type Notice = (Arc<str>, MatchId, String, u32, u32, Time, bool);

#[derive(PartialEq, Clone, Copy)]
enum Answer {
    Acknowledged,
    Dismissed,
}

struct Planned {
    due: Time,
    number: u32,
    repeat: u32,
    unless: bool,
    places: Vec<usize>,
}

#[derive(Default)]
struct Case {
    finding: Option<Finding>,
    stands: bool,
    told: bool,
    settles: Option<Time>,
    answer: Option<Answer>,
    peak: Option<Severity>,
    policy: Option<Policy>,
    began: Time,
    plan: Vec<Planned>,
    /// By endpoint: the ids and kinds sent since it last knew nothing, and whether any arrived.
    sent: BTreeMap<usize, (Vec<(u128, String)>, bool)>,
}

pub struct Model {
    config: Config,
    policies: Vec<Policy>,
    cases: BTreeMap<MatchId, Case>,
    /// What finally became of a delivery.
    ended: BTreeMap<u128, bool>,
}

impl Model {
    pub fn new(config: Config) -> Model {
        Model { config, policies: Vec::new(), cases: BTreeMap::new(), ended: BTreeMap::new() }
    }

    /// What steps are to be told at an entry, given all that was told at it.
    pub fn step(
        &mut self,
        entry: &Entry,
        policies: Option<&[Policy]>,
        changes: &[FindingChange],
        actual: &[Delivery],
    ) -> Vec<Notice> {
        let now = entry.arrival;
        if let Some(policies) = policies {
            self.policies = policies.to_vec();
        }
        let mut notices = Vec::new();
        for change in changes {
            if self.change(&change.finding, now) {
                self.news(change.finding.id, now, &mut notices);
            }
        }
        match &entry.input {
            Input::Command(command) => self.command(command.finding, command.action),
            Input::Receipt(receipt) => match receipt.outcome {
                DeliveryOutcome::Delivered => self.receive(receipt.delivery, true),
                DeliveryOutcome::GivenUp(_) => self.receive(receipt.delivery, false),
                DeliveryOutcome::Failed(_) => {}
            },
            _ => {}
        }
        for id in self.cases.keys().copied().collect::<Vec<_>>() {
            self.pass(id, now, actual, &mut notices);
        }
        for delivery in actual {
            let Some(place) = self.config.endpoints.iter().position(|e| e.name == delivery.endpoint) else { continue };
            let case = self.cases.entry(delivery.finding).or_default();
            case.sent.entry(place).or_default().0.push((delivery.id, delivery.kind.to_string()));
        }
        notices.sort();
        notices
    }

    /// Whether there is news to tell at once.
    fn change(&mut self, finding: &Finding, now: Time) -> bool {
        let case = self.cases.entry(finding.id).or_default();
        case.finding = Some(finding.clone());
        if finding.state != FindingState::Open {
            for (sent, reached) in
                case.sent.values_mut().filter(|(sent, _)| sent.last().is_some_and(|(_, k)| k == "finding.dismissed"))
            {
                sent.push(nothing());
                *reached = false;
            }
            *case = Case { finding: case.finding.take(), sent: std::mem::take(&mut case.sent), ..Case::default() };
            return false;
        }
        let enters = !case.stands;
        case.stands = true;
        if finding.quiet.is_some() {
            case.settles = None;
            return false;
        }
        let graver = case.peak.is_none_or(|peak| finding.severity > peak);
        case.peak = case.peak.max(Some(finding.severity));
        if enters && finding.by_clock {
            case.settles = Some(now + self.config.settle);
        }
        case.settles.is_none() && graver
    }

    fn command(&mut self, id: MatchId, action: Action) {
        let Some(case) = self.cases.get_mut(&id) else { return };
        let again = case.answer == Some(Answer::Acknowledged) && action == Action::Acknowledge;
        if !case.stands || case.answer == Some(Answer::Dismissed) || again {
            return;
        }
        case.settles = None;
        case.peak = case.finding.as_ref().map(|finding| finding.severity);
        case.answer = Some(if action == Action::Acknowledge { Answer::Acknowledged } else { Answer::Dismissed });
        if action == Action::Dismiss {
            (case.plan, case.policy) = (Vec::new(), None);
        }
    }

    fn receive(&mut self, id: u128, arrived: bool) {
        let is_ours =
            self.cases.values().any(|case| case.sent.values().any(|(sent, _)| sent.iter().any(|(sent, _)| *sent == id)));
        if self.ended.contains_key(&id) || !is_ours {
            return;
        }
        self.ended.insert(id, arrived);
        for case in self.cases.values_mut() {
            for (sent, reached) in case.sent.values_mut().filter(|(sent, _)| sent.iter().any(|(sent, _)| *sent == id)) {
                *reached |= arrived && sent.last() != Some(&nothing());
                if !*reached && sent.last().is_some_and(|(last, _)| *last == id) {
                    sent.push(nothing());
                }
            }
        }
    }

    /// There is news: the list is made, unless one is being worked off and nobody has answered.
    fn news(&mut self, id: MatchId, now: Time, notices: &mut Vec<Notice>) {
        let case = self.cases.get_mut(&id).expect("it has just changed");
        let finding = case.finding.clone().expect("it has just changed");
        let policy = self.policies.iter().find(|policy| Some(&policy.name) == finding.notify.as_ref()).cloned();
        let same = policy.is_none() || case.policy.as_ref().map(|p| &p.name) == policy.as_ref().map(|p| &p.name);
        if !(case.told && case.answer.is_none() && case.policy.is_some() && same) {
            case.plan = policy.as_ref().map_or_else(Vec::new, |policy| plan(&self.config, policy, &finding, now));
            (case.policy, case.began) = (policy, now);
        }
        (case.told, case.answer) = (true, None);
        let first_round = case.policy.as_ref().map_or_else(Vec::new, |policy| plan(&self.config, policy, &finding, case.began));
        for place in 0..self.config.endpoints.len() {
            let knows_nothing = !knows(case, place) || last(case, place) == Some("finding.rescinded");
            let mine = first_round.iter().filter(|p| p.repeat == 0 && p.due <= now && p.places.contains(&place));
            if let Some(step) = mine.min_by_key(|p| p.number)
                && knows_nothing
            {
                notices.push(notice(&self.config.endpoints[place].name, id, "finding.opened", step, now));
            }
        }
    }

    /// Time has passed.
    fn pass(&mut self, id: MatchId, now: Time, actual: &[Delivery], notices: &mut Vec<Notice>) {
        let case = self.cases.get_mut(&id).expect("it is one of them");
        if case.settles.is_some_and(|due| due <= now) {
            case.settles = None;
            case.peak = case.finding.as_ref().map(|finding| finding.severity);
            self.news(id, now, notices);
        }
        let case = self.cases.get_mut(&id).expect("it is one of them");
        let point = case.finding.as_ref().is_some_and(|finding| finding.kind.is_point());
        let until = case.policy.as_ref().and_then(|policy| policy.repeat).map(|repeat| repeat.until);
        let ends_by_answer = point || until == Some(RepeatUntil::Acknowledged);
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut case.plan).into_iter().partition(|p| p.due <= now);
        case.plan = later;
        let acknowledged = case.answer == Some(Answer::Acknowledged);
        let due: Vec<_> = due.into_iter().filter(|p| !(acknowledged && (p.unless || (p.repeat > 0 && ends_by_answer)))).collect();
        for step in due.iter().filter(|p| p.places.is_empty()) {
            notices.push(notice(&"".into(), id, "finding.opened", step, now));
        }
        for place in 0..self.config.endpoints.len() {
            let name = &self.config.endpoints[place].name;
            let Some(step) = due.iter().filter(|p| p.places.contains(&place)).min_by_key(|p| (p.due, p.number)) else { continue };
            let heard_now = actual
                .iter()
                .any(|d| d.finding == id && d.endpoint == *name && d.to.as_ref().is_some_and(|to| to.step.is_none()))
                || notices.iter().any(|(endpoint, finding, ..)| endpoint == name && *finding == id);
            if heard_now {
                continue;
            }
            if !knows(case, place) || last(case, place) == Some("finding.rescinded") {
                notices.push(notice(name, id, "finding.opened", step, now));
            } else if case.sent[&place].0.last().is_some_and(|(id, _)| self.ended.contains_key(id)) {
                notices.push(notice(name, id, "finding.repeated", step, now));
            }
        }
    }
}

fn plan(config: &Config, policy: &Policy, finding: &Finding, began: Time) -> Vec<Planned> {
    let places = |step: &PolicyStep| -> Vec<usize> {
        let fits = |endpoint: &Endpoint| {
            let (subjects, reach) = (&endpoint.filter.subjects, endpoint.reach.as_ref());
            reach.is_some_and(|reach| reach.role == step.recipient && step.channels.contains(&reach.channel))
                && (subjects.is_empty() || subjects.contains(&finding.subject))
        };
        (0..config.endpoints.len()).filter(|place| fits(&config.endpoints[*place])).collect()
    };
    let first = policy.steps.iter().find(|step| !places(step).is_empty()).map_or(Span::ZERO, |step| step.after);
    let mut plan = Vec::new();
    for (step, number) in policy.steps.iter().zip(1..) {
        let places = places(step);
        let mut due = began + if step.after <= first { Span::ZERO } else { step.after };
        for repeat in 0.. {
            plan.push(Planned { due, number, repeat, unless: step.unless_acknowledged, places: places.clone() });
            let Some(again) = policy.repeat.filter(|_| !places.is_empty()) else { break };
            due = due + again.every;
            if due > began + LONG {
                break;
            }
        }
    }
    plan
}

fn notice(name: &Arc<str>, id: MatchId, kind: &str, step: &Planned, now: Time) -> Notice {
    (name.clone(), id, kind.to_owned(), step.number, step.repeat, step.due, now.since(step.due) > Span::seconds(10))
}

/// Behind this it knows nothing, as if all before it had been sent to a stranger.
fn nothing() -> (u128, String) {
    (0, "finding.rescinded".to_owned())
}

fn knows(case: &Case, place: usize) -> bool {
    case.sent.get(&place).is_some_and(|(sent, _)| !sent.is_empty())
}

fn last(case: &Case, place: usize) -> Option<&str> {
    case.sent.get(&place).and_then(|(sent, _)| sent.last()).map(|(_, kind)| kind.as_str())
}

/// The same of what was really told.
pub fn steps_of(actual: &[Delivery]) -> Vec<Notice> {
    let of = |d: &Delivery| {
        let step = d.to.as_ref()?.step?;
        Some((d.endpoint.clone(), d.finding, d.kind.to_string(), step.number, step.repeat, step.due, step.late))
    };
    let mut all: Vec<Notice> = actual.iter().filter_map(of).collect();
    all.sort();
    all
}
