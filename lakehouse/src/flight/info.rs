//! What a client may ask of the server itself: what it is called, what it can, and what it doesn't do.

use std::time::Duration;

use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedGroupBy,
    SqlSupportedResultSetType, SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions, SqlTransactionIsolationLevel,
    SupportedSqlGrammar,
};

use crate::sql::LONGEST;

/// The version of Arrow's format that is spoken.
const ARROW: &str = "1.5.0";

/// Functions that drivers ask for by the standard's names.
const NUMERIC: [&str; 16] =
    ["ABS", "ACOS", "ASIN", "ATAN", "CEIL", "COS", "EXP", "FLOOR", "LN", "LOG10", "POWER", "ROUND", "SIGN", "SIN", "SQRT", "TAN"];
const TEXTS: [&str; 10] =
    ["ASCII", "CHARACTER_LENGTH", "CONCAT", "LEFT", "LOWER", "LTRIM", "REPLACE", "RIGHT", "SUBSTRING", "UPPER"];
const INSTANTS: [&str; 5] = ["CURRENT_DATE", "DATE_BIN", "DATE_PART", "DATE_TRUNC", "NOW"];
/// Words of statements that the standard does not have.
const WORDS: [&str; 6] = ["DESCRIBE", "EXPLAIN", "ILIKE", "LIMIT", "QUALIFY", "SHOW"];

/// One bit for each.
fn bits(of: &[i32]) -> i32 {
    of.iter().fold(0, |bits, bit| bits | (1 << bit))
}

/// All that is told.
///
/// # Errors
/// Those of the library.
pub(crate) fn all(time: Duration) -> Result<SqlInfoData> {
    let mut told = SqlInfoDataBuilder::new();
    told.append(SqlInfo::FlightSqlServerName, "Vitalog");
    told.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    told.append(SqlInfo::FlightSqlServerArrowVersion, ARROW);
    for info in CAN {
        told.append(info, true);
    }
    for info in CAN_NOT {
        told.append(info, false);
    }
    let milliseconds = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    let some_bits = [
        (SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32),
        (SqlInfo::FlightSqlServerStatementTimeout, milliseconds),
        (SqlInfo::FlightSqlServerTransactionTimeout, 0),
    ];
    for (info, value) in some_bits {
        told.append(info, value);
    }
    told.append(SqlInfo::SqlIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i64);
    told.append(SqlInfo::SqlQuotedIdentifierCase, SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i64);
    told.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    told.append(SqlInfo::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedHigh as i64);
    told.append(SqlInfo::SqlKeywords, &WORDS[..]);
    told.append(SqlInfo::SqlNumericFunctions, &NUMERIC[..]);
    told.append(SqlInfo::SqlStringFunctions, &TEXTS[..]);
    told.append(SqlInfo::SqlSystemFunctions, &["COALESCE", "NULLIF"][..]);
    told.append(SqlInfo::SqlDatetimeFunctions, &INSTANTS[..]);
    told.append(SqlInfo::SqlSearchStringEscape, "\\");
    told.append(SqlInfo::SqlExtraNameCharacters, "");
    told.append(SqlInfo::SqlSchemaTerm, "schema");
    told.append(SqlInfo::SqlCatalogTerm, "catalog");
    told.append(SqlInfo::SqlProcedureTerm, "procedure");
    let grammar = [SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32];
    told.append(SqlInfo::SqlSupportedGrammar, bits(&grammar));
    told.append(SqlInfo::SqlAnsi92SupportedLevel, 1);
    let groups = [SqlSupportedGroupBy::SqlGroupByUnrelated as i32, SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32];
    told.append(SqlInfo::SqlSupportedGroupBy, bits(&groups));
    told.append(SqlInfo::SqlOuterJoinsSupportLevel, bits(&[SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32]));
    let subqueries = [
        SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
        SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
        SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
    ];
    told.append(SqlInfo::SqlSupportedSubqueries, bits(&subqueries));
    let unions = [SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32];
    told.append(SqlInfo::SqlSupportedUnions, bits(&unions));
    let none = SqlTransactionIsolationLevel::SqlTransactionNone as i32;
    told.append(SqlInfo::SqlDefaultTransactionIsolation, i64::from(none));
    told.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, bits(&[none]));
    let forward = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    told.append(SqlInfo::SqlSupportedResultSetTypes, bits(&[forward]));
    for info in
        [SqlInfo::SqlSchemasSupportedActions, SqlInfo::SqlCatalogsSupportedActions, SqlInfo::SqlSupportedPositionedCommands]
    {
        told.append(info, 0);
    }
    // Zero: no limit, or none that is known.
    for info in NO_LIMIT {
        told.append(info, 0_i64);
    }
    told.append(SqlInfo::SqlMaxStatementLength, i64::try_from(LONGEST).unwrap_or(i64::MAX));
    told.build()
}

