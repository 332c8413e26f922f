//! What bodies look like, for OpenAPI: the native reading, whose fields its stream declares, and the columns of the same names.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One reading in the native form. Beside these names it has the fields that its stream declares: a bare number is in the field's unit, a text carries
/// its own.
#[derive(ToSchema)]
#[schema(as = Reading, example = json!({"subject": "p-001", "stream": "bg", "at": "2026-03-10T08:00:00+01:00", "value": "6.1 mmol/L"}))]
#[expect(dead_code, reason = "it is described, not made: readings are decoded by streams")]
pub(super) struct ReadingBody {
    /// Whom it is about.
    #[schema(pattern = "^[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}$")]
    subject: String,
    /// What was measured.
    stream: Option<String>,
    /// Of streams of instants: when, with the offset from UTC.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Of streams of intervals: since when.
    #[schema(format = DateTime)]
    start: Option<String>,
    /// Of streams of intervals: until when; left off while it goes on.
    #[schema(format = DateTime)]
    end: Option<String>,
    /// The sender's name for it. Without it the name follows from the content.
    id: Option<NameBody>,
    /// Of one id the highest counts.
    #[schema(minimum = 1)]
    rev: Option<u32>,
    /// This revision takes the reading back.
    removed: Option<bool>,
    /// The device or app.
    #[schema(max_length = 128)]
    source: Option<String>,
    /// Its count at the source.
    seq: Option<u64>,
}

/// A name, as text or as the number that some senders have for it.
pub(super) struct NameBody;

impl PartialSchema for NameBody {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_:@~-][A-Za-z0-9._:@~-]{0,63}$"));
        OneOfBuilder::new().item(text).item(ObjectBuilder::new().schema_type(Type::Number)).into()
    }
}

impl ToSchema for NameBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ReadingName")
    }
}

/// One reading, or many.
#[derive(ToSchema)]
#[schema(as = Readings)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is described, not made")]
pub(super) enum ReadingsBody {
    One(ReadingBody),
    Many(Vec<ReadingBody>),
}

/// One reading whose subject and id the address names: what stands there may be left off.
#[derive(ToSchema)]
#[schema(as = Amendment, example = json!({"stream": "bg", "at": "2026-03-10T08:00:00+01:00", "value": "6.1 mmol/L"}))]
#[expect(dead_code, reason = "it is described, not made")]
pub(super) struct AmendmentBody {
    /// What was measured.
    stream: String,
    #[schema(format = DateTime)]
    at: Option<String>,
    #[schema(format = DateTime)]
    start: Option<String>,
    #[schema(format = DateTime)]
    end: Option<String>,
    /// The revision; one more than the current, if it is left off.
    #[schema(minimum = 1)]
    rev: Option<u32>,
}

/// Fields of a profile, as the rules declare them; `null` sets one back to its default.
#[derive(ToSchema)]
#[schema(as = ProfileChanges, example = json!({"bg_low": "4.0 mmol/L"}))]
#[expect(dead_code, reason = "it is described, not made")]
pub(super) struct ProfileBody {
    /// From when on; now, if it is left off.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// Why a reading was refused, if it was.
#[derive(ToSchema)]
#[schema(as = Refusal)]
#[expect(dead_code, reason = "it is described, not made: the core's refusal knows nothing of OpenAPI")]
pub(super) struct PerhapsWhy {
    /// A stable name.
    code: Option<String>,
    /// The field at fault, where there is one.
    field: Option<String>,
    /// What was found, shortened where it is long.
    value: Option<String>,
    message: Option<String>,
    remedy: Option<String>,
}

/// What is suspicious about a reading that was taken.
#[derive(ToSchema)]
#[schema(as = ReadingFlag)]
#[expect(dead_code, reason = "it is described, not made: it has a refusal's members")]
pub(super) struct FlagSaid {
    /// `unusual`.
    code: String,
    field: String,
    value: String,
    message: String,
    remedy: String,
}

/// A refusal as problem details (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "it is described, not made: each crate makes its own problems")]
pub struct ProblemBody {
    r#type: String,
    title: String,
    status: u16,
    /// What is wrong.
    detail: Option<String>,
    /// A stable name.
    code: String,
    /// The part of the request at fault, where there is one.
    field: Option<String>,
    /// What was found there, shortened where it is long.
    value: Option<String>,
    /// What to do.
    remedy: Option<String>,
}

/// A body of which nothing was kept: what was wrong with the first, and every receipt. Where it was refused before any reading was looked at, what was wrong alone.
#[derive(ToSchema)]
#[schema(as = ReadingsRefused)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is described, not made")]
pub(super) struct RefusedBody {
    #[serde(flatten)]
    problem: ProblemBody,
    accepted: Option<usize>,
    duplicate: Option<usize>,
    rejected: Option<usize>,
    /// The offset after the last.
    position: Option<u64>,
    /// In the order of the body.
    receipts: Option<Vec<super::receipt::Receipt>>,
}
