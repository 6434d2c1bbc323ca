//! What readers of bytes from anybody promise. Shared by fuzzing and by the test that replays what it found.
#![allow(dead_code, reason = "each target checks one reader")]

use kubewitness::document;
use kubewitness::model::signature::{Split, split};
use kubewitness::yaml::Dialect;

/// A commit and its signature.
pub(crate) fn splitter(bytes: &[u8]) {
    for own in [&b"gpgsig"[..], b"gpgsig-sha256"] {
        let has_header = headers(bytes).any(|line| line.starts_with(b"gpgsig"));
        match split(bytes, own) {
            Split::Unsigned => assert!(!has_header, "a signature is never overlooked"),
            Split::Malformed(malformed) => assert!(has_header && !malformed.reason.is_empty()),
            Split::Signed(signed) => {
                assert_eq!(split(&signed.payload, own), Split::Unsigned, "nothing of a signature stays in what it signs");
                assert!(signed.payload.len() + signed.armor.len() < bytes.len(), "nothing is added");
                assert!(bytes.ends_with(message(&signed.payload)), "the message stays as it is");
            }
        }
    }
}

fn headers(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty())
}

/// What follows the headers.
fn message(bytes: &[u8]) -> &[u8] {
    bytes.windows(2).position(|pair| pair == b"\n\n").map_or(b"", |at| &bytes[at..])
}

/// A file of manifests.
pub(crate) fn yaml(bytes: &[u8]) {
    for dialect in [Dialect::Raw, Dialect::Kustomize] {
        for (ordinal, read) in document::documents(bytes, dialect).into_iter().enumerate() {
            let Ok(document) = read else { continue };
            assert_eq!(document.ordinal as usize, ordinal, "broken documents count");
            assert!(document.line <= document.end_line && document.line > 0);
            let leaves = document::leaves(&document.value).len();
            assert_eq!(document.lines.len(), leaves, "each leaf has its lines");
            assert_eq!(document::leaf_meanings(&document.value).len(), leaves, "each leaf has its meaning");
            let (_, _) = (document::key(&document.value), document::meaning(&document.value));
        }
    }
}
