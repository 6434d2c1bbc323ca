//! Fetches a remote into a bare repository of our own.
//!
//! Only the fetch speaks through a `gix::Repository`, opened isolated: no configuration of the user or the system, no credential
//! helper, no prompt, no proxy from the environment. What was fetched is read through [`super::git`] like any other repository.

use std::error::Error as StdError;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::credentials::helper::Action;
use gix::protocol::handshake::Ref;
use gix::remote::{Direction, fetch::Tags, ref_map};
use gix_transport::client::blocking_io::http;

use super::ancestry::{Reach, reach};
use super::credentials::{Credentials, Login};
use super::error::{Error, Result};
use super::git::{Layout, Objects};
use super::location::{Location, shown, split_credentials};
use super::meter::Meter;
use super::reference::{self, Resolved, candidates, full_id, is_short_id};

/// How gix says that a server asks who we are and nobody answers.
const NO_LOGIN: &str = "No credentials were returned";

const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// One fetch.
pub(super) struct Fetch<'a> {
    /// Where from; not a folder.
    pub(super) location: &'a Location,
    /// What is asked for; the remote's default branch without.
    pub(super) reference: Option<&'a str>,
    pub(super) credentials: &'a Credentials,
    /// The bare repository to fetch into; made where there is none.
    pub(super) folder: &'a Path,
    /// A private folder that vanishes after the fetch.
    pub(super) scratch: &'a Path,
    pub(super) timeout: Duration,
    pub(super) meter: &'a Meter,
    pub(super) stop: &'a AtomicBool,
}

/// A reference as the remote tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Advertised {
    name: String,
    /// Where a symbolic reference leads.
    leads_to: Option<String>,
    /// The commit, tags peeled. Absent where the branch has no commit yet.
    id: Option<ObjectId>,
    /// The tag object that was peeled.
    tag: Option<ObjectId>,
}

