//! The trust policy's file: a closed schema as the configuration's, told with lines and suggestions.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde::Deserialize;
use serde_json::Value;

use super::{Error, file, schema};
use crate::model::attribution::Verdict;
use crate::model::commit::CommitId;
use crate::model::kept::KeptPolicy;
use crate::model::trust::{self, CertificateIdentity, FieldGlob, PathGlob, Require, TrustPolicy, TrustedKey, Via, normal_email};
use crate::yaml::Node;

/// What a minimum may be: everything that proves somebody.
const RUNGS: [Verdict; 5] =
    [Verdict::VerifiedAuthor, Verdict::VerifiedCommitter, Verdict::ForgeAttested, Verdict::BotAttested, Verdict::GroupVerified];

/// Before the name of a role.
const ROLE: &str = "role:";

/// A trust policy: which keys speak for whom, and who may declare what. It lies outside of the repositories that it judges.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TrustPolicy")]
struct File {
    /// Persons.
    principals: Vec<Principal>,
    /// Forges, which sign what others wrote.
    forges: Vec<Forge>,
    /// Programs that commit by themselves, with what they may change. Several with the keys of one are that one with several scopes.
    bots: Vec<Bot>,
    /// Names of principals, forges and bots by role; `allow` names a role as `role:NAME`.
    roles: BTreeMap<String, Vec<String>>,
    /// Where the claims of the policy begin in a history: of the ancestors of such a commit nothing is claimed. They are
    /// unverifiable, and no rule asks for a proof of them.
    anchors: Vec<Anchor>,
    /// Who may declare what. All that are about a declaration have to pass; what none is about is untrusted. None at all restrict
    /// nothing.
    rules: Vec<Rule>,
}

/// A person. A commit is its author's where both key and e-mail are theirs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Principal {
    /// A name that nobody else has here.
    name: String,
    /// Their e-mails, at least one.
    emails: Vec<String>,
    /// Their keys.
    #[serde(default)]
    keys: Vec<Key>,
}

/// A key, named in one form, and when it speaks for its owner.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Key {
    /// The full fingerprint (40 or 64 digits) of an OpenPGP primary key, which stands for its subkeys, or of one subkey.
    openpgp: Option<String>,
    /// `SHA256:` and 43 characters, as `ssh-keygen -l` shows it.
    ssh: Option<String>,
    /// An X.509 certificate by the `SHA256:…` of openssl, or whom certificates name: `identity`, and `issuer` where they tell one.
    #[serde(default)]
    #[schemars(schema_with = "x509_schema")]
    x509: Option<X509>,
    /// The first moment at which it speaks for its owner.
    valid_from: Option<Moment>,
    /// The first moment at which it does no more.
    retired_at: Option<Moment>,
}

/// An X.509 certificate by its fingerprint, or all of one identity.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum X509 {
    Fingerprint(String),
    Identity { identity: String, issuer: Option<String> },
}

fn x509_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "object", "null"],
        "properties": { "identity": { "type": "string" }, "issuer": { "type": ["string", "null"] } },
        "required": ["identity"],
        "additionalProperties": false,
    })
}

/// A time, or a position in the history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Moment {
    /// As in `2026-01-31T00:00:00Z`, or a day; by what the signature or the committer claims.
    Time(String),
    /// A commit on the branch.
    Position(Position),
}

/// A commit on the branch. Before it is its first parent with all that one's history; all else comes with it or after it, also what
/// was made earlier elsewhere and merged since.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Position {
    /// Its full id.
    commit: String,
}

/// Where the claims of the policy begin in the history of some sources.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Anchor {
    /// Pattern of the source's name.
    source: Option<String>,
    /// Pattern of the source's URL.
    repository: Option<String>,
    /// The full id of the first commit of which something is claimed.
    commit: String,
    /// Why it begins there.
    note: Option<String>,
}

/// A forge: attests who wrote what it commits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Forge {
    /// A name that nobody else has here.
    name: String,
    /// Its keys, which are nobody else's.
    keys: Vec<Key>,
    /// The committer e-mail that is its own; under another key it is invalid.
    committer: String,
}

/// A program, and what it may change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Bot {
    /// A name that nobody else has here.
    name: String,
    /// The forge that signs for it; else it has keys.
    via: Option<String>,
    /// Its own keys; else a forge signs for it.
    #[serde(default)]
    keys: Vec<Key>,
    /// The author e-mail of its commits.
    author_email: String,
    /// Patterns of the files that it may change; none means all.
    #[serde(default)]
    paths: Vec<String>,
    /// Patterns of the fields that it may set, and what is below them; none means all.
    #[serde(default)]
    fields: Vec<String>,
}

