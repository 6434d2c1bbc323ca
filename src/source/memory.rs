//! What was read of a repository, remembered by id for all threads that read in it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::hash::oid;

/// The memory comes in so many parts, each with a lock of its own.
const PARTS: usize = 32;

/// Values by id, up to a size in all. What does not fit makes its part start afresh.
pub(super) struct Memory<V> {
    parts: [Mutex<Part<V>>; PARTS],
    largest: usize,
}

struct Part<V> {
    values: HashMap<ObjectId, V>,
    size: usize,
}

impl<V: Clone> Memory<V> {
    /// One that holds so much, in the unit of [`Memory::keep`].
    pub(super) fn new(largest: usize) -> Self {
        let part = |_| Mutex::new(Part { values: HashMap::new(), size: 0 });
        Self { parts: std::array::from_fn(part), largest: largest / PARTS }
    }

    /// What is remembered of an object.
    pub(super) fn get(&self, id: &oid) -> Option<V> {
        self.part(id).values.get(id).cloned()
    }

    /// Remembers something, whose size counts against what the memory holds.
    pub(super) fn keep(&self, id: &oid, value: V, size: usize) {
        let mut part = self.part(id);
        if part.size + size > self.largest {
            (part.values, part.size) = (HashMap::new(), 0);
        }
        if part.values.insert(id.to_owned(), value).is_none() {
            part.size += size;
        }
    }

    /// Whoever panicked while holding it left no value half made.
    fn part(&self, id: &oid) -> MutexGuard<'_, Part<V>> {
        self.parts[usize::from(id.as_bytes()[0]) % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gix::ObjectId;

    use super::{Memory, PARTS};

    fn id(byte: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[byte; 20])
    }

    #[test]
    fn what_is_kept_is_found_until_it_does_not_fit() {
        let memory = Memory::new(10 * PARTS);
        assert_eq!(memory.get(&id(1)), None);
        memory.keep(&id(1), "one", 6);
        memory.keep(&id(2), "two", 6);
        memory.keep(&id(1), "one", 6);
        assert_eq!((memory.get(&id(1)), memory.get(&id(2))), (Some("one"), Some("two")));
        let same_part = id(1 + u8::try_from(PARTS).unwrap());
        memory.keep(&same_part, "more", 6);
        assert_eq!((memory.get(&id(1)), memory.get(&id(2)), memory.get(&same_part)), (None, Some("two"), Some("more")));
    }
}
