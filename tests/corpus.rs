//! What fuzzing found, replayed: see tests/fuzz.

#[path = "fuzz/checks.rs"]
mod checks;
#[path = "fuzz/corpus.rs"]
mod corpus;

use corpus::each;

#[test]
fn no_input_that_fuzzing_found_breaks_the_splitter() {
    each("splitter", checks::splitter);
}

#[test]
fn no_input_that_fuzzing_found_breaks_the_yaml_reader() {
    each("yaml", checks::yaml);
}
