//! The house rules, as tables, and what a set of sources breaks of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::reading::Source;

/// What stages share beside the model.
const GROUND: [&str; 7] = ["yaml", "document", "subprocess", "secret", "progress", "cache", "threads"];

/// Each takes values and gives values or touches the world; none knows another.
const STAGES: [&str; 9] = ["cluster", "source", "keyring", "discover", "render", "compare", "attribute", "audit", "report"];

/// What a cycle uses beside the scan. None knows another.
const AROUND: [&str; 4] = ["alert", "store", "server", "metrics"];

/// Where names of other crates, of the standard library, and of derived traits may stand.
struct Place {
    /// Beginnings of paths.
    of: &'static [&'static str],
    /// What may be named all the same.
    but: &'static [&'static str],
    /// Files, or folders where they end in `/`.
    only_in: &'static [&'static str],
}

const NOUNS: [&str; 8] =
    ["src/cluster/", "src/source/", "src/keyring/", "src/store/", "src/store.rs", "src/subprocess/", "src/subprocess.rs", "src/cache.rs"];

const PLACES: [Place; 9] = [
    Place { of: &["kube", "kube_client", "kube_core", "k8s_openapi"], but: &[], only_in: &["src/cluster/"] },
    Place { of: &["gix", "gix_*"], but: &[], only_in: &["src/source/"] },
    Place { of: &["gpgme", "ssh_key", "x509_cert", "webpki"], but: &[], only_in: &["src/keyring/"] },
    Place { of: &["clap", "clap_complete"], but: &[], only_in: &["src/cli.rs", "src/cli/"] },
    Place { of: &["std::fs", "tokio::fs", "tempfile"], but: &[], only_in: &NOUNS },
    Place {
        of: &["std::process", "tokio::process"],
        but: &["std::process::ExitCode", "std::process::Termination"],
        only_in: &["src/subprocess.rs", "src/subprocess/"],
    },
    Place {
        of: &["reqwest", "hyper", "std::net", "tokio::net"],
        but: &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"],
        only_in: &["src/cluster/", "src/source/", "src/alert/", "src/server.rs", "src/server/"],
    },
    Place {
        of: &["std::env"],
        but: &["std::env::consts"],
        only_in: &[
            "src/cluster/",
            "src/source/",
            "src/keyring/",
            "src/cache.rs",
            "src/subprocess.rs",
            "src/subprocess/",
            "src/config.rs",
            "src/config/",
            "src/cli.rs",
            "src/cli/",
            "src/run.rs",
            "src/run/",
            "src/main.rs",
        ],
    },
    Place { of: &["std::thread::sleep", "rand"], but: &[], only_in: &NOUNS },
];

const CLOCKS: [&str; 5] = ["Utc", "Local", "SystemTime", "Instant", "OffsetDateTime"];
const CLOCK_PLACES: [&str; 2] = ["src/run.rs", "src/run/"];
const PRINT_MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
const PRINT_PLACES: [&str; 3] = ["src/main.rs", "src/cli.rs", "src/cli/"];

/// Every broken rule, one text each, sorted.
pub(crate) fn violations(sources: &[Source]) -> Vec<String> {
    let test_modules: BTreeSet<_> = sources.iter().flat_map(|source| &source.test_modules).collect();
    let is_test = |source: &&Source| (0..=source.module.len()).any(|length| test_modules.contains(&source.module[..length].to_vec()));
    let sources: Vec<&Source> = sources.iter().filter(|source| !is_test(source)).collect();
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| source.module.as_slice()).collect();

    let mut broken: Vec<String> = sources.iter().flat_map(|source| of_one(source, &modules)).collect();
    broken.extend(circles(&sources, &modules));
    broken.sort();
    broken
}

fn of_one(source: &Source, modules: &BTreeSet<&[String]>) -> Vec<String> {
    let mut broken = Vec::new();
    if !source.has_doc {
        broken.push("does not begin with //! and what it is for".to_owned());
    }
    broken.extend(upward_imports(source, modules));
    broken.extend(source.paths.iter().filter_map(|path| misplaced(source, path)));
    broken.extend(source.paths.iter().filter_map(|path| clock_read(source, path)));
    if !is_in(source, &PRINT_PLACES) {
        let printing = source.macros.iter().filter(|name| PRINT_MACROS.contains(&name.as_str()));
        broken.extend(printing.map(|name| format!("calls {name}!, which only cli and main may")));
    }
    if !may_serialize(&source.file) {
        let traits = ["Serialize", "Deserialize"].into_iter().filter(|name| source.names.contains(*name));
        broken.extend(traits.map(|name| format!("names {name}, which belongs to report, settings, and a noun's wire.rs or cache.rs")));
    }
    broken.into_iter().map(|what| format!("{} {what}", source.file)).collect()
}

/// The first part of a module's path; the program has its own, the root of the library is nobody's importer.
fn layer(source: &Source) -> Option<&str> {
    match source.module.first() {
        Some(first) => Some(first),
        None => (source.file == "src/main.rs").then_some("main"),
    }
}

