//! Any bytes: the decoders and admission give readings or refusals, and never panic.

use proptest::prelude::*;
use vitalog_ingest::decode::t1d_uom::{File, Kind};
use vitalog_ingest::decode::{Format, Packing, aim94, decode, json};

use super::fixture::{admission, now};

fn formats() -> Vec<Format> {
    let exports = Kind::ALL.into_iter().map(|kind| Format::T1dUom(File { kind, person: "1".to_owned() }));
    let diary = Format::Aim94(aim94::File { person: "1".to_owned() });
    [Format::Json, Format::Ndjson, Format::Csv, Format::Arrow, diary].into_iter().chain(exports).collect()
}

/// Reads a body in every form. What comes out of it holds together: places in order, bytes from the body, and a reading that is accepted says the same when it is written and read again.
fn read_all(body: &[u8]) {
    let admission = admission();
    for format in formats() {
        let Ok(items) = decode(&format, body) else { continue };
        let mut line = 0;
        for (place, item) in items.enumerate() {
            assert_eq!(item.index, place);
            assert!(item.line >= line && item.line as usize <= 1 + body.iter().filter(|b| **b == b'\n').count());
            line = item.line;
            assert!(item.bytes.is_empty() || body.windows(item.bytes.len()).any(|w| w == item.bytes));
            let Ok(raw) = item.reading else { continue };
            let first = admission.admit(&raw, now());
            let written = raw.to_json();
            let is_cells = matches!(format, Format::Csv);
            let again = json::object(written.as_bytes()).and_then(|raw| admission.admit(&raw, now()));
            match (first, again) {
                (Ok(first), Ok(again)) => assert_eq!(first, again, "{written}"),
                (Ok(_), Err(refusal)) => {
                    assert!(is_cells || matches!(format, Format::T1dUom(_) | Format::Aim94(_)), "{written}: {refusal}")
                }
                (Err(_), _) => {}
            }
        }
    }
}

const SEEDS: [&str; 9] = [
    "{\"subject\":\"p-001\",\"stream\":\"bg\",\"at\":\"2026-11-20T07:55:00Z\",\"value\":\"6.1 mmol/L\",\"source\":\"g7/8J2K\",\"seq\":12}",
    "[{\"subject\":\"p\",\"stream\":\"bp\",\"at\":\"2026-11-20T07:55:00+01:00\",\"systolic\":128,\"diastolic\":82,\"id\":\"a1\",\"rev\":2},\n{\"id\":\"a1\",\"subject\":\"p\",\"rev\":3,\"removed\":true}]",
    "{\"subject\":\"p\",\"stream\":\"sleep\",\"start\":\"2026-11-19T23:00:00Z\",\"end\":null,\"deep\":\"90 min\"}\n{\"subject\":\"p\"}\n",
    "subject,stream,at,value,note\np,bg,2026-11-20T07:55:00Z,110,\"a, \"\"b\"\"\"\n",
    "04-21-1991\t9:09\t58\t100\n04-21-1991\t9:09\t33\t009\n04-21-1991\t7:30\t66\t000\n\t138\t33\t3A\n",
    "bg_ts,value\r\n22/10/2023 10:04,7.5\r\n29/10/2023 01:30,8\r\n",
    "basal_ts,basal_dose,insulin_kind,,\r\n10/11/2023 00:00,1.725,R,,\r\n10/11/2023 08:00,9,L,,\r\n",
    "activity_ts,activity_type,active_Kcal,step_count,distance_m,duration_s,active_time_s,start_time_s,start_time_offset_s,met,intensity,motion_intensity_mean,motion_intensity_max\r\n01/10/2023 05:45,RUNNING,90,1400,1500.25,900,600,1696135500,3600,8.25,HIGHLY_ACTIVE,6,7\r\n",
    "calendar_date,duration_in_sec,start_date_ts,start_time_offset_s,unmeasurable_sleep_s,deep_sleep_s,light_sleep_s,rem_sleep_s,awake_s,validation\r\n02/10/2023,33840,01/10/2023 20:51,3600,0,4620,21480,7740,2340,X\r\n",
];

const PIECES: [&str; 26] = [
    "\"",
    ",",
    "\n",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ":",
    "null",
    "true",
    "-0.0",
    "1e400",
    "NaN",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "é",
    "'",
    ";",
    " ",
    "9999999999999999999",
    "mg/dL",
    "2106-02-07T06:28:16Z",
    "31/03/2024 01:30",
    "\0",
];

#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Cut(usize, usize),
    Put(usize, usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..400_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, with)| Change::Flip(at, with)),
        (at.clone(), 1..30_usize).prop_map(|(at, n)| Change::Cut(at, n)),
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Put(at, piece)),
        (at, 1..60_usize).prop_map(|(at, n)| Change::Repeat(at, n)),
    ]
}

fn changed(seed: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.as_bytes().to_vec();
    for change in changes {
        let len = bytes.len().max(1);
        match change {
            Change::Flip(at, with) => bytes.get_mut(at % len).into_iter().for_each(|b| *b ^= with),
            Change::Cut(at, n) => drop(bytes.drain((at % len).min(bytes.len())..(at % len + n).min(bytes.len()))),
            Change::Put(at, piece) => {
                drop(bytes.splice((at % len).min(bytes.len())..(at % len).min(bytes.len()), PIECES[*piece].bytes()))
            }
            Change::Repeat(at, n) => {
                let from = (at % len).min(bytes.len());
                let piece = bytes[from..(from + n).min(bytes.len())].to_vec();
                bytes.splice(from..from, piece);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&body);
        for packing in Packing::ALL {
            let _ = packing.unpack(&body, 1_000);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(body in "[\\x00-\\x7f\u{e9}\u{feff}]{0,120}") {
        read_all(body.as_bytes());
    }

    #[test]
    fn changed_documents_are_read_or_refused(seed in 0..SEEDS.len(), changes in proptest::collection::vec(change(), 1..6)) {
        read_all(&changed(SEEDS[seed], &changes));
    }
}
