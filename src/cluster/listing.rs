//! Lists of a live cluster: page by page, several kinds at a time, interrupted pages again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::value::RawValue;

use super::client::Client;
use super::failure::{EXPIRED, Failure};
use super::object;
use super::wire::Envelope;
use crate::model::evidence::{Listing, ListingGap, Page, Scope};
use crate::model::kind::Kind;
use crate::model::object::{LiveObject, ObjectId};
use crate::progress::Progress;
use crate::secret::Redactor;

/// Objects of one page; what kubectl asks for, too.
const PAGE_SIZE: usize = 500;
/// What a page may hold before the next ones are asked to be shorter, in bytes of wanted objects.
const LARGE_PAGE: usize = 32 * 1024 * 1024;
/// Objects of a page after a large one.
const SHORT_PAGE_SIZE: usize = 50;
/// A server that never ends a list is not believed: 50 million objects.
const MOST_PAGES: usize = 100_000;

/// Everything that reading lists needs.
pub(super) struct Lists<'a> {
    pub(super) client: &'a Client,
    pub(super) redactor: &'a Redactor,
    pub(super) progress: &'a Progress,
    pub(super) wanted: &'a (dyn Fn(&ObjectId) -> bool + Sync),
    pub(super) page: Mutex<&'a mut (dyn FnMut(Page) + Send)>,
}

/// How a listing is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Paging {
    /// So many at a time.
    Paged(usize),
    /// As one answer, which cannot expire on the way.
    Whole,
}

/// A complete page.
struct Read {
    envelope: Envelope,
    /// Those that are wanted.
    objects: Vec<LiveObject>,
    /// Their length in the answer.
    bytes: usize,
    broken: Broken,
}

/// The continue token of a listing expired.
struct Expired;

impl Lists<'_> {
    /// Reads all listings, four at a time. The gaps are sorted.
    pub(super) async fn read(&self, listings: &[Listing]) -> Vec<ListingGap> {
        let next = AtomicUsize::new(0);
        let gaps = Mutex::new(Vec::new());
        let worker = || async {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(listing) = listings.get(index) else { break };
                let found = self.listing(index, listing).await;
                gaps.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            }
        };
        tokio::join!(worker(), worker(), worker(), worker());
        let mut gaps = gaps.into_inner().unwrap_or_else(PoisonError::into_inner);
        gaps.sort_by(|one: &ListingGap, other| (one.listing, &one.namespace).cmp(&(other.listing, &other.namespace)));
        gaps
    }

    async fn listing(&self, index: usize, listing: &Listing) -> Vec<ListingGap> {
        if let Ok(gaps) = self.attempt(index, listing, Paging::Paged(PAGE_SIZE)).await {
            return gaps;
        }
        self.deliver(Page::Restarted(index));
        match self.attempt(index, listing, Paging::Whole).await {
            Ok(gaps) => gaps,
            Err(Expired) => vec![ListingGap { listing: index, namespace: None, reason: EXPIRED.to_owned(), detail: None }],
        }
    }

    async fn attempt(&self, index: usize, listing: &Listing, paging: Paging) -> Result<Vec<ListingGap>, Expired> {
        let mut gaps = Vec::new();
        for namespace in namespaces(listing) {
            match self.namespace(index, &listing.kind, namespace, paging).await {
                Ok(None) => {}
                Ok(Some(failure)) => gaps.push(gap(index, namespace, failure)),
                Err(expired) => return Err(expired),
            }
        }
        Ok(gaps)
    }

    /// Reads one list to its end; returns why it is not whole, if it is not.
    async fn namespace(&self, index: usize, kind: &Kind, namespace: Option<&str>, mut paging: Paging) -> Result<Option<Failure>, Expired> {
        if namespace.is_some_and(|namespace| !is_namespace_name(namespace)) {
            return Ok(Some(Failure::malformed("no namespace can have this name")));
        }
        let mut broken = Broken::default();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let path = path(kind, namespace, paging, token.as_deref());
            let Read { envelope, objects, bytes, broken: found } = match self.page(&path, kind, namespace).await {
                Ok(page) => page,
                Err(failure) if failure.reason == EXPIRED && token.is_some() => return Err(Expired),
                Err(failure) => return Ok(Some(failure)),
            };
            broken.add(found);
            if bytes > LARGE_PAGE && paging != Paging::Whole {
                paging = Paging::Paged(SHORT_PAGE_SIZE);
            }
            if !objects.is_empty() {
                self.deliver(Page::Objects(index, objects));
            }
            match envelope.next {
                None => return Ok(broken.into_failure()),
                same if same == token => return Ok(Some(Failure::malformed("the list goes on with the same token for ever"))),
                next => token = next,
            }
        }
        Ok(Some(Failure::malformed("the list does not end")))
    }

    /// One complete page, repeated while that may help.
    async fn page(&self, path: &str, kind: &Kind, namespace: Option<&str>) -> Result<Read, Failure> {
        let mut tries = self.client.tries();
        loop {
            let mut objects = Vec::new();
            let mut broken = Broken::default();
            let mut count = 0_usize;
            let mut bytes = 0;
            let listed = self.client.list_once(path, |item| {
                count += 1;
                match self.object(&item, kind, namespace) {
                    Ok(None) => {}
                    Ok(Some(object)) => {
                        bytes += item.get().len();
                        objects.push(object);
                    }
                    Err(why) => broken.add(Broken { count: 1, first: Some(format!("item {count} {why}")) }),
                }
            });
            match listed.await.and_then(|envelope| checked(envelope, kind)) {
                Ok(envelope) => {
                    self.progress.tell(|| format!("reading {}", kind.plural));
                    return Ok(tries.succeeded(Read { envelope, objects, bytes, broken }));
                }
                Err(failure) => tries.pause(failure).await?,
            }
        }
    }

    fn object(&self, item: &RawValue, kind: &Kind, namespace: Option<&str>) -> Result<Option<LiveObject>, String> {
        let id = object::identity(object::head(item)?, kind, namespace)?;
        if !(self.wanted)(&id) {
            return Ok(None);
        }
        object::live_object(item, id, &kind.version, self.redactor).map(Some)
    }

    fn deliver(&self, page: Page) {
        let mut taker = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        (*taker)(page);
    }
}

