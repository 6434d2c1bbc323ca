//! A line of the log of observed tips, as it is written.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One observation. What a later version adds is read over; the chain covers the bytes of a line, whatever they say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// Position in the log, from 1.
    pub(super) seq: u64,
    /// The source that asked, by its name in the configuration.
    pub(super) source: String,
    /// The repository, without credentials.
    pub(super) url: String,
    /// The full name of the reference.
    #[serde(rename = "ref")]
    pub(super) reference: String,
    /// The commit in full.
    pub(super) commit: String,
    /// The tag object that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<String>,
    /// Whether that tag carries a signature, of whatever worth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) tag_signed: bool,
    /// When the scan began that saw it there.
    #[serde(with = "moment")]
    pub(super) observed_at: DateTime<Utc>,
    /// `sha256:` and the digest of the line before, without its line end. Absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prev: Option<String>,
}

/// Times as the record writes them.
mod moment {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).map_err(de::Error::custom)
    }
}
