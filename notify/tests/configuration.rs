//! Reading the configuration: what is accepted, and what each mistake is told.

use vitalog_elog::policy::Channel;
use vitalog_elog::{Severity, Span};
use vitalog_notify::Config;
use vitalog_notify::roles::Roles;

use crate::world::policy;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn one(fields: &str) -> String {
    format!(r#"{{"endpoints":[{{"name":"ward","url":"https://example.org/hook","secrets":["{SECRET}"]{fields}}}]}}"#)
}

#[test]
fn defaults_are_told_what_disturbs() {
    let config = Config::parse(&one("")).expect("a good configuration");
    assert_eq!((config.settle, config.keep), (Span::seconds(30), Span::days(30)));
    let ward = &config.endpoints[0];
    assert_eq!(ward.filter.min_severity, Severity::Advisory);
    assert!(!ward.allow_loopback && ward.filter.policies.is_empty() && ward.filter.subjects.is_empty());
}

#[test]
fn everything_can_be_set() {
    let fields = r#","min_severity":"urgent","policies":["night"],"subjects":["p-1"],"allow_loopback":true"#;
    let config = Config::parse(&one(fields)).expect("a good configuration");
    assert_eq!(config.endpoints[0].filter.min_severity, Severity::Urgent);
    assert_eq!(&*config.endpoints[0].filter.policies[0], "night");
}

#[test]
fn an_endpoint_has_a_role_and_a_channel_or_neither() {
    let fields = r#","role":"caretaker","channel":"email","subjects":["p-1"]"#;
    let config = Config::parse(&one(fields)).expect("a good configuration");
    let reach = config.endpoints[0].reach.as_ref().expect("a role");
    assert_eq!((&*reach.role, reach.channel), ("caretaker", Channel::Email));
    assert!(Config::parse(&one("")).expect("a good configuration").endpoints[0].reach.is_none());
}

#[test]
fn steps_that_reach_nobody_are_named() {
    let config = Config::parse(&one(r#","role":"caretaker","channel":"email","subjects":["p-1"]"#)).expect("good");
    let roles = Roles::of(&config.endpoints);
    let policies = [policy("night", "0 patient push,sms; 60 caretaker push,email; 90 caretaker phone")];
    let said: Vec<String> = roles.uncarried(&policies).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "policy night, step 1: there is no endpoint for patient by push, sms",
            "policy night, step 3: there is no endpoint for caretaker by phone",
        ]
    );
}

#[test]
fn mistakes_are_named_and_secrets_are_not() {
    let with =
        |url: &str, more: &str| format!(r#"{{"endpoints":[{{"name":"ward","url":"{url}","secrets":["{SECRET}"]{more}}}]}}"#);
    let cases = [
        ("{".to_owned(), "it ends too early"),
        (one(r#","sevrity":"urgent""#), "unknown field `sevrity`"),
        (one(r#","min_severity":"loud""#), "unknown variant `loud`"),
        (one(r#","role":"patient""#), "a role without a channel; add channel"),
        (one(r#","channel":"sms""#), "a channel without a role"),
        (one(r#","role":"on call","channel":"sms""#), "\"on call\" is not a role"),
        (one(r#","role":"patient","channel":"pigeon""#), "unknown variant `pigeon`"),
        (one(r#","role":"patient","channel":"sms","min_severity":"info""#), "policies say what a role is told"),
        (one(r#","role":"patient","channel":"sms","policies":["night"]"#), "policies say what a role is told"),
        (one(r#","subjects":["../x"]"#), "\"../x\" is not a subject"),
        (one("").replace("ward", "a b"), "endpoint \"a b\": not a name"),
        (with("http://example.org/", ""), "without TLS"),
        (with("ftp://example.org/", ""), "the scheme \"ftp\""),
        (with("example.org", ""), "its url is not one"),
        (with("https://user:hunter2@example.org/", ""), "carries a user name"),
        (with("https://169.254.169.254/latest", r#","allow_loopback":true"#), "link-local, metadata"),
        (with("https://127.0.0.1/", ""), "without allow_loopback"),
        (with("https://[::ffff:10.0.0.1]/", ""), "without allow_loopback"),
        (with("https://2130706433/", ""), "without allow_loopback"),
        (one("").replace(&format!("\"{SECRET}\""), ""), "0 secrets"),
        (one("").replace(SECRET, "hunter2"), "without the prefix whsec_"),
        (one("").replace(&format!("\"{SECRET}\""), "12345678"), "a value of the wrong type"),
        (one("").replace(&format!("\"{SECRET}\""), &vec![format!("\"{SECRET}\""); 3].join(",")), "3 secrets"),
        ("[1 2]".to_owned(), "not a notification configuration"),
    ];
    for (text, expected) in cases {
        let said = Config::parse(&text).expect_err(&text).to_string();
        assert!(said.contains(expected), "{said:?} should say {expected:?}");
        assert!(!said.contains("hunter2") && !said.contains("MfKQ9") && !said.contains("12345678"), "{said:?} says a secret");
    }
    let twice = one("")
        .replace("[{", "[{\"name\":\"ward\",\"url\":\"https://example.org/\",\"secrets\":[\"SECRET\"]},{")
        .replace("SECRET", SECRET);
    assert!(Config::parse(&twice).expect_err("two of a name").to_string().contains("two endpoints have this name"));
}
