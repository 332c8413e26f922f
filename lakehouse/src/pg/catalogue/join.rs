//! What a query takes from: relations, subqueries, functions that make rows, and how they are joined.
//!
//! Conditions are asked as soon as all that they name is there, and an equality of two sides is looked up: the questions of tools join a dozen relations by commas.

use std::collections::HashMap;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, Select, TableAlias, TableFactor,
};

use crate::sql::{SqlError, refused};

use super::select::{Frame, Named, Scope, any, folded, rename};
use super::tables::Rows;
use super::value::Value;
use super::{Catalogue, dotted, unknown};

/// How a relation is joined.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Inner,
    Left,
    Right,
    Full,
}

/// What was taken so far.
struct Taken {
    scope: Scope,
    rows: Vec<Vec<Value>>,
}

impl Catalogue {
    /// The rows that a select goes over, with all of its conditions held.
    pub fn from(&self, select: &Select, frame: &Frame<'_>) -> Result<(Scope, Vec<Vec<Value>>), SqlError> {
        let mut wanted: Vec<&Expr> = select.selection.as_ref().map(conjuncts).unwrap_or_default();
        let mut taken = Taken { scope: Vec::new(), rows: vec![Vec::new()] };
        // Rows that a join to the right brings are not there before it: then conditions wait until all is joined.
        let waits = select.from.iter().flat_map(|table| &table.joins).any(|join| brings_rows(&join.join_operator));
        let late = if waits { std::mem::take(&mut wanted) } else { Vec::new() };
        for table in &select.from {
            self.join(&mut taken, &table.relation, How::Inner, &mut Vec::new(), &mut wanted, frame)?;
            for join in &table.joins {
                let (how, constraint) = how(&join.join_operator)?;
                let mut on = match constraint {
                    Some(JoinConstraint::On(on)) => conjuncts(on),
                    _ => Vec::new(),
                };
                let shared = match constraint {
                    Some(JoinConstraint::Using(names)) => names.iter().map(dotted).collect(),
                    Some(JoinConstraint::Natural) => return Err(unknown("NATURAL JOIN")),
                    _ => Vec::new(),
                };
                let using: Vec<Expr> = shared.iter().map(|name| same(&taken.scope, &join.relation, name)).collect();
                on.extend(&using);
                self.join(&mut taken, &join.relation, how, &mut on, &mut wanted, frame)?;
            }
        }
        for condition in wanted.into_iter().chain(late) {
            self.keep(&mut taken, condition, frame)?;
        }
        Ok((taken.scope, taken.rows))
    }

    fn keep(&self, taken: &mut Taken, condition: &Expr, frame: &Frame<'_>) -> Result<(), SqlError> {
        let mut kept = Vec::new();
        for row in taken.rows.drain(..) {
            if self.value(condition, &frame.inner(&taken.scope, &row))?.truth() == Some(true) {
                kept.push(row);
            }
        }
        taken.rows = kept;
        Ok(())
    }

