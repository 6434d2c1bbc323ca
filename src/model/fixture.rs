//! Scans made by hand, for the tests of the stages that come after them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};

use super::attribution::{
    Algo, Attribution, Attributions, Binding, Breaches, CommitVerdict, Crypto, Format, KeyTime, LeafAttribution, SignatureFacts, TimeBasis,
    Verdict,
};
use super::commit::{Actor, Commit, CommitId};
use super::comparison::{Comparison, Difference, FieldValue, FieldVerdict, Manager, ObjectState, Operation, SchemaSource, Side};
use super::coverage::Coverage;
use super::declaration::{Declaration, DocumentRef, Engine, Input, LeafOrigin, Tree};
use super::evidence::{ClusterIdentity, Histories, Signatures};
use super::object::{FieldPath, Manifest, ObjectId, Pointer, Step};
use super::scan::{Reader, Scan};
use super::text::RawText;

/// The time at which every scan of these tests ends.
pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 9, 14, 7).unwrap()
}

pub(crate) fn days_ago(days: i64) -> DateTime<Utc> {
    now() - chrono::Duration::days(days)
}

pub(crate) fn commit_id(short: &str) -> CommitId {
    CommitId::new(format!("{short:0<40}"))
}

pub(crate) fn object(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId { group: group.into(), kind: kind.into(), namespace: Some(namespace.into()), name: name.into() }
}

/// Depth first, keys sorted, lists of named maps by name.
pub(crate) fn leaf_names(declaration: &Declaration) -> Vec<(FieldPath, Pointer)> {
    let mut leaves = Vec::new();
    walk(declaration.manifest.value(), FieldPath::default(), Pointer::default(), &mut leaves);
    leaves
}

fn walk(value: &Value, field: FieldPath, pointer: Pointer, leaves: &mut Vec<(FieldPath, Pointer)>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                walk(value, field.join(Step::Field(key.clone())), pointer.field(key), leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let step = match item.get("name") {
                    Some(name) => Step::Key(vec![("name".into(), name.clone())]),
                    None => Step::Index(index),
                };
                walk(item, field.join(step), pointer.index(index), leaves);
            }
        }
        _ => leaves.push((field, pointer)),
    }
}

/// A scan without objects, commits or findings.
pub(crate) fn empty() -> Scan {
    Scan {
        run: "7d0f".into(),
        started: now() - chrono::Duration::milliseconds(1100),
        finished: now(),
        reader: Reader::Live,
        requests: 31,
        policy_digest: format!("sha256:{:0<64}", "ab"),
        cluster: ClusterIdentity {
            uid: Some("7f1c0f0e-0000-4000-8000-000000000000".into()),
            name: "prod".into(),
            version: Some("v1.36.3".into()),
            time: Some(now()),
        },
        sources: vec![Tree {
            source: "fleet".into(),
            url: "https://git.example.com/fleet".into(),
            requested: Some("refs/heads/main".into()),
            commit: Some(commit_id("9c1f2ab")),
            shallow: false,
            uncommitted: 0,
            root: "clusters/prod".into(),
            files: BTreeMap::new(),
        }],
        tags: Vec::new(),
        kept: None,
        tips: Vec::new(),
        unreachable: Vec::new(),
        remotes: Vec::new(),
        declarations: Vec::new(),
        comparisons: Vec::new(),
        histories: Histories::default(),
        signatures: Signatures::new(),
        attributions: Attributions::default(),
        findings: Vec::new(),
        coverage: Coverage::default(),
        not_evaluated: Vec::new(),
    }
}

/// Adds a commit and its judgement; answers its index. Ids must come in their order.
pub(crate) fn add_commit(scan: &mut Scan, short: &str, author: &str, days: i64, verdict: Verdict, reasons: &[&str]) -> u32 {
    let email = format!("{}@example.com", author.split(' ').next().unwrap().to_lowercase());
    let actor = Actor { name: author.into(), email: email.as_str().into(), time: Some(days_ago(days).fixed_offset()) };
    let id = commit_id(short);
    scan.histories.commits.push(Commit {
        id: id.clone(),
        source: "fleet".into(),
        author: actor.clone(),
        committer: actor,
        subject: RawText::from("Raise the image"),
        raw: [].into(),
    });
    scan.signatures.insert(("fleet".into(), id), facts(verdict, author, &email));
    let binding = match verdict {
        Verdict::VerifiedAuthor => Binding::Author,
        Verdict::VerifiedCommitter => Binding::Committer,
        Verdict::ForgeAttested => Binding::Forge,
        _ => Binding::None,
    };
    scan.attributions.commits.push(CommitVerdict {
        verdict,
        binding,
        signer: None,
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
    });
    u32::try_from(scan.histories.commits.len() - 1).unwrap()
}

