//! Where a source lies: its URL, and the form of it that may be shown.

use std::path::PathBuf;

use super::error::{Error, Result};

/// Where a source lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// A folder of this machine: a path or a `file://` URL. It is read in place; `git-upload-pack`, which Git would start for
    /// `file://`, runs in the foreign repository and by its configuration.
    Folder(PathBuf),
    /// A server that is asked over https.
    Https(String),
    /// A server that is asked through the program `ssh`.
    Ssh(String),
}

/// Reads a URL: a path, `file://`, `https://`, `ssh://` or `user@host:path`.
pub(super) fn parse(url: &str) -> Result<Location> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return without_scheme(url);
    };
    match scheme.to_ascii_lowercase().as_str() {
        "file" => folder(url, rest),
        "https" => Ok(Location::Https(url.to_owned())),
        "http" if is_this_machine(rest) => Ok(Location::Https(url.to_owned())),
        "http" => Err(Error::Url(format!(
            "{} is not fetched: whoever sits between could change what is declared and read the credentials; use https://",
            shown(url)
        ))),
        "ssh" | "git+ssh" | "ssh+git" => Ok(Location::Ssh(url.to_owned())),
        other => Err(Error::Url(format!("{} is not fetched: {other}:// is not supported; use https:// or ssh://", shown(url)))),
    }
}

fn without_scheme(url: &str) -> Result<Location> {
    if is_scp(url) {
        return Ok(Location::Ssh(url.to_owned()));
    }
    let path = PathBuf::from(url);
    if holds_login(url) && !path.exists() {
        return Err(Error::Url(format!("{} is no folder and no URL; write https://… or ssh://…", shown(url))));
    }
    Ok(Location::Folder(path))
}

fn folder(url: &str, rest: &str) -> Result<Location> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(Error::Url(format!("{} names another machine; write file:///absolute/path", shown(url))));
    }
    Ok(Location::Folder(PathBuf::from(decoded(path))))
}

/// Undoes `%20` and its like. What is no escape stays as it is.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = escape.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => (bytes.push(byte), rest = &after[2..]).1,
            None => (bytes.push(*first), rest = after).1,
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

/// `user@host:path`, Git's short form of ssh: a colon before the first slash, and a user, so that no path is taken for it.
fn is_scp(url: &str) -> bool {
    let head = url.split('/').next().unwrap_or(url);
    head.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.starts_with('-'))
}

fn is_this_machine(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host.split(']').next().unwrap_or(host) } else { host.split(':').next().unwrap_or(host) };
    matches!(host, "127.0.0.1" | "localhost" | "[::1")
}

/// Whether a text without a scheme may be a mistyped URL with a password: a colon, and an `@` behind it.
pub fn holds_login(url: &str) -> bool {
    !url.contains("://") && url.split_once(':').is_some_and(|(user, rest)| !user.contains('@') && rest.contains('@'))
}

/// The URL without user, password, query and fragment, each of which may be a credential. A user of ssh is none and stays.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return without_login(url) };
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let Some((user, host)) = authority.rsplit_once('@') else { return format!("{scheme}://{authority}{path}") };
    let user = user.split(':').next().unwrap_or(user);
    if scheme.contains("ssh") { format!("{scheme}://{user}@{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

fn without_login(url: &str) -> String {
    match (url.split_once(':'), url.rsplit_once('@')) {
        (Some((user, _)), Some((_, host))) if holds_login(url) => format!("{user}:…@{host}"),
        _ => url.to_owned(),
    }
}

/// The user and password that stand in a URL, if any, and the URL without them.
pub(super) fn split_credentials(url: &str) -> (Option<(String, String)>, String) {
    let bare = |scheme: &str, rest: &str| format!("{scheme}://{rest}");
    let Some((scheme, rest)) = url.split_once("://") else { return (None, url.to_owned()) };
    let (authority, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    let Some((user, host)) = authority.rsplit_once('@') else { return (None, url.to_owned()) };
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    (Some((decoded(user), decoded(password))), bare(scheme, &format!("{host}{path}")))
}

#[cfg(test)]
mod tests {
    use super::{Location, parse, shown, split_credentials};

    #[test]
    fn urls_are_told_apart() {
        assert_eq!(parse("./fleet").unwrap(), Location::Folder("./fleet".into()));
        assert_eq!(parse("a:b/c").unwrap(), Location::Folder("a:b/c".into()));
        assert_eq!(parse("file:///srv/a%20b").unwrap(), Location::Folder("/srv/a b".into()));
        assert!(matches!(parse("git@host:fleet.git").unwrap(), Location::Ssh(_)));
        assert!(matches!(parse("http://127.0.0.1:8080/x").unwrap(), Location::Https(_)));
    }

    #[test]
    fn plain_http_and_unknown_schemes_are_refused() {
        for url in
            ["http://git.example/x", "http://localhost@evil.example/x", "http://127.0.0.1.evil.example/", "ext::sh -c x://", "git://h/x"]
        {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        assert_eq!(shown("https://bob:s3cret@git.example/x.git?token=s3cret#s3cret"), "https://git.example/x.git");
        assert_eq!(shown("https://s3cret@git.example"), "https://git.example");
        assert_eq!(shown("ssh://git:s3cret@git.example:22/x"), "ssh://git@git.example:22/x");
        for wrong in ["http://bob:s3cret@git.example/x", "bob:s3cret@git.example:x", "https:/bob:s3cret@git.example/x"] {
            assert!(!parse(wrong).unwrap_err().to_string().contains("s3cret"), "{wrong}");
        }
    }

    #[test]
    fn credentials_in_a_url_are_taken_out_of_it() {
        let (found, rest) = split_credentials("https://bob:s%3Acret@git.example/x.git");
        assert_eq!((found.unwrap(), rest.as_str()), (("bob".into(), "s:cret".into()), "https://git.example/x.git"));
    }
}
