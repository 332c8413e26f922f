//! What several tests need: streams as the health pack declares them, readings, a clock that stands.

use std::sync::Arc;

use vitalog_elog::profile::ProfileField;
use vitalog_elog::{
    Amount, Content, Dimension, Entry, Field, FieldIx, FieldKind, Input, Reading, Schema, Shape, Stream, Subject, Time, Unit,
    Value, When,
};
use vitalog_ingest::admit::{Admission, Limits};

/// 2026-11-20T08:00:00Z, which is now in every test.
pub fn now() -> Time {
    Time::parse("2026-11-20T08:00:00Z").expect("a time")
}

pub fn admission() -> Admission {
    Admission::new(Arc::new(health()), Limits::default())
}

fn unit(dimension: Dimension, name: &str) -> Unit {
    Unit::named(dimension, name).expect("a unit of the dimension")
}

/// A field whose range is given in its unit.
fn quantity(name: &str, dimension: Dimension, unit_name: &str, least: i64, most: i64, optional: bool) -> Field {
    let unit = unit(dimension, unit_name);
    let range = Some((least * unit.atoms(), most * unit.atoms()));
    Field { name: name.into(), kind: FieldKind::Quantity(unit), optional, range, usual: None, doc: None }
}

fn other(name: &str, kind: FieldKind, optional: bool) -> Field {
    Field { name: name.into(), kind, optional, range: None, usual: None, doc: None }
}

fn words(words: &[&str]) -> FieldKind {
    FieldKind::Enum(words.iter().map(|w| Arc::from(*w)).collect())
}

fn stream(name: &str, shape: Shape, fields: Vec<Field>) -> Stream {
    Stream {
        name: name.into(),
        shape,
        fields,
        checks: Vec::new(),
        every: None,
        silent_after: None,
        by: None,
        also_by: vec![],
        doc: None,
    }
}

const MEALS: [&str; 7] =
    ["before_breakfast", "after_breakfast", "before_lunch", "after_lunch", "before_supper", "after_supper", "before_snack"];

/// The streams of the health pack that the decoders send to, and two more.
pub fn health() -> Schema {
    use Dimension::{Count, Energy, Glucose, Insulin, InsulinRate, Length, Mass, Pressure, Rate, Ratio, Time};
    let minutes = |name| quantity(name, Time, "min", 0, 1440, true);
    let grams = |name, optional| quantity(name, Mass, "g", 0, 500, optional);
    let text = |name| other(name, FieldKind::Text, true);
    let mut bp = stream(
        "bp",
        Shape::Instant,
        vec![
            quantity("systolic", Pressure, "mmHg", 40, 300, false),
            quantity("diastolic", Pressure, "mmHg", 20, 200, false),
            quantity("pulse", Rate, "/min", 20, 300, true),
        ],
    );
    bp.checks = vec![(FieldIx(0), FieldIx(1))];
    let moved = |length: &str| {
        vec![
            text("type"),
            quantity("steps", Count, "count", 0, 200_000, true),
            quantity("distance", Length, length, 0, 400_000, true),
            quantity("energy", Energy, "kcal", 0, 20_000, true),
            quantity("met", Ratio, "1", 0, 30, true),
        ]
    };
    let mut exercise = vec![other("intensity", words(&["light", "moderate", "vigorous"]), false)];
    exercise.extend(moved("km"));
    let mut activity = vec![other("intensity", words(&["sedentary", "active", "highly_active"]), false), minutes("active")];
    activity.extend(moved("m"));
    activity.extend(["motion_mean", "motion_max"].map(|name| quantity(name, Ratio, "1", 0, 10, true)));
    let mut glucose = quantity("value", Glucose, "mg/dL", 20, 1000, false);
    glucose.usual = Some((34 * unit(Glucose, "mg/dL").atoms(), 600 * unit(Glucose, "mg/dL").atoms()));
    let streams = vec![
        stream("bg", Shape::Instant, vec![glucose, other("context", words(&MEALS), true)]),
        bp,
        stream(
            "carbs",
            Shape::Instant,
            vec![
                grams("amount", false),
                grams("protein", true),
                grams("fat", true),
                grams("fibre", true),
                text("meal"),
                text("note"),
            ],
        ),
        stream(
            "medication",
            Shape::Instant,
            vec![
                other("kind", words(&["bolus", "correction", "basal", "oral", "other"]), false),
                text("drug"),
                quantity("amount", Insulin, "U", 0, 300, true),
                quantity("rate", InsulinRate, "U/h", 0, 50, true),
            ],
        ),
        stream(
            "sleep",
            Shape::Interval,
            ["deep", "light", "rem", "awake", "unmeasured"].map(minutes).into_iter().chain([text("validation")]).collect(),
        ),
        stream("symptom", Shape::Instant, vec![other("what", words(&["hypoglycaemia"]), false)]),
        stream(
            "diary",
            Shape::Instant,
            vec![
                other("what", words(&["meal", "exercise", "event"]), false),
                other("amount", words(&["less", "usual", "more"]), true),
            ],
        ),
        stream("exercise", Shape::Interval, exercise),
        stream("activity", Shape::Interval, activity),
        stream(
            "wearable",
            Shape::Instant,
            vec![
                quantity("heart_rate", Rate, "/min", 20, 300, true),
                quantity("resting_heart_rate", Rate, "/min", 20, 200, true),
                quantity("stress", Ratio, "1", 0, 100, true),
                quantity("steps", Count, "count", 0, 200_000, true),
                quantity("intensity", Count, "count", 0, 10_000, true),
                other("asleep", FieldKind::Bool, true),
            ],
        ),
        stream(
            "device",
            Shape::Instant,
            vec![quantity("battery", Ratio, "%", 0, 100, true), other("charging", FieldKind::Bool, true)],
        ),
        stream(
            "bg_limit",
            Shape::Instant,
            vec![other("shown", words(&["low", "high"]), false), other("source", words(&["meter", "sensor"]), true)],
        ),
    ];
    Schema { streams }
}

