//! `vitalog export`: readings of a subject, or the result of a statement, as a file.
//!
//! It is written as it comes. A file gets its name when it is whole; what breaks off leaves none.

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

use crate::cli::{Export, ExportFormat, instant};
use crate::commands::directory::served;
use crate::commands::remote::{Remote, refusal};
use crate::commands::subject_of;
use crate::failure::Failure;

/// Asks and writes.
///
/// # Errors
/// Where it is refused or breaks off, or the file can't be written; status 2 where the command is used wrongly.
pub fn run(args: &Export) -> Result<(), Failure> {
    check(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match (&args.url, &args.data) {
            (Some(url), _) => export(args, url, args.token.as_deref()).await,
            (None, Some(data)) => served(data, async |url| export(args, url, None).await).await,
            (None, None) => {
                Err(Failure::usage("whom to ask?").hint("give --url of a running server, or --data of a data directory"))
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    done
}

fn check(args: &Export) -> Result<(), Failure> {
    args.subject.as_deref().map(subject_of).transpose()?;
    [&args.from, &args.to].into_iter().flatten().try_for_each(|time| instant(time).map(drop))?;
    if args.query.is_some() && args.format == ExportFormat::Fhir {
        return Err(Failure::usage("the result of a statement has no form in FHIR").hint("give --subject, or another --format"));
    }
    let is_text = matches!(args.format, ExportFormat::Csv | ExportFormat::Fhir);
    if args.output.is_none() && !is_text && std::io::stdout().is_terminal() {
        return Err(Failure::usage("a terminal can't show this format").hint("give --output FILE, or send it elsewhere with >"));
    }
    Ok(())
}

async fn export(args: &Export, url: &str, token: Option<&str>) -> Result<(), Failure> {
    let format = match args.format {
        ExportFormat::Csv => "csv",
        ExportFormat::Parquet => "parquet",
        ExportFormat::Arrow => "arrow",
        ExportFormat::Fhir => "fhir",
    };
    let mut query = vec![("format", format.to_owned())];
    query.extend(args.from.clone().map(|from| ("from", from)));
    query.extend(args.to.clone().map(|to| ("to", to)));
    let remote = Remote { url, token };
    let client = reqwest::Client::new();
    let mut request = match (&args.subject, &args.query) {
        (Some(subject), _) => client.get(remote.door(&["subjects", subject, "export"], &query)?),
        (None, sql) => client
            .post(remote.door(&["export"], &query)?)
            .header(CONTENT_TYPE, "application/json")
            .body(serde_json::json!({ "sql": sql }).to_string()),
    };
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let mut response = request.send().await.map_err(|e| Failure::new(format!("the server can't be reached: {e}")))?;
    if !response.status().is_success() {
        let body = response.bytes().await.unwrap_or_default();
        return Err(refusal(&serde_json::from_slice(&body).unwrap_or_default()));
    }
    let mut out = Out::open(args.output.as_deref())?;
    let broken = |_| Failure::new("the export broke off: it is not whole").hint("the server's log says why; export less at once");
    while let Some(bytes) = response.chunk().await.map_err(broken)? {
        out.write(&bytes)?;
    }
    out.end()
}

/// Where it goes.
enum Out {
    Standard,
    File { part: PathBuf, path: PathBuf, file: Option<File>, bytes: u64 },
}

impl Out {
    fn open(path: Option<&Path>) -> Result<Out, Failure> {
        let Some(path) = path else { return Ok(Out::Standard) };
        let mut name = OsString::from(path);
        name.push(".part");
        let part = PathBuf::from(name);
        let file = File::create(&part).map_err(|e| Failure::new(format!("cannot write {}: {e}", part.display())))?;
        Ok(Out::File { part, path: path.to_owned(), file: Some(file), bytes: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        match self {
            Out::Standard => Ok(std::io::stdout().lock().write_all(piece)?),
            Out::File { part, file: Some(file), bytes, .. } => {
                *bytes += piece.len() as u64;
                file.write_all(piece).map_err(|e| Failure::new(format!("cannot write {}: {e}", part.display())))
            }
            Out::File { .. } => Ok(()),
        }
    }

    fn end(mut self) -> Result<(), Failure> {
        match &mut self {
            Out::Standard => Ok(std::io::stdout().lock().flush()?),
            Out::File { part, path, file, bytes } => {
                if let Some(file) = file.take() {
                    file.sync_all()?;
                }
                std::fs::rename(&*part, &*path).map_err(|e| Failure::new(format!("cannot write {}: {e}", path.display())))?;
                eprintln!("{}: {bytes} bytes", path.display());
                Ok(())
            }
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        // It did not become whole.
        if let Out::File { part, file: Some(_), .. } = self {
            let _ = std::fs::remove_file(part);
        }
    }
}