/// Items that could not be read. They are a gap: one of them may be an object that somebody will miss.
#[derive(Default)]
pub(super) struct Broken {
    count: usize,
    first: Option<String>,
}

impl Broken {
    pub(super) fn one(why: String) -> Self {
        Self { count: 1, first: Some(why) }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }

    pub(super) fn into_failure(self) -> Option<Failure> {
        let first = self.first?;
        let others = if self.count > 1 { format!(" (and {} more)", self.count - 1) } else { String::new() };
        Some(Failure::malformed(format!("{first}{others}")))
    }
}

fn gap(listing: usize, namespace: Option<&str>, failure: Failure) -> ListingGap {
    ListingGap { listing, namespace: namespace.map(str::to_owned), reason: failure.reason.to_owned(), detail: failure.detail }
}

/// The lists that make a listing. Namespaces mean nothing to a kind without them.
fn namespaces(listing: &Listing) -> Vec<Option<&str>> {
    match &listing.scope {
        Scope::Namespaces(names) if listing.kind.namespaced => names.iter().map(|name| Some(name.as_str())).collect(),
        Scope::Namespaces(_) | Scope::All => vec![None],
    }
}

/// Whether it is the list that was asked for, and neither a table nor a refusal under the status of a success.
fn checked(envelope: Envelope, kind: &Kind) -> Result<Envelope, Failure> {
    if !envelope.has_items || envelope.api_version != kind.api_version() || matches!(envelope.kind.as_str(), "Table" | "Status") {
        return Err(Failure::malformed("the answer is no list of the kind"));
    }
    Ok(envelope)
}

/// DNS label of RFC 1123. Namespaces come from repositories and become part of a path.
pub(super) fn is_namespace_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn path(kind: &Kind, namespace: Option<&str>, paging: Paging, token: Option<&str>) -> String {
    let mut path = String::from(if kind.group.is_empty() { "/api" } else { "/apis" });
    let namespace = namespace.map(|name| ["namespaces", name]);
    let group = (!kind.group.is_empty()).then_some(kind.group.as_str());
    let segments = group.into_iter().chain([kind.version.as_str()]).chain(namespace.into_iter().flatten()).chain([kind.plural.as_str()]);
    for segment in segments {
        path.push('/');
        path.push_str(&escaped(segment));
    }
    let limit = match paging {
        Paging::Paged(size) => Some(format!("limit={size}")),
        Paging::Whole => None,
    };
    let token = token.map(|token| format!("continue={}", escaped(token)));
    let query: Vec<String> = limit.into_iter().chain(token).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Every namespace of a scope; none where it is the kind as a whole.
pub(super) fn scope_names(scope: &Scope) -> Option<&BTreeSet<String>> {
    match scope {
        Scope::All => None,
        Scope::Namespaces(names) => Some(names),
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, is_namespace_name};

    #[test]
    fn a_path_is_no_namespace() {
        assert!(is_namespace_name("kube-system"));
        for name in ["", "..", "a/b", "a?b", "A", "-a", "a-", "a.b", "ä", &"a".repeat(64)] {
            assert!(!is_namespace_name(name), "{name}");
        }
    }

    #[test]
    fn broken_items_are_counted_and_the_first_is_told() {
        let mut broken = Broken::one("item 1 has no name".into());
        broken.add(Broken::one("item 2 has no name".into()));
        assert_eq!(broken.into_failure().unwrap().text(), "malformed answer: item 1 has no name (and 1 more)");
        assert!(Broken::default().into_failure().is_none());
    }
}
