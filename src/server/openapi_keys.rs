//! What OpenAPI says of the doors that take a key for a request: the header, and how a repeat is answered.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required};
use vitalog_ingest::io::once::LONGEST;

/// Method and path of each: those whose source reads the key, which a test looks for.
pub const DOORS: [(&str, &str); 9] = [
    ("post", "/v1/readings"),
    ("put", "/v1/subjects/{subject}/readings/{id}"),
    ("delete", "/v1/subjects/{subject}/readings/{id}"),
    ("put", "/v1/subjects/{subject}/profile"),
    ("post", "/v1/subjects/{subject}/moves"),
    ("post", "/v1/dead-letters/{offset}/replay"),
    ("post", "/v1/dead-letters/replay"),
    ("put", "/v1/rules/{file}"),
    ("post", "/v1/rules/rollback"),
];

/// How a request is refused whose key is under way.
pub const UNDER_WAY: &str = "A request with this key is under way; `Retry-After` says when to come again";

/// Adds the header, and what successful answers may bear. Whether it is one of those doors.
pub fn complete(operation: &mut Operation, method: &str, path: &str) -> bool {
    if !DOORS.contains(&(method, path)) {
        return false;
    }
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter()));
    for (status, answer) in &mut operation.responses.responses {
        if let RefOr::T(answer) = answer
            && status.starts_with('2')
        {
            let about = "`true`: it was given before to the same request under the same key, and nothing was done now";
            let said = ObjectBuilder::new().schema_type(Type::Boolean);
            let header = HeaderBuilder::new().schema(Some(said.build())).description(Some(about)).build();
            answer.headers.insert("Idempotency-Replayed".to_owned(), RefOr::T(header));
        }
    }
    true
}

fn parameter() -> Parameter {
    let about = "Names the request: sent again under the same key within a day, it is not done again, and answered as it was";
    let inner = format!("[!#-\\[\\]-~]{{1,{LONGEST}}}");
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^({inner}|\"{inner}\")$")));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(text.examples(["\"8e03978e-40d5-43e8-bc93-6894a57f9324\""]).build()))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use vitalog_ingest::io::once::{KEY, REPLAYED};

    use super::DOORS;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }

    /// Method and path of each door of a source whose handler, which follows its description, reads the key of a request.
    fn keyed(text: &str) -> Vec<(String, String)> {
        let mut parts = text.split("#[utoipa::path(");
        let before = parts.next().unwrap_or_default();
        assert!(!before.contains("Key::of("), "a key is read where no door is described, so nobody knows by which");
        let reads = parts.filter(|part| part.contains("Key::of("));
        let door = |part: &str| {
            let method = part.trim_start().split(',').next().unwrap_or_default().to_owned();
            let path = part.split("path = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
            (method, path.to_owned())
        };
        reads.map(door).collect()
    }

    #[test]
    fn each_door_that_reads_a_key_is_described_as_one_that_does() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["src", "ingest/src/io", "lakehouse/src/io", "dashboards/src/io"] {
            sources(&root.join(folder), &mut files);
        }
        // This file, and the one that has the key.
        files.retain(|path| !path.ends_with("server/openapi_keys.rs") && !path.ends_with("once/key.rs"));
        let read: BTreeSet<(String, String)> =
            files.iter().flat_map(|path| keyed(&std::fs::read_to_string(path).expect("text"))).collect();
        let described: BTreeSet<(String, String)> =
            DOORS.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
        assert_eq!(read, described);
    }

    #[test]
    fn headers_are_those_that_are_read_and_sent() {
        assert_eq!((KEY, REPLAYED), ("idempotency-key", "idempotency-replayed"));
    }
}
