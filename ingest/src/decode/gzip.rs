//! Unpacking a gzip body, with an end: a small body that unpacks to a great one is refused before it is unpacked.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use vitalog_elog::Refusal;

/// The unpacked bytes.
///
/// # Errors
/// `too_large` where more than `limit` bytes come out, `malformed_gzip` where it is no gzip or ends early.
pub fn inflate(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit));
    let mut unpacked = MultiGzDecoder::new(bytes).take(limit as u64 + 1);
    unpacked.read_to_end(&mut out).map_err(|e| {
        Refusal::whole(
            "malformed_gzip",
            format!("the body can't be unpacked: {e}"),
            "compress the whole body with gzip, or send it without content-encoding",
        )
    })?;
    if out.len() > limit {
        return Err(Refusal::whole(
            "too_large",
            format!("the body unpacks to more than {limit} bytes"),
            "send fewer readings at a time",
        ));
    }
    Ok(out)
}
