//! Declarations through the real Kustomize: what is declared, and which document is credited with each field.

use std::path::PathBuf;

use kubewitness::document;
use kubewitness::model::coverage::NotEvaluated;
use kubewitness::model::declaration::{Declaration, Engine, Entry, Remote, Submodule, Tree, TreeEntry, TreePath};
use kubewitness::model::kind::Kinds;
use kubewitness::progress::Progress;
use kubewitness::render::{Mode, Settings, SourceSettings, declarations};
use kubewitness::secret::Redactor;
use serde_json::json;

use super::tools::{kustomize, tree};

fn program() -> PathBuf {
    kustomize().find().unwrap()
}

fn render_tree(tree: Tree, source: SourceSettings) -> (Vec<Declaration>, Vec<NotEvaluated>) {
    let settings = Settings { sources: [("fleet".to_owned(), source)].into(), kustomize: Some(program()) };
    let rendered = declarations(&[tree], &Kinds::default(), &Redactor::from_key([1; 32]), &settings, &Progress::silent(), &|| None);
    rendered.declarations.into_parts()
}

fn render_at(root: &str, files: &[(&str, &str)]) -> Vec<Declaration> {
    let source = SourceSettings { namespace: Some("default".into()), ..SourceSettings::default() };
    let (declared, gaps) = render_tree(Tree { root: root.into(), ..tree(files) }, source);
    assert!(gaps.is_empty(), "{gaps:?}");
    declared
}

fn find<'declared>(declared: &'declared [Declaration], id: &str) -> &'declared Declaration {
    let ids: Vec<String> = declared.iter().map(|declaration| declaration.id.to_string()).collect();
    declared.iter().find(|declaration| declaration.id.to_string() == id).unwrap_or_else(|| panic!("no {id} in {ids:?}"))
}

/// The file and line that is credited with a field; nothing where it is rendered.
fn credited(declaration: &Declaration, pointer: &str) -> Option<String> {
    let leaves = document::leaves(declaration.manifest.value());
    assert_eq!(leaves.len(), declaration.leaves.len());
    let index = leaves.iter().position(|(leaf, _)| leaf.as_str() == pointer).unwrap_or_else(|| panic!("no {pointer}"));
    let origin = declaration.leaves[index];
    origin.input.map(|input| format!("{}:{}", declaration.inputs[usize::from(input)].document.path, origin.line))
}

fn inputs(declaration: &Declaration) -> Vec<String> {
    declaration.inputs.iter().map(|input| format!("{}#{}", input.document.path, input.document.ordinal)).collect()
}

const WEB: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.0
      - name: log
        image: fluent:2
";
const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: x, b: x}\n";

