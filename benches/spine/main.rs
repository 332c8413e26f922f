//! The spine measured from outside: the release binary, real HTTP, real disk. Each figure beside a bound measured in the same run.
//!
//! `cargo bench --bench spine` runs all; `-- ingest`, `-- singles`, `-- postgres` (the two with PostgreSQL beside them), `-- latency`, `-- visible` or `-- lake` one. Client and server share the machine's cores.
//! `-- hour` is run only where it is named: it takes one.

mod bound;
mod client;
mod hour;
mod ingest;
mod lake;
mod latency;
mod many;
mod population;
mod postgres;
mod readings;
mod server;
mod singles;
mod visible;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    println!("cores: {}", std::thread::available_parallelism().map_or(0, usize::from));
    let both = wanted.iter().any(|w| w == "postgres");
    if runs("ingest") || both {
        ingest::run();
    }
    if runs("singles") || both {
        singles::run();
    }
    if runs("postgres")
        && let Some(postgres) = postgres::start()
    {
        ingest::beside(&postgres);
        singles::beside(&postgres);
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
    if wanted.iter().any(|w| w == "hour") {
        hour::run();
    }
}
