#![doc = include_str!("../ARCHITECTURE.md")]

pub mod model;
pub mod progress;
pub mod secret;
pub mod source;
