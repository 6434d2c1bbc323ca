//! The transport under the client: kube's connection and authentication, without two delays that kube's own stack has.
//!
//! kube leaves Nagle's algorithm on, so that a new connection waits 40 ms for an acknowledgement before its first request
//! leaves. And it always asks for compressed answers: between neighbours that costs the API server and us more than the bytes.

use std::net::IpAddr;

use http::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use tower::util::BoxCloneService;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};
use tower_http::decompression::{DecompressionBody, DecompressionLayer};

use super::read_only::ReadOnly;

type Answer = Response<DecompressionBody<hyper::body::Incoming>>;

/// A client of kube that sends through `layer`.
pub(super) fn client(config: Config, layer: &ReadOnly) -> Result<kube::Client, kube::Error> {
    if config.proxy_url.is_some() {
        // kube says which proxies it cannot use.
        return Ok(ClientBuilder::try_from(config)?.with_layer(layer).build());
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let transport = hyper_util::client::legacy::Builder::new(TokioExecutor::new()).build::<_, Body>(connector);
    let compressed = !config.disable_compression && !is_neighbour(&config);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().no_br().no_deflate().no_zstd().gzip(compressed))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(transport);
    let service: BoxCloneService<Request<Body>, Answer, BoxError> = service.boxed_clone();
    Ok(ClientBuilder::new(service, config.default_namespace).with_layer(layer).build())
}

/// Whether the server is on this machine or in the network of this cluster. What a tunnel puts on this machine counts too: its
/// answers are longer then, and no less right.
fn is_neighbour(config: &Config) -> bool {
    let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    host == "localhost" || host == "kubernetes.default.svc" || is_loopback || is_in_cluster(host)
}

/// Whether this is the address that the cluster gives to its pods.
fn is_in_cluster(host: &str) -> bool {
    std::env::var("KUBERNETES_SERVICE_HOST").is_ok_and(|service| service == host)
}
