//! Prints patterns, nearly as the language writes them.

use vitalog_cep::plan::{Absence, Around, Edge, Expr, Node, Part, Pattern, Step};

use super::show::{expr, length, stream};

pub fn pattern(p: &Pattern) -> String {
    let select = format!("        match {:?} ", p.select).to_lowercase();
    let bounds = bounds(&p.absences, &p.around, p.within);
    format!("{select}{}{bounds}", node(p, &p.tree))
}

fn node(p: &Pattern, n: &Node) -> String {
    let list = |all: &[Node], word: &str| all.iter().map(|n| node(p, n)).collect::<Vec<_>>().join(word);
    match n {
        Node::Step(i) => step(usize::from(*i), &p.steps[usize::from(*i)]),
        Node::Sequence { first, rest } => {
            let rest: String = rest.iter().map(|part| self::part(p, part)).collect();
            format!("[{}{rest}]", node(p, first))
        }
        Node::And(all) => format!("<{}>", list(all, " and ")),
        Node::Or(all) => format!("<{}>", list(all, " or ")),
        Node::Group(g) => format!("({}{})", node(p, &g.node), bounds(&g.absences, &g.around, g.within)),
        Node::Repeat { node: n, count } => format!("({}){{{count}}}", node(p, n)),
    }
}

fn part(p: &Pattern, part: &Part) -> String {
    match part {
        Part::Then(n) => format!("\n            then {}", node(p, n)),
        Part::Next(n) => format!("\n            next {}", node(p, n)),
        Part::ThenNo(q) => {
            let all: Vec<String> = q.absences.iter().map(absence).collect();
            format!("\n            then no {} for {}", all.join(" or "), length(q.span))
        }
    }
}

fn step(i: usize, s: &Step) -> String {
    let edge = match s.edge {
        Edge::Start => " starts",
        Edge::End => "",
        Edge::Close => " ends",
    };
    let count = match s.most {
        Some(most) if most == s.count => format!("{{{most}}}"),
        most => format!("{{{}..{}}}", s.count, most.map_or(String::new(), |m| m.to_string())),
    };
    let row = if s.in_a_row { " in a row" } else { "" };
    let again = s.again.as_ref().map_or(String::new(), |e| format!(" again where {}", expr(e)));
    format!("{}{edge}{count}{row} as step{i}{}{again}", stream(s.stream), filter(&s.filter))
}

fn bounds(absences: &[Absence], around: &[Around], within: Option<vitalog_elog::Span>) -> String {
    let without: String = absences.iter().map(|a| format!("\n            without {}", absence(a))).collect();
    let around: String = around
        .iter()
        .map(|a| {
            let (from, to) = (length(a.from), length(a.to));
            format!("\n            with no {} from {from} to {to} around step{}", absence(&a.absence), a.step)
        })
        .collect();
    format!("{without}{around}{}", within.map_or(String::new(), |w| format!("\n            within {}", length(w))))
}

fn absence(a: &Absence) -> String {
    format!("{}{}", stream(a.stream), filter(&a.filter))
}

fn filter(e: &Option<Expr>) -> String {
    e.as_ref().map_or(String::new(), |e| format!(" where {}", expr(e)))
}
