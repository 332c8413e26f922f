//! The doors: the API over the views, the live stream, and the pages.
//!
//! Every door asks [`Access`] with the [`Principal`](vitalog_elog::access::Principal) that the gateway put into the request; none of them decides who
//! that is. The pages themselves hold nothing of a person, so anybody may load them.

mod board;
mod caller;
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
use axum::routing::{get, post};

pub use board::{Board, Clock, Notice, Ports};
pub use live::Live;
pub use problem::Problem;

/// The API and the pages. The gateway's authentication belongs over [`api`] only: a page must load before anybody has logged in.
pub fn router(board: &Arc<Board>) -> Router {
    api(board).merge(pages(board))
}

/// `GET /v1/…`, and what people do about recommendations. Needs the principal in each request.
pub fn api(board: &Arc<Board>) -> Router {
    Router::new()
        .route("/v1/subjects", get(subjects::list))
        .route("/v1/subjects/{subject}/summary", get(subjects::summary))
        .route("/v1/subjects/{subject}/timeline", get(subjects::timeline))
        .route("/v1/subjects/{subject}/readings", get(readings::page))
        .route("/v1/subjects/{subject}/readings/{id}", get(readings::one))
        .route("/v1/subjects/{subject}/recommendations", get(recommendations::of_subject))
        .route("/v1/subjects/{subject}/profile", get(profile::show))
        .route("/v1/sources", get(sources::list))
        .route("/v1/recommendations", get(recommendations::list))
        .route("/v1/recommendations/{id}", get(recommendations::one))
        .route("/v1/recommendations/{id}/acknowledge", post(recommendations::acknowledge))
        .route("/v1/recommendations/{id}/dismiss", post(recommendations::dismiss))
        .route("/v1/dead-letters", get(letters::list))
        .route("/v1/dead-letters/{offset}", get(letters::one))
        .route("/v1/stream", get(stream::open))
        .with_state(board.clone())
}

/// `/`, `/subjects/{s}`, `/recommendations/{id}`, `/login` and what they are made of. Needs nobody's name.
pub fn pages(board: &Arc<Board>) -> Router {
    pages::router(board.notice())
}
