//! Where submodules lie, by what `.gitmodules` says of them.
//!
//! It is a file of the repository and says what its writers want it to: it is shown and never followed.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::Kind;

use super::git::Objects;
use super::listing::{Listings, Node};
use super::location::shown;

/// A larger file is none that names submodules.
const LARGEST: u64 = 1 << 20;
/// A longer text is no URL.
const LONGEST_URL: usize = 1000;

/// The URLs of submodules by their paths, without credentials. Of a file that cannot be read there are none; of two entries for
/// one path it is not known which is meant, so that path has none either.
pub(super) fn urls(objects: &Objects, listings: &Listings<'_>, tree: &ObjectId) -> HashMap<Vec<u8>, String> {
    let Ok(Some((Node::File, id))) = listings.find(tree, b".gitmodules") else { return HashMap::new() };
    let is_small = objects.size(&id).is_ok_and(|size| size <= LARGEST);
    let bytes = is_small.then(|| objects.read(&id, Kind::Blob).ok()).flatten().unwrap_or_default();
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> HashMap<Vec<u8>, String> {
    let metadata = gix::config::file::Metadata::default();
    let Ok(file) = gix::config::File::from_bytes_no_includes(bytes, metadata, Default::default()) else { return HashMap::new() };
    let mut urls: HashMap<Vec<u8>, Option<String>> = HashMap::new();
    for section in file.sections_by_name("submodule").into_iter().flatten() {
        let (Some(path), Some(url)) = (section.value("path"), section.value("url")) else { continue };
        let url = shown(&url.to_str_lossy());
        let known = Some(url).filter(|url| url.chars().count() <= LONGEST_URL);
        urls.entry(path.trim_end_with(|end| end == '/').to_vec()).and_modify(|url| *url = None).or_insert(known);
    }
    urls.into_iter().filter_map(|(path, url)| Some((path, url?))).collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn urls_are_told_without_credentials_and_only_where_they_are_certain() {
        let text = "[submodule \"a\"]\n\tpath = vendor/a\n\turl = https://bob:canary@host/a.git?token=canary\n\
                    [submodule \"b\"]\n\tpath = b/\n\turl = ../b\n\
                    [submodule \"c\"]\n\tpath = c\n\turl = https://one\n[submodule \"d\"]\n\tpath = c\n\turl = https://two\n\
                    [submodule \"e\"]\n\tpath = e\n";
        let mut found: Vec<(String, String)> =
            parse(text.as_bytes()).into_iter().map(|(path, url)| (String::from_utf8(path).unwrap(), url)).collect();
        found.sort();
        let expected = [("b", "../b"), ("vendor/a", "https://host/a.git")];
        assert_eq!(found, expected.map(|(path, url)| (path.to_owned(), url.to_owned())));
        assert!(parse(b"[submodule \"a\xff").is_empty() && parse(b"").is_empty());
    }
}
