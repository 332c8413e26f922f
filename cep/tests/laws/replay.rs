//! Law 1: the same inputs give the same effects and the same snapshot, byte for byte, whether or not the engine looks ahead.

use super::for_scripts;
use crate::world::drive;

#[test]
fn replay_is_byte_for_byte() {
    for_scripts("replay", 500, &|_, lines| {
        let ((mut one, effects), (mut two, again)) = (drive::run(lines), drive::foreseeing(lines));
        if effects != again {
            return Err("the effects differ".to_owned());
        }
        if one.snapshot() != two.snapshot() { Err("the snapshots differ".to_owned()) } else { Ok(()) }
    });
}
