//! Numbers as Go writes them.

use serde_json::Number;

/// A JSON number as `encoding/json` writes a 64-bit float: without exponent from 1e-6 up to 1e21.
pub(super) fn float(value: f64) -> Number {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&size) {
        format!("{value}")
    } else {
        format!("{value:e}").replace('e', if size < 1.0 { "e" } else { "e+" })
    };
    text.parse().expect("a finite float is a JSON number")
}

/// The text of a float as a key: `%g` of 32 bits, which is what sigs.k8s.io/yaml makes of it.
#[expect(clippy::cast_possible_truncation, reason = "Kubernetes tools cut float keys to 32 bits")]
pub(super) fn float_key(value: f64) -> String {
    let short = value as f32;
    if short.is_infinite() {
        return if short > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{short:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if (-4..6).contains(&exponent) || short == 0.0 {
        return format!("{short}");
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::{float, float_key};

    #[test]
    fn floats_are_written_as_go_writes_json() {
        let written: Vec<String> =
            [3.0, 0.5, -0.0, 1e20, 1e21, 1.5e300, 1e-6, 1.5e-7, -2.25e-10].map(|value| float(value).to_string()).into();
        assert_eq!(written, ["3", "0.5", "0", "100000000000000000000", "1e+21", "1.5e+300", "0.000001", "1.5e-7", "-2.25e-10"]);
    }

    #[test]
    fn float_keys_are_written_with_six_digits_before_the_exponent() {
        let written: Vec<String> = [1.5, 100_000.0, 1e6, 0.0001, 0.00001, 1e40].map(float_key).into();
        assert_eq!(written, ["1.5", "100000", "1e+06", "0.0001", "1e-05", ".inf"]);
    }
}
