//! What an ID token says, held against what it must say (OpenID Connect Core 1.0, 3.1.3.7).
//!
//! The signature comes first: of a token that nobody signed nothing else is looked at.

use serde::Deserialize;
use serde_json::Number;
use vitalog_elog::{Span, Time};

use super::jws::{Algorithm, Signed};
use super::keys::Keys;
use super::refusal::Refused;
use super::{LONGEST_SUBJECT, SKEW, encoded};

/// How long ago a token may have been issued: it is fetched at once.
const OLDEST: Span = Span::minutes(10);

const CLOCKS: &str = "compare the clocks of this server and of the provider, and begin again";
const FORGED: &str = "begin again; if it stays so, somebody may be tampering: tell whoever runs this server";

/// What a token must be.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    pub now: Time,
}

/// Whom a provider has named. Not for logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Number,
    iat: Number,
    nbf: Option<Number>,
    nonce: Option<String>,
    azp: Option<String>,
    at_hash: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Expected<'_> {
    /// Whom the token is about.
    ///
    /// # Errors
    /// Whatever is not as it must be, the first of it.
    pub fn of(&self, signed: Signed<'_>, keys: &Keys) -> Result<Identity, Refused> {
        let verified = signed.verify(keys)?;
        let claims: Claims = serde_json::from_slice(&verified.claims).map_err(|e| {
            let why = format!("the claims can't be read, or lack one of iss, sub, aud, exp, iat (column {})", e.column());
            Refused::of("id_token", "", why, "tell whoever runs the provider")
        })?;
        if claims.iss != self.issuer {
            let why = format!("the token is of another issuer than {:?}", self.issuer);
            return Err(Refused::of("id_token.iss", claims.iss, why, FORGED));
        }
        self.for_us(&claims)?;
        self.in_time(&claims)?;
        if claims.nonce.as_deref() != Some(self.nonce) {
            return Err(Refused::of("id_token.nonce", "", "the token was made for another sign-in", FORGED));
        }
        self.with_its_access_token(&claims, verified.algorithm)?;
        if claims.sub.is_empty() || claims.sub.len() > LONGEST_SUBJECT || claims.sub.chars().any(char::is_control) {
            let why = "nobody can be called so";
            return Err(Refused::of("id_token.sub", "", why, "let the provider name people by 1 to 255 plain characters"));
        }
        Ok(Identity { issuer: claims.iss, subject: claims.sub })
    }

    /// Made for us, and for nobody else: of other audiences none is trusted.
    fn for_us(&self, claims: &Claims) -> Result<(), Refused> {
        let remedy = "let the provider make ID tokens for the client id of this server alone";
        let audience: Vec<&str> = match &claims.aud {
            Audience::One(one) => vec![one],
            Audience::Many(many) => many.iter().map(String::as_str).collect(),
        };
        if !audience.contains(&self.client) {
            return Err(Refused::of(
                "id_token.aud",
                audience.join(" "),
                format!("the token is not for {:?}", self.client),
                remedy,
            ));
        }
        if audience.iter().any(|other| *other != self.client) {
            return Err(Refused::of("id_token.aud", audience.join(" "), "the token is for others, too", remedy));
        }
        match &claims.azp {
            Some(other) if other != self.client => {
                Err(Refused::of("id_token.azp", other, format!("the token was handed to another than {:?}", self.client), remedy))
            }
            _ => Ok(()),
        }
    }

    fn in_time(&self, claims: &Claims) -> Result<(), Refused> {
        let (now, instant) = (self.now, |field, number: &Number| {
            let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
            let micros = seconds.and_then(|seconds| seconds.checked_mul(1_000_000));
            micros.map(Time).ok_or_else(|| Refused::of(field, number, "this is no instant", "tell whoever runs the provider"))
        });
        let wrong = |field, at: Time, why: &str| Err(Refused::of(field, at, format!("{why}: it is {now} here"), CLOCKS));
        // Instants far beyond any calendar are compared, not reckoned with.
        let (ends, issued) = (instant("id_token.exp", &claims.exp)?, instant("id_token.iat", &claims.iat)?);
        if ends <= now - SKEW {
            return wrong("id_token.exp", ends, "the token has expired");
        }
        if issued > now + SKEW {
            return wrong("id_token.iat", issued, "the token was issued in the future");
        }
        if issued < now - OLDEST - SKEW {
            return wrong("id_token.iat", issued, "the token was issued long ago");
        }
        if let Some(begins) = claims.nbf.as_ref().map(|number| instant("id_token.nbf", number)).transpose()?
            && begins > now + SKEW
        {
            return wrong("id_token.nbf", begins, "the token is not good yet");
        }
        Ok(())
    }

    /// `at_hash`, where it is said: half of the digest of the access token that came with it.
    fn with_its_access_token(&self, claims: &Claims, algorithm: Algorithm) -> Result<(), Refused> {
        let Some(said) = &claims.at_hash else { return Ok(()) };
        let fits = self.access_token.is_some_and(|token| {
            let digest = algorithm.digest(token.as_bytes());
            let whole = digest.as_ref();
            encoded(&whole[..whole.len() / 2]) == *said
        });
        if fits { Ok(()) } else { Err(Refused::of("id_token.at_hash", "", "the token came with another access token", FORGED)) }
    }
}
