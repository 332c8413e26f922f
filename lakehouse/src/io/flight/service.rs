//! The calls of the protocol, each told apart and handed on; what there is nothing of here is refused by its name.

use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{Any, Command};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, IpcMessage, PollInfo, PutResult, SchemaAsIpc, SchemaResult, Ticket,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use futures::StreamExt;
use futures::stream::BoxStream;
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::flight::status::{broken, garbled, not_in, not_reached, of, read_only, refusal, there_is_no};
use crate::io::flight::Shared;
use crate::io::flight::answer::{Pending, Question};
use crate::io::flight::asking::catalogued;
use crate::io::flight::entry::Known;
use crate::io::port::NotIn;
use crate::sql::Marked;

/// What a reader that has just written sends with it: the position that the write was answered with.
const POSITION: &str = "vitalog-position";
/// How long a reader waits for what it wrote.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service, as the library knows it.
#[derive(Clone)]
pub(crate) struct Service {
    pub shared: Arc<Shared>,
}

type Said<T> = Result<Response<T>, Status>;

/// A command whose columns are told, and what its ticket says besides.
struct Told {
    columns: SchemaRef,
    binding: u64,
}

impl Service {
    fn known<T>(request: &Request<T>) -> Result<Known, Status> {
        // The entry lets nobody by who is not.
        request.extensions().get::<Known>().cloned().ok_or_else(|| not_in(&NotIn::Unknown))
    }

    /// What a command gives, without being asked.
    async fn told(&self, pending: &Pending, command: &Command) -> Result<Told, Status> {
        let shared = &self.shared;
        let eyes = pending.eyes(shared)?;
        let (statement, values, binding) = match command {
            Command::CommandStatementQuery(asked) => {
                without_transaction(asked.transaction_id.as_ref())?;
                (Arc::new(Marked::new(&asked.query)), None, 0)
            }
            Command::CommandPreparedStatementQuery(asked) => {
                let prepared = shared.prepared.of(&asked.prepared_statement_handle, &pending.holder())?;
                (prepared.statement, prepared.values, prepared.binding)
            }
            command => {
                let batch = catalogued(command, &shared.door.lake, &shared.told, None, shared.door.limits).await?;
                let batch = batch.ok_or_else(|| unknown(command))?;
                return Ok(Told { columns: batch.schema(), binding: 0 });
            }
        };
        let values = values.map(|values| values.to_vec());
        let shape = shared.door.lake.shape(eyes, statement.numbered().to_owned(), values, shared.door.limits).await;
        let shape = shape.map_err(|error| of(&error, Some(&statement)))?;
        Ok(Told { columns: shape.columns, binding })
    }

    async fn told_by_descriptor(
        &self,
        request: Request<FlightDescriptor>,
    ) -> Result<(Pending, FlightDescriptor, Any, Told), Status> {
        let known = Service::known(&request)?;
        let pending = Pending::of(&known.guest)?;
        let descriptor = request.into_inner();
        let any = Any::decode(&*descriptor.cmd).map_err(|_| garbled("the command"))?;
        let command = Command::try_from(any.clone()).map_err(|_| garbled("the command"))?;
        match self.told(&pending, &command).await {
            Ok(told) => Ok((pending, descriptor, any, told)),
            // A statement that is at fault shows nothing; who may not ask is written down.
            Err(status) if status.code() == Code::PermissionDenied => Err(pending.refused(status).await),
            Err(status) => {
                pending.shows_nothing();
                Err(status)
            }
        }
    }

