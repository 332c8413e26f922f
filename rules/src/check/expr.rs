//! Expressions: what each is, by what it is made of.

use vitalog_cep::plan::{Expr as Plan, Measure, Ref};
use vitalog_elog::{Span, StreamIx, Unit};

use super::Checker;
use super::dimension::Dim;
use super::literal::is_ambiguous;
use super::number::Bounds;
use super::scope::{Place, Target};
use super::value::{Ty, Typed};
use super::world::{bounds_of, type_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Loc;
use crate::syntax::{BinaryOp, Expr, ExprKind, Name};

/// What is taken of readings of a stream.
pub struct Taken {
    pub what: Measure,
    pub ty: Ty,
    pub unit: Option<Unit>,
    pub bounds: Bounds,
    pub plausible: bool,
}

impl Checker<'_> {
    /// The plan of an expression. `hint` is the type of what it is compared with, for words and units that need it.
    pub fn infer(&mut self, expr: &Expr, hint: Option<&Ty>) -> Typed {
        let typed = self.understand(expr, hint);
        self.note(expr, &typed);
        typed
    }

    fn understand(&mut self, expr: &Expr, hint: Option<&Ty>) -> Typed {
        let loc = expr.loc;
        match &expr.kind {
            ExprKind::Bad => Typed::error(loc),
            ExprKind::Literal(literal) => self.literal(literal, loc, hint),
            ExprKind::Text(text) => Typed::new(Plan::Text(text.text.clone()), Ty::Text, loc),
            ExprKind::Bool(b) => Typed { truth: Some(*b), ..Typed::bool(Plan::Bool(*b), loc) },
            ExprKind::Now => Typed::new(Plan::Now, Ty::Instant, loc),
            ExprKind::Onset => self.onset(loc),
            ExprKind::Name(name) => self.word(name, hint),
            ExprKind::Field { of, field } => self.field(of, field, loc),
            ExprKind::Fresh { field, within } => self.fresh(field, within.span, loc),
            ExprKind::Profile(field) => self.setting(field, loc),
            ExprKind::Call(call) => self.call(call, loc),
            ExprKind::Clock(minutes) => Typed::new(Plan::number(i64::from(*minutes) * super::clock::MINUTE), Ty::TimeOfDay, loc),
            ExprKind::If { then, condition, otherwise } => self.choice(then, condition, otherwise, loc, hint),
            ExprKind::Covering(it) => self.covering(it, loc),
            ExprKind::Paren(inner) => Typed { loc, ..self.infer(inner, hint) },
            ExprKind::Not(inner) => self.not(inner, loc),
            ExprKind::Neg(inner) => self.negate(inner, loc, hint),
            ExprKind::And(all) => self.and(all, loc),
            ExprKind::Or(all) => self.or(all, loc),
            ExprKind::Binary { op, op_loc, left, right } => match op {
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => {
                    self.arithmetic(*op, *op_loc, left, right, loc, hint)
                }
                _ => self.compare(*op, *op_loc, left, right, loc),
            },
            ExprKind::Between { value, low, high } => self.between(value, low, high, loc),
            ExprKind::In { value, list } => self.in_list(value, list, loc),
            ExprKind::IsKnown { value, negated } => {
                let inner = self.infer(value, None);
                if inner.is_error() {
                    return Typed::error(loc);
                }
                let known = Plan::IsKnown(Box::new(inner.expr));
                Typed::bool(if *negated { Plan::Not(Box::new(known)) } else { known }, loc)
            }
        }
    }

    /// An expression that must be a condition; `what` says of what.
    pub fn condition(&mut self, expr: &Expr, what: &str) -> Typed {
        let typed = self.infer(expr, None);
        match typed.ty {
            Ty::Bool | Ty::Error => typed,
            _ => {
                let d = Diagnostic::new(
                    Code::TYPE,
                    format!("{what} is a condition"),
                    typed.loc,
                    format!("this is {}", typed.describe()),
                );
                self.diagnostics.push(d.help("compare it with something, as in `bg.value < 54 mg/dL`"));
                Typed::error(typed.loc)
            }
        }
    }

    /// Whether the type of an expression has to be told by the other side.
    pub fn needs_hint(&self, expr: &Expr) -> bool {
        match &expr.bare().kind {
            ExprKind::Literal(literal) => is_ambiguous(literal),
            ExprKind::Name(name) => self.target(&name.text).is_err(),
            ExprKind::Neg(inner) => self.needs_hint(inner),
            ExprKind::If { then, otherwise, .. } => self.needs_hint(then) && self.needs_hint(otherwise),
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub, left, right, .. } => {
                self.needs_hint(left) && self.needs_hint(right)
            }
            ExprKind::Binary { op: BinaryOp::Mul | BinaryOp::Div, left, right, .. } => {
                self.needs_hint(left) || self.needs_hint(right)
            }
            _ => false,
        }
    }

    /// Two sides that go together: the one that knows its type first.
    pub fn pair(&mut self, left: &Expr, right: &Expr, hint: Option<&Ty>) -> (Typed, Typed) {
        if self.needs_hint(left) && !self.needs_hint(right) {
            let right = self.infer(right, hint);
            let left = self.infer(left, Some(&right.ty));
            return (left, right);
        }
        let left = self.infer(left, hint);
        let right = self.infer(right, Some(&left.ty));
        (left, right)
    }

    fn onset(&mut self, loc: Loc) -> Typed {
        if self.scope.place == Place::When {
            let d = Diagnostic::new(Code::NOT_VISIBLE, "`onset` in `when`", loc, "`when` decides it");
            self.diagnostics.push(d.help("ask it in a `where` clause: it is decided when the episode opens"));
            return Typed::error(loc);
        }
        if self.scope.place == Place::Heard {
            let d = Diagnostic::new(Code::NOT_VISIBLE, "`onset` of what is waited for", loc, "it is what begins the silence");
            self.diagnostics.push(d);
            return Typed::error(loc);
        }
        Typed::new(Plan::Onset, Ty::Instant, loc)
    }

    /// A bare word: a `let`, or a word of the enumeration on the other side.
    fn word(&mut self, name: &Name, hint: Option<&Ty>) -> Typed {
        match self.target(&name.text) {
            Ok(Target::Let(i)) => {
                self.scope.lets[i].used = true;
                self.let_value(i, name.loc)
            }
            Ok(Target::Reading(_, stream)) => {
                self.resolve(name);
                self.bare_reading(name, stream)
            }
            Err(_) => match hint {
                Some(Ty::Error) => Typed::error(name.loc),
                Some(Ty::Enum(words)) => match words.words.iter().position(|w| *w == name.text) {
                    Some(i) => {
                        let exact = Bounds::exactly(super::number::whole(i as i64));
                        Typed { bounds: exact, ..Typed::new(Plan::Enum(i as u16), Ty::Enum(words.clone()), name.loc) }
                    }
                    None => {
                        let known: Vec<&str> = words.words.iter().map(|w| &**w).collect();
                        let d = Diagnostic::new(
                            Code::UNKNOWN_WORD,
                            format!("`{}` is none of the words it is compared with", name.text),
                            name.loc,
                            "not one of them",
                        );
                        let d = d.did_you_mean(name.loc, &name.text, known.iter().copied());
                        self.diagnostics.push(d.note(format!("the words: {}", known.join(", "))));
                        Typed::error(name.loc)
                    }
                },
                _ => {
                    let said = self.diagnostics.len();
                    self.resolve(name);
                    if self.scope.place == Place::Step
                        && self.world.stream(&name.text).is_some()
                        && let Some(d) = self.diagnostics.get_mut(said)
                    {
                        d.notes.push(format!(
                            "a step's `where` takes all that follows: if `{}` is another step, put this one into parentheses",
                            name.text
                        ));
                    }
                    Typed::error(name.loc)
                }
            },
        }
    }

    fn bare_reading(&mut self, name: &Name, stream: StreamIx) -> Typed {
        let example = self.world.declared(stream).fields.first().map(|f| f.name.clone());
        let d = Diagnostic::new(Code::TYPE, format!("`{}` is a reading, not a value", name.text), name.loc, "which field of it?");
        self.diagnostics.push(match example {
            Some(field) => d.help(format!("as in `{}.{field}`, or `{}.at` for its time", name.text, name.text)),
            None => d,
        });
        Typed::error(name.loc)
    }

    pub fn field(&mut self, of: &Name, field: &Name, loc: Loc) -> Typed {
        match self.resolve(of) {
            Some(Target::Reading(at, stream)) => match self.taken(stream, field) {
                Some(taken) => Typed {
                    unit: taken.unit,
                    bounds: taken.bounds,
                    plausible: taken.plausible,
                    ..Typed::new(Plan::Get { of: at, what: self.at_edge(at, &field.text, taken.what) }, taken.ty, loc)
                },
                None => Typed::error(loc),
            },
            Some(Target::Let(i)) => {
                let it = self.scope.lets[i].name.loc;
                let d =
                    Diagnostic::new(Code::TYPE, format!("`{}` is a value and has no fields", of.text), field.loc, "no fields");
                self.diagnostics.push(d.label(it, "declared here"));
                Typed::error(loc)
            }
            None => Typed::error(loc),
        }
    }

    /// `x.f fresh D`: by the instant of the reading.
    fn fresh(&mut self, field: &Expr, within: Span, loc: Loc) -> Typed {
        let typed = self.infer(field, None);
        let Plan::Get { of, .. } = typed.expr else { return Typed::error(loc) };
        let at = Plan::Get { of, what: self.at_edge(of, "at", Measure::At) };
        let expr = Plan::Fresh { value: Box::new(typed.expr), at: Box::new(at), within };
        Typed { expr, loc, ..typed }
    }

    /// What a field's name, or `at`, `start`, `end`, `duration`, takes of readings of a stream.
    pub fn taken(&mut self, stream: StreamIx, field: &Name) -> Option<Taken> {
        if stream.derived().is_some() {
            return self.taken_of_findings(stream, field);
        }
        let declared = self.world.declared(stream);
        let info = self.world.info(stream);
        if let Some((ix, info)) = info.and_then(|s| s.fields.get(&field.text)) {
            let it = declared.get(*ix);
            let unit = match it.kind {
                vitalog_elog::FieldKind::Quantity(unit) => Some(unit),
                _ => None,
            };
            let bounds = bounds_of(&it.kind, it.range);
            let plausible = it.range.is_some();
            return Some(Taken { what: Measure::Field(*ix), ty: type_of(&it.kind, *info), unit, bounds, plausible });
        }
        let plain = |what, ty, bounds| Some(Taken { what, ty, unit: None, bounds, plausible: false });
        let interval = declared.is_interval();
        match &*field.text {
            "at" => return plain(Measure::At, Ty::Instant, Bounds::NONE),
            "end" if interval => return plain(Measure::At, Ty::Instant, Bounds::NONE),
            "start" if interval => return plain(Measure::Start, Ty::Instant, Bounds::NONE),
            "duration" if interval => return plain(Measure::Duration, Ty::Number(Dim::time()), Bounds::at_least_zero()),
            _ => {}
        }
        if info.is_some_and(|s| s.broken) {
            return None;
        }
        let name = &declared.name;
        let mut d =
            Diagnostic::new(Code::UNKNOWN_FIELD, format!("`{name}` has no field `{}`", field.text), field.loc, "no such field");
        let visible = |name: &str| info.is_some_and(|s| s.fields.contains_key(name));
        let names: Vec<&str> = declared.fields.iter().map(|f| &*f.name).filter(|n| visible(n)).collect();
        if matches!(&*field.text, "start" | "end" | "duration") {
            d = d.note(format!("the readings of `{name}` are instants; their time is `.at`"));
        } else {
            d = d.did_you_mean(field.loc, &field.text, names.iter().copied());
        }
        if let Some(info) = info {
            d = d.label(info.loc, "declared here");
        }
        self.diagnostics.push(d.note(format!("its fields: {}", names.join(", "))));
        None
    }

    fn setting(&mut self, field: &Name, loc: Loc) -> Typed {
        let Some((ix, info)) = self.world.settings.get(&field.text) else {
            let d = Diagnostic::new(
                Code::UNKNOWN_FIELD,
                format!("the profile has no field `{}`", field.text),
                field.loc,
                "no such field",
            )
            .did_you_mean(field.loc, &field.text, self.world.settings.keys().map(|n| &**n));
            self.diagnostics.push(d.help("declare it in a `profile { … }` block, or `use` the file that does"));
            return Typed::error(loc);
        };
        let it = &self.world.profile[usize::from(*ix)];
        let unit = match it.kind {
            vitalog_elog::FieldKind::Quantity(unit) => Some(unit),
            _ => None,
        };
        Typed { unit, bounds: bounds_of(&it.kind, it.range), ..Typed::new(Plan::Profile(*ix), type_of(&it.kind, *info), loc) }
    }

    /// Whether a plan expression names the onset.
    pub fn mentions_onset(&self, expr: &Plan) -> bool {
        let mut found = false;
        expr.walk(&mut |e| found |= matches!(e, Plan::Onset));
        found
    }

    /// The readings that a plain name stands for, where only those will do.
    pub fn reading(&mut self, name: &Name) -> Option<(Ref, StreamIx)> {
        match self.resolve(name)? {
            Target::Reading(at, stream) => Some((at, stream)),
            Target::Let(_) => {
                let d = Diagnostic::new(
                    Code::TYPE,
                    format!("`{}` is a value, a reading is needed", name.text),
                    name.loc,
                    "not a reading",
                );
                self.diagnostics.push(d);
                None
            }
        }
    }
}
