//! What was refused at the door, and what became of it.

use base64::Engine as _;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;
use vitalog_elog::input::DeadLetter;
use vitalog_elog::{Subject, Time};

use super::Ask;
use crate::views::ViewsError;

/// Which dead letters are asked for; what is not said is wanted whatever it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LetterQuery {
    pub code: Option<String>,
    pub field: Option<String>,
    pub sender: Option<String>,
    pub subject: Option<String>,
    /// Whether it has become a reading.
    pub mended: Option<bool>,
    /// Of their arrival; included.
    pub from: Option<Time>,
    /// Excluded.
    pub to: Option<Time>,
}

/// A dead letter as it was journaled.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The offset of the input that kept it.
    pub record: u64,
    pub arrival: Time,
    pub letter: DeadLetter,
    /// How often it was tried again.
    pub tries: u64,
    /// The offset of the reading that it became.
    pub reading: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LetterView {
    /// The offset of the input that kept it.
    pub record: u64,
    pub arrived: String,
    pub subject: Option<String>,
    pub code: String,
    pub field: Option<String>,
    pub message: String,
    pub sender: String,
    /// The bytes as they came, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The bytes as they came, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_base64: Option<String>,
    /// How often it was tried again.
    pub tries: u64,
    /// The offset of the reading that it became.
    pub reading: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LetterPage {
    /// How many there are of those asked for.
    pub total: u64,
    pub dead_letters: Vec<LetterView>,
    /// To be given as `after` for the next page; `null`: this was the last.
    pub next: Option<u64>,
}

/// A dead letter with all that became of it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LetterDetail {
    #[serde(flatten)]
    pub letter: LetterView,
    /// In the order in which it was tried again.
    pub history: Vec<MendingView>,
}

/// One time that a letter was tried again.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MendingView {
    pub record: u64,
    pub at: String,
    pub by: String,
    /// Whether another body was sent in its place.
    pub mended: bool,
    /// `taken` or `refused`.
    pub outcome: &'static str,
    /// Of the reading that it became: its name, revision and offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

const COLUMNS: &str = "record, arrival, subject, code, field, message, sender, raw, tries, reading";
const WANTED: &str = "(?1 is null or code = ?1) and (?2 is null or field = ?2) and (?3 is null or sender = ?3) and (?4 is null or subject = ?4) \
    and (?5 is null or (reading is not null) = ?5) and (?6 is null or arrival >= ?6) and (?7 is null or arrival < ?7)";

impl Ask<'_> {
    /// Dead letters, newest first, those before the offset `after`.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn dead_letters(&self, query: &LetterQuery, after: Option<u64>, limit: usize) -> Result<LetterPage, ViewsError> {
        let mut count = self.conn.prepare_cached(&format!("select count(*) from dead_letters where {WANTED}"))?;
        let q = query;
        let total: i64 = count
            .query_row(params![q.code, q.field, q.sender, q.subject, q.mended, q.from.map(|t| t.0), q.to.map(|t| t.0)], |r| {
                r.get(0)
            })?;
        let before = after.map_or(i64::MAX, |a| i64::try_from(a).unwrap_or(i64::MAX));
        let mut letters = self.letters(query, "record < ?8 order by record desc", before, limit + 1)?;
        let more = letters.len() > limit;
        letters.truncate(limit);
        let next = letters.last().filter(|_| more).map(|l| l.record);
        Ok(LetterPage { total: total as u64, dead_letters: letters.into_iter().map(LetterView::of).collect(), next })
    }

    /// Those that have become no reading, oldest first, those behind the offset `after`.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn open_letters(&self, query: &LetterQuery, after: Option<u64>, limit: usize) -> Result<Vec<Letter>, ViewsError> {
        let query = LetterQuery { mended: Some(false), ..query.clone() };
        let behind = after.map_or(-1, |a| i64::try_from(a).unwrap_or(i64::MAX));
        self.letters(&query, "record > ?8 order by record", behind, limit)
    }

    /// One as it was journaled.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn letter(&self, record: u64) -> Result<Option<Letter>, ViewsError> {
        let mut find = self.conn.prepare_cached(&format!("select {COLUMNS} from dead_letters where record = ?1"))?;
        Ok(find.query_row([i64::try_from(record).unwrap_or(i64::MAX)], read).optional()?)
    }

    /// One with all that became of it.
    ///
    /// # Errors
    /// [`ViewsError::Sql`].
    pub fn dead_letter(&self, record: u64) -> Result<Option<LetterDetail>, ViewsError> {
        let Some(letter) = self.letter(record)? else { return Ok(None) };
        let mut find = self.conn.prepare_cached(
            "select record, arrival, person, mended, name, rev, code, field, message from mendings where letter = ?1 order by record",
        )?;
        let history = find.query_map([letter.record as i64], mending)?.collect::<Result<_, _>>()?;
        Ok(Some(LetterDetail { letter: LetterView::of(letter), history }))
    }

    fn letters(&self, q: &LetterQuery, place: &str, from: i64, limit: usize) -> Result<Vec<Letter>, ViewsError> {
        let sql = format!("select {COLUMNS} from dead_letters where {WANTED} and {place} limit ?9");
        let mut find = self.conn.prepare_cached(&sql)?;
        let (since, until) = (q.from.map(|t| t.0), q.to.map(|t| t.0));
        let asked = params![q.code, q.field, q.sender, q.subject, q.mended, since, until, from, limit as i64];
        Ok(find.query_map(asked, read)?.collect::<Result<_, _>>()?)
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Letter> {
    let text = |column: &str| row.get::<_, String>(column);
    let letter = DeadLetter {
        subject: row.get::<_, Option<String>>("subject")?.map(|s| Subject::new(&s)),
        code: text("code")?.into(),
        field: row.get::<_, Option<String>>("field")?.map(Into::into),
        message: text("message")?.into(),
        raw: row.get::<_, Vec<u8>>("raw")?.into(),
        sender: text("sender")?.into(),
    };
    Ok(Letter {
        record: row.get::<_, i64>("record")? as u64,
        arrival: Time(row.get("arrival")?),
        letter,
        tries: row.get::<_, i64>("tries")? as u64,
        reading: row.get::<_, Option<i64>>("reading")?.map(|r| r as u64),
    })
}

fn mending(row: &Row<'_>) -> rusqlite::Result<MendingView> {
    let record: i64 = row.get("record")?;
    let id: Option<String> = row.get("name")?;
    Ok(MendingView {
        record: record as u64,
        at: Time(row.get("arrival")?).to_string(),
        by: row.get("person")?,
        mended: row.get("mended")?,
        outcome: if id.is_some() { "taken" } else { "refused" },
        offset: id.as_ref().map(|_| record as u64 - 1),
        id,
        rev: row.get("rev")?,
        code: row.get("code")?,
        field: row.get("field")?,
        message: row.get("message")?,
    })
}

impl LetterView {
    fn of(letter: Letter) -> LetterView {
        let Letter { record, arrival, letter, tries, reading } = letter;
        let (raw, raw_base64) = match std::str::from_utf8(&letter.raw) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(base64::engine::general_purpose::STANDARD.encode(&letter.raw))),
        };
        LetterView {
            record,
            arrived: arrival.to_string(),
            subject: letter.subject.map(|s| s.as_str().to_owned()),
            code: letter.code.to_string(),
            field: letter.field.map(|f| f.to_string()),
            message: letter.message.to_string(),
            sender: letter.sender.to_string(),
            raw,
            raw_base64,
            tries,
            reading,
        }
    }
}
