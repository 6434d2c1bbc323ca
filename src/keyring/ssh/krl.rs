//! OpenSSH's binary key revocation list, PROTOCOL.krl. What it holds and we do not know is an error: it might revoke the very
//! key that is asked about.

use std::collections::HashSet;

use super::wire::Reader;

/// How a file begins.
pub(super) const MAGIC: &[u8] = b"SSHKRL\n\0";

const CERTIFICATES: u8 = 1;
const EXPLICIT_KEYS: u8 = 2;
const SHA1_FINGERPRINTS: u8 = 3;
const SHA256_FINGERPRINTS: u8 = 5;
const EXTENSION: u8 = 255;

const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_IDS: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// Everything that a list revokes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Krl {
    /// Encoded plain keys.
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) sha1: Vec<[u8; 20]>,
    pub(super) sha256: Vec<[u8; 32]>,
    pub(super) certificates: Vec<Certificates>,
}

/// Certificates of one authority, or of every one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    /// The encoded key of the authority; none means every one.
    pub(super) authority: Option<Vec<u8>>,
    /// First and last; sorted, none touches another.
    serials: Vec<(u64, u64)>,
    bitmaps: Vec<Bitmap>,
    key_ids: HashSet<Vec<u8>>,
}

/// Serials from `first` on, one for each bit that is set; the lowest bit is the last byte's.
#[derive(Debug, PartialEq, Eq)]
struct Bitmap {
    first: u64,
    bits: Vec<u8>,
}

impl Certificates {
    /// Whether a certificate of this authority is revoked. The serial 0 means that none was given, and revokes nothing.
    pub(super) fn revokes(&self, serial: u64, key_id: &[u8]) -> bool {
        self.key_ids.contains(key_id) || (serial != 0 && self.has(serial))
    }

    fn has(&self, serial: u64) -> bool {
        let at = self.serials.partition_point(|(_, last)| *last < serial);
        self.serials.get(at).is_some_and(|(first, _)| *first <= serial) || self.bitmaps.iter().any(|bitmap| bitmap.has(serial))
    }

    /// Sorts the serials and joins those that overlap.
    fn sort(&mut self) {
        self.serials.sort_unstable();
        self.serials.dedup_by(|next, kept| {
            let overlap = next.0 <= kept.1;
            if overlap {
                kept.1 = kept.1.max(next.1);
            }
            overlap
        });
    }
}

