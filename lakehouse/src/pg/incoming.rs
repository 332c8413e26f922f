//! What a client says: its opening packet, then messages. <https://www.postgresql.org/docs/current/protocol-message-formats.html>
//!
//! Every length is checked against what has come before anything is taken, and a message that is longer than it may be, or of no kind that there is, ends the connection before it is waited for:
//! so whoever sends garbage holds no memory. Texts must be UTF-8.

use bytes::{Buf, Bytes, BytesMut};

/// The longest packet of those who have not said yet who they are.
const LONGEST_OPENING: usize = 10_000;

const CANCEL: i32 = 80_877_102;
const TLS: i32 = 80_877_103;
const GSS: i32 = 80_877_104;

/// It is not the protocol: there is no telling where the next message begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbled(pub &'static str);

/// The first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Asks for TLS.
    Tls,
    /// Asks for encryption by Kerberos, which there is none of.
    Gss,
    Cancel(Key),
    Startup {
        minor: u16,
        parameters: Vec<(String, String)>,
    },
    /// Of a version that is not spoken.
    OtherVersion(i32),
}

/// By what a connection is named by who wants its question stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub process: i32,
    pub secret: i32,
}

/// Whether a value is written as text or in PostgreSQL's binary form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Text,
    Binary,
}

/// A statement, or one with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Statement,
    Portal,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Password(Bytes),
    Query(String),
    Parse {
        name: String,
        sql: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Of, String),
    Execute {
        portal: String,
        /// At most so many rows; 0: all.
        rows: u32,
    },
    Close(Of, String),
    Flush,
    Sync,
    Terminate,
    /// Of a copy that never began, or a call that there is none of.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    pub forms: Forms,
    pub values: Vec<Option<Bytes>>,
    pub wanted: Forms,
}

/// Of a list of values: none is said, one for all, or one for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forms(Vec<Form>);

impl Forms {
    /// One for all.
    #[cfg(test)]
    pub fn all(form: Form) -> Forms {
        Forms(vec![form])
    }

    /// Whether it fits that many values.
    pub fn fit(&self, values: usize) -> bool {
        self.0.len() <= 1 || self.0.len() == values
    }

    pub fn of(&self, place: usize) -> Form {
        match &*self.0 {
            [] => Form::Text,
            [all] => *all,
            each => each.get(place).copied().unwrap_or_default(),
        }
    }
}

/// Takes the first packet out of what has come; `None` while it is not whole.
///
/// # Errors
/// Where it can't be one.
pub fn opening(come: &mut BytesMut) -> Result<Option<Opening>, Garbled> {
    let Some(head) = come.get(..4).and_then(|head| <[u8; 4]>::try_from(head).ok()) else { return Ok(None) };
    let length = usize::try_from(i32::from_be_bytes(head)).unwrap_or(0);
    if !(8..=LONGEST_OPENING).contains(&length) {
        return Err(Garbled("no client of PostgreSQL begins so"));
    }
    if come.len() < length {
        return Ok(None);
    }
    let packet = come.split_to(length).freeze();
    let mut rest = Reader(packet.slice(4..));
    let opening = match rest.int()? {
        TLS => Opening::Tls,
        GSS => Opening::Gss,
        CANCEL => Opening::Cancel(Key { process: rest.int()?, secret: rest.int()? }),
        version if version >> 16 == 3 => {
            let mut parameters = Vec::new();
            loop {
                let name = rest.text()?;
                if name.is_empty() {
                    break;
                }
                parameters.push((name, rest.text()?));
            }
            Opening::Startup { minor: u16::try_from(version & 0xffff).unwrap_or(u16::MAX), parameters }
        }
        other => return Ok(Some(Opening::OtherVersion(other))),
    };
    rest.end()?;
    Ok(Some(opening))
}

