//! Manifests as people write them: the same value in many dialects of the eye, all of them one to kubectl's reader.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::random::Random;

/// Words that YAML 1.1 reads as something else than text.
const RESERVED: [&str; 12] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "nan", "inf"];

/// A document, its `---` not included.
pub(crate) fn document(random: &mut Random, value: &Value) -> String {
    let mut text = String::new();
    if random.percent(10) {
        text.push_str("# Kept by hand.\n");
    }
    match value {
        Value::Object(fields) => block_map(random, &mut text, fields, 0),
        _ => unreachable!("a manifest is a structure"),
    }
    text
}

fn block_map(random: &mut Random, text: &mut String, fields: &Map<String, Value>, depth: usize) {
    let mut names: Vec<&String> = fields.keys().collect();
    if depth > 0 && random.percent(30) {
        random.shuffle(&mut names);
    }
    for name in names {
        text.push_str(&" ".repeat(depth));
        text.push_str(&key(random, name));
        text.push(':');
        block(random, text, name, &fields[name], depth);
    }
}

/// A value after its key, the end of the line included.
fn block(random: &mut Random, text: &mut String, name: &str, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() && random.percent(85) => {
            text.push('\n');
            block_map(random, text, fields, depth + 2);
        }
        Value::Array(items) if !items.is_empty() && random.percent(80) => {
            text.push('\n');
            let depth = depth + 2 * random.below(2);
            items.iter().for_each(|item| block_item(random, text, name, item, depth));
        }
        Value::String(words) if is_literal(words) && random.percent(80) => literal(text, words, depth + 2),
        other => {
            let flow = flow(random, name, other);
            writeln!(text, " {flow}").expect("a String can be written to");
        }
    }
}

fn block_item(random: &mut Random, text: &mut String, name: &str, item: &Value, depth: usize) {
    text.push_str(&" ".repeat(depth));
    text.push('-');
    match item {
        Value::Object(fields) if !fields.is_empty() && random.percent(80) => {
            let mut inner = String::new();
            block_map(random, &mut inner, fields, depth + 2);
            text.push(' ');
            text.push_str(inner.trim_start_matches(' '));
        }
        Value::String(words) if is_literal(words) => literal(text, words, depth + 2),
        other => {
            let flow = flow(random, name, other);
            writeln!(text, " {flow}").expect("a String can be written to");
        }
    }
}

/// Lines that a literal block keeps as they are.
fn is_literal(words: &str) -> bool {
    let plain = |byte: char| byte == '\n' || (' '..='~').contains(&byte);
    words.contains('\n') && words.chars().all(plain) && !words.starts_with([' ', '\n']) && !words.ends_with("\n\n") && !words.contains("{{")
}

fn literal(text: &mut String, words: &str, depth: usize) {
    text.push_str(if words.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in words.lines() {
        let indent = if line.is_empty() { 0 } else { depth };
        writeln!(text, "{}{line}", " ".repeat(indent)).expect("a String can be written to");
    }
}

fn flow(random: &mut Random, name: &str, value: &Value) -> String {
    match value {
        Value::Null => (*random.choose(&["null", "~"])).to_owned(),
        Value::Bool(true) => (*random.choose(&["true", "yes", "on", "True"])).to_owned(),
        Value::Bool(false) => (*random.choose(&["false", "no", "off", "FALSE"])).to_owned(),
        Value::Number(number) => self::number(random, name, number),
        Value::String(words) => string(random, words),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(random, name, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", key(random, name), flow(random, name, value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn number(random: &mut Random, name: &str, number: &serde_json::Number) -> String {
    match number.as_u64() {
        Some(mode) if name.ends_with("ode") && random.percent(70) => format!("0{mode:o}"),
        Some(whole) if whole >= 10 && random.percent(8) => format!("0x{whole:X}"),
        Some(whole) if whole >= 1000 && random.percent(15) => format!("{}_{:03}", whole / 1000, whole % 1000),
        _ => number.to_string(),
    }
}

fn is_plain(words: &str) -> bool {
    let first = words.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '/');
    let safe = |byte: char| byte.is_ascii_alphanumeric() || "/._-".contains(byte);
    first && words.chars().all(safe) && !RESERVED.contains(&words.to_ascii_lowercase().as_str())
}

fn string(random: &mut Random, words: &str) -> String {
    let printable = words.chars().all(|byte| (' '..='~').contains(&byte));
    if is_plain(words) && random.percent(75) {
        words.to_owned()
    } else if printable && random.percent(50) {
        format!("'{}'", words.replace('\'', "''"))
    } else {
        Value::from(words).to_string()
    }
}

fn key(random: &mut Random, name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { string(random, name) }
}
