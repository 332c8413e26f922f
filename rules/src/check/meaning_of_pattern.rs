//! What a pattern means, as the identity of its rule has it.
//!
//! A plain sequence is written as it always was; what it cannot say is written only where it is said.

use vitalog_cep::plan::{Absence, Around, Edge, Group, Node, Part, Pattern, Select, Step};

use super::meaning::Writer;

impl Writer<'_> {
    pub fn pattern(&mut self, p: &Pattern) {
        self.tagged(2).count(p.steps.len());
        for step in &p.steps {
            self.step(step);
        }
        self.absences(&p.absences);
        self.span(p.within);
        let plain = Pattern::sequence(p.steps.clone(), p.within);
        if p.tree != plain.tree || !p.around.is_empty() || p.select != Select::Each {
            self.tagged(200).node(&p.tree);
            self.around(&p.around);
            self.tagged(p.select as u8);
        }
    }

    fn step(&mut self, step: &Step) {
        self.at_hand = Some(step.stream);
        self.stream(step.stream);
        self.option(step.filter.as_ref());
        self.number(i64::from(step.count));
        self.tagged(u8::from(step.in_a_row));
        match step.edge {
            Edge::Start => {
                self.tagged(201);
            }
            Edge::End => {}
            Edge::Close => {
                self.tagged(204);
            }
        }
        if step.most != Some(step.count) {
            self.tagged(202).number(step.most.map_or(-1, i64::from));
        }
        if step.again.is_some() {
            self.tagged(203).option(step.again.as_ref());
        }
    }

    fn absences(&mut self, all: &[Absence]) {
        self.count(all.len());
        all.iter().for_each(|a| self.absence(a));
    }

    fn absence(&mut self, absence: &Absence) {
        self.at_hand = Some(absence.stream);
        self.stream(absence.stream);
        self.option(absence.filter.as_ref());
    }

    fn around(&mut self, all: &[Around]) {
        self.count(all.len());
        for around in all {
            self.absence(&around.absence);
            self.number(i64::from(around.step));
            self.span(Some(around.from));
            self.span(Some(around.to));
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Step(i) => self.tagged(0).number(i64::from(*i)),
            Node::Sequence { first, rest } => {
                self.tagged(1).node(first);
                self.count(rest.len());
                rest.iter().for_each(|part| self.part(part));
            }
            Node::And(all) => self.tagged(2).nodes(all),
            Node::Or(all) => self.tagged(3).nodes(all),
            Node::Group(group) => {
                let Group { node, absences, around, within } = &**group;
                self.tagged(4).node(node);
                self.absences(absences);
                self.around(around);
                self.span(*within);
            }
            Node::Repeat { node, count } => {
                self.tagged(5).number(i64::from(*count));
                self.node(node);
            }
        }
    }

    fn nodes(&mut self, all: &[Node]) {
        self.count(all.len());
        all.iter().for_each(|n| self.node(n));
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Then(node) => self.tagged(0).node(node),
            Part::Next(node) => self.tagged(1).node(node),
            Part::ThenNo(quiet) => {
                self.tagged(2).span(Some(quiet.span));
                self.absences(&quiet.absences);
            }
        }
    }
}
