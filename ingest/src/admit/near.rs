//! "Did you mean": the declared name that is nearest to an unknown one.

/// A remedy for an unknown name: the nearest of the known ones, or all of them where they are few.
pub(super) fn remedy<'a>(name: &str, known: impl Iterator<Item = &'a str>, what: &str) -> String {
    let known: Vec<&str> = known.collect();
    if let Some(near) = nearest(name, &known) {
        return format!("did you mean {near:?}?");
    }
    if known.is_empty() {
        return format!("there are no {what}");
    }
    const SHOWN: usize = 12;
    let more = if known.len() > SHOWN { ", …" } else { "" };
    format!("the {what} are {}{more}", known[..known.len().min(SHOWN)].join(", "))
}

/// The known name that is at most a third of its letters away; of several the nearest, then the first.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.to_lowercase().chars().take(64).collect();
    let far = |candidate: &str| distance(&name, &candidate.to_lowercase().chars().collect::<Vec<_>>());
    let (away, best) = known.iter().map(|candidate| (far(candidate), *candidate)).min_by_key(|(away, _)| *away)?;
    (away <= best.len().max(name.len()).div_ceil(3).min(3) && away < best.len()).then_some(best)
}

/// Insertions, deletions, exchanges and swaps of neighbours that lead from one to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{nearest, remedy};

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let streams = ["bg", "bp", "carbs", "medication"];
        for (said, meant) in [
            ("carb", Some("carbs")),
            ("medicaton", Some("medication")),
            ("BG", Some("bg")),
            ("crabs", Some("carbs")),
            ("weight", None),
            ("x", None),
        ] {
            assert_eq!(nearest(said, &streams), meant, "{said}");
        }
        assert_eq!(remedy("weight", streams.into_iter(), "streams"), "the streams are bg, bp, carbs, medication");
    }
}
