//! What may not be in certain rooms: waiting outside `io/`, clocks and floats and walks over hash maps in the core, `unsafe` anywhere.

use super::source::words;
use super::{none, read, sources};

/// Crates whose outcome must not depend on when, where or how often they run.
const PURE: [&str; 3] = ["elog", "cep", "rules"];

/// What `clippy.toml` of each of them must ban, whole or by its methods, with a reason, so that the compiler keeps it.
const BANS: [&str; 5] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::thread::spawn",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

/// The rest of what the core must not name, which no lint knows.
const NOT_IN_CORE: [&str; 7] = ["std::time::", "std::fs", "std::net", "std::env", "getrandom", "Mutex", "static mut"];

#[test]
fn waiting_is_only_in_the_shell_and_in_io() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.is_test() && s.home() != "." && s.path != "build.rs") {
        if !source.path.starts_with(&format!("{}/src/io/", source.home())) {
            wrong.extend(source.find(|line| words(line, "async").next().is_some() || line.contains(".await")));
        }
    }
    none("async stands only in src/ and in each edge's io/", wrong);
}

/// Where `unsafe` may stand all the same, and why. Only tests may use that package.
const UNSAFE: [(&str, &str); 1] =
    [("ingest/disk/src/ffi.rs", "SQLite calls a VFS through C, and only a VFS can lose what was not synced")];

#[test]
fn unsafe_is_nowhere_else() {
    let excepted = |path: &str| UNSAFE.iter().any(|(file, _)| *file == path);
    let wrong = sources()
        .iter()
        .filter(|s| !excepted(&s.path))
        .flat_map(|s| s.find(|line| words(line, "unsafe").next().is_some()))
        .collect();
    none("unsafe is forbidden", wrong);
}

#[test]
fn the_compiler_keeps_clocks_and_hash_order_out_of_the_core() {
    let mut wrong = Vec::new();
    for home in PURE {
        let bans = read(&format!("{home}/clippy.toml"));
        for ban in BANS {
            let line = bans.lines().find(|line| line.contains(&format!("path = \"{ban}")));
            if !line.is_some_and(|line| line.contains("reason = \"")) {
                wrong.push(format!("{home}/clippy.toml does not ban {ban}, with a reason"));
            }
        }
    }
    for home in PURE.iter().filter(|home| !read(&format!("{home}/src/lib.rs")).contains("#![deny(clippy::iter_over_hash_type)]"))
    {
        wrong.push(format!("{home}/src/lib.rs does not deny loops over hash maps"));
    }
    none("the core's bans", wrong);
}

#[test]
fn the_core_names_no_clock_no_file_no_chance_and_no_lock() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.home()) && !s.is_test() && !s.path.ends_with("build.rs")) {
        for word in NOT_IN_CORE {
            wrong.extend(source.find(|line| line.contains(word)));
        }
    }
    none("a clock, a file, chance or a lock in the core", wrong);
}

/// Where a float may stand all the same, and why.
const FLOATS: [(&str, &str); 0] = [];

#[test]
fn there_is_no_float_in_the_core() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| ["elog", "cep"].contains(&s.home()) && !s.is_test()) {
        if !FLOATS.iter().any(|(path, _)| *path == source.path) {
            wrong.extend(source.find(|line| words(line, "f64").chain(words(line, "f32")).next().is_some()));
        }
    }
    none("no outcome may depend on rounding", wrong);
}

/// Where an edge may read the wall clock all the same, and why.
const CLOCKS: [(&str, &str); 1] =
    [("lakehouse/src/io/write.rs", "Delta's log dates its files, for clean-up by age; nothing is decided by it")];

/// The wall clock is read in the shell alone; edges get the time from it, or measure a wait.
#[test]
fn edges_are_given_the_time() {
    let mut wrong = Vec::new();
    let excepted = |path: &str| CLOCKS.iter().any(|(file, _)| *file == path);
    for source in sources().iter().filter(|s| !s.is_test() && s.home() != "." && !excepted(&s.path)) {
        wrong.extend(
            source
                .find(|line| line.contains("SystemTime::now") || line.contains("Timestamp::now") || line.contains("Zoned::now")),
        );
    }
    none("the wall clock is read only in src/", wrong);
}
