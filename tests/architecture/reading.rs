//! What a source file imports, calls and derives, read from its tokens. Tests within it are left out.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The facts about one file that rules are about.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root of the crate, as in `src/compare/mod.rs`.
    pub(crate) file: String,
    /// As in `compare::quantity`, in parts; empty for the root of the library and of the program.
    pub(crate) module: Vec<String>,
    /// Whether it begins by saying what it is for.
    pub(crate) has_doc: bool,
    /// Every path of two or more parts and everything imported. Those that begin with `crate`, `self` or `super` begin with `crate`.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Names of the macros it calls.
    pub(crate) macros: BTreeSet<String>,
    /// Every identifier.
    pub(crate) names: BTreeSet<String>,
    /// Modules in files of their own that only tests have.
    pub(crate) test_modules: BTreeSet<Vec<String>>,
}

impl Source {
    /// Reads one file; a text that is no Rust fails the test.
    pub(crate) fn read(file: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut source = Self {
            file: file.to_owned(),
            module: module_of(file),
            has_doc: is_documented(&tokens),
            paths: BTreeSet::new(),
            macros: BTreeSet::new(),
            names: BTreeSet::new(),
            test_modules: BTreeSet::new(),
        };
        let module = source.module.clone();
        source.walk(&tokens, &module);
        source
    }

    fn walk(&mut self, tokens: &[TokenTree], module: &[String]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_test_only(&tokens[at..]) => {
                    let item = item_length(&tokens[at..]);
                    self.note_test_module(&tokens[at..at + item], module);
                    item
                }
                TokenTree::Ident(ident) if ident == "use" => self.walk_use(&tokens[at..], module),
                TokenTree::Ident(ident) if ident == "mod" => self.walk_module(&tokens[at..], module),
                TokenTree::Ident(_) => self.walk_path(&tokens[at..], module),
                TokenTree::Group(group) => {
                    self.walk(&group.stream().into_iter().collect::<Vec<_>>(), module);
                    1
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
            };
        }
    }

    /// `#[cfg(test)] mod tests;` makes a file that is none of the crate's.
    fn note_test_module(&mut self, item: &[TokenTree], module: &[String]) {
        if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Punct(_)] = item
            && keyword == "mod"
        {
            self.test_modules.insert([module, &[name.to_string()]].concat());
        }
    }

    fn walk_use(&mut self, tokens: &[TokenTree], module: &[String]) -> usize {
        let length = tokens.iter().position(|token| is_punct(Some(token), ';')).unwrap_or(tokens.len());
        let mut found = Vec::new();
        use_tree(&tokens[1..length], &[], &mut found);
        for path in found {
            self.note(path, module);
        }
        length
    }

    /// `mod name { … }`; `mod name;` is only a declaration.
    fn walk_module(&mut self, tokens: &[TokenTree], module: &[String]) -> usize {
        match tokens {
            [_, TokenTree::Ident(name), TokenTree::Group(body), ..] => {
                let inner = [module, &[name.to_string()]].concat();
                self.walk(&body.stream().into_iter().collect::<Vec<_>>(), &inner);
                3
            }
            _ => 2,
        }
    }

    fn walk_path(&mut self, tokens: &[TokenTree], module: &[String]) -> usize {
        let (path, length) = leading_path(tokens);
        if is_punct(tokens.get(length), '!') && matches!(tokens.get(length + 1), Some(TokenTree::Group(_))) {
            self.macros.extend(path.last().cloned());
        }
        if path.len() > 1 {
            self.note(path, module);
        } else {
            self.names.extend(path);
        }
        length
    }

    fn note(&mut self, path: Vec<String>, module: &[String]) {
        self.names.extend(path.iter().cloned());
        self.paths.insert(resolved(path, module));
    }
}

/// `src/compare/mod.rs` is `compare`, `src/main.rs` and `src/lib.rs` are the root.
fn module_of(file: &str) -> Vec<String> {
    let inner = file.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")).expect("a source lies at src/….rs");
    let parts = inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    parts.map(str::to_owned).collect()
}

/// `//! …` reaches us as `#![doc = "…"]`.
fn is_documented(tokens: &[TokenTree]) -> bool {
    let inner_attributes = tokens.windows(3).filter(|three| is_punct(three.first(), '#') && is_punct(three.get(1), '!'));
    inner_attributes.into_iter().any(|three| three[2].to_string().replace(' ', "").starts_with("[doc="))
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether an item begins here that only tests have: `#[cfg(test)]` or `#[cfg(all(test, …))]` is among its attributes.
fn is_test_only(tokens: &[TokenTree]) -> bool {
    let mut rest = tokens;
    while let [TokenTree::Punct(hash), TokenTree::Group(attribute), after @ ..] = rest {
        let text = attribute.stream().to_string().replace(' ', "");
        if hash.as_char() != '#' {
            return false;
        }
        if text == "cfg(test)" || text.starts_with("cfg(all(test,") {
            return true;
        }
        rest = after;
    }
    false
}

/// Attributes and what follows them, to the end of a body in braces or to a semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(Some(other), ';'),
    };
    tokens.iter().position(ends).map_or(tokens.len(), |end| end + 1)
}

/// The identifiers joined by `::` at the beginning, and how many tokens they are.
fn leading_path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    let mut length = 0;
    while let Some(TokenTree::Ident(ident)) = tokens.get(length) {
        path.push(ident.to_string());
        length += 1;
        let is_joined = is_punct(tokens.get(length), ':') && is_punct(tokens.get(length + 1), ':');
        if !(is_joined && matches!(tokens.get(length + 2), Some(TokenTree::Ident(_)))) {
            break;
        }
        length += 2;
    }
    (path, length)
}

/// Spreads `a::{b, c::d as e, f::*}` into `a::b`, `a::c::d`, `a::f`.
fn use_tree(tokens: &[TokenTree], before: &[String], found: &mut Vec<Vec<String>>) {
    for branch in tokens.split(|token| is_punct(Some(token), ',')) {
        let start = if is_punct(branch.first(), ':') { 2 } else { 0 };
        let (path, length) = leading_path(&branch[start.min(branch.len())..]);
        let whole = [before, &path].concat();
        let group = branch.iter().skip(start + length).find_map(|token| match token {
            TokenTree::Group(group) => Some(group.stream().into_iter().collect::<Vec<_>>()),
            _ => None,
        });
        match group {
            Some(inner) => use_tree(&inner, &whole, found),
            None if path.is_empty() && before.is_empty() => {}
            None => found.push(whole),
        }
    }
}

/// A path with `self` and `super` replaced by where they lead, beginning with `crate`. Others stay as they are.
fn resolved(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = path.as_slice();
    match rest.first().map(String::as_str) {
        Some("crate" | "kubewitness") => base.clear(),
        Some("self" | "super") => {}
        _ => return path,
    }
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "super" => drop(base.pop()),
            "self" | "crate" | "kubewitness" => {}
            _ => break,
        }
        rest = after;
    }
    [&["crate".to_owned()], base.as_slice(), rest].concat()
}
