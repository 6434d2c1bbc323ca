//! Who wrote what: rows of the catalogue in provenance, with Git as the oracle where Git knows it.

use std::collections::BTreeSet;

use kubewitness::model::evidence::Authored;
use kubewitness::yaml::Dialect;

use crate::repository::{Repository, authors, config, histories, histories_in, reference, source};

#[test]
fn a_change_of_a_value_makes_an_author_of_that_leaf_only() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "two"), "second");
    git.put("b.yaml", &config("b", "one"), "elsewhere");
    let authors = git.authors("a.yaml");
    assert_eq!(authors.document, git.log("a.yaml"));
    assert_eq!(authors.document, second);
    assert_eq!(authors.leaf("/data/key"), second);
    assert_eq!(authors.leaf("/data/other"), first);
    assert_eq!(authors.leaf("/metadata/name"), first);
}

#[test]
fn a_root_commit_is_the_author_of_what_it_brings() {
    let git = Repository::new();
    let root = git.put("a.yaml", &config("a", "one"), "root");
    assert!(git.authors("a.yaml").all(&root));
}

// T65, T66
#[test]
fn line_ends_order_comments_quotes_and_anchors_make_no_author() {
    let git = Repository::new();
    let first = git.put("a.yaml", "apiVersion: v1\nkind: X\nmetadata: {name: a}\na: &x text\nb: text\nc: [1, 2]\n", "first");
    git.put("a.yaml", "apiVersion: v1\r\nkind: X\r\nmetadata: {name: a}\r\na: &x text\r\nb: text\r\nc: [1, 2]\r\n", "crlf");
    git.put("a.yaml", "# why\nkind: X\nc:\n    - 1\n    - 2\nb: *x\na: &x 'text'\n", "broken on purpose: an alias before its anchor");
    git.put(
        "a.yaml",
        "# why\nkind: \"X\"\nc:\n    - 1\n    - 2\na: &x 'text'\nb: *x\nmetadata:\n    name: a\napiVersion: v1\n",
        "reformatted",
    );
    assert_ne!(git.log("a.yaml"), first);
    let authors = git.authors("a.yaml");
    assert!(authors.all(&first), "{authors:?}");
    // Whether the text is another one than before the version that cannot be read is not asked.
    assert_eq!(authors.beside(), (None, None));
}

// T65, T66
#[test]
fn who_only_reformats_is_kept_beside_the_author_until_the_meaning_changes() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    assert_eq!(git.authors("a.yaml").beside(), (None, None));
    for text in [
        format!("# why\n{}", config("a", "one")),
        config("a", "'one'"),
        config("a", "one").replace('\n', "\r\n"),
        "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {other: same, key: one}\n".to_owned(),
        format!("{}# end\n", config("a", "one")),
    ] {
        let touch = git.put("a.yaml", &text, "written otherwise");
        git.put("b.yaml", &text.replace("name: a", "name: b"), "elsewhere");
        let authors = git.authors("a.yaml");
        assert!(authors.all(&first));
        assert_eq!(authors.beside(), (Some(touch.as_str()), None), "{text}");
    }
    let last = git.put("a.yaml", &config("a", "two"), "changed");
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.beside()), (last.as_str(), (None, None)));
}

#[test]
fn a_neighbour_in_the_same_file_touches_nothing() {
    let git = Repository::new();
    git.put("all.yaml", &[config("a", "1"), config("b", "2")].join("---\n"), "first");
    let touch =
        git.put("all.yaml", &["# one\n".to_owned() + &config("a", "1"), config("b", "3")].join("---\n"), "a reformatted, b changed");
    git.put(
        "all.yaml",
        &["# one\n".to_owned() + &config("a", "1"), config("b", "4"), config("c", "5")].join("---\n"),
        "b changed, c added",
    );
    assert_eq!(git.authors_of("all.yaml", 0).beside(), (Some(touch.as_str()), None));
    assert_eq!(git.authors_of("all.yaml", 1).beside(), (None, None));
}

