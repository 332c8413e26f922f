//! A history cut between its subjects, so that several engines may take it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use vitalog_elog::{Reading, Schema, Subject};

use super::groups::Groups;

/// Which share each subject belongs to.
pub struct Cut {
    groups: Groups,
    share: BTreeMap<usize, usize>,
}

impl Cut {
    /// Into shares of about as many readings each: whoever has most is given out first, each to the share that has least so far. Subjects that readings join
    /// stay together.
    pub fn of<'r>(readings: impl Iterator<Item = &'r Reading> + Clone, schema: &Schema, shares: usize) -> Cut {
        let mut groups = Groups::default();
        if schema.shares() {
            readings.clone().for_each(|reading| groups.note(reading, schema));
        }
        let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
        for reading in readings {
            *sizes.entry(groups.of(&reading.subject)).or_default() += 1;
        }
        let mut largest: Vec<(usize, usize)> = sizes.into_iter().collect();
        largest.sort_by_key(|(group, size)| (Reverse(*size), *group));
        let mut loads = vec![0; shares.max(1)];
        let mut share = BTreeMap::new();
        for (group, size) in largest {
            let least = (0..loads.len()).min_by_key(|i| loads[*i]).unwrap_or(0);
            loads[least] += size;
            share.insert(group, least);
        }
        Cut { groups, share }
    }

    /// The number of a subject's share; the first for one of whom there is no reading.
    pub fn share_of(&mut self, subject: &Subject) -> usize {
        self.share.get(&self.groups.of(subject)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitalog_elog::{Content, StreamIx, Time, When};

    fn readings(subject: &str, count: i64) -> Vec<Reading> {
        let one = |i: i64| {
            let when = When::At(Time(i));
            let content = Content { stream: StreamIx(0), when, values: Box::default(), source: None, seq: None };
            Reading::present(Subject::new(subject), None, 1, "s", content)
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn shares_are_as_large_as_one_another_by_readings() {
        let all = [("a", 10), ("b", 90), ("c", 10), ("d", 80), ("e", 20)];
        let readings: Vec<Reading> = all.iter().flat_map(|(subject, count)| readings(subject, *count)).collect();
        let mut cut = Cut::of(readings.iter(), &Schema::default(), 2);
        let mut sizes = [0, 0];
        readings.iter().for_each(|r| sizes[cut.share_of(&r.subject)] += 1);
        assert_eq!(sizes, [110, 100]);
    }
}
