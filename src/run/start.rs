//! Starting and stopping: opens everything, replays what the sinks lack, then goes live.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use vitalog_cep::Horizon;
use vitalog_cep::plan::Library;
use vitalog_dashboards::views::Views;
use vitalog_elog::policy::Channel;
use vitalog_elog::{Position, Schema, Span};
use vitalog_ingest::journal::Journal;
use vitalog_lakehouse::{Lake, Policy};
use vitalog_notify::{Endpoint, Outbox};

use super::asking::Asker;
use super::beginning;
use super::beyond::Beyond;
use super::clock::{self, Clock, Now};
use super::contact::Contacts;
use super::directory::Directory;
use super::due::Due;
use super::erasing;
use super::figures::Figures;
use super::in_force::InForce;
use super::inlet::{Door, Message};
use super::journaling::Journaling;
use super::landing::Landing;
use super::mind::{Mind, Spread};
use super::retention::{self, Retention};
use super::room::{FLOOR, Room};
use super::rules::RuleDesk;
use super::sinks::{Sinks, ToTell};
use super::snapshot::{Bases, Store, Wish, Writer};
use super::stepping::{Collecting, Stepping};
use super::workers::{EndsWithIt, QUEUE};
use crate::failure::Failure;
use crate::metrics::{Loads, Metrics, Sink};
use crate::traces::{Traces, Wanted};

/// Groups that may wait for the engine.
const ENGINE_QUEUE: usize = 16;

/// A replay of this many inputs is not to be done twice.
const WORTH_A_SNAPSHOT: u64 = 10_000;

/// What a start lacks that finds no state to go on from.
const NO_STATE: &str = "no snapshot that could be gone on from is left (another --horizon, `partitions`, or a former program may be why; the log names what was passed over), and the state";

/// What a node is started with.
pub struct Options {
    pub data: PathBuf,
    /// Who is told of findings.
    pub telling: vitalog_notify::Config,
    /// How often hot rows land in the lake.
    pub land_every: Duration,
    /// How many times faster than life the clock runs; 1 but in a demonstration.
    pub speed: f64,
    /// Whether devices are at the door, so that it is written down when they were heard.
    pub contacts: bool,
    /// Threads that own the engine's partitions; at most as many as there are partitions.
    pub workers: usize,
    /// It only looks, and has nobody to tell: messages that are owed stay owed.
    pub quiet: bool,
    /// How much of each subject engines keep in memory; `None`: all.
    pub horizon: Option<Horizon>,
    /// With less than so many bytes free on the disk no readings are taken.
    pub floor: u64,
    /// Where the journal is kept from now on, if not in the directory; `None`: where it is.
    pub journal: Option<vitalog_ingest::journal::kafka::Settings>,
    /// For how long what can be asked for is kept from now on; `None`: as it is noted.
    pub retain: Option<Policy>,
    /// Where traces go; `None`: nowhere.
    pub traces: Option<Wanted>,
    /// The same of the journal.
    pub retain_journal: Option<Policy>,
}

/// What engines keep in memory if nobody says otherwise: what rules need of readings up to a week late.
pub const HORIZON: Horizon = Horizon { keep: Span::days(7), least: 1_024, pause: Span::days(1) };

impl Options {
    /// For looking at a data directory without serving it.
    pub fn quiet(data: &Path) -> Options {
        Options {
            data: data.to_owned(),
            telling: vitalog_notify::Config::silent(),
            land_every: Duration::from_secs(3_600),
            speed: 1.0,
            contacts: false,
            quiet: true,
            workers: cores(),
            horizon: Some(HORIZON),
            floor: FLOOR,
            journal: None,
            retain: None,
            traces: None,
            retain_journal: None,
        }
    }
}

/// A running node: the loop's threads, and what the doors need of it.
pub struct Node {
    pub door: Arc<Door>,
    pub lake: Arc<Lake>,
    pub rules: Arc<RuleDesk>,
    pub outbox: Arc<Outbox>,
    /// Tells listeners what the views have taken in.
    pub live: Arc<vitalog_dashboards::io::Live>,
    pub views: PathBuf,
    /// Puts questions to the engine.
    pub asker: Asker,
    /// The clock that inputs are stamped by, as the doors see it.
    pub now: Now,
    /// Whether there is room for more.
    pub room: Arc<Room>,
    /// What is counted of all this.
    pub metrics: Arc<Metrics>,
    /// Where what is done is told of, if anywhere.
    pub traces: Option<Arc<Traces>>,
    /// What the next snapshot is to be.
    pub wish: Arc<Wish>,
    in_force: Arc<InForce>,
    threads: Vec<JoinHandle<()>>,
    landing: tokio::task::JoinHandle<Retention>,
    looking: tokio::task::JoinHandle<()>,
    closing: Arc<tokio::sync::Notify>,
    directory: Directory,
}

