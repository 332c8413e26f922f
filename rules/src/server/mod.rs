//! The language server: a pure machine of messages. What comes in is one message of the protocol, what goes out are the messages it leads to.
//!
//! | file | does |
//! |---|---|
//! | `text` | texts and positions in them |
//! | `files` | the documents, open or on disk, and what changes them |
//! | `group` | what the compiler knows of the files of a folder |
//! | `index`, `uses` | which name stands where, and what it names |
//! | `context` | what is written before the cursor |
//! | `complete`, `hover`, `words` | what could come, what something is |
//! | `navigate`, `rename` | definition, references, another name |
//! | `answer` | diagnostics, actions, outline, colours, formatting |
//!
//! Files of one folder are compiled together, as `vitalog check FOLDER` does. A shipped file is known by a name of its own, `vitalog:/health.rules`, whose text
//! the request `vitalog/shipped` gives.
//!
//! Invariant: no I/O and no clock. Framing, and reading files from disk, is the shell's.

mod answer;
mod complete;
mod context;
mod files;
mod group;
mod hover;
mod index;
mod navigate;
mod rename;
mod text;
mod uses;
mod words;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use files::File;
pub use files::{path_of, sibling};
use group::Group;
use text::Encoding;

/// The scheme of shipped files.
pub const SHIPPED: &str = "vitalog:/";

const PARSE: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const UNKNOWN_METHOD: i64 = -32_601;
const NOT_INITIALIZED: i64 = -32_002;
const REQUEST_FAILED: i64 = -32_803;

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    New,
    Running,
    ShutDown,
    Exited,
}

/// One session with one editor.
#[derive(Debug, Default)]
pub struct Server {
    phase: Phase,
    /// `exit` came after `shutdown`.
    clean: bool,
    encoding: Encoding,
    /// The editor can be asked to tell of files that change on disk.
    watches: bool,
    files: BTreeMap<String, File>,
    /// By folder; made when they are asked for, dropped when a file of theirs changes.
    groups: BTreeMap<String, Group>,
    /// What was last published, by document.
    told: BTreeMap<String, Value>,
}

/// Why a request has no result.
struct Refused {
    code: i64,
    message: String,
}

impl Server {
    pub fn new() -> Server {
        Server::default()
    }

    /// The exit status, once `exit` has come: 0 after `shutdown`, else 1.
    pub fn exited(&self) -> Option<u8> {
        (self.phase == Phase::Exited).then_some(u8::from(!self.clean))
    }

    /// What is answered to bytes that are no message at all.
    pub fn malformed(why: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": PARSE, "message": why}})
    }

    /// A file of the workspace that is not open, as it lies on disk; `None`: it is gone. The shell tells it.
    pub fn on_disk(&mut self, uri: &str, text: Option<&str>) -> Vec<Value> {
        self.set_disk(uri, text);
        self.publish()
    }

