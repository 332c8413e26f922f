//! All stages in a row.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitalog_cep::plan::{Library, Rule};

use crate::check::{World, asked_fields, declare, lacks_policies, order, policies, rule, script, shadowed};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Limits;
use crate::packs;
use crate::parser::{Whole, parse, parse_whole};
use crate::script::TestCase;
use crate::source::{FileId, Loc, Source, Sources};
use crate::syntax::{self, File, Item, Use};

/// After so many diagnostics no further rule is checked: half of them are kept.
const ENOUGH: usize = 2 * Limits::DIAGNOSTICS;

/// What came of a compilation.
#[derive(Debug)]
pub struct Compiled {
    /// `None` if any diagnostic is an error.
    pub library: Option<Library>,
    /// In the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
    /// The `test` blocks of the given files (not of packs they use), as far as they could be read.
    pub tests: Vec<TestCase>,
    /// What the diagnostics point into.
    pub sources: Sources,
}

impl Compiled {
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// All diagnostics for people, a blank line between them.
    pub fn render(&self, colour: bool) -> String {
        let all: Vec<String> = self.diagnostics.iter().map(|d| d.render(&self.sources, colour)).collect();
        all.join("\n")
    }
}

/// Compiles files together. Streams and profile fields that `prior` knows keep their places; give the library in force, or an empty one.
///
/// Names are shared by all files, and by the shipped packs that any of them `use`s.
pub fn compile(files: &[Source], prior: &Library) -> Compiled {
    stages(files, prior).0
}

/// The names of the rules that files declare.
pub fn rules_in(files: &[Source]) -> BTreeSet<String> {
    let mut ignored = Vec::new();
    let trees = files.iter().map(|file| parse(FileId(0), &file.text, &mut ignored));
    let names = |item: &Item| if let Item::Rule(rule) = item { Some(rule.name.text.to_string()) } else { None };
    trees.flat_map(|tree| tree.items.iter().filter_map(names).collect::<Vec<_>>()).collect()
}

/// All that is known of files, whether they compile or not: for tools.
#[derive(Debug)]
pub struct Understood {
    pub compiled: Compiled,
    /// The files as they were read, by their place in the sources.
    pub wholes: Vec<Whole>,
    pub world: World,
}

/// As [`compile`], with all that tools ask for.
pub fn understand(files: &[Source], prior: &Library) -> Understood {
    let (compiled, wholes, world) = stages(files, prior);
    Understood { compiled, wholes, world }
}

fn stages(files: &[Source], prior: &Library) -> (Compiled, Vec<Whole>, World) {
    let mut out = Vec::new();
    let (sources, wholes) = read(files, &mut out);
    let trees: Vec<&File> = wholes.iter().map(|w| &w.file).collect();
    let marked: Vec<(&File, bool)> =
        trees.iter().copied().zip(sources.iter()).map(|(tree, (_, file))| (tree, file.shipped)).collect();
    let policies = policies(&marked, &mut out);
    let mut world = declare(&trees, prior, &mut out);
    let rules = rules(&mut world, &trees, &sources, prior, &mut out);
    let mut tests = Vec::new();
    for ((_, file), tree) in sources.iter().zip(&trees) {
        for item in &tree.items {
            match item {
                Item::Test(test) if !file.shipped => tests.extend(script(&world, test, &sources, &mut out)),
                _ => {}
            }
        }
    }
    shadowed(&world, &rules, &mut out);
    // What a shipped file warns of is its authors' business.
    out.retain(|d| d.is_error() || !sources.get(d.loc().file).shipped);
    out.sort_by_key(|d| (d.loc().file, d.loc().start, d.code));
    out.dedup();
    let failed = out.iter().any(Diagnostic::is_error);
    limit(&mut out);
    let (schema, profile) = (Arc::new(world.schema.clone()), world.profile.clone());
    let library = Library { schema, profile, derived: world.derived.clone(), policies, rules };
    (Compiled { library: (!failed).then_some(library), diagnostics: out, tests, sources }, wholes, world)
}

/// The plans of all rules, in the order in which they are written; each is checked after those it looks at.
fn rules(world: &mut World, trees: &[&File], sources: &Sources, prior: &Library, out: &mut Vec<Diagnostic>) -> Vec<Arc<Rule>> {
    let items = trees.iter().flat_map(|t| &t.items);
    let decls: Vec<&syntax::Rule> = items.filter_map(|i| if let Item::Rule(decl) = i { Some(&**decl) } else { None }).collect();
    let asked = asked_fields(&decls);
    let mut plans: Vec<Option<Arc<Rule>>> = vec![None; decls.len()];
    for place in order(world, &decls, out) {
        // Ten thousand rules that are wrong are no help to anybody, and each would be compared with all others for what it may have meant.
        if out.len() > ENOUGH {
            break;
        }
        let (mut plan, lets) = rule(world, decls[place], &asked, sources, out);
        world.export(plan.as_mut(), &decls[place].name.text, &lets, &asked, prior);
        plans[place] = plan.map(Arc::new);
    }
    plans.into_iter().flatten().collect()
}

