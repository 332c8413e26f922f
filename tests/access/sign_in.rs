//! Signing in by a provider of somebody else's making, in a real browser; and what is said to `serve` and `user` that can't be.

use std::path::Path;

use super::{LOW, ask, serve, told};
use crate::support::browser::Browser;
use crate::support::provider::{CLIENT, Provider, SECRET};
use crate::support::server::{Server, run, vitalog};

/// An address that nobody listens on, so that the provider can be told of it first.
fn address() -> String {
    let [port] = vitalog_broker::free_ports();
    format!("127.0.0.1:{port}")
}

/// A server where one can sign in by the provider.
fn start(data: &Path, address: &str, url: &str, issuer: &str, secret: &str) -> Server {
    let file = data.join("secret");
    std::fs::write(&file, format!("{secret}\n")).expect("written");
    told_mode(&file, 0o600);
    let file = file.display().to_string();
    let flags = [
        "--oidc-issuer",
        issuer,
        "--oidc-client",
        CLIENT,
        "--oidc-secret-file",
        &file,
        "--oidc-url",
        url,
        "--oidc-name",
        "St Vitus",
    ];
    let mut command = vitalog();
    command.args(["serve", "--listen", address, "--data"]).arg(data).args(flags);
    Server::spawn(command)
}

fn told_mode(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// At the provider's own pages: says a name, and consents.
fn at_the_provider(browser: &Browser, name: &str) {
    browser.wait("the provider's form", 30, "return !!document.querySelector('input[name=login]')");
    browser.script(&format!(
        "document.querySelector('input[name=login]').value = '{name}'; document.querySelector('input[name=password]').value = 'x'; document.querySelector('button[type=submit]').click();"
    ));
    browser.wait("the provider's question", 30, "return document.querySelector('input[name=prompt]')?.value === 'consent'");
    browser.script("document.querySelector('button[type=submit]').click()");
}

fn shot(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("VITALOG_SHOTS") {
        browser.screenshot(&Path::new(&folder).join(name));
    }
}

const BUTTON: &str =
    "return document.querySelector('#by-provider').hidden ? null : document.querySelector('#provider').textContent";

#[test]
fn a_caretaker_signs_in_by_a_real_provider_and_logs_out_there_too() {
    for (width, height) in [(1280, 900), (390, 844)] {
        let address = address();
        let url = format!("http://{address}");
        let Some(provider) = Provider::start(&url) else { return };
        let Some(browser) = Browser::open(width, height) else { return };
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let root = told(data, "token", &["add", "root"]);
        told(data, "user", &["add", "lee", "--roles", "caretaker", "--no-password"]);
        told(data, "user", &["assign", "lee", "p-1"]);
        let server = start(data, &address, &url, &provider.issuer, SECRET);
        ask(&server, &root, "POST", "/v1/readings", LOW).ok();
        browser.go(&format!("{url}/subjects/p-1"));
        assert_eq!(browser.wait("the button", 30, BUTTON), "Sign in with St Vitus");
        shot(&browser, &format!("sign-in-{width}.png"));
        assert_eq!(browser.script("return document.documentElement.scrollWidth > innerWidth"), false, "too wide at {width}");
        // Nobody has an account for being known there.
        browser.script("document.querySelector('#provider').click()");
        at_the_provider(&browser, "s-248289");
        browser.wait(
            "the login page, with why",
            30,
            "return location.pathname === '/login' && document.querySelector('#not-in').textContent.includes('not linked')",
        );
        shot(&browser, &format!("sign-in-refused-{width}.png"));
        told(data, "user", &["link", "lee", "--issuer", &provider.issuer, "--subject", "s-248289"]);
        // The provider knows them still, and asks nothing.
        browser.wait("the button", 30, BUTTON);
        browser.go(&format!("{url}/subjects/p-1"));
        browser.wait("the button", 30, BUTTON);
        browser.script("document.querySelector('#provider').click()");
        browser.wait("where they wanted to go", 30, "return location.pathname === '/subjects/p-1'");
        browser.wait("who is logged in", 30, "return document.querySelector('.account button')?.textContent === 'Log out'");
        assert_eq!(browser.script("return document.querySelector('.account .who').textContent"), "lee");
        assert_eq!(browser.script("return document.cookie"), "", "no script can read the session");
        let complaints = browser.complaints();
        assert!(complaints.iter().all(|c| !c.contains("Content Security Policy")), "{complaints:?}");
        // Out here, and there.
        browser.script("document.querySelector('.account button').click()");
        browser.wait(
            "the provider's question",
            30,
            "return location.pathname.startsWith('/session/end') && !!document.querySelector('button[name=logout]')",
        );
        browser.script("document.querySelector('button[name=logout]').click()");
        browser.wait("the login page again", 30, "return location.pathname === '/login' && !location.search");
        browser.go(&format!("{url}/"));
        browser.wait("the button", 30, BUTTON);
        browser.script("document.querySelector('#provider').click()");
        browser.wait("the provider asks anew", 30, "return !!document.querySelector('input[name=login]')");
        assert_eq!(server.stop(), Some(0));
    }
}

#[test]
fn a_provider_that_knows_another_secret_or_address_lets_nobody_in() {
    let address = address();
    let url = format!("http://{address}");
    let Some(provider) = Provider::start(&url) else { return };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "user", &["add", "lee", "--roles", "caretaker"]);
    told(data, "user", &["link", "lee", "--issuer", &provider.issuer, "--subject", "s-1"]);
    // Sent back to where the provider does not know this server: it does not send anybody.
    let server = start(data, &address, "https://elsewhere.example", &provider.issuer, SECRET);
    let answer = server.get("/v1/session/provider");
    assert!(answer.status == 400 && answer.body.contains("redirect_uri"), "{}", answer.body);
    assert_eq!(server.stop(), Some(0));
    let Some(browser) = Browser::open(1280, 900) else { return };
    let server = start(data, &address, &url, &provider.issuer, "another secret");
    browser.go(&format!("{url}/v1/session/provider"));
    at_the_provider(&browser, "s-1");
    browser.wait("why", 30, "return document.querySelector('#not-in')?.textContent.includes('let nobody in')");
    assert_eq!(server.stop(), Some(0));
    // And one that is another than was said.
    let other = provider.issuer.replace("127.0.0.1", "localhost");
    let server = start(data, &address, &url, &other, SECRET);
    let problem = server.get("/v1/session/provider");
    assert_eq!(problem.status, 502, "{}", problem.body);
    let problem = problem.json();
    assert_eq!((&problem["field"], &problem["value"]), (&"discovery.issuer".into(), &provider.issuer.clone().into()));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_can_not_be_is_refused_by_its_flag() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "user", &["add", "lee", "--roles", "caretaker"]);
    told(data, "user", &["add", "kim", "--roles", "caretaker"]);
    let (secret, open) = (data.join("empty"), data.join("open"));
    for file in [&secret, &open] {
        std::fs::write(file, "\n").expect("written");
    }
    told_mode(&secret, 0o600);
    told_mode(&open, 0o644);
    let (secret, open) = (secret.display().to_string(), open.display().to_string());
    let base = ["--oidc-client", "c", "--oidc-url", "https://v.example", "--oidc-issuer"];
    for (more, expected) in [
        (vec!["--oidc-issuer", "https://login.example"], "--oidc-client"),
        ([&base[..], &["http://login.example"]].concat(), "--oidc-issuer"),
        ([&base[..], &["https://login.example", "--oidc-secret-file", &secret]].concat(), "--oidc-secret"),
        ([&base[..], &["https://login.example", "--oidc-secret-file", &open]].concat(), "chmod 600"),
        ([&base[..], &["https://login.example", "--oidc-secret-file", "nowhere"]].concat(), "--oidc-secret-file"),
        ([&base[..], &["https://login.example", "--oidc-ca", &open]].concat(), "--oidc-ca"),
        ([&base[..], &["https://login.example", "--open"]].concat(), "--open"),
    ] {
        let (status, _, err) = run(vitalog().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(&more));
        assert!(status == Some(2) && err.contains(expected), "{more:?}: {err}");
    }
    let user = |args: &[&str]| run(vitalog().args(["user", "--data"]).arg(data).args(args));
    let link = |id: &str, issuer: &str, subject: &str| user(&["link", id, "--issuer", issuer, "--subject", subject]);
    for (id, issuer, subject, expected) in [
        ("nobody-here", "https://login.example", "1", "there is no account"),
        ("lee", "http://login.example", "1", "in the clear"),
        ("lee", "https://login.example", "", "nobody can be called so"),
    ] {
        let (status, _, err) = link(id, issuer, subject);
        assert!(status != Some(0) && err.contains(expected), "{err}");
    }
    assert_eq!(link("lee", "https://login.example", "1").0, Some(0));
    let (status, _, err) = link("kim", "https://login.example", "1");
    assert!(status != Some(0) && err.contains("already"), "{err}");
    let (_, out, _) = user(&["list", "--format", "json"]);
    assert!(out.contains(r#""links":[{"issuer":"https://login.example","subject":"1"}]"#), "{out}");
    assert_ne!(user(&["unlink", "kim", "--issuer", "https://login.example", "--subject", "1"]).0, Some(0));
    assert_eq!(user(&["unlink", "lee", "--issuer", "https://login.example", "--subject", "1"]).0, Some(0));
}

/// A server starts without its provider, and lets in by passwords meanwhile.
#[test]
fn without_its_provider_a_server_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    told(data, "token", &["add", "root"]);
    let nobody = format!("http://{}", address());
    let server = serve(data, &["--oidc-issuer", &nobody, "--oidc-client", "c", "--oidc-url", "https://v.example"]);
    assert_eq!(server.get("/v1/session").json(), serde_json::json!({"provider": "127.0.0.1"}));
    let answer = server.get("/v1/session/provider");
    assert_eq!((answer.status, &answer.json()["code"]), (503, &"provider_away".into()));
    assert_eq!(server.get("/livez").status, 200);
    assert_eq!(server.stop(), Some(0));
}
