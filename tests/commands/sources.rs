//! Where declarations come from: working copies, bare repositories, URLs, folders, cut histories, hostile repositories.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::harness::keys::{ALICE, BOB, MALLORY};
use crate::harness::kubewitness::Kubewitness;
use crate::harness::program::Program;
use crate::harness::recorded::{IN_SYNC, in_sync, in_tests, recording, scan, text};
use crate::harness::repository::Repository;
use crate::harness::scratch;

fn record(source: &str) -> (Option<i32>, Value) {
    let output = scan(source, &["-o", "json"]).run();
    (output.status, output.record())
}

fn drifted(record: &Value) -> Vec<&Value> {
    record["objects"].as_array().unwrap().iter().filter(|object| object["state"] == "drifted").collect()
}

/// Everything is in sync and credited to this commit.
fn is_credited(source: &str, commit: &str) {
    let (status, record) = record(source);
    assert_eq!(status, Some(0), "{source}: {record:#}");
    let objects = record["objects"].as_array().unwrap();
    assert_eq!(objects.len(), 6, "{source}");
    assert!(objects.iter().all(|object| object["attribution"]["authoredBy"] == commit), "{source}: {record:#}");
}

#[test]
fn a_working_copy_is_read_as_committed_and_what_is_not_is_told_on_the_first_screen_and_in_the_record() {
    let repository = in_sync();
    let commit = repository.id_of("HEAD");
    repository.write("prod/db.yaml", IN_SYNC.replace("max_connections = 200", "max_connections = 9"));
    repository.write("prod/new.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new, namespace: data}\n");
    let source = text(repository.path());
    is_credited(&source, &commit);
    let screen = scan(&source, &[]).run().stdout;
    let short = &commit[..7];
    assert!(screen.lines().nth(1).unwrap().contains(&format!("main@{short} (2 uncommitted changes not read)")), "{screen}");
    assert_eq!(record(&source).1["sources"][0]["uncommitted"], 2);
}

#[test]
fn a_repository_is_read_whatever_its_form_and_its_address() {
    let repository = in_sync();
    let commit = repository.id_of("HEAD");
    let tagger = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"];
    repository.git(tagger.into_iter().chain(["tag", "--annotate", "--message", "v1", "v1"])).succeed();
    let bare = text(&scratch::new_folder("bare").join("fleet.git"));
    repository.git(["clone", "--quiet", "--bare", ".", &bare]).succeed();
    let path = text(repository.path());
    let forms = [
        path.clone(),
        bare.clone(),
        format!("file://{path}"),
        format!("file://{bare}"),
        format!("{bare}#prod"),
        format!("fleet={path}#prod"),
    ];
    for source in &forms {
        is_credited(source, &commit);
    }
    // What comes later on the branch is not on the others.
    repository.git(["branch", "stable"]).succeed();
    repository.write("prod/db.yaml", IN_SYNC.replace("max_connections = 200", "max_connections = 9")).commit(&BOB, "Fewer").unsigned();
    let next = repository.id_of("HEAD");
    let (_, after) = record(&path);
    let [drifted] = drifted(&after)[..] else { panic!("{after:#}") };
    assert_eq!((&drifted["name"], &drifted["attribution"]["authoredBy"]), (&"postgres".into(), &next.as_str().into()));
    for reference in ["stable", "v1", commit.as_str(), &commit[..10], "refs/heads/stable"] {
        is_credited(&format!("{path}@{}", reference.rsplit('/').next().unwrap()), &commit);
    }
}

#[test]
fn what_a_source_lacks_is_told_and_partial() {
    let repository = in_sync();
    let path = text(repository.path());
    for (source, reason, part) in [
        (format!("{path}@stbale"), "reference not found", "stbale"),
        (format!("{path}#clusters"), "path not found", "clusters"),
        ("http://git.example.com/fleet.git".to_owned(), "url not supported", "use https://"),
    ] {
        let (status, record) = record(&source);
        let gap = &record["notEvaluated"][0];
        assert_eq!((status, gap["reason"].as_str()), (Some(4), Some(reason)), "{gap:#}");
        assert!(gap["detail"].as_str().unwrap().contains(part), "{gap:#}");
    }
}

