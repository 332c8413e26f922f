//! Matches of one reading alone, under rules that say the same of each: nothing is searched, bound or asked for them.

use super::Match;
use crate::decide::fact::quoted;
use crate::decide::version::Case;
use crate::eval::Words;
use crate::plan::{Grade, Piece};
use crate::timeline::Table;

/// The match of a reading that fits the only step of a rule of which all is fixed ([`crate::plan::Rule::says_fixed`]), if it belongs to the version.
pub fn of_one(case: &Case<'_>, table: &Table, row: usize) -> Option<Match> {
    let (rule, at) = (&case.version.terms.rule, table.at(row));
    let ([Grade { severity, .. }], [Piece::Text(text)]) = (&rule.grades[..], &rule.say[..]) else { return None };
    case.version.owns(at).then(|| Match {
        first: at,
        at,
        last: at,
        severity: *severity,
        words: Words { text: text.clone(), wordings: None },
        said: None,
        evidence: quoted(case.line, table.evidence(row).iter().copied()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vitalog_elog::{Content, Reading, StreamIx, Subject, Time, When};

    use super::super::{Search, Shape, decided};
    use super::*;
    use crate::decide::Version;
    use crate::plan::{Library, Pattern, Rule, RuleKind, Step};
    use crate::timeline::Timeline;

    #[test]
    fn it_is_what_a_search_finds() {
        let pattern = Pattern::sequence(vec![Step::once(StreamIx(0), None)], None);
        let rule = Arc::new(Rule::of(RuleKind::Match(pattern.clone())));
        assert!(rule.says_fixed());
        let shape = Shape::of(&rule, &pattern);
        let version = Version::new(rule, &Library::default(), 4);
        let mut line = Timeline::default();
        for at in [2, 4, 9] {
            let content =
                Content { stream: StreamIx(0), when: When::At(Time(at)), values: Box::default(), source: None, seq: None };
            line.put(&Reading::present(Subject::new("s"), None, 1, "bg", content), 20, &mut Vec::new());
        }
        let case = Case { line: &line, version: &version, clock: 20, more: false };
        let table = line.table(StreamIx(0)).expect("it has readings");
        let found: Vec<Option<Match>> = (0..table.len()).map(|row| of_one(&case, table, row)).collect();
        let searched = |row: usize| {
            let mut search = Search::new(case, &pattern, &shape, table.at(row));
            search.at(table.at(row));
            decided(&case, &search, table.at(row), table.at(row))
        };
        assert_eq!(found, (0..table.len()).map(searched).collect::<Vec<_>>());
        assert_eq!(found.iter().flatten().count(), 2, "one was before the version");
    }
}
