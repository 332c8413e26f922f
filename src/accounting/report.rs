//! What an audit found, as JSON for programs and as lines for people.

use std::time::Duration;

use serde_json::{Value, json};
use vitalog_elog::accounting::{Reached, Standing, Tally, Window};

use super::book::{Book, Cell};
use super::difference::Difference;
use super::stages::Stage;
use crate::output::grouped;

/// What an audit found.
pub struct Report {
    /// Where the journal begins: what is said of before is the views'.
    pub begins: u64,
    /// Where the journal ended when it was read last.
    pub end: u64,
    /// What the journal says at the farthest offset that a stage has come to.
    pub journal: Book,
    pub position: u64,
    /// What reading it took.
    pub took: Duration,
    pub stages: Vec<Verdict>,
}

/// What is to be said of a stage.
pub struct Verdict {
    pub stage: Stage,
    pub found: Result<Compared, String>,
}

/// A stage beside the journal.
pub struct Compared {
    pub reached: Reached,
    /// What reading it took.
    pub took: Duration,
    pub totals: [Tally; 2],
    /// How many revisions of the journal it lets go, as past retention.
    pub past: u64,
    /// Windows that differ: the journal's tallies and the stage's.
    pub windows: Vec<(Window, [Tally; 2], [Tally; 2])>,
    pub differences: Vec<Difference>,
    /// There are too many differences to name them all.
    pub is_cut: bool,
}

impl Report {
    /// Whether every stage has what the journal has, each once and unbent.
    pub fn is_equal(&self) -> bool {
        self.stages.iter().all(|verdict| verdict.found.as_ref().is_ok_and(|compared| compared.windows.is_empty()))
    }

    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.stages.iter().filter_map(|v| v.found.as_ref().ok()).flat_map(|compared| &compared.differences)
    }

    /// `windows`: how many of the journal's are listed.
    pub fn as_json(&self, windows: usize) -> Value {
        let all: Vec<&Cell> = self.journal.cells().collect();
        let listed = all.iter().take(windows).map(|cell| {
            let tallies = Standing::ALL.map(|standing| self.journal.of(cell, standing));
            with_tallies(window(&cell.0), tallies)
        });
        let journal = with_tallies(
            json!({"stage": "journal", "begins": self.begins, "position": self.position, "took_s": self.took.as_secs_f64()}),
            self.totals(),
        );
        let stages = std::iter::once(journal).chain(self.stages.iter().map(verdict)).collect::<Vec<_>>();
        json!({
            "equal": self.is_equal(),
            "position": self.end,
            "stages": stages,
            "differences": self.differences().map(difference).collect::<Vec<_>>(),
            "windows": listed.collect::<Vec<_>>(),
            "windows_left_out": all.len().saturating_sub(windows),
        })
    }

    fn totals(&self) -> [Tally; 2] {
        Standing::ALL.map(|standing| self.journal.total(standing))
    }
}

