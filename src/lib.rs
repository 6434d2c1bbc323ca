#![doc = include_str!("../ARCHITECTURE.md")]

pub mod compare;
pub mod document;
pub mod model;
pub mod progress;
pub mod secret;
pub mod subprocess;
pub mod yaml;
