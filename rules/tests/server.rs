//! The language server, driven by the messages that an editor sends.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};
use vitalog_rules::packs;
use vitalog_rules::server::{Server, path_of, sibling};

use crate::hostile::{cases, mutated, scraps};

const URI: &str = "file:///rules/mine.rules";

/// An editor: it numbers its requests, and keeps what is told.
struct Editor {
    server: Server,
    id: i64,
    told: Vec<Value>,
}

impl Editor {
    fn new() -> Editor {
        Editor::with(json!({}))
    }

    fn with(capabilities: Value) -> Editor {
        let mut editor = Editor { server: Server::new(), id: 0, told: Vec::new() };
        editor.ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        editor.tell("initialized", json!({}));
        editor
    }

    /// A document with a cursor `|` in it; gives the cursor's position.
    fn open(&mut self, text: &str) -> Value {
        let at = text.find('|').unwrap_or(0);
        let (line, start) = text[..at].match_indices('\n').enumerate().last().map_or((0, 0), |(n, (i, _))| (n + 1, i + 1));
        let character: usize = text[start..at].chars().map(char::len_utf16).sum();
        let document = json!({"uri": URI, "languageId": "rules", "version": 1, "text": text.replacen('|', "", 1)});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
        json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": character}})
    }

    fn tell(&mut self, method: &str, params: Value) {
        let out = self.server.handle(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
        self.told.extend(out);
    }

    /// The whole answer to a request.
    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let out = self.server.handle(&json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}));
        let (answers, rest): (Vec<Value>, Vec<Value>) = out.into_iter().partition(|m| m.get("id").is_some());
        self.told.extend(rest);
        assert_eq!(answers.len(), 1, "one answer to {method}");
        assert_eq!(answers[0]["id"], self.id);
        answers[0].clone()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The diagnostics last told of a document.
    fn diagnostics(&self, uri: &str) -> Value {
        let last = self.told.iter().rev().find(|m| m["params"]["uri"] == uri);
        last.map_or(Value::Null, |m| m["params"]["diagnostics"].clone())
    }
}

/// A text after edits of the protocol, which are told by their places before any of them.
fn edited(text: &str, edits: &Value) -> String {
    let mut edits: Vec<(usize, usize, String)> = edits
        .as_array()
        .into_iter()
        .flatten()
        .map(|e| {
            (offset(text, &e["range"]["start"]), offset(text, &e["range"]["end"]), e["newText"].as_str().unwrap_or("").into())
        })
        .collect();
    edits.sort();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, &new);
    }
    out
}

/// The byte of a position in UTF-16 units.
fn offset(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().expect("a line") as usize;
    let start = if line == 0 { 0 } else { text.match_indices('\n').nth(line - 1).map_or(text.len(), |(i, _)| i + 1) };
    let mut left = position["character"].as_u64().expect("a column") as usize;
    for (i, c) in text[start..].char_indices() {
        if left == 0 || c == '\n' {
            return start + i;
        }
        left -= c.len_utf16();
    }
    text.len()
}

fn labels(found: &Value) -> Vec<String> {
    let items = found["items"].as_array().into_iter().flatten();
    items.map(|i| i["label"].as_str().expect("a label").to_owned()).collect()
}

/// What completion offers at the cursor.
fn offered(text: &str) -> Vec<String> {
    let mut editor = Editor::new();
    let at = editor.open(text);
    labels(&editor.ask("textDocument/completion", at))
}

fn offers(text: &str, some: &[&str], none: &[&str]) {
    let found = offered(text);
    for word in some {
        assert!(found.iter().any(|l| l == word), "{text}\noffers no {word}: {found:?}");
    }
    for word in none {
        assert!(!found.iter().any(|l| l == word), "{text}\noffers {word}: {found:?}");
    }
}

fn hover(text: &str, expect: Expect) {
    let mut editor = Editor::new();
    let at = editor.open(text);
    let found = editor.ask("textDocument/hover", at);
    expect.assert_eq(found["contents"]["value"].as_str().unwrap_or("nothing"));
}

