//! Reading partitions by offset: mostly one after the other, now and then from somewhere else.
//!
//! One client reads all partitions that are asked for, and what comes is put into a lane for each. A partition's log never changes and has no holes, so a record is known by its offset: what a lane
//! did not ask for next is passed over, whatever fetch it comes from.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::Offset;

use super::client::{Consumer, Use, make};
use super::{Fault, Settings};
use crate::journal::error::JournalError;

/// A lane that holds more waits for the others.
const FULL: usize = 8 << 20;
/// So many records are read and passed over rather than that the lane begins elsewhere.
const NEAR: u64 = 64;

pub(super) struct Lanes {
    consumer: Consumer,
    topic: String,
    patience: Duration,
    lanes: BTreeMap<i32, Lane>,
}

#[derive(Default)]
struct Lane {
    /// The offset of the first that is held, or that comes next.
    at: u64,
    held: VecDeque<Vec<u8>>,
    bytes: usize,
    is_paused: bool,
    /// Where the partition ended when it was asked.
    end: u64,
}

impl Lane {
    fn next(&self) -> u64 {
        self.at + self.held.len() as u64
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let record = self.held.pop_front()?;
        self.at += 1;
        self.bytes -= record.len();
        Some(record)
    }
}

impl Lanes {
    pub fn new(settings: &Settings) -> Result<Lanes, JournalError> {
        let consumer = make(settings, Use::Read)?;
        Ok(Lanes { consumer, topic: settings.topic.clone(), patience: settings.patience(), lanes: BTreeMap::new() })
    }

    fn fault(&self, doing: &'static str, error: &KafkaError) -> JournalError {
        self.consumer.context().fault(doing, error)
    }

    /// The partitions that the topic has; `None` where there is no such topic.
    pub fn partitions(&self) -> Result<Option<Partitions>, JournalError> {
        const DOING: &str = "asking for the topic";
        let metadata = self.metadata(DOING, Some(&self.topic))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == self.topic) else { return Ok(None) };
        if let Some(error) = topic.error() {
            return match RDKafkaErrorCode::from(error) {
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => Ok(None),
                other => Err(self.fault(DOING, &KafkaError::MetadataFetch(other))),
            };
        }
        let has_leaders = topic.partitions().iter().all(|p| p.leader() >= 0);
        Ok(Some(Partitions { number: topic.partitions().len(), has_leaders }))
    }

    /// How many brokers there are.
    pub fn brokers(&self) -> Result<usize, JournalError> {
        Ok(self.metadata("asking for the brokers", None)?.brokers().len())
    }

    /// A refusal is told at once: the client itself would try again for as long as there is time.
    fn metadata(&self, doing: &'static str, topic: Option<&str>) -> Result<Metadata, JournalError> {
        let until = Instant::now() + self.patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let error = match self.consumer.fetch_metadata(topic, left.min(Duration::from_secs(1))) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => error,
            };
            // What the client has to say of its connections comes only to who asks.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            if self.consumer.context().is_denied() || left.is_zero() {
                return Err(self.fault(doing, &error));
            }
        }
    }

    /// Where a partition begins and ends. One that has just been made, or whose leader just changed, may need a moment to say.
    pub fn bounds(&self, partition: i32) -> Result<(u64, u64), JournalError> {
        let until = Instant::now() + self.patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let error = match self.consumer.fetch_watermarks(&self.topic, partition, left) {
                Ok((low, high)) => return Ok((low.max(0) as u64, high.max(0) as u64)),
                Err(error) => error,
            };
            let may_come = matches!(
                error.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::NotLeaderForPartition
                        | RDKafkaErrorCode::LeaderNotAvailable
                        | RDKafkaErrorCode::UnknownTopicOrPartition
                        | RDKafkaErrorCode::OffsetNotAvailable
                )
            );
            if !may_come || left.is_zero() {
                return Err(self.fault("asking where a partition ends", &error));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The record at an offset; `None` where the partition ends before it.
    pub fn read(&mut self, partition: i32, offset: u64) -> Result<Option<Vec<u8>>, JournalError> {
        let known = self.lanes.get(&partition).map_or(0, |lane| lane.end);
        if offset >= known {
            let (_, end) = self.bounds(partition)?;
            self.lanes.entry(partition).or_insert_with(|| Lane { at: u64::MAX, ..Lane::default() }).end = end;
            if offset >= end {
                return Ok(None);
            }
        }
        let lane = self.lanes.entry(partition).or_default();
        if offset < lane.at || offset > lane.next() + NEAR {
            *lane = Lane { at: offset, end: lane.end, ..Lane::default() };
            self.begin_anew()?;
        }
        self.wait_for(partition, offset).map(Some)
    }

    fn wait_for(&mut self, partition: i32, offset: u64) -> Result<Vec<u8>, JournalError> {
        let until = Instant::now() + self.patience;
        loop {
            let lane = self.lanes.entry(partition).or_default();
            while lane.at <= offset {
                match lane.pop() {
                    Some(record) if lane.at == offset + 1 => {
                        if lane.is_paused && lane.bytes < FULL / 2 {
                            self.pause(partition, false)?;
                        }
                        return Ok(record);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
            if lane.is_paused {
                self.pause(partition, false)?;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let timed_out = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
                return Err(self.fault("reading a record", &timed_out));
            }
            self.poll(left)?;
        }
    }

    fn poll(&mut self, left: Duration) -> Result<(), JournalError> {
        let (partition, full) = match self.consumer.poll(left.min(Duration::from_millis(200))) {
            None => return Ok(()),
            Some(Ok(message)) => {
                let Some(lane) = self.lanes.get_mut(&message.partition()) else { return Ok(()) };
                if u64::try_from(message.offset()) == Ok(lane.next()) {
                    let record = message.payload().unwrap_or_default().to_vec();
                    lane.bytes += record.len();
                    lane.held.push_back(record);
                }
                (message.partition(), lane.bytes > FULL && !lane.is_paused)
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                // The record was there when the partition was asked where it ends.
                Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                    let detail = "records that were there are gone".to_owned();
                    return Err(Fault::Foreign { topic: self.topic.clone(), detail }.into());
                }
                // Connections come back by themselves, within the time that there is.
                Some(
                    RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::Resolve
                    | RDKafkaErrorCode::OperationTimedOut,
                ) => return Ok(()),
                _ => return Err(self.fault("reading a record", &error)),
            },
        };
        if full { self.pause(partition, true) } else { Ok(()) }
    }

    /// Every lane goes on from what it has, and one that was moved from where it begins.
    fn begin_anew(&mut self) -> Result<(), JournalError> {
        let mut list = TopicPartitionList::new();
        for (partition, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.at != u64::MAX) {
            lane.is_paused = false;
            let offset = Offset::Offset(i64::try_from(lane.next()).unwrap_or(i64::MAX));
            let added = list.add_partition_offset(&self.topic, *partition, offset);
            added.map_err(|e| self.consumer.context().fault("reading a partition", &e))?;
        }
        self.consumer.assign(&list).map_err(|e| self.fault("reading a partition", &e))
    }

    fn pause(&mut self, partition: i32, is: bool) -> Result<(), JournalError> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        let done = if is { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(|e| self.fault("reading a partition", &e))?;
        self.lanes.entry(partition).or_default().is_paused = is;
        Ok(())
    }
}

/// What brokers say of a topic.
pub(super) struct Partitions {
    pub number: usize,
    pub has_leaders: bool,
}
