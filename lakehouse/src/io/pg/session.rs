//! A connection's session: its messages one after the other, and where it stands.
//!
//! Each statement asks anew whether whoever asks still may, and is written down before anything of its answer is sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use vitalog_elog::access::{Decision, Wish};

use crate::eyes::Eyes;
use crate::io::http::{answered as counted, eyes};
use crate::io::pg::Shared;
use crate::io::pg::answer::{Fetched, Rows};
use crate::io::pg::asking::{Answered, Description};
use crate::io::pg::cancel::Place;
use crate::io::pg::extended::{Portal, Prepared};
use crate::io::pg::line::{End, Line};
use crate::io::pg::startup::not_in;
use crate::io::pg::{UNIT, extended};
use crate::io::port::{Call, Guest};
use crate::pg::catalogue::Facts;
use crate::pg::command::{Command, command};
use crate::pg::fault::Fault;
use crate::pg::incoming::{Forms, Incoming};
use crate::pg::outgoing::{Column, Standing};
use crate::pg::settings::Settings;
use crate::pg::types::text;
use crate::sql::{Limits, Literal, split};

/// The longest message: a statement of the greatest length, and values of some size.
const LONGEST: usize = 4 << 20;
/// What is to be sent is sent when it is so much.
const FULL: usize = 64 << 10;
/// How long an answer waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a session keeps.
pub struct Session {
    pub shared: Arc<Shared>,
    pub guest: Arc<dyn Guest>,
    pub settings: Settings,
    pub place: Place,
    pub standing: Standing,
    pub statements: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    /// An extended statement failed: everything up to its end is passed over.
    pub skips: bool,
}

/// What becomes of a statement: it is done or not, or the connection ends.
pub type Outcome = Result<Result<(), Fault>, End>;

impl Session {
    pub fn new(shared: Arc<Shared>, guest: Arc<dyn Guest>, settings: Settings, place: Place) -> Session {
        let (statements, portals) = (HashMap::new(), HashMap::new());
        Session { shared, guest, settings, place, standing: Standing::Idle, statements, portals, skips: false }
    }

    /// Answers messages until the connection ends.
    ///
    /// # Errors
    /// Why it ended, where that was not by the client's own word.
    pub async fn run(mut self, mut line: Line) -> Result<(), End> {
        line.out.welcome();
        for (name, value) in self.settings.told() {
            line.out.setting(name, &value);
        }
        line.out.key(self.place.key);
        line.out.ready(self.standing);
        line.send().await?;
        let mut closed = self.shared.closed.clone();
        loop {
            let said = tokio::select! {
                said = tokio::time::timeout(self.shared.door.idle, line.next(LONGEST)) => said,
                () = is_over(&mut closed) => {
                    line.out.fault(&Fault::new("57P01", "the server is closing").hint("connect again when it is back").fatal());
                    line.shut().await;
                    return Ok(());
                }
            };
            let said = match said {
                Ok(Ok(Incoming::Terminate)) => return Ok(()),
                Ok(Ok(said)) => said,
                Ok(Err(End::Garbled(garbled))) => {
                    line.out.fault(&garbled.clone().into());
                    line.shut().await;
                    return Err(End::Garbled(garbled));
                }
                Ok(Err(gone)) => return Err(gone),
                Err(_) => {
                    line.out.fault(&Fault::new("57P05", "nothing was asked for too long").hint("connect again").fatal());
                    line.shut().await;
                    return Ok(());
                }
            };
            if let Err(fault) = self.answer(&mut line, said).await? {
                if fault.is_fatal {
                    line.out.fault(&fault);
                    line.shut().await;
                    return Ok(());
                }
                self.failed(&mut line, &fault);
            }
        }
    }

    fn failed(&mut self, line: &mut Line, fault: &Fault) {
        line.out.fault(fault);
        if self.standing == Standing::InTransaction {
            self.standing = Standing::Failed;
        }
    }

    async fn answer(&mut self, line: &mut Line, said: Incoming) -> Outcome {
        match said {
            Incoming::Query(sql) => {
                self.skips = false;
                self.simple(line, &sql).await
            }
            Incoming::Sync => {
                self.skips = false;
                if self.standing == Standing::Idle {
                    self.portals.clear();
                }
                line.out.ready(self.standing);
                line.send().await?;
                Ok(Ok(()))
            }
            Incoming::Flush => {
                line.send().await?;
                Ok(Ok(()))
            }
            // What a client goes on to say of a copy that never began is passed over.
            Incoming::Terminate | Incoming::Other => Ok(Ok(())),
            Incoming::Password(_) => Ok(Err(Fault::new("08P01", "no password was asked for").fatal())),
            _ if self.skips => Ok(Ok(())),
            extended => {
                let outcome = extended::step(self, line, extended).await?;
                self.skips = outcome.is_err();
                Ok(outcome)
            }
        }
    }

