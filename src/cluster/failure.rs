//! Why a request was not answered, and whether asking again may help.

use std::time::Duration;

use http::StatusCode;
use kube::client::AuthError;

pub(super) const FORBIDDEN: &str = "forbidden";
pub(super) const UNAUTHORIZED: &str = "unauthorized";
pub(super) const NOT_FOUND: &str = "not found";
pub(super) const TOO_MANY_REQUESTS: &str = "too many requests";
pub(super) const SERVER_ERROR: &str = "server error";
pub(super) const TIMED_OUT: &str = "timed out";
pub(super) const CONNECTION_CUT: &str = "connection cut";
pub(super) const MALFORMED: &str = "malformed answer";
pub(super) const EXPIRED: &str = "expired";
pub(super) const NOT_IN_RECORDING: &str = "not in the recording";

/// How much of a message of the server is kept.
const LONGEST_DETAIL: usize = 300;

/// Whether a failure may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The same answer would come.
    No,
    /// After a pause of ours.
    Soon,
    /// After the pause that the server asked for.
    After(Duration),
}

/// One request that brought nothing. Holds no part of a body but the message of a refusal.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// One of the stable phrases above.
    pub(super) reason: &'static str,
    /// For a person.
    pub(super) detail: Option<String>,
    /// Whether to ask again.
    pub(super) again: Again,
}

impl Failure {
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self { reason: MALFORMED, detail: Some(detail.into()), again: Again::No }
    }

    pub(super) fn timed_out(limit: Duration) -> Self {
        Self { reason: TIMED_OUT, detail: Some(format!("no answer within {} s", limit.as_secs_f64())), again: Again::Soon }
    }

    /// The connection ended before the answer did.
    pub(super) fn cut(detail: impl Into<String>) -> Self {
        Self { reason: CONNECTION_CUT, detail: Some(plain(&detail.into())), again: Again::Soon }
    }

    /// An answer other than 200. `message` is that of a `Status`; it is kept only where it tells who may not read what, because
    /// other errors may quote what they failed on.
    pub(super) fn status(status: StatusCode, retry_after: Option<Duration>, message: Option<&str>) -> Self {
        let reason = match status.as_u16() {
            401 => UNAUTHORIZED,
            403 => FORBIDDEN,
            404 => NOT_FOUND,
            410 => EXPIRED,
            429 => TOO_MANY_REQUESTS,
            408 | 504 => TIMED_OUT,
            500.. => SERVER_ERROR,
            _ => MALFORMED,
        };
        let detail = match (reason, message) {
            (FORBIDDEN | NOT_FOUND, Some(message)) => plain(message),
            _ => format!("HTTP {status}"),
        };
        let passing = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT || status.is_server_error();
        let again = match (passing, retry_after) {
            (false, _) => Again::No,
            (true, Some(pause)) => Again::After(pause),
            (true, None) => Again::Soon,
        };
        Self { reason, detail: Some(detail), again }
    }

    /// A request that was not answered at all.
    pub(super) fn of_sending(error: &kube::Error) -> Self {
        let mut cause: &(dyn std::error::Error + 'static) = error;
        loop {
            if let Some(auth) = cause.downcast_ref::<AuthError>() {
                return Self { reason: UNAUTHORIZED, detail: Some(auth_text(auth)), again: Again::No };
            }
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return Self { reason: CONNECTION_CUT, detail: Some(plain(&tls.to_string())), again: Again::No };
            }
            // An io::Error that wraps another one hides it from `source`.
            let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref).map(|inner| inner as _);
            match inner.or_else(|| cause.source()) {
                Some(deeper) => cause = deeper,
                None => return Self::cut(cause.to_string()),
            }
        }
    }

    /// `reason: detail`, for the text of an error.
    pub(super) fn text(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.reason),
            None => self.reason.to_owned(),
        }
    }
}

/// What a failed log-in says. kube's own texts quote what a plugin printed, tokens included.
pub(super) fn auth_text(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let stderr = String::from_utf8_lossy(&out.stderr);
            let last = stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
            format!("the exec plugin of the kubeconfig failed with {}: {}", out.status, plain(last))
        }
        AuthError::AuthExecStart(cause) => format!("the exec plugin of the kubeconfig cannot be started: {cause}"),
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => "the exec plugin of the kubeconfig printed no credential".to_owned(),
        AuthError::MissingCommand => "the exec plugin of the kubeconfig has no command".to_owned(),
        AuthError::ReadTokenFile(cause, path) => format!("the token file {} cannot be read: {cause}", path.display()),
        _ => "the credential of the kubeconfig cannot be used".to_owned(),
    }
}

/// Where and how JSON is broken, without quoting it as `serde_json` does.
pub(super) fn json_text(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "cannot be read",
        serde_json::error::Category::Syntax => "is not JSON",
        serde_json::error::Category::Data => "has another shape than expected",
        serde_json::error::Category::Eof => "ends early",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

fn plain(text: &str) -> String {
    let shown = text.chars().take(LONGEST_DETAIL);
    shown.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// How often and how patiently a request is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Requests in all.
    pub(super) attempts: u32,
    /// The pause before the second one; it doubles from there.
    pub(super) first: Duration,
    /// A longer pause that a server asks for is not waited for.
    pub(super) longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { attempts: 5, first: Duration::from_millis(250), longest: Duration::from_secs(60) }
    }
}

impl Patience {
    /// The pause before attempt `made + 1`; none where it is not to be made.
    pub(super) fn pause(&self, made: u32, again: Again) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        match again {
            Again::No => None,
            Again::Soon => Some(self.first.saturating_mul(1 << (made - 1).min(16)).min(self.longest)),
            Again::After(pause) => (pause <= self.longest).then_some(pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::{Again, Failure, Patience};

    #[test]
    fn every_refusal_has_its_phrase() {
        let reason = |status: u16| Failure::status(StatusCode::from_u16(status).unwrap(), None, None).reason;
        let reasons: Vec<_> = [301, 400, 401, 403, 404, 410, 429, 500, 503, 504].map(reason).into();
        assert_eq!(
            reasons,
            [
                "malformed answer",
                "malformed answer",
                "unauthorized",
                "forbidden",
                "not found",
                "expired",
                "too many requests",
                "server error",
                "server error",
                "timed out"
            ]
        );
    }

    #[test]
    fn a_message_of_a_server_error_is_not_kept() {
        let failure = Failure::status(StatusCode::INTERNAL_SERVER_ERROR, None, Some("cannot decode canary"));
        assert_eq!(failure.text(), "server error: HTTP 500 Internal Server Error");
        let refused = Failure::status(StatusCode::FORBIDDEN, None, Some("secrets is forbidden\u{1b}[31m"));
        assert_eq!(refused.text(), "forbidden: secrets is forbidden [31m");
    }

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience { attempts: 3, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
        assert_eq!(patience.pause(1, Again::Soon), Some(Duration::from_secs(1)));
        assert_eq!(patience.pause(2, Again::Soon), Some(Duration::from_secs(2)));
        assert_eq!(patience.pause(3, Again::Soon), None);
        assert_eq!(patience.pause(1, Again::No), None);
        assert_eq!(patience.pause(1, Again::After(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(patience.pause(1, Again::After(Duration::from_secs(3600))), None);
    }
}
