//! Independent work on as many threads as the machine has.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A thread takes so many items at a time; fewer items than that are not worth a second one.
const TAKEN: usize = 16;

/// How many threads can do something at once.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What `work` makes of each item, in their order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let shares: Vec<&[T]> = items.chunks(TAKEN).collect();
    let made = share(&shares, processors(), |taken| taken.map(|share| share.iter().map(&work).collect::<Vec<R>>()).collect());
    made.into_iter().flatten().collect()
}

/// Runs `work` on up to so many threads. Each takes the next item when it is done with one, and gives what it made of each in the
/// order in which it took them; all of it comes back in the order of the items.
pub(crate) fn share<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&mut dyn Iterator<Item = &T>) -> Vec<R> + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut taken = Vec::new();
        let made = work(&mut std::iter::from_fn(|| {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let item = items.get(index)?;
            taken.push(index);
            Some(item)
        }));
        taken.into_iter().zip(made).collect::<Vec<_>>()
    };
    let mut parts = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        let mut parts = worker();
        for other in others {
            parts.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parts
    });
    parts.sort_unstable_by_key(|(index, _)| *index);
    parts.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::{map, share};

    #[test]
    fn everything_is_done_once_and_stays_in_order() {
        for count in [0, 1, 15, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(&items, |item| item * 2), doubled);
            for threads in [1, 2, 7] {
                assert_eq!(share(&items, threads, |taken| taken.map(|item| item * 2).collect()), doubled);
            }
        }
    }
}