impl Fetch<'_> {
    /// Fetches what is needed for the reference and says which commit it means at the remote: what an old fetch left in the
    /// folder answers nothing.
    pub(super) fn run(&self) -> Result<(Layout, Resolved)> {
        let (advertised, hash) = self.list()?;
        let known = fs::exists(self.folder.join("HEAD")).map_err(|source| Error::Io { path: self.folder.to_owned(), source })?;
        let first = self.fetch(&advertised, hash);
        let resolved = match first {
            // An interrupted or outdated cache is made anew once, whatever was wrong with it.
            Err(Error::Fetch(_) | Error::Missing(_) | Error::Corrupt { .. } | Error::NotARepository { .. }) if known => {
                fs::remove_dir_all(self.folder).map_err(|source| Error::Io { path: self.folder.to_owned(), source })?;
                self.fetch(&advertised, hash)?
            }
            other => other?,
        };
        Ok((self.layout()?, resolved))
    }

    fn layout(&self) -> Result<Layout> {
        let problem = || Error::NotARepository { path: self.folder.to_owned(), problem: "nothing was written".into() };
        Layout::at(self.folder)?.ok_or_else(problem)
    }

    fn fetch(&self, advertised: &[Advertised], hash: gix::hash::Kind) -> Result<Resolved> {
        let wanted = wanted(self.reference, advertised)?;
        let repository = self.open(self.folder, hash)?;
        let received = match &wanted {
            Wanted::Name(name) => self.receive(&repository, &[format!("+{name}:{name}")])?,
            Wanted::Id(_) => self.receive(&repository, &EVERYTHING.map(str::to_owned))?,
        };
        let objects = self.layout()?.objects()?;
        match wanted {
            Wanted::Name(name) => {
                let found = received.iter().find(|found| found.name == name).ok_or_else(|| missing(&name))?;
                let commit = reference::commit_of(&objects, found.id.ok_or_else(|| missing(&name))?, &name)?;
                let tag = found.tag.map(|tag| reference::tag_object(&objects, tag)).transpose()?.flatten();
                Ok(Resolved { requested: name, commit, tag })
            }
            Wanted::Id(text) => self.at_id(&objects, &text, &received),
        }
    }

    /// The commit of an id, where a branch or tag of the remote leads to it.
    fn at_id(&self, objects: &Objects, text: &str, received: &[Advertised]) -> Result<Resolved> {
        // An old server tells all of its references, those of pull requests among them.
        let is_lasting = |found: &&Advertised| found.name.starts_with("refs/heads/") || found.name.starts_with("refs/tags/");
        let tips: Vec<ObjectId> = received.iter().filter(is_lasting).filter_map(|found| found.id).collect();
        let found = match full_id(text) {
            Some(id) => reference::commit_of(objects, id, text),
            None => reference::short(objects, text),
        };
        let commit = match (found, full_id(text)) {
            (Ok(commit), _) => commit,
            // All that branches and tags lead to was fetched, and it is not among it.
            (Err(Error::ReferenceNotFound { .. }), Some(id)) => id,
            (Err(error), _) => return Err(error),
        };
        match reach(objects, &tips, commit, self.stop)? {
            Reach::Reached => Ok(Resolved { requested: commit.to_string(), commit, tag: None }),
            Reach::Unreached if self.reference.is_some_and(|reference| reference != "HEAD") => Err(Error::Unreachable(commit.to_string())),
            Reach::Unreached => {
                let hint = "; the commit is on no branch or tag of the remote".to_owned();
                Err(Error::ReferenceNotFound { reference: text.to_owned(), hint })
            }
            Reach::Untold => {
                let hint = "; what branches and tags of the remote lead to is cut off".to_owned();
                Err(Error::ReferenceNotFound { reference: text.to_owned(), hint })
            }
        }
    }

    /// Asks which branches and tags there are.
    fn list(&self) -> Result<(Vec<Advertised>, gix::hash::Kind)> {
        let repository = self.open(&self.scratch.join("list"), gix::hash::Kind::Sha1)?;
        let mut specs = EVERYTHING.map(str::to_owned).to_vec();
        specs.push("HEAD".into());
        specs.extend(self.reference.filter(|name| name.starts_with("refs/")).map(|name| format!("+{name}:{name}")));
        let remote = self.remote(&repository, &specs)?;
        let connection = self.connect(&remote)?;
        let (map, _) = connection.ref_map(self.meter.counter(), ref_map::Options::default()).map_err(|error| self.failed(&error))?;
        Ok((map.remote_refs.iter().map(advertised).collect(), map.object_hash))
    }

    fn receive(&self, repository: &gix::Repository, specs: &[String]) -> Result<Vec<Advertised>> {
        let remote = self.remote(repository, specs)?;
        let connection = self.connect(&remote)?;
        let fetch = connection.prepare_fetch(self.meter.counter(), ref_map::Options::default()).map_err(|error| self.failed(&error))?;
        let outcome = fetch.receive(self.meter.counter(), self.stop).map_err(|error| self.failed(&error))?;
        Ok(outcome.ref_map.remote_refs.iter().map(advertised).collect())
    }

    fn open(&self, folder: &Path, hash: gix::hash::Kind) -> Result<gix::Repository> {
        let mut overrides = vec!["core.useReplaceRefs=false".to_owned(), "core.commitGraph=false".into(), "gc.auto=0".into()];
        if matches!(self.location, Location::Ssh(_)) {
            overrides.extend([format!("core.sshCommand={}", self.ssh_command()?), "ssh.variant=ssh".into()]);
        }
        let options = gix::open::Options::isolated().with(gix::sec::Trust::Reduced).config_overrides(overrides);
        let io = |source| Error::Io { path: folder.to_owned(), source };
        if fs::exists(folder.join("HEAD")).map_err(io)? {
            return gix::open_opts(folder, options).map_err(|error| self.failed(&error));
        }
        make_private(folder)?;
        let create = gix::create::Options { object_hash: Some(hash), ..Default::default() };
        gix::ThreadSafeRepository::init_opts(folder, gix::create::Kind::Bare, create, options)
            .map(|made| made.to_thread_local())
            .map_err(|error| self.failed(&error))
    }

    fn remote<'r>(&self, repository: &'r gix::Repository, specs: &[String]) -> Result<gix::Remote<'r>> {
        let (_, url) = split_login(self.location);
        let url = gix::url::parse(url.as_bytes().as_bstr()).map_err(|error| self.failed(&error))?;
        let remote = repository.remote_at_without_url_rewrite(url).map_err(|error| self.failed(&error))?;
        let specs = specs.iter().map(|spec| spec.as_bytes().as_bstr());
        remote.with_fetch_tags(Tags::None).with_refspecs(specs, Direction::Fetch).map_err(|error| self.failed(&error))
    }

    fn connect<'r, 'a>(&self, remote: &'r gix::Remote<'a>) -> Result<Connection<'r, 'a>> {
        let mut connection = remote.connect(Direction::Fetch).map_err(|error| self.failed(&error))?;
        let Location::Https(url) = self.location else {
            connection.set_credentials(|_| Ok(None));
            return Ok(connection);
        };
        let login = self.credentials.login(split_credentials(url).0)?;
        let host = authority(url);
        connection.set_credentials(move |action| Ok(answer(action, login.as_ref(), &host)));
        connection.set_transport_options(Box::new(self.http()?));
        Ok(connection)
    }

    /// The settings of the https client. Redirects are followed for the first request only, as Git does.
    fn http(&self) -> Result<http::Options> {
        // One provider serves all connections of the process; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trusted = match &self.credentials.ca {
            None => None,
            Some(path) => {
                let bytes = fs::read(path).map_err(|source| Error::Io { path: path.clone(), source })?;
                let unreadable = |error| Error::Fetch(format!("{} holds no certificates: {error}", path.display()));
                Some(reqwest::Certificate::from_pem_bundle(&bytes).map_err(unreadable)?)
            }
        };
        let timeout = self.timeout;
        let backend = http::reqwest::Options {
            configure_client: Some(Box::new(move |builder| {
                let builder = builder.no_proxy().timeout(timeout);
                Ok(match &trusted {
                    Some(trusted) => builder.tls_certs_only(trusted.clone()),
                    None => builder,
                })
            })),
            configure_request: None,
        };
        let agent = Some(concat!("kubewitness/", env!("CARGO_PKG_VERSION")).to_owned());
        Ok(http::Options { user_agent: agent, backend: Some(Arc::new(Mutex::new(backend))), ..Default::default() })
    }

    /// The call of ssh. A file of ours takes the place of the configurations of user and system: unknown hosts are refused,
    /// nothing is asked, no other program is started. What it complains about goes into a file, for our message.
    fn ssh_command(&self) -> Result<String> {
        let path = self.scratch.join("ssh_config");
        fs::write(&path, ssh_settings(self.credentials)?).map_err(|source| Error::Io { path: path.clone(), source })?;
        let folder = self.scratch.to_str();
        let folder = folder.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)));
        let unusable = || {
            let folder = self.scratch.display();
            Error::Fetch(format!("the temporary folder {folder} has a name that cannot be handed to ssh; set TMPDIR"))
        };
        folder.map(|folder| format!("ssh -F {folder}/ssh_config -E {folder}/ssh_log")).ok_or_else(unusable)
    }

    /// What ssh complained about, in one line.
    fn ssh_complaint(&self) -> Option<String> {
        let bytes = fs::read(self.scratch.join("ssh_log")).ok()?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).split_whitespace().collect::<Vec<_>>().join(" ");
        Some(text).filter(|text| !text.is_empty())
    }

    fn failed(&self, error: &(dyn StdError + 'static)) -> Error {
        if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Error::TimedOut(self.timeout.as_secs());
        }
        let (Location::Https(url) | Location::Ssh(url)) = self.location else { return Error::Fetch(causes(error)) };
        let text = self.without_login(self.ssh_complaint().unwrap_or_else(|| causes(error)));
        let text = if text.contains(NO_LOGIN) { "401 Unauthorized, and the source has no login for it".to_owned() } else { text };
        Error::Fetch(format!("{} gave nothing: {text}; {}", shown(url), advice(&text)))
    }

    /// An error text may hold the URL that was asked.
    fn without_login(&self, text: String) -> String {
        let (login, url) = split_login(self.location);
        let login = self.credentials.login(login).ok().flatten();
        let query = url.split_once(['?', '#']).map(|(_, query)| query.to_owned());
        let secrets = login.map(|login| login.password).into_iter().chain(query).filter(|secret| !secret.is_empty());
        secrets.fold(text, |text, secret| text.replace(&secret, "***"))
    }
}

