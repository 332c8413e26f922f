//! "Did you mean": the nearest of the names that would have been right.

/// The name nearest to a word, if it is near enough to have been meant: a third of its letters wrong at most.
/// Of two equally near ones that which begins alike for longer.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST || word.chars().count() < 2 {
        return None;
    }
    let limit = (word.chars().count().max(3) / 3).max(1);
    names
        .into_iter()
        .filter(|name| *name != word && name.len() <= LONGEST)
        .map(|name| (distance(word, name), name))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, name)| (*d, std::cmp::Reverse(shared_start(word, name))))
        .map(|(_, name)| name)
}

fn shared_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); a difference of case alone counts nothing,
/// so that `BG` finds `bg`.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let mut best = (last[j] + usize::from(a[i] != b[j])).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
}