#[test]
fn a_field_that_one_file_declares_is_credited_to_it() {
    let declared = render_at(
        "over",
        &[
            ("base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("base/web.yaml", WEB),
            ("over/kustomization.yaml", "resources: [../base]\n"),
        ],
    );
    let web = find(&declared, "Deployment default/web");
    assert_eq!(web.engine, Engine::Kustomize);
    assert_eq!(credited(web, "/spec/replicas").as_deref(), Some("base/web.yaml:7"));
    assert_eq!(credited(web, "/spec/template/spec/containers/1/image").as_deref(), Some("base/web.yaml:14"));
    assert_eq!(inputs(web), ["base/web.yaml#0"]);
    assert!(web.manifest.value()["metadata"].get("annotations").is_none());
}

#[test]
fn the_entries_that_lead_to_a_file_are_told_where_there_is_one_way() {
    let base = ("base/kustomization.yaml", "# The base.\nnamespace: shop\nresources:\n- other.yaml\n- web.yaml\n");
    let way = |over: &[(&str, &str)]| -> Vec<String> {
        let other = CONFIG.replace("name: web", "name: other");
        let files = [&[base, ("base/web.yaml", WEB), ("base/other.yaml", &other)], over].concat();
        let declared = render_at("over", &files);
        let told = |declaration: &Declaration| -> Vec<String> {
            let entry = |entry: &Entry| format!("{}:{} {}", entry.document.path, entry.line, entry.leaf);
            declaration.drawn_by.iter().flatten().map(entry).collect()
        };
        told(declared.iter().find(|declaration| declaration.id.kind == "Deployment").unwrap())
    };
    let expected = ["over/kustomization.yaml:2 1", "base/kustomization.yaml:5 2"];
    assert_eq!(way(&[("over/kustomization.yaml", "namePrefix: x-\nresources: [../base]\n")]), expected);
    let component = [
        ("over/kustomization.yaml", "components:\n- ../c\n"),
        ("c/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources:\n- ../base\n"),
    ];
    let expected = ["over/kustomization.yaml:2 0", "c/kustomization.yaml:4 2", "base/kustomization.yaml:5 2"];
    assert_eq!(way(&component), expected);
    let twice = [
        ("over/kustomization.yaml", "resources: [a, ../base]\n"),
        ("over/a/kustomization.yaml", "resources: [../../base]\nnamePrefix: a-\n"),
    ];
    assert_eq!(way(&twice), Vec::<String>::new());
}

#[test]
fn a_patch_whose_target_is_spelled_otherwise_takes_nothing_away_unseen() {
    let made_of = |target: &str| {
        let patch = format!("patches:\n- {target}: {{kind: Deployment}}\n  patch: '- {{op: remove, path: /spec/replicas}}'\n");
        let kustomization = format!("resources: [web.yaml, other.yaml]\n{patch}");
        let other = CONFIG.replace("name: web", "name: other");
        let declared = render_at("", &[("kustomization.yaml", &kustomization), ("web.yaml", WEB), ("other.yaml", &other)]);
        assert_eq!(find(&declared, "Deployment default/web").manifest.value()["spec"].get("replicas"), None);
        ["Deployment default/web", "ConfigMap default/other"].map(|object| find(&declared, object).made_of())
    };
    assert_eq!(made_of("target"), [Vec::new(), vec![0]]);
    assert_eq!(made_of("Target"), [Vec::<usize>::new(), Vec::new()]);
}

#[test]
fn nothing_that_stands_for_nothing_is_taken_away() {
    let config = CONFIG.replace("{name: web}", "{name: web, creationTimestamp: null, annotations: {}}");
    let declared = render_at("", &[("kustomization.yaml", "resources: [web.yaml]\n"), ("web.yaml", &config)]);
    assert!(find(&declared, "ConfigMap default/web").is_whole);
}

#[test]
fn a_field_that_a_transformer_could_have_set_is_credited_to_nobody() {
    let kustomization = "resources: [web.yaml]
namePrefix: prod-
namespace: shop
images: [{name: nginx, newTag: '1.0'}]
replicas: [{name: web, count: 2}]
labels: [{pairs: {app: web}}]
";
    let declared = render_at("", &[("kustomization.yaml", kustomization), ("web.yaml", WEB)]);
    let web = find(&declared, "Deployment shop/prod-web");
    for rendered in
        ["/metadata/name", "/metadata/namespace", "/metadata/labels/app", "/spec/replicas", "/spec/template/spec/containers/0/image"]
    {
        assert_eq!(credited(web, rendered), None, "{rendered}");
    }
    assert_eq!(credited(web, "/spec/template/spec/containers/0/name").as_deref(), Some("web.yaml:11"));
    assert_eq!(credited(web, "/spec/template/spec/containers/1/image").as_deref(), Some("web.yaml:14"));
    assert_eq!(inputs(web), ["web.yaml#0", "kustomization.yaml#0"]);
}

#[test]
fn an_object_that_a_patch_names_has_no_credited_field() {
    let patches = [
        "patches: [{path: patch.yaml}]\n",
        "patchesStrategicMerge: [patch.yaml]\n",
        "patches: [{path: ops.yaml, target: {kind: Deployment, name: web}}]\n",
        "patches: [{path: ops.yaml, target: {kind: Deploy.*}}]\n",
        "patches: [{target: {name: web, kind: Deployment}, patch: '- {op: replace, path: /spec/replicas, value: 2}'}]\n",
    ];
    for patch in patches {
        let kustomization = format!("resources: [web.yaml, config.yaml]\n{patch}");
        let merge = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n";
        let ops = "- {op: replace, path: /spec/replicas, value: 2}\n";
        let files = [
            ("kustomization.yaml", kustomization.as_str()),
            ("web.yaml", WEB),
            ("config.yaml", CONFIG),
            ("patch.yaml", merge),
            ("ops.yaml", ops),
        ];
        let declared = render_at("", &files);
        let web = find(&declared, "Deployment default/web");
        assert!(web.leaves.iter().all(|leaf| leaf.input.is_none()), "{patch}");
        assert_eq!(inputs(web)[0], "web.yaml#0");
        assert!(inputs(web).len() > 1, "{patch}");
        // A pattern could mean any kind.
        let expected = (!patch.contains(".*")).then_some("config.yaml:4");
        assert_eq!(credited(find(&declared, "ConfigMap default/web"), "/data/a").as_deref(), expected, "{patch}");
    }
}

#[test]
fn a_replacement_or_a_merging_generator_leaves_its_target_without_credit() {
    let replacement = "replacements: [{source: {kind: ConfigMap, name: web, fieldPath: data.a}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.b]}]}]\n";
    let generator = "configMapGenerator: [{name: web, behavior: merge, literals: [b=x]}]\n";
    for touching in [replacement, generator] {
        let kustomization = format!("resources: [config.yaml, web.yaml]\n{touching}generatorOptions: {{disableNameSuffixHash: true}}\n");
        let declared = render_at("", &[("kustomization.yaml", &kustomization), ("config.yaml", CONFIG), ("web.yaml", WEB)]);
        let config = find(&declared, "ConfigMap default/web");
        assert!(config.leaves.iter().all(|leaf| leaf.input.is_none()), "{touching}");
        assert_eq!(credited(find(&declared, "Deployment default/web"), "/spec/replicas").as_deref(), Some("web.yaml:7"));
    }
}

#[test]
fn what_is_not_understood_leaves_everything_without_credit() {
    let transformer =
        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: x-\nfieldSpecs: [{path: metadata/name}]\n";
    let files =
        [("kustomization.yaml", "resources: [config.yaml]\ntransformers: [t.yaml]\n"), ("config.yaml", CONFIG), ("t.yaml", transformer)];
    let declared = render_at("", &files);
    let config = find(&declared, "ConfigMap default/x-web");
    assert!(config.leaves.iter().all(|leaf| leaf.input.is_none()));
    assert_eq!(inputs(config), ["kustomization.yaml#0"]);
}

#[test]
fn a_generated_object_names_the_kustomization_that_generates_it() {
    let files = [
        (
            "base/kustomization.yaml",
            "configMapGenerator: [{name: gen, files: [k=data/a.txt], envs: [e.env]}]\nsecretGenerator: [{name: s, literals: [p=canary]}]\n",
        ),
        ("base/data/a.txt", "text\n"),
        ("base/e.env", "A=b\n"),
        ("kustomization.yaml", "resources: [base]\n"),
    ];
    let declared = render_at("", &files);
    assert_eq!(declared.len(), 2);
    for declaration in &declared {
        assert_eq!(inputs(declaration)[0], "base/kustomization.yaml#0");
        assert!(declaration.leaves.iter().all(|leaf| leaf.input.is_none()));
        assert!(!declaration.manifest.value().to_string().contains("canary"));
    }
    assert_eq!(declared[0].manifest.value()["data"], json!({"A": "b", "k": "text\n"}));
}

#[test]
fn of_two_documents_that_could_be_the_object_none_is_credited() {
    let other = CONFIG.replace("name: web", "name: web-canary");
    let files = [("kustomization.yaml", "resources: [c.yaml]\nnamePrefix: p-\n"), ("c.yaml", &format!("{CONFIG}---\n{other}"))];
    let declared = render_at("", &files);
    assert!(find(&declared, "ConfigMap default/p-web-canary").leaves.iter().all(|leaf| leaf.input.is_none()));
    assert_eq!(credited(find(&declared, "ConfigMap default/p-web"), "/data/a").as_deref(), Some("c.yaml:4"));
    let same_name = CONFIG.replace("{name: web}", "{name: web, namespace: other}");
    let twins = [("kustomization.yaml", "resources: [c.yaml, d.yaml]\n"), ("c.yaml", CONFIG), ("d.yaml", &same_name)];
    for declaration in render_at("", &twins) {
        assert!(declaration.leaves.iter().all(|leaf| leaf.input.is_none()), "{}", declaration.id);
    }
}

#[test]
fn a_kustomization_keeps_its_managed_by_label_and_its_lists() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: one}\n  data: {d: 2024-01-01, y: 'yes'}\n";
    let declared = render_at("", &[("Kustomization", "resources: [l.yaml]\nbuildMetadata: [managedByLabel]\n"), ("l.yaml", list)]);
    let one = find(&declared, "ConfigMap default/one");
    assert!(one.manifest.value()["metadata"]["labels"]["app.kubernetes.io/managed-by"].as_str().unwrap().starts_with("kustomize-"));
    assert_eq!(one.manifest.value()["data"], json!({"d": "2024-01-01T00:00:00Z", "y": "yes"}));
    assert_eq!(credited(one, "/data/d").as_deref(), Some("l.yaml:7"));
}

