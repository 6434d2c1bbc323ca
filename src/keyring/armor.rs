//! ASCII armor, as OpenPGP and OpenSSH write it: a begin line, headers (OpenPGP only), base64, a checksum, an end line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The bytes inside one armor that the splitter has found whole, or a stable phrase.
///
/// The checksum of OpenPGP (a line `=XXXX`) may be absent, as RFC 9580 allows, but not wrong.
pub(super) fn decode(armor: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut lines = armor.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.next();
    let (mut body, mut checksum, mut in_headers) = (Vec::with_capacity(armor.len()), None, true);
    for line in lines.take_while(|line| !line.starts_with(b"-----END ")) {
        if in_headers && line.contains(&b':') {
            continue;
        }
        in_headers = false;
        match line.strip_prefix(b"=").filter(|rest| rest.len() == 4) {
            Some(_) if checksum.is_some() => return Err("bad-armor"),
            Some(rest) => checksum = Some(rest),
            None if checksum.is_some() && !line.is_empty() => return Err("bad-armor"),
            None => body.extend_from_slice(line),
        }
    }
    let bytes = STANDARD.decode(&body).map_err(|_| "bad-armor")?;
    match checksum.map(|text| STANDARD.decode(text)) {
        Some(Ok(sum)) if sum == crc24(&bytes) => Ok(bytes),
        Some(_) => Err("armor-checksum"),
        None => Ok(bytes),
    }
}

/// The CRC-24 of RFC 4880 §6.1, big-endian.
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let crc = bytes.iter().fold(0x00b7_04ce_u32, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| if crc & 0x0080_0000 == 0 { crc << 1 } else { (crc << 1) ^ 0x0186_4cfb })
    });
    let [_, high, middle, low] = crc.to_be_bytes();
    [high, middle, low]
}

#[cfg(test)]
mod tests {
    use super::{crc24, decode};

    #[test]
    fn the_crc_of_nothing_is_its_start_value() {
        assert_eq!(crc24(b""), [0xb7, 0x04, 0xce]);
        assert_eq!(crc24(b"123456789"), [0x21, 0xcf, 0x02]);
    }

    #[test]
    fn headers_and_a_checksum_are_no_content() {
        let armor = b"-----BEGIN PGP SIGNATURE-----\nComment: x\n\nMTIzNDU2\nNzg5\n=Ic8C\n-----END PGP SIGNATURE-----\n";
        assert_eq!(decode(armor), Ok(b"123456789".to_vec()));
    }

    #[test]
    fn a_wrong_checksum_is_told() {
        let armor = b"-----BEGIN PGP SIGNATURE-----\n\nMTIzNDU2Nzg5\n=AAAA\n-----END PGP SIGNATURE-----\n";
        assert_eq!(decode(armor), Err("armor-checksum"));
    }
}
