//! Accounts, tokens, assignments and emergencies: who is let in, for how long, and what another process changes meanwhile.

use std::sync::Arc;

use vitalog_elog::access::{Access, Decision, Principal, Via, Wish};
use vitalog_elog::{Span, Subject};
use vitalog_ingest::access::{
    self, AccessError, Accounts, EMERGENCY, Names, NewAccount, NewToken, NotGood, NotIn, Open, Policies, Store,
};

use super::super::fixture::now;
use super::{Clock, HASHING, PASSWORD, accounts, add_token, roles, scopes, token};

fn held(accounts: &Accounts, token: &str) -> Result<(String, Via), NotGood> {
    match accounts.holder_of(token) {
        Ok(who) => Ok((who.id.to_string(), who.via)),
        Err(NotIn::Token(why)) => Err(why),
        Err(other) => panic!("{other}"),
    }
}

/// What of all wishes about two subjects is granted, as a row of digits.
fn granted(accounts: &Accounts, who: &Principal) -> String {
    let (one, two) = (Subject::new("p:1@x"), Subject::new("p-2"));
    let wishes = [
        Wish::Read(&one),
        Wish::Read(&two),
        Wish::Write(&one),
        Wish::Write(&two),
        Wish::List,
        Wish::Query,
        Wish::Rule,
        Wish::Operate,
    ];
    wishes.iter().map(|w| if accounts.decide(who, *w) == Decision::Allow { '1' } else { '0' }).collect()
}

#[test]
fn a_token_is_known_by_its_hash() {
    let accounts = accounts(&Clock::default());
    let (a, b) = (token(&accounts, "nurse-1", "read,list"), token(&accounts, "pump", "write@p-1"));
    assert_ne!(a, b);
    assert_eq!(held(&accounts, &a), Ok(("nurse-1".to_owned(), Via::Token("nurse-1".into()))));
    assert_eq!(held(&accounts, &b), Ok(("pump".to_owned(), Via::Token("pump".into()))));
    let hash = blake3::hash(a.as_bytes()).to_hex().to_string();
    for wrong in
        ["", "vitalog_", &a[1..], &a[..a.len() - 1], &format!("{a}0"), &a.to_uppercase(), &hash, &format!("vitalog_{hash}")]
    {
        assert_eq!(held(&accounts, wrong), Err(NotGood::Unknown), "{wrong}");
    }
    assert_eq!(format!("{accounts:?}"), "0 accounts, 2 tokens");
}

#[test]
fn scopes_grant_what_they_say() {
    let accounts = accounts(&Clock::default());
    for (words, expected) in [
        ("admin", "11111111"),
        ("read", "11000000"),
        ("write", "00110000"),
        ("read@p:1@x", "10000000"),
        ("write@p:1@x", "00100000"),
        ("read@p-2,write@p-2", "01010000"),
        ("list,query,rule,operate", "00001111"),
        ("", "00000000"),
    ] {
        let shown = token(&accounts, &format!("t{}", words.replace([':', '@', ','], "_")), words);
        let who = accounts.holder_of(&shown).expect("known");
        assert_eq!(granted(&accounts, &who), expected, "{words}");
    }
    let stranger = Principal::new("stranger");
    assert_eq!(granted(&accounts, &stranger), "00000000");
    // A name is no proof: nobody is taken for an account or a token by being called like it.
    assert_eq!(granted(&accounts, &Principal::new("tadmin")), "00000000");
    assert_eq!(Open.decide(&stranger, Wish::Query), Decision::Allow);
}

