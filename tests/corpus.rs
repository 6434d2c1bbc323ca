//! What fuzzing found, replayed: see tests/fuzz.

#[path = "fuzz/checks.rs"]
mod checks;

use std::fs;
use std::path::Path;

fn each(corpus: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(corpus);
    let mut inputs = 0;
    for file in fs::read_dir(folder).expect("the corpus is there") {
        check(&fs::read(file.expect("it can be listed").path()).expect("it can be read"));
        inputs += 1;
    }
    assert!(inputs > 50, "{inputs} inputs are no corpus");
}

#[test]
fn no_input_that_fuzzing_found_breaks_the_splitter() {
    each("splitter", checks::splitter);
}

#[test]
fn no_input_that_fuzzing_found_breaks_the_yaml_reader() {
    each("yaml", checks::yaml);
}
