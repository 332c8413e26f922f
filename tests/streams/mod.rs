//! The example streams of `examples/`, made from a seed: what is committed there is what comes out here, and a test compares them.
//!
//! Honest traffic by a generator of random numbers, and planted in it, by hand, what the rules are about. Set `VITALOG_WRITE` to write the files anew.

mod fleet;
mod property;
mod random;

use std::process::Command;

use crate::support::server::root;

/// A file as it should be. What is inside is compared: a packer may pack otherwise tomorrow.
fn is_as_generated(name: &str, lines: &[String]) {
    let path = root().join("examples").join(name);
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    if std::env::var_os("VITALOG_WRITE").is_some() {
        std::fs::write(path.with_extension(""), &text).expect("writable");
    }
    let held = Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip runs").stdout;
    assert!(
        held == text.as_bytes(),
        "{name} is not what its generator makes: run with VITALOG_WRITE=1, and pack it with `gzip -9n`"
    );
}

#[test]
fn the_example_streams_are_what_their_generators_make() {
    is_as_generated("property/week.ndjson.gz", &property::week());
    is_as_generated("fleet/week.ndjson.gz", &fleet::week());
}