#[test]
fn a_token_of_an_account_does_what_both_may() {
    let accounts = accounts(&Clock::default());
    let (one, two) = (Subject::new("p:1@x"), Subject::new("p-2"));
    accounts
        .change(|store| {
            store.add_account(&NewAccount::new("lee", roles("caretaker")), now())?;
            store.assign("lee", &one, now(), None, "test")?;
            store.add_account(&NewAccount { own: Some(&one), ..NewAccount::new("one", roles("patient,device")) }, now())
        })
        .expect("made");
    for (id, account, words, expected) in [
        ("lees", "lee", "admin", "10101100"),
        ("lees-reader", "lee", "read", "10000000"),
        ("lees-other", "lee", "read@p-2,write@p-2", "00000000"),
        ("ones", "one", "admin", "10101100"),
    ] {
        let shown = add_token(
            &accounts,
            &NewToken {
                id,
                account: Some(account),
                scopes: &scopes(words),
                expires: None,
                rate: None,
                readings_per_day: None,
                tenant: None,
            },
        )
        .expect("made");
        let who = accounts.holder_of(&shown).expect("known");
        assert_eq!((&*who.id, granted(&accounts, &who).as_str()), (account, expected), "{id}");
    }
    // A program that is called like a person is not that person.
    let shown = token(&accounts, "lee", "read@p-2");
    let who = accounts.holder_of(&shown).expect("known");
    assert_eq!(granted(&accounts, &who), "01000000");
    accounts.change(|store| store.assign("lee", &two, now(), None, "test")).expect("assigned");
    accounts.change(|store| store.unassign("lee", &one)).expect("taken back");
    let who = Principal::new("lee").via(Via::Token("lees".into()));
    assert_eq!(granted(&accounts, &who), "01011100");
}

#[test]
fn assignments_and_emergencies_hold_for_their_time() {
    let clock = Clock::default();
    let accounts = accounts(&clock);
    let subject = Subject::new("p-1");
    accounts
        .change(|store| {
            store.add_account(&NewAccount { secret: Some(PASSWORD), ..NewAccount::new("lee", roles("caretaker")) }, now())?;
            store.assign("lee", &subject, now() + Span::hours(1), Some(now() + Span::hours(2)), "test")
        })
        .expect("made");
    let lee = Principal::new("lee").via(Via::Password);
    let reads = || accounts.decide(&lee, Wish::Read(&subject)) == Decision::Allow;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(reads());
        clock.pass(Span::minutes(30));
    }
    assert_eq!(seen, [false, false, true, true, false]);
    accounts
        .change(|store| store.open_emergency("lee", &subject, "unconscious in the ward", clock.now(), EMERGENCY))
        .expect("open");
    assert!(reads());
    assert_eq!(accounts.decide(&lee, Wish::SetProfile(&subject)), Decision::Deny, "an emergency is no time for targets");
    clock.pass(Span(EMERGENCY.0 - 1));
    assert!(reads());
    clock.pass(Span(1));
    assert!(!reads());
    let registry = accounts.registry().expect("read");
    assert_eq!(registry.emergencies.len(), 1, "it is over, and not forgotten");
    let number = registry.emergencies[0].number;
    accounts.change(|store| store.see_emergency(number, "kim", clock.now())).expect("seen");
    assert!(accounts.change(|store| store.see_emergency(number, "kim", clock.now())).is_err(), "once");
    assert!(accounts.change(|store| store.open_emergency("nobody-here", &subject, "x", clock.now(), EMERGENCY)).is_err());
}

/// Numbers of the emergencies that nobody was told of yet.
fn untold(accounts: &Accounts) -> Vec<i64> {
    accounts.untold().expect("read").iter().map(|emergency| emergency.number).collect()
}

#[test]
fn an_emergency_waits_until_it_is_told_and_is_shown_with_its_own_subject_alone() {
    let accounts = accounts(&Clock::default());
    let (one, two) = (Subject::new("p-1"), Subject::new("p-2"));
    let open = |subject: &Subject, reason: &str| {
        accounts.change(|store| store.open_emergency("lee", subject, reason, now(), EMERGENCY)).expect("open")
    };
    accounts.change(|store| store.add_account(&NewAccount::new("lee", roles("caretaker")), now())).expect("made");
    let (first, second, third) =
        (open(&one, "unconscious in the ward"), open(&two, "fell in the street"), open(&one, "unconscious again"));
    assert_eq!(untold(&accounts), [first, second, third]);
    accounts.note_told(second, now()).expect("noted");
    accounts.note_told(second, now()).expect("again, after a crash");
    accounts.note_told(99, now()).expect("it was forgotten meanwhile");
    assert_eq!(untold(&accounts), [first, third]);
    let shown = |subject: &Subject| accounts.emergencies(subject).into_iter().map(|e| e.reason).collect::<Vec<_>>();
    assert_eq!(shown(&one), ["unconscious again", "unconscious in the ward"]);
    assert_eq!(shown(&two), ["fell in the street"]);
    accounts.change(|store| store.forget(&one)).expect("erased");
    assert_eq!((untold(&accounts), shown(&one)), (Vec::new(), Vec::new()), "nobody is told of who is erased");
}

