//! The layers of ARCHITECTURE.md, asserted: who may import whom, where heavy crates, files, programs, clocks and serialisation
//! may be touched, no circles, and that every file says what it is for.

#[path = "architecture/reading.rs"]
mod reading;
#[path = "architecture/rows.rs"]
mod rows;
#[path = "architecture/rules.rs"]
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use reading::Source;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources can be read");
    let paths = entries.map(|entry| entry.expect("an entry of a folder can be read").path());
    let files = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|file| file.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn the_house_stands_as_architecture_md_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &PathBuf| {
        let name = file.strip_prefix(root).expect("a source lies below the root").to_str().expect("its name is UTF-8");
        Source::read(name, &fs::read_to_string(file).expect("a source can be read"))
    };
    let sources: Vec<Source> = rust_files(&root.join("src")).iter().map(read).collect();
    assert!(sources.iter().any(|source| source.file == "src/model/mod.rs"), "the sources were found");
    let broken = rules::violations(&sources);
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// What made-up files break; each gets the doc that every file needs.
fn broken(files: &[(&str, &str)]) -> Vec<String> {
    let documented = files.iter().map(|(file, text)| Source::read(file, &format!("//! A file.\n{text}")));
    rules::violations(&documented.collect::<Vec<_>>())
}

#[track_caller]
fn assert_broken(files: &[(&str, &str)], expected: &str) {
    let broken = broken(files);
    assert!(matches!(broken.as_slice(), [one] if one.contains(expected)), "expected one text with {expected:?}, got {broken:#?}");
}

#[track_caller]
fn assert_sound(files: &[(&str, &str)]) {
    assert_eq!(broken(files), [""; 0]);
}

const MODEL: (&str, &str) = ("src/model/mod.rs", "pub struct Object;");
const COMPARE: (&str, &str) = ("src/compare/mod.rs", "pub struct Settings;");

#[test]
fn a_stage_may_import_the_model_and_the_ground() {
    let stage = "use crate::model::Object; use crate::yaml; use crate::{document, secret::Digest}; use super::model;";
    assert_sound(&[MODEL, ("src/yaml.rs", ""), ("src/document.rs", ""), ("src/secret.rs", ""), ("src/compare/mod.rs", stage)]);
}

#[test]
fn a_stage_may_not_import_a_sibling() {
    assert_broken(&[COMPARE, ("src/render/mod.rs", "use crate::compare::Settings;")], "src/render/mod.rs imports compare");
    assert_broken(&[COMPARE, ("src/render/mod.rs", "fn f() { crate::compare::run(); }")], "imports compare");
    assert_broken(&[COMPARE, ("src/render/plain.rs", "use super::super::{compare::Settings as S};")], "imports compare");
    assert_broken(&[COMPARE, ("src/render/mod.rs", "use super::compare;")], "imports compare");
    assert_broken(&[COMPARE, ("src/render/plain.rs", "mod inner { use super::super::super::compare; }")], "imports compare");
}

#[test]
fn the_model_may_import_nothing_of_ours() {
    assert_broken(&[("src/yaml.rs", ""), ("src/model/mod.rs", "use crate::yaml::Node;")], "imports yaml");
}

#[test]
fn no_stage_may_import_the_configuration() {
    assert_broken(&[("src/config.rs", ""), ("src/audit/mod.rs", "use crate::config::Config;")], "imports config");
}

#[test]
fn the_program_knows_the_command_line_only() {
    assert_sound(&[("src/cli.rs", ""), ("src/main.rs", "fn main() { kubewitness::cli::main() }")]);
    assert_broken(&[("src/run.rs", ""), ("src/main.rs", "use kubewitness::run;")], "src/main.rs imports run");
}

#[test]
fn a_module_without_a_layer_is_told() {
    assert_broken(&[("src/helper.rs", "")], "no layer");
}

