//! What can go wrong between a client and an API server.

use std::io::{Error, Result, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::{self, Answer};

/// A broken answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// 403, as RBAC words it.
    Forbidden,
    /// 404 in plain text, as from an API whose server is gone.
    NotFound,
    /// 429 with `Retry-After` in seconds.
    TooManyRequests { retry_after: u32 },
    /// 500.
    InternalError,
    /// 503, as from an aggregated API without an endpoint.
    Unavailable,
    /// 410, as to a continue token that is too old. With `continue` where the server offers to resume inconsistently.
    Expired { resume: Option<String> },
    /// The real answer, cut in the middle of its body.
    CutBody,
    /// The connection ends without a byte.
    NoAnswer,
    /// Nothing for this long; then the connection ends.
    Silence(Duration),
    /// The real aggregated discovery, in which this group is stale and has no resources.
    StaleGroup(String),
    /// The real answer with a page of something else for a body, as from a captive portal.
    NotJson,
}

impl Fault {
    /// Gives the broken answer; `real` asks the server for the real one.
    pub(super) fn answer(&self, connection: &mut TcpStream, real: impl FnOnce() -> Result<Answer>) -> Result<()> {
        match self {
            Self::Forbidden => send_status(connection, 403, "Forbidden", "forbidden by a test", &[], json!({})),
            Self::NotFound => wire::send(connection, 404, &[("Content-Type", "text/plain")], b"404 page not found\n"),
            Self::TooManyRequests { retry_after } => {
                let details = json!({ "details": { "retryAfterSeconds": retry_after } });
                let headers = [("Retry-After", retry_after.to_string())];
                send_status(connection, 429, "TooManyRequests", "too many requests, said a test", &headers, details)
            }
            Self::InternalError => send_status(connection, 500, "InternalError", "an error made by a test", &[], json!({})),
            Self::Unavailable => wire::send(connection, 503, &[("Content-Type", "text/plain")], b"service unavailable, said a test\n"),
            Self::Expired { resume } => {
                let rest = resume.as_ref().map_or(json!({}), |token| json!({ "metadata": { "continue": token } }));
                let message = "The provided continue parameter is too old, said a test";
                send_status(connection, 410, "Expired", message, &[], rest)
            }
            Self::CutBody => cut(connection, real()?),
            Self::NoAnswer => Ok(()),
            Self::Silence(time) => {
                std::thread::sleep(*time);
                Ok(())
            }
            Self::StaleGroup(group) => rewrite(connection, real()?, |body| stale(body, group)),
            Self::NotJson => rewrite(connection, real()?, |_| Ok(b"<html>sign in to the network</html>".to_vec())),
        }
    }
}

/// A `Status` as the API server writes it; `rest` is laid over it.
fn send_status(connection: &mut TcpStream, code: u16, reason: &str, message: &str, headers: &[(&str, String)], rest: Value) -> Result<()> {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code,
    });
    for (key, value) in rest.as_object().into_iter().flatten() {
        status[key] = value.clone();
    }
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = headers.chain([("Content-Type", "application/json")]).collect();
    wire::send(connection, code, &headers, status.to_string().as_bytes())
}

fn cut(connection: &mut TcpStream, answer: Answer) -> Result<()> {
    let whole = answer.whole()?;
    wire::send_head(connection, whole.status, &whole.headers)?;
    wire::send_chunk(connection, &whole.body[..whole.body.len() / 2])?;
    connection.flush()
}

fn rewrite(connection: &mut TcpStream, answer: Answer, change: impl FnOnce(&[u8]) -> Result<Vec<u8>>) -> Result<()> {
    let whole = answer.whole()?;
    let kept = whole.headers.iter().filter(|(name, _)| name != "etag");
    let headers: Vec<_> = kept.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    wire::send(connection, whole.status, &headers, &change(&whole.body)?)
}

/// Aggregated discovery in which every version of a group is stale. A document without that group is a test that asks wrong.
fn stale(body: &[u8], group: &str) -> Result<Vec<u8>> {
    let mut discovery: Value = serde_json::from_slice(body)?;
    let items = discovery["items"].as_array_mut().ok_or_else(|| Error::other("this is no aggregated discovery"))?;
    let item = items.iter_mut().find(|item| item["metadata"]["name"] == group);
    let versions = item.and_then(|item| item["versions"].as_array_mut()).ok_or_else(|| Error::other("the group is not there"))?;
    for version in versions {
        version["freshness"] = "Stale".into();
        version.as_object_mut().expect("a value that was indexed by name is an object").remove("resources");
    }
    Ok(discovery.to_string().into_bytes())
}
