//! What is said to a client, put into one buffer until it is sent.

use bytes::{BufMut, BytesMut};

use crate::pg::fault::Fault;
use crate::pg::incoming::{Form, Key};
use crate::pg::types::Type;

/// Where a session stands, as each `ReadyForQuery` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    #[default]
    Idle,
    InTransaction,
    /// A statement failed in a transaction: nothing is done until it ends.
    Failed,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: &'static Type,
}

/// Messages that were not sent yet.
#[derive(Debug, Default)]
pub struct Outgoing(pub BytesMut);

impl Outgoing {
    /// A message of a kind; its length is filled in once its content is there.
    fn put(&mut self, kind: u8, content: impl FnOnce(&mut BytesMut)) {
        self.0.put_u8(kind);
        let begin = self.0.len();
        self.0.put_i32(0);
        content(&mut self.0);
        // A message is far shorter than its length could say: rows are bounded by the limits of a query.
        let length = i32::try_from(self.0.len() - begin).unwrap_or(i32::MAX);
        self.0[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
    }

    pub fn ask_for_password(&mut self) {
        self.put(b'R', |b| b.put_i32(3));
    }

    pub fn welcome(&mut self) {
        self.put(b'R', |b| b.put_i32(0));
    }

    /// That version 3.0 is spoken, and none of these extensions.
    pub fn negotiate(&mut self, unknown: &[&str]) {
        self.put(b'v', |b| {
            b.put_i32(0);
            b.put_i32(i32::try_from(unknown.len()).unwrap_or(0));
            unknown.iter().for_each(|name| text(b, name));
        });
    }

    pub fn setting(&mut self, name: &str, value: &str) {
        self.put(b'S', |b| {
            text(b, name);
            text(b, value);
        });
    }

    pub fn key(&mut self, key: Key) {
        self.put(b'K', |b| {
            b.put_i32(key.process);
            b.put_i32(key.secret);
        });
    }

    pub fn ready(&mut self, standing: Standing) {
        self.put(b'Z', |b| {
            b.put_u8(match standing {
                Standing::Idle => b'I',
                Standing::InTransaction => b'T',
                Standing::Failed => b'E',
            });
        });
    }

    pub fn columns(&mut self, columns: &[Column], form: impl Fn(usize) -> Form) {
        self.put(b'T', |b| {
            b.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
            for (place, column) in columns.iter().enumerate() {
                text(b, &column.name);
                // Of no table's column that a client could look up.
                b.put_i32(0);
                b.put_i16(0);
                b.put_u32(column.kind.oid);
                b.put_i16(column.kind.length);
                b.put_i32(-1);
                b.put_i16(i16::from(form(place) == Form::Binary));
            }
        });
    }

    /// A row, whose cells are written by `cells`: each with its length.
    ///
    /// # Errors
    /// As `cells`; then nothing of the row is there.
    pub fn row(&mut self, columns: usize, cells: impl FnOnce(&mut BytesMut) -> Result<(), Fault>) -> Result<(), Fault> {
        let begin = self.0.len();
        let mut written = Ok(());
        self.put(b'D', |b| {
            b.put_u16(u16::try_from(columns).unwrap_or(u16::MAX));
            written = cells(b);
        });
        if written.is_err() {
            self.0.truncate(begin);
        }
        written
    }

    pub fn complete(&mut self, tag: &str) {
        self.put(b'C', |b| text(b, tag));
    }

    pub fn parameters(&mut self, kinds: &[&'static Type]) {
        self.put(b't', |b| {
            b.put_u16(u16::try_from(kinds.len()).unwrap_or(u16::MAX));
            kinds.iter().for_each(|kind| b.put_u32(kind.oid));
        });
    }

    pub fn parsed(&mut self) {
        self.put(b'1', |_| ());
    }

    pub fn bound(&mut self) {
        self.put(b'2', |_| ());
    }

    pub fn closed(&mut self) {
        self.put(b'3', |_| ());
    }

    pub fn no_columns(&mut self) {
        self.put(b'n', |_| ());
    }

    pub fn suspended(&mut self) {
        self.put(b's', |_| ());
    }

    pub fn nothing_asked(&mut self) {
        self.put(b'I', |_| ());
    }

    pub fn fault(&mut self, fault: &Fault) {
        let severity = if fault.is_fatal { "FATAL" } else { "ERROR" };
        self.put(b'E', |b| {
            let position = fault.position.map(|position| position.to_string());
            let fields = [
                (b'S', Some(severity)),
                (b'V', Some(severity)),
                (b'C', Some(fault.state)),
                (b'M', Some(&*fault.message)),
                (b'H', fault.remedy.as_deref()),
                (b'P', position.as_deref()),
            ];
            for (kind, value) in fields {
                let Some(value) = value else { continue };
                b.put_u8(kind);
                text(b, value);
            }
            b.put_u8(0);
        });
    }
}

/// A text ends with its first zero byte, so none may be in it.
fn text(b: &mut BytesMut, text: &str) {
    b.extend(text.bytes().filter(|byte| *byte != 0));
    b.put_u8(0);
}
