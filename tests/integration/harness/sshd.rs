//! A real sshd on a free port of this machine, with keys and a configuration of its own.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::keys::{Key, make_ssh};
use super::program::Program;
use super::scratch::{self, Server};

/// Lets one key in, as the user who runs the tests.
pub(crate) struct Sshd {
    /// `ssh://USER@127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The private key that is let in.
    pub(crate) key: PathBuf,
    /// A file of known hosts with this one.
    pub(crate) known_hosts: PathBuf,
    _server: Server,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let folder = scratch::new_folder("sshd");
        let (host, user) = (file_of(&make_ssh("host")), file_of(&make_ssh("user")));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port can be had").port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\n",
            host.display(),
            public(&user).display(),
        );
        std::fs::write(folder.join("config"), config).expect("a scratch file can be written");
        let known = format!("[127.0.0.1]:{port} {}", std::fs::read_to_string(public(&host)).expect("a public key lies beside its key"));
        std::fs::write(folder.join("known_hosts"), known).expect("a scratch file can be written");
        // Where root runs it, sshd wants this folder, which its service would make.
        let name = Program::new("id").args(["-un"]).succeed();
        if name.trim() == "root" {
            std::fs::create_dir_all("/run/sshd").expect("root can make a folder");
        }
        let arguments = ["-D", "-e", "-f"].map(str::to_owned).into_iter().chain([folder.join("config").display().to_string()]);
        let mut server = Server::start(&program(), &arguments.collect::<Vec<_>>(), &[], &folder.join("log"));
        wait(port, &mut server);
        Self { url: format!("ssh://{}@127.0.0.1:{port}", name.trim()), key: user, known_hosts: folder.join("known_hosts"), _server: server }
    }
}

fn program() -> PathBuf {
    let found = ["/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd"].iter().map(PathBuf::from).find(|file| file.exists());
    found.expect("sshd is there; run: tests/packages.sh servers")
}

fn wait(port: u16, server: &mut Server) {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(server.is_running() && Instant::now() < end, "sshd does not answer:\n{}", server.last_words());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn file_of(key: &Key) -> PathBuf {
    match key {
        Key::Ssh(file) => file.clone(),
        Key::OpenPgp(_) => panic!("an SSH key was asked for"),
    }
}

fn public(key: &Path) -> PathBuf {
    key.with_extension("pub")
}
