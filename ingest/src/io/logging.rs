//! The access log of a running server: a thread that writes whatever waits as one piece, and answers when it is on stable storage.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::Clock;
use crate::access::log::{Entry, LogError, Writer};

/// So many entries wait at most; then requests wait.
const WAITING: usize = 16_384;
/// So many are written at a time at most.
const AT_A_TIME: usize = 4_096;
/// What was written is signed when so long nothing was, and at least so often.
const SIGN: Duration = Duration::from_secs(1);

struct Task {
    entry: Entry,
    /// Whether anybody waits for it to be kept.
    done: Option<oneshot::Sender<bool>>,
}

/// The log, as doors have it.
#[derive(Clone)]
pub struct AccessLog(mpsc::Sender<Task>);

/// The thread that writes. It ends, with everything written and signed, when the last [`AccessLog`] is gone.
pub struct LogKeeper(std::thread::JoinHandle<()>);

impl LogKeeper {
    /// Waits for its end.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the access log ended in a panic");
        }
    }

    /// Waits for its end, and not for ever: false where somebody still has something to note.
    pub fn join_within(self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while !self.0.is_finished() {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.join();
        true
    }
}

impl AccessLog {
    /// Begins to write.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(writer: Writer, clock: Clock) -> std::io::Result<(AccessLog, LogKeeper)> {
        let (tasks, waiting) = mpsc::channel(WAITING);
        let thread = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || keep(writer, waiting, &clock))?;
        Ok((AccessLog(tasks), LogKeeper(thread)))
    }

    /// Writes an entry some time soon.
    pub async fn note(&self, entry: Entry) {
        // Where the thread is gone, the process ends.
        let _ = self.0.send(Task { entry, done: None }).await;
    }

    /// Writes an entry; whether it is on stable storage.
    pub async fn keep(&self, entry: Entry) -> bool {
        let (done, kept) = oneshot::channel();
        self.0.send(Task { entry, done: Some(done) }).await.is_ok() && kept.await.unwrap_or(false)
    }
}

fn keep(mut writer: Writer, mut waiting: mpsc::Receiver<Task>, clock: &Clock) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let Ok(runtime) = runtime else { return tracing::error!("the access log has no timer, and keeps nothing") };
    let mut tasks = Vec::new();
    let mut signed = std::time::Instant::now();
    loop {
        let next = runtime.block_on(async { tokio::time::timeout(SIGN, waiting.recv_many(&mut tasks, AT_A_TIME)).await });
        let is_over = matches!(next, Ok(0));
        if !tasks.is_empty() {
            let (entries, done): (Vec<Entry>, Vec<_>) = tasks.drain(..).map(|task| (task.entry, task.done)).unzip();
            let kept = report(writer.append(&entries));
            for done in done.into_iter().flatten() {
                // Whoever asked may have gone.
                let _ = done.send(kept);
            }
        }
        if is_over || next.is_err() || signed.elapsed() >= SIGN {
            report(writer.sign(&(clock)().to_string()));
            signed = std::time::Instant::now();
        }
        if is_over {
            return;
        }
    }
}

fn report(outcome: Result<(), LogError>) -> bool {
    match outcome {
        Ok(()) => true,
        // Said once, where it happened.
        Err(LogError::Failed) => false,
        Err(error) => {
            tracing::error!(%error, "nothing is shown to anybody until this server is started anew");
            false
        }
    }
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccessLog")
    }
}
