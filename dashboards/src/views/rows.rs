//! Rows put in many to a statement: what a statement costs to begin and to end, its cursors above all, is then paid once for all of them.
//!
//! SQLite keeps a copy of each page that such a statement changes, to take back what an abort leaves half done. Whoever takes back the whole transaction then says `or fail`: no copies are kept. Of
//! `on conflict do update` they are kept whatever is said, so those are written one by one.

use rusqlite::{Connection, Statement};

use super::error::ViewsError;

/// So many at once; those that are left over, one by one.
const TOGETHER: usize = 16;

/// Puts in all rows; `head` stands before the values, of which a row has so many `columns`, and `bind` gives those of one to the parameters from a place on. After an error some of them are in: the transaction is to be
/// taken back.
pub fn put<R>(
    conn: &Connection,
    sql: (&str, usize),
    rows: &[R],
    mut bind: impl FnMut(&mut Statement<'_>, usize, &R) -> rusqlite::Result<()>,
) -> Result<(), ViewsError> {
    let (many, single) = rows.as_chunks::<TOGETHER>();
    put_each(conn, sql, many.iter().map(|rows| &rows[..]), TOGETHER, &mut bind)?;
    put_each(conn, sql, single.chunks(1), 1, &mut bind)
}

/// So many at a time.
fn put_each<'r, R: 'r>(
    conn: &Connection,
    (head, columns): (&str, usize),
    all: impl ExactSizeIterator<Item = &'r [R]>,
    together: usize,
    bind: &mut impl FnMut(&mut Statement<'_>, usize, &R) -> rusqlite::Result<()>,
) -> Result<(), ViewsError> {
    if all.len() == 0 {
        return Ok(());
    }
    let row = format!("({})", vec!["?"; columns].join(", "));
    let mut statement = conn.prepare_cached(&format!("{head} values {}", vec![row; together].join(", ")))?;
    for rows in all {
        for (place, row) in rows.iter().enumerate() {
            bind(&mut statement, place * columns + 1, row)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: (&str, usize) = ("insert or fail into t (a, b)", 2);

    fn put_in(conn: &Connection, rows: &[i64]) -> Result<(), ViewsError> {
        put(conn, SQL, rows, |statement, first, n| {
            statement.raw_bind_parameter(first, n)?;
            statement.raw_bind_parameter(first + 1, format!("of {n}"))
        })
    }

    #[test]
    fn all_rows_are_put_in_however_many_there_are() {
        for count in [0, 1, 15, 16, 17, 31, 32, 100_i64] {
            let conn = Connection::open_in_memory().expect("opened");
            conn.execute_batch("create table t (a integer primary key, b text not null)").expect("made");
            put_in(&conn, &(0..count).collect::<Vec<_>>()).expect("put in");
            let sum = "select count(*), coalesce(sum(a), 0), count(*) filter (where b = 'of ' || a) from t";
            let sums: (i64, i64, i64) = conn.query_row(sum, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).expect("a row");
            assert_eq!(sums, (count, count * (count - 1) / 2, count));
        }
    }

    #[test]
    fn what_fails_midway_is_taken_back_with_its_transaction() {
        let mut conn = Connection::open_in_memory().expect("opened");
        conn.execute_batch("create table t (a integer primary key, b text not null)").expect("made");
        let mut rows: Vec<i64> = (0..40).collect();
        rows[20] = 3;
        let tx = conn.transaction().expect("begun");
        assert!(put_in(&tx, &rows).is_err());
        drop(tx);
        assert_eq!(conn.query_row("select count(*) from t", [], |r| r.get::<_, i64>(0)).expect("a row"), 0);
    }
}
