//! Prints scripts, rules and findings so that a person can follow them.

use std::fmt::Write;

use vitalog_cep::plan::{Anchor, Arith, Compare, Expr, Measure, Ref, Rule, RuleKind, Window};
use vitalog_elog::{Content, Span, StreamIx, Time, Value, When};

use super::script::{Given, Line};
use super::tree::pattern;
use super::{EPOCH, PROFILE, STREAMS, fields};
use crate::oracle::Standing;

pub fn script(lines: &[Line]) -> String {
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        let _ = write!(out, "{i:>3} @{:<10} ", instant(line.arrival));
        let _ = match &line.input {
            Given::Tick => writeln!(out, "tick"),
            Given::Profile(c) => writeln!(out, "profile {} of {} = {:?} from {}", c.field, c.subject, c.value, instant(c.at)),
            Given::Reading(r) => {
                let name = r.given.as_deref().unwrap_or("?");
                let said = r.content.as_ref().map_or_else(|| "removed".to_owned(), content);
                writeln!(out, "{} {name} rev {} {said}   ({})", r.subject, r.rev, r.id)
            }
            Given::Library { effective, library } => {
                let rules: String = library.rules.iter().map(|r| rule(r)).collect();
                writeln!(out, "library from {}\n{rules}", instant(*effective))
            }
        };
    }
    out
}

/// Minutes after the beginning; what is odd about it in microseconds.
pub fn instant(t: Time) -> String {
    if t == Time::MIN {
        return "-inf".to_owned();
    }
    length(t.since(EPOCH))
}

pub fn length(s: Span) -> String {
    let (minutes, rest) = (s.0.div_euclid(60_000_000), s.0.rem_euclid(60_000_000));
    if rest == 0 { format!("{minutes}m") } else { format!("{minutes}m+{rest}us") }
}

fn content(c: &Content) -> String {
    let when = match c.when {
        When::At(t) => instant(t),
        When::During { start, end } => format!("[{}, {}]", instant(start), end.map_or("..".to_owned(), instant)),
    };
    let named = fields(c.stream).iter().zip(c.values.iter());
    let said: Vec<String> = named
        .filter_map(|((name, _, _), v)| {
            v.as_ref().map(|v| match v {
                Value::Quantity(a) => format!("{name}={a}"),
                other => format!("{name}={other:?}"),
            })
        })
        .collect();
    format!("{} at {when} {}", stream(c.stream), said.join(" "))
}

pub fn stream(ix: StreamIx) -> &'static str {
    if let Some(place) = ix.derived() {
        return ["r0", "r1", "r2", "r3"].get(place).copied().unwrap_or("r?");
    }
    STREAMS.get(usize::from(ix.0)).map_or("?", |s| s.1)
}

pub fn rule(r: &Rule) -> String {
    let mut out = format!("      rule {} #{:x}\n", r.name, r.meaning & 0xffff);
    let optional = |e: &Option<Expr>| e.as_ref().map_or(String::new(), |e| format!(" where {}", expr(e)));
    let _ = match &r.kind {
        RuleKind::Episode(e) => {
            let hold = |h: Option<vitalog_cep::plan::Hold>| {
                h.map_or(String::new(), |h| format!(" for {} gap {}", length(h.span), length(h.gap)))
            };
            let until = e.until.as_ref().map_or("not when".to_owned(), expr);
            writeln!(
                out,
                "        at each {} when {}{}\n        until {until}{} lapse {:?}",
                stream(e.driver),
                expr(&e.when),
                hold(e.hold),
                hold(e.until_hold),
                e.lapse.map(length)
            )
        }
        RuleKind::Silence(s) => {
            let streams: Vec<String> = s.streams.iter().map(|h| format!("{}{}", stream(h.stream), optional(&h.filter))).collect();
            writeln!(out, "        no {} for {}", streams.join(" or "), length(s.span))
        }
        RuleKind::Schedule(s) => {
            let times: Vec<String> = s.at.iter().map(expr).collect();
            let when = s.when.as_ref().map_or("always".to_owned(), expr);
            writeln!(out, "        every {:#09b} at {} when {when}", s.days, times.join(", "))
        }
        RuleKind::Match(p) => writeln!(out, "{}", pattern(p)),
    };
    for o in &r.outputs {
        let _ = writeln!(out, "        says f{} = {}", o.field.0, expr(&o.expr));
    }
    for (i, e) in r.lets.iter().enumerate() {
        let _ = writeln!(out, "        let{i} = {}", expr(e));
    }
    let _ = writeln!(out, "       {}", optional(&r.filter));
    for g in &r.grades {
        let _ = writeln!(out, "        {} when {}", g.severity, g.when.as_ref().map_or("always".to_owned(), expr));
    }
    for p in r.pieces() {
        if let vitalog_cep::plan::Piece::Hole { expr: e, show } = p {
            let _ = writeln!(out, "        say {{{}}} as {show:?}", expr(e));
        }
    }
    out
}