impl Node {
    /// Opens a data directory, brings every sink up to the journal's end, and goes live.
    ///
    /// # Errors
    /// Where something can't be opened, does not verify, or is ahead of the journal.
    pub async fn start(options: Options) -> Result<Node, Failure> {
        let metrics = Arc::new(Metrics::new());
        let Ready { directory, journal, opened, retention, mind, writer, first, saved, traces } =
            Ready::of(&options, &metrics).await?;
        let (end, wish) = (journal.position(), writer.wish());
        let in_force = Arc::new(InForce::new(mind.library().clone(), mind.versions().clone()));
        let room = Room::on(&options.data, options.floor, &metrics);
        let (door, messages, waiting) = Door::open(room.clone(), metrics.clone());
        let due = Arc::new(mind.due(end.next));
        let Opened { lake, views, outbox, owes } = opened;
        let live = vitalog_dashboards::io::Live::new(views.position());
        let to_tell = (!owes).then(|| ToTell { outbox: outbox.clone(), channels: channels(&options.telling) });
        let sinks = Sinks::start(lake.clone(), views, live.clone(), to_tell, metrics.clone());
        let (to_engine, inbox) = sync_channel(ENGINE_QUEUE);
        let (asker, to_engine) = Asker::of(to_engine);
        let journaling = Journaling {
            clock: Clock::start(journal.last_arrival(), options.speed),
            journal,
            messages,
            waiting,
            due: due.clone(),
            in_force: in_force.clone(),
            engine: to_engine,
            contacts: options.contacts.then(Contacts::default),
            metrics: metrics.clone(),
        };
        let Mind { router, collector, mut threads } = mind;
        let ((handed, to_collect), (snapshots, to_write)) = (sync_channel(QUEUE), sync_channel(1));
        let stepping = Stepping { router, inbox, handed, wish: wish.clone() };
        let collecting = Collecting {
            collector,
            handed: to_collect,
            sinks: sinks.queues,
            due: due.clone(),
            journaling: door.sender(),
            in_force: in_force.clone(),
            snapshots,
            metrics: metrics.clone(),
            traces: traces.clone(),
        };
        threads.push(spawn("journal", move || journaling.run())?);
        threads.push(spawn("engine", move || stepping.run(end, saved))?);
        threads.push(spawn("collector", move || collecting.run())?);
        threads.push(spawn("snapshots", move || writer.run(&to_write))?);
        threads.extend(sinks.threads);
        let closing = Arc::new(tokio::sync::Notify::new());
        let every = options.land_every;
        let landing = Landing { lake: lake.clone(), first, every, wish: wish.clone(), metrics: metrics.clone(), retention };
        let node = Node {
            door,
            lake,
            rules: Arc::new(RuleDesk::new(in_force.clone())),
            outbox,
            live,
            views: directory.views(),
            asker,
            now: clock::reader(options.speed),
            looking: tokio::spawn(room.clone().watch()),
            room,
            metrics,
            traces,
            wish,
            in_force,
            threads,
            landing: tokio::spawn(landing.run(closing.clone())),
            closing,
            directory,
        };
        Ok(node.telling_figures(channels(&options.telling), due))
    }

    fn telling_figures(self, channels: BTreeMap<Arc<str>, Channel>, due: Arc<Due>) -> Node {
        let figures = Figures {
            journal: self.directory.journal(),
            views: self.directory.views(),
            lake: self.lake.clone(),
            outbox: self.outbox.clone(),
            channels,
            waiting: self.door.waiting(),
            due,
            now: self.now.clone(),
        };
        figures.tell(&self.metrics);
        self
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        self.directory.root()
    }

    /// Where a start would find what to go on from.
    ///
    /// # Errors
    /// Where it is not said into how many partitions the subjects are split.
    pub fn bases(&self) -> Result<Bases, Failure> {
        Bases::of(&self.directory)
    }

    /// The library in force.
    pub fn library(&self) -> Arc<Library> {
        self.in_force.get()
    }

    /// Calls `listener` with the library in force, now and whenever it changes.
    pub fn on_library(&self, listener: impl Fn(&Library) + Send + 'static) {
        self.in_force.listen(Box::new(listener));
    }

