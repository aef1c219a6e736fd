//! Docker Engine for one test that also listens on TLS, with a separate authority, removed without a trace.

use crate::{authority::Authority, support::Docker};
use quaylight::server::engine::TlsFiles;
use std::{net::TcpListener, os::fd::OwnedFd, path::PathBuf, process::Stdio};
use tempfile::TempDir;
use tokio::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/private-engine");

pub struct TlsEngine {
    folder: TempDir,
    pub authority: Authority,
    /// Host and port; clients must present a certificate of the authority.
    pub address: String,
}

impl TlsEngine {
    /// Returns when the engine responds and has the test image.
    pub async fn start() -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
        authority.write(&folder.path().join("ca.pem"));
        authority.identity("127.0.0.1").write(&folder.path().join("server.pem"), &folder.path().join("server-key.pem"));
        authority.identity("client").write(&folder.path().join("cert.pem"), &folder.path().join("key.pem"));
        // The engine runs in a separate network namespace: it inherits the socket from here.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let engine = Self { folder, authority, address };
        let output = Command::new(SCRIPT)
            .arg("start")
            .arg(engine.engine_folder())
            .env("PRIVATE_ENGINE_TLS", engine.folder.path())
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        engine
    }

    fn engine_folder(&self) -> PathBuf {
        self.folder.path().join("engine")
    }

    pub fn socket(&self) -> PathBuf {
        self.engine_folder().join("docker.sock")
    }

    pub fn docker(&self) -> Docker {
        Docker::simulated(&format!("unix://{}", self.socket().display()))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files that a client needs.
    pub fn files(&self) -> TlsFiles {
        TlsFiles::in_folder(self.folder.path())
    }
}

impl Drop for TlsEngine {
    fn drop(&mut self) {
        std::process::Command::new(SCRIPT).arg("remove").arg(self.engine_folder()).output().ok();
    }
}
