//! Resolving the name of a webhook's host to the addresses that may be spoken to, and to no others.
//!
//! The client connects to what this returns and asks nobody again, so a name can't pass the check as one address and be connected to as
//! another.

use std::net::SocketAddr;

use reqwest::dns::{Name, Resolve, Resolving};

use crate::webhook::{Refused, check};

pub(super) struct Guarded {
    pub allow_loopback: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut permitted: Vec<SocketAddr> = Vec::new();
            for address in found {
                match check(address.ip(), allow_loopback) {
                    Ok(()) => permitted.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                // One forbidden address among permitted ones is how a rebinding attack looks: the name is not to be trusted.
                Some(why) => Err(Box::<dyn std::error::Error + Send + Sync>::from(why)),
                None => Ok(Box::new(permitted.into_iter()) as reqwest::dns::Addrs),
            }
        })
    }
}

/// The refusal that an error of the client goes back to, if one does.
pub(super) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Refused> {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(refused) = e.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = e.source();
    }
    None
}
