//! Which statements are let through: exactly one, and one that only reads.
//!
//! The list says what is allowed, not what is forbidden. The plan is checked again after this, and the session has nothing to write to.
//!
//! Planning recurses over what was asked, and can't be interrupted. So a statement is bounded before it is planned: its length, the depth of its
//! parentheses, and the number of operators, which chain into depth without any parenthesis; and its plan before it is optimised, for a
//! common table that is named twice is planned twice.

use std::ops::ControlFlow;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Statement as Sql, visit_relations};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::sql::SqlError;
use crate::sql::refused;

/// Longer questions are refused: a plan takes more time and stack than its text.
pub(crate) const LONGEST: usize = 64 * 1024;
/// How deep parentheses and subqueries may be nested.
const DEEPEST: usize = 40;
/// Operators, of comparison, arithmetic, logic and sets together.
const MOST_OPERATORS: usize = 500;
/// Relations that are named, the same one twice counting twice.
const MOST_RELATIONS: usize = 100;
/// Nodes of a plan, what common tables come to included.
const MOST_NODES: usize = 2_000;

/// Reads a statement.
///
/// # Errors
/// A refusal that says what is wrong.
pub(crate) fn parse(sql: &str) -> Result<Statement, SqlError> {
    if sql.len() > LONGEST {
        let long = format!("the statement is {} bytes long, at most {LONGEST} are read", sql.len());
        return Err(refused("sql_too_long", long, "shorten it"));
    }
    let dialect = PostgreSqlDialect {};
    if operators(sql, &dialect) > MOST_OPERATORS {
        let many = format!("the statement has more than {MOST_OPERATORS} operators");
        return Err(refused("sql_too_long", many, "shorten it; IN takes a list of any length"));
    }
    let parser = DFParserBuilder::new(sql).with_dialect(&dialect).with_recursion_limit(DEEPEST).build();
    let mut statements = parser.and_then(|mut parser| parser.parse_statements())?;
    let Some(statement) = statements.pop_front() else {
        return Err(refused("sql_empty", "there is no statement", "send one, such as SELECT * FROM readings LIMIT 10"));
    };
    if !statements.is_empty() {
        return Err(refused("sql_several", "there is more than one statement", "send them one by one"));
    }
    if !is_allowed(&statement) {
        let what = first_word(sql);
        let remedy = "use SELECT, WITH, VALUES, EXPLAIN, SHOW TABLES or DESCRIBE";
        return Err(refused("sql_not_allowed", format!("{what} is not allowed: SQL only reads here"), remedy));
    }
    if relations(&statement) > MOST_RELATIONS {
        let many = format!("the statement names more than {MOST_RELATIONS} relations");
        return Err(refused("sql_too_long", many, "ask in several statements"));
    }
    Ok(statement)
}

/// Refuses a plan that is too large to be optimised in reasonable time.
///
/// # Errors
/// A refusal that says so.
pub(crate) fn check_size(plan: &LogicalPlan) -> Result<(), SqlError> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if nodes > MOST_NODES {
        return Err(refused("sql_too_long", "the statement's plan is too large", "name common tables less often"));
    }
    Ok(())
}

/// Tokens that chain: each makes the tree one deeper. A text that can't be cut into tokens has none; the parser says what is wrong with it.
fn operators(sql: &str, dialect: &PostgreSqlDialect) -> usize {
    let tokens = Tokenizer::new(dialect, sql).tokenize().unwrap_or_default();
    let chains = |token: &&Token| match token {
        Token::Word(word) => CHAINING.contains(&word.keyword),
        Token::Number(..)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon => false,
        Token::SingleQuotedString(_) | Token::NationalStringLiteral(_) | Token::EscapedStringLiteral(_) | Token::EOF => false,
        _ => true,
    };
    tokens.iter().filter(chains).count()
}

const CHAINING: [Keyword; 21] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::XOR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::IN,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::SIMILAR,
    Keyword::RLIKE,
    Keyword::REGEXP,
    Keyword::BETWEEN,
    Keyword::AT,
    Keyword::COLLATE,
    Keyword::OPERATOR,
    Keyword::OVERLAPS,
    Keyword::JOIN,
    Keyword::UNION,
    Keyword::INTERSECT,
    Keyword::EXCEPT,
    Keyword::DIV,
];

fn relations(statement: &Statement) -> usize {
    let sql = match statement {
        Statement::Statement(sql) => sql,
        Statement::Explain(explain) => match &*explain.statement {
            Statement::Statement(sql) => sql,
            _ => return 0,
        },
        _ => return 0,
    };
    let mut count = 0;
    let _: ControlFlow<()> = visit_relations(&**sql, |_| {
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

/// Whether it asks how a question would be answered.
pub(crate) fn explains(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(_) => true,
        Statement::Statement(sql) => matches!(**sql, Sql::Explain { .. }),
        _ => false,
    }
}

fn is_allowed(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(sql) => match &**sql {
            Sql::Query(_) | Sql::ShowTables { .. } | Sql::ShowColumns { .. } | Sql::ExplainTable { .. } => true,
            Sql::Explain { statement, .. } => matches!(**statement, Sql::Query(_)),
            _ => false,
        },
        Statement::Explain(explain) => match &*explain.statement {
            Statement::Statement(sql) => matches!(**sql, Sql::Query(_)),
            _ => false,
        },
        _ => false,
    }
}

/// What the statement begins with, for the error.
fn first_word(sql: &str) -> String {
    let word: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).take(20).collect();
    if word.is_empty() { "this".to_owned() } else { word.to_uppercase() }
}
