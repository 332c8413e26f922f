//! Writing: records sent together, and each one's delivery reported before anything follows from it.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _};

use super::client::{Producer, Use, make};
use super::order::ORDER;
use super::{Fault, Settings};
use crate::journal::error::JournalError;

/// How much longer than a record may take its report is waited for.
const GRACE: Duration = Duration::from_secs(5);

pub(super) struct Writer {
    producer: Producer,
    topic: String,
    patience: Duration,
}

/// What goes where.
pub(super) struct Outgoing {
    pub partition: i32,
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn new(settings: &Settings) -> Result<Writer, JournalError> {
        Ok(Writer { producer: make(settings, Use::Write)?, topic: settings.topic.clone(), patience: settings.patience() })
    }

    /// Writes all of them, and gives the offset at which each landed. After an error any of them may have landed, or may land yet.
    pub fn write(&self, records: &[Outgoing]) -> Result<Vec<u64>, JournalError> {
        const DOING: &str = "writing";
        let fault = |error: &KafkaError| self.producer.context().fault(DOING, error);
        let until = Instant::now() + self.patience + GRACE;
        self.producer.context().begin();
        for (number, record) in records.iter().enumerate() {
            let mut message: BaseRecord<'_, (), [u8], usize> =
                BaseRecord::with_opaque_to(&self.topic, number).partition(record.partition).payload(&record.bytes);
            while let Err((error, refused)) = self.producer.send(message) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) || Instant::now() > until {
                    return Err(fault(&error));
                }
                // Its thread makes room.
                std::thread::sleep(Duration::from_millis(1));
                message = refused;
            }
        }
        let mut landed: Vec<Option<u64>> = vec![None; records.len()];
        let mut open = records.len();
        while open > 0 {
            if Instant::now() > until {
                return Err(fault(&KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut)));
            }
            for (number, outcome) in self.producer.context().reports(until.saturating_duration_since(Instant::now())) {
                let offset = outcome.map_err(|error| fault(&error))?;
                // A retry whose first try was taken after all may be acknowledged without saying where: then only a look tells.
                let Ok(offset) = u64::try_from(offset) else {
                    return Err(
                        Fault::Away { doing: DOING, said: "the broker does not say where a record landed".to_owned() }.into()
                    );
                };
                if let Some(place) = landed.get_mut(number).filter(|place| place.is_none()) {
                    *place = Some(offset);
                    open -= 1;
                }
            }
        }
        Ok(landed.into_iter().flatten().collect())
    }

    /// Writes a record of the order, which says that it stands at `own`.
    ///
    /// INVARIANT (own place): where it landed elsewhere, somebody else has written, and it counts for nothing.
    pub fn write_in_order(&self, own: u64, bytes: Vec<u8>) -> Result<(), JournalError> {
        let landed = self.write(&[Outgoing { partition: ORDER, bytes }])?;
        match landed.first() {
            Some(found) if *found != own => Err(Fault::Displaced { expected: own, found: *found }.into()),
            _ => Ok(()),
        }
    }
}
