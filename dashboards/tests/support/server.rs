//! The doors on a real socket, with an access policy that can say no. Who asks is told by a header, as the gateway would from a token.

#![allow(dead_code, reason = "the example has a server of its own")]

use std::path::Path;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use vitalog_dashboards::ask::Readers;
use vitalog_dashboards::io::{Board, Live, Notice, Ports, api, pages};
use vitalog_elog::access::{Access, Emergency, Principal, Wish};
use vitalog_elog::{Subject, Time};

use super::schema;
use super::world::World;

/// `root` may do all; `see-p-1` may list, and read p-1; others may do nothing.
struct Policy(Arc<World>);

impl Access for Policy {
    fn allows(&self, who: &Principal, wish: Wish<'_>) -> bool {
        match (&*who.id, wish) {
            ("root", _) | ("see-p-1", Wish::List) => true,
            ("see-p-1", Wish::Read(subject)) => subject.as_str() == "p-1",
            _ => false,
        }
    }

    fn emergencies(&self, subject: &Subject) -> Vec<Emergency> {
        self.0.emergencies(subject)
    }
}

pub struct Server {
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves what the world's views hold.
pub async fn serve(world: &Arc<World>, path: &Path, now: Time) -> Server {
    serve_with(world, world.live.clone(), path, now).await
}

/// The same, with another memory of what was told.
pub async fn serve_with(world: &Arc<World>, live: Arc<Live>, path: &Path, now: Time) -> Server {
    let board = Board::new(Ports {
        readers: Readers::open(path).expect("the views open"),
        live,
        access: Arc::new(Policy(world.clone())),
        inlet: world.clone(),
        past: world.clone(),
        clock: Arc::new(move || now),
        notice: Notice { attribution: "Data: <T1D-UOM> & \"others\"".into() },
    });
    board.declare(&schema::profile());
    let who = from_fn(|mut request: Request, next: Next| async move {
        if let Some(id) = request.headers().get("x-who").and_then(|v| v.to_str().ok()).map(Arc::from) {
            request.extensions_mut().insert(Principal::new(id));
        }
        next.run(request).await
    });
    let (api, _) = api().with_state(board.clone()).split_for_parts();
    let app = api.merge(pages(&board)).layer(who);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    Server { url, task }
}
