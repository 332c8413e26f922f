//! Figures that nobody counts: they are looked up when somebody asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::Labels;

/// One figure, with what tells it from its siblings.
pub type Sample = (Labels, f64);

/// A gauge, or a counter with labels, whose samples are looked up at each scrape. What can't be looked up is left out.
pub struct Asked {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    kind: MetricType,
    read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

impl Asked {
    pub fn new(
        name: &'static str,
        help: &'static str,
        unit: Option<Unit>,
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) -> Asked {
        Asked { name, help, unit, kind: MetricType::Gauge, read: Box::new(read) }
    }

    /// Something that only grows, and is counted elsewhere.
    #[must_use]
    pub fn counted(self) -> Asked {
        Asked { kind: MetricType::Counter, ..self }
    }

    /// Of a single sample without labels.
    pub fn one(
        name: &'static str,
        help: &'static str,
        unit: Option<Unit>,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Asked {
        Asked::new(name, help, unit, move || read().map(|value| (Vec::new(), value)).into_iter().collect())
    }
}

impl Collector for Asked {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let samples = (self.read)();
        if samples.is_empty() {
            return Ok(());
        }
        let mut family = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), self.kind)?;
        for (labels, value) in samples {
            match (labels.is_empty(), self.kind) {
                (true, _) => family.encode_gauge(&value)?,
                (false, MetricType::Counter) => {
                    family.encode_family(&labels)?.encode_counter::<NoLabelSet, f64, u64>(&value, None)?
                }
                (false, _) => family.encode_family(&labels)?.encode_gauge(&value)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("name", &self.name).finish_non_exhaustive()
    }
}
