use serde_json::{Value, json};

use super::{Mode, NOT_AN_OBJECT, Rendered, Settings, SourceSettings, declarations};
use crate::document;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::{Declaration, Tree, TreeEntry, TreePath};
use crate::model::kind::{Kind, Kinds};
use crate::model::object::ObjectId;
use crate::progress::Progress;
use crate::secret::Redactor;

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |text: &str| TreeEntry::File { blob: String::new(), bytes: text.as_bytes().into() };
    Tree {
        source: "fleet".into(),
        url: "file:///fleet".into(),
        requested: None,
        commit: None,
        shallow: false,
        uncommitted: 0,
        root: TreePath::default(),
        files: files.iter().map(|(path, text)| (TreePath::from(*path), file(text))).collect(),
    }
}

fn kind(group: &str, kind: &str, namespaced: bool) -> Kind {
    Kind {
        group: group.into(),
        version: "v1".into(),
        kind: kind.into(),
        plural: String::new(),
        singular: String::new(),
        short_names: Vec::new(),
        namespaced,
        verbs: Vec::new(),
        preferred: true,
    }
}

fn served() -> Kinds {
    let unknown = NotEvaluated::new(Stage::Read, "metrics.k8s.io/v1beta1", "stale");
    Kinds {
        all: vec![kind("", "ConfigMap", true), kind("", "Namespace", false), kind("", "Secret", true)],
        unknown_groups: vec![("metrics.k8s.io".into(), unknown)],
        complete: true,
    }
}

fn settings(source: SourceSettings) -> Settings {
    Settings { sources: [("fleet".to_owned(), source)].into(), kustomize: None }
}

fn render_with(files: &[(&str, &str)], source: SourceSettings, kinds: &Kinds) -> Rendered {
    declarations(&[tree(files)], kinds, &Redactor::from_key([1; 32]), &settings(source), &Progress::silent(), &|| None)
}

fn render(text: &str) -> (Vec<Declaration>, Vec<NotEvaluated>) {
    let plain = SourceSettings { render: Mode::Plain, ..SourceSettings::default() };
    render_with(&[("a.yaml", text)], plain, &served()).declarations.into_parts()
}

fn origin(declaration: &Declaration, pointer: &str) -> Option<(u32, u32)> {
    let leaves = document::leaves(declaration.manifest.value());
    assert_eq!(leaves.len(), declaration.leaves.len());
    let index = leaves.iter().position(|(leaf, _)| leaf.as_str() == pointer)?;
    declaration.leaves[index].input.map(|_| (declaration.leaves[index].leaf, declaration.leaves[index].line))
}

#[test]
fn a_document_becomes_a_declaration_with_its_lines() {
    let (declared, gaps) =
        render("# head\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: shop\ndata:\n  a: |\n    x\n");
    let [declaration] = &declared[..] else { panic!("{gaps:?}") };
    assert_eq!(declaration.id.to_string(), "ConfigMap shop/web");
    let place = declaration.place().unwrap();
    assert_eq!((place.document.path.to_string().as_str(), place.document.ordinal, place.line, place.end_line), ("a.yaml", 0, 2, 9));
    assert_eq!(origin(declaration, "/data/a"), Some((1, 9)));
    assert_eq!(origin(declaration, "/metadata/name"), Some((3, 5)));
}

#[test]
fn what_is_no_object_is_counted_and_not_judged() {
    let files = [
        ("values.yaml", "image: x\n"),
        ("Chart.yaml", "apiVersion: v2\nname: x\n"),
        ("list.json", "[1, 2]"),
        ("readme.md", "kind: x"),
        ("x/kustomization.yaml", "kind: Kustomization"),
    ];
    let plain = SourceSettings { render: Mode::Plain, ..SourceSettings::default() };
    let rendered = render_with(&files, plain, &served());
    assert_eq!(rendered.excluded.iter().map(|excluded| (excluded.rule.as_str(), excluded.count)).collect::<Vec<_>>(), [(NOT_AN_OBJECT, 4)]);
    assert!(rendered.declarations.items().is_empty());
}