#[test]
fn a_plain_folder_is_compared_and_its_authors_are_not_evaluated() {
    let folder = scratch::new_folder("plain");
    fs::write(folder.join("db.yaml"), IN_SYNC).unwrap();
    let output = scan(&text(&folder), &[]).run();
    assert_eq!(output.status, Some(4), "{output:?}");
    assert!(output.stdout.contains("Among the evaluated: in sync, 6 of 6 objects match Git."), "{}", output.stdout);
    assert!(output.stdout.contains("not versioned   without Git there is no author to name"), "{}", output.stdout);
    let (_, record) = record(&text(&folder));
    assert_eq!(record["commits"], serde_json::json!([]));
    assert!(
        record["objects"].as_array().unwrap().iter().all(|object| object["state"] == "synced"
            && object.get("attribution").is_none_or(|attribution| attribution.get("authoredBy").is_none()))
    );
    assert!(record["notEvaluated"].as_array().unwrap().iter().any(|gap| gap["reason"] == "not versioned"));
}

#[test]
fn a_cut_history_credits_nobody_for_what_is_older() {
    let repository = in_sync();
    let kept = IN_SYNC.replace("    shared_buffers = 256MB\n", "    shared_buffers = 256MB\n---\n");
    repository.write("prod/db.yaml", kept).commit(&BOB, "Space").unsigned();
    let clone = scratch::new_folder("shallow");
    repository.git(["clone", "--quiet", "--depth", "1", &format!("file://{}", repository.path().display()), &text(&clone)]).succeed();
    let (status, record) = record(&text(&clone));
    assert_eq!(status, Some(0), "{record:#}");
    assert_eq!((&record["sources"][0]["shallow"], &record["commits"]), (&true.into(), &serde_json::json!([])));
    for object in record["objects"].as_array().unwrap() {
        let attribution = &object["attribution"];
        assert!(attribution.get("authoredBy").is_none(), "{object:#}");
        assert_eq!((&attribution["verdict"], &attribution["reasons"]), (&"unverifiable".into(), &serde_json::json!(["before-history"])));
    }
    let screen = scan(&text(&clone), &[]).run().stdout;
    assert!(screen.contains("(history cut off)"), "{screen}");
}

#[test]
fn a_hostile_repository_runs_nothing_and_puts_no_words_in_a_mouth() {
    let repository = Repository::new();
    let truth = repository.write("db.yaml", IN_SYNC).commit(&ALICE, "The database").unsigned();
    let lie = repository.write("db.yaml", IN_SYNC.replace("postgres:17", "postgres:666")).commit(&MALLORY, "Mine").unsigned();
    repository.git(["reset", "--quiet", "--hard", &truth]).succeed();
    repository.git(["replace", &truth, &lie]).succeed();
    let git = repository.path().join(".git");
    fs::create_dir_all(git.join("info")).unwrap();
    fs::write(git.join("info/grafts"), format!("{truth} {lie}\n")).unwrap();
    let trap = scratch::new_folder("trap");
    let script = trap.join("run");
    fs::write(&script, format!("#!/bin/sh\necho \"$0 $@\" >>{}\n", trap.join("sprung").display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let run = text(&script);
    let config = format!(
        "[core]\n\tfsmonitor = {run}\n\thooksPath = {trap}\n\tsshCommand = {run}\n\tpager = {run}\n\talternateRefsCommand = {run}\n\
         [uploadpack]\n\tpackObjectsHook = {run}\n[filter \"evil\"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n\
         [diff]\n\texternal = {run}\n[gpg]\n\tprogram = {run}\n[credential]\n\thelper = {run}\n",
        trap = trap.display()
    );
    let before = fs::read_to_string(git.join("config")).unwrap();
    fs::write(git.join("config"), before + &config).unwrap();
    fs::write(git.join("info/attributes"), "*.yaml filter=evil diff=evil\n").unwrap();
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        fs::copy(&script, trap.join(hook)).unwrap();
    }
    let source = text(repository.path());
    is_credited(&source, &truth);
    is_credited(&format!("file://{source}"), &truth);
    assert!(!trap.join("sprung").exists(), "{}", fs::read_to_string(trap.join("sprung")).unwrap_or_default());
    // The trap works: Git itself falls into it.
    Program::new("git").in_folder(repository.path()).args(["status"]).run();
    assert!(trap.join("sprung").exists(), "the trap is none");
}

#[test]
fn kustomize_that_is_not_there_is_told_with_how_to_get_it() {
    let repository = in_sync();
    repository.write("prod/kustomization.yaml", "resources: [db.yaml]\n").commit(&ALICE, "Kustomize").unsigned();
    let source = text(repository.path());
    let output = scan(&source, &["-o", "json"]).env("PATH", "/nowhere").run();
    assert_eq!(output.status, Some(4), "{output:?}");
    let gap = output.record()["notEvaluated"][0].clone();
    assert_eq!((gap["stage"].as_str(), gap["reason"].as_str()), (Some("render"), Some("kustomize not found")), "{gap:#}");
    for part in ["KUBEWITNESS_KUSTOMIZE", "https://kubectl.docs.kubernetes.io/installation/kustomize/"] {
        assert!(gap["detail"].as_str().unwrap().contains(part), "{gap:#}");
    }
    // The files themselves can be asked for instead.
    let plain = scratch::new_folder("config");
    fs::write(plain.join("kubewitness.yaml"), format!("sources: [{{url: {source}, render: plain}}]\n")).unwrap();
    let recording = crate::harness::recorded::recording();
    let plain =
        crate::harness::kubewitness::Kubewitness::new(["scan", "--recording", &recording]).in_folder(&plain).env("PATH", "/nowhere").run();
    assert_eq!(plain.status, Some(0), "{plain:?}");
}

#[test]
fn a_remote_base_is_not_fetched_and_told() {
    let repository = in_sync();
    let base = "https://git.example.com/base?ref=v1";
    repository.write("prod/kustomization.yaml", format!("resources: [db.yaml, '{base}']\n")).commit(&ALICE, "Base").unsigned();
    let output = scan(&text(repository.path()), &["-o", "json"]).run();
    assert_eq!(output.status, Some(4), "{output:?}");
    let gap = output.record()["notEvaluated"][0].clone();
    assert_eq!((&gap["stage"], &gap["reason"]), (&"render".into(), &"remote resource".into()));
    assert_eq!(gap["detail"], "prod/kustomization.yaml:1 names https://git.example.com/base, which is not in the source");
    let findings = output.record()["findings"].clone();
    let unpinned: Vec<&Value> = findings.as_array().unwrap().iter().filter(|finding| finding["rule"] == "input-unpinned").collect();
    let [finding] = &unpinned[..] else { panic!("{findings:#}") };
    assert_eq!(finding["severity"], "warning");
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("prod/kustomization.yaml:1 of repository-"), "{message}");
    assert!(message.ends_with(" draws in https://git.example.com/base at v1, which is no full commit id"), "{message}");
    let screen = scan(&text(repository.path()), &[]).run().stdout;
    assert!(screen.contains("\n1 input that is not pinned\n  input-unpinned: prod/kustomization.yaml:1 of "), "{screen}");
}

