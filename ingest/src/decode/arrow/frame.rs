//! The frames of a stream: each a message that says what follows, and its body.

use arrow_ipc::{Message, MetadataVersion, root_as_message_with_opts};
use flatbuffers::VerifierOptions;
use vitalog_elog::Refusal;

use super::{BEGINNING, malformed};

/// The longest description of a message, in bytes: what describes 128 columns has a tenth of it.
const LONGEST_HEAD: usize = 1 << 20;

/// One message, and the bytes that it describes.
pub(super) struct Framed<'a> {
    pub message: Message<'a>,
    pub body: &'a [u8],
}

/// The messages of a stream, up to its end mark. After what can't be read comes nothing more.
pub(super) struct Messages<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Messages<'a> {
    pub fn of(body: &'a [u8]) -> Messages<'a> {
        Messages { rest: Some(body) }
    }

    fn read(&mut self, bytes: &'a [u8]) -> Result<Option<Framed<'a>>, Refusal> {
        let cut = || malformed("the stream ends before its end mark");
        if bytes.starts_with(b"ARROW1") {
            return Err(malformed("this is an Arrow file"));
        }
        let (mark, bytes) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        if *mark != BEGINNING {
            return Err(malformed("no message begins where one should"));
        }
        let (length, bytes) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length == 0 {
            return if bytes.is_empty() { Ok(None) } else { Err(malformed("something follows the end mark")) };
        }
        let (head, bytes) = bytes.split_at_checked(length).ok_or_else(cut)?;
        if length > LONGEST_HEAD {
            return Err(malformed("a message is described by more than a megabyte"));
        }
        // One piece of a description may be pointed at from many places, so what it comes to has an end of its own.
        let options = VerifierOptions { max_tables: 10_000, max_apparent_size: 4 * LONGEST_HEAD, ..VerifierOptions::default() };
        let message = root_as_message_with_opts(&options, head).map_err(|_| malformed("a message can't be read"))?;
        if !matches!(message.version(), MetadataVersion::V4 | MetadataVersion::V5) {
            return Err(malformed("the stream is of a version that is not read here"));
        }
        let length = usize::try_from(message.bodyLength()).map_err(|_| malformed("a body is of no length"))?;
        let (body, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
        self.rest = Some(rest);
        Ok(Some(Framed { message, body }))
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Framed<'a>, Refusal>;

    fn next(&mut self) -> Option<Result<Framed<'a>, Refusal>> {
        let bytes = self.rest.take()?;
        self.read(bytes).transpose()
    }
}
