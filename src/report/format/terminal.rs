//! stub
use crate::report::encoder::Format;
/// The format.
pub const FORMAT: Format =
    Format { id: "terminal", extension: "txt", description: "for people", encode: |_, _, _| Ok(()), blame: None, comparison: None };
