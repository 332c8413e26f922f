//! Who would not be told: steps of policies that no endpoint carries out, said before it matters.

use std::collections::BTreeSet;

use vitalog_cep::plan::Library;
use vitalog_notify::roles::Roles;

/// Says which steps of the policies that rules name would reach nobody, before it matters.
pub fn warn(library: &Library, roles: &Roles) {
    let named: BTreeSet<&str> = library.rules.iter().filter_map(|rule| rule.notify.as_deref()).collect();
    let policies: Vec<_> = library.policies.iter().filter(|policy| named.contains(&*policy.name)).cloned().collect();
    if policies.is_empty() {
        return;
    }
    if roles.is_empty() {
        return tracing::warn!(
            "no endpoint has a role: the steps of policies are not carried out, and only endpoints without a role are told"
        );
    }
    for step in roles.uncarried(&policies) {
        tracing::warn!("{step}; give an endpoint that role and channel");
    }
}
