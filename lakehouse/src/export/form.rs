//! The forms of an export, by name and media type.

/// In which form something goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Parquet,
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Bundle of FHIR R4; of one subject's readings only.
    Fhir,
}

impl Form {
    /// What any result can be.
    pub const TABLES: &[Form] = &[Form::Csv, Form::Parquet, Form::Arrow];
    /// What one subject's readings can be.
    pub const ALL: &[Form] = &[Form::Csv, Form::Parquet, Form::Arrow, Form::Fhir];

    pub fn name(self) -> &'static str {
        match self {
            Form::Parquet => "parquet",
            Form::Csv => "csv",
            Form::Arrow => "arrow",
            Form::Fhir => "fhir",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Form::Parquet => "application/vnd.apache.parquet",
            Form::Csv => "text/csv; charset=utf-8",
            Form::Arrow => "application/vnd.apache.arrow.stream",
            Form::Fhir => "application/fhir+json",
        }
    }

    /// How a file of it ends.
    pub fn extension(self) -> &'static str {
        match self {
            Form::Fhir => "fhir.json",
            other => other.name(),
        }
    }

    /// The first of these that an `Accept` header names; the first of them at all where it takes anything, or says nothing.
    pub fn accepted(header: &str, of: &[Form]) -> Option<Form> {
        let bare = |text: &'static str| text.split(';').next().unwrap_or(text);
        let wanted = header.split(',').map(|part| part.split(';').next().unwrap_or(part).trim()).filter(|part| !part.is_empty());
        let mut said = false;
        for wanted in wanted {
            said = true;
            let known = of.iter().find(|form| bare(form.media_type()).eq_ignore_ascii_case(wanted));
            let any = of.first().filter(|_| wanted == "*/*");
            if let Some(form) = known.or(any) {
                return Some(*form);
            }
        }
        of.first().filter(|_| !said).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Form;

    #[test]
    fn what_is_accepted() {
        for (header, expected) in [
            ("", Some(Form::Csv)),
            ("*/*", Some(Form::Csv)),
            ("application/fhir+json", Some(Form::Fhir)),
            ("Application/FHIR+JSON; fhirVersion=4.0, */*;q=0.1", Some(Form::Fhir)),
            ("image/png, application/vnd.apache.parquet", Some(Form::Parquet)),
            ("application/vnd.apache.arrow.stream", Some(Form::Arrow)),
            ("image/png", None),
        ] {
            assert_eq!(Form::accepted(header, Form::ALL), expected, "{header}");
        }
        assert_eq!(Form::accepted("application/fhir+json", Form::TABLES), None);
    }
}
