//! What a rule becomes: the plan, field by field.

use expect_test::{Expect, expect};
use vitalog_cep::plan::{Expr, RuleKind};
use vitalog_elog::Schema;

use crate::support::{library, rule};

/// The kind of a rule, on streams of their own so that the places are seen at a glance: `a` is 0, `b` is 1, `i` is 2.
const STREAMS: &str = "
stream a every 5 min silent after 30 min { x glucose in mg/dL  y glucose in mg/dL optional  k ketones in mmol/L optional  s ratio in % optional  n count in steps optional  t bool optional  note text optional }
stream b { z mass in g }
interval stream i { level low < mid < high }
profile { limit glucose in mg/dL default 70 mg/dL  zone text }
";

fn plan(clauses: &str) -> vitalog_cep::plan::Rule {
    let library = library(&format!("{STREAMS}\nrule r {{\n    severity warning\n{clauses}\n}}\n"));
    (*library.rules[0]).clone()
}

fn kind(clauses: &str, expected: Expect) {
    expected.assert_eq(&format!("{:#?}", plan(clauses).kind));
}

/// The condition of an episode of `a`, on one line.
pub fn when(condition: &str, expected: Expect) {
    let RuleKind::Episode(episode) = plan(&format!("    at each a when {condition}")).kind else { panic!("an episode") };
    expected.assert_eq(&short(&episode.when));
}

/// An expression as a person would write it, in atoms.
fn short(e: &Expr) -> String {
    let list = |all: &[Expr], word: &str| all.iter().map(short).collect::<Vec<_>>().join(word);
    match e {
        Expr::Bool(b) => b.to_string(),
        Expr::Number(r) if r.d == 1 => r.n.to_string(),
        Expr::Number(r) => format!("{}/{}", r.n, r.d),
        Expr::Enum(i) => format!("word {i}"),
        Expr::Text(t) => format!("{t:?}"),
        Expr::Get { of, what } => format!("{of:?}.{what:?}").replace("FieldIx", ""),
        Expr::Profile(i) => format!("profile {i}"),
        Expr::Onset => "onset".into(),
        Expr::Now => "now".into(),
        Expr::Let(i) => format!("let {i}"),
        Expr::Window(w) => {
            let asks = w.asks.as_ref().map_or(String::new(), |e| format!(" asks {}", short(e)));
            let fresh = w.fresh.map_or(String::new(), |d| format!(" fresh {d}"));
            let filter = w.filter.as_ref().map_or(String::new(), |f| format!(" where {}", short(f)));
            format!("{:?}(stream {} {:?}{asks} over {} {:?}{fresh}{filter})", w.func, w.stream.0, w.what, w.over, w.anchor)
                .replace("FieldIx", "")
        }
        Expr::Bound { func, step, what } => format!("{func:?}(step {step} {what:?})").replace("FieldIx", ""),
        Expr::Not(a) => format!("not {}", short(a)),
        Expr::Neg(a) => format!("-{}", short(a)),
        Expr::And(all) => format!("({})", list(all, " and ")),
        Expr::Or(all) => format!("({})", list(all, " or ")),
        Expr::Compare { op, left, right } => format!("({} {op:?} {})", short(left), short(right)),
        Expr::Arith { op, left, right } => format!("({} {op:?} {})", short(left), short(right)),
        Expr::Between { value, low, high } => format!("({} between {} and {})", short(value), short(low), short(high)),
        Expr::In { value, list: all } => format!("({} in [{}])", short(value), list(all, ", ")),
        Expr::IsKnown(a) => format!("known({})", short(a)),
        Expr::If { condition, then, otherwise } => format!("({} if {} else {})", short(then), short(condition), short(otherwise)),
        Expr::TimeOfDay(a) => format!("clock({})", short(a)),
        Expr::DayOfWeek(a) => format!("weekday({})", short(a)),
        Expr::Fresh { value, at, within } => format!("({} fresh {within} by {})", short(value), short(at)),
        Expr::Wrap { value, signed } => format!("wrap{}{}", if *signed { " signed " } else { " " }, short(value)),
        Expr::BetweenTimes { value, low, high } => format!("({} between times {} and {})", short(value), short(low), short(high)),
        Expr::Covered { how, from, to, stream, filter } => {
            let filter = filter.as_ref().map_or(String::new(), |f| format!(" where {}", short(f)));
            format!("([{}, {}] {how:?} stream {}{filter})", short(from), short(to), stream.0)
        }
    }
}

