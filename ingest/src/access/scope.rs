//! What a token may do.

use std::fmt;

use vitalog_elog::Subject;
use vitalog_elog::access::Wish;

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// Reading every subject, or one.
    Read(Option<Subject>),
    /// Writing every subject, or one.
    Write(Option<Subject>),
    List,
    Query,
    Rule,
    Operate,
}

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeError(pub String);

impl Scope {
    /// `admin`, `read`, `write`, `list`, `query`, `rule`, `operate`, or one subject's `read@p-001`, `write@p-001`.
    ///
    /// # Errors
    /// Another word, or a subject that can't be one.
    pub fn parse(word: &str) -> Result<Scope, ScopeError> {
        let of = |name: &str| Subject::is_valid(name).then(|| Subject::new(name)).ok_or_else(|| ScopeError(word.to_owned()));
        match word.split_once('@') {
            Some(("read", subject)) => Ok(Scope::Read(Some(of(subject)?))),
            Some(("write", subject)) => Ok(Scope::Write(Some(of(subject)?))),
            Some(_) => Err(ScopeError(word.to_owned())),
            None => Ok(match word {
                "admin" => Scope::Admin,
                "read" => Scope::Read(None),
                "write" => Scope::Write(None),
                "list" => Scope::List,
                "query" => Scope::Query,
                "rule" => Scope::Rule,
                "operate" => Scope::Operate,
                _ => return Err(ScopeError(word.to_owned())),
            }),
        }
    }

    /// The one subject it is about, where it is about one.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Scope::Read(subject) | Scope::Write(subject) => subject.as_ref(),
            _ => None,
        }
    }

    /// Whether it grants the wish.
    pub fn grants(&self, wish: Wish<'_>) -> bool {
        let covers = |scope: &Option<Subject>, subject: &Subject| scope.as_ref().is_none_or(|s| s == subject);
        match (self, wish) {
            (Scope::Admin, _)
            | (Scope::List, Wish::List | Wish::SeeRules)
            | (Scope::Query, Wish::Query | Wish::QueryAll | Wish::Study)
            | (Scope::Rule, Wish::Rule | Wish::SeeRules)
            | (Scope::Operate, Wish::Operate | Wish::Meter) => true,
            (Scope::Read(scope), Wish::Read(subject))
            | (Scope::Write(scope), Wish::Write(subject) | Wish::SetProfile(subject) | Wish::Answer(subject)) => {
                covers(scope, subject)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Admin => f.write_str("admin"),
            Scope::Read(None) => f.write_str("read"),
            Scope::Read(Some(subject)) => write!(f, "read@{subject}"),
            Scope::Write(None) => f.write_str("write"),
            Scope::Write(Some(subject)) => write!(f, "write@{subject}"),
            Scope::List => f.write_str("list"),
            Scope::Query => f.write_str("query"),
            Scope::Rule => f.write_str("rule"),
            Scope::Operate => f.write_str("operate"),
        }
    }
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no scope; use admin, read, write, list, query, rule, operate, read@SUBJECT or write@SUBJECT", self.0)
    }
}

impl std::error::Error for ScopeError {}