impl Bitmap {
    fn has(&self, serial: u64) -> bool {
        let Some(bit) = serial.checked_sub(self.first).and_then(|bit| usize::try_from(bit).ok()) else { return false };
        self.bits.iter().rev().nth(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    }

    /// Whether it names the serial 0 or one beyond the largest number, which OpenSSH refuses.
    fn is_beyond(&self) -> bool {
        let Some(byte) = self.bits.iter().position(|byte| *byte != 0) else { return false };
        let highest = (self.bits.len() - byte) as u64 * 8 - 1 - u64::from(self.bits[byte].leading_zeros());
        self.has(0) || self.first.checked_add(highest).is_none()
    }
}

/// Reads a whole file; what is wrong with it in words where it is not one.
pub(super) fn parse(bytes: &[u8]) -> Result<Krl, String> {
    let mut reader = Reader::new(bytes);
    let version = reader.literal(MAGIC).and_then(|()| reader.u32()).ok_or("its head is cut off")?;
    if version != 1 {
        return Err(format!("its format has the version {version}, and only 1 is known"));
    }
    skip_head(&mut reader).ok_or("its head is cut off")?;
    let mut krl = Krl::default();
    while !reader.is_at_end() {
        let (kind, content) = section(&mut reader)?;
        match kind {
            CERTIFICATES => krl.certificates.push(certificates(content)?),
            EXPLICIT_KEYS => krl.keys.extend(strings(content, "explicit keys")?.into_iter().map(<[u8]>::to_vec)),
            SHA1_FINGERPRINTS => krl.sha1.extend(digests::<20>(content, "SHA-1 fingerprints")?),
            SHA256_FINGERPRINTS => krl.sha256.extend(digests::<32>(content, "SHA-256 fingerprints")?),
            EXTENSION => extension(content)?,
            other => return Err(format!("it has a section of type {other}, which is not known here")),
        }
    }
    Ok(krl)
}

/// Version, date and flags of the list, a reserved field and a comment.
fn skip_head(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..3 {
        reader.u64()?;
    }
    reader.string()?;
    reader.string().map(drop)
}

fn certificates(content: &[u8]) -> Result<Certificates, String> {
    let broken = || "a section of certificates cannot be read".to_owned();
    let mut reader = Reader::new(content);
    let authority = reader.string().ok_or_else(broken)?;
    reader.string().ok_or_else(broken)?;
    let mut read = Certificates { authority: (!authority.is_empty()).then(|| authority.to_vec()), ..Certificates::default() };
    while !reader.is_at_end() {
        let (kind, content) = section(&mut reader)?;
        let mut inner = Reader::new(content);
        match kind {
            SERIAL_LIST => {
                while !inner.is_at_end() {
                    let serial = inner.u64().ok_or_else(broken)?;
                    read.serials.push((serial, serial));
                }
            }
            SERIAL_RANGE => {
                read.serials.push(inner.u64().zip(inner.u64()).filter(|_| inner.is_at_end()).ok_or_else(broken)?);
            }
            SERIAL_BITMAP => {
                let (first, bits) = inner.u64().zip(inner.string()).filter(|_| inner.is_at_end()).ok_or_else(broken)?;
                read.bitmaps.push(Bitmap { first, bits: bits.to_vec() });
            }
            KEY_IDS => read.key_ids.extend(strings(content, "key ids")?.into_iter().map(<[u8]>::to_vec)),
            CERTIFICATE_EXTENSION => extension(content)?,
            other => return Err(format!("it has a section of certificates of type {other:#x}, which is not known here")),
        }
    }
    let is_wrong = |(first, last): &(u64, u64)| *first == 0 || first > last;
    if read.serials.iter().any(is_wrong) || read.bitmaps.iter().any(Bitmap::is_beyond) {
        return Err("it names serials that no certificate has".to_owned());
    }
    read.sort();
    Ok(read)
}

/// An extension that is not critical may be left aside; we know none.
fn extension(content: &[u8]) -> Result<(), String> {
    let mut reader = Reader::new(content);
    let read = reader.string().zip(reader.byte()).zip(reader.string()).filter(|_| reader.is_at_end());
    match read.ok_or("an extension cannot be read")? {
        ((_, 0), _) => Ok(()),
        ((name, _), _) => Err(format!("it has a critical extension {:?}, which is not known here", String::from_utf8_lossy(name))),
    }
}

fn section<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), String> {
    reader.byte().zip(reader.string()).ok_or_else(|| "it is cut off in the middle of a section".to_owned())
}

fn strings<'a>(content: &'a [u8], what: &str) -> Result<Vec<&'a [u8]>, String> {
    Reader::new(content).strings().ok_or_else(|| format!("a section of {what} cannot be read"))
}

