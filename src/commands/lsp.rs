//! `vitalog lsp`: the language server on standard input and output. Messages and files are read here; what they mean is decided in `rules`.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde_json::Value;
use vitalog_rules::server::{Server, path_of, sibling};

use crate::failure::Failure;

/// The largest message, in bytes: a rule file has at most 1 MiB.
const MOST: usize = 64 << 20;
/// The most files of a folder that are read beside an open one.
const MOST_FILES: usize = 1_000;

/// Serves until the editor says `exit`, or goes.
///
/// # Errors
/// Status 1 where the editor went without `shutdown`, or can't be read from or written to.
pub fn run() -> Result<(), Failure> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut output = io::stdout().lock();
    let mut server = Server::new();
    while let Some(body) = read(&mut input)? {
        let answers = match serde_json::from_slice::<Value>(&body) {
            Ok(message) => {
                let mut answers = look_around(&mut server, &message);
                answers.extend(server.handle(&message));
                answers
            }
            Err(why) => vec![Server::malformed(&why.to_string())],
        };
        for answer in answers {
            let text = answer.to_string();
            write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        }
        output.flush()?;
        match server.exited() {
            Some(0) => return Ok(()),
            Some(_) => return Err(Failure::new("the editor left without `shutdown`")),
            None => {}
        }
    }
    Err(Failure::new("the editor left without `exit`"))
}

/// The body of the next message; `None` at the end of the input.
fn read(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            match length {
                Some(length) => return body(input, length).map(Some),
                None => return Err(Failure::new("a message without Content-Length")),
            }
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok().filter(|n| *n <= MOST);
        }
    }
}

fn body(input: &mut impl BufRead, length: usize) -> Result<Vec<u8>, Failure> {
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    Ok(body)
}

/// Tells the server of the files beside one that is opened, and of those that changed on disk.
fn look_around(server: &mut Server, message: &Value) -> Vec<Value> {
    let params = &message["params"];
    let mut answers = Vec::new();
    match message["method"].as_str() {
        Some("textDocument/didOpen") => {
            let Some(uri) = params["textDocument"]["uri"].as_str() else { return answers };
            let Some(folder) = path_of(uri).and_then(|p| Some(Path::new(&p).parent()?.to_owned())) else { return answers };
            let Ok(entries) = std::fs::read_dir(folder) else { return answers };
            let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
            names.retain(|name| name.ends_with(".rules"));
            names.sort();
            for name in names.into_iter().take(MOST_FILES) {
                answers.extend(tell(server, &sibling(uri, &name)));
            }
        }
        Some("workspace/didChangeWatchedFiles") => {
            for uri in params["changes"].as_array().into_iter().flatten().filter_map(|c| c["uri"].as_str()) {
                answers.extend(tell(server, uri));
            }
        }
        _ => {}
    }
    answers
}

fn tell(server: &mut Server, uri: &str) -> Vec<Value> {
    let text = path_of(uri).filter(|p| p.ends_with(".rules")).and_then(|path| std::fs::read_to_string(path).ok());
    server.on_disk(uri, text.as_deref())
}