#[test]
fn units_become_atoms() {
    when("a.x < 54 mg/dL", expect!["(Driver.Field((0)) Lt 5400000)"]);
    when("a.x < 6.1 mmol/L", expect!["(Driver.Field((0)) Lt 10989760)"]);
    when("6.1 mmol/L > a.x", expect!["(10989760 Gt Driver.Field((0)))"]);
    when("a.k > 3 mmol/L", expect!["(Driver.Field((2)) Gt 31230000)"]);
    when("a.x > profile.limit + 10 mg/dL", expect!["(Driver.Field((0)) Gt (profile 0 Add 1000000))"]);
    when("a.x > -(2 mmol/L + 10 mg/dL) * 3", expect!["(Driver.Field((0)) Gt -13809600)"]);
    when("a.s < 20 % and a.s > 0.05 * 100 %", expect!["((Driver.Field((3)) Lt 20000000) and (Driver.Field((3)) Gt 5000000))"]);
    when(
        "a.n >= 5000 and a.n < 2 * count(a over 1 d)",
        expect!["((Driver.Field((4)) Ge 5000) and (Driver.Field((4)) Lt (2 Mul Count(stream 0 Itself over 1 d Decision))))"],
    );
}

#[test]
fn shares_are_plain_numbers_in_products() {
    when("a.s * a.x > 3 mg/dL", expect!["(((Driver.Field((3)) Div 100000000) Mul Driver.Field((0))) Gt 300000)"]);
    when("a.x / a.y > 1.5", expect!["((Driver.Field((0)) Div Driver.Field((1))) Gt 3/2)"]);
    when("a.x / a.y > a.s", expect!["(((Driver.Field((0)) Div Driver.Field((1))) Mul 100000000) Gt Driver.Field((3)))"]);
    when("a.s / 2 > 10 %", expect!["((Driver.Field((3)) Div 2) Gt 10000000)"]);
}

#[test]
fn slopes_have_a_dimension() {
    when(
        "(a.x - a.y) / (now - a.at) > 2 mg/dL/min",
        expect!["(((Driver.Field((0)) Sub Driver.Field((1))) Div (now Sub Driver.At)) Gt 1/300)"],
    );
    when(
        "(a.x - a.y) / (now - a.at) > 0.1 mmol/L/min",
        expect!["(((Driver.Field((0)) Sub Driver.Field((1))) Div (now Sub Driver.At)) Gt 563/187500)"],
    );
    when(
        "(a.x - a.y) / (now - a.at) * 20 min > 30 mg/dL",
        expect!["((((Driver.Field((0)) Sub Driver.Field((1))) Div (now Sub Driver.At)) Mul 1200000000) Gt 3000000)"],
    );
}

#[test]
fn words_texts_and_conditions() {
    when(
        "a.t and not a.t = false and a.note = \"x\" and profile.zone != a.note",
        expect![[
            r#"(Driver.Field((5)) and not not Driver.Field((5)) and (Driver.Field((6)) Eq "x") and (profile 1 Ne Driver.Field((6))))"#
        ]],
    );
    when(
        "a.t = (a.x > 3 mg/dL)",
        expect![
            "((Driver.Field((5)) and (Driver.Field((0)) Gt 300000)) or (not Driver.Field((5)) and not (Driver.Field((0)) Gt 300000)))"
        ],
    );
    when(
        "last(i.duration over 1 d where i.level >= mid and i.level in (mid, high)) > 1 h 30 min",
        expect![
            "(Last(stream 2 Duration over 1 d Decision where ((Item.Field((0)) Ge word 1) and (Item.Field((0)) in [word 1, word 2]))) Gt 5400000000)"
        ],
    );
    when("a.y is known or profile.limit is not known", expect!["(known(Driver.Field((1))) or not known(profile 0))"]);
    when("a.x between 70 mg/dL and 180 mg/dL", expect!["(Driver.Field((0)) between 7000000 and 18000000)"]);
}

