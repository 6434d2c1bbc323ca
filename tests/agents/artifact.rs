//! What Flux's source-controller would do: an archive of a commit, served over HTTP on 127.0.0.1.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use sha2::{Digest as _, Sha256};

use crate::harness::repository::Repository;
use crate::harness::scratch;

/// A served archive.
pub(crate) struct Artifact {
    pub(crate) url: String,
    /// As in `sha256:…`.
    pub(crate) digest: String,
    pub(crate) size: usize,
}

/// Packs a commit and serves it until this process ends.
pub(crate) fn serve(repository: &Repository, commit: &str) -> Artifact {
    let file = scratch::new_folder("artifact").join("fleet.tar.gz");
    let path = file.to_str().expect("the path of the scratch folder is UTF-8");
    repository.git(["archive", "--format=tar.gz", "--output", path, commit]).succeed();
    let archive = fs::read(&file).expect("git wrote the archive");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of 127.0.0.1 is free");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(&archive) {
        write!(digest, "{byte:02x}").expect("a String can be written to");
    }
    let size = archive.len();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away asks again.
            let _ = answer(&stream, &archive);
        }
    });
    Artifact { url: format!("http://127.0.0.1:{port}/fleet.tar.gz"), digest, size }
}

fn answer(mut stream: &TcpStream, archive: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/gzip\r\nContent-Length: {}\r\n\r\n", archive.len())?;
    stream.write_all(archive)
}
