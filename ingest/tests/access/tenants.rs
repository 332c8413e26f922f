//! Whose subjects are: every role of a tenant against its own subjects, another's, the house's and nobody's; what is settled stays, and what another process changes holds at once.

use std::num::NonZeroU32;
use std::sync::Arc;

use vitalog_elog::Subject;
use vitalog_elog::access::{Access, Decision, Principal, Wish};
use vitalog_ingest::access::{self, Accounts, EMERGENCY, Names, NewAccount, NewToken, Owners, Paced, Policies, Store};

use super::super::fixture::now;
use super::{Clock, accounts, roles, scopes};

fn begin(text: &str) -> Names {
    Names::beginning(text).expect("a beginning")
}

fn subject(name: &str) -> Subject {
    Subject::new(name)
}

/// Two tenants; of the first somebody of each role, a program with everything, and one who opened everybody in an emergency. All that nobody but they may tell.
fn ward(accounts: &Accounts) -> Vec<Principal> {
    let tokens = accounts.change(|store| {
        store.add_tenant("a", &begin("a:"), None, now())?;
        store.add_tenant("b", &Names::Any, None, now())?;
        store.settle(&[(subject("a:1"), Some("a".into())), (subject("b-1"), Some("b".into())), (subject("h-1"), None)], now())?;
        let own = subject("a:1");
        let mut tokens = Vec::new();
        for role in ["device", "patient", "caretaker", "analyst", "operator", "administrator", "caretaker,operator,administrator"]
        {
            let id = format!("x-{}", role.replace(',', "-"));
            let own = (role == "device" || role == "patient").then_some(&own);
            store.add_account(&NewAccount { own, tenant: Some("a"), ..NewAccount::new(&id, roles(role)) }, now())?;
            if role.starts_with("caretaker") {
                store.assign(&id, &subject("a:1"), now(), None, "test")?;
                for other in ["a:1", "b-1", "h-1", "p-9"] {
                    store.open_emergency(&id, &subject(other), "a test of emergencies", now(), EMERGENCY)?;
                }
            }
            let admin = scopes("admin");
            tokens.push(
                store.add_token(&NewToken { account: Some(&id), ..NewToken::new(&format!("t-{id}"), &admin) }, now())?.token,
            );
        }
        tokens.push(store.add_token(&NewToken { tenant: Some("a"), ..NewToken::new("program", &scopes("admin")) }, now())?.token);
        Ok(tokens)
    });
    tokens.expect("made").iter().map(|token| accounts.holder_of(token).expect("good")).collect()
}

#[test]
fn nobody_of_a_tenant_may_anything_beyond_it() {
    let everything = "permit (principal, action, resource);";
    for policies in [Policies::shipped(), Policies::parse([("all.cedar", everything)])] {
        let store = Store::in_memory().expect("made");
        let accounts = Accounts::new(store, policies.expect("right"), Clock::default().port()).expect("read");
        let (mut allowed, mut denied) = (0, 0);
        for who in ward(&accounts) {
            for other in ["b-1", "h-1", "p-9", "b-9"] {
                for wish in Wish::all(&subject(other)).into_iter().filter(|wish| wish.subject().is_some()) {
                    assert_eq!(accounts.decide(&who, wish), Decision::Deny, "{who:?} {} {other}", wish.name());
                    denied += 1;
                }
            }
            for wish in [Wish::Rule, Wish::Operate, Wish::Administer, Wish::Audit, Wish::Erase(&subject("a:1"))] {
                assert_eq!(accounts.decide(&who, wish), Decision::Deny, "{who:?} {}", wish.name());
            }
            let bound = accounts.bound(&who).expect("there is one");
            assert_eq!((&*bound.tenant, bound.subjects), ("a", vec![subject("a:1")]));
            assert!(accounts.subjects(&who).iter().all(|subject| subject.as_str() == "a:1"), "{who:?}");
            allowed += Wish::all(&subject("a:1")).into_iter().filter(|wish| accounts.allows(&who, *wish)).count();
        }
        assert!(denied > 150 && allowed > 30, "{denied} {allowed}");
    }
}