fn facts(verdict: Verdict, author: &str, email: &str) -> SignatureFacts {
    match verdict {
        Verdict::Unsigned => SignatureFacts::unsigned(),
        Verdict::Unverifiable => {
            let mut facts = SignatureFacts::of(Format::OpenPgp, Crypto::UnknownKey);
            facts.key = Some("00000000000000000000000000000000DEADBEEF".into());
            facts
        }
        _ => {
            let crypto = if verdict == Verdict::Invalid { Crypto::Bad } else { Crypto::Good };
            let mut facts = SignatureFacts::of(Format::OpenPgp, crypto);
            facts.algo = Some(Algo::Ok);
            facts.key_time = Some(KeyTime::Valid);
            facts.time_basis = Some(TimeBasis::Claimed);
            facts.time = Some(days_ago(1));
            facts.key = Some("D0A1B2C3E4F5061728394A5B5B1E9F3C4D2011AB".into());
            facts.forge = (verdict == Verdict::ForgeAttested).then(|| "github.com".into());
            let mismatch = verdict == Verdict::SignedUntrusted;
            facts.signer = Some(if mismatch { "Bob Ito <bob@example.com>".into() } else { format!("{author} <{email}>") });
            facts
        }
    }
}

/// Adds a declared object, all of whose leaves are credited to one commit; answers its index. Its fields begin in line 3.
pub(crate) fn declare(scan: &mut Scan, id: ObjectId, path: &str, manifest: Value, commit: Option<u32>) -> usize {
    let mut declaration = Declaration {
        id: id.clone(),
        version: "v1".into(),
        source: "fleet".into(),
        engine: Engine::Plain,
        applier: None,
        manifest: Manifest::from_redacted(manifest),
        encrypted: false,
        inputs: vec![Input { document: DocumentRef { source: "fleet".into(), path: path.into(), ordinal: 0 }, line: 1, end_line: 42 }],
        leaves: Box::default(),
        is_whole: true,
        drawn_by: Some(Vec::new()),
    };
    let leaves = leaf_names(&declaration).len();
    declaration.leaves =
        (0..u32::try_from(leaves).unwrap()).map(|leaf| LeafOrigin { input: Some(0), leaf, line: leaf + 3, end_line: leaf + 3 }).collect();
    scan.declarations.push(declaration);
    let index = scan.declarations.len() - 1;
    let attribution = commit.map(|commit| {
        let judged = &scan.attributions.commits[commit as usize];
        Attribution {
            changed_by: None,
            activated_by: None,
            touched_by: None,
            moved_by: None,
            authored_by: Some(scan.histories.commits[commit as usize].id.clone()),
            verdict: judged.verdict,
            reasons: judged.reasons.clone(),
            inputs: Vec::new(),
            leaves: vec![LeafAttribution { commit: Some(commit), verdict: judged.verdict, breaches: Breaches::default() }; leaves].into(),
        }
    });
    scan.attributions.declarations.push(attribution);
    scan.comparisons.push(compared(id, ObjectState::Synced, Some(index)));
    scan.coverage.evaluated += 1;
    index
}

/// What comparing says of an object without differences.
pub(crate) fn compared(id: ObjectId, state: ObjectState, declaration: Option<usize>) -> Comparison {
    Comparison {
        id,
        version: "v1".into(),
        state,
        reason: None,
        declaration,
        also_declared: Vec::new(),
        defaults: 14,
        differences: Vec::new(),
        ignored: Vec::new(),
        schema: SchemaSource::Cluster,
        removed_version: None,
        ownership_gap: None,
        applied_by: None,
        created_by: None,
        created: None,
    }
}

pub(crate) fn manager(name: &str, time: Option<DateTime<Utc>>) -> Manager {
    Manager { name: name.into(), operation: Operation::Update, subresource: None, time }
}

/// Makes a leaf of the last object differ; the leaf is named by its pointer.
pub(crate) fn differ(scan: &mut Scan, pointer: &str, verdict: FieldVerdict, live: Option<Value>, writer: Option<Manager>) {
    let declaration = scan.declarations.last().unwrap();
    let leaves = leaf_names(declaration);
    let found = leaves.iter().position(|(_, own)| own.as_str() == pointer);
    let (field, pointer) = found.map_or_else(|| undeclared_path(pointer), |leaf| leaves[leaf].clone());
    let declared = declaration.manifest.value().pointer(pointer.as_str()).cloned().map(FieldValue::Shown);
    let comparison = scan.comparisons.last_mut().unwrap();
    if verdict.is_drift() {
        comparison.state = ObjectState::Drifted;
    }
    comparison.differences.push(Difference {
        field,
        pointer,
        side: if live.is_some() { Side::Live } else { Side::Declared },
        verdict,
        low_confidence: false,
        decided_by: "value",
        declared,
        live: live.map(FieldValue::Shown),
        manager: writer,
        leaf: found,
        obstacle: None,
    });
}

