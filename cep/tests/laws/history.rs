//! What people see: each input's effects are the difference of what stood before it and what stands after it, under the identities that
//! people know, told or quiet as the rule says.

use vitalog_elog::{Change, FindingChange, FindingState, MatchId, Quiet};

use super::for_scripts;
use crate::oracle::Standing;
use crate::oracle::history::{History, Known};
use crate::world::drive;
use crate::world::script::{Given, Line, expected};
use crate::world::show;

/// Change, id, revision, what it says (of a rescinded one what it said), quiet.
type Told = (&'static str, MatchId, u32, Standing, Option<Quiet>);

#[test]
fn effects_are_the_difference_of_what_stands() {
    for_scripts("history", 3_000, &|_, lines| {
        let mut engine = vitalog_cep::Engine::new();
        let mut history = History::default();
        for (i, line) in lines.iter().enumerate() {
            let effects = drive::step(&mut engine, i, line);
            let has = told(drive::changes(&effects), &history);
            learn(&mut history, line);
            let wanted: Vec<Told> =
                history.advance(&expected(&lines[..=i]), engine.clock()).into_iter().map(|(c, k)| tell(c, k)).collect();
            let (missing, extra) = (without(&wanted, &has), without(&has, &wanted));
            if !missing.is_empty() || !extra.is_empty() {
                return Err(format!("after input {i}\nengine only:\n{}oracle only:\n{}", list(&extra), list(&missing)));
            }
        }
        Ok(())
    });
}

fn learn(history: &mut History, line: &Line) {
    if let Given::Library { library, effective } = &line.input {
        history.learn(*effective, &library.rules);
    }
}

fn tell(change: Change, k: Known) -> Told {
    (change.name(), k.id, k.revision, k.content, k.quiet)
}

/// The engine's changes in the oracle's words.
fn told(changes: Vec<&FindingChange>, history: &History) -> Vec<Told> {
    let in_words = |c: &FindingChange| {
        let mut content = Standing::of(&c.finding);
        if c.finding.state == FindingState::Rescinded {
            let was = history.known.iter().find(|k| k.id == c.finding.id);
            content.state = was.map_or("rescinded", |k| k.content.state);
        }
        (c.change.name(), c.finding.id, c.finding.revision, content, c.finding.quiet)
    };
    changes.into_iter().map(in_words).collect()
}

fn without(all: &[Told], other: &[Told]) -> Vec<Told> {
    all.iter().filter(|t| !other.contains(t)).cloned().collect()
}

fn list(all: &[Told]) -> String {
    all.iter().map(|(c, id, rev, s, quiet)| format!("  {c} {id:?} rev {rev} {quiet:?} {}\n", show::standing(s))).collect()
}
