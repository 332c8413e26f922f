//! One run: an engine under a library, a population, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use vitalog_cep::plan::Library;
use vitalog_cep::{Engine, EngineInput, FORESIGHT, Told, nothing_cut};
use vitalog_elog::{Change, Effect, FindingKind, Reading, Span, Time};
use vitalog_rules::{Source, compile};

use crate::beyond::Beyond;
use crate::by_hand::Kept;
use crate::clock::Clock;
use crate::population::Population;
use crate::post::Post;
pub use crate::post::START;
use crate::revisions::{amended, removed};
use crate::uploads::Uploads;
use crate::workloads::Workload;

/// Of how many subjects all readings are kept, to correct them afterwards.
const KEPT: usize = 20;

/// Readings between two looks at the clock, at least.
const BATCH: usize = 2_000;

#[derive(Clone, Copy)]
pub struct Options {
    pub subjects: u32,
    /// Every so many wears a sensor.
    pub sensors: u32,
    pub days: u32,
    pub seed: u64,
    /// Of a hundred readings so many come late, by up to a day.
    pub late: u64,
    /// Of the day, at which `live` is.
    pub hour: i64,
    /// Devices send every so many minutes what they gathered; `None`: at once.
    pub upload: Option<u64>,
    /// How late readings may be that need nothing put back; `None`: the engine keeps all.
    pub horizon: Option<u32>,
    /// So many rules on glucose; `None`: several numbers of them in turn.
    pub rules: Option<u32>,
    /// So many subjects at most are decided at once because the clock reached something; `None`: all.
    pub slice: Option<usize>,
    /// How often steps are measured.
    pub runs: u32,
    /// Single workloads are told as JSON.
    pub json: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            subjects: 500,
            sensors: 1,
            days: 14,
            seed: 20_261_120,
            late: 0,
            hour: 12,
            upload: None,
            horizon: None,
            rules: None,
            slice: None,
            runs: 1,
            json: false,
        }
    }
}

/// What a run found and took.
pub struct Ran {
    pub engine: Engine,
    pub readings: u64,
    pub changes: u64,
    pub opened: u64,
    pub took: Duration,
    pub by_hand: Duration,
    /// Of the first subjects.
    pub kept: BTreeMap<String, Vec<Reading>>,
    pub now: Time,
}

