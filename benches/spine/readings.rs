//! What a generated population says: mostly continuous glucose, with meals, doses, pressure and devices.

/// Subjects of a part.
pub const SUBJECTS: u64 = 500;

/// What one of them says at once.
pub enum What {
    /// mg/dL.
    Glucose(u64),
    /// g.
    Carbs(u64),
    /// U of a bolus, and a half.
    Bolus(u64),
    /// mmHg.
    Pressure { systolic: u64, diastolic: u64 },
    /// %.
    Device { battery: u64, cpu: u64 },
}

/// Who says something, for the how many-th time, and what.
pub struct Said {
    pub subject: u64,
    pub slot: u64,
    pub what: What,
}

/// The `n`-th of a part.
pub fn said(part: u64, n: u64) -> Said {
    let (subject, slot) = (part * 1_000 + n % SUBJECTS, n / SUBJECTS);
    let noise = (n.wrapping_mul(6_364_136_223_846_793_005) >> 40) % 60;
    // Of everybody each kind in turn, and not of all at once.
    let what = match (slot * 31 + subject * 17) % 50 {
        7 => What::Carbs(10 + noise),
        17 => What::Bolus(noise % 9),
        27 => What::Pressure { systolic: 110 + noise, diastolic: 70 + noise / 3 },
        37 => What::Device { battery: 30 + noise, cpu: noise },
        _ => What::Glucose(glucose(subject, slot, noise)),
    };
    Said { subject, slot, what }
}

/// Glucose as a sensor reports it: it drifts over the day and after meals with a jitter of a few mg/dL, is above 180 mg/dL for some hours of a day, and
/// once in one to two days dips below 54 mg/dL for half an hour.
pub fn glucose(subject: u64, slot: u64, noise: u64) -> u64 {
    let turn = |period: u64| ((slot + subject * 37) % period) as f64 / period as f64 * std::f64::consts::TAU;
    let steady = 138.0 + 34.0 * turn(288).sin() + 24.0 * turn(67).sin() + noise as f64 / 10.0;
    let since_dip = (slot + subject * 53) % (300 + subject % 200);
    // Down within 40 min, low for half an hour, and up again.
    let depth = match since_dip {
        0..=7 => since_dip as f64 / 8.0,
        8..=14 => 1.0,
        15..=22 => (23 - since_dip) as f64 / 8.0,
        _ => 0.0,
    };
    (steady + (48.0 - steady) * depth) as u64
}