#[test]
fn tokens_expire_are_exchanged_and_revoked() {
    let clock = Clock::default();
    let accounts = accounts(&clock);
    let expires = Some(now() + Span::days(1));
    let shown = add_token(
        &accounts,
        &NewToken {
            id: "meter",
            account: None,
            scopes: &scopes("write"),
            expires,
            rate: None,
            readings_per_day: None,
            tenant: None,
        },
    )
    .expect("made");
    let who = accounts.holder_of(&shown).expect("good");
    clock.pass(Span(Span::days(1).0 - 1));
    assert!(held(&accounts, &shown).is_ok());
    clock.pass(Span(1));
    assert_eq!(held(&accounts, &shown), Err(NotGood::Expired));
    assert_eq!(granted(&accounts, &who), "00000000", "who came before is asked again");
    assert!(!accounts.may_stay(&who, 0));

    let first = token(&accounts, "pump", "write");
    let second = accounts.change(|store| store.rotate_token("pump", clock.now() + Span::hours(1))).expect("exchanged").token;
    assert_ne!(first, second);
    assert!(held(&accounts, &first).is_ok() && held(&accounts, &second).is_ok());
    clock.pass(Span::hours(1));
    assert_eq!(held(&accounts, &first), Err(NotGood::Expired));
    assert!(held(&accounts, &second).is_ok());
    let third = accounts.change(|store| store.rotate_token("pump", clock.now())).expect("exchanged").token;
    assert_eq!((held(&accounts, &first), held(&accounts, &second)), (Err(NotGood::Unknown), Err(NotGood::Expired)));
    accounts.change(|store| store.revoke_token("pump")).expect("revoked");
    assert_eq!(held(&accounts, &third), Err(NotGood::Unknown));
    assert!(accounts.change(|store| store.revoke_token("pump")).is_err());
    assert!(accounts.change(|store| store.rotate_token("pump", clock.now())).is_err());
}

#[test]
fn passwords_open_slowly_and_only_their_own_account() {
    let _alone = HASHING.lock();
    let clock = Clock::default();
    let accounts = accounts(&clock);
    let error = accounts.change(|store| {
        store.add_account(&NewAccount { secret: Some("too short"), ..NewAccount::new("lee", roles("caretaker")) }, now())
    });
    assert!(matches!(error, Err(AccessError::Password { length: 9 })));
    accounts
        .change(|store| {
            store.add_account(&NewAccount { secret: Some(PASSWORD), ..NewAccount::new("lee", roles("caretaker")) }, now())
        })
        .expect("made");
    accounts.change(|store| store.add_account(&NewAccount::new("robot", roles("operator")), now())).expect("made");
    let (who, generation) = accounts.log_in("lee", PASSWORD).expect("in");
    assert_eq!((&*who.id, &who.via), ("lee", &Via::Password));
    assert!(accounts.may_stay(&who, generation));
    for (id, secret) in
        [("lee", ""), ("lee", "four words are enougH"), ("robot", ""), ("robot", PASSWORD), ("kim", PASSWORD), ("LEE", PASSWORD)]
    {
        assert!(matches!(accounts.log_in(id, secret), Err(NotIn::Password)), "{id} {secret}");
    }
    // Five failures are free, for a name that there is none of, too.
    for id in ["lee", "mallory"] {
        let failed = (0..5).map(|_| accounts.log_in(id, "x")).filter(|r| matches!(r, Err(NotIn::Password))).count();
        assert!(failed >= 3, "{id}: {failed}");
        assert!(matches!(accounts.log_in(id, PASSWORD), Err(NotIn::Wait(_))), "{id} waits, whatever is said");
    }
    clock.pass(Span::minutes(16));
    assert!(accounts.log_in("lee", PASSWORD).is_ok());
    // Another password ends what the former began.
    accounts.change(|store| store.set_password("lee", "five other words are enough")).expect("set");
    assert!(!accounts.may_stay(&who, generation));
    assert!(accounts.log_in("lee", PASSWORD).is_err());
    let (who, generation) = accounts.log_in("lee", "five other words are enough").expect("in");
    accounts.change(|store| store.set_disabled("lee", Some(now()))).expect("shut");
    assert!(!accounts.may_stay(&who, generation));
    assert!(matches!(accounts.log_in("lee", "five other words are enough"), Err(NotIn::Password)));
    assert_eq!(granted(&accounts, &who), "00000000");
    accounts.change(|store| store.set_disabled("lee", None)).expect("open");
    assert!(!accounts.may_stay(&who, generation), "opened again, everyone logs in anew");
}

