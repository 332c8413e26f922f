//! Pure decisions on where to begin: which snapshot an engine restores, and in which order history is fed to it.
//!
//! Whoever holds journal, snapshots and sinks asks here and acts on the answer.

use vitalog_elog::Reading;

/// The place in `snapshots` (the offset each continues from) of the newest one that is not past any sink (the offset each continues from): replay
/// from there feeds every sink all it lacks. `None`: begin with an empty engine at offset 0.
pub fn restore_point(snapshots: &[u64], sinks: &[u64]) -> Option<usize> {
    let least = sinks.iter().copied().min().unwrap_or(u64::MAX);
    (0..snapshots.len()).filter(|&i| snapshots[i] <= least).max_by_key(|&i| (snapshots[i], i))
}

/// Sorts readings so that the engine's clock may follow event time: by instant (an interval stands at its end; one without an end, at its start),
/// removals last. The sort is stable.
pub fn backtest_order(readings: &mut [Reading]) {
    readings.sort_by_key(|r| match &r.content {
        Some(content) => (false, content.when.instant().unwrap_or(content.when.start())),
        None => (true, Default::default()),
    });
}

#[cfg(test)]
mod tests {
    use super::restore_point;

    #[test]
    fn the_newest_snapshot_that_no_sink_lies_before() {
        assert_eq!(restore_point(&[10, 40, 30, 50], &[45, 44]), Some(1));
        assert_eq!(restore_point(&[10, 40], &[40, 90]), Some(1));
        assert_eq!(restore_point(&[10, 40], &[9]), None);
        assert_eq!(restore_point(&[], &[9]), None);
        assert_eq!(restore_point(&[10, 40, 40], &[]), Some(2));
    }
}