/// A list on one line.
fn line(items: &[&str]) -> String {
    let item = |value: &&str| {
        let (name, value) = value.split_once('=').unwrap();
        format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"key":"{value}"}}}}"#)
    };
    let items: Vec<String> = items.iter().map(item).collect();
    format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}\n", items.join(","))
}

#[test]
fn a_neighbour_on_the_same_line_touches_nothing() {
    let git = Repository::new();
    let first = git.put("all.json", &line(&["a=1", "b=2"]), "first");
    git.put("all.json", &line(&["a=1", "b=3"]), "b changed");
    let authors = git.authors_of("all.json", 0);
    assert!(authors.all(&first));
    assert_eq!(authors.beside(), (None, None));
    // Whether it was written so before cannot be told either.
    git.put("all.json", &line(&["a=1", "b=3"]).replace("},{", "},\n{"), "a line each");
    assert_eq!(git.authors_of("all.json", 0).beside(), (None, None));
    let touch = git.put("all.json", &line(&["a=1", "b=3"]).replace("},{", "},\n{").replace(":[", ": [\n"), "spaced");
    assert_eq!(git.authors_of("all.json", 0).beside(), (Some(touch.as_str()), None));
}

#[test]
fn of_many_damaged_objects_only_some_are_named() {
    let git = Repository::new();
    let names: Vec<String> = (0..12).map(|number| format!("old{number}.yaml")).collect();
    names.iter().for_each(|name| git.write(name, &config(name, "old")));
    git.commit("all that goes");
    let blobs: Vec<String> = names.iter().map(|name| git.git(&["rev-parse", &format!("HEAD:{name}")])).collect();
    let mut wanted = BTreeSet::new();
    for (number, name) in names.iter().enumerate() {
        git.remove(name);
        git.put(&format!("new{number}.yaml"), &config(&format!("new{number}"), "new"), "one for another");
        wanted.insert(reference(format!("new{number}.yaml").as_str(), 0));
    }
    for blob in blobs {
        std::fs::remove_file(git.path().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    }
    let (_, _, not_evaluated) = histories(&source(&git.path().display().to_string()), wanted);
    assert_eq!(not_evaluated.len(), 8, "{not_evaluated:#?}");
}

#[test]
fn a_reformatting_that_a_merge_brings_is_that_of_the_side_and_an_evil_one_is_the_merges() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("a.yaml", &config("a", "'one'"), "quotes");
    git.git(&["checkout", "-q", "main"]);
    git.put("b.yaml", &config("b", "one"), "main goes on");
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let authors = git.authors("a.yaml");
    assert!(authors.all(&first));
    assert_eq!(authors.beside(), (Some(side.as_str()), None));
    git.git(&["checkout", "-q", "-b", "other"]);
    git.put("c.yaml", &config("c", "one"), "other");
    git.git(&["checkout", "-q", "main"]);
    git.put("d.yaml", &config("d", "one"), "main goes on");
    let evil = merge(&git, "other", &[("a.yaml", &config("a", "\"one\""))]);
    let authors = git.authors("a.yaml");
    assert!(authors.all(&first));
    assert_eq!(authors.beside(), (Some(evil.as_str()), None));
}

// T67
#[test]
fn a_change_of_type_makes_an_author() {
    for (before, after) in [("\"on\"", "on"), ("\"0644\"", "0644"), ("1", "\"1\""), ("null", "''"), ("1", "2")] {
        let git = Repository::new();
        let first = git.put("a.yaml", &config("a", before), "first");
        let second = git.put("a.yaml", &config("a", after), "second");
        let authors = git.authors("a.yaml");
        assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (second.as_str(), second.as_str()), "{before} -> {after}");
        assert_eq!(authors.leaf("/data/other"), first);
    }
}

