//! Unpacking a packed body, with an end: a small body that unpacks to a great one is refused before it is unpacked.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use vitalog_elog::Refusal;

/// The largest window of zstd, as a power of two: 8 MiB, which RFC 9659 sets for bodies that come by HTTP. A frame may ask for more room than that before it
/// has given out one byte.
const WINDOW_LOG: u32 = 23;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    pub const ALL: [Packing; 2] = [Packing::Gzip, Packing::Zstd];

    /// As a content encoding is called.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }

    /// By the ending of a file's name, and the name without it.
    pub fn of_file(name: &str) -> Option<(Packing, &str)> {
        let known = [(".gz", Packing::Gzip), (".zst", Packing::Zstd)];
        known.into_iter().find_map(|(ending, packing)| Some((packing, name.strip_suffix(ending)?)))
    }

    /// The unpacked bytes.
    ///
    /// # Errors
    /// `too_large` where more than `limit` bytes come out; `malformed_gzip` or `malformed_zstd` where it is none, or ends early.
    pub fn unpack(self, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
        let unpacked = match self {
            Packing::Gzip => read(MultiGzDecoder::new(bytes), bytes.len(), limit),
            Packing::Zstd => zstd::stream::read::Decoder::with_buffer(bytes).and_then(|mut decoder| {
                decoder.window_log_max(WINDOW_LOG)?;
                read(decoder, bytes.len(), limit)
            }),
        };
        let out = unpacked.map_err(|e| {
            let name = self.name();
            let window = if self == Packing::Zstd { " and a window of at most 8 MiB" } else { "" };
            let remedy = format!("compress the whole of it with {name}{window}, or send it as it is");
            Refusal::whole(&format!("malformed_{name}"), format!("it can't be unpacked: {e}"), remedy)
        })?;
        if out.len() > limit {
            let message = format!("it unpacks to more than {limit} bytes");
            return Err(Refusal::whole("too_large", message, "send fewer readings at a time"));
        }
        Ok(out)
    }
}

/// What comes out, but no more than one byte above the limit.
fn read(from: impl Read, packed: usize, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(packed.saturating_mul(4).min(limit));
    from.take(limit as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}
