//! How many readings a second one engine steps over on one core, through the doors that `serve` uses (`Engine::step_all`, an hour at a time; one by one in `live` and `steps`, and with `--horizon`): ids, outcomes, roll-back state and deadlines included.
//! Beside each single rule runs a loop written by hand for it alone, which must count the same; and after the timed part corrections in the middle of
//! history must come out right.
//!
//!     cargo bench -p vitalog-rules --bench engine -- [WHAT] [--subjects N] [--sensors N] [--days N] [--seed N] [--late PERCENT] [--upload MINUTES] [--hour N] [--horizon DAYS] [--rules N] [--slice N] [--runs N] [--json] [--write FILE]
//!
//! WHAT is a workload (`threshold`, `sequence`, `iteration`, `absence`, `window`), `singles`, `library`, `live`, `rules`, `windows`, `subjects`, `late` or `steps`; all
//! but `live` and `steps` if it is left out; with `--slice` the clock decides at most so many subjects at once; `--runs` measures `steps` so often; with `--rules` `rules` has so many alone. Every `--sensors`-th subject wears a glucose sensor. `--hour` is the hour of the day at which `live` is. With `--upload` devices send so often what they gathered. `--json` tells single workloads as the peers tell theirs, and `--write` writes
//! their readings for them (`benches/peers`).
//!
//! Time is the processor's of this thread, so that a busy machine counts as little as may be: it still shares caches and the way to the memory.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures, and is told by its command line what")]

mod beyond;
mod by_hand;
mod live;
mod revisions;
mod run;
mod uploads;
mod workloads;

#[path = "../../rules/examples/shared/clock.rs"]
mod clock;
#[path = "../../src/demo/population.rs"]
mod population;
#[path = "../../src/demo/post.rs"]
mod post;
#[path = "../spine/readings.rs"]
mod readings;

use std::io::Write as _;

use population::Population;
use revisions::first;
use run::{Options, START, compiled, report, single};
use vitalog_elog::{Span, Time};
use workloads::ALL;

fn main() {
    let mut what = Vec::new();
    let mut options = Options::default();
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    while let Some(arg) = args.next() {
        let mut number = |name: &str| {
            let value = args.next().unwrap_or_default();
            value.parse::<u64>().unwrap_or_else(|_| panic!("{name} takes a whole number, not {value:?}"))
        };
        match &*arg {
            "--subjects" => options.subjects = number("--subjects") as u32,
            "--sensors" => options.sensors = number("--sensors") as u32,
            "--days" => options.days = number("--days") as u32,
            "--seed" => options.seed = number("--seed"),
            "--late" => options.late = number("--late"),
            "--hour" => options.hour = number("--hour") as i64,
            "--upload" => options.upload = Some(number("--upload")),
            "--horizon" => options.horizon = Some(number("--horizon") as u32),
            "--rules" => options.rules = Some(number("--rules") as u32),
            "--slice" => options.slice = Some(number("--slice") as usize),
            "--runs" => options.runs = number("--runs") as u32,
            "--json" => options.json = true,
            "--write" => return write(&options, &args.next().expect("--write FILE")),
            name if !name.starts_with('-') => what.push(arg.clone()),
            other => panic!("{other:?} is not known: see the head of benches/engine/main.rs"),
        }
    }
    if what.is_empty() {
        what = ["singles", "library", "rules", "windows", "subjects", "late"].map(str::to_owned).to_vec();
    }
    println!("seed {}", options.seed);
    what.iter().for_each(|what| section(what, &options));
}

fn section(what: &str, options: &Options) {
    let library = || compiled(&workloads::library());
    let of = |text: String| compiled(&[("bench.rules".to_owned(), text)]);
    match what {
        "singles" => ALL.iter().for_each(|w| single(w, options)),
        "library" => report("the whole library", library(), options),
        "live" => live::run(&library(), options),
        "steps" => run::steps(&library(), options),
        "rules" => {
            for rules in options.rules.map_or(vec![1, 10, 40, 100, 1_000, 10_000], |rules| vec![rules]) {
                let fewer = Options { days: options.days.min(1.max(4_000 / rules)), ..*options };
                report(&format!("{rules} rules"), of(workloads::many(rules)), &fewer);
            }
        }
        "windows" => {
            let years = |n: i64| Span::days(365 * n);
            for (name, over) in [
                ("1 h", Span::hours(1)),
                ("1 d", Span::days(1)),
                ("30 d", Span::days(30)),
                ("1 a", years(1)),
                ("10 a", years(10)),
            ] {
                report(&format!("windows of {name}"), of(workloads::endless(over)), options);
            }
        }
        "subjects" => {
            for subjects in [1_000, 10_000, 100_000] {
                let days = (options.subjects * options.days / subjects).max(1);
                report(&format!("{subjects} subjects"), library(), &Options { subjects, days, ..*options });
            }
        }
        "late" => {
            for late in [0, 1, 10, 50] {
                report(&format!("{late} % late"), library(), &Options { late, ..*options });
            }
        }
        name => match ALL.iter().find(|w| w.name == name) {
            Some(workload) => single(workload, options),
            None => panic!("{name:?} is not known: see the head of benches/engine/main.rs"),
        },
    }
}

/// The readings of the single workloads as the peers read them.
fn write(options: &Options, path: &str) {
    let library = compiled(&[("bench.rules".to_owned(), ALL[0].text())]);
    let mut population = Population::new(&library.schema, options.subjects, options.sensors, START, options.seed);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).expect("a file that can be written"));
    for _ in 0..options.days * 24 {
        for (_, reading) in population.next_hour() {
            let (Some(content), Some(number)) = (&reading.content, reading.subject.as_str().strip_prefix("p-")) else { continue };
            let stream = library.schema.get(content.stream);
            let at = content.when.instant().map_or(0, |Time(at)| at);
            // A hundred thousand atoms are a mg/dL, a million a gram, a mmHg.
            let atoms = if &*stream.name == "bg" { 100_000 } else { 1_000_000 };
            let value = first(&reading).unwrap_or(0) / atoms;
            let number: u32 = number.parse().unwrap_or(0);
            writeln!(file, "{number},{},{at},{value}", stream.name).expect("written");
        }
    }
    file.flush().expect("written");
}
