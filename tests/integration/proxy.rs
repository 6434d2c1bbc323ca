//! The proxy breaks what it was told to break, and nothing else. kubectl is the witness.

use std::time::{Duration, Instant};

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::harness::control_plane::{Namespace, control_plane};
use crate::harness::kubectl::Kubectl;
use crate::harness::program::Output;
use crate::harness::proxy::{Fault, Proxy, Rule};

/// A namespace with three ConfigMaps of its own, a proxy whose rule holds for its ConfigMaps, and kubectl behind the proxy.
fn shop(rule: impl FnOnce(String) -> Rule) -> (Namespace, Proxy, Kubectl) {
    let shop = control_plane().namespace("proxied");
    for name in ["a", "b", "c"] {
        shop.kubectl.succeed(["create", "configmap", name, "--from-literal=key=value"]);
    }
    let rule = rule(format!("/api/v1/namespaces/{}/configmaps", shop.name));
    let proxy = Proxy::start(&control_plane().admin(), vec![rule]);
    let kubectl = Kubectl::new(&proxy.kubeconfig).in_namespace(&shop.name);
    (shop, proxy, kubectl)
}

fn config_maps(kubectl: &Kubectl) -> Output {
    kubectl.run(["get", "configmaps", "-o", "name", "--chunk-size=2"])
}

/// An answer of the proxy to a request that kubectl would not send so.
fn ask(proxy: &Proxy, path: &str, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Response {
    let client = Client::builder().no_proxy().build().expect("a client can be built");
    with(client.get(format!("{}{path}", proxy.url))).send().expect("the proxy answers")
}

/// Asserts that kubectl failed with these words and that the proxy made it so.
fn assert_fails(fault: Fault, words: &str) {
    let (_shop, proxy, kubectl) = shop(|path| Rule::get(path, fault));
    let output = config_maps(&kubectl);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stderr.contains(words), "{output:?}");
    assert!(proxy.injected() >= 1);
}

#[test]
fn what_no_rule_fits_passes() {
    let (shop, proxy, kubectl) = shop(|_| Rule::get("/nowhere", Fault::Forbidden));
    assert_eq!(config_maps(&kubectl).stdout, config_maps(&shop.kubectl).stdout);
    kubectl.succeed(["create", "configmap", "written-through"]);
    shop.kubectl.succeed(["get", "configmap", "written-through"]);
    assert_eq!(proxy.injected(), 0);
    let pages = proxy.requests().into_iter().filter(|request| request.contains("/configmaps?") && request.contains("limit=2"));
    assert_eq!(pages.count(), 2, "two pages of two hold four ConfigMaps");
}

#[test]
fn the_callers_own_token_is_passed_on() {
    let proxy = Proxy::start(&control_plane().admin(), Vec::new());
    let guest = control_plane().guest();
    let answer = ask(&proxy, "/api/v1/secrets", |request| request.bearer_auth(&guest.token));
    assert_eq!(answer.status(), 403);
}

#[test]
fn forbidden_is_forbidden() {
    assert_fails(Fault::Forbidden, "(Forbidden)");
}

#[test]
fn not_found_is_not_found() {
    assert_fails(Fault::NotFound, "the server could not find the requested resource");
}

#[test]
fn an_internal_error_is_one() {
    assert_fails(Fault::InternalError, "(InternalError)");
}

#[test]
fn an_unavailable_server_is_one() {
    assert_fails(Fault::Unavailable, "unable to handle the request");
}

#[test]
fn a_cut_body_is_seen_as_cut() {
    assert_fails(Fault::CutBody, "unexpected EOF");
}

#[test]
fn no_answer_is_none() {
    assert_fails(Fault::NoAnswer, "EOF");
}

#[test]
fn a_page_that_is_no_json_is_refused() {
    assert_fails(Fault::NotJson, "invalid character '<'");
}

#[test]
fn too_many_requests_once_is_waited_out() {
    let (_shop, proxy, kubectl) = shop(|path| Rule::get(path, Fault::TooManyRequests { retry_after: 1 }).times(1));
    let started = Instant::now();
    let output = config_maps(&kubectl);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(started.elapsed() >= Duration::from_secs(1), "kubectl honours Retry-After");
    assert_eq!(proxy.injected(), 1);
}

#[test]
fn silence_lasts() {
    let (_shop, proxy, kubectl) = shop(|path| Rule::get(path, Fault::Silence(Duration::from_secs(20))));
    let output = kubectl.run(["get", "configmaps", "--request-timeout=1s"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stderr.contains("exceeded"), "{output:?}");
    assert!(proxy.injected() >= 1);
}

#[test]
fn only_the_second_page_expires() {
    let (_shop, proxy, kubectl) = shop(|path| Rule::get(path, Fault::Expired { resume: None }).with_query("continue="));
    let output = config_maps(&kubectl);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stderr.contains("continue parameter is too old"), "{output:?}");
    assert_eq!(proxy.injected(), 1);
}

#[test]
fn a_rule_may_let_the_first_requests_pass() {
    let (_shop, proxy, kubectl) = shop(|path| Rule::get(path, Fault::Forbidden).after(1));
    assert_eq!(config_maps(&kubectl).status, Some(1));
    let pages = proxy.requests().into_iter().filter(|request| request.contains("/configmaps?"));
    assert_eq!((pages.count(), proxy.injected()), (2, 1));
}

#[test]
fn a_stale_group_is_told_as_stale() {
    let rule = Rule::get("/apis", Fault::StaleGroup("apps".into()));
    let proxy = Proxy::start(&control_plane().admin(), vec![rule]);
    // kubectl leaves a stale group out and does not say so: the trap that this fault is for.
    let resources = Kubectl::new(&proxy.kubeconfig).succeed(["api-resources", "--cached=false"]);
    assert!(!resources.contains("deployments") && resources.contains("cronjobs"), "{resources}");

    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let answer = ask(&proxy, "/apis", |request| request.header("Accept", accept)).text().expect("the proxy answers whole");
    let discovery: Value = serde_json::from_str(&answer).expect("discovery is JSON");
    let freshness = |group: &str| {
        let groups = discovery["items"].as_array().expect("discovery lists groups");
        groups.iter().find(|item| item["metadata"]["name"] == group).map(|item| item["versions"][0]["freshness"].clone())
    };
    assert_eq!((freshness("apps"), freshness("batch")), (Some("Stale".into()), Some("Current".into())));
    assert_eq!(proxy.injected(), 2);
}