/// The same for people, a line each.
pub fn lines(report: &Value) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let number = |value: &Value| grouped(value.as_u64().unwrap_or(0));
    let word = |value: &Value, or: &str| value.as_str().unwrap_or(or).to_owned();
    let line = |cells: [String; 7]| {
        let [stage, position, current, sum, former, sum_of_former, said] = cells;
        let line = format!("{stage:<10} {position:>13}  {current:>13} {sum:<32}  {former:>11} {sum_of_former:<32}  {said}");
        line.trim_end().to_owned()
    };
    let mut out = vec![line(["stage", "position", "current", "sum", "former", "sum", ""].map(str::to_owned))];
    for stage in list(&report["stages"]) {
        if let Some(why) = stage["unreadable"].as_str() {
            out.push(format!("{:<10} can't be read: {}", word(&stage["stage"], ""), why.replace('\n', " ")));
            continue;
        }
        let said = match (stage["equal"].as_bool(), list(&stage["windows"]).len()) {
            (None, _) => String::new(),
            (Some(true), _) => "equal".to_owned(),
            (Some(false), 1) => "1 window differs".to_owned(),
            (Some(false), windows) => format!("{windows} windows differ"),
        };
        let said = match stage["past_retention"].as_u64() {
            None | Some(0) => said,
            Some(past) => format!("{said}; {} past retention", grouped(past)),
        };
        let (current, former) = (&stage["current"], &stage["former"]);
        let name = word(&stage["stage"], "");
        let sums = (word(&current["sum"], ""), word(&former["sum"], ""));
        out.push(line([
            name,
            number(&stage["position"]),
            number(&current["count"]),
            sums.0,
            number(&former["count"]),
            sums.1,
            said,
        ]));
    }
    let begins = list(&report["stages"]).iter().find_map(|stage| stage["begins"].as_u64()).unwrap_or(0);
    if begins > 0 {
        let begins = grouped(begins);
        out.push(format!("the journal begins at offset {begins}: of what came before, the stages were held against the views"));
    }
    for d in list(&report["differences"]) {
        out.push(format!(
            "{} {}: {} rev {} of {} ({}, {}, {}, {})",
            word(&d["stage"], ""),
            word(&d["kind"], ""),
            word(&d["id"], ""),
            d["rev"],
            word(&d["subject"], "nobody"),
            word(&d["stream"], "no stream"),
            word(&d["source"], "no source"),
            word(&d["day"], "no day"),
            word(&d["standing"], "")
        ));
    }
    let is_cut = |stage: &Value| stage["differences_left_out"] == true;
    let cut = list(&report["stages"]).into_iter().filter(is_cut);
    out.extend(cut.map(|stage| format!("{} differs in more revisions than are named", word(&stage["stage"], ""))));
    out
}

fn verdict(verdict: &Verdict) -> Value {
    let name = verdict.stage.name();
    match &verdict.found {
        Err(why) => json!({"stage": name, "equal": false, "unreadable": why}),
        Ok(compared) => {
            let differing = compared.windows.iter().map(|(of, journal, stage)| {
                let mut value = window(of);
                value["journal"] = with_tallies(json!({}), *journal);
                value["stage"] = with_tallies(json!({}), *stage);
                value
            });
            let head = json!({"stage": name, "equal": compared.windows.is_empty(), "position": compared.reached.current, "former_position": compared.reached.former, "took_s": compared.took.as_secs_f64()});
            let mut value = with_tallies(head, compared.totals);
            value["windows"] = differing.collect();
            value["differences_left_out"] = compared.is_cut.into();
            value["past_retention"] = compared.past.into();
            value
        }
    }
}

fn window(window: &Window) -> Value {
    json!({"stream": window.stream, "source": window.source, "day": window.date()})
}

/// Counts and sums of each standing.
pub fn with_tallies(mut value: Value, tallies: [Tally; 2]) -> Value {
    for standing in Standing::ALL {
        let tally = tallies[standing as usize];
        value[standing.name()] = json!({"count": tally.count, "sum": tally.hex()});
    }
    value
}

fn difference(d: &Difference) -> Value {
    json!({
        "stage": d.stage.name(), "kind": d.kind.name(), "subject": d.subject, "id": d.name, "rev": d.rev,
        "stream": d.window.stream, "source": d.window.source, "day": d.window.date(), "standing": d.standing.name(),
    })
}

/// What of the journal weighs so, by the next digit; and while they are few, the revisions, if they are to be listed.
pub fn split_as_json(book: &Book, prefix: &str, is_listed: bool) -> Value {
    let parts = book.cells().filter_map(|cell| {
        let tallies = Standing::ALL.map(|standing| book.of(cell, standing));
        Some(with_tallies(json!({"prefix": format!("{prefix}{:x}", cell.1?)}), tallies))
    });
    let revisions = (is_listed && !book.is_cut).then(|| {
        let held = book.revisions.iter().filter(|(_, times)| times.iter().any(|n| *n > 0));
        let each = held.map(|(named, times)| {
            let standing = if times[0] > 0 { Standing::Current } else { Standing::Former };
            let mut value = window(&named.window);
            value["subject"] = (*named.subject).into();
            value["id"] = (*named.name).into();
            value["rev"] = named.rev.into();
            value["weight"] = format!("{:032x}", named.weight).into();
            value["standing"] = standing.name().into();
            value
        });
        each.collect::<Vec<_>>()
    });
    json!({"prefix": prefix, "parts": parts.collect::<Vec<_>>(), "revisions": revisions})
}
