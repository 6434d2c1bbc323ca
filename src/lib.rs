#![doc = include_str!("../ARCHITECTURE.md")]

pub mod cluster;
pub mod model;
pub mod progress;
pub mod secret;
