//! What may be asked of rows that are each of one subject: expressions that pick nobody by a pseudonym, and that fail on no row.
//!
//! What fails on a row tells that there is one, and says what is in it. So only what is known here to fail on none is let through: what can't be cast is null, and a number is divided by a constant or as a
//! double. Everything else is refused.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{InList, InSubquery, ScalarFunction};
use datafusion::logical_expr::{Between, BinaryExpr, Case, Cast, Expr, ExprSchemable, Like, Operator, Subquery, TryCast};

use super::kind::{Kind, Rows};
use super::trial::tried;
use super::{Walk, no};
use crate::sql::SqlError;

/// An expression as it is asked, and what it gives.
pub type Word = Result<(Expr, Kind), SqlError>;

/// Functions of numbers that keep an amount an amount.
const MEASURING: [&str; 5] = ["sqrt", "ln", "log10", "log2", "to_unit"];
/// Functions of doubles; what comes of them is steps.
const STEPS: [&str; 7] = ["round", "floor", "ceil", "trunc", "abs", "signum", "isnan"];
/// Functions of whatever is no name.
const PLAIN: [&str; 20] = [
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "date_trunc",
    "date_part",
    "date_bin",
    "local_time",
    "lower",
    "upper",
    "character_length",
    "octet_length",
    "btrim",
    "ltrim",
    "rtrim",
    "starts_with",
    "strpos",
    "now",
    "current_date",
    "current_time",
];
/// How far a statement moves instants in all. What is moved beyond what can be told fails.
const FARTHEST_DAYS: i64 = 36_525;

