//! ADBC and pyarrow (`tests/support/flight_client.py`): questions, values, the catalogue, tickets, stops, answers that flow.

use super::{listening, place, sound, told};
use crate::access::serve;

#[test]
fn adbc_asks_and_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    sound("questions", &[place(&server)], [&token, ""]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_ticket_is_redeemed_by_its_owner_and_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let root = told(data, "token", &["add", "root"]);
    let tokens = [("pat", "p-1"), ("two", "p-2")].map(|(name, subject)| {
        told(data, "user", &["add", name, "--roles", "patient", "--subject", subject, "--no-password"]);
        told(data, "token", &["add", name, "--account", name])
    });
    let server = serve(data, &["--flight", "127.0.0.1:0", "--ticket-time", "4"]);
    super::filled(&server, &root);
    sound("tickets", &[place(&server), "4"], [&tokens[0], &tokens[1]]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_asked_is_stopped_by_its_ticket_and_by_whoever_hangs_up() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    sound("stops", &[place(&server)], [&token, ""]);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_large_answer_flows_and_is_held_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (server, token) = listening(dir.path(), &[]);
    sound("flows", &[place(&server), &server.id().to_string()], [&token, ""]);
    assert_eq!(server.stop(), Some(0));
}