    async fn data(&self, known: &Known, pending: Pending, sealed: &[u8]) -> Result<super::answer::Data, Status> {
        let shared = &self.shared;
        let opened = shared.seal.open(&pending.holder(), (shared.door.now)(), sealed);
        let opened = opened.and_then(|ticket| {
            let command = Command::try_from(ticket.asked.clone()).map_err(|_| garbled("the ticket"))?;
            Ok((ticket, command))
        });
        let (ticket, command) = match opened {
            Ok(opened) => opened,
            Err(status) => return Err(self.refused(pending, status).await),
        };
        let question = match &command {
            Command::CommandStatementQuery(asked) => {
                Ok(Question { statement: Arc::new(Marked::new(&asked.query)), values: Vec::new() })
            }
            Command::CommandPreparedStatementQuery(asked) => {
                let prepared = shared.prepared.of(&asked.prepared_statement_handle, &pending.holder());
                prepared.and_then(|prepared| {
                    Ok(Question { statement: prepared.statement.clone(), values: prepared.values_of(ticket.binding)? })
                })
            }
            command => {
                let batch = match pending.eyes(shared) {
                    Ok(eyes) => catalogued(command, &shared.door.lake, &shared.told, Some(eyes), shared.door.limits).await,
                    Err(status) => Err(status),
                };
                return match batch.and_then(|batch| batch.ok_or_else(|| unknown(command))) {
                    Ok(batch) => shared.shown(pending, batch).await,
                    Err(status) => Err(pending.refused(status).await),
                };
            }
        };
        match question {
            Ok(question) => shared.answer(pending, &ticket, known.guest.id(), question).await,
            Err(status) => Err(self.refused(pending, status).await),
        }
    }

    /// Refuses what was asked by a ticket that is not good: whoever may ask nothing at all is told that instead.
    async fn refused(&self, pending: Pending, status: Status) -> Status {
        let status = pending.eyes(&self.shared).err().unwrap_or(status);
        pending.refused(status).await
    }

    /// Who shakes hands.
    async fn introduced(&self, metadata: &MetadataMap) -> Result<String, Status> {
        let shown = metadata.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, secret) = shown.split_once(' ').unwrap_or_default();
        let porter = &self.shared.door.porter;
        let guest = match scheme.to_lowercase().as_str() {
            "basic" => {
                // With padding or without: clients differ.
                let text = STANDARD_NO_PAD
                    .decode(secret.trim().trim_end_matches('='))
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok());
                let pair = text.as_deref().and_then(|text| text.split_once(':'));
                let (name, password) = pair.ok_or_else(|| garbled("the name and password of the handshake"))?;
                porter.admit(name, password).await
            }
            "bearer" => porter.bearer(secret.trim()),
            _ if !porter.asks() => porter.bearer(""),
            _ => Err(NotIn::NotGood("it is not known who shakes hands".to_owned())),
        };
        let guest = guest.map_err(|why| not_in(&why))?;
        self.shared.sessions.begin(guest).ok_or_else(|| {
            refusal(Code::ResourceExhausted, "this account has too many sessions", "close some, or send a token with each call")
        })
    }

    /// Waits until the lake has what whoever asks has just written.
    async fn wait_for_write(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(text) = metadata.get(POSITION).and_then(|value| value.to_str().ok()) else { return Ok(()) };
        let wrong = || {
            refusal(Code::InvalidArgument, "vitalog-position is no position", "send the number that the write was answered with")
        };
        let next = text.parse::<u64>().map_err(|_| wrong())?;
        let reached = tokio::time::timeout(PATIENCE, self.shared.door.lake.reached(next)).await;
        reached.map_err(|_| not_reached(text, PATIENCE))
    }
}

fn unknown(command: &Command) -> Status {
    match command {
        Command::CommandStatementSubstraitPlan(_) => there_is_no("plans of Substrait", "ask in SQL"),
        Command::CommandStatementUpdate(_) | Command::CommandPreparedStatementUpdate(_) => read_only("an update"),
        Command::CommandStatementIngest(_) => read_only("ingestion"),
        other => {
            let name = other.type_url().rsplit('.').next().unwrap_or_default();
            // Of what a client sends no more is given back than a word.
            let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).take(60).collect();
            refusal(Code::Unimplemented, &format!("{name:?} is not asked here"), "ask a statement, or for the catalogue")
        }
    }
}