#[test]
fn what_another_process_changes_holds_with_the_next_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || access::open(folder.path(), now()).expect("opened");
    let accounts = Accounts::new(open(), Policies::shipped().expect("right"), Clock::default().port()).expect("read");
    let mut other = open();
    let shown = other
        .add_token(
            &NewToken {
                id: "meter",
                account: None,
                scopes: &scopes("read"),
                expires: None,
                rate: None,
                readings_per_day: None,
                tenant: None,
            },
            now(),
        )
        .expect("made")
        .token;
    let who = accounts.holder_of(&shown).expect("it is there");
    assert_eq!(granted(&accounts, &who), "11000000");
    other.revoke_token("meter").expect("revoked");
    assert_eq!(granted(&accounts, &who), "00000000");
    assert_eq!(held(&accounts, &shown), Err(NotGood::Unknown));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("access.db")).expect("a file").permissions(),
    );
    assert_eq!(mode & 0o077, 0, "nobody else reads it");
    let bytes = std::fs::read(folder.path().join("access.db")).expect("read");
    assert!(!bytes.windows(shown.len()).any(|w| w == shown.as_bytes()));
}

#[test]
fn tokens_of_the_former_file_are_taken_over_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokens");
    let hash = |token: &str| blake3::hash(token.as_bytes()).to_hex().to_string();
    std::fs::write(
        &path,
        format!("# who\n\nclinic-3:{}:admin\n meter:{}:write@p-001,read@p-001 \n", hash("vitalog_a"), hash("vitalog_b")),
    )
    .expect("written");
    let read = || {
        let store = access::open(folder.path(), now()).expect("opened");
        Arc::new(Accounts::new(store, Policies::shipped().expect("right"), Clock::default().port()).expect("read"))
    };
    let accounts = read();
    assert_eq!(held(&accounts, "vitalog_a").map(|w| w.0), Ok("clinic-3".to_owned()));
    assert_eq!(held(&accounts, "vitalog_b").map(|w| w.0), Ok("meter".to_owned()));
    assert!(!path.exists());
    assert_eq!(read().registry().expect("read").tokens.len(), 2);
    // An interrupted taking over begins again.
    std::fs::write(&path, format!("clinic-3:{}:admin\nnew:{}:read\n", hash("vitalog_a"), hash("vitalog_c"))).expect("written");
    assert_eq!(read().registry().expect("read").tokens.len(), 3);
    for (text, line) in [
        ("nonsense", "line 1"),
        ("a:abcd:read", "line 1"),
        (&format!("\na:{}:reed", hash("x")), "line 2"),
        (&format!("a:{}:write@../x", hash("x")), "line 1"),
        (&format!("a b:{}:read", hash("x")), "line 1"),
        (&format!("nobody:{}:read", hash("x")), "line 1"),
    ] {
        std::fs::write(&path, text).expect("written");
        let Err(error) = access::open(folder.path(), now()) else { panic!("{text} was taken") };
        assert!(error.to_string().contains(line), "{text}: {error}");
        assert!(path.exists(), "what can't be read is not thrown away");
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut store = Store::in_memory().expect("made");
    let own = Subject::new("p-1");
    let mut add = |id: &str, words: &str, own: Option<&Subject>| {
        store.add_account(&NewAccount { own, ..NewAccount::new(id, roles(words)) }, now()).map_err(|e| e.to_string())
    };
    assert_eq!(add("lee", "caretaker", None), Ok(()));
    for (id, words, own, says) in [
        ("lee", "caretaker", None, "account lee already".to_owned()),
        ("a b", "caretaker", None, "\"a b\" can't be an id".to_owned()),
        ("local", "caretaker", None, "\"local\" can't be an id".to_owned()),
        ("kim", "", None, "without a role".to_owned()),
        ("kim", "patient", None, "say which".to_owned()),
        ("kim", "caretaker", Some(&own), "assign p-1 instead".to_owned()),
    ] {
        let error = add(id, words, own).expect_err(id);
        assert!(error.contains(&says), "{error}");
    }
    assert!(vitalog_ingest::access::Roles::parse("caretaker,service").is_err(), "nobody is given that");
    let unknown = store.assign("kim", &own, now(), None, "test").expect_err("unknown").to_string();
    assert_eq!(unknown, "there is no account kim");
    let token =
        NewToken { id: "t", account: Some("kim"), scopes: &[], expires: None, rate: None, readings_per_day: None, tenant: None };
    assert_eq!(store.add_token(&token, now()).err().map(|e| e.to_string()).as_deref(), Some("there is no account kim"));
    assert!(store.set_roles("lee", roles("patient")).is_err(), "a patient has a subject");
    store.set_roles("lee", roles("caretaker,operator")).expect("set");
    assert!(store.set_password("kim", PASSWORD).is_err() && store.set_disabled("kim", None).is_err());
    assert!(store.unassign("lee", &own).is_err());
}

