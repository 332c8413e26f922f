//! Texts for people: how the value of each hole is written.

use vitalog_cep::plan::{Piece, Show, Wording};

use super::Checker;
use super::dimension::Dim;
use super::value::{Ty, Typed};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{self, Hole, Say};

impl Checker<'_> {
    pub fn say(&mut self, say: &Say) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for piece in &say.pieces {
            match piece {
                Hole::Text(text) => pieces.push(Piece::Text(text.clone())),
                Hole::Expr(expr) => {
                    let typed = self.infer(expr, None);
                    if let Some(show) = self.show(&typed) {
                        pieces.push(Piece::Hole { expr: typed.expr, show });
                    }
                }
            }
        }
        pieces
    }

    /// What roles are told in place of the patient's text, by role: in which order they are written means nothing.
    pub fn wordings(&mut self, decl: &syntax::Rule) -> Vec<Wording> {
        let mut all = Vec::new();
        for wording in &decl.wordings {
            let say = self.say(&wording.say);
            all.extend(wording.to.iter().map(|role| Wording { to: role.text.clone(), say: say.clone() }));
        }
        all.sort_by(|a, b| a.to.cmp(&b.to));
        all
    }

    fn show(&mut self, typed: &Typed) -> Option<Show> {
        Some(match &typed.ty {
            Ty::Error => return None,
            Ty::Bool => Show::Bool,
            Ty::Text => Show::Text,
            Ty::Instant => Show::Instant,
            Ty::TimeOfDay => Show::TimeOfDay,
            Ty::Enum(words) => Show::Enum(words.words.clone()),
            Ty::Number(dim) if dim.is_plain() => Show::Number,
            Ty::Number(dim) if *dim == Dim::time() => Show::Span,
            Ty::Number(dim) => match dim.single() {
                Some(dimension) => {
                    let unit = typed.unit.filter(|u| u.dimension() == dimension);
                    Show::Quantity(unit.unwrap_or(dimension.usual_unit()))
                }
                None => {
                    let d = Diagnostic::new(
                        Code::NOT_SHOWABLE,
                        format!("{dim} cannot be written in a text"),
                        typed.loc,
                        format!("this is {dim}"),
                    );
                    self.diagnostics
                        .push(d.help("multiply or divide it by a quantity so that one dimension is left, as in `slope * 1 h`"));
                    return None;
                }
            },
        })
    }
}
