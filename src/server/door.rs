//! What listeners beside HTTP need, for clients of PostgreSQL and of Arrow Flight SQL: the gateway's accounts and log.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::net::TcpStream;
use vitalog_elog::access::Principal;
use vitalog_ingest::access::NotIn as Why;
use vitalog_ingest::io::{Call, Guest, NotTaken, Porter};
use vitalog_lakehouse::io::port;

use super::tls::Tls;

/// After which a connection ends that asks nothing, and what it kept is forgotten.
pub const IDLE: Duration = Duration::from_secs(3_600);

/// The gateway's porter, as the lake knows it.
pub struct Door(pub Arc<Porter>);

impl port::Porter for Door {
    fn asks(&self) -> bool {
        self.0.asks()
    }

    fn admit<'a>(&'a self, name: &'a str, secret: &'a str) -> BoxFuture<'a, Result<Arc<dyn port::Guest>, port::NotIn>> {
        async move {
            let guest = self.0.admit(name, secret).await.map_err(|why| not_in(&why))?;
            Ok(Arc::new(In(guest)) as Arc<dyn port::Guest>)
        }
        .boxed()
    }

    fn bearer(&self, token: &str) -> Result<Arc<dyn port::Guest>, port::NotIn> {
        let guest = self.0.bearer(token).map_err(|why| match why {
            Why::Token(vitalog_ingest::access::NotGood::Unknown) => port::NotIn::NotGood("this token is nobody's".to_owned()),
            other => not_in(&other),
        })?;
        Ok(Arc::new(In(guest)))
    }
}

fn not_in(why: &Why) -> port::NotIn {
    match why {
        // Whether there is such a token or account is not told.
        Why::Token(vitalog_ingest::access::NotGood::Unknown) | Why::Password => {
            port::NotIn::NotGood("no account has this name and this token or password".to_owned())
        }
        Why::Token(_) | Why::Unlinked(_) => port::NotIn::NotGood(why.to_string()),
        Why::Wait(wait) => port::NotIn::Later(format!("{why}: wait {} s", (wait.micros() + 999_999) / 1_000_000)),
        Why::Store(error) => {
            tracing::error!(%error, "who may come in can't be looked up");
            port::NotIn::Unknown
        }
    }
}

struct In(Guest);

impl port::Guest for In {
    fn id(&self) -> &str {
        self.0.id()
    }

    fn call(&self) -> Result<Box<dyn port::Call>, port::NotIn> {
        match self.0.call() {
            Ok(call) => Ok(Box::new(Asking(call))),
            Err(NotTaken::Over) => Err(port::NotIn::NotGood("what was shown is good no more".to_owned())),
            Err(NotTaken::TooMany) => Err(port::NotIn::Later("this token has asked as often as it may in a second".to_owned())),
        }
    }
}

struct Asking(Call);

impl port::Call for Asking {
    fn who(&self) -> &Principal {
        self.0.who()
    }

    fn written(self: Box<Self>, status: u16) -> BoxFuture<'static, bool> {
        self.0.written(status).boxed()
    }
}

impl port::Secure for Tls {
    fn secure(&self, stream: TcpStream) -> BoxFuture<'_, std::io::Result<Box<dyn port::Wire>>> {
        async move { Ok(Box::new(self.accept(stream).await?) as Box<dyn port::Wire>) }.boxed()
    }
}
