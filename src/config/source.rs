//! `--source` texts: `[name=]url[@ref][#path]`.

use std::collections::BTreeSet;

use super::Error;
use super::file::Source;
use super::place::is_scp_like;

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
    let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (url, reference) = match rest[last_part..].find('@') {
        Some(at) if !(is_scp_like(rest) && last_part == 0) => (&rest[..last_part + at], Some(rest[last_part + at + 1..].to_owned())),
        _ => (rest, None),
    };
    if url.is_empty() || reference.as_deref() == Some("") {
        return Err(Error::Usage(format!("--source {text} cannot be understood; write it as [name=]url[@ref][#path]")));
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
            return Err(Error::Usage(format!("two sources are called {name}; give one another name, as in --source other={}", source.url)));
        }
        source.name = Some(name);
    }
    Ok(sources)
}

fn default_name(url: &str) -> String {
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
    fn two_sources_of_one_name_are_refused() {
        let sources = vec![parse("./a/fleet").expect("a source"), parse("./b/fleet.git").expect("a source")];
        assert!(named(sources).expect_err("a clash").to_string().contains("two sources are called fleet"));
    }
}
