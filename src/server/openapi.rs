//! `GET /openapi.json` and `vitalog openapi`: the doors, described.
//!
//! A door stands in its router together with its description, so none is missing. What holds for many of them is added here: who may, what a refusal
//! looks like, what a name in an address may be.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema,
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};
use vitalog_ingest::io::{PROBLEM_JSON, ProblemBody};

use super::{
    accounting_api, backup_api, erasures_api, health, metering_api, metrics_api, openapi_keys, receipt_api, rules_api, why_api,
};

/// What the doors are grouped by.
const TAGS: [(&str, &str); 7] = [
    ("write", "Readings and profiles in: answered once they are on stable storage."),
    ("see", "What is known, and what was found. Lists have `limit` and, where there is more, `next`: give it as `after`."),
    ("act", "What people do about it."),
    ("rules", "The rules in force."),
    ("operate", "For whoever runs it."),
    ("administer", "For whoever answers for it."),
    ("self", "Who one is here."),
];

/// Doors that open to anybody.
const PUBLIC: [&str; 5] = ["/livez", "/readyz", "/v1/session", "/v1/session/provider", "/v1/session/provider/callback"];

/// How any door may refuse.
const REFUSALS: [(StatusCode, &str); 7] = [
    (StatusCode::BAD_REQUEST, "It can't be understood"),
    (StatusCode::UNAUTHORIZED, "It is not known who asks"),
    (StatusCode::FORBIDDEN, "It is not theirs to see or to do"),
    (StatusCode::UNPROCESSABLE_ENTITY, "It is understood, and can't be done as it is"),
    (StatusCode::TOO_MANY_REQUESTS, "Too many at a time; `Retry-After` says when to come again"),
    (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here"),
    (StatusCode::SERVICE_UNAVAILABLE, "Not now; `Retry-After` says when to come again"),
];

/// The doors of `serve`, described by OpenAPI 3.1.
fn document() -> OpenApi {
    let mut whole = frame();
    for part in parts() {
        whole.merge(part);
    }
    for (path, item) in &mut whole.paths.paths {
        for (method, operation) in operations(item) {
            complete(operation, method, path);
        }
    }
    whole
}

fn parts() -> [OpenApi; 14] {
    [
        vitalog_ingest::io::api().into_openapi(),
        vitalog_dashboards::io::api().into_openapi(),
        vitalog_lakehouse::io::api().into_openapi(),
        rules_api::api().into_openapi(),
        why_api::api().into_openapi(),
        accounting_api::api().into_openapi(),
        receipt_api::api().into_openapi(),
        backup_api::api().into_openapi(),
        erasures_api::api().into_openapi(),
        vitalog_ingest::io::emergencies().into_openapi(),
        vitalog_ingest::io::own().into_openapi(),
        metering_api::api().into_openapi(),
        metrics_api::api().into_openapi(),
        health::api().into_openapi(),
    ]
}

/// The description, as it is given.
pub fn text() -> String {
    // What is made of literals and structs of strings can't fail to be written.
    let mut whole = serde_json::to_value(document()).unwrap_or_default();
    unsigned(&mut whole);
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

/// Says of integers that have no sign that they have none: as signed ones of so many bits they would end at half.
fn unsigned(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            let has_none = fields.get("minimum").and_then(Value::as_i64).is_some_and(|least| least >= 0);
            if let (true, Some(Value::String(format))) = (has_none, fields.get_mut("format"))
                && (format == "int32" || format == "int64")
            {
                format.insert(0, 'u');
            }
            fields.values_mut().for_each(unsigned);
        }
        Value::Array(items) => items.iter_mut().for_each(unsigned),
        _ => {}
    }
}

/// The door of the description itself. It is written when somebody first asks for it: few servers are ever asked.
pub fn router() -> Router {
    static TEXT: LazyLock<String> = LazyLock::new(text);
    Router::new().route("/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())))
}

fn frame() -> OpenApi {
    let about = "Health telemetry in, recommendations out. Errors are problems (RFC 9457) with `code` and `remedy`; instants are RFC 3339.";
    let info = InfoBuilder::new()
        .title("Vitalog")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(about))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .schema(ProblemBody::name(), ProblemBody::schema())
        .security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(vitalog_ingest::io::COOKIE))))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([by("token"), by("session")]))
        .tags(Some(TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())))
        .build()
}