#[test]
fn an_object_that_cannot_be_identified_is_not_evaluated_with_its_place() {
    let text = "kind: A\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 5}\n---\napiVersion: v2\nkind: Secret\nmetadata: {name: s}\n";
    let told: Vec<_> = render(text).1.into_iter().map(|gap| (gap.subject, gap.reason)).collect();
    let expected = [
        ("fleet: a.yaml:1", "no apiVersion"),
        ("fleet: a.yaml:3", "generateName instead of a name"),
        ("fleet: a.yaml:7", "a name that is no text"),
        ("fleet: a.yaml:11", "a Secret of no known version"),
    ];
    assert_eq!(told, expected.map(|(subject, reason)| (subject.to_owned(), reason.to_owned())));
}

#[test]
fn an_object_in_a_file_that_is_named_like_a_kustomization_is_declared() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n";
    let plain = SourceSettings { render: Mode::Plain, ..SourceSettings::default() };
    let rendered = render_with(&[("x/kustomization.yaml", text)], plain, &served());
    assert_eq!(rendered.declarations.items().len(), 1);
    assert!(rendered.excluded.is_empty());
}

#[test]
fn a_namespaced_object_needs_a_namespace() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n";
    let (declared, gaps) = render(text);
    assert!(declared.is_empty());
    assert_eq!(
        (gaps[0].subject.as_str(), gaps[0].reason.as_str(), &gaps[0].object),
        (
            "ConfigMap web",
            "namespace unknown",
            &Some(ObjectId { group: String::new(), kind: "ConfigMap".into(), namespace: None, name: "web".into() })
        )
    );
    let source = SourceSettings { namespace: Some("shop".into()), ..SourceSettings::default() };
    let rendered = render_with(&[("a.yaml", text)], source, &served());
    assert_eq!(rendered.declarations.items()[0].id.namespace.as_deref(), Some("shop"));
}

#[test]
fn a_namespace_of_a_cluster_scoped_object_is_ignored() {
    let (declared, _) = render("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, namespace: x}\n");
    assert_eq!(declared[0].id.namespace, None);
    assert_eq!(declared[0].manifest.value()["metadata"], json!({"name": "shop"}));
    assert_eq!(origin(&declared[0], "/metadata/name"), Some((2, 3)));
}

#[test]
fn a_kind_that_is_not_served_is_told_apart_from_one_that_is_not_known() {
    let object = |api_version: &str| format!("apiVersion: {api_version}\nkind: Thing\nmetadata: {{name: x, namespace: shop}}\n");
    assert_eq!(render(&object("example.com/v1")).1[0].reason, "kind not served");
    assert_eq!(render(&object("metrics.k8s.io/v1beta1")).1[0].reason, "stale");
}

#[test]
fn without_a_cluster_built_in_kinds_keep_their_scope() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: x}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\napiVersion: e.com/v1\nkind: T\nmetadata: {name: t}\n---\napiVersion: e.com/v1\nkind: T\nmetadata: {name: t, namespace: ns}\n";
    let (declared, gaps) = render_with(&[("a.yaml", text)], SourceSettings::default(), &Kinds::default()).declarations.into_parts();
    let ids: Vec<String> = declared.iter().map(|declaration| declaration.id.to_string()).collect();
    assert_eq!(ids, ["ClusterRole r", "T t", "T ns/t"]);
    assert_eq!(gaps[0].subject, "Deployment d");
}

#[test]
fn string_data_keeps_its_lines_when_it_is_folded() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ns}\ndata:\n  b: eA==\n  a: eA==\nstringData:\n  a: canary\n";
    let (declared, _) = render(text);
    let declaration = &declared[0];
    assert!(!format!("{}", declaration.manifest.value()).contains("canary"));
    assert_eq!(origin(declaration, "/data/a"), Some((6, 8)));
    assert_eq!(origin(declaration, "/data/b"), Some((2, 5)));
}

