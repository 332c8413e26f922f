//! Where traces go, and of how much.

use clap::Args;

/// Traces, as asked for.
#[derive(Args)]
pub struct Traced {
    /// Send traces of requests and deliveries to a collector of OpenTelemetry at this address, by OTLP over HTTP: `http://127.0.0.1:4318`. Without it, the variables `OTEL_EXPORTER_OTLP_*` hold.
    #[arg(long, value_name = "URL", value_parser = collector)]
    pub traces: Option<reqwest::Url>,
    /// The share of requests that are traced, from 0 to 1; those that come with a trace (`traceparent`) are as it says.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub trace_share: Option<f64>,
}

fn collector(text: &str) -> Result<reqwest::Url, String> {
    let wanted = || {
        "write the address of a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318; `/v1/traces` is added"
            .to_owned()
    };
    let url: reqwest::Url = text.parse().map_err(|_| wanted())?;
    let is_plain =
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() && url.fragment().is_none();
    if is_plain { Ok(url) } else { Err(wanted()) }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a number from 0 (none) to 1 (all), such as 0.05".to_owned())
}
