//! Policies as data.

use expect_test::expect;

use crate::support::library;

#[test]
fn a_policy_in_json() {
    let library = library(
        "stream a { x glucose in mg/dL }
/// Somebody has to get up.
policy night {
    notify patient by push, sms
    after 5 min unless acknowledged notify caretaker, neighbour by phone
    repeat every 30 min until resolved
}
rule r { severity info when a.x > 3 mg/dL notify night }
rule q { severity info when a.x > 3 mg/dL notify routine }",
    );
    expect![[r#"
        [
          {
            "name": "night",
            "steps": [
              {
                "after": 0,
                "unless_acknowledged": false,
                "recipient": "patient",
                "channels": [
                  "push",
                  "sms"
                ]
              },
              {
                "after": 300000000,
                "unless_acknowledged": true,
                "recipient": "caretaker",
                "channels": [
                  "phone"
                ]
              },
              {
                "after": 300000000,
                "unless_acknowledged": true,
                "recipient": "neighbour",
                "channels": [
                  "phone"
                ]
              }
            ],
            "repeat": {
              "every": 1800000000,
              "until": "resolved"
            },
            "doc": "Somebody has to get up."
          },
          {
            "name": "routine",
            "steps": [
              {
                "after": 0,
                "unless_acknowledged": false,
                "recipient": "patient",
                "channels": [
                  "push"
                ]
              }
            ],
            "repeat": null,
            "doc": "Worth knowing today."
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&library.policies).expect("JSON"));
}

#[test]
fn ones_own_stands_before_a_shipped_one_and_is_no_part_of_a_rules_meaning() {
    let text = "stream a { x glucose in mg/dL }\nrule r { severity info when a.x > 3 mg/dL notify urgent }\n";
    let shipped = library(text);
    let own = library(&format!("{text}policy urgent {{ notify nobody_else by email }}"));
    assert_eq!(shipped.policies[0].steps.len(), 3);
    assert_eq!(&*own.policies[0].steps[0].recipient, "nobody_else");
    assert_eq!(own.policies.len(), 1);
    assert_eq!(shipped.rules[0].meaning, own.rules[0].meaning);
}
