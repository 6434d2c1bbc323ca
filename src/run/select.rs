//! `KIND/NAME` as kubectl takes it: kinds, plurals, singulars and abbreviations, with or without their group.

use super::Error;
use crate::model::coverage::{NotEvaluated, Stage};
use crate::model::declaration::Declaration;
use crate::model::kind::{Kind, Kinds};
use crate::model::object::ObjectId;
use crate::scan::Declared;

/// `deploy/web`, and the namespace asked for.
#[derive(Clone, Debug)]
pub struct Selector {
    kind: String,
    name: String,
    namespace: Option<String>,
}

impl Selector {
    /// Reads `KIND/NAME`.
    ///
    /// # Errors
    /// [`Error::Usage`] with an example.
    pub fn parse(text: &str, namespace: Option<String>) -> Result<Self, Error> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => {
                Ok(Self { kind: kind.to_owned(), name: name.to_owned(), namespace })
            }
            _ => Err(Error::Usage(format!("`{text}` names no object; write KIND/NAME, as in deploy/web"))),
        }
    }

    /// The one declared object that is meant.
    ///
    /// # Errors
    /// [`Error::Usage`] where no kind, no object or more than one fits.
    pub fn find(&self, declarations: &[Declaration], kinds: &Kinds) -> Result<ObjectId, Error> {
        let kinds = self.kinds(kinds)?;
        let is_meant = |id: &ObjectId| {
            id.name == self.name
                && kinds.iter().any(|kind| kind.kind == id.kind && kind.group == id.group)
                && (self.namespace.is_none() || id.namespace.is_none() || id.namespace == self.namespace)
        };
        let mut found: Vec<&ObjectId> = declarations.iter().map(|declaration| &declaration.id).filter(|id| is_meant(id)).collect();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(Error::Usage(self.not_found(declarations, &kinds))),
            several => {
                let names: Vec<String> = several.iter().map(|id| id.to_string()).collect();
                Err(Error::Usage(format!(
                    "{}/{} is declared more than once ({}); choose with --namespace",
                    self.kind,
                    self.name,
                    names.join(", ")
                )))
            }
        }
    }

    /// Leaves of what is declared only the one object that is meant.
    ///
    /// # Errors
    /// As [`Selector::find`]; [`Error::Unread`] where it may stand in what could not be read.
    pub fn narrow(&self, declared: &mut Declared) -> Result<ObjectId, Error> {
        let object = self.find(&declared.declarations, &declared.kinds).map_err(|error| unread(error, &declared.not_evaluated))?;
        declared.declarations.retain(|declaration| declaration.id == object);
        // What other objects suffer from does not concern this one; what could not be read may declare it too.
        declared.not_evaluated.retain(|gap| is_unread(gap) || gap.object.as_ref() == Some(&object));
        declared.excluded.clear();
        Ok(object)
    }

    fn not_found(&self, declarations: &[Declaration], kinds: &[&Kind]) -> String {
        let is_other_kind = |id: &ObjectId| !kinds.iter().any(|kind| kind.kind == id.kind && kind.group == id.group);
        let place = self.namespace.as_ref().map_or(String::new(), |namespace| format!(" in namespace {namespace}"));
        let nearest = declarations
            .iter()
            .map(|declaration| &declaration.id)
            .map(|id| (is_other_kind(id), strsim::damerau_levenshtein(&self.name, &id.name), id))
            .filter(|(_, distance, _)| *distance <= 2)
            .min();
        let help = nearest.map_or(String::new(), |(_, _, id)| format!("; did you mean {id}?"));
        format!("no source declares {}/{}{place}{help}", self.kind, self.name)
    }

    /// Every kind of that name; its group may follow a dot, as in `deploy.apps`.
    fn kinds<'k>(&self, kinds: &'k Kinds) -> Result<Vec<&'k Kind>, Error> {
        let wanted = self.kind.to_ascii_lowercase();
        let fits = |kind: &&Kind, word: &str| {
            kind.kind.eq_ignore_ascii_case(word)
                || kind.plural == word
                || kind.singular == word
                || kind.short_names.iter().any(|short| short == word)
        };
        let mut found: Vec<&Kind> = kinds.all.iter().filter(|kind| fits(kind, &wanted)).collect();
        if let (true, Some((word, group))) = (found.is_empty(), wanted.split_once('.')) {
            found = kinds.all.iter().filter(|kind| fits(kind, word) && kind.group.eq_ignore_ascii_case(group)).collect();
        }
        if found.is_empty() {
            let names =
                kinds.all.iter().flat_map(|kind| [&kind.singular, &kind.plural]).chain(kinds.all.iter().flat_map(|kind| &kind.short_names));
            let nearest = names.filter(|name| !name.is_empty()).map(|name| (strsim::damerau_levenshtein(&wanted, name), name)).min();
            let help = nearest.filter(|(distance, _)| *distance <= 2).map_or(String::new(), |(_, name)| format!("; did you mean {name}?"));
            return Err(Error::Usage(format!("the cluster serves no kind `{}`{help}", self.kind)));
        }
        Ok(found)
    }
}

/// What was not found may stand in what could not be read.
fn unread(error: Error, gaps: &[NotEvaluated]) -> Error {
    let unread: Vec<String> = gaps
        .iter()
        .filter(|gap| is_unread(gap))
        .map(|gap| {
            gap.detail.as_ref().map_or_else(|| format!("{}: {}", gap.subject, gap.reason), |detail| format!("{}: {detail}", gap.subject))
        })
        .collect();
    match error {
        Error::Usage(what) if !unread.is_empty() => Error::Unread { what, gaps: unread.join("; ") },
        other => other,
    }
}

/// A source or file that may declare anything.
fn is_unread(gap: &NotEvaluated) -> bool {
    gap.object.is_none() && matches!(gap.stage, Stage::Fetch | Stage::Render)
}
