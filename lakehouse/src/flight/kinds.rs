//! The types that there are, as drivers of ODBC and JDBC know them.

use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

/// Name, type, of what kind its values are said in SQL, greatest size, radix of numbers.
const KINDS: [(&str, XdbcDataType, Said, i32, Option<i32>); 12] = [
    ("boolean", XdbcDataType::XdbcBit, Said::Plain, 1, None),
    ("smallint", XdbcDataType::XdbcSmallint, Said::Plain, 16, Some(2)),
    ("integer", XdbcDataType::XdbcInteger, Said::Plain, 32, Some(2)),
    ("bigint", XdbcDataType::XdbcBigint, Said::Plain, 64, Some(2)),
    ("real", XdbcDataType::XdbcReal, Said::Plain, 24, Some(2)),
    ("double precision", XdbcDataType::XdbcDouble, Said::Plain, 53, Some(2)),
    ("numeric", XdbcDataType::XdbcNumeric, Said::Plain, 38, Some(10)),
    ("text", XdbcDataType::XdbcVarchar, Said::Quoted, i32::MAX, None),
    ("bytea", XdbcDataType::XdbcVarbinary, Said::Hexadecimal, i32::MAX, None),
    ("date", XdbcDataType::XdbcDate, Said::Quoted, 10, None),
    ("time", XdbcDataType::XdbcTime, Said::Quoted, 15, None),
    ("timestamp with time zone", XdbcDataType::XdbcTimestamp, Said::Quoted, 32, None),
];

#[derive(Clone, Copy, PartialEq)]
enum Said {
    Plain,
    Quoted,
    Hexadecimal,
}

/// All of them.
///
/// # Errors
/// Those of the library.
pub(crate) fn all() -> Result<XdbcTypeInfoData> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for (name, kind, said, size, radix) in KINDS {
        let (prefix, suffix) = match said {
            Said::Plain => (None, None),
            Said::Quoted => (Some("'"), Some("'")),
            Said::Hexadecimal => (Some("x'"), Some("'")),
        };
        let subcode = match kind {
            XdbcDataType::XdbcDate => Some(XdbcDatetimeSubcode::XdbcSubcodeYear),
            XdbcDataType::XdbcTime => Some(XdbcDatetimeSubcode::XdbcSubcodeTime),
            XdbcDataType::XdbcTimestamp => Some(XdbcDatetimeSubcode::XdbcSubcodeTimestampWithTimezone),
            _ => None,
        };
        // The standard has one type for all instants.
        let sql = if subcode.is_some() { XdbcDataType::XdbcDatetime } else { kind };
        builder.append(XdbcTypeInfo {
            type_name: name.to_owned(),
            data_type: kind,
            column_size: Some(size),
            literal_prefix: prefix.map(str::to_owned),
            literal_suffix: suffix.map(str::to_owned),
            create_params: None,
            nullable: Nullable::NullabilityNullable,
            case_sensitive: name == "text",
            searchable: Searchable::Full,
            unsigned_attribute: radix.map(|_| false),
            fixed_prec_scale: false,
            auto_increment: radix.map(|_| false),
            local_type_name: Some(name.to_owned()),
            minimum_scale: (name == "numeric").then_some(0),
            maximum_scale: (name == "numeric").then_some(38),
            sql_data_type: sql,
            datetime_subcode: subcode,
            num_prec_radix: radix,
            interval_precision: None,
        });
    }
    builder.build()
}
