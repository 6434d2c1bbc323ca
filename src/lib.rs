#![doc = include_str!("../ARCHITECTURE.md")]

pub mod attribute;
pub mod keyring;
pub mod model;
pub mod progress;
pub mod secret;
