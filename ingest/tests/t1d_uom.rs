//! The T1D-UOM files: single rows as they should be read, and the whole data set with every row accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vitalog_elog::{Reading, Refusal};
use vitalog_ingest::decode::{Format, decode};

use super::fixture::{admission, now, said};

/// One file with one row, held against the declarations.
fn row(name: &str, header: &str, row: &str) -> Result<Reading, Refusal> {
    let body = format!("{header}\r\n{row}\r\n");
    let format = Format::of_file(name, b"").expect("a known file");
    let item = decode(&format, body.as_bytes())?.next().expect("a row");
    assert_eq!(item.line, 2);
    admission().admit(&item.reading?, now())
}

const BG: (&str, &str) = ("UoMGlucose2301.csv", "bg_ts,value");
const BASAL: (&str, &str) = ("UoMBasal2301.csv", "\u{feff}basal_ts,basal_dose,insulin_kind,,");
const BOLUS: (&str, &str) = ("UoMBolus2301.csv", "bolus_ts,bolus_dose");
const MEAL: (&str, &str) = ("UoMNutrition2301.csv", "meal_ts,meal_type,meal_tag,carbs_g,prot_g,fat_g,fibre_g");
const ACTIVITY: (&str, &str) = (
    "UoMActivity2301.csv",
    "activity_ts,activity_type,active_Kcal,step_count,distance_m,duration_s,active_time_s,start_time_s,start_time_offset_s,met,intensity,motion_intensity_mean,motion_intensity_max",
);
const NIGHT: (&str, &str) = (
    "UoM2301sleeptime.csv",
    "calendar_date,duration_in_sec,start_date_ts,start_time_offset_s,unmeasurable_sleep_s,deep_sleep_s,light_sleep_s,rem_sleep_s,awake_s,sleep_levels_map.deep,,validation",
);
const WEARABLE: (&str, &str) = (
    "UoMsleep2301.csv",
    "sleep_ts,step_count,heart_rate,current_activity_type_intensity,stress_level_value,sleep_level,resting_heart_rate",
);

#[test]
fn rows_become_readings() {
    for ((name, header), text, expected) in [
        (BG, "13/01/2024 10:04,7.5", "uom-2301 bg 2024-01-13T10:04:00Z value=7.5 mmol/L"),
        (BG, "22/10/2023 10:04:30,8", "uom-2301 bg 2023-10-22T09:04:30Z value=8 mmol/L"),
        (BG, "29/10/2023 01:30,8", "uom-2301 bg 2023-10-29T00:30:00Z value=8 mmol/L"),
        (BG, "29/10/2023 02:00,8", "uom-2301 bg 2023-10-29T02:00:00Z value=8 mmol/L"),
        (BASAL, "10/11/2023 00:00,1.725,R,,", "uom-2301 medication 2023-11-10T00:00:00Z kind=#2 drug=rapid rate=1.725 U/h"),
        (BASAL, "10/11/2023 08:00,9,L,,", "uom-2301 medication 2023-11-10T08:00:00Z kind=#2 drug=long amount=9 U"),
        (BOLUS, "10/11/2023 12:43,2.36", "uom-2301 medication 2023-11-10T12:43:00Z kind=#0 drug=rapid amount=2.36 U"),
        (
            MEAL,
            "22/10/2023 12:00,Lunch,Huel+Peanutbutter,19,50,32,10",
            "uom-2301 carbs 2023-10-22T11:00:00Z amount=19 g protein=50 g fat=32 g fibre=10 g meal=Lunch note=Huel+Peanutbutter",
        ),
        (MEAL, " 16/01/2024 13:10,Dinner,,105,,,", "uom-2301 carbs 2024-01-16T13:10:00Z amount=105 g meal=Dinner"),
        (
            ACTIVITY,
            "01/10/2023 05:45,SEDENTARY,0,0,0,900,900,1696135500,3600,1,SEDENTARY,0,2",
            "uom-2301 activity 2023-10-01T04:45:00Z to 2023-10-01T05:00:00Z intensity=#0 active=900 s type=SEDENTARY steps=0 count distance=0 m energy=0 kcal met=1 1 motion_mean=0 1 motion_max=2 1",
        ),
        (
            ACTIVITY,
            "01/10/2023 05:45,WALKING,31,801,600.5,900,599,1696135500,3600,3.1,ACTIVE,3.5,5",
            "uom-2301 activity 2023-10-01T04:45:00Z to 2023-10-01T05:00:00Z intensity=#1 active=599 s type=WALKING steps=801 count distance=600.5 m energy=31 kcal met=3.1 1 motion_mean=3.5 1 motion_max=5 1",
        ),
        (
            ACTIVITY,
            "01/10/2023 05:45,RUNNING,90,1400,1500.25,900,600,1696135500,3600,8.25,HIGHLY_ACTIVE,6,7",
            "uom-2301 exercise 2023-10-01T04:45:00Z to 2023-10-01T04:55:00Z intensity=#2 type=RUNNING steps=1400 count distance=1500.25 m energy=90 kcal met=8.25 1",
        ),
        (
            NIGHT,
            "02/10/2023,33840,01/10/2023 20:51,3600,0,4620,21480,7740,2340,\"[{\"\"startTimeInSeconds\"\":1696193460}]\",,ENHANCED_FINAL",
            "uom-2301 sleep 2023-10-01T20:51:00Z to 2023-10-02T06:54:00Z deep=4620 s light=21480 s rem=7740 s awake=2340 s unmeasured=0 s validation=ENHANCED_FINAL",
        ),
        (
            WEARABLE,
            "06/10/2023 00:05,0,83,8,29,1,51",
            "uom-2301 wearable 2023-10-06T00:05:00Z heart_rate=83 /min resting_heart_rate=51 /min stress=29 1 steps=0 count intensity=8 count asleep=true",
        ),
        (
            WEARABLE,
            "06/10/2023 00:05,120,0,8,-2,0,0",
            "uom-2301 wearable 2023-10-06T00:05:00Z steps=120 count intensity=8 count asleep=false",
        ),
    ] {
        let reading = row(name, header, text).unwrap_or_else(|r| panic!("{text}: {r}"));
        assert_eq!(said(&reading), expected);
        assert!(reading.content.expect("content").source.expect("a source").starts_with("t1d-uom/"));
    }
}

