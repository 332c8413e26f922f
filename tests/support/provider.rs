//! An OpenID Connect provider as a process of its own, on loopback: node-oidc-provider, stopped by its id.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::need::{need, program};
use super::server::root;

pub const CLIENT: &str = "vitalog";
pub const SECRET: &str = "a secret of the tests alone";

/// A running provider.
pub struct Provider {
    process: Child,
    pub issuer: String,
}

/// The folder that `tests/run` installs it into.
fn installed() -> Option<PathBuf> {
    let home = std::env::var_os("VITALOG_OIDC_PROVIDER").map(PathBuf::from).or_else(|| {
        let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = given.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("vitalog").join("oidc-provider-8.8.1"))
    })?;
    home.join("node_modules/oidc-provider/lib/index.js").is_file().then_some(home)
}

impl Provider {
    /// One that knows a server at this address; `None` where the machine has none and skipping is allowed.
    pub fn start(url: &str) -> Option<Provider> {
        let node = need("node", program("node"))?;
        let home = need("oidc-provider", installed())?;
        let mut command = Command::new(node);
        command.arg(root().join("tests/support/provider/provider.mjs")).arg(home);
        command.args([format!("url={url}"), format!("client={CLIENT}"), format!("secret={SECRET}")]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("node starts");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let issuer = lines.find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
        // Read to its end, so that it never waits to be read.
        std::thread::spawn(move || lines.for_each(drop));
        match issuer {
            Some(issuer) => Some(Provider { process, issuer }),
            None => panic!("the provider did not start: {:?}", process.wait()),
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
