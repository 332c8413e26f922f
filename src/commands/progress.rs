//! A bar on standard error while readings are decided, where somebody sits before it; nothing otherwise.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Does some work over `total` readings, which counts in `done` how far it has come.
pub fn watched<T>(total: usize, done: &AtomicU64, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {human_pos:>10}/{human_len:<10} readings {eta}") {
        bar.set_style(style);
    }
    let (over, is_over) = channel::<()>();
    let result = std::thread::scope(|scope| {
        let bar = &bar;
        scope.spawn(move || {
            while matches!(is_over.recv_timeout(LOOK_EVERY), Err(RecvTimeoutError::Timeout)) {
                bar.set_position(done.load(Ordering::Relaxed));
            }
        });
        let result = work();
        drop(over);
        result
    });
    bar.finish_and_clear();
    result
}