#[test]
fn a_removed_field_makes_an_author_of_the_document_and_of_no_leaf() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let second = git.put("a.yaml", &config("a", "one").replace("  other: same\n", ""), "second");
    let authors = git.authors("a.yaml");
    assert_eq!(authors.document, second);
    assert!(authors.leaves.iter().all(|(_, author)| *author == first));
}

// T68
#[test]
fn splitting_reordering_and_moving_documents_make_no_author() {
    let git = Repository::new();
    let first = git.put("all.yaml", &[config("a", "1"), config("b", "2"), config("c", "3")].join("---\n"), "first");
    let second = git.put("all.yaml", &[config("c", "3"), config("a", "1"), config("b", "4")].join("---\n"), "reorder, change b");
    git.write("apps/a.yaml", &config("a", "1"));
    git.put("all.yaml", &[config("c", "3"), config("b", "4")].join("---\n"), "split");
    git.git(&["mv", "all.yaml", "rest.yaml"]);
    git.commit("rename");
    let renamed = git.head();
    let split = git.git(&["rev-parse", "HEAD~"]);
    assert!(git.authors("apps/a.yaml").all(&first));
    assert_eq!(git.authors("apps/a.yaml").beside(), (None, Some(split.as_str())));
    assert!(git.authors_of("rest.yaml", 0).all(&first));
    assert_eq!(git.authors_of("rest.yaml", 0).beside(), (None, Some(renamed.as_str())));
    let changed = git.authors_of("rest.yaml", 1);
    assert_eq!((changed.document.as_str(), changed.leaf("/data/key")), (second.as_str(), second.as_str()));
    assert_eq!(changed.leaf("/data/other"), first);
}

#[test]
fn moving_items_into_a_list_makes_no_author() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.remove("a.yaml");
    let item = config("a", "one").lines().map(|line| format!("  {line}\n")).collect::<String>().replacen("  api", "- api", 1);
    git.put("list.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{item}"), "into a list");
    assert!(git.authors("list.yaml").all(&first));
}

// T69
#[test]
fn a_rename_with_one_edit_is_an_author_of_that_field_only() {
    let git = Repository::new();
    let first = git.put("old/a.yaml", &config("a", "one"), "first");
    git.remove("old/a.yaml");
    let second = git.put("new/a.yaml", &config("a", "two"), "second");
    let authors = git.authors("new/a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (second.as_str(), second.as_str()));
    assert_eq!(authors.leaf("/data/other"), first);
    assert_eq!(authors.beside(), (None, None));
}

// T68
#[test]
fn the_last_move_and_the_last_reformatting_are_told_each_for_itself() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["mv", "a.yaml", "b.yaml"]);
    git.commit("moved");
    let touch = git.put("b.yaml", &config("a", "'one'"), "quotes");
    git.remove("b.yaml");
    let moved = git.put("c/a.yaml", &config("a", "'one'"), "moved again");
    let authors = git.authors("c/a.yaml");
    assert!(authors.all(&first));
    assert_eq!(authors.beside(), (Some(touch.as_str()), Some(moved.as_str())));
    git.remove("c/a.yaml");
    let both = git.put("d.yaml", &config("a", "\"one\""), "moved and reformatted");
    assert_eq!(git.authors("d.yaml").beside(), (Some(both.as_str()), Some(both.as_str())));
}

// T70
#[test]
fn a_copy_is_the_work_of_who_copies() {
    let git = Repository::new();
    git.put("dev/a.yaml", &config("a", "one"), "first");
    let second = git.put("prod/a.yaml", &config("a", "one"), "copy");
    assert!(git.authors("prod/a.yaml").all(&second));
    git.write("dev/a.yaml", &config("a", "two"));
    let third = git.put("test/a.yaml", &config("a", "one"), "copy while the original changes");
    assert!(git.authors("test/a.yaml").all(&third));
}

