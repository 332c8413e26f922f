//! Where spans go: to a collector, by OTLP over HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self, BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData};
use prometheus_client::metrics::counter::Counter;
use reqwest::header::RETRY_AFTER;
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::metrics::Metrics;

/// How long the collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// Spans that may wait for it.
const WAITING: usize = 16_384;
/// Of its answers no more is read.
const MOST_SAID: usize = 64 << 10;

/// Where traces are wanted, and which.
#[derive(Clone)]
pub struct Wanted {
    /// The collector's address, to which `/v1/traces` is added; `None`: as the variables of OpenTelemetry say.
    pub collector: Option<reqwest::Url>,
    /// The share of what begins here that is traced; `None`: as the variables say, or all.
    pub share: Option<f64>,
}

impl Wanted {
    /// Whether anybody wants any, by the command line or the variables that all of OpenTelemetry goes by.
    pub fn of(collector: Option<reqwest::Url>, share: Option<f64>) -> Option<Wanted> {
        let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let by_variables = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"].into_iter().any(is_set);
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        ((collector.is_some() || by_variables) && !is_off).then_some(Wanted { collector, share })
    }
}

/// Spans wait in memory and go in batches, from a thread of their own.
pub fn provider(wanted: &Wanted, metrics: &Metrics) -> Result<SdkTracerProvider, Failure> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|e| Failure::new(format!("traces: {}", e.without_url())))?;
    let client = Client { http, runtime: Handle::current() };
    let exporter = SpanExporter::builder().with_http().with_http_client(client).with_timeout(PATIENCE);
    let exporter = match &wanted.collector {
        Some(base) => exporter.with_endpoint(format!("{}/v1/traces", base.as_str().trim_end_matches('/'))),
        None => exporter,
    };
    let exporter = exporter.build().map_err(|e| {
        Failure::usage(format!("traces: {e}"))
            .hint("--traces has the collector's address, such as http://127.0.0.1:4318; the variables OTEL_EXPORTER_OTLP_* are as OpenTelemetry says")
    })?;
    let counted =
        Counted { exporter, sent: metrics.spans.sent.clone(), lost: metrics.spans.lost.clone(), is_away: AtomicBool::default() };
    let config = BatchConfigBuilder::default().with_max_queue_size(WAITING).with_max_export_batch_size(2_048).build();
    let resource = Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let resource = match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource,
        _ => resource.with_service_name("vitalog"),
    };
    let builder = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(counted).with_batch_config(config).build())
        .with_resource(resource.build());
    let builder = match wanted.share {
        Some(share) => builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)))),
        None => builder,
    };
    Ok(builder.build())
}

/// Counts what the collector took.
#[derive(Debug)]
struct Counted {
    exporter: SpanExporter,
    sent: Counter,
    lost: Counter,
    /// The last batch was not taken: that is said once.
    is_away: AtomicBool,
}

impl trace::SpanExporter for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let done = self.exporter.export(batch).await;
        let was_away = self.is_away.swap(done.is_err(), Ordering::AcqRel);
        match &done {
            Ok(()) => {
                self.sent.inc_by(spans);
                if was_away {
                    tracing::info!("the collector of traces takes spans again");
                }
            }
            Err(error) => {
                self.lost.inc_by(spans);
                if !was_away {
                    tracing::warn!(%error, "the collector of traces does not take spans; they are lost meanwhile");
                }
            }
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Sends from whatever thread, by the server's own runtime.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request).map_err(reqwest::Error::without_url)?;
            let mut answer = http.execute(request).await.map_err(reqwest::Error::without_url)?;
            let mut said = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
                if said.len() + chunk.len() > MOST_SAID {
                    return Err::<_, HttpError>("the collector says too much".into());
                }
                said.extend_from_slice(&chunk);
            }
            let mut response = Response::new(Bytes::from(said));
            *response.status_mut() = answer.status();
            if let Some(after) = answer.headers().get(RETRY_AFTER) {
                response.headers_mut().insert(RETRY_AFTER, after.clone());
            }
            Ok(response)
        });
        Box::pin(async move { sent.await? })
    }
}
