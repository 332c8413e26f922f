//! Jars: in the cache, each with the hash that is written down, or fetched there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// Jars that belong together.
pub struct Jars<'a> {
    /// Their folder's name in the cache.
    pub name: &'a str,
    /// One jar a line: its SHA-256, and its name.
    pub pinned: &'a str,
    /// Maven's file that names what to fetch.
    pub pom: &'a str,
}

const BROKER: Jars<'static> =
    Jars { name: "kafka-4.1.0", pinned: include_str!("../jars.sha256"), pom: concat!(env!("CARGO_MANIFEST_DIR"), "/pom.xml") };

/// The folder of the broker's jars, or why there is none. Asked once by a process.
pub fn installed() -> Result<&'static Path, &'static str> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(|| BROKER.find()).as_deref().map_err(String::as_str)
}

impl Jars<'_> {
    /// The folder that has them, or why there is none.
    ///
    /// # Errors
    /// Where there is no Java, or they can't be fetched as they are pinned.
    pub fn find(&self) -> Result<PathBuf, String> {
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !java.is_ok_and(|status| status.success()) {
            return Err("there is no java (17 or newer)".to_owned());
        }
        let home = cache().join(self.name);
        if verify(&home, self.pinned).is_ok() {
            return Ok(home);
        }
        fetch(&home, self)?;
        verify(&home, self.pinned)?;
        Ok(home)
    }
}

fn cache() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into())).join(".cache");
    given.unwrap_or_else(home).join("vitalog")
}

/// Fetched beside, and put in its place whole: another process may be at it too.
fn fetch(home: &Path, wanted: &Jars<'_>) -> Result<(), String> {
    let failed = |e: io::Error| format!("{}: {e}", home.display());
    let parent = home.parent().unwrap_or(home);
    fs::create_dir_all(parent).map_err(failed)?;
    let draft = tempfile::tempdir_in(parent).map_err(failed)?;
    let jars = draft.path().join("jars");
    let mvn = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file", wanted.pom, "dependency:copy-dependencies", "-DincludeScope=runtime"])
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
    verify(&jars, wanted.pinned)?;
    if home.exists() {
        fs::remove_dir_all(home).map_err(failed)?;
    }
    // Who was quicker has put the same there.
    fs::rename(&jars, home).or_else(|e| if home.exists() { Ok(()) } else { Err(failed(e)) })
}

/// Exactly the jars that are pinned.
fn verify(home: &Path, pinned: &str) -> Result<(), String> {
    for line in pinned.lines() {
        let (sum, name) = line.split_once("  ").ok_or("a list of pinned jars has a line that is none")?;
        let bytes = fs::read(home.join(name)).map_err(|e| format!("{name}: {e}"))?;
        if hex::encode(Sha256::digest(&bytes)) != sum {
            return Err(format!("{name} is not the file that is pinned"));
        }
    }
    let found = fs::read_dir(home).map_err(|e| format!("{}: {e}", home.display()))?.count();
    let pinned = pinned.lines().count();
    if found == pinned { Ok(()) } else { Err(format!("{} has {found} files, and {pinned} are pinned", home.display())) }
}
