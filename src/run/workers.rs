//! The threads that own the engines: each has its partitions for itself, takes groups in their order and gives back what followed.
//!
//! They are joined by channels alone, one message a group; a reading meets no lock. All queues are bounded, so a slow worker holds up whoever gives it
//! work, and through it the door. Where readings are seen under several subjects, workers pass on to each other once a group what theirs show; each waits for all others' then.
//!
//! A worker that panics ends the process, like a write that failed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, SendError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use vitalog_cep::Seen;
use vitalog_cep::driver::{partition_of, worker_of};
use vitalog_elog::{Subject, Time};

use super::asking::Question;
use super::batch::{Batch, Part, Share, Sights};
use super::own::Own;
use crate::failure::Failure;
use crate::metrics::Load;

/// Groups that may wait for a worker, and as many of what it said.
pub const QUEUE: usize = 4;

/// What a worker is given.
enum Job {
    Step(Arc<Batch>),
    Why(Question),
    Snapshot { is_whole: bool },
}

/// What it gives back, in the same order; answers go where they are asked for.
pub enum Done {
    Stepped { parts: Vec<Part>, due: Option<Time> },
    Snapshot(Vec<(u32, Vec<u8>)>),
}

/// Where work is given.
pub struct Giving {
    jobs: Vec<SyncSender<Job>>,
    /// What each worker has to do, and did.
    pub loads: Vec<Arc<Load>>,
    partitions: u32,
}

/// Where it comes back.
pub struct Returning {
    pub done: Vec<Receiver<Done>>,
    pub threads: Vec<JoinHandle<()>>,
}

/// Starts so many workers over the engines of all partitions, at most one for each.
///
/// # Errors
/// Where the system has no thread to give.
pub fn start(engines: Vec<Own>, workers: usize) -> Result<(Giving, Returning), Failure> {
    let partitions = engines.len() as u32;
    let count = workers.clamp(1, engines.len().max(1)) as u32;
    let mut shares: Vec<Share> = (0..count).map(|_| Share { engines: Vec::new() }).collect();
    for own in engines {
        shares[worker_of(own.partition, count) as usize].engines.push(own);
    }
    let mut giving = Giving { jobs: Vec::new(), loads: Vec::new(), partitions };
    let mut returning = Returning { done: Vec::new(), threads: Vec::new() };
    for (number, (share, others)) in shares.into_iter().zip(meet(count as usize)).enumerate() {
        let ((jobs, inbox), (outbox, done)) = (sync_channel(QUEUE), sync_channel(QUEUE));
        let load = Arc::new(Load::default());
        let worker = Worker { share, inbox, outbox, others, load: load.clone(), partitions, count };
        worker.tell();
        let thread = std::thread::Builder::new().name(format!("worker {number}"));
        giving.jobs.push(jobs);
        giving.loads.push(load);
        returning.done.push(done);
        returning.threads.push(thread.spawn(move || {
            let _ends_with_it = EndsWithIt;
            worker.run();
        })?);
    }
    Ok((giving, returning))
}

impl Giving {
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Blocks while a worker has too much to do.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn step(&self, batch: &Arc<Batch>) -> Result<(), Failure> {
        (0..self.jobs.len()).try_for_each(|worker| self.give(worker, Job::Step(batch.clone())))
    }

    /// Puts a question behind what was given so far.
    ///
    /// # Errors
    /// Where the worker is gone.
    pub fn why(&self, question: Question) -> Result<(), Failure> {
        let partition = partition_of(&question.subject, self.partitions);
        let worker = worker_of(partition, self.jobs.len() as u32);
        self.give(worker as usize, Job::Why(question))
    }

    /// Asks for the state after what was given so far: the whole, or what changed since the last time.
    ///
    /// # Errors
    /// Where a worker is gone.
    pub fn snapshot(&self, is_whole: bool) -> Result<(), Failure> {
        (0..self.jobs.len()).try_for_each(|worker| self.give(worker, Job::Snapshot { is_whole }))
    }

    fn give(&self, worker: usize, job: Job) -> Result<(), Failure> {
        self.loads[worker].queue.inc();
        self.jobs[worker].send(job).map_err(gone)
    }
}

fn gone(_: SendError<Job>) -> Failure {
    Failure::new("a worker of the engine is gone")
}

struct Worker {
    share: Share,
    inbox: Receiver<Job>,
    outbox: SyncSender<Done>,
    others: Others,
    load: Arc<Load>,
    partitions: u32,
    count: u32,
}

impl Worker {
    /// Runs until nobody gives it work, or nobody takes what it did.
    fn run(mut self) {
        while let Ok(job) = self.inbox.recv() {
            self.load.queue.dec();
            let done = match job {
                Job::Why(question) => {
                    let partition = partition_of(&question.subject, self.partitions);
                    if let Some(own) = self.share.own(partition) {
                        question.put_to(own);
                    }
                    continue;
                }
                Job::Snapshot { is_whole } => Done::Snapshot(self.share.snapshot(is_whole).unwrap_or_else(|error| end(&error))),
                Job::Step(batch) => {
                    let began = Instant::now();
                    let Ok(done) = self.step(&batch) else { return };
                    self.load.batch.observe(began.elapsed().as_secs_f64());
                    self.note_moved();
                    self.tell();
                    done
                }
            };
            if self.outbox.send(done).is_err() {
                return;
            }
        }
    }

