//! Resolving the name of a webhook's host to the addresses that may be spoken to, and to no others.
//!
//! The client connects to what this returns and asks nobody again, so a name can't pass the check as one address and be connected to as
//! another.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Name, Resolve, Resolving};

use crate::webhook::{Refused, check};

/// What a name is found to stand for.
type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

#[derive(Clone)]
pub(super) struct Guarded {
    pub allow_loopback: bool,
    /// Who is asked for names.
    look_up: Arc<dyn Fn(String) -> Found + Send + Sync>,
}

impl Guarded {
    /// Asks this machine's resolver.
    pub fn new(allow_loopback: bool) -> Guarded {
        let look_up = |name: String| -> Found {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok::<Vec<SocketAddr>, std::io::Error>(found.collect())
            })
        };
        Guarded { allow_loopback, look_up: Arc::new(look_up) }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_loopback, found) = (self.allow_loopback, (self.look_up)(name.as_str().to_owned()));
        Box::pin(async move {
            let mut refused = None;
            let mut permitted: Vec<SocketAddr> = Vec::new();
            for address in found.await? {
                match check(address.ip(), allow_loopback) {
                    Ok(()) => permitted.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                // One forbidden address among permitted ones is how a rebinding attack looks: the name is not to be trusted.
                Some(why) => Err(Box::<dyn std::error::Error + Send + Sync>::from(why)),
                None => Ok(Box::new(permitted.into_iter()) as reqwest::dns::Addrs),
            }
        })
    }
}

/// The refusal that an error of the client goes back to, if one does.
pub(super) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Refused> {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(refused) = e.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = e.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::Timeouts;
    use super::super::sender::client;
    use super::*;

    const PUBLIC: &str = "93.184.216.34";
    const LOOPBACK: &str = "127.0.0.1";
    const METADATA: &str = "169.254.169.254";

    /// A name whose addresses are others each time it is asked for, and how often it was.
    fn rebinding(allow_loopback: bool, answers: &[&[&str]]) -> (Guarded, Arc<AtomicUsize>) {
        let parsed = |answer: &&[&str]| answer.iter().map(|ip| SocketAddr::new(ip.parse().expect("an address"), 0)).collect();
        let answers: Vec<Vec<SocketAddr>> = answers.iter().map(parsed).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let look_up = move |_: String| -> Found {
            let answer = answers.get(count.fetch_add(1, Ordering::SeqCst)).expect("nobody asks so often").clone();
            Box::pin(std::future::ready(Ok(answer)))
        };
        (Guarded { allow_loopback, look_up: Arc::new(look_up) }, asked)
    }

    async fn resolved(guarded: &Guarded) -> Result<Vec<IpAddr>, Option<Refused>> {
        match guarded.resolve("rebinding.test".parse().expect("a name")).await {
            Ok(found) => Ok(found.map(|address| address.ip()).collect()),
            Err(why) => Err(refusal(&*why)),
        }
    }

    /// Sends one message; the status, or why it was refused.
    async fn sent(client: &reqwest::Client, url: &str) -> Result<u16, Option<Refused>> {
        client.post(url).body("{}").send().await.map(|response| response.status().as_u16()).map_err(|error| refusal(&error))
    }

    fn timeouts() -> Timeouts {
        Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(5) }
    }

    async fn nobody_comes(listener: &TcpListener) -> bool {
        tokio::time::timeout(Duration::from_millis(100), listener.accept()).await.is_err()
    }

    #[tokio::test]
    async fn a_name_is_judged_by_each_answer_and_by_all_of_it() {
        let (guarded, _) = rebinding(false, &[&[PUBLIC], &[LOOPBACK], &[PUBLIC, METADATA], &[PUBLIC, LOOPBACK], &[PUBLIC]]);
        let public: Result<Vec<IpAddr>, Option<Refused>> = Ok(vec![PUBLIC.parse().expect("an address")]);
        assert_eq!(resolved(&guarded).await, public);
        assert_eq!(resolved(&guarded).await, Err(Some(Refused::Private)), "it was public a moment ago");
        assert_eq!(resolved(&guarded).await, Err(Some(Refused::Never)), "one of them is public");
        assert_eq!(resolved(&guarded).await, Err(Some(Refused::Private)), "one of them is public");
        assert_eq!(resolved(&guarded).await, public, "a refusal is not for ever");
    }

    #[tokio::test]
    async fn a_public_name_that_is_this_host_when_it_is_connected_to_reaches_nobody() {
        let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a free port");
        let url = format!("https://rebinding.test:{}/", listener.local_addr().expect("an address").port());
        let (guarded, asked) = rebinding(false, &[&[PUBLIC], &[LOOPBACK]]);
        assert!(resolved(&guarded).await.is_ok(), "at first it is nobody of the inside");
        let client = client(timeouts(), guarded).expect("a client");
        assert_eq!(sent(&client, &url).await, Err(Some(Refused::Private)));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(nobody_comes(&listener).await, "it was connected to");
    }

    #[tokio::test]
    async fn what_was_judged_is_connected_to_and_nobody_asked_again() {
        let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a free port");
        let url = format!("http://rebinding.test:{}/", listener.local_addr().expect("an address").port());
        // Asked twice for one connection, the second answer would be connected to, or refused.
        let (guarded, asked) = rebinding(true, &[&[LOOPBACK], &[METADATA]]);
        let client = client(timeouts(), guarded).expect("a client");
        let answering = async {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            let mut head = [0_u8; 1024];
            let count = stream.read(&mut head).await.expect("a request");
            assert!(head[..count].starts_with(b"POST / "), "{}", String::from_utf8_lossy(&head[..count]));
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.expect("sent");
        };
        let (first, ()) = tokio::join!(sent(&client, &url), answering);
        assert_eq!((first, asked.load(Ordering::SeqCst)), (Ok(204), 1));
        assert_eq!(sent(&client, &url).await, Err(Some(Refused::Never)), "a further connection is judged anew");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(nobody_comes(&listener).await);
    }
}
