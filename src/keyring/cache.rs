//! What the mathematics said about signatures, remembered between runs: the same key and the same bytes give the same answer for
//! ever. Nothing that depends on time, on names or on trust is remembered; it is judged anew each time.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::cache;
use crate::model::attribution::Crypto;
use crate::model::text::hex;

/// So many answers are remembered; then those go that were not asked for in this run.
const MOST: usize = 200_000;
/// An answer has some 150 bytes.
const LONGEST: u64 = 64 << 20;

/// What a signature is over, with which bytes, and for what: every byte that an answer depends on, but for the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Evidence([u8; 32]);

impl Evidence {
    /// Of the parts, each with its length.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// As reports show it.
    pub(super) fn told(&self) -> String {
        format!("sha256:{}", self.hex())
    }

    /// In lower-case hex.
    pub(super) fn hex(&self) -> String {
        hex(&self.0)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// Good, bad, malformed or unsupported.
    pub(super) crypto: Crypto,
    /// Why, where GnuPG says it.
    pub(super) reason: Option<String>,
    /// Fingerprint of the OpenPGP key or subkey that made it.
    pub(super) key: Option<String>,
    /// When it was made, in seconds since 1970, where it says.
    pub(super) made: Option<i64>,
    /// When it ends, likewise.
    pub(super) ends: Option<i64>,
}

impl From<Crypto> for Checked {
    fn from(crypto: Crypto) -> Self {
        Self { crypto, reason: None, key: None, made: None, ends: None }
    }
}

/// The answers for one keyring.
#[derive(Debug, Default)]
pub(super) struct Answers {
    file: Option<PathBuf>,
    before: HashMap<[u8; 32], Checked>,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    answers: HashMap<[u8; 32], Checked>,
    is_news: bool,
}

impl Answers {
    /// Reads what is remembered. Without a file nothing is remembered beyond this run.
    pub(super) fn open(file: Option<PathBuf>) -> Self {
        let bytes = file.as_deref().and_then(|file| cache::kept(file, LONGEST));
        let before = bytes.and_then(|bytes| wire::read(&bytes)).unwrap_or_default();
        Self { file, before, asked: Mutex::default() }
    }

    /// The answer, computed only where it is not remembered. What could not be computed is not remembered.
    pub(super) fn check<E>(&self, evidence: Evidence, compute: impl FnOnce() -> Result<Checked, E>) -> Result<Checked, E> {
        let known = self.before.get(&evidence.0).cloned().or_else(|| self.asked().answers.get(&evidence.0).cloned());
        let is_news = known.is_none();
        let checked = known.map_or_else(compute, Ok)?;
        let mut asked = self.asked();
        asked.is_news |= is_news;
        asked.answers.insert(evidence.0, checked.clone());
        Ok(checked)
    }

    /// Writes what is new, if anything is.
    pub(super) fn remember(&self) {
        let mut asked = self.asked();
        let Some(file) = self.file.as_deref().filter(|_| asked.is_news) else { return };
        let mut all = asked.answers.clone();
        let older = self.before.iter().take(MOST.saturating_sub(all.len()));
        older.for_each(|(evidence, checked)| {
            all.entry(*evidence).or_insert_with(|| checked.clone());
        });
        match cache::keep(file, &wire::write(&all)) {
            Ok(()) => asked.is_news = false,
            Err(error) => tracing::debug!(%error, "what signatures said is not kept for the next time"),
        }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The form in the file: one JSON array for each answer, one a line.
mod wire {
    use std::collections::HashMap;

    use serde::{Deserialize, Serialize};

    use super::{Checked, Crypto};

    #[derive(Serialize, Deserialize)]
    struct Line(String, String, Option<String>, Option<String>, Option<i64>, Option<i64>);

    const CRYPTO: [(&str, Crypto); 4] =
        [("good", Crypto::Good), ("bad", Crypto::Bad), ("malformed", Crypto::Malformed), ("unsupported", Crypto::Unsupported)];

    /// All or nothing: a line that is not ours makes the whole file none.
    pub(super) fn read(bytes: &[u8]) -> Option<HashMap<[u8; 32], Checked>> {
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(line).collect()
    }

    fn line(text: &[u8]) -> Option<([u8; 32], Checked)> {
        let Line(evidence, crypto, reason, key, made, ends) = serde_json::from_slice(text).ok()?;
        let crypto = CRYPTO.into_iter().find(|(name, _)| *name == crypto)?.1;
        Some((digest(&evidence)?, Checked { crypto, reason, key, made, ends }))
    }

    fn digest(hex: &str) -> Option<[u8; 32]> {
        let mut digest = [0; 32];
        let pairs = hex.as_bytes().chunks_exact(2);
        (hex.len() == 64).then_some(())?;
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(digest)
    }

    /// Sorted, so that the same answers give the same bytes.
    pub(super) fn write(answers: &HashMap<[u8; 32], Checked>) -> Vec<u8> {
        let mut lines: Vec<String> = answers.iter().filter_map(|(evidence, checked)| text(evidence, checked)).collect();
        lines.sort_unstable();
        lines.concat().into_bytes()
    }

    fn text(evidence: &[u8; 32], checked: &Checked) -> Option<String> {
        let crypto = CRYPTO.into_iter().find(|(_, crypto)| *crypto == checked.crypto)?.0.to_owned();
        let hex = super::Evidence(*evidence).hex();
        let line = Line(hex, crypto, checked.reason.clone(), checked.key.clone(), checked.made, checked.ends);
        let json = serde_json::to_string(&line).expect("texts and numbers are always JSON");
        Some(json + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Checked, Evidence};
    use crate::model::attribution::Crypto;

    fn good() -> Checked {
        Checked { key: Some("AB".to_owned()), made: Some(7), ..Checked::from(Crypto::Good) }
    }

    fn nobody() -> Result<Checked, &'static str> {
        Err("it is computed")
    }

    #[test]
    fn an_answer_is_computed_once_and_remembered_for_the_same_bytes_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = Some(folder.path().join("answers"));
        let answers = Answers::open(file.clone());
        let evidence = Evidence::of(&[b"payload", b"signature"]);
        assert_eq!(answers.check(evidence, nobody), Err("it is computed"), "a failure is no answer");
        assert_eq!(answers.check(evidence, || Ok::<_, ()>(good())), Ok(good()));
        answers.remember();
        let later = Answers::open(file);
        assert_eq!(later.check(evidence, nobody), Ok(good()));
        assert_eq!(later.check(Evidence::of(&[b"payloads", b"ignature"]), nobody), Err("it is computed"));
    }

    #[test]
    fn a_file_that_is_not_ours_is_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("answers");
        let evidence = Evidence::of(&[b"payload", b"signature"]);
        for text in [format!("[\"{}\",\"splendid\",null,null,null,null]\n", evidence.hex()), "[]".to_owned(), "\u{fe}".to_owned()] {
            crate::cache::keep(&file, text.as_bytes()).expect("it can be written");
            assert_eq!(Answers::open(Some(file.clone())).check(evidence, nobody), Err("it is computed"), "{text}");
        }
    }
}
