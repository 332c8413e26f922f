//! "Did you mean": the nearest of the names that would have been right.

/// The longest name that is looked at, in letters.
const LONGEST: usize = 64;

/// The name nearest to a word, if it is near enough to have been meant: a third of its letters wrong at most.
/// Of two equally near ones that which begins alike for longer.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let (wanted, count) = letters(word)?;
    let wanted = &wanted[..count];
    if wanted.len() < 2 {
        return None;
    }
    let limit = (wanted.len().max(3) / 3).max(1);
    let looks = Letters::of(word);
    let mut near: Option<((usize, std::cmp::Reverse<usize>), &str)> = None;
    for name in names {
        if name == word || looks.apart(Letters::of(name)) > limit {
            continue;
        }
        let Some(distance) = letters(name).map(|(name, count)| distance(wanted, &name[..count], limit)).filter(|d| *d <= limit)
        else {
            continue;
        };
        let key = (distance, std::cmp::Reverse(shared_start(word, name)));
        if near.as_ref().is_none_or(|(best, _)| key < *best) {
            near = Some((key, name));
        }
    }
    near.map(|(_, name)| name)
}

/// The letters of a word without their case, unless they are too many.
fn letters(word: &str) -> Option<([char; LONGEST], usize)> {
    let mut all = ([' '; LONGEST], 0);
    if word.len() > LONGEST * 4 {
        return None;
    }
    each_letter(word, |c| {
        if let Some(place) = all.0.get_mut(all.1) {
            *place = c;
        }
        all.1 += 1;
    });
    (all.1 <= LONGEST).then_some(all)
}

fn each_letter(word: &str, mut f: impl FnMut(char)) {
    if word.is_ascii() {
        word.bytes().for_each(|b| f(char::from(b.to_ascii_lowercase())));
    } else {
        word.chars().flat_map(char::to_lowercase).for_each(f);
    }
}

/// How many letters a word has, and which. It is quickly seen of most names that they are too far: there may be ten thousand of them, and as many words.
#[derive(Clone, Copy)]
struct Letters {
    count: usize,
    which: u64,
}

impl Letters {
    fn of(word: &str) -> Letters {
        let mut all = Letters { count: 0, which: 0 };
        each_letter(word, |c| {
            all.count += 1;
            all.which |= 1 << (u32::from(c) % 64);
        });
        all
    }

    /// No more than the distance of the two words.
    fn apart(self, other: Letters) -> usize {
        let lacks = (self.which & !other.which).count_ones().max((other.which & !self.which).count_ones()) as usize;
        lacks.max(self.count.abs_diff(other.count))
    }
}

fn shared_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); a difference of case alone counts nothing,
/// so that `BG` finds `bg`. What is more than `limit` may come out as anything that is.
fn distance(a: &[char], b: &[char], limit: usize) -> usize {
    let mut rows = [[0_usize; LONGEST + 1]; 3];
    let (mut before, mut last, mut row) = (0, 1, 2);
    (0..=b.len()).for_each(|j| rows[last][j] = j);
    for i in 0..a.len() {
        rows[row][0] = i + 1;
        let mut least = i + 1;
        for j in 0..b.len() {
            let mut best = (rows[last][j] + usize::from(a[i] != b[j])).min(rows[last][j + 1] + 1).min(rows[row][j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(rows[before][j - 1] + 1);
            }
            rows[row][j + 1] = best;
            least = least.min(best);
        }
        // A swap reaches back two rows, and costs one.
        if least > limit + 1 {
            return least;
        }
        (before, last, row) = (last, row, before);
    }
    rows[last][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_finds_none() {
        let names = ["systolic", "diastolic", "pulse"];
        assert_eq!(nearest("sistolic", names), Some("systolic"));
        assert_eq!(nearest("diastloic", names), Some("diastolic"));
        assert_eq!(nearest("PULSE", names), Some("pulse"));
        assert_eq!(nearest("glucose", names), None);
    }

    #[test]
    fn what_is_seen_at_a_glance_is_never_more_than_the_distance() {
        let words =
            ["systolic", "diastolic", "sistolic", "pulse", "plus", "PULSE", "p", "\u{e9}t\u{e9}", "bg_low", "bg", "value"];
        for a in words {
            for b in words {
                let ((wanted, i), (name, j)) = (letters(a).expect("short"), letters(b).expect("short"));
                let (wanted, name) = (&wanted[..i], &name[..j]);
                let exact = distance(wanted, name, LONGEST);
                assert!(Letters::of(a).apart(Letters::of(b)) <= exact, "{a} {b}");
                for limit in 0..4 {
                    let found = distance(wanted, name, limit);
                    assert!(found == exact || (found > limit && exact > limit), "{a} {b}: {found} is not {exact}");
                }
            }
        }
    }
}
