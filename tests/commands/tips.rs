//! What is remembered between scans, and histories that were rewritten since.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::keys::{ALICE, BOB};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Output;
use crate::harness::recorded::{IN_SYNC, in_sync, in_tests, recording, scan, text, witness};
use crate::harness::repository::Repository;
use crate::harness::scratch;

/// Scans and remembers in a folder.
fn look(source: &str, state: &Path) -> Output {
    scan(source, &["-o", "json", "--state", &text(state)]).run()
}

fn rewritten(output: &Output) -> Vec<Value> {
    let record = output.record();
    record["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "history-rewritten").cloned().collect()
}

fn gaps(output: &Output) -> Vec<Value> {
    output.record()["notEvaluated"].as_array().unwrap().clone()
}

/// The file of the only cluster.
fn log(state: &Path) -> PathBuf {
    let [folder] = &entries(state)[..] else { panic!("{:?}", entries(state)) };
    folder.join("tips.ndjson")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn lines(state: &Path) -> Vec<Value> {
    fs::read_to_string(log(state)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn grow(repository: &Repository, space: &str) -> String {
    repository.write("prod/db.yaml", format!("{IN_SYNC}{space}")).commit(&BOB, "Space").unsigned()
}

#[test]
fn the_first_scan_remembers_and_a_history_that_grows_is_no_finding() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    let first = look(&source, &state);
    assert_eq!((first.status, rewritten(&first).len()), (Some(0), 0), "{first:?}");
    let record = first.record();
    assert!(record["sources"][0].get("previous").is_none());
    let commit = repository.id_of("HEAD");
    let line = &lines(&state)[0];
    assert_eq!(line["source"], record["sources"][0]["id"]);
    assert_eq!((&line["seq"], &line["url"], &line["ref"]), (&json!(1), &json!(source), &json!("refs/heads/main")));
    assert_eq!((&line["commit"], &line["observedAt"]), (&json!(commit), &record["run"]["started"]));

    let again = look(&source, &state);
    assert_eq!(again.status, Some(0));
    assert_eq!(again.record()["sources"][0]["previous"], json!({"commit": commit, "observed": line["observedAt"], "change": "same"}));
    assert_eq!(lines(&state).len(), 1);

    let next = grow(&repository, "\n");
    let ahead = look(&source, &state);
    assert_eq!((ahead.status, rewritten(&ahead).len()), (Some(0), 0), "{ahead:?}");
    assert_eq!(ahead.record()["sources"][0]["previous"]["change"], "ahead");
    assert_eq!(lines(&state)[1]["commit"], next);
    assert!(lines(&state)[1]["prev"].as_str().unwrap().starts_with("sha256:"));
}

#[test]
fn a_force_push_is_found_once_for_each_time() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    let old = grow(&repository, "\n");
    assert_eq!(look(&source, &state).status, Some(0));
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]).succeed();
    let new = grow(&repository, "\n\n");
    let found = look(&source, &state);
    assert_eq!(found.status, Some(1), "{found:?}");
    let [finding] = &rewritten(&found)[..] else { panic!("{found:?}") };
    assert_eq!((&finding["severity"], &finding["commit"]), (&json!("error"), &json!(new)));
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("refs/heads/main of repository-"), "{message}");
    for part in [&old[..7], &new[..7], "1 commit of the old history is no longer reachable"] {
        assert!(message.contains(part), "{message}");
    }
    let record = found.record();
    assert_eq!(
        (&record["sources"][0]["previous"]["commit"], &record["sources"][0]["previous"]["change"]),
        (&json!(old), &json!("rewritten"))
    );
    assert_eq!(look(&source, &state).status, Some(0), "the new tip is the one that is known now");

    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]).succeed();
    let screen = scan(&source, &["--state", &text(&state)]).run();
    assert_eq!(screen.status, Some(1));
    assert!(screen.stdout.starts_with("In sync: 6 of 6 objects match Git. But 1 history was rewritten.\n"), "{}", screen.stdout);
    assert!(screen.stdout.contains("\n1 history was rewritten\n  history-rewritten: refs/heads/main of "), "{}", screen.stdout);
    assert!(screen.stdout.contains("kubewitness explain history-rewritten"), "{}", screen.stdout);
    assert_eq!(scan(&source, &["--state", &text(&state)]).run().status, Some(0));
}

