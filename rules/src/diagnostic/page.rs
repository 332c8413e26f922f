//! The page of a diagnostic: what it means, an example that earns it, and the example repaired.
//!
//! A page is a file `pages/CODE.md`. Its fenced blocks are examples: `rules,before` is what was in force (for what depends on that), `rules,fails`
//! earns exactly this code, `rules` is repaired and earns none. `times=N` repeats an example N times.

use super::Code;

/// The page of one code.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub code: &'static str,
    /// Markdown.
    pub text: &'static str,
}

/// All pages, by code.
pub const PAGES: &[Page] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// What an example shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// What was in force before.
    Before,
    /// It earns the code.
    Failing,
    /// It earns nothing.
    Repaired,
}

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub shows: Shows,
    pub text: String,
}

impl Page {
    /// The page of a code, written in any case: `E0301`, `w0006`.
    pub fn of(code: &str) -> Option<&'static Page> {
        PAGES.iter().find(|p| p.code.eq_ignore_ascii_case(code))
    }

    /// The page as it is shown: its code and meaning above it.
    pub fn show(&self) -> String {
        let meaning = Code::ALL.iter().find(|(c, _)| c.0 == self.code).map_or("", |(_, m)| m);
        let mut out = format!("{}: {meaning}\n\n", self.code);
        let mut fence = false;
        for line in self.text.lines() {
            match line.strip_prefix("```") {
                Some(rest) => {
                    fence = !fence;
                    if let Some(times) = rest.split_once("times=").filter(|_| fence) {
                        out.push_str(&format!("    // {} times:\n", times.1));
                    }
                }
                None if fence && !line.is_empty() => out.push_str(&format!("    {line}\n")),
                None => out.push_str(&format!("{line}\n")),
            }
        }
        out
    }

    pub fn examples(&self) -> Vec<Example> {
        let mut found = Vec::new();
        let mut open: Option<(Example, usize)> = None;
        for line in self.text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => {
                    found.extend(open.take().map(|(e, times)| Example { text: e.text.repeat(times), ..e }));
                }
                (Some(info), None) => {
                    let shows = match info.split(',').nth(1) {
                        Some("before") => Shows::Before,
                        Some("fails") => Shows::Failing,
                        _ => Shows::Repaired,
                    };
                    let times = info.split_once("times=").and_then(|(_, n)| n.parse().ok()).unwrap_or(1);
                    open = Some((Example { shows, text: String::new() }, times));
                }
                (None, Some((example, _))) => {
                    example.text.push_str(line);
                    example.text.push('\n');
                }
                (None, None) => {}
            }
        }
        found
    }
}
