//! Declarations: `use`, `stream`, `profile`, and what a file is made of.

use vitalog_elog::{Dimension, Unit};

use super::cursor::RESERVED;
use super::{Failed, Mark, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::syntax::{Check, FieldDecl, FieldType, File, Item, Name, Profile, Stream, Use};

const ITEMS: &[&str] = &["use", "stream", "interval", "profile", "rule", "test", "policy"];

impl Parser<'_> {
    pub fn file(&mut self) -> File {
        let mut file = File::default();
        while !self.is(Kind::End) {
            self.mark(Mark::Item);
            if let Ok(Some(item)) = self.item() {
                file.items.push(item);
            }
        }
        file
    }

    /// One declaration; `None` if it says nothing in this version. After an error, reading goes on at the next one.
    fn item(&mut self) -> Parsed<Option<Item>> {
        match self.word_ahead(0) {
            Some("use") => {
                self.advance();
                if self.peek().first_on_line {
                    return Err(self.expected("the name of a rule file, as in `use health`"));
                }
                let name = self.any_name("the name of a rule file, as in `use health`")?;
                Ok(Some(Item::Use(Use { name })))
            }
            Some("stream" | "interval") => self.stream().map(|s| Some(Item::Stream(s))),
            Some("profile") => self.profile().map(|p| Some(Item::Profile(p))),
            Some("rule") => self.rule().map(|r| Some(Item::Rule(Box::new(r)))),
            Some("test") => self.test().map(|t| Some(Item::Test(t))),
            Some("policy") => self.policy().map(|p| Some(Item::Policy(p))),
            _ => {
                let loc = self.here();
                let what = match self.word_ahead(0) {
                    Some(word) => format!("`{word}` begins no declaration"),
                    None => format!("expected a declaration, found {}", self.peek().kind.describe()),
                };
                let mut d = Diagnostic::new(Code::UNKNOWN_CLAUSE, what, loc, "expected a declaration");
                if let Some(word) = self.word_ahead(0) {
                    d = d.did_you_mean(loc, word, ITEMS.iter().copied());
                }
                if self.is(Kind::Bad) {
                    self.advance();
                    return Err(Failed);
                }
                self.report(d.note("a file is made of `use`, `stream`, `profile`, `rule`, `test` and `policy`"));
                self.advance();
                while !self.is(Kind::End) && !self.at_item() {
                    self.advance();
                }
                Err(Failed)
            }
        }
    }

    fn stream(&mut self) -> Parsed<Stream> {
        let doc = self.doc_before(self.at);
        let interval = self.eat_word("interval").is_some();
        let head = self.need_word("stream", "behind `interval`").and_then(|_| self.name("a name for the stream"));
        let name = self.or_skip_block(head)?;
        let mut stream = Stream {
            name,
            interval,
            every: None,
            silent_after: None,
            by: None,
            also_by: Vec::new(),
            fields: Vec::new(),
            checks: Vec::new(),
            doc,
        };
        if self.stream_head(&mut stream).is_err() {
            while !matches!(self.peek().kind, Kind::OpenBrace | Kind::CloseBrace | Kind::End) && !self.at_item() {
                self.advance();
            }
        }
        let open = match self.need(Kind::OpenBrace, "and the fields of the stream") {
            Ok(open) => self.loc(open),
            // The stream exists all the same: rules that use it are not complained about.
            Err(Failed) => return Ok(stream),
        };
        while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End) && !self.at_item() {
            if self.is_word("check") && self.ahead(2).kind == Kind::Gt {
                self.mark(Mark::Line);
                if let Ok(check) = self.check() {
                    stream.checks.push(check);
                }
            } else if let Ok(field) = self.field() {
                stream.fields.push(field);
            }
        }
        self.close_block(open);
        Ok(stream)
    }

    fn stream_head(&mut self, stream: &mut Stream) -> Parsed<()> {
        loop {
            match self.word_ahead(0) {
                Some("every") => {
                    self.advance();
                    stream.every = Some(self.duration("how often readings are expected")?);
                }
                Some("silent") => {
                    self.advance();
                    self.need_word("after", "behind `silent`")?;
                    stream.silent_after = Some(self.duration("after how long the stream counts as silent")?);
                }
                Some("by") => {
                    self.advance();
                    stream.by = Some(self.name("what its subject is, as in `by guest`")?);
                    if self.eat(Kind::Comma).is_some() {
                        self.need_word("also", "as in `by guest, also by card`")?;
                        self.need_word("by", "as in `by guest, also by card`")?;
                        stream.also_by = self.fields_named()?;
                    }
                }
                Some("interval") => {
                    let loc = self.here();
                    self.advance();
                    stream.interval = true;
                    self.report(
                        Diagnostic::new(Code::EXPECTED, "`interval` stands before `stream`", loc, "not here")
                            .help(format!("write `interval stream {}`", stream.name.text)),
                    );
                }
                _ => return Ok(()),
            }
        }
    }

    fn fields_named(&mut self) -> Parsed<Vec<Name>> {
        let mut fields = vec![self.any_name("a field that names a further subject")?];
        while self.eat(Kind::Comma).is_some() {
            fields.push(self.any_name("another field that names a further subject")?);
        }
        Ok(fields)
    }

    /// After a broken head of a declaration its block is skipped.
    fn or_skip_block<T>(&mut self, head: Parsed<T>) -> Parsed<T> {
        if head.is_err() {
            self.skip_block();
        }
        head
    }

    fn check(&mut self) -> Parsed<Check> {
        self.advance();
        let greater = self.any_name("a field")?;
        self.need(Kind::Gt, "between the fields of a check")?;
        let less = self.any_name("a field")?;
        Ok(Check { greater, less })
    }

    fn profile(&mut self) -> Parsed<Profile> {
        self.advance();
        let open = match self.need(Kind::OpenBrace, "and the fields of the profile") {
            Ok(open) => self.loc(open),
            Err(failed) => {
                self.skip_block();
                return Err(failed);
            }
        };
        let mut fields = Vec::new();
        while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End) && !self.at_item() {
            if let Ok(field) = self.field() {
                fields.push(field);
            }
        }
        self.close_block(open);
        Ok(Profile { fields })
    }

    /// `NAME TYPE [from A to B] [usually A to B] [optional] [default V]`. Where the type cannot be read the field exists all the same.
    fn field(&mut self) -> Parsed<FieldDecl> {
        let doc = self.doc_before(self.at);
        self.mark(Mark::Field);
        let name = match self.any_name("a field: its name, then its dimension and unit, `text`, `bool` or words") {
            Ok(name) => name,
            Err(failed) => {
                self.advance();
                self.skip_until(|p| p.peek().first_on_line);
                return Err(failed);
            }
        };
        let start = self.peek();
        let mut field = FieldDecl {
            name,
            kind: None,
            kind_loc: self.loc(start),
            range: None,
            usual: None,
            optional: None,
            default: None,
            doc,
        };
        if self.field_rest(&mut field).is_err() {
            self.skip_until(|p| p.peek().first_on_line);
        }
        Ok(field)
    }

    fn field_rest(&mut self, field: &mut FieldDecl) -> Parsed<()> {
        let start = self.peek();
        if start.first_on_line {
            let loc = field.name.loc.after();
            self.report(
                Diagnostic::new(Code::EXPECTED, format!("the field `{}` has no type", field.name.text), loc, "expected its type")
                    .help("a dimension and unit (`glucose in mg/dL`), `text`, `bool`, or words (`light < moderate`, `bolus | basal`)"),
            );
            return Err(Failed);
        }
        self.refuse_unit_as_type()?;
        let first = self.any_name("the type of the field")?;
        let kind = match (&*first.text, self.peek().kind) {
            (_, Kind::Lt | Kind::Pipe) => self.words(first)?,
            ("text", _) => FieldType::Text,
            ("bool", _) => FieldType::Bool,
            ("time", _) if self.is_word("of") => {
                self.advance();
                self.need_word("day", "as in `bedtime time of day default 22:00`")?;
                FieldType::TimeOfDay
            }
            _ => {
                let unit = match self.eat_word("in") {
                    Some(_) => Some(self.unit_of_declaration()?),
                    None => None,
                };
                FieldType::Quantity { dimension: first, unit }
            }
        };
        field.kind_loc = self.since(start);
        field.kind = Some(kind);
        loop {
            match self.word_ahead(0) {
                // A word at the beginning of a line is the next field, whatever it is called.
                _ if self.peek().first_on_line => return Ok(()),
                Some("from") => {
                    self.advance();
                    let low = self.script_value()?;
                    self.need_word("to", "and the upper end of the range")?;
                    let high = self.script_value()?;
                    field.range = Some((low, high));
                }
                Some("usually") => {
                    let loc = self.here();
                    self.advance();
                    let low = self.script_value()?;
                    self.need_word("to", "and the upper end of what is usual")?;
                    let high = self.script_value()?;
                    if field.usual.replace((low, high)).is_some() {
                        let what = format!("what is usual of `{}` is said twice", field.name.text);
                        self.report(Diagnostic::new(Code::RANGE, what, loc, "said before").help("say it once"));
                    }
                }
                Some("optional") => field.optional = Some(self.loc(self.peek())).inspect(|_| self.at += 1),
                Some("default") => {
                    self.advance();
                    field.default = Some(self.script_value()?);
                }
                _ => return Ok(()),
            }
        }
    }

    /// `value mg/dL`: the dimension is missing.
    fn refuse_unit_as_type(&mut self) -> Parsed<()> {
        let word = self.word_ahead(0).unwrap_or("/");
        let from = self.at;
        if Dimension::named(word).is_some() || matches!(self.ahead(1).kind, Kind::Lt | Kind::Pipe) {
            return Ok(());
        }
        let Some(unit) = self.unit() else { return Ok(()) };
        self.at = from;
        let meant =
            Unit::any_named(&unit.name).map(|u| format!("`{} in {}`", u.dimension(), unit.name)).collect::<Vec<_>>().join(" or ");
        let d = Diagnostic::new(Code::EXPECTED, "a unit without its dimension", unit.loc, "expected a dimension before it");
        self.report(d.help(format!("write {meant}")));
        Err(Failed)
    }

    /// `light < moderate < vigorous`: ordered; `bolus | basal`: not.
    fn words(&mut self, first: Name) -> Parsed<FieldType> {
        let separator = self.peek().kind;
        let mut words = vec![first];
        while self.eat(separator).is_some() {
            let word = self.any_name("another word")?;
            if RESERVED.contains(&&*word.text) {
                self.report(
                    Diagnostic::new(
                        Code::RESERVED,
                        format!("`{}` is a keyword", word.text),
                        word.loc,
                        "cannot be a word of an enumeration",
                    )
                    .help("choose another word: it has to be written in conditions"),
                );
            }
            words.push(word);
        }
        if matches!(self.peek().kind, Kind::Lt | Kind::Pipe) {
            return Err(self.expected("the same sign between all words: `<` where they have an order, `|` where not"));
        }
        Ok(FieldType::Enum { words, ordered: separator == Kind::Lt })
    }
}
