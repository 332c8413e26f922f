//! What each worker of the engine has to do, and did.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

/// Of one worker, written by its own thread but for the queue.
#[derive(Debug)]
pub struct Load {
    /// Groups, questions and snapshots that wait for it.
    pub queue: Gauge,
    /// Deciding one group, meeting the other workers included.
    pub batch: Histogram,
    /// Whom its partitions know.
    pub subjects: Gauge,
    /// Those of them whom the clock alone will concern.
    pub deadlines: Gauge,
    /// Layers that were cut off, and put back.
    pub cut_off: Counter,
    pub put_back: Counter,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            queue: Gauge::default(),
            batch: super::durations(),
            subjects: Gauge::default(),
            deadlines: Gauge::default(),
            cut_off: Counter::default(),
            put_back: Counter::default(),
        }
    }
}

/// Of all workers, by their numbers.
#[derive(Debug)]
pub struct Loads(pub Vec<Arc<Load>>);

impl Loads {
    fn each<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help, unit): (&str, &str, Option<&Unit>),
        metric: impl Fn(&Load) -> &M,
    ) -> fmt::Result {
        let Some(first) = self.0.first() else { return Ok(()) };
        let mut family = encoder.encode_descriptor(name, help, unit, metric(first).metric_type())?;
        for (number, load) in self.0.iter().enumerate() {
            metric(load).encode(family.encode_family(&[("worker", number.to_string())])?)?;
        }
        Ok(())
    }
}

impl Collector for Loads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        self.each(encoder, ("engine_queue_jobs", "Groups, questions and snapshots that wait for a worker", None), |l| &l.queue)?;
        let batch = ("engine_batch_duration", "Deciding one group, by worker", Some(&Unit::Seconds));
        self.each(encoder, batch, |l| &l.batch)?;
        self.each(encoder, ("subjects", "Subjects that a worker's partitions know", None), |l| &l.subjects)?;
        self.each(encoder, ("deadlines", "Subjects whom the clock alone will concern", None), |l| &l.deadlines)?;
        self.each(encoder, ("layers_cut_off", "Layers of the past that left memory", None), |l| &l.cut_off)?;
        self.each(encoder, ("layers_put_back", "Layers of the past that something late needed", None), |l| &l.put_back)
    }
}
