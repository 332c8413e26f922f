//! Where a topic's journal begins that was trimmed: the note of it, what may go of each partition, and the removal.
//!
//! A journal's beginning is noted in the order like a group, at its own place, so whoever has been taken over from notes nothing. A second note says from where on each partition is needed: its records lie in the order of
//! the groups that they are parts of, so that is where the first part of it lies that a group that is left points at. Only then records are removed, those of parts first.
//!
//! INVARIANT (noted is removed): nothing is removed that the note in force does not let go of, so a partition that lacks more was robbed by somebody else, and is refused. A note is behind all that it lets go of, so it never removes
//! itself.

use futures::executor::block_on;
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;

use super::client::{Admin, Use, is_denial, make};
use super::lanes::Lanes;
use super::order::{ORDER, Order};
use super::record::{Note, Record};
use super::{Fault, Settings};
use crate::journal::error::JournalError;

/// Nobody can write while records are removed, so no longer than this is waited for it.
const REMOVAL: std::time::Duration = std::time::Duration::from_secs(5);

/// Reads the note that the order says is in force, of an order whose first record stands at `low`.
pub(super) fn noted(lanes: &mut Lanes, at: u64, low: u64) -> Result<Note, JournalError> {
    if at < low {
        return Err(Fault::Trimmed { partition: ORDER, records: low, let_go: 0 }.into());
    }
    match lanes.read(ORDER, at)?.map(|bytes| Record::read(at, &bytes)) {
        Some(Record::Note(note)) => Ok(note),
        _ => Err(Fault::NoNote { at }.into()),
    }
}

/// Whether partitions that begin at `lows` have what is needed of them.
pub(super) fn check(note: Option<&Note>, lows: &[u64]) -> Result<(), Fault> {
    for (partition, low) in lows.iter().enumerate() {
        let let_go = note.map_or(0, |note| note.low(partition));
        if *low > let_go {
            return Err(Fault::Trimmed { partition: partition as i32, records: *low, let_go });
        }
    }
    Ok(())
}

/// A look through the groups that are left, for where the first record of each partition lies that one of them needs.
pub(super) struct Survey {
    /// The journal's offset of the group that is looked at next.
    next: u64,
    lows: Vec<Option<u64>>,
}

impl Survey {
    pub fn of(note: &Note) -> Survey {
        Survey { next: note.begins, lows: vec![None; note.partitions as usize + 1] }
    }

    /// Looks at about so many bytes of the order, which ends at `order_end`, the journal at `journal_end`. Gives the offsets when all are known; a partition in which no group that is left has a part is not needed up to its end, for
    /// nobody writes meanwhile.
    pub fn go_on(
        &mut self,
        (lanes, order): (&mut Lanes, &mut Order),
        (order_end, journal_end): (u64, u64),
        bytes: u64,
    ) -> Result<Option<Vec<u64>>, JournalError> {
        let mut read = 0;
        while self.next < journal_end && self.lows.iter().any(Option::is_none) {
            if read >= bytes {
                return Ok(None);
            }
            let gap = JournalError::Gap { offset: self.next };
            let head = order.from(lanes, order_end, self.next)?.filter(|head| head.first == self.next).ok_or(gap)?;
            self.at_first(ORDER as usize, head.own);
            for part in &head.parts {
                self.at_first(part.partition as usize + 1, part.offset);
            }
            read += head.bytes().len() as u64;
            self.next = head.end().0;
        }
        let known = self.lows.iter().zip(0..).map(|(low, partition)| match low {
            Some(low) => Ok(*low),
            None => lanes.bounds(partition).map(|(_, end)| end),
        });
        known.collect::<Result<_, _>>().map(Some)
    }

    fn at_first(&mut self, partition: usize, offset: u64) {
        if let Some(low) = self.lows.get_mut(partition) {
            low.get_or_insert(offset);
        }
    }
}

/// Removes what a note lets go of from partitions that begin at `lows`.
pub(super) fn remove(settings: &Settings, note: &Note, lows: &[u64]) -> Result<(), JournalError> {
    let admin: Admin = make(settings, Use::Administer)?;
    let (order, parts): (Vec<usize>, Vec<usize>) =
        (0..lows.len()).filter(|partition| lows[*partition] < note.low(*partition)).partition(|partition| *partition == 0);
    // As long as a group is in the order, it is known that something lies there yet.
    for partitions in [parts, order] {
        if !partitions.is_empty() {
            remove_of(settings, &admin, note, &partitions)?;
        }
    }
    Ok(())
}

fn remove_of(settings: &Settings, admin: &Admin, note: &Note, partitions: &[usize]) -> Result<(), JournalError> {
    const DOING: &str = "removing what is past";
    let fault = |e: &KafkaError| admin.inner().context().fault(DOING, e);
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        let before = Offset::Offset(i64::try_from(note.low(*partition)).unwrap_or(i64::MAX));
        list.add_partition_offset(&settings.topic, *partition as i32, before).map_err(|e| fault(&e))?;
    }
    let time = settings.patience().min(REMOVAL);
    let options = AdminOptions::new().request_timeout(Some(time)).operation_timeout(Some(time));
    let done = block_on(admin.delete_records(&list, &options)).map_err(|e| fault(&e))?;
    for element in done.elements() {
        let Err(error) = element.error() else { continue };
        let Some(code) = error.rdkafka_error_code() else { return Err(fault(&error)) };
        let said = format!("partition {}: {code}", element.partition());
        return Err(
            if is_denial(code) { Fault::Denied { doing: DOING, said } } else { Fault::Away { doing: DOING, said } }.into()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(lows: &[u64]) -> Note {
        let (own, partitions, chain) = (90, lows.len() as u32 - 1, [0; 32]);
        let (incarnation, writer, next, begins, arrival, at) = (1, 2, 50, 30, 0, 0);
        let lows = lows.to_vec();
        Note {
            own,
            incarnation,
            writer,
            partitions,
            next,
            chain,
            begins,
            begins_chain: chain,
            arrival,
            at,
            lows,
            is_surveyed: true,
        }
    }

    #[test]
    fn what_lacks_more_than_was_let_go_is_refused_by_partition_and_number() {
        let let_go = note(&[5, 0, 9]);
        for fit in [[0, 0, 0], [5, 0, 9], [4, 0, 3]] {
            assert_eq!(check(Some(&let_go), &fit), Ok(()));
        }
        assert_eq!(check(None, &[0, 0, 0]), Ok(()));
        for (lows, partition, records, by) in [([6, 0, 9], 0, 6, 5), ([5, 1, 9], 1, 1, 0), ([5, 0, 10], 2, 10, 9)] {
            let fault = check(Some(&let_go), &lows).expect_err("robbed");
            assert_eq!(fault, Fault::Trimmed { partition, records, let_go: by });
            let said = format!("the first {records} records of the topic's partition {partition} are gone");
            assert!(fault.to_string().contains(&said) && !fault.may_pass(), "{fault}");
        }
        assert_eq!(check(None, &[0, 0, 1]), Err(Fault::Trimmed { partition: 2, records: 1, let_go: 0 }));
    }
}
