//! Whatever a provider of sign-ins may say: tokens, claims, keys, its description. Somebody is let in by a token that it signed and nothing else, whatever stands around
//! it; and what is refused is told in a line that has nothing of the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::collection::vec;
use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use vitalog_ingest::access::oidc::{Expected, Identity, Keys, Metadata, Refused, Signed};

use super::super::fixture::now;
use super::USUAL;
use super::changes::{changed, changes};
use super::effort::tried;

const ISSUER: &str = "https://login.example/op";
const CLIENT: &str = "vitalog";
const NONCE: &str = "n-0S6_WzA2Mj";
const ACCESS: &str = "SlAV32hkKG";
const SUBJECT: &str = "248289761001";

struct Provider {
    p256: EcdsaKeyPair,
    edwards: Ed25519KeyPair,
    random: SystemRandom,
}

impl Provider {
    fn new() -> Provider {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("drawn");
        let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key");
        let edwards = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        Provider { p256, edwards, random }
    }

    /// The first coordinate of the one, and the other: what a set of keys must have for a token of theirs to be taken.
    fn public(&self) -> [String; 2] {
        [&self.p256.public_key().as_ref()[1..33], self.edwards.public_key().as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part))
    }

    fn set(&self) -> Vec<u8> {
        let [x, edwards] = self.public();
        let y = URL_SAFE_NO_PAD.encode(&self.p256.public_key().as_ref()[33..]);
        let n = URL_SAFE_NO_PAD.encode([0xc5; 256]);
        let keys = json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "k0", "use": "sig", "x": x, "y": y},
            {"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "key_ops": ["verify"], "x": edwards},
            {"kty": "RSA", "kid": "k2", "n": n, "e": "AQAB"},
            {"kty": "oct", "kid": "k0", "k": "AAAA"},
        ]});
        keys.to_string().into_bytes()
    }

    /// Signed by the first key, whatever the claims are.
    fn signed(&self, claims: &[u8]) -> String {
        let what = format!("{}.{}", encoded(&json!({"alg": "ES256", "typ": "JWT", "kid": "k0"})), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.p256.sign(&self.random, what.as_bytes()).expect("signed");
        format!("{what}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// A sound one of each key, and one that looks as if a third had signed it.
    fn tokens(&self) -> [String; 3] {
        let one = self.signed(claims().to_string().as_bytes());
        let mut plain = claims();
        plain["at_hash"] = Value::Null;
        let what = format!("{}.{}", encoded(&json!({"alg": "EdDSA", "kid": "k1"})), encoded(&plain));
        let other = format!("{what}.{}", URL_SAFE_NO_PAD.encode(self.edwards.sign(what.as_bytes()).as_ref()));
        let what = format!("{}.{}", encoded(&json!({"alg": "RS256", "kid": "k2"})), encoded(&plain));
        [one, other, format!("{what}.{}", URL_SAFE_NO_PAD.encode([9; 256]))]
    }
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn claims() -> Value {
    let seconds = now().0 / 1_000_000;
    let half = URL_SAFE_NO_PAD.encode(&digest(&SHA256, ACCESS.as_bytes()).as_ref()[..16]);
    json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": CLIENT, "azp": CLIENT, "exp": seconds + 300, "iat": seconds, "nbf": seconds, "nonce": NONCE,
        "at_hash": half, "email": "anna@login.example",
    })
}

/// Whom a token is about; where it is refused, in words that may stand in a log.
fn read(token: &str, keys: &Keys) -> Result<Identity, Refused> {
    let expected = Expected { issuer: ISSUER, client: CLIENT, nonce: NONCE, access_token: Some(ACCESS), now: now() };
    let read = Signed::parse(token).and_then(|signed| {
        signed.is_by_one_of(keys);
        expected.of(signed, keys)
    });
    if let Err(refused) = &read {
        tellable(refused);
        let signature = token.rsplit('.').next().filter(|part| part.len() > 20);
        assert!(signature.is_none_or(|part| !refused.to_string().contains(part)), "{refused}");
    }
    read
}

fn tellable(refused: &Refused) {
    assert!(refused.value.chars().count() <= 121 && !refused.to_string().contains(char::is_control), "{refused:?}");
}

#[test]
fn a_changed_token_is_refused_or_the_same() {
    let provider = Provider::new();
    let (tokens, keys) = (provider.tokens(), Keys::parse(&provider.set()).expect("keys"));
    tried("ID tokens, changed", USUAL, (0..tokens.len(), changes()), |(which, changes)| {
        let bytes = changed(tokens[which].as_bytes(), &changes);
        let Ok(text) = std::str::from_utf8(&bytes) else { return };
        if let Ok(identity) = read(text, &keys) {
            assert!(text == tokens[which] && identity.subject == SUBJECT, "{text} is taken");
        }
    });
}

#[test]
fn any_parts_are_no_token() {
    let provider = Provider::new();
    let (tokens, keys) = (provider.tokens(), Keys::parse(&provider.set()).expect("keys"));
    let header = tokens[0].split('.').next().expect("a part");
    let inputs = ("[.A-Za-z0-9_=-]{0,200}", vec(any::<u8>(), 0..120), vec(any::<u8>(), 0..120), vec(any::<u8>(), 0..140));
    tried("ID tokens, any parts", USUAL, inputs, |(text, first, claims, signature)| {
        let [first, claims, signature] = [first, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
        for token in [text, format!("{first}.{claims}.{signature}"), format!("{header}.{claims}.{signature}")] {
            assert!(read(&token, &keys).is_err(), "{token} is taken");
        }
    });
}

/// Whoever has the key may sign anything.
#[test]
fn any_claims_under_a_sound_signature_are_held_against_what_must_be() {
    let provider = Provider::new();
    let (sound, keys) = (claims().to_string(), Keys::parse(&provider.set()).expect("keys"));
    tried("claims", USUAL, changes(), |changes| {
        let claims = changed(sound.as_bytes(), &changes);
        let Ok(identity) = read(&provider.signed(&claims), &keys) else { return };
        // Numbers that no float can be are passed over where nobody looks at them.
        let Ok(said) = serde_json::from_slice::<Value>(&claims) else { return };
        let seconds = (now().0 / 1_000_000) as f64;
        assert!(said["iss"] == ISSUER && identity.issuer == ISSUER && said["sub"] == identity.subject.as_str(), "{said}");
        assert!(said["nonce"] == NONCE && (said["aud"] == CLIENT || said["aud"] == json!([CLIENT])), "{said}");
        assert!(said["azp"].is_null() || said["azp"] == CLIENT, "{said}");
        assert!(said["exp"].as_f64().is_some_and(|at| at > seconds - 61.0), "{said}");
        assert!(said["iat"].as_f64().is_some_and(|at| (seconds - 661.0..seconds + 61.0).contains(&at)), "{said}");
        assert!(!identity.subject.is_empty() && !identity.subject.contains(char::is_control), "{said}");
    });
}

#[test]
fn changed_keys_are_refused_or_take_what_theirs_signed() {
    let provider = Provider::new();
    let (tokens, set, public) = (provider.tokens(), provider.set(), provider.public());
    tried("keys", USUAL, changes(), |changes| {
        let bytes = changed(&set, &changes);
        let keys = match Keys::parse(&bytes) {
            Ok(keys) => keys,
            Err(refused) => return tellable(&refused),
        };
        let text = String::from_utf8_lossy(&bytes);
        for (token, public) in tokens.iter().zip(&public) {
            assert!(read(token, &keys).is_err() || text.contains(public), "{text}");
        }
        assert!(read(&tokens[2], &keys).is_err(), "{text}");
    });
}

fn description() -> Vec<u8> {
    let of = |door: &str| format!("{ISSUER}/{door}");
    let said = json!({
        "issuer": ISSUER, "authorization_endpoint": of("auth"), "token_endpoint": of("token"), "jwks_uri": of("keys"),
        "end_session_endpoint": of("out"), "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
    });
    said.to_string().into_bytes()
}

#[test]
fn a_changed_description_sends_nobody_into_the_clear() {
    let sound = description();
    tried("discovery documents", USUAL, changes(), |changes| {
        let bytes = changed(&sound, &changes);
        match Metadata::parse(&bytes, ISSUER) {
            Ok(said) => {
                for url in [&said.authorization, &said.token, &said.keys].into_iter().chain(&said.out) {
                    assert!(url.scheme() == "https" && url.has_host() && url.username().is_empty(), "{url}");
                }
            }
            Err(refused) => tellable(&refused),
        }
    });
}

#[test]
fn any_bytes_are_no_keys_and_no_description() {
    tried("keys and discovery documents, any bytes", USUAL, vec(any::<u8>(), 0..200), |bytes| {
        assert!(Keys::parse(&bytes).is_err() && Metadata::parse(&bytes, ISSUER).is_err(), "{bytes:?}");
    });
}

#[test]
fn what_is_sound_is_taken() {
    let provider = Provider::new();
    let keys = Keys::parse(&provider.set()).expect("keys");
    let taken = provider.tokens().map(|token| read(&token, &keys).is_ok_and(|identity| identity.subject == SUBJECT));
    assert_eq!(taken, [true, true, false]);
    assert!(Metadata::parse(&description(), ISSUER).is_ok());
}
