//! Whether what stands in a kustomization is read as it is written.
//!
//! Kustomize takes `Target` for `target` too, and of both what is written last (Go's `encoding/json`). What is looked for here under
//! one spelling could stand under another one, so that only the known ones tell anything.

use serde_json::Value;

const PATCH: [&str; 4] = ["path", "patch", "target", "options"];
const SELECTOR: [&str; 7] = ["group", "version", "kind", "name", "namespace", "annotationSelector", "labelSelector"];
const GENERATOR: [&str; 9] = ["namespace", "name", "behavior", "literals", "files", "envs", "env", "options", "type"];
const REPLACEMENT: [&str; 4] = ["path", "source", "sourceValue", "targets"];
const TARGET: [&str; 4] = ["select", "reject", "fieldPaths", "options"];

/// The keys of the items of each list, as in Kustomize's `types` (api v0.21).
const LISTS: [(&str, &[&str]); 8] = [
    ("patches", &PATCH),
    ("patchesJson6902", &PATCH),
    ("images", &["name", "newName", "tagSuffix", "newTag", "digest"]),
    ("replicas", &["name", "count"]),
    ("labels", &["pairs", "includeSelectors", "includeTemplates", "includeVolumeClaimTemplates", "fields"]),
    ("replacements", &REPLACEMENT),
    ("configMapGenerator", &GENERATOR),
    ("secretGenerator", &GENERATOR),
];

fn has_only(value: &Value, known: &[&str]) -> bool {
    value.as_object().is_none_or(|fields| fields.keys().all(|field| known.contains(&field.as_str())))
}

/// Whether all that is read of a kustomization below its own keys stands under keys that are known, letter by letter.
pub(super) fn are_exact(kustomization: &Value) -> bool {
    let is_exact = |(field, known): (&str, &[&str])| items(kustomization, field).iter().all(|item| has_only(item, known));
    let is_exact_patch = |patch: &Value| patch.get("target").is_none_or(|target| has_only(target, &SELECTOR));
    LISTS.into_iter().all(is_exact)
        && ["patches", "patchesJson6902"].into_iter().all(|field| items(kustomization, field).iter().all(is_exact_patch))
        && items(kustomization, "replacements").iter().all(is_exact_replacement)
}

/// Whether a replacement names what it replaces under known keys.
pub(super) fn is_exact_replacement(replacement: &Value) -> bool {
    has_only(replacement, &REPLACEMENT)
        && items(replacement, "targets").iter().all(|target| {
            let select = target.get("select").into_iter();
            has_only(target, &TARGET) && select.chain(items(target, "reject")).all(|selector| has_only(selector, &SELECTOR))
        })
}

/// The items of a list field.
pub(super) fn items<'value>(value: &'value Value, field: &str) -> &'value [Value] {
    match value.get(field) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}
