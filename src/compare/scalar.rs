//! When two texts or numbers mean the same.
//!
//! A built-in kind's values pass through Go types and come back canonical; a custom resource keeps its text, so there only a
//! controller can have rewritten it and little is normalised (catalogue rows 5, 6, 9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::{Number, Value};

use super::quantity::{nanos, nanos_in_millis};
use crate::model::schema::Format;
use crate::secret::is_digest;

/// How two scalars compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The same text.
    Same,
    /// The same by this rule; low confidence where the bool says so.
    Rule(&'static str, bool),
    /// Different.
    Different,
}

/// What the schema says of a scalar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Its format.
    pub(super) format: Format,
    /// Whether it belongs to a built-in type, so that the server rewrites it.
    pub(super) typed: bool,
    /// Whether it is an entry of a ResourceList.
    pub(super) in_map: bool,
    /// Whether it lies below `requests`, `limits` or the like.
    pub(super) named_as_quantity: bool,
}

/// Compares a declared scalar with a live one.
pub(super) fn compare(reading: Reading, declared: &Value, live: &Value) -> Match {
    if declared == live {
        return Match::Same;
    }
    if is_digest(declared) || is_digest(live) {
        return Match::Different;
    }
    let rule = if reading.typed { typed_rule(reading, declared, live) } else { custom_rule(reading, declared, live) };
    rule.or_else(|| common_rule(declared, live)).map_or(Match::Different, |(rule, low)| Match::Rule(rule, low))
}

type Rule = Option<(&'static str, bool)>;

fn typed_rule(reading: Reading, declared: &Value, live: &Value) -> Rule {
    let same = match reading.format {
        Format::Quantity if reading.in_map => both(declared, live, nanos_in_millis).then_some("quantity"),
        Format::Quantity => both(declared, live, nanos).then_some("quantity"),
        Format::DateTime => both(declared, live, instant).then_some("date-time"),
        Format::Duration => both(declared, live, duration).then_some("duration"),
        Format::Bytes => both(declared, live, decoded).then_some("base64"),
        _ => None,
    };
    same.map(|rule| (rule, false)).or_else(|| match reading.format {
        Format::Text if scalar_text(declared).is_some_and(|text| live.as_str() == Some(&text)) => Some(("scalar-as-text", true)),
        _ => None,
    })
}

fn custom_rule(reading: Reading, declared: &Value, live: &Value) -> Rule {
    let is_quantity = reading.format == Format::QuantityText || reading.named_as_quantity;
    match reading.format {
        _ if is_quantity && both(declared, live, nanos) => Some(("quantity", true)),
        Format::IntOrString if scalar_text(declared).is_some() && scalar_text(declared) == scalar_text(live) => {
            Some(("int-or-string", true))
        }
        Format::DateTime if both(declared, live, instant) => Some(("date-time", true)),
        // Only the text that Go itself prints shows that a controller read it as a duration (row 7).
        Format::Text | Format::Duration if duration(declared).map(go_duration).as_deref() == live.as_str() && live.is_string() => {
            Some(("duration", false))
        }
        _ => None,
    }
}

fn common_rule(declared: &Value, live: &Value) -> Rule {
    match (declared, live) {
        (Value::Number(one), Value::Number(other)) if decimal(one).is_some() && decimal(one) == decimal(other) => Some(("number", false)),
        _ => None,
    }
}

fn both<T: PartialEq>(declared: &Value, live: &Value, read: fn(&Value) -> Option<T>) -> bool {
    read(declared).is_some_and(|value| read(live).as_ref() == Some(&value))
}

fn instant(value: &Value) -> Option<DateTime<chrono::FixedOffset>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok()
}

