//! What Kustomize would fetch, as its `NewRepoSpecFromURL` and `IsRemoteFile` read a reference (api v0.21). Nothing is fetched here.

/// So many characters of a reference are told.
const LONGEST: usize = 300;

/// Something that would be fetched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Where it lies, without credentials.
    pub(super) url: String,
    /// The branch, tag or commit that is asked for.
    pub(super) reference: Option<String>,
    /// Whether that is one commit for ever.
    pub(super) is_pinned: bool,
}

impl Fetched {
    /// What a reference would fetch, whatever it is.
    pub(super) fn of(reference: &str) -> Self {
        let (place, query) = reference.split_once('?').unwrap_or((reference, ""));
        let asked = parameters(query).and_then(|found| found.reference);
        // A server gives what it wants for a file, whatever the query asks for.
        let is_pinned = match asked.as_deref() {
            Some(asked) if !is_file(reference) || is_plain_repository(place) => is_commit(asked),
            _ => is_raw_file_of_commit(place),
        };
        Self { url: cut(&shown(reference)), reference: asked.as_deref().map(cut), is_pinned }
    }
}

/// A text as far as it is told.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Whether a reference is fetched as a file.
pub(super) fn is_file(reference: &str) -> bool {
    ["http:", "https:"].into_iter().any(|scheme| without_prefix(reference, scheme).is_some())
}

/// Whether a reference that is no file is cloned, even where a folder is called so.
pub(super) fn is_repository(reference: &str) -> bool {
    if reference.starts_with('/') {
        return false;
    }
    let place = reference.split_once('?').map_or(reference, |(place, _)| place);
    let place = without_prefix(place, "git::").unwrap_or(place);
    let scheme = ["ssh://", "https://", "http://", "file://"].into_iter().find(|scheme| without_prefix(place, scheme).is_some());
    let rest = scheme.and_then(|scheme| without_prefix(place, scheme)).unwrap_or(place);
    if scheme == Some("file://") {
        return has_path(rest, 1);
    }
    let (has_user, rest) = without_user(rest);
    let is_github = ["github.com/", "github.com:"].into_iter().any(|host| without_prefix(rest, host).is_some());
    if scheme.is_none() && !has_user && !is_github {
        return false;
    }
    let slash = rest.find('/');
    let colon = rest.find(':').filter(|colon| scheme.is_none() && slash.is_none_or(|slash| *colon > 0 && *colon < slash));
    colon.or(slash).is_some_and(|end| has_path(&rest[end + 1..], 2))
}

/// Whether a text that leads to nothing in the tree looks like something that another version of Kustomize would fetch.
/// Relative paths that start with a dot are plainly local.
pub(super) fn looks_remote(reference: &str) -> bool {
    if reference.starts_with("./") || reference.starts_with("../") || reference.starts_with('/') {
        return false;
    }
    let host = reference.split(['/', ':']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.starts_with('.') && reference.len() > host.len();
    is_host
        || reference.contains("://")
        || reference.contains("::")
        || reference.contains('@')
        || reference.contains("ref=")
        || reference.starts_with("gh:")
}

fn without_prefix<'text>(text: &'text str, prefix: &str) -> Option<&'text str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn without_user(text: &str) -> (bool, &str) {
    let Some((user, rest)) = text.split_once('@') else { return (false, text) };
    let is_user = user.starts_with(|first: char| first.is_ascii_alphabetic())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_user { (true, rest) } else { (false, text) }
}

/// Whether a path names a repository: where nothing in it says where the repository ends, by so many parts.
fn has_path(path: &str, parts: usize) -> bool {
    let (repository, inside) = if let Some(at) = path.find("_git/") {
        let (start, rest) = path.split_at(at + "_git/".len());
        (start, rest.split_once('/').map_or("", |(_, inside)| inside))
    } else if let Some(split) = path.split_once("//") {
        split
    } else if let Some(at) = path.find(".git") {
        path.split_at(at + ".git".len())
    } else if path.split('/').count() >= parts {
        let end = path.match_indices('/').nth(parts - 1).map_or(path.len(), |(end, _)| end);
        if parts == 1 { (path, "") } else { path.split_at(end) }
    } else {
        return false;
    };
    !repository.is_empty() && !leads_out(inside)
}

/// Whether a path inside a repository leads out of it.
fn leads_out(path: &str) -> bool {
    let mut depth = 0_i64;
    path.split('/').filter(|part| !part.is_empty() && *part != ".").any(|part| {
        depth += if part == ".." { -1 } else { 1 };
        depth < 0
    })
}

