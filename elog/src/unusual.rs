//! What is plausible for an instrument, and suspicious all the same: a reading that is outside of what its stream's declaration says is usual.
//!
//! A function of the reading and of the declaration: whoever holds both says the same of it, at the door and wherever it is read. Nothing is kept of it, and nothing that decides looks at it: such a reading is one like any other.

use crate::quantity::{Amount, Unit, format_atoms};
use crate::reading::Value;
use crate::schema::{Field, FieldKind, Stream};

/// The code of the flag.
pub const UNUSUAL: &str = "unusual";

/// A value that is outside of what is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unusual<'s> {
    pub field: &'s Field,
    pub amount: Amount,
    unit: Unit,
    usual: (i64, i64),
}

/// The values of a reading that are outside of what is usual, in the order of the fields.
pub fn unusual<'s>(stream: &'s Stream, values: &'s [Option<Value>]) -> impl Iterator<Item = Unusual<'s>> {
    stream.fields.iter().zip(values).filter_map(|(field, value)| {
        let (Some(usual), FieldKind::Quantity(unit), Some(Value::Quantity(amount))) = (field.usual, &field.kind, value) else {
            return None;
        };
        let is_usual = (usual.0..=usual.1).contains(&amount.atoms());
        (!is_usual).then_some(Unusual { field, amount: *amount, unit: *unit, usual })
    })
}

impl Unusual<'_> {
    /// What is suspicious, for people.
    pub fn message(&self) -> String {
        let show = |atoms: i64| format_atoms(i128::from(atoms), 1, self.unit);
        let (least, most) = (show(self.usual.0), show(self.usual.1));
        format!("{} is not usual: it is between {least} and {most} as a rule", self.amount)
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        let said = self.amount.to_string();
        let number = said.split_once(' ').map_or(&*said, |(number, _)| number);
        let is_usual =
            |unit: &Unit| Amount::parse(number, *unit).is_ok_and(|a| (self.usual.0..=self.usual.1).contains(&a.atoms()));
        let meant = self.unit.dimension().units().filter(|unit| *unit != self.amount.unit).find(is_usual);
        match meant {
            Some(unit) => format!("if {number} {unit} was meant, amend it; it counts as it was sent until then"),
            None => "see whether it is right, and amend or remove it if not; it counts like any other until then".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::quantity::Dimension;
    use crate::schema::Shape;

    fn stream(usual: Option<(i64, i64)>) -> Stream {
        let unit = Unit::named(Dimension::Glucose, "mg/dL").expect("a unit");
        let usual = usual.map(|(least, most)| (least * unit.atoms(), most * unit.atoms()));
        let kind = FieldKind::Quantity(unit);
        let field = Field { name: Arc::from("value"), kind, optional: true, range: None, usual, doc: None };
        Stream {
            name: Arc::from("bg"),
            shape: Shape::Instant,
            fields: vec![field],
            checks: Vec::new(),
            every: None,
            silent_after: None,
            by: None,
            also_by: Vec::new(),
            doc: None,
        }
    }

    fn said(stream: &Stream, number: &str, unit: &str) -> Option<(String, String)> {
        let unit = Unit::named(Dimension::Glucose, unit).expect("a unit");
        let values = [Some(Value::Quantity(Amount::parse(number, unit).expect("an amount")))];
        unusual(stream, &values).next().map(|it| (it.message(), it.remedy()))
    }

    #[test]
    fn both_ends_are_usual_whatever_the_unit() {
        let stream = stream(Some((40, 400)));
        for (number, unit, is_usual) in [
            ("40", "mg/dL", true),
            ("39.9", "mg/dL", false),
            ("400", "mg/dL", true),
            ("22.3", "mmol/L", false),
            ("6.1", "mmol/L", true),
        ] {
            assert_eq!(said(&stream, number, unit).is_none(), is_usual, "{number} {unit}");
        }
        assert_eq!(unusual(&stream, &[None]).count(), 0);
    }

    #[test]
    fn another_unit_is_offered_where_it_would_be_usual() {
        let stream = stream(Some((40, 400)));
        let (message, remedy) = said(&stream, "15", "mg/dL").expect("unusual");
        assert_eq!(message, "15 mg/dL is not usual: it is between 40 mg/dL and 400 mg/dL as a rule");
        assert!(remedy.starts_with("if 15 mmol/L was meant"), "{remedy}");
        let (_, remedy) = said(&stream, "500", "mg/dL").expect("unusual");
        assert!(remedy.starts_with("see whether it is right"), "{remedy}");
        assert!(said(&self::stream(None), "1", "mg/dL").is_none(), "nothing is unless it is said");
    }
}
