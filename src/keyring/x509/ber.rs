//! ASN.1 values in BER (X.690), read without copying and without trusting a length: gpgsm writes lengths of which only the
//! end is known, which no reader of DER takes.

/// Deeper nesting stands in no signature.
const DEEPEST: usize = 16;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The constructed value of a field of this number.
pub(super) const fn field(number: u8) -> u8 {
    0xa0 | number
}

/// A value with its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// The value as it stands, tag and length included.
    pub(super) raw: &'a [u8],
}

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Element<'a> {
    /// Its content, where it has this tag.
    pub(super) fn content_of(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, where it has this tag; else nothing is read.
    pub(super) fn take(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag).inspect(|element| self.0 = &self.0[element.raw.len()..])
    }

    /// The next value, whatever it is.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        self.next().inspect(|element| self.0 = &self.0[element.raw.len()..])
    }

    /// The values within the next one, which has this tag.
    pub(super) fn within(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(|element| Self(element.content))
    }

    /// All that is left, of this tag each, and no more than so many.
    pub(super) fn all(mut self, tag: u8, most: usize) -> Option<Vec<Element<'a>>> {
        let mut elements = Vec::new();
        while !self.is_at_end() {
            elements.push(self.take(tag)?);
            if elements.len() > most {
                return None;
            }
        }
        Some(elements)
    }

    fn next(&self) -> Option<Element<'a>> {
        next(self.0, DEEPEST)
    }
}

/// The first value. Tags of more than one byte stand in no signature.
fn next(bytes: &[u8], deepest: usize) -> Option<Element<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    if first == 0x80 {
        let is_constructed = tag & 0x20 != 0;
        let length = if is_constructed { until_end(rest, deepest.checked_sub(1)?)? } else { return None };
        let header = bytes.len() - rest.len();
        return Some(Element { tag, content: &rest[..length], raw: &bytes[..header + length + 2] });
    }
    let (length, rest) = length(first, rest)?;
    let content = rest.get(..length)?;
    Some(Element { tag, content, raw: &bytes[..bytes.len() - rest.len() + length] })
}

/// How many bytes stand before the two zeros that end a value of unknown length.
fn until_end(bytes: &[u8], deepest: usize) -> Option<usize> {
    let mut rest = bytes;
    while !rest.starts_with(&[0, 0]) {
        rest = &rest[next(rest, deepest)?.raw.len()..];
    }
    Some(bytes.len() - rest.len())
}

fn length(first: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let is_small = digits.len() <= 4;
    is_small.then(|| (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OCTET_STRING, Reader, SEQUENCE};

    #[test]
    fn a_value_ends_where_its_length_or_its_end_says() {
        let mut reader = Reader::new(&[0x30, 0x80, 0x30, 0x80, 0x04, 0x02, 0, 0, 0, 0, 0, 0, 0x04, 0x81, 0x01, 7]);
        let mut outer = reader.within(SEQUENCE).expect("a sequence");
        let mut inner = outer.within(SEQUENCE).expect("a sequence in it");
        assert_eq!(inner.take(OCTET_STRING).map(|string| string.content), Some(&[0, 0][..]));
        assert!(inner.is_at_end() && outer.is_at_end());
        assert_eq!(reader.take(OCTET_STRING).map(|string| (string.content, string.raw.len())), Some((&[7][..], 4)));
        assert!(reader.is_at_end());
    }

    #[test]
    fn what_has_no_end_is_not_read() {
        for bytes in [&[0x30, 0x05, 0][..], &[0x30, 0x80, 0x04, 0x00], &[0x04, 0x80, 0, 0], &[0x30, 0x85, 0, 0, 0, 0, 0], &[0x3f, 0x01, 0]]
        {
            assert!(Reader::new(bytes).take(bytes[0]).is_none(), "{bytes:?}");
        }
        assert!(Reader::new(&[0x30, 0x80].repeat(100_000)).take(SEQUENCE).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(prop_oneof![Just(0x30), Just(0x80), Just(0), any::<u8>()], 0..200)) {
            let mut reader = Reader::new(&bytes);
            while let Some(element) = reader.next() {
                prop_assert!(!element.raw.is_empty());
                reader = Reader::new(&reader.0[element.raw.len()..]);
            }
        }
    }
}
