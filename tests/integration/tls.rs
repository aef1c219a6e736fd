//! HTTPS with the server's own certificate files.

use crate::{
    authority::Authority,
    raw_http::Raw,
    server_process::{ServerProcess, check_health, refused},
    support::{TIMEOUT, eventually},
};
use futures::StreamExt;
use quaylight::sim::{Options, Running, Sim};
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

/// Longer than a handshake may take.
const HANDSHAKE_ENDS: Duration = Duration::from_secs(15);

struct World {
    server: ServerProcess,
    folder: TempDir,
    _sim: Running,
}

impl World {
    /// A server on 127.0.0.1 with a certificate of this authority.
    async fn start(authority: &Authority) -> Self {
        let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
        let files = Files::in_folder(&folder);
        authority.identity("127.0.0.1").write(&files.certificate, &files.key);
        let server =
            ServerProcess::start_with(&[&files.settings()[..], &[("DOCKER_HOST", sim.url())]].concat(), folder.path());
        Self { server, folder, _sim: sim }
    }

    fn files(&self) -> Files {
        Files::in_folder(&self.folder)
    }

    fn address(&self) -> &str {
        self.server.url.trim_start_matches("tcp://")
    }

    /// A connection of a client that trusts this authority only.
    async fn connect(&self, authority: &Authority) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.root()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address()).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await
    }

    async fn is_trusted(&self, authority: &Authority) -> bool {
        self.connect(authority).await.is_ok()
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn in_folder(folder: &TempDir) -> Self {
        Self { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") }
    }

    fn settings(&self) -> [(&'static str, &str); 2] {
        [("QUAYLIGHT_TLS_CERT", self.certificate.to_str().unwrap()), ("QUAYLIGHT_TLS_KEY", self.key.to_str().unwrap())]
    }
}

#[tokio::test]
async fn pages_and_websockets_are_served_encrypted() {
    let authority = Authority::new();
    let world = World::start(&authority).await;
    let mut stream = world.connect(&authority).await.unwrap();
    let request = format!("GET /containers HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", world.address());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.expect("it ends with TLS's own close");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("</html>"), "{page}");
    let url = format!("wss://{}/ws", world.address());
    let stream = world.connect(&authority).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert!(first.to_text().unwrap().contains("hello"), "{first}");
}

#[tokio::test]
async fn unencrypted_requests_are_redirected_and_nothing_else_is_answered() {
    let world = World::start(&Authority::new()).await;
    let url = &world.server.url;
    let html = "Accept: text/html,application/xhtml+xml\r\n";
    let answer = Raw::get_with(url, "/containers?state=running", html).await.whole().await;
    let location = format!("location: https://{}/containers?state=running\r\n", world.address());
    assert!(answer.starts_with("HTTP/1.1 307") && answer.contains(&location), "{answer}");
    for (method, headers) in
        [("POST", html), ("GET", "Host: a/b@c\r\nAccept: text/html\r\n"), ("GET", "Accept: */*\r\n")]
    {
        let answer = Raw::request(url, method, "/metrics", headers, b"").await.whole().await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.ends_with("This server uses HTTPS.\n"), "{answer}");
    }
}

#[tokio::test]
async fn renewed_certificate_is_used_for_new_connections_and_an_invalid_one_is_not() {
    let (first, second) = (Authority::new(), Authority::new());
    let world = World::start(&first).await;
    let mut open = world.connect(&first).await.unwrap();
    let files = world.files();
    let key = std::fs::read(&files.key).unwrap();
    second.identity("127.0.0.1").write(&files.certificate, &files.key);
    let new_key = std::fs::read(&files.key).unwrap();
    eventually(TIMEOUT, "the new certificate", async || world.is_trusted(&second).await).await;
    assert!(!world.is_trusted(&first).await);
    // As between the changes of both files.
    std::fs::write(&files.key, key).unwrap();
    std::fs::write(&files.certificate, "").unwrap();
    let looked = tokio::time::Instant::now();
    while looked.elapsed() < Duration::from_secs(2) {
        assert!(world.is_trusted(&second).await, "the last valid certificate stays");
    }
    first.identity("127.0.0.1").write(&files.certificate, &files.key);
    eventually(TIMEOUT, "the certificate after that", async || world.is_trusted(&first).await).await;
    assert_ne!(new_key, std::fs::read(&files.key).unwrap());
    open.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut health = String::new();
    open.read_to_string(&mut health).await.unwrap();
    assert!(health.contains(" 200 "), "a connection outlives the change: {health}");
}

#[tokio::test]
async fn server_with_unusable_files_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (files, authority) = (Files::in_folder(&folder), Authority::new());
    let reason = || refused(&files.settings(), folder.path());
    assert!(reason().contains("can't read"), "{}", reason());
    authority.identity("127.0.0.1").write(&files.certificate, &files.key);
    let certificate = std::fs::read(&files.certificate).unwrap();
    authority.identity("127.0.0.1").write(&files.certificate, &files.key);
    let key = std::fs::read(&files.key).unwrap();
    std::fs::write(&files.certificate, certificate).unwrap();
    assert!(reason().contains("doesn't fit the certificate"), "{}", reason());
    std::fs::write(&files.certificate, &key).unwrap();
    assert!(reason().contains("no valid certificate"), "{}", reason());
    let half = refused(&files.settings()[..1], folder.path());
    assert!(half.contains("set both tls-cert and tls-key"), "{half}");
}

#[tokio::test]
async fn handshake_that_does_not_end_is_cut_off() {
    let authority = Authority::new();
    let world = World::start(&authority).await;
    let ends = async |sent: &[u8]| {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let end = tokio::time::timeout(HANDSHAKE_ENDS, stream.read_to_end(&mut Vec::new())).await;
        end.expect("it is disconnected").ok();
    };
    // Nothing, the start of a handshake, and the start of an unencrypted request.
    tokio::join!(ends(b""), ends(&[0x16, 3, 1, 2]), ends(b"GET / HT"));
    assert!(world.is_trusted(&authority).await);
}

#[tokio::test]
async fn health_is_checked_with_and_without_tls() {
    let world = World::start(&Authority::new()).await;
    let listen = ("QUAYLIGHT_LISTEN", world.address());
    assert!(check_health(&[&world.files().settings()[..], &[listen]].concat(), world.folder.path()));
    assert!(!check_health(&[listen], world.folder.path()), "without TLS it reaches a redirect only");
    let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let plain = ServerProcess::start(sim.url(), folder.path());
    let address = plain.url.trim_start_matches("tcp://").to_owned();
    let listen = ("QUAYLIGHT_LISTEN", &*address);
    assert!(check_health(&[listen], folder.path()));
    drop(plain);
    assert!(!check_health(&[listen], folder.path()));
}