    /// Takes in what was submitted so far, lands it, and ends every thread.
    ///
    /// # Errors
    /// Where the last landing failed; the next start lands what is missing.
    pub async fn stop(self) -> Result<(), Failure> {
        // The journal's thread may have ended already, with the process on its way out.
        let _ = self.door.sender().send(Message::Close);
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().all(|t| t.join().is_ok())).await;
        self.closing.notify_one();
        let retention = self.landing.await;
        self.looking.abort();
        if !matches!(joined, Ok(true)) {
            return Err(Failure::new("a thread of the run loop ended badly; see the log"));
        }
        self.lake.flush().await.map_err(|e| Failure::new(format!("the lake could not land what it held: {e}")))?;
        if let Ok(retention) = retention {
            retention.end().await;
        }
        if let Some(traces) = self.traces {
            // It waits for the collector.
            let _ = tokio::task::spawn_blocking(move || traces.end()).await;
        }
        Ok(())
    }
}

/// All that there is, brought up to the journal's end.
struct Ready {
    directory: Directory,
    journal: Journal,
    opened: Opened,
    retention: Retention,
    mind: Mind,
    writer: Writer,
    /// Until the first landing.
    first: Duration,
    /// Up to where the newest snapshot is.
    saved: u64,
    traces: Option<Arc<Traces>>,
}

impl Ready {
    async fn of(options: &Options, metrics: &Arc<Metrics>) -> Result<Ready, Failure> {
        let mut directory = Directory::hold(&options.data)?;
        if let Some(settings) = &options.journal {
            directory.keep_journal_in(settings)?;
        }
        let journal = erasing::open(&directory)?;
        directory.note_journal()?;
        let end = journal.position();
        retention::settle(&directory, &journal, options.retain.as_ref())?;
        retention::settle_journal(&directory, options.retain_journal.as_ref())?;
        let mut opened = Opened::open(&directory, &journal).await?;
        let retention = Retention::begin(&directory, opened.lake.clone(), clock::reader(options.speed), metrics.clone())?;
        opened.check_against(&journal)?;
        let outbox = opened.outbox.position().map_err(|e| Failure::new(format!("outbox: {e}")))?;
        // INVARIANT (owed is told): who has nobody to tell makes no messages, so neither the outbox nor a snapshot may come past those that are not made.
        opened.owes = options.quiet && outbox.next < end.next;
        let mut store = Store::new(directory.snapshots());
        let mut restored = opened.restore(&directory, &journal, &mut store, options)?;
        let replayed = opened.replay(&journal, &mut restored)?;
        metrics.keeping.snapshot_position.set(restored.from as i64);
        metrics.keeping.journal_begins.set(journal.first() as i64);
        metrics.follow.start(end.next, |sink| !(opened.owes && sink == Sink::Outbox));
        let mut mind = restored.mind;
        let writer = Writer::new(store, metrics.clone());
        let mut writer = if opened.owes { writer.idle() } else { writer };
        let (mut first, mut saved) = (options.land_every, end.next - replayed);
        if replayed >= WORTH_A_SNAPSHOT {
            // It lands at once, too: until then the next start would have to replay it again.
            (first, saved) = (Duration::ZERO, end.next);
            writer.write_or_warn(mind.snapshot(end, writer.wish().take())?);
        }
        metrics.add(Loads(mind.router.giving.loads.clone()));
        let traces = options.traces.as_ref().map(|wanted| Traces::start(wanted, metrics)).transpose()?.map(Arc::new);
        Ok(Ready { directory, journal, opened, retention, mind, writer, first, saved, traces })
    }
}

/// Views that could not be fed anew are opened as they are.
fn views(directory: &Directory, journal: &Journal) -> Result<Views, Failure> {
    let (path, incarnation) = (directory.views(), journal.position().incarnation);
    let opened = if journal.first() > 0 { Views::open_kept(&path, incarnation) } else { Views::open(&path, incarnation) };
    opened.map_err(|e| beginning::not_opened(journal, "views", &e))
}

/// What is missing from the journal that a sink knows.
fn refusal(name: &str, next: u64, journal: &Journal) -> Result<Failure, Failure> {
    let end = journal.position().next;
    let restored = journal.restored().map_err(|e| Failure::new(format!("journal: {e}")))?;
    let said = match restored.iter().find(|point| point.next < next) {
        Some(point) => format!(
            "the {name} has come to offset {next} of the journal as it was before it was restored from a backup ({}), which ends at offset {}: \
             {} inputs that it knows are missing from the journal",
            point.at,
            point.next,
            next - point.next
        ),
        None if next > end => format!(
            "the {name} has come to offset {next} of the journal, which ends at {end}: {} inputs are missing from the journal",
            next - end
        ),
        None => format!("the {name} was fed from another past: at offset {next} the chain hashes differ"),
    };
    let trimmed = journal.first() > 0;
    let hint = "restore the journal that belongs to it, or move the sink's files away to have it rebuilt";
    Ok(Failure::new(said).hint(if trimmed { beginning::RESTORE } else { hint }))
}