fn undeclared_path(pointer: &str) -> (FieldPath, Pointer) {
    (FieldPath(pointer.split('/').skip(1).map(|word| Step::Field(word.into())).collect()), Pointer::from(pointer))
}

/// A scan in which everything is as declared: three authors, 14 objects.
pub(crate) fn clean() -> Scan {
    let mut scan = empty();
    let unsigned = add_commit(&mut scan, "1c0ffee", "Alice Chen", 8, Verdict::Unsigned, &[]);
    let alice = add_commit(&mut scan, "4be1d2a", "Alice Chen", 12, Verdict::VerifiedAuthor, &["uid-binding"]);
    let carol = add_commit(&mut scan, "5d2e9f0", "Carol Diaz", 3, Verdict::VerifiedAuthor, &["uid-binding"]);
    let bob = add_commit(&mut scan, "77ab310", "Bob Ito", 61, Verdict::ForgeAttested, &["forge-key"]);
    for number in 0..14 {
        let commit = [alice, alice, carol, alice, bob, carol, unsigned][number % 7];
        let id = object("", "ConfigMap", if number % 2 == 0 { "shop" } else { "ops" }, &format!("settings-{number:02}"));
        declare(&mut scan, id, "apps/settings.yaml", json!({"data": {"a": "1"}}), Some(commit));
    }
    sort(&mut scan);
    scan
}

/// The story of the design: three objects differ, one is missing, one is not in Git, fourteen match.
pub(crate) fn drifted() -> Scan {
    let mut scan = clean();
    let manifest = json!({"spec": {
        "replicas": 3,
        "template": {"spec": {"containers": [{"image": "shop/web:1.4", "name": "web", "resources": {"requests": {"cpu": "100m"}}}]}},
    }});
    let web = declare(&mut scan, object("apps", "Deployment", "shop", "web"), "apps/web/deployment.yaml", manifest, Some(1));
    let leaves = &mut scan.attributions.declarations[web].as_mut().unwrap().leaves;
    leaves[0] = LeafAttribution { commit: Some(3), verdict: Verdict::ForgeAttested, breaches: Breaches::default() };
    leaves[3] = LeafAttribution { commit: Some(0), verdict: Verdict::Unsigned, breaches: Breaches::default() };
    let edit = manager("kubectl-edit", Some(now() - chrono::Duration::hours(3)));
    differ(&mut scan, "/spec/template/spec/containers/0/image", FieldVerdict::Drifted, Some(json!("shop/web:1.5")), Some(edit));
    let scale = Manager { subresource: Some("scale".into()), ..manager("kubectl", None) };
    differ(&mut scan, "/spec/replicas", FieldVerdict::Drifted, Some(json!(5)), Some(scale));
    differ(&mut scan, "/spec/clusterIP", FieldVerdict::Injected, Some(json!("10.0.0.1")), None);

    let ini = |pool: u32| {
        let head: String = (1..=9).map(|line| format!("option{line} = {line}\n")).collect();
        format!("[shop]\n{head}[db]\npool = {pool}\nname = shop\n")
    };
    let settings = json!({"data": {"app.ini": ini(10), "level": "info"}});
    declare(&mut scan, object("", "ConfigMap", "shop", "settings"), "apps/web/settings.yaml", settings, Some(0));
    let k9s = manager("k9s", Some(now() - chrono::Duration::hours(16)));
    differ(&mut scan, "/data/app.ini", FieldVerdict::Drifted, Some(json!(ini(100))), Some(k9s.clone()));
    differ(&mut scan, "/data/level", FieldVerdict::Removed, None, None);
    differ(&mut scan, "/data/debug", FieldVerdict::Undeclared, Some(json!("true")), Some(k9s));

    let secret = json!({"data": {"password": "\u{0}digest:declared"}});
    declare(&mut scan, object("", "Secret", "shop", "db"), "apps/web/secret.yaml", secret, Some(2));
    differ(&mut scan, "/data/password", FieldVerdict::Drifted, Some(json!("\u{0}digest:live")), Some(manager("kubectl-patch", None)));

    declare(&mut scan, object("batch", "Job", "ops", "migrate"), "apps/ops/migrate.yaml", json!({"spec": {}}), Some(2));
    scan.comparisons.last_mut().unwrap().state = ObjectState::Missing;
    let mut legacy = compared(object("", "Service", "shop", "legacy"), ObjectState::Undeclared, None);
    legacy.created_by = Some(manager("kubectl-create", Some(days_ago(40))));
    legacy.created = Some(days_ago(40));
    scan.comparisons.push(legacy);
    scan.coverage.evaluated += 1;
    sort(&mut scan);
    scan
}

/// Brings comparisons and their differences into the order that scans have.
pub(crate) fn sort(scan: &mut Scan) {
    scan.comparisons.sort_by(|left, right| left.id.cmp(&right.id));
    for comparison in &mut scan.comparisons {
        comparison.differences.sort_by_cached_key(|difference| difference.field.to_string());
    }
}
