//! Embeds the bundled days of `tests/data/t1d-uom/`, so that the demonstration needs nothing but the binary.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&root).join("tests/data/t1d-uom");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let mut out = String::from("&[\n");
    for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "gz")) {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let _ = writeln!(out, "    Bundled {{ name: {name:?}, gzip: include_bytes!({path:?}) }},");
    }
    out.push(']');
    let target = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&target).join("bundle.rs"), out)
}
