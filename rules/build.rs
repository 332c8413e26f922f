//! Embeds every file of `packs/`: a pack is shipped by putting it there, and by nothing else.

#![allow(clippy::disallowed_methods, reason = "cargo tells a build script by its environment where to work")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&root).join("packs");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rules") {
            println!("cargo::rerun-if-changed={}", path.display());
            names.extend(path.file_stem().and_then(|n| n.to_str()).map(|name| (name.to_owned(), path.clone())));
        }
    }
    names.sort();
    let mut out = String::from("&[\n");
    for (name, path) in names {
        let _ = writeln!(out, "    Pack {{ name: {name:?}, text: include_str!({path:?}) }},");
    }
    out.push(']');
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&target).join("packs.rs"), out)
}
