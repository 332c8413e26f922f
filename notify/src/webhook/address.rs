//! Which addresses a webhook may be sent to.
//!
//! The URL of a webhook is chosen by someone who may not reach the network that this host is in. So what only this host, its links, its
//! private network or its cloud's metadata service would answer is refused. The check is on the resolved address, and that very address is
//! connected to: a name that resolves to something else the next time gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Link-local, metadata, multicast, reserved or unspecified: never.
    Never,
    /// This host or a private network: only where the endpoint is configured so.
    Private,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Never => "link-local, metadata and reserved addresses are refused",
            Refused::Private => "addresses of this host and of private networks are refused without allow_loopback",
        })
    }
}

impl std::error::Error for Refused {}

/// # Errors
/// Why it may not be spoken to.
pub fn check(address: IpAddr, allow_loopback: bool) -> Result<(), Refused> {
    let verdict = match address {
        IpAddr::V4(v4) => judge_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => judge_v4(v4),
            None => judge_v6(v6),
        },
    };
    match verdict {
        Err(Refused::Private) if allow_loopback => Ok(()),
        other => other,
    }
}

/// Metadata services that are in ranges otherwise only private: Alibaba Cloud, Oracle Cloud, and the AWS fabric over IPv6.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// By the IANA registry of special-purpose addresses (RFC 6890).
fn judge_v4(a: Ipv4Addr) -> Result<(), Refused> {
    let [first, second, ..] = a.octets();
    if METADATA_V4.contains(&a) || a.is_link_local() || a.is_multicast() || first == 0 || first >= 240 {
        return Err(Refused::Never);
    }
    let shared = first == 100 && (64..128).contains(&second);
    let benchmark = first == 198 && (second == 18 || second == 19);
    let protocol = a.octets()[..3] == [192, 0, 0];
    if a.is_loopback() || a.is_private() || shared || benchmark || protocol || a.is_documentation() {
        return Err(Refused::Private);
    }
    Ok(())
}

fn judge_v6(a: Ipv6Addr) -> Result<(), Refused> {
    if a == METADATA_V6 || a.is_unicast_link_local() || a.is_multicast() || a.is_unspecified() {
        return Err(Refused::Never);
    }
    // Only 2000::/3 is given out as global; loopback and unique local addresses lie outside, and so does what is not assigned yet.
    let global = (a.segments()[0] & 0xe000) == 0x2000;
    let documentation = a.segments()[..2] == [0x2001, 0xdb8];
    if a.is_loopback() || a.is_unique_local() || documentation {
        return Err(Refused::Private);
    }
    if global { Ok(()) } else { Err(Refused::Never) }
}

/// The IPv4 address that an IPv6 address leads to: mapped (::ffff:0:0/96), compatible (::/96), translated (64:ff9b::/96), 6to4 (2002::/16).
fn embedded(a: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = a.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        // ::1 and :: are themselves.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}
