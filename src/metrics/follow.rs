//! How far each sink has come behind the journal: in inputs, and since when the oldest that it lacks is waiting.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

/// What is fed with what follows from the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Its hot rows: what SQL sees.
    Lake,
    Views,
    Outbox,
}

impl Sink {
    pub const ALL: [Sink; 3] = [Sink::Lake, Sink::Views, Sink::Outbox];

    pub fn name(self) -> &'static str {
        match self {
            Sink::Lake => "lake",
            Sink::Views => "views",
            Sink::Outbox => "outbox",
        }
    }
}

/// The journal's end and the sinks behind it. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    all: Arc<All>,
}

#[derive(Debug, Default)]
struct All {
    journal: AtomicU64,
    sinks: [Behind; Sink::ALL.len()],
}

#[derive(Debug, Default)]
struct Behind {
    position: AtomicU64,
    /// One that stays where it is waits for nothing.
    is_fed: AtomicBool,
    /// The ends of groups that it has not taken in, and when they were journaled. No longer than the queues to the sink are.
    waiting: Mutex<VecDeque<(u64, Instant)>>,
}

impl Follow {
    pub(super) fn new(registry: &mut Registry) -> Follow {
        let follow = Follow::default();
        registry.register_collector(Box::new(follow.clone()));
        follow
    }

    /// All of them have come to the journal's end, but those that are left where they are.
    pub fn start(&self, end: u64, is_fed: impl Fn(Sink) -> bool) {
        self.all.journal.store(end, Ordering::Release);
        for sink in Sink::ALL.into_iter().filter(|sink| is_fed(*sink)) {
            self.all.sinks[sink as usize].position.store(end, Ordering::Release);
            self.all.sinks[sink as usize].is_fed.store(true, Ordering::Release);
        }
    }

    /// A group is on stable storage.
    pub fn journaled(&self, next: u64, at: Instant) {
        self.all.journal.store(next, Ordering::Release);
        for behind in self.all.sinks.iter().filter(|behind| behind.is_fed.load(Ordering::Acquire)) {
            behind.waiting().push_back((next, at));
        }
    }

    /// A sink has taken in everything before an offset.
    pub fn committed(&self, sink: Sink, next: u64) {
        let behind = &self.all.sinks[sink as usize];
        behind.position.store(next, Ordering::Release);
        let mut waiting = behind.waiting();
        while waiting.front().is_some_and(|(end, _)| *end <= next) {
            waiting.pop_front();
        }
    }

    /// Everything before this offset is journaled.
    pub fn journal(&self) -> u64 {
        self.all.journal.load(Ordering::Acquire)
    }

    /// Everything before this offset is taken in.
    pub fn position(&self, sink: Sink) -> u64 {
        self.all.sinks[sink as usize].position.load(Ordering::Acquire)
    }

    /// For how long the oldest group that the sink lacks has been journaled, in seconds; 0 where it lacks none.
    pub fn seconds_behind(&self, sink: Sink) -> f64 {
        self.all.sinks[sink as usize].waiting().front().map_or(0.0, |(_, since)| since.elapsed().as_secs_f64())
    }

    fn each(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, unit): (&str, &str, Option<&Unit>),
        value: impl Fn(Sink) -> f64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        Sink::ALL.into_iter().try_for_each(|sink| family.encode_family(&[("sink", sink.name())])?.encode_gauge(&value(sink)))
    }
}

impl Behind {
    /// Pushing and popping leaves a queue that is whole, whoever panics.
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<(u64, Instant)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Follow {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let end = self.journal();
        let position = ("sink_position", "The offset that a sink has come to", None);
        self.each(&mut encoder, position, |sink| self.position(sink) as f64)?;
        let lag = ("sink_lag_inputs", "Journaled inputs that a sink has not taken in", None);
        self.each(&mut encoder, lag, |sink| end.saturating_sub(self.position(sink)) as f64)?;
        let lag = ("sink_lag", "How long the oldest input that a sink lacks has been journaled", Some(&Unit::Seconds));
        self.each(&mut encoder, lag, |sink| self.seconds_behind(sink))?;
        let mut journal = encoder.encode_descriptor("journal_offset", "The offset of the next input", None, MetricType::Gauge)?;
        journal.encode_gauge(&(end as f64))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sink_is_as_far_behind_as_the_oldest_group_it_lacks() {
        let follow = Follow::default();
        follow.start(10, |_| true);
        let at = |ago| Instant::now().checked_sub(Duration::from_secs(ago)).expect("the machine is up for longer");
        follow.journaled(12, at(9));
        follow.journaled(15, at(4));
        follow.committed(Sink::Lake, 12);
        follow.committed(Sink::Views, 15);
        assert_eq!(Sink::ALL.map(|sink| follow.position(sink)), [12, 15, 10]);
        let seconds = Sink::ALL.map(|sink| follow.seconds_behind(sink));
        assert!((4.0..9.0).contains(&seconds[0]) && seconds[1] == 0.0 && seconds[2] >= 9.0, "{seconds:?}");

        let looking = Follow::default();
        looking.start(10, |sink| sink != Sink::Outbox);
        looking.journaled(12, at(9));
        assert_eq!(looking.seconds_behind(Sink::Outbox), 0.0, "it is to stay where it is");
    }
}
