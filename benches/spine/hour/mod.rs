//! An hour of load, and whether memory stays where it is: weeks of readings of people who wear sensors, by a server whose clock runs as fast as they come.
//!
//! What engines keep depends on event time: a week for late readings, and the two weeks that reports look back. At life's pace an hour never leaves the beginning. So the server is `vitalog demo`, which is
//! all of `serve` (the same node, rules, views, lake, snapshots, horizon) with a documented `--speed`; its own six people are in it, too. Timers are real: landings come each minute of the wall clock, and groups wait as long as ever.
//! So per day of event time there is less of what costs by the clock, and a pause of the machine is half an hour without readings for everybody: that shows as silence, and those findings are part of the load.
//!
//! libfaketime was tried in place of that (2,016 times as fast, the monotonic clock as it is): the server's clock holds jumps (`src/run/clock.rs`), takes all of it for one, and goes on at life's pace.

mod pace;
mod people;
mod samples;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::Server;
use pace::Pace;
use people::People;
use samples::{Interval, Sample};

const SENDERS: u64 = 4;
/// Of readings a second, if nobody says how many.
const RATE: f64 = 5_000.0;
/// Twelve weeks in an hour: all that is kept by event time has come to its full length after the first four.
const SPEED: f64 = 2_016.0;
const MINUTES: f64 = 60.0;
/// Between two bodies of a sender.
const BEAT: Duration = Duration::from_millis(25);
/// Between two samples.
const LOOK: Duration = Duration::from_secs(10);

struct Wanted {
    minutes: f64,
    rate: f64,
    speed: f64,
    /// Where the data directory is made, and left.
    data: Option<PathBuf>,
}

impl Wanted {
    fn said() -> Wanted {
        let said = |flag: &str| std::env::args().find_map(|a| a.strip_prefix(flag).map(str::to_owned));
        let number = |flag: &str, usual: f64| said(flag).map_or(usual, |n| n.parse().expect("a number"));
        Wanted {
            minutes: number("--minutes=", MINUTES),
            rate: number("--rate=", RATE),
            speed: number("--speed=", SPEED),
            data: said("--data=").map(PathBuf::from),
        }
    }
}

pub fn run() {
    let wanted = Wanted::said();
    let temporary = tempfile::tempdir().expect("a folder");
    let data = wanted.data.clone().unwrap_or_else(|| temporary.path().join("data"));
    let server = Server::demo(&data, wanted.speed);
    let pace = Pace::of(&mut Client::connect(&server.host), wanted.speed);
    let count = People::count_for(wanted.rate, wanted.speed);
    println!(
        "{} readings/s of {count} people by {SENDERS} connections, the clock {} times as fast: {:.1} days of event time in {} minutes",
        wanted.rate,
        wanted.speed,
        wanted.minutes * wanted.speed / 1_440.0,
        wanted.minutes
    );
    let length = Duration::from_secs_f64(wanted.minutes * 60.0);
    let interval = Mutex::new(Interval::default());
    let (began, from) = (Instant::now(), pace.now());
    let (sent, samples) = std::thread::scope(|scope| {
        let send = |number: u64| {
            let (host, interval) = (&server.host, &interval);
            let mut people = People::new((number..count).step_by(SENDERS as usize), from);
            move || {
                let mut client = Client::connect(host);
                let mut sent = 0;
                while began.elapsed() < length {
                    let beat = Instant::now();
                    sent += send(&mut client, &mut people, pace.now(), interval);
                    std::thread::sleep(BEAT.saturating_sub(beat.elapsed()));
                }
                sent
            }
        };
        let senders: Vec<_> = (0..SENDERS).map(|number| scope.spawn(send(number))).collect();
        let samples = watch(&server, &data, (&pace, from), &interval, length);
        (senders.into_iter().map(|sender| sender.join().expect("it sends")).sum::<u64>(), samples)
    });
    println!("{}", verdict::of(&samples));
    println!("server used {:.0} CPU s for {sent} readings; {} MB at the peak", server.cpu_seconds(), server.peak_mb());
    all_in_sql(&server.host, sent);
    audited(&server.host);
    server.stop();
}

/// What is due by `now`; how many readings it was.
fn send(client: &mut Client, people: &mut People, now: i64, interval: &Mutex<Interval>) -> u64 {
    let (lines, body) = people.due(now);
    if lines == 0 {
        return 0;
    }
    let began = Instant::now();
    let (status, answer) = client.post("/v1/readings?receipts=summary", "application/x-ndjson", &body);
    let took = began.elapsed();
    let all = format!("\"accepted\":{lines},\"duplicate\":0,\"rejected\":0");
    assert!(status == 200 && answer.contains(&all), "{status}: {answer}");
    interval.lock().expect("nobody panicked").answered(lines, took);
    lines
}

fn watch(server: &Server, data: &Path, (pace, from): (&Pace, i64), interval: &Mutex<Interval>, length: Duration) -> Vec<Sample> {
    let (began, mut samples) = (Instant::now(), Vec::new());
    let mut client = Client::connect(&server.host);
    println!("{}", Sample::HEAD);
    for number in 1.. {
        let next = LOOK * number;
        if next > length {
            break;
        }
        std::thread::sleep(next.saturating_sub(began.elapsed()));
        let interval = std::mem::take(&mut *interval.lock().expect("nobody panicked"));
        let (_, metrics) = client.get("/metrics");
        let day = (pace.now() - from) as f64 / 86_400e6;
        let sample = Sample::take(began.elapsed(), day, interval, (server.id(), data), &metrics);
        println!("{sample}");
        samples.push(sample);
    }
    samples
}

/// Waits until SQL has all that was acknowledged, and no more.
fn all_in_sql(host: &str, sent: u64) {
    let (mut client, began) = (Client::connect(host), Instant::now());
    let sql = format!(
        r#"{{"sql":"select count(*) as n from readings where subject like '{}%' and stream <> 'contact'"}}"#,
        people::NAME
    );
    loop {
        let (status, answer) = client.post("/v1/sql", "application/json", sql.as_bytes());
        assert_eq!(status, 200, "{answer}");
        if answer.trim() == format!("[{{\"n\":{sent}}}]") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "SQL has {answer} where {sent} readings were acknowledged");
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("all {sent} in SQL {:.2} s after the last acknowledgement", began.elapsed().as_secs_f64());
}

/// Holds each stage against the journal.
fn audited(host: &str) {
    let began = Instant::now();
    let audit = Server::program().args(["audit", "--url", &format!("http://{host}")]).output().expect("it runs");
    let said = String::from_utf8_lossy(&audit.stdout);
    assert!(audit.status.success(), "accounts differ: {said}{}", String::from_utf8_lossy(&audit.stderr));
    println!("every stage has what the journal has ({:.0} s):\n{said}", began.elapsed().as_secs_f64());
}
