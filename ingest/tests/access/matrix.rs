//! The table of roles in docs/security.md is what the policies say: every role, every wish, every standing, with what was shown being good for it or not.

use vitalog_elog::Subject;
use vitalog_elog::access::Wish;
use vitalog_ingest::access::{Policies, Role, Roles, Standing};

const PAGE: &str = include_str!("../../../docs/security.md");

/// A role, and of each wish the standings that open it.
type Row = (Role, Vec<(String, Vec<String>)>);

/// What a role may, by the table: of each wish, the standings that open it; `any` where none is needed.
fn table() -> Vec<Row> {
    let part = PAGE.split("<!-- roles -->").nth(1).and_then(|rest| rest.split("<!-- roles: end -->").next()).expect("the table");
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = part.lines().filter(|line| line.starts_with('|'));
    let head = cells(lines.next().expect("a head"));
    lines.next();
    let rows = lines.map(|line| {
        let row = cells(line);
        assert_eq!(row.len(), head.len(), "{line}");
        let role = match row[0].as_str() {
            "service" => Role::Service,
            word => Role::parse(word).expect("a role"),
        };
        let wishes = head.iter().zip(&row).skip(1).map(|(wish, cell)| {
            let words = cell.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect();
            (wish.clone(), words)
        });
        (role, wishes.collect())
    });
    rows.collect()
}

fn standings(roles: Roles) -> impl Iterator<Item = Standing> {
    (0..32).map(move |bits: u8| Standing {
        roles,
        foreign: bits & 16 != 0,
        in_scope: bits & 1 != 0,
        own: bits & 2 != 0,
        assigned: bits & 4 != 0,
        emergency: bits & 8 != 0,
    })
}

/// Rights about whom and what a tenant has: who belongs to one has them where it is not somebody else's. The others of the table stay within the tenant by themselves.
const OF_OTHERS: [&str; 10] =
    ["read", "write", "set_profile", "answer", "break_glass", "erase", "change_rules", "operate", "administer", "audit"];

fn opens(wish: Wish<'_>, words: &[String], standing: Standing) -> bool {
    standing.in_scope
        && !(standing.foreign && OF_OTHERS.contains(&wish.name()))
        && words.iter().any(|word| match word.as_str() {
            "any" => true,
            "own" => standing.own,
            "assigned" => standing.assigned,
            "emergency" => standing.emergency,
            other => panic!("{other} is no standing"),
        })
}

#[test]
fn the_table_of_roles_is_what_the_policies_say() {
    let (policies, table, subject) = (Policies::shipped().expect("they are right"), table(), Subject::new("p-1"));
    let named: Vec<Role> = table.iter().map(|(role, _)| *role).collect();
    assert_eq!(named.len(), Role::ALL.len(), "a role is missing: {named:?}");
    let mut allowed = 0;
    // Of several roles, what any of them may: each set of them.
    for set in 0_u32..1 << Role::ALL.len() {
        let held: Vec<_> = table.iter().zip(0..).filter(|(_, i)| set >> i & 1 == 1).map(|(row, _)| row).collect();
        let roles: Roles = held.iter().map(|(role, _)| *role).collect();
        for wish in Wish::all(&subject) {
            for standing in standings(roles) {
                let expected = held.iter().any(|(role, wishes)| {
                    let (_, words) = wishes
                        .iter()
                        .find(|(name, _)| name == wish.name())
                        .unwrap_or_else(|| panic!("{}: {role:?}", wish.name()));
                    opens(wish, words, standing)
                });
                assert_eq!(policies.allows(standing, wish), expected, "{} {standing:?}", wish.name());
                // What is remembered is what was found.
                assert_eq!(policies.allows(standing, wish), expected, "{} {standing:?}, asked again", wish.name());
                allowed += usize::from(expected);
            }
        }
    }
    assert!(allowed > 1_000, "{allowed}");
}

#[test]
fn no_policy_lets_anybody_beyond_their_tenant() {
    let everything = "permit (principal, action, resource); permit (principal, action, resource) when { context.foreign };";
    let (policies, subject) = (Policies::parse([("all.cedar", everything)]).expect("they are right"), Subject::new("p-1"));
    let mut shut = 0;
    for standing in standings(Role::Service.into()) {
        for wish in Wish::all(&subject) {
            let expected = !(standing.foreign && OF_OTHERS.contains(&wish.name()));
            assert_eq!(policies.allows(standing, wish), expected, "{} {standing:?}", wish.name());
            shut += usize::from(!expected);
        }
    }
    assert_eq!(shut, 16 * OF_OTHERS.len());
}
