//! A provider's public keys (RFC 7517), as far as they sign what we take.
//!
//! A key of a kind that is not known here is passed over, not an error: a provider may have keys for others. Secret keys (`oct`) are of no use, and never taken.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::decoded;
use super::jws::Algorithm;
use super::refusal::Refused;

/// Keys of a set that are looked at.
const MOST: usize = 100;

/// The keys of a provider.
#[derive(Default)]
pub struct Keys(Vec<Key>);

pub(super) struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, where that is said.
    only: Option<String>,
    material: Material,
}

enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// # Errors
    /// What is no set of keys.
    pub fn parse(bytes: &[u8]) -> Result<Keys, Refused> {
        let set: Set = serde_json::from_slice(bytes).map_err(|e| {
            let why = format!("the provider's keys can't be read (line {}, column {})", e.line(), e.column());
            Refused::of("jwks", "", why, "tell whoever runs the provider")
        })?;
        let known = set.keys.into_iter().take(MOST).filter_map(|key| Key::of(serde_json::from_value(key).ok()?));
        Ok(Keys(known.collect()))
    }

    /// Those that may have signed it: of this name, where one is given; and of this algorithm.
    pub(super) fn fitting<'a>(&'a self, id: Option<&'a str>, algorithm: Algorithm) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| (id.is_none() || key.id.as_deref() == id) && key.is_for(algorithm))
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Key> {
        let signs = jwk.used_for.is_none_or(|used_for| used_for == "sig")
            && jwk.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs {
            return None;
        }
        let bytes = |text: Option<String>| text.and_then(|text| decoded(&text));
        let point = |x: Option<String>, y: Option<String>, len: usize| {
            let (x, y) = (bytes(x)?, bytes(y)?);
            (x.len() == len && y.len() == len).then(|| [&[4], &*x, &*y].concat())
        };
        let material = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: bytes(jwk.n)?, e: bytes(jwk.e)? },
            ("EC", Some("P-256")) => Material::P256(point(jwk.x, jwk.y, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(jwk.x, jwk.y, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(jwk.x)?),
            _ => return None,
        };
        Some(Key { id: jwk.kid, only: jwk.alg, material })
    }

    /// A key is for algorithms of its kind alone, and for one of them where it says so: nobody chooses another for it.
    fn is_for(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{Ed, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let of_kind = match self.material {
            Material::Rsa { .. } => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Material::P256(_) => algorithm == Es256,
            Material::P384(_) => algorithm == Es384,
            Material::Ed25519(_) => algorithm == Ed,
        };
        of_kind && self.only.as_deref().is_none_or(|only| Algorithm::of(only) == Some(algorithm))
    }

    /// Whether it has signed this.
    pub(super) fn has_signed(&self, algorithm: Algorithm, what: &[u8], signature: &[u8]) -> bool {
        let rsa =
            |n: &Vec<u8>, e: &Vec<u8>, how: &RsaParameters| RsaPublicKeyComponents { n, e }.verify(how, what, signature).is_ok();
        let ec = |point: &Vec<u8>, how: &'static EcdsaVerificationAlgorithm| {
            UnparsedPublicKey::new(how, point).verify(what, signature).is_ok()
        };
        match (&self.material, algorithm) {
            (Material::Rsa { n, e }, Algorithm::Rs256) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA256),
            (Material::Rsa { n, e }, Algorithm::Rs384) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA384),
            (Material::Rsa { n, e }, Algorithm::Rs512) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA512),
            (Material::Rsa { n, e }, Algorithm::Ps256) => rsa(n, e, &RSA_PSS_2048_8192_SHA256),
            (Material::Rsa { n, e }, Algorithm::Ps384) => rsa(n, e, &RSA_PSS_2048_8192_SHA384),
            (Material::Rsa { n, e }, Algorithm::Ps512) => rsa(n, e, &RSA_PSS_2048_8192_SHA512),
            (Material::P256(point), Algorithm::Es256) => ec(point, &ECDSA_P256_SHA256_FIXED),
            (Material::P384(point), Algorithm::Es384) => ec(point, &ECDSA_P384_SHA384_FIXED),
            (Material::Ed25519(key), Algorithm::Ed) => UnparsedPublicKey::new(&ED25519, key).verify(what, signature).is_ok(),
            _ => false,
        }
    }
}