pub fn compiled(files: &[(String, String)]) -> Arc<Library> {
    let sources: Vec<Source> =
        files.iter().map(|(name, text)| Source { name: name.as_str().into(), text: text.as_str().into() }).collect();
    let compiled = compile(&sources, &Library::default());
    let errors: Vec<_> = compiled.diagnostics.iter().filter(|d| d.level() == vitalog_rules::Level::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    Arc::new(compiled.library.expect("a library without errors"))
}

/// What a population sends, some hours at a time.
fn batches<'l>(library: &'l Library, options: &'l Options) -> impl Iterator<Item = Vec<(Time, Reading)>> + use<'l> {
    let mut population = Population::new(&library.schema, options.subjects, options.sensors, START, options.seed);
    let mut post = Post::new(options.late, options.seed);
    let mut uploads = Uploads::new(&library.schema, options.upload);
    let mut hours = options.days * 24;
    std::iter::from_fn(move || {
        let mut batch = Vec::new();
        while hours > 0 && batch.len() < BATCH {
            batch.extend(uploads.deliver(post.deliver(population.next_hour())));
            hours -= 1;
        }
        Some(batch).filter(|batch| hours > 0 || !batch.is_empty())
    })
}

/// Steps an engine over a population; `by_hand` sees the same.
pub fn run(library: &Arc<Library>, options: &Options, by_hand: &mut dyn FnMut(&Reading)) -> Ran {
    let mut effects = Vec::new();
    let mut told = Told::default();
    let mut ran = Ran {
        engine: Engine::new(),
        readings: 0,
        changes: 0,
        opened: 0,
        took: Duration::ZERO,
        by_hand: Duration::ZERO,
        kept: BTreeMap::new(),
        now: START,
    };
    ran.engine.set_slice(options.slice);
    let mut beyond = Beyond::new(options.horizon, &mut ran.engine);
    ran.engine.step(0, START, EngineInput::Library { effective: Time::MIN, library: library.clone() }, &mut effects);
    effects.clear();
    for batch in batches(library, options) {
        let together: Vec<(Time, &Reading)> = batch.iter().map(|(arrival, reading)| (*arrival, reading)).collect();
        let begin = Clock::now();
        if options.horizon.is_none() {
            ran.readings += batch.len() as u64;
            ran.engine.step_all(&together, &mut told, &mut nothing_cut).expect("it keeps all");
            told.changes().for_each(|effect| count(effect, &mut ran.changes, &mut ran.opened));
        } else {
            for (place, (arrival, reading)) in batch.iter().enumerate() {
                if place % FORESIGHT == 0 && ran.engine.has_foresight() {
                    ran.engine.foresee(batch[place..].iter().map(|(_, reading)| reading));
                }
                ran.readings += 1;
                beyond.step(&mut ran.engine, ran.readings, *arrival, EngineInput::Reading(reading), &mut effects);
                effects.drain(..).for_each(|effect| count(&effect, &mut ran.changes, &mut ran.opened));
            }
        }
        ran.took += begin.elapsed().saturating_sub(std::mem::take(&mut beyond.elsewhere));
        let begin = Clock::now();
        batch.iter().for_each(|(_, reading)| by_hand(reading));
        ran.by_hand += begin.elapsed();
        for (arrival, reading) in batch {
            ran.now = ran.now.max(arrival);
            if ran.kept.len() < KEPT || ran.kept.contains_key(reading.subject.as_str()) {
                ran.kept.entry(reading.subject.as_str().to_owned()).or_default().push(reading);
            }
        }
    }
    beyond.print(&ran.engine);
    ran
}

fn count(effect: &Effect, changes: &mut u64, opened: &mut u64) {
    let Effect::Finding(change) = effect else { return };
    *changes += 1;
    *opened += u64::from(change.change == Change::Opened);
}

/// How many readings a second a loop keeps by subject that does nothing else. It has a run of its own: what it keeps would take the place of what the engine does in the caches.
fn keeping(library: &Library, options: &Options) -> f64 {
    let (mut kept, mut took) = (Kept::default(), Duration::ZERO);
    for batch in batches(library, options) {
        let begin = Clock::now();
        batch.iter().for_each(|(_, reading)| kept.put(reading));
        took += begin.elapsed();
    }
    rate(kept.len(), took)
}

/// A rule, and the loop by hand beside it.
pub fn single(workload: &Workload, options: &Options) {
    let library = compiled(&[("bench.rules".to_owned(), workload.text())]);
    let mut by_hand = (workload.by_hand)();
    let mut ran = run(&library, options, &mut |reading| by_hand.step(reading));
    let counted = by_hand.matches(ran.now);
    let ours = ran.opened;
    let (rate, bound) = (rate(ran.readings, ran.took), rate(ran.readings, ran.by_hand));
    if options.json {
        println!(
            r#"{{"peer":"vitalog","workload":"{}","readings":{},"matches":{ours},"cpu_seconds":{:.3},"readings_per_second":{rate:.0},"by_hand":{bound:.0},"peak_rss_mb":{}}}"#,
            workload.name,
            ran.readings,
            ran.took.as_secs_f64(),
            peak_mb(),
        );
    } else {
        print(workload.name, &library, ran.readings, ran.changes, ran.took);
        println!(
            "    by hand {bound:>11.0} readings/s: the engine reaches {:.2} of it; {ours} matches, by hand {counted}",
            rate / bound
        );
        let keeping = keeping(&library, options);
        println!("    to keep them alone {keeping:>11.0} readings/s: the engine reaches {:.2} of it", rate / keeping);
    }
    assert_eq!(ours, counted, "{}: the engine and the loop by hand must agree", workload.name);
    let (compared, different) = correct(workload, &library, &mut ran);
    if !options.json {
        println!(
            "    corrected in the middle of {} subjects' history: {compared} matches as by hand, {different} subjects with another number",
            ran.kept.len()
        );
    }
}

/// Corrects the middle of some subjects' history, and compares what stands with the loop over the corrected readings.
fn correct(workload: &Workload, library: &Library, ran: &mut Ran) -> (u64, u64) {
    let place = library.schema.streams.iter().position(|s| &*s.name == workload.stream);
    let mut effects = Vec::new();
    let (mut compared, mut different) = (0_u64, 0_u64);
    for readings in ran.kept.values_mut() {
        let before = standing(&ran.engine, readings);
        let ours: Vec<usize> = (0..readings.len())
            .filter(|i| readings[*i].content.as_ref().is_some_and(|c| Some(usize::from(c.stream.0)) == place))
            .collect();
        let middle = ours.len() / 2;
        // Thirteen in a row are no longer there, the next three are another number.
        let gone = if workload.name == "absence" { 13.min(ours.len() / 3) } else { 0 };
        let digits = if workload.stream == "bp" { 150 } else { 65 };
        for (n, &i) in ours.iter().skip(middle).take(gone + 3).enumerate() {
            let revision = if n < gone { removed(&readings[i]) } else { amended(&readings[i], workload.stream, digits) };
            ran.engine.step(0, ran.now, EngineInput::Reading(&revision), &mut effects);
            readings[i] = revision;
        }
        let mut by_hand = (workload.by_hand)();
        readings.iter().for_each(|r| by_hand.step(r));
        let after = standing(&ran.engine, readings);
        assert_eq!(after, by_hand.matches(ran.now), "{}: {} after a correction", workload.name, readings[0].subject.as_str());
        compared += after;
        different += u64::from(after != before);
    }
    (compared, different)
}

fn standing(engine: &Engine, readings: &[Reading]) -> u64 {
    let Some(first) = readings.first() else { return 0 };
    engine.findings().iter().filter(|f| f.subject == first.subject).count() as u64
}

pub fn report(name: &str, library: Arc<Library>, options: &Options) {
    let ran = run(&library, options, &mut |_| {});
    print(name, &library, ran.readings, ran.changes, ran.took);
}

pub fn print(name: &str, library: &Library, readings: u64, changes: u64, took: Duration) {
    let rate = rate(readings, took);
    println!(
        "{name:<20} {rate:>11.0} readings/s ({:.0} ns each): {readings} readings, {} rules, {changes} changes of findings; {} MB at the peak",
        1e9 / rate,
        library.rules.len(),
        peak_mb(),
    );
}

fn rate(readings: u64, took: Duration) -> f64 {
    readings as f64 / took.as_secs_f64()
}

/// How long single steps take, by the processor of this thread and by the wall, which other processes have their turns in; of the slowest it is told what they did. With several runs it is the least
/// of them for each step: all do the same, and what else the machine does falls on other steps each time.
pub fn steps(library: &Arc<Library>, options: &Options) {
    let mut steps = Steps::default();
    for _ in 0..options.runs.max(1) {
        steps.run(library, options);
    }
    let Steps { took, by_wall, lag, .. } = &steps;
    println!(
        "{} steps of the whole library, {} % late, slices of {}, the least of {} runs; a schedule was told {:.1} s after it fired at most",
        took.len(),
        options.late,
        options.slice.map_or("all".to_owned(), |n| n.to_string()),
        options.runs.max(1),
        lag.0 as f64 / 1e6,
    );
    for (name, took) in [("processor", took), ("wall", by_wall)] {
        let mut took = took.clone();
        took.sort_unstable();
        let at = |part: f64| f64::from(took[((took.len() - 1) as f64 * part) as usize]) / 1e3;
        let [p50, p99, p999, p9999, max] = [0.5, 0.99, 0.999, 0.9999, 1.0].map(at);
        println!("  {name:<9} p50 {p50:.1} us, p99 {p99:.1} us, p99.9 {p999:.1} us, p99.99 {p9999:.1} us, max {max:.1} us");
    }
    let mut slowest: Vec<(u32, &String)> = steps.doings.iter().map(|(step, what)| (took[*step], what)).collect();
    slowest.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
    for (took, what) in slowest.into_iter().take(SLOWEST) {
        println!("    {:>9.1} us  {what}", f64::from(took) / 1e3);
    }
}

/// Of so many of the slowest steps it is told what they did; and of whom it is noted.
const SLOWEST: usize = 8;
const NOTED: u32 = 500_000;

#[derive(Default)]
struct Steps {
    took: Vec<u32>,
    by_wall: Vec<u32>,
    /// What steps did that took long in any run.
    doings: BTreeMap<usize, String>,
    lag: Span,
}

impl Steps {
    fn run(&mut self, library: &Arc<Library>, options: &Options) {
        let mut population = Population::new(&library.schema, options.subjects, options.sensors, START, options.seed);
        let mut post = Post::new(options.late, options.seed);
        let mut engine = Engine::new();
        engine.set_slice(options.slice);
        let mut effects = Vec::new();
        engine.step(0, START, EngineInput::Library { effective: Time::MIN, library: library.clone() }, &mut effects);
        effects.clear();
        let mut step = 0;
        for _ in 0..options.days * 24 {
            for (arrival, reading) in post.deliver(population.next_hour()) {
                let (wall, begin) = (Instant::now(), Clock::now());
                engine.step(0, arrival, EngineInput::Reading(&reading), &mut effects);
                let took = nanoseconds(begin.elapsed());
                let by_wall = nanoseconds(wall.elapsed());
                if step == self.took.len() {
                    self.took.push(took);
                    self.by_wall.push(by_wall);
                } else {
                    self.took[step] = self.took[step].min(took);
                    self.by_wall[step] = self.by_wall[step].min(by_wall);
                }
                self.lag = effects.iter().filter_map(schedule_lag).fold(self.lag, Span::max);
                if took > NOTED {
                    self.doings.entry(step).or_insert_with(|| doings(library, &reading, &effects));
                }
                effects.clear();
                step += 1;
            }
        }
    }
}

fn nanoseconds(took: Duration) -> u32 {
    took.as_nanos().min(u128::from(u32::MAX)) as u32
}

/// How long after a schedule fired it was found.
fn schedule_lag(effect: &Effect) -> Option<Span> {
    let Effect::Finding(change) = effect else { return None };
    let told = change.change == Change::Opened && change.finding.kind == FindingKind::Schedule;
    told.then(|| change.decided_at.since(change.finding.at))
}

/// What came, of how many subjects something changed, and by which rules.
fn doings(library: &Library, reading: &Reading, effects: &[Effect]) -> String {
    let stream = reading.content.as_ref().map_or("removal", |content| &*library.schema.get(content.stream).name);
    let (mut subjects, mut rules) = (BTreeSet::new(), BTreeMap::new());
    for effect in effects {
        let Effect::Finding(change) = effect else { continue };
        subjects.insert(change.finding.subject.as_str());
        *rules.entry(&*change.finding.rule).or_insert(0) += 1;
    }
    format!("{stream}; changes of {} subjects: {rules:?}", subjects.len())
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