    fn join<'o, 'e: 'o>(
        &self,
        taken: &mut Taken,
        factor: &TableFactor,
        how: How,
        on: &mut Vec<&'o Expr>,
        wanted: &mut Vec<&'e Expr>,
        frame: &Frame<'_>,
    ) -> Result<(), SqlError> {
        let looks_left = matches!(
            factor,
            TableFactor::Derived { lateral: true, .. } | TableFactor::Function { .. } | TableFactor::UNNEST { .. }
        ) || matches!(factor, TableFactor::Table { args: Some(_), .. });
        if looks_left {
            return self.join_lateral(taken, factor, how, on, frame);
        }
        let (right, scope) = self.factor(factor, frame)?;
        if how == How::Inner {
            // What the query wants of what is there by now may as well be held here.
            let joined: Scope = taken.scope.iter().chain(&scope).cloned().collect();
            let (now, later): (Vec<&Expr>, Vec<&Expr>) = std::mem::take(wanted).into_iter().partition(|e| is_told_by(e, &joined));
            *wanted = later;
            on.extend(now);
        }
        let joined: Scope = taken.scope.iter().chain(&scope).cloned().collect();
        let equal = on.iter().find_map(|e| sides_of(e, &taken.scope, &scope));
        let mut lookup: HashMap<String, Vec<usize>> = HashMap::new();
        if let Some((_, by)) = equal {
            for (place, row) in right.iter().enumerate() {
                if let Some(key) = self.value(by, &frame.inner(&scope, row))?.key() {
                    lookup.entry(key).or_default().push(place);
                }
            }
        }
        let all: Vec<usize> = (0..right.len()).collect();
        let mut met = vec![false; right.len()];
        let mut rows = Vec::new();
        for row in &taken.rows {
            let places = match equal {
                Some((by, _)) => {
                    let key = self.value(by, &frame.inner(&taken.scope, row))?.key();
                    key.and_then(|key| lookup.get(&key)).map_or(&[][..], Vec::as_slice)
                }
                None => &all,
            };
            let mut is_met = false;
            for place in places {
                self.step()?;
                let both: Vec<Value> = row.iter().chain(&right[*place]).cloned().collect();
                if self.holds(on, &frame.inner(&joined, &both))? {
                    (is_met, met[*place]) = (true, true);
                    self.make_room(both.len())?;
                    rows.push(both);
                }
            }
            if !is_met && matches!(how, How::Left | How::Full) {
                rows.push(row.iter().cloned().chain(std::iter::repeat_n(Value::Null, scope.len())).collect());
            }
        }
        if matches!(how, How::Right | How::Full) {
            let alone = right.iter().zip(&met).filter(|(_, met)| !**met).map(|(row, _)| row);
            rows.extend(
                alone.map(|row| {
                    std::iter::repeat_n(Value::Null, taken.scope.len()).chain(row.iter().cloned()).collect::<Vec<_>>()
                }),
            );
        }
        *taken = Taken { scope: joined, rows };
        Ok(())
    }

    /// What looks at the rows to its left is made anew for each.
    fn join_lateral(
        &self,
        taken: &mut Taken,
        factor: &TableFactor,
        how: How,
        on: &[&Expr],
        frame: &Frame<'_>,
    ) -> Result<(), SqlError> {
        let nothing = vec![Value::Null; taken.scope.len()];
        let (_, scope) = self.factor(factor, &frame.inner(&taken.scope, &nothing))?;
        let joined: Scope = taken.scope.iter().chain(&scope).cloned().collect();
        let mut rows = Vec::new();
        for row in &taken.rows {
            let (right, _) = self.factor(factor, &frame.inner(&taken.scope, row))?;
            let before = rows.len();
            for other in right {
                self.step()?;
                let both: Vec<Value> = row.iter().cloned().chain(other).collect();
                if self.holds(on, &frame.inner(&joined, &both))? {
                    self.make_room(both.len())?;
                    rows.push(both);
                }
            }
            if rows.len() == before && how == How::Left {
                rows.push(row.iter().cloned().chain(std::iter::repeat_n(Value::Null, scope.len())).collect());
            }
        }
        *taken = Taken { scope: joined, rows };
        Ok(())
    }

    fn holds(&self, conditions: &[&Expr], frame: &Frame<'_>) -> Result<bool, SqlError> {
        for condition in conditions {
            if self.value(condition, frame)?.truth() != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows of one relation, and by what they are named.
    fn factor(&self, factor: &TableFactor, frame: &Frame<'_>) -> Result<(Vec<Vec<Value>>, Scope), SqlError> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let name = dotted(name);
                let bare = name.rsplit('.').next().unwrap_or(&name).to_owned();
                let common = frame.common.iter().rev().find(|(known, _)| *known == name).map(|(_, rows)| rows.clone());
                let not_there = || refused("sql_invalid", format!("table '{name}' not found"), "see what there is with \\d");
                let rows = common.or_else(|| self.relation(&name)).ok_or_else(not_there)?;
                Ok(scoped(rows, alias.as_ref(), &bare, false))
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                let rows = self.rows_of_function(&dotted(name), &args.args, *with_ordinality, frame)?;
                Ok(scoped(rows, alias.as_ref(), &dotted(name), true))
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                let rows = self.rows_of_function(&dotted(name), args, *with_ordinality, frame)?;
                Ok(scoped(rows, alias.as_ref(), &dotted(name), true))
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let rows = self.unnested(array_exprs, *with_ordinality, frame)?;
                Ok(scoped(rows, alias.as_ref(), "unnest", true))
            }
            TableFactor::Derived { subquery, alias, .. } => Ok(scoped(self.query(subquery, *frame)?, alias.as_ref(), "", false)),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let mut taken = Taken { scope: Vec::new(), rows: vec![Vec::new()] };
                self.join(&mut taken, &table_with_joins.relation, How::Inner, &mut Vec::new(), &mut Vec::new(), frame)?;
                for join in &table_with_joins.joins {
                    let (how, constraint) = how(&join.join_operator)?;
                    let Some(JoinConstraint::On(on)) = constraint else { return Err(unknown("this join")) };
                    self.join(&mut taken, &join.relation, how, &mut conjuncts(on), &mut Vec::new(), frame)?;
                }
                Ok((taken.rows, taken.scope))
            }
            other => Err(unknown(&other.to_string())),
        }
    }
}

