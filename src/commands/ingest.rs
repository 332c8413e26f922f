//! `vitalog ingest`: exports into a server or a data directory; every row is accounted for.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use vitalog_ingest::decode::{self, Item};
use vitalog_ingest::io::{Receipt, Receipts, Status};

use crate::cli::{Format, Ingest};
use crate::commands::serve::put_rules;
use crate::failure::Failure;
use crate::offline::load;
use crate::output::grouped;
use crate::run::{Node, Options};
use crate::server::{self, Admittance, Manners};

/// Readings in one request. What comes in one is decided as one moment, so larger ones conclude less from half a history; a row is rarely longer than
/// a kilobyte, and a body may have 16 MiB.
const BATCH: usize = 10_000;
/// Refused rows shown to people; the rest is counted.
const SHOWN: usize = 20;

/// Sends the files.
///
/// # Errors
/// Status 1 where a row was refused, or the server can't be reached.
pub fn run(args: &Ingest) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        if args.to.starts_with("http://") || args.to.starts_with("https://") {
            return send_all(args, args.to.trim_end_matches('/'), args.token.as_deref()).await;
        }
        // The same gateway that a server has, on a port of its own, for as long as it takes.
        let node = Node::start(Options::quiet(Path::new(&args.to))).await?;
        if node.rules.files().is_empty() {
            put_rules(&node, None).await?;
        }
        let listener = server::listen(([127, 0, 0, 1], 0).into(), "--listen").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = server::start(&node, listener, Admittance::Open, &Manners::default())?;
        let sent = send_all(args, &url, None).await;
        server.stop(server::PATIENCE).await;
        node.stop().await?;
        sent
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    let total = outcome?;
    if total.refused > 0 {
        return Err(Failure::new(format!("{} of {} rows were refused", grouped(total.refused), grouped(total.rows)))
            .hint("each is named above with its reason; mend it in the file and send the file again: what is there already counts as duplicate"));
    }
    Ok(())
}

/// What became of the rows of a file, or of all.
#[derive(Clone, Copy, Default)]
struct Sum {
    rows: u64,
    accepted: u64,
    duplicate: u64,
    /// Of these two, those that are unusual, by what is declared.
    flagged: u64,
    /// By the server, or before they were sent.
    refused: u64,
    /// Of the refused, those that could not be read and so were not sent. The others are dead letters at the server.
    unsent: u64,
}

/// A row on its way: where it stands in the file, and what is sent.
struct Row {
    line: u64,
    text: String,
}

/// How rows are put into a request.
enum Parcel {
    /// One JSON reading per line.
    Ndjson,
    /// The file's own header, then its rows as they are: what a cell means is for the server's declarations to say.
    Csv { header: String },
}

impl Parcel {
    fn of(form: &decode::Format, file: &[u8]) -> Parcel {
        if *form != decode::Format::Csv {
            return Parcel::Ndjson;
        }
        let line = file.split(|b| *b == b'\n').next().unwrap_or_default();
        Parcel::Csv { header: String::from_utf8_lossy(line).trim_end().to_owned() }
    }

    fn row(&self, item: &Item<'_>, reading: &decode::RawReading<'_>) -> String {
        match self {
            Parcel::Ndjson => reading.to_json(),
            Parcel::Csv { .. } => String::from_utf8_lossy(item.bytes).trim_end_matches(['\r', '\n']).to_owned(),
        }
    }

    fn body(&self, rows: &[Row]) -> String {
        let header = match self {
            Parcel::Ndjson => None,
            Parcel::Csv { header } => Some(header.as_str()),
        };
        header.into_iter().chain(rows.iter().map(|row| row.text.as_str())).map(|line| format!("{line}\n")).collect()
    }

    fn media_type(&self) -> &'static str {
        match self {
            Parcel::Ndjson => "application/x-ndjson",
            Parcel::Csv { .. } => "text/csv",
        }
    }
}

