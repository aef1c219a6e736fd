//! Registry for one test on loopback, and a slow proxy to it.

use crate::support::TIMEOUT;
use std::{net::SocketAddr, process::Stdio, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::Notify,
    time::timeout,
};

pub const USER: &str = "ada";
pub const PASSWORD: &str = "open-sesame";

/// In the format of htpasswd.
const LOGIN: &str = "ada:$2y$05$tZkoQYAq.BuAp0O0tj/IY.nMpNVnioyDXNoST9IMBM5TCdQJI67iu\n";

pub struct Registry {
    /// Host and port, the prefix of image names.
    pub address: String,
    process: Child,
    _folder: TempDir,
}

impl Registry {
    pub async fn open() -> Self {
        Self::start(false).await
    }

    /// A registry that requires a login for everything.
    pub async fn closed() -> Self {
        Self::start(true).await
    }

    async fn start(with_login: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let login = folder.path().join("login");
        std::fs::write(&login, LOGIN).unwrap();
        let address = free_address().await.to_string();
        let auth = if with_login {
            format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", login.display())
        } else {
            String::new()
        };
        let config = folder.path().join("config.yml");
        let data = folder.path().join("data");
        let settings = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: '{address}'}}\n{auth}",
            data.display()
        );
        std::fs::write(&config, settings).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.kill_on_drop(true).spawn().expect("there is a docker-registry");
        let answers = async {
            while TcpStream::connect(&address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(TIMEOUT, answers).await.expect("the registry answers soon");
        Self { address, process, _folder: folder }
    }

    pub async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A proxy that passes a number of bytes of each response, and then blocks until it is opened.
pub struct SlowWay {
    pub address: String,
    gate: Arc<Gate>,
    serving: tokio::task::JoinHandle<()>,
}

struct Gate {
    is_open: std::sync::atomic::AtomicBool,
    opened: Notify,
}

impl SlowWay {
    pub async fn to(registry: &Registry, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let gate = Arc::new(Gate { is_open: false.into(), opened: Notify::new() });
        let (target, of_all) = (registry.address.clone(), gate.clone());
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target.clone(), bytes, of_all.clone()));
            }
        });
        Self { address, gate, serving }
    }

    pub fn open(&self) {
        self.gate.is_open.store(true, std::sync::atomic::Ordering::SeqCst);
        self.gate.opened.notify_waiters();
    }
}

impl Drop for SlowWay {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(client: TcpStream, target: String, bytes: usize, gate: Arc<Gate>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut passed = 0;
    let mut piece = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from_server.read(&mut piece).await {
        if passed + count > bytes {
            let opened = gate.opened.notified();
            if !gate.is_open.load(std::sync::atomic::Ordering::SeqCst) {
                opened.await;
            }
        }
        passed += count;
        if to_client.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}