    /// One message with statements, each answered with its rows.
    async fn simple(&mut self, line: &mut Line, sql: &str) -> Outcome {
        self.portals.remove("");
        let statements = split(sql);
        if statements.is_empty() {
            line.out.nothing_asked();
        }
        for one in statements {
            if let Err(fault) = self.simple_one(line, one).await? {
                if fault.is_fatal {
                    return Ok(Err(fault));
                }
                self.failed(line, &fault);
                break;
            }
        }
        line.out.ready(self.standing);
        line.send().await?;
        Ok(Ok(()))
    }

    async fn simple_one(&mut self, line: &mut Line, sql: &str) -> Outcome {
        let command = command(sql);
        if let Err(fault) = self.permits(&command) {
            return Ok(Err(fault));
        }
        match &command {
            Command::Ask => {
                let mut rows = match self.ask(line, sql, Vec::new(), None, Forms::default()).await? {
                    Ok(rows) => rows,
                    Err(fault) => return Ok(Err(fault)),
                };
                line.out.columns(&rows.columns, |_| crate::pg::incoming::Form::Text);
                Ok(give(line, &mut rows, 0).await?.map(|(count, _)| line.out.complete(&format!("SELECT {count}"))))
            }
            Command::Fetch { cursor, rows } => {
                let Some(portal) = self.portals.get_mut(cursor) else { return Ok(Err(no_cursor(cursor))) };
                let Some(found) = &mut portal.rows else { return Ok(Err(no_cursor(cursor))) };
                line.out.columns(&found.columns, |_| crate::pg::incoming::Form::Text);
                Ok(give(line, found, rows.unwrap_or(0)).await?.map(|(count, _)| line.out.complete(&format!("FETCH {count}"))))
            }
            Command::Declare { cursor, sql } => self.declare(line, cursor, sql).await,
            other => {
                let (shown, tag) = match self.told(other, line) {
                    Ok(told) => told,
                    Err(fault) => return Ok(Err(fault)),
                };
                if let Some((columns, rows)) = shown {
                    line.out.columns(&columns, |_| crate::pg::incoming::Form::Text);
                    put_words(line, &rows);
                }
                line.out.complete(&tag);
                Ok(Ok(()))
            }
        }
    }

    /// In a transaction that failed, nothing is done but to end it.
    pub fn permits(&self, command: &Command) -> Result<(), Fault> {
        let ends = matches!(command, Command::Commit | Command::Rollback | Command::Savepoint("ROLLBACK"));
        if self.standing == Standing::Failed && !ends {
            return Err(Fault::new("25P02", "the transaction has failed: nothing is done until it ends").hint("ROLLBACK"));
        }
        Ok(())
    }

