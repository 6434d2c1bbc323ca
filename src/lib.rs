#![doc = include_str!("../ARCHITECTURE.md")]

pub mod document;
pub mod attribute;
pub mod keyring;
pub mod audit;
pub mod model;
pub mod progress;
pub mod report;
pub mod secret;
pub mod subprocess;
pub mod source;
pub mod yaml;