pub fn expr(e: &Expr) -> String {
    let list = |all: &[Expr], seam: &str| all.iter().map(expr).collect::<Vec<_>>().join(seam);
    match e {
        Expr::Bool(b) => b.to_string(),
        Expr::Number(q) if q.d == 1 => q.n.to_string(),
        Expr::Number(q) => format!("{}/{}", q.n, q.d),
        Expr::Enum(i) => format!("word{i}"),
        Expr::Text(t) => format!("{t:?}"),
        Expr::Get { of, what } => format!("{}.{}", reference(*of), measure(*what)),
        Expr::Profile(i) => format!("profile.{}", PROFILE.get(usize::from(*i)).map_or("?", |p| p.0)),
        Expr::Onset => "onset".to_owned(),
        Expr::Now => "now".to_owned(),
        Expr::Let(i) => format!("let{i}"),
        Expr::Window(w) => window(w),
        Expr::Bound { func, step, what } => format!("{func:?}(step{step}.{})", measure(*what)),
        Expr::Not(a) => format!("not({})", expr(a)),
        Expr::Neg(a) => format!("-({})", expr(a)),
        Expr::And(all) => format!("({})", list(all, " and ")),
        Expr::Or(all) => format!("({})", list(all, " or ")),
        Expr::Compare { op, left, right } => format!("({} {} {})", expr(left), comparison(*op), expr(right)),
        Expr::Arith { op, left, right } => format!("({} {} {})", expr(left), arithmetic(*op), expr(right)),
        Expr::Between { value, low, high } => format!("({} between {} and {})", expr(value), expr(low), expr(high)),
        Expr::In { value, list: all } => format!("({} in [{}])", expr(value), list(all, ", ")),
        Expr::IsKnown(a) => format!("({} is known)", expr(a)),
        Expr::If { condition, then, otherwise } => {
            format!("({} if {}, otherwise {})", expr(then), expr(condition), expr(otherwise))
        }
        Expr::TimeOfDay(a) => format!("time_of_day({})", expr(a)),
        Expr::DayOfWeek(a) => format!("day_of_week({})", expr(a)),
        Expr::Fresh { value, at, within } => format!("({} fresh {within} by {})", expr(value), expr(at)),
        Expr::Wrap { value, signed } => format!("wrap{}({})", if *signed { " signed" } else { "" }, expr(value)),
        Expr::BetweenTimes { value, low, high } => format!("({} between times {} and {})", expr(value), expr(low), expr(high)),
        Expr::Covered { how, from, to, stream: s, filter } => {
            let filter = filter.as_ref().map_or(String::new(), |f| format!(" where {}", expr(f)));
            format!("([{}, {}] {how:?} {}{filter})", expr(from), expr(to), stream(*s))
        }
    }
}

fn window(w: &Window) -> String {
    let anchor = match w.anchor {
        Anchor::Decision => String::new(),
        Anchor::Until => " until then".to_owned(),
        Anchor::Before(step) => format!(" before step{step}"),
        Anchor::After(step) => format!(" after step{step}"),
        Anchor::Days(n) => format!(" last {n} days"),
        Anchor::Nights(n) => format!(" last {n} nights"),
    };
    let filter = w.filter.as_ref().map_or(String::new(), |f| format!(" where {}", expr(f)));
    let asks = w.asks.as_ref().map_or(String::new(), |e| format!(" asks {}", expr(e)));
    let fresh = w.fresh.map_or(String::new(), |d| format!(" fresh {}", length(d)));
    format!("{:?}({}.{}{asks} over {}{anchor}{fresh}{filter})", w.func, stream(w.stream), measure(w.what), length(w.over))
}

fn reference(of: Ref) -> String {
    match of {
        Ref::Step(i) => format!("step{i}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn measure(what: Measure) -> String {
    match what {
        Measure::Field(f) => format!("f{}", f.0),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn comparison(op: Compare) -> &'static str {
    match op {
        Compare::Lt => "<",
        Compare::Le => "<=",
        Compare::Gt => ">",
        Compare::Ge => ">=",
        Compare::Eq => "=",
        Compare::Ne => "!=",
    }
}

fn arithmetic(op: Arith) -> &'static str {
    match op {
        Arith::Add => "+",
        Arith::Sub => "-",
        Arith::Mul => "*",
        Arith::Div => "/",
    }
}

/// One line per finding; what only one side has is marked.
pub fn difference(engine: &[Standing], oracle: &[Standing]) -> String {
    let mut out = String::new();
    for (who, mine, other) in [("engine only", engine, oracle), ("oracle only", oracle, engine)] {
        for s in mine.iter().filter(|s| !other.contains(s)) {
            let _ = writeln!(out, "{who}: {}", standing(s));
        }
    }
    out
}

pub fn standing(s: &Standing) -> String {
    let optional = |t: Option<Time>| t.map_or("-".to_owned(), instant);
    format!(
        "{} {} #{:x} {} {} {} onset {} at {} end {} known {} {:?} {:?}",
        s.subject,
        s.rule,
        s.version & 0xffff,
        s.kind,
        s.state,
        s.severity,
        instant(s.onset),
        instant(s.at),
        optional(s.end),
        optional(s.resolved_at),
        s.evidence,
        s.text
    )
}
