//! The rules of judging: differences that are ignored, and managers that are known.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Error;
use super::file::{Class, Ignore, Manager, Operation};
use crate::compare;
use crate::model::comparison;
use crate::model::ignore::{IgnoreRule, LabelSelector, PathPattern, RuleError};
use crate::yaml::{Node, NodeValue};

/// The rules, named by their positions.
pub(super) fn rules(rules: Vec<Ignore>) -> Result<Vec<IgnoreRule>, Error> {
    let made = rules.into_iter().enumerate().map(|(position, rule)| made(position, rule));
    made.collect::<Result<_, RuleError>>().map_err(|error| Error::Usage(error.to_string()))
}

fn made(position: usize, rule: Ignore) -> Result<IgnoreRule, RuleError> {
    Ok(IgnoreRule {
        id: format!("ignore[{position}]"),
        reason: rule.reason,
        group: rule.group,
        kind: rule.kind,
        namespace: rule.namespace,
        name: rule.name,
        labels: rule.selector.as_deref().map(LabelSelector::parse).transpose()?.unwrap_or_default(),
        paths: rule.paths.iter().map(|path| PathPattern::parse(path)).collect::<Result<_, _>>()?,
        managers: rule.managers,
    })
}

pub(super) fn manager(manager: Manager) -> compare::ManagerRule {
    compare::ManagerRule {
        name: manager.name,
        operation: manager.operation.map(|operation| match operation {
            Operation::Apply => comparison::Operation::Apply,
            Operation::Update => comparison::Operation::Update,
        }),
        subresource: manager.subresource,
        class: match manager.class {
            Class::Person => compare::Class::Person,
            Class::Applier => compare::Class::Applier,
            Class::Installer => compare::Class::Installer,
            Class::Controller => compare::Class::Controller,
        },
    }
}

/// What of them can change a verdict; none where there is no rule.
pub(super) fn policy(ignore: &[Ignore], managers: &[Manager]) -> Option<Value> {
    let ignore: Vec<Value> = ignore
        .iter()
        .map(|rule| {
            json!({
                "reason": rule.reason, "group": rule.group, "kind": rule.kind, "namespace": rule.namespace, "name": rule.name,
                "selector": rule.selector, "paths": rule.paths, "managers": rule.managers,
            })
        })
        .collect();
    let managers: Vec<Value> = managers
        .iter()
        .map(|manager| {
            json!({
                "name": manager.name, "operation": manager.operation.map(|operation| format!("{operation:?}")),
                "subresource": manager.subresource, "class": format!("{:?}", manager.class),
            })
        })
        .collect();
    (!ignore.is_empty() || !managers.is_empty()).then(|| json!({"ignore": ignore, "managers": managers}))
}

/// What the schema cannot say of the rules: line and mistake.
pub(super) fn mistake(root: &Node) -> Option<(u32, String)> {
    items(entry(root, "ignore")?).iter().find_map(|rule| mistake_in_rule(rule))
}

fn mistake_in_rule(rule: &Node) -> Option<(u32, String)> {
    let of = |key: &str| entry(rule, key);
    let text = |node: &'static str| of(node).and_then(|node| Some((node.line, string(node)?)));
    if let Some((line, reason)) = text("reason")
        && reason.trim().is_empty()
    {
        return Some((line, "ignore needs a `reason` in words".to_owned()));
    }
    let narrowing = ["group", "kind", "namespace", "name", "selector", "paths", "managers"];
    if !narrowing.iter().any(|key| of(key).is_some_and(says_something)) {
        return Some((rule.line, format!("ignore would leave out everything; give one of {}", narrowing.join(", "))));
    }
    let selector = text("selector").and_then(|(line, text)| Some((line, LabelSelector::parse(text).err()?.to_string())));
    let path = |node: &Arc<Node>| Some((node.line, PathPattern::parse(string(node)?).err()?.to_string()));
    selector.or_else(|| items(of("paths")?).iter().find_map(path))
}

fn says_something(node: &Node) -> bool {
    match &node.value {
        NodeValue::Null => false,
        NodeValue::Sequence(items) => !items.is_empty(),
        _ => true,
    }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let NodeValue::Mapping(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &*entry.value)
}

fn items(node: &Node) -> &[Arc<Node>] {
    match &node.value {
        NodeValue::Sequence(items) => items,
        _ => &[],
    }
}

fn string(node: &Node) -> Option<&str> {
    match &node.value {
        NodeValue::String(text) => Some(text),
        _ => None,
    }
}
