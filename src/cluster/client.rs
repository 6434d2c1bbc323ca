//! The client that can only read: GET requests through kube's transport, bodies taken as they arrive.
//!
//! kube authenticates and encrypts, on our own connection. It neither retries nor parses here: its own retries would hide what happened,
//! and its parse errors log whole bodies, secrets included.

use std::io::{self, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{ACCEPT, DATE, HeaderMap, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::failure::{Again, Failure, Patience, json_text};
use super::read_only::ReadOnly;
use super::transport;
use super::wire::{Envelope, Status, read_list, read_whole_list};

pub(super) const JSON: &str = "application/json";

/// Refusals are short.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// The longest item of a list. etcd stores 1.5 MB, aggregated servers may hold more.
const LONGEST_ITEM: usize = 64 * 1024 * 1024;
/// After so many requests in a row that failed for good, each further one is tried once only, so that a cluster that is gone
/// does not hold a scan for hours.
const HOPELESS: u32 = 3;
/// Pages of 500 objects seldom have more bytes.
const USUAL_PAGE: u64 = 4 * 1024 * 1024;
/// A whole answer may take this many times the limit of one of its parts.
const SLOWEST: u32 = 10;

/// A connection to one API server.
pub(super) struct Client {
    kube: kube::Client,
    layer: ReadOnly,
    limit: Duration,
    patience: Patience,
    first_date: OnceLock<DateTime<Utc>>,
    failed_in_a_row: AtomicU32,
}

impl Client {
    /// Builds the transport; sends nothing but what an exec plugin of the kubeconfig sends.
    pub(super) fn new(mut config: kube::Config, limit: Duration, patience: Patience) -> Result<Self, kube::Error> {
        config.default_retry = false;
        config.connect_timeout = Some(limit);
        let layer = ReadOnly::default();
        let kube = transport::client(config, &layer)?;
        Ok(Self { kube, layer, limit, patience, first_date: OnceLock::new(), failed_in_a_row: AtomicU32::new(0) })
    }

    pub(super) fn requests(&self) -> usize {
        self.layer.sent()
    }

    /// The server's clock when it first answered.
    pub(super) fn first_date(&self) -> Option<DateTime<Utc>> {
        self.first_date.get().copied()
    }

    /// A whole document of at most `longest` bytes, asked for again while that may help.
    pub(super) async fn read(&self, path: &str, accept: &str, longest: usize) -> Result<Vec<u8>, Failure> {
        let mut tries = self.tries();
        loop {
            match self.read_once(path, accept, longest).await {
                Ok(body) => return Ok(tries.succeeded(body)),
                Err(failure) => tries.pause(failure).await?,
            }
        }
    }

    async fn read_once(&self, path: &str, accept: &str, longest: usize) -> Result<Vec<u8>, Failure> {
        let response = self.get(path, accept).await?;
        let mut body = Vec::new();
        self.receive(response.into_body(), async |chunk| {
            body.extend_from_slice(&chunk);
            body.len() <= longest
        })
        .await?;
        if body.len() > longest {
            return Err(Failure::malformed(format!("longer than {longest} bytes")));
        }
        Ok(body)
    }

    /// One try at one list: `item` gets each item, of a page of the usual length when all of it is there, of a longer one while
    /// the next is on its way. What it got is worth nothing if this fails.
    pub(super) async fn list_once(&self, path: &str, mut item: impl FnMut(Box<RawValue>)) -> Result<Envelope, Failure> {
        let response = self.get(path, JSON).await?;
        let (chunks, received) = mpsc::channel::<Vec<u8>>(8);
        let (items, mut parsed) = mpsc::channel::<Box<RawValue>>(64);
        let parser = tokio::task::spawn_blocking(move || {
            let reader = ChunkReader { chunks: received, current: Vec::new(), position: 0 };
            read_limited_list(reader, &mut |item| items.blocking_send(item).is_ok())
        });
        let receiving = async {
            let received = self.receive(response.into_body(), async |chunk| chunks.send(chunk).await.is_ok()).await;
            drop(chunks);
            received
        };
        let visiting = async {
            while let Some(next) = parsed.recv().await {
                item(next);
            }
        };
        let (received, ()) = tokio::join!(receiving, visiting);
        received?;
        match parser.await {
            Ok(Ok(envelope)) => Ok(envelope),
            Ok(Err(error)) => Err(Failure::malformed(format!("the list {}", json_text(&error)))),
            Err(_) => Err(Failure::malformed("the list could not be parsed")),
        }
    }

    pub(super) fn tries(&self) -> Tries<'_> {
        let hopeless = self.failed_in_a_row.load(Ordering::Relaxed) >= HOPELESS;
        let patience = if hopeless { Patience { attempts: 1, ..self.patience } } else { self.patience };
        Tries { client: self, patience, made: 0 }
    }

    /// Sends one request; anything but 200 is a failure.
    async fn get(&self, path: &str, accept: &str) -> Result<Response<Body>, Failure> {
        let request = Request::get(path).header(ACCEPT, accept).body(Body::empty());
        let request = request.map_err(|_| Failure::malformed("the server named a path that is none"))?;
        let answered = timeout(self.limit, self.kube.send(request)).await.map_err(|_| Failure::timed_out(self.limit))?;
        let response = answered.map_err(|error| Failure::of_sending(&error))?;
        if let Some(date) = header(response.headers(), DATE.as_str()).and_then(|text| DateTime::parse_from_rfc2822(text).ok()) {
            self.first_date.get_or_init(|| date.to_utc());
        }
        if response.status() == StatusCode::OK { Ok(response) } else { Err(self.refusal(response).await) }
    }

    async fn refusal(&self, response: Response<Body>) -> Failure {
        let status = response.status();
        let pause = header(response.headers(), RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let mut body = Vec::new();
        let received = self.receive(response.into_body(), async |chunk| {
            body.extend_from_slice(&chunk);
            body.len() <= LONGEST_REFUSAL
        });
        // The status says enough where the rest of a refusal does not come.
        let whole = received.await.is_ok();
        let told = if whole { serde_json::from_slice::<Status>(&body).ok() } else { None };
        let message = told.filter(|told| told.kind == "Status").and_then(|told| told.message);
        Failure::status(status, pause, message.as_deref())
    }

    /// Hands a body on, part by part, until it ends or `take` has enough.
    async fn receive(&self, body: Body, take: impl AsyncFnMut(Vec<u8>) -> bool) -> Result<(), Failure> {
        let slowest = self.limit.saturating_mul(SLOWEST);
        timeout(slowest, self.receive_parts(body, take)).await.unwrap_or_else(|_| Err(Failure::timed_out(slowest)))
    }

    async fn receive_parts(&self, mut body: Body, mut take: impl AsyncFnMut(Vec<u8>) -> bool) -> Result<(), Failure> {
        loop {
            // A fresh limit for each part, so that the time in which somebody compares a page is not the server's.
            let Ok(frame) = timeout(self.limit, body.frame()).await else { return Err(Failure::timed_out(self.limit)) };
            match frame {
                None => return Ok(()),
                Some(Err(error)) => return Err(Failure { again: Again::Soon, ..Failure::of_sending(&error) }),
                Some(Ok(frame)) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    if !take(chunk.to_vec()).await {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The repetitions of one request.
pub(super) struct Tries<'a> {
    client: &'a Client,
    patience: Patience,
    made: u32,
}

impl Tries<'_> {
    /// Waits before the next try; the failure comes back where there is none.
    pub(super) async fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        self.made += 1;
        let Some(pause) = self.patience.pause(self.made, failure.again) else {
            match failure.again {
                Again::No => self.client.failed_in_a_row.store(0, Ordering::Relaxed),
                Again::Soon | Again::After(_) => drop(self.client.failed_in_a_row.fetch_add(1, Ordering::Relaxed)),
            }
            return Err(failure);
        };
        tracing::debug!(reason = failure.reason, pause_ms = pause.as_millis(), "asking the cluster again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Remembers that the server answers.
    pub(super) fn succeeded<T>(&self, answer: T) -> T {
        self.client.failed_in_a_row.store(0, Ordering::Relaxed);
        answer
    }
}

/// A list from a reader: as a whole where it is no longer than a page usually is, else as it comes, and then with an error where
/// one item is longer than any object.
pub(super) fn read_limited_list(mut reader: impl Read, item: &mut dyn FnMut(Box<RawValue>) -> bool) -> Result<Envelope, serde_json::Error> {
    let mut text = Vec::new();
    reader.by_ref().take(USUAL_PAGE).read_to_end(&mut text).map_err(serde_json::Error::io)?;
    if (text.len() as u64) < USUAL_PAGE {
        return read_whole_list(&text, item);
    }
    let reader = io::Cursor::new(text).chain(reader);
    let since_item = std::cell::Cell::new(0);
    let reader = Limited { reader, since_item: &since_item };
    read_list(io::BufReader::with_capacity(64 * 1024, reader), &mut |next| {
        since_item.set(0);
        item(next)
    })
}

struct Limited<'a, R> {
    reader: R,
    since_item: &'a std::cell::Cell<usize>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.since_item.set(self.since_item.get() + count);
        if self.since_item.get() > LONGEST_ITEM { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(count) }
    }
}

/// What arrives on the network, for the parser's thread.
struct ChunkReader {
    chunks: mpsc::Receiver<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.current.len() {
            let Some(next) = self.chunks.blocking_recv() else { return Ok(0) };
            self.current = next;
            self.position = 0;
        }
        let count = (&self.current[self.position..]).read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::read_limited_list;

    #[test]
    fn an_endless_item_ends_the_list() {
        let endless = r#"{"items":[""#.as_bytes().chain(std::io::repeat(b'x'));
        assert!(read_limited_list(endless, &mut |_| true).unwrap_err().is_io());
    }
}
