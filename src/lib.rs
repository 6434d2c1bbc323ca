#![doc = include_str!("../ARCHITECTURE.md")]

pub mod audit;
pub mod model;
pub mod progress;
pub mod report;
pub mod secret;