fn by(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, Vec::<String>::new())
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [("get", &mut item.get), ("post", &mut item.post), ("put", &mut item.put), ("delete", &mut item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what the description of a door leaves to all of them.
fn complete(operation: &mut Operation, method: &str, path: &str) {
    operation.operation_id = Some(name(method, path));
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(names_in(path).map(|name| RefOr::T(in_path(name))));
    if parameters.is_empty() {
        operation.parameters = None;
    }
    if PUBLIC.contains(&path) {
        operation.security = Some(Vec::new());
    }
    let takes_keys = openapi_keys::complete(operation, method, path);
    let answers = &mut operation.responses.responses;
    if path.starts_with("/v1/") {
        for (status, about) in REFUSALS {
            answers.entry(status.as_str().to_owned()).or_insert_with(|| RefOr::T(said(about)));
        }
        if names_in(path).next().is_some() {
            answers
                .entry("404".to_owned())
                .or_insert_with(|| RefOr::T(said("There is no such thing, or it is not theirs to know of")));
        }
    }
    if operation.request_body.is_some() {
        answers.entry("408".to_owned()).or_insert_with(|| RefOr::T(said("The body did not come in time")));
    }
    if takes_keys {
        answers.entry("409".to_owned()).or_insert_with(|| RefOr::T(said(openapi_keys::UNDER_WAY)));
    }
    if method != "get" && path.starts_with("/v1/") {
        answers.entry("507".to_owned()).or_insert_with(|| RefOr::T(said("The disk is nearly full")));
    }
    for (status, answer) in answers.iter_mut() {
        if let RefOr::T(answer) = answer
            && status.as_str() >= "400"
            && answer.content.is_empty()
        {
            *answer = said(&answer.description);
        }
    }
}

/// `get_subjects_subject_readings`.
fn name(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/v1").split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |name, word| name + "_" + word)
}

fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(name: &str) -> Parameter {
    let named = |about: &'static str, pattern: &str, example: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(64));
        (about, text.examples([example]).build())
    };
    let number = |about: &'static str| {
        let format = Some(SchemaFormat::KnownFormat(KnownFormat::Int64));
        (about, ObjectBuilder::new().schema_type(Type::Integer).format(format).minimum(Some(0)).examples([1]).build())
    };
    const NAME: &str = "^[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}$";
    let (about, schema) = match name {
        "subject" => named("Whom it is about", NAME, "p-001"),
        "id" => named("Its name", NAME, "a1"),
        "file" => named("A rule file's name", r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", "health.rules"),
        "offset" => number("Where it stands in the journal"),
        _ => number("Its number"),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(Schema::Object(schema)))
        .build()
}

fn said(about: &str) -> Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    ResponseBuilder::new().description(about).content(PROBLEM_JSON, problem).build()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Types of two crates under one name would be taken for one.
    #[test]
    fn no_two_schemas_share_a_name() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for part in parts() {
            for (name, schema) in part.components.unwrap_or_default().schemas {
                let text = serde_json::to_string(&schema).expect("JSON");
                assert_eq!(seen.entry(name.clone()).or_insert_with(|| text.clone()), &text, "{name}");
            }
        }
        assert!(seen.len() > 40, "{}", seen.len());
    }

    #[test]
    fn operations_have_names_of_their_own_and_parameters_for_what_stands_in_their_path() {
        let mut whole = document();
        let mut names = BTreeSet::new();
        for (path, item) in &mut whole.paths.paths {
            for (method, operation) in operations(item) {
                assert!(names.insert(operation.operation_id.clone()), "{method} {path}");
                assert!(operation.summary.is_some(), "{method} {path}");
            }
        }
        let takes_keys = |(method, path): &(&str, &str)| {
            let item = whole.paths.paths.get(*path).and_then(|item| serde_json::to_value(item).ok()).expect("the door");
            item[method]["parameters"].to_string().contains("Idempotency-Key") && item[method]["responses"]["409"].is_object()
        };
        assert!(openapi_keys::DOORS.iter().all(takes_keys));
        assert!(names.contains(&Some("get_subjects_subject_readings_id".to_owned())), "{names:?}");
        assert!(names.contains(&Some("put_subjects_subject_readings_id".to_owned())), "{names:?}");
    }
}
