//! What is done besides asking: statements are prepared and closed, values bound, what runs is stopped, a session ended. Nothing is written.

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, Command, DoPutPreparedStatementResult, ProstMessageExt,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightData, FlightInfo, PutResult,
};
use futures::{TryStreamExt, stream};
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Code, Status, Streaming};

use crate::flight::status::{broken, garbled, of, read_only, refusal, there_is_no};
use crate::flight::values::literals;
use crate::flight::whole::is_whole;
use crate::io::flight::answer::Pending;
use crate::io::flight::entry::Known;
use crate::io::flight::service::{as_ipc, without_transaction};
use crate::io::flight::{LONGEST, Shared};
use crate::sql::{Literal, Marked};

/// What can be done, by its name in the protocol.
const ACTIONS: [(&str, &str); 5] = [
    ("CreatePreparedStatement", "prepares a statement, and tells what it takes and gives"),
    ("ClosePreparedStatement", "forgets a prepared statement"),
    ("CancelFlightInfo", "stops what was asked by a ticket, now and later"),
    ("CancelQuery", "the same, as older clients ask for it"),
    ("CloseSession", "ends a session that began with a handshake"),
];

/// What can be done.
pub(crate) fn all() -> [ActionType; ACTIONS.len()] {
    ACTIONS.map(|(name, description)| ActionType { r#type: name.to_owned(), description: description.to_owned() })
}

/// Does what an action says; what it gives back, if anything.
///
/// # Errors
/// Why it was not done.
pub(crate) async fn done(shared: &Shared, known: &Known, action: Action) -> Result<Option<Bytes>, Status> {
    let pending = Pending::of(&known.guest)?;
    let outcome = match pending.eyes(shared) {
        Ok(_) => act(shared, known, &pending, &action).await,
        Err(status) => return Err(pending.refused(status).await),
    };
    // Nothing of anybody is shown by any of them.
    pending.shows_nothing();
    outcome
}

async fn act(shared: &Shared, known: &Known, pending: &Pending, action: &Action) -> Result<Option<Bytes>, Status> {
    match action.r#type.as_str() {
        "CreatePreparedStatement" => {
            let asked: ActionCreatePreparedStatementRequest = unpacked(&action.body)?;
            without_transaction(asked.transaction_id.as_ref())?;
            let result = prepare(shared, pending, &asked.query).await?;
            Ok(Some(result.as_any().encode_to_vec().into()))
        }
        "ClosePreparedStatement" => {
            let asked: ActionClosePreparedStatementRequest = unpacked(&action.body)?;
            shared.prepared.close(&asked.prepared_statement_handle, &pending.holder());
            Ok(None)
        }
        "CancelFlightInfo" => {
            let asked = CancelFlightInfoRequest::decode(&*action.body).map_err(|_| garbled("what is to be stopped"))?;
            let info = asked.info.ok_or_else(|| garbled("what is to be stopped"))?;
            let status = stop(shared, pending, &info)?;
            Ok(Some(CancelFlightInfoResult { status: status as i32 }.encode_to_vec().into()))
        }
        "CancelQuery" => {
            let asked: ActionCancelQueryRequest = unpacked(&action.body)?;
            let info = FlightInfo::decode(&*asked.info).map_err(|_| garbled("what is to be stopped"))?;
            // Its words are numbered as those of the other.
            let result = stop(shared, pending, &info)? as i32;
            Ok(Some(ActionCancelQueryResult { result }.as_any().encode_to_vec().into()))
        }
        "CloseSession" => match &known.session {
            Some(word) => {
                shared.sessions.end(word);
                Ok(Some(CLOSED.into()))
            }
            None => Err(there_is_no(
                "sessions without a handshake",
                "each call is known by its token alone, so there is nothing to close",
            )),
        },
        "BeginTransaction" | "EndTransaction" | "BeginSavepoint" | "EndSavepoint" => {
            Err(there_is_no("transactions and savepoints", "SQL only reads here, and each statement sees one moment of its own"))
        }
        "SetSessionOptions" | "GetSessionOptions" => {
            Err(there_is_no("options of a session", "say with each statement what it asks"))
        }
        "RenewFlightEndpoint" => Err(there_is_no("renewals of tickets", "ask for the flight again")),
        "CreatePreparedSubstraitPlan" => Err(there_is_no("plans of Substrait", "ask in SQL")),
        _ => Err(there_is_no("other actions than ListActions lists", "use one of these")),
    }
}

/// A result that says that a session is closed: the protocol's message has one field, of which 1 means that.
const CLOSED: &[u8] = &[0x08, 0x01];

fn unpacked<M: ProstMessageExt>(body: &[u8]) -> Result<M, Status> {
    let any = Any::decode(body).map_err(|_| garbled("the action"))?;
    any.unpack().map_err(|_| garbled("the action"))?.ok_or_else(|| garbled("the action"))
}

async fn prepare(shared: &Shared, pending: &Pending, sql: &str) -> Result<ActionCreatePreparedStatementResult, Status> {
    let (statement, eyes) = (Marked::new(sql), pending.eyes(shared)?);
    let shape = shared.door.lake.shape(eyes, statement.numbered().to_owned(), None, shared.door.limits).await;
    let shape = shape.map_err(|error| of(&error, Some(&statement)))?;
    let mut handle = [0; 16];
    getrandom::fill(&mut handle).map_err(|e| broken(&e))?;
    let count = shape.parameters.fields().len();
    shared.prepared.keep(handle, &pending.holder(), statement, count)?;
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: handle.to_vec().into(),
        dataset_schema: as_ipc(&shape.columns)?,
        // Of none there is no schema: a client that finds one asks for values.
        parameter_schema: if count == 0 { Bytes::new() } else { as_ipc(&shape.parameters)? },
    })
}

