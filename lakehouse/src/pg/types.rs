//! The types of PostgreSQL that answers have, and which type of the lake is which.

use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};

use crate::pg::outgoing::Column;

/// A type, as clients know it.
#[derive(Debug, PartialEq, Eq)]
pub struct Type {
    pub oid: u32,
    pub name: &'static str,
    /// As SQL writes it.
    pub sql: &'static str,
    /// In bytes; -1: it varies.
    pub length: i16,
    /// Of the list of it.
    pub array: u32,
    /// Of what is in it, where it is a list.
    pub element: u32,
    pub category: char,
}

const fn of(oid: u32, name: &'static str, sql: &'static str, length: i16, array: u32, category: char) -> Type {
    Type { oid, name, sql, length, array, element: 0, category }
}

const fn list(oid: u32, name: &'static str, sql: &'static str, element: u32) -> Type {
    Type { oid, name, sql, length: -1, array: 0, element, category: 'A' }
}

pub static TYPES: &[Type] = &[
    of(16, "bool", "boolean", 1, 1000, 'B'),
    of(17, "bytea", "bytea", -1, 1001, 'U'),
    of(18, "char", "\"char\"", 1, 1002, 'Z'),
    of(19, "name", "name", 64, 1003, 'S'),
    of(20, "int8", "bigint", 8, 1016, 'N'),
    of(21, "int2", "smallint", 2, 1005, 'N'),
    Type { oid: 22, name: "int2vector", sql: "int2vector", length: -1, array: 1006, element: 21, category: 'A' },
    of(23, "int4", "integer", 4, 1007, 'N'),
    of(24, "regproc", "regproc", 4, 1008, 'N'),
    of(25, "text", "text", -1, 1009, 'S'),
    of(26, "oid", "oid", 4, 1028, 'N'),
    Type { oid: 30, name: "oidvector", sql: "oidvector", length: -1, array: 1013, element: 26, category: 'A' },
    of(114, "json", "json", -1, 199, 'U'),
    of(700, "float4", "real", 4, 1021, 'N'),
    of(701, "float8", "double precision", 8, 1022, 'N'),
    of(705, "unknown", "unknown", -2, 0, 'X'),
    of(1042, "bpchar", "character", -1, 1014, 'S'),
    of(1043, "varchar", "character varying", -1, 1015, 'S'),
    of(1082, "date", "date", 4, 1182, 'D'),
    of(1083, "time", "time without time zone", 8, 1183, 'D'),
    of(1114, "timestamp", "timestamp without time zone", 8, 1115, 'D'),
    of(1184, "timestamptz", "timestamp with time zone", 8, 1185, 'D'),
    of(1186, "interval", "interval", 16, 1187, 'T'),
    of(1700, "numeric", "numeric", -1, 1231, 'N'),
    of(2205, "regclass", "regclass", 4, 2210, 'N'),
    of(2206, "regtype", "regtype", 4, 2211, 'N'),
    of(2950, "uuid", "uuid", 16, 2951, 'U'),
    of(3802, "jsonb", "jsonb", -1, 3807, 'U'),
    of(4089, "regnamespace", "regnamespace", 4, 4090, 'N'),
    list(199, "_json", "json[]", 114),
    list(1000, "_bool", "boolean[]", 16),
    list(1001, "_bytea", "bytea[]", 17),
    list(1002, "_char", "\"char\"[]", 18),
    list(1003, "_name", "name[]", 19),
    list(1005, "_int2", "smallint[]", 21),
    list(1006, "_int2vector", "int2vector[]", 22),
    list(1007, "_int4", "integer[]", 23),
    list(1008, "_regproc", "regproc[]", 24),
    list(1009, "_text", "text[]", 25),
    list(1013, "_oidvector", "oidvector[]", 30),
    list(1014, "_bpchar", "character[]", 1042),
    list(1015, "_varchar", "character varying[]", 1043),
    list(1016, "_int8", "bigint[]", 20),
    list(1021, "_float4", "real[]", 700),
    list(1022, "_float8", "double precision[]", 701),
    list(1028, "_oid", "oid[]", 26),
    list(1115, "_timestamp", "timestamp without time zone[]", 1114),
    list(1182, "_date", "date[]", 1082),
    list(1183, "_time", "time without time zone[]", 1083),
    list(1185, "_timestamptz", "timestamp with time zone[]", 1184),
    list(1187, "_interval", "interval[]", 1186),
    list(1231, "_numeric", "numeric[]", 1700),
    list(2210, "_regclass", "regclass[]", 2205),
    list(2211, "_regtype", "regtype[]", 2206),
    list(2951, "_uuid", "uuid[]", 2950),
    list(3807, "_jsonb", "jsonb[]", 3802),
    list(4090, "_regnamespace", "regnamespace[]", 4089),
];

