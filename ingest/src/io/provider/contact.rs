//! Asking the provider: over TLS or on this machine, for so long, for so much, and nowhere else than where it was meant.

use std::time::Duration;

use axum::http::StatusCode;
use futures::StreamExt;
use reqwest::{Client, RequestBuilder};
use url::Url;

use crate::access::oidc::Refused;

/// How long the other side may take, and how much it may say.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To resolve and connect.
    pub connect: Duration,
    /// In all.
    pub whole: Duration,
    /// In bytes.
    pub answer: usize,
}

impl Default for Patience {
    /// Three seconds, ten seconds, 256 KiB.
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(3), whole: Duration::from_secs(10), answer: 256 << 10 }
    }
}

/// A client that follows nobody elsewhere.
pub(super) struct Contact {
    http: Client,
    patience: Patience,
}

/// Why there is no answer that could be read.
#[derive(Clone, Debug)]
pub(super) enum NoAnswer {
    /// It is away, slow, or says too much: it may be otherwise in a while.
    Away(String),
    /// It says no, or what can't be.
    Refused(Refused),
}

impl From<Refused> for NoAnswer {
    fn from(refused: Refused) -> NoAnswer {
        NoAnswer::Refused(refused)
    }
}

impl Contact {
    /// `ca`: who signed the provider's certificate (PEM), where that is nobody whom all trust.
    pub fn new(patience: Patience, ca: Option<&[u8]>) -> Result<Contact, reqwest::Error> {
        let mut builder = Client::builder()
            .user_agent(concat!("vitalog/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connect)
            .timeout(patience.whole);
        if let Some(ca) = ca {
            for certificate in reqwest::Certificate::from_pem_bundle(ca)? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Contact { http: builder.build()?, patience })
    }

    pub async fn get(&self, address: &str) -> Result<Vec<u8>, NoAnswer> {
        match self.ask(self.http.get(address)).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(NoAnswer::Away(format!("it answered {status} at {address}"))),
        }
    }

    /// Sends a form, with a name and a password in the header where they are given; the answer, whatever its status.
    pub async fn post(
        &self,
        address: &Url,
        form: &[(&str, &str)],
        shown: Option<(String, String)>,
    ) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
        let request = self.http.post(address.clone()).header("accept", "application/json").form(form);
        self.ask(match shown {
            Some((name, secret)) => request.basic_auth(name, Some(secret)),
            None => request,
        })
        .await
    }

    async fn ask(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
        let response = request.send().await.map_err(|e| self.away(&e))?;
        let status = response.status();
        let (mut body, mut chunks) = (Vec::new(), response.bytes_stream());
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|e| self.away(&e))?;
            if body.len() + chunk.len() > self.patience.answer {
                return Err(NoAnswer::Away(format!("its answer has more than {} bytes", self.patience.answer)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }

    /// Without the address, which may have more in it than is anybody's business.
    fn away(&self, error: &reqwest::Error) -> NoAnswer {
        NoAnswer::Away(if error.is_timeout() {
            format!("it did not answer within {} s", self.patience.whole.as_secs_f32())
        } else if error.is_connect() {
            "it can't be reached, or its certificate is not trusted".to_owned()
        } else {
            "its answer broke off".to_owned()
        })
    }
}