    /// Takes one message.
    pub fn handle(&mut self, message: &Value) -> Vec<Value> {
        let id = message.get("id").filter(|id| id.is_number() || id.is_string());
        let Some(method) = message["method"].as_str() else {
            // The answer to a request of ours, or nothing at all.
            let answer = message.get("result").is_some() || message.get("error").is_some();
            return if answer { Vec::new() } else { vec![refusal(id, INVALID_REQUEST, "not a message of the protocol")] };
        };
        let params = &message["params"];
        match id {
            Some(id) => {
                let mut out = Vec::new();
                out.push(match self.request(method, params) {
                    Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
                    Err(refused) => refusal(Some(id), refused.code, &refused.message),
                });
                out
            }
            None => self.notification(method, params),
        }
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, Refused> {
        let refuse = |code, message: &str| Err(Refused { code, message: message.to_owned() });
        match (self.phase, method) {
            (Phase::New, "initialize") => return Ok(self.initialize(params)),
            (Phase::New, _) => return refuse(NOT_INITIALIZED, "`initialize` comes first"),
            (Phase::Running, "initialize") => return refuse(INVALID_REQUEST, "already initialized"),
            (Phase::ShutDown | Phase::Exited, _) => return refuse(INVALID_REQUEST, "shut down"),
            (Phase::Running, _) => {}
        }
        match method {
            "shutdown" => {
                self.phase = Phase::ShutDown;
                Ok(Value::Null)
            }
            "textDocument/hover" => Ok(self.hover(params)),
            "textDocument/completion" => Ok(self.completion(params)),
            "textDocument/definition" => Ok(self.definition(params)),
            "textDocument/references" => Ok(self.references(params)),
            "textDocument/documentHighlight" => Ok(self.highlights(params)),
            "textDocument/prepareRename" => Ok(self.prepare_rename(params)),
            "textDocument/rename" => self.rename(params).map_err(|message| Refused { code: REQUEST_FAILED, message }),
            "textDocument/formatting" => Ok(self.formatting(params)),
            "textDocument/codeAction" => Ok(self.code_actions(params)),
            "textDocument/documentSymbol" => Ok(self.outline(params)),
            "textDocument/semanticTokens/full" => Ok(self.colours(params)),
            "vitalog/shipped" => Ok(shipped(params)),
            _ => refuse(UNKNOWN_METHOD, method),
        }
    }

    fn notification(&mut self, method: &str, params: &Value) -> Vec<Value> {
        match (self.phase, method) {
            (_, "exit") => {
                self.clean = self.phase == Phase::ShutDown;
                self.phase = Phase::Exited;
                Vec::new()
            }
            (Phase::Running, "initialized") if self.watches => vec![watch()],
            (Phase::Running, "textDocument/didOpen") => self.opened(params),
            (Phase::Running, "textDocument/didChange") => self.changed(params),
            (Phase::Running, "textDocument/didClose") => self.closed(params),
            // What is saved is what was sent; anything else is of no concern.
            _ => Vec::new(),
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        self.phase = Phase::Running;
        let offered = params["capabilities"]["general"]["positionEncodings"].as_array();
        let bytes = offered.is_some_and(|all| all.iter().any(|e| e == "utf-8"));
        self.encoding = if bytes { Encoding::Utf8 } else { Encoding::Utf16 };
        let watched = &params["capabilities"]["workspace"]["didChangeWatchedFiles"];
        self.watches = watched["dynamicRegistration"] == true;
        json!({
            "capabilities": {
                "positionEncoding": if bytes { "utf-8" } else { "utf-16" },
                "textDocumentSync": {"openClose": true, "change": 2, "save": false},
                "hoverProvider": true,
                "completionProvider": {"triggerCharacters": [".", " ", "{"]},
                "definitionProvider": true,
                "referencesProvider": true,
                "documentHighlightProvider": true,
                "renameProvider": {"prepareProvider": true},
                "documentFormattingProvider": true,
                "documentSymbolProvider": true,
                "codeActionProvider": {"codeActionKinds": ["quickfix"]},
                "semanticTokensProvider": {
                    "legend": {"tokenTypes": answer::TOKEN_TYPES, "tokenModifiers": ["declaration"]},
                    "full": true,
                },
            },
            "serverInfo": {"name": "vitalog", "version": env!("CARGO_PKG_VERSION")},
        })
    }
}

fn refusal(id: Option<&Value>, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// Asks the editor to tell of rule files that change on disk.
fn watch() -> Value {
    let options = json!({"watchers": [{"globPattern": "**/*.rules"}]});
    let wanted = json!([{"id": "rules", "method": "workspace/didChangeWatchedFiles", "registerOptions": options}]);
    json!({"jsonrpc": "2.0", "id": "rules", "method": "client/registerCapability", "params": {"registrations": wanted}})
}

/// The text of a shipped file.
fn shipped(params: &Value) -> Value {
    let uri = params["uri"].as_str().unwrap_or("");
    let name = uri.strip_prefix(SHIPPED).and_then(|n| n.strip_suffix(".rules")).unwrap_or("");
    crate::packs::get(name).map_or(Value::Null, |pack| json!(pack.text))
}