/// Places as `file line:from-to`, in order.
fn places(found: &Value) -> String {
    let mut out = String::new();
    for place in found.as_array().into_iter().flatten() {
        let (start, end) = (&place["range"]["start"], &place["range"]["end"]);
        let uri = place["uri"].as_str().unwrap_or("").rsplit('/').next().unwrap_or("");
        let _ = writeln!(out, "{uri} {}:{}-{}", start["line"], start["character"], end["character"]);
    }
    out
}

const RULE: &str = "use health\nrule spike \"A spike\" {\n    severity advisory\n    match  carbs as meal where meal.amount >= 30 g\n           then bg as peak where peak.value > 10 mmol/L\n           within 2 h\n    let    base = last(bg.value over 30 min before meal)\n    where  peak.value - base >= 60 mg/dL\n    say    \"{peak.value} after {meal.amount}\"\n}\ntest spike \"opens\" {\n    11:50 bg 110 mg/dL\n    12:00 carbs amount 60 g as lunch\n    13:10 bg 190 mg/dL\n    expect spike from 12:00\n    13:20 amend lunch to 6 g\n    expect spike rescinded\n}\n";

/// [`RULE`] with the cursor right behind the nth time that a word stands there.
fn at(word: &str, nth: usize) -> String {
    let (i, _) = RULE.match_indices(word).nth(nth).expect("the word");
    format!("{}|{}", &RULE[..i + 1], &RULE[i + 1..])
}

#[test]
fn a_session_begins_and_ends_as_the_protocol_says() {
    let mut editor = Editor { server: Server::new(), id: 0, told: Vec::new() };
    assert_eq!(editor.answer("textDocument/hover", json!({}))["error"]["code"], -32_002);
    let can = editor.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(can["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(editor.answer("initialize", json!({}))["error"]["code"], -32_600);
    assert_eq!(editor.answer("workspace/unheardOf", json!({}))["error"]["code"], -32_601);
    assert_eq!(editor.server.handle(&json!({"no": "message"}))[0]["error"]["code"], -32_600);
    assert!(editor.server.handle(&json!({"id": 4, "result": null})).is_empty());
    editor.tell("$/cancelRequest", json!({"id": 1}));
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(editor.answer("textDocument/hover", json!({}))["error"]["code"], -32_600);
    assert_eq!(editor.server.exited(), None);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.server.exited(), Some(0));
    let mut rude = Editor::new();
    rude.tell("exit", Value::Null);
    assert_eq!(rude.server.exited(), Some(1));
    let bytes = Editor { server: Server::new(), id: 0, told: Vec::new() }
        .ask("initialize", json!({"capabilities": {"general": {"positionEncodings": ["utf-32", "utf-8"]}}}));
    assert_eq!(bytes["capabilities"]["positionEncoding"], "utf-8");
}

#[test]
fn diagnostics_come_with_each_change_and_go_with_their_cause() {
    let mut editor = Editor::new();
    editor.open("use health\nrule r { severity info when bg.value < 54 mmHg }\n");
    expect![[r#"
        [
          {
            "range": {
              "start": {
                "line": 1,
                "character": 39
              },
              "end": {
                "line": 1,
                "character": 46
              }
            },
            "severity": 1,
            "code": "E0301",
            "source": "vitalog",
            "message": "pressure is compared with glucose: this is pressure, in mmHg\nnote: glucose and pressure do not convert into each other",
            "relatedInformation": [
              {
                "location": {
                  "uri": "file:///rules/mine.rules",
                  "range": {
                    "start": {
                      "line": 1,
                      "character": 28
                    },
                    "end": {
                      "line": 1,
                      "character": 36
                    }
                  }
                },
                "message": "this is glucose, in mg/dL"
              }
            ]
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&editor.diagnostics(URI)).expect("JSON"));
    let range = json!({"start": {"line": 1, "character": 42}, "end": {"line": 1, "character": 46}});
    let change = json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"range": range, "text": "mg/dL"}]});
    editor.tell("textDocument/didChange", change);
    assert_eq!(editor.diagnostics(URI), json!([]));
    assert_eq!(editor.told.last().expect("told")["params"]["version"], 2);
    let told = editor.told.len();
    editor.tell(
        "textDocument/didChange",
        json!({"textDocument": {"uri": URI, "version": 3}, "contentChanges": [{"text": "use health\n"}]}),
    );
    assert_eq!(editor.told.len(), told, "nothing new is nothing told");
}