/// Takes the next message out of what has come; `None` while it is not whole. `longest`: what it may be long.
///
/// # Errors
/// Where it can't be one.
pub fn message(come: &mut BytesMut, longest: usize) -> Result<Option<Incoming>, Garbled> {
    let Some(&kind) = come.first() else { return Ok(None) };
    if !b"pQPBDECHSXdcfF".contains(&kind) {
        return Err(Garbled("there is no such message"));
    }
    let Some(head) = come.get(1..5).and_then(|head| <[u8; 4]>::try_from(head).ok()) else { return Ok(None) };
    let length = usize::try_from(i32::from_be_bytes(head)).unwrap_or(0);
    if length < 4 {
        return Err(Garbled("a message has no such length"));
    }
    if length > longest {
        return Err(Garbled("the message is longer than it may be"));
    }
    if come.len() <= length {
        return Ok(None);
    }
    come.advance(5);
    let mut rest = Reader(come.split_to(length - 4).freeze());
    let said = match kind {
        b'p' => Incoming::Password(rest.all()),
        b'Q' => Incoming::Query(rest.text()?),
        b'P' => {
            let (name, sql) = (rest.text()?, rest.text()?);
            Incoming::Parse { name, sql, types: rest.list(|r| r.int().map(i32::cast_unsigned))? }
        }
        b'B' => {
            let (portal, statement) = (rest.text()?, rest.text()?);
            let forms = Forms(rest.list(Reader::form)?);
            let values = rest.list(Reader::value)?;
            Incoming::Bind(Bind { portal, statement, forms, values, wanted: Forms(rest.list(Reader::form)?) })
        }
        b'D' => Incoming::Describe(rest.of()?, rest.text()?),
        b'C' => Incoming::Close(rest.of()?, rest.text()?),
        b'E' => Incoming::Execute { portal: rest.text()?, rows: u32::try_from(rest.int()?).unwrap_or(0) },
        b'H' => Incoming::Flush,
        b'S' => Incoming::Sync,
        b'X' => Incoming::Terminate,
        _ => {
            rest.all();
            Incoming::Other
        }
    };
    rest.end()?;
    Ok(Some(said))
}

/// What is left of a packet.
pub struct Reader(pub Bytes);

const SHORT: Garbled = Garbled("a message ends before what it says");

impl Reader {
    pub fn take(&mut self, length: usize) -> Result<Bytes, Garbled> {
        if self.0.len() < length { Err(SHORT) } else { Ok(self.0.split_to(length)) }
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        <[u8; N]>::try_from(&*self.take(N)?).map_err(|_| SHORT)
    }

    pub fn int(&mut self) -> Result<i32, Garbled> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn short(&mut self) -> Result<i16, Garbled> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn all(&mut self) -> Bytes {
        std::mem::take(&mut self.0)
    }

    pub fn end(&self) -> Result<(), Garbled> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled("a message is longer than what it says")) }
    }

    /// Up to a zero byte, which goes, too.
    fn text(&mut self) -> Result<String, Garbled> {
        let end = self.0.iter().position(|b| *b == 0).ok_or(SHORT)?;
        let text = self.take(end)?;
        self.take(1)?;
        String::from_utf8(text.into()).map_err(|_| Garbled("a text is not UTF-8"))
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Reader) -> Result<T, Garbled>) -> Result<Vec<T>, Garbled> {
        let count = self.short()?.cast_unsigned();
        (0..count).map(|_| one(self)).collect()
    }

    fn form(&mut self) -> Result<Form, Garbled> {
        match self.short()? {
            0 => Ok(Form::Text),
            1 => Ok(Form::Binary),
            _ => Err(Garbled("there is no such form of a value")),
        }
    }

    /// With its length before it; -1: null.
    pub fn value(&mut self) -> Result<Option<Bytes>, Garbled> {
        match self.int()? {
            -1 => Ok(None),
            length => Ok(Some(self.take(usize::try_from(length).map_err(|_| SHORT)?)?)),
        }
    }

    fn of(&mut self) -> Result<Of, Garbled> {
        match self.array()? {
            [b'S'] => Ok(Of::Statement),
            [b'P'] => Ok(Of::Portal),
            _ => Err(Garbled("there is no such thing to describe or close")),
        }
    }
}
