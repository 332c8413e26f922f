//! The pages and what they are made of: built into the binary, served from memory, asking nothing of anybody else.
//!
//! The policy sent with them allows scripts and styles from here only, none written into a page; whatever comes from data is put into a page as text.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use vitalog_elog::id::digest_of;

use super::board::Notice;

/// One file as it is sent.
struct Page {
    kind: &'static str,
    body: Bytes,
    etag: HeaderValue,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Name under `/assets/`, media type, content.
const ASSETS: &[(&str, &str, &str)] = &[
    ("account.js", SCRIPT, include_str!("../../pages/account.js")),
    ("api.js", SCRIPT, include_str!("../../pages/api.js")),
    ("axis.js", SCRIPT, include_str!("../../pages/axis.js")),
    ("base.css", STYLE, include_str!("../../pages/base.css")),
    ("because.js", SCRIPT, include_str!("../../pages/because.js")),
    ("card.js", SCRIPT, include_str!("../../pages/card.js")),
    ("chart.css", STYLE, include_str!("../../pages/chart.css")),
    ("chart.js", SCRIPT, include_str!("../../pages/chart.js")),
    ("dom.js", SCRIPT, include_str!("../../pages/dom.js")),
    ("draw.js", SCRIPT, include_str!("../../pages/draw.js")),
    ("emergencies.js", SCRIPT, include_str!("../../pages/emergencies.js")),
    ("frame.js", SCRIPT, include_str!("../../pages/frame.js")),
    ("icon.svg", PICTURE, include_str!("../../pages/icon.svg")),
    ("lanes.js", SCRIPT, include_str!("../../pages/lanes.js")),
    ("live.js", SCRIPT, include_str!("../../pages/live.js")),
    ("login.css", STYLE, include_str!("../../pages/login.css")),
    ("login.js", SCRIPT, include_str!("../../pages/login.js")),
    ("native.js", SCRIPT, include_str!("../../pages/native.js")),
    ("overview.css", STYLE, include_str!("../../pages/overview.css")),
    ("overview.js", SCRIPT, include_str!("../../pages/overview.js")),
    ("panel.js", SCRIPT, include_str!("../../pages/panel.js")),
    ("recommendation.css", STYLE, include_str!("../../pages/recommendation.css")),
    ("recommendation.js", SCRIPT, include_str!("../../pages/recommendation.js")),
    ("severity.js", SCRIPT, include_str!("../../pages/severity.js")),
    ("spark.js", SCRIPT, include_str!("../../pages/spark.js")),
    ("store.js", SCRIPT, include_str!("../../pages/store.js")),
    ("strip.js", SCRIPT, include_str!("../../pages/strip.js")),
    ("subject.css", STYLE, include_str!("../../pages/subject.css")),
    ("subject.js", SCRIPT, include_str!("../../pages/subject.js")),
    ("time.js", SCRIPT, include_str!("../../pages/time.js")),
    ("units.js", SCRIPT, include_str!("../../pages/units.js")),
];

/// Address and content of each page; what the address names the page's script reads from it.
const PAGES: &[(&str, &str)] = &[
    ("/", include_str!("../../pages/index.html")),
    ("/subjects/{subject}", include_str!("../../pages/subject.html")),
    ("/recommendations/{id}", include_str!("../../pages/recommendation.html")),
    ("/login", include_str!("../../pages/login.html")),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

pub fn router(notice: &Notice) -> Router {
    let mut router = Router::new();
    let foot = escape(&notice.attribution);
    for (address, html) in PAGES {
        router = router.route(address, serve(Page::new(HTML, html.replace("<!-- attribution -->", &foot))));
    }
    for (name, kind, content) in ASSETS {
        router = router.route(&format!("/assets/{name}"), serve(Page::new(kind, (*content).to_owned())));
    }
    router
}

fn serve(page: Page) -> axum::routing::MethodRouter {
    let page = Arc::new(page);
    get(move |headers: HeaderMap| {
        let page = page.clone();
        async move { page.answer(&headers) }
    })
}

impl Page {
    fn new(kind: &'static str, content: String) -> Page {
        let etag = format!("\"{:032x}\"", digest_of(content.as_bytes()));
        // Hexadecimal digits between quotes are a header's value.
        let etag = HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"0\""));
        Page { kind, body: Bytes::from(content), etag }
    }

    /// The file, or that the caller's copy is still good.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let known = headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|v| v.as_bytes().windows(self.etag.len()).any(|w| w == self.etag.as_bytes()));
        let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { self.body.clone().into_response() };
        let out = response.headers_mut();
        let mut put = |name: HeaderName, value: &'static str| out.insert(name, HeaderValue::from_static(value));
        put(header::CONTENT_TYPE, self.kind);
        put(header::CACHE_CONTROL, "no-cache");
        put(header::CONTENT_SECURITY_POLICY, POLICY);
        put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        put(header::REFERRER_POLICY, "no-referrer");
        put(header::X_FRAME_OPTIONS, "DENY");
        put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
        put(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=(), usb=()");
        out.insert(header::ETAG, self.etag.clone());
        response
    }
}

/// Text for a page.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
