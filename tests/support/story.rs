//! A day of readings in which much happens, made from a seed: lows, highs, meals, doses, sleep, exercise, pressure, a device; with corrections.

use serde_json::{Value, json};

/// A small deterministic source of numbers (a linear congruential generator; its quality does not matter here).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

/// An instant of the story's day.
pub fn at(minute: u64) -> String {
    format!("2026-03-{:02}T{:02}:{:02}:00Z", 10 + minute / 1440, minute / 60 % 24, minute % 60)
}

/// Two days of one subject: originals, and corrections of them (revision 2 or 3, some of them removals).
pub fn readings(subject: &str, seed: u64) -> (Vec<Value>, Vec<Value>) {
    let mut n = Numbers(seed);
    let mut originals = Vec::new();
    let mut corrections = Vec::new();
    let mut glucose: i64 = 120;
    for minute in (0..2 * 1440).step_by(5) {
        // Now and then the sensor falls silent for some hours.
        if (600..1020).contains(&minute) && seed.is_multiple_of(2) {
            continue;
        }
        let pull = (110 - glucose) / 12;
        glucose = (glucose + pull + n.below(41) as i64 - 20).clamp(40, 320);
        if minute % 1440 == 780 {
            glucose = 52;
        }
        if minute % 1440 == 510 {
            glucose = 270;
        }
        let id = format!("g{minute}");
        originals.push(json!({"id": id, "subject": subject, "stream": "bg", "at": at(minute), "value": glucose}));
        match n.below(40) {
            0 => corrections.push(json!({"id": id, "subject": subject, "rev": 2, "stream": "bg", "at": at(minute), "value": 95})),
            1 => corrections.push(json!({"id": id, "subject": subject, "rev": 3, "removed": true})),
            2 => corrections
                .push(json!({"id": id, "subject": subject, "rev": 2, "stream": "bg", "at": at(minute + 2), "value": 58})),
            _ => {}
        }
    }
    for day in 0..2 {
        for (hour, grams) in [(8, 60), (13, 45), (19, 80)] {
            let minute = day * 1440 + hour * 60;
            originals.push(json!({"subject": subject, "stream": "carbs", "at": at(minute), "amount": format!("{grams} g")}));
            for again in 0..=n.below(3) {
                originals.push(json!({"subject": subject, "stream": "medication", "kind": "bolus", "drug": "rapid",
                    "amount": format!("{}.5 U", 2 + again), "at": at(minute + again * 40)}));
            }
        }
        for sitting in 0..3 {
            let minute = day * 1440 + 420 + sitting * 3;
            originals.push(json!({"id": format!("b{minute}"), "subject": subject, "stream": "bp", "at": at(minute),
                "systolic": 136 + n.below(60), "diastolic": 84 + n.below(40), "pulse": 66}));
        }
        let start = day * 1440 + 1000;
        originals.push(
            json!({"subject": subject, "stream": "exercise", "start": at(start), "end": at(start + 45), "intensity": "moderate"}),
        );
        originals.push(json!({"subject": subject, "stream": "sleep", "start": at(day * 1440 + 60), "end": at(day * 1440 + 60 + 200 + n.below(300))}));
    }
    for minute in (0..2 * 1440).step_by(20) {
        let battery = 100 - (minute % 1440) / 15;
        originals.push(json!({"subject": subject, "stream": "device", "at": at(minute), "battery": battery, "cpu": 10 + n.below(90), "disk": 95}));
    }
    (originals, corrections)
}

/// As lines.
pub fn ndjson(readings: &[Value]) -> String {
    readings.iter().map(|r| format!("{r}\n")).collect()
}
