//! The schemas that the real server publishes, read without any code of the program.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::api::Api;

/// All components of all documents.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    components: BTreeMap<String, Value>,
    /// Component by `group/version/kind`.
    kinds: BTreeMap<String, String>,
}

/// A place in a schema, `$ref` resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    /// The last word of the component's name; empty where it has none.
    pub(crate) component: &'a str,
    pub(crate) schema: &'a Value,
    /// Whether this use of an atomic structure is not atomic.
    granular: bool,
}

impl Schema {
    pub(crate) fn read(api: &Api) -> Self {
        let mut schema = Self::default();
        let index = api.read("/openapi/v3");
        for document in index["paths"].as_object().expect("the index has paths").values() {
            let document = api.read(document["serverRelativeURL"].as_str().expect("a document has an address"));
            for (name, component) in document["components"]["schemas"].as_object().into_iter().flatten() {
                schema.add(name, component);
            }
        }
        schema
    }

    fn add(&mut self, name: &str, component: &Value) {
        for kind in component["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |key: &str| kind[key].as_str().unwrap_or_default();
            self.kinds.insert(format!("{}/{}/{}", word("group"), word("version"), word("kind")), name.to_owned());
        }
        self.components.insert(name.to_owned(), component.clone());
    }

    /// The schema of an object.
    pub(crate) fn of(&self, object: &Value) -> Node<'_> {
        let api_version = object["apiVersion"].as_str().expect("an object has an apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = object["kind"].as_str().expect("an object has a kind");
        let name = self.kinds.get(&format!("{group}/{version}/{kind}")).unwrap_or_else(|| panic!("{api_version} {kind} has no schema"));
        Node { component: last(name), schema: &self.components[name], granular: false }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> Node<'a> {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        match reference.and_then(|reference| reference.rsplit('/').next()) {
            Some(name) => {
                let granular = schema["x-kubernetes-map-type"] == "granular";
                Node { component: last(name), schema: &self.components[name], granular }
            }
            None => Node { component: "", schema, granular: false },
        }
    }

    /// The field as it is written where it is used: annotations of lists stand there, not at the component.
    pub(crate) fn field<'a>(&'a self, node: Node<'a>, name: &str) -> Option<Node<'a>> {
        node.schema["properties"].get(name).map(|field| self.resolve(field))
    }

    pub(crate) fn items<'a>(&'a self, node: Node<'a>) -> Option<Node<'a>> {
        node.schema.get("items").map(|items| self.resolve(items))
    }

    pub(crate) fn values<'a>(&'a self, node: Node<'a>) -> Option<Node<'a>> {
        node.schema.get("additionalProperties").filter(|values| values.is_object()).map(|values| self.resolve(values))
    }
}

impl<'a> Node<'a> {
    pub(crate) fn properties(self) -> impl Iterator<Item = &'a str> {
        self.schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
    }

    pub(crate) fn required(self) -> Vec<&'a str> {
        self.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn kind(self) -> &'a str {
        self.schema["type"].as_str().unwrap_or_default()
    }

    pub(crate) fn format(self) -> &'a str {
        self.schema["format"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_quantity(self) -> bool {
        self.component == "Quantity"
    }

    pub(crate) fn is_int_or_string(self) -> bool {
        self.format() == "int-or-string" || self.schema["x-kubernetes-int-or-string"] == true
    }

    /// Keys of a list that is a map.
    pub(crate) fn list_keys(self) -> Vec<&'a str> {
        let is_map = self.schema["x-kubernetes-list-type"] == "map";
        let keys = self.schema["x-kubernetes-list-map-keys"].as_array().filter(|_| is_map);
        keys.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn is_set(self) -> bool {
        self.schema["x-kubernetes-list-type"] == "set"
    }

    /// Whether a structure or map is written as a whole.
    pub(crate) fn is_atomic_map(self) -> bool {
        !self.granular && self.schema["x-kubernetes-map-type"] == "atomic"
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
