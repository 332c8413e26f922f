//! `vitalog token`: who may come in.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use vitalog_ingest::access::{Scope, Tokens, mint};

use crate::cli::{Token, TokenAction};
use crate::failure::Failure;

/// Adds, lists or revokes.
///
/// # Errors
/// Where the file of tokens can't be read or written, or the id can't be one.
pub fn run(args: &Token) -> Result<(), Failure> {
    let path = args.data.join("tokens");
    let text = if path.is_file() { fs::read_to_string(&path)? } else { String::new() };
    match &args.action {
        TokenAction::Add { id, scopes } => add(&args.data, &path, &text, id, scopes),
        TokenAction::List => {
            for (id, scopes) in lines(&text) {
                say!("{id}  {scopes}");
            }
            Ok(())
        }
        TokenAction::Revoke { id } => {
            if !lines(&text).any(|(known, _)| known == id) {
                return Err(Failure::new(format!("{id} has no token")));
            }
            let kept: Vec<&str> = text.lines().filter(|line| line.split(':').next() != Some(id)).collect();
            replace(&path, &kept.iter().map(|line| format!("{line}\n")).collect::<String>())?;
            say!("revoked; a running server takes note at its next start");
            Ok(())
        }
    }
}

fn add(data: &Path, path: &Path, text: &str, id: &str, scopes: &[String]) -> Result<(), Failure> {
    fs::create_dir_all(data)?;
    let scopes: Vec<Scope> =
        scopes.iter().map(|word| Scope::parse(word).map_err(|e| Failure::usage(e.to_string()))).collect::<Result<_, _>>()?;
    let minted = mint(id, &scopes).map_err(|e| Failure::usage(e.to_string()))?;
    let changed = format!("{text}{}\n", minted.line);
    Tokens::parse(&changed).map_err(|e| Failure::usage(e.to_string()))?;
    replace(path, &changed)?;
    say!("{}", minted.token);
    eprintln!("it is shown this once; only its hash is kept");
    Ok(())
}

/// Readable by the owner only, and whole at every moment.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    Ok(())
}

fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        Some((parts.next()?, parts.nth(1)?))
    })
}
