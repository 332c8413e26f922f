//! Completion: what could come at the cursor, by what is written before it.

use serde_json::{Value, json};
use vitalog_elog::{Dimension, FieldKind, Severity, Unit};

use super::Server;
use super::context::{Context, Home};
use super::group::Group;
use super::hover;
use super::index::Symbol;
use super::words;
use crate::lexer::Kind;
use crate::packs;
use crate::parser::Mark;
use crate::source::FileId;

/// Kinds of the protocol.
mod kind {
    pub const FUNCTION: u8 = 3;
    pub const FIELD: u8 = 5;
    pub const VARIABLE: u8 = 6;
    pub const CLASS: u8 = 7;
    pub const MODULE: u8 = 9;
    pub const UNIT: u8 = 11;
    pub const ENUM: u8 = 13;
    pub const KEYWORD: u8 = 14;
    pub const EVENT: u8 = 23;
}

/// Words behind which a span of time stands.
const SPANS: &[&str] = &["for", "gap", "over", "within", "after", "per", "every", "fresh", "half_life", "in", "from", "to"];
/// Words behind which a stream stands.
const STREAMS: &[&str] = &["each", "no", "match", "then", "next", "without", "during", "overlaps"];

struct Offers<'g> {
    group: &'g Group,
    out: Vec<Value>,
}

impl Server {
    pub(super) fn completion(&mut self, params: &Value) -> Value {
        let encoding = self.encoding;
        let group = self.group(params["textDocument"]["uri"].as_str().unwrap_or(""));
        let Some((file, offset)) = group.place(params, encoding) else { return json!([]) };
        let mut offers = Offers { group, out: Vec::new() };
        offers.fill(file, offset);
        json!({"isIncomplete": false, "items": offers.out})
    }
}

