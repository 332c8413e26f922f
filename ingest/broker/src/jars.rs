//! The broker's jars: in the cache, each with the hash that is written down, or fetched there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// One jar a line: its SHA-256, and its name.
const PINNED: &str = include_str!("../jars.sha256");
/// Names what to fetch.
const POM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pom.xml");

/// The folder of jars, or why there is none. Asked once by a process.
pub fn installed() -> Result<&'static Path, &'static str> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(find).as_deref().map_err(String::as_str)
}

fn find() -> Result<PathBuf, String> {
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !java.is_ok_and(|status| status.success()) {
        return Err("there is no java (17 or newer)".to_owned());
    }
    let home = cache().join("kafka-4.1.0");
    if verify(&home).is_ok() {
        return Ok(home);
    }
    fetch(&home)?;
    verify(&home)?;
    Ok(home)
}

fn cache() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    given.unwrap_or_else(home).join("vitalog")
}

/// Fetched beside, and put in its place whole: another process may be at it too.
fn fetch(home: &Path) -> Result<(), String> {
    let failed = |e: io::Error| format!("{}: {e}", home.display());
    let parent = home.parent().unwrap_or(home);
    fs::create_dir_all(parent).map_err(failed)?;
    let draft = tempfile::tempdir_in(parent).map_err(failed)?;
    let jars = draft.path().join("jars");
    let mvn = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file", POM, "dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .stdin(Stdio::null())
        .output();
    match mvn {
        Err(error) => return Err(format!("mvn: {error}")),
        Ok(out) if !out.status.success() => {
            return Err(format!("mvn could not fetch them: {}", String::from_utf8_lossy(&out.stdout).trim()));
        }
        Ok(_) => {}
    }
    verify(&jars)?;
    if home.exists() {
        fs::remove_dir_all(home).map_err(failed)?;
    }
    // Who was quicker has put the same there.
    fs::rename(&jars, home).or_else(|e| if home.exists() { Ok(()) } else { Err(failed(e)) })
}

/// Exactly the jars that are pinned.
fn verify(home: &Path) -> Result<(), String> {
    for line in PINNED.lines() {
        let (sum, name) = line.split_once("  ").ok_or("jars.sha256 has a line that is none")?;
        let bytes = fs::read(home.join(name)).map_err(|e| format!("{name}: {e}"))?;
        if hex::encode(Sha256::digest(&bytes)) != sum {
            return Err(format!("{name} is not the file that is pinned"));
        }
    }
    let found = fs::read_dir(home).map_err(|e| format!("{}: {e}", home.display()))?.count();
    let pinned = PINNED.lines().count();
    if found == pinned { Ok(()) } else { Err(format!("{} has {found} files, and {pinned} are pinned", home.display())) }
}
