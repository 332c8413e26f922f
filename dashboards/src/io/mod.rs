//! The doors: the API over the views, the live stream, and the pages.
//!
//! Every door asks [`Access`] with the [`Principal`](vitalog_elog::access::Principal) that the gateway put into the request; none of them decides who
//! that is. The pages themselves hold nothing of a person, so anybody may load them.

mod board;
mod caller;
mod emergencies;
mod letters;
mod live;
mod pages;
mod problem;
mod profile;
mod readings;
mod recommendations;
mod sources;
mod stream;
mod subjects;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use board::{Board, Clock, Notice, Ports};
pub use live::Live;
pub use problem::Problem;

/// `GET /v1/…`, and what people do about recommendations, with its description. Needs the principal in each request; the gateway's authentication
/// belongs over this only, since a page must load before anybody has logged in.
pub fn api() -> OpenApiRouter<Arc<Board>> {
    OpenApiRouter::default()
        .routes(routes!(subjects::list))
        .routes(routes!(subjects::summary))
        .routes(routes!(subjects::timeline))
        .routes(routes!(readings::page))
        .routes(routes!(readings::one))
        .routes(routes!(recommendations::of_subject))
        .routes(routes!(profile::show))
        .routes(routes!(sources::list))
        .routes(routes!(recommendations::list))
        .routes(routes!(recommendations::one))
        .routes(routes!(recommendations::acknowledge))
        .routes(routes!(recommendations::dismiss))
        .routes(routes!(letters::list))
        .routes(routes!(letters::one))
        .routes(routes!(stream::open))
}

/// `/`, `/subjects/{s}`, `/recommendations/{id}`, `/login` and what they are made of. Needs nobody's name.
pub fn pages(board: &Arc<Board>) -> Router {
    pages::router(board.notice())
}
