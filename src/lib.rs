#![doc = include_str!("../ARCHITECTURE.md")]

pub mod cli;
pub mod config;
pub mod run;
pub mod scan;

pub mod cluster;
pub mod keyring;
pub mod source;
pub mod store;

pub mod attribute;
pub mod audit;
pub mod compare;
pub mod render;
pub mod report;

pub mod cache;
pub mod document;
pub mod progress;
pub mod secret;
pub mod subprocess;
mod threads;
pub mod yaml;

pub mod model;
