//! Embeds every file of `packs/` and `pages/`: a pack, or the page of a diagnostic, is shipped by putting it there, and by nothing else.

#![allow(clippy::disallowed_methods, reason = "cargo tells a build script by its environment where to work")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed("packs", "rules", "Pack", "name")?;
    embed("pages", "md", "Page", "code")
}

/// Writes the files of a folder as a list of `KIND { KEY, text }`.
fn embed(folder: &str, ending: &str, kind: &str, key: &str) -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    let from = Path::new(&root).join(folder);
    println!("cargo::rerun-if-changed={}", from.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == ending) {
            println!("cargo::rerun-if-changed={}", path.display());
            names.extend(path.file_stem().and_then(|n| n.to_str()).map(|name| (name.to_owned(), path.clone())));
        }
    }
    names.sort();
    let mut out = String::from("&[\n");
    for (name, path) in names {
        let _ = writeln!(out, "    {kind} {{ {key}: {name:?}, text: include_str!({path:?}) }},");
    }
    out.push(']');
    fs::write(Path::new(&target).join(format!("{folder}.rs")), out)
}
