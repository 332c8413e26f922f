//! The spine measured from outside: the release binary, real HTTP, real disk. Each figure beside a bound measured in the same run.
//!
//! `cargo bench --bench spine` runs all; `-- ingest`, `-- singles`, `-- latency`, `-- visible` or `-- lake` one. Client and server share the machine's cores.

mod bound;
mod client;
mod ingest;
mod lake;
mod latency;
mod population;
mod server;
mod singles;
mod visible;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    println!("cores: {}", std::thread::available_parallelism().map_or(0, usize::from));
    if runs("ingest") {
        ingest::run();
    }
    if runs("singles") {
        singles::run();
    }
    if runs("lake") {
        lake::run();
    }
    if runs("latency") {
        latency::run();
    }
    if runs("visible") {
        visible::run();
    }
}
