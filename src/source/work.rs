//! Runs what blocks (gix, files) beside the runtime, with an end in sight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::error::{Error, Result};

/// How often progress is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long work may take to notice that it shall stop, before it is left alone.
const GRACE: Duration = Duration::from_secs(2);

/// When work is asked to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// After so much time.
    pub(super) after: Duration,
    /// At this moment, if that is earlier.
    pub(super) latest: Option<Instant>,
}

impl End {
    /// After so much time.
    pub(super) fn after(after: Duration) -> Self {
        Self { after, latest: None }
    }

    async fn come(self) {
        let latest = async {
            match self.latest {
                Some(latest) => tokio::time::sleep_until(latest).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(self.after) => {}
            () = latest => {}
        }
    }
}

/// Runs blocking work on a thread of its own. At the end it is asked to stop; what comes within the grace period still
/// counts. A thread, and not `spawn_blocking`: the runtime would wait for that one at its end, however long a server is silent.
pub(super) async fn beside<T: Send + 'static>(
    end: End,
    tick: impl Fn(),
    work: impl FnOnce(&AtomicBool) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = tokio::sync::oneshot::channel();
    let seen = stop.clone();
    // Nobody listens any more once the work was left alone.
    std::thread::spawn(move || drop(sender.send(work(&seen))));
    let come = end.come();
    tokio::pin!(come);
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            done = &mut receiver => return finished(done.ok()),
            _ = ticks.tick() => tick(),
            () = &mut come => break,
        }
    }
    stop.store(true, Ordering::Relaxed);
    match tokio::time::timeout(GRACE, receiver).await {
        Ok(done) => finished(done.ok()),
        Err(_) => Err(Error::TimedOut(end.after.as_secs())),
    }
}

fn finished<T>(done: Option<Result<T>>) -> Result<T> {
    done.unwrap_or_else(|| Err(Error::Fetch("reading it ended in a fault of this program; please report it".into())))
}
