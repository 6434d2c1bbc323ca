//! `--source` texts: `[name=]url[@ref][#path]`.

use std::collections::BTreeSet;

use super::Error;
use super::file::Source;
use super::place::is_scp_like;
use crate::source::{holds_login, shown};

/// Where the `@` of a reference may stand: after the last `/`, but never in the part of a URL that may hold a login.
fn reference_at(url: &str) -> Option<usize> {
    let login_ends = match url.split_once("://") {
        Some((scheme, rest)) => rest.find('/').map(|slash| scheme.len() + "://".len() + slash)?,
        None if is_scp_like(url) || holds_login(url) => url.find('/')?,
        None => 0,
    };
    let last_part = url.rfind('/').map_or(0, |slash| slash + 1).max(login_ends);
    url[last_part..].find('@').map(|at| last_part + at)
}

/// Reads `[name=]url[@ref][#path]`; the `@` counts only after the last `/`.
pub(super) fn parse(text: &str) -> Result<Source, Error> {
    let (rest, path) = match text.split_once('#') {
        Some((rest, path)) => (rest, Some(path.to_owned())),
        None => (text, None),
    };
    let (name, rest) = match rest.split_once('=') {
        Some((name, url)) if is_name(name) => (Some(name.to_owned()), url),
        _ => (None, rest),
    };
    let (url, reference) = match reference_at(rest) {
        Some(at) => (&rest[..at], Some(rest[at + 1..].to_owned())),
        None => (rest, None),
    };
    if url.is_empty() || reference.as_deref() == Some("") {
        return Err(Error::Usage(format!("--source {} cannot be understood; write it as [name=]url[@ref][#path]", shown(text))));
    }
    Ok(Source { name, url: url.to_owned(), reference, path, ..Source::default() })
}

fn is_name(text: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'))
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Gives each source its name and refuses two of one name.
pub(super) fn named(mut sources: Vec<Source>) -> Result<Vec<Source>, Error> {
    let mut names = BTreeSet::new();
    for source in &mut sources {
        let name = source.name.take().unwrap_or_else(|| default_name(&source.url));
        if !names.insert(name.clone()) {
            let url = shown(&source.url);
            return Err(Error::Usage(format!("two sources are called {name}; give one another name, as in --source other={url}")));
        }
        source.name = Some(name);
    }
    Ok(sources)
}

/// The last part of the URL as it may be shown: a login or a token in it is no name.
fn default_name(url: &str) -> String {
    let url = shown(url);
    let trimmed = url.trim_end_matches('/');
    let last = trimmed.rsplit(['/', ':']).next().unwrap_or_default();
    let name = last.strip_suffix(".git").unwrap_or(last);
    if name.is_empty() || name == "." || name == ".." { "source".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{named, parse};

    fn parts(text: &str) -> (Option<String>, String, Option<String>, Option<String>) {
        let source = parse(text).expect("a source");
        (source.name, source.url, source.reference, source.path)
    }

    #[test]
    fn name_reference_and_path_are_optional() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts("./fleet"), (None, "./fleet".into(), None, None));
        assert_eq!(parts("fleet=./fleet@main#clusters/prod"), (some("fleet"), "./fleet".into(), some("main"), some("clusters/prod")));
        assert_eq!(parts("ssh://git@example.com/fleet.git@v1"), (None, "ssh://git@example.com/fleet.git".into(), some("v1"), None));
        assert_eq!(parts("git@example.com:fleet.git"), (None, "git@example.com:fleet.git".into(), None, None));
        assert_eq!(parts("https://alice@example.com/team/fleet"), (None, "https://alice@example.com/team/fleet".into(), None, None));
    }

    #[test]
    fn an_at_before_the_last_slash_belongs_to_the_path() {
        assert_eq!(parts("./old@2024/fleet").1, "./old@2024/fleet");
    }

    #[test]
    fn a_login_is_neither_a_reference_nor_a_name() {
        for (text, name) in [
            ("https://bob:s3cret@git.example", "git.example"),
            ("https://s3cret@git.example/", "git.example"),
            ("https://git.example/fleet.git?token=s3cret", "fleet"),
            ("bob:s3cret@git.example:fleet", "fleet"),
        ] {
            let source = parse(text).expect("a source");
            assert_eq!((source.url.as_str(), &source.reference), (text, &None));
            assert_eq!(named(vec![source]).expect("a name")[0].name.as_deref(), Some(name));
        }
        assert!(!parse("https://bob:s3cret@git.example/fleet@").expect_err("no reference").to_string().contains("s3cret"));
    }

    #[test]
    fn two_sources_of_one_name_are_refused() {
        let sources = vec![parse("./a/fleet").expect("a source"), parse("./b/fleet.git").expect("a source")];
        assert!(named(sources).expect_err("a clash").to_string().contains("two sources are called fleet"));
    }
}
