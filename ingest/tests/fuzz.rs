//! Any bytes: decoders, unpacking, admission, the parser of tokens, whatever a provider of sign-ins says, and the access log's reader give what they read or a refusal,
//! and never panic, hang or take more room than bytes warrant.
//!
//! `VITALOG_CASES` says how many are tried of each kind, and `VITALOG_SEED` which.

mod changes;
mod effort;
mod heads;
mod oidc;

use std::io::Write;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{StringDictionaryBuilder, StringViewBuilder};
use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, Decimal128Array, Float64Array, TimestampMillisecondArray};
use proptest::collection::vec;
use proptest::prelude::*;
use vitalog_ingest::access::{FormerToken, Scope, former_tokens};
use vitalog_ingest::admit::Admission;
use vitalog_ingest::decode::t1d_uom::{File, Kind};
use vitalog_ingest::decode::{Format, Packing, aim94, decode, json};

use super::arrow::{batch, stream};
use super::fixture::{admission, now};
use changes::{change, changed, changes};
use effort::{apart, tried};

/// Cases of each kind in a run of all tests.
const USUAL: u32 = 2_000;

static ADMISSION: LazyLock<Admission> = LazyLock::new(admission);

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let exports = Kind::ALL.into_iter().map(|kind| Format::T1dUom(File { kind, person: "1".to_owned() }));
    let diary = Format::Aim94(aim94::File { person: "1".to_owned() });
    [Format::Json, Format::Ndjson, Format::Csv, Format::Arrow, diary].into_iter().chain(exports).collect()
});

/// Reads a body in every form. What comes out of it holds together: places in order, bytes from the body, no more rows than it has bytes, and a reading that is accepted
/// says the same when it is written and read again.
fn read_all(body: &[u8]) {
    for format in FORMATS.iter() {
        let Ok(items) = decode(format, body) else { continue };
        let mut line = 0;
        for (place, item) in items.enumerate() {
            assert_eq!(item.index, place);
            assert!(place <= body.len(), "more rows than bytes");
            // Rows of columns are counted, not looked for.
            let is_counted = *format == Format::Arrow && item.line == place as u64 + 1;
            assert!(is_counted || item.line >= line && item.line as usize <= 1 + body.iter().filter(|b| **b == b'\n').count());
            line = item.line;
            assert!(item.bytes.is_empty() || body.windows(item.bytes.len()).any(|w| w == item.bytes));
            let Ok(raw) = &item.reading else { continue };
            let first = ADMISSION.admit(raw, now());
            let written = raw.to_json();
            let is_json = matches!(format, Format::Json | Format::Ndjson | Format::Arrow);
            let again = json::object(written.as_bytes()).and_then(|raw| ADMISSION.admit(&raw, now()));
            match (first, again) {
                (Ok(first), Ok(again)) => assert_eq!(first, again, "{written}"),
                (Ok(_), Err(refusal)) => assert!(!is_json, "{written}: {refusal}"),
                (Err(_), _) => {}
            }
        }
    }
}

const TEXTS: [&str; 9] = [
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

/// Columns of every kind that is read, in two batches.
fn columns() -> Vec<u8> {
    let mut subjects = StringViewBuilder::new();
    let mut streams = StringDictionaryBuilder::<Int8Type>::new();
    for subject in ["p", "a-subject-of-more-than-twelve-bytes", "p"] {
        subjects.append_value(subject);
        streams.append_value("bg");
    }
    let at = vec![Some(1_795_160_100_000), None, Some(1_795_160_400_000)];
    let whole = batch(vec![
        ("subject", Arc::new(subjects.finish()) as ArrayRef),
        ("stream", Arc::new(streams.finish())),
        ("at", Arc::new(TimestampMillisecondArray::from(at).with_timezone("UTC"))),
        ("value", Arc::new(Float64Array::from(vec![Some(110.5), Some(f64::NAN), None]))),
        ("seq", Arc::new(Decimal128Array::from(vec![1, 2, -3]).with_precision_and_scale(9, 0).expect("a type"))),
    ]);
    stream(&[whole.slice(0, 2), whole.slice(2, 1)])
}

static SEEDS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| TEXTS.iter().map(|text| text.as_bytes().to_vec()).chain([columns(), columns()]).collect());

