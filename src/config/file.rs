//! The types of `kubewitness.yaml`. Their documentation comments are the descriptions in the published schema.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{keyring, render, source as git};

/// Configuration of kubewitness.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct File {
    /// The cluster that is read.
    pub cluster: Cluster,
    /// Where objects are declared.
    pub sources: Vec<Source>,
    /// Keys that speak for persons and forges.
    pub keys: Keys,
    /// The trust policy: a file outside of what it judges, or the place of one in the repository of a source. With one, only it
    /// binds a key to a person.
    pub trust: Option<Trust>,
    /// Whether Secrets are compared (by keyed digests of their values) or left out and counted as excluded.
    pub secrets: SecretsMode,
    /// Objects that are declared nowhere.
    pub undeclared: Undeclared,
    /// Differences that are not judged: listed and counted in the record instead.
    pub ignore: Vec<Ignore>,
    /// Field managers that kubewitness does not know, or knows as something else.
    pub managers: Vec<Manager>,
    /// From which severity on findings make the exit code 1.
    pub fail_on: FailOn,
    /// The folder in which scans remember where the references of the sources stood, so that the next one sees a rewritten
    /// history; `none`: nothing is remembered. Relative paths start at the folder of this file. Default: kubewitness in the
    /// user's state folder ($XDG_STATE_HOME, or ~/.local/state).
    pub state: Option<PathBuf>,
}

/// Differences that are not judged. What is not given matches everything; `*` stands for any text, `?` for one character.
/// Without paths and managers the rule leaves out whole objects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// Why, in the words of the record.
    pub reason: String,
    /// API group; empty for the core group.
    pub group: Option<String>,
    /// Kind.
    pub kind: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Labels in the words of kubectl, as in app=web,tier!=cache. The declared ones count; of undeclared objects the live ones.
    pub selector: Option<String>,
    /// JSON pointers (/spec/template/spec/containers/*/image) or fields (spec.template.spec.containers[name=*].image), and
    /// what is below them.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Names of field managers who wrote the field last.
    #[serde(default)]
    pub managers: Vec<String>,
}

/// Where the trust policy lies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Trust {
    /// A file of this machine. Relative paths start at the folder of this file.
    File(PathBuf),
    /// A file in the repository of a source.
    Kept(KeptTrust),
}

/// A trust policy in a repository that it judges. A commit is judged by the version that was in force before it, and a version
/// counts where that one lets whoever made it change the policy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptTrust {
    /// The name of the source.
    pub source: String,
    /// The file, from the root of its repository.
    pub path: String,
    /// The full id of the commit whose version of the file you have reviewed. Of its ancestors nothing is claimed.
    pub anchor: String,
}

/// A field manager and what it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    /// Its name, in which `*` stands for any text.
    pub name: String,
    /// The operation. Default: both.
    pub operation: Option<Operation>,
    /// The subresource that it writes. Default: any or none.
    pub subresource: Option<String>,
    /// What it is.
    pub class: Class,
}

/// An operation of managedFields.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

/// What a field manager is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A person's tool: what it writes and Git does not declare is drift.
    Person,
    /// A GitOps tool, which applies what Git declares.
    Applier,
    /// A tool that a person or a pipeline applies manifests with.
    Installer,
    /// Software of the cluster: what it writes and Git does not declare is its own business.
    Controller,
}

/// The cluster that is read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Its name in reports. Default: the name of the context.
    pub name: Option<String>,
}

/// A repository or folder that declares objects.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Source {
    /// Its name in reports. Default: the last part of the URL.
    pub name: Option<String>,
    /// A path, or a file://, https:// or ssh:// URL. Relative paths start at the folder of this file.
    pub url: String,
    /// Branch, tag or commit. Default: the checked-out HEAD, or the default branch of a remote.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The folder in it that declares objects. Default: the root.
    pub path: Option<String>,
    /// How manifests are made of the files.
    #[serde(default)]
    pub render: RenderMode,
    /// Whether Kustomize may load files from outside of a kustomization's folder, as the applying tool has it set.
    #[serde(default)]
    pub load_restrictor: LoadRestrictor,
    /// The namespace of namespaced objects that name none.
    pub namespace: Option<String>,
    /// The field manager that applies this source. Default: decided for each object.
    pub applier: Option<String>,
    /// How to log in to a remote.
    pub credentials: Option<Credentials>,
}

/// How to log in to a remote: names of files and environment variables, never the secrets themselves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Credentials {
    /// Environment variable with the user name (https).
    pub username_env: Option<String>,
    /// File with the user name (https).
    pub username_file: Option<PathBuf>,
    /// Environment variable with the password or token (https).
    pub password_env: Option<String>,
    /// File with the password or token (https).
    pub password_file: Option<PathBuf>,
    /// File with the private key (ssh).
    pub ssh_key_file: Option<PathBuf>,
    /// File with the known hosts (ssh). Default: those of the user.
    pub known_hosts_file: Option<PathBuf>,
    /// File with the certificate authorities to trust (https). Default: those of the system.
    pub ca_file: Option<PathBuf>,
}

/// How manifests are made of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RenderMode {
    /// Kustomize where a folder has a kustomization file, else plain files.
    #[default]
    Auto,
    /// YAML and JSON files as they stand.
    Plain,
    /// Kustomize.
    Kustomize,
}

