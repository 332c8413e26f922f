//! What is known of the provider: its description and its keys, fetched when they are needed, kept for an hour, and fetched anew where a token names a key that is not among them.

use std::sync::{Arc, Mutex, PoisonError};

use vitalog_elog::{Span, Time};

use super::contact::{Contact, NoAnswer, Patience};
use crate::access::oidc::{Keys, Metadata, Settings, Signed};
use crate::io::Clock;

/// How long what was fetched is good.
const GOOD: Span = Span::hours(1);
/// How long the keys are not fetched again for one that is not among them.
const REST: Span = Span::seconds(10);
/// How long one that was away is not asked again: nobody waits behind others for what fails.
const AWAY: Span = Span::seconds(2);

/// A provider, as far as it is known.
pub struct Provider {
    pub settings: Settings,
    pub(super) contact: Contact,
    /// One fetches, and the others wait for that.
    fetching: tokio::sync::Mutex<()>,
    had: Mutex<Had>,
}

#[derive(Default)]
struct Had {
    metadata: Option<(Arc<Metadata>, Time)>,
    keys: Option<(Arc<Keys>, Time)>,
    failed: Option<(NoAnswer, Time)>,
}

impl Provider {
    /// `ca`: who signed its certificate (PEM), where that is nobody whom all trust.
    ///
    /// # Errors
    /// A file of certificates that is none; where TLS can't be set up on this machine.
    pub fn new(settings: Settings, ca: Option<&[u8]>, patience: Patience) -> Result<Provider, reqwest::Error> {
        let contact = Contact::new(patience, ca)?;
        Ok(Provider { settings, contact, fetching: tokio::sync::Mutex::default(), had: Mutex::default() })
    }

    pub(super) async fn metadata(&self, clock: &Clock) -> Result<Arc<Metadata>, NoAnswer> {
        let _turn = self.fetching.lock().await;
        self.described(clock).await
    }

    /// Where one logs out there, if that is known by now.
    pub(in crate::io) fn way_out(&self) -> Option<String> {
        let had = self.had.lock().unwrap_or_else(PoisonError::into_inner);
        let mut url = had.metadata.as_ref()?.0.out.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client)
            .append_pair("post_logout_redirect_uri", &self.settings.out());
        Some(url.into())
    }

    /// The keys, among which is one that may have signed this token, if the provider has it at all.
    pub(super) async fn keys(&self, signed: &Signed<'_>, clock: &Clock) -> Result<Arc<Keys>, NoAnswer> {
        let _turn = self.fetching.lock().await;
        let now = clock();
        let had = self.with(|had| had.keys.clone());
        if let Some((keys, at)) = had
            && now.since(at) < GOOD
            && (signed.is_by_one_of(&keys) || now.since(at) < REST)
        {
            return Ok(keys);
        }
        let metadata = self.described(clock).await?;
        let bytes = self.asked(metadata.keys.as_str(), clock).await?;
        let keys = Arc::new(Keys::parse(&bytes)?);
        self.with(|had| had.keys = Some((keys.clone(), now)));
        Ok(keys)
    }

    /// Whoever calls this has the turn to fetch.
    async fn described(&self, clock: &Clock) -> Result<Arc<Metadata>, NoAnswer> {
        let now = clock();
        if let Some((metadata, at)) = self.with(|had| had.metadata.clone())
            && now.since(at) < GOOD
        {
            return Ok(metadata);
        }
        let bytes = self.asked(&Metadata::place(&self.settings.issuer), clock).await?;
        let metadata = Arc::new(Metadata::parse(&bytes, &self.settings.issuer)?);
        self.with(|had| had.metadata = Some((metadata.clone(), now)));
        Ok(metadata)
    }

    async fn asked(&self, address: &str, clock: &Clock) -> Result<Vec<u8>, NoAnswer> {
        let now = clock();
        if let Some((why, at)) = self.with(|had| had.failed.clone())
            && now.since(at) < AWAY
        {
            return Err(why);
        }
        let answer = self.contact.get(address).await;
        // What waited as long as it may is away from when it was given up, not from when it was asked.
        let failed = answer.as_ref().err().map(|why| (why.clone(), clock()));
        self.with(|had| had.failed = failed);
        answer
    }

    fn with<T>(&self, f: impl FnOnce(&mut Had) -> T) -> T {
        f(&mut self.had.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