/// By what way each endpoint is reached.
fn channels(telling: &vitalog_notify::Config) -> BTreeMap<Arc<str>, Channel> {
    let channel = |endpoint: &Endpoint| endpoint.reach.as_ref().map_or(Channel::Webhook, |reach| reach.channel);
    telling.endpoints.iter().map(|endpoint| (endpoint.name.clone(), channel(endpoint))).collect()
}

/// The machine's cores, as far as this process may use them: so many workers there are if nobody says how many.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A thread of the loop: without it nothing goes on, so its panic is the process's end.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    let run = move || {
        let _ends_with_it = EndsWithIt;
        run();
    };
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(run)?)
}

/// The sinks, opened and not yet fed.
pub(super) struct Opened {
    pub lake: Arc<Lake>,
    pub views: Views,
    pub outbox: Arc<Outbox>,
    /// The outbox stays where it is: messages are owed, and nobody is there to make them.
    pub owes: bool,
}

/// A mind, and from where on it lacks the journal's inputs.
pub(super) struct Restored {
    pub mind: Mind,
    pub from: u64,
}

/// How far each sink of a closed directory has come, and the streams that the views know.
///
/// # Errors
/// Where one can't be opened, or lacks what can't be fed.
pub async fn sinks(directory: &Directory, journal: &Journal) -> Result<(Vec<(&'static str, u64)>, Schema), Failure> {
    let opened = Opened::open(directory, journal).await?;
    opened.check_against(journal)?;
    let positions = opened.positions()?.into_iter().map(|(name, position)| (name, position.next)).collect();
    Ok((positions, opened.views.schema().clone()))
}

impl Opened {
    async fn open(directory: &Directory, journal: &Journal) -> Result<Opened, Failure> {
        let incarnation = journal.position().incarnation;
        let lake = Lake::open(&directory.lake(), Arc::new(Schema::default()), incarnation).await;
        Ok(Opened {
            lake: Arc::new(lake.map_err(|e| beginning::not_opened(journal, "lake", &e))?),
            views: views(directory, journal)?,
            outbox: Arc::new(
                Outbox::open(&directory.outbox(), incarnation).map_err(|e| beginning::not_opened(journal, "outbox", &e))?,
            ),
            owes: false,
        })
    }

    fn positions(&self) -> Result<[(&'static str, Position); 3], Failure> {
        let outbox = self.outbox.position().map_err(|e| Failure::new(format!("outbox: {e}")))?;
        Ok([("lake", self.lake.position()), ("views", self.views.position()), ("outbox", outbox)])
    }

    /// INVARIANT (no sink is ahead): a sink that knows more than the journal, or a journal with another past, is refused.
    fn check_against(&self, journal: &Journal) -> Result<(), Failure> {
        let end = journal.position();
        let chain_at = |offset| journal.position_at(offset).ok().flatten().map(|p| p.chain);
        for (name, position) in self.positions()? {
            beginning::must_have(journal, name, position.next)?;
            let here = match position.next > end.next {
                true => None,
                false => journal.position_at(position.next).map_err(|e| Failure::new(format!("journal: {e}")))?,
            };
            // A sink stands where a group ends: where none does, it was another group.
            if here.is_none_or(|p| p.chain != position.chain) {
                return Err(refusal(name, position.next, journal)?);
            }
        }
        self.lake.verify(end, &chain_at).map_err(|e| Failure::new(format!("lake: {e}")))
    }

    /// From the newest snapshot that no sink lies before, or from nothing.
    fn restore(
        &self,
        directory: &Directory,
        journal: &Journal,
        store: &mut Store,
        options: &Options,
    ) -> Result<Restored, Failure> {
        let least = self.positions()?.iter().map(|(_, position)| position.next).min().unwrap_or(0);
        let beyond = options.horizon.map(|horizon| Beyond { dir: directory.beyond(), horizon });
        let spread = Spread { partitions: directory.partitions()?, workers: options.workers, beyond };
        let found = store.restore(
            least,
            |position| journal.has(position),
            |state| Mind::restore(state, options.telling.clone(), spread.clone()),
        )?;
        match found {
            Some((position, mind)) => Ok(Restored { mind, from: position.next }),
            None => {
                beginning::can_make_again(journal, NO_STATE)?;
                Ok(Restored { mind: Mind::new(options.telling.clone(), spread)?, from: 0 })
            }
        }
    }
}
