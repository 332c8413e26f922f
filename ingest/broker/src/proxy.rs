//! A proxy between client and broker that cuts connections, or lets nothing through any more and keeps them open.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// It is held, and goes on with the next [`Mode::Pass`].
    Stall,
    /// Connections end, and new ones at once.
    Cut,
}

struct Shared {
    mode: AtomicU8,
    open: Mutex<Vec<TcpStream>>,
    to: u16,
}

/// One way through. It goes on until the process ends.
pub struct Proxy {
    shared: Arc<Shared>,
}

impl Proxy {
    /// From a listener to a port of loopback.
    pub(crate) fn start(listener: TcpListener, to: u16) -> Proxy {
        let shared = Arc::new(Shared { mode: AtomicU8::new(Mode::Pass as u8), open: Mutex::default(), to });
        let accepting = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.join(client);
            }
        });
        Proxy { shared }
    }

    pub fn set(&self, mode: Mode) {
        self.shared.mode.store(mode as u8, Ordering::Release);
        if mode == Mode::Cut {
            for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Shared {
    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::Acquire) == mode as u8
    }

    fn join(self: &Arc<Shared>, client: TcpStream) {
        if self.is(Mode::Cut) {
            return;
        }
        let Ok(broker) = TcpStream::connect(("127.0.0.1", self.to)) else { return };
        for stream in [&client, &broker] {
            let _ = stream.set_nodelay(true);
            if let Ok(copy) = stream.try_clone() {
                self.open.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
            }
        }
        let (Ok(from), Ok(to)) = (client.try_clone(), broker.try_clone()) else { return };
        let (there, back) = (self.clone(), self.clone());
        thread::spawn(move || there.carry(from, to));
        thread::spawn(move || back.carry(broker, client));
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            while self.is(Mode::Stall) {
                thread::sleep(Duration::from_millis(5));
            }
            if self.is(Mode::Cut) || to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
