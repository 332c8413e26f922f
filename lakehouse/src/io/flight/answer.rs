//! An answer on its way: written down before its first row is sent, then batch by batch as the client takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow_flight::FlightData;
use arrow_flight::encode::FlightDataEncoderBuilder;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tonic::{Code, Status};
use vitalog_elog::access::{Decision, Wish};

use crate::eyes::Eyes;
use crate::flight::shape::{batch, given};
use crate::flight::status::{Refused, as_http, broken, came_out, not_in, not_permitted, of, refusal, stopped};
use crate::flight::ticket::Ticket;
use crate::io::flight::Shared;
use crate::io::flight::asking::read;
use crate::io::flight::running::Run;
use crate::io::flow::{Flow, Most};
use crate::io::http::{answered, eyes};
use crate::io::port::{Call, Guest};
use crate::sql::{Limits, Literal, Marked, SqlError, refused};

/// Bytes of an answer: it flows, so it is far more than is ever held.
const BYTES: usize = 16 << 30;
/// Bytes of one message that goes out, about.
const MESSAGE: usize = 1 << 20;

/// What goes to the client.
pub(crate) type Data = BoxStream<'static, Result<FlightData, Status>>;

/// Something that is asked and not written down yet. Whoever goes before there is an answer is written down, too.
pub(crate) struct Pending {
    call: Option<Box<dyn Call>>,
    /// Whether it was asked who may see what; before that there is nothing to write down.
    has_asked: AtomicBool,
}

impl Pending {
    /// Begins to ask something.
    ///
    /// # Errors
    /// Where they no longer may.
    pub fn of(guest: &Arc<dyn Guest>) -> Result<Pending, Status> {
        let call = guest.call().map_err(|why| not_in(&why))?;
        Ok(Pending { call: Some(call), has_asked: AtomicBool::new(false) })
    }

    /// Whose tickets and statements are meant by theirs: an account's by one token are not those by another, and a program's are not those of a person of its name.
    pub fn holder(&self) -> String {
        self.call.as_ref().map_or_else(String::new, |call| format!("{} {}", call.who().id, call.who().via))
    }

    /// Whom they may see.
    ///
    /// # Errors
    /// Where they may not ask at all.
    pub fn eyes(&self, shared: &Shared) -> Result<Eyes, Status> {
        let access = &*shared.door.access;
        self.has_asked.store(true, Ordering::Relaxed);
        let call = self.call.as_ref().filter(|call| access.decide(call.who(), Wish::Query) == Decision::Allow);
        call.map(|call| eyes(access, &shared.door.study, call.who())).ok_or_else(not_permitted)
    }

    /// Has it written down with what became of it.
    ///
    /// # Errors
    /// Where it can't be: then nothing is shown.
    pub async fn written(mut self, status: u16) -> Result<(), Status> {
        let Some(call) = self.call.take() else { return Ok(()) };
        if call.written(status).await {
            return Ok(());
        }
        let message = "it can't be written down who sees this, so it is not shown";
        Err(refusal(Code::Unavailable, message, "whoever runs this server sees in its log why"))
    }

    /// Counts a statement that is answered; its rows flow as they are taken, and are not counted.
    fn counted(&self, shared: &Shared) {
        if let Some(call) = &self.call {
            shared.door.access.used(call.who(), answered(0));
        }
    }

    /// Is not written down: nothing of anybody was shown.
    pub fn shows_nothing(mut self) {
        self.call = None;
    }