#[test]
fn components_and_diamonds_are_followed() {
    let files = [
        ("base/kustomization.yaml", "resources: [config.yaml]\n"),
        ("base/config.yaml", CONFIG),
        ("comp/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n"),
        ("comp/p.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {b: y}\n"),
        ("a/kustomization.yaml", "resources: [../base]\nnamePrefix: a-\ncomponents: [../comp]\n"),
        ("b/kustomization.yaml", "resources: [../base]\nnamePrefix: b-\n"),
        ("top/kustomization.yaml", "resources: [../a, ../b]\n"),
    ];
    let declared = render_at("top", &files);
    let patched = find(&declared, "ConfigMap default/a-web");
    assert_eq!(patched.manifest.value()["data"]["b"], "y");
    assert!(patched.leaves.iter().all(|leaf| leaf.input.is_none()));
    assert_eq!(inputs(patched)[..2], ["base/config.yaml#0", "a/kustomization.yaml#0"]);
    assert!(inputs(patched).contains(&"comp/p.yaml#0".to_owned()));
}

#[test]
fn below_a_root_without_kustomization_folders_with_one_are_units() {
    let namespace = |name: &str| format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let files = [
        ("apps/plain.yaml", namespace("plain")),
        ("apps/base/kustomization.yaml", "resources: [ns.yaml]\n".to_owned()),
        ("apps/base/ns.yaml", namespace("base")),
        ("apps/base/unused.yaml", namespace("unused")),
        ("apps/over/kustomization.yaml", "resources: [../base, ../shared.yaml]\nnameSuffix: '-o'\n".to_owned()),
        ("apps/over/nested/kustomization.yaml", "resources: []\n".to_owned()),
        ("apps/shared.yaml", namespace("shared")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let none = SourceSettings { load_restrictor_none: true, ..SourceSettings::default() };
    let (declared, gaps) = render_tree(Tree { root: "apps".into(), ..tree(&files) }, none);
    let mut ids: Vec<(String, Engine)> = declared.iter().map(|declaration| (declaration.id.name.clone(), declaration.engine)).collect();
    ids.sort();
    assert!(gaps.is_empty(), "{gaps:?}");
    let expected = [("base", Engine::Kustomize), ("plain", Engine::Plain), ("shared", Engine::Kustomize)];
    assert_eq!(ids, expected.map(|(name, engine)| (name.to_owned(), engine)));
}

#[test]
fn files_outside_are_read_only_where_the_source_allows_it() {
    let files = [("over/kustomization.yaml", "resources: [../config.yaml]\n"), ("config.yaml", CONFIG)];
    let root = || Tree { root: "over".into(), ..tree(&files) };
    let source = |load_restrictor_none| SourceSettings { load_restrictor_none, namespace: Some("d".into()), ..SourceSettings::default() };
    let (declared, gaps) = render_tree(root(), source(false));
    assert_eq!((declared.len(), gaps[0].reason.as_str()), (0, "kustomize build failed"));
    assert!(gaps[0].detail.as_ref().unwrap().contains("config.yaml"), "{gaps:?}");
    assert_eq!(render_tree(root(), source(true)).0.len(), 1);
}

#[test]
fn units_that_build_each_other_are_told_and_not_lost() {
    let files = [("a/kustomization.yaml", "resources: [../b]\n"), ("b/kustomization.yaml", "resources: [../a]\n")];
    let (declared, gaps) = render_tree(tree(&files), SourceSettings::default());
    assert_eq!((declared.len(), gaps.len()), (0, 2));
}

#[test]
fn a_broken_file_is_told_without_its_content() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: canary, p: canary}\n";
    let texts = [
        ("kustomization.yaml", "resources: [s.yaml]\n", secret.to_owned()),
        ("kustomization.yaml", "resources: [s.yaml]\n", secret.replace("p: canary}", "p: canary: canary")),
        ("kustomization.yaml", "resources: [s.yaml]\npatches: [{path: canary.yaml}]\n", secret.replace(", p: canary", "")),
        ("kustomization.yaml", "resources: [s.yaml]\nsecretGenerator: [{name: s, literals: [canary]}]\n", CONFIG.to_owned()),
        (
            "kustomization.yaml",
            "resources: [s.yaml]\npatches: [{target: {kind: Secret}, patch: 'canary: [canary'}]\n",
            secret.replace(", p: canary", ""),
        ),
    ];
    for (path, kustomization, text) in &texts {
        let (declared, gaps) = render_tree(tree(&[(path, kustomization), ("s.yaml", text)]), SourceSettings::default());
        assert!(declared.is_empty());
        assert_eq!((gaps[0].subject.as_str(), gaps[0].reason.as_str()), ("source fleet", "kustomize build failed"));
        assert!(!format!("{gaps:?}").contains("canary"), "{gaps:?}");
    }
}

