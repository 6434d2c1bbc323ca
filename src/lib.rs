#![doc = include_str!("../ARCHITECTURE.md")]

pub mod document;
pub mod model;
pub mod progress;
pub mod render;
pub mod secret;
pub mod subprocess;
pub mod yaml;