/// The parts of a condition that all have to hold.
fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => [conjuncts(left), conjuncts(right)].concat(),
        Expr::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

/// `is_function`: one that makes one column of values, which then has the name of the alias.
fn scoped(mut rows: Rows, alias: Option<&TableAlias>, name: &str, is_function: bool) -> (Vec<Vec<Value>>, Scope) {
    let mut table = name.rsplit('.').next().unwrap_or(name).to_owned();
    if let Some(alias) = alias {
        table = folded(&alias.name);
        if is_function && alias.columns.is_empty() && rows.columns.len() == 1 {
            rows.columns[0].0.clone_from(&table);
        }
        rename(&mut rows, alias);
    }
    let scope = rows.columns.iter().map(|(name, kind)| Named { table: Some(table.clone()), name: name.clone(), kind });
    let scope = scope.collect();
    (rows.rows, scope)
}

fn how(operator: &JoinOperator) -> Result<(How, Option<&JoinConstraint>), SqlError> {
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) | JoinOperator::CrossJoin(c) => (How::Inner, Some(c)),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (How::Left, Some(c)),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (How::Right, Some(c)),
        JoinOperator::FullOuter(c) => (How::Full, Some(c)),
        _ => return Err(unknown("this join")),
    })
}

fn brings_rows(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_))
}

/// That a column of this name is the same on both sides.
fn same(left: &[Named], right: &TableFactor, name: &str) -> Expr {
    let of_left = left.iter().find(|named| named.name == name).and_then(|named| named.table.clone()).unwrap_or_default();
    let of_right = match right {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. } => folded(&alias.name),
        TableFactor::Table { name, .. } => dotted(name).rsplit('.').next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let column = |table: String| Box::new(Expr::CompoundIdentifier(vec![Ident::new(table), Ident::new(name)]));
    Expr::BinaryOp { left: column(of_left), op: BinaryOperator::Eq, right: column(of_right) }
}

/// Whether all that an expression names is in a scope, so that it can be asked there. What has a subquery waits: it may name what comes later.
fn is_told_by(expression: &Expr, scope: &[Named]) -> bool {
    !any(expression, |e| match e {
        Expr::Identifier(name) => !scope.iter().any(|named| named.name == folded(name)),
        Expr::CompoundIdentifier(parts) => !is_in(parts, scope),
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => true,
        _ => false,
    })
}

fn is_in(parts: &[Ident], scope: &[Named]) -> bool {
    let [.., table, name] = parts else { return false };
    let (table, name) = (folded(table), folded(name));
    scope.iter().any(|named| named.table.as_deref() == Some(&table) && named.name == name)
}

/// The two sides of an equality, of which each is told by one scope alone.
fn sides_of<'e>(condition: &'e Expr, left: &[Named], right: &[Named]) -> Option<(&'e Expr, &'e Expr)> {
    let Expr::BinaryOp { left: a, op: BinaryOperator::Eq, right: b } = condition else { return None };
    let is_column = |e: &Expr| matches!(e, Expr::CompoundIdentifier(parts) if parts.len() > 1);
    if !is_column(a) || !is_column(b) {
        return None;
    }
    let only = |e: &Expr, here: &[Named], there: &[Named]| is_told_by(e, here) && !is_told_by(e, there);
    if only(a, left, right) && only(b, right, left) {
        Some((a, b))
    } else if only(b, left, right) && only(a, right, left) {
        Some((b, a))
    } else {
        None
    }
}
