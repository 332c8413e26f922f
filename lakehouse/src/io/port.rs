//! What listeners need of others: to make a connection secure, and to know who comes and have it written down what they ask. The shell joins it with the gateway's.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use vitalog_elog::access::Principal;

/// What bytes go over.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Speaks TLS.
pub trait Secure: Send + Sync {
    /// A handshake with whoever connected.
    fn secure(&self, stream: TcpStream) -> BoxFuture<'_, std::io::Result<Box<dyn Wire>>>;
}

/// Knows who may come in.
pub trait Porter: Send + Sync {
    /// Whether anybody is asked for a password. If not, whoever comes is let in, whatever they are called.
    fn asks(&self) -> bool;

    /// Lets in who shows the secret of a name.
    fn admit<'a>(&'a self, name: &'a str, secret: &'a str) -> BoxFuture<'a, Result<Arc<dyn Guest>, NotIn>>;

    /// Knows whose token this is, which comes with each thing that is asked.
    ///
    /// # Errors
    /// Where it is nobody's.
    fn bearer(&self, token: &str) -> Result<Arc<dyn Guest>, NotIn>;
}

/// Somebody who was let in.
pub trait Guest: Send + Sync {
    /// The id of the account.
    fn id(&self) -> &str;

    /// Begins to ask something.
    ///
    /// # Errors
    /// Where they no longer may.
    fn call(&self) -> Result<Box<dyn Call>, NotIn>;
}

/// One thing that is asked.
pub trait Call: Send + Sync {
    /// Whoever asks: what the access port answers them is noted.
    fn who(&self) -> &Principal;

    /// Has it written down, with what became of it, as HTTP has a status; whether it may be shown.
    fn written(self: Box<Self>, status: u16) -> BoxFuture<'static, bool>;
}

/// Why somebody is not let in, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotIn {
    /// What was shown is not good, or no longer.
    NotGood(String),
    /// Too much was tried or asked; after a while it may be tried again.
    Later(String),
    /// Who may come in can't be told at present.
    Unknown,
}
