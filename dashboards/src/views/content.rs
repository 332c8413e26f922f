//! A hash of all that is stored, so that two files can be compared by one number.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use vitalog_elog::id::digest_of;

use super::error::ViewsError;

/// Every table with the order that makes its rows comparable. `state` is left out but for the position: the schema's text and the chain
/// come from outside.
const ALL: [(&str, &str); 18] = [
    ("state", "select next from state"),
    ("subjects", "select * from subjects order by subject"),
    ("readings", "select * from readings order by subject, stream, at, id"),
    ("names", "select * from names order by subject, id"),
    ("revisions", "select * from revisions order by subject, id, rev, hash"),
    ("days", "select * from days order by subject, stream, day"),
    ("sources", "select * from sources order by subject, source"),
    ("recommendations", "select * from recommendations order by id"),
    ("recommendation_history", "select * from recommendation_history order by id, revision"),
    ("responses", "select * from responses order by finding, record"),
    ("dead_letters", "select * from dead_letters order by record"),
    ("mendings", "select * from mendings order by letter, record"),
    ("answered", "select * from answered order by key"),
    ("named", "select * from named order by name, subject"),
    ("metering", "select * from metering order by day, tenant, account, token"),
    ("fresh", "select * from fresh order by day, tenant, token, subject"),
    ("profile_changes", "select * from profile_changes order by subject, field, at, record"),
    ("deliveries", "select * from deliveries order by id"),
];

/// A chain over the rows: each link is the hash of the link before and the row, so that memory does not grow with the file. A subject counts by its place among those that
/// there are, and not by its number: where some were forgotten, those after them keep theirs.
pub fn hash(conn: &Connection) -> Result<u128, ViewsError> {
    let mut numbers = conn.prepare("select subject from subjects order by subject")?;
    let numbers: Vec<i64> = numbers.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut link = 0_u128;
    let mut bytes = Vec::with_capacity(512);
    for (table, sql) in ALL {
        link = digest_of(&[&link.to_le_bytes(), table.as_bytes()].concat());
        let mut statement = conn.prepare(sql)?;
        let columns = statement.column_count();
        let subject = statement.column_names().position(|name| name == "subject");
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            bytes.clear();
            bytes.extend_from_slice(&link.to_le_bytes());
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Integer(number) if subject == Some(column) => {
                        put(&mut bytes, ValueRef::Integer(numbers.partition_point(|n| *n < number) as i64));
                    }
                    value => put(&mut bytes, value),
                }
            }
            link = digest_of(&bytes);
        }
    }
    Ok(link)
}

fn put(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Integer(i) => {
            out.push(1);
            out.extend_from_slice(&i.to_le_bytes());
        }
        ValueRef::Real(r) => {
            out.push(2);
            out.extend_from_slice(&r.to_bits().to_le_bytes());
        }
        ValueRef::Text(t) | ValueRef::Blob(t) => {
            out.push(3);
            out.extend_from_slice(&(t.len() as u64).to_le_bytes());
            out.extend_from_slice(t);
        }
    }
}