type Connection<'r, 'a> = gix::remote::Connection<'r, 'r, 'a, Box<dyn gix::protocol::transport::client::blocking_io::Transport + Send>>;

/// What has to be fetched for a reference.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// A full name.
    Name(String),
    /// A commit, which may lie on any branch.
    Id(String),
}

fn missing(name: &str) -> Error {
    Error::ReferenceNotFound { reference: name.to_owned(), hint: "; the remote has no such branch or tag".into() }
}

fn wanted(reference: Option<&str>, advertised: &[Advertised]) -> Result<Wanted> {
    let Some(reference) = reference.filter(|reference| *reference != "HEAD") else {
        let head = advertised.iter().find(|found| found.name == "HEAD").ok_or_else(|| missing("HEAD"))?;
        return match (&head.leads_to, head.id) {
            (Some(name), Some(_)) => Ok(Wanted::Name(name.clone())),
            (None, Some(id)) => Ok(Wanted::Id(id.to_string())),
            _ => Err(missing("HEAD")),
        };
    };
    if full_id(reference).is_some() {
        return Ok(Wanted::Id(reference.to_owned()));
    }
    let names = candidates(reference);
    let found: Vec<_> = names
        .into_iter()
        .filter_map(|name| advertised.iter().find(|found| found.name == name).and_then(|found| found.id).map(|id| (name, id)))
        .collect();
    if found.is_empty() && is_short_id(reference) {
        return Ok(Wanted::Id(reference.to_owned()));
    }
    if found.is_empty() {
        return Err(missing(reference));
    }
    reference::only(reference, found).map(|(name, _)| Wanted::Name(name))
}