#[test]
fn a_signed_tag_that_a_lightweight_one_replaces_is_found() {
    let repository = in_sync();
    let state = scratch::new_folder("state");
    let source = format!("{}@v1", text(repository.path()));
    let crate::harness::keys::Key::Ssh(key) = ALICE.ssh() else { panic!("an SSH key") };
    let key = format!("user.signingKey={}", key.display());
    let tagger = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c", "gpg.format=ssh", "-c", &key];
    repository.git(tagger.into_iter().chain(["tag", "--sign", "--message", "v1", "v1"])).succeed();
    let object = repository.id_of("v1");
    assert_eq!(look(&source, &state).status, Some(0));
    assert_eq!((&lines(&state)[0]["tag"], &lines(&state)[0]["tagSigned"]), (&json!(object), &json!(true)));
    repository.git(["tag", "--force", "v1", "v1^{commit}"]).succeed();
    let found = look(&source, &state);
    assert_eq!(found.status, Some(1), "{found:?}");
    let message = rewritten(&found)[0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("refs/tags/v1") && message.contains("a signed tag") && message.contains("a lightweight tag"), "{message}");
    let previous = &found.record()["sources"][0]["previous"];
    assert_eq!((&previous["tag"], &previous["change"]), (&json!(object), &json!("tag-moved")));
    assert_eq!(look(&source, &state).status, Some(0));
}

#[test]
fn a_damaged_log_is_not_believed_and_kept_aside() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    let old = repository.id_of("HEAD");
    look(&source, &state);
    let new = grow(&repository, "\n");
    look(&source, &state);
    let damaged = fs::read_to_string(log(&state)).unwrap().replacen(&old, &new, 1);
    fs::write(log(&state), &damaged).unwrap();
    let told = look(&source, &state);
    assert_eq!(told.status, Some(4));
    let [gap] = &gaps(&told)[..] else { panic!("{told:?}") };
    assert_eq!((&gap["stage"], &gap["reason"]), (&json!("history"), &json!("tip log damaged")));
    assert!(gap["detail"].as_str().unwrap().contains("line 2 does not follow the line before it"), "{gap}");
    let kept = entries(log(&state).parent().unwrap());
    let kept = kept.iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("tips.damaged-")).unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), damaged);
    assert_eq!(look(&source, &state).status, Some(0));
    assert_eq!(lines(&state).len(), 1);
    // A line that was cut off, as by a full disk, is no line.
    let whole = fs::read_to_string(log(&state)).unwrap();
    fs::write(log(&state), &whole[..whole.len() - 10]).unwrap();
    assert_eq!(gaps(&look(&source, &state))[0]["reason"], "tip log damaged");
}

#[test]
fn a_state_folder_that_cannot_be_had_is_not_evaluated_and_fails_nothing() {
    let repository = in_sync();
    let source = text(repository.path());
    let file = scratch::new_folder("state").join("file");
    fs::write(&file, "").unwrap();
    for state in [file.as_path(), Path::new("/proc/kubewitness")] {
        let output = look(&source, state);
        assert_eq!(output.status, Some(4), "{output:?}");
        let [gap] = &gaps(&output)[..] else { panic!("{output:?}") };
        assert_eq!((&gap["stage"], &gap["reason"]), (&json!("history"), &json!("state not writable")));
    }
    let inside = look(&source, &repository.path().join("state"));
    assert_eq!(gaps(&inside)[0]["reason"], "state inside a source");
    assert!(!repository.path().join("state").exists());
    let homeless = scan(&source, &["-o", "json"]).env("HOME", "").env("XDG_STATE_HOME", "relative").run();
    assert_eq!((homeless.status, &gaps(&homeless)[0]["reason"]), (Some(4), &json!("no state folder")));
    let off = scan(&source, &["-o", "json", "--state", "none"]).env("HOME", "").env("XDG_STATE_HOME", "").run();
    assert_eq!((off.status, gaps(&off).len()), (Some(0), 0));
}

