//! Whether memory stayed where it was: its last quarter against its second and third, and how it went in the last.
//!
//! Samples follow each other closely, so ten of them say little more than one: errors are taken from means of a minute each.

use super::samples::Sample;

/// Samples in a mean.
const MINUTE: usize = 6;
/// Less than so much of the second quarter's mean is no growth, whatever the error.
const LITTLE: f64 = 0.02;

/// What is said at the end, quarter by quarter.
pub fn of(samples: &[Sample]) -> String {
    let quarter = samples.len() / 4;
    if quarter < 3 * MINUTE {
        return format!("{} samples are too few for a verdict on memory", samples.len());
    }
    let mut said = String::from("quarter: days, readings/s, p50, p99, worst ms, resident MB (mean, least, most)\n");
    let quarters: Vec<&[Sample]> = samples[samples.len() - 4 * quarter..].chunks(quarter).collect();
    for (number, quarter) in quarters.iter().enumerate() {
        said.push_str(&line(number + 1, quarter));
    }
    let resident = |quarter: &[Sample]| means(quarter, |sample| sample.resident);
    let last = resident(quarters[3]);
    let (slope, slope_error) = slope(&last);
    // The second may still have been filling; the third has not.
    for (name, quarter) in [("second", quarters[1]), ("third", quarters[2])] {
        let ((before, before_error), (after, after_error)) = (mean(&resident(quarter)), mean(&last));
        let (difference, error) = (after - before, before_error.hypot(after_error));
        let is_flat =
            difference < (before * LITTLE).max(2.0 * error) && slope * 60.0 < (before * LITTLE).max(2.0 * 60.0 * slope_error);
        said.push_str(&format!(
            "memory: last quarter against the {name} {difference:+.0} MB of {before:.0} (standard error {error:.0}): {}\n",
            if is_flat { "flat" } else { "it grows" }
        ));
    }
    said.push_str(&format!("in the last quarter {:+.0} MB an hour (standard error {:.0})", slope * 60.0, slope_error * 60.0));
    said
}

fn line(number: usize, quarter: &[Sample]) -> String {
    let mut waits: Vec<_> = quarter.iter().flat_map(|sample| sample.waits.iter().copied()).collect();
    waits.sort_unstable();
    let wait = |share: f64| waits[((waits.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    let resident: Vec<f64> = quarter.iter().map(|sample| sample.resident).collect();
    let readings: u64 = quarter[1..].iter().map(|sample| sample.readings).sum();
    let seconds = quarter[quarter.len() - 1].at - quarter[0].at;
    format!(
        "{number}: {:.0} to {:.0}, {:.0}, {:.1}, {:.1}, {:.1}, {:.0} ({:.0} to {:.0})\n",
        quarter[0].day,
        quarter[quarter.len() - 1].day,
        readings as f64 / seconds,
        wait(0.5),
        wait(0.99),
        wait(1.0),
        mean(&resident).0,
        resident.iter().copied().fold(f64::INFINITY, f64::min),
        resident.iter().copied().fold(0.0, f64::max),
    )
}

fn means(quarter: &[Sample], of: impl Fn(&Sample) -> f64) -> Vec<f64> {
    quarter.chunks_exact(MINUTE).map(|minute| minute.iter().map(&of).sum::<f64>() / MINUTE as f64).collect()
}

/// With its standard error.
fn mean(all: &[f64]) -> (f64, f64) {
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let squares: f64 = all.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0).max(1.0) / n).sqrt())
}

/// By least squares, a step of the list as the unit; with its standard error.
fn slope(all: &[f64]) -> (f64, f64) {
    let n = all.len() as f64;
    let (middle, (mean, _)) = ((n - 1.0) / 2.0, mean(all));
    let spread: f64 = (0..all.len()).map(|i| (i as f64 - middle).powi(2)).sum();
    let slope = all.iter().enumerate().map(|(i, y)| (i as f64 - middle) * (y - mean)).sum::<f64>() / spread;
    let rest: f64 = all.iter().enumerate().map(|(i, y)| (y - mean - slope * (i as f64 - middle)).powi(2)).sum();
    (slope, (rest / (n - 2.0).max(1.0) / spread).sqrt())
}
