//! `policy`: who hears of a finding.

use super::{Failed, Mark, Parsed, Parser};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;
use crate::syntax::{Name, Notice, Policy, Repeat};

impl Parser<'_> {
    pub fn policy(&mut self) -> Parsed<Policy> {
        let doc = self.doc_before(self.at);
        self.advance();
        let name = match self.name("a name for the policy") {
            Ok(name) => name,
            Err(failed) => {
                self.skip_block();
                return Err(failed);
            }
        };
        let mut policy = Policy { name, steps: Vec::new(), repeat: None, broken: false, doc };
        let open = match self.need(Kind::OpenBrace, "and who is told") {
            Ok(open) => self.loc(open),
            Err(Failed) => {
                policy.broken = true;
                self.skip_block();
                return Ok(policy);
            }
        };
        while !matches!(self.peek().kind, Kind::CloseBrace | Kind::End) && !self.at_item() {
            self.mark(Mark::Line);
            if self.policy_line(&mut policy).is_err() {
                policy.broken = true;
                self.skip_until(|p| p.peek().first_on_line && matches!(p.word_ahead(0), Some("notify" | "after" | "repeat")));
            }
        }
        self.close_block(open);
        Ok(policy)
    }

    fn policy_line(&mut self, policy: &mut Policy) -> Parsed<()> {
        match self.word_ahead(0) {
            Some("notify" | "after") => {
                let step = self.notice()?;
                policy.steps.push(step);
                Ok(())
            }
            Some("repeat") => {
                let start = self.advance();
                self.need_word("every", "and how often, as in `repeat every 30 min until resolved`")?;
                let every = self.duration("how often everybody is told again")?;
                self.need_word("until", "and `resolved` or `acknowledged`")?;
                let until = self.any_name("`resolved` or `acknowledged`")?;
                if policy.repeat.is_some() {
                    let loc = self.since(start);
                    self.report(Diagnostic::new(Code::TWICE, "`repeat` is said twice", loc, "said again"));
                }
                policy.repeat = Some(Repeat { every, until });
                Ok(())
            }
            _ => {
                let note = "a policy is made of `notify patient by push`, `after 5 min unless acknowledged notify …`, and `repeat every …`";
                let failed = self.expected_noting("`notify`, `after` or `repeat`", note);
                self.advance();
                Err(failed)
            }
        }
    }

    fn notice(&mut self) -> Parsed<Notice> {
        let start = self.peek();
        let mut after = None;
        let mut unless_acknowledged = false;
        if self.eat_word("after").is_some() {
            after = Some(self.duration("how long after the finding")?);
            if self.eat_word("unless").is_some() {
                self.need_word("acknowledged", "behind `unless`")?;
                unless_acknowledged = true;
            }
        }
        self.need_word("notify", "and who is told")?;
        let recipients = self.names("who is told: `patient`, `caretaker` or another role")?;
        self.need_word("by", "and the channels, as in `notify patient by push, sms`")?;
        let channels = self.names("a channel")?;
        Ok(Notice { after, unless_acknowledged, recipients, channels, loc: self.since(start) })
    }

    /// Names with commas between them.
    pub fn names(&mut self, what: &str) -> Parsed<Vec<Name>> {
        let mut names = vec![self.name(what)?];
        while self.eat(Kind::Comma).is_some() {
            names.push(self.name(what)?);
        }
        Ok(names)
    }
}