#[test]
fn a_file_without_objects_is_followed_by_its_meaning() {
    let git = Repository::new();
    let first = git.put("kustomization.yaml", "resources: [a.yaml, b.yaml]\nnamespace: x\n", "first");
    git.remove("kustomization.yaml");
    git.put("apps/kustomization.yaml", "namespace: x\nresources:\n- a.yaml\n- b.yaml\n", "move");
    assert!(git.authors("apps/kustomization.yaml").all(&first));
    let third = git.put("apps/kustomization.yaml", "namespace: x\nresources:\n- a.yaml\n- c.yaml\n", "change");
    let authors = git.authors("apps/kustomization.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/resources/1")), (third.as_str(), third.as_str()));
    assert_eq!(authors.leaf("/namespace"), first);
}

#[test]
fn a_reverted_value_is_the_work_of_who_reverted() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "two"), "second");
    let third = git.put("a.yaml", &config("a", "one"), "revert");
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (third.as_str(), third.as_str()));
}

#[test]
fn a_deleted_and_restored_object_is_the_work_of_who_restored() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.remove("a.yaml");
    git.commit("delete");
    let third = git.put("a.yaml", &config("a", "one"), "restore");
    assert!(git.authors("a.yaml").all(&third));
}

/// A merge of `side` into `main`, whose files are as they lie in the folder.
fn merge(git: &Repository, side: &str, files: &[(&str, &str)]) -> String {
    git.git(&["merge", "-q", "--no-commit", "--no-ff", "-s", "ours", side]);
    for (path, text) in files {
        git.write(path, text);
    }
    git.commit("merge")
}

#[test]
fn a_merge_is_no_author_of_what_a_side_brought() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("a.yaml", &config("a", "two"), "side");
    git.git(&["checkout", "-q", "main"]);
    git.put("b.yaml", &config("b", "one"), "main goes on");
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (side.as_str(), side.as_str()));
    assert_eq!(authors.leaf("/data/other"), first);
    assert_eq!(authors.document, git.log("a.yaml"));
}

// T51
#[test]
fn an_evil_merge_is_the_author_of_what_no_side_has() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.put("a.yaml", &config("a", "two"), "side");
    git.git(&["checkout", "-q", "main"]);
    git.put("b.yaml", &config("b", "one"), "main goes on");
    let evil = merge(&git, "side", &[("a.yaml", &config("a", "evil"))]);
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (evil.as_str(), evil.as_str()));
    assert_eq!(authors.leaf("/data/other"), first);
}

#[test]
fn fields_of_both_sides_of_a_merge_keep_their_authors() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    let side = git.put("a.yaml", &config("a", "two"), "side");
    git.git(&["checkout", "-q", "main"]);
    let main = git.put("a.yaml", &config("a", "one").replace("same", "new"), "main");
    let merged = merge(&git, "side", &[("a.yaml", &config("a", "two").replace("same", "new"))]);
    let authors = git.authors("a.yaml");
    assert_eq!(authors.document, merged);
    assert_eq!((authors.leaf("/data/key"), authors.leaf("/data/other")), (side.as_str(), main.as_str()));
}

#[test]
fn a_document_that_a_side_brought_is_not_taken_for_a_move() {
    let git = Repository::new();
    git.put("old.yaml", &config("a", "one"), "first");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.remove("old.yaml");
    git.commit("delete");
    let side = git.put("new.yaml", &config("a", "one"), "made anew");
    git.git(&["checkout", "-q", "main"]);
    git.put("b.yaml", &config("b", "one"), "main goes on");
    git.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    assert!(git.authors("new.yaml").all(&side));
}

// T87
#[test]
fn two_roots_and_an_octopus_are_walked() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first root");
    git.git(&["checkout", "-q", "--orphan", "other"]);
    git.git(&["rm", "-rfq", "."]);
    let other = git.put("b.yaml", &config("b", "one"), "second root");
    git.git(&["checkout", "-q", "-b", "third"]);
    let third = git.put("c.yaml", &config("c", "one"), "third branch");
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "--no-ff", "--allow-unrelated-histories", "-m", "two roots", "other"]);
    git.git(&["checkout", "-q", "-b", "fourth"]);
    let fourth = git.put("d.yaml", &config("d", "one"), "fourth branch");
    git.git(&["checkout", "-q", "main"]);
    git.git(&["merge", "-q", "--no-ff", "-m", "octopus", "third", "fourth"]);
    for (path, author) in [("a.yaml", first), ("b.yaml", other), ("c.yaml", third), ("d.yaml", fourth)] {
        assert!(git.authors(path).all(&author), "{path}");
        assert_eq!(git.log(path), author);
    }
}

