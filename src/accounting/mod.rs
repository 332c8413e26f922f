//! Accounting: what the journal says, held against what each stage behind it has, by counts and sums that are computed again from what is stored.
//!
//! A stage is compared with the journal as it was at the offset that the stage has come to, so what is under way is no difference. Where sums differ, they are split until revisions can be named
//! ([`book`]), and what is wrong with each is said ([`difference`]). Nothing here trusts a counter, nor what the engine said of a reading when it came ([`history`]).
//!
//! It reads everything: it blocks, takes seconds per million of readings, and is done by one at a time.

mod book;
mod difference;
mod history;
mod receipt;
mod repair;
mod report;
mod stages;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use vitalog_dashboards::ask::Readers;
use vitalog_elog::accounting::{Scope, Standing, Tally, Window};
use vitalog_elog::{Schema, Span};
use vitalog_lakehouse::{Cuts, Lake};

pub use book::{Book, Prefix};
pub use repair::{Remedies, repair};
pub use report::{Report, lines, split_as_json};
pub use stages::{Stage, Stages};

use crate::backup::{Running, Source};
use crate::failure::Failure;
use crate::run::{Node, Options};
use book::{Cell, Focus};
use difference::differences;
use history::{Books, History, Ids};
use report::{Compared, Verdict};
use stages::Holding;

/// Revisions that are looked at one by one; where more are in parts that differ, only windows are told.
const MOST: u64 = 200_000;

/// What is past retention so long from now is left out already: it may go while accounts are taken.
const AHEAD: Span = Span::days(1);

/// Audits a directory that no server holds: it is opened as a server would, so that what is journaled has come to every stage, and closed again.
///
/// # Errors
/// Where it can't be opened, audited or closed.
pub async fn of_directory(data: &Path, scope: &Scope) -> Result<Report, Failure> {
    let (report, _, stopped) = audited(data, scope).await?;
    stopped?;
    Ok(report)
}

/// The same, with the streams that are declared there, and what came of closing it.
///
/// # Errors
/// Where it can't be opened or audited.
pub async fn audited(data: &Path, scope: &Scope) -> Result<(Report, Arc<Schema>, Result<(), Failure>), Failure> {
    let node = Node::start(Options::quiet(data)).await?;
    let schema = node.library().schema.clone();
    let auditor = Auditor::of(&node)?;
    let scope = scope.clone();
    let report =
        tokio::task::spawn_blocking(move || auditor.audit(&scope)).await.map_err(|_| Failure::new("the audit broke off"));
    let stopped = node.stop().await;
    Ok((report??, schema, stopped))
}

/// Asks journal and stages.
pub struct Auditor {
    journal: Running,
    stages: Stages,
}

/// Cells that differ, with the journal's tallies and the stage's.
type Differing = Vec<(Cell, [Tally; 2], [Tally; 2])>;

/// What all of them said in one round.
struct Round {
    /// The journal at each offset that a stage has come to.
    journal: BTreeMap<u64, Books>,
    held: Vec<(Stage, Result<Holding, String>)>,
    farthest: u64,
    /// What reading the journal took.
    took: Duration,
}

impl Auditor {
    /// # Errors
    /// Where the views can't be opened.
    pub fn of(node: &Node) -> Result<Auditor, Failure> {
        let views = Readers::open(&node.views).map_err(|e| Failure::new(format!("views: {e}")))?;
        let journal = Running { data: node.data().to_owned(), door: node.door.sender() };
        let stages = Stages { views, lake: Lake::clone(&node.lake), runtime: Handle::current() };
        Ok(Auditor { journal, stages })
    }

    /// Compares every stage with the journal, and names what differs. Blocks.
    ///
    /// # Errors
    /// Where the journal can't be read, or no stage can.
    pub fn audit(&self, scope: &Scope) -> Result<Report, Failure> {
        let cuts = self.stages.lake.cuts_at(AHEAD);
        let first = self.round(scope, &cuts, Focus::Windows)?;
        let mut stages: Vec<Verdict> = first.held.iter().map(|(stage, held)| first.verdict(*stage, held)).collect();
        let windows: BTreeSet<Window> =
            stages.iter().filter_map(|v| v.found.as_ref().ok()).flat_map(|c| c.windows.iter().map(|(w, ..)| w.clone())).collect();
        if !windows.is_empty() {
            self.name(scope, &cuts, windows, &mut stages)?;
        }
        let journal = first
            .journal
            .get(&first.farthest)
            .map(|books| books.all.clone())
            .ok_or_else(|| Failure::new("the journal told nothing"))?;
        let (begins, end) = self.journal.with(|journal| (journal.first(), journal.position().next))?;
        Ok(Report { begins, end, journal, position: first.farthest, took: first.took, stages })
    }

    /// What the journal has of what weighs so, by the next digit.
    ///
    /// # Errors
    /// Where the journal can't be read.
    pub fn split(&self, scope: &Scope, prefix: Prefix) -> Result<Book, Failure> {
        // Up to where the views have come: they know every stream that is declared there.
        let (until, schema) = self.stages.declared().map_err(Failure::new)?;
        let focus = Arc::new(Focus::Split(prefix));
        let books = self.journal_at(&[until], &schema, scope, &Cuts::default(), &focus)?;
        books.into_values().next().map(|books| books.all).ok_or_else(|| Failure::new("the journal told nothing"))
    }