    /// Has a refusal written down, and gives it.
    pub async fn refused(self, status: Status) -> Status {
        match self.written(as_http(&status)).await {
            Ok(()) => status,
            Err(unwritten) => unwritten,
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let call = self.call.take().filter(|_| self.has_asked.load(Ordering::Relaxed));
        if let (Some(call), Ok(runtime)) = (call, tokio::runtime::Handle::try_current()) {
            runtime.spawn(call.written(499));
        }
    }
}

/// A statement as it is asked.
pub(crate) struct Question {
    pub statement: Arc<Marked>,
    pub values: Vec<Literal>,
}

/// Begins an answer: its columns, the first batch if there is one, and what is left.
struct Begun {
    schema: SchemaRef,
    first: Option<RecordBatch>,
    flow: Flow,
    run: Run,
    statement: Arc<Marked>,
}

impl Shared {
    /// Answers a statement of a ticket.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn answer(&self, pending: Pending, ticket: &Ticket, account: &str, question: Question) -> Result<Data, Status> {
        let begun = match pending.eyes(self) {
            Ok(eyes) => self.begun(eyes, ticket, account, question).await,
            Err(status) => Err(status),
        };
        match begun {
            Ok(begun) => {
                pending.counted(self);
                pending.written(200).await?;
                Ok(data(begun))
            }
            Err(status) => Err(pending.refused(status).await),
        }
    }

    async fn begun(&self, eyes: Eyes, ticket: &Ticket, account: &str, question: Question) -> Result<Begun, Status> {
        let Some(mut run) = self.running.begin(ticket.id, ticket.until, (self.door.now)()) else { return Err(stopped()) };
        let Question { statement, values } = question;
        let limits = self.door.limits;
        let begin = async {
            let began = Instant::now();
            let turn = tokio::time::timeout(limits.time, self.flows.take(&self.door.lake, account)).await;
            let turn = turn.map_err(|_| busy(limits.time))?.ok_or_else(|| busy(limits.time))?;
            let left = Limits { time: limits.time.saturating_sub(began.elapsed()), ..limits };
            let most = Most { rows: limits.rows, bytes: BYTES };
            let mut flow = self.door.lake.flow(eyes, read(&statement, values), turn, left, most).await?;
            let first = flow.next().await.transpose()?;
            Ok::<_, SqlError>((flow, first))
        };
        let (flow, first) = tokio::select! {
            begun = begin => begun.map_err(|error| of(&error, Some(&statement)))?,
            () = run.stopped() => return Err(stopped()),
        };
        Ok(Begun { schema: given(&flow.schema), first, flow, run, statement })
    }

    /// Answers with one batch that is there.
    ///
    /// # Errors
    /// Where it can't be written down who sees it.
    pub async fn shown(&self, pending: Pending, batch: RecordBatch) -> Result<Data, Status> {
        pending.written(200).await?;
        Ok(encoded(batch.schema(), futures::stream::iter([Ok(batch)]).boxed()))
    }
}

fn busy(after: Duration) -> SqlError {
    let message = format!("others were asked before for longer than {after:?}");
    refused("sql_busy", message, "end what you ask besides, or ask again in a moment")
}

fn data(begun: Begun) -> Data {
    let schema = begun.schema.clone();
    let batches = futures::stream::unfold(Some(begun), |begun| async {
        let mut begun = begun?;
        if let Some(first) = begun.first.take() {
            return Some((shaped(&first, &begun.schema), Some(begun)));
        }
        let next = tokio::select! {
            biased;
            () = begun.run.stopped() => return Some((Err(stopped()), None)),
            next = begun.flow.next() => next?,
        };
        match next {
            Ok(batch) => Some((shaped(&batch, &begun.schema), Some(begun))),
            Err(error) => Some((Err(of(&error, Some(&begun.statement))), None)),
        }
    });
    encoded(schema, batches.boxed())
}

fn shaped(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Status> {
    batch(rows, schema).map_err(|error| broken(&error))
}

fn encoded(schema: SchemaRef, batches: BoxStream<'static, Result<RecordBatch, Status>>) -> Data {
    let batches = batches.map_err(|status| Refused(status).into());
    let encoder = FlightDataEncoderBuilder::new().with_schema(schema).with_max_flight_data_size(MESSAGE).build(batches);
    encoder.map_err(came_out).boxed()
}
