//! `vitalog doctor`: everything about a data directory that can be told without changing it.
//!
//! What is wrong comes with what to do. *Wrong* is what keeps a server from starting, or from taking readings; *odd* is what a person should see. While a server holds the directory its files
//! are left alone: it tells of itself (`GET /readyz`).
//!
//! It repairs nothing, opens nothing for writing, and does not read the whole journal: `vitalog audit journal` does.

mod files;
mod place;
mod quotas;

use std::path::PathBuf;

use serde_json::{Value, json};

/// What is looked at.
pub struct Patient {
    pub data: PathBuf,
    pub rules: Option<PathBuf>,
    pub webhooks: Option<PathBuf>,
    /// In bytes.
    pub floor: u64,
}

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Sound,
    Odd,
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `directory`, `keys`, …
    pub about: &'static str,
    pub standing: Standing,
    pub said: String,
    /// What to do about it; empty where nothing is.
    pub remedy: String,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Standing::Sound => "sound",
            Standing::Odd => "odd",
            Standing::Wrong => "wrong",
        }
    }
}

impl Finding {
    fn sound(about: &'static str, said: impl Into<String>) -> Finding {
        Finding { about, standing: Standing::Sound, said: said.into(), remedy: String::new() }
    }

    fn odd(about: &'static str, said: impl Into<String>, remedy: &str) -> Finding {
        Finding { about, standing: Standing::Odd, said: said.into(), remedy: remedy.to_owned() }
    }

    fn wrong(about: &'static str, said: impl Into<String>, remedy: &str) -> Finding {
        Finding { about, standing: Standing::Wrong, said: said.into(), remedy: remedy.to_owned() }
    }

    pub fn as_json(&self) -> Value {
        json!({"about": self.about, "standing": self.standing.name(), "said": self.said, "remedy": self.remedy})
    }
}

/// Looks everything through.
pub fn examine(patient: &Patient) -> Vec<Finding> {
    let mut found = place::directory(&patient.data);
    if found.iter().any(|finding| finding.standing == Standing::Wrong) {
        return found;
    }
    found.extend(place::disk(&patient.data, patient.floor));
    found.extend(place::rules(patient.rules.as_deref()));
    found.extend(place::webhooks(patient.webhooks.as_deref()));
    found.extend(files::accounts(&patient.data));
    found.extend(files::keys(&patient.data));
    found.extend(files::partitions(&patient.data));
    found.extend(files::retention(&patient.data));
    match place::hold(&patient.data) {
        Ok(held) => {
            found.extend(files::contents(&patient.data));
            found.extend(quotas::quotas(&patient.data));
            drop(held);
        }
        Err(finding) => found.push(finding),
    }
    found
}
