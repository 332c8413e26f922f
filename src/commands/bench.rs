//! `vitalog bench`: how fast this machine decides, under any rules, on a population made up for it.
//!
//! Readings go the way they go in `serve`, from the hand-over of a journaled group to what sinks are given: partitions, workers, collector and notifier. Left out are the door, the journal and the
//! sinks. An eighth of the groups goes by itself, reading by reading, and each step is timed; they do not count in the rate, for what comes together a server goes through by subject. It writes no file.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use vitalog_cep::driver::PARTITIONS;
use vitalog_cep::plan::Library;
use vitalog_elog::input::RuleChange;
use vitalog_elog::{Change, Entry, Input, Record, Schema, Time};

use super::backtest::{library, peak_memory_bytes};
use crate::cli::{Bench, Format};
use crate::demo::population::Population;
use crate::demo::post::{Post, START};
use crate::failure::Failure;
use crate::files;
use crate::output::grouped;
use crate::run::{Mind, QUEUE, Spread, cores};

/// Readings that are accepted together.
const GROUP: usize = 1_000;
/// Readings that are made before the next stretch is timed, at least.
const STRETCH: usize = 50_000;
/// One in so many groups is timed step by step.
const STEPPED: usize = 8;

/// # Errors
/// Where the rules can't be read or do not compile, or declare no stream that the population speaks of.
pub fn run(args: &Bench) -> Result<(), Failure> {
    let library = library(&args.rules, &Library::default(), args.format)?;
    let workers = args.workers.map_or_else(cores, usize::from).min(PARTITIONS as usize);
    let mut course = Course::new(workers)?;
    let change = RuleChange { effective: Time::MIN, files: files::rules(&args.rules)?, by: None };
    course.groups(&[vec![Arc::new(Entry { arrival: START, input: Input::Rules(change) })]])?;
    let mut measured = Measured::default();
    let mut population = Population::new(&library.schema, args.subjects, 1, START, args.seed);
    let mut post = Post::new(u64::from(args.late), args.seed);
    let mut hours = args.days * 24;
    while hours > 0 {
        let mut stretch = Vec::new();
        while hours > 0 && stretch.len() < STRETCH {
            stretch.extend(post.deliver(population.next_hour()));
            hours -= 1;
        }
        let groups = stretch.chunks(GROUP).map(|some| {
            let arrival = some.last().map_or(START, |(at, _)| *at);
            some.iter().map(|(_, reading)| Arc::new(Entry { arrival, input: Input::Reading(reading.clone()) })).collect()
        });
        let groups: Vec<Vec<Arc<Entry>>> = groups.collect();
        drop(stretch);
        course.measure(&groups, &mut measured)?;
    }
    if measured.readings == 0 {
        return Err(Failure::usage("the rules declare no stream that the population has readings of")
            .hint("declare one of bg, carbs, medication, bp, exercise, sleep, device, or `use health`"));
    }
    print(args, &library, workers, &measured);
    Ok(())
}

/// A mind on its way.
struct Course {
    mind: Mind,
    next: u64,
}

impl Course {
    fn new(workers: usize) -> Result<Course, Failure> {
        let spread = Spread { partitions: PARTITIONS, workers, beyond: None };
        Ok(Course { mind: Mind::new(vitalog_notify::Config::silent(), spread)?, next: 0 })
    }

    /// Some step by step, the others as a server has them. Whoever gives them keeps them, so that to free them is not timed, nor was it to make them.
    fn measure(&mut self, groups: &[Vec<Arc<Entry>>], measured: &mut Measured) -> Result<(), Failure> {
        let count = |groups: &[Vec<Arc<Entry>>]| groups.iter().map(|group| group.len() as u64).sum::<u64>();
        let (stepped, others) = groups.split_at(groups.len().div_ceil(STEPPED));
        measured.readings += count(groups);
        self.mind.router.timed = true;
        let began = Instant::now();
        measured.findings += self.groups(stepped)?;
        measured.steps.add(&std::mem::take(&mut self.mind.collector.took));
        if others.is_empty() {
            measured.count(count(stepped), began.elapsed());
        }
        self.mind.router.timed = false;
        let began = Instant::now();
        measured.findings += self.groups(others)?;
        measured.count(count(others), began.elapsed());
        Ok(())
    }

    /// Steps groups, some under way at a time, and says how many findings opened.
    fn groups(&mut self, groups: &[Vec<Arc<Entry>>]) -> Result<u64, Failure> {
        let mut opened = 0;
        let mut under_way = VecDeque::new();
        for group in groups {
            let first = self.next;
            self.next += group.len() as u64;
            let entry = |offset: u64, _: &Schema| Ok(group[(offset - first) as usize].clone());
            under_way.push_back(self.mind.give(first..self.next, entry)?);
            if under_way.len() == QUEUE
                && let Some(ticket) = under_way.pop_front()
            {
                opened += count(&self.mind.take(&ticket)?);
            }
        }
        for ticket in under_way {
            opened += count(&self.mind.take(&ticket)?);
        }
        Ok(opened)
    }
}

