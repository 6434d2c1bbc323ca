//! Where passwords, tokens and keys are read from: files and environment variables, never a program, never a prompt.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::error::{Error, Result};

/// Names of what proves who asks. Nothing secret stands in it, so that settings can be shown.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Where the user name stands (https). Without one, a token is sent for the user `git`, which forges accept.
    pub username: Option<SecretPlace>,
    /// Where the password or token stands (https).
    pub password: Option<SecretPlace>,
    /// File of the private key (ssh), without a passphrase. Without one, ssh's agent and usual files serve.
    pub ssh_key: Option<PathBuf>,
    /// File of the known hosts (ssh). Without one, those of the user and the system count. An unknown host is refused.
    pub known_hosts: Option<PathBuf>,
    /// File of certificates in PEM (https), which are trusted instead of the system's.
    pub ca: Option<PathBuf>,
}

/// Where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In this file; a line end at its end is not part of it.
    File(PathBuf),
    /// In the environment variable of this name.
    Environment(String),
}

/// A user and a password. `Debug` shows neither.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Login(…)")
    }
}

impl Credentials {
    /// The login for https: the configured one, else the one that stands in the URL.
    pub(super) fn login(&self, in_url: Option<(String, String)>) -> Result<Option<Login>> {
        let username = self.username.as_ref().map(SecretPlace::read).transpose()?;
        let password = self.password.as_ref().map(SecretPlace::read).transpose()?;
        let (url_username, url_password) = in_url.unzip();
        match (username.or(url_username), password.or(url_password)) {
            (None, None) => Ok(None),
            (username, password) => {
                let username = username.unwrap_or_else(|| "git".to_owned());
                Ok(Some(Login { username, password: password.unwrap_or_default() }))
            }
        }
    }
}

impl SecretPlace {
    fn read(&self) -> Result<String> {
        let text = match self {
            Self::File(path) => fs::read_to_string(path).map_err(|source| Error::Io { path: path.clone(), source })?,
            Self::Environment(name) => std::env::var(name)
                .map_err(|_| Error::Fetch(format!("the environment variable {name} is not set to text; it should hold a credential")))?,
        };
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Credentials, SecretPlace};

    #[test]
    fn a_file_wins_over_the_url_and_loses_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let place = Some(SecretPlace::File(file.path().to_owned()));
        let credentials = Credentials { password: place, ..Default::default() };
        let login = credentials.login(Some(("bob".into(), "old".into()))).unwrap().unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("bob", "s3cret"));
        assert_eq!(format!("{login:?}"), "Login(…)");
    }

    #[test]
    fn a_missing_variable_is_an_error_and_no_empty_password() {
        let place = Some(SecretPlace::Environment("KUBEWITNESS_NO_SUCH_VARIABLE".into()));
        assert!(Credentials { password: place, ..Default::default() }.login(None).is_err());
    }
}
