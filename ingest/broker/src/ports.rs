//! Ports for servers that are ended and started again at the same place.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that Linux gives to whoever asks for any port, or connects from any: as long as a server is down, nobody is given its port,
/// and nobody who knocks there is answered by themselves.
const FIRST: u16 = 20_000;
const NUMBER: u16 = 12_000;

/// Ports on loopback that nobody listens on, and that no other call of this process gives.
///
/// # Panics
/// Where all are taken.
pub fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes begin at different places.
    let begin = std::process::id().wrapping_mul(7_919);
    [(); N].map(|()| {
        let mut tried = (0..NUMBER).map(|_| {
            let turn = begin.wrapping_add(u32::from(NEXT.fetch_add(1, Ordering::Relaxed)));
            FIRST + u16::try_from(turn % u32::from(NUMBER)).expect("below their number")
        });
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        tried.find(is_free).expect("a free port")
    })
}