#[test]
fn the_folder_is_the_flags_else_the_files_else_the_users_own() {
    let repository = in_sync();
    let folder = scratch::new_folder("configured");
    let (home, recording) = (scratch::new_folder("home"), recording());
    let run = |yaml: &str, more: &[&str]| {
        fs::write(folder.join("kubewitness.yaml"), format!("sources: [{{ url: {} }}]\n{yaml}", text(repository.path()))).unwrap();
        let arguments = ["scan", "--recording", &recording].into_iter().chain(more.iter().copied());
        let output = Kubewitness::new(arguments).in_folder(&folder).env("XDG_STATE_HOME", "").env("HOME", &text(&home)).run();
        assert_eq!(output.status, Some(0), "{output:?}");
    };
    run("state: none\n", &[]);
    assert_eq!(entries(&home), Vec::<PathBuf>::new());
    run("state: remembered\n", &[]);
    assert_eq!(lines(&folder.join("remembered")).len(), 1);
    run("state: none\n", &["--state", &text(&folder.join("flag"))]);
    assert_eq!(lines(&folder.join("flag")).len(), 1);
    run("", &[]);
    assert_eq!(lines(&home.join(".local/state/kubewitness")).len(), 1);
}

#[test]
fn only_a_scan_whose_record_is_written_remembers() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    let unwritten = scan(&source, &["-o", "json=/proc/record.json", "--state", &text(&state)]).run();
    assert_eq!(unwritten.status, Some(3), "{unwritten:?}");
    assert!(!log(&state).exists());
    let pinned = format!("{source}@{}", repository.id_of("HEAD"));
    let unnamed = scratch::new_folder("state");
    assert_eq!(look(&pinned, &unnamed).status, Some(0));
    assert_eq!(entries(&unnamed), Vec::<PathBuf>::new());
}

#[test]
fn who_brought_an_old_value_back_is_told_beside_its_author() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    let old = repository.id_of("HEAD");
    repository.git(["branch", "side"]).succeed();
    repository.write("prod/db.yaml", IN_SYNC.replace("max_connections = 200", "max_connections = 9")).commit(&BOB, "The fix").unsigned();
    look(&source, &state);
    repository.git(["checkout", "--quiet", "side"]).succeed();
    let mallory = ["-c", "user.name=Mallory", "-c", "user.email=mallory@example.com"];
    repository.git(mallory.into_iter().chain(["merge", "--quiet", "-s", "ours", "-m", "Harmless", "main"])).succeed();
    let merge = repository.id_of("HEAD");
    repository.git(["checkout", "--quiet", "main"]).succeed();
    repository.git(["merge", "--quiet", "--ff-only", "side"]).succeed();

    let is_told = |attribution: &Value, commits: &Value| {
        assert_eq!((&attribution["authoredBy"], &attribution["changedBy"]), (&json!(old), &json!(merge)), "{attribution:#}");
        assert!(attribution["reasons"].as_array().unwrap().contains(&json!("reintroduced")), "{attribution:#}");
        let brought = commits.as_array().unwrap().iter().find(|commit| commit["id"] == merge).unwrap();
        assert_eq!(brought["author"]["name"], "Mallory");
    };
    // The change that the first of them sees stays told by those that see nothing new.
    for _ in 0..2 {
        let record = look(&source, &state).record();
        let objects = record["objects"].as_array().unwrap();
        let changed: Vec<&Value> = objects.iter().filter(|object| object["attribution"].get("changedBy").is_some()).collect();
        let [postgres] = &changed[..] else { panic!("{changed:#?}") };
        assert_eq!(postgres["name"], "postgres");
        is_told(&postgres["attribution"], &record["commits"]);
    }
    let before = fs::read(log(&state)).unwrap();
    let (recording, folder) = (recording(), text(&state));
    let blame = ["blame", "cm/postgres", "-n", "data", "--source", &source, "--recording", &recording, "--state", &folder, "-o", "json"];
    let blame = Kubewitness::new(blame).run().document("blame");
    is_told(&blame["object"]["attribution"], &blame["commits"]);
    assert_eq!(fs::read(log(&state)).unwrap(), before);
}

