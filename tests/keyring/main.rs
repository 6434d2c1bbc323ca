//! Signatures of real Git commits, made by real gpg and ssh-keygen with throw-away keys, against what git itself says.

mod fixture;
mod openpgp;
mod splitter;
mod ssh;
