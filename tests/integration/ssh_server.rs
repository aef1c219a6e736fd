//! SSH server for one test on loopback, with client configurations for it.

use crate::support::{TIMEOUT, eventually};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;
use tokio::net::TcpStream;

const SSHD: &str = "/usr/sbin/sshd";

pub struct SshServer {
    folder: TempDir,
    pub port: u16,
    process: Child,
}

impl SshServer {
    /// Returns when it accepts connections.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        keygen(&folder.path().join("host_key"));
        keygen(&folder.path().join("id"));
        keygen(&folder.path().join("stranger"));
        fs::copy(at("id.pub"), at("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host_key = fs::read_to_string(at("host_key.pub")).unwrap();
        fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        fs::write(at("no_known_hosts"), "").unwrap();
        let other_key = fs::read_to_string(at("stranger.pub")).unwrap();
        fs::write(at("other_known_hosts"), format!("[127.0.0.1]:{port} {other_key}")).unwrap();
        let settings = [
            format!("ListenAddress 127.0.0.1:{port}"),
            format!("HostKey {}", at("host_key")),
            format!("AuthorizedKeysFile {}", at("authorized_keys")),
            "AllowStreamLocalForwarding yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no".into(),
            "PermitRootLogin prohibit-password\nPidFile none\nStrictModes no\nUsePAM no".into(),
        ];
        fs::write(at("sshd_config"), settings.join("\n") + "\n").unwrap();
        // Debian's service creates this folder.
        fs::create_dir_all("/run/sshd").ok();
        let process = Command::new(SSHD)
            .args(["-D", "-e", "-f", &at("sshd_config")])
            .stdin(Stdio::null())
            .stderr(fs::File::create(at("sshd.log")).unwrap())
            .spawn()
            .expect("there is an SSH server");
        let server = Self { folder, port, process };
        let address = ("127.0.0.1", port);
        eventually(TIMEOUT, "the SSH server listens", async || TcpStream::connect(address).await.is_ok()).await;
        server
    }

    /// A client configuration with one of the known hosts files and one of the keys.
    pub fn client(&self, known_hosts: &str, key: &str) -> PathBuf {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let file = self.folder.path().join(format!("ssh_config-{known_hosts}-{key}"));
        let settings = [
            format!("UserKnownHostsFile {}", at(known_hosts)),
            "GlobalKnownHostsFile /dev/null\nIdentityAgent none\nIdentitiesOnly yes".into(),
            format!("IdentityFile {}", at(key)),
        ];
        fs::write(&file, settings.join("\n") + "\n").unwrap();
        file
    }

    /// A client that is accepted.
    pub fn known_client(&self) -> PathBuf {
        self.client("known_hosts", "id")
    }

    /// In the format of `ssh-keygen`: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let output =
            Command::new("ssh-keygen").arg("-lf").arg(self.folder.path().join("host_key.pub")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("sshd.log")).unwrap_or_default()
    }
}

fn keygen(file: &Path) {
    let output = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
