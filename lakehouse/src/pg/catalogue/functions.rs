//! Functions of a row: those of PostgreSQL that tell of the catalogue and of the session, and the plain ones that stand around them.

use crate::pg::settings::{DATABASE, VERSION};
use crate::pg::types;
use crate::sql::{SqlError, refused};

use super::system::{OWN, OWNER, SCHEMA, type_numbered};
use super::value::Value;
use super::{Catalogue, Facts, joined, unknown};

/// Functions that are asked of PostgreSQL alone, so that a question with one is the catalogue's where it names no relation.
const OWN_FUNCTIONS: [&str; 22] = [
    "version",
    "current_database",
    "current_catalog",
    "current_schema",
    "current_schemas",
    "current_user",
    "session_user",
    "current_role",
    "current_setting",
    "set_config",
    "format_type",
    "obj_description",
    "col_description",
    "shobj_description",
    "quote_ident",
    "to_regclass",
    "to_regtype",
    "to_regnamespace",
    "has_schema_privilege",
    "has_table_privilege",
    "has_database_privilege",
    "txid_current",
];

/// What there is nothing of here, or nothing that is told.
const NOTHING: [&str; 22] = [
    "pg_get_expr",
    "pg_get_constraintdef",
    "pg_get_indexdef",
    "pg_get_viewdef",
    "pg_get_serial_sequence",
    "pg_get_partkeydef",
    "pg_get_partition_constraintdef",
    "pg_get_statisticsobjdef_columns",
    "pg_get_triggerdef",
    "pg_get_ruledef",
    "pg_get_functiondef",
    "pg_get_function_result",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_postmaster_start_time",
    "pg_last_wal_receive_lsn",
    "inet_server_addr",
    "inet_server_port",
    "inet_client_addr",
    "pg_tablespace_location",
    "pg_collation_for",
    "pg_relation_filenode",
];

/// Those that are written without parentheses.
const WORDS: [&str; 6] = ["current_catalog", "current_schema", "current_user", "session_user", "current_role", "user"];

pub fn is_word(name: &str) -> bool {
    WORDS.contains(&&*name.to_lowercase())
}

pub fn is_its_own(name: &str) -> bool {
    name.starts_with("pg_") || name.starts_with("information_schema.") || OWN_FUNCTIONS.contains(&name)
}

/// Functions that stand in the place of a table, or make rows of one.
pub fn makes_rows(name: &str) -> bool {
    let bare = name.rsplit('.').next().unwrap_or(name);
    [
        "unnest",
        "generate_series",
        "generate_subscripts",
        "_pg_expandarray",
        "pg_get_keywords",
        "pg_options_to_table",
        "aclexplode",
        "pg_show_all_settings",
        "pg_timezone_names",
        "pg_get_publication_tables",
    ]
    .contains(&bare)
}

/// Whether a function may stand in the place of a table without a table of the lake being meant.
pub fn stands_as_table(name: &str) -> bool {
    makes_rows(name) || name.starts_with("pg_catalog.") || ["string_to_array", "current_schemas", "parse_ident"].contains(&name)
}