// T60
#[test]
fn a_shallow_boundary_is_never_credited() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    git.put("b.yaml", &config("b", "one"), "boundary");
    let last = git.put("a.yaml", &config("a", "two"), "last");
    let clone = tempfile::tempdir().unwrap();
    let (from, to) = (format!("file://{}", git.path().display()), clone.path().join("clone"));
    git.git(&["clone", "-q", "--depth", "2", &from, to.to_str().unwrap()]);
    let shallow = source(to.to_str().unwrap());
    let authors = |path| authors(&shallow, path, 0);
    assert_eq!(authors("a.yaml").leaf("/data/key"), last);
    assert_eq!(authors("a.yaml").leaf("/data/other"), "before-history");
    assert!(authors("b.yaml").all("before-history"));
    assert!(histories(&shallow, BTreeSet::new()).0.shallow);
}

#[test]
fn what_a_missing_object_would_tell_is_unreadable() {
    let git = Repository::new();
    git.put("a.yaml", &config("a", "one"), "first");
    let blob = git.git(&["rev-parse", "HEAD:a.yaml"]);
    let second = git.put("a.yaml", &config("a", "two"), "second");
    std::fs::remove_file(git.path().join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let wanted = BTreeSet::from([reference("a.yaml", 0)]);
    let (_, found, not_evaluated) = histories(&source(git.path().to_str().unwrap()), wanted);
    let history = &found.documents[&reference("a.yaml", 0)];
    assert!(history.leaves.iter().all(|leaf| *leaf == Authored::Unreadable), "{second}: {history:?}");
    assert_eq!((not_evaluated[0].reason.as_str(), found.commits.len()), ("object missing", 0));
}

#[test]
fn what_is_the_same_around_a_broken_version_keeps_its_author() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "{one"), "broken");
    git.put("a.yaml", &config("a", "one"), "repaired");
    assert!(git.authors("a.yaml").all(&first));
}

#[test]
fn what_differs_around_a_broken_version_has_no_author() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    git.put("a.yaml", &config("a", "{two"), "broken");
    git.put("a.yaml", &config("a", "two"), "repaired");
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), ("unreadable", "unreadable"));
    assert_eq!(authors.leaf("/data/other"), first);
    let fifth = git.put("a.yaml", &config("a", "three"), "changed since");
    assert_eq!(git.authors("a.yaml").leaf("/data/key"), fifth);
}

#[test]
fn a_broken_document_does_not_touch_its_neighbours() {
    let git = Repository::new();
    git.put("all.yaml", &[config("a", "1"), config("b", "2")].join("---\n"), "first");
    let second = git.put("all.yaml", &[config("a", "{1"), config("b", "3")].join("---\n"), "a broken, b changed");
    git.put("all.yaml", &[config("a", "1"), config("b", "3")].join("---\n"), "repaired");
    assert_eq!(git.authors_of("all.yaml", 1).leaf("/data/key"), second);
}

#[test]
fn a_file_born_broken_has_no_author_that_could_be_told() {
    let git = Repository::new();
    git.put("b.yaml", &config("b", "one"), "first");
    git.put("a.yaml", &config("a", "{one"), "broken");
    git.put("a.yaml", &config("a", "one"), "repaired");
    assert!(git.authors("a.yaml").all("unreadable"));
}

