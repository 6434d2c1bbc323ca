//! The trust policy: which keys speak for whom, and who may declare what. It comes from outside of what it judges.
//!
//! Lists of patterns follow one rule: `!` refuses, one of the others has to match, and a list of refusals alone lets the rest
//! through. `*` and `?` stay within a name or a part of a path; `**` stands for any number of parts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::attribution::{Format, SignatureFacts, Verdict};
use super::commit::{Commit, CommitId, SourceId};
use super::evidence::{Asked, Signatures};
use super::ignore::{PartPattern, PathPattern, RuleError};
use super::object::{FieldPath, ObjectId, Step};
use super::pattern;

/// A policy. With one, nothing else binds a key to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TrustPolicy {
    /// Persons.
    pub principals: Vec<Principal>,
    /// Forges, which sign what others wrote.
    pub forges: Vec<Forge>,
    /// Programs that commit by themselves.
    pub bots: Vec<Bot>,
    /// From where on something is claimed.
    pub anchors: Vec<Anchor>,
    /// Who may declare what. None at all restrict nothing.
    pub rules: Vec<Rule>,
}

impl TrustPolicy {
    /// The keys of everybody.
    fn keys(&self) -> impl Iterator<Item = &TrustedKey> {
        let persons = self.principals.iter().flat_map(|principal| &principal.keys);
        persons.chain(self.forges.iter().flat_map(|forge| &forge.keys)).chain(self.bots.iter().flat_map(Bot::own_keys))
    }

    /// What has to be known of the history of each source to judge these commits: its anchors, and the bounds of keys that signed
    /// something there. `sources` are names and URLs.
    pub fn asked(
        &self,
        sources: &[(&str, &str)],
        commits: &[Commit],
        signatures: &Signatures,
        now: DateTime<Utc>,
    ) -> BTreeMap<SourceId, Asked> {
        let mut asked: BTreeMap<SourceId, Asked> = BTreeMap::new();
        for (source, url) in sources {
            let anchors = self.anchors.iter().filter(|anchor| anchor.is_about(source, url)).map(|anchor| anchor.commit.clone());
            asked.entry((*source).to_owned()).or_default().marks.extend(anchors);
        }
        for commit in commits {
            let Some(facts) = signatures.get(&(commit.source.clone(), commit.id.clone())) else { continue };
            let asked = asked.entry(commit.source.clone()).or_default();
            for key in self.keys().filter(|key| key.is_of(facts)) {
                asked.marks.extend(key.positions().cloned());
                asked.ends.extend(key.end().filter(|end| *end <= now));
            }
        }
        asked.retain(|_, asked| *asked != Asked::default());
        asked
    }
}

/// Where the claims of a policy begin in a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Anchor {
    /// Pattern of the source's name.
    pub source: Option<String>,
    /// Pattern of the source's URL.
    pub repository: Option<String>,
    /// The commit. Of its ancestors nothing is claimed, of itself it is.
    pub commit: CommitId,
    /// Why it begins there, in the words of who made it.
    pub note: Option<String>,
}

impl Anchor {
    /// Whether it is about a source.
    pub fn is_about(&self, source: &str, url: &str) -> bool {
        fits(&self.source, source) && fits(&self.repository, url)
    }
}

/// Whether a pattern, where there is one, matches.
fn fits(wanted: &Option<String>, text: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| pattern::matches(wanted, text))
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Their name in the policy.
    pub name: String,
    /// Their e-mails, with domains in lower case.
    pub emails: Vec<String>,
    /// Their keys.
    pub keys: Vec<TrustedKey>,
}

impl Principal {
    /// `alice <alice@example.com>`.
    pub fn shown(&self) -> String {
        self.emails.first().map_or_else(|| self.name.clone(), |email| format!("{} <{email}>", self.name))
    }
}

/// A key, and when it speaks for its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TrustedKey {
    /// Fingerprint of an OpenPGP primary key or subkey (upper-case hex), `SHA256:…` of an SSH key (base64) or of an X.509
    /// certificate (upper-case hex), or the identity below in one text. A primary key stands for its subkeys, a subkey for itself.
    pub fingerprint: String,
    /// Every X.509 certificate of this identity, in the place of one key.
    pub identity: Option<CertificateIdentity>,
    /// The first moment at which it does.
    pub valid_from: Option<Moment>,
    /// The first moment at which it does no more.
    pub retired_at: Option<Moment>,
}