// T61
#[test]
fn a_commit_that_is_on_no_branch_is_an_error_on_the_first_screen() {
    let repository = in_sync();
    let kept = repository.id_of("HEAD");
    let lost = repository.write("prod/db.yaml", format!("{IN_SYNC}\n")).commit(&MALLORY, "Space").unsigned();
    repository.git(["reset", "--quiet", "--hard", &kept]).succeed();
    let pinned = |commit: &str| format!("{}@{commit}", text(repository.path()));
    is_credited(&pinned(&kept), &kept);
    let (status, record) = record(&pinned(&lost));
    let finding = record["findings"].as_array().unwrap().iter().find(|finding| finding["severity"] == "error").unwrap();
    assert_eq!((status, &finding["rule"], &finding["commit"]), (Some(1), &"revision-unreachable".into(), &lost.as_str().into()));
    let screen = scan(&pinned(&lost), &[]).run().stdout;
    let first = "In sync: 6 of 6 objects match Git. But 1 commit that is asked for is on no branch or tag.\n";
    assert!(screen.starts_with(first), "{screen}");
}

// T62
#[test]
fn a_submodule_is_never_silently_absent() {
    let repository = in_sync();
    repository.write(".gitmodules", "[submodule \"x\"]\n\tpath = prod/vendor\n\turl = https://bob:canary@host/x.git\n");
    let id = "0123456789012345678901234567890123456789";
    repository.git(["update-index", "--add", "--cacheinfo", &format!("160000,{id},prod/vendor")]).succeed();
    repository.git(["add", ".gitmodules"]).succeed();
    repository.git(["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "Vendor"]).succeed();
    let (status, record) = record(&text(repository.path()));
    let gap = &record["notEvaluated"][0];
    assert_eq!((status, &gap["reason"]), (Some(4), &"submodule".into()));
    assert!(gap["subject"].as_str().unwrap().ends_with(": prod/vendor"), "{gap}");
    let detail = gap["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("commit {id} of https://host/x.git")) && !record.to_string().contains("canary"), "{detail}");
}

#[test]
fn what_could_not_be_read_makes_nothing_undeclared() {
    let kinds = |record: &Value, state: &str| -> Vec<String> {
        let objects = record["objects"].as_array().unwrap().iter().filter(|object| object["state"] == state);
        objects.map(|object| format!("{}/{}", object["kind"].as_str().unwrap(), object["name"].as_str().unwrap())).collect()
    };
    let folder = scratch::new_folder("declared");
    Program::new("cp").args(["-r", &in_tests("fleet/prod"), &text(&folder)]).succeed();
    let scan = |source: &str| {
        let output = scan(source, &["--undeclared", "shop", "-o", "json"]).run();
        assert_eq!(output.status, Some(4), "{output:?}");
        output.record()
    };
    assert_eq!(kinds(&scan(&text(&folder)), "undeclared"), ["ConfigMap/hotfix"]);

    // A source that is not there, and a file of one that cannot be read, may declare everything.
    let record = scan("./nowhere");
    assert_eq!(kinds(&record, "undeclared"), Vec::<String>::new());
    assert!(kinds(&record, "unknown").contains(&"Deployment/web".to_owned()), "{record:#}");
    assert!(record["notEvaluated"].as_array().unwrap().iter().any(|gap| gap["reason"] == "declarations incomplete"));
    let web = folder.join("prod/shop/web.yaml");
    let broken = fs::read_to_string(&web).unwrap().replacen("kind: Deployment", "kind: a: b", 1);
    fs::write(&web, broken).unwrap();
    let record = scan(&text(&folder));
    assert_eq!(kinds(&record, "undeclared"), Vec::<String>::new());
    let unknown = kinds(&record, "unknown");
    assert!(unknown.contains(&"Deployment/web".to_owned()) && unknown.contains(&"ConfigMap/hotfix".to_owned()), "{unknown:?}");
    let rules: Vec<&str> = record["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert!(!rules.contains(&"object-undeclared"), "{rules:?}");
}

#[test]
fn a_namespace_that_does_not_exist_is_not_taken_for_one_without_undeclared_objects() {
    let repository = in_sync();
    let output = scan(&text(repository.path()), &["--undeclared", "shpo", "-o", "json"]).run();
    let told: Vec<_> = output.record()["notEvaluated"].as_array().unwrap().clone();
    let told: Vec<_> = told.iter().map(|gap| (gap["subject"].as_str().unwrap(), gap["reason"].as_str().unwrap())).collect();
    assert_eq!((output.status, told), (Some(4), vec![("namespace shpo", "namespace not found")]));
    // One that Git declares is told as missing, by its own object.
    repository.write("prod/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shpo}\n").commit(&BOB, "shpo").unsigned();
    let record = scan(&text(repository.path()), &["--undeclared", "shpo", "-o", "json"]).run().record();
    assert_eq!(record["notEvaluated"], serde_json::json!([]), "{record:#}");
}

#[test]
fn what_a_namespace_filter_leaves_out_is_not_called_undeclared() {
    let repository = Repository::new();
    Program::new("cp").args(["-r", &in_tests("fleet/prod"), &text(repository.path())]).succeed();
    repository.commit(&ALICE, "The fleet").unsigned();
    let folder = scratch::new_folder("config");
    let config = format!("sources: [{{url: {}}}]\nundeclared: {{namespaces: [shop]}}\n", repository.path().display());
    fs::write(folder.join("kubewitness.yaml"), config).unwrap();
    let scan = |more: &[&str]| {
        let recording = recording();
        let arguments = ["scan", "--recording", recording.as_str()].into_iter().chain(more.iter().copied());
        Kubewitness::new(arguments).in_folder(&folder).run()
    };
    let data = scan(&["-n", "data"]);
    assert_eq!(data.status, Some(0), "{data:?}");
    assert!(data.stdout.starts_with("In sync: 6 of 6 objects match Git.\n"), "{}", data.stdout);
    let shop = scan(&["-n", "shop", "-o", "json"]).record();
    let undeclared: Vec<&Value> = shop["objects"].as_array().unwrap().iter().filter(|object| object["state"] == "undeclared").collect();
    assert_eq!((undeclared.len(), &undeclared[0]["name"]), (1, &"hotfix".into()));
    let both = scan(&["-n", "data", "--undeclared", "shop"]);
    assert_eq!(both.status, Some(2), "{both:?}");
    assert!(both.stderr.contains("add -n shop"), "{}", both.stderr);
    // A name that was typed wrong is not called clean.
    let nowhere = scan(&["-n", "nowhere"]);
    assert_eq!(nowhere.status, Some(4), "{nowhere:?}");
    assert!(nowhere.stdout.contains("namespace nowhere: nothing is declared"), "{}", nowhere.stdout);
}
