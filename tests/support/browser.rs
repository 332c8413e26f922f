//! A real browser: headless Chromium, driven over the WebDriver protocol of its own driver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::send;
use super::need::{need, program};

/// One browser window.
pub struct Browser {
    driver: Child,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a window of that size; `None` where the machine has no browser and skipping is allowed.
    pub fn open(width: u32, height: u32) -> Option<Browser> {
        let chromium = need("chromium", program("chromium"))?;
        let driver = need("chromedriver", program("chromedriver"))?;
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut driver =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the driver starts");
        let stdout = driver.stdout.take().expect("it is piped");
        let port = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .filter(|line| line.contains("successfully"))
            .find_map(|line| line.split("on port ").nth(1)?.trim_end_matches('.').parse::<u16>().ok())
            .expect("the driver tells its port");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &format!("--window-size={width},{height}"),
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let wish = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let base = format!("http://127.0.0.1:{port}/session");
        let opened = send("POST", &base, &[("content-type", "application/json")], wish.to_string().into())
            .expect("the driver answers")
            .ok()
            .json();
        let session = format!("{base}/{}", opened["value"]["sessionId"].as_str().expect("a session"));
        let browser = Browser { driver, session, _profile: profile };
        if width < 500 {
            // A window can't be made that narrow; the page's view can.
            browser.cdp(
                "Emulation.setDeviceMetricsOverride",
                json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": true}),
            );
        }
        Some(browser)
    }

    pub fn go(&self, url: &str) {
        self.command("POST", "/url", json!({ "url": url }));
    }

    /// The value of a script's `return`.
    pub fn script(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", json!({"script": script, "args": []}))
    }

    /// Waits until a script returns something true, and gives it.
    pub fn wait(&self, what: &str, seconds: u64, script: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            let value = self.script(script);
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return value;
            }
            if Instant::now() > until {
                self.screenshot(std::env::temp_dir().join("vitalog-browser-failure.png").as_path());
                panic!(
                    "waited {seconds} s for {what}; page says: {}",
                    self.script("return document.body.innerText.slice(0, 3000)")
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    // Keys without a letter, as WebDriver numbers them.
    pub const TAB: &str = "\u{e004}";
    pub const ENTER: &str = "\u{e007}";
    pub const CONTROL: &str = "\u{e009}";
    pub const END: &str = "\u{e010}";
    pub const LEFT: &str = "\u{e012}";

    /// Types keys into whatever has the focus. `CONTROL` holds what follows until it comes again.
    pub fn keys(&self, keys: &str) {
        let mut held = false;
        let mut actions = Vec::new();
        for key in keys.chars() {
            if Browser::CONTROL.starts_with(key) {
                actions.push(json!({"type": if held { "keyUp" } else { "keyDown" }, "value": key}));
                held = !held;
            } else {
                actions.extend([json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]);
            }
        }
        self.command("POST", "/actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    pub fn screenshot(&self, path: &std::path::Path) {
        use base64::Engine as _;
        let shot = self.command("GET", "/screenshot", Value::Null);
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot.as_str().unwrap_or_default()).unwrap_or_default();
        std::fs::write(path, bytes).expect("the screenshot is written");
    }

    /// Errors and warnings the page caused.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.command("POST", "/se/log", json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().filter(|e| e["level"] == "SEVERE").map(|e| e["message"].to_string()).collect()
    }

    fn cdp(&self, command: &str, parameters: Value) {
        self.command("POST", "/goog/cdp/execute", json!({"cmd": command, "params": parameters}));
    }

    fn command(&self, method: &str, path: &str, body: Value) -> Value {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = send(method, &format!("{}{path}", self.session), &[("content-type", "application/json")], body);
        answer.expect("the driver answers").ok().json()["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = send("DELETE", &self.session, &[], Vec::new());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
