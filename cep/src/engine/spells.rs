//! Until when rules rest that rest by a number: those with one and the same time together.
//!
//! Where many rules are about one field, a reading that moves past the bounds of a hundred begins a hundred runs that are over at the same instant. They are one entry.

use super::resting::Entry;
use crate::decide::Stay;

/// By their times, ascending.
#[derive(Debug, Default)]
pub struct Spells {
    list: Vec<Spell>,
    /// Where something was put in last.
    last: usize,
    /// How many entries all have.
    many: usize,
}

#[derive(Debug)]
struct Spell {
    stay: Stay,
    /// INVARIANT (numbered): see [`super::resting`].
    members: Vec<Entry>,
}

impl Spells {
    pub fn clear(&mut self) {
        self.list.clear();
        self.many = 0;
    }

    /// How many entries there are, those that count no more included.
    pub fn len(&self) -> usize {
        self.many
    }

    #[inline]
    pub fn add(&mut self, stay: Stay, entry: Entry) {
        if stay == Stay::EVER {
            return;
        }
        self.many += 1;
        if self.list.get(self.last).is_none_or(|spell| spell.stay != stay) {
            let key = |stay: Stay| (stay.before, stay.near);
            self.last = self.list.partition_point(|spell| key(spell.stay) < key(stay));
            if self.list.get(self.last).is_none_or(|spell| spell.stay != stay) {
                self.list.insert(self.last, Spell { stay, members: Vec::new() });
            }
        }
        self.list[self.last].members.push(entry);
    }

    /// Takes out all whose time is over when a reading comes at an instant, so long after the one before.
    pub fn drain(&mut self, at: i64, after: i64, mut rouse: impl FnMut(Entry)) {
        let is_over = |stay: Stay| stay.before <= at || stay.near < after;
        if !self.list.iter().any(|spell| is_over(spell.stay)) {
            return;
        }
        let many = &mut self.many;
        self.list.retain(|spell| {
            let is_over = is_over(spell.stay);
            if is_over {
                *many -= spell.members.len();
                spell.members.iter().for_each(|entry| rouse(*entry));
            }
            !is_over
        });
    }

    /// Drops what counts no more.
    pub fn keep(&mut self, counts: impl Fn(&Entry) -> bool) {
        self.list.retain_mut(|spell| {
            spell.members.retain(&counts);
            !spell.members.is_empty()
        });
        self.many = self.list.iter().map(|spell| spell.members.len()).sum();
    }

    /// What has to hold for all. It may be narrower than need be, by those that count no more.
    pub fn narrowest(&self) -> Stay {
        let before = self.list.first().map_or(i64::MAX, |spell| spell.stay.before);
        Stay { before, near: self.list.iter().map(|spell| spell.stay.near).min().unwrap_or(i64::MAX) }
    }
}