#[test]
fn bad_rows_are_refused() {
    let quarter = |ts: &str, start: &str, offset: &str, kind: &str, active: &str| {
        format!("{ts},WALKING,0,0,0,900,{active},{start},{offset},1,{kind},0,2")
    };
    for ((name, header), text, code, field) in [
        (BG, "31/03/2024 01:30,7.5".to_owned(), "no_such_time", Some("bg_ts")),
        (BG, "10/13/2023 10:04,7.5".to_owned(), "malformed_time", Some("bg_ts")),
        (BG, "10/12/2023,7.5".to_owned(), "malformed_time", Some("bg_ts")),
        (BG, "1/12/2023 10:04,7.5".to_owned(), "malformed_time", Some("bg_ts")),
        (BG, "2023-12-01 10:04,7.5".to_owned(), "malformed_time", Some("bg_ts")),
        (BG, ",7.5".to_owned(), "missing", Some("bg_ts")),
        (BG, "10/12/2023 10:04,".to_owned(), "missing", Some("value")),
        (BG, "10/12/2023 10:04,0.1".to_owned(), "out_of_range", Some("value")),
        (BG, "10/12/2023 10:04,99".to_owned(), "unit_mistake", Some("value")),
        (BG, "10/12/2023 10:04,Low".to_owned(), "not_a_number", Some("value")),
        (BG, "10/12/2023 10:04".to_owned(), "malformed_row", None),
        (BG, "10/12/2023 10:04,7.5,1".to_owned(), "malformed_row", None),
        (BASAL, "10/11/2023 00:00,1.7,X,,".to_owned(), "unknown_word", Some("insulin_kind")),
        (BOLUS, "10/11/2023 12:43,".to_owned(), "missing", Some("bolus_dose")),
        (BOLUS, "10/11/2023 12:43,301".to_owned(), "unit_mistake", Some("amount")),
        (MEAL, "22/10/2023 12:00,Snack,Cola zero,,,,".to_owned(), "missing", Some("carbs_g")),
        (MEAL, "21/02/2024,Snack,CupCake,30.1,2,12.1,0.8".to_owned(), "malformed_time", Some("meal_ts")),
        (ACTIVITY, quarter("01/10/2023 05:45", "1696135500", "0", "ACTIVE", "0"), "contradiction", Some("start_time_s")),
        (ACTIVITY, quarter("01/10/2023 05:45", "1696135500", "3600", "LAZY", "0"), "unknown_word", Some("intensity")),
        (ACTIVITY, quarter("01/10/2023 05:45", "1696135500", "3600", "ACTIVE", "-1"), "out_of_range", Some("active_time_s")),
        (
            ACTIVITY,
            quarter("01/10/2023 05:45", "9223372036854775807", "3600", "ACTIVE", "0"),
            "contradiction",
            Some("start_time_s"),
        ),
        (WEARABLE, "06/10/2023 00:05,0,83,8,29,2,51".to_owned(), "unknown_word", Some("sleep_level")),
        (NIGHT, "02/10/2023,9000000,01/10/2023 20:51,3600,0,0,0,0,0,,,X".to_owned(), "out_of_range", Some("duration_in_sec")),
    ] {
        let refusal = row(name, header, &text).expect_err(&text);
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, field), "{text}: {refusal}");
    }
    let refusal = row(BG.0, "time,value", "x,1").expect_err("another header");
    assert_eq!(refusal.code, "malformed_header");
}

