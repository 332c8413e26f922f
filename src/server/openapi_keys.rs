//! What OpenAPI says of the doors that take a key for a request: the header, and how a repeat is answered.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required};
use vitalog_ingest::io::once::LONGEST;

/// Method and path of each.
pub const DOORS: [(&str, &str); 8] = [
    ("post", "/v1/readings"),
    ("put", "/v1/subjects/{subject}/readings/{id}"),
    ("delete", "/v1/subjects/{subject}/readings/{id}"),
    ("put", "/v1/subjects/{subject}/profile"),
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
    use vitalog_ingest::io::once::{KEY, REPLAYED};

    #[test]
    fn headers_are_those_that_are_read_and_sent() {
        assert_eq!((KEY, REPLAYED), ("idempotency-key", "idempotency-replayed"));
    }
}