    /// For whoever watches.
    fn tell(&self) {
        let sum = |of: fn(&Own) -> usize| self.share.engines.iter().map(of).sum::<usize>() as i64;
        self.load.subjects.set(sum(|own| own.engine.subjects()));
        self.load.deadlines.set(sum(|own| own.engine.deadlines()));
    }

    fn note_moved(&mut self) {
        for own in &mut self.share.engines {
            let (cut_off, put_back) = own.take_moved();
            self.load.cut_off.inc_by(cut_off);
            self.load.put_back.inc_by(put_back);
        }
    }

    /// # Errors
    /// Where another worker has ended: nobody wants to know any more.
    fn step(&mut self, batch: &Batch) -> Result<Done, RecvError> {
        let (mut parts, mut sights) = self.share.step(batch).unwrap_or_else(|error| end(&error));
        let (partitions, count) = (self.partitions, self.count);
        let partition = |subject: &Subject| partition_of(subject, partitions);
        if batch.shares {
            sights = self.others.exchange(sights, |seen: &Seen| worker_of(partition(seen.subject()), count))?;
        }
        let settled = self.share.settle(sights, |seen| partition(seen.subject()), &mut parts);
        settled.unwrap_or_else(|error| end(&error));
        Ok(Done::Stepped { parts, due: self.share.next_due() })
    }
}

/// Without what it gave away an engine cannot go on.
fn end(error: &Failure) -> ! {
    tracing::error!(%error, "what lies beyond the horizon is lost; the process ends");
    std::process::abort();
}

/// A worker's ways to and from each worker, itself included.
///
/// Nobody begins a group before all have passed on what they show in the one before, so at most two messages wait on a way.
struct Others {
    to: Vec<Sender<Sights>>,
    from: Vec<Receiver<Sights>>,
}

impl Others {
    fn exchange(&self, sights: Sights, worker_of: impl Fn(&Seen) -> u32) -> Result<Sights, RecvError> {
        let mut theirs: Vec<Sights> = self.to.iter().map(|_| Vec::new()).collect();
        for (place, seen) in sights {
            theirs[worker_of(&seen) as usize].push((place, seen));
        }
        for (to, theirs) in self.to.iter().zip(theirs) {
            to.send(theirs).map_err(|_| RecvError)?;
        }
        let mut ours = Vec::new();
        for from in &self.from {
            ours.extend(from.recv()?);
        }
        Ok(ours)
    }
}

/// A way from each of so many workers to each.
fn meet(count: usize) -> Vec<Others> {
    let mut all: Vec<Others> = (0..count).map(|_| Others { to: Vec::new(), from: Vec::new() }).collect();
    for from in 0..count {
        for to in 0..count {
            let (give, take) = channel();
            all[from].to.push(give);
            all[to].from.push(take);
        }
    }
    all
}

/// Ends the process when its thread panics: what the thread held can't be trusted, and the journal has it all.
pub struct EndsWithIt;

impl Drop for EndsWithIt {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                thread = std::thread::current().name(),
                "a thread of the run loop ended badly; the process ends, and the next start replays the journal"
            );
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use vitalog_cep::Engine;
    use vitalog_cep::driver::Split;
    use vitalog_elog::{Entry, Input};

    use super::*;

    const SIGABRT: i32 = 6;

    /// Run by [`a_worker_that_panics_ends_the_process`], in a process of its own that is to end of it.
    #[test]
    #[ignore = "ends its process"]
    fn a_worker_panics() {
        tracing_subscriber::fmt().with_writer(std::io::stderr).init();
        let engines = (0..2).map(|partition| Own::new(partition, Engine::new(), None).expect("nothing to read"));
        let (giving, returning) = start(engines.collect(), 2).expect("threads");
        // A group that was split among no partitions at all: whatever worker takes it looks past an end.
        let entries = vec![Arc::new(Entry { arrival: Time(1), input: Input::Tick })];
        let batch = Batch { first: 0, entries, split: Split::default(), libraries: Vec::new(), shares: false, timed: false };
        giving.step(&Arc::new(batch)).expect("the workers are there");
        returning.threads.into_iter().for_each(|thread| drop(thread.join()));
        println!("the process went on");
    }

    #[test]
    fn a_worker_that_panics_ends_the_process() {
        let mut child = Command::new(std::env::current_exe().expect("this one"));
        let output = child.args(["--ignored", "--exact", "--nocapture", "run::workers::tests::a_worker_panics"]).output();
        let output = output.expect("it starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(out.contains("running 1 test") && !out.contains("the process went on"), "{out}\n{err}");
        assert_eq!(output.status.signal(), Some(SIGABRT), "{out}\n{err}");
        // Where it panicked, and what becomes of it.
        assert!(err.contains("batch.rs:") && err.contains("a thread of the run loop ended badly"), "{err}");
        assert!(err.contains("worker 0") || err.contains("worker 1"), "{err}");
    }
}
