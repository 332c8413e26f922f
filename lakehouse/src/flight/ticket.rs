//! Tickets: what was asked, sealed for whoever asked it, for a while.
//!
//! A ticket names the question, so nothing is kept of it here; the seal is under a key that is drawn at the start, so that none but these are redeemed, and by nobody else.
//!
//! INVARIANT (one's own): `open` gives a question only to the holder that `seal` was given.

use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use blake3::Hash;
use prost::Message;
use prost::bytes::Bytes;
use tonic::{Code, Status};
use vitalog_elog::{Span, Time};

use crate::flight::status::{garbled, refusal};

/// Seals and opens.
pub(crate) struct Seal {
    key: [u8; 32],
    life: Span,
}

/// What a ticket says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ticket {
    /// Its own: what is stopped is stopped by it.
    pub id: [u8; 16],
    pub until: Time,
    /// Of a prepared statement, which values it is asked with.
    pub binding: u64,
    /// The command that was asked for.
    pub asked: Any,
}

impl Seal {
    pub fn new(key: [u8; 32], life: Span) -> Seal {
        Seal { key, life }
    }

    /// A ticket for a question, as it is handed out.
    pub fn seal(&self, holder: &str, id: [u8; 16], now: Time, binding: u64, asked: &Any) -> (Bytes, Time) {
        let until = now + self.life;
        let mut said = Vec::new();
        said.extend(id);
        said.extend(until.micros().to_be_bytes());
        said.extend(binding.to_be_bytes());
        said.extend(asked.encode_to_vec());
        let mut sealed = self.mark(holder, &said).as_bytes().to_vec();
        sealed.extend(said);
        let ticket = TicketStatementQuery { statement_handle: sealed.into() };
        (ticket.as_any().encode_to_vec().into(), until)
    }

    /// What a ticket asks, if it is good still and this holder's own.
    ///
    /// # Errors
    /// Which of these it is not. Of another's ticket no more is said than of one that was never given.
    pub fn open(&self, holder: &str, now: Time, ticket: &[u8]) -> Result<Ticket, Status> {
        let ticket = Any::decode(ticket).map_err(|_| garbled("the ticket"))?;
        let ticket = ticket.unpack::<TicketStatementQuery>().map_err(|_| garbled("the ticket"))?;
        let sealed = ticket.ok_or_else(not_given)?.statement_handle;
        let (mark, said) = sealed.split_first_chunk::<32>().ok_or_else(not_given)?;
        // Compared in constant time.
        if self.mark(holder, said) != Hash::from(*mark) {
            return Err(not_given());
        }
        let (id, rest) = said.split_first_chunk::<16>().ok_or_else(not_given)?;
        let (until, rest) = rest.split_first_chunk::<8>().ok_or_else(not_given)?;
        let (binding, asked) = rest.split_first_chunk::<8>().ok_or_else(not_given)?;
        let until = Time(i64::from_be_bytes(*until));
        if now >= until {
            return Err(refusal(
                Code::DeadlineExceeded,
                "the ticket has expired",
                "ask for the flight again, and take it at once",
            ));
        }
        let asked = Any::decode(asked).map_err(|_| not_given())?;
        Ok(Ticket { id: *id, until, binding: u64::from_be_bytes(*binding), asked })
    }

    fn mark(&self, holder: &str, said: &[u8]) -> Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        // With its length before it, so that no other holder and question are the same bytes.
        hasher.update(&(holder.len() as u64).to_be_bytes());
        hasher.update(holder.as_bytes());
        hasher.update(said);
        hasher.finalize()
    }
}

fn not_given() -> Status {
    refusal(
        Code::PermissionDenied,
        "this ticket was not given to you by this server since it started",
        "ask for the flight again, and take it by the same token",
    )
}

#[cfg(test)]
mod tests {
    use super::{Seal, Ticket};
    use arrow_flight::sql::{Any, CommandStatementQuery, ProstMessageExt};
    use tonic::Code;
    use vitalog_elog::{Span, Time};

    fn asked() -> Any {
        CommandStatementQuery { query: "select 1".to_owned(), transaction_id: None }.as_any()
    }

    #[test]
    fn a_ticket_is_its_holders_and_for_a_while() {
        let seal = Seal::new([7; 32], Span::seconds(60));
        let now = Time(1_000_000);
        let (ticket, until) = seal.seal("pat token a", [1; 16], now, 3, &asked());
        assert_eq!(until, now + Span::seconds(60));
        let opened = seal.open("pat token a", now, &ticket).unwrap();
        assert_eq!(opened, Ticket { id: [1; 16], until, binding: 3, asked: asked() });
        let code = |holder: &str, now: Time, ticket: &[u8]| seal.open(holder, now, ticket).unwrap_err().code();
        assert_eq!(code("pat token a", until, &ticket), Code::DeadlineExceeded);
        for other in ["pat token b", "pat token ", "pat token a ", "", "care token a"] {
            assert_eq!(code(other, now, &ticket), Code::PermissionDenied, "{other:?}");
        }
        let other = Seal::new([8; 32], Span::seconds(60));
        assert_eq!(other.open("pat token a", now, &ticket).unwrap_err().code(), Code::PermissionDenied);
    }

    #[test]
    fn no_bit_of_a_ticket_can_be_another() {
        let seal = Seal::new([7; 32], Span::seconds(60));
        let now = Time(1_000_000);
        let (ticket, _) = seal.seal("pat", [1; 16], now, 0, &asked());
        for place in 0..ticket.len() * 8 {
            let mut bent = ticket.to_vec();
            bent[place / 8] ^= 1 << (place % 8);
            assert!(seal.open("pat", now, &bent).is_err(), "bit {place}");
        }
        for length in 0..ticket.len() {
            assert!(seal.open("pat", now, &ticket[..length]).is_err(), "{length}");
        }
        let plain = prost::Message::encode_to_vec(&asked());
        assert_eq!(seal.open("pat", now, &plain).unwrap_err().code(), Code::PermissionDenied);
    }
}