impl Walk<'_> {
    /// Looks at an expression over rows.
    pub(super) fn word(&mut self, expr: Expr, rows: &Rows, schema: &DFSchema) -> Word {
        match expr {
            Expr::Column(column) => {
                let kind = rows.kind(&column).ok_or_else(|| no(&format!("{column} can't be told here"), "name a column"))?;
                Ok((Expr::Column(column), kind))
            }
            Expr::Literal(..) => Ok((expr, Kind::Constant)),
            Expr::Alias(mut alias) => {
                let (inner, kind) = self.word(*alias.expr, rows, schema)?;
                alias.expr = Box::new(inner);
                Ok((Expr::Alias(alias), kind))
            }
            Expr::BinaryExpr(binary) => self.binary(binary, rows, schema),
            Expr::Not(e) => self.coded(*e, rows, schema, Expr::Not),
            Expr::IsTrue(e) => self.coded(*e, rows, schema, Expr::IsTrue),
            Expr::IsFalse(e) => self.coded(*e, rows, schema, Expr::IsFalse),
            Expr::IsUnknown(e) => self.coded(*e, rows, schema, Expr::IsUnknown),
            Expr::IsNotTrue(e) => self.coded(*e, rows, schema, Expr::IsNotTrue),
            Expr::IsNotFalse(e) => self.coded(*e, rows, schema, Expr::IsNotFalse),
            Expr::IsNotUnknown(e) => self.coded(*e, rows, schema, Expr::IsNotUnknown),
            // Whether there is a name picks nobody.
            Expr::IsNull(e) => Ok((Expr::IsNull(Box::new(self.word(*e, rows, schema)?.0)), Kind::Coded)),
            Expr::IsNotNull(e) => Ok((Expr::IsNotNull(Box::new(self.word(*e, rows, schema)?.0)), Kind::Coded)),
            Expr::Negative(e) => self.negative(*e, rows, schema),
            Expr::Between(b) => {
                let [expr, low, high] = self.plain([*b.expr, *b.low, *b.high], rows, schema)?;
                Ok((Expr::Between(Between::new(Box::new(expr), b.negated, Box::new(low), Box::new(high))), Kind::Coded))
            }
            Expr::InList(list) => {
                let [expr] = self.plain([*list.expr], rows, schema)?;
                let list_ = list.list.into_iter().map(|e| Ok(self.plain([e], rows, schema)?.into_iter().next()));
                let all = list_.collect::<Result<Vec<_>, SqlError>>()?.into_iter().flatten().collect();
                Ok((Expr::InList(InList::new(Box::new(expr), all, list.negated)), Kind::Coded))
            }
            Expr::Like(like) => {
                let [expr, pattern] = self.plain([*like.expr, *like.pattern], rows, schema)?;
                let is_whole = |text: &str| !text.ends_with('\\');
                if !matches!(&pattern, Expr::Literal(p, _) if p.try_as_str().flatten().is_some_and(is_whole)) {
                    return Err(no("LIKE takes a constant pattern", "write the pattern as a text"));
                }
                let like = Like::new(like.negated, Box::new(expr), Box::new(pattern), like.escape_char, like.case_insensitive);
                Ok((Expr::Like(like), Kind::Coded))
            }
            Expr::Case(case) => self.case(case, rows, schema),
            Expr::Cast(Cast { expr, field }) => self.cast(*expr, field.data_type(), rows, schema),
            Expr::TryCast(TryCast { expr, field }) => match *expr {
                Expr::Literal(value, metadata) => {
                    let cast = value.cast_to(field.data_type()).or_else(|_| ScalarValue::try_from(field.data_type()))?;
                    Ok((Expr::Literal(cast, metadata), Kind::Constant))
                }
                expr => self.cast(expr, field.data_type(), rows, schema),
            },
            Expr::ScalarFunction(function) => self.function(function, rows, schema),
            Expr::InSubquery(asked) => self.in_subquery(asked, rows, schema),
            Expr::ScalarSubquery(sub) => Ok((Expr::ScalarSubquery(self.calm_public(sub)?), Kind::Constant)),
            Expr::Exists(mut exists) => {
                exists.subquery = self.calm_public(exists.subquery)?;
                Ok((Expr::Exists(exists), Kind::Constant))
            }
            other => Err(no(&format!("{} is not asked of single subjects", called(&other)), "aggregate over subjects first")),
        }
    }

    fn coded(&mut self, e: Expr, rows: &Rows, schema: &DFSchema, made: fn(Box<Expr>) -> Expr) -> Word {
        let [e] = self.plain([e], rows, schema)?;
        Ok((made(Box::new(e)), Kind::Coded))
    }

    /// Expressions of which none is a pseudonym.
    fn plain<const N: usize>(&mut self, of: [Expr; N], rows: &Rows, schema: &DFSchema) -> Result<[Expr; N], SqlError> {
        let words: Result<Vec<Expr>, SqlError> = of.into_iter().map(|e| Ok(self.not_a_name(e, rows, schema)?.0)).collect();
        words?.try_into().map_err(|_| no("this can't be asked", "ask in another way"))
    }

    fn not_a_name(&mut self, e: Expr, rows: &Rows, schema: &DFSchema) -> Word {
        let (e, kind) = self.word(e, rows, schema)?;
        if kind.is_name() {
            let remedy = "group by it, count it, or join by it";
            return Err(no(&format!("{} is a pseudonym, and nothing is computed with it or compared to it", called(&e)), remedy));
        }
        Ok((e, kind))
    }

    fn binary(&mut self, binary: BinaryExpr, rows: &Rows, schema: &DFSchema) -> Word {
        let op = binary.op;
        let (left, a) = self.word(*binary.left, rows, schema)?;
        let (right, b) = self.word(*binary.right, rows, schema)?;
        let both_names = a.is_name() && b.is_name() && op == Operator::Eq;
        if !both_names && (a.is_name() || b.is_name()) {
            let (name, remedy) = (called(if a.is_name() { &left } else { &right }), "group by it, count it, or join by it");
            return Err(no(&format!("{name} is a pseudonym, and nothing is computed with it or compared to it"), remedy));
        }
        let kind = match op {
            Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => Kind::Coded,
            Operator::IsDistinctFrom | Operator::IsNotDistinctFrom | Operator::And | Operator::Or => Kind::Coded,
            Operator::StringConcat => Kind::Coded,
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                self.arithmetic(op, (&left, a), (&right, b), schema)?
            }
            _ => return Err(no(&format!("{op} is not asked of single subjects"), "ask in another way")),
        };
        Ok((Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))), kind))
    }

    fn arithmetic(
        &mut self,
        op: Operator,
        left: (&Expr, Kind),
        right: (&Expr, Kind),
        schema: &DFSchema,
    ) -> Result<Kind, SqlError> {
        let (from, to) = (left.0.get_type(schema)?, right.0.get_type(schema)?);
        let kind = left.1.with(right.1);
        match (&from, op, &to) {
            (f, Operator::Modulo, t) if f.is_floating() && t.is_floating() => Ok(Kind::Coded),
            (f, _, t) if f.is_floating() && t.is_floating() => Ok(kind),
            (f, Operator::Plus | Operator::Minus | Operator::Multiply, t) if f.is_integer() && t.is_integer() => Ok(kind),
            (f, Operator::Divide | Operator::Modulo, t) if f.is_integer() && t.is_integer() => match whole(right.0) {
                Some(0 | -1) | None => Err(no("a whole number is divided by what is no constant", "cast it to double first")),
                Some(_) => Ok(Kind::Coded),
            },
            (DataType::Timestamp(TimeUnit::Microsecond, _), Operator::Minus, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                Ok(Kind::Computed)
            }
            (DataType::Timestamp(TimeUnit::Microsecond, _), Operator::Plus | Operator::Minus, DataType::Interval(_)) => {
                self.moved(right.0).map(|()| Kind::Coded)
            }
            (DataType::Interval(_), Operator::Plus, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                self.moved(left.0).map(|()| Kind::Coded)
            }
            _ => Err(no(&format!("{from} {op} {to} may fail on a row"), "cast both to double")),
        }
    }

    /// Takes note of how far an instant is moved.
    fn moved(&mut self, by: &Expr) -> Result<(), SqlError> {
        let too_far =
            || no("an instant is moved by what is no constant, or too far", "move it by a constant of less than a hundred years");
        let Expr::Literal(interval, _) = by else { return Err(too_far()) };
        let days = match interval {
            ScalarValue::IntervalMonthDayNano(Some(i)) => {
                i64::from(i.months).abs() * 31 + i64::from(i.days).abs() + i.nanoseconds.saturating_abs() / 86_400_000_000_000 + 1
            }
            ScalarValue::IntervalDayTime(Some(i)) => i64::from(i.days).abs() + i64::from(i.milliseconds).abs() / 86_400_000 + 1,
            ScalarValue::IntervalYearMonth(Some(months)) => i64::from(*months).abs() * 31,
            _ => return Err(too_far()),
        };
        self.moved_days += days;
        if self.moved_days > FARTHEST_DAYS { Err(too_far()) } else { Ok(()) }
    }

    fn negative(&mut self, e: Expr, rows: &Rows, schema: &DFSchema) -> Word {
        let (e, kind) = self.not_a_name(e, rows, schema)?;
        if !e.get_type(schema)?.is_floating() && !matches!(e, Expr::Literal(..)) {
            return Err(no("the negative of a whole number may fail on a row", "cast it to double first"));
        }
        Ok((Expr::Negative(Box::new(e)), kind))
    }

    fn case(&mut self, case: Case, rows: &Rows, schema: &DFSchema) -> Word {
        let mut one = |e: Box<Expr>| Ok::<_, SqlError>(Box::new(self.not_a_name(*e, rows, schema)?.0));
        let expr = case.expr.map(&mut one).transpose()?;
        let when = case.when_then_expr.into_iter().map(|(when, then)| Ok((one(when)?, one(then)?)));
        let when = when.collect::<Result<Vec<_>, SqlError>>()?;
        let otherwise = case.else_expr.map(&mut one).transpose()?;
        Ok((Expr::Case(Case::new(expr, when, otherwise)), Kind::Coded))
    }

    fn cast(&mut self, e: Expr, to: &DataType, rows: &Rows, schema: &DFSchema) -> Word {
        let (e, kind) = self.word(e, rows, schema)?;
        if let Expr::Literal(value, metadata) = &e {
            return Ok((Expr::Literal(value.cast_to(to)?, metadata.clone()), Kind::Constant));
        }
        let stays = e.get_type(schema)?.is_string() && to.is_string();
        if kind.is_name() && !stays {
            return self.not_a_name(e, rows, schema);
        }
        let kind = match kind {
            Kind::Subject | Kind::Name | Kind::Constant => kind,
            _ if kind.is_amount() && to.is_floating() => kind,
            _ => Kind::Coded,
        };
        Ok((Expr::TryCast(TryCast::new(Box::new(e), to.clone())), kind))
    }

    fn function(&mut self, function: ScalarFunction, rows: &Rows, schema: &DFSchema) -> Word {
        let name = function.func.name().to_owned();
        let words = function.args.into_iter().map(|e| self.not_a_name(e, rows, schema));
        let (args, kinds): (Vec<Expr>, Vec<Kind>) = words.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let of_double = args.first().map(|e| e.get_type(schema)).transpose()?.is_some_and(|t| t.is_floating());
        tried(&function.func, &args, schema)?;
        let is = |names: &[&str]| names.contains(&name.as_str());
        let is_epoch = || matches!(args.first(), Some(Expr::Literal(word, _)) if word.to_string().eq_ignore_ascii_case("epoch"));
        let kind = if is(&MEASURING) && of_double {
            kinds.iter().copied().fold(Kind::Constant, Kind::with)
        } else if name == "date_part" && is_epoch() && kinds.get(1).is_some_and(|kind| kind.is_amount()) {
            Kind::Computed
        } else if is(&STEPS) && of_double || is(&PLAIN) && (name != "date_bin" || args.len() == 2) {
            Kind::Coded
        } else {
            return Err(no(
                &format!("{name} is not asked of single subjects here: it may fail on a row"),
                "aggregate over subjects first",
            ));
        };
        Ok((Expr::ScalarFunction(ScalarFunction { func: function.func, args }), kind))
    }

    /// Whether somebody is among others: rows of subjects by the subject, anything else against what may be seen.
    fn in_subquery(&mut self, asked: InSubquery, rows: &Rows, schema: &DFSchema) -> Word {
        let (expr, kind) = self.word(*asked.expr, rows, schema)?;
        let subquery = if kind == Kind::Subject { self.whom(asked.subquery)? } else { self.calm_public(asked.subquery)? };
        if kind == Kind::Name {
            return self.not_a_name(expr, rows, schema);
        }
        let made = InSubquery { expr: Box::new(expr), subquery, negated: asked.negated };
        Ok((Expr::InSubquery(made), Kind::Coded))
    }
}

/// A subquery with another plan.
pub(super) fn of(subquery: &Subquery, plan: datafusion::logical_expr::LogicalPlan) -> Subquery {
    subquery.with_plan(std::sync::Arc::new(plan))
}

fn whole(e: &Expr) -> Option<i64> {
    match e {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(number)) => number,
            _ => None,
        },
        _ => None,
    }
}

/// As a message names it: a column by its name, anything else by its kind, so that no constant of it is repeated.
pub(super) fn called(e: &Expr) -> String {
    match e {
        Expr::Column(column) => column.to_string(),
        Expr::Alias(alias) => called(&alias.expr),
        Expr::Cast(cast) => called(&cast.expr),
        Expr::TryCast(cast) => called(&cast.expr),
        Expr::OuterReferenceColumn(_, column) => format!("{column} of the statement around it"),
        other => other.variant_name().to_owned(),
    }
}
