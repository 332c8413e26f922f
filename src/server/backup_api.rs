//! `POST /v1/backups`: the server makes a backup of itself, where whoever started it said that backups go. No path comes from outside.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vitalog_elog::access::{Access, Decision, Principal, Wish};

use super::problem::problem;
use crate::backup::{BackupMade, Made, Running, make};
use crate::failure::Failure;
use crate::run::clock;

/// Where backups go.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Each into a directory of its own in this one; `None`: none are made.
    pub backups: Option<PathBuf>,
    /// The one copy of the keys.
    pub keys: Option<PathBuf>,
}

/// What the handler needs.
#[derive(Clone)]
pub struct BackupState {
    pub source: Running,
    pub places: Places,
    pub access: Arc<dyn Access>,
    /// Held by the one that is being made.
    pub turn: Arc<tokio::sync::Mutex<()>>,
}

/// The door.
pub fn api() -> OpenApiRouter<BackupState> {
    OpenApiRouter::default().routes(routes!(begin))
}

/// Makes a backup where `serve --backups` says.
#[utoipa::path(
    post,
    path = "/v1/backups",
    tag = "operate",
    responses(
        (status = 201, description = "It is whole", body = BackupMade),
        (status = 409, description = "No place is configured, or one is being made"),
    )
)]
async fn begin(State(state): State<BackupState>, who: Option<Extension<Principal>>) -> Response {
    let allowed = who.is_some_and(|Extension(who)| state.access.decide(&who, Wish::Operate) == Decision::Allow);
    if !allowed {
        let remedy = "ask for a token with the right `operate`";
        return problem(StatusCode::FORBIDDEN, "forbidden", "this token may not make backups", remedy);
    }
    let Some(folder) = state.places.backups.clone() else {
        let remedy = "start the server with `--backups DIR`, or stop it and use `vitalog backup --data`";
        return problem(StatusCode::CONFLICT, "no_place_for_backups", "nobody said where backups go", remedy);
    };
    let Ok(turn) = state.turn.clone().try_lock_owned() else {
        return problem(StatusCode::CONFLICT, "backup_under_way", "a backup is being made", "wait until it is done");
    };
    let made = tokio::task::spawn_blocking(move || {
        let made = make_in(&state, &folder);
        drop(turn);
        made
    });
    match made.await {
        Ok(Ok(made)) => {
            tracing::info!(position = made.manifest.position, bytes = made.manifest.bytes(), "a backup was made");
            (StatusCode::CREATED, Json(BackupMade::from(&made))).into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "no backup could be made");
            let (what, remedy) = error.parts();
            problem(StatusCode::INTERNAL_SERVER_ERROR, "no_backup", what, remedy.unwrap_or("see the server's log"))
        }
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "no_backup", "no backup could be made", "see the server's log"),
    }
}

fn make_in(state: &BackupState, folder: &std::path::Path) -> Result<Made, Failure> {
    let at = clock::wall();
    std::fs::create_dir_all(folder).map_err(|e| Failure::new(format!("cannot make {}: {e}", folder.display())))?;
    // Names that sort as they were made.
    let name: String = at.to_string().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    make(&state.source, &folder.join(name), state.places.keys.as_deref(), at)
}
