//! HTTP requests on a bare connection: the response byte for byte, and how it ends.

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection must stay silent to count as silent.
const SILENCE: Duration = Duration::from_millis(300);

pub struct Raw {
    stream: TcpStream,
    pub arrived: Vec<u8>,
}

impl Raw {
    /// Sends a request without a body to `tcp://host:port`.
    pub async fn get(url: &str, path: &str) -> Self {
        Self::get_with(url, path, "").await
    }

    /// Adds header lines, each with its line end.
    pub async fn get_with(url: &str, path: &str, headers: &str) -> Self {
        Self::request(url, "GET", path, headers, b"").await
    }

    /// A `POST` with additional header lines, each with its line end.
    pub async fn post_with(url: &str, path: &str, headers: &str, body: &[u8]) -> Self {
        Self::request(url, "POST", path, headers, body).await
    }

    pub async fn send(url: &str, method: &str, path: &str, body: &str) -> Self {
        Self::request(url, method, path, "", body.as_bytes()).await
    }

    pub async fn request(url: &str, method: &str, path: &str, headers: &str, body: &[u8]) -> Self {
        let host = url.trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let length = body.len();
        let has_host = headers.lines().any(|line| line.starts_with("Host: "));
        let host = if has_host { String::new() } else { format!("Host: {host}\r\n") };
        let request =
            format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        stream.write_all(&[request.as_bytes(), body].concat()).await.unwrap();
        Self { stream, arrived: Vec::new() }
    }

    /// A request head with additional header lines, each with its line end, and no body.
    pub async fn head_only(url: &str, method: &str, path: &str, headers: &str) -> Self {
        let host = url.trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Self { stream, arrived: Vec::new() }
    }

    /// Announces `length` bytes, sends fewer, and disconnects.
    pub async fn broken_off(url: &str, path: &str, length: usize, sent: &[u8]) {
        let host = url.trim_start_matches("tcp://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), sent].concat()).await.unwrap();
    }

    /// Reads until `wanted` has arrived.
    pub async fn until(&mut self, wanted: &str) {
        while !self.text().contains(wanted) {
            let read = timeout(TIMEOUT, self.stream.read_buf(&mut self.arrived)).await;
            let read = read.unwrap_or_else(|_| panic!("{wanted:?} does not come: {}", self.text())).unwrap();
            assert!(read > 0, "the connection ended before {wanted:?}: {}", self.text());
        }
    }

    /// Reads once. A stream that was not read for a while may continue after a second only: the sender retries less and
    /// less often.
    pub async fn more(&mut self) {
        let read = timeout(TIMEOUT, self.stream.read_buf(&mut self.arrived)).await.expect("nothing arrives").unwrap();
        assert!(read > 0, "the connection ended");
    }

    /// Reads until the connection ends, cleanly or not.
    pub async fn whole(self) -> String {
        self.whole_within(TIMEOUT).await
    }

    pub async fn whole_within(mut self, time_limit: Duration) -> String {
        let end = timeout(time_limit, self.stream.read_to_end(&mut self.arrived)).await;
        let _ = end.unwrap_or_else(|_| panic!("the connection does not end"));
        self.text()
    }

    /// Reads until the connection ends, cleanly or not, but not longer than `time_limit`.
    pub async fn ends_within(&mut self, time_limit: Duration) -> bool {
        timeout(time_limit, self.stream.read_to_end(&mut self.arrived)).await.is_ok()
    }

    /// Whether nothing arrives for a while, not even the end.
    pub async fn is_silent(&mut self) -> bool {
        timeout(SILENCE, self.stream.read_buf(&mut self.arrived)).await.is_err()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.arrived).into_owned()
    }
}

/// Sends a request; returns the status and body of its response.
pub async fn ask(url: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    answer(Raw::send(url, method, path, body).await).await
}

/// Downloads a body of any length and type over HTTP/1.0: it ends with its connection.
pub async fn download(url: &str, path: &str) -> Vec<u8> {
    fetch(url, "GET", path).await
}

/// Like [`download`], for a response created by a `POST`.
pub async fn download_by_post(url: &str, path: &str) -> Vec<u8> {
    fetch(url, "POST", path).await
}

async fn fetch(url: &str, method: &str, path: &str) -> Vec<u8> {
    let host = url.trim_start_matches("tcp://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.expect("it ends").unwrap();
    let head = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("an answer has a head");
    let start = String::from_utf8_lossy(&answer[..head]).into_owned();
    assert!(start.contains(" 200 "), "{start}");
    answer.split_off(head + 4)
}

/// Like [`ask`], for a `POST` with a body of any type.
pub async fn post(url: &str, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
    let headers = format!("Content-Type: {kind}\r\nAccept: {kind}\r\n");
    answer(Raw::request(url, "POST", path, &headers, body).await).await
}

/// Like [`ask`], for a `POST` with an idempotency key.
pub async fn post_with_key(url: &str, path: &str, key: &str, body: &str) -> (u16, String) {
    answer(Raw::post_with(url, path, &format!("Idempotency-Key: {key}\r\n"), body.as_bytes()).await).await
}

async fn answer(asked: Raw) -> (u16, String) {
    let text = asked.whole().await;
    let status = text.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map_or(String::new(), |it| it.1.to_owned()))
}

/// Status and body of a chunked `POST` without a length, chunk for chunk; `has_end` sends the final chunk.
pub async fn post_chunked(url: &str, path: &str, chunks: &[&[u8]], has_end: bool) -> (u16, String) {
    let host = url.trim_start_matches("tcp://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for chunk in chunks {
        let start = format!("{:x}\r\n", chunk.len());
        stream.write_all(&[start.as_bytes(), chunk, b"\r\n"].concat()).await.unwrap();
    }
    if has_end {
        stream.write_all(b"0\r\n\r\n").await.unwrap();
    } else {
        stream.shutdown().await.unwrap();
    }
    answer(Raw { stream, arrived: Vec::new() }).await
}