#[test]
fn heavy_crates_have_one_owner_each() {
    for (file, text, expected) in [
        ("src/compare/mod.rs", "use kube::Api;", "kube::Api"),
        ("src/report/mod.rs", "fn f(_: k8s_openapi::List) {}", "k8s_openapi::List"),
        ("src/cluster/mod.rs", "use gix::Repository;", "gix::Repository"),
        ("src/attribute/mod.rs", "use gix_hash::ObjectId;", "gix_hash::ObjectId"),
        ("src/source/mod.rs", "use {gpgme::Context};", "gpgme::Context"),
        ("src/audit/mod.rs", "use ssh_key::{PublicKey};", "ssh_key::PublicKey"),
        ("src/config.rs", "#[derive(clap::Args)] struct A;", "clap::Args"),
        ("src/render/mod.rs", "use std::{fs, io};", "std::fs"),
        ("src/render/mod.rs", "fn f() { std::fs::read(\"a\"); }", "std::fs::read"),
        ("src/audit/mod.rs", "use ::std::env;", "std::env"),
        ("src/source/mod.rs", "use std::process::Command;", "std::process::Command"),
        ("src/main.rs", "fn main() { std::process::exit(1) }", "std::process::exit"),
        ("src/compare/mod.rs", "use reqwest::Client;", "reqwest::Client"),
    ] {
        assert_broken(&[(file, text)], &format!("names {expected}, which belongs to"));
    }
    assert_sound(&[
        ("src/cluster/client.rs", "use kube::Client; use std::fs;"),
        ("src/source/git.rs", "use gix::Repository; use gix_transport::client;"),
        ("src/keyring/openpgp.rs", "use gpgme::Context;"),
        ("src/subprocess.rs", "use std::process::Command; use tempfile::TempDir;"),
        ("src/main.rs", "fn main() -> std::process::ExitCode { todo!() }"),
    ]);
}

#[test]
fn only_the_cycle_reads_the_clock() {
    assert_sound(&[("src/run/scan.rs", "fn f() { chrono::Utc::now(); }"), ("src/run.rs", "fn f() { Instant::now(); }")]);
    assert_broken(&[("src/audit/mod.rs", "fn f() { Utc::now(); }")], "reads the clock by Utc::now");
    assert_broken(&[("src/scan.rs", "fn f() { std::time::SystemTime::now(); }")], "SystemTime::now");
    assert_broken(&[("src/cluster/mod.rs", "fn f() { g(Instant::now()); }")], "Instant::now");
}

#[test]
fn only_the_command_line_prints() {
    assert_sound(&[("src/cli.rs", "fn f() { println!(\"a\"); }")]);
    assert_broken(&[("src/run.rs", "fn f() { eprintln!(\"a\"); }")], "calls eprintln!");
    assert_broken(&[("src/scan.rs", "fn f() { if a { anstream::println!(\"a\"); } }")], "calls println!");
}

#[test]
fn serialisation_has_its_places() {
    assert_sound(&[
        ("src/report/record.rs", "use serde::Serialize;"),
        ("src/cluster/wire.rs", "use serde::Deserialize;"),
        ("src/config.rs", "use serde::Deserialize;"),
    ]);
    assert_broken(&[("src/model/object.rs", "#[derive(Clone, serde::Serialize)] struct A;")], "names Serialize");
    assert_broken(&[("src/cluster/client.rs", "use serde::{Deserialize};")], "names Deserialize");
    assert_broken(&[("src/compare/wire.rs", "use serde::Deserialize;")], "names Deserialize");
}

#[test]
fn circles_are_told() {
    let circle = [("src/compare/a.rs", "use super::b::B;"), ("src/compare/b.rs", "use crate::compare::c::C;")];
    assert_sound(&[circle[0], circle[1], ("src/compare/c.rs", "")]);
    let closed = [circle[0], circle[1], ("src/compare/c.rs", "use super::a::A;")];
    assert_broken(&closed, "compare::a, compare::b, compare::c");
}

#[test]
fn a_child_may_name_what_its_parents_file_declares() {
    assert_sound(&[("src/compare/mod.rs", "mod a; use self::a::A;"), ("src/compare/a.rs", "use super::Settings;")]);
}

#[test]
fn what_only_tests_have_is_free() {
    let inline = "#[cfg(test)] mod tests { use crate::compare::Settings; fn f() { println!(\"a\"); } }";
    assert_sound(&[COMPARE, ("src/render/mod.rs", inline)]);
    let own_file = [("src/render/mod.rs", "#[cfg(test)]\nmod tests;"), ("src/render/tests.rs", "use crate::compare::Settings;")];
    assert_sound(&[COMPARE, own_file[0], own_file[1]]);
    let after = format!("{inline} use crate::compare::Settings;");
    assert_broken(&[COMPARE, ("src/render/mod.rs", &after)], "imports compare");
}

#[test]
fn comments_and_texts_are_no_imports() {
    let text = "// use kube::Api;\n/* std::fs::read */ const A: &str = \"gix::open and println!()\"; const B: &str = r#\"use kube::A;\"#;";
    assert_sound(&[("src/compare/mod.rs", text)]);
}

#[test]
fn a_file_without_a_word_about_itself_is_told() {
    let source = Source::read("src/yaml.rs", "/// Not of the file.\npub struct Node;");
    assert_eq!(rules::violations(&[source]), ["src/yaml.rs does not begin with //! and what it is for"]);
    let included = Source::read("src/lib.rs", "#![doc = include_str!(\"../ARCHITECTURE.md\")]\npub mod yaml;");
    assert_eq!(rules::violations(&[included]), [""; 0]);
}