/// A moment, or a position in a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// By what signatures and commits claim.
    Time(DateTime<Utc>),
    /// This commit. Before it is what was on its branch when it was made: its first parent and that one's ancestors. All else
    /// comes with it or after it, also what was made earlier elsewhere and merged since (catalogue T35).
    Commit(CommitId),
}

impl TrustedKey {
    /// The commits that bound it.
    fn positions(&self) -> impl Iterator<Item = &CommitId> {
        [&self.valid_from, &self.retired_at].into_iter().flatten().filter_map(|moment| match moment {
            Moment::Commit(commit) => Some(commit),
            Moment::Time(_) => None,
        })
    }

    /// The time at which it retires, where it is one.
    fn end(&self) -> Option<DateTime<Utc>> {
        match self.retired_at {
            Some(Moment::Time(end)) => Some(end),
            Some(Moment::Commit(_)) | None => None,
        }
    }

    /// Whether it made the signature.
    pub fn is_of(&self, facts: &SignatureFacts) -> bool {
        match &self.identity {
            Some(identity) => identity.is_of(facts),
            None => [&facts.key, &facts.subkey].into_iter().flatten().any(|key| *key == self.fingerprint),
        }
    }

    /// The format of its signatures.
    pub fn format(&self) -> Format {
        match self.fingerprint.strip_prefix("SHA256:") {
            _ if self.identity.is_some() => Format::X509,
            Some(digest) if digest.len() == 64 => Format::X509,
            Some(_) => Format::Ssh,
            None => Format::OpenPgp,
        }
    }

    /// Whether it may be the one that a signature names, which may give the last 16 digits only, or a certificate whose identity
    /// nobody vouches for.
    pub fn is_named_by(&self, facts: &SignatureFacts) -> bool {
        let is_by_identity = self.identity.is_some() && facts.format == Format::X509 && facts.identities.is_empty();
        self.is_of(facts)
            || is_by_identity
            || facts.key.as_ref().is_some_and(|key| key.len() == 16 && self.fingerprint.ends_with(key.as_str()))
    }
}

/// Whom X.509 certificates name that lead to a configured root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateIdentity {
    /// An e-mail with its domain in lower case, or a URI, as of a workflow.
    pub name: String,
    /// The OIDC issuer that has to have told the root's authority who it is; without one, none may have. Everybody can run one, so
    /// that a name says nothing without it.
    pub issuer: Option<String>,
}

impl CertificateIdentity {
    fn is_of(&self, facts: &SignatureFacts) -> bool {
        facts.identities.contains(&self.name) && facts.issuer == self.issuer
    }
}

/// A forge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forge {
    /// Its name in the policy.
    pub name: String,
    /// Its keys.
    pub keys: Vec<TrustedKey>,
    /// The committer e-mail that is its own.
    pub committer: String,
}

/// A bot, with what it may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bot {
    /// Its name in the policy.
    pub name: String,
    /// How it signs.
    pub via: Via,
    /// The author e-mail of its commits.
    pub author_email: String,
    /// Files that it may change; none given means all.
    pub paths: Vec<PathGlob>,
    /// Fields that it may set; none given means all.
    pub fields: Vec<FieldGlob>,
}

impl Bot {
    fn own_keys(&self) -> &[TrustedKey] {
        match &self.via {
            Via::Keys(keys) => keys,
            Via::Forge(_) => &[],
        }
    }
}

/// How a bot signs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// The forge of this name signs for it.
    Forge(String),
    /// With its own keys.
    Keys(Vec<TrustedKey>),
}

