//! Ground: files whose loss costs time and nothing else. They are ours alone (mode 0600), written whole or not at all, and begin
//! with a digest of what follows, so that a damaged one is none.
//!
//! What is kept decides verdicts when it is read again; so it lies in the user's own folder, never in one that is judged, and
//! under names that nobody but us chooses.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::model::text::hex;

const SEAL: usize = 65;

/// What tells this build of the program from another of the same version, which may give other answers: the length of its file and
/// when that was written. `None` where that cannot be told; then nothing should be kept.
pub fn build() -> Option<(u64, u64, u32)> {
    let file = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let time = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((file.len(), time.as_secs(), time.subsec_nanos()))
}

/// What is kept in a file. A file that is not there, is none, is longer than `longest` bytes or damaged is the same as none.
pub fn kept(file: &Path, longest: u64) -> Option<Vec<u8>> {
    let told = fs::symlink_metadata(file).ok()?;
    if !told.is_file() || told.len() > longest.saturating_add(SEAL as u64) {
        return None;
    }
    let mut bytes = fs::read(file).ok()?;
    let content = bytes.get(SEAL..)?;
    if seal(content).as_bytes() != &bytes[..SEAL] {
        tracing::warn!(file = %file.display(), "a damaged file of the cache is left out; it will be made anew");
        return None;
    }
    bytes.drain(..SEAL);
    Some(bytes)
}

/// Keeps content, in a folder that is made where there is none: written beside and renamed, so that nobody reads half of it.
///
/// # Errors
/// Where the disk does not take it; what was kept before still is.
pub fn keep(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    fs::create_dir_all(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(seal(content).as_bytes())?;
    beside.write_all(content)?;
    beside.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn seal(content: &[u8]) -> String {
    hex(&Sha256::digest(content)) + "\n"
}

#[cfg(test)]
mod tests {
    use super::{keep, kept};

    #[test]
    fn what_is_kept_is_read_again_unless_it_was_damaged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("new/answers");
        assert_eq!(kept(&file, 100), None);
        keep(&file, b"alice").expect("it can be written");
        assert_eq!(kept(&file, 100).as_deref(), Some(&b"alice"[..]));
        assert_eq!(kept(&file, 4), None, "it is longer than anything of ours");
        let mut damaged = std::fs::read(&file).expect("it is there");
        *damaged.last_mut().expect("it has bytes") ^= 1;
        std::fs::write(&file, damaged).expect("it can be written");
        assert_eq!(kept(&file, 100), None);
        std::fs::write(&file, b"short").expect("it can be written");
        assert_eq!(kept(&file, 100), None);
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, link) = (folder.path().join("answers"), folder.path().join("link"));
        keep(&file, b"alice").expect("it can be written");
        std::os::unix::fs::symlink(&file, &link).expect("it can be linked");
        assert_eq!(kept(&link, 100), None);
    }
}
