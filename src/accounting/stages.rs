//! The stages behind the journal, each asked for what it holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use vitalog_dashboards::ask::Readers;
use vitalog_elog::accounting::{Held, Reached, Scope};
use vitalog_elog::{Position, Schema};
use vitalog_lakehouse::{Cuts, Lake, Part};

use super::book::{Book, Focus, Who};

/// A stage that takes what the journal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// What pages and API answer from.
    Views,
    /// The files of the lake.
    Lake,
    /// Files and hot rows, as SQL shows them.
    Queryable,
}

/// What a stage holds, and of which moment of it.
pub struct Holding {
    pub book: Book,
    pub reached: Reached,
    pub schema: Arc<Schema>,
    /// What reading it took.
    pub took: Duration,
}

/// Where the stages are asked.
pub struct Stages {
    pub views: Readers,
    pub lake: Lake,
    pub runtime: Handle,
}

impl Stage {
    pub const ALL: [Stage; 3] = [Stage::Views, Stage::Lake, Stage::Queryable];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Views => "views",
            Stage::Lake => "lake",
            Stage::Queryable => "queryable",
        }
    }

    /// Whether it lets go of what is past retention.
    pub fn is_cut(self) -> bool {
        self != Stage::Views
    }
}

impl Stages {
    /// Asks a stage; the lake for what stays by `cuts`. Blocks.
    ///
    /// # Errors
    /// Why it can't be read, in words.
    pub fn ask(&self, stage: Stage, scope: &Scope, cuts: &Cuts, focus: &Arc<Focus>) -> Result<Holding, String> {
        let began = Instant::now();
        let mut book = Book::new(focus.clone());
        let (reached, schema) = match stage {
            Stage::Views => self.ask_views(scope, &mut book)?,
            Stage::Lake => self.ask_lake(Part::Landed, scope, cuts, &mut book)?,
            Stage::Queryable => self.ask_lake(Part::Queryable, scope, cuts, &mut book)?,
        };
        Ok(Holding { book, reached, schema, took: began.elapsed() })
    }

    /// How far the views have come, and what is declared there.
    ///
    /// # Errors
    /// Why they can't be read, in words.
    pub fn declared(&self) -> Result<(u64, Schema), String> {
        let reader = self.views.take().map_err(|e| e.to_string())?;
        reader.ask(|ask| Ok((ask.position.next, ask.schema.clone()))).map_err(|e| e.to_string())
    }

    fn ask_views(&self, scope: &Scope, book: &mut Book) -> Result<(Reached, Arc<Schema>), String> {
        let reader = self.views.take().map_err(|e| e.to_string())?;
        let asked = reader.ask(|ask| {
            ask.account(scope, &mut |held| put(book, held, &ask.schema))?;
            Ok((ask.position, ask.schema.clone()))
        });
        let (Position { next, .. }, schema) = asked.map_err(|e| e.to_string())?;
        Ok((Reached { current: next, former: next }, Arc::new(schema)))
    }

    fn ask_lake(&self, part: Part, scope: &Scope, cuts: &Cuts, book: &mut Book) -> Result<(Reached, Arc<Schema>), String> {
        let told = self.runtime.block_on(self.lake.account(part, scope, cuts, &mut |held, schema| put(book, held, schema)));
        let told = told.map_err(|e| e.to_string())?;
        Ok((told.reached, told.schema))
    }
}

fn put(book: &mut Book, held: Held<'_>, schema: &Schema) {
    let (who, standing) = match held {
        Held::Revision(reading, standing) => (Who::Revision(reading), standing),
        Held::Unreadable { subject, name, standing } => (Who::Unreadable { subject, name }, standing),
    };
    book.put(who, standing, who.weight(schema), schema);
}