async fn send_all(args: &Ingest, url: &str, token: Option<&str>) -> Result<Sum, Failure> {
    let courier = Courier { client: reqwest::Client::new(), url, token };
    let mut total = Sum::default();
    let mut shown = 0;
    for path in &args.files {
        let bytes = load::bytes(path)?;
        let bar = progress(args.format, bytes.len(), path);
        let mut file = FileReport { path, format: args.format, sum: Sum::default(), shown: &mut shown, bar: &bar };
        let form = load::format_of(path, &bytes)?;
        let parcel = Parcel::of(&form, &bytes);
        let items = decode::decode(&form, &bytes).map_err(|r| Failure::new(format!("{}: {r}", path.display())))?;
        let mut waiting = Vec::with_capacity(BATCH);
        for item in items {
            bar.inc(item.bytes.len() as u64 + 1);
            take(&item, &parcel, &mut waiting, &mut file);
            if waiting.len() == BATCH {
                courier.deliver(&parcel, &mut waiting, &mut file).await?;
            }
        }
        courier.deliver(&parcel, &mut waiting, &mut file).await?;
        let sum = file.sum;
        bar.finish_and_clear();
        report_file(args.format, path, &sum);
        total.add(&sum);
    }
    report_total(args.format, &total, shown);
    if total.rows != total.accepted + total.duplicate + total.refused {
        return Err(Failure::new("the sums do not agree: a receipt is missing"));
    }
    Ok(total)
}

fn take(item: &Item<'_>, parcel: &Parcel, waiting: &mut Vec<Row>, file: &mut FileReport<'_>) {
    file.sum.rows += 1;
    match &item.reading {
        Ok(reading) => waiting.push(Row { line: item.line, text: parcel.row(item, reading) }),
        Err(refusal) => {
            file.sum.unsent += 1;
            file.refuse(item.line, refusal);
        }
    }
}

/// In seconds: what asks for more is no pace.
const LONGEST_WAIT: u64 = 60;

struct Courier<'a> {
    client: reqwest::Client,
    url: &'a str,
    token: Option<&'a str>,
}

impl Courier<'_> {
    /// Sends what waits and counts the receipts. What is sent again after a lost answer is a duplicate, so a failed request is simply repeated.
    async fn deliver(&self, parcel: &Parcel, waiting: &mut Vec<Row>, file: &mut FileReport<'_>) -> Result<(), Failure> {
        if waiting.is_empty() {
            return Ok(());
        }
        let receipts = self.post(parcel.media_type(), parcel.body(waiting)).await?;
        for receipt in &receipts.receipts {
            if receipt.status == Status::Rejected {
                let line = waiting.get(receipt.index).map_or(0, |row| row.line);
                file.refuse_by_server(line, receipt);
            }
        }
        file.sum.accepted += receipts.accepted as u64;
        file.sum.duplicate += receipts.duplicate as u64;
        file.sum.flagged += receipts.flagged as u64;
        waiting.clear();
        Ok(())
    }

    async fn post(&self, media_type: &str, body: String) -> Result<Receipts, Failure> {
        const TRIES: u32 = 6;
        let mut tried = 0;
        loop {
            tried += 1;
            let mut request = self.client.post(format!("{}/v1/readings?receipts=summary", self.url));
            if let Some(token) = self.token {
                request = request.bearer_auth(token);
            }
            let sent = request.header("content-type", media_type).body(body.clone()).send().await;
            let why = match sent {
                // Where not one reading of a request was accepted, the receipts come with that status.
                Ok(response)
                    if response.status().is_success() || response.status() == reqwest::StatusCode::UNPROCESSABLE_ENTITY =>
                {
                    return response.json().await.map_err(|e| Failure::new(format!("the server's receipts can't be read: {e}")));
                }
                // A pace lets more through in a moment.
                Ok(response) if is_busy(&response) => format!("the server is busy ({})", response.status()),
                Ok(response) => {
                    let status = response.status();
                    let text = response.text().await.unwrap_or_default();
                    if let Some(failure) = quota_spent(&text) {
                        return Err(failure);
                    }
                    return Err(Failure::new(format!("the server refused ({status}): {text}")));
                }
                Err(error) => format!("the server can't be reached: {error}"),
            };
            if tried == TRIES {
                return Err(
                    Failure::new(why).hint("send the files again when it is back: what is there already counts as duplicate")
                );
            }
            tokio::time::sleep(Duration::from_millis(250 << tried)).await;
        }
    }
}