/// Who may declare what. In patterns `*` and `?` stay within a name, `**` stands for any folders, `!` refuses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Pattern of the source's name.
    source: Option<String>,
    /// Pattern of the source's URL.
    repository: Option<String>,
    /// Pattern of the full name of the reference, as in `refs/heads/main`.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// Patterns of files. With them the rule is about all that these declare; without, about objects of its namespaces and kinds.
    #[serde(default)]
    paths: Vec<String>,
    /// Patterns of namespaces; the empty one for objects without.
    #[serde(default)]
    namespaces: Vec<String>,
    /// Patterns of kinds.
    #[serde(default)]
    kinds: Vec<String>,
    /// Names of principals, forges and bots, and roles as `role:NAME`. Absent where anybody may.
    allow: Option<Vec<String>>,
    /// The least verdict: `verified-author`, `verified-committer`, `forge-attested`, `bot-attested` or `group-verified`.
    min: Option<String>,
    /// Whose part that is asked of: `content` (who wrote it), `change` (who brought it onto the branch, which is known since tips are
    /// remembered), or `both`, which is the default.
    require: Option<String>,
}

/// The JSON Schema of the file.
pub fn json_schema() -> Value {
    schema_for!(File).to_value()
}

/// Checks where a policy is kept.
pub(super) fn kept(kept: file::KeptTrust, sources: &[file::Source]) -> Result<KeptPolicy, Error> {
    let file::KeptTrust { source, path, anchor } = kept;
    let names: Vec<String> = sources.iter().map(file::Source::id).collect();
    if !names.contains(&source) {
        return Err(Error::Usage(format!("trust: no source is called `{source}`; it is one of {}", names.join(", "))));
    }
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !path.split('/').all(is_part) {
        return Err(Error::Usage(format!("trust: `{path}` is no path from the root of a repository, as in policies/trust.yaml")));
    }
    match commit(&anchor) {
        Some(anchor) => Ok(KeptPolicy { source, path, anchor }),
        None => Err(Error::Usage(format!("trust: anchor `{anchor}` is no full id of a commit"))),
    }
}

/// A policy, and the value it was read from, which its digest is made of: comments and white space are no policy.
pub(super) struct Read {
    pub(super) policy: TrustPolicy,
    pub(super) value: Value,
}

/// Reads and checks the file.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<Read, Error> {
    let wrong = |line: u32, message: String| Error::Schema { file: name.to_owned(), line, message };
    let Some(root) = schema::document(name, text)? else { return Err(wrong(1, "the trust policy is empty".to_owned())) };
    schema::check(name, &root, &json_schema(), "the trust policy")?;
    let value = root.to_value();
    let file = File::deserialize(&value).map_err(|error| wrong(root.line, error.to_string()))?;
    let policy = Reader { root: &root }.policy(file).map_err(|(line, message)| wrong(line, message))?;
    Ok(Read { policy, value })
}

/// A mistake, and the line it is told with.
type Mistake = (u32, String);

/// Turns texts into a policy, and knows where each stands.
struct Reader<'a> {
    root: &'a Node,
}

/// The way to a value: a list of the file, a position in it, and what is below.
type Way<'a> = (&'a str, usize, &'a [&'a str]);