    /// Asks a question, and holds its rows.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn ask(
        &mut self,
        line: &mut Line,
        sql: &str,
        values: Vec<Literal>,
        columns: Option<Vec<Column>>,
        forms: Forms,
    ) -> Result<Result<Rows, Fault>, End> {
        let call = match self.guest.call() {
            Ok(call) => call,
            Err(why) => return Ok(Err(over(not_in(why)))),
        };
        let limits = self.limits();
        let eyes = match self.seen(&*call) {
            Some(eyes) => eyes,
            None => {
                call.written(403).await;
                return Ok(Err(not_permitted()));
            }
        };
        let lake = &self.shared.door.lake;
        let account = self.place.account().to_owned();
        let asked = async { lake.ask(account, eyes, sql, values, self.facts(), limits).await.map_err(|e| Fault::of(e, sql)) };
        let asked = line.busy(&self.place.stop, asked).await;
        let status = match &asked {
            Ok(Ok(_)) => 200,
            Ok(Err(fault)) => fault.status(),
            // Whoever asked went before there was an answer.
            Err(_) => 499,
        };
        if let Ok(Ok(answered)) = &asked {
            // Bytes are not known before the client takes them.
            self.shared.door.access.used(call.who(), counted(answered.answer.rows()));
        }
        let is_written = call.written(status).await;
        let answered = match asked? {
            _ if !is_written => {
                let fault = Fault::new("58030", "it can't be written down who sees this, so it is not shown");
                return Ok(Err(fault.hint("whoever runs this server sees in its log why")));
            }
            Ok(answered) => answered,
            Err(fault) => return Ok(Err(fault)),
        };
        let room = match self.room(&answered).await {
            Ok(room) => room,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Some(columns) = columns.as_ref().filter(|told| told.len() != answered.columns.len()) {
            let now = format!("the answer has {} columns now, and had {}", answered.columns.len(), columns.len());
            return Ok(Err(Fault::new("0A000", now).hint("prepare the statement anew")));
        }
        Ok(Ok(Rows::new(answered, columns, forms, limits.rows, room)))
    }

    /// Room among all answers that are held.
    async fn room(&self, answered: &Answered) -> Result<Option<tokio::sync::OwnedSemaphorePermit>, Fault> {
        let bytes: usize = answered.answer.batches.iter().map(|batch| batch.get_array_memory_size()).sum();
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        match tokio::time::timeout(PATIENCE, self.shared.room.clone().acquire_many_owned(units)).await {
            Ok(Ok(room)) => Ok(Some(room)),
            _ => Err(Fault::new("53200", "too many answers are held for clients that have not fetched them")
                .hint("ask again later, or for less")),
        }
    }

    /// Tells what a statement takes and gives.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn describe(&mut self, line: &mut Line, sql: &str, given: Vec<u32>) -> Result<Result<Description, Fault>, End> {
        let call = match self.guest.call() {
            Ok(call) => call,
            Err(why) => return Ok(Err(over(not_in(why)))),
        };
        let Some(eyes) = self.seen(&*call) else {
            call.written(403).await;
            return Ok(Err(not_permitted()));
        };
        let lake = &self.shared.door.lake;
        let limits = self.limits();
        let described = async { lake.describe(eyes, sql, given, self.facts(), limits).await.map_err(|e| Fault::of(e, sql)) };
        line.busy(&self.place.stop, described).await
    }

    /// Whom they may see; `None`: they may not ask.
    fn seen(&self, call: &dyn Call) -> Option<Eyes> {
        let access = &*self.shared.door.access;
        (access.decide(call.who(), Wish::Query) == Decision::Allow).then(|| eyes(access, &self.shared.door.study, call.who()))
    }

    fn limits(&self) -> Limits {
        let limits = self.shared.door.limits;
        let wanted = self.settings.timeout().map_or(limits.time, Duration::from_millis);
        Limits { time: limits.time.min(wanted), ..limits }
    }

    fn facts(&self) -> Facts {
        Facts { user: self.guest.id().to_owned(), settings: self.settings.all(), process: self.place.key.process }
    }

    pub async fn declare(&mut self, line: &mut Line, cursor: &str, sql: &str) -> Outcome {
        if self.standing == Standing::Idle {
            return Ok(Err(Fault::new("25P01", "a cursor lives in a transaction").hint("BEGIN first")));
        }
        if self.portals.contains_key(cursor) {
            return Ok(Err(Fault::new("42P03", format!("there is a cursor {cursor:?} already")).hint("CLOSE it first")));
        }
        Ok(self.ask(line, sql, Vec::new(), None, Forms::default()).await?.map(|rows| {
            self.portals.insert(cursor.to_owned(), Portal::held(rows));
            line.out.complete("DECLARE CURSOR");
        }))
    }

    /// A setting, or all of them.
    fn shown(&self, command: &Command) -> Result<Shown, Fault> {
        let Command::Show(name) = command else {
            let rows = self.settings.all().into_iter().map(|(name, value)| vec![name, value, String::new()]).collect();
            return Ok((shown_columns(&["name", "setting", "description"]), rows));
        };
        let unknown = || {
            Fault::new("42704", format!("unrecognized configuration parameter {name:?}"))
                .hint("SHOW ALL lists those that there are")
        };
        let value = self.settings.get(name).ok_or_else(unknown)?;
        Ok((shown_columns(&[name]), vec![vec![value]]))
    }

    /// Does what is about the session; what it shows, and the word that says that it is done.
    pub fn told(&mut self, command: &Command, line: &mut Line) -> Result<(Option<Shown>, String), Fault> {
        let tag = match command {
            Command::Begin => {
                self.standing = Standing::InTransaction;
                "BEGIN"
            }
            Command::Commit | Command::Rollback => {
                let is_kept = *command == Command::Commit && self.standing != Standing::Failed;
                self.standing = Standing::Idle;
                self.portals.clear();
                if is_kept { "COMMIT" } else { "ROLLBACK" }
            }
            Command::Savepoint(tag) => {
                if self.standing == Standing::Idle {
                    return Err(Fault::new("25P01", "there are savepoints in transactions only").hint("BEGIN first"));
                }
                self.standing = Standing::InTransaction;
                tag
            }
            Command::Set { name, value } => {
                self.settings.set(name, value)?;
                if let Some(name) = Settings::is_told(name) {
                    line.out.setting(name, &self.settings.get(name).unwrap_or_default());
                }
                "SET"
            }
            Command::SetTransaction => "SET",
            Command::Reset(name) => {
                match name {
                    Some(name) => self.settings.reset(name),
                    None => self.settings.reset_all(),
                }
                "RESET"
            }
            Command::Show(_) | Command::ShowAll => return Ok((Some(self.shown(command)?), "SHOW".to_owned())),
            Command::DiscardAll => {
                if self.standing != Standing::Idle {
                    return Err(Fault::new("25001", "DISCARD ALL is for outside of a transaction").hint("COMMIT first"));
                }
                self.settings.reset_all();
                self.statements.clear();
                self.portals.clear();
                "DISCARD ALL"
            }
            Command::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Command::Deallocate(Some(name)) => {
                let gone = || Fault::new("26000", format!("there is no prepared statement {name:?}"));
                self.statements.remove(name).ok_or_else(gone)?;
                "DEALLOCATE"
            }
            Command::Close(None) => {
                self.portals.clear();
                "CLOSE CURSOR ALL"
            }
            Command::Close(Some(name)) => {
                self.portals.remove(name).ok_or_else(|| no_cursor(name))?;
                "CLOSE CURSOR"
            }
            Command::Nothing(tag) => tag,
            Command::Ask | Command::Declare { .. } | Command::Fetch { .. } => {
                return Err(Fault::unsupported("that is asked in another way"));
            }
        };
        Ok((None, tag.to_owned()))
    }
}

