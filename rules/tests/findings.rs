//! Rules as streams of other rules: what the plans say, and what stays the same from one library to the next.

use vitalog_cep::plan::{Expr, Library, Rational, RuleKind};
use vitalog_elog::{FieldIx, StreamIx};
use vitalog_rules::{Code, Source, compile};

use crate::support::library;

const STREAM: &str = "stream a { x glucose in mg/dL  y text optional }\n";
const LOW: &str =
    "rule low { severity info let d = 70 mg/dL - a.x let n = 3 let idle = a.x when a.x < 70 mg/dL and idle > 3 mg/dL }\n";

fn of(rules: &str) -> Library {
    library(&format!("{STREAM}{rules}"))
}

fn then(was: &Library, rules: &str) -> Result<Library, Vec<Code>> {
    let compiled = compile(&[Source::new("later.rules", &format!("{STREAM}{rules}"))], was);
    let said = compiled.diagnostics.iter().map(|d| d.code).collect();
    compiled.library.ok_or(said)
}

fn fields(library: &Library, rule: &str) -> Vec<String> {
    let derived = library.derived.iter().find(|d| *d.rule == *rule).expect("a derived stream");
    derived.fields.iter().map(|f| format!("{}: {}", f.name, f.kind)).collect()
}

fn outputs(library: &Library, rule: &str) -> Vec<(u16, Expr)> {
    library.rule(rule).expect("a rule").outputs.iter().map(|o| (o.field.0, o.expr.clone())).collect()
}

#[test]
fn who_is_not_looked_at_says_nothing_of_itself() {
    let library = of(LOW);
    assert!(library.derived.is_empty() && library.rules[0].outputs.is_empty());
}

#[test]
fn only_what_is_asked_becomes_a_field() {
    let library =
        of(&format!("rule two {{ severity info match low{{2}} as l where l.d > 3 mg/dL and l.n > 2 within 1 d }}\n{LOW}"));
    assert_eq!(fields(&library, "low"), ["severity: severity", "d: glucose", "n: a plain number"]);
    let three = Expr::Number(Rational { n: 3, d: 1 });
    assert_eq!(outputs(&library, "low"), [(1, Expr::Let(0)), (2, three)]);
    // The order in which they are written stays, and so the places of rules.
    assert_eq!(&*library.rules[0].name, "two");
    let place = library.derived.iter().position(|d| &*d.rule == "low").expect("a place");
    let RuleKind::Match(p) = &library.rules[0].kind else { panic!("a match") };
    assert_eq!(p.steps[0].stream, StreamIx(StreamIx::DERIVED + place as u16));
    assert_eq!(library.derived[1 - place].uses, [p.steps[0].stream]);
}

#[test]
fn to_be_looked_at_is_no_change_of_meaning() {
    let alone = of(LOW);
    let seen = of(&format!("{LOW}rule two {{ severity info when low.d > 3 mg/dL }}"));
    assert_eq!(alone.rules[0].meaning, seen.rules[0].meaning);
    assert_ne!(alone.rules[0].outputs, seen.rules[0].outputs);
    // Nor is it one for whoever looks that the other comes to mean something else.
    let stricter = of(&format!("{}rule two {{ severity info when low.d > 3 mg/dL }}", LOW.replace("a.x < 70", "a.x < 60")));
    assert_eq!(seen.rule("two").map(|r| r.meaning), stricter.rule("two").map(|r| r.meaning));
    // But a field that holds something else is.
    let other =
        of(&format!("{}rule two {{ severity info when low.d > 3 min }}", LOW.replace("70 mg/dL - a.x", "age(a) + 4 min")));
    assert_ne!(seen.rule("two").map(|r| r.meaning), other.rule("two").map(|r| r.meaning));
}

#[test]
fn places_and_fields_are_for_life() {
    let first = of(&format!("{LOW}rule two {{ severity info when low.d > 3 mg/dL }}"));
    // `d` holds a span now: it has another place, and what meant glucose keeps its own.
    let text = format!("{}rule zero {{ severity info when low.d > 3 min }}", LOW.replace("70 mg/dL - a.x", "age(a) + 4 min"));
    let second = then(&first, &text).expect("compiles");
    assert_eq!(fields(&second, "low"), ["severity: severity", "d: glucose", "d: a span of time"]);
    assert_eq!(outputs(&second, "low"), [(2, Expr::Let(0))]);
    let names = |l: &Library| l.derived.iter().map(|d| d.rule.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&second)[..2], names(&first)[..]);
    assert_eq!(names(&second)[2], "zero");
    assert_eq!(then(&second, &text).expect("compiles"), second);
}

#[test]
fn a_let_of_another_name_goes_on_under_its_old_one() {
    let first = of(&format!("{LOW}rule two {{ severity info when low.d > 3 mg/dL }}"));
    let renamed = LOW.replace("let d", "let depth");
    let second = then(&first, &format!("{renamed}rule two {{ severity info when low.depth > 3 mg/dL }}")).expect("compiles");
    assert_eq!(first.rules[0].meaning, second.rules[0].meaning);
    // The version of `two` that asks for `d` still decides what was before.
    assert_eq!(outputs(&second, "low"), [(1, Expr::Let(0)), (2, Expr::Let(0))]);
    let other = then(
        &first,
        &format!("{}rule two {{ severity info when low.depth > 3 mg/dL }}", renamed.replace("70 mg/dL -", "80 mg/dL -")),
    );
    assert_eq!(outputs(&other.expect("compiles"), "low"), [(2, Expr::Let(0))]);
}

#[test]
fn a_circle_over_two_libraries_does_not_compile() {
    let first = of("rule p { severity info when a.x > 3 mg/dL } rule q { severity info match p{2} within 1 d }");
    let turned = "rule q { severity info when a.x > 3 mg/dL } rule p { severity info match q{2} within 1 d }";
    assert_eq!(then(&first, turned), Err(vec![Code::CIRCLE]));
    // A rule that was not looked at then counts too.
    assert!(then(&first, &turned.replace("rule p", "rule other")).is_ok());
    assert!(then(&Library::default(), turned).is_ok());
}

#[test]
fn severity_is_the_first_field() {
    let library = of(&format!("{LOW}rule two {{ severity info when low.severity >= urgent }}"));
    let RuleKind::Episode(e) = &library.rule("two").expect("a rule").kind else { panic!("an episode") };
    let Expr::Compare { left, right, .. } = &e.when else { panic!("a comparison") };
    assert_eq!(**right, Expr::Enum(3));
    assert!(matches!(**left, Expr::Get { what: vitalog_cep::plan::Measure::Field(FieldIx(0)), .. }));
}
