//! Sources that are asked for by a tag: who signed it, and that it has the name it is asked for by.

use serde_json::json;

use crate::harness::keys::{ALICE, Key, allowed_signers_file};
use crate::harness::recorded::{in_sync, scan, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// A repository with a tag `v1.0` that Alice signed, on a commit that nobody signed; and its configuration.
fn tagged() -> (Repository, String) {
    let repository = in_sync();
    let Key::Ssh(key) = ALICE.ssh() else { panic!("an SSH key") };
    let key = format!("user.signingKey={}", key.display());
    let tagger = ["-c", "user.name=Alice Example", "-c", "user.email=alice@example.com", "-c", "gpg.format=ssh", "-c", &key];
    repository.git(tagger.into_iter().chain(["tag", "--sign", "--message", "The first", "v1.0"])).succeed();
    let signers = allowed_signers_file(&[(ALICE.email, ALICE.ssh())]);
    let config = scratch::new_folder("config").join("kubewitness.yaml");
    std::fs::write(&config, format!("keys:\n  ssh: [{}]\n", signers.display())).unwrap();
    (repository, text(&config))
}

#[test]
fn t54_a_signed_tag_is_told_beside_the_commit_that_is_not_signed() {
    let (repository, config) = tagged();
    let done = scan(&format!("{}@v1.0", text(repository.path())), &["--config", &config, "-o", "json"]).run();
    assert_eq!(done.status, Some(0), "{done:?}");
    let record = done.record();
    let tag = &record["sources"][0]["tag"];
    assert_eq!((&tag["name"], &tag["id"], &tag["verdict"]), (&json!("v1.0"), &json!(repository.id_of("v1.0")), &json!("verified-author")));
    assert_eq!((&tag["tagger"]["email"], &tag["signature"]["crypto"]), (&json!("alice@example.com"), &json!("good")));
    assert_eq!(record["commits"][0]["verdict"], "unsigned");
    repository.git(["tag", "light", "v1.0^{commit}"]).succeed();
    let light = scan(&format!("{}@light", text(repository.path())), &["--config", &config, "-o", "json"]).run();
    assert!(light.record()["sources"][0].get("tag").is_none());
}

#[test]
fn t55_a_tag_of_another_name_is_an_error_on_the_first_line() {
    let (repository, config) = tagged();
    let object = repository.id_of("v1.0");
    repository.git(["update-ref", "refs/tags/v2.0", &object]).succeed();
    let source = format!("{}@v2.0", text(repository.path()));
    let screen = scan(&source, &["--config", &config]).run();
    assert_eq!(screen.status, Some(1), "{screen:?}");
    assert!(screen.stdout.starts_with("In sync: 6 of 6 objects match Git. But 1 tag is not what it claims.\n"), "{}", screen.stdout);
    let record = scan(&source, &["--config", &config, "-o", "json"]).run().record();
    let findings: Vec<_> = record["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "tag-mismatched").collect();
    let [finding] = findings[..] else { panic!("{findings:?}") };
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.starts_with("refs/tags/v2.0 of ") && message.contains(&format!("tag object {}, which calls itself v1.0", &object[..7]))
    );
    assert_eq!((&finding["severity"], &finding["commit"]), (&json!("error"), &json!(repository.id_of("v1.0^{commit}"))));
    let tag = &record["sources"][0]["tag"];
    assert_eq!((&tag["verdict"], &tag["reasons"][0], &tag["name"]), (&json!("invalid"), &json!("tag-name-mismatch"), &json!("v1.0")));
}
