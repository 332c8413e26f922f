//! Where a browser's request comes from: what keeps another site's page from using its reader's session.
//!
//! A cookie (and, in the demo, the mere reach of loopback) comes along with requests that a foreign page makes. Browsers say in `Origin` who makes a
//! request that changes something, so that must be this very server. A token in `Authorization` never comes along by itself, and needs no such check.

use axum::http::{HeaderMap, Method, header};

/// Whether a method only looks.
pub(super) fn only_looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What the headers say of where the request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// No browser says anything: a program, or a very old browser.
    Unsaid,
    Same,
    Foreign,
}

/// Compares the origin with the host that was asked.
pub(super) fn of(headers: &HeaderMap) -> Origin {
    let text = |name| headers.get(name).map(|v: &axum::http::HeaderValue| v.to_str().unwrap_or("?"));
    let Some(origin) = text(header::ORIGIN) else { return Origin::Unsaid };
    let host = text(header::HOST).unwrap_or("");
    let said = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if !host.is_empty() && said.is_some_and(|said| said.eq_ignore_ascii_case(host)) { Origin::Same } else { Origin::Foreign }
}

/// Whether the host that was asked is a name of this machine: a foreign page can make its own name point here, and then reads what it likes.
pub(super) fn is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|h| h.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().expect("a name"), v.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_this_server_is_the_same_origin() {
        let host = ("host", "vitals.example:8080");
        for (origin, expected) in [
            ("http://vitals.example:8080", Origin::Same),
            ("https://VITALS.example:8080", Origin::Same),
            ("http://vitals.example", Origin::Foreign),
            ("http://evil.example", Origin::Foreign),
            ("http://vitals.example:8080.evil.example", Origin::Foreign),
            ("null", Origin::Foreign),
            ("", Origin::Foreign),
        ] {
            assert_eq!(of(&headers(&[host, ("origin", origin)])), expected, "{origin}");
        }
        assert_eq!(of(&headers(&[host])), Origin::Unsaid);
        assert_eq!(of(&headers(&[("origin", "http://")])), Origin::Foreign);
    }

    #[test]
    fn names_of_this_machine() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("127.9.9.9", true),
            ("[::1]:8080", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
            ("[::2]", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(&headers(&[("host", host)])), expected, "{host}");
        }
    }
}