/// Waits until the server closes; its sender is gone only when it is.
async fn is_over(closed: &mut tokio::sync::watch::Receiver<bool>) {
    let _ = closed.wait_for(|is| *is).await;
}

/// Columns and rows of words.
pub type Shown = (Vec<Column>, Vec<Vec<String>>);

pub fn shown_columns(names: &[impl AsRef<str>]) -> Vec<Column> {
    names.iter().map(|name| Column { name: name.as_ref().to_owned(), kind: text() }).collect()
}

pub fn put_words(line: &mut Line, rows: &[Vec<String>]) {
    use bytes::BufMut;
    for row in rows {
        let written = line.out.row(row.len(), |b| {
            for word in row {
                b.put_i32(i32::try_from(word.len()).unwrap_or(0));
                b.put_slice(word.as_bytes());
            }
            Ok(())
        });
        debug_assert!(written.is_ok());
    }
}

/// Gives rows, at most `most` (0: all); how many, and whether there may be more.
///
/// # Errors
/// Where the connection is gone.
pub async fn give(line: &mut Line, rows: &mut Rows, most: u32) -> Result<Result<(u64, bool), Fault>, End> {
    let most = if most == 0 { u64::MAX } else { u64::from(most) };
    let mut given = 0;
    loop {
        match rows.fetch(most - given, FULL, &mut line.out) {
            Err(fault) => return Ok(Err(fault)),
            Ok(Fetched::All(count)) => return Ok(Ok((given + count, false))),
            Ok(Fetched::Some(count)) => return Ok(Ok((given + count, true))),
            Ok(Fetched::Full(count)) => given += count,
        }
        line.relieve().await?;
    }
}

fn no_cursor(name: &str) -> Fault {
    Fault::new("34000", format!("there is no cursor {name:?}"))
}

fn not_permitted() -> Fault {
    Fault::new("42501", "you may not ask in SQL").hint("ask whoever runs this for a token that may")
}

/// Whoever may no longer ask has to come anew; whoever asks too fast may ask again.
fn over(fault: Fault) -> Fault {
    if fault.state == "53400" { fault } else { Fault { state: "57P01", ..fault }.fatal() }
}
