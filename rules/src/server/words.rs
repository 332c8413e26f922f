//! What the words of the language say, in a line each: for completion and hover.

/// Declarations.
pub const ITEMS: &[(&str, &str)] = &[
    ("use", "brings in a rule file, given or shipped: `use health`"),
    ("stream", "declares readings at instants"),
    ("interval", "declares readings with a start and an end: `interval stream`"),
    ("profile", "declares what is set per subject"),
    ("rule", "something to look for"),
    ("test", "a script of readings, and what must stand"),
    ("policy", "who hears of findings, by which channel, and after how long"),
];

/// Clauses of a rule.
pub const CLAUSES: &[(&str, &str)] = &[
    ("severity", "how grave: info, advisory, warning, urgent, critical; further ones with `when`"),
    ("when", "a condition that lasts (an episode), or `no STREAM for D` (a silence)"),
    ("until", "what ends the episode; without it, that the condition does not hold any more"),
    ("at each", "the stream at whose readings the condition is decided"),
    ("match", "a pattern of readings: `S then S within D`"),
    ("every", "when it is asked: `every monday at 09:00`, `every 2 h`; by the subject's clock"),
    ("let", "names a value"),
    ("where", "a further condition"),
    ("say", "what the patient is told; values stand in braces"),
    ("say to", "what a role of policies is told instead: `say to caretaker \"…\"`"),
    ("notify", "the policy that tells people"),
    ("cite", "where the rule comes from"),
    ("at most once per", "tells nobody again before that time is over"),
    ("stale after", "tells nobody what is found later than that"),
    ("shadow", "on trial: what the rule finds stands and is counted, and disturbs nobody"),
    ("quiet while", "tells nobody while another rule's finding stands: `quiet while R or Q`"),
];

/// Functions.
pub const FUNCTIONS: &[(&str, &str)] = &[
    ("count", "how many readings; 0 of nothing"),
    ("sum", "their sum; 0 of nothing"),
    ("avg", "their mean; unknown of nothing"),
    ("min", "the least; unknown of nothing"),
    ("max", "the greatest; unknown of nothing"),
    ("first", "that of the earliest instant, of a tie the mean; unknown of nothing"),
    ("last", "that of the latest instant, of a tie the mean; unknown of nothing"),
    ("delta", "last minus first; unknown of nothing"),
    ("stddev", "their standard deviation as a sample; unknown of fewer than two"),
    ("cv", "the standard deviation by the mean, as a share"),
    ("median", "the middle one; unknown of nothing"),
    ("percentile", "the value at a share of the way from the least to the greatest: `percentile(bg.value at 90 % over 14 d)`"),
    ("slope", "that of the least-squares line, by time; of three values or more"),
    ("rate", "delta by the time between first and last"),
    ("share", "the share of the readings for which a condition is true: `share(bg.value > 10 mmol/L over 1 d)`"),
    ("time_in", "how long a condition is true: `time_in(bg.value < 70 mg/dL over 1 d)`"),
    ("coverage", "the share of the window in which readings came as often as declared"),
    ("decayed_sum", "each counts the less the older it is: `decayed_sum(dose.amount over 5 h half_life 1 h)`"),
    ("days", "on how many days there is a reading; of a window of nights, on how many nights"),
    ("reversals", "how often the values turn from rising to falling or back"),
    ("forecast", "where the least-squares line will be: `forecast(bg.value in 20 min over 30 min)`"),
    ("age", "how long ago the reading was: now minus its instant"),
    ("time_of_day", "what the subject's clock showed: `time_of_day(bg.at) < 06:00`"),
    ("day_of_week", "monday to sunday, by the subject's calendar"),
];

