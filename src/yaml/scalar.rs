//! The type of a scalar, by the rules of go-yaml's `resolve`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Dialect, timestamp};

/// A typed scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above the range of `Int`.
    Uint(u64),
    Float(f64),
    Text(String),
    /// Text that the dialect takes for a time.
    Time(String),
}

/// The tag of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    None,
    /// A lone `!`.
    NonSpecific,
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    /// Any other; it makes a text of the scalar.
    Other,
}

/// The typed value of a scalar.
///
/// # Errors
/// Where the text does not fit its tag, or is no number of JSON. Quotes nothing.
pub(super) fn resolve(text: &str, plain: bool, tag: Tag, dialect: Dialect) -> Result<Scalar, &'static str> {
    let tag = match (tag, dialect) {
        (Tag::NonSpecific, Dialect::Kustomize) => Tag::None,
        (Tag::NonSpecific, Dialect::Raw) => Tag::Str,
        (tag, _) => tag,
    };
    let scalar = match tag {
        Tag::Str | Tag::Other => Scalar::Text(text.to_owned()),
        Tag::None if !plain => Scalar::Text(text.to_owned()),
        Tag::Binary => return binary(text),
        Tag::None => untagged(text, true, dialect),
        _ => fit(untagged(text, tag == Tag::Timestamp, dialect), tag)?,
    };
    match scalar {
        Scalar::Float(value) if !value.is_finite() => Err("a number that JSON does not have (infinite or not a number)"),
        scalar => Ok(scalar),
    }
}

fn fit(scalar: Scalar, tag: Tag) -> Result<Scalar, &'static str> {
    match (tag, scalar) {
        #[expect(clippy::cast_precision_loss, reason = "go-yaml makes the same float of it")]
        (Tag::Float, Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        (Tag::Float, scalar @ Scalar::Float(_))
        | (Tag::Int, scalar @ (Scalar::Int(_) | Scalar::Uint(_)))
        | (Tag::Bool, scalar @ Scalar::Bool(_))
        | (Tag::Null, scalar @ Scalar::Null)
        | (Tag::Timestamp, scalar @ Scalar::Time(_)) => Ok(scalar),
        _ => Err("a value that does not fit its tag"),
    }
}

fn binary(text: &str) -> Result<Scalar, &'static str> {
    let compact: String = text.chars().filter(|character| !matches!(character, '\n' | '\r')).collect();
    let bytes = STANDARD.decode(compact).map_err(|_| "a !!binary value that is not base64")?;
    let mut decoded = String::new();
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        // Go's JSON writes one replacement character for each byte that is no text.
        decoded.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    Ok(Scalar::Text(decoded))
}

fn untagged(text: &str, may_be_time: bool, dialect: Dialect) -> Scalar {
    if let Some(scalar) = word(text, dialect) {
        return scalar;
    }
    match text.as_bytes().first() {
        Some(b'.') => dotted(text).map_or_else(|| Scalar::Text(text.to_owned()), Scalar::Float),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            time(text, may_be_time, dialect).or_else(|| numeric(text, dialect)).unwrap_or_else(|| Scalar::Text(text.to_owned()))
        }
        _ => Scalar::Text(text.to_owned()),
    }
}

fn word(text: &str, dialect: Dialect) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::Raw => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::Raw => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn time(text: &str, may_be_time: bool, dialect: Dialect) -> Option<Scalar> {
    let rewritten = timestamp::rewritten(text).filter(|_| may_be_time)?;
    Some(Scalar::Time(match dialect {
        Dialect::Raw => text.to_owned(),
        Dialect::Kustomize => rewritten,
    }))
}

/// A float that starts with a dot; underscores may stand between its digits.
fn dotted(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |position: usize| bytes.get(position).is_some_and(u8::is_ascii_digit);
    let separates = |position: usize| position > 0 && is_digit(position - 1) && is_digit(position + 1);
    let underscores_fit = bytes.iter().enumerate().all(|(position, byte)| *byte != b'_' || separates(position));
    if underscores_fit { decimal(&text.replace('_', "")) } else { None }
}

fn numeric(text: &str, dialect: Dialect) -> Option<Scalar> {
    let plain = text.replace('_', "");
    integer(&plain).or_else(|| decimal(&plain).map(Scalar::Float)).or_else(|| prefixed(&plain, dialect))
}

/// `strconv.ParseInt` and then `ParseUint` with base 0.
fn integer(text: &str) -> Option<Scalar> {
    let (sign, rest) = split_sign(text);
    let (base, digits) = match rest.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &rest[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &rest[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &rest[2..]),
        [b'0'] => (10, rest),
        [b'0', ..] => (8, &rest[1..]),
        _ => (10, rest),
    };
    signed(sign, digits, base).map(Scalar::Int).or_else(|| {
        let unsigned = sign.is_none().then(|| magnitude(digits, base)).flatten()?;
        Some(Scalar::Uint(unsigned))
    })
}

/// What go-yaml tries last: `0b`, and from version 3 `0o`, with a sign behind them.
fn prefixed(text: &str, dialect: Dialect) -> Option<Scalar> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let octal = || rest.strip_prefix("0o").filter(|_| dialect == Dialect::Kustomize).map(|rest| (8, rest));
    let (base, rest) = rest.strip_prefix("0b").map(|rest| (2, rest)).or_else(octal)?;
    let (sign, digits) = if negative { (Some('-'), rest) } else { split_sign(rest) };
    signed(sign, digits, base).map(Scalar::Int)
}

fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.chars().next() {
        Some(sign @ ('+' | '-')) => (Some(sign), &text[1..]),
        _ => (None, text),
    }
}

fn magnitude(digits: &str, base: u32) -> Option<u64> {
    // from_str_radix would take a second sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

fn signed(sign: Option<char>, digits: &str, base: u32) -> Option<i64> {
    let size = i128::from(magnitude(digits, base)?);
    i64::try_from(if sign == Some('-') { -size } else { size }).ok()
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, and not too large for 64 bits.
fn decimal(text: &str) -> Option<f64> {
    let (_, unsigned) = split_sign(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(number, exponent)| (number, Some(exponent)));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number_fits = all_digits(whole) && fraction.is_none_or(all_digits) && !(whole.is_empty() && fraction.is_none_or(str::is_empty));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let (_, digits) = split_sign(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    if !(number_fits && exponent_fits) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}
