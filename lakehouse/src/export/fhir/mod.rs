//! A Bundle of FHIR R4 (`collection`): the subject as a Patient by id alone, and a resource for each current reading.
//!
//! Entries are written one by one. Every one has an address of its own (`urn:uuid:`), the same in every export, and refers to the Patient by its address, so all
//! references resolve within the Bundle.

mod codes;
mod medication;
mod observation;
mod parts;
mod ucum;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use serde::Serialize;
use vitalog_elog::{ReadingId, Subject};

use super::Sheet;
use crate::decode::Decoder;
use crate::error::{Doing, LakeError};
use crate::layout::Layout;
use medication::administration;
use observation::observation;
use parts::{Identifier, Patient, Reference};

pub struct Bundle {
    layout: Arc<Layout>,
    patient: String,
    out: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a, R> {
    full_url: &'a str,
    resource: R,
}

impl Bundle {
    /// Its beginning, and the Patient.
    ///
    /// # Errors
    /// Where JSON can't be written.
    pub fn begin(layout: Arc<Layout>, subject: &str) -> Result<Bundle, LakeError> {
        // An id that no reading has: a name that a sender gives is never hashed to nothing.
        let id = uuid(ReadingId::seen_from(&Subject::new(subject), ReadingId(0)));
        let mut bundle = Bundle { layout, patient: format!("urn:uuid:{id}"), out: Vec::new() };
        bundle.out.extend_from_slice(br#"{"resourceType":"Bundle","type":"collection","entry":["#);
        let identifier = [Identifier { system: "urn:vitalog:subject", value: subject.to_owned() }];
        let address = bundle.patient.clone();
        bundle.put(&address, &Patient { resource_type: "Patient", id, identifier })?;
        Ok(bundle)
    }

    fn put(&mut self, address: &str, resource: &impl Serialize) -> Result<(), LakeError> {
        self.out.push(b'\n');
        serde_json::to_writer(&mut self.out, &Entry { full_url: address, resource }).doing("writing a resource of FHIR")
    }
}

impl Sheet for Bundle {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let layout = self.layout.clone();
        let decoder = Decoder::new(batch, &layout)?;
        for i in 0..batch.num_rows() {
            let (reading, arrival) = decoder.row(i)?;
            let Some(content) = &reading.content else { continue };
            let id = uuid(ReadingId::seen_from(&reading.subject, reading.id));
            let address = format!("urn:uuid:{id}");
            let stream = layout.streams.get(content.stream);
            let of = Reference { reference: self.patient.clone() };
            self.out.push(b',');
            if &*stream.name == codes::MEDICATION {
                self.put(&address, &administration(id, of, stream, &reading, content, arrival))?;
            } else {
                self.put(&address, &observation(id, of, stream, &reading, content, arrival))?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), LakeError> {
        self.out.extend_from_slice(b"\n]}\n");
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// A UUID of version 8 (RFC 9562, made by a rule of one's own) from what tells a reading of a subject from all others.
fn uuid(id: ReadingId) -> String {
    let bits = (id.0 & !(0xf << 76) & !(0b11 << 62)) | (8 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_uuids_and_tell_readings_apart() {
        assert_eq!(uuid(ReadingId(0)), "00000000-0000-8000-8000-000000000000");
        assert_eq!(uuid(ReadingId(u128::MAX)), "ffffffff-ffff-8fff-bfff-ffffffffffff");
        let of = |subject: &str, id: &str| uuid(ReadingId::seen_from(&Subject::new(subject), ReadingId::given(id)));
        assert_ne!(of("p-1", "a"), of("p-2", "a"));
        assert_ne!(of("p-1", "a"), of("p-1", "b"));
    }
}
