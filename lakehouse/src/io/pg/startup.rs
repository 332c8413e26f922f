//! The beginning of a connection: TLS, who comes, and what they are told.
//!
//! Where there is TLS, nothing goes on without it: who begins in the clear is refused before they are asked for a password.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::io::pg::line::{End, Line};
use crate::io::port::{Guest, NotIn, Porter, Secure, Wire};
use crate::pg::fault::Fault;
use crate::pg::incoming::{Incoming, Key, Opening, opening};
use crate::pg::settings::{DATABASE, Settings};

/// The longest message of those who have not shown a password yet.
const LONGEST: usize = 10_000;

/// Who has come in, and how they want it.
pub struct Begun {
    pub line: Line,
    pub guest: Arc<dyn Guest>,
    pub settings: Settings,
}

/// What a connection turned out to be.
pub enum Came {
    In(Box<Begun>),
    /// It wanted another connection's question stopped; it is closed when that is done, so that whoever sees its end knows.
    ToStop(Key, Box<dyn Wire>),
    /// It was refused, and told so.
    Refused,
}

/// Takes a connection as far as its first message.
///
/// # Errors
/// Where it breaks off, or is none of PostgreSQL's.
pub async fn begin(stream: TcpStream, tls: Option<&dyn Secure>, porter: &dyn Porter) -> Result<Came, End> {
    let Some((wire, opening, is_secure)) = opened(stream, tls).await? else { return Ok(Came::Refused) };
    let (minor, parameters) = match opening {
        Opening::Cancel(key) => return Ok(Came::ToStop(key, wire)),
        Opening::Startup { minor, parameters } => (minor, parameters),
        Opening::OtherVersion(version) => {
            let other = format!("protocol version {}.{} is not spoken", version >> 16, version & 0xffff);
            return refuse(Line::new(wire), Fault::unsupported(other).hint("use a client of version 3.0, as all since 2003 are"))
                .await;
        }
        Opening::Tls | Opening::Gss => return refuse(Line::new(wire), Fault::new("08P01", "that was asked before")).await,
    };
    let mut line = Line::new(wire);
    if tls.is_some() && !is_secure {
        let fault =
            Fault::new("28000", "this server speaks TLS only").hint("connect with sslmode=require, or better verify-full");
        return refuse(line, fault).await;
    }
    let get = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let Some(user) = get("user").filter(|user| !user.is_empty()) else {
        return refuse(
            line,
            Fault::new("28000", "no user name was given").hint("the user name is the account; the password is a token"),
        )
        .await;
    };
    if get("replication").is_some_and(|value| !["false", "off", "no", "0"].contains(&value)) {
        return refuse(line, Fault::unsupported("there is no replication")).await;
    }
    let unknown: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > 0 || !unknown.is_empty() {
        line.out.negotiate(&unknown);
    }
    let guest = match known(&mut line, user, porter).await? {
        Ok(guest) => guest,
        Err(fault) => return refuse(line, fault).await,
    };
    // Said only to whoever has come in.
    if let Some(other) = get("database").filter(|name| *name != DATABASE) {
        let fault = Fault::new("3D000", format!("there is no database {other:?}")).hint(format!("there is one, {DATABASE:?}"));
        return refuse(line, fault).await;
    }
    let mut settings = Settings::of(user);
    match begun_with(&mut settings, &parameters) {
        Ok(()) => Ok(Came::In(Box::new(Begun { line, guest, settings }))),
        Err(fault) => refuse(line, fault).await,
    }
}

async fn refuse(mut line: Line, fault: Fault) -> Result<Came, End> {
    line.out.fault(&fault.fatal());
    line.shut().await;
    Ok(Came::Refused)
}

/// The first packet that is no question about encryption, and over what it came. `None`: there was no such packet.
async fn opened(mut stream: TcpStream, tls: Option<&dyn Secure>) -> Result<Option<(Box<dyn Wire>, Opening, bool)>, End> {
    let mut come = BytesMut::new();
    let first = loop {
        match packet(&mut stream, &mut come).await? {
            Opening::Gss => stream.write_all(b"N").await?,
            Opening::Tls => match tls {
                // Whatever came behind the question came in the clear, and would be taken for what is said over TLS.
                Some(_) if !come.is_empty() => return Ok(None),
                Some(tls) => {
                    stream.write_all(b"S").await?;
                    let mut wire = tls.secure(stream).await?;
                    let opening = packet(&mut wire, &mut come).await?;
                    return Ok(come.is_empty().then_some((wire, opening, true)));
                }
                None => stream.write_all(b"N").await?,
            },
            other => break other,
        }
    };
    // Nothing is said before it is asked for.
    Ok(come.is_empty().then(|| (Box::new(stream) as Box<dyn Wire>, first, false)))
}

async fn packet(wire: &mut impl Wire, come: &mut BytesMut) -> Result<Opening, End> {
    loop {
        if let Some(opening) = opening(come)? {
            return Ok(opening);
        }
        if wire.read_buf(come).await? == 0 {
            return Err(End::Gone);
        }
    }
}

/// Asks for a password, and who has it.
async fn known(line: &mut Line, user: &str, porter: &dyn Porter) -> Result<Result<Arc<dyn Guest>, Fault>, End> {
    let mut secret = String::new();
    if porter.asks() {
        line.out.ask_for_password();
        line.send().await?;
        let said = match line.next(LONGEST).await? {
            Incoming::Password(said) => said,
            Incoming::Terminate => return Err(End::Gone),
            _ => return Ok(Err(Fault::new("08P01", "a password was expected"))),
        };
        let text = said.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok()).filter(|text| !text.contains('\0'));
        let Some(text) = text else { return Ok(Err(Fault::new("28P01", "the password is no text"))) };
        text.clone_into(&mut secret);
    }
    Ok(porter.admit(user, &secret).await.map_err(not_in))
}

/// What who is not let in is told.
pub fn not_in(why: NotIn) -> Fault {
    match why {
        NotIn::NotGood(why) => Fault::new("28P01", why).hint(
            "the user name is the account, of a program its token's id; the password is a token, or the account's password",
        ),
        NotIn::Later(why) => Fault::new("53400", why),
        NotIn::Unknown => {
            Fault::new("57P03", "who may come in can't be looked up at present").hint("try again later; the log says why")
        }
    }
}

/// Settings that come with the first packet. A zone that a client is in is its own affair: what it is told says UTC.
fn begun_with(settings: &mut Settings, parameters: &[(String, String)]) -> Result<(), Fault> {
    const OTHERS: [&str; 5] = ["user", "database", "replication", "options", "timezone"];
    for (name, value) in parameters {
        let name = name.to_lowercase();
        if !OTHERS.contains(&&*name) && !name.starts_with("_pq_.") {
            settings.set(&name, value)?;
        }
    }
    let options = parameters.iter().find(|(name, _)| name == "options").map_or("", |(_, options)| options.as_str());
    let words: Vec<&str> = options.split_whitespace().collect();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let said = if word == "-c" { words.next() } else { word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) };
        let wrong = || Fault::new("22023", format!("the option {word:?} is not understood")).hint("write -c name=value");
        let (name, value) = said.and_then(|said| said.split_once('=')).ok_or_else(wrong)?;
        if !name.eq_ignore_ascii_case("timezone") {
            settings.set(&name.replace('-', "_"), value)?;
        }
    }
    Ok(())
}