impl Reader<'_> {
    /// The line of a value, or of the nearest one around it. A number is a position.
    fn line(&self, (list, position, rest): Way<'_>) -> u32 {
        let Some(mut node) = self.root.get(list).and_then(|list| list.items().get(position)) else { return self.root.line };
        for step in rest {
            let next = match step.parse::<usize>() {
                Ok(position) => node.items().get(position),
                Err(_) => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.line
    }

    fn policy(&self, file: File) -> Result<TrustPolicy, Mistake> {
        self.names(&file)?;
        let roles = self.roles(&file)?;
        let mut policy = TrustPolicy::default();
        for (at, principal) in file.principals.iter().enumerate() {
            policy.principals.push(self.principal(at, principal)?);
        }
        for (at, forge) in file.forges.iter().enumerate() {
            policy.forges.push(trust::Forge {
                name: forge.name.clone(),
                keys: self.keys("forges", at, &forge.keys)?,
                committer: self.email(&forge.committer, ("forges", at, &["committer"]))?,
            });
        }
        for (at, bot) in file.bots.iter().enumerate() {
            policy.bots.push(self.bot(at, bot, &file.forges)?);
        }
        for (at, anchor) in file.anchors.iter().enumerate() {
            policy.anchors.push(self.anchor(at, anchor)?);
        }
        for (at, rule) in file.rules.iter().enumerate() {
            policy.rules.push(self.rule(at, rule, &file, &roles)?);
        }
        self.owners(&policy)?;
        Ok(policy)
    }

    /// Names are unique, so that `allow` means one of them.
    fn names(&self, file: &File) -> Result<(), Mistake> {
        let mut seen = BTreeSet::new();
        let principals = file.principals.iter().enumerate().map(|(at, one)| ("principals", at, &one.name));
        let forges = file.forges.iter().enumerate().map(|(at, one)| ("forges", at, &one.name));
        let bots = file.bots.iter().enumerate().map(|(at, one)| ("bots", at, &one.name));
        for (list, at, name) in principals.chain(forges).chain(bots) {
            let line = self.line((list, at, &["name"]));
            if name.trim().is_empty() || name.starts_with(ROLE) {
                return Err((line, format!("`{name}` is no name")));
            }
            if !seen.insert(name) {
                return Err((line, format!("two are called `{name}`; give one of them another name")));
            }
        }
        Ok(())
    }

    fn roles<'f>(&self, file: &'f File) -> Result<BTreeMap<&'f str, &'f [String]>, Mistake> {
        let line = self.root.get("roles").map_or(self.root.line, |roles| roles.line);
        for (role, members) in &file.roles {
            if let Some(unknown) = members.iter().find(|member| !is_known(file, member)) {
                let place = self.root.get("roles").and_then(|roles| roles.get(role)).map_or(line, |members| members.line);
                return Err((place, unknown_name(file, unknown, &format!("role `{role}`"))));
            }
        }
        Ok(file.roles.iter().map(|(role, members)| (role.as_str(), members.as_slice())).collect())
    }

    fn principal(&self, at: usize, principal: &Principal) -> Result<trust::Principal, Mistake> {
        if principal.emails.is_empty() {
            return Err((self.line(("principals", at, &[])), format!("principal `{}` needs an e-mail", principal.name)));
        }
        let emails = principal.emails.iter().enumerate().map(|(index, email)| {
            let index = index.to_string();
            self.email(email, ("principals", at, &["emails", &index]))
        });
        Ok(trust::Principal {
            name: principal.name.clone(),
            emails: emails.collect::<Result<_, _>>()?,
            keys: self.keys("principals", at, &principal.keys)?,
        })
    }

    fn bot(&self, at: usize, bot: &Bot, forges: &[Forge]) -> Result<trust::Bot, Mistake> {
        let line = |rest: &[&str]| self.line(("bots", at, rest));
        let via = match (&bot.via, bot.keys.is_empty()) {
            (Some(via), true) if forges.iter().any(|forge| forge.name == *via) => Via::Forge(via.clone()),
            (Some(via), true) => return Err((line(&["via"]), format!("via: no forge is called `{via}`"))),
            (None, false) => Via::Keys(self.keys("bots", at, &bot.keys)?),
            _ => return Err((line(&[]), format!("bot `{}` signs either `via` a forge or with `keys` of its own", bot.name))),
        };
        let fields = bot.fields.iter().enumerate().map(|(index, text)| {
            let wrong = |_| {
                let help = "is no field, as in spec.values.image.tag or **.image.tag";
                (line(&["fields", &index.to_string()]), format!("fields: `{text}` {help}"))
            };
            FieldGlob::parse(text).map_err(wrong)
        });
        Ok(trust::Bot {
            name: bot.name.clone(),
            via,
            author_email: self.email(&bot.author_email, ("bots", at, &["authorEmail"]))?,
            paths: self.paths("bots", at, &bot.paths)?,
            fields: fields.collect::<Result<_, _>>()?,
        })
    }

    fn rule(&self, at: usize, rule: &Rule, file: &File, roles: &BTreeMap<&str, &[String]>) -> Result<trust::Rule, Mistake> {
        let line = |rest: &[&str]| self.line(("rules", at, rest));
        if rule.allow.is_none() && rule.min.is_none() {
            return Err((line(&[]), "a rule asks for nothing; give it `allow` or `min`".to_owned()));
        }
        if let Some(reference) = &rule.reference
            && !reference.starts_with("refs/")
            && !reference.starts_with('*')
        {
            return Err((line(&["ref"]), format!("ref: `{reference}` is no full name, as in refs/heads/{reference}")));
        }
        // Kinds begin with a capital letter; another one would match nothing, and refuse nothing.
        let is_kind =
            |kind: &&String| kind.trim_start_matches('!').starts_with(|first: char| first.is_ascii_uppercase() || "*?".contains(first));
        if let Some(kind) = rule.kinds.iter().find(|kind| !is_kind(kind)) {
            return Err((line(&["kinds"]), format!("kinds: `{kind}` is no kind, as in ConfigMap or !ClusterRole*")));
        }
        let min = match &rule.min {
            None => None,
            Some(word) => Some(
                *RUNGS
                    .iter()
                    .find(|rung| rung.as_str() == word)
                    .ok_or_else(|| (line(&["min"]), format!("min: `{word}` is none of {}", RUNGS.map(Verdict::as_str).join(", "))))?,
            ),
        };
        let mut allow = rule.allow.as_ref().map(|_| BTreeSet::new());
        for name in rule.allow.iter().flatten() {
            let names: &[String] = match name.strip_prefix(ROLE) {
                Some(role) => roles.get(role).ok_or_else(|| (line(&["allow"]), format!("allow: no role is called `{role}`")))?,
                None if is_known(file, name) => std::slice::from_ref(name),
                None => return Err((line(&["allow"]), unknown_name(file, name, "allow"))),
            };
            allow.get_or_insert_default().extend(names.iter().cloned());
        }
        Ok(trust::Rule {
            source: rule.source.clone(),
            repository: rule.repository.clone(),
            reference: rule.reference.clone(),
            paths: self.paths("rules", at, &rule.paths)?,
            namespaces: rule.namespaces.clone(),
            kinds: rule.kinds.clone(),
            allow,
            min,
            require: match &rule.require {
                None => None,
                Some(word) => Some(
                    Require::WORDS
                        .into_iter()
                        .find_map(|(known, require)| (known == word).then_some(require))
                        .ok_or_else(|| (line(&["require"]), format!("require: `{word}` is none of content, change, both")))?,
                ),
            },
        })
    }

    fn anchor(&self, at: usize, anchor: &Anchor) -> Result<trust::Anchor, Mistake> {
        if anchor.source.is_none() && anchor.repository.is_none() {
            return Err((self.line(("anchors", at, &[])), "an anchor needs the `source` or `repository` that it is of".to_owned()));
        }
        Ok(trust::Anchor {
            source: anchor.source.clone(),
            repository: anchor.repository.clone(),
            commit: self.commit(&anchor.commit, ("anchors", at, &["commit"]))?,
            note: anchor.note.clone(),
        })
    }

    fn commit(&self, text: &str, way: Way<'_>) -> Result<CommitId, Mistake> {
        commit(text).ok_or_else(|| {
            (self.line(way), format!("commit: `{text}` is no full id of a commit; `git rev-parse` shows its 40 or 64 digits"))
        })
    }

    fn paths(&self, list: &str, at: usize, paths: &[String]) -> Result<Vec<PathGlob>, Mistake> {
        let read = paths.iter().enumerate().map(|(index, text)| {
            PathGlob::parse(text).ok_or_else(|| {
                let line = self.line((list, at, &["paths", &index.to_string()]));
                (line, format!("paths: `{text}` is no pattern of files from the root of the repository, as in apps/team-a/**"))
            })
        });
        read.collect()
    }

    fn email(&self, text: &str, way: Way<'_>) -> Result<String, Mistake> {
        normal_email(text).ok_or_else(|| (self.line(way), format!("`{text}` is no e-mail")))
    }

    fn keys(&self, list: &str, at: usize, keys: &[Key]) -> Result<Vec<TrustedKey>, Mistake> {
        let read = keys.iter().enumerate().map(|(index, key)| {
            let position = index.to_string();
            let line = |field: &str| self.line((list, at, &["keys", &position, field]));
            let mut identity = None;
            let fingerprint = match (&key.openpgp, &key.ssh, &key.x509) {
                (Some(text), None, None) => openpgp(text).ok_or_else(|| {
                    let help = "is no full fingerprint; `gpg --list-keys --with-subkey-fingerprint` shows its 40 or 64 digits";
                    (line("openpgp"), format!("openpgp: `{text}` {help}"))
                })?,
                (None, Some(text), None) => ssh(text).ok_or_else(|| {
                    (line("ssh"), format!("ssh: `{text}` is no fingerprint, as `ssh-keygen -l` shows it: SHA256: and 43 characters"))
                })?,
                (None, None, Some(X509::Fingerprint(text))) => x509(text).ok_or_else(|| {
                    let help = "is no fingerprint of a certificate; `openssl x509 -noout -fingerprint -sha256` shows its 64 digits";
                    (line("x509"), format!("x509: `{text}` {help}"))
                })?,
                (None, None, Some(X509::Identity { identity: name, issuer })) => {
                    let name = certificate_name(name)
                        .ok_or_else(|| (line("x509"), format!("identity: `{name}` is no e-mail, and no URI as in https://github.com/…")))?;
                    let text = format!("{name} by {}", issuer.as_deref().unwrap_or("no issuer"));
                    identity = Some(CertificateIdentity { name, issuer: issuer.clone() });
                    text
                }
                _ => {
                    let message = "a key is either `openpgp: FINGERPRINT`, `ssh: SHA256:…` or `x509`: SHA256:… or an identity";
                    return Err((line(""), message.to_owned()));
                }
            };
            let moment = |field: &str, moment: &Option<Moment>| match moment {
                None => Ok(None),
                Some(Moment::Time(text)) => match time(text) {
                    Some(time) => Ok(Some(trust::Moment::Time(time))),
                    None => Err((line(field), format!("{field}: `{text}` is no time, as in 2026-01-31T00:00:00Z"))),
                },
                Some(Moment::Position(Position { commit })) => {
                    self.commit(commit, (list, at, &["keys", &position, field, "commit"])).map(trust::Moment::Commit).map(Some)
                }
            };
            let (valid_from, retired_at) = (moment("validFrom", &key.valid_from)?, moment("retiredAt", &key.retired_at)?);
            let is_never = match (&valid_from, &retired_at) {
                (Some(trust::Moment::Time(from)), Some(trust::Moment::Time(end))) => from >= end,
                (Some(from), Some(end)) => from == end,
                _ => false,
            };
            if is_never {
                return Err((line("retiredAt"), "retiredAt is not after validFrom; the key would never be valid".to_owned()));
            }
            Ok(TrustedKey { fingerprint, identity, valid_from, retired_at })
        });
        read.collect()
    }

    /// A key of a forge or a bot is of nobody else, and nobody has one key twice. Two principals may claim the same key; it
    /// binds neither. The bots of one program share theirs. No forge's committer is a person.
    fn owners(&self, policy: &TrustPolicy) -> Result<(), Mistake> {
        let mut owners: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let principals = policy.principals.iter().enumerate().map(|(at, one)| ("principals", at, &one.name, &one.keys));
        let forges = policy.forges.iter().enumerate().map(|(at, one)| ("forges", at, &one.name, &one.keys));
        let bots = policy.bots.iter().enumerate().filter_map(|(at, one)| match &one.via {
            Via::Keys(keys) => Some(("bots", at, &one.name, keys)),
            Via::Forge(_) => None,
        });
        for (list, at, name, keys) in principals.chain(forges).chain(bots) {
            for (index, key) in keys.iter().enumerate() {
                let Some((other_list, other)) = owners.insert(&key.fingerprint, (list, name)) else { continue };
                if other == name || list != other_list || list == "forges" {
                    let line = self.line((list, at, &["keys", &index.to_string()]));
                    return Err((line, format!("key {} stands at `{other}` and at `{name}`", key.fingerprint)));
                }
            }
        }
        for (at, forge) in policy.forges.iter().enumerate() {
            let line = self.line(("forges", at, &["committer"]));
            let same = policy.forges[..at].iter().find(|other| other.committer == forge.committer).map(|other| &other.name);
            let person = policy.principals.iter().find(|principal| principal.emails.contains(&forge.committer)).map(|one| &one.name);
            if let Some(other) = same.or(person) {
                return Err((line, format!("committer {} is also that of `{other}`", forge.committer)));
            }
        }
        Ok(())
    }
}

