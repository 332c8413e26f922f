//! Notices of emergencies: what was opened goes from the store of accounts to the outbox, which delivers it like any other message.
//!
//! Who opened whom is no input of the journal, so no replay could make the messages again. In place of a position in the journal each emergency has a note whether it was told.
//!
//! INVARIANT (opened is told): that note is made once the outbox has the messages on stable storage. Killed in between, they are handed over again under the same ids, and the outbox passes over what it has. With nobody to hear of it
//! it counts as told: who comes later is not told of what is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use vitalog_ingest::access::Accounts;
use vitalog_notify::emergency::notices;
use vitalog_notify::{Endpoint, Outbox};

use super::clock::Now;

/// After a failure it is tried again in so long.
const AGAIN: Duration = Duration::from_secs(5);

/// What handing over needs.
pub struct Notices {
    pub accounts: Arc<Accounts>,
    pub outbox: Arc<Outbox>,
    pub endpoints: Vec<Endpoint>,
    pub now: Now,
}

impl Notices {
    /// Hands over what nobody was told of, now and each time that `opened` says there may be more, until `stop`. What was begun is done by then.
    pub async fn run(self, opened: Arc<Notify>, stop: impl Future<Output = ()>) {
        let handing = Arc::new(self);
        tokio::pin!(stop);
        loop {
            let one = handing.clone();
            let failed = match tokio::task::spawn_blocking(move || one.hand_over()).await {
                Ok(Ok(())) => false,
                Ok(Err(error)) => {
                    tracing::error!(%error, "the notice of an emergency could not be handed over; it is tried again");
                    true
                }
                // A panic, which has told of itself.
                Err(_) => true,
            };
            tokio::select! {
                () = &mut stop => return,
                () = opened.notified() => {}
                () = tokio::time::sleep(AGAIN), if failed => {}
            }
        }
    }

    fn hand_over(&self) -> Result<(), String> {
        for emergency in self.accounts.untold().map_err(|e| e.to_string())? {
            let now = (self.now)();
            let messages = notices(&self.endpoints, &emergency, now);
            self.outbox.take_in(&messages).map_err(|e| e.to_string())?;
            self.accounts.note_told(emergency.number, now).map_err(|e| e.to_string())?;
            tracing::info!(number = emergency.number, endpoints = messages.len(), "the notice of an emergency goes out");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::{Notify, oneshot};
    use vitalog_elog::{Span, Subject, Time};
    use vitalog_ingest::access::{Accounts, NewAccount, Policies, Role, Store};
    use vitalog_notify::{Config, Outbox};

    use super::Notices;

    const ENDPOINTS: &str = r#"{"endpoints":[
        {"name":"ward","url":"https://example.org/","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
        {"name":"kin","url":"https://example.org/","secrets":["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],"subjects":["p-2"]}]}"#;

    fn accounts() -> Arc<Accounts> {
        let mut store = Store::in_memory().expect("made");
        store.add_account(&NewAccount::new("lee", Role::Caretaker.into()), Time(0)).expect("made");
        Arc::new(Accounts::new(store, Policies::shipped().expect("they are right"), Arc::new(|| Time(9))).expect("read"))
    }

    fn open(accounts: &Accounts, subject: &str) {
        let subject = Subject::new(subject);
        let opened = |store: &mut Store| store.open_emergency("lee", &subject, "unconscious", Time(5), Span::hours(1));
        accounts.change(opened).expect("open");
    }

    #[test]
    fn what_was_opened_is_handed_over_at_once_and_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
        let (accounts, outbox) = (accounts(), Arc::new(Outbox::open(&dir.path().join("outbox.db"), 7).expect("opens")));
        let endpoints = Config::parse(ENDPOINTS).expect("right").endpoints;
        outbox.register(&endpoints, Time(0)).expect("registers");
        let waiting = || outbox.waiting().expect("reads").iter().map(|to| to.messages).sum::<u64>();
        // Before it ran, as after a crash.
        open(&accounts, "p-1");
        let (opened, (stop, stopped)) = (Arc::new(Notify::new()), oneshot::channel::<()>());
        let of = Notices { accounts: accounts.clone(), outbox: outbox.clone(), endpoints, now: Arc::new(|| Time(9)) };
        let news = opened.clone();
        let running = runtime.spawn(of.run(news, async move { drop(stopped.await) }));
        let all_are_told = || {
            for _ in 0..1_000 {
                if accounts.untold().expect("reads").is_empty() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("they wait");
        };
        all_are_told();
        assert_eq!(waiting(), 1);
        open(&accounts, "p-2");
        opened.notify_one();
        all_are_told();
        assert_eq!(waiting(), 3);
        opened.notify_one();
        stop.send(()).expect("it runs");
        runtime.block_on(running).expect("it ends in order");
        assert_eq!(waiting(), 3, "nobody is told again");
    }
}