fn digests<const N: usize>(content: &[u8], what: &str) -> Result<Vec<[u8; N]>, String> {
    let strings = strings(content, what)?;
    strings.into_iter().map(|digest| digest.try_into().map_err(|_| format!("a section of {what} cannot be read"))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::wire::put_string;
    use super::{Bitmap, CERTIFICATES, Certificates, EXTENSION, Krl, MAGIC, SERIAL_BITMAP, SERIAL_LIST, SERIAL_RANGE, parse};

    fn head() -> Vec<u8> {
        [MAGIC, &[0, 0, 0, 1], &[0; 32]].concat()
    }

    fn with_section(mut bytes: Vec<u8>, kind: u8, content: &[u8]) -> Vec<u8> {
        bytes.push(kind);
        put_string(&mut bytes, content);
        bytes
    }

    fn of_any_authority(kind: u8, content: &[u8]) -> Result<Krl, String> {
        parse(&with_section(head(), CERTIFICATES, &with_section(vec![0; 8], kind, content)))
    }

    #[test]
    fn an_empty_list_revokes_nothing() {
        assert_eq!(parse(&head()), Ok(Krl::default()));
    }

    #[test]
    fn what_is_not_known_or_cut_off_is_an_error() {
        for end in 0..head().len() {
            assert!(parse(&head()[..end]).is_err(), "{end} bytes");
        }
        assert!(parse(&with_section(head(), 4, b"")).unwrap_err().contains("type 4"));
        assert!(parse(&with_section(head(), 77, b"")).unwrap_err().contains("type 77"));
        assert!(of_any_authority(0x24, b"").unwrap_err().contains("type 0x24"));
        assert!(parse(&[head(), vec![2, 0, 0, 0, 9]].concat()).unwrap_err().contains("cut off"));
        assert!(of_any_authority(SERIAL_LIST, &[0; 7]).is_err() && of_any_authority(SERIAL_RANGE, &[1; 17]).is_err());
        assert!(parse(&with_section(head(), 3, &[&[0, 0, 0, 19][..], &[7; 19]].concat())).unwrap_err().contains("SHA-1"));
    }

    #[test]
    fn only_a_critical_extension_is_an_error() {
        let extension = |critical| parse(&with_section(head(), EXTENSION, &[&[0, 0, 0, 1, b'x', critical][..], &[0; 4]].concat()));
        assert_eq!(extension(0), Ok(Krl::default()));
        assert!(extension(1).unwrap_err().contains("critical extension \"x\""));
    }

    #[test]
    fn the_serial_0_and_ranges_that_run_backwards_are_refused() {
        let range = |first: u64, last: u64| of_any_authority(SERIAL_RANGE, &[first.to_be_bytes(), last.to_be_bytes()].concat());
        assert!(range(0, 5).is_err() && range(7, 5).is_err() && range(5, u64::MAX).is_ok());
        let bitmap = |first: u64, bits: &[u8]| {
            let mut content = first.to_be_bytes().to_vec();
            put_string(&mut content, bits);
            of_any_authority(SERIAL_BITMAP, &content)
        };
        assert!(bitmap(0, &[1]).is_err() && bitmap(0, &[2]).is_ok());
        assert!(bitmap(u64::MAX, &[2]).is_err() && bitmap(u64::MAX, &[0, 1]).is_ok());
    }

    #[test]
    fn a_bit_stands_for_its_place_after_the_first_serial() {
        let bitmap = Bitmap { first: 100, bits: vec![0b0000_0001, 0b1000_0010] };
        let found: Vec<u64> = (0..300).filter(|serial| bitmap.has(*serial)).collect();
        assert_eq!(found, [101, 107, 108]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u8..6, inner in 0x1f_u8..0x25) {
            let _ = parse(&bytes);
            let _ = parse(&[head(), bytes.clone()].concat());
            let _ = parse(&with_section(head(), kind, &bytes));
            if let Ok(krl) = of_any_authority(inner, &bytes) {
                let _ = krl.certificates.iter().any(|of_one| of_one.revokes(7, b"x"));
            }
        }

        #[test]
        fn joined_ranges_hold_what_the_ranges_held(ranges in proptest::collection::vec((1_u64..60, 0_u64..10), 0..8), serial in 1_u64..80) {
            let serials: Vec<(u64, u64)> = ranges.iter().map(|(first, more)| (*first, first + more)).collect();
            let expected = serials.iter().any(|(first, last)| (*first..=*last).contains(&serial));
            let mut certificates = Certificates { serials, ..Certificates::default() };
            certificates.sort();
            prop_assert_eq!(certificates.revokes(serial, b""), expected);
        }
    }
}