    /// Looks into windows that differ, for the revisions that do.
    fn name(&self, scope: &Scope, cuts: &Cuts, windows: BTreeSet<Window>, stages: &mut [Verdict]) -> Result<(), Failure> {
        let second = self.round(scope, cuts, Focus::Parts(windows))?;
        let mut parts: BTreeSet<Cell> = BTreeSet::new();
        let mut revisions = 0;
        for (stage, held) in &second.held {
            let Ok(holding) = held else { continue };
            for (cell, journal, stage) in second.differing(*stage, holding)? {
                if parts.insert(cell) {
                    revisions += journal.iter().chain(&stage).map(|tally| tally.count).sum::<u64>();
                }
            }
        }
        let is_cut = revisions > MOST;
        let found = if is_cut { None } else { Some(self.round(scope, cuts, Focus::Revisions(parts))?) };
        for verdict in stages {
            let Ok(compared) = &mut verdict.found else { continue };
            compared.is_cut = is_cut && !compared.windows.is_empty();
            let holding = found.iter().flat_map(|round| &round.held).find(|(stage, _)| *stage == verdict.stage);
            if let (Some(round), Some((stage, Ok(holding)))) = (&found, holding) {
                compared.differences = differences(*stage, round.beside(*stage, holding)?, &holding.book);
            }
        }
        Ok(())
    }

    /// Each stage, then the journal up to where they have come.
    fn round(&self, scope: &Scope, cuts: &Cuts, focus: Focus) -> Result<Round, Failure> {
        let focus = Arc::new(focus);
        let held: Vec<_> = Stage::ALL.iter().map(|stage| (*stage, self.stages.ask(*stage, scope, cuts, &focus))).collect();
        let readable = || held.iter().filter_map(|(_, held)| held.as_ref().ok());
        let offsets: Vec<u64> = readable().flat_map(|holding| [holding.reached.current, holding.reached.former]).collect();
        let Some(widest) = readable().max_by_key(|holding| holding.reached.current.max(holding.reached.former)) else {
            let why: Vec<String> = held.iter().filter_map(|(_, held)| held.as_ref().err().cloned()).collect();
            return Err(Failure::new(format!("no stage can be read\n  {}", why.join("\n  ")))
                .hint("move `views.db` and `lake` away: the next start makes them again from the journal"));
        };
        let schema: Arc<Schema> = widest.schema.clone();
        let farthest = offsets.iter().copied().max().unwrap_or(0);
        let began = Instant::now();
        let journal = self.journal_at(&offsets, &schema, scope, cuts, &focus)?;
        Ok(Round { journal, held, farthest, took: began.elapsed() })
    }

    /// The journal at some offsets: a first pass for the ids that have several revisions, a second for what there is.
    fn journal_at(
        &self,
        offsets: &[u64],
        schema: &Schema,
        scope: &Scope,
        cuts: &Cuts,
        focus: &Arc<Focus>,
    ) -> Result<BTreeMap<u64, Books>, Failure> {
        let farthest = offsets.iter().copied().max().unwrap_or(0);
        let mut ids = Ids::sized_for(farthest);
        let views = &self.stages.views;
        history::walk(&self.journal, Some(views), schema, farthest, |journaled| ids.note(&journaled.reading))?;
        History { journal: &self.journal, views, schema, scope, ids: &ids, cuts }.at(offsets, focus)
    }
}

impl Round {
    /// The journal where the stage's current revisions have come to, and where its former ones have; of the lake what it keeps.
    fn beside(&self, stage: Stage, holding: &Holding) -> Result<[&Book; 2], Failure> {
        let [current, former] = self.books(holding)?;
        Ok(if stage.is_cut() { [&current.kept, &former.kept] } else { [&current.all, &former.all] })
    }

    fn books(&self, holding: &Holding) -> Result<[&Books; 2], Failure> {
        let of = |offset| self.journal.get(&offset).ok_or_else(|| Failure::new("the journal was not asked for that offset"));
        Ok([of(holding.reached.current)?, of(holding.reached.former)?])
    }

    /// How many revisions the journal has that the stage lets go.
    fn past(&self, stage: Stage, holding: &Holding) -> Result<u64, Failure> {
        let books = self.books(holding)?;
        let count = |standing: Standing| {
            let Books { all, kept } = books[standing as usize];
            all.total(standing).count - kept.total(standing).count
        };
        Ok(if stage.is_cut() { Standing::ALL.into_iter().map(count).sum() } else { 0 })
    }

    /// What differs between the journal and a stage.
    fn differing(&self, stage: Stage, holding: &Holding) -> Result<Differing, Failure> {
        let journal = self.beside(stage, holding)?;
        let mut cells: BTreeSet<&Cell> = journal.iter().flat_map(|book| book.cells()).collect();
        cells.extend(holding.book.cells());
        let tallies = |cell: &Cell| {
            let journal = Standing::ALL.map(|standing| journal[standing as usize].of(cell, standing));
            (journal, Standing::ALL.map(|standing| holding.book.of(cell, standing)))
        };
        let each = cells.into_iter().map(|cell| (cell, tallies(cell)));
        Ok(each.filter(|(_, (journal, stage))| journal != stage).map(|(cell, (j, s))| (cell.clone(), j, s)).collect())
    }

    fn verdict(&self, stage: Stage, held: &Result<Holding, String>) -> Verdict {
        let found = held.as_ref().map_err(Clone::clone).and_then(|holding| {
            let failed = |e: Failure| e.parts().0.to_owned();
            let differing = self.differing(stage, holding).map_err(failed)?;
            Ok(Compared {
                past: self.past(stage, holding).map_err(failed)?,
                reached: holding.reached,
                took: holding.took,
                totals: Standing::ALL.map(|standing| holding.book.total(standing)),
                windows: differing.into_iter().map(|(cell, journal, stage)| (cell.0, journal, stage)).collect(),
                differences: Vec::new(),
                is_cut: false,
            })
        });
        Verdict { stage, found }
    }
}