fn advertised(reference: &Ref) -> Advertised {
    let text = |name: &gix::bstr::BString| name.to_string();
    match reference {
        Ref::Peeled { full_ref_name, object, tag } => {
            Advertised { name: text(full_ref_name), leads_to: None, id: Some(*object), tag: Some(*tag) }
        }
        Ref::Direct { full_ref_name, object } => Advertised { name: text(full_ref_name), leads_to: None, id: Some(*object), tag: None },
        Ref::Symbolic { full_ref_name, target, object, tag } => {
            Advertised { name: text(full_ref_name), leads_to: Some(text(target)), id: Some(*object), tag: *tag }
        }
        Ref::Unborn { full_ref_name, target } => {
            Advertised { name: text(full_ref_name), leads_to: Some(text(target)), id: None, tag: None }
        }
    }
}

/// Answers a server that asks who we are: only the host that was configured, so that a redirect cannot fetch a password.
fn answer(action: Action, login: Option<&Login>, host: &str) -> Option<gix::credentials::protocol::Outcome> {
    let Action::Get(context) = action else { return None };
    let asked = context.url.as_ref().map(|url| authority(&url.to_str_lossy())).or_else(|| context.host.clone());
    let login = login.filter(|_| asked.as_deref() == Some(host))?;
    let identity =
        gix::sec::identity::Account { username: login.username.clone(), password: login.password.clone(), oauth_refresh_token: None };
    Some(gix::credentials::protocol::Outcome { identity, next: context.into() })
}