const CAN: [SqlInfo; 11] = [
    SqlInfo::FlightSqlServerReadOnly,
    SqlInfo::FlightSqlServerSql,
    SqlInfo::FlightSqlServerCancel,
    SqlInfo::SqlAllTablesAreSelectable,
    SqlInfo::SqlSupportsColumnAliasing,
    SqlInfo::SqlNullPlusNullIsNull,
    SqlInfo::SqlSupportsTableCorrelationNames,
    SqlInfo::SqlSupportsExpressionsInOrderBy,
    SqlInfo::SqlSupportsOrderByUnrelated,
    SqlInfo::SqlCatalogAtStart,
    SqlInfo::SqlCorrelatedSubqueriesSupported,
];

const CAN_NOT: [SqlInfo; 20] = [
    SqlInfo::FlightSqlServerSubstrait,
    SqlInfo::FlightSqlServerBulkIngestion,
    SqlInfo::FlightSqlServerIngestTransactionsSupported,
    SqlInfo::SqlDdlCatalog,
    SqlInfo::SqlDdlSchema,
    SqlInfo::SqlDdlTable,
    SqlInfo::SqlSupportsDifferentTableCorrelationNames,
    SqlInfo::SqlSupportsLikeEscapeClause,
    SqlInfo::SqlSupportsNonNullableColumns,
    SqlInfo::SqlSupportsIntegrityEnhancementFacility,
    SqlInfo::SqlSelectForUpdateSupported,
    SqlInfo::SqlStoredProceduresSupported,
    SqlInfo::SqlMaxRowSizeIncludesBlobs,
    SqlInfo::SqlTransactionsSupported,
    SqlInfo::SqlDataDefinitionCausesTransactionCommit,
    SqlInfo::SqlDataDefinitionsInTransactionsIgnored,
    SqlInfo::SqlBatchUpdatesSupported,
    SqlInfo::SqlSavepointsSupported,
    SqlInfo::SqlNamedParametersSupported,
    SqlInfo::SqlLocatorsUpdateCopy,
];

const NO_LIMIT: [SqlInfo; 19] = [
    SqlInfo::SqlMaxBinaryLiteralLength,
    SqlInfo::SqlMaxCharLiteralLength,
    SqlInfo::SqlMaxColumnNameLength,
    SqlInfo::SqlMaxColumnsInGroupBy,
    SqlInfo::SqlMaxColumnsInIndex,
    SqlInfo::SqlMaxColumnsInOrderBy,
    SqlInfo::SqlMaxColumnsInSelect,
    SqlInfo::SqlMaxColumnsInTable,
    SqlInfo::SqlMaxConnections,
    SqlInfo::SqlMaxCursorNameLength,
    SqlInfo::SqlMaxIndexLength,
    SqlInfo::SqlDbSchemaNameLength,
    SqlInfo::SqlMaxProcedureNameLength,
    SqlInfo::SqlMaxCatalogNameLength,
    SqlInfo::SqlMaxRowSize,
    SqlInfo::SqlMaxStatements,
    SqlInfo::SqlMaxTableNameLength,
    SqlInfo::SqlMaxTablesInSelect,
    SqlInfo::SqlMaxUsernameLength,
];
