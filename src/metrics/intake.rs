//! What came in, what was refused, what was found, and what became of messages: counted from what followed from each group, whatever way it came in.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use vitalog_elog::input::DeliveryOutcome;
use vitalog_elog::policy::Channel;
use vitalog_elog::unusual::unusual;
use vitalog_elog::{Change, Input, Outcome, Record, Schema, Severity};

use super::Labels;

const OUTCOMES: [&str; 4] = ["new", "superseded", "outdated", "duplicate"];
const DELIVERIES: [&str; 3] = ["delivered", "failed", "given_up"];
/// A revision that says its reading is removed has no stream.
const REMOVAL: usize = 0;
/// The channel of an attempt whose delivery nobody knows any more.
const UNKNOWN: &str = "unknown";

/// The counters.
pub struct Intake {
    readings: Family<Labels, Counter>,
    refused: Family<Labels, Counter>,
    flagged: Family<Labels, Counter>,
    findings: Family<Labels, Counter>,
    deliveries: Family<Labels, Counter>,
}

impl Intake {
    pub(super) fn new(registry: &mut Registry) -> Intake {
        let intake = Intake {
            readings: Family::default(),
            refused: Family::default(),
            flagged: Family::default(),
            findings: Family::default(),
            deliveries: Family::default(),
        };
        // A rate can be told only of what was there before it grew.
        for severity in Severity::ALL {
            add(&intake.findings, vec![("severity", severity.name().to_owned())], 0);
        }
        for channel in Channel::ALL.map(Channel::name) {
            DELIVERIES.into_iter().for_each(|outcome| intake.delivery(channel, outcome, 0));
        }
        let refused = "Readings and bodies that were refused and kept as dead letters, by the code of the refusal";
        registry.register(
            "readings",
            "Journaled readings, by stream and by what they were to what was there",
            intake.readings.clone(),
        );
        registry.register("refused", refused, intake.refused.clone());
        let flagged = "Readings that were taken and are outside of what is usual, by stream; doubles are not counted";
        registry.register("flagged", flagged, intake.flagged.clone());
        registry.register("findings_opened", "Findings that opened, those of rules on trial included", intake.findings.clone());
        registry.register("deliveries", "Attempts to deliver a message, and messages given up", intake.deliveries.clone());
        intake
    }

    /// Takes in a group and what followed. Streams are counted apart first, so that a group of thousands meets each counter once.
    pub fn count(&self, records: &[Record], schema: &Schema) {
        let mut streams: Vec<[u64; OUTCOMES.len()]> = Vec::new();
        let mut opened = [0_u64; Severity::ALL.len()];
        for record in records {
            if let Input::DeadLetter(letter) = &record.entry.input {
                add(&self.refused, vec![("code", letter.code.to_string())], 1);
            }
            if let Some((reading, outcome)) = record.reading() {
                let place = reading.content.as_ref().map_or(REMOVAL, |content| usize::from(content.stream.0) + 1);
                if streams.len() <= place {
                    streams.resize(place + 1, Default::default());
                }
                streams[place][number(outcome)] += 1;
                if let (Some(content), false) = (&reading.content, matches!(outcome, Outcome::Duplicate)) {
                    let stream = schema.get(content.stream);
                    if unusual(stream, &content.values).next().is_some() {
                        add(&self.flagged, vec![("stream", stream.name.to_string())], 1);
                    }
                }
            }
            for change in record.changes().filter(|change| change.change == Change::Opened) {
                opened[change.finding.severity as usize] += 1;
            }
        }
        // A rate can be told only of what was there before it grew.
        for stream in schema.streams.iter().filter(|stream| stream.fields.iter().any(|field| field.usual.is_some())) {
            add(&self.flagged, vec![("stream", stream.name.to_string())], 0);
        }
        let names = std::iter::once("none").chain(schema.iter().map(|(_, stream)| &*stream.name));
        for (name, counts) in names.zip(streams) {
            for (outcome, count) in OUTCOMES.iter().zip(counts).filter(|(_, count)| *count > 0) {
                add(&self.readings, vec![("stream", name.to_owned()), ("outcome", (*outcome).to_owned())], count);
            }
        }
        for (severity, count) in Severity::ALL.iter().zip(opened).filter(|(_, count)| *count > 0) {
            add(&self.findings, vec![("severity", severity.name().to_owned())], count);
        }
    }

    /// What became of one attempt, by the channel of its endpoint.
    pub fn attempted(&self, channel: Option<Channel>, outcome: &DeliveryOutcome) {
        let outcome = match outcome {
            DeliveryOutcome::Delivered => DELIVERIES[0],
            DeliveryOutcome::Failed(_) => DELIVERIES[1],
            DeliveryOutcome::GivenUp(_) => DELIVERIES[2],
        };
        self.delivery(channel.map_or(UNKNOWN, Channel::name), outcome, 1);
    }

    fn delivery(&self, channel: &str, outcome: &str, count: u64) {
        add(&self.deliveries, vec![("channel", channel.to_owned()), ("outcome", outcome.to_owned())], count);
    }
}

fn add(family: &Family<Labels, Counter>, labels: Labels, count: u64) {
    family.get_or_create(&labels).inc_by(count);
}

fn number(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::New => 0,
        Outcome::Superseded { .. } => 1,
        Outcome::Outdated => 2,
        Outcome::Duplicate => 3,
    }
}