struct Parameters {
    reference: Option<String>,
}

/// What a query asks for; nothing where Go cannot read it, and then Kustomize takes the default branch.
fn parameters(query: &str) -> Option<Parameters> {
    let (mut version, mut reference) = (None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return None;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescaped(key)?, unescaped(value)?);
        // Of several values Go takes the first.
        match key.as_str() {
            "ref" => _ = reference.get_or_insert(value),
            "version" => _ = version.get_or_insert(value),
            _ => {}
        }
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(Parameters { reference: filled(reference).or_else(|| filled(version)) })
}

/// Undoes `%20` and `+`; nothing where an escape is none.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a reference is the full id of a commit.
fn is_commit(reference: &str) -> bool {
    matches!(reference.len(), 40 | 64) && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether what is first asked for as a file is plainly a repository: Kustomize clones only what no server gives it as a file.
fn is_plain_repository(place: &str) -> bool {
    let rest = ["https://", "http://"].into_iter().find_map(|scheme| without_prefix(place, scheme)).unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_yaml = [".yaml", ".yml", ".json"].into_iter().any(|end| path.to_ascii_lowercase().ends_with(end));
    let parts: Vec<&str> = path.split('/').collect();
    // Of what lies in a repository, GitHub serves files and the assets of releases under these.
    let is_on_github = host.eq_ignore_ascii_case("github.com") && !matches!(parts.get(2), Some(&("raw" | "releases" | "archive")));
    let ends_in_sight = path.contains("_git/") || path.contains("//") || parts.iter().any(|part| part.ends_with(".git"));
    !is_yaml && has_path(path, 2) && (is_on_github || ends_in_sight || parts.len() == 2)
}

/// Whether a file is one of a commit, as GitHub serves them.
fn is_raw_file_of_commit(place: &str) -> bool {
    let rest = without_prefix(place, "https://").or_else(|| without_prefix(place, "http://")).unwrap_or_default();
    let parts: Vec<&str> = rest.splitn(6, '/').collect();
    match parts.as_slice() {
        [host, _, _, commit, _, ..] if host.eq_ignore_ascii_case("raw.githubusercontent.com") => is_commit(commit),
        [host, _, _, "raw", commit, _] if host.eq_ignore_ascii_case("github.com") => is_commit(commit),
        _ => false,
    }
}

/// A reference without user and password, and without query and fragment, which may hold a token.
fn shown(reference: &str) -> String {
    let reference = reference.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = match reference.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), reference),
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let login = reference.split_once('@').map(|(login, _)| login);
    if scheme.is_empty() && login.is_some_and(|login| login.contains(':')) {
        return reference.rsplit('@').next().unwrap_or_default().to_owned();
    }
    // A password may hold a slash; then what is behind the colon is no port.
    let port = authority.rsplit_once(':').filter(|_| !scheme.is_empty() && !authority.contains('@')).map(|(_, port)| port);
    if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit())) && path.contains('@') {
        return format!("{scheme}{}", rest.rsplit('@').next().unwrap_or_default());
    }
    let Some((user, host)) = authority.rsplit_once('@') else { return reference.to_owned() };
    // The user of ssh is none.
    let is_ssh = scheme.is_empty() || scheme.to_ascii_lowercase().contains("ssh");
    if is_ssh && !user.contains(':') { reference.to_owned() } else { format!("{scheme}{host}{path}") }
}

#[cfg(test)]
mod tests {
    use super::{Fetched, is_file, is_repository, looks_remote, shown};

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn what_would_be_cloned_is_told_from_folders_as_kustomize_does() {
        for remote in [
            "https://github.com/a/b",
            "HTTPS://github.com/a/b//c?ref=main",
            "github.com/a/b/c",
            "GitHub.com:a/b",
            "git@github.com:a/b.git",
            "git@gitlab.example:a/b",
            "org-1@host.example:a/b",
            "ssh://git@host:22/a/b",
            "git::https://host/a/b",
            "file:///srv/repo",
            "https://dev.azure.com/o/p/_git/r/path",
            "https://host/x.git/sub",
        ] {
            assert!(is_repository(remote), "{remote}");
        }
        for local in [
            "../base",
            "base",
            "a/b?ref=main",
            "gh:a/b",
            "/github.com/a/b",
            "host.example/a/b",
            "github.com/a",
            "https://host",
            "https://host/a",
            "https://github.com/a/b//../c",
            "a_b@host:a/b",
            "ssh://",
            "",
        ] {
            assert!(!is_repository(local), "{local}");
        }
        assert!(is_file("https://x") && is_file("HTTP:x/y") && !is_file("ssh://x/y") && !is_file("é"));
    }

