//! Who: commits, how well they are proven, and field managers.

use super::Commits;
use super::escape::escape;
use super::layout::Pen;
use super::time::ago;
use crate::report::commit::{Commit, Signature};
use crate::report::object::{Manager, Object, Origin, Place};

/// `4be1d2a`.
pub(super) fn short(id: &str) -> String {
    escape(&id.chars().take(7).collect::<String>()).into_owned()
}

/// `4be1d2a Alice Chen, 12 days ago`.
pub(super) fn author(pen: &Pen<'_>, commit: &Commit) -> String {
    let time = commit.author.time.map(|time| format!(", {}", ago(pen.style, time))).unwrap_or_default();
    format!("{} {}{time}", short(&commit.id), escape(&commit.author.name))
}

/// `kubectl-edit, 3 hours ago`, `kubectl (scale), time not recorded`.
pub(super) fn writer(pen: &Pen<'_>, manager: Option<&Manager>) -> String {
    let Some(manager) = manager else { return "writer not recorded".to_owned() };
    let subresource = manager.subresource.as_ref().map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    let time = manager.time.map_or_else(|| "time not recorded".to_owned(), |time| ago(pen.style, time));
    format!("{}{subresource}, {time}", escape(&manager.name))
}

/// How well a commit is proven, in words that name the key.
pub(super) fn proof(commit: &Commit, verdict: &str) -> String {
    if verdict == "signed-untrusted" && commit.verdict != verdict {
        return format!("not let through by the trust policy ({})", proof(commit, &commit.verdict));
    }
    let signature = commit.signature.as_ref();
    let key = signature.and_then(|signature| Some(format!("{}{}", key(signature)?, identity(signature)))).unwrap_or_default();
    let signer = signature.and_then(signer);
    let is_known = |phrase: &str| commit.reasons.iter().any(|reason| reason == phrase);
    let proof = match verdict {
        "verified-author" => format!("proven: {}'s key {key}", first_name(&escape(&commit.author.name))),
        "verified-committer" => format!("committer only: signed by {}, key {key}", escape(&commit.committer.name)),
        "forge-attested" => {
            let forge = signature.and_then(|signature| signature.forge.clone().or_else(|| signature.signer.clone()));
            format!("forge only: signed by {}", forge.map_or_else(|| format!("key {key}"), |forge| escape(&forge).into_owned()))
        }
        "bot-attested" => format!("bot: signed by key {key}"),
        "group-verified" => format!("group only: signed by a member, key {key}"),
        "signed-untrusted" if is_known("identity-mismatch") => {
            let signer = signer.unwrap_or_else(|| format!("key {key}"));
            format!("author {}, signed by {signer} (mismatch)", escape(&commit.author.name))
        }
        "signed-untrusted" if is_known("unknown-key") => format!("signed by an unknown key {key}"),
        "signed-untrusted" => format!("signed by a key that proves nothing here: {key}"),
        "claimed-time-only" => format!("signed by key {key}, which is valid only at the time it claims"),
        "unsigned" => "unsigned".to_owned(),
        "unverifiable" if signature.is_some_and(|signature| signature.crypto == "unknown-key") => {
            format!("signed by an unknown key {key}")
        }
        "unverifiable" => format!("cannot be verified{}", because(&commit.reasons)),
        "invalid" => format!("wrong signature{}", because(&commit.reasons)),
        other => escape(other).into_owned(),
    };
    proof.trim_end().to_owned()
}

/// Phrases in brackets, where there are any.
pub(super) fn because(reasons: &[String]) -> String {
    if reasons.is_empty() { String::new() } else { format!(" ({})", escape(&reasons.join(", "))) }
}

/// The last 16 hex digits of an OpenPGP fingerprint; the beginning of an SSH one, as people compare them.
pub(super) fn key(signature: &Signature) -> Option<String> {
    signature.key.as_deref().map(shown_key)
}

/// As [`key`] shows it.
pub(super) fn shown_key(fingerprint: &str) -> String {
    let key = escape(fingerprint).into_owned();
    let length = key.chars().count();
    match key.strip_prefix("SHA256:") {
        Some(digest) => format!("SHA256:{}…", digest.chars().take(16).collect::<String>()),
        None => key.chars().skip(length.saturating_sub(16)).collect(),
    }
}