/// What a kustomization may load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadRestrictor {
    /// Files of its own folder only, the default of Kustomize.
    #[default]
    Root,
    /// Files from anywhere in the repository.
    None,
}

/// Keys that speak for persons and forges.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Keys {
    /// Files with OpenPGP keys of persons, armored or binary.
    pub openpgp: Vec<PathBuf>,
    /// Files in the format of allowed_signers, ssh-keygen(1).
    pub ssh: Vec<PathBuf>,
    /// Files with SSH keys and certificates that are revoked: public keys, one in a line, or a KRL of ssh-keygen(1).
    pub ssh_revoked: Vec<PathBuf>,
    /// Files with X.509 certificates in PEM: roots, and others on the way to them.
    pub x509_roots: Vec<PathBuf>,
    /// Lists of revoked X.509 certificates (CRL), in PEM or DER.
    pub x509_revoked: Vec<PathBuf>,
    /// Files with public keys of Rekor logs in PEM, for signatures of gitsign.
    pub rekor_keys: Vec<PathBuf>,
    /// Forges that sign in the name of others.
    pub forges: Vec<Forge>,
}

/// A forge that signs in the name of others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    /// Its name in reports, as in github.
    pub name: String,
    /// File with its OpenPGP keys.
    pub openpgp: PathBuf,
    /// The committer e-mail that it signs for, as in noreply@github.com.
    pub committer: String,
}

/// What is done with Secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SecretsMode {
    /// Compared by keyed digests.
    #[default]
    Compare,
    /// Left out and counted as excluded.
    Skip,
}

impl SecretsMode {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compare => "compare",
            Self::Skip => "skip",
        }
    }
}

/// Objects that are declared nowhere.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Undeclared {
    /// The namespaces in which they are looked for.
    pub namespaces: Vec<String>,
}

/// From which severity on findings make the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Warnings and errors.
    Warning,
    /// Any finding.
    Note,
    /// No finding.
    Never,
}

impl Source {
    /// The name, which `source::named` has made sure of.
    pub(super) fn id(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    /// Takes relative paths from the folder of the file.
    pub(super) fn relative_to(mut self, folder: &Path) -> Self {
        if !super::place::is_remote(&self.url) && Path::new(&self.url).is_relative() {
            self.url = folder.join(&self.url).to_string_lossy().into_owned();
        }
        if let Some(credentials) = &mut self.credentials {
            for file in [
                &mut credentials.username_file,
                &mut credentials.password_file,
                &mut credentials.ssh_key_file,
                &mut credentials.known_hosts_file,
                &mut credentials.ca_file,
            ] {
                *file = file.take().map(|path| folder.join(path));
            }
        }
        self
    }

    /// What of it can change a verdict.
    pub(super) fn policy(&self) -> Value {
        json!({
            "name": self.name,
            "ref": self.reference,
            "path": self.path,
            "render": format!("{:?}", self.render),
            "loadRestrictor": format!("{:?}", self.load_restrictor),
            "namespace": self.namespace,
            "applier": self.applier,
        })
    }

    pub(super) fn render_settings(&self) -> render::SourceSettings {
        render::SourceSettings {
            render: match self.render {
                RenderMode::Auto => render::Mode::Auto,
                RenderMode::Plain => render::Mode::Plain,
                RenderMode::Kustomize => render::Mode::Kustomize,
            },
            load_restrictor_none: self.load_restrictor == LoadRestrictor::None,
            namespace: self.namespace.clone(),
            applier: self.applier.clone(),
        }
    }

    pub(super) fn git_settings(&self) -> git::SourceSettings {
        git::SourceSettings {
            id: self.id(),
            url: self.url.clone(),
            reference: self.reference.clone(),
            path: self.path.clone().unwrap_or_default(),
            credentials: self.credentials.clone().map(Credentials::settings).unwrap_or_default(),
        }
    }
}

impl Credentials {
    /// A file wins over an environment variable.
    fn settings(self) -> git::Credentials {
        let place = |file: Option<PathBuf>, variable: Option<String>| {
            file.map(git::SecretPlace::File).or_else(|| variable.map(git::SecretPlace::Environment))
        };
        git::Credentials {
            username: place(self.username_file, self.username_env),
            password: place(self.password_file, self.password_env),
            ssh_key: self.ssh_key_file,
            known_hosts: self.known_hosts_file,
            ca: self.ca_file,
        }
    }
}

impl Keys {
    /// Takes relative paths from the folder of the file.
    pub(super) fn relative_to(mut self, folder: &Path) -> Self {
        let ssh = self.ssh.iter_mut().chain(&mut self.ssh_revoked);
        let x509 = self.x509_roots.iter_mut().chain(&mut self.x509_revoked).chain(&mut self.rekor_keys);
        let files = self.openpgp.iter_mut().chain(ssh).chain(x509).chain(self.forges.iter_mut().map(|forge| &mut forge.openpgp));
        files.for_each(|path| *path = folder.join(&*path));
        self
    }
}

impl Forge {
    pub(super) fn settings(self) -> keyring::Forge {
        keyring::Forge { name: self.name, openpgp: vec![self.openpgp], committer: self.committer }
    }
}