/// Reads the given files and the shipped packs they use.
fn read(files: &[Source], out: &mut Vec<Diagnostic>) -> (Sources, Vec<Whole>) {
    const MOST_FILES: usize = 10_000;
    let mut sources = Sources::default();
    let mut trees = Vec::new();
    let mut total = 0_usize;
    for file in files {
        let beyond = sources.iter().count() >= MOST_FILES;
        total = total.saturating_add(file.text.len());
        if beyond || file.text.len() > Limits::FILE || total > Limits::TOTAL {
            // Only its name is kept: there is no use in showing what was not read.
            let id = sources.add(&file.name, &Arc::from(""), false);
            let loc = Loc { file: id, start: 0, end: 0 };
            let what =
                format!("at most {} KiB a file, {} MiB and {MOST_FILES} files in all", Limits::FILE >> 10, Limits::TOTAL >> 20);
            out.push(Diagnostic::new(Code::TOO_LARGE, "a rule file is too large", loc, "not read").help(what));
            trees.push(parse_whole(id, "", out));
            if beyond {
                break;
            }
            continue;
        }
        let id = sources.add(&file.name, &file.text, false);
        trees.push(parse_whole(id, &file.text, out));
    }
    let mut known: BTreeSet<String> = sources.iter().map(|(_, f)| stem(&f.name).to_owned()).collect();
    let mut next = 0;
    while next < trees.len() {
        let uses: Vec<Use> =
            trees[next].file.items.iter().filter_map(|i| if let Item::Use(u) = i { Some(u.clone()) } else { None }).collect();
        for it in uses {
            bring(&it, &mut known, &mut sources, &mut trees, out);
        }
        next += 1;
    }
    // The shipped policies are there without `use`: a rule says whom to tell by a word.
    let files: Vec<&File> = trees.iter().map(|t| &t.file).collect();
    if lacks_policies(&files)
        && let Some(pack) = packs::get("policies")
        && !known.contains(pack.name)
    {
        let text: Arc<str> = Arc::from(pack.text);
        let id = sources.add("policies.rules", &text, true);
        trees.push(parse_whole(id, &text, out));
    }
    (sources, trees)
}

/// Brings the file in that a `use` names: a given one is there already, a shipped one is added once.
fn bring(it: &Use, known: &mut BTreeSet<String>, sources: &mut Sources, trees: &mut Vec<Whole>, out: &mut Vec<Diagnostic>) {
    let name = &it.name.text;
    if known.contains(&**name) {
        return;
    }
    let Some(pack) = packs::get(name) else {
        let what = format!("there is no rule file `{name}`");
        let mut d = Diagnostic::new(Code::UNKNOWN_PACK, what, it.name.loc, "neither given nor shipped");
        if out.len() < ENOUGH {
            d = d.did_you_mean(it.name.loc, name, packs::ALL.iter().map(|p| p.name).chain(known.iter().map(String::as_str)));
        }
        let shipped: Vec<&str> = packs::ALL.iter().map(|p| p.name).collect();
        out.push(d.note(format!("shipped: {}", shipped.join(", "))));
        return;
    };
    let text: Arc<str> = Arc::from(pack.text);
    let id = sources.add(&format!("{name}.rules"), &text, true);
    trees.push(parse_whole(id, &text, out));
    known.insert(name.to_string());
}

/// What `use` calls a file.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.strip_suffix(".rules").unwrap_or(file)
}

/// Keeps the first diagnostics where there are very many, errors before warnings.
fn limit(out: &mut Vec<Diagnostic>) {
    let total = out.len();
    if total <= Limits::DIAGNOSTICS {
        return;
    }
    let errors = out.iter().filter(|d| d.is_error()).count().min(Limits::DIAGNOSTICS);
    let mut left = [Limits::DIAGNOSTICS - errors, errors];
    out.retain(|d| {
        let left = &mut left[usize::from(d.is_error())];
        let keeps = *left > 0;
        *left -= usize::from(keeps);
        keeps
    });
    if let Some(last) = out.last_mut() {
        last.notes.push(format!("{} more diagnostics are not shown", total - Limits::DIAGNOSTICS));
    }
}
