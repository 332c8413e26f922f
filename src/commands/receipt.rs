//! `vitalog receipt`: where each revision of a reading is, at every stage.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use vitalog_elog::{ReadingId, Subject};

use crate::accounting::Auditor;
use crate::cli::{Format, Receipt};
use crate::commands::remote::{Question, Remote, text};
use crate::failure::Failure;
use crate::run::{Node, Options, has_journal};

/// Asks and prints.
///
/// # Errors
/// Where there is no such reading, or a stage can't be read; status 2 where the command is used wrongly.
pub fn run(args: &Receipt) -> Result<(), Failure> {
    for (name, value) in [("subject", &args.subject), ("id", &args.id)] {
        if !Subject::is_valid(value) {
            return Err(Failure::usage(format!("--{name} {value:?} cannot be a name")));
        }
    }
    let receipt = match (&args.url, &args.data) {
        (Some(url), _) => {
            let path = ["subjects", &args.subject, "readings", &args.id, "receipt"];
            Remote { url, token: args.token.as_deref() }.ask(Question { path: &path, ..Question::default() })?
        }
        (None, Some(data)) => of_directory(args, data)?,
        (None, None) => {
            return Err(Failure::usage("whom to ask?").hint("give --url of a running server, or --data of a data directory"));
        }
    };
    match args.format {
        Format::Json => say!("{receipt}"),
        Format::Text => lines(&receipt).iter().for_each(|line| say!("{line}")),
    }
    Ok(())
}

fn of_directory(args: &Receipt, data: &Path) -> Result<Value, Failure> {
    if !has_journal(data) {
        return Err(Failure::usage(format!("{} is no data directory", data.display())));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (subject, id) = (Subject::new(&args.subject), ReadingId::given(&args.id));
    let receipt = runtime.block_on(async {
        let node = Node::start(Options::quiet(data)).await?;
        let auditor = Auditor::of(&node)?;
        let receipt = tokio::task::spawn_blocking(move || auditor.receipt(&subject, id)).await;
        node.stop().await?;
        receipt.map_err(|_| Failure::new("the receipt broke off"))?
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    receipt?.ok_or_else(|| Failure::new(format!("{} has no reading named {}", args.subject, args.id)))
}

fn lines(receipt: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for revision in receipt["revisions"].as_array().into_iter().flatten() {
        let removal = if revision["removed"] == true { ", a removal" } else { "" };
        out.push(format!(
            "{} of {}, revision {}: {}{removal}",
            text(&receipt["id"]),
            text(&receipt["subject"]),
            revision["rev"],
            text(&revision["standing"])
        ));
        let journal = &revision["journal"];
        out.push(match journal["offset"].as_u64() {
            Some(offset) => {
                format!(
                    "  journal  {}  offset {offset}, in the group at {}, accepted {}",
                    text(&journal["weight"]),
                    journal["group"],
                    text(&journal["accepted"])
                )
            }
            None if revision["trimmed"] == true => "  journal  it is past its retention there".to_owned(),
            None => "  journal  it is not where the views say".to_owned(),
        });
        out.push(format!("  views    {}  {}", text(&revision["views"]["weight"]), text(&revision["views"]["table"])));
        let lake = revision["lake"].as_array().cloned().unwrap_or_default();
        for row in &lake {
            let place = match row["file"].as_str() {
                Some(file) => format!(
                    "{file}, row group {}, row {} ({} of {} row groups read)",
                    row["row_group"], row["row"], row["row_groups_read"], row["row_groups"]
                ),
                None => format!("{}, in memory; it lands soon", text(&row["table"])),
            };
            out.push(format!("  lake     {}  {place}", text(&row["weight"])));
        }
        let is_past = revision["past_retention"] == true;
        match (lake.is_empty(), is_past) {
            (true, true) => out.push("  lake     it is not there: past retention".to_owned()),
            (true, false) => out.push("  lake     it is not there".to_owned()),
            (false, true) => out.push("  lake     past retention: not answered any more, and to go from the file".to_owned()),
            (false, false) => {}
        }
    }
    out
}