#[test]
fn a_document_encrypted_with_sops_loses_only_its_sops_field() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ns}\nstringData: {a: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {mac: x, lastmodified: y}\n";
    let (declared, _) = render(text);
    assert!(declared[0].encrypted);
    assert_eq!(declared[0].manifest.value().get("sops"), None::<&Value>);
    assert_eq!(origin(&declared[0], "/data/a"), Some((6, 4)));
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_place_and_the_rest_goes_on() {
    let files = [("a.yaml", "a: 1\nb: c: d\n"), ("b.yml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n")];
    let (declared, gaps) = render_with(&files, SourceSettings::default(), &served()).declarations.into_parts();
    assert_eq!(declared.len(), 1);
    assert_eq!((gaps[0].subject.as_str(), gaps[0].reason.as_str()), ("fleet: a.yaml:2:5", "unreadable"));
    assert!(gaps[0].detail.as_ref().unwrap().starts_with("  --> a.yaml:2:5\n1 | a: 1\n2 | b: c: d\n  |     ^ "));
}

#[test]
fn an_object_declared_twice_is_kept_twice() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}\n";
    assert_eq!(render(&format!("{text}---\n{text}")).0.len(), 2);
}

#[test]
fn a_kustomization_without_the_program_is_not_evaluated() {
    let source = SourceSettings { render: Mode::Kustomize, ..SourceSettings::default() };
    let missing = Settings { kustomize: Some("/nonexistent/kustomize".into()), ..settings(source) };
    let tree = tree(&[("kustomization.yaml", "resources: []\n")]);
    let rendered = declarations(&[tree], &served(), &Redactor::from_key([1; 32]), &missing, &Progress::silent(), &|| None);
    let (_, gaps) = rendered.declarations.into_parts();
    assert_eq!((gaps[0].subject.as_str(), gaps[0].reason.as_str()), ("source fleet", "kustomize not found"));
}

#[test]
fn what_needs_a_network_or_helm_is_refused_before_anything_runs() {
    let reason = |kustomization: &str| {
        let (_, gaps) =
            render_with(&[("kustomization.yaml", kustomization)], SourceSettings::default(), &served()).declarations.into_parts();
        (gaps[0].reason.clone(), gaps[0].detail.clone().unwrap())
    };
    let (remote, detail) = reason("resources: ['https://bob:canary@example.com/x.yaml?token=canary']\n");
    assert_eq!(remote, "remote resource");
    assert!(detail.contains("https://example.com/x.yaml") && !detail.contains("canary"));
    assert_eq!(reason("helmCharts: [{name: x}]\n").0, "Helm in a kustomization");
}

proptest::proptest! {
    #[test]
    fn no_kustomization_makes_the_renderer_panic(text in "((resources|bases|components|patches|patchesStrategicMerge|images|replacements|configMapGenerator|namespace|openapi): (\\[\\.\\./x, \\.\\., /, x\\?ref=1, \"\"\\]|\\[\\{path: \\.\\.\\/\\.\\.\\/a, target: \\{\\}\\}\\]|\\[\\{patch: \"\\[\", name: [a-z.*]{0,3}\\}\\]|\\{path: a\\}|x|)\n){0,5}") {
        let kustomizations = [("kustomization.yaml", text.as_str()), ("x/kustomization.yaml", text.as_str()), ("a", "")];
        let missing = Settings { kustomize: Some("/nonexistent/kustomize".into()), ..Settings::default() };
        let rendered = declarations(&[tree(&kustomizations)], &served(), &Redactor::from_key([1; 32]), &missing, &Progress::silent(), &|| None);
        proptest::prop_assert!(!rendered.declarations.into_parts().1.is_empty());
    }
}
