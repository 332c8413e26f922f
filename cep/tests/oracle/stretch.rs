//! Where a window lies.

use jiff::ToSpan;
use vitalog_cep::plan::{Anchor, Window};
use vitalog_elog::ReadingId;

use super::calendar::{Calendar, night};
use super::scene::Scene;
use super::timeline::Micros;

/// From an instant on, up to another that is not in it.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub from: Micros,
    pub to: Micros,
    /// Where it ends: of what has its end in it the last instant.
    pub end: Micros,
    /// How long it is.
    pub length: Micros,
}

impl Stretch {
    pub fn has(&self, instant: Micros) -> bool {
        self.from <= instant && instant < self.to
    }
}

/// The stretches of a window, and the readings that are left out. `None`: it is not known, or not over.
pub fn stretches(window: &Window, scene: &Scene<'_>) -> Option<(Vec<Stretch>, Vec<ReadingId>)> {
    let length = i128::from(window.over.0);
    let half_open = |t: Micros| Stretch { from: t - length + 1, to: t + 1, end: t, length };
    let between = |from: Micros, to: Micros| Stretch { from, to, end: to, length: to - from };
    match window.anchor {
        Anchor::Decision => Some((vec![half_open(scene.end()?)], vec![])),
        // Instants are whole microseconds: from t - D on, and before t.
        Anchor::Until => Some((vec![between(scene.now - length, scene.now)], vec![])),
        Anchor::Before(step) => {
            let bound = scene.steps.get(usize::from(step))?;
            let ids = bound.iter().flat_map(|(_, readings)| readings.iter().map(|r| r.id)).collect();
            Some((vec![half_open(bound.last()?.0)], ids))
        }
        Anchor::After(step) => {
            let at = scene.steps.get(usize::from(step))?.last()?.0;
            let is_over = at + length <= scene.now;
            is_over.then(|| (vec![Stretch { length, ..between(at + 1, at + length) }], vec![]))
        }
        Anchor::Days(n) => {
            let calendar = Calendar::of(scene);
            let today = calendar.date(scene.end()?)?;
            let first = today.checked_sub(i64::from(n).days()).ok()?;
            Some((vec![between(calendar.first_instant(first, 0)?, calendar.first_instant(today, 0)?)], vec![]))
        }
        Anchor::Nights(n) => {
            let (calendar, night) = (Calendar::of(scene), night(scene));
            let end = scene.end()?;
            let mut day = calendar.date(end)?;
            let mut nights = Vec::new();
            while nights.len() < usize::from(n) {
                let evening = if night.from < night.to { day } else { day.yesterday().ok()? };
                let stretch = between(calendar.first_instant(evening, night.from)?, calendar.first_instant(day, night.to)?);
                if stretch.to <= end {
                    nights.push(stretch);
                }
                day = day.yesterday().ok()?;
            }
            nights.reverse();
            Some((nights, vec![]))
        }
    }
}