/// What stands in expressions besides names.
pub const VALUES: &[(&str, &str)] = &[
    ("profile", "what is set for the subject: `profile.bg_low`"),
    ("now", "the instant decided"),
    ("onset", "the first instant of the episode or match"),
    ("each", "the reading that a step's `where` is asked of"),
    ("and", "both"),
    ("or", "one or both"),
    ("not", "turns true and false round; unknown stays unknown"),
    ("between", "both ends included: `between 4 mmol/L and 10 mmol/L`"),
    ("in", "one of a list: `in (bolus, correction)`"),
    ("is known", "whether there is a value at all"),
    ("if", "a choice: `X if C, otherwise Y`"),
    ("otherwise", "the value where the condition of `if` is false"),
    ("during", "whether an interval covers it: `bg.at during sleep`; in a window only those readings"),
    ("overlaps", "whether an interval has an instant in common with it"),
    ("previous", "in a step with repeats, the one before"),
];

/// What goes on a pattern.
pub const STEPS: &[(&str, &str)] = &[
    ("then", "strictly later"),
    ("then no", "none of these for a while: `then no bg for 30 min`; decided by the clock"),
    ("next", "at the first later instant with a reading of any stream of the pattern"),
    ("and", "both, in any order"),
    ("or", "one or the other"),
    ("starts", "stands at the start of the interval, or at the onset of the finding"),
    ("ends", "stands at the end of the interval, or of the finding"),
    ("all", "behind `match`: every choice of readings is a match"),
    ("disjoint", "behind `match`: the next match begins after the end of the one before"),
    ("as", "names the step"),
    ("where", "a condition on the step's reading"),
    ("in a row", "no other reading of the stream between the first and the last of the step"),
    ("without", "no such reading between the first and the last of the match"),
    ("with no", "no such reading around a step: `with no S from 20 min before n to 30 min after n`"),
    ("within", "last minus first is less than this"),
];

/// What goes on a condition.
pub const HOLDS: &[(&str, &str)] = &[
    ("for", "how long it must last"),
    ("gap", "how far apart two readings may be and still prove that it lasted; the same as `for` if not said"),
    ("over", "how far back a window reaches: (t - D, t]"),
    ("over last", "whole days or nights of the calendar: `over last 7 days`"),
    ("before", "the window ends at that step, without its readings"),
    ("after", "the window begins behind that step; what asks for it waits until it is over"),
    (
        "fresh",
        "in a window: unknown unless a reading lies in this last part of it; behind a field: unknown unless its reading is that young",
    ),
    ("half_life", "after what time half of it is left"),
];

/// What stands behind `over last 7`.
pub const DAYS: &[(&str, &str)] = &[
    ("days", "whole days by the subject's calendar, before the day of the decision"),
    ("nights", "whole nights, as the profile's `night` says"),
];

/// Lines of a test.
pub const LINES: &[(&str, &str)] = &[
    ("expect", "that a finding stands as described; `expect no`: that none does"),
    ("amend", "revises a named reading: `amend wrong to 95 mg/dL`"),
    ("remove", "takes a named reading away"),
    ("set", "sets a field of the profile: `set profile.bg_low = 80 mg/dL`"),
    ("until", "only moves the clock"),
];

/// What an expectation may go on with.
pub const EXPECTED: &[(&str, &str)] = &[
    ("from", "its onset"),
    ("at", "when it opened"),
    ("until", "when it ended"),
    ("severity", "how grave it is"),
    ("open", "it goes on"),
    ("resolved", "it is over"),
    ("lapsed", "its readings stopped"),
    ("rescinded", "it was taken back"),
];

/// What a word says, wherever it stands.
pub fn meaning(word: &str) -> Option<&'static str> {
    let tables = [CLAUSES, ITEMS, FUNCTIONS, VALUES, STEPS, HOLDS, LINES];
    let fits = |w: &str| w == word || w.split(' ').next() == Some(word);
    tables.iter().find_map(|table| table.iter().find(|(w, _)| fits(w)).map(|(_, m)| *m))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FUNCTIONS;
    use crate::parser::FUNCTIONS as CARRIED;

    #[test]
    fn every_function_is_described_and_no_other() {
        let described: BTreeSet<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(described, CARRIED.iter().copied().collect());
    }
}
