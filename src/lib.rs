#![doc = include_str!("../ARCHITECTURE.md")]

pub mod document;
pub mod model;
pub mod progress;
pub mod secret;
pub mod source;
pub mod yaml;