#[test]
fn windows_and_ages() {
    when(
        "avg(a.x over 3 h where a.x > 40 mg/dL) > 180 mg/dL",
        expect!["(Avg(stream 0 Field((0)) over 3 h Decision where (Item.Field((0)) Gt 4000000)) Gt 18000000)"],
    );
    when(
        "count(b over 2 h where b.z > 30 g and b.at > a.at - 1 h) = 0",
        expect![
            "(Count(stream 1 Itself over 2 h Decision where ((Item.Field((0)) Gt 30000000) and (Item.At Gt (Driver.At Sub 3600000000)))) Eq 0)"
        ],
    );
    when(
        "delta(a.at over 1 h) > 30 min and min(a.at over 1 h) < now",
        expect!["((Delta(stream 0 At over 1 h Decision) Gt 1800000000) and (Min(stream 0 At over 1 h Decision) Lt now))"],
    );
    when(
        "sum(i.duration over 7 d) < 150 min and age(a) < 1 min",
        expect!["((Sum(stream 2 Duration over 7 d Decision) Lt 9000000000) and ((now Sub Driver.At) Lt 60000000))"],
    );
}

#[test]
fn an_episode() {
    kind(
        "    when a.x < 54 mg/dL for 15 min gap 20 min until a.x > 70 mg/dL for 10 min or no a for 1 h",
        expect![[r#"
        Episode(
            Episode {
                driver: StreamIx(
                    0,
                ),
                when: Compare {
                    op: Lt,
                    left: Get {
                        of: Driver,
                        what: Field(
                            FieldIx(
                                0,
                            ),
                        ),
                    },
                    right: Number(
                        Rational {
                            n: 5400000,
                            d: 1,
                        },
                    ),
                },
                hold: Some(
                    Hold {
                        span: 15 min,
                        gap: 20 min,
                    },
                ),
                until: Some(
                    Compare {
                        op: Gt,
                        left: Get {
                            of: Driver,
                            what: Field(
                                FieldIx(
                                    0,
                                ),
                            ),
                        },
                        right: Number(
                            Rational {
                                n: 7000000,
                                d: 1,
                            },
                        ),
                    },
                ),
                until_hold: Some(
                    Hold {
                        span: 10 min,
                        gap: 10 min,
                    },
                ),
                lapse: Some(
                    1 h,
                ),
            },
        )"#]],
    );
}

#[test]
fn what_an_episode_does_not_say() {
    kind(
        "    when a.x < 54 mg/dL for 15 min",
        expect![[r#"
        Episode(
            Episode {
                driver: StreamIx(
                    0,
                ),
                when: Compare {
                    op: Lt,
                    left: Get {
                        of: Driver,
                        what: Field(
                            FieldIx(
                                0,
                            ),
                        ),
                    },
                    right: Number(
                        Rational {
                            n: 5400000,
                            d: 1,
                        },
                    ),
                },
                hold: Some(
                    Hold {
                        span: 15 min,
                        gap: 15 min,
                    },
                ),
                until: None,
                until_hold: None,
                lapse: Some(
                    30 min,
                ),
            },
        )"#]],
    );
    kind(
        "    when b.z > 30 g",
        expect![[r#"
        Episode(
            Episode {
                driver: StreamIx(
                    1,
                ),
                when: Compare {
                    op: Gt,
                    left: Get {
                        of: Driver,
                        what: Field(
                            FieldIx(
                                0,
                            ),
                        ),
                    },
                    right: Number(
                        Rational {
                            n: 30000000,
                            d: 1,
                        },
                    ),
                },
                hold: None,
                until: None,
                until_hold: None,
                lapse: None,
            },
        )"#]],
    );
}

#[test]
fn the_driver() {
    let driver = |clauses: &str| match plan(clauses).kind {
        RuleKind::Episode(e) => e.driver.0,
        _ => panic!("an episode"),
    };
    assert_eq!(driver("    when b.z > sum(b.z over 1 d) / 2 and last(a.x over 1 h) > 3 mg/dL"), 1);
    assert_eq!(driver("    when last(a.x over 1 h) > 3 mg/dL"), 0);
    assert_eq!(driver("    at each b when last(a.x over 1 h) > 3 mg/dL"), 1);
    assert_eq!(driver("    let big = b.z > 3 g when big and last(a.x over 1 h) > 3 mg/dL"), 1);
    assert_eq!(driver("    when count(b over 1 h where b.z > 3 g) > 2"), 1);
}

#[test]
fn a_silence() {
    kind(
        "    when no b or a for 6 h",
        expect![[r#"
            Silence(
                Silence {
                    streams: [
                        Heard {
                            stream: StreamIx(
                                0,
                            ),
                            filter: None,
                        },
                        Heard {
                            stream: StreamIx(
                                1,
                            ),
                            filter: None,
                        },
                    ],
                    span: 6 h,
                },
            )"#]],
    );
}

#[test]
fn a_pattern() {
    kind(
        "    match b as meal where meal.z >= 30 g then a{3} in a row as peak where each.x > 10 mmol/L and each.at < meal.at + 1 h\n    without i where i.level > low and i.start > meal.at and i.end < peak.at within 2 h",
        expect![[r#"
            Match(
                Pattern {
                    steps: [
                        Step {
                            stream: StreamIx(
                                1,
                            ),
                            edge: End,
                            filter: Some(
                                Compare {
                                    op: Ge,
                                    left: Get {
                                        of: Candidate,
                                        what: Field(
                                            FieldIx(
                                                0,
                                            ),
                                        ),
                                    },
                                    right: Number(
                                        Rational {
                                            n: 30000000,
                                            d: 1,
                                        },
                                    ),
                                },
                            ),
                            again: None,
                            count: 1,
                            most: Some(
                                1,
                            ),
                            in_a_row: false,
                        },
                        Step {
                            stream: StreamIx(
                                0,
                            ),
                            edge: End,
                            filter: Some(
                                And(
                                    [
                                        Compare {
                                            op: Gt,
                                            left: Get {
                                                of: Candidate,
                                                what: Field(
                                                    FieldIx(
                                                        0,
                                                    ),
                                                ),
                                            },
                                            right: Number(
                                                Rational {
                                                    n: 18016000,
                                                    d: 1,
                                                },
                                            ),
                                        },
                                        Compare {
                                            op: Lt,
                                            left: Get {
                                                of: Candidate,
                                                what: At,
                                            },
                                            right: Arith {
                                                op: Add,
                                                left: Get {
                                                    of: Step(
                                                        0,
                                                    ),
                                                    what: At,
                                                },
                                                right: Number(
                                                    Rational {
                                                        n: 3600000000,
                                                        d: 1,
                                                    },
                                                ),
                                            },
                                        },
                                    ],
                                ),
                            ),
                            again: None,
                            count: 3,
                            most: Some(
                                3,
                            ),
                            in_a_row: true,
                        },
                    ],
                    tree: Sequence {
                        first: Step(
                            0,
                        ),
                        rest: [
                            Then(
                                Step(
                                    1,
                                ),
                            ),
                        ],
                    },
                    absences: [
                        Absence {
                            stream: StreamIx(
                                2,
                            ),
                            filter: Some(
                                And(
                                    [
                                        Compare {
                                            op: Gt,
                                            left: Get {
                                                of: Candidate,
                                                what: Field(
                                                    FieldIx(
                                                        0,
                                                    ),
                                                ),
                                            },
                                            right: Enum(
                                                0,
                                            ),
                                        },
                                        Compare {
                                            op: Gt,
                                            left: Get {
                                                of: Candidate,
                                                what: Start,
                                            },
                                            right: Get {
                                                of: Step(
                                                    0,
                                                ),
                                                what: At,
                                            },
                                        },
                                        Compare {
                                            op: Lt,
                                            left: Get {
                                                of: Candidate,
                                                what: At,
                                            },
                                            right: Get {
                                                of: Step(
                                                    1,
                                                ),
                                                what: At,
                                            },
                                        },
                                    ],
                                ),
                            ),
                        },
                    ],
                    around: [],
                    within: Some(
                        2 h,
                    ),
                    select: Each,
                },
            )"#]],
    );
    kind(
        "    match a",
        expect![[r#"
            Match(
                Pattern {
                    steps: [
                        Step {
                            stream: StreamIx(
                                0,
                            ),
                            edge: End,
                            filter: None,
                            again: None,
                            count: 1,
                            most: Some(
                                1,
                            ),
                            in_a_row: false,
                        },
                    ],
                    tree: Sequence {
                        first: Step(
                            0,
                        ),
                        rest: [],
                    },
                    absences: [],
                    around: [],
                    within: None,
                    select: Each,
                },
            )"#]],
    );
}

#[test]
fn clauses_that_all_rules_share() {
    let rule = plan(
        "    match b as meal then a{2} as peaks within 2 h
    let base = last(a.x over 30 min before meal)
    let limit = 3 mmol/L of glucose
    let rise = avg(peaks.x) - base
    where rise > limit
    say \"{rise} {{up}} {meal.z} {peaks.at - meal.at} {meal.at} {count(peaks)} {peaks.t} {peaks.s}\\n\"
    notify urgent cite \"c\" at most once per 1 d stale after 2 d",
    );
    let lets: Vec<String> = rule.lets.iter().map(short).collect();
    expect![[r#"
        [
            "Last(stream 0 Field((0)) over 30 min Before(0))",
            "(Avg(step 1 Field((0))) Sub let 0)",
        ]
        (let 1 Gt 5404800)
        [Grade { severity: Warning, when: None }]
        Some("urgent") Some("c") Some(1 d) 2 d
    "#]]
    .assert_eq(&format!(
        "{lets:#?}\n{}\n{:?}\n{:?} {:?} {:?} {:?}\n",
        rule.filter.as_ref().map_or(String::new(), short),
        rule.grades,
        rule.notify,
        rule.cite,
        rule.once_per,
        rule.stale_after
    ));
    let say: Vec<String> = rule
        .say
        .iter()
        .map(|p| match p {
            vitalog_cep::plan::Piece::Text(t) => format!("{t:?}"),
            vitalog_cep::plan::Piece::Hole { expr, show } => format!("{} as {show:?}", short(expr)),
        })
        .collect();
    expect![[r#"
        [
            "let 1 as Quantity(mg/dL)",
            "\" {up} \"",
            "Step(0).Field((0)) as Quantity(g)",
            "\" \"",
            "(Step(1).At Sub Step(0).At) as Span",
            "\" \"",
            "Step(0).At as Instant",
            "\" \"",
            "Count(step 1 Itself) as Number",
            "\" \"",
            "Step(1).Field((5)) as Bool",
            "\" \"",
            "Step(1).Field((3)) as Quantity(%)",
            "\"\\n\"",
        ]"#]]
    .assert_eq(&format!("{say:#?}"));
}

#[test]
fn what_a_rule_does_not_say() {
    let rule = rule("    when bg.value < 54 mg/dL");
    assert_eq!(&*rule.title, "r");
    assert_eq!(rule.stale_after, vitalog_elog::Span::days(1));
    assert_eq!((rule.once_per, rule.notify.clone(), rule.cite.clone(), rule.filter.clone()), (None, None, None, None));
    assert!(matches!(rule.say.as_slice(), [vitalog_cep::plan::Piece::Text(t)] if &**t == "r"));
    let named = library("use health\nrule very_low { severity info, urgent when bg.value < 40 mg/dL when bg.value < 54 mg/dL }");
    assert_eq!(&*named.rules[0].title, "very low");
    assert_eq!(named.rules[0].grades.len(), 2);
}

#[test]
fn declarations() {
    let library = library(
        "/// A scale.\n/// For people.\ninterval stream s every 1 d silent after 36 h {\n    /// With shoes.\n    weight mass in kg from 2 kg to 400 kg usually 20 kg to 250 kg\n    fat ratio in % optional // no documentation\n    foot left | right\n    check weight > weight\n}\nprofile { goal mass in kg from 30 kg to 200 kg default 70 kg }",
    );
    let schema: &Schema = &library.schema;
    expect![[r#"
        Schema {
            streams: [
                Stream {
                    name: "s",
                    shape: Interval,
                    fields: [
                        Field {
                            name: "weight",
                            kind: Quantity(
                                kg,
                            ),
                            optional: false,
                            range: Some(
                                (
                                    2000000000,
                                    400000000000,
                                ),
                            ),
                            usual: Some(
                                (
                                    20000000000,
                                    250000000000,
                                ),
                            ),
                            doc: Some(
                                "With shoes.",
                            ),
                        },
                        Field {
                            name: "fat",
                            kind: Quantity(
                                %,
                            ),
                            optional: true,
                            range: None,
                            usual: None,
                            doc: None,
                        },
                        Field {
                            name: "foot",
                            kind: Enum(
                                [
                                    "left",
                                    "right",
                                ],
                            ),
                            optional: false,
                            range: None,
                            usual: None,
                            doc: None,
                        },
                    ],
                    checks: [
                        (
                            FieldIx(
                                0,
                            ),
                            FieldIx(
                                0,
                            ),
                        ),
                    ],
                    every: Some(
                        1 d,
                    ),
                    silent_after: Some(
                        1 d 12 h,
                    ),
                    by: None,
                    also_by: [],
                    doc: Some(
                        "A scale.\nFor people.",
                    ),
                },
            ],
        }
        [
            ProfileField {
                name: "goal",
                kind: Quantity(
                    kg,
                ),
                default: Some(
                    Quantity(
                        70 kg,
                    ),
                ),
                range: Some(
                    (
                        30000000000,
                        200000000000,
                    ),
                ),
                doc: None,
            },
        ]"#]]
    .assert_eq(&format!("{schema:#?}\n{:#?}", library.profile));
}