fn known(file: &File) -> impl Iterator<Item = &String> {
    let principals = file.principals.iter().map(|principal| &principal.name);
    principals.chain(file.forges.iter().map(|forge| &forge.name)).chain(file.bots.iter().map(|bot| &bot.name))
}

fn is_known(file: &File, name: &String) -> bool {
    known(file).any(|known| known == name)
}

fn unknown_name(file: &File, name: &str, place: &str) -> String {
    let nearest = known(file).map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    let role = file.roles.contains_key(name).then(|| format!("{ROLE}{name}"));
    match role.or_else(|| nearest.filter(|(distance, _)| *distance <= 3).map(|(_, near)| near.clone())) {
        Some(near) => format!("{place}: nobody is called `{name}`; did you mean `{near}`?"),
        None => format!("{place}: nobody is called `{name}`"),
    }
}

/// The full fingerprint in upper case, as the keyring tells it. Blanks, as gpg prints them, and colons are left out.
fn openpgp(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|character| !matches!(character, ' ' | ':')).map(|digit| digit.to_ascii_uppercase()).collect();
    let digits = digits.strip_prefix("0X").map(str::to_owned).unwrap_or(digits);
    (matches!(digits.len(), 40 | 64) && digits.chars().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
}

fn ssh(text: &str) -> Option<String> {
    let digest = text.strip_prefix("SHA256:")?.trim_end_matches('=');
    let is_base64 = |character: char| character.is_ascii_alphanumeric() || matches!(character, '+' | '/');
    (digest.len() == 43 && digest.chars().all(is_base64)).then(|| format!("SHA256:{digest}"))
}

