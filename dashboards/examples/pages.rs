//! The pages over generated readings, to look at: `cargo run -p vitalog-dashboards --example pages -- [port]`.
//!
//! Everybody in it is made up. Some naive rules judge, and a stand-in for the gateway takes corrections and removals, so that a recommendation can be seen to
//! be taken back. A new reading comes for everyone every few seconds.

#[path = "pages/gateway.rs"]
mod gateway;
#[path = "pages/generate.rs"]
mod generate;
#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::io::{Board, Notice, Ports, api, pages};
use vitalog_elog::Time;
use vitalog_elog::access::{Access, Principal, Wish};

struct Everybody;

impl Access for Everybody {
    fn allows(&self, _who: &Principal, _wish: Wish<'_>) -> bool {
        true
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(since.as_micros() as i64)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|p| p.parse().ok()).unwrap_or(8090);
    let folder = std::env::temp_dir().join(format!("vitalog-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("views.sqlite");
    let world = support::world::World::new(&path, support::schema::schema(), Some(support::judge::many));
    generate::history(&world, now());
    let board = Board::new(Ports {
        readers: Readers::open(&path).map_err(std::io::Error::other)?,
        live: world.live.clone(),
        access: Arc::new(Everybody),
        inlet: world.clone(),
        past: world.clone(),
        clock: Arc::new(now),
        notice: Notice { attribution: "All readings on this page are generated; nobody in it exists.".to_owned() },
    });
    board.declare(&support::schema::profile());
    let who = from_fn(|mut request: Request, next: Next| async move {
        request.extensions_mut().insert(Principal::new("viewer"));
        next.run(request).await
    });
    let app = api()
        .with_state(board.clone())
        .split_for_parts()
        .0
        .merge(pages(&board))
        .merge(gateway::router(world.clone(), now))
        .layer(who);
    let feed = world.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let feed = feed.clone();
            let _ = tokio::task::spawn_blocking(move || generate::go_on(&feed, now())).await;
        }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    std::fs::remove_dir_all(&folder)
}
