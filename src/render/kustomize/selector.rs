//! Whether something in a kustomization could mean an object. In doubt it could.

use serde_json::Value;

/// The object as its document names it, and as it was built.
pub(super) struct Named<'value> {
    pub(super) kind: &'value str,
    /// Name in the document; empty where the document is not known, so that every name could mean it.
    pub(super) name: &'value str,
    /// Name as built.
    pub(super) built: &'value str,
}

impl Named<'_> {
    /// Whether a plain name could mean the object at some step: prefixes and suffixes only add to the name of the document.
    pub(super) fn could_be_called(&self, name: &str) -> bool {
        name == self.built || name.contains(self.name)
    }

    /// Whether a patch document could be about the object.
    pub(super) fn could_be_patched_by(&self, patch: &Value) -> bool {
        let kind = patch.get("kind").and_then(Value::as_str);
        let name = patch.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        kind.is_none_or(|kind| kind == self.kind) && name.is_none_or(|name| self.could_be_called(name))
    }

    /// Whether a selector (of a patch or a replacement) could select the object. Labels and annotations are not looked at.
    pub(super) fn could_be_selected_by(&self, selector: &Value) -> bool {
        let part = |field: &str| selector.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let kind_fits = part("kind").is_none_or(|kind| is_pattern(kind) || kind == self.kind);
        kind_fits && part("name").is_none_or(|name| is_pattern(name) || self.could_be_called(name))
    }
}

/// Whether a text is more than a name: selectors are regular expressions.
fn is_pattern(text: &str) -> bool {
    !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether an entry of `images` could change this image. Names of entries are regular expressions, too.
pub(super) fn could_change_image(entry: &Value, image: &str) -> bool {
    let part = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let is_plain = part("name").bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte));
    let repository = repository_of(image);
    !is_plain || repository == part("name") || repository == part("newName")
}

fn repository_of(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rfind('/').map_or(0, |slash| slash + 1);
    image[last..].find(':').map_or(image, |colon| &image[..last + colon])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Named, could_change_image};

    const WEB: Named<'_> = Named { kind: "Deployment", name: "web", built: "prod-web" };

    #[test]
    fn a_selector_could_mean_what_it_does_not_rule_out() {
        for selector in
            [json!({}), json!({"kind": "Deployment"}), json!({"name": "w.*"}), json!({"name": "web"}), json!({"labelSelector": "a=b"})]
        {
            assert!(WEB.could_be_selected_by(&selector), "{selector}");
        }
        for selector in [json!({"kind": "Service"}), json!({"name": "api"}), json!({"kind": "Deployment", "name": "api"})] {
            assert!(!WEB.could_be_selected_by(&selector), "{selector}");
        }
    }

    #[test]
    fn a_patch_means_the_name_at_any_step() {
        let patch = |name: &str| json!({"kind": "Deployment", "metadata": {"name": name}});
        assert!(WEB.could_be_patched_by(&patch("web")) && WEB.could_be_patched_by(&patch("prod-web")));
        assert!(!WEB.could_be_patched_by(&patch("api")));
        assert!(WEB.could_be_patched_by(&json!({"metadata": {}})));
    }

    #[test]
    fn an_images_entry_means_the_repository_before_and_after() {
        let entry = json!({"name": "nginx", "newName": "mirror:5000/nginx"});
        assert!(could_change_image(&entry, "nginx:1") && could_change_image(&entry, "mirror:5000/nginx@sha256:0"));
        assert!(!could_change_image(&entry, "redis:7"));
        assert!(could_change_image(&json!({"name": "ngi.*"}), "redis"));
    }
}
