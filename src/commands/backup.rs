//! `vitalog backup` and `vitalog restore`.

use reqwest::Method;
use serde_json::Value;

use super::remote::{Question, Remote};
use crate::backup::{BackupMade, Held, make, restore};
use crate::cli::{Backup, Format, Restore};
use crate::failure::Failure;
use crate::output::grouped;
use crate::run::clock;

/// Makes a backup of a directory that no server holds, or has a server make one.
///
/// # Errors
/// Where none could be made.
pub fn run(args: &Backup) -> Result<(), Failure> {
    let made = match (&args.data, &args.to, &args.url) {
        (Some(data), Some(to), None) => {
            let made = make(&Held::open(data)?, to, args.keys.as_deref(), clock::wall())?;
            serde_json::to_value(BackupMade::from(&made)).map_err(|e| Failure::new(e.to_string()))?
        }
        (None, None, Some(url)) => Remote { url, token: args.token.as_deref() }.ask(Question {
            method: Method::POST,
            path: &["backups"],
            ..Question::default()
        })?,
        _ => {
            return Err(Failure::usage("say what to back up, and where to").hint(
                "--data DIR --to DIR, of a directory that no server holds; --url URL, where a server runs with --backups",
            ));
        }
    };
    match args.format {
        Format::Json => say!("{made}"),
        Format::Text => said(&made),
    }
    Ok(())
}

fn said(made: &Value) {
    let number = |key: &str| grouped(made[key].as_u64().unwrap_or_default());
    let text = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
    say!("{}: everything before offset {}, {} bytes", text("path"), number("position"), number("bytes"));
    match made["keys"].as_str() {
        None => say!(
            "the keys are not in it: copy keys.db and the key-encryption key to another place (--keys), and keep only their newest copy"
        ),
        Some(keys) if made["kek"] == false => {
            say!("{keys}: the keys; the key-encryption key comes from outside, and is to be kept there")
        }
        Some(keys) => say!("{keys}: the keys, in the place of their former copy"),
    }
}

/// Puts a backup back into a directory that is not there yet.
///
/// # Errors
/// Where it is not what was backed up, or can't be put there.
pub fn restored(args: &Restore) -> Result<(), Failure> {
    let restored = restore(&args.from, &args.to, args.keys.as_deref(), clock::wall())?;
    let (manifest, audit) = (&restored.manifest, &restored.audit);
    let with_keys = audit.keys.is_some();
    match args.format {
        Format::Json => say!(
            "{}",
            serde_json::json!({"path": args.to.display().to_string(), "position": manifest.position, "inputs": audit.inputs,
                "groups": audit.groups, "made": manifest.made, "keys": with_keys})
        ),
        Format::Text => {
            say!("{}: {} inputs, as they were on {}", args.to.display(), grouped(audit.inputs), manifest.made);
            if !with_keys {
                say!("its keys are missing, and no seal was tried: put keys.db and the key-encryption key there before a start");
            }
            say!("the next start makes everything else from them; what came after the backup has to be sent again");
        }
    }
    Ok(())
}