fn count(records: &[Record]) -> u64 {
    records.iter().flat_map(Record::changes).filter(|c| c.change == Change::Opened).count() as u64
}

#[derive(Default)]
struct Measured {
    readings: u64,
    findings: u64,
    /// Of those that the rate is told by, and how long they took.
    counted: u64,
    took: Duration,
    steps: Steps,
}

impl Measured {
    fn count(&mut self, readings: u64, took: Duration) {
        self.counted += readings;
        self.took += took;
    }
}

/// Nanoseconds of steps, counted in classes a sixteenth of their size wide, so that they take no memory to speak of.
#[derive(Default)]
struct Steps {
    classes: Vec<u64>,
    count: u64,
    max: u32,
}

impl Steps {
    fn add(&mut self, took: &[u32]) {
        for &ns in took {
            let class = class_of(ns);
            if self.classes.len() <= class {
                self.classes.resize(class + 1, 0);
            }
            self.classes[class] += 1;
            self.count += 1;
            self.max = self.max.max(ns);
        }
    }

    /// Microseconds within which so many of a thousand steps were done.
    fn within(&self, of_a_thousand: u64) -> f64 {
        let wanted = (self.count * of_a_thousand).div_ceil(1_000);
        let mut seen = 0;
        let class = self.classes.iter().position(|n| {
            seen += n;
            seen >= wanted
        });
        class.map_or(0.0, |class| f64::from(end_of(class).min(self.max)) / 1e3)
    }
}

fn class_of(ns: u32) -> usize {
    let shift = (28 - ns.leading_zeros().min(28)).saturating_sub(1);
    (shift * 16 + (ns >> shift)) as usize
}

/// The greatest number of a class.
fn end_of(class: usize) -> u32 {
    let class = class as u32;
    let shift = (class / 16).saturating_sub(1);
    let first = u64::from(class - shift * 16) << shift;
    u32::try_from(first + (1 << shift) - 1).unwrap_or(u32::MAX)
}

fn print(args: &Bench, library: &Library, workers: usize, measured: &Measured) {
    let seconds = measured.took.as_secs_f64();
    let rate = (measured.counted as f64 / seconds.max(1e-9)) as u64;
    let peak = peak_memory_bytes().unwrap_or(0);
    let [p50, p99] = [500, 990].map(|part| measured.steps.within(part));
    let max = f64::from(measured.steps.max) / 1e3;
    match args.format {
        Format::Json => say!(
            "{}",
            json!({"rules": library.rules.len(), "subjects": args.subjects, "days": args.days, "workers": workers,
                "late_percent": args.late, "seed": args.seed, "readings": measured.readings, "findings": measured.findings,
                "seconds": seconds, "readings_per_second": rate, "step_p50_us": p50, "step_p99_us": p99, "step_max_us": max,
                "peak_memory_bytes": peak})
        ),
        Format::Text => {
            say!(
                "{} rules, {} subjects, {} days, {} % late, {workers} {}, seed {}",
                library.rules.len(),
                grouped(u64::from(args.subjects)),
                args.days,
                args.late,
                if workers == 1 { "worker" } else { "workers" },
                args.seed
            );
            say!(
                "{} readings, {} findings, {seconds:.3} s in the engine, {} readings/s, {} MB at the peak",
                grouped(measured.readings),
                grouped(measured.findings),
                grouped(rate),
                peak / 1_000_000
            );
            say!("a step: p50 {p50:.1} us, p99 {p99:.1} us, max {max:.1} us");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_a_class_that_ends_a_sixteenth_above_it_at_most() {
        for ns in (0..200_000).chain([1 << 24, (1 << 24) + 1, u32::MAX - 1, u32::MAX]) {
            let end = end_of(class_of(ns));
            assert!(end >= ns && u64::from(end) <= u64::from(ns) + u64::from(ns) / 16, "{ns} is in a class up to {end}");
        }
    }

    #[test]
    fn so_many_of_a_thousand_were_done_within() {
        let mut steps = Steps::default();
        steps.add(&(1..=1_000).map(|us| us * 1_000).collect::<Vec<_>>());
        assert!((500.0..=532.0).contains(&steps.within(500)), "{}", steps.within(500));
        assert!((990.0..=1_000.0).contains(&steps.within(990)), "{}", steps.within(990));
        assert_eq!(steps.within(1_000), 1_000.0);
        assert_eq!(Steps::default().within(500), 0.0);
    }
}