/// Whether it is worth a try in a moment: a quota is of a day.
fn is_busy(response: &reqwest::Response) -> bool {
    let is_quota = || {
        let wait = response.headers().get(reqwest::header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
        wait.is_some_and(|seconds| seconds > LONGEST_WAIT)
    };
    match response.status() {
        reqwest::StatusCode::SERVICE_UNAVAILABLE => true,
        reqwest::StatusCode::TOO_MANY_REQUESTS => !is_quota(),
        _ => false,
    }
}

/// What a server says whose quota is spent.
fn quota_spent(problem: &str) -> Option<Failure> {
    let problem: serde_json::Value =
        serde_json::from_str(problem).ok().filter(|p: &serde_json::Value| p["code"] == "quota_spent")?;
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    Some(Failure::new(text("detail")).hint(format!("{}: what is there already counts as duplicate then", text("remedy"))))
}

/// Counts and reports the rows of one file.
struct FileReport<'a> {
    path: &'a Path,
    format: Format,
    sum: Sum,
    shown: &'a mut usize,
    bar: &'a ProgressBar,
}

impl FileReport<'_> {
    fn refuse_by_server(&mut self, line: u64, receipt: &Receipt) {
        match &receipt.refusal {
            Some(refusal) => self.refuse(line, refusal),
            None => self.sum.refused += 1,
        }
    }

    fn refuse(&mut self, line: u64, refusal: &vitalog_elog::Refusal) {
        self.sum.refused += 1;
        match self.format {
            Format::Json => {
                let row = json!({"file": self.path.display().to_string(), "line": line, "code": refusal.code, "field": refusal.field,
                    "value": refusal.value, "message": refusal.message, "remedy": refusal.remedy});
                say!("{}", json!({ "refused_row": row }));
            }
            Format::Text if *self.shown < SHOWN => {
                *self.shown += 1;
                self.bar.suspend(|| eprintln!("{}:{line}: {refusal}", self.path.display()));
            }
            Format::Text => *self.shown += 1,
        }
    }
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.rows += other.rows;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.flagged += other.flagged;
        self.refused += other.refused;
        self.unsent += other.unsent;
    }
}

fn progress(format: Format, bytes: usize, path: &Path) -> ProgressBar {
    let target = match format {
        Format::Text if std::io::stderr().is_terminal() => ProgressDrawTarget::stderr(),
        _ => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(bytes as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{msg:<28} {bar:32} {bytes:>10}/{total_bytes:<10} {eta}") {
        bar.set_style(style);
    }
    bar.with_message(path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default())
}

fn report_file(format: Format, path: &Path, sum: &Sum) {
    match format {
        Format::Json => say!(
            "{}",
            json!({"file": path.display().to_string(), "rows": sum.rows, "accepted": sum.accepted,
            "duplicate": sum.duplicate, "flagged": sum.flagged, "refused": sum.refused, "unsent": sum.unsent})
        ),
        Format::Text => say!("{:<40} {}", path.file_name().unwrap_or_default().to_string_lossy(), sum.line()),
    }
}

fn report_total(format: Format, total: &Sum, shown: usize) {
    match format {
        Format::Json => say!(
            "{}",
            json!({"total": true, "rows": total.rows, "accepted": total.accepted,
            "duplicate": total.duplicate, "flagged": total.flagged, "refused": total.refused, "unsent": total.unsent})
        ),
        Format::Text => {
            if shown > SHOWN {
                eprintln!("… and {} more refused rows (all of them with --format json)", shown - SHOWN);
            }
            say!("{:<40} {}", "all files", total.line());
        }
    }
}

impl Sum {
    fn line(&self) -> String {
        let flagged = match self.flagged {
            0 => String::new(),
            n => format!("; {} unusual among those accepted or there already", grouped(n)),
        };
        format!(
            "{:>10} rows = {} accepted + {} duplicate + {} refused{flagged}",
            grouped(self.rows),
            grouped(self.accepted),
            grouped(self.duplicate),
            grouped(self.refused)
        )
    }
}
