//! Comparing, as data and as properties.

mod cases;
mod properties;
mod support;
