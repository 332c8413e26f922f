//! The sockets that a server listens on, for as long as the process lives: each round listens on a copy of them.

use std::net::{SocketAddr, TcpListener};

use crate::cli::Serve;
use crate::failure::Failure;
use crate::server::{self, Listeners};

pub struct Sockets {
    http: Bound,
    pg: Option<Bound>,
    flight: Option<Bound>,
}

struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Sockets {
    /// Binds what the command line names.
    ///
    /// # Errors
    /// Where an address is taken or not this machine's.
    pub fn bind(args: &Serve) -> Result<Sockets, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            Ok(Sockets {
                http: Bound::of(server::listen(args.listen, "--listen").await?)?,
                pg: beside(args.pg, "--pg").await?,
                flight: beside(args.flight, "--flight").await?,
            })
        })
    }

    /// Copies to listen on, in the runtime that this is called in.
    ///
    /// # Errors
    /// Where the system gives none.
    pub fn listeners(&self) -> Result<Listeners, Failure> {
        let beside = |bound: &Option<Bound>| bound.as_ref().map(Bound::copy).transpose();
        Ok(Listeners { http: self.http.copy()?, pg: beside(&self.pg)?, flight: beside(&self.flight)? })
    }

    /// Says where it can be reached.
    pub fn greet(&self, is_tls: bool) {
        if let Some(pg) = &self.pg {
            println!("listening on postgresql://{}/vitalog", pg.address);
        }
        if let Some(flight) = &self.flight {
            println!("listening on {}://{}", if is_tls { "grpc+tls" } else { "grpc" }, flight.address);
        }
        println!("listening on {}://{}", if is_tls { "https" } else { "http" }, self.http.address);
    }
}

impl Bound {
    fn of(listener: tokio::net::TcpListener) -> Result<Bound, Failure> {
        let address = listener.local_addr()?;
        Ok(Bound { listener: listener.into_std()?, address })
    }

    fn copy(&self) -> Result<tokio::net::TcpListener, Failure> {
        Ok(tokio::net::TcpListener::from_std(self.listener.try_clone()?)?)
    }
}

async fn beside(address: Option<SocketAddr>, flag: &str) -> Result<Option<Bound>, Failure> {
    match address {
        Some(address) => Ok(Some(Bound::of(server::listen(address, flag).await?)?)),
        None => Ok(None),
    }
}
