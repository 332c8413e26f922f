//! The stable names of diagnostics: `E…` are errors, `W…` warnings. A code is never given another meaning.

/// The code of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal;)*) => {
        impl Code {
            $(#[doc = $meaning] pub const $name: Code = Code($code);)*

            /// Every code with its meaning, in order.
            pub const ALL: &'static [(Code, &'static str)] = &[$((Code::$name, $meaning)),*];
        }
    };
}

codes! {
    CHARACTER = "E0001", "A character that the language does not use.";
    UNTERMINATED = "E0002", "A text or a hole in it that does not end.";
    NUMBER = "E0003", "A number, time or date that is malformed or too long.";
    TOO_LARGE = "E0004", "A file, or all files together, beyond the limits.";
    ENCODING = "E0005", "Bytes that are no UTF-8.";
    ESCAPE = "E0006", "An unknown escape in a text.";
    EXPECTED = "E0101", "Something else was expected here.";
    TOO_DEEP = "E0102", "An expression nested too deeply or too long.";
    RESERVED = "E0103", "A keyword used as a name.";
    UNKNOWN_CLAUSE = "E0104", "A word that begins no declaration, clause or script line.";
    TWICE = "E0105", "A clause given twice.";
    CHAINED = "E0106", "A chain of comparisons.";
    MISSING_BRACE = "E0107", "A block that is not closed.";
    MISSING_CLAUSE = "E0108", "A rule without a clause it needs.";
    MISPLACED_CLAUSE = "E0109", "A clause that does not fit this kind of rule.";
    UNKNOWN_NAME = "E0201", "A name that is declared nowhere.";
    UNKNOWN_FIELD = "E0202", "A field that the stream or profile does not have.";
    DECLARED_TWICE = "E0204", "A name declared twice.";
    UNKNOWN_PACK = "E0205", "A `use` of a file that is neither given nor shipped.";
    AMBIGUOUS_NAME = "E0206", "A name that could mean two things.";
    UNKNOWN_WORD = "E0207", "A word that the enumeration does not have.";
    UNKNOWN_FUNCTION = "E0208", "A function that does not exist.";
    UNKNOWN_RULE = "E0209", "A rule that is declared nowhere.";
    NO_DRIVER = "E0210", "An episode whose driver stream cannot be told.";
    NOT_VISIBLE = "E0211", "A name that has no value at this place.";
    LET_NOT_HERE = "E0212", "A `let` used where it has not been decided yet.";
    UNKNOWN_POLICY = "E0213", "A policy that is neither declared nor shipped.";
    UNITS = "E0301", "Quantities that do not convert into each other.";
    NO_UNIT = "E0302", "A number without a unit where a quantity is needed.";
    TYPE = "E0303", "A value of another type than is needed.";
    UNKNOWN_UNIT = "E0304", "A unit that does not exist.";
    AMBIGUOUS_UNIT = "E0305", "A unit of several dimensions without anything that tells which.";
    NO_ORDER = "E0306", "Values without an order compared by it.";
    AGGREGATE = "E0307", "A value that cannot be aggregated so.";
    NOT_SHOWABLE = "E0308", "A value that cannot be written in a text.";
    ARITHMETIC = "E0309", "A constant that is too large, or divided by zero.";
    DURATION = "E0310", "A duration that is zero, negative or too long.";
    NO_WITHIN = "E0401", "A pattern without a bound in time.";
    REPEAT = "E0402", "A count of repeats that is not possible.";
    TOO_MANY = "E0403", "More of something than the limits allow.";
    CIRCLE = "E0404", "Rules that look at each other in a circle.";
    STREAM_CHANGED = "E0501", "A stream that changed in a way that stored readings do not survive.";
    PROFILE_CHANGED = "E0502", "A profile field that changed in a way that stored values do not survive.";
    RANGE = "E0503", "A range or default that makes no sense.";
    MEASURE_NAME = "E0504", "A field named like something every reading has.";
    POLICY = "E0505", "A policy that cannot be carried out as it is written.";
    SCRIPT_TIME = "E0601", "A time in a test that makes no sense.";
    SCRIPT_NAME = "E0602", "A reading in a test that has no such name.";
    SCRIPT_VALUE = "E0603", "A value in a test that the stream would refuse.";
    OUT_OF_RANGE = "W0001", "A threshold outside the plausible range.";
    NEVER = "W0002", "A rule, step or grade that can never hold.";
    NEVER_RESOLVES = "W0003", "An alarm that never resolves.";
    UNUSED_LET = "W0004", "A `let` that nothing uses.";
    UNUSED_NAME = "W0005", "A name that nothing uses.";
    MIXED = "W0006", "`and` and `or` mixed without parentheses.";
    SLOW_STREAM = "W0007", "A gap shorter than the stream's expected distance of readings.";
    BACK_IN_TIME = "W0008", "A test line far before the one above it.";
    SHADOWED = "W0009", "A rule that adds nothing to another.";
    UNKNOWN_ROLE = "W0010", "A text for a role that no policy tells.";
}

impl Code {
    pub fn is_warning(self) -> bool {
        self.0.starts_with('W')
    }

    /// What it stands for, in a sentence.
    pub fn meaning(self) -> &'static str {
        Code::ALL.iter().find(|(code, _)| *code == self).map_or("", |(_, meaning)| meaning)
    }
}
