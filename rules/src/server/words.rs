//! What the words of the language say, in a line each: for completion and hover.

/// Declarations.
pub const ITEMS: &[(&str, &str)] = &[
    ("use", "brings in a rule file, given or shipped: `use health`"),
    ("stream", "declares readings at instants"),
    ("interval", "declares readings with a start and an end: `interval stream`"),
    ("profile", "declares what is set per subject"),
    ("rule", "something to look for"),
    ("test", "a script of readings, and what must stand"),
];

/// Clauses of a rule.
pub const CLAUSES: &[(&str, &str)] = &[
    ("severity", "how grave: info, advisory, warning, urgent, critical; further ones with `when`"),
    ("when", "a condition that lasts (an episode), or `no STREAM for D` (a silence)"),
    ("until", "what ends the episode; without it, that the condition does not hold any more"),
    ("at each", "the stream at whose readings the condition is decided"),
    ("match", "a pattern of readings: `S then S within D`"),
    ("let", "names a value"),
    ("where", "a further condition"),
    ("say", "what people are told; values stand in braces"),
    ("notify", "the policy that tells people"),
    ("cite", "where the rule comes from"),
    ("at most once per", "tells nobody again before that time is over"),
    ("stale after", "tells nobody what is found later than that"),
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
    ("age", "how long ago the reading was: now minus its instant"),
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
];

/// What goes on a pattern.
pub const STEPS: &[(&str, &str)] = &[
    ("then", "a strictly later reading"),
    ("as", "names the step"),
    ("where", "a condition on the step's reading"),
    ("in a row", "no other reading of the stream between the first and the last of the step"),
    ("without", "no such reading between the first and the last of the match"),
    ("within", "last minus first is less than this"),
];

/// What goes on a condition.
pub const HOLDS: &[(&str, &str)] = &[
    ("for", "how long it must last"),
    ("gap", "how far apart two readings may be and still prove that it lasted; the same as `for` if not said"),
    ("over", "how far back a window reaches: (t - D, t]"),
    ("before", "the window ends at that step, without its readings"),
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