impl Offers<'_> {
    fn fill(&mut self, file: FileId, offset: usize) {
        let group = self.group;
        let context = Context::new(&group.understood, file, offset);
        match context.home {
            Home::File => self.keywords(words::ITEMS),
            Home::Use => self.packs(file),
            Home::Stream | Home::Profile => self.declaration(&context),
            Home::Rule => self.rule(&context),
            Home::Test => self.test(&context),
            Home::Other => {}
        }
    }

    fn offer(&mut self, label: &str, kind: u8, detail: &str, documentation: &str) {
        if self.out.iter().any(|item| item["label"] == label) {
            return;
        }
        let mut item = json!({"label": label, "kind": kind});
        if !detail.is_empty() {
            item["detail"] = json!(detail);
        }
        if !documentation.is_empty() {
            item["documentation"] = json!(documentation);
        }
        self.out.push(item);
    }

    fn keywords(&mut self, table: &[(&str, &str)]) {
        for (word, meaning) in table {
            self.offer(word, kind::KEYWORD, "", meaning);
        }
    }

    fn packs(&mut self, file: FileId) {
        for pack in packs::ALL {
            self.offer(pack.name, kind::MODULE, "shipped", "");
        }
        let group = self.group;
        for (id, other) in group.understood.compiled.sources.iter().filter(|(id, _)| *id != file) {
            if let Some(name) = other.name.strip_suffix(".rules").filter(|_| !group.is_shipped(id)) {
                self.offer(name, kind::MODULE, "", "");
            }
        }
    }

    fn declaration(&mut self, context: &Context<'_>) {
        if context.back_kind(1) == Some(Kind::Number) {
            // Behind a number of the range, the units of the field's dimension.
            let dimension = context.before.iter().rev().find_map(|s| Dimension::named(s.text));
            self.units(dimension);
        } else if context.back(1) == "in" {
            self.units(Dimension::named(context.back(2)));
        } else if context.first_on_line {
            self.keywords(&[("check", "one field must be greater than another")]);
        } else if context.before.last().is_some_and(|s| s.begins == Some(Mark::Field)) {
            for dimension in Dimension::ALL {
                self.offer(dimension.name(), kind::CLASS, "a dimension", "");
            }
            self.keywords(&[("text", "words of any kind"), ("bool", "yes or no")]);
            if context.home == Home::Profile {
                self.keywords(&[("time of day", "hours and minutes, as a clock shows them: `default 22:00`")]);
            }
        } else {
            self.keywords(&[
                ("from", "the plausible range: from A to B"),
                ("usually", "what is usual, within the plausible range: usually A to B; a reading outside is taken and flagged"),
                ("optional", "may be left out"),
                ("default", "what holds until it is set"),
            ]);
        }
    }

    fn rule(&mut self, context: &Context<'_>) {
        let (last, before) = (context.back(1), context.back(2));
        if !context.before.iter().any(|s| s.text == "{") {
            return;
        }
        if last == "." {
            return self.behind_dot(context, before);
        }
        if context.back_kind(1) == Some(Kind::Number) {
            return self.behind_number(context);
        }
        if last == "severity" || (last == "," && context.clause == "severity") {
            return Severity::ALL.iter().for_each(|s| self.offer(s.name(), kind::ENUM, "", ""));
        }
        if last == "notify" {
            return self.policies();
        }
        if context.clause == "say" && ["say", "to"].contains(&last) {
            return self.audiences(last);
        }
        if STREAMS.contains(&last) {
            return self.streams();
        }
        if context.first_on_line || last == "{" {
            self.keywords(words::CLAUSES);
        }
        if context.clause == "match" {
            self.keywords(words::STEPS);
        }
        self.values(context);
        self.keywords(words::HOLDS);
    }

    /// Behind `say`, and `say to`: the roles that policies tell.
    fn audiences(&mut self, last: &str) {
        if last == "say" {
            return self.keywords(&[("to", "a text for somebody else than the patient: `say to caretaker \"…\"`")]);
        }
        let group = self.group;
        let policies = group.understood.compiled.library.iter().flat_map(|l| &l.policies);
        let roles: Vec<&str> = policies.flat_map(|p| &p.steps).map(|s| &*s.recipient).collect();
        for role in roles.into_iter().chain(["caretaker", "on_call"]).filter(|role| *role != "patient") {
            self.offer(role, kind::CLASS, "a role of policies", "");
        }
    }

    fn behind_number(&mut self, context: &Context<'_>) {
        if context.back(2) == "last" {
            return self.keywords(words::DAYS);
        }
        if SPANS.contains(&context.back(2)) {
            return self.units(Some(Dimension::Time));
        }
        let dimension = context.compared().and_then(|(of, field)| self.dimension(context, of, field));
        self.units(dimension);
    }

    /// The dimension of a field of whatever has that name.
    fn dimension(&self, context: &Context<'_>, of: &str, field: &str) -> Option<Dimension> {
        match self.kind_of(context, of, field)? {
            FieldKind::Quantity(unit) => Some(unit.dimension()),
            _ => None,
        }
    }

    fn kind_of(&self, context: &Context<'_>, of: &str, field: &str) -> Option<FieldKind> {
        let world = &self.group.understood.world;
        if of == "profile" {
            let (ix, _) = world.settings.get(field)?;
            return Some(world.profile[usize::from(*ix)].kind.clone());
        }
        let info = world.stream(&self.stream(context, of)?)?;
        let (ix, _) = info.fields.get(field)?;
        Some(world.declared(info.ix).get(*ix).kind.clone())
    }

    /// The stream that a name stands for in the rule at hand.
    fn stream(&self, context: &Context<'_>, name: &str) -> Option<String> {
        let key = (context.name.into(), name.into());
        if let Some(stream) = self.group.index.steps.get(&key) {
            return Some(stream.to_string());
        }
        let world = &self.group.understood.world;
        if world.stream(name).is_some() {
            return Some(name.to_owned());
        }
        // `each` and its like: the stream that was named last. A step whose name is not read yet likewise.
        context.before.iter().rev().map(|s| s.text).find(|t| world.stream(t).is_some()).map(str::to_owned)
    }

    fn behind_dot(&mut self, context: &Context<'_>, of: &str) {
        let group = self.group;
        let world = &group.understood.world;
        if of == "profile" {
            for (name, (ix, _)) in &world.settings {
                let field = &world.profile[usize::from(*ix)];
                self.offer(name, kind::FIELD, &hover::kind(&field.kind), field.doc.as_deref().unwrap_or(""));
            }
            return;
        }
        let named = match context.back(3) {
            // What a step of a finding's rule says: `spike.meal.`
            "." => self.stream(context, context.back(4)).and_then(|rule| group.index.steps.get(&(rule.into(), of.into()))),
            _ => None,
        };
        let Some(name) = named.map(|s| s.to_string()).or_else(|| self.stream(context, of)) else { return };
        // What the steps of a rule bound are fields of its findings.
        for ((_, step), stream) in group.index.steps.iter().filter(|((rule, _), _)| **rule == *name) {
            self.offer(step, kind::VARIABLE, &format!("a step, readings of {stream}"), "");
        }
        let Some(info) = world.stream(&name) else { return };
        let stream = world.declared(info.ix);
        for field in stream.fields.iter().filter(|f| info.fields.contains_key(&f.name)) {
            self.offer(&field.name, kind::FIELD, &hover::kind(&field.kind), field.doc.as_deref().unwrap_or(""));
        }
        self.offer("at", kind::FIELD, "an instant", "when it was; of an interval its end");
        if stream.is_interval() {
            self.offer("start", kind::FIELD, "an instant", "when it began");
            self.offer("end", kind::FIELD, "an instant", "when it ended");
            self.offer("duration", kind::FIELD, "a span of time", "end minus start");
        }
    }

    fn units(&mut self, dimension: Option<Dimension>) {
        for unit in Unit::all().filter(|u| dimension.is_none_or(|d| u.dimension() == d)) {
            self.offer(unit.name(), kind::UNIT, unit.dimension().name(), "");
        }
    }

    fn streams(&mut self) {
        let group = self.group;
        let world = &group.understood.world;
        for (name, info) in &world.streams {
            self.offer(name, kind::EVENT, "a stream", world.declared(info.ix).doc.as_deref().unwrap_or(""));
        }
    }

    fn policies(&mut self) {
        let group = self.group;
        for it in &group.index.all {
            if let Symbol::Policy(name) = &it.symbol {
                self.offer(name, kind::CLASS, "a policy", "");
            }
        }
    }

    fn values(&mut self, context: &Context<'_>) {
        let group = self.group;
        // Words of the enumeration on the other side come first.
        if let Some((of, field)) = context.compared()
            && let Some(FieldKind::Enum(words)) = self.kind_of(context, of, field)
        {
            for word in words.iter() {
                self.offer(word, kind::ENUM, "", "");
            }
        }
        for it in &group.index.all {
            match &it.symbol {
                Symbol::Step(rule, name) if **rule == *context.name => self.offer(name, kind::VARIABLE, "a step", ""),
                Symbol::Let(rule, name) if **rule == *context.name => self.offer(name, kind::VARIABLE, "a value", ""),
                _ => {}
            }
        }
        self.streams();
        for (name, meaning) in words::FUNCTIONS {
            self.offer(name, kind::FUNCTION, "", meaning);
        }
        self.keywords(words::VALUES);
    }

    fn test(&mut self, context: &Context<'_>) {
        let group = self.group;
        let world = &group.understood.world;
        let line = context.before.iter().rposition(|s| s.token.first_on_line).unwrap_or(0);
        let line = &context.before[line..];
        let stream = line.iter().find_map(|s| world.stream(s.text));
        let first = line.first().map_or("", |s| s.text);
        let moment = context.back_kind(1) == Some(Kind::Clock);
        if context.before.len() == 1 || (line.iter().any(|s| s.text == "expect") && !context.first_on_line) {
            if matches!(context.back(1), "expect" | "no" | "test") {
                for (name, _) in world.rules.iter() {
                    self.offer(name, kind::CLASS, "a rule", "");
                }
            }
            self.keywords(words::EXPECTED);
        } else if context.first_on_line || (moment && !["from", "at", "until"].contains(&first)) {
            self.streams();
            self.keywords(words::LINES);
        } else if context.back(1) == "." {
            self.behind_dot(context, context.back(2));
        } else if let Some(info) = stream {
            let declared = world.declared(info.ix);
            let named = declared.fields.iter().find(|f| *f.name == *context.back(1)).or(declared.fields.first());
            match named.map(|f| &f.kind) {
                Some(FieldKind::Enum(words)) => words.iter().for_each(|w| self.offer(w, kind::ENUM, "", "")),
                Some(FieldKind::Quantity(unit)) if context.back_kind(1) == Some(Kind::Number) => {
                    self.units(Some(unit.dimension()))
                }
                _ => {}
            }
            for field in &declared.fields {
                self.offer(&field.name, kind::FIELD, &hover::kind(&field.kind), field.doc.as_deref().unwrap_or(""));
            }
        }
    }
}