/// Scheme, host and port: `https://git.example:8443`.
fn authority(url: &str) -> String {
    let (_, url) = split_credentials(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

fn split_login(location: &Location) -> (Option<(String, String)>, String) {
    match location {
        Location::Https(url) => split_credentials(url),
        Location::Ssh(url) => (None, url.clone()),
        Location::Folder(path) => (None, path.display().to_string()),
    }
}

fn ssh_settings(credentials: &Credentials) -> Result<String> {
    let mut lines = vec![
        "Host *".to_owned(),
        "BatchMode yes".into(),
        "StrictHostKeyChecking yes".into(),
        "UpdateHostKeys no".into(),
        "PasswordAuthentication no".into(),
        "KbdInteractiveAuthentication no".into(),
        "ForwardAgent no".into(),
        "ForwardX11 no".into(),
        "PermitLocalCommand no".into(),
        "ProxyCommand none".into(),
        "ControlMaster no".into(),
        "ControlPath none".into(),
        "ConnectTimeout 20".into(),
        "ServerAliveInterval 15".into(),
        "ServerAliveCountMax 4".into(),
    ];
    if let Some(path) = &credentials.known_hosts {
        lines.push(format!("UserKnownHostsFile {}", ssh_word(path)?));
        lines.push("GlobalKnownHostsFile none".into());
    }
    if let Some(path) = &credentials.ssh_key {
        lines.push(format!("IdentityFile {}", ssh_word(path)?));
        lines.push("IdentitiesOnly yes".into());
        lines.push("IdentityAgent none".into());
    }
    Ok(lines.join("\n    ") + "\n")
}

/// A path as ssh_config(5) reads it.
fn ssh_word(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\\', '$']) && !text.chars().any(char::is_control));
    let unusable = || Error::Fetch(format!("{} has a name that cannot be handed to ssh; give the file another name", path.display()));
    text.map(|text| format!("\"{}\"", text.replace('%', "%%"))).ok_or_else(unusable)
}

fn make_private(folder: &Path) -> Result<()> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(io)
}

/// An error and what led to it, each once.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// What a person can do about it.
fn advice(text: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["Host key verification", "host key"]) {
        "add the key of the host to a known-hosts file and name it in the credentials"
    } else if has(&["401", "403", "ermission denied", "redentials"]) {
        "check the credentials of the source and what they may read"
    } else if has(&["ertificate", "UnknownIssuer"]) {
        "name the file of the certificate authority in the credentials of the source"
    } else {
        "check the URL and whether the host can be reached from here"
    }
}

#[cfg(test)]
mod tests {
    use super::{Advertised, Wanted, authority, ssh_settings, wanted};
    use crate::source::credentials::Credentials;
    use gix::ObjectId;

    fn reference(name: &str, leads_to: Option<&str>) -> Advertised {
        let id = Some(ObjectId::null(gix::hash::Kind::Sha1));
        Advertised { name: name.into(), leads_to: leads_to.map(str::to_owned), id, tag: None }
    }

    #[test]
    fn names_mean_what_the_remote_says() {
        let all = [reference("HEAD", Some("refs/heads/trunk")), reference("refs/heads/trunk", None), reference("refs/tags/v1", None)];
        assert_eq!(wanted(None, &all).unwrap(), Wanted::Name("refs/heads/trunk".into()));
        assert_eq!(wanted(Some("v1"), &all).unwrap(), Wanted::Name("refs/tags/v1".into()));
        assert_eq!(wanted(Some("abcd12"), &all).unwrap(), Wanted::Id("abcd12".into()));
        assert!(wanted(Some("main"), &all).is_err());
    }

    #[test]
    fn a_tag_named_like_a_branch_is_not_chosen_silently() {
        let all = [reference("refs/heads/main", None), reference("refs/tags/main", None)];
        assert_eq!(wanted(Some("main"), &all).unwrap_err().reason(), "reference ambiguous");
        assert_eq!(wanted(Some("refs/heads/main"), &all).unwrap(), Wanted::Name("refs/heads/main".into()));
    }

    #[test]
    fn passwords_are_for_one_host_and_port() {
        assert_eq!(authority("https://bob:x@git.example:8443/a/b?c"), "https://git.example:8443");
        assert_ne!(authority("https://git.example/a"), authority("http://git.example/a"));
    }

    #[test]
    fn ssh_refuses_unknown_hosts_and_never_asks() {
        let text = ssh_settings(&Credentials { ssh_key: Some("/k/a b%".into()), ..Default::default() }).unwrap();
        for line in ["StrictHostKeyChecking yes", "BatchMode yes", "IdentityFile \"/k/a b%%\"", "IdentitiesOnly yes"] {
            assert!(text.contains(line), "{line}");
        }
        assert!(ssh_settings(&Credentials { ssh_key: Some("/k\nProxyCommand x".into()), ..Default::default() }).is_err());
    }
}
