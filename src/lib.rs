#![doc = include_str!("../ARCHITECTURE.md")]

pub mod document;
pub mod attribute;
pub mod keyring;
pub mod model;
pub mod progress;
pub mod secret;
pub mod subprocess;
pub mod yaml;