/// The type with a name.
pub fn named(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|t| t.name == name)
}

/// The type with a number.
pub fn numbered(oid: u32) -> Option<&'static Type> {
    TYPES.iter().find(|t| t.oid == oid)
}

/// A type by the name that a statement has for it, without its schema.
pub fn written(name: &str) -> Option<&'static Type> {
    let name = name.trim().to_lowercase();
    let bare = name.trim_start_matches("pg_catalog.");
    let (bare, is_list) = bare.strip_suffix("[]").map_or((bare, false), |bare| (bare, true));
    // Without a length or precision.
    let bare = bare.split('(').next().unwrap_or(bare).trim();
    let found = match bare {
        "int" => named("int4"),
        "float" | "double" => named("float8"),
        "decimal" => named("numeric"),
        "string" => named("text"),
        "timestamp with time zone" => named("timestamptz"),
        "timestamp" => named("timestamp"),
        "time" => named("time"),
        other => TYPES.iter().find(|t| t.sql == other).or_else(|| named(other.trim_matches('"'))),
    }?;
    if is_list { numbered(found.array) } else { Some(found) }
}

pub fn text() -> &'static Type {
    numbered(25).unwrap_or(&TYPES[0])
}

impl Type {
    /// What it is a list of.
    pub fn element(&self) -> Option<&'static Type> {
        numbered(self.element).filter(|_| self.category == 'A')
    }

    /// As the lake calls it, lists and texts, too.
    pub fn lake(&self) -> String {
        let of = |kind: &Type| kind.arrow().unwrap_or("Utf8").to_owned();
        self.element().map_or_else(|| of(self), |element| format!("List({})", of(element)))
    }

    /// As the lake calls it, for values that come as text; `None`: text.
    pub fn arrow(&self) -> Option<&'static str> {
        Some(match self.name {
            "bool" => "Boolean",
            "int2" => "Int16",
            "int4" => "Int32",
            "int8" => "Int64",
            "oid" | "regclass" | "regtype" | "regproc" | "regnamespace" => "Int64",
            "float4" => "Float32",
            "float8" => "Float64",
            "numeric" => "Decimal128(38, 10)",
            "date" => "Date32",
            "time" => "Time64(Microsecond)",
            "timestamp" => "Timestamp(Microsecond, None)",
            "timestamptz" => "Timestamp(Microsecond, Some(\"UTC\"))",
            "interval" => "Interval(MonthDayNano)",
            "bytea" => "Binary",
            _ => return None,
        })
    }
}

/// As what a column of the lake is shown. Structures, and lists of lists, are JSON.
pub fn shown_as(kind: &DataType) -> &'static Type {
    let name = match kind {
        DataType::Boolean => "bool",
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "int2",
        DataType::Int32 | DataType::UInt16 => "int4",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "int8",
        DataType::Float16 | DataType::Float32 => "float4",
        DataType::Float64 => "float8",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => "numeric",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Dictionary(_, value) => return shown_as(value),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::FixedSizeList(item, _) => {
            let of = shown_as(item.data_type());
            return numbered(of.array).filter(|_| !item.data_type().is_nested()).unwrap_or_else(json);
        }
        kind if kind.is_nested() => return json(),
        _ => "text",
    };
    named(name).unwrap_or_else(text)
}

fn json() -> &'static Type {
    named("json").unwrap_or_else(text)
}

/// What a value is cast to before it is written.
pub fn written_as(kind: &Type) -> DataType {
    match kind.name {
        "bool" => DataType::Boolean,
        "int2" => DataType::Int16,
        "int4" => DataType::Int32,
        "int8" | "oid" => DataType::Int64,
        "float4" => DataType::Float32,
        "float8" => DataType::Float64,
        "bytea" => DataType::Binary,
        "date" => DataType::Date32,
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamptz" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "interval" => DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano),
        _ => DataType::Utf8,
    }
}

/// The columns of an answer.
pub fn columns(schema: &SchemaRef) -> Vec<Column> {
    schema.fields().iter().map(|f| Column { name: f.name().clone(), kind: shown_as(f.data_type()) }).collect()
}
