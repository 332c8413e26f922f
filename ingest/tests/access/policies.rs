//! Policies as files: what is wrong is refused with the file's name, and what fails opens nothing.

use vitalog_elog::Subject;
use vitalog_elog::access::Wish;
use vitalog_ingest::access::{Policies, Role, SHIPPED, Standing};

fn standing(role: Role) -> Standing {
    Standing { roles: role.into(), in_scope: true, own: true, assigned: true, emergency: true, foreign: false }
}

#[test]
fn policies_of_ones_own_replace_those_that_are_shipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    put("a.cedar", "permit (principal, action == Action::\"read\", resource) when { context.assigned };");
    put("notes.txt", "permit (principal, action, resource);");
    let policies = Policies::read(folder.path()).expect("right");
    let subject = Subject::new("p-1");
    assert!(policies.allows(standing(Role::Analyst), Wish::Read(&subject)));
    assert!(!policies.allows(standing(Role::Analyst), Wish::Write(&subject)));
    assert!(!policies.allows(Standing { assigned: false, ..standing(Role::Analyst) }, Wish::Read(&subject)));
    put("b.cedar", "forbid (principal, action, resource) when { principal.roles.contains(\"analyst\") };");
    let policies = Policies::read(folder.path()).expect("right");
    assert!(!policies.allows(standing(Role::Analyst), Wish::Read(&subject)));
    assert!(policies.allows(standing(Role::Operator), Wish::Read(&subject)));
}

#[test]
fn what_is_no_policy_is_refused_by_its_file() {
    for (text, says) in [
        ("permit (principal, action, resource", "unexpected"),
        ("permit (principal, action == Action::\"reed\", resource);", "reed"),
        ("permit (principal, action == Action::\"list\", resource) when { context.assigned };", "assigned"),
        ("permit (principal, action, resource) when { principal.name == \"lee\" };", "name"),
        ("permit (principal == Account::\"lee\", action, resource) when { 1 };", "Bool"),
    ] {
        let error = Policies::parse([("house.cedar", text)]).expect_err(text).to_string();
        assert!(error.starts_with("house.cedar: "), "{error}");
        assert!(error.contains(says), "{text}: {error}");
    }
    let error = Policies::parse([]).expect_err("nothing").to_string();
    assert!(error.contains(".cedar"), "{error}");
    let nowhere = std::path::Path::new("/nowhere/at/all");
    assert!(Policies::read(nowhere).expect_err("missing").to_string().contains("/nowhere/at/all"));
}

#[test]
fn two_files_may_use_the_same_names() {
    let text = "@id(\"x\") permit (principal, action == Action::\"query\", resource);";
    let policies = Policies::parse([("a.cedar", text), ("b.cedar", text)]).expect("right");
    assert!(policies.allows(standing(Role::Patient), Wish::Query));
}

#[test]
fn each_shipped_file_is_needed() {
    let subject = Subject::new("p-1");
    let all = Policies::shipped().expect("right");
    for (left_out, _) in SHIPPED {
        let rest = Policies::parse(SHIPPED.into_iter().filter(|(name, _)| *name != left_out)).expect("right");
        let differs = Role::ALL.into_iter().any(|role| {
            [true, false].into_iter().any(|in_scope| {
                let standing = Standing { in_scope, ..standing(role) };
                Wish::all(&subject).into_iter().any(|wish| all.allows(standing, wish) != rest.allows(standing, wish))
            })
        });
        assert!(differs, "{left_out} says nothing");
    }
}
