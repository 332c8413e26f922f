//! Policies: to plain data. And whether each that a rule names is there, and each role that it has a text for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitalog_elog::Span;
use vitalog_elog::policy::{Channel, Policy, PolicyStep, Repeat, RepeatUntil};

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, File, Item, Name, Notice};

/// The policies of all files, by name. `shipped` says of a file whether one's own stand before its.
pub fn policies(files: &[(&File, bool)], out: &mut Vec<Diagnostic>) -> Vec<Policy> {
    let mut found: BTreeMap<Arc<str>, (&syntax::Policy, bool)> = BTreeMap::new();
    // Those of the user first.
    for shipped in [false, true] {
        for decl in files.iter().filter(|(_, s)| *s == shipped).flat_map(|(file, _)| declared(file)) {
            match found.get(&decl.name.text) {
                None => drop(found.insert(decl.name.text.clone(), (decl, shipped))),
                Some((_, known)) if *known != shipped => {}
                Some((first, _)) => {
                    let what = format!("the policy `{}` is declared twice", decl.name.text);
                    let d = Diagnostic::new(Code::DECLARED_TWICE, what, decl.name.loc, "declared again");
                    out.push(d.label(first.name.loc, "first declared here").help("give one of them another name"));
                }
            }
        }
    }
    let all: Vec<Policy> = found.values().filter_map(|(decl, _)| policy(decl, out)).collect();
    let asked = named(files);
    for name in &asked {
        if !found.contains_key(&name.text) {
            let what = format!("there is no policy `{}`", name.text);
            let d = Diagnostic::new(Code::UNKNOWN_POLICY, what, name.loc, "neither declared nor shipped").did_you_mean(
                name.loc,
                &name.text,
                found.keys().map(|n| &**n),
            );
            out.push(d.help(format!("declare it: `policy {} {{ notify patient by push }}`", name.text)));
        }
    }
    unheard(files, found.values().map(|(decl, _)| *decl), out);
    // Of the shipped ones only those that somebody asks for.
    let asked: BTreeSet<&str> = asked.iter().map(|n| &*n.text).collect();
    all.into_iter().filter(|p| asked.contains(&*p.name) || found.get(&p.name).is_some_and(|(_, shipped)| !shipped)).collect()
}

fn declared(file: &File) -> impl Iterator<Item = &syntax::Policy> {
    file.items.iter().filter_map(|i| if let Item::Policy(p) = i { Some(p) } else { None })
}

/// The policies that rules name.
fn named<'f>(files: &[(&'f File, bool)]) -> Vec<&'f Name> {
    let items = files.iter().flat_map(|(file, _)| &file.items);
    items
        .filter_map(|i| {
            if let Item::Rule(rule) = i
                && !rule.broken
            {
                rule.notify.as_ref().map(|(name, _)| name)
            } else {
                None
            }
        })
        .collect()
}

/// Texts for roles that no policy tells.
fn unheard<'f>(files: &[(&File, bool)], policies: impl Iterator<Item = &'f syntax::Policy>, out: &mut Vec<Diagnostic>) {
    let known: BTreeSet<&str> = policies.flat_map(|p| &p.steps).flat_map(|s| &s.recipients).map(|name| &*name.text).collect();
    for role in files.iter().flat_map(|(file, _)| spoken_to(file)).filter(|role| !known.contains(&*role.text)) {
        let d = Diagnostic::new(Code::UNKNOWN_ROLE, format!("no policy tells `{}`", role.text), role.loc, "nobody hears this");
        let d = d.did_you_mean(role.loc, &role.text, known.iter().copied());
        out.push(d.help(format!("name the role in a policy: `notify {} by push`", role.text)));
    }
}

/// The roles that rules have texts for.
fn spoken_to(file: &File) -> impl Iterator<Item = &Name> {
    let rules = file.items.iter().filter_map(|i| if let Item::Rule(rule) = i { Some(rule) } else { None });
    rules.flat_map(|rule| &rule.wordings).flat_map(|w| &w.to)
}

/// Whether any rule names a policy that none of the files declares, or a role.
pub fn lacks_policies(files: &[&File]) -> bool {
    let declared: BTreeSet<&str> = files.iter().copied().flat_map(declared).map(|p| &*p.name.text).collect();
    let files: Vec<(&File, bool)> = files.iter().map(|f| (*f, false)).collect();
    files.iter().any(|(file, _)| spoken_to(file).next().is_some())
        || named(&files).iter().any(|name| !declared.contains(&*name.text))
}

fn policy(decl: &syntax::Policy, out: &mut Vec<Diagnostic>) -> Option<Policy> {
    if decl.broken {
        return None;
    }
    let before = out.len();
    if decl.steps.is_empty() {
        let d = Diagnostic::new(Code::POLICY, "a policy that tells nobody", decl.name.loc, "no `notify`");
        out.push(d.help("add a line such as `notify patient by push`"));
    }
    let mut steps = Vec::new();
    let mut last: Option<&Notice> = None;
    for step in &decl.steps {
        let after = step.after.map_or(Span::ZERO, |d| d.span);
        if let Some(before) = last.filter(|l| l.after.map_or(Span::ZERO, |d| d.span) > after) {
            let d = Diagnostic::new(Code::POLICY, "a step before the one above it", step.loc, format!("after {after}"))
                .label(before.loc, "this one comes later");
            out.push(d.help("write them in the order in which they happen; each is counted from the finding"));
        }
        last = Some(step);
        let channels: Vec<Channel> = step.channels.iter().filter_map(|name| channel(name, out)).collect();
        steps.extend(step.recipients.iter().map(|recipient| PolicyStep {
            after,
            unless_acknowledged: step.unless_acknowledged,
            recipient: recipient.text.clone(),
            channels: channels.clone(),
        }));
    }
    let repeat = decl.repeat.as_ref().and_then(|r| repeat(r, out));
    (out.len() == before).then(|| Policy { name: decl.name.text.clone(), steps, repeat, doc: decl.doc.clone() })
}

fn channel(name: &Name, out: &mut Vec<Diagnostic>) -> Option<Channel> {
    let found = Channel::ALL.into_iter().find(|c| c.name() == &*name.text);
    if found.is_none() {
        let names = Channel::ALL.map(Channel::name);
        let d = Diagnostic::new(Code::UNKNOWN_WORD, format!("`{}` is no channel", name.text), name.loc, "not a channel")
            .did_you_mean(name.loc, &name.text, names);
        out.push(d.note(format!("channels: {}", names.join(", "))));
    }
    found
}

fn repeat(decl: &syntax::Repeat, out: &mut Vec<Diagnostic>) -> Option<Repeat> {
    let until = match &*decl.until.text {
        "resolved" => RepeatUntil::Resolved,
        "acknowledged" => RepeatUntil::Acknowledged,
        word => {
            let d = Diagnostic::new(Code::UNKNOWN_WORD, format!("`{word}` ends no repeats"), decl.until.loc, "until what?")
                .did_you_mean(decl.until.loc, word, ["resolved", "acknowledged"]);
            out.push(d.help("`until resolved` or `until acknowledged`"));
            return None;
        }
    };
    Some(Repeat { every: decl.every.span, until })
}