/// A packed body of each kind.
static PACKED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let text = TEXTS[0].repeat(20);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let gzip = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).expect("packed");
    vec![gzip, zstd::encode_all(text.as_bytes(), 3).expect("packed")]
});

#[test]
fn any_bytes_are_read_or_refused() {
    read_all(TEXTS[0].as_bytes());
    tried("decoders, any bytes", USUAL, vec(any::<u8>(), 0..200), |body| {
        read_all(&body);
        read_all(&[&[0xff; 4], &body[..]].concat());
    });
}

#[test]
fn any_text_is_read_or_refused() {
    read_all(TEXTS[0].as_bytes());
    tried("decoders, any text", USUAL, "[\\x00-\\x7f\u{e9}\u{feff}]{0,120}", |body| read_all(body.as_bytes()));
}

#[test]
fn changed_documents_are_read_or_refused() {
    SEEDS.iter().for_each(|seed| read_all(seed));
    let inputs = (0..SEEDS.len(), changes());
    tried("decoders, changed documents", USUAL, inputs, |(seed, changes)| read_all(&changed(&SEEDS[seed], &changes)));
}

#[test]
fn packed_bodies_stay_within_their_limit() {
    let inputs = (0..PACKED.len(), vec(change(), 0..6), vec(any::<u8>(), 0..100), 0..4_000_usize);
    tried("unpacking", USUAL, inputs, |(seed, changes, body, limit)| {
        for packed in [&changed(&PACKED[seed], &changes), &body] {
            for packing in Packing::ALL {
                match packing.unpack(packed, limit) {
                    Ok(unpacked) => assert!(unpacked.len() <= limit),
                    Err(refusal) => assert!(refusal.code == "too_large" || refusal.code.starts_with("malformed_")),
                }
            }
        }
    });
}

/// What is no line of the file grants nothing; what is grants what it says.
#[test]
fn a_changed_file_of_tokens_lets_nobody_else_in() {
    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let file = format!("# who may what\npump:{HASH}:write@p-1,list\n");
    let inputs = (vec(change(), 1..4), "[a-z@:,.*-]{0,16}");
    tried("file of tokens", USUAL, inputs, |(changes, word)| {
        if let Ok(scope) = Scope::parse(&word) {
            assert_eq!(scope.to_string(), word);
        }
        let bytes = changed(file.as_bytes(), &changes);
        let Ok(text) = std::str::from_utf8(&bytes) else { return };
        let Ok(tokens) = former_tokens(text) else { return };
        for FormerToken { id, hash, scopes } in tokens {
            // Whatever is taken over stands there, letter for letter.
            assert!(text.contains(&id), "{id:?} of {text:?}");
            let hash = blake3::Hash::from_bytes(hash).to_hex();
            assert!(text.to_ascii_lowercase().contains(hash.as_str()));
            assert!(scopes.iter().all(|scope| text.contains(&scope.to_string())), "{scopes:?} of {text:?}");
        }
    });
}

#[test]
fn all_of_it_stays_small() {
    apart("fuzz::");
}

#[test]
fn what_is_not_changed_is_read() {
    let read = SEEDS
        .iter()
        .map(|seed| FORMATS.iter().filter(|format| decode(format, seed).is_ok_and(|mut i| i.any(|i| i.reading.is_ok()))).count());
    assert!(read.clone().all(|forms| forms >= 1), "{:?}", read.collect::<Vec<_>>());
    for (packing, packed) in Packing::ALL.into_iter().zip(PACKED.iter()) {
        assert_eq!(packing.unpack(packed, 10_000).expect("sound"), TEXTS[0].repeat(20).as_bytes());
    }
}
