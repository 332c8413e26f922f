//! The two buffers of a connection: what has come, and what is to be sent.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::io::port::Wire;
use crate::pg::fault::Fault;
use crate::pg::incoming::{Garbled, Incoming, message};
use crate::pg::outgoing::Outgoing;

/// What is to be sent is sent when it is so much.
const FULL: usize = 64 << 10;
/// So much of further messages is taken while one is answered.
const AHEAD: usize = 64 << 10;
/// Who takes nothing for so long is gone.
const STALL: Duration = Duration::from_secs(60);

/// Why a connection ends.
#[derive(Debug)]
pub enum End {
    /// The other side is gone, or takes nothing.
    Gone,
    Garbled(Garbled),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> End {
        End::Gone
    }
}

impl From<Garbled> for End {
    fn from(garbled: Garbled) -> End {
        End::Garbled(garbled)
    }
}

pub struct Line {
    wire: Box<dyn Wire>,
    come: BytesMut,
    pub out: Outgoing,
}

impl Line {
    pub fn new(wire: Box<dyn Wire>) -> Line {
        Line { wire, come: BytesMut::new(), out: Outgoing::default() }
    }

    /// The next message.
    ///
    /// # Errors
    /// Where there will be none.
    pub async fn next(&mut self, longest: usize) -> Result<Incoming, End> {
        loop {
            if let Some(said) = message(&mut self.come, longest)? {
                return Ok(said);
            }
            if self.wire.read_buf(&mut self.come).await? == 0 {
                return Err(End::Gone);
            }
        }
    }

    /// Waits for what is being done; an end of the connection, and a word from elsewhere, end it at once.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn busy<T>(
        &mut self,
        stop: &Notify,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Result<T, Fault>, End> {
        tokio::pin!(work);
        let stopped = stop.notified();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = &mut stopped => {
                    return Ok(Err(Fault::new("57014", "the statement was stopped, as was asked")));
                }
                read = self.wire.read_buf(&mut self.come), if self.come.len() < AHEAD => {
                    if read? == 0 {
                        return Err(End::Gone);
                    }
                }
            }
        }
    }

    /// Sends what is there, if it is much.
    ///
    /// # Errors
    /// Where nobody takes it.
    pub async fn relieve(&mut self) -> Result<(), End> {
        if self.out.0.len() < FULL { Ok(()) } else { self.send().await }
    }

    /// Sends what is there.
    ///
    /// # Errors
    /// Where nobody takes it.
    pub async fn send(&mut self) -> Result<(), End> {
        let sent = async {
            self.wire.write_all(&self.out.0).await?;
            self.wire.flush().await
        };
        tokio::time::timeout(STALL, sent).await.map_err(|_| End::Gone)??;
        self.out.0.clear();
        Ok(())
    }

    /// Says good-bye as far as it is heard.
    pub async fn shut(mut self) {
        // Whoever is gone is not told.
        let _ = self.send().await;
        let _ = tokio::time::timeout(STALL, self.wire.shutdown()).await;
    }
}
