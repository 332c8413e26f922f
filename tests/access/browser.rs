//! Logging in and out in a real browser, and a page that logs out when nobody sits at it.

use super::{LOW, ask, serve, told};
use crate::support::browser::Browser;

const FILL: &str = "document.querySelector('#account').value = 'ACCOUNT'; document.querySelector('#password').value = 'SECRET'; document.querySelector('#form button[type=submit]').click();";

/// Half an hour later by the page's clock, without a hand: the page leaves. Touched meanwhile, it stays.
fn left_alone(browser: &Browser, url: &str, password: &str) {
    let later = "const now = Date.now; Date.now = () => now() + MINUTES * 60000; HAND document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));";
    browser.script(&later.replace("MINUTES", "29").replace("HAND", ""));
    browser.script(&later.replace("MINUTES", "29").replace("HAND", "dispatchEvent(new Event('keydown'));"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(browser.script("return location.pathname"), "/", "there is a hand");
    browser.script(&later.replace("MINUTES", "31").replace("HAND", ""));
    browser.wait("the login page", 20, "return location.pathname === '/login'");
    browser.go(&format!("{url}/"));
    browser.wait("no session", 20, "return location.pathname === '/login' && document.activeElement.id === 'account'");
    browser.script(&FILL.replace("ACCOUNT", "lee").replace("SECRET", password));
    browser.wait("the overview", 30, "return document.querySelector('.account button')?.textContent === 'Log out'");
}

#[test]
fn a_caretaker_logs_in_sees_whom_they_have_and_leaves() {
    for (width, height) in [(1280, 900), (390, 844)] {
        let Some(browser) = Browser::open(width, height) else { return };
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let root = told(data, "token", &["add", "root"]);
        let password = told(data, "user", &["add", "lee", "--roles", "caretaker"]);
        told(data, "user", &["assign", "lee", "p-1"]);
        let server = serve(data, &[]);
        ask(&server, &root, "POST", "/v1/readings", LOW).ok();
        ask(&server, &root, "POST", "/v1/readings", &LOW.replace("p-1", "p-2")).ok();
        browser.go(&format!("{}/", server.url));
        browser.wait("the login page", 30, "return location.pathname === '/login' && document.activeElement.id === 'account'");
        browser.script(&FILL.replace("ACCOUNT", "lee").replace("SECRET", "not the password at all"));
        browser.wait("a refusal", 20, "return document.querySelector('#bad').textContent.includes('No account')");
        if let Some(folder) = std::env::var_os("VITALOG_SHOTS") {
            browser.screenshot(&std::path::Path::new(&folder).join(format!("login-{width}.png")));
        }
        browser.script(&FILL.replace("ACCOUNT", "lee").replace("SECRET", &password));
        browser.wait("the overview", 30, "return location.pathname === '/' && document.body.innerText.includes('p-1')");
        browser.wait("who is logged in", 20, "return document.querySelector('.account button')?.textContent === 'Log out'");
        assert_eq!(browser.script("return document.body.innerText.includes('p-2')"), false, "somebody else's patient");
        let overflow = browser.script("return document.documentElement.scrollWidth > innerWidth");
        assert_eq!(overflow, false, "the page is wider than the window at {width}");
        if let Some(folder) = std::env::var_os("VITALOG_SHOTS") {
            browser.screenshot(&std::path::Path::new(&folder).join(format!("overview-{width}.png")));
        }
        if width > 500 {
            left_alone(&browser, &server.url, &password);
        }
        browser.script("document.querySelector('.account button').click()");
        browser.wait("the login page again", 20, "return location.pathname === '/login'");
        browser.go(&format!("{}/subjects/p-1", server.url));
        browser.wait("no way back", 20, "return location.pathname === '/login'");
        // A token does, too.
        browser.wait("the form", 20, "return document.activeElement.id === 'account'");
        browser.script(&format!(
            "document.querySelector('#other').click(); document.querySelector('#token').value = '{root}'; document.querySelector('#form button[type=submit]').click();"
        ));
        browser.wait("the subject's page", 30, "return location.pathname === '/subjects/p-1'");
    }
}
