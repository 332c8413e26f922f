//! `vitalog demo`: everything on this machine, over real days of real people, live.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use vitalog_elog::Time;

use crate::cli::Demo;
use crate::commands::serve::put_rules;
use crate::demo::feed::{Device, Sent};
use crate::demo::{self, ATTRIBUTION, Schedule};
use crate::failure::Failure;
use crate::files;
use crate::output::grouped;
use crate::run::{FLOOR, HORIZON, Node, Options, RuleWatch, clock, cores};
use crate::server::{self, Admittance, Interrupt, Manners};

/// Runs until interrupted.
///
/// # Errors
/// Where the node can't start or the address can't be listened on.
pub fn run(args: &Demo) -> Result<(), Failure> {
    if !(args.speed.is_finite() && (0.01..=10_000.0).contains(&args.speed)) {
        return Err(Failure::usage(format!("--speed {} is not between 0.01 and 10000", args.speed)));
    }
    if !args.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "the demonstration asks nobody who they are, so it listens on loopback only, not on {}",
            args.listen
        )));
    }
    let temporary = args.data.is_none().then(|| tempfile::Builder::new().prefix("vitalog-demo-").tempdir()).transpose()?;
    let data = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(dir)) => dir.path().to_owned(),
        (None, None) => return Err(Failure::new("no data directory")),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(live(args, &data));
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

async fn live(args: &Demo, data: &Path) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let rules = args.rules.clone().unwrap_or_else(|| data.join("rules"));
    lay_out_rules(&rules)?;
    let began = clock::wall();
    let listener = server::listen(args.listen, "--listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let options = Options {
        data: data.to_owned(),
        telling: vitalog_notify::Config::silent(),
        land_every: Duration::from_secs(60),
        speed: args.speed,
        contacts: true,
        workers: cores(),
        quiet: false,
        horizon: Some(HORIZON),
        floor: FLOOR,
        journal: None,
        retain: None,
        traces: None,
        retain_journal: None,
    };
    let node = Node::start(options).await?;
    let again = !node.rules.files().is_empty();
    put_rules(&node, Some(&rules)).await?;
    let _watch = RuleWatch::start(&rules, node.rules.clone(), node.door.clone())?;
    let manners = Manners { attribution: ATTRIBUTION.to_owned(), ..Manners::default() };
    let server = server::start(&node, listener, Admittance::Open, &manners)?;

    let schedule = demo::days(began)?;
    let device = Device::new(&url);
    let known = schedule.events.partition_point(|e| e.at <= began);
    let history = async { if again { Ok(Sent::default()) } else { send_history(&device, &schedule, known).await } };
    let sent = tokio::select! {
        sent = history => sent?,
        () = interrupt.come() => {
            server.stop(server::PATIENCE).await;
            return node.stop().await;
        }
    };
    // The pages show what the views have: they are greeted with when that is all.
    let _ = node.live.reached().wait_for(|next| *next >= sent.position).await;
    greet(&url, &rules, &schedule, known, sent.refused);
    let feeding = async {
        // Without readings the demonstration still shows what it has.
        if let Err(error) = device.live(&schedule.events[known..], began, args.speed).await {
            tracing::error!(%error, "no more live readings");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = feeding => {}
        () = interrupt.come() => {}
    }
    println!("ending; press Ctrl-C again to end at once");
    interrupt.end_at_the_next();
    server.stop(server::PATIENCE).await;
    node.stop().await
}

async fn send_history(device: &Device, schedule: &Schedule, known: usize) -> Result<Sent, Failure> {
    // It held when the history happened, not only from now on.
    let since = schedule.events.first().map_or(Time::MIN, |event| event.at);
    for (subject, zone) in &schedule.zones {
        device.set_profile(subject, &json!({ "time_zone": zone, "at": since.to_string() })).await?;
    }
    device.send(&schedule.events[..known]).await
}

/// The shipped rules, as files to edit; those that are there stay as they are.
fn lay_out_rules(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(dir)?;
    for file in files::shipped() {
        std::fs::write(dir.join(&*file.name), file.text.as_bytes())?;
    }
    Ok(())
}

fn greet(url: &str, rules: &Path, schedule: &Schedule, known: usize, refused: u64) {
    let subject = schedule.zones.first().map_or("", |(subject, _)| subject);
    let now = clock::wall();
    println!(
        "\nVitalog is listening on {url}
  {} readings of {} people loaded ({refused} refused), {} more to come live.

  Open the page          {url}/

  Send a reading         curl -s {url}/v1/readings -H 'content-type: application/json' \\
                           -d '{{\"subject\":\"{subject}\",\"stream\":\"bg\",\"at\":\"{now}\",\"value\":\"2.6 mmol/L\"}}'
  Edit a rule            {}/glucose.rules   (picked up when you save it)
  Ask in SQL             cargo run -- sql --url {url} \\
                           \"select subject, count(*) n, round(avg(value), 1) mean from bg group by subject order by mean desc\"

  {ATTRIBUTION}
  Vitalog is not a medical device: do not use it to decide on treatment.
  Press Ctrl-C to end.\n",
        grouped(known as u64),
        schedule.zones.len(),
        grouped((schedule.events.len() - known) as u64),
        rules.display(),
    );
}