// T65, T68
#[test]
fn who_only_reformats_or_moves_is_told_beside_the_author_and_is_no_finding() {
    let repository = in_sync();
    let author = repository.id_of("HEAD");
    let touch =
        repository.write("prod/db.yaml", format!("# Owned by the team of the database.\n{IN_SYNC}")).commit(&BOB, "A comment").unsigned();
    repository.git(["mv", "prod/db.yaml", "prod/database.yaml"]).succeed();
    let moved = repository.commit(&BOB, "Another name").unsigned();
    let source = text(repository.path());
    let output = scan(&source, &["-o", "json", "--state", "none"]).run();
    assert_eq!(output.status, Some(0), "{output:?}");
    let record = output.record();
    let attribution = &record["objects"].as_array().unwrap().iter().find(|object| object["name"] == "postgres").unwrap()["attribution"];
    let named = ["authoredBy", "touchedBy", "movedBy"].map(|who| attribution[who].as_str());
    assert_eq!(named, [Some(author.as_str()), Some(touch.as_str()), Some(moved.as_str())]);
    let commits = record["commits"].as_array().unwrap();
    for (id, verdict) in [(&touch, "unsigned"), (&moved, "unsigned")] {
        assert_eq!(commits.iter().find(|commit| commit["id"] == **id).unwrap()["verdict"], verdict);
    }
    let findings = record["findings"].to_string();
    assert!(!findings.contains(&touch) && !findings.contains(&moved), "{findings}");
    let recording = recording();
    let blame = ["blame", "cm/postgres", "-n", "data", "--source", &source, "--recording", &recording, "--state", "none"];
    let screen = Kubewitness::new(blame).run().stdout;
    let last: Vec<&str> = screen.lines().rev().take(2).collect();
    assert!(last[1].starts_with(&format!("only reformatted by {} Bob", &touch[..7])), "{screen}");
    assert!(last[0].starts_with(&format!("only moved by {} Bob", &moved[..7])), "{screen}");
}

#[test]
fn no_other_command_writes_state() {
    let state = scratch::new_folder("state");
    let in_state = |run: Kubewitness| run.env("XDG_STATE_HOME", &text(&state)).run();
    assert_eq!(in_state(witness(&["blame", "deploy/web", "-n", "shop"])).status, Some(0));
    let fleet = in_tests("fleet/prod/data");
    in_state(Kubewitness::new(["compare", fleet.as_str(), fleet.as_str()]));
    assert_eq!(in_state(witness(&["rbac"])).status, Some(0));
    assert_eq!(entries(&state), Vec::<PathBuf>::new());
}

#[test]
fn the_same_evidence_gives_the_same_record_but_for_the_run() {
    let repository = in_sync();
    let (source, state) = (text(repository.path()), scratch::new_folder("state"));
    grow(&repository, "\n");
    look(&source, &state);
    repository.git(["reset", "--quiet", "--hard", "HEAD~1"]).succeed();
    let remembered = fs::read(log(&state)).unwrap();
    let record = || {
        fs::write(log(&state), &remembered).unwrap();
        let mut record = look(&source, &state).record();
        record.as_object_mut().unwrap().remove("run");
        record
    };
    let first = record();
    assert_eq!(first["sources"][0]["previous"]["change"], "rewritten");
    assert_eq!(first, record());
}
