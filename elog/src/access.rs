//! Who asks, what for, and the answer: the port that every door asks before it opens.
//!
//! A request is a *visit*: what is asked on it, and what was answered, is noted with whoever asks, so that the gateway can write down who saw what, and can tell a door that forgot
//! to ask.

use std::fmt;
use std::sync::Arc;

use crate::id::Subject;
use crate::metering::{Party, Quota, Used};
use crate::time::Time;

/// Who is at the door.
#[derive(Clone)]
pub struct Principal {
    /// Of the account: an id, never a name.
    pub id: Arc<str>,
    /// By what they were known.
    pub via: Via,
    visit: Option<Arc<dyn Visit>>,
}

/// By what somebody was known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Nothing was shown.
    #[default]
    Nothing,
    /// A token of this id.
    Token(Arc<str>),
    /// The account's password.
    Password,
    /// The word of a provider that the account is linked with.
    Provider,
}

/// What they want to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// See readings, profile and findings of a subject.
    Read(&'a Subject),
    /// Send, amend or remove readings of a subject.
    Write(&'a Subject),
    /// Set targets, zone and units of a subject.
    SetProfile(&'a Subject),
    /// Acknowledge or dismiss what was found about a subject.
    Answer(&'a Subject),
    /// Open a subject that one may not see, in an emergency.
    BreakGlass(&'a Subject),
    /// List subjects and findings, as far as they may be read.
    List,
    /// See the rules.
    SeeRules,
    /// Change rules.
    Rule,
    /// Run SQL, over what one may read.
    Query,
    /// Run SQL over everything.
    QueryAll,
    /// Run SQL over everybody, with pseudonyms in place of the subjects, as far as an answer rests on enough of them.
    Study,
    /// See dead letters, accounting, metrics.
    Operate,
    /// Accounts, tokens, assignments.
    Administer,
    /// See who saw what.
    Audit,
    /// See who used how much.
    Meter,
    /// Erase a subject for good.
    Erase(&'a Subject),
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Deny,
}

/// Decides. Kept by the gateway, asked by every door.
pub trait Access: Send + Sync {
    /// The answer, and nothing else: nobody takes note of it. For lists, which leave out what may not be seen.
    fn allows(&self, who: &Principal, wish: Wish<'_>) -> bool;

    /// Whom they may read about, where those are some and not all: what a question over many subjects is narrowed to.
    fn subjects(&self, _who: &Principal) -> Vec<Subject> {
        Vec::new()
    }

    /// Within what somebody stays who may ask about everybody; `None`: within nothing.
    fn bound(&self, _who: &Principal) -> Option<Bound> {
        None
    }

    /// Of these, those that are nobody's yet, and would be a tenant's once they are written by them. That has to be [settled](Access::settle) before anything of them is kept, or told.
    fn unsettled(&self, _who: &Principal, _subjects: &mut dyn Iterator<Item = &Subject>) -> Vec<Subject> {
        Vec::new()
    }

    /// Settles durably whose subjects are that were [nobody's](Access::unsettled). Of each it is said whether anything of it was kept before: then it stays where it is.
    ///
    /// Gives back those that would be one more than their tenant may have: nothing is settled of them.
    ///
    /// # Errors
    /// Where it can't be written down.
    fn settle(&self, _who: &Principal, _subjects: &[(Subject, bool)]) -> Result<Vec<Subject>, NotSettled> {
        Ok(Vec::new())
    }

    /// Whether a name is beyond what they may have: they could write it if it were free, and their tenant has as many subjects as it may. The same is said of one that is somebody else's, so
    /// that nobody learns which are.
    fn is_beyond(&self, _who: &Principal, _subject: &Subject) -> bool {
        false
    }

    /// Whether a reading of theirs may be seen on the timeline of this further subject.
    fn may_name(&self, _who: &Principal, _subject: &Subject) -> bool {
        true
    }

    /// What was opened of a subject in emergencies, the newest first: for whoever may read it, which its caller has asked.
    fn emergencies(&self, _subject: &Subject) -> Vec<Emergency> {
        Vec::new()
    }

    /// Whom what somebody does is put down to; `None`: to nobody, for there are no tenants.
    fn party(&self, _who: &Principal) -> Option<Party> {
        None
    }

    /// How many readings a day they may send: by what they showed, and by all of their tenant together. Empty: as many as there are.
    fn quotas(&self, _who: &Principal) -> Vec<Quota> {
        Vec::new()
    }

    /// Counts what somebody used.
    fn used(&self, _who: &Principal, _used: Used) {}

    /// The answer, noted as part of the visit.
    fn decide(&self, who: &Principal, wish: Wish<'_>) -> Decision {
        let decision = if self.allows(who, wish) { Decision::Allow } else { Decision::Deny };
        who.note(wish, decision);
        decision
    }
}

/// A subject that somebody opened in an emergency.
#[derive(Clone, PartialEq, Eq)]
pub struct Emergency {
    pub number: i64,
    /// Of whoever opened it.
    pub account: Arc<str>,
    pub subject: Subject,
    /// Why it couldn't wait: for people who may know. It may say more of somebody than an id, so it is in no log and no message.
    pub reason: String,
    pub at: Time,
    pub until: Time,
    /// Who has looked into it.
    pub seen_by: Option<String>,
}

/// The subjects of a tenant: there is nobody else for whoever belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The tenant's id.
    pub tenant: Arc<str>,
    pub subjects: Vec<Subject>,
}

/// It could not be written down whose a subject is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSettled(pub String);

/// One request: takes note of what was asked on it, and what was answered.
pub trait Visit: Send + Sync {
    fn note(&self, wish: Wish<'_>, decision: Decision);
}

impl Principal {
    /// Somebody of whom nothing is known but the id.
    pub fn new(id: impl Into<Arc<str>>) -> Principal {
        Principal { id: id.into(), via: Via::Nothing, visit: None }
    }

    #[must_use]
    pub fn via(self, via: Via) -> Principal {
        Principal { via, ..self }
    }

    /// The same one, on this visit.
    #[must_use]
    pub fn on(self, visit: Arc<dyn Visit>) -> Principal {
        Principal { visit: Some(visit), ..self }
    }

    /// Takes note of an answer, where the visit is written down.
    pub fn note(&self, wish: Wish<'_>, decision: Decision) {
        if let Some(visit) = &self.visit {
            visit.note(wish, decision);
        }
    }
}

impl<'a> Wish<'a> {
    /// How many kinds there are.
    pub const KINDS: usize = 16;

    /// Which kind it is.
    pub fn kind(self) -> usize {
        match self {
            Wish::Read(_) => 0,
            Wish::Write(_) => 1,
            Wish::SetProfile(_) => 2,
            Wish::Answer(_) => 3,
            Wish::BreakGlass(_) => 4,
            Wish::List => 5,
            Wish::SeeRules => 6,
            Wish::Rule => 7,
            Wish::Query => 8,
            Wish::Operate => 9,
            Wish::Administer => 10,
            Wish::Audit => 11,
            Wish::QueryAll => 12,
            Wish::Erase(_) => 13,
            Wish::Study => 14,
            Wish::Meter => 15,
        }
    }

    /// The word that policies and the access log have for it.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; Wish::KINDS] = [
            "read",
            "write",
            "set_profile",
            "answer",
            "break_glass",
            "list",
            "see_rules",
            "change_rules",
            "query",
            "operate",
            "administer",
            "audit",
            "query_all",
            "erase",
            "study",
            "meter",
        ];
        NAMES[self.kind()]
    }

    /// Whom it is about, where it is about one.
    pub fn subject(self) -> Option<&'a Subject> {
        match self {
            Wish::Read(s) | Wish::Write(s) | Wish::SetProfile(s) | Wish::Answer(s) | Wish::BreakGlass(s) | Wish::Erase(s) => {
                Some(s)
            }
            _ => None,
        }
    }

    /// One of each kind, in the order of their numbers; about `subject` where it is about one.
    pub fn all(subject: &'a Subject) -> [Wish<'a>; Wish::KINDS] {
        [
            Wish::Read(subject),
            Wish::Write(subject),
            Wish::SetProfile(subject),
            Wish::Answer(subject),
            Wish::BreakGlass(subject),
            Wish::List,
            Wish::SeeRules,
            Wish::Rule,
            Wish::Query,
            Wish::Operate,
            Wish::Administer,
            Wish::Audit,
            Wish::QueryAll,
            Wish::Erase(subject),
            Wish::Study,
            Wish::Meter,
        ]
    }
}

impl fmt::Display for NotSettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it can't be written down whose a subject is: {}", self.0)
    }
}

impl std::error::Error for NotSettled {}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Nothing => f.write_str("nothing"),
            Via::Token(id) => write!(f, "token {id}"),
            Via::Password => f.write_str("password"),
            Via::Provider => f.write_str("provider"),
        }
    }
}

/// What was asked is for the access log alone.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.id, self.via)
    }
}
