//! The doors of emergencies, and who hears at once when one is opened or looked into: pages that show the subject, and whoever hands its notice over.

use std::sync::Arc;

use axum::Router;
use vitalog_ingest::access::Accounts;
use vitalog_ingest::io::{Glass, emergencies};

use super::Manners;
use crate::run::Node;

pub fn router(node: &Node, accounts: &Arc<Accounts>, manners: &Manners) -> Router {
    let (live, opened) = (node.live.clone(), manners.opened.clone());
    let news = move || {
        live.look_at_emergencies();
        if let Some(opened) = &opened {
            opened.notify_one();
        }
    };
    emergencies().with_state(Glass::new(accounts.clone(), node.now.clone(), Arc::new(news))).split_for_parts().0
}