/// Whom a certificate names, and who told its authority so.
fn identity(signature: &Signature) -> String {
    let Some(name) = signature.identities.first() else { return String::new() };
    let issuer = signature.issuer.as_ref().map(|issuer| format!(" by {}", escape(issuer))).unwrap_or_default();
    format!(" ({}{issuer})", escape(name))
}

/// A user id without its e-mail.
fn signer(signature: &Signature) -> Option<String> {
    let signer = signature.principal.as_deref().or(signature.signer.as_deref())?;
    let name = signer.split(" <").next().unwrap_or(signer);
    Some(escape(name).into_owned())
}

/// `Alice` of `Alice Chen`. A name without a plain first word stays whole.
fn first_name(name: &str) -> &str {
    match name.split_once(' ') {
        Some((first, _)) if first.chars().count() > 1 && !first.ends_with('.') => first,
        _ => name,
    }
}

/// `apps/web.yaml:17`.
pub(super) fn place(path: &str, line: Option<u32>) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}", escape(path))
}

/// Place, author and proof of a declared field, as far as they are known. A field that rendering made names its files.
pub(super) fn origin(pen: &Pen<'_>, object: &Object, origin: Option<&Origin>, commits: &Commits<'_>) -> Vec<String> {
    let Some(origin) = origin else { return Vec::new() };
    let mut parts = vec![match &origin.path {
        Some(path) => place(path, origin.line),
        None => rendered(object),
    }];
    let verdict = origin.verdict.as_deref();
    match origin.authored_by.as_deref().and_then(|id| commits.get(&(origin.source.as_str(), id))) {
        Some(commit) => parts.extend([author(pen, commit), proof(commit, verdict.unwrap_or(&commit.verdict))]),
        None => parts.extend(verdict.map(|_| uncredited(object))),
    }
    parts
}

/// Place, author and proof of an object.
pub(super) fn object_origin(pen: &Pen<'_>, object: &Object, commits: &Commits<'_>) -> Vec<String> {
    let Some(declared) = &object.declared else { return Vec::new() };
    let mut parts = vec![match &declared.path {
        Some(path) => place(path, declared.line),
        None => rendered(object),
    }];
    let Some(attribution) = &object.attribution else { return parts };
    match attribution.authored_by.as_deref().and_then(|id| commits.get(&(declared.source.as_str(), id))) {
        Some(commit) => {
            let worse = made_worse(&attribution.reasons);
            // The author is proven as well as before; another commit is not.
            let verdict = if worse.is_empty() { &attribution.verdict } else { &commit.verdict };
            parts.extend([author(pen, commit), proof(commit, verdict)]);
            parts.extend((!worse.is_empty()).then(|| format!("{} as a whole: {}", attribution.verdict, worse.join(", "))));
        }
        None => parts.push(uncredited(object)),
    }
    parts
}

/// What another commit than the author's did that makes an object less proven.
fn made_worse(reasons: &[String]) -> Vec<&'static str> {
    const LINKS: [(&str, &str); 4] = [
        ("reintroduced", "another commit brought it back"),
        ("change", "another commit brought it onto the branch"),
        ("activation", "another commit activated it"),
        ("activation-unknown", "nobody can tell who activated it"),
    ];
    LINKS.into_iter().filter(|(phrase, _)| reasons.iter().any(|reason| reason == phrase)).map(|(_, words)| words).collect()
}

fn uncredited(object: &Object) -> String {
    let reasons = object.attribution.as_ref().map(|attribution| because(&attribution.reasons)).unwrap_or_default();
    format!("no commit credited{reasons}")
}

/// `rendered from apps/a.yaml, apps/b.yaml and 3 more`.
fn rendered(object: &Object) -> String {
    let named = |place: &Place| place.path.as_deref().map(|path| escape(path).into_owned());
    let files: Vec<String> = object.candidates.iter().filter_map(named).collect();
    match files.as_slice() {
        [] => "rendered".to_owned(),
        [one] => format!("rendered from {one}"),
        [one, two] => format!("rendered from {one}, {two}"),
        [one, two, rest @ ..] => format!("rendered from {one}, {two} and {} more", rest.len()),
    }
}