#[test]
fn a_link_is_built_and_credits_nobody() {
    let mut tree = tree(&[("kustomization.yaml", "resources: [link.yaml]\n"), ("config.yaml", CONFIG)]);
    tree.files.insert(TreePath::from("link.yaml"), TreeEntry::Symlink("config.yaml".into()));
    let (declared, gaps) = render_tree(tree, SourceSettings { namespace: Some("d".into()), ..SourceSettings::default() });
    assert!(gaps.is_empty(), "{gaps:?}");
    assert!(declared[0].leaves.iter().all(|leaf| leaf.input.is_none()));
}

#[test]
fn the_mode_kustomize_needs_a_kustomization() {
    let source = SourceSettings { render: Mode::Kustomize, ..SourceSettings::default() };
    let (_, gaps) = render_tree(tree(&[("a.yaml", CONFIG)]), source);
    assert_eq!(gaps[0].reason, "no kustomization");
}

#[test]
fn a_secret_generated_of_an_encrypted_file_is_not_judged_nor_what_names_it() {
    let encrypted = "p: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops: {mac: x}\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, envFrom: [{secretRef: {name: s}}]}]}\n";
    let files = [
        ("kustomization.yaml", "resources: [pod.yaml, config.yaml]\nsecretGenerator: [{name: s, files: [e.yaml]}]\n"),
        ("e.yaml", encrypted),
        ("pod.yaml", pod),
        ("config.yaml", CONFIG),
    ];
    let (declared, gaps) = render_tree(tree(&files), SourceSettings { namespace: Some("d".into()), ..SourceSettings::default() });
    assert_eq!(declared.iter().map(|declaration| declaration.id.to_string()).collect::<Vec<_>>(), ["ConfigMap d/web"]);
    let mut reasons: Vec<&str> = gaps.iter().map(|gap| gap.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["generated of an encrypted file", "names what is generated of an encrypted file"]);
}

