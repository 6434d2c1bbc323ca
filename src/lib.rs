#![doc = include_str!("../ARCHITECTURE.md")]

pub mod compare;
pub mod model;
pub mod progress;
pub mod secret;
