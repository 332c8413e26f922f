//! `GET /v1/me` and `POST /v1/me/password`: who one is here, and another password.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitalog_elog::access::{Principal, Via};

use super::body;
use super::doorman::{Credentials, Doorman, not_in};
use super::problem::Problem;
use super::session::log_in;
use crate::access::{AccessError, Open, password};

#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    account: String,
    via: String,
    #[schema(value_type = Vec<String>)]
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// To which one belongs; the house, where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// After so many seconds without anybody at it a page logs out. Without a session there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    idle_seconds: Option<i64>,
    can_change_password: bool,
}

/// Who one is here.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "self",
    responses((status = 200, description = "Account, roles, the subject of one's own", body = Me))
)]
pub(super) async fn show(
    State(doorman): State<Arc<Doorman>>,
    Extension(who): Extension<Principal>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut me = Me {
        account: who.id.to_string(),
        via: who.via.to_string(),
        roles: Vec::new(),
        subject: None,
        tenant: None,
        idle_seconds: None,
        can_change_password: who.via == Via::Password,
    };
    match &doorman.credentials {
        Credentials::Open => me.via = Open::ID.to_owned(),
        Credentials::Accounts(accounts) => {
            let registry = accounts.registry().map_err(|e| not_in(&crate::access::NotIn::Store(e)))?;
            me.tenant = accounts.tenant_of(&who).map(|tenant| tenant.to_string());
            let program = matches!(&who.via, Via::Token(id) if registry.tokens.get(id).is_some_and(|t| t.account.is_none()));
            if let Some(account) = registry.accounts.get(&who.id).filter(|_| !program) {
                me.roles = account.roles.iter().map(crate::access::Role::name).collect();
                me.subject = account.own.as_ref().map(|s| s.as_str().to_owned());
            } else {
                me.roles = vec![crate::access::Role::Service.name()];
            }
            if super::session::cookie(&headers).is_some() && super::doorman::bearer(&headers).is_none() {
                me.idle_seconds = Some(doorman.sessions.lives().idle.micros() / 1_000_000);
            }
        }
    }
    Ok(Json(me).into_response())
}

#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChange)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    former: String,
    password: String,
}

/// Sets another password. All sessions of the account are over, this one too.
#[utoipa::path(
    post,
    path = "/v1/me/password",
    tag = "self",
    request_body = Change,
    responses((status = 204, description = "It is changed; all sessions of the account are over"))
)]
pub(super) async fn change_password(
    State(doorman): State<Arc<Doorman>>,
    Extension(who): Extension<Principal>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (Credentials::Accounts(accounts), Via::Password) = (&doorman.credentials, &who.via) else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "no_password",
            "who came by a token has no password to change",
            "log in with name and password first",
        ));
    };
    const SHAPE: &str = "{\"former\":\"…\",\"password\":\"…\"}";
    let change: Change = body::object(&headers, body, &doorman.room, SHAPE).await?;
    log_in(&doorman, accounts, who.id.to_string(), change.former).await?.map_err(|why| not_in(&why))?;
    let (accounts, id, new) = (accounts.clone(), who.id.clone(), change.password);
    let changed = tokio::task::spawn_blocking(move || accounts.change(|store| store.set_password(&id, &new))).await;
    match changed.map_err(|_| body::broken())? {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(error @ AccessError::Password { .. }) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "bad_password",
            error.to_string(),
            format!("choose a longer one: a few words do; at least {} characters", password::LEAST),
        )),
        Err(error) => Err(not_in(&crate::access::NotIn::Store(error))),
    }
}