#[test]
fn a_forged_origin_credits_nobody_else() {
    let forged = CONFIG.replace("{name: web}", "{name: web, annotations: {config.kubernetes.io/origin: \"path: honest.yaml\"}}");
    let files = [("kustomization.yaml", "resources: [forged.yaml]\n"), ("forged.yaml", forged.as_str()), ("honest.yaml", CONFIG)];
    let declared = render_at("", &files);
    assert!(!inputs(&declared[0]).contains(&"honest.yaml#0".to_owned()));
}

fn remotes(kustomization: &str, folder: &str) -> (Vec<Remote>, Vec<NotEvaluated>) {
    let settings = Settings { kustomize: Some(program()), ..Settings::default() };
    let tree = tree(&[("kustomization.yaml", kustomization), (folder, "resources: [config.yaml]\n"), ("config.yaml", CONFIG)]);
    let rendered = declarations(&[tree], &Kinds::default(), &Redactor::from_key([1; 32]), &settings, &Progress::silent(), &|| None);
    (rendered.remotes, rendered.declarations.into_parts().1)
}

#[test]
fn t76_what_would_be_fetched_is_told_with_its_line_and_not_looked_for_in_the_tree() {
    const ID: &str = "0123456789abcdef0123456789abcdef01234567";
    let kustomization = format!(
        "resources:\n- github.com/a/b//c?ref={ID}\n- https://bob:canary@host/x.yaml?token=canary\n- ssh://git@host/a/b?ref=v1\npatches:\n- path: https://host/p.yaml\n"
    );
    // A folder may be called like a repository; Kustomize would clone that all the same.
    let (found, gaps) = remotes(&kustomization, "github.com/a/b/c/kustomization.yaml");
    let told: Vec<(u32, &str, Option<&str>, bool)> =
        found.iter().map(|remote| (remote.line, remote.url.as_str(), remote.reference.as_deref(), remote.is_pinned)).collect();
    let expected = [
        (2, "github.com/a/b//c", Some(ID), true),
        (3, "https://host/x.yaml", None, false),
        (4, "ssh://git@host/a/b", Some("v1"), false),
        (6, "https://host/p.yaml", None, false),
    ];
    assert_eq!(told, expected);
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!(gap.reason, "remote resource");
    let detail = gap.detail.as_deref().unwrap();
    for line in
        ["kustomization.yaml:2 names github.com/a/b//c, which is not in the source", "; kustomization.yaml:6 names https://host/p.yaml"]
    {
        assert!(detail.contains(line), "{detail}");
    }
    assert!(!format!("{found:?} {gaps:?}").contains("canary"));
    let (found, gaps) = remotes("resources: [base]\n", "base/kustomization.yaml");
    assert!(found.is_empty() && gaps.iter().all(|gap| gap.reason != "remote resource"), "{gaps:?}");
}

#[test]
fn t62_what_lies_in_a_submodule_is_told_with_its_commit_and_repository() {
    let mut tree = tree(&[("over/kustomization.yaml", "resources:\n- ../vendor/base\n")]);
    let submodule = Submodule { commit: "0123".into(), url: Some("https://host/vendor".into()) };
    tree.files.insert(TreePath::from("vendor"), TreeEntry::Submodule(submodule));
    let (declared, gaps) = render_tree(Tree { root: "over".into(), ..tree }, SourceSettings::default());
    assert!(declared.is_empty());
    assert_eq!(gaps[0].reason, "submodule");
    let detail = "over/kustomization.yaml:2 names ../vendor/base, which lies in the submodule vendor: commit 0123 of https://host/vendor";
    assert_eq!(gaps[0].detail.as_deref(), Some(detail));
}
