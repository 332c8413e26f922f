//! Which files of a partition are written anew with the rows that come.
//!
//! Small files are merged in tiers: each minute's commit adds a file, and when eight of one size class are together they become one of the next
//! class. So a partition has a few dozen files at most, and a row is rewritten about once per class. A file with superseded rows must be
//! rewritten at once: a small one with the new rows, a larger one by itself, so that it does not grow with each correction.

/// Files of one size class that may stand beside each other.
const TOGETHER: usize = 8;
/// Below this all files are of the lowest class.
const SMALLEST: u64 = 64 << 10;
/// Up to this class a file with superseded rows is merged with the new ones.
const JOINS: u32 = 1;
/// A file that large is left alone.
const LARGE: u64 = 32 << 20;
/// Not more than about this is merged at once, so that a flush stays short.
const AT_ONCE: u64 = 256 << 20;

/// What the policy knows of a file.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub bytes: u64,
    /// It has rows that are no longer current.
    pub must: bool,
}

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Keep,
    /// It is rewritten by itself.
    Alone,
    /// It is merged with the new rows.
    Merge,
}

/// For each file, what becomes of it.
pub fn choose(files: &[Candidate]) -> Vec<Choice> {
    let forced = |f: &Candidate| match f.must {
        true if class_of(f.bytes) <= JOINS => Choice::Merge,
        true => Choice::Alone,
        false => Choice::Keep,
    };
    let mut chosen: Vec<Choice> = files.iter().map(forced).collect();
    let mut budget = AT_ONCE;
    // Lower classes first: what is merged of them joins the class above at the next flush.
    for class in 0..=class_of(LARGE) {
        let of_class = |f: &Candidate| f.bytes < LARGE && class_of(f.bytes) == class;
        if files.iter().filter(|f| of_class(f)).count() < TOGETHER {
            continue;
        }
        for (file, chosen) in files.iter().zip(&mut chosen).filter(|(f, _)| of_class(f)) {
            if file.bytes <= budget {
                budget -= file.bytes;
                *chosen = Choice::Merge;
            }
        }
    }
    chosen
}

/// Each class holds files up to eight times as large as the one below.
fn class_of(bytes: u64) -> u32 {
    (bytes / SMALLEST).checked_ilog2().map_or(0, |log| log / 3 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    use Choice::*;

    fn of(sizes: &[u64]) -> Vec<Choice> {
        choose(&sizes.iter().map(|&bytes| Candidate { bytes, must: false }).collect::<Vec<_>>())
    }

    #[test]
    fn eight_of_a_class_are_merged() {
        assert_eq!(of(&[1000; 7]), [Keep; 7]);
        assert_eq!(of(&[1000; 8]), [Merge; 8]);
        let mut mixed = vec![1000; 8];
        mixed.push(1 << 20);
        assert_eq!(of(&mixed).last(), Some(&Keep));
    }

    #[test]
    fn large_files_stay_unless_they_must_go() {
        assert_eq!(of(&[40 << 20; 20]), [Keep; 20]);
        assert_eq!(choose(&[Candidate { bytes: 40 << 20, must: true }]), [Alone]);
        assert_eq!(choose(&[Candidate { bytes: 4 << 10, must: true }]), [Merge]);
    }

    #[test]
    fn a_year_of_minutes_leaves_few_files() {
        let (mut files, mut most) = (Vec::<u64>::new(), 0);
        for _ in 0..60 * 24 * 31 {
            let chosen = choose(&files.iter().map(|&bytes| Candidate { bytes, must: false }).collect::<Vec<_>>());
            let mut merged = 20_000;
            let mut kept = Vec::new();
            for (bytes, chosen) in files.iter().zip(chosen) {
                if chosen == Merge { merged += bytes } else { kept.push(*bytes) }
            }
            kept.push(merged);
            files = kept;
            most = most.max(files.len());
        }
        assert!(most < 60, "{most} files");
    }
}
