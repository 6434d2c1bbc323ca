//! Bytes that are nearly always text: names, e-mails, subjects and paths from Git; and bytes that never are.

use std::fmt::{self, Write as _};

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

/// Bytes from a repository that are meant as text. Compared byte by byte, so that Unicode twins stay different.
///
/// `Display` shows UTF-8 as it is and every other byte as `%XX` (and then a literal `%` as `%25`), so that two different
/// values never look the same; [`RawText::is_encoded`] tells which form was shown. Control characters are not escaped here:
/// that is the duty of the encoding that knows its medium.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RawText(Vec<u8>);

impl RawText {
    /// The bytes as they stand in the repository.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `Display` had to write bytes as `%XX`.
    pub fn is_encoded(&self) -> bool {
        std::str::from_utf8(&self.0).is_err()
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for RawText {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for RawText {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for RawText {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Display for RawText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return formatter.write_str(text);
        }
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '%' => formatter.write_str("%25")?,
                    other => fmt::Write::write_char(formatter, other)?,
                }
            }
            for byte in chunk.invalid() {
                write!(formatter, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RawText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::RawText;

    #[test]
    fn bytes_that_are_not_utf8_become_percent_escapes() {
        let text = RawText::from(&b"J\xf6rg 100%"[..]);
        assert!(text.is_encoded());
        assert_eq!(text.to_string(), "J%F6rg 100%25");
    }

    #[test]
    fn utf8_is_shown_as_it_is() {
        assert_eq!(RawText::from("Łukasz 100%").to_string(), "Łukasz 100%");
    }
}