#[test]
fn changes_are_made_in_utf_16_and_in_bytes() {
    let text = "// 🩸é\r\nrule r { severity info when bg.value < 3 mmol/L }\n";
    for (encoding, character) in [("utf-16", 5), ("utf-8", 7)] {
        let mut editor = Editor::with(json!({"general": {"positionEncodings": [encoding]}}));
        editor.open(text);
        let at = |line: u64, character: u64| json!({"line": line, "character": character});
        let edits = json!([
            {"range": {"start": at(0, character), "end": at(0, character)}, "text": "!"},
            {"range": {"start": at(0, 0), "end": at(0, 0)}, "text": "use health "},
            // Beyond the end of its line: the line's end.
            {"range": {"start": at(1, 999), "end": at(1, 999)}, "text": " "},
        ]);
        editor.tell("textDocument/didChange", json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": edits}));
        let formatted = editor.ask("textDocument/formatting", json!({"textDocument": {"uri": URI}, "options": {}}));
        let new = formatted[0]["newText"].as_str().expect("a text");
        assert_eq!(
            new,
            "use health  // 🩸!é\n\nrule r { severity info when bg.value < 3 mmol/L }\n".replace("\n\n", "\n"),
            "{encoding}"
        );
    }
}

#[test]
fn files_of_a_folder_know_each_other() {
    let mut editor = Editor::new();
    editor.told.extend(editor.server.on_disk("file:///rules/streams.rules", Some("stream scale { weight mass in kg }")));
    let at = editor.open("rule heavy { severity info when sc|ale.weight > 120 kg }\n");
    assert_eq!(editor.diagnostics(URI), json!([]));
    assert_eq!(places(&editor.ask("textDocument/definition", at)), "streams.rules 0:7-12\n");
    editor.told.extend(editor.server.on_disk("file:///rules/streams.rules", None));
    assert_eq!(editor.diagnostics(URI)[0]["code"], "E0201");
    let other =
        json!({"uri": "file:///elsewhere/a.rules", "version": 1, "text": "rule heavy { severity info when no x for 1 d }"});
    editor.tell("textDocument/didOpen", json!({"textDocument": other}));
    assert_eq!(editor.diagnostics("file:///elsewhere/a.rules")[0]["code"], "E0201");
    editor.tell("textDocument/didClose", json!({"textDocument": {"uri": "file:///elsewhere/a.rules"}}));
    assert_eq!(editor.diagnostics("file:///elsewhere/a.rules"), json!([]));
}

#[test]
fn hover_says_what_a_name_is() {
    hover(&at("meal.amount", 0).replacen("meal|", "meal", 1), expect!["**meal**: a step of the pattern, readings of `carbs`"]);
    hover(
        &at("amount", 0),
        expect![[r#"
            **carbs.amount**: mass in g; plausible from 0 g to 500 g

            Carbohydrate."#]],
    );
    let scale = "stream s { w mass in kg usually 2 kg to 9 kg }\nrule r { severity info when s.|w > 3 kg }";
    hover(scale, expect!["**s.w**: mass in kg; usually from 2 kg to 9 kg"]);
    hover(&at("base", 1), expect!["**base** = `last(bg.value over 30 min before meal)`"]);
    hover(
        &at("10 mmol", 0),
        expect![[r#"
        glucose: 10 mmol/L = 180 mg/dL

        ketones: 10 mmol/L = 104.1 mg/dL"#]],
    );
    hover(&at("within", 0), expect!["**within**: last minus first is less than this"]);
    hover(&at("spike", 2), expect!["**spike**: A spike (advisory)"]);
    hover(
        "use health\nrule r { severity info when bg.value < profile.bg_|low }",
        expect![[r#"
        **profile.bg_low**: glucose in mg/dL; plausible from 54 mg/dL to 110 mg/dL; 70 mg/dL until it is set

        Below it glucose is low: level 1."#]],
    );
    hover(
        &at("bg 110", 0),
        expect![[r#"
            **bg**: a stream, a reading expected every 5 min, silent after 30 min

            Glucose, from a sensor under the skin or a drop of blood.

            - `value` glucose in mg/dL
            - `context` before_breakfast | after_breakfast | before_lunch | after_lunch | before_supper | after_supper | before_snack"#]],
    );
}

#[test]
fn completion_offers_what_fits() {
    offers("|", &["use", "rule", "stream", "test"], &["severity"]);
    offers("use health\nru|", &["rule"], &["severity"]);
    offers("use |", &["health", "glucose"], &["rule"]);
    let rule = |clause: &str| format!("use health\nrule r {{\n    severity info\n    {clause}\n}}\n");
    offers(&rule("|"), &["when", "match", "say", "at most once per"], &["systolic"]);
    offers(&rule("when bg.|"), &["value", "at"], &["systolic", "duration"]);
    offers(&rule("at each sleep when sleep.|"), &["deep", "duration"], &["value"]);
    offers(&rule("when bg.value < profile.|"), &["bg_low", "time_zone"], &["value"]);
    offers(&rule("when bg.value < 54 |"), &["mg/dL", "mmol/L"], &["mmHg", "min", "kg"]);
    offers(&rule("when avg(bg.value over 3 |"), &["min", "h"], &["mg/dL"]);
    offers(&rule("when bg.value < 54 mg/dL for 15 |"), &["min", "h"], &["mg/dL"]);
    offers(&rule("when exercise.intensity = |"), &["light", "vigorous"], &[]);
    offers(&rule("when no |"), &["bg", "bp"], &["avg"]);
    offers(&rule("match carbs as meal then bg as peak where peak.|"), &["value"], &["amount"]);
    offers(&rule("match carbs as meal then bg as peak where |"), &["meal", "peak", "avg", "profile", "within"], &[]);
    offers(&rule("match bp{3} as highs where each.|"), &["systolic"], &["value"]);
    offers(&rule("when |"), &["slope", "percentile", "time_in", "time_of_day", "during", "if"], &["then"]);
    offers(&rule("match |"), &["bg", "sleep"], &["slope"]);
    offers(&rule("match carbs |"), &["then", "then no", "next", "and", "or", "with no", "starts", "within"], &["severity"]);
    offers(&rule("when count(bg over last 7 |"), &["days", "nights"], &["mg/dL", "h"]);
    offers(&rule("when last(bg.value over 1 d fresh 1 |"), &["h"], &["mg/dL"]);
    offers(&rule("say |"), &["to"], &["caretaker", "bg"]);
    offers(&rule("say to |"), &["caretaker", "on_call"], &["patient", "bg"]);
    offers(&rule("when bg.value < 54 mg/dL\n    say to caretaker \"{bg.|}\""), &["value"], &["caretaker"]);
    offers(&rule("severity |"), &["info", "critical"], &["bg"]);
    let above = |clause: &str| {
        let spike = "rule spike { severity info match carbs as meal then bg as peak where peak.value > 10 mmol/L within 2 h }";
        format!("use health\n{spike}\nrule r {{\n    severity info\n    {clause}\n}}\n")
    };
    offers(&above("match spike as s where s.|"), &["meal", "peak"], &["amount"]);
    offers(&above("match spike as s where s.meal.|"), &["amount", "at"], &["peak"]);
    offers("profile {\n    bedtime |\n}", &["time of day", "mass"], &["kg"]);
    let test = |line: &str| {
        format!("use health\nrule r {{ severity info when bg.value < 54 mg/dL }}\ntest r \"x\" {{\n    {line}\n}}\n")
    };
    offers(&test("|"), &["bg", "expect", "amend"], &["avg"]);
    offers(&test("02:00 bp |"), &["systolic", "diastolic"], &["value"]);
    offers(&test("02:00 medication kind |"), &["bolus"], &[]);
    offers(&test("expect |"), &["r"], &["bg"]);
    offers(&test("expect r |"), &["from", "rescinded"], &[]);
    offers("stream s {\n    weight mass in |\n}", &["kg", "g"], &["mg/dL"]);
    offers("stream s {\n    weight |\n}", &["mass", "text"], &["kg"]);
}

#[test]
fn names_lead_to_their_declarations_and_uses() {
    let find = |word: &str, nth: usize, method: &str| {
        let mut editor = Editor::new();
        let mut params = editor.open(&at(word, nth));
        params["context"] = json!({"includeDeclaration": true});
        places(&editor.ask(method, params))
    };
    expect!["mine.rules 3:20-24\n"].assert_eq(&find("meal.amount", 1, "textDocument/definition"));
    expect!["mine.rules 6:11-15\n"].assert_eq(&find("base", 1, "textDocument/definition"));
    expect![[r#"
        health.rules 18:4-9
    "#]]
    .assert_eq(&find("value", 0, "textDocument/definition"));
    expect![[r#"
        mine.rules 3:20-24
        mine.rules 3:31-35
        mine.rules 6:51-55
        mine.rules 8:32-36
    "#]]
    .assert_eq(&find("meal", 0, "textDocument/references"));
    expect![[r#"
        mine.rules 1:5-10
        mine.rules 10:5-10
        mine.rules 14:11-16
        mine.rules 16:11-16
    "#]]
    .assert_eq(&find("spike", 0, "textDocument/references"));
    expect![[r#"
        mine.rules 12:31-36
        mine.rules 15:16-21
    "#]]
    .assert_eq(&find("lunch", 1, "textDocument/references"));
}

/// [`RULE`] after a rename, or why there is none.
fn renamed(word: &str, nth: usize, to: &str) -> Result<String, String> {
    let mut editor = Editor::new();
    let mut params = editor.open(&at(word, nth));
    params["newName"] = json!(to);
    let answer = editor.answer("textDocument/rename", params);
    match answer["error"]["message"].as_str() {
        Some(why) => Err(why.to_owned()),
        None => Ok(edited(RULE, &answer["result"]["changes"][URI])),
    }
}

#[test]
fn a_new_name_stands_everywhere_and_changes_nothing_else() {
    assert_eq!(renamed("meal", 2, "dinner"), Ok(RULE.replace("meal", "dinner")));
    assert_eq!(renamed("base", 0, "before_it"), Ok(RULE.replace("base", "before_it")));
    assert_eq!(renamed("lunch", 0, "slip"), Ok(RULE.replace("lunch", "slip")));
    let rule = RULE.replace("rule spike", "rule high").replace("test spike", "test high").replace("expect spike", "expect high");
    assert_eq!(renamed("spike", 0, "high"), Ok(rule));
    for (word, nth, to, why) in [
        ("meal", 0, "when", "keyword"),
        ("meal", 0, "2nd", "no name"),
        ("meal", 0, "bg", "mean"),
        ("meal", 0, "peak", "mean"),
        ("base", 0, "peak", "mean"),
        ("bg", 0, "sugar", "shipped"),
        ("health", 0, "x", "on disk"),
    ] {
        let found = renamed(word, nth, to).expect_err("refused");
        assert!(found.contains(why), "{word} to {to}: {found}");
    }
}

#[test]
fn a_rule_that_others_look_at_is_renamed_with_its_fields() {
    let text = "use health\nrule low {\n    severity info\n    let depth = 4 mmol/L - bg.value\n    when bg.value < 4 mmol/L and depth > 0 mmol/L\n}\nrule two {\n    severity info\n    match low{2} as l where low.depth > 1 mmol/L within 1 d\n    quiet while low\n    say \"{l.depth}\"\n}\n";
    for (line, character, was, new) in [(1, 5, "low", "hypo"), (3, 8, "depth", "way")] {
        let mut editor = Editor::new();
        editor.open(text);
        let params = json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": character}, "newName": new});
        let answer = editor.answer("textDocument/rename", params);
        assert_eq!(edited(text, &answer["result"]["changes"][URI]), text.replace(was, new), "{answer}");
    }
}

#[test]
fn a_step_that_others_ask_is_renamed_with_it() {
    let text = "use health\nrule two {\n    severity info\n    match spike as s where s.meal.amount > 80 g\n    say \"{s.meal.amount}\"\n}\nrule spike {\n    severity info\n    match (carbs as meal where meal.amount > 20 g) then bg as peak where peak.value > 10 mmol/L within 2 h\n}\n";
    let mut editor = Editor::new();
    editor.open(text);
    let params = json!({"textDocument": {"uri": URI}, "position": {"line": 8, "character": 20}, "newName": "dish"});
    let answer = editor.answer("textDocument/rename", params);
    assert_eq!(edited(text, &answer["result"]["changes"][URI]), text.replace("meal", "dish"), "{answer}");
}

#[test]
fn repairs_are_offered_as_edits() {
    let mut editor = Editor::new();
    let text = "use health\nrule r { severity info when bg.valu < 54 mg/dL }\n";
    editor.open(text);
    let range = editor.diagnostics(URI)[0]["range"].clone();
    let found = editor
        .ask("textDocument/codeAction", json!({"textDocument": {"uri": URI}, "range": range, "context": {"diagnostics": []}}));
    assert_eq!(found[0]["title"], "did you mean `value`?");
    assert_eq!(edited(text, &found[0]["edit"]["changes"][URI]), text.replace("valu ", "value "));
    let away = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}});
    let none = editor.ask("textDocument/codeAction", json!({"textDocument": {"uri": URI}, "range": away, "context": {}}));
    assert_eq!(none, json!([]));
}

#[test]
fn the_outline_names_what_is_declared() {
    let mut editor = Editor::new();
    editor.open(&format!("{RULE}stream scale {{\n    weight mass in kg\n}}\n"));
    let found = editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": URI}}));
    let lines: Vec<String> = found
        .as_array()
        .into_iter()
        .flatten()
        .map(|s| {
            format!("{} to line {} with {}", s["name"], s["range"]["end"]["line"], s["children"].as_array().map_or(0, Vec::len))
        })
        .collect();
    assert_eq!(
        lines,
        ["\"spike\" to line 9 with 0", "\"test spike \\\"opens\\\"\" to line 17 with 0", "\"scale\" to line 20 with 1"]
    );
}

#[test]
fn colours_follow_each_other_and_know_names() {
    let mut editor = Editor::new();
    editor.open("use health\n/* */ rule r { severity info when bg.value < 54 mg/dL }\n");
    let found = editor.ask("textDocument/semanticTokens/full", json!({"textDocument": {"uri": URI}}));
    let data = found["data"].as_array().expect("data");
    assert_eq!(data.len() % 5, 0);
    editor.tell("textDocument/didChange", json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "use health\nrule r { severity info when bg.value < 54 mg/dL }"}]}));
    let found = editor.ask("textDocument/semanticTokens/full", json!({"textDocument": {"uri": URI}}));
    let words: Vec<Vec<u64>> = found["data"]
        .as_array()
        .expect("data")
        .chunks(5)
        .map(|c| c.iter().map(|n| n.as_u64().expect("a number")).collect())
        .collect();
    let kinds: Vec<u64> = words.iter().map(|w| w[3]).collect();
    assert_eq!(kinds, [0, 6, 0, 6, 0, 8, 0, 6, 7, 4, 1, 1, 1, 1]);
}

#[test]
fn shipped_files_can_be_read() {
    let mut editor = Editor::new();
    let found = editor.ask("vitalog/shipped", json!({"uri": "vitalog:/health.rules"}));
    assert_eq!(found.as_str(), packs::get("health").map(|p| p.text));
    assert_eq!(editor.ask("vitalog/shipped", json!({"uri": "vitalog:/none.rules"})), Value::Null);
}

/// Every request at every place of a text; nothing may panic, and every place must lie in it.
fn survive(text: &str) {
    let mut editor = Editor::new();
    editor.open(text);
    let document = json!({"uri": URI});
    let lines = text.lines().count() as u64 + 1;
    for (line, character) in (0..lines).step_by(3).flat_map(|l| [(l, 0), (l, 7), (l, 16), (l, 40)]) {
        let params = json!({
            "textDocument": document, "position": {"line": line, "character": character}, "newName": "another",
            "range": {"start": {"line": line, "character": 0}, "end": {"line": line, "character": character}}, "context": {},
        });
        for method in ["hover", "completion", "definition", "references", "documentHighlight", "rename", "codeAction"] {
            editor.answer(&format!("textDocument/{method}"), params.clone());
        }
    }
    for method in ["formatting", "documentSymbol", "semanticTokens/full"] {
        editor.ask(&format!("textDocument/{method}"), json!({"textDocument": document}));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words(text in scraps()) {
        survive(&format!("use health\n{text}"));
    }

    #[test]
    fn any_mutation(text in mutated()) {
        survive(&text.chars().take(2_000).collect::<String>());
    }

    /// Many small changes end in the same as one large one.
    #[test]
    fn changes_add_up(edits in prop::collection::vec((0..14_u64, 0..60_u64, 0..14_u64, 0..60_u64, "[a-z{} \n🩸é]{0,6}"), 0..12)) {
        let mut editor = Editor::new();
        editor.open(RULE);
        let mut text = RULE.to_owned();
        for (a, b, c, d, new) in edits {
            let mut ends = [(a, b), (c, d)];
            ends.sort_unstable();
            let at = |(line, character): (u64, u64)| json!({"line": line, "character": character});
            let (start, end) = (at(ends[0]), at(ends[1]));
            // A place inside of a pair of units is that of the character.
            let (from, to) = (offset_before(&text, &start), offset_before(&text, &end));
            text.replace_range(from..to.max(from), &new);
            let change = json!([{"range": {"start": start, "end": end}, "text": new}]);
            editor.tell("textDocument/didChange", json!({"textDocument": {"uri": URI, "version": 2}, "contentChanges": change}));
        }
        let mut fresh = Editor::new();
        fresh.open(&text.replace('|', "/"));
        prop_assert_eq!(editor.diagnostics(URI), fresh.diagnostics(URI));
    }
}

/// As [`offset`], but never inside of a character.
fn offset_before(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().expect("a line") as usize;
    let Some(start) = (if line == 0 { Some(0) } else { text.match_indices('\n').nth(line - 1).map(|(i, _)| i + 1) }) else {
        return text.len();
    };
    let mut left = position["character"].as_u64().expect("a column") as usize;
    for (i, c) in text[start..].char_indices() {
        if c == '\n' || left < c.len_utf16() {
            return start + i;
        }
        left -= c.len_utf16();
    }
    text.len()
}

#[test]
fn documents_have_paths_and_neighbours() {
    assert_eq!(path_of("file:///rules/a%20b/x.rules").as_deref(), Some("/rules/a b/x.rules"));
    assert_eq!(path_of("file:///c%3A/rules/x.rules").as_deref(), Some("c:/rules/x.rules"));
    assert_eq!(path_of("file://localhost/x").as_deref(), Some("/x"));
    assert_eq!(path_of("file://elsewhere/x"), None);
    assert_eq!(path_of("untitled:Untitled-1"), None);
    assert_eq!(sibling("file:///a%20b/x.rules", "é y.rules"), "file:///a%20b/%C3%A9%20y.rules");
}

#[test]
fn files_on_disk_are_watched_where_the_editor_can() {
    let editor = Editor::with(json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}}));
    assert_eq!(editor.told[0]["method"], "client/registerCapability");
    assert!(Editor::new().told.is_empty());
}