fn may_import(importer: &str) -> Option<Vec<&'static str>> {
    let below_stages = [["model"].as_slice(), &GROUND].concat();
    Some(match importer {
        "model" => Vec::new(),
        ground if GROUND.contains(&ground) => below_stages,
        stage if STAGES.contains(&stage) || AROUND.contains(&stage) => below_stages,
        "scan" | "config" => [below_stages.as_slice(), &STAGES].concat(),
        "run" => [below_stages.as_slice(), &STAGES, &AROUND, &["scan", "config"]].concat(),
        "cli" => [below_stages.as_slice(), &["config", "run"]].concat(),
        "main" => vec!["cli"],
        _ => return None,
    })
}

fn upward_imports(source: &Source, modules: &BTreeSet<&[String]>) -> Vec<String> {
    let Some(importer) = layer(source) else { return Vec::new() };
    let Some(allowed) = may_import(importer) else {
        return vec![format!("is of the module {importer}, which has no layer in tests/architecture/rules.rs")];
    };
    let imported: BTreeSet<&String> = targets(source, modules).into_iter().filter_map(|target| target.first()).collect();
    let wrong = imported.into_iter().filter(|target| *target != importer && !allowed.contains(&target.as_str()));
    wrong.map(|target| format!("imports {target}, which {importer} may not know")).collect()
}

/// The modules of ours that a file names.
fn targets<'a>(source: &'a Source, modules: &BTreeSet<&[String]>) -> BTreeSet<&'a [String]> {
    let inner = source.paths.iter().filter_map(|path| path.split_first()).filter(|(first, _)| *first == "crate");
    inner.filter_map(|(_, path)| (1..=path.len()).rev().map(|length| &path[..length]).find(|start| modules.contains(start))).collect()
}

fn is_in(source: &Source, places: &[&str]) -> bool {
    places.iter().any(|place| source.file == *place || (place.ends_with('/') && source.file.starts_with(place)))
}

fn begins(path: &[String], beginning: &str) -> bool {
    let parts: Vec<&str> = beginning.split("::").collect();
    let fits = |part: &str, own: &str| part.strip_suffix('*').map_or(part == own, |stem| own.starts_with(stem));
    path.len() >= parts.len() && parts.iter().zip(path).all(|(part, own)| fits(part, own))
}

fn misplaced(source: &Source, path: &[String]) -> Option<String> {
    let is_wrong = |place: &&Place| {
        let is_meant = place.of.iter().any(|beginning| begins(path, beginning));
        is_meant && !place.but.iter().any(|allowed| begins(path, allowed)) && !is_in(source, place.only_in)
    };
    let place = PLACES.iter().find(is_wrong)?;
    Some(format!("names {}, which belongs to {}", path.join("::"), place.only_in.join(" ")))
}

fn clock_read(source: &Source, path: &[String]) -> Option<String> {
    let [.., clock, now] = path else { return None };
    let is_read = now == "now" && CLOCKS.contains(&clock.as_str());
    (is_read && !is_in(source, &CLOCK_PLACES)).then(|| format!("reads the clock by {clock}::now, which only run may"))
}

/// The report's own types, settings, and the wire and cache types of a noun.
fn may_serialize(file: &str) -> bool {
    let name = file.rsplit('/').next().expect("a split has a last part");
    let is_noun = NOUNS.iter().any(|noun| noun.ends_with('/') && file.starts_with(noun));
    file.starts_with("src/report/")
        || file.starts_with("src/config/")
        || matches!(name, "config.rs" | "settings.rs")
        || (is_noun && (matches!(name, "wire.rs" | "cache.rs") || file.contains("/wire/") || file.contains("/cache/")))
}

/// Modules that import each other, over any number of steps. That a child names what its parent's own file declares is no
/// step: a folder's `mod.rs` holds the settings and errors that its files share.
fn circles(sources: &[&Source], modules: &BTreeSet<&[String]>) -> Vec<String> {
    let mut imports: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for source in sources {
        let targets = targets(source, modules).into_iter().filter(|target| !source.module.starts_with(target));
        imports.entry(&source.module).or_default().extend(targets);
    }
    let reaches_itself = |start: &&[String]| reachable(start, &imports).contains(start);
    let in_circles: Vec<String> = imports.keys().copied().filter(reaches_itself).map(|module| module.join("::")).collect();
    if in_circles.is_empty() { Vec::new() } else { vec![format!("modules that import each other: {}", in_circles.join(", "))] }
}

fn reachable<'a>(start: &[String], imports: &BTreeMap<&'a [String], BTreeSet<&'a [String]>>) -> BTreeSet<&'a [String]> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&[String]> = imports.get(start).into_iter().flatten().copied().collect();
    while let Some(module) = waiting.pop() {
        if reached.insert(module) {
            waiting.extend(imports.get(module).into_iter().flatten().copied());
        }
    }
    reached
}
