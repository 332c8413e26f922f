//! An answer as people read it in a terminal: columns lined up, or each row laid out by itself.

use crate::failure::Failure;

/// A cell wider than this is cut in a table; the other formats give it whole.
const WIDEST: usize = 60;

/// Lines up the columns of a CSV answer; columns of numbers to the right.
///
/// # Errors
/// Where it is no CSV.
pub fn lined_up(csv: &[u8]) -> Result<String, Failure> {
    let rows: Vec<Vec<String>> = rows(csv)?.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect();
    let Some(columns) = rows.first().map(Vec::len) else { return Ok("no rows\n".to_owned()) };
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let is_number = |c: usize| rows.len() > 1 && rows[1..].iter().all(|r| r[c].is_empty() || r[c].parse::<f64>().is_ok());
    let numbers: Vec<bool> = (0..columns).map(is_number).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(c, text)| {
            let pad = " ".repeat(widths[c] - text.chars().count());
            if numbers[c] { format!("{pad}{text}") } else { format!("{text}{pad}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut out = line(&rows[0]);
    out.push_str(&(widths.iter().map(|w| "─".repeat(*w)).collect::<Vec<_>>().join("  ") + "\n"));
    rows[1..].iter().for_each(|row| out.push_str(&line(row)));
    out.push_str(&counted(rows.len() - 1));
    Ok(out)
}

/// Each row by itself, a line for each column: for rows that are wider than the terminal. No cell is cut.
///
/// # Errors
/// Where it is no CSV.
pub fn laid_out(csv: &[u8]) -> Result<String, Failure> {
    let rows = rows(csv)?;
    let Some((names, rows)) = rows.split_first() else { return Ok("no rows\n".to_owned()) };
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for (row, number) in rows.iter().zip(1..) {
        out.push_str(&format!("── row {number}\n"));
        for (name, value) in names.iter().zip(row) {
            let pad = " ".repeat(width - name.chars().count());
            out.push_str(&format!("{name}{pad}  {}\n", shown(value)));
        }
    }
    out.push_str(&counted(rows.len()));
    Ok(out)
}

fn rows(csv: &[u8]) -> Result<Vec<Vec<String>>, Failure> {
    let broken = |e: csv::Error| Failure::new(format!("the answer can't be read: {e}"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    reader.records().map(|record| record.map(|r| r.iter().map(str::to_owned).collect()).map_err(broken)).collect()
}

fn counted(rows: usize) -> String {
    format!("{rows} row{}\n", if rows == 1 { "" } else { "s" })
}

/// On one line, without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same, and not too wide.
fn cell(text: &str) -> String {
    let mut shown: String = shown(text).chars().take(WIDEST).collect();
    if text.chars().nth(WIDEST).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{laid_out, lined_up};

    #[test]
    fn columns_are_lined_up() {
        let shown = lined_up(b"subject,mean\np-1,7.5\np-022,11\n").unwrap();
        assert_eq!(shown, "subject  mean\n───────  ────\np-1       7.5\np-022      11\n2 rows\n");
        assert_eq!(lined_up(b"").unwrap(), "no rows\n");
        assert!(lined_up("a\nx\u{1b}[31m\n".as_bytes()).unwrap().contains("x [31m"));
    }

    #[test]
    fn rows_are_laid_out_one_below_the_other() {
        let shown = laid_out(b"subject,mean\np-1,7.5\np-022,11\n").unwrap();
        assert_eq!(shown, "── row 1\nsubject  p-1\nmean     7.5\n── row 2\nsubject  p-022\nmean     11\n2 rows\n");
        assert_eq!(laid_out(b"").unwrap(), "no rows\n");
    }
}