#[test]
fn only_identical_rows_are_one_reading() {
    let id = |(name, header), text: &str| row(name, header, text).map(|r| (r.id, r.hash)).expect(text);
    let night = "02/10/2023,33840,01/10/2023 20:51,3600,0,4620,21480,7740,2340,[],,X";
    assert_eq!(id(NIGHT, night), id(NIGHT, night));
    assert_ne!(
        id(NIGHT, night).0,
        id(NIGHT, &night.replace("[]", "[1]")).0,
        "the maps are left out of the reading, not of its name"
    );
    let wearable = "06/10/2023 00:05,0,83,8,-1,1,51";
    assert_ne!(id(WEARABLE, wearable).0, id(WEARABLE, &wearable.replace("-1", "-2")).0);
    assert_ne!(id(BG, "10/12/2023 10:04,7.5").0, id(BG, "10/12/2023 10:04,7.6").0);
    let two = row("UoMGlucose2302.csv", BG.1, "10/12/2023 10:04,7.5").expect("good");
    assert_ne!(id(BG, "10/12/2023 10:04,7.5").0, two.id, "another person's");
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).expect("readable").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|e| e == "csv") {
            into.push(path);
        }
    }
}

#[derive(Default, Debug, PartialEq, Eq)]
struct Sums {
    rows: usize,
    accepted: usize,
    duplicate: usize,
    refused: usize,
}

/// Every row of the data set is accepted, a duplicate of an identical row, or refused with its line and why; and the sums agree.
#[test]
fn the_whole_data_set_is_accounted_for() {
    let Ok(data) = std::env::var("VITALOG_DATA") else {
        // No fault of the machine: only continuous integration has whole data sets.
        println!("skipped: set VITALOG_DATA to the directory that holds t1d-uom");
        return;
    };
    let mut paths = Vec::new();
    files(&Path::new(&data).join("t1d-uom"), &mut paths);
    let admission = admission();
    let mut by_kind: BTreeMap<String, Sums> = BTreeMap::new();
    let mut reasons: BTreeMap<(String, String), usize> = BTreeMap::new();
    for path in &paths {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let Some(Format::T1dUom(file)) = Format::of_file(name, b"") else { panic!("{name} is not recognised") };
        let body = std::fs::read(path).expect("readable");
        let sums = by_kind.entry(file.kind.source().to_owned()).or_default();
        let (mut seen, mut rows) = (BTreeMap::new(), BTreeSet::new());
        let (mut count, mut last_line) = (0, 1);
        for item in decode(&Format::T1dUom(file.clone()), &body).expect("a sound header") {
            assert!(item.line > last_line && item.index == count, "lines go on");
            (count, last_line) = (count + 1, item.line);
            let admitted = item.reading.and_then(|raw| admission.admit(&raw, now()));
            match admitted {
                Err(refusal) => {
                    sums.refused += 1;
                    assert!(!refusal.message.is_empty() && !refusal.remedy.is_empty());
                    *reasons.entry((file.kind.source().to_owned(), refusal.code)).or_default() += 1;
                }
                Ok(reading) => {
                    rows.insert(item.bytes);
                    match seen.insert(reading.id, item.bytes) {
                        None => sums.accepted += 1,
                        Some(former) => {
                            sums.duplicate += 1;
                            assert_eq!(
                                former, item.bytes,
                                "{name}:{}: no row is a duplicate of another but an identical one",
                                item.line
                            );
                        }
                    }
                }
            }
        }
        assert_eq!(seen.len(), rows.len(), "{name}: as many readings as different rows");
        // Counted without the decoder: no cell of the data set holds a line break.
        let lines = body.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).count();
        assert_eq!(count, lines - 1, "{name}");
        sums.rows += count;
    }
    println!("{by_kind:#?}\n{reasons:#?}");
    let mut all = Sums::default();
    for sums in by_kind.values() {
        assert_eq!(sums.rows, sums.accepted + sums.duplicate + sums.refused);
        all.rows += sums.rows;
        all.accepted += sums.accepted;
        all.duplicate += sums.duplicate;
        all.refused += sums.refused;
    }
    // Counted apart from this code, with Python's csv module.
    assert_eq!((paths.len(), all.rows, all.duplicate), (76, 472_537, 15_689));
    let refused: Vec<(&str, &str, usize)> = reasons.iter().map(|((kind, code), n)| (kind.as_str(), code.as_str(), *n)).collect();
    // The first four kinds of refusal were counted apart as well; the rest are two meals of the years 2033 and 2204, and a note with U+008F in it.
    let expected = [
        ("t1d-uom/bolus", "missing", 192),
        ("t1d-uom/bolus", "no_such_time", 1),
        ("t1d-uom/glucose", "no_such_time", 24),
        ("t1d-uom/glucose", "out_of_range", 7),
        ("t1d-uom/nutrition", "control_character", 1),
        ("t1d-uom/nutrition", "in_the_future", 2),
        ("t1d-uom/nutrition", "malformed_time", 4),
        ("t1d-uom/nutrition", "missing", 41),
    ];
    assert_eq!(refused, expected);
}