// T64
#[test]
fn paths_are_bytes() {
    let git = Repository::new();
    let paths = ["line\nbreak.yaml", "caf\u{e9}.yaml", "cafe\u{301}.yaml", "sp ace\t.yaml"];
    let commits: Vec<String> = paths.iter().map(|path| git.put(path, &config("a", path.len().to_string().as_str()), "one")).collect();
    for (path, commit) in paths.iter().zip(&commits) {
        assert!(git.authors(path).all(commit), "{path:?}");
    }
}

#[test]
fn dates_do_not_decide() {
    let git = Repository::new();
    let write = |value: &str, parents: &[&str], date: &str| git.put_at(date, "a.yaml", &config("a", value), parents);
    let first = write("one", &[], "4000000000 +0000");
    let side = write("two", &[&first], "1 +9999");
    let main = write("one", &[&first], "nonsense");
    let merged = write("two", &[&main, &side], "-5 -0100");
    git.git(&["update-ref", "refs/heads/main", &merged]);
    let authors = git.authors("a.yaml");
    assert_eq!((authors.document.as_str(), authors.leaf("/data/key")), (side.as_str(), side.as_str()));
    assert_eq!(authors.leaf("/data/other"), first);
}

#[test]
fn hostile_commit_objects_lose_no_walk() {
    let git = Repository::new();
    git.write("a.yaml", &config("a", "one"));
    git.git(&["add", "-A"]);
    let tree = git.git(&["write-tree"]);
    let bodies: [&[u8]; 5] = [
        b"",
        b"author\ncommitter\n",
        b"author \xff\xfe <\0> 1\ncommitter x",
        b"encoding \xff\n\n\0\0",
        b"author A <a@x> 99999999999999999999 +0000\n\nx",
    ];
    for body in bodies {
        let raw = [format!("tree {tree}\n").as_bytes(), body].concat();
        let id = git.git_with_input(&["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], &raw);
        std::fs::write(git.path().join(".git/refs/heads/main"), format!("{id}\n")).unwrap();
        let wanted = BTreeSet::from([reference("a.yaml", 0)]);
        let (_, found, not_evaluated) = histories(&source(git.path().to_str().unwrap()), wanted);
        assert_eq!(not_evaluated, []);
        assert_eq!((found.commits[0].id.as_str(), &*found.commits[0].raw), (id.as_str(), raw.as_slice()));
    }
}

#[test]
fn people_and_bytes_of_a_credited_commit_are_those_of_git() {
    let git = Repository::new();
    let id = git.put("a.yaml", &config("a", "one"), "subject line\n\nbody");
    let wanted = BTreeSet::from([reference("a.yaml", 0)]);
    let (_, found, _) = histories(&source(git.path().to_str().unwrap()), wanted);
    let commit = &found.commits[0];
    let shown = format!(
        "{} {} {} {} {} {} {}",
        commit.id,
        commit.author.name,
        commit.author.email,
        commit.author.time.unwrap().timestamp(),
        commit.committer.name,
        commit.committer.email,
        commit.subject
    );
    assert_eq!(shown, git.git(&["show", "-s", "--format=%H %an %ae %at %cn %ce %s"]));
    assert_eq!(commit.raw.strip_suffix(b"\n").unwrap(), git.git(&["cat-file", "commit", &id]).as_bytes());
}

#[test]
fn random_histories_agree_with_git_log() {
    // Single-document files whose every change is one of meaning: there `git log` is right.
    let git = Repository::new();
    let mut state = 7_u64;
    let mut next = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut counter = 0;
    git.put("start.yaml", &config("start", "0"), "start");
    for round in 0..60 {
        let branch = format!("b{round}");
        if next(4) == 0 {
            git.git(&["checkout", "-q", "-b", &branch]);
            for _ in 0..=next(3) {
                counter += 1;
                let file = format!("side/f{}.yaml", next(5));
                git.put(&file, &config("x", &format!("v{counter}")), "side");
            }
            git.git(&["checkout", "-q", "main"]);
        }
        counter += 1;
        git.put(&format!("main/f{}.yaml", next(8)), &config("x", &format!("v{counter}")), "main");
        if git.git(&["branch", "--list", &branch]).contains(&branch) {
            git.git(&["merge", "-q", "--no-ff", "-m", "merge", &branch]);
        }
    }
    let files: Vec<String> = git.git(&["ls-files"]).lines().map(str::to_owned).collect();
    let wanted: BTreeSet<_> = files.iter().map(|file| reference(file.as_str(), 0)).collect();
    let (_, found, not_evaluated) = histories(&source(git.path().to_str().unwrap()), wanted);
    assert_eq!(not_evaluated, []);
    for file in files {
        let credited = crate::repository::credited(&found, &reference(file.as_str(), 0));
        assert_eq!(credited.id.as_str(), git.log(&file), "{file}");
    }
}

// T71, T72
#[test]
fn neither_revisions_that_blame_ignores_nor_a_map_of_names_make_another_author() {
    let git = Repository::new();
    let alice = git.put("a.yaml", &config("a", "one"), "alice");
    git.write("a.yaml", &config("a", "evil"));
    git.git(&["commit", "-q", "-a", "--author", "Mallory <mallory@example.com>", "-m", "innocent"]);
    let mallory = git.head();
    git.write(".git-blame-ignore-revs", &format!("{mallory}\n"));
    git.put(".mailmap", "Alice <alice@example.com> <mallory@example.com>\n", "the ways to hide");
    // Git itself is taken in.
    let blamed = git.git(&["blame", "--porcelain", "--ignore-revs-file", ".git-blame-ignore-revs", "-L6,6", "a.yaml"]);
    assert!(blamed.starts_with(&alice), "{blamed}");
    assert_eq!(git.git(&["log", "-1", "--format=%aN <%aE>", &mallory]), "Alice <alice@example.com>");

    let wanted = BTreeSet::from([reference("a.yaml", 0)]);
    let (_, found, _) = histories(&source(git.path().to_str().unwrap()), wanted);
    let commit = crate::repository::credited(&found, &reference("a.yaml", 0));
    assert_eq!((commit.id.as_str(), commit.author.email.to_string().as_str()), (mallory.as_str(), "mallory@example.com"));
    assert_eq!(git.authors("a.yaml").leaf("/data/key"), mallory);
}

// T67, in the dialect of kustomize: its types are those of YAML 1.2, but its text is what both read.
#[test]
fn a_change_of_type_that_only_kubectl_sees_makes_an_author_only_for_kubectl() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "\"on\""), "first");
    let second = git.put("a.yaml", &config("a", "on"), "second");
    for (dialect, author) in [(Dialect::Raw, &second), (Dialect::Kustomize, &first)] {
        let wanted = reference("a.yaml", 0);
        let found = histories_in(git.path().to_str().unwrap(), &[(wanted.clone(), dialect)], std::time::Duration::from_secs(60)).0;
        assert_eq!(crate::repository::credited(&found, &wanted).id.as_str(), author, "{dialect:?}");
    }
}

// T66: of two equal keys kubectl takes the last; kustomize reads no such file.
#[test]
fn a_key_that_stands_twice_is_read_by_kubectl_and_has_no_meaning_for_kustomize() {
    let git = Repository::new();
    let first = git.put("a.yaml", &config("a", "one"), "first");
    let twice = config("a", "one").replace("  other: same", "  key: two\n  other: same");
    git.put("a.yaml", &twice, "twice");
    git.put("a.yaml", &config("a", "one"), "mended");
    let third = git.head();
    for (dialect, author) in [(Dialect::Raw, &third), (Dialect::Kustomize, &first)] {
        let wanted = reference("a.yaml", 0);
        let found = histories_in(git.path().to_str().unwrap(), &[(wanted.clone(), dialect)], std::time::Duration::from_secs(60)).0;
        assert_eq!(crate::repository::credited(&found, &wanted).id.as_str(), author, "{dialect:?}");
    }
}
