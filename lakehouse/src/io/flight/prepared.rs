//! Prepared statements: each has a handle that only whoever prepared it can use, and perhaps values.
//!
//! Values that are bound anew count anew: a ticket says with which it was given, and is not redeemed with others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic::{Code, Status};

use crate::flight::status::refusal;
use crate::flight::values::size;
use crate::sql::{Literal, Marked};

/// Prepared statements, of all, and of one who asks.
const ALL: usize = 2_000;
const OF_ONE: usize = 200;
/// Bytes of statements and values, of all.
const HELD: usize = 64 << 20;

/// A statement, and the values that it is asked with.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub statement: Arc<Marked>,
    /// How many parameters it has.
    pub parameters: usize,
    pub values: Option<Arc<Vec<Literal>>>,
    /// Counts how often values were bound.
    pub binding: u64,
    holder: String,
    bytes: usize,
    used: Instant,
}

/// All that there are.
pub(crate) struct AllPrepared {
    all: Mutex<HashMap<[u8; 16], Prepared>>,
    idle: Duration,
}

impl AllPrepared {
    pub fn new(idle: Duration) -> AllPrepared {
        AllPrepared { all: Mutex::default(), idle }
    }

    /// Keeps a statement, under a handle that was drawn.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn keep(&self, handle: [u8; 16], holder: &str, statement: Marked, parameters: usize) -> Result<(), Status> {
        let bytes = 2 * statement.numbered().len();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, prepared| prepared.used.elapsed() < self.idle);
        let own = all.values().filter(|prepared| prepared.holder == holder).count();
        if all.len() >= ALL || own >= OF_ONE {
            return Err(refusal(Code::ResourceExhausted, "there are too many prepared statements", "close some"));
        }
        has_room(&all, bytes)?;
        let (statement, holder) = (Arc::new(statement), holder.to_owned());
        all.insert(handle, Prepared { statement, parameters, values: None, binding: 0, holder, bytes, used: Instant::now() });
        Ok(())
    }

    /// The statement of a handle.
    ///
    /// # Errors
    /// Where this holder has none of it.
    pub fn of(&self, handle: &[u8], holder: &str) -> Result<Prepared, Status> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared = own(&mut all, handle, holder, self.idle)?;
        prepared.used = Instant::now();
        Ok(prepared.clone())
    }

    /// Binds values to it.
    ///
    /// # Errors
    /// Where there is no such statement, it has another number of parameters, or they are too large.
    pub fn bind(&self, handle: &[u8], holder: &str, values: Vec<Literal>) -> Result<(), Status> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = size(&values);
        has_room(&all, bytes)?;
        let prepared = own(&mut all, handle, holder, self.idle)?;
        if prepared.parameters != values.len() {
            let (wanted, come) = (prepared.parameters, values.len());
            let message = format!("the statement has {wanted} parameters, and {come} values came");
            return Err(refusal(Code::InvalidArgument, &message, "bind one value for each parameter"));
        }
        prepared.bytes = 2 * prepared.statement.numbered().len() + bytes;
        prepared.values = Some(Arc::new(values));
        prepared.binding += 1;
        prepared.used = Instant::now();
        Ok(())
    }

    /// Forgets it, if it is this holder's.
    pub fn close(&self, handle: &[u8], holder: &str) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if own(&mut all, handle, holder, self.idle).is_ok() {
            all.retain(|known, _| known != handle);
        }
    }
}

fn own<'a>(
    all: &'a mut HashMap<[u8; 16], Prepared>,
    handle: &[u8],
    holder: &str,
    idle: Duration,
) -> Result<&'a mut Prepared, Status> {
    let handle: Option<[u8; 16]> = handle.try_into().ok();
    let found = handle.and_then(|handle| all.get_mut(&handle));
    // Of another's statement no more is said than of none.
    found.filter(|prepared| prepared.holder == holder && prepared.used.elapsed() < idle).ok_or_else(|| {
        refusal(
            Code::NotFound,
            "you have no such prepared statement",
            "prepare it: it is forgotten when nothing is asked of it for long",
        )
    })
}

fn has_room(all: &HashMap<[u8; 16], Prepared>, bytes: usize) -> Result<(), Status> {
    let held: usize = all.values().map(|prepared| prepared.bytes).sum();
    if held + bytes > HELD {
        return Err(refusal(
            Code::ResourceExhausted,
            "too many values are held for prepared statements",
            "close some, or try again later",
        ));
    }
    Ok(())
}

impl Prepared {
    /// The values it is asked with.
    ///
    /// # Errors
    /// Where they were bound anew since a ticket was given.
    pub fn values_of(&self, binding: u64) -> Result<Vec<Literal>, Status> {
        if binding != self.binding {
            let message = "other values were bound since this ticket was given";
            return Err(refusal(Code::FailedPrecondition, message, "ask for the flight again"));
        }
        Ok(self.values.as_deref().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{AllPrepared, OF_ONE};
    use crate::sql::{Literal, Marked};
    use std::time::Duration;
    use tonic::Code;

    #[test]
    fn a_prepared_statement_is_its_holders() {
        let all = AllPrepared::new(Duration::from_secs(60));
        all.keep([1; 16], "pat", Marked::new("select ?"), 1).unwrap();
        let code = |result: Result<(), tonic::Status>| result.unwrap_err().code();
        assert_eq!(code(all.of(&[1; 16], "care").map(drop)), Code::NotFound);
        assert_eq!(code(all.of(&[1; 15], "pat").map(drop)), Code::NotFound);
        assert_eq!(code(all.bind(&[1; 16], "care", vec![Literal::Int(1)])), Code::NotFound);
        assert_eq!(code(all.bind(&[1; 16], "pat", vec![])), Code::InvalidArgument);
        all.close(&[1; 16], "care");
        all.bind(&[1; 16], "pat", vec![Literal::Int(1)]).unwrap();
        let before = all.of(&[1; 16], "pat").unwrap().binding;
        all.bind(&[1; 16], "pat", vec![Literal::Int(2)]).unwrap();
        let prepared = all.of(&[1; 16], "pat").unwrap();
        assert_eq!(code(prepared.values_of(before).map(drop)), Code::FailedPrecondition);
        assert_eq!(prepared.values_of(prepared.binding).unwrap(), [Literal::Int(2)]);
        all.close(&[1; 16], "pat");
        assert_eq!(code(all.of(&[1; 16], "pat").map(drop)), Code::NotFound);
    }

    #[test]
    fn they_are_bounded_and_forgotten() {
        let all = AllPrepared::new(Duration::from_secs(60));
        let id = |n: usize| u128::try_from(n).unwrap().to_be_bytes();
        for n in 0..OF_ONE {
            all.keep(id(n), "pat", Marked::new("select 1"), 0).unwrap();
        }
        let over = all.keep(id(OF_ONE), "pat", Marked::new("select 1"), 0).unwrap_err();
        assert_eq!(over.code(), Code::ResourceExhausted);
        all.keep(id(OF_ONE), "care", Marked::new("select ?"), 1).unwrap();
        let large = Literal::Text("x".repeat(super::HELD));
        assert_eq!(all.bind(&id(OF_ONE), "care", vec![large]).unwrap_err().code(), Code::ResourceExhausted);
        let short = AllPrepared::new(Duration::ZERO);
        short.keep(id(1), "pat", Marked::new("select 1"), 0).unwrap();
        assert!(short.of(&id(1), "pat").is_err());
    }
}