/// Who may declare something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Pattern of the source's name.
    pub source: Option<String>,
    /// Pattern of the source's URL.
    pub repository: Option<String>,
    /// Pattern of the full name of the reference.
    pub reference: Option<String>,
    /// Files.
    pub paths: Vec<PathGlob>,
    /// Namespaces of objects; the empty one for objects without.
    pub namespaces: Vec<String>,
    /// Kinds of objects.
    pub kinds: Vec<String>,
    /// Names of principals, forges and bots, roles resolved. Absent where anybody may.
    pub allow: Option<BTreeSet<String>>,
    /// The least verdict.
    pub min: Option<Verdict>,
    /// Whose part it holds to that. Absent where the policy does not say it: then both, and the signature of a forge under what it
    /// merged does not have to be of somebody in `allow`.
    pub require: Option<Require>,
}

/// Whose part in a declaration a rule is about. Who brought it onto the branch is known since tips are observed; before, a rule is
/// about who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Require {
    /// Of who wrote it.
    Content,
    /// Of who brought it onto the branch, as by a merge.
    Change,
    /// Of both.
    Both,
}

impl Require {
    /// Every value, with the word of the policy.
    pub const WORDS: [(&'static str, Self); 3] = [("content", Self::Content), ("change", Self::Change), ("both", Self::Both)];
}

/// Where something is declared.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The source's name.
    pub source: &'a str,
    /// Its URL.
    pub url: &'a str,
    /// The full name of its reference.
    pub reference: Option<&'a str>,
    /// The files behind it.
    pub paths: Vec<String>,
    /// The object, after rendering.
    pub object: &'a ObjectId,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug)]
pub struct FilePlace<'a> {
    /// The source's name.
    pub source: &'a str,
    /// Its URL.
    pub url: &'a str,
    /// The full name of its reference.
    pub reference: Option<&'a str>,
    /// The path.
    pub path: &'a str,
}

impl Rule {
    /// Whether the rule is about a declaration: about whatever the files it names declare or, where it names none, about
    /// objects of its namespaces and kinds.
    pub fn is_about(&self, place: &Place<'_>) -> bool {
        let of_files = || match self.paths.is_empty() {
            true => self.has_in_scope(place.object),
            false => place.paths.iter().any(|path| covers(&self.paths, path)),
        };
        self.is_of_branch(place.source, place.url, place.reference) && of_files()
    }

    /// Whether the rule is about a file as such: one that it names, or any where it names neither files nor objects.
    pub fn is_about_file(&self, file: &FilePlace<'_>) -> bool {
        let of_files = match self.paths.is_empty() {
            true => self.namespaces.is_empty() && self.kinds.is_empty(),
            false => covers(&self.paths, file.path),
        };
        self.is_of_branch(file.source, file.url, file.reference) && of_files
    }

    fn is_of_branch(&self, source: &str, url: &str, reference: Option<&str>) -> bool {
        let of_reference = match (&self.reference, reference) {
            (None, _) => true,
            (Some(wanted), Some(reference)) => pattern::matches(wanted, reference),
            (Some(_), None) => false,
        };
        fits(&self.source, source) && fits(&self.repository, url) && of_reference
    }

    /// Whether an object is of the rule's namespaces and kinds.
    pub fn has_in_scope(&self, object: &ObjectId) -> bool {
        let namespaces: Vec<&str> = self.namespaces.iter().map(String::as_str).collect();
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        let in_namespace = |wanted: &str| match &object.namespace {
            Some(namespace) => !wanted.is_empty() && pattern::matches(wanted, namespace),
            None => wanted.is_empty(),
        };
        listed(&namespaces, in_namespace) && listed(&kinds, |wanted| pattern::matches(wanted, &object.kind))
    }
}

/// Whether a list of patterns lets something through; an empty one does.
fn listed(patterns: &[&str], matches: impl Fn(&str) -> bool) -> bool {
    let refused = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(&matches);
    let mut wanted = patterns.iter().filter(|pattern| !pattern.starts_with('!')).peekable();
    !refused && (wanted.peek().is_none() || wanted.any(|pattern| matches(pattern)))
}

/// A pattern of paths, part by part, as in `apps/team-a/**` or `**/release.yaml`; `!` before it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathGlob {
    refuses: bool,
    parts: Vec<String>,
}

