//! The scalars of the record: words, times, texts and values.

use std::borrow::Cow;
use std::fmt;
use std::io;

use chrono::{DateTime, Datelike, SubsecRound, TimeZone, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::comparison::FieldValue;
use crate::model::text::RawText;
use crate::model::text::hex;
use crate::secret;

/// A word of a closed list. Kept as text on reading, so that a record with a newer word can still be read.
pub type Word = Cow<'static, str>;

/// Larger values are told by size and digest only.
const LARGEST_VALUE_BYTES: usize = 64 * 1024;

/// A time in the record: RFC 3339, UTC, whole seconds, `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// A time that somebody claims. Absent where RFC 3339 cannot write it: its years have four digits.
    pub fn claimed<Zone: TimeZone>(time: &DateTime<Zone>) -> Option<Self> {
        let time = time.with_timezone(&Utc);
        (0..=9999).contains(&time.year()).then(|| Self::from(time))
    }

    /// The point in time.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.trunc_subsecs(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text).map(|time| Self::from(time.with_timezone(&Utc))).map_err(de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "pattern": "Z$" })
    }
}

/// What is told of a value that is too large to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Truncated {
    /// Its size: the UTF-8 bytes of a text, else those of the value as compact JSON with sorted keys.
    pub bytes: usize,
    /// Digest of those bytes.
    #[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
    pub sha256: String,
}

/// A value in the three forms that it may be told in; at most one of them is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) value: Option<Value>,
    pub(crate) redacted: bool,
    pub(crate) truncated: Option<Truncated>,
}

impl Told {
    /// Nothing is told of an absent value. A secret one is never measured: its size would say something of it.
    pub(crate) fn of(value: Option<&FieldValue>) -> Self {
        match value {
            None => Self::default(),
            Some(FieldValue::Redacted) => Self { redacted: true, ..Self::default() },
            Some(FieldValue::Shown(value)) => Self::of_value(value),
        }
    }

    /// A value of a manifest. Digests stand for secrets, whatever the stages before made of them.
    pub(crate) fn of_value(value: &Value) -> Self {
        if secret::holds_digest(value) {
            return Self { redacted: true, ..Self::default() };
        }
        let measured = measure(value);
        if measured.bytes > LARGEST_VALUE_BYTES {
            return Self { truncated: Some(measured.truncated()), ..Self::default() };
        }
        Self { value: Some(value.clone()), ..Self::default() }
    }
}

/// Counts and digests what is written to it, so that a large value is never written out.
#[derive(Default)]
struct Measure {
    bytes: usize,
    digest: Sha256,
}

impl Measure {
    fn truncated(self) -> Truncated {
        Truncated { bytes: self.bytes, sha256: format!("sha256:{}", hex(&self.digest.finalize())) }
    }
}

impl io::Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        self.digest.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn measure(value: &Value) -> Measure {
    let mut measure = Measure::default();
    match value {
        Value::String(text) => {
            measure.bytes = text.len();
            measure.digest.update(text.as_bytes());
        }
        other => serde_json::to_writer(&mut measure, other).expect("a JSON value can always be written, and a measure takes all"),
    }
    measure
}

/// A text from Git. Texts that stand beside one `encoded` mark are all encoded where one of them has to be.
pub(crate) fn text(raw: &RawText, encoded: bool) -> String {
    let shown = raw.to_string();
    if encoded && !raw.is_encoded() { shown.replace('%', "%25") } else { shown }
}

/// Keeps `null` apart from an absent key.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// For marks that are only there where they are true.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_false(mark: &bool) -> bool {
    !mark
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldValue, Told};

    #[test]
    fn a_value_of_64_kib_is_shown_and_a_larger_one_is_told_by_size_and_digest() {
        let largest = FieldValue::Shown(json!("a".repeat(64 * 1024)));
        assert!(Told::of(Some(&largest)).value.is_some());
        let larger = Told::of(Some(&FieldValue::Shown(json!("a".repeat(64 * 1024 + 1)))));
        assert_eq!(larger.value, None);
        let truncated = larger.truncated.unwrap();
        assert_eq!(truncated.bytes, 65537);
        // head -c 65537 /dev/zero | tr "\0" a | sha256sum
        assert_eq!(truncated.sha256, "sha256:008ffc88d3c96a9f307524eb361e47c5222a887fc45fa0c1fb8d429c5c23b430");
    }

    #[test]
    fn a_large_secret_value_is_redacted_and_not_measured() {
        let secret = json!({"password": format!("\u{0}digest:{}", "0".repeat(100_000))});
        assert_eq!(Told::of(Some(&FieldValue::Shown(secret))), Told { redacted: true, ..Told::default() });
    }
}
