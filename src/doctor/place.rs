//! Where a server runs: directory, disk, and what it is configured with.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, access};
use vitalog_cep::plan::Library;
use vitalog_rules::{Source, compile};

use super::Finding;
use crate::files;
use crate::run::free;

pub fn directory(data: &Path) -> Vec<Finding> {
    const ABOUT: &str = "directory";
    let Ok(found) = fs::metadata(data) else {
        let said = format!("{} is not there", data.display());
        return vec![Finding::wrong(ABOUT, said, "the first start of `vitalog serve` makes it; or name another with --data")];
    };
    if !found.is_dir() {
        return vec![Finding::wrong(ABOUT, format!("{} is no directory", data.display()), "name a directory with --data")];
    }
    let rights = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    if access(data, rights).is_err() {
        let said = format!("this user may not read and write {}", data.display());
        return vec![Finding::wrong(ABOUT, said, "run as the user of the service, or give the directory to this one (chown)")];
    }
    vec![match found.permissions().mode() & 0o077 {
        0 => Finding::sound(ABOUT, data.display().to_string()),
        _ => {
            let said = format!("others may look into {}: lake, views and snapshots are not sealed", data.display());
            Finding::odd(ABOUT, said, "chmod 700")
        }
    }]
}

pub fn disk(data: &Path, floor: u64) -> Option<Finding> {
    const ABOUT: &str = "disk";
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    Some(match free(data) {
        Err(error) => Finding::odd(ABOUT, format!("the disk does not say how much of it is free: {error}"), "look at it with df"),
        Ok(free) if free < floor => {
            let said = format!("{} are free, and no readings are taken with less than {}", mib(free), mib(floor));
            Finding::wrong(ABOUT, said, "free space on it, or choose a lower --free-space")
        }
        Ok(free) if free < floor.saturating_mul(4) => {
            Finding::odd(ABOUT, format!("only {} are free", mib(free)), "free space before readings are refused")
        }
        Ok(free) => Finding::sound(ABOUT, format!("{} are free", mib(free))),
    })
}

/// The lock, so that no server starts meanwhile; or that one runs. The file is not made.
pub fn hold(data: &Path) -> Result<Option<File>, Finding> {
    let Ok(lock) = File::open(data.join("lock")) else { return Ok(None) };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(_) => Err(Finding::sound(
            "server",
            "a server holds the directory: GET /readyz says how it is, and its files were not looked at",
        )),
    }
}

pub fn rules(dir: Option<&Path>) -> Option<Finding> {
    const ABOUT: &str = "rules";
    let remedy = "`vitalog check` says what is wrong with them";
    let paths: Vec<_> = dir.map(Path::to_owned).into_iter().collect();
    Some(match files::rules(&paths) {
        Err(error) => Finding::wrong(ABOUT, error.parts().0.to_owned(), remedy),
        Ok(read) => {
            let sources: Vec<Source> = read.iter().map(Source::from).collect();
            let compiled = compile(&sources, &Library::default());
            let wrong = compiled.diagnostics.iter().filter(|d| d.is_error()).count();
            match &compiled.library {
                Some(library) => Finding::sound(ABOUT, format!("{} rules of {} files", library.rules.len(), read.len())),
                None => Finding::wrong(ABOUT, format!("they do not compile: {wrong} errors"), remedy),
            }
        }
    })
}

pub fn webhooks(file: Option<&Path>) -> Option<Finding> {
    const ABOUT: &str = "webhooks";
    let Some(path) = file else {
        return Some(Finding::odd(
            ABOUT,
            "none are configured: nobody is told of anything",
            "give the file of webhooks with --webhooks",
        ));
    };
    let read = fs::read_to_string(path).map_err(|e| e.to_string());
    let parsed = read.and_then(|text| vitalog_notify::Config::parse(&text).map_err(|e| e.to_string()));
    Some(match parsed {
        Err(wrong) => Finding::wrong(ABOUT, format!("{}: {wrong}", path.display()), "see docs/webhooks.md for its form"),
        Ok(config) if config.endpoints.is_empty() => {
            Finding::odd(ABOUT, "the file has no endpoint: nobody is told of anything", "name one in it")
        }
        Ok(config) => Finding::sound(ABOUT, format!("{} endpoints", config.endpoints.len())),
    })
}