/// Stops what is asked by a flight's tickets.
fn stop(shared: &Shared, pending: &Pending, info: &FlightInfo) -> Result<CancelStatus, Status> {
    let now = (shared.door.now)();
    let sealed = info.endpoint.iter().find_map(|end| end.ticket.as_ref());
    let sealed = sealed.ok_or_else(|| garbled("the flight that is to be stopped"))?;
    match shared.seal.open(&pending.holder(), now, &sealed.ticket) {
        Ok(ticket) if shared.running.stop(ticket.id, ticket.until, now) => Ok(CancelStatus::Cancelled),
        Ok(_) => Ok(CancelStatus::NotCancellable),
        Err(status) => Err(status),
    }
}

/// Takes what is put: values of a prepared statement, and nothing else.
///
/// # Errors
/// Where it is anything else, or can't be read.
pub(crate) async fn put(shared: &Shared, known: &Known, mut come: Streaming<FlightData>) -> Result<PutResult, Status> {
    let pending = Pending::of(&known.guest)?;
    let holder = pending.holder();
    if let Err(status) = pending.eyes(shared) {
        return Err(pending.refused(status).await);
    }
    pending.shows_nothing();
    let first = come.message().await?.ok_or_else(|| garbled("what is put"))?;
    let descriptor = first.flight_descriptor.clone().ok_or_else(|| garbled("what is put"))?;
    let any = Any::decode(&*descriptor.cmd).map_err(|_| garbled("the command"))?;
    let handle = match Command::try_from(any).map_err(|_| garbled("the command"))? {
        Command::CommandPreparedStatementQuery(asked) => asked.prepared_statement_handle,
        Command::CommandStatementUpdate(_) | Command::CommandPreparedStatementUpdate(_) => return Err(read_only("an update")),
        Command::CommandStatementIngest(_) => return Err(read_only("ingestion")),
        _ => {
            return Err(refusal(
                Code::Unimplemented,
                "only values of a prepared statement are put here",
                "ask with GetFlightInfo",
            ));
        }
    };
    // Known before its values are read.
    shared.prepared.of(&handle, &holder)?;
    let values = values_of(first, come).await?;
    shared.prepared.bind(&handle, &holder, values)?;
    let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) };
    Ok(PutResult { app_metadata: result.encode_to_vec().into() })
}

/// The values that come: one row, in whatever batches.
async fn values_of(first: FlightData, mut come: Streaming<FlightData>) -> Result<Vec<Literal>, Status> {
    let (mut messages, mut bytes, mut next) = (Vec::new(), 0, Some(first));
    while let Some(message) = next {
        bytes += message.data_header.len() + message.data_body.len();
        if bytes > LONGEST {
            let many = format!("values of more than {LONGEST} bytes came");
            return Err(refusal(Code::ResourceExhausted, &many, "bind fewer or shorter ones"));
        }
        if !is_whole(&message) {
            return Err(garbled("a value, or its type,"));
        }
        // Nothing else is said by a message without a head.
        if !message.data_header.is_empty() {
            messages.push(Ok(message));
        }
        next = come.message().await?;
    }
    // In a task of its own: should the library end it all the same, it ends this call alone.
    let read = tokio::spawn(async move {
        let batches = FlightRecordBatchStream::new_from_flight_data(stream::iter(messages));
        batches.try_filter(|batch| std::future::ready(batch.num_rows() > 0)).try_collect::<Vec<_>>().await
    });
    let batches = read.await.ok().and_then(Result::ok).ok_or_else(|| garbled("the values"))?;
    match batches.as_slice() {
        [] => Err(refusal(Code::InvalidArgument, "no values came", "bind one row")),
        [batch] => literals(batch).map_err(|error| of(&error, None)),
        _ => Err(refusal(
            Code::InvalidArgument,
            "values for one row are wanted, and more came",
            "bind one row, ask, and bind the next",
        )),
    }
}
