//! Prepared statements and portals: parse, bind, describe, execute, close.
//!
//! A portal is answered when it is described or executed, whichever comes first, so that what is described is what is given.

use std::sync::Arc;

use crate::io::pg::answer::Rows;
use crate::io::pg::line::{End, Line};
use crate::io::pg::session::{Outcome, Session, give, put_words, shown_columns};
use crate::pg::command::{Command, command};
use crate::pg::fault::Fault;
use crate::pg::incoming::{Bind, Forms, Incoming, Of};
use crate::pg::outgoing::Column;
use crate::pg::types::Type;
use crate::pg::values::literal;
use crate::sql::{LONGEST, Literal, split};

/// Prepared statements, and portals, of one connection.
const MOST: usize = 500;
/// Bytes of the values of its portals.
const HELD: usize = 8 << 20;

/// A prepared statement.
pub struct Prepared {
    sql: String,
    command: Command,
    parameters: Vec<&'static Type>,
    /// As the client was told them.
    columns: Option<Vec<Column>>,
}

/// A statement with its values, and what is left of its answer.
pub struct Portal {
    prepared: Arc<Prepared>,
    values: Vec<Literal>,
    wanted: Forms,
    pub rows: Option<Rows>,
    /// Its command was done: it is not done again.
    is_done: bool,
    /// Of its values.
    bytes: usize,
}

impl Portal {
    /// That of a cursor.
    pub fn held(rows: Rows) -> Portal {
        let prepared = Prepared { sql: String::new(), command: Command::Ask, parameters: Vec::new(), columns: None };
        Portal {
            prepared: Arc::new(prepared),
            values: Vec::new(),
            wanted: Forms::default(),
            rows: Some(rows),
            is_done: false,
            bytes: 0,
        }
    }
}

/// Does what a message says.
pub async fn step(session: &mut Session, line: &mut Line, said: Incoming) -> Outcome {
    match said {
        Incoming::Parse { name, sql, types } => parse(session, line, name, &sql, types).await,
        Incoming::Bind(bind) => Ok(bound(session, &bind).map(|()| line.out.bound())),
        Incoming::Describe(Of::Statement, name) => statement(session, line, &name).await,
        Incoming::Describe(Of::Portal, name) => portal(session, line, &name).await,
        Incoming::Execute { portal, rows } => execute(session, line, &portal, rows).await,
        Incoming::Close(Of::Statement, name) => {
            session.statements.remove(&name);
            line.out.closed();
            Ok(Ok(()))
        }
        Incoming::Close(Of::Portal, name) => {
            session.portals.remove(&name);
            line.out.closed();
            Ok(Ok(()))
        }
        _ => Ok(Ok(())),
    }
}

async fn parse(session: &mut Session, line: &mut Line, name: String, sql: &str, types: Vec<u32>) -> Outcome {
    if sql.len() > LONGEST {
        return Ok(Err(Fault::new("54001", format!("a statement has at most {LONGEST} bytes")).hint("shorten it")));
    }
    let mut statements = split(sql).into_iter();
    let (first, more) = (statements.next().unwrap_or_default(), statements.next());
    if more.is_some() {
        return Ok(Err(Fault::new("42601", "a prepared statement is one statement").hint("prepare them one by one")));
    }
    if !name.is_empty() && session.statements.contains_key(&name) {
        return Ok(Err(Fault::new("42P05", format!("there is a prepared statement {name:?} already")).hint("close it first")));
    }
    if session.statements.len() >= MOST {
        return Ok(Err(Fault::new("53400", format!("a connection has at most {MOST} prepared statements")).hint("close some")));
    }
    let command = command(first);
    if let Err(fault) = session.permits(&command) {
        return Ok(Err(fault));
    }
    let mut prepared = Prepared { sql: first.to_owned(), command, parameters: Vec::new(), columns: None };
    // What has no parameters is described only if that is asked for.
    if prepared.command == Command::Ask && first.contains('$') {
        match session.describe(line, first, types).await? {
            Ok(description) => {
                prepared.parameters = description.parameters;
                prepared.columns = Some(description.columns);
            }
            Err(fault) => return Ok(Err(fault)),
        }
    }
    session.statements.insert(name, Arc::new(prepared));
    line.out.parsed();
    Ok(Ok(()))
}

fn bound(session: &mut Session, bind: &Bind) -> Result<(), Fault> {
    let Some(prepared) = session.statements.get(&bind.statement).cloned() else {
        return Err(Fault::new("26000", format!("there is no prepared statement {:?}", bind.statement)));
    };
    session.permits(&prepared.command)?;
    let (wanted, come) = (prepared.parameters.len(), bind.values.len());
    if wanted != come {
        return Err(Fault::new("08P01", format!("the statement has {wanted} parameters, and {come} values came")));
    }
    if !bind.forms.fit(come) {
        return Err(Fault::new("08P01", "there are not as many forms as values"));
    }
    if !bind.portal.is_empty() && session.portals.contains_key(&bind.portal) {
        return Err(Fault::new("42P03", format!("there is a portal {:?} already", bind.portal)).hint("close it first"));
    }
    if session.portals.len() >= MOST {
        return Err(Fault::new("53400", format!("a connection has at most {MOST} portals")).hint("close some"));
    }
    let bytes: usize = bind.values.iter().flatten().map(|value| value.len()).sum();
    if session.portals.values().map(|portal| portal.bytes).sum::<usize>() + bytes > HELD {
        return Err(Fault::new("53200", "the values of all portals are too many bytes").hint("close some"));
    }
    let values = prepared.parameters.iter().zip(&bind.values).enumerate();
    let values = values.map(|(place, (kind, value))| literal(place + 1, kind, bind.forms.of(place), value.as_ref()));
    let values = values.collect::<Result<_, _>>()?;
    let portal = Portal { prepared, values, wanted: bind.wanted.clone(), rows: None, is_done: false, bytes };
    session.portals.insert(bind.portal.clone(), portal);
    Ok(())
}

