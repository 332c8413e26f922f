//! Telling the service manager how it stands (`sd_notify`): one datagram to the socket that `NOTIFY_SOCKET` names, where there is one.
//!
//! Nothing hangs on it: who starts the server by hand has no such socket.

use std::ffi::OsStr;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The journal is replayed, and readings are taken.
pub const READY: &str = "READY=1";
/// It was asked to end.
pub const STOPPING: &str = "STOPPING=1";

pub fn tell(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, "the service manager could not be told: {state}");
    }
}

fn send(socket: &OsStr, state: &str) -> std::io::Result<()> {
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address(socket)?).map(drop)
}

/// A name that begins with @ is one that no file has.
#[cfg(target_os = "linux")]
fn address(socket: &OsStr) -> std::io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(socket),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(socket: &OsStr) -> std::io::Result<SocketAddr> {
    SocketAddr::from_pathname(socket)
}
