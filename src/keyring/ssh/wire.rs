//! The wire encoding of SSH (RFC 4251 §5), read without copying and without trusting a length.

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the beginning.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything is read.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, unread.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Exactly these bytes.
    pub(super) fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A length and that many bytes; numbers of any size (`mpint`) look the same.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let length = usize::try_from(ahead.u32()?).ok()?;
        let (string, rest) = ahead.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// Strings up to the end.
    pub(super) fn strings(mut self) -> Option<Vec<&'a [u8]>> {
        let mut strings = Vec::new();
        while !self.is_at_end() {
            strings.push(self.string()?);
        }
        Some(strings)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }
}

/// Appends a string with its length.
pub(super) fn put_string(bytes: &mut Vec<u8>, string: &[u8]) {
    // What is longer than a length can say was never read from a wire; such a text equals none.
    bytes.extend(u32::try_from(string.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(string);
}

#[cfg(test)]
mod tests {
    use super::{Reader, put_string};

    #[test]
    fn a_length_beyond_the_end_reads_nothing() {
        let mut reader = Reader::new(&[0, 0, 0, 9, 1, 2]);
        assert_eq!(reader.string(), None);
        assert_eq!(reader.rest().len(), 6);
        assert_eq!(Reader::new(&[0xff; 5]).string(), None);
    }

    #[test]
    fn what_was_put_is_read() {
        let mut bytes = Vec::new();
        put_string(&mut bytes, b"one");
        put_string(&mut bytes, b"");
        assert_eq!(Reader::new(&bytes).strings(), Some(vec![&b"one"[..], b""]));
    }
}
