//! What an object is called.

use super::escape::escape;
use crate::report::object::Object;

/// `Deployment shop/web`.
pub(super) fn name(object: &Object) -> String {
    let namespace = object.namespace.as_ref().map(|namespace| format!("{}/", escape(namespace))).unwrap_or_default();
    format!("{} {namespace}{}", escape(&object.kind), escape(&object.name))
}
