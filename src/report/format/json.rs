//! JSON: the record as it is, with two spaces of indentation and one line break at the end.

use std::io::{self, Write};

use serde::Serialize;

use crate::report::encoder::Format;

/// The format.
pub(crate) const FORMAT: Format = Format {
    id: "json",
    extension: "json",
    description: "the record, for programs and for `kubewitness report`",
    encode: |record, _, out| write(record, out),
    provenance: Some(|record, _, out| write(record, out)),
    blame: Some(|blame, _, out| write(blame, out)),
    log: Some(|log, _, out| write(log, out)),
    comparison: Some(|comparison, _, out| write(comparison, out)),
};

fn write(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}