#[test]
fn a_name_that_nobody_has_may_be_written_and_not_read() {
    let accounts = accounts(&Clock::default());
    let all = ward(&accounts);
    let (program, free) = (all.last().expect("a program"), subject("a:2"));
    assert!(accounts.allows(program, Wish::Write(&free)) && accounts.allows(program, Wish::SetProfile(&free)));
    for wish in [Wish::Read(&free), Wish::Answer(&free), Wish::BreakGlass(&free)] {
        assert!(!accounts.allows(program, wish), "{}", wish.name());
    }
    let unsettled = |who: &Principal, names: &[&str]| -> Vec<String> {
        let subjects: Vec<Subject> = names.iter().map(|name| subject(name)).collect();
        accounts.unsettled(who, &mut subjects.iter()).iter().map(ToString::to_string).collect()
    };
    let names = ["a:1", "a:2", "a:2", "b-1", "h-1", "p-9"];
    assert_eq!(unsettled(program, &names), ["a:2"]);
    // The house writes it for the tenant whose names begin so.
    let house = accounts.change(|store| store.add_token(&NewToken::new("root", &scopes("admin")), now())).expect("made");
    let house = accounts.holder_of(&house.token).expect("good");
    assert_eq!(unsettled(&house, &names), ["a:2"]);
    accounts.settle(&house, &[(free.clone(), false)]).expect("settled");
    assert!(accounts.allows(program, Wish::Read(&free)), "the tenant has it");
    // What was kept of it was the house's, and stays there.
    accounts.settle(program, &[(subject("a:3"), true)]).expect("settled");
    assert!(!accounts.allows(program, Wish::Write(&subject("a:3"))) && accounts.allows(&house, Wish::Write(&subject("a:3"))));
    // What is settled already, or is not theirs to settle, stays as it is.
    accounts.settle(program, &[(subject("b-1"), false), (subject("h-1"), false), (subject("p-9"), false)]).expect("settled");
    let owner = |name: &str| accounts.owners().of(&subject(name)).map(|owner| owner.map(ToString::to_string));
    assert_eq!((owner("b-1"), owner("h-1"), owner("p-9")), (Some(Some("b".to_owned())), Some(None), None));
    // Without a tenant nothing is written down.
    assert_eq!(unsettled(&house, &["p-9", "x"]), Vec::<String>::new());
}

#[test]
fn a_tenants_rate_is_one_for_all_who_belong_to_it() {
    let accounts = accounts(&Clock::default());
    let all = ward(&accounts);
    let rates =
        |who: &Principal| accounts.rates_of(who).map(|(paced, id, rate)| (paced, id.to_string(), rate.get())).collect::<Vec<_>>();
    assert!(all.iter().all(|who| rates(who).is_empty()), "nothing is limited unless it is said");
    let fast = accounts.change(|store| {
        store.set_tenant_rate("a", NonZeroU32::new(7))?;
        store
            .add_token(&NewToken { tenant: Some("a"), rate: NonZeroU32::new(3), ..NewToken::new("own", &scopes("admin")) }, now())
    });
    for who in &all {
        assert_eq!(rates(who), [(Paced::Tenant, "a".to_owned(), 7)], "{who:?}");
    }
    let own = accounts.holder_of(&fast.expect("made").token).expect("good");
    assert_eq!(rates(&own), [(Paced::Token, "own".to_owned(), 3), (Paced::Tenant, "a".to_owned(), 7)]);
}

