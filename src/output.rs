//! Findings and summaries as lines: for people, or one JSON object per line.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use vitalog_elog::{Finding, FindingChange};

/// A line on standard output, as `println!` has it; see [`put`].
macro_rules! say {
    ($($what:tt)*) => { $crate::output::put(format_args!("{}\n", format_args!($($what)*))) };
}

/// The same without an end of line.
macro_rules! say_as_is {
    ($($what:tt)*) => { $crate::output::put(format_args!($($what)*)) };
}

/// The status that shells give a program whose reader went away.
const READER_GONE: i32 = 128 + 13;

/// Writes to standard output. A command whose reader has enough (`… | head`) ends without a word, like others; anything else in the way ends it with the reason.
pub fn put(what: Arguments<'_>) {
    if let Err(error) = std::io::stdout().lock().write_fmt(what) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(READER_GONE);
        }
        eprintln!("standard output: {error}");
        std::process::exit(2);
    }
}

/// One finding as a line for people.
pub fn finding_line(f: &Finding) -> String {
    let end = f.end.map_or_else(String::new, |t| format!(" to {t}"));
    format!("{}  {}  {:<8} {:<8} {}{end}  at {}  {}", f.subject, f.rule, f.state, f.severity, f.onset, f.at, f.text)
}

/// A whole number with a space between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Lines with columns as wide as their widest cell: the first to the left, the others to the right, but the last of a table that ends in words.
pub fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let is_number = |cell: &String| cell.chars().all(|c| c.is_ascii_digit() || c == ' ');
    let words = lines.iter().skip(1).any(|line| !is_number(&line[N - 1]));
    let shown = lines.iter().map(|line| {
        let cells = line.iter().enumerate().map(|(i, cell)| match i {
            0 => format!("{cell:<0$}", widths[i]),
            _ if words && i == N - 1 => cell.clone(),
            _ => format!("{cell:>0$}", widths[i]),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    });
    shown.collect()
}

/// A change of a finding as a line for people, with the instant at which it was said.
pub fn change_line(change: &FindingChange) -> String {
    format!("{}  {:<9}  {}", change.decided_at, change.change.name(), finding_line(&change.finding))
}
