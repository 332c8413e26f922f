//! Policies: who hears of a finding, by which channel, and what follows if nobody answers. Plain data: what carries them out lives elsewhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Span;

/// `policy urgent { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub name: Arc<str>,
    pub steps: Vec<PolicyStep>,
    /// `repeat every D until resolved`.
    pub repeat: Option<Repeat>,
    pub doc: Option<Arc<str>>,
}

/// `after D unless acknowledged notify WHOM by CHANNEL, …`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyStep {
    /// After the finding was told first; zero: at once. Never less than that of the step before.
    pub after: Span,
    /// Left out once somebody acknowledged the finding.
    pub unless_acknowledged: bool,
    /// A role, such as `patient` or `on_call`; who that is, is configured.
    pub recipient: Arc<str>,
    pub channels: Vec<Channel>,
}

/// The steps begin anew every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    pub every: Span,
    pub until: RepeatUntil,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepeatUntil {
    Acknowledged,
    Resolved,
}

/// By what way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Push,
    Sms,
    Email,
    Webhook,
    Phone,
}

impl Channel {
    pub const ALL: [Channel; 5] = [Channel::Push, Channel::Sms, Channel::Email, Channel::Webhook, Channel::Phone];

    pub fn name(self) -> &'static str {
        match self {
            Channel::Push => "push",
            Channel::Sms => "sms",
            Channel::Email => "email",
            Channel::Webhook => "webhook",
            Channel::Phone => "phone",
        }
    }
}
