//! Whether a URL names this machine.

/// Whether a URL names another place than a path of this machine.
pub(super) fn is_remote(url: &str) -> bool {
    url.contains("://") || is_scp_like(url)
}

/// `git@host:path`, which Git understands as ssh.
pub(super) fn is_scp_like(url: &str) -> bool {
    url.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'))
}
