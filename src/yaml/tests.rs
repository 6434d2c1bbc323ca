use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Dialect, NodeValue, config, documents};

fn read(text: &str, dialect: Dialect) -> Value {
    documents(text.as_bytes(), dialect).remove(0).unwrap().to_value()
}

fn refused(text: &str, dialect: Dialect) -> super::Error {
    documents(text.as_bytes(), dialect).into_iter().find_map(Result::err).unwrap()
}

#[test]
fn a_broken_document_does_not_take_the_others_with_it() {
    let read = documents(b"a: 1\n--- # second\nb: [\n---\n# nothing\n---\nc: 3\n", Dialect::Raw);
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].as_ref().unwrap().to_value(), json!({"a": 1}));
    assert_eq!(read[1].as_ref().unwrap_err().line, 3);
    let third = read[2].as_ref().unwrap();
    assert_eq!((third.line, third.to_value()), (7, json!({"c": 3})));
}

#[test]
fn separators_inside_a_block_scalar_are_text_where_they_are_indented() {
    assert_eq!(read("a: |\n  x\n  ---\n  y\n", Dialect::Raw), json!({"a": "x\n---\ny\n"}));
}

#[test]
fn content_behind_a_separator_is_an_error() {
    assert_eq!(refused("a: 1\n--- b\nc: 1\n", Dialect::Raw).line, 2);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_no_content() {
    assert_eq!(read("\u{feff}a: |\r\n  x\r\n  y\r\nb: 1\r\n", Dialect::Raw), json!({"a": "x\ny\n", "b": 1}));
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_line() {
    let read = documents(b"a: 1\n---\nb: 1\nc: \xff\n", Dialect::Raw);
    assert!(read[0].is_ok());
    assert_eq!(read[1].as_ref().unwrap_err().line, 4);
    assert!(documents(b"\xff\xfea\0:\0 \x001\0", Dialect::Raw)[0].is_err());
}

#[test]
fn values_know_their_lines() {
    let root =
        documents(b"# c\na:\n  b: |\n    x\n    y\n\n  c:\n  - 1\n  - [2,\n     3]\n  d:\n\nz: 1\n", Dialect::Raw).remove(0).unwrap();
    let a = root.get("a").unwrap();
    let lines = |key: &str| a.get(key).map(|node| (node.line, node.end_line)).unwrap();
    assert_eq!((root.line, root.end_line), (2, 13));
    assert_eq!((lines("b"), lines("c"), lines("d")), ((4, 5), (8, 10), (11, 11)));
    assert_eq!((a.get("c").unwrap().items()[1].line, a.get("c").unwrap().items()[1].column), (9, 5));
}

#[test]
fn a_merge_overrides_what_stands_before_it_only_for_kubectl() {
    let text = "x: &x {a: 1, b: 1}\nz:\n  a: 2\n  <<: *x\n  b: 2\n";
    assert_eq!(read(text, Dialect::Raw)["z"], json!({"a": 1, "b": 2}));
    assert_eq!(read(text, Dialect::Kustomize)["z"], json!({"a": 2, "b": 2}));
}

#[test]
fn of_two_equal_keys_the_last_wins_for_kubectl_and_kustomize_refuses() {
    assert_eq!(read("a: 1\nb: 2\na: 3\n", Dialect::Raw), json!({"a": 3, "b": 2}));
    assert_eq!(refused("a: 1\nb: 2\na: 3\n", Dialect::Kustomize).line, 3);
}

#[test]
fn keys_that_become_one_text_are_refused() {
    assert!(refused("5: a\n'5': b\n", Dialect::Raw).message.contains("different types"));
}

#[test]
fn the_last_line_ends_for_kubectl_and_not_for_kustomize() {
    assert_eq!(read("a: |\n  x", Dialect::Raw), json!({"a": "x\n"}));
    assert_eq!(read("a: |\n  x", Dialect::Kustomize), json!({"a": "x"}));
    assert_eq!(read("a: |\n  x\n", Dialect::Kustomize), json!({"a": "x\n"}));
    assert_eq!(read("a: |\n  x\n---\n", Dialect::Kustomize), json!({"a": "x\n"}));
}

#[test]
fn json_values_may_follow_each_other_for_kubectl() {
    let read = documents(b"{\"a\": 1}\n{\"b\":\n\t2}\n", Dialect::Raw);
    assert_eq!(read.len(), 2);
    assert_eq!(read[1].as_ref().unwrap().line, 2);
    assert!(documents(b"{\"a\": 1}\n{\"b\": 2}\n", Dialect::Kustomize)[0].is_err());
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", "));
    }
    assert_eq!(refused(&text, Dialect::Raw).message, "excessive aliasing");
}

#[test]
fn deep_nesting_is_refused_also_through_aliases() {
    assert!(documents("[".repeat(100_000).as_bytes(), Dialect::Raw)[0].is_err());
    let chain: String = (1..2000).fold("a0: &a0 x\n".to_owned(), |text, level| text + &format!("a{level}: &a{level} [*a{}]\n", level - 1));
    assert!(refused(&chain, Dialect::Raw).message.contains("nesting"));
    assert!(documents("- ".repeat(100_000).as_bytes(), Dialect::Raw)[0].is_err());
}

#[test]
fn an_anchor_that_contains_itself_is_refused() {
    assert!(refused("a: &a [*a]\n", Dialect::Raw).message.contains("contains itself"));
}

#[test]
fn a_nul_cannot_reach_a_value() {
    assert!(refused("a: \"\\0digest:00\"\n", Dialect::Raw).message.contains("NUL"));
}

#[test]
fn excerpts_show_the_place_but_no_secret() {
    let excerpt = refused("a: 1\nb: c: d\n", Dialect::Raw).excerpt.unwrap();
    assert_eq!((excerpt.first_line, excerpt.lines), (1, vec!["a: 1".to_owned(), "b: c: d".to_owned()]));
    let error = refused("x: 1\n---\nkind: Secret\nstringData:\n  p: canary: x\n", Dialect::Raw);
    assert_eq!((error.line, error.excerpt.is_none()), (5, true));
    assert!(!error.to_string().contains("canary"));
}

#[test]
fn a_configuration_is_one_document() {
    assert!(matches!(config(b"# nothing\n").unwrap().value, NodeValue::Mapping(entries) if entries.is_empty()));
    assert_eq!(config(b"a: 1\n---\nb: 1\n").unwrap_err().line, 3);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for dialect in [Dialect::Raw, Dialect::Kustomize] {
            documents(&bytes, dialect);
        }
    }

    #[test]
    fn no_yaml_like_text_makes_the_reader_panic(text in "([-?:,\\[\\]{}#&*!|>'\"%@ \n\tab0._x~<]|--- |<<: |\\*a|&a |!!binary |!!int |0o|\\.\\.\\.\n){0,60}") {
        for dialect in [Dialect::Raw, Dialect::Kustomize] {
            documents(text.as_bytes(), dialect);
        }
    }

    #[test]
    fn json_is_read_as_json(value in json_value()) {
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(read(&format!("[{text}]"), Dialect::Raw), json!([value]));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let text = "[ -~\u{e4}\u{20ac}\n\t\"\\\\]{0,12}";
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), text.prop_map(Value::from)];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(text, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
