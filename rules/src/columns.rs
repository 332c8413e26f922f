//! Columns of a line: how many characters, or UTF-16 units, lie between two bytes, without counting them one by one.
//!
//! A file may be a line of a megabyte with a mark at every word: each count must cost a look-up, not a walk along the line.

use std::ops::Range;

/// The characters of a text that take more than one byte, in order.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    wide: Vec<Wide>,
}

/// Behind this character, from the beginning of the text: how many bytes are more than the characters, and than the UTF-16 units.
#[derive(Clone, Copy, Debug)]
struct Wide {
    end: u32,
    chars: u32,
    units: u32,
}

impl Columns {
    pub fn of(text: &str) -> Columns {
        let (mut chars, mut units) = (0, 0);
        let mut wide = Vec::new();
        if !text.is_ascii() {
            for (at, c) in text.char_indices().filter(|(_, c)| !c.is_ascii()) {
                chars += c.len_utf8() as u32 - 1;
                units += (c.len_utf8() - c.len_utf16()) as u32;
                wide.push(Wide { end: (at + c.len_utf8()) as u32, chars, units });
            }
        }
        Columns { wide }
    }

    /// The characters in a range of bytes that begins and ends between characters.
    pub fn chars(&self, range: Range<usize>) -> usize {
        range.len() - (self.before(range.end).0 - self.before(range.start).0)
    }

    /// Its UTF-16 units.
    pub fn units(&self, range: Range<usize>) -> usize {
        range.len() - (self.before(range.end).1 - self.before(range.start).1)
    }

    fn before(&self, at: usize) -> (usize, usize) {
        let behind = self.wide.partition_point(|w| w.end as usize <= at);
        behind.checked_sub(1).map_or((0, 0), |i| (self.wide[i].chars as usize, self.wide[i].units as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_a_walk() {
        let text = "a\u{b5}g \u{4e2d} \u{1f600}\u{301}x\n\u{e9}";
        let columns = Columns::of(text);
        let places: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
        for from in &places {
            for to in places.iter().filter(|to| *to >= from) {
                let piece = &text[*from..*to];
                assert_eq!(columns.chars(*from..*to), piece.chars().count());
                assert_eq!(columns.units(*from..*to), piece.encode_utf16().count());
            }
        }
    }
}
