//! The inputs that fuzzing found, for the tests that replay them.

use std::fs;
use std::path::Path;

/// Feeds a reader with each input of its corpus.
pub(crate) fn each(corpus: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(corpus);
    let mut inputs = 0;
    for file in fs::read_dir(folder).expect("the corpus is there") {
        check(&fs::read(file.expect("it can be listed").path()).expect("it can be read"));
        inputs += 1;
    }
    assert!(inputs > 50, "{inputs} inputs are no corpus");
}
