#![doc = include_str!("../ARCHITECTURE.md")]

pub mod attribute;
pub mod audit;
pub mod compare;
pub mod document;
pub mod keyring;
pub mod cluster;
pub mod model;
pub mod progress;
pub mod report;
pub mod render;
pub mod secret;
pub mod source;
pub mod subprocess;
pub mod yaml;
