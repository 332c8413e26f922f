//! The tables, and how the file is opened.
//!
//! Everything here can be computed again from the journal, so the file favours speed: a commit survives the end of the process, and after a
//! power cut the file is whole but may lack its last commits, which are then fed again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::ViewsError;

/// Counts up with every change of the tables. A file of an older format is emptied and fed anew.
pub const FORMAT: i32 = 12;

/// `readings` holds the current revision of each reading, clustered so that a stretch of one subject's stream is a stretch of the file;
/// `names` says where those lie that were given a name (see [`super::lookup`]); `revisions` holds those that were superseded, and removals. `sources` says of whom something came, and which of their counts
/// (see [`super::sources`]). `first_record` and `first_arrival` say since when there is something, and `ended_record` and `ended_arrival` which input it was that took a revision's place, where it ever held:
/// that is what answers are made from that tell what was known (see [`super::days`]). `recommendations` has the latest revision of each finding and what people
/// did about it, `recommendation_history` every revision; `answered` what was answered to requests that bear a key; `named` whom readings of a subject name besides; `metering` what was sent by whom, day by day (empty: the house, no token), and `fresh` how many of it were new, of each subject, on the last two days.
const TABLES: &str = "
create table state (
    one         integer primary key check (one = 1),
    incarnation blob not null,
    next        integer not null,
    chain       blob not null,
    schema      text not null
);
create table metering (
    day      integer not null,
    tenant   text not null,
    account  text not null,
    token    text not null,
    readings integer not null,
    refused  integer not null,
    primary key (day, tenant, account, token)
) without rowid;
create table fresh (
    day      integer not null,
    tenant   text not null,
    token    text not null,
    subject  integer not null,
    readings integer not null,
    primary key (day, tenant, token, subject)
) without rowid;
create table named (
    name    text not null,
    subject integer not null,
    primary key (name, subject)
) without rowid;
create table subjects (
    subject      integer primary key,
    name         text not null unique,
    first_record  integer not null,
    first_arrival integer not null,
    last_at      integer,
    last_arrival integer not null,
    readings     integer not null,
    attention    text not null
);
create table readings (
    subject integer not null,
    stream  integer not null,
    at      integer not null,
    id      blob not null,
    body    blob not null,
    primary key (subject, stream, at, id)
) without rowid;
create table names (
    subject integer not null,
    id      blob not null,
    stream  integer not null,
    at      integer not null,
    primary key (subject, id)
) without rowid;
create table revisions (
    subject integer not null,
    id      blob not null,
    rev     integer not null,
    hash    blob not null,
    stream  integer,
    at      integer,
    body    blob not null,
    ended_record  integer,
    ended_arrival integer,
    primary key (subject, id, rev, hash)
) without rowid;
create index revisions_that_held on revisions (subject, stream, at, id) where ended_record is not null;
create table days (
    subject integer not null,
    stream  integer not null,
    day     integer not null,
    first_record  integer not null,
    first_arrival integer not null,
    primary key (subject, stream, day)
) without rowid;
create table sources (
    subject integer not null,
    source  text not null,
    body    blob not null,
    primary key (subject, source)
) without rowid;
create table recommendations (
    id              blob primary key,
    subject         integer not null,
    revision        integer not null,
    kind            integer not null,
    state           integer not null,
    severity        integer not null,
    quiet           integer not null,
    onset           integer not null,
    at              integer not null,
    end_at          integer,
    acknowledged    text,
    acknowledged_at integer,
    dismissed       text,
    dismissed_at    integer
) without rowid;
create index recommendations_by_subject on recommendations (subject, onset);
create index recommendations_by_time on recommendations (at, id);
create table recommendation_history (
    id          blob not null,
    revision    integer not null,
    record      integer not null,
    place       integer not null,
    change      integer not null,
    cause       integer not null,
    cause_id    blob,
    cause_place blob,
    decided_at  integer not null,
    rule        text not null,
    version     integer not null,
    title       text not null,
    kind        integer not null,
    state       integer not null,
    severity    integer not null,
    onset       integer not null,
    at          integer not null,
    end_at      integer,
    resolved_at integer,
    evidence    blob not null,
    text        text not null,
    wordings    text,
    notify      text,
    cite        text,
    quiet       integer not null,
    by_clock    integer not null,
    primary key (id, revision)
) without rowid;
create index history_by_record on recommendation_history (record, place);
create index history_on_trial on recommendation_history (rule, version, id) where quiet = 4;
create table responses (
    finding blob not null,
    record  integer not null,
    action  integer not null,
    person  text not null,
    arrival integer not null,
    primary key (finding, record)
) without rowid;
create table dead_letters (
    record  integer primary key,
    arrival integer not null,
    subject text,
    code    text not null,
    field   text,
    message text not null,
    raw     blob not null,
    sender  text not null,
    tries   integer not null,
    reading integer
);
create table mendings (
    letter  integer not null,
    record  integer not null,
    subject text,
    arrival integer not null,
    person  text not null,
    mended  integer not null,
    name    text,
    rev     integer,
    code    text,
    field   text,
    message text,
    primary key (letter, record)
) without rowid;
create table answered (
    key     blob primary key,
    arrival integer not null,
    body    blob not null
) without rowid;
create index answered_by_arrival on answered (arrival);
create table profile_changes (
    subject integer not null,
    field   text not null,
    at      integer not null,
    record  integer not null,
    value   blob,
    arrival integer not null,
    primary key (subject, field, at, record)
) without rowid;
create table deliveries (
    id          blob primary key,
    record      integer not null,
    finding     blob not null,
    endpoint    text not null,
    role        text,
    channel     text,
    step        integer,
    repeat      integer,
    late        integer not null,
    kind        text not null,
    body        text not null,
    not_before  integer not null,
    state       integer not null,
    attempts    integer not null,
    said        text,
    last_at     integer
) without rowid;
create index deliveries_by_finding on deliveries (finding, record);
";

/// Opens the file for writing; makes the tables where there are none.
pub fn open_for_writing(path: &Path, may_empty: bool) -> Result<Connection, ViewsError> {
    let mut conn = Connection::open(path)?;
    conn.pragma_update(None, "page_size", 4096)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "normal")?;
    conn.pragma_update(None, "cache_size", -131_072)?;
    conn.pragma_update(None, "wal_autocheckpoint", 50_000)?;
    conn.pragma_update(None, "journal_size_limit", 256 << 20)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    let file: i32 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if file > FORMAT {
        return Err(ViewsError::NewerFormat { file, known: FORMAT });
    }
    if file < FORMAT && !may_empty {
        return Err(if file == 0 { ViewsError::Missing } else { ViewsError::OlderFormat { file, known: FORMAT } });
    }
    if file < FORMAT {
        let tx = conn.transaction()?;
        drop_all(&tx)?;
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "user_version", FORMAT)?;
        tx.commit()?;
    }
    Ok(conn)
}

/// Opens the file for questions only.
pub fn open_for_reading(path: &Path) -> Result<Connection, ViewsError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

fn drop_all(conn: &Connection) -> Result<(), ViewsError> {
    let mut names = conn.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")?;
    let names: Vec<String> = names.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        conn.execute_batch(&format!("drop table \"{}\"", name.replace('"', "\"\"")))?;
    }
    Ok(())
}