/// What a store of version 3 has not.
const WITHOUT_TENANTS: &str =
    "ALTER TABLE emergencies DROP COLUMN told_at; ALTER TABLE tokens DROP COLUMN readings_per_day; DROP TABLE subjects; DROP TABLE tenants; DROP TABLE era; DROP TABLE used; ALTER TABLE accounts DROP COLUMN tenant;
    ALTER TABLE tokens DROP COLUMN tenant; PRAGMA user_version = 3;";

#[test]
fn a_store_without_tenants_is_looked_at_and_taken_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("access.db");
    let mut store = Store::open(&path).expect("made");
    store.add_account(&NewAccount::new("lee", roles("caretaker")), now()).expect("made");
    store.add_token(&NewToken::new("root", &scopes("admin")), now()).expect("made");
    drop(store);
    let older = rusqlite::Connection::open(&path).expect("opened");
    older.execute_batch(WITHOUT_TENANTS).expect("as it was");
    older.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").expect("as it was");
    drop(older);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert!(seen.tenants.is_empty() && seen.accounts["lee"].tenant.is_none() && seen.tokens.contains_key("root"));
    let mut store = Store::open(&path).expect("taken over");
    store.add_tenant("ward", &Names::Any, None, now()).expect("made");
    let kim = NewAccount { tenant: Some("ward"), ..NewAccount::new("kim", roles("caretaker")) };
    store.add_account(&kim, now()).expect("made");
    drop(store);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert_eq!((seen.accounts["kim"].tenant.as_deref(), seen.accounts["lee"].tenant.as_deref()), (Some("ward"), None));
}

