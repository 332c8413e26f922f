//! `vitalog doctor`: says what was found.

use crate::cli::{Doctor, Format};
use crate::doctor::{Patient, Standing, examine};
use crate::failure::Failure;

/// Looks and tells.
///
/// # Errors
/// Where something is wrong.
pub fn run(args: &Doctor) -> Result<(), Failure> {
    let floor = args.free_space.saturating_mul(1 << 20);
    let patient = Patient { data: args.data.clone(), rules: args.rules.clone(), webhooks: args.webhooks.clone(), floor };
    let found = examine(&patient);
    for finding in &found {
        match args.format {
            Format::Json => say!("{}", finding.as_json()),
            Format::Text => {
                say!("{:<5}  {:<10} {}", finding.standing.name(), finding.about, finding.said);
                if !finding.remedy.is_empty() {
                    say!("{:<5}  {:<10} -> {}", "", "", finding.remedy);
                }
            }
        }
    }
    match found.iter().filter(|finding| finding.standing == Standing::Wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::new("one thing is wrong")),
        count => Err(Failure::new(format!("{count} things are wrong"))),
    }
}