/// As the keyring tells it: `SHA256:` and upper-case digits. Colons, as openssl and gpgsm print them, are left out.
fn x509(text: &str) -> Option<String> {
    let digits: String = text.trim_start_matches("SHA256:").chars().filter(|character| *character != ':').collect();
    let is_digest = digits.len() == 64 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    is_digest.then(|| format!("SHA256:{}", digits.to_ascii_uppercase()))
}

/// A name in a certificate: a URI as it is, or an e-mail with its domain in lower case.
fn certificate_name(text: &str) -> Option<String> {
    let is_uri = text.contains("://") && !text.contains(char::is_whitespace);
    if is_uri { Some(text.to_owned()) } else { normal_email(text) }
}

/// A full object id.
fn commit(text: &str) -> Option<CommitId> {
    let id = text.to_ascii_lowercase();
    (matches!(id.len(), 40 | 64) && id.bytes().all(|digit| digit.is_ascii_hexdigit())).then(|| CommitId::new(id))
}

/// RFC 3339, or a day, which begins at midnight UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let day = || Some(text.parse::<chrono::NaiveDate>().ok()?.and_time(chrono::NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(day)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::model::attribution::Verdict;
    use crate::model::commit::CommitId;
    use crate::model::trust::{Moment, Require, TrustPolicy};

    const ALICE: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    fn read(text: &str) -> TrustPolicy {
        parse("trust.yaml", text.as_bytes()).expect("a policy").policy
    }

    fn error(text: &str) -> String {
        parse("trust.yaml", text.as_bytes()).err().expect("an error").to_string()
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let readme = include_str!("../../README.md");
        let start = readme.find("# trust.yaml").expect("the README shows a policy");
        let text = &readme[start..start + readme[start..].find("```").expect("the example ends")];
        let policy = read(text);
        assert!(!policy.principals.is_empty() && !policy.forges.is_empty() && !policy.bots.is_empty() && !policy.rules.is_empty());
    }

    /// `KUBEWITNESS_WRITE_SCHEMAS=1 cargo test --lib schema` writes the file anew.
    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schema/trust.schema.json");
        let generated = format!("{:#}\n", super::json_schema());
        if std::env::var_os("KUBEWITNESS_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &generated).expect("the file can be written");
        }
        let published = std::fs::read_to_string(&path).expect("the file is there");
        assert_eq!(published, generated, "trust.schema.json is not the schema of the types");
    }

    #[test]
    fn fingerprints_are_full_and_in_one_form() {
        let spaced = "0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567";
        let digest = "A".repeat(43);
        let policy = read(&format!(
            "principals:\n- name: alice\n  emails: [Alice@Example.COM]\n  keys: [{{openpgp: '{spaced}'}}, {{ssh: 'SHA256:{digest}'}}]\n"
        ));
        let keys: Vec<&str> = policy.principals[0].keys.iter().map(|key| key.fingerprint.as_str()).collect();
        assert_eq!(keys, [ALICE, &format!("SHA256:{digest}")]);
        assert_eq!(policy.principals[0].emails, ["Alice@example.com"]);
        let short = "principals:\n- name: alice\n  emails: [a@b]\n  keys:\n  - openpgp: 89ABCDEF01234567\n";
        assert!(error(short).starts_with("trust.yaml:5: openpgp: `89ABCDEF01234567` is no full fingerprint"), "{}", error(short));
        assert!(error("principals:\n- name: a\n  emails: [a@b]\n  keys:\n  - ssh: MD5:aa\n").starts_with("trust.yaml:5: ssh: `MD5:aa`"));
        assert!(error("principals:\n- name: a\n  emails: [a@b]\n  keys:\n  - {}\n").starts_with("trust.yaml:5: a key is either"));
    }

    #[test]
    fn certificates_are_named_by_fingerprint_or_by_identity_and_issuer() {
        let keys = |key: &str| format!("principals:\n- name: alice\n  emails: [a@b]\n  keys:\n  - x509: {key}\n");
        let (colons, digits) = (["ab"; 32].join(":"), format!("SHA256:{}", "AB".repeat(32)));
        let key = |text: &str| read(&keys(text)).principals.remove(0).keys.remove(0);
        assert_eq!((key(&format!("'{colons}'")).fingerprint, key(&format!("'{digits}'")).fingerprint), (digits.clone(), digits));
        let of = |text: &str| key(text).identity.map(|identity| (identity.name, identity.issuer));
        let issuer = Some("https://accounts.example".to_owned());
        assert_eq!(of("{identity: Alice@Example.COM, issuer: https://accounts.example}"), Some(("Alice@example.com".to_owned(), issuer)));
        let workflow = "https://github.com/a/b/.github/workflows/c.yml@refs/heads/main";
        assert_eq!(of(&format!("{{identity: '{workflow}'}}")), Some((workflow.to_owned(), None)));
        assert!(error(&keys("abcd")).starts_with("trust.yaml:5: x509: `abcd` is no fingerprint of a certificate"));
        assert!(error(&keys("{identity: alice}")).starts_with("trust.yaml:5: identity: `alice` is no e-mail"));
        assert!(error(&keys("{issuer: x}")).starts_with("trust.yaml:5: x509 needs `identity`"));
        assert!(error(&keys("{identity: a@b, isuer: x}")).contains("did you mean `issuer`?"));
    }

    #[test]
    fn an_unknown_key_is_told_with_its_line_and_a_suggestion() {
        assert_eq!(
            error("principals:\n- name: alice\n  email: [a@b]\n"),
            "trust.yaml:3: unknown key `email` in principals; did you mean `emails`?"
        );
        assert!(error("owners: []\n").starts_with("trust.yaml:1: unknown key `owners` in the trust policy; it knows"));
        assert!(error("# nothing\n").contains("the trust policy is empty"));
        assert!(error("rules: []\n---\nrules: []\n").contains("second document"));
    }

    #[test]
    fn times_are_times() {
        let key = |times: &str| format!("principals:\n- name: a\n  emails: [a@b]\n  keys:\n  - openpgp: '{ALICE}'\n    {times}\n");
        let keys = read(&key("validFrom: 2026-01-31\n    retiredAt: 2026-02-01T00:00:00+01:00")).principals[0].keys.clone();
        let at = |time: &str| Some(Moment::Time(time.parse().expect("a time")));
        assert_eq!(keys[0].valid_from, at("2026-01-31T00:00:00Z"));
        assert_eq!(keys[0].retired_at, at("2026-01-31T23:00:00Z"));
        assert!(error(&key("retiredAt: soon")).contains("trust.yaml:6: retiredAt: `soon` is no time"));
        assert!(error(&key("validFrom: 2026-02-01\n    retiredAt: 2026-01-01")).contains("never be valid"));
    }

    #[test]
    fn a_position_is_a_commit_in_full() {
        let key = |bounds: &str| format!("principals:\n- name: a\n  emails: [a@b]\n  keys:\n  - openpgp: {ALICE}\n    {bounds}\n");
        let keys = read(&key(&format!("retiredAt: {{commit: {ALICE}}}"))).principals.remove(0).keys;
        assert_eq!(keys[0].retired_at, Some(Moment::Commit(CommitId::new(ALICE.to_ascii_lowercase()))));
        assert!(error(&key("retiredAt: {commit: abc}")).contains("trust.yaml:6: commit: `abc` is no full id of a commit"));
        assert!(error(&key("retiredAt: {comit: abc}")).contains("trust.yaml:6: unknown key `comit` in retiredAt; did you mean `commit`?"));
        assert!(error(&key("retiredAt: [abc]")).contains("trust.yaml:6: retiredAt should be a mapping"));
        let both = format!("validFrom: {{commit: {ALICE}}}\n    retiredAt: {{commit: {ALICE}}}");
        assert!(error(&key(&both)).contains("never be valid"));
    }

    #[test]
    fn an_anchor_names_its_source_and_a_commit_in_full() {
        let anchor =
            read(&format!("anchors:\n- {{repository: '*/fleet', commit: {ALICE}, note: signing starts here}}\n")).anchors.remove(0);
        assert!(anchor.is_about("any", "https://git.example/fleet") && !anchor.is_about("any", "https://git.example/other"));
        assert_eq!(anchor.note.as_deref(), Some("signing starts here"));
        assert!(error(&format!("anchors:\n- {{commit: {ALICE}}}\n")).contains("trust.yaml:2: an anchor needs the `source`"));
        assert!(error("anchors:\n- {source: fleet, commit: main}\n").contains("trust.yaml:2: commit: `main` is no full id"));
    }

    #[test]
    fn rules_name_who_is_there_and_ask_for_something() {
        let with = |rule: &str| format!("principals: [{{name: alice, emails: [a@b]}}]\nroles: {{team: [alice]}}\nrules:\n- {rule}\n");
        let rule = read(&with("{allow: ['role:team'], min: forge-attested}")).rules.remove(0);
        assert_eq!(
            (rule.allow.map(|allow| allow.into_iter().collect()), rule.min),
            (Some(vec!["alice".to_owned()]), Some(Verdict::ForgeAttested))
        );
        assert_eq!(error(&with("{allow: [team]}")), "trust.yaml:4: allow: nobody is called `team`; did you mean `role:team`?");
        assert_eq!(error(&with("{allow: [alcie]}")), "trust.yaml:4: allow: nobody is called `alcie`; did you mean `alice`?");
        assert_eq!(error(&with("{allow: ['role:x']}")), "trust.yaml:4: allow: no role is called `x`");
        assert!(error(&with("{paths: [a]}")).contains("asks for nothing"));
        let require = |word: &str| with(&format!("{{min: forge-attested, require: {word}}}"));
        assert_eq!(read(&require("content")).rules[0].require, Some(Require::Content));
        assert_eq!(read(&with("{min: forge-attested}")).rules[0].require, None);
        assert_eq!(error(&require("all")), "trust.yaml:4: require: `all` is none of content, change, both");
        assert!(error(&with("{min: unsigned}")).contains("min: `unsigned` is none of verified-author, "));
        assert!(error(&with("{min: verified-author, ref: main}")).contains("refs/heads/main"));
        assert!(error(&with("{min: verified-author, paths: [/apps]}")).contains("paths: `/apps` is no pattern"));
        assert!(error(&with("{min: verified-author, kinds: ['!clusterrole']}")).contains("kinds: `!clusterrole` is no kind"));
        assert!(error("principals: [{name: a, emails: [a@b]}]\nroles: {team: [b]}\n").contains("role `team`: nobody is called `b`"));
    }

    #[test]
    fn a_key_has_one_owner_but_for_two_principals() {
        let principal = |name: &str| format!("- {{name: {name}, emails: [{name}@x], keys: [{{openpgp: '{ALICE}'}}]}}\n");
        assert_eq!(read(&format!("principals:\n{}{}", principal("a"), principal("b"))).principals.len(), 2);
        let forge = format!("forges:\n- {{name: f, committer: f@x, keys: [{{openpgp: '{ALICE}'}}]}}\n");
        assert!(error(&format!("principals:\n{}{forge}", principal("a"))).contains("stands at `a` and at `f`"));
        assert!(error("principals: [{name: a, emails: [a@x]}, {name: a, emails: [b@x]}]\n").contains("two are called `a`"));
        assert!(
            error("principals: [{name: a, emails: [f@x]}]\nforges: [{name: f, committer: f@X, keys: []}]\n")
                .contains("is also that of `a`")
        );
        assert!(error("bots: [{name: r, authorEmail: r@x, via: github}]\n").contains("no forge is called `github`"));
        assert!(error("bots: [{name: r, authorEmail: r@x}]\n").contains("either `via` a forge or with `keys`"));
        assert!(
            error(&format!("bots: [{{name: r, authorEmail: r@x, keys: [{{openpgp: '{ALICE}'}}], fields: [/a]}}]\n"))
                .contains("`/a` is no field")
        );
    }
}
