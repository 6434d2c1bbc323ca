//! Runs what blocks (gix, files) beside the runtime, with an end in sight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::{Error, Result};

/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long work may take to notice that it shall stop, before it is left alone.
const GRACE: Duration = Duration::from_secs(2);

/// Runs blocking work on a thread of its own. After the timeout it is asked to stop; what comes within the grace period still
/// counts. A thread, and not `spawn_blocking`: the runtime would wait for that one at its end, however long a server is silent.
pub(super) async fn beside<T: Send + 'static>(
    timeout: Duration,
    tick: impl Fn(),
    work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = tokio::sync::oneshot::channel();
    let seen = stop.clone();
    // Nobody listens any more once the work was left alone.
    std::thread::spawn(move || drop(sender.send(work(&seen))));
    let end = tokio::time::sleep(timeout);
    tokio::pin!(end);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            done = &mut receiver => return finished(done.ok()),
            _ = ticks.tick() => tick(),
            () = &mut end => break,
        }
    }
    stop.store(true, Ordering::Relaxed);
    match tokio::time::timeout(GRACE, receiver).await {
        Ok(done) => finished(done.ok()),
        Err(_) => Err(Error::TimedOut(timeout.as_secs())),
    }
}

fn finished<T>(done: Option<Result<T>>) -> Result<T> {
    done.unwrap_or_else(|| Err(Error::Fetch("reading it ended in a fault of this program; please report it".into())))
}