#[test]
fn names_that_the_operator_has_said_may_be_taken_whatever_they_begin_with() {
    let accounts = accounts(&Clock::default());
    let tokens = accounts.change(|store| {
        store.add_tenant("a", &begin("a:"), None, now())?;
        let own = subject("p-1");
        store
            .add_account(&NewAccount { own: Some(&own), tenant: Some("a"), ..NewAccount::new("dev", roles("device")) }, now())?;
        store.add_account(&NewAccount { tenant: Some("a"), ..NewAccount::new("care", roles("caretaker")) }, now())?;
        store.assign("care", &subject("p-2"), now(), None, "test")?;
        let admin = scopes("admin");
        let scoped = scopes("write@p-3");
        Ok([
            store.add_token(&NewToken { account: Some("dev"), ..NewToken::new("dev", &admin) }, now())?.token,
            store.add_token(&NewToken { account: Some("care"), ..NewToken::new("care", &admin) }, now())?.token,
            store.add_token(&NewToken { tenant: Some("a"), ..NewToken::new("scoped", &scoped) }, now())?.token,
        ])
    });
    let all = tokens.expect("made").map(|token| accounts.holder_of(&token).expect("good"));
    for (who, at) in all.iter().zip(1..) {
        for n in 1..=4 {
            let name = subject(&format!("p-{n}"));
            assert_eq!(accounts.allows(who, Wish::Write(&name)), n == at, "{who:?} {name}");
        }
    }
}

#[test]
fn what_another_process_says_of_tenants_holds_with_the_next_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || access::open(folder.path(), now()).expect("opened");
    let accounts = Arc::new(Accounts::new(open(), Policies::shipped().expect("right"), Clock::default().port()).expect("read"));
    let mut other = open();
    other.add_tenant("a", &begin("a:"), None, now()).expect("made");
    other.add_tenant("b", &begin("b:"), None, now()).expect("made");
    let token =
        other.add_token(&NewToken { tenant: Some("a"), ..NewToken::new("t", &scopes("admin")) }, now()).expect("made").token;
    let who = accounts.holder_of(&token).expect("good");
    let name = subject("p-1");
    let may = || accounts.decide(&who, Wish::Read(&name)) == Decision::Allow;
    assert!(!may());
    other.claim_subjects("a", std::slice::from_ref(&name), now()).expect("claimed");
    assert!(may());
    other.release_subjects("a", std::slice::from_ref(&name), now()).expect("released");
    assert!(!may());
    other.claim_subjects("b", std::slice::from_ref(&name), now()).expect("claimed");
    assert!(!may());
    assert!(other.claim_subjects("a", &[subject("p-2"), name.clone()], now()).is_err());
    assert!(accounts.owners().of(&subject("p-2")).is_none(), "all or none");
    other.release_subjects("b", std::slice::from_ref(&name), now()).expect("released");
    other.claim_subjects("a", std::slice::from_ref(&name), now()).expect("claimed");
    assert!(may());
    // Of two who settle the same name at a time the first has it.
    other.settle(&[(name.clone(), Some("b".into())), (subject("p-7"), Some("b".into()))], now()).expect("settled");
    assert!(may() && accounts.owners().of(&subject("p-7")).flatten().map(|id| id.to_string()) == Some("b".to_owned()));
    let mut fresh = Owners::default();
    other.read_owners(&mut fresh).expect("read");
    assert_eq!(fresh.of(&name).flatten().map(|id| id.to_string()), Some("a".to_owned()));
    // Who is erased is nobody's again, and in no byte of the file.
    other.forget(&name).expect("forgotten");
    assert!(!may() && accounts.owners().of(&name).is_none());
    let mut owners = Owners::default();
    other.read_owners(&mut owners).expect("read");
    assert_eq!(owners.subjects("a").len(), 0);
    // Who is shut comes in by nothing.
    other.set_tenant_shut("a", Some(now())).expect("shut");
    assert!(accounts.holder_of(&token).is_err() && !may());
    other.set_tenant_shut("a", None).expect("open");
    assert!(accounts.holder_of(&token).is_ok());
    // Who is gone sees nobody, and not everybody.
    other.revoke_token("t").expect("revoked");
    assert_eq!(accounts.bound(&who).map(|bound| bound.subjects), Some(Vec::new()));
}
