//! The records of a topic, as they are: read, bent, left out, and put into another topic.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use vitalog_broker::Broker;

use super::fresh_topic;

const WAIT: Duration = Duration::from_secs(20);

/// Each partition's records, in order.
pub type Records = Vec<Vec<Vec<u8>>>;

fn config(broker: &Broker) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.address()).set("group.id", "tests").set("fetch.wait.max.ms", "10");
    config
}

pub fn read(broker: &Broker, topic: &str) -> Records {
    let consumer: BaseConsumer = config(broker).create().expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), WAIT).expect("a topic");
    let number = metadata.topics()[0].partitions().len();
    let mut records: Records = vec![Vec::new(); number];
    for (partition, into) in records.iter_mut().enumerate() {
        let (low, high) = consumer.fetch_watermarks(topic, partition as i32, WAIT).expect("bounds");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition as i32, Offset::Offset(low)).expect("an offset");
        consumer.assign(&list).expect("assigned");
        while (into.len() as i64) < high - low {
            if let Some(message) = consumer.poll(WAIT) {
                into.push(message.expect("a record").payload().expect("a value").to_vec());
            }
        }
    }
    records
}

/// A topic that has these. It is made as the journal makes one.
pub fn write(broker: &Broker, records: &Records) -> String {
    let topic = fresh_topic();
    make(broker, &topic, records.len() as i32, &[]);
    let producer: BaseProducer = config(broker).set("acks", "all").create().expect("a producer");
    for (partition, records) in records.iter().enumerate() {
        for record in records {
            send(&producer, &topic, partition as i32, record);
        }
    }
    producer.flush(WAIT).expect("written");
    topic
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, bytes: &[u8]) {
    producer.send(BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(bytes)).map_err(|(e, _)| e).expect("sent");
}

/// One record more at the end of a partition.
pub fn add(broker: &Broker, topic: &str, partition: i32, bytes: &[u8]) {
    let producer: BaseProducer = config(broker).set("acks", "all").create().expect("a producer");
    send(&producer, topic, partition, bytes);
    producer.flush(WAIT).expect("written");
}

fn admin(broker: &Broker) -> AdminClient<DefaultClientContext> {
    config(broker).create().expect("an admin")
}

const FIT: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("unclean.leader.election.enable", "false"),
    ("flush.messages", "1"),
];

/// A topic with settings that fit, but for those that are given.
pub fn make(broker: &Broker, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    let all = FIT.iter().chain(settings).copied();
    let made =
        all.fold(NewTopic::new(topic, partitions, TopicReplication::Fixed(1)), |made, (name, value)| made.set(name, value));
    let done = futures::executor::block_on(admin(broker).create_topics([&made], &AdminOptions::new())).expect("asked");
    assert!(done.iter().all(Result::is_ok), "{done:?}");
}

pub fn delete(broker: &Broker, topic: &str) {
    let done = futures::executor::block_on(admin(broker).delete_topics(&[topic], &AdminOptions::new())).expect("asked");
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let consumer: BaseConsumer = config(broker).create().expect("a consumer");
    let is_there = || consumer.fetch_metadata(None, WAIT).expect("answered").topics().iter().any(|t| t.name() == topic);
    while is_there() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Drops the first records of a partition, as retention would.
pub fn trim(broker: &Broker, topic: &str, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before)).expect("an offset");
    futures::executor::block_on(admin(broker).delete_records(&list, &AdminOptions::new())).expect("asked");
}

/// Exchanges a topic's settings: those that fit, and those that are given.
pub fn alter(broker: &Broker, topic: &str, settings: &[(&str, &str)]) {
    let all = FIT.iter().chain(settings).copied();
    let altered = all.fold(AlterConfig::new(ResourceSpecifier::Topic(topic)), |all, (name, value)| all.set(name, value));
    let done = futures::executor::block_on(admin(broker).alter_configs([&altered], &AdminOptions::new())).expect("asked");
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    // Brokers take note of it a little later.
    std::thread::sleep(Duration::from_millis(300));
}

/// Where each partition begins.
pub fn lows(broker: &Broker, topic: &str) -> Vec<i64> {
    let consumer: BaseConsumer = config(broker).create().expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), WAIT).expect("a topic");
    let partitions = 0..metadata.topics()[0].partitions().len() as i32;
    partitions.map(|partition| consumer.fetch_watermarks(topic, partition, WAIT).expect("bounds").0).collect()
}
