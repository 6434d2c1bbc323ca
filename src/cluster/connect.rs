//! From settings to a live cluster: kubeconfig, context, exec plugin, or the service account of the pod.

use std::path::Path;

use http::Uri;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::client::Client;
use super::failure::{Patience, auth_text};
use super::live::Live;
use super::{Error, Settings};
use crate::progress::Progress;
use crate::secret::Redactor;

/// The name of a cluster that nobody named, read from inside.
const IN_CLUSTER: &str = "in-cluster";

pub(super) async fn connect(settings: &Settings, progress: Progress) -> Result<Live, Error> {
    // A provider that is there already is as good as ours.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (config, context) = config(settings).await?;
    let server = server(&config.cluster_url);
    let client = Client::new(config, settings.timeout, Patience::default()).map_err(|error| Error::Kubeconfig(client_text(&error)))?;
    let redactor = Redactor::random().map_err(Error::Random)?;
    Ok(Live { client, redactor, progress, name: settings.name.clone().unwrap_or(context), server, cache: settings.cache.clone() })
}

/// The address without user and password, to be shown.
fn server(url: &http::Uri) -> String {
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme_str().unwrap_or("https"), url.host().unwrap_or_default())
}

/// kube's own inference goes on to the service account where a kubeconfig is broken, and would read another cluster than the
/// one that was meant. It also obeys `KUBE_RS_DEBUG_*`.
async fn config(settings: &Settings) -> Result<(Config, String), Error> {
    let kubeconfig = match &settings.kubeconfig {
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| kubeconfig_error(&error))?),
        None => found_kubeconfig()?,
    };
    let Some(kubeconfig) = kubeconfig else { return in_cluster(settings) };
    let context = settings.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    let names_a_proxy = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref()).any(|cluster| cluster.proxy_url.is_some());
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| kubeconfig_error(&error))?;
    if !names_a_proxy && needs_no_proxy(config.cluster_url.host().unwrap_or_default()) {
        config.proxy_url = None;
    }
    config.cluster_url = without_login(config.cluster_url)?;
    Ok((config, context))
}

/// The address of the server. A login in it is not sent by kube, but logged by what it stands on.
fn without_login(url: Uri) -> Result<Uri, Error> {
    let Some((_, host)) = url.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else { return Ok(url) };
    let bare = Uri::builder().scheme(url.scheme_str().unwrap_or("https")).authority(host);
    let bare = bare.path_and_query(url.path_and_query().map_or("/", |path| path.as_str())).build();
    bare.map_err(|_| Error::Kubeconfig("the server of the kubeconfig is no URL".to_owned()))
}

fn found_kubeconfig() -> Result<Option<Kubeconfig>, Error> {
    if let Some(named) = Kubeconfig::from_env().map_err(|error| kubeconfig_error(&error))? {
        return Ok(Some(named));
    }
    let default = std::env::home_dir().map(|home| home.join(".kube").join("config")).filter(|path| Path::exists(path));
    default.map(|path| Kubeconfig::read_from(path).map_err(|error| kubeconfig_error(&error))).transpose()
}

fn in_cluster(settings: &Settings) -> Result<(Config, String), Error> {
    if let Some(context) = &settings.context {
        return Err(Error::Kubeconfig(format!("there is no kubeconfig that could have the context {context:?}")));
    }
    let config = Config::incluster_env()
        .map_err(|error| Error::Kubeconfig(format!("there is neither a kubeconfig nor a service account of a pod: {error}")))?;
    Ok((config, IN_CLUSTER.to_owned()))
}

/// Whether the environment exempts a host from its proxy, as Go and so kubectl read it: what is local always, and what
/// `NO_PROXY` names. Without its proxy features kube takes the proxy and not the exemption.
fn needs_no_proxy(host: &str) -> bool {
    let exempt = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
    is_exempt(host, &exempt)
}

fn is_exempt(host: &str, exempt: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let names = |entry: &str| match entry.strip_prefix('.') {
        _ if entry == "*" => true,
        Some(_) => bare.ends_with(entry),
        None => bare == entry || bare.strip_suffix(entry).is_some_and(|rest| rest.ends_with('.')),
    };
    is_local || exempt.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(names)
}

/// Parse errors quote the file, tokens included, so their text is not used.
fn kubeconfig_error(error: &KubeconfigError) -> Error {
    let text = match error {
        KubeconfigError::ReadConfig(cause, path) => format!("the kubeconfig {} cannot be read: {cause}", path.display()),
        KubeconfigError::Parse(_) => "the kubeconfig is not one: it cannot be parsed".to_owned(),
        KubeconfigError::CurrentContextNotSet => "the kubeconfig has no current context; name one with --context".to_owned(),
        KubeconfigError::LoadContext(name) => format!("the kubeconfig has no context {name:?}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("the kubeconfig has no cluster {name:?}, which its context names"),
        other => format!("the kubeconfig cannot be used: {other}"),
    };
    Error::Kubeconfig(text)
}

fn client_text(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(auth) => auth_text(auth),
        // Their texts hold the address of the proxy, and that may hold a password.
        kube::Error::ProxyProtocolDisabled { .. } | kube::Error::ProxyProtocolUnsupported { .. } => {
            "the kubeconfig or HTTPS_PROXY names a proxy, and this program cannot reach a cluster through one".to_owned()
        }
        other => format!("no client can be made of the kubeconfig: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_exempt, without_login};

    #[test]
    fn a_login_in_the_address_is_taken_out() {
        let bare = |url: &str| without_login(url.parse().unwrap()).unwrap().to_string();
        assert_eq!(bare("https://bob:s3cret@127.0.0.1:6443/k8s?a=b"), "https://127.0.0.1:6443/k8s?a=b");
        assert_eq!(bare("https://127.0.0.1:6443/k8s/"), "https://127.0.0.1:6443/k8s/");
    }

    #[test]
    fn what_is_local_or_named_needs_no_proxy() {
        for host in ["localhost", "127.0.0.1", "[::1]", "api.corp.example", "corp.example"] {
            assert!(is_exempt(host, "10.0.0.0/8, corp.example"), "{host}");
        }
        assert!(is_exempt("api.corp.example", ".corp.example") && !is_exempt("corp.example", ".corp.example"));
        assert!(!is_exempt("notcorp.example", "corp.example"));
        assert!(!is_exempt("8.8.8.8", ""));
        assert!(is_exempt("8.8.8.8", "*"));
    }
}
