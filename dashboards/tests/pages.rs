//! The pages: complete, closed to everything from elsewhere, and unable to turn data into markup.

use std::path::Path;

use reqwest::header::HeaderMap;

use crate::api::{Stage, stage};

async fn get(stage: &Stage, path: &str, etag: Option<&str>) -> (u16, HeaderMap, String) {
    let mut request = reqwest::Client::new().get(format!("{}{path}", stage.server.url));
    if let Some(etag) = etag {
        request = request.header("if-none-match", etag);
    }
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.headers().clone(), response.text().await.expect("a body"))
}

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
            (name, std::fs::read_to_string(&path).expect("text"))
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn everything_that_a_page_asks_for_is_there() {
    let stage = stage().await;
    let mut asked_for = std::collections::BTreeSet::new();
    for page in ["/", "/subjects/p-1", "/recommendations/00", "/login"] {
        let (status, headers, body) = get(&stage, page, None).await;
        assert_eq!(status, 200, "{page}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert!(body.contains("Not a medical device."), "{page}");
        assert!(body.contains("Data: &lt;T1D-UOM&gt; &amp; &quot;others&quot;"), "{page} has the notice, escaped");
        asked_for.extend(body.split('"').filter(|p| p.starts_with("/assets/")).map(str::to_owned));
    }
    for (name, text) in sources().iter().filter(|(name, _)| name.ends_with(".js")) {
        for import in text.lines().filter_map(|l| l.split_once(" from './")).filter_map(|(_, rest)| rest.split('\'').next()) {
            assert!(text.contains(import), "{name}");
            asked_for.insert(format!("/assets/{import}"));
        }
    }
    assert!(asked_for.len() > 20, "{asked_for:?}");
    for path in &asked_for {
        let (status, headers, _) = get(&stage, path, None).await;
        assert_eq!(status, 200, "{path}");
        let kind = headers["content-type"].to_str().expect("a kind");
        let expected = if path.ends_with(".js") {
            "text/javascript"
        } else if path.ends_with(".css") {
            "text/css"
        } else {
            "image/svg+xml"
        };
        assert!(kind.starts_with(expected), "{path}: {kind}");
    }
    let served: Vec<String> = sources().into_iter().map(|(n, _)| n).filter(|n| !n.ends_with(".html")).collect();
    for name in served {
        assert!(asked_for.contains(&format!("/assets/{name}")), "{name} is used by nobody");
    }
    assert_eq!(get(&stage, "/assets/../src/lib.rs", None).await.0, 404);
    assert_eq!(get(&stage, "/assets/none.js", None).await.0, 404);
}

#[tokio::test]
async fn files_are_closed_and_cached_by_their_content() {
    let stage = stage().await;
    for path in ["/", "/subjects/p-1", "/login", "/assets/chart.js", "/assets/base.css", "/assets/icon.svg"] {
        let (_, headers, _) = get(&stage, path, None).await;
        let policy = headers["content-security-policy"].to_str().expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        for never in ["unsafe-inline", "unsafe-eval", "http:", "https:", "*", "data:"] {
            assert!(!policy.contains(never), "{policy}");
        }
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cache-control"], "no-cache");
        let etag = headers["etag"].to_str().expect("an etag").to_owned();
        let (status, again, body) = get(&stage, path, Some(&etag)).await;
        assert_eq!((status, body.as_str()), (304, ""), "{path}");
        assert_eq!(again["etag"], etag.as_str());
        assert_eq!(get(&stage, path, Some("\"other\"")).await.0, 200);
    }
}

#[test]
fn no_page_has_a_script_or_style_of_its_own_nor_asks_anybody_else() {
    for (name, text) in sources() {
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        for never in ["http://", "https://", "//cdn", "@import", "url(//"] {
            assert!(!outside.contains(never), "{name} refers to somebody else: {never}");
        }
        if name.ends_with(".html") {
            for never in ["<style", "style=", "javascript:", " onclick=", " onload=", "<iframe", "<base"] {
                assert!(!text.contains(never), "{name}: {never}");
            }
            assert!(text.split("<script").skip(1).all(|s| s.starts_with(" type=\"module\" src=\"/assets/")), "{name}");
            assert!(text.contains("<html lang=\"en\">") && text.contains("name=\"viewport\""), "{name}");
        }
    }
}

#[test]
fn data_becomes_text_and_nothing_else() {
    let never = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "DOMParser",
        "createContextualFragment",
        "srcdoc",
        "setTimeout('",
        "setTimeout(\"",
        "javascript:",
        "localStorage.setItem('token",
        "console.",
    ];
    for (name, text) in sources().iter().filter(|(name, _)| name.ends_with(".js")) {
        for word in never {
            assert!(!text.contains(word), "{name} uses {word}");
        }
    }
}
