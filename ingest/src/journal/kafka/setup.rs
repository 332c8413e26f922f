//! Making the topic, and holding an existing one to what the journal needs: nothing in it may ever be dropped, and what is sent must fit.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::{Admin, PIECE, Use, make};
use super::lanes::Lanes;
use super::{Fault, Settings};
use crate::journal::error::JournalError;

/// As many copies as there are of a topic that is made, where there are so many brokers.
const COPIES: usize = 3;
/// What frames a piece.
const FRAME: usize = 1_024;

/// Makes the topic, with one partition for the order and so many for what is said.
pub(super) fn make_topic(settings: &Settings, lanes: &Lanes, partitions: u32) -> Result<(), JournalError> {
    const DOING: &str = "making the topic";
    let admin: Admin = make(settings, Use::Administer)?;
    let number = i32::try_from(partitions).unwrap_or(i32::MAX).saturating_add(1);
    let options = AdminOptions::new().request_timeout(Some(settings.patience())).operation_timeout(Some(settings.patience()));
    let fault = |e: &KafkaError| admin.inner().context().fault(DOING, e);
    let until = Instant::now() + settings.patience();
    loop {
        let copies = lanes.brokers()?.clamp(1, COPIES);
        let topic = NewTopic::new(&settings.topic, number, TopicReplication::Fixed(copies as i32));
        let topic = durable(copies).into_iter().fold(topic, |topic, (name, value)| topic.set(name, value));
        let made = block_on(admin.create_topics([&topic], &options)).map_err(|e| fault(&e))?;
        match made.into_iter().next() {
            // Brokers that are just coming up are not counted yet.
            Some(Err((_, RDKafkaErrorCode::InvalidReplicationFactor))) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
                return Err(fault(&KafkaError::AdminOp(code)));
            }
            _ => break,
        }
    }
    let until = Instant::now() + settings.patience();
    while !lanes.partitions()?.is_some_and(|topic| topic.has_leaders) {
        if Instant::now() > until {
            return Err(Fault::Away { doing: DOING, said: "its partitions have no leaders yet".to_owned() }.into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The settings of a topic that is made with so many copies. One that has too few for two to acknowledge each record is synced with each: a single broker's memory is no stable storage.
fn durable(copies: usize) -> [(&'static str, &'static str); 6] {
    let (in_sync, flush) = if copies == COPIES { ("2", "9223372036854775807") } else { ("1", "1") };
    [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("unclean.leader.election.enable", "false"),
        ("min.insync.replicas", in_sync),
        ("flush.messages", flush),
    ]
}

/// Refuses settings under which something of the journal could go, or not come in.
pub(super) fn check_topic(settings: &Settings) -> Result<(), JournalError> {
    const DOING: &str = "asking for the topic's settings";
    let admin: Admin = make(settings, Use::Administer)?;
    let options = AdminOptions::new().request_timeout(Some(settings.patience()));
    let fault = |e: &KafkaError| admin.inner().context().fault(DOING, e);
    let asked =
        block_on(admin.describe_configs([&ResourceSpecifier::Topic(&settings.topic)], &options)).map_err(|e| fault(&e))?;
    for config in asked {
        let config = config.map_err(|code| fault(&KafkaError::AdminOp(code)))?;
        let said = |name: &str| config.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
        judge(&said)?;
    }
    Ok(())
}

fn judge(said: &dyn Fn(&str) -> String) -> Result<(), Fault> {
    let unfit = |setting: &str, must| Err(Fault::Unfit { setting: setting.to_owned(), is: said(setting), must });
    if said("cleanup.policy") != "delete" {
        return unfit("cleanup.policy", "`delete`, for compaction drops records");
    }
    for limit in ["retention.ms", "retention.bytes"] {
        if said(limit) != "-1" {
            return unfit(limit, "-1, for nothing of a journal may be dropped");
        }
    }
    if said("unclean.leader.election.enable") == "true" {
        return unfit("unclean.leader.election.enable", "false, for such a leader lacks what was acknowledged");
    }
    let number = |name: &str| said(name).parse::<usize>().unwrap_or(0);
    if number("min.insync.replicas") < 2 && number("flush.messages") != 1 {
        let must = "at least 2, else a broker alone acknowledges what it has in memory only (or set flush.messages to 1)";
        return unfit("min.insync.replicas", must);
    }
    if number("max.message.bytes") < PIECE + FRAME {
        return unfit("max.message.bytes", "at least 901024");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(copies: usize, setting: &str, value: &str) -> Result<(), Fault> {
        let said = |name: &str| {
            let made = durable(copies).into_iter().chain([("max.message.bytes", "1048588")]).find(|(known, _)| *known == name);
            (if name == setting { value } else { made.map_or("", |(_, value)| value) }).to_owned()
        };
        judge(&said)
    }

    #[test]
    fn a_topic_as_it_is_made_is_fit() {
        for copies in 1..=COPIES {
            assert_eq!(judged(copies, "", ""), Ok(()), "{copies} copies");
        }
    }

    #[test]
    fn a_topic_that_could_lose_something_is_refused_by_the_setting() {
        for (setting, value) in [
            ("cleanup.policy", "compact"),
            ("cleanup.policy", "compact,delete"),
            ("retention.ms", "604800000"),
            ("retention.bytes", "1000000"),
            ("unclean.leader.election.enable", "true"),
            ("min.insync.replicas", "1"),
            ("max.message.bytes", "901023"),
        ] {
            let fault = judged(3, setting, value).expect_err(setting).to_string();
            assert!(fault.contains(setting) && fault.contains(value), "{fault}");
        }
        let fault = judged(1, "flush.messages", "1000").expect_err("a broker's memory").to_string();
        assert!(fault.contains("flush.messages"), "{fault}");
        assert_eq!(judged(3, "max.message.bytes", "901024"), Ok(()), "the bound that is told is the bound");
    }
}
