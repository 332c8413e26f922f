//! Who rests in one stream as long as nothing comes in another.
//!
//! A rule that finds something only where something was eaten need not be asked of readings of glucose while nothing was. What other streams say of what is decided next changes when
//! something comes there, or goes: then whoever counted on it is asked again.
//!
//! INVARIANT (heard): whoever rests by another stream is woken by whatever comes or goes there, before anybody is told of it; and a reading there that lies before what was decided while they
//! rested is told to them. Whoever is woken by anything else meanwhile, and not told of what woke it, notes then how far it is.

use super::rulebook::Rulebook;
use super::subject::Person;
use crate::timeline::Touch;

impl Person {
    /// Wakes those who rest as long as nothing comes in the streams that were touched.
    #[inline]
    pub(super) fn hear(&mut self, rules: &Rulebook, clock: i64, touches: &[Touch]) {
        for touch in touches.iter().filter(|touch| self.calms.is_counted_on(touch.stream)).collect::<Vec<_>>() {
            self.hear_one(rules, clock, touch);
        }
    }

    #[cold]
    fn hear_one(&mut self, rules: &Rulebook, clock: i64, touch: &Touch) {
        for place in self.calms.hear(touch.stream) {
            self.note_front(rules, clock, place, Some(touch.stream));
        }
    }
}
