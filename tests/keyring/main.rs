//! Signatures of real Git commits, made by real gpg and ssh-keygen with throw-away keys, against what git itself says.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

mod certificate;
mod fixture;
mod gitsign;
mod openpgp;
mod openssh;
mod openssl;
mod oracle;
mod real_repository;
mod rekor;
mod remembered;
mod revocation;
mod security_key;
mod splitter;
mod ssh;
mod tags;
mod trust;
mod x509;
