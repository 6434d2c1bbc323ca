//! Kubernetes quantities: `1000m` is `1`, `1024Mi` is `1Gi`, `1e3` is `1k`.
//!
//! Follows `k8s.io/apimachinery/pkg/api/resource`: a fraction below a nano is rounded up, a value above 2^63-1 is capped.

use serde_json::Value;

/// The largest quantity, 2^63-1, in nanos.
const MAX_NANOS: i128 = (i64::MAX as i128) * NANOS;
const NANOS: i128 = 1_000_000_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

/// The value of a quantity in billionths; `None` where the text is no quantity.
pub(super) fn nanos(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

/// The same, rounded up to thousandths as the defaulting of a ResourceList does (catalogue row 4).
pub(super) fn nanos_in_millis(value: &Value) -> Option<i128> {
    let nanos = nanos(value)?;
    let rest = nanos.rem_euclid(NANOS_PER_MILLI);
    Some(if rest == 0 { nanos } else { nanos - rest + NANOS_PER_MILLI })
}

fn parse(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = unsigned.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let magnitude = scaled(whole, fraction, &Scale::of(suffix)?);
    Some(if negative { -magnitude } else { magnitude })
}

/// What a suffix multiplies with: 2^binary × 10^decimal.
struct Scale {
    binary: u32,
    decimal: i32,
}

impl Scale {
    fn of(suffix: &str) -> Option<Self> {
        let binary = |power| Some(Self { binary: power, decimal: 0 });
        let decimal = |power| Some(Self { binary: 0, decimal: power });
        match suffix {
            "" => decimal(0),
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(10),
            "Mi" => binary(20),
            "Gi" => binary(30),
            "Ti" => binary(40),
            "Pi" => binary(50),
            "Ei" => binary(60),
            _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok().filter(|power: &i32| power.abs() < 1000)?),
        }
    }
}

/// Digit by digit, so that no text is too long to be read exactly; beyond the cap every value is the cap.
fn scaled(whole: &str, fraction: &str, scale: &Scale) -> i128 {
    let mut point = i64::try_from(whole.len()).unwrap_or(i64::MAX) + i64::from(scale.decimal) + 9;
    let factor = 1_i128 << scale.binary;
    let mut total: i128 = 0;
    let mut below = Below::default();
    for digit in whole.bytes().chain(fraction.bytes()) {
        let digit = i128::from(digit - b'0');
        if point > 0 {
            total = total.saturating_mul(10).saturating_add(digit).min(MAX_NANOS);
        } else {
            below.push(digit);
        }
        point -= 1;
    }
    while point > 0 && total != 0 && total < MAX_NANOS {
        total = total.saturating_mul(10);
        point -= 1;
    }
    // Digits below a nano count once a binary factor lifts them; what is left rounds up.
    total.saturating_mul(factor).saturating_add(below.times(factor)).min(MAX_NANOS)
}

/// The first digits after a nano, and whether anything follows them.
#[derive(Default)]
struct Below {
    value: i128,
    digits: u32,
    rest: bool,
}

impl Below {
    fn push(&mut self, digit: i128) {
        if self.digits < 18 {
            self.value = self.value * 10 + digit;
            self.digits += 1;
        } else {
            self.rest |= digit != 0;
        }
    }

    fn times(&self, factor: i128) -> i128 {
        let unit = 10_i128.pow(self.digits);
        let product = self.value * factor + i128::from(self.rest);
        product / unit + i128::from(product % unit != 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{nanos, nanos_in_millis};

    fn equal(one: Value, other: Value) {
        assert_eq!(nanos(&one).unwrap(), nanos(&other).unwrap(), "{one} and {other}");
    }

    #[test]
    fn quantity_of_1000m_equals_1() {
        equal(json!("1000m"), json!("1"));
        equal(json!(0.5), json!("500m"));
        equal(json!("1024Mi"), json!("1Gi"));
        equal(json!("1000M"), json!("1G"));
        equal(json!("0.5Gi"), json!("512Mi"));
        equal(json!("1e3"), json!("1k"));
        equal(json!("12E2"), json!("1200"));
        equal(json!("+.5"), json!("500m"));
        equal(json!("-1000m"), json!("-1"));
        equal(json!("1E"), json!("1000P"));
    }

    #[test]
    fn decimal_and_binary_giga_differ() {
        assert_ne!(nanos(&json!("1G")), nanos(&json!("1Gi")));
        assert_ne!(nanos(&json!("1.10")), nanos(&json!("1.2")));
    }

    #[test]
    fn a_resource_rounds_up_to_milli() {
        assert_eq!(nanos_in_millis(&json!("0.0001")), nanos(&json!("1m")));
        assert_eq!(nanos_in_millis(&json!("0.5")), nanos(&json!("500m")));
    }

    #[test]
    fn huge_values_are_capped_and_nonsense_is_no_quantity() {
        equal(json!("9223372036854775807"), json!("99999999999999999999999999999"));
        equal(json!("8Ei"), json!("100E999"));
        for text in ["", ".", "1.2.3", "1Zi", "abc", "1e", "0x10", "1 "] {
            assert_eq!(nanos(&json!(text)), None, "{text}");
        }
        assert_eq!(nanos(&json!(true)), None);
    }
}
