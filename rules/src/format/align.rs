//! Columns: types of fields that stand together, comments beside lines that stand together.

/// A line to be printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    /// Of a field: how many characters come before its type, the blank between them left out.
    pub field: Option<usize>,
    /// A comment beside it.
    pub beside: String,
    /// Nothing but a comment.
    pub comment: bool,
    /// As its author wrote it, nothing aligned in it.
    pub kept: bool,
}

impl Line {
    pub fn is_blank(&self) -> bool {
        self.text.is_empty() && self.beside.is_empty()
    }
}

/// The file's text.
pub fn print(mut lines: Vec<Line>) -> String {
    align_fields(&mut lines);
    align_comments(&mut lines);
    let mut out = String::new();
    for line in lines {
        out.push_str(if line.kept { &line.text } else { line.text.trim_end_matches(' ') });
        out.push_str(&line.beside);
        out.push('\n');
    }
    out
}

/// Fields that no blank line and no other line parts have their types in one column; comments between them do not part them.
fn align_fields(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let together = |line: &Line| line.field.is_some() || line.comment;
        let end = at + lines[at..].iter().take_while(|l| together(l)).count();
        let widest = lines[at..end].iter().filter_map(|l| l.field).max().unwrap_or(0);
        for line in &mut lines[at..end] {
            let Some(name) = line.field else { continue };
            let cut = line.text.char_indices().nth(name).map_or(line.text.len(), |(i, _)| i);
            line.text.insert_str(cut, &" ".repeat(widest - name));
        }
        at = end.max(at + 1);
    }
}

/// Comments beside lines that follow each other stand in one column.
fn align_comments(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let end = at + lines[at..].iter().take_while(|l| !l.beside.is_empty() && !l.kept).count();
        let width = |line: &Line| line.text.chars().count();
        let column = lines[at..end].iter().map(width).max().unwrap_or(0) + 2;
        for line in &mut lines[at..end] {
            let gap = column - width(line);
            line.beside.insert_str(0, &" ".repeat(gap));
        }
        if end == at && !lines[at].beside.is_empty() {
            lines[at].beside.insert_str(0, "  ");
        }
        at = end.max(at + 1);
    }
}