fn decoded(value: &Value) -> Option<Vec<u8>> {
    let compact: String = value.as_str()?.split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Digits without leading and trailing zeros, and the power of ten behind them: exact for numbers of any length (row 10).
fn decimal(number: &Number) -> Option<(bool, String, i64)> {
    let text = number.to_string();
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    let power = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    match kept.trim_start_matches('0') {
        "" => Some((false, String::new(), 0)),
        digits => Some((negative, digits.to_owned(), power)),
    }
}

const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Go's `time.ParseDuration`, in nanoseconds. A bare number is none.
fn duration(value: &Value) -> Option<i128> {
    let text = value.as_str()?;
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total: i128 = 0;
    if rest.is_empty() || rest.len() > 64 {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit_end = tail.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() > 12 || fraction.len() > 12 || whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
        let below = digits(fraction)? * factor / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        total += digits(whole)? * factor + below;
        rest = tail;
    }
    Some(if negative { -total } else { total })
}

/// Go's `Duration.String`, for whole seconds; finer ones are not seen in manifests and stay as they are.
fn go_duration(nanos: i128) -> String {
    let seconds = nanos / 1_000_000_000;
    if nanos % 1_000_000_000 != 0 || seconds < 0 {
        return String::new();
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Whether two image references name the same image, one of them with its registry spelt out (row 97).
pub(super) fn is_same_image(declared: &Value, live: &Value) -> bool {
    let full = |value: &Value| value.as_str().map(full_image);
    full(declared).is_some() && full(declared) == full(live)
}

fn full_image(text: &str) -> String {
    match text.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => text.to_owned(),
        Some(_) => format!("docker.io/{text}"),
        None => format!("docker.io/library/{text}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Match, Reading, compare, is_same_image};
    use crate::model::schema::Format;

    fn typed(format: Format, declared: Value, live: Value) -> Match {
        compare(Reading { format, typed: true, in_map: false, named_as_quantity: false }, &declared, &live)
    }

    fn custom(format: Format, declared: Value, live: Value) -> Match {
        compare(Reading { format, typed: false, in_map: false, named_as_quantity: false }, &declared, &live)
    }

    #[test]
    fn int_or_string_of_a_built_in_keeps_its_type() {
        assert_eq!(typed(Format::IntOrString, json!("25%"), json!(25)), Match::Different);
        assert_eq!(typed(Format::IntOrString, json!(8080), json!("8080")), Match::Different);
        assert_eq!(custom(Format::IntOrString, json!(8080), json!("8080")), Match::Rule("int-or-string", true));
    }

    #[test]
    fn a_version_is_no_number() {
        assert_eq!(custom(Format::Text, json!("1.10"), json!("1.1")), Match::Different);
        assert_eq!(custom(Format::Any, json!("1.10"), json!("1.1")), Match::Different);
        assert_eq!(custom(Format::QuantityText, json!("12000m"), json!("12")), Match::Rule("quantity", true));
    }

    #[test]
    fn numbers_are_compared_exactly() {
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(typed(Format::Integer, number("3.0"), number("3")), Match::Rule("number", false));
        assert_eq!(typed(Format::Any, number("1e3"), number("1000")), Match::Rule("number", false));
        assert_eq!(typed(Format::Any, number("9007199254740993"), number("9007199254740992")), Match::Different);
        assert_eq!(typed(Format::Any, number("-1"), number("1")), Match::Different);
        assert_eq!(typed(Format::Any, number("0.0"), number("0")), Match::Rule("number", false));
    }

    #[test]
    fn a_duration_that_go_printed_equals_the_declared_one() {
        assert_eq!(custom(Format::Text, json!("2160h"), json!("2160h0m0s")), Match::Rule("duration", false));
        assert_eq!(custom(Format::Text, json!("90s"), json!("1m30s")), Match::Rule("duration", false));
        assert_eq!(custom(Format::Text, json!("1h"), json!("60m")), Match::Different);
        assert_eq!(custom(Format::Text, json!("5"), json!("5s")), Match::Different);
    }

    #[test]
    fn times_are_instants() {
        let live = json!("2024-01-01T00:00:00Z");
        assert_eq!(typed(Format::DateTime, json!("2024-01-01T01:00:00.000+01:00"), live.clone()), Match::Rule("date-time", false));
        assert_eq!(custom(Format::Text, json!("2024-01-01T00:00:00.000Z"), live), Match::Different);
    }

    #[test]
    fn image_references_are_completed() {
        assert!(is_same_image(&json!("nginx:1.25"), &json!("docker.io/library/nginx:1.25")));
        assert!(!is_same_image(&json!("nginx:1.25"), &json!("ghcr.io/library/nginx:1.25")));
    }
}