impl PathGlob {
    /// Reads a pattern; none where a part is empty or leads out of the repository.
    pub fn parse(text: &str) -> Option<Self> {
        let (refuses, path) = text.strip_prefix('!').map_or((false, text), |path| (true, path));
        let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        let is_part = |part: &String| !part.is_empty() && part != "." && part != ".." && (part == "**" || !part.contains("**"));
        parts.iter().all(is_part).then_some(Self { refuses, parts })
    }

    fn matches(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        walk(&self.parts, &path, &|part| part == "**", &|part, name| pattern::matches(part, name), false)
    }
}

/// Whether a list of patterns lets a path through; an empty one does.
pub fn covers(globs: &[PathGlob], path: &str) -> bool {
    let refused = globs.iter().any(|glob| glob.refuses && glob.matches(path));
    let mut wanted = globs.iter().filter(|glob| !glob.refuses).peekable();
    !refused && (wanted.peek().is_none() || wanted.any(|glob| glob.matches(path)))
}

/// A pattern of fields in the grammar of the record, in which `**` stands for any number of steps. What is below a field that
/// matches does too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldGlob(Vec<PartPattern>);

impl FieldGlob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`RuleError::Path`].
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        match PathPattern::parse(text)? {
            PathPattern::Field(parts) => Ok(Self(parts)),
            PathPattern::Pointer(_) => Err(RuleError::Path(text.to_owned())),
        }
    }

    /// Whether it leads to this field or to a container around it.
    pub fn covers(&self, field: &FieldPath) -> bool {
        let is_any = |part: &PartPattern| matches!(part, PartPattern::Name(name) if name == "**");
        walk(&self.0, &field.0, &is_any, &|part: &PartPattern, step: &Step| part.fits(step), true)
    }
}

/// Whether patterns lead along the names, some of them standing for any number of names; to the last name, or to any before.
fn walk<Part, Name>(
    parts: &[Part],
    names: &[Name],
    is_any: &dyn Fn(&Part) -> bool,
    fits: &dyn Fn(&Part, &Name) -> bool,
    below: bool,
) -> bool {
    // Which beginnings of `parts` lead to the names so far: no backtracking, whatever the pattern.
    let skip = |reached: &mut Vec<bool>| {
        for at in 0..parts.len() {
            reached[at + 1] |= reached[at] && is_any(&parts[at]);
        }
    };
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    skip(&mut reached);
    for name in names {
        if below && reached[parts.len()] {
            return true;
        }
        let mut next = vec![false; parts.len() + 1];
        for at in 0..parts.len() {
            next[at] |= reached[at] && is_any(&parts[at]);
            next[at + 1] |= reached[at] && !is_any(&parts[at]) && fits(&parts[at], name);
        }
        skip(&mut next);
        reached = next;
    }
    reached[parts.len()]
}