fn quote_ident(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

impl Facts {
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Catalogue {
    /// A function of the session or the catalogue, or a plain one.
    pub fn call(&self, name: &str, given: &[Value]) -> Result<Value, SqlError> {
        let text = |place: usize| given.get(place).and_then(Value::text).unwrap_or_default();
        let whole = |place: usize| given.get(place).and_then(Value::whole);
        Ok(match name {
            "version" => format!("PostgreSQL {VERSION} (Vitalog {})", env!("CARGO_PKG_VERSION")).into(),
            "current_database" | "current_catalog" => DATABASE.into(),
            "current_schema" => SCHEMA.into(),
            "current_schemas" => {
                let also = given.first().and_then(Value::truth) == Some(true);
                Value::List(also.then_some("pg_catalog").into_iter().chain([SCHEMA]).map(Value::from).collect())
            }
            "current_user" | "session_user" | "current_role" | "user" => self.facts.user.as_str().into(),
            "pg_backend_pid" => i64::from(self.facts.process).into(),
            "current_setting" => match self.facts.setting(&text(0)) {
                Some(value) => value.into(),
                None if given.get(1).and_then(Value::truth) == Some(true) => Value::Null,
                None => {
                    return Err(refused(
                        "sql_invalid",
                        format!("there is no setting {:?}", text(0)),
                        "SHOW ALL lists those that there are",
                    ));
                }
            },
            // It would be forgotten: SET is the way.
            "set_config" => text(1).into(),
            "pg_get_userbyid" => self.user_numbered(whole(0)).into(),
            "format_type" => match whole(0) {
                None => Value::Null,
                Some(oid) => type_numbered(oid).map_or("???", |t| t.sql).into(),
            },
            "obj_description" => self.description(whole(0), 0),
            "col_description" => self.description(whole(0), whole(1).unwrap_or(0)),
            "shobj_description" => Value::Null,
            "to_regclass" => self.object(&text(0)).unwrap_or_default(),
            "to_regtype" => types::written(&text(0)).map_or(Value::Null, |t| Value::Object(i64::from(t.oid), t.sql.to_owned())),
            "to_regnamespace" => self.cast(Value::from(text(0)), "regnamespace").unwrap_or_default(),
            "pg_relation_size" | "pg_total_relation_size" | "pg_table_size" | "pg_indexes_size" | "pg_database_size" => 0.into(),
            "pg_size_pretty" => format!("{} bytes", whole(0).unwrap_or(0)).into(),
            "pg_is_in_recovery" | "pg_is_other_temp_schema" | "pg_is_wal_replay_paused" => false.into(),
            "pg_my_temp_schema" | "txid_current" | "pg_stat_get_numscans" | "age" => 0.into(),
            "pg_encoding_to_char" | "getdatabaseencoding" => "UTF8".into(),
            "pg_char_to_encoding" => 6.into(),
            "pg_table_is_visible"
            | "pg_type_is_visible"
            | "pg_function_is_visible"
            | "pg_operator_is_visible"
            | "pg_opclass_is_visible"
            | "pg_collation_is_visible"
            | "pg_statistics_obj_is_visible" => true.into(),
            "pg_relation_is_updatable" | "pg_column_is_updatable" => 0.into(),
            name if name.starts_with("has_") && name.ends_with("_privilege") => may(given),
            "pg_has_role" => true.into(),
            name if NOTHING.contains(&name) => Value::Null,
            other => call(other, given)?,
        })
    }

    /// The object of a relation's name.
    pub fn object(&self, name: &str) -> Option<Value> {
        let name = name.to_lowercase().replace('"', "");
        let bare = name.rsplit('.').next().unwrap_or(&name);
        let schema = name.rsplit_once('.').map(|(schema, _)| schema);
        let own = OWN.iter().find(|(known, _)| *known == bare && schema.is_none_or(|s| s == "pg_catalog"));
        let lake = self.relations.iter().find(|(_, r)| r.name == bare && schema.is_none_or(|s| s == SCHEMA));
        let own = own.map(|(known, oid)| Value::Object(*oid, (*known).to_owned()));
        own.or_else(|| lake.map(|(oid, relation)| Value::Object(*oid, relation.name.clone())))
    }

    /// The object of a relation's number.
    pub fn class(&self, oid: i64) -> Value {
        let own = OWN.iter().find(|(_, known)| *known == oid).map(|(name, _)| (*name).to_owned());
        let name = own.or_else(|| self.relations.iter().find(|(known, _)| *known == oid).map(|(_, r)| r.name.clone()));
        Value::Object(oid, name.unwrap_or_else(|| oid.to_string()))
    }

    pub fn user_numbered(&self, oid: Option<i64>) -> String {
        if oid == Some(OWNER) { DATABASE.to_owned() } else { self.facts.user.clone() }
    }

    fn description(&self, oid: Option<i64>, column: i64) -> Value {
        let found = self.relations.iter().find(|(known, _)| Some(*known) == oid).map(|(_, relation)| relation);
        let words = found.and_then(|relation| match usize::try_from(column).ok()? {
            0 => Some(&relation.comment),
            number => relation.columns.get(number - 1).map(|column| &column.comment),
        });
        words.filter(|words| !words.is_empty()).map_or(Value::Null, |words| words.as_str().into())
    }
}

/// Everybody may read what they see, and nobody may do anything else.
fn may(given: &[Value]) -> Value {
    let wanted = given.last().and_then(Value::text).unwrap_or_default().to_uppercase();
    let reads = ["SELECT", "USAGE", "CONNECT", "EXECUTE"];
    wanted.split(',').any(|one| reads.contains(&one.trim())).into()
}

/// A function that knows of nothing but its arguments.
pub fn call(name: &str, given: &[Value]) -> Result<Value, SqlError> {
    let first = given.first().cloned().unwrap_or_default();
    let takes_nulls = [
        "coalesce",
        "nullif",
        "concat",
        "concat_ws",
        "greatest",
        "least",
        "json_build_object",
        "jsonb_build_object",
        "array_append",
    ];
    if given.iter().any(Value::is_null) && !takes_nulls.contains(&name) {
        return Ok(Value::Null);
    }
    let text = |place: usize| given.get(place).and_then(Value::text).unwrap_or_default();
    let whole = |place: usize| given.get(place).and_then(Value::whole);
    let count = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    Ok(match name {
        "coalesce" => given.iter().find(|value| !value.is_null()).cloned().unwrap_or_default(),
        "nullif" => {
            if given.get(1).is_some_and(|other| first.compare(other).is_some_and(std::cmp::Ordering::is_eq)) {
                Value::Null
            } else {
                first
            }
        }
        "greatest" => given.iter().filter(|v| !v.is_null()).max_by(|a, b| a.order(b)).cloned().unwrap_or_default(),
        "least" => given.iter().filter(|v| !v.is_null()).min_by(|a, b| a.order(b)).cloned().unwrap_or_default(),
        "lower" => text(0).to_lowercase().into(),
        "upper" => text(0).to_uppercase().into(),
        "length" | "char_length" | "character_length" => count(text(0).chars().count()),
        "octet_length" => count(text(0).len()),
        "concat" => joined(&given.iter().filter_map(Value::text).collect::<Vec<_>>(), "")?,
        "concat_ws" => joined(&given.iter().skip(1).filter_map(Value::text).collect::<Vec<_>>(), &text(0))?,
        "quote_ident" => quote_ident(&text(0)).into(),
        "quote_literal" => format!("'{}'", text(0).replace('\'', "''")).into(),
        "substring" | "substr" => substring(&text(0), whole(1).unwrap_or(1), whole(2)).into(),
        "left" => text(0).chars().take(whole(1).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)).collect::<String>().into(),
        "replace" => {
            let (all, from) = (text(0), text(1));
            let parts: Vec<String> = if from.is_empty() { vec![all] } else { all.split(&*from).map(str::to_owned).collect() };
            joined(&parts, &text(2))?
        }
        "strpos" => match text(0).find(&text(1)) {
            Some(at) => count(text(0)[..at].chars().count() + 1),
            None => 0.into(),
        },
        "split_part" => {
            let place = whole(2).and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
            place.and_then(|place| text(0).split(&text(1)).nth(place).map(str::to_owned)).unwrap_or_default().into()
        }
        "btrim" | "ltrim" | "rtrim" | "trim" => {
            let what: Vec<char> = if given.len() > 1 { text(1).chars().collect() } else { vec![' '] };
            let all = text(0);
            let is = |c: char| what.contains(&c);
            match name {
                "ltrim" => all.trim_start_matches(is),
                "rtrim" => all.trim_end_matches(is),
                _ => all.trim_matches(is),
            }
            .into()
        }
        other => return of_lists(other, given),
    })
}

/// A function of lists and structures, and casts that are written as functions.
fn of_lists(name: &str, given: &[Value]) -> Result<Value, SqlError> {
    let first = given.first().cloned().unwrap_or_default();
    let text = |place: usize| given.get(place).and_then(Value::text).unwrap_or_default();
    let list = || if let Value::List(items) = &first { items.clone() } else { Vec::new() };
    let count = |n: usize| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    Ok(match name {
        // `a."B".c`: names as they are found by.
        "parse_ident" => {
            let name = text(0);
            let parts = name.split('.').map(|part| match part.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
                Some(quoted) => Value::from(quoted),
                None => part.to_lowercase().into(),
            });
            Value::List(parts.collect())
        }
        "string_to_array" => Value::List(text(0).split(&text(1)).map(Value::from).collect()),
        "array_to_string" => joined(&list().iter().filter_map(Value::text).collect::<Vec<_>>(), &text(1))?,
        "array_length" | "array_upper" => {
            if list().is_empty() {
                Value::Null
            } else {
                count(list().len())
            }
        }
        "array_lower" => {
            if list().is_empty() {
                Value::Null
            } else {
                1.into()
            }
        }
        "cardinality" => count(list().len()),
        "array_append" => Value::List([list(), vec![given.get(1).cloned().unwrap_or_default()]].concat()),
        "array_position" => {
            let wanted = given.get(1).cloned().unwrap_or_default();
            let found = list().iter().position(|item| item.compare(&wanted).is_some_and(std::cmp::Ordering::is_eq));
            found.map_or(Value::Null, |place| count(place + 1))
        }
        "abs" => match first {
            Value::Int(number) => Value::Int(number.saturating_abs()),
            other => other.number().map_or(Value::Null, |number| Value::Float(number.abs())),
        },
        "json_build_object" | "jsonb_build_object" => {
            let fields =
                given.chunks(2).map(|pair| (pair[0].text().unwrap_or_default(), pair.get(1).cloned().unwrap_or_default()));
            Value::Record(fields.collect()).json().to_string().into()
        }
        "to_json" | "to_jsonb" | "row_to_json" => first.json().to_string().into(),
        "int4" | "int8" | "int2" | "oid" => first.whole().map_or(Value::Null, Value::Int),
        "text" | "name" => text(0).into(),
        // As parameters come.
        "arrow_cast" => first,
        other => {
            return Err(refused("sql_invalid", format!("There is no function '{other}' in the catalogue"), "ask in another way"));
        }
    })
}

fn substring(text: &str, from: i64, length: Option<i64>) -> String {
    let end = length.map_or(i64::MAX, |length| from.saturating_add(length));
    text.chars().zip(1_i64..).filter(|(_, place)| (from..end).contains(place)).map(|(c, _)| c).collect()
}

/// What a function in the place of a table is called that is not one.
pub fn no_rows(name: &str) -> SqlError {
    unknown(&format!("the function {name} in the place of a table"))
}