pub fn profile() -> Arc<[ProfileField]> {
    let glucose = unit(Dimension::Glucose, "mg/dL");
    Arc::from(vec![
        ProfileField {
            name: "bg_low".into(),
            kind: FieldKind::Quantity(glucose),
            default: None,
            range: Some((54 * glucose.atoms(), 110 * glucose.atoms())),
            doc: None,
        },
        ProfileField { name: "bedtime".into(), kind: FieldKind::TimeOfDay, default: None, range: None, doc: None },
        ProfileField { name: "units".into(), kind: words(&["mg_dl", "mmol_l"]), default: None, range: None, doc: None },
    ])
}

/// The fields of a reading that are said, as text.
pub fn said(reading: &Reading) -> String {
    let schema = health();
    let content = reading.content.as_ref().expect("content");
    let stream = schema.get(content.stream);
    let when = match content.when {
        When::At(t) => t.to_string(),
        When::During { start, end } => format!("{start} to {}", end.unwrap_or(Time::MAX)),
    };
    let fields = stream.fields.iter().zip(&content.values).filter_map(|(field, value)| {
        let text = match value.as_ref()? {
            Value::Quantity(amount) => amount.to_string(),
            Value::Enum(i) => format!("#{i}"),
            Value::Text(text) => text.to_string(),
            Value::Bool(b) => b.to_string(),
            Value::TimeOfDay(time) => time.to_string(),
        };
        Some(format!("{}={text}", field.name))
    });
    format!("{} {} {when} {}", reading.subject, stream.name, fields.collect::<Vec<_>>().join(" "))
}

/// A reading of `bg`, the `n`-th five minutes of 2026.
pub fn bg(schema: &Schema, subject: &str, n: i64) -> Reading {
    let value = Amount::parse(&format!("{}.{}", 4 + n % 9, n % 10), unit(Dimension::Glucose, "mmol/L")).expect("an amount");
    let at = Time(1_767_225_600_000_000 + n * 300_000_000);
    let content = Content {
        stream: schema.stream("bg").expect("declared"),
        when: When::At(at),
        values: vec![Some(Value::Quantity(value)), None].into_boxed_slice(),
        source: Some("g7/8J2K".into()),
        seq: Some(n as u64),
    };
    Reading::present(Subject::new(subject), None, 1, "bg", content)
}

