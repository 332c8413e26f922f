//! What a backup says of itself: which journal, up to where, and every file with its length and checksum.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use vitalog_elog::{Position, Time};

use super::draft::{Draft, Sum, sum};
use crate::failure::Failure;

const NAME: &str = "manifest.json";
/// Raised with every change of what is in a backup. From format 2 on files may lie in folders; a backup without any has the former.
const FORMAT: u32 = 2;

/// A backup's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// The version of the program that made it.
    program: String,
    /// When it was begun.
    pub made: String,
    incarnation: String,
    /// Everything before this offset is in it.
    pub position: u64,
    chain: String,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    bytes: u64,
    blake3: String,
}

/// As it is written: the description, and its own checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    manifest: Manifest,
    blake3: String,
}

impl Manifest {
    pub fn new(made: Time, position: &Position, files: Vec<(String, Sum)>) -> Manifest {
        Manifest {
            format: if files.iter().any(|(name, _)| name.contains('/')) { FORMAT } else { 1 },
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made: made.to_string(),
            incarnation: format!("{:032x}", position.incarnation),
            position: position.next,
            chain: hex::encode(position.chain),
            files: files.into_iter().map(|(name, Sum { bytes, blake3 })| Listed { name, bytes, blake3 }).collect(),
        }
    }

    /// The bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Every file's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }

    /// Whether a journal that ends there is the one that was backed up.
    pub fn is_of(&self, end: &Position) -> bool {
        self.incarnation == format!("{:032x}", end.incarnation)
            && self.position == end.next
            && self.chain == hex::encode(end.chain)
    }

    /// What was said of a file against what was read of it.
    ///
    /// # Errors
    /// Where they differ, with the file's name.
    pub fn check(&self, name: &str, found: &Sum) -> Result<(), Failure> {
        let listed = self.files.iter().find(|file| file.name == name);
        match listed {
            Some(file) if file.bytes != found.bytes => {
                Err(damaged(&format!("{name} has {} bytes, and had {}", found.bytes, file.bytes)))
            }
            Some(file) if file.blake3 != found.blake3 => {
                Err(damaged(&format!("{name} is not what was written: its checksum does not fit")))
            }
            Some(_) => Ok(()),
            None => Err(damaged(&format!("{name} is not in it"))),
        }
    }

    pub fn write(&self, draft: &Draft) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::new(format!("cannot write {NAME}: {e}"));
        fs::write(draft.file(NAME), self.text()).map_err(failed)
    }

    /// Reads that of a backup, and refuses one that is not as it was written, to the byte.
    ///
    /// # Errors
    /// Where there is none, it is damaged, or of another format.
    pub fn read(backup: &Path) -> Result<Manifest, Failure> {
        let path = backup.join(NAME);
        let text = fs::read(&path).map_err(|e| {
            Failure::usage(format!("{} is no backup: {}: {e}", backup.display(), path.display()))
                .hint("name a directory that `vitalog backup` made")
        })?;
        let sealed: Sealed = serde_json::from_slice(&text).map_err(|e| damaged(&format!("{NAME} can't be read: {e}")))?;
        let manifest = sealed.manifest;
        if manifest.format > FORMAT {
            return Err(Failure::new(format!(
                "the backup has format {}, and this program knows formats up to {FORMAT}",
                manifest.format
            ))
            .hint("restore it with the program that made it, or a later one"));
        }
        if manifest.text().as_bytes() != text {
            return Err(damaged(&format!("{NAME} is not what was written: its checksum does not fit")));
        }
        let is_plain = |name: &str| {
            let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            !name.is_empty() && inside && !name.ends_with('/')
        };
        if let Some(name) = manifest.names().find(|name| !is_plain(name)) {
            return Err(damaged(&format!("{NAME} names {name:?}, which is no file of a backup")));
        }
        Ok(manifest)
    }

    /// Reads every file of a backup and compares.
    ///
    /// # Errors
    /// The first that is missing or differs.
    pub fn verify(&self, backup: &Path) -> Result<(), Failure> {
        for name in self.names() {
            let found = sum(&backup.join(name)).map_err(|e| damaged(&format!("{name} can't be read: {e}")))?;
            self.check(name, &found)?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        // Structs of strings and numbers can't fail to be written.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let sealed = Sealed { manifest: self.clone(), blake3: blake3::hash(&body).to_hex().to_string() };
        serde_json::to_string_pretty(&sealed).unwrap_or_default() + "\n"
    }
}

fn damaged(what: &str) -> Failure {
    Failure::new(format!("the backup is damaged: {what}"))
        .hint("restore another backup, or copy this one again from where it was made")
}
