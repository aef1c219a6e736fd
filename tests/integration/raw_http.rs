//! A request on a bare connection: what arrives, byte for byte, and how it ends.

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// How long silence has to last to count as silence.
const SILENCE: Duration = Duration::from_millis(300);

pub struct Raw {
    stream: TcpStream,
    pub arrived: Vec<u8>,
}

impl Raw {
    /// Sends a request without a body to `tcp://host:port`.
    pub async fn get(url: &str, path: &str) -> Self {
        Self::send(url, "GET", path, "").await
    }

    pub async fn send(url: &str, method: &str, path: &str, body: &str) -> Self {
        let host = url.trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, arrived: Vec::new() }
    }

    /// Reads until `wanted` has arrived.
    pub async fn until(&mut self, wanted: &str) {
        while !self.text().contains(wanted) {
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.arrived)).await;
            let read = read.unwrap_or_else(|_| panic!("{wanted:?} does not come: {}", self.text())).unwrap();
            assert!(read > 0, "the connection ended before {wanted:?}: {}", self.text());
        }
    }

    /// Reads until the connection ends, in order or not.
    pub async fn whole(mut self) -> String {
        let end = timeout(PATIENCE, self.stream.read_to_end(&mut self.arrived)).await;
        let _ = end.unwrap_or_else(|_| panic!("the connection does not end"));
        self.text()
    }

    /// Whether nothing comes for a while, not even an end.
    pub async fn is_silent(&mut self) -> bool {
        timeout(SILENCE, self.stream.read_buf(&mut self.arrived)).await.is_err()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.arrived).into_owned()
    }
}

/// Status and body of a request that is answered.
pub async fn ask(url: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let text = Raw::send(url, method, path, body).await.whole().await;
    let status = text.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map_or(String::new(), |it| it.1.to_owned()))
}