/// One input of every kind, and readings of every kind of value.
pub fn one_of_each(schema: &Schema) -> Vec<Entry> {
    use vitalog_elog::input::{Action, Command, DeadLetter, DeliveryOutcome, DeliveryReceipt, RuleChange, RuleFile};
    use vitalog_elog::profile::ProfileChange;
    let subject = Subject::new("p-001");
    let at = |seconds: i64| Time(1_790_000_000_000_000 + seconds * 1_000_000);
    let wearable = Content {
        stream: schema.stream("wearable").expect("declared"),
        when: When::At(at(0)),
        values: vec![None, None, None, None, None, Some(Value::Bool(true))].into_boxed_slice(),
        source: None,
        seq: None,
    };
    let sleep = Content {
        stream: schema.stream("sleep").expect("declared"),
        when: When::During { start: at(-30_000), end: None },
        values: vec![None; 6].into_boxed_slice(),
        source: Some("watch".into()),
        seq: Some(u64::MAX),
    };
    let exercise = Content {
        stream: schema.stream("exercise").expect("declared"),
        when: When::During { start: at(-600), end: Some(at(0)) },
        values: vec![Some(Value::Enum(2)), Some(Value::Text("rowing, „quite\" hard\n".into())), None, None, None, None]
            .into_boxed_slice(),
        source: None,
        seq: None,
    };
    let inputs = vec![
        Input::Reading(bg(schema, "p-001", 7)),
        Input::Reading(Reading::present(subject.clone(), Some("a1".into()), 3, "wearable", wearable)),
        Input::Reading(Reading::present(subject.clone(), None, 1, "sleep", sleep)),
        Input::Reading(Reading::present(subject.clone(), None, 1, "exercise", exercise)),
        Input::Reading(Reading::removal(subject.clone(), "a1".into(), 4)),
        Input::Profile(ProfileChange {
            subject: subject.clone(),
            field: "units".into(),
            value: Some(Value::Enum(1)),
            at: at(-1),
        }),
        Input::Rules(RuleChange {
            effective: at(1),
            files: vec![RuleFile { name: "a.rules".into(), text: "rule a {}".into() }],
            by: None,
        }),
        Input::Command(Command { finding: vitalog_elog::MatchId(77), action: Action::Acknowledge, by: "nurse-1".into() }),
        Input::Receipt(DeliveryReceipt { delivery: u128::MAX, attempt: 2, outcome: DeliveryOutcome::Failed("timed out".into()) }),
        Input::DeadLetter(DeadLetter {
            subject: Some(subject),
            code: "out_of_range".into(),
            field: Some("value".into()),
            message: "too much".into(),
            raw: Arc::from(&b"\xff{"[..]),
            sender: "token-1".into(),
        }),
        Input::Tick,
    ];
    inputs.into_iter().zip(1..).map(|(input, second)| Entry { arrival: at(second), input }).collect()
}

/// What became of dead letters: one taken, one refused again.
pub fn mendings() -> Vec<Entry> {
    use vitalog_elog::input::{Mending, MendingOutcome};
    let mending = |letter, subject: Option<&str>, mended, outcome| Entry {
        arrival: Time(1_790_000_150_000_000),
        input: Input::Mending(Mending { letter, subject: subject.map(Subject::new), by: "nurse-1".into(), mended, outcome }),
    };
    let refused =
        MendingOutcome::Refused { code: "missing".into(), field: Some("at".into()), message: "it is missing; say when".into() };
    vec![
        mending(9, Some("p-001"), true, MendingOutcome::Taken { name: "a1".into(), rev: 5 }),
        mending(u64::MAX, None, false, refused),
    ]
}

/// Whom readings are put down to: a token of a tenant's account, and a program of the house.
pub fn sents() -> Vec<Entry> {
    use vitalog_elog::metering::{Party, Sent};
    let sent = |tenant: Option<&str>, account: &str, token: Option<&str>, readings, refused| {
        let by = Party { tenant: tenant.map(Into::into), account: account.into(), token: token.map(Into::into) };
        Entry { arrival: Time(1_790_000_170_000_000), input: Input::Sent(Sent { by, readings, refused }) }
    };
    vec![sent(Some("st-vitus"), "meter-17", Some("meter-17"), 288, 1), sent(None, "lee", None, 0, u32::MAX)]
}

/// What requests were answered: one about somebody, with a part about somebody else before it, and one about nobody.
pub fn onces() -> Vec<Entry> {
    use vitalog_elog::once::{Once, Request};
    let once = |subject: Option<&str>, inputs: Option<u32>, answer: &[u8]| {
        let request = inputs.map(|inputs| Request { by: "pump-1".into(), key: u128::MAX - 1, asked: 7, inputs });
        let input = Input::Once(Once { subject: subject.map(Subject::new), request, answer: answer.into() });
        Entry { arrival: Time(1_790_000_160_000_000), input }
    };
    vec![once(Some("p-001"), None, b"{}"), once(Some("p-002"), Some(1), b"said"), once(None, Some(0), b"")]
}
