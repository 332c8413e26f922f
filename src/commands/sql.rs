//! `vitalog sql`: one query, answered by a running server, or by a data directory that no server holds.

use std::io::Write;
use std::time::Duration;

use crate::cli::{Sql, SqlFormat};
use crate::commands::directory::served;
use crate::failure::Failure;

/// A cell wider than this is cut in a table; the other formats give it whole.
const WIDEST: usize = 60;

/// Asks and prints.
///
/// # Errors
/// Where the query is refused or fails, or there is nobody to ask.
pub fn run(args: &Sql) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        match (&args.url, &args.data) {
            (Some(url), _) => ask(args, url.trim_end_matches('/'), args.token.as_deref()).await,
            (None, Some(data)) => served(data, async |url| ask(args, url, None).await).await,
            (None, None) => {
                Err(Failure::usage("whom to ask?").hint("give --url of a running server, or --data of a data directory"))
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    let bytes = answer?;
    let mut out = std::io::stdout().lock();
    match args.format {
        SqlFormat::Table => out.write_all(table(&bytes)?.as_bytes())?,
        _ => out.write_all(&bytes)?,
    }
    Ok(())
}

async fn ask(args: &Sql, url: &str, token: Option<&str>) -> Result<Vec<u8>, Failure> {
    let format = match args.format {
        SqlFormat::Table | SqlFormat::Csv => "csv",
        SqlFormat::Json => "ndjson",
        SqlFormat::Arrow => "arrow",
    };
    let mut request = reqwest::Client::new().post(format!("{url}/v1/sql?format={format}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.json(&serde_json::json!({ "sql": args.query })).send().await;
    let response = response.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|e| Failure::new(format!("the answer broke off: {e}")))?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().unwrap_or("the server refused").to_owned();
    let failure = Failure::new(detail);
    Err(match problem["remedy"].as_str() {
        Some(remedy) => failure.hint(remedy),
        None => failure,
    })
}

/// Lines up the columns of a CSV answer; columns of numbers to the right.
fn table(csv: &[u8]) -> Result<String, Failure> {
    let broken = |e: csv::Error| Failure::new(format!("the answer can't be read: {e}"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let rows: Vec<Vec<String>> =
        reader.records().map(|record| record.map(|r| r.iter().map(cell).collect()).map_err(broken)).collect::<Result<_, _>>()?;
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
    out.push_str(&format!("{} row{}\n", rows.len() - 1, if rows.len() == 2 { "" } else { "s" }));
    Ok(out)
}

/// On one line, without control characters.
fn cell(text: &str) -> String {
    let mut shown: String = text.chars().take(WIDEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(WIDEST).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_lined_up() {
        let shown = table(b"subject,mean\np-1,7.5\np-022,11\n").unwrap();
        assert_eq!(shown, "subject  mean\n───────  ────\np-1       7.5\np-022      11\n2 rows\n");
        assert_eq!(table(b"").unwrap(), "no rows\n");
        assert!(table("a\nx\u{1b}[31m\n".as_bytes()).unwrap().contains("x [31m"));
    }
}