async fn statement(session: &mut Session, line: &mut Line, name: &str) -> Outcome {
    let Some(mut prepared) = session.statements.get(name).cloned() else {
        return Ok(Err(Fault::new("26000", format!("there is no prepared statement {name:?}"))));
    };
    if prepared.columns.is_none() && prepared.command == Command::Ask && !prepared.sql.is_empty() {
        let columns = match session.describe(line, &prepared.sql, Vec::new()).await? {
            Ok(description) => Some(description.columns),
            Err(fault) => return Ok(Err(fault)),
        };
        let Prepared { sql, command, parameters, .. } = &*prepared;
        prepared = Arc::new(Prepared { sql: sql.clone(), command: command.clone(), parameters: parameters.clone(), columns });
        session.statements.insert(name.to_owned(), prepared.clone());
    }
    line.out.parameters(&prepared.parameters);
    let told = told_columns(session, &prepared.command);
    match prepared.columns.as_ref().or(told.as_ref()) {
        Some(columns) => line.out.columns(columns, |_| crate::pg::incoming::Form::Text),
        None => line.out.no_columns(),
    }
    Ok(Ok(()))
}

/// The columns of what is no question.
fn told_columns(session: &Session, command: &Command) -> Option<Vec<Column>> {
    match command {
        Command::Show(name) => Some(shown_columns(&[name])),
        Command::ShowAll => Some(shown_columns(&["name", "setting", "description"])),
        Command::Fetch { cursor, .. } => Some(session.portals.get(cursor)?.rows.as_ref()?.columns.clone()),
        _ => None,
    }
}

async fn portal(session: &mut Session, line: &mut Line, name: &str) -> Outcome {
    if let Err(fault) = answered(session, line, name).await? {
        return Ok(Err(fault));
    }
    let Some(portal) = session.portals.get(name) else { return Ok(Err(no_portal(name))) };
    match (&portal.rows, told_columns(session, &portal.prepared.command)) {
        (Some(rows), _) => line.out.columns(&rows.columns, |place| rows.forms().of(place)),
        (None, Some(columns)) => line.out.columns(&columns, |_| crate::pg::incoming::Form::Text),
        (None, None) => line.out.no_columns(),
    }
    Ok(Ok(()))
}

/// Sees to it that a portal that asks has its answer.
async fn answered(session: &mut Session, line: &mut Line, name: &str) -> Result<Result<(), Fault>, End> {
    let Some(portal) = session.portals.get(name) else { return Ok(Err(no_portal(name))) };
    if portal.rows.is_some() || portal.prepared.command != Command::Ask || portal.prepared.sql.is_empty() {
        return Ok(Ok(()));
    }
    let (prepared, values, wanted) = (portal.prepared.clone(), portal.values.clone(), portal.wanted.clone());
    let columns = prepared.columns.clone();
    let rows = match session.ask(line, &prepared.sql, values, columns, wanted).await? {
        Ok(rows) => rows,
        Err(fault) => return Ok(Err(fault)),
    };
    if !rows.forms().fit(rows.columns.len()) {
        return Ok(Err(Fault::new("08P01", "there are not as many forms as columns")));
    }
    if let Some(portal) = session.portals.get_mut(name) {
        portal.rows = Some(rows);
    }
    Ok(Ok(()))
}

async fn execute(session: &mut Session, line: &mut Line, name: &str, most: u32) -> Outcome {
    if let Err(fault) = answered(session, line, name).await? {
        return Ok(Err(fault));
    }
    let Some(portal) = session.portals.get_mut(name) else { return Ok(Err(no_portal(name))) };
    if let Some(rows) = &mut portal.rows {
        return Ok(give(line, rows, most)
            .await?
            .map(|(count, is_more)| if is_more { line.out.suspended() } else { line.out.complete(&format!("SELECT {count}")) }));
    }
    let prepared = portal.prepared.clone();
    if std::mem::replace(&mut portal.is_done, true) {
        return Ok(Err(Fault::new("55000", "this portal was executed before").hint("bind the statement anew")));
    }
    match &prepared.command {
        Command::Ask => line.out.nothing_asked(),
        Command::Fetch { cursor, rows } => {
            let (cursor, wanted) = (cursor.clone(), rows.unwrap_or(0));
            let found = session.portals.get_mut(&cursor).and_then(|portal| portal.rows.as_mut());
            let Some(found) = found else { return Ok(Err(no_portal(&cursor))) };
            return Ok(give(line, found, wanted).await?.map(|(count, _)| line.out.complete(&format!("FETCH {count}"))));
        }
        Command::Declare { cursor, sql } => return session.declare(line, cursor, sql).await,
        other => match session.told(other, line) {
            Ok((shown, tag)) => {
                if let Some((_, rows)) = shown {
                    put_words(line, &rows);
                }
                line.out.complete(&tag);
            }
            Err(fault) => return Ok(Err(fault)),
        },
    }
    Ok(Ok(()))
}

fn no_portal(name: &str) -> Fault {
    Fault::new("34000", format!("there is no portal {name:?}"))
}