#[test]
fn a_store_without_quotas_is_looked_at_and_taken_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("access.db");
    let most = std::num::NonZeroU32::new;
    let mut store = Store::open(&path).expect("made");
    store.add_tenant("ward", &Names::Any, most(9), now()).expect("made");
    store
        .add_token(&NewToken { rate: most(7), tenant: Some("ward"), ..NewToken::new("pump", &scopes("write")) }, now())
        .expect("made");
    drop(store);
    let older = rusqlite::Connection::open(&path).expect("opened");
    let without =
        "ALTER TABLE emergencies DROP COLUMN told_at; DROP INDEX owned; ALTER TABLE tenants DROP COLUMN readings_per_day; ALTER TABLE tenants DROP COLUMN most_subjects;
        ALTER TABLE tokens DROP COLUMN readings_per_day; PRAGMA user_version = 4; PRAGMA wal_checkpoint(TRUNCATE);";
    older.execute_batch(without).expect("as it was");
    drop(older);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert_eq!((seen.tenants["ward"].rate, seen.tokens["pump"].rate, seen.quotas().len()), (most(9), most(7), 0));
    let mut store = Store::open(&path).expect("taken over");
    store.set_tenant_readings("ward", most(5)).expect("set");
    store.set_tenant_subjects("ward", most(6)).expect("set");
    store.set_token_readings("pump", most(3)).expect("set");
    let former = store.rotate_token("pump", now()).expect("exchanged");
    assert!(!former.token.is_empty());
    drop(store);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert_eq!((seen.tenants["ward"].readings_per_day, seen.tenants["ward"].most_subjects), (most(5), most(6)));
    assert_eq!(
        (seen.tokens["pump"].readings_per_day, seen.tokens["pump"].rate),
        (most(3), most(7)),
        "exchanged, it keeps what it may"
    );
    let mut store = Store::open(&path).expect("opened");
    assert!(store.set_tenant_readings("x", None).is_err() && store.set_tenant_subjects("x", None).is_err());
    assert!(store.set_token_readings("x", None).is_err() && store.set_token_rate("x", None).is_err());
}

#[test]
fn a_store_without_notices_is_looked_at_and_taken_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("access.db");
    let subject = Subject::new("p-1");
    let mut store = Store::open(&path).expect("made");
    store.add_account(&NewAccount::new("lee", roles("caretaker")), now()).expect("made");
    let before = store.open_emergency("lee", &subject, "before there were notices", now(), EMERGENCY).expect("open");
    drop(store);
    let older = rusqlite::Connection::open(&path).expect("opened");
    let without = "ALTER TABLE emergencies DROP COLUMN told_at; PRAGMA user_version = 5; PRAGMA wal_checkpoint(TRUNCATE);";
    older.execute_batch(without).expect("as it was");
    drop(older);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert_eq!(seen.emergencies.iter().map(|e| e.number).collect::<Vec<_>>(), [before]);
    let mut store = Store::open(&path).expect("taken over");
    assert!(store.untold_emergencies().expect("read").is_empty(), "what is long over is told to nobody now");
    let after = store.open_emergency("lee", &subject, "after there were notices", now(), EMERGENCY).expect("open");
    drop(store);
    let untold = Store::open(&path).expect("opened").untold_emergencies().expect("read");
    assert_eq!(untold.iter().map(|e| e.number).collect::<Vec<_>>(), [after]);
}

/// What an older program has made is looked at as it is, and taken over when it is opened.
#[test]
fn a_store_without_links_is_looked_at_and_taken_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("access.db");
    let mut store = Store::open(&path).expect("made");
    store.add_account(&NewAccount::new("lee", roles("caretaker")), now()).expect("made");
    drop(store);
    let older = rusqlite::Connection::open(&path).expect("opened");
    older.execute_batch(WITHOUT_TENANTS).expect("as it was");
    older
        .execute_batch("DROP TABLE links; DROP TABLE erasures; PRAGMA user_version = 2; PRAGMA wal_checkpoint(TRUNCATE);")
        .expect("as it was");
    drop(older);
    let seen = vitalog_ingest::access::look(&path).expect("read");
    assert!(seen.accounts["lee"].links.is_empty());
    let mut store = Store::open(&path).expect("taken over");
    store.link("lee", "https://login.example", "1", now()).expect("linked");
    drop(store);
    let link = ("https://login.example".to_owned(), "1".to_owned());
    assert_eq!(vitalog_ingest::access::look(&path).expect("read").accounts["lee"].links, [link]);
}