pub(crate) fn without_transaction(id: Option<&prost::bytes::Bytes>) -> Result<(), Status> {
    match id {
        Some(id) if !id.is_empty() => Err(there_is_no("transactions", "each statement sees one moment of its own")),
        _ => Ok(()),
    }
}

pub(crate) fn as_ipc(schema: &SchemaRef) -> Result<prost::bytes::Bytes, Status> {
    let options = IpcWriteOptions::default();
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &options).try_into().map_err(|e| broken(&e))?;
    Ok(bytes)
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = super::answer::Data;
    type DoPutStream = BoxStream<'static, Result<PutResult, Status>>;
    type DoActionStream = BoxStream<'static, Result<arrow_flight::Result, Status>>;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;
    type DoExchangeStream = BoxStream<'static, Result<FlightData, Status>>;

    async fn handshake(&self, request: Request<Streaming<HandshakeRequest>>) -> Said<Self::HandshakeStream> {
        let word = self.introduced(request.metadata()).await?;
        let said = HandshakeResponse { protocol_version: 0, payload: word.clone().into() };
        let mut response = Response::new(futures::stream::iter([Ok(said)]).boxed());
        let value = format!("Bearer {word}").parse().map_err(|e| broken(&e))?;
        response.metadata_mut().insert("authorization", value);
        Ok(response)
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Said<FlightInfo> {
        let (pending, descriptor, any, told) = self.told_by_descriptor(request).await?;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|e| broken(&e))?;
        let now = (self.shared.door.now)();
        let (sealed, until) = self.shared.seal.seal(&pending.holder(), id, now, told.binding, &any);
        pending.shows_nothing();
        let mut end = FlightEndpoint::new().with_ticket(Ticket::new(sealed));
        let expires = end.expiration_time.get_or_insert_default();
        expires.seconds = until.micros().div_euclid(1_000_000);
        expires.nanos = i32::try_from(until.micros().rem_euclid(1_000_000) * 1_000).unwrap_or(0);
        let info = FlightInfo { schema: as_ipc(&told.columns)?, ..FlightInfo::new() };
        Ok(Response::new(info.with_descriptor(descriptor).with_endpoint(end)))
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Said<SchemaResult> {
        let (pending, _, _, told) = self.told_by_descriptor(request).await?;
        pending.shows_nothing();
        Ok(Response::new(SchemaResult { schema: as_ipc(&told.columns)? }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Said<Self::DoGetStream> {
        let known = Service::known(&request)?;
        let pending = Pending::of(&known.guest)?;
        if let Err(status) = self.wait_for_write(request.metadata()).await {
            return Err(self.refused(pending, status).await);
        }
        Ok(Response::new(self.data(&known, pending, &request.into_inner().ticket).await?))
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Said<Self::DoPutStream> {
        let known = Service::known(&request)?;
        let result = super::actions::put(&self.shared, &known, request.into_inner()).await?;
        Ok(Response::new(futures::stream::iter([Ok(result)]).boxed()))
    }

    async fn do_action(&self, request: Request<Action>) -> Said<Self::DoActionStream> {
        let known = Service::known(&request)?;
        let body = super::actions::done(&self.shared, &known, request.into_inner()).await?;
        let results = body.map(|body| Ok(arrow_flight::Result { body }));
        Ok(Response::new(futures::stream::iter(results).boxed()))
    }

    async fn list_actions(&self, _: Request<Empty>) -> Said<Self::ListActionsStream> {
        Ok(Response::new(futures::stream::iter(super::actions::all().map(Ok)).boxed()))
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Said<Self::ListFlightsStream> {
        Err(there_is_no("flights but those that are asked for", "ask for one with GetFlightInfo"))
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Said<PollInfo> {
        Err(there_is_no("flights that are waited for", "ask for one with GetFlightInfo, and take it with DoGet"))
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Said<Self::DoExchangeStream> {
        Err(there_is_no("exchanges", "ask with GetFlightInfo and DoGet"))
    }
}
