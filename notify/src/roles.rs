//! Whom policies reach: the endpoints with a role, by role, channel and subject. And which steps of policies reach nobody, so that it is said before
//! it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use vitalog_elog::Subject;
use vitalog_elog::policy::{Channel, Policy, PolicyStep};

use crate::config::Endpoint;

/// Endpoints by what policies ask for, each named by its place in the configuration.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Without a subject: those for everybody.
    places: BTreeMap<(Arc<str>, Channel, Option<Subject>), Vec<usize>>,
}

/// A step of a policy that no endpoint carries, whomever it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncarried {
    pub policy: Arc<str>,
    /// From 1 on.
    pub step: usize,
    pub role: Arc<str>,
    pub channels: String,
}

impl Roles {
    pub fn of(endpoints: &[Endpoint]) -> Roles {
        let mut roles = Roles::default();
        for (place, endpoint) in endpoints.iter().enumerate() {
            let Some(reach) = &endpoint.reach else { continue };
            let subjects = &endpoint.filter.subjects;
            let all = subjects.is_empty().then_some(None);
            for subject in subjects.iter().cloned().map(Some).chain(all) {
                roles.places.entry((reach.role.clone(), reach.channel, subject)).or_default().push(place);
            }
        }
        roles
    }

    /// Whether no endpoint has a role: then policies are not carried out at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where a step goes for a subject.
    pub fn carriers(&self, step: &PolicyStep, subject: &Subject) -> BTreeSet<usize> {
        let of = |channel: &Channel, subject: Option<Subject>| self.places.get(&(step.recipient.clone(), *channel, subject));
        let both = step.channels.iter().flat_map(|channel| [of(channel, None), of(channel, Some(subject.clone()))]);
        both.flatten().flatten().copied().collect()
    }

    /// The steps that reach nobody, whomever the finding is about.
    pub fn uncarried(&self, policies: &[Policy]) -> Vec<Uncarried> {
        let has = |step: &PolicyStep| {
            self.places.keys().any(|(role, channel, _)| *role == step.recipient && step.channels.contains(channel))
        };
        let mut all = Vec::new();
        for policy in policies {
            let lacking = policy.steps.iter().zip(1..).filter(|(step, _)| !has(step));
            all.extend(lacking.map(|(step, number)| Uncarried {
                policy: policy.name.clone(),
                step: number,
                role: step.recipient.clone(),
                channels: words(&step.channels),
            }));
        }
        all
    }
}

/// `push, sms`.
pub(crate) fn words(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.name()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Uncarried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Uncarried { policy, step, role, channels } = self;
        write!(f, "policy {policy}, step {step}: there is no endpoint for {role} by {channels}")
    }
}
