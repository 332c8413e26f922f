//! A value of the catalogue, and how values compare.

use std::cmp::Ordering;

/// A value. What is compared with a text that says a number is compared as numbers, as PostgreSQL does with literals.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// An object of the catalogue: its number, and its name.
    Object(i64, String),
    List(Vec<Value>),
    Record(Vec<(String, Value)>),
}

impl Value {
    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }

    pub fn truth(&self) -> Option<bool> {
        match self {
            Value::Bool(is) => Some(*is),
            Value::Text(text) => match &*text.trim().to_lowercase() {
                "t" | "true" | "on" | "yes" | "1" => Some(true),
                "f" | "false" | "off" | "no" | "0" => Some(false),
                _ => None,
            },
            Value::Int(number) => Some(*number != 0),
            _ => None,
        }
    }

    pub fn whole(&self) -> Option<i64> {
        match self {
            Value::Int(number) | Value::Object(number, _) => Some(*number),
            #[expect(clippy::cast_possible_truncation, reason = "a cast of a fraction, beyond the range too, gives the nearest")]
            Value::Float(number) => Some(number.round() as i64),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Bool(is) => Some(i64::from(*is)),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Float(number) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "counts of the catalogue are small")]
            Value::Int(number) | Value::Object(number, _) => Some(*number as f64),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// As text; null is none.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(is) => if *is { "t" } else { "f" }.to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Text(text) | Value::Object(_, text) => text.clone(),
            Value::List(items) => {
                let items = items.iter().map(|item| item.text().map_or_else(|| "NULL".to_owned(), |text| quoted(&text)));
                format!("{{{}}}", items.collect::<Vec<_>>().join(","))
            }
            Value::Record(fields) => {
                let fields = fields.iter().map(|(_, value)| value.text().unwrap_or_default());
                format!("({})", fields.collect::<Vec<_>>().join(","))
            }
        })
    }

    pub fn json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(is) => (*is).into(),
            Value::Int(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::List(items) => items.iter().map(Value::json).collect(),
            Value::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), value.json())).collect(),
            Value::Text(text) | Value::Object(_, text) => text.clone().into(),
        }
    }

    /// Null where either is, or where they can't be compared.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Object(_, name), Value::Text(text)) if text.parse::<i64>().is_err() => Some(name.cmp(text)),
            (Value::Text(text), Value::Object(_, name)) if text.parse::<i64>().is_err() => Some(text.cmp(name)),
            (Value::Int(a) | Value::Object(a, _), Value::Int(b) | Value::Object(b, _)) => Some(a.cmp(b)),
            (Value::Bool(_), _) | (_, Value::Bool(_)) => Some(self.truth()?.cmp(&other.truth()?)),
            (Value::List(a), Value::List(b)) => {
                let different = a.iter().zip(b).map(|(a, b)| a.compare(b)).find(|order| *order != Some(Ordering::Equal));
                different.unwrap_or_else(|| Some(a.len().cmp(&b.len())))
            }
            (Value::List(_), Value::Text(_)) | (Value::Text(_), Value::List(_)) => Some(self.text()?.cmp(&other.text()?)),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ => Some(self.text()?.cmp(&other.text()?)),
            },
        }
    }

    /// In an order of all values, nulls last.
    pub fn order(&self, other: &Value) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    /// The same for values that are equal, for looking them up. Numbers and texts that say them are equal.
    pub fn key(&self) -> Option<String> {
        match self {
            Value::Object(number, _) => Some(number.to_string()),
            other => other.text(),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = bytes::BytesMut::new();
    crate::pg::cells::put_quoted(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Value {
        Value::Bool(is)
    }
}