    #[test]
    fn what_leads_nowhere_may_be_meant_for_another_version() {
        for remote in ["https://x/y.yaml", "a/b?ref=main", "host.example:org/repo", "gh:a/b"] {
            assert!(looks_remote(remote), "{remote}");
        }
        for local in ["./github.com/x", "../base", "missing.yaml", "apps/web", "/abs"] {
            assert!(!looks_remote(local), "{local}");
        }
    }

    #[test]
    fn only_a_full_commit_id_is_pinned() {
        let told = |reference: &str| {
            let Fetched { reference, is_pinned, .. } = Fetched::of(reference);
            (reference, is_pinned)
        };
        let of = |reference: &str, is_pinned| (Some(reference.to_owned()), is_pinned);
        assert_eq!(told("github.com/a/b?ref=main"), of("main", false));
        assert_eq!(told(&format!("github.com/a/b?timeout=9&ref={ID}")), of(ID, true));
        assert_eq!(told(&format!("github.com/a/b?version={ID}")), of(ID, true));
        assert_eq!(told(&format!("github.com/a/b?version={ID}&ref=v1")), of("v1", false));
        assert_eq!(told(&format!("github.com/a/b?ref={}", &ID[..12])), of(&ID[..12], false));
        assert_eq!(told(&format!("github.com/a/b?ref=v1&ref={ID}")), of("v1", false));
        // What Go cannot read asks for nothing.
        for query in [format!("ref={ID};x"), format!("ref={ID}&x=%zz"), "ref=".to_owned(), String::new()] {
            assert_eq!(told(&format!("github.com/a/b?{query}")), (None, false), "{query}");
        }
        assert_eq!(told(&format!("https://raw.githubusercontent.com/a/b/{ID}/c.yaml")), (None, true));
        assert_eq!(told(&format!("https://github.com/a/b/raw/{ID}/c.yaml")), (None, true));
        for file in [format!("https://raw.githubusercontent.com/a/{ID}/main/c.yaml"), format!("https://evil.example/a/b/{ID}/c.yaml")] {
            assert_eq!(told(&file), (None, false), "{file}");
        }
    }

    #[test]
    fn a_query_pins_a_repository_and_no_file() {
        let is_pinned = |place: &str| Fetched::of(&format!("{place}?ref={ID}")).is_pinned;
        for repository in [
            "https://github.com/a/b",
            "https://github.com/a/b/config/default",
            "https://gitlab.example/a/b.git",
            "https://gitlab.example/g/a/b.git/sub",
            "https://gitlab.example/a/b",
            "https://host/a/b//c/d",
            "https://dev.azure.com/o/p/_git/r",
            "git::https://host/a/b/c",
            "ssh://git@host/a/b/c",
            "github.com/a/b/c",
        ] {
            assert!(is_pinned(repository), "{repository}");
        }
        for file in [
            "https://raw.githubusercontent.com/a/b/main/x.yaml",
            "https://raw.githubusercontent.com/a/b/main/x",
            "https://github.com/a/b/raw/main/x",
            "https://github.com/a/b/releases/download/v1/x.yaml",
            "https://gitlab.example/a/b/-/raw/main/x",
            "https://host/x.yaml",
            "https://host/a/x.yaml",
        ] {
            assert!(!is_pinned(file), "{file}");
        }
        assert!(is_pinned(&format!("https://raw.githubusercontent.com/a/b/{ID}/x.yaml")));
    }

    #[test]
    fn a_remote_is_told_without_credentials() {
        assert_eq!(shown("https://bob:canary@host/a/b?token=canary#canary"), "https://host/a/b");
        assert_eq!(shown("https://canary@host/a/b@v1"), "https://host/a/b@v1");
        assert_eq!(shown("https://bob:ca/nary@host/a"), "https://host/a");
        assert_eq!(shown("bob:canary@host:a/b"), "host:a/b");
        assert_eq!(shown("https:/bob:canary@host/a"), "host/a");
        assert_eq!(shown("ssh://git@host:22/a"), "ssh://git@host:22/a");
        assert_eq!(shown("git@host:a/b"), "git@host:a/b");
        assert_eq!(shown("git::https://canary@host/a"), "git::https://host/a");
    }
}