/// An e-mail with its domain in lower case; none where it is none.
pub fn normal_email(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let strange = |character: char| character.is_whitespace() || character.is_control() || "<>@,\"".contains(character);
    let is_sound = !local.is_empty() && !domain.is_empty() && !local.contains(strange) && !domain.contains(strange);
    is_sound.then(|| format!("{local}@{}", domain.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CertificateIdentity, FieldGlob, PathGlob, Place, Rule, TrustedKey, covers};
    use crate::model::attribution::{Crypto, Format, SignatureFacts};
    use crate::model::object::{FieldPath, ObjectId, Step};

    #[test]
    fn an_identity_without_its_issuer_is_another_one() {
        let facts = |issuer: Option<&str>| SignatureFacts {
            identities: vec!["alice@example.com".to_owned()],
            issuer: issuer.map(str::to_owned),
            ..SignatureFacts::of(Format::X509, Crypto::Good)
        };
        let key = |issuer: Option<&str>| {
            let identity = CertificateIdentity { name: "alice@example.com".to_owned(), issuer: issuer.map(str::to_owned) };
            TrustedKey { identity: Some(identity), ..TrustedKey::default() }
        };
        for own in [None, Some("https://a.example"), Some("https://b.example")] {
            for other in [None, Some("https://a.example"), Some("https://b.example")] {
                assert_eq!(key(own).is_of(&facts(other)), own == other, "{own:?} {other:?}");
            }
        }
        assert!(!key(None).is_of(&SignatureFacts::of(Format::X509, Crypto::Good)));
    }

    fn globs(texts: &[&str]) -> Vec<PathGlob> {
        texts.iter().map(|text| PathGlob::parse(text).expect("a pattern")).collect()
    }

    #[test]
    fn stars_stay_in_a_part_of_a_path_and_double_stars_do_not() {
        for (pattern, path) in [
            ("apps/team-a/**", "apps/team-a/web/x.yaml"),
            ("**/release.yaml", "release.yaml"),
            ("**/release.yaml", "a/b/release.yaml"),
            ("apps/*/x.yaml", "apps/a/x.yaml"),
            ("a/**/b/**/c", "a/x/b/b/y/c"),
        ] {
            assert!(covers(&globs(&[pattern]), path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("apps/team-a/**", "apps/team-ab/x.yaml"),
            ("apps/team-a/**", "x/apps/team-a/x.yaml"),
            ("apps/*/x.yaml", "apps/a/b/x.yaml"),
            ("**/release.yaml", "a/xrelease.yaml"),
            ("apps", "apps/x.yaml"),
        ] {
            assert!(!covers(&globs(&[pattern]), path), "{pattern} {path}");
        }
        assert!(!covers(&globs(&["apps/**", "!apps/secret/**"]), "apps/secret/x.yaml"));
        assert!(covers(&globs(&["!apps/secret/**"]), "apps/x.yaml"));
        for text in ["", "/apps", "apps/", "apps/../x", "a**", "./a"] {
            assert_eq!(PathGlob::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_field_pattern_covers_what_is_below_and_nothing_beside() {
        let word = |name: &str| Step::Field(name.to_owned());
        let item = Step::Key(vec![("name".to_owned(), json!("web"))]);
        let tag = FieldPath(vec![word("spec"), word("values"), word("image"), word("tag")]);
        let image = FieldPath(vec![word("spec"), word("containers"), item, word("image")]);
        for (pattern, field) in [
            ("**.image.tag", &tag),
            ("spec.values", &tag),
            ("spec.**.tag", &tag),
            ("**.image", &tag),
            ("spec.containers[name=web].image", &image),
            ("**.containers[name=*].image", &image),
        ] {
            assert!(FieldGlob::parse(pattern).expect("a pattern").covers(field), "{pattern}");
        }
        for (pattern, field) in [("image.tag", &tag), ("**.tag.x", &tag), ("spec.value", &tag), ("**.containers[name=db].image", &image)] {
            assert!(!FieldGlob::parse(pattern).expect("a pattern").covers(field), "{pattern}");
        }
        assert!(FieldGlob::parse("/spec").is_err() && FieldGlob::parse("a..b").is_err());
    }

    #[test]
    fn a_rule_of_files_is_about_all_they_declare_and_one_without_about_its_objects() {
        let object = ObjectId {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: Some("kube-system".to_owned()),
            name: "x".to_owned(),
        };
        let place =
            Place { source: "fleet", url: "https://x/fleet", reference: None, paths: vec!["apps/x.yaml".to_owned()], object: &object };
        let of_files = Rule { paths: globs(&["apps/**"]), namespaces: vec!["team-a".to_owned()], ..Rule::default() };
        assert!(of_files.is_about(&place) && !of_files.has_in_scope(&object));
        let of_objects = Rule { namespaces: vec!["team-a".to_owned()], ..Rule::default() };
        assert!(!of_objects.is_about(&place));
        assert!(Rule { namespaces: vec!["kube-*".to_owned()], ..Rule::default() }.is_about(&place));
        assert!(!Rule { reference: Some("*".to_owned()), ..Rule::default() }.is_about(&place));
        let homeless = ObjectId { namespace: None, kind: "ClusterRoleBinding".to_owned(), ..object };
        assert!(!Rule { namespaces: vec!["*".to_owned()], ..Rule::default() }.has_in_scope(&homeless));
        assert!(Rule { namespaces: vec![String::new()], ..Rule::default() }.has_in_scope(&homeless));
        assert!(!Rule { kinds: vec!["!ClusterRole*".to_owned()], ..Rule::default() }.has_in_scope(&homeless));
    }
}
