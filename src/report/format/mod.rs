//! One file a format; the table is in the parent.

pub(super) mod json;
pub(super) mod terminal;
