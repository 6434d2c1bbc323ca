//! Messages of Protocol Buffers, as far as an entry of a log needs them: fields by number, each at most once or repeated.

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed size, which no field of ours has.
    Other,
}

/// The fields of a message.
#[derive(Debug)]
pub(super) struct Message<'a>(Vec<(u64, Value<'a>)>);

impl<'a> Message<'a> {
    /// Reads a message; nothing where it is none.
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = number(&mut bytes)?;
            let value = match key & 7 {
                0 => Value::Number(number(&mut bytes)?),
                1 => skip(&mut bytes, 8)?,
                2 => {
                    let length = usize::try_from(number(&mut bytes)?).ok()?;
                    Value::Bytes(split(&mut bytes, length)?)
                }
                5 => skip(&mut bytes, 4)?,
                _ => return None,
            };
            fields.push((key >> 3, value));
        }
        Some(Self(fields))
    }

    /// Bytes or text of a field, empty where it is left out; nothing where it is there twice or otherwise.
    pub(super) fn bytes(&self, field: u64) -> Option<&'a [u8]> {
        match self.only(field)? {
            None => Some(&[]),
            Some(Value::Bytes(bytes)) => Some(bytes),
            Some(_) => None,
        }
    }

    /// A number, 0 where it is left out. The numbers of an entry are not negative.
    pub(super) fn number(&self, field: u64) -> Option<i64> {
        match self.only(field)? {
            None => Some(0),
            Some(Value::Number(number)) => i64::try_from(number).ok(),
            Some(_) => None,
        }
    }

    /// A message within, where there is one.
    pub(super) fn message(&self, field: u64) -> Option<Option<Self>> {
        match self.only(field)? {
            None => Some(None),
            Some(Value::Bytes(bytes)) => Self::read(bytes).map(Some),
            Some(_) => None,
        }
    }

    /// The bytes of a repeated field.
    pub(super) fn repeated(&self, field: u64) -> Option<Vec<&'a [u8]>> {
        let of = |value: &Value<'a>| match value {
            Value::Bytes(bytes) => Some(*bytes),
            _ => None,
        };
        self.0.iter().filter(|(own, _)| *own == field).map(|(_, value)| of(value)).collect()
    }

    /// The last one of several would count, for some readers; so several are none for us.
    fn only(&self, field: u64) -> Option<Option<Value<'a>>> {
        let mut found = self.0.iter().filter(|(own, _)| *own == field);
        let first = found.next().map(|(_, value)| *value);
        found.next().is_none().then_some(first)
    }
}

/// Seven bits in each byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

fn skip<'a>(bytes: &mut &'a [u8], length: usize) -> Option<Value<'a>> {
    split(bytes, length).map(|_| Value::Other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Message;

    #[test]
    fn fields_are_found_by_their_numbers() {
        let message = Message::read(&[0x08, 0xac, 0x02, 0x12, 0x02, 7, 8, 0x1a, 0, 0x1a, 0x01, 9]).expect("a message");
        assert_eq!((message.number(1), message.number(9)), (Some(300), Some(0)));
        assert_eq!((message.bytes(2), message.bytes(1), message.bytes(3)), (Some(&[7, 8][..]), None, None));
        assert_eq!(message.repeated(3), Some(vec![&[][..], &[9]]));
        assert!(Message::read(&[0x08]).is_none() && Message::read(&[0x12, 0x05, 1]).is_none() && Message::read(&[0x0b]).is_none());
        assert!(Message::read(&[[0x08].as_slice(), &[0xff; 9], &[2]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(message) = Message::read(&bytes) {
                let _ = (message.number(1), message.bytes(1), message.message(1), message.repeated(1));
            }
        }
    }
}
