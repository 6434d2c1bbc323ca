//! The plain data that stages hand to each other.
//!
//! It imports no other module of ours, reads no clock, touches no file and no network, and is not serialised: what is
//! written lies under `report`, what is read under the noun that reads it.

pub mod attribution;
pub mod commit;
pub mod comparison;
pub mod coverage;
pub mod declaration;
pub mod evidence;
pub mod finding;
#[cfg(test)]
pub(crate) mod fixture;
pub mod ignore;
pub mod kept;
pub mod kind;
pub mod log;
pub mod object;
pub mod pattern;
pub mod scan;
pub mod schema;
pub mod signature;
pub mod tag;
pub mod text;
pub mod trust;
