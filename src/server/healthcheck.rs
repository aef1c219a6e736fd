//! `quaylight healthcheck`: checks the health of the running server.

use super::{config::Config, http::connect_unverified};
use crate::wire::routes;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Whether the server at the configured address answers 200 within 3 s, and none of its tasks has failed permanently.
pub async fn is_healthy(config: &Config) -> bool {
    let check = async {
        let stream = TcpStream::connect(config.listen).await?;
        if config.certificate.is_none() {
            return ask(config, stream).await;
        }
        ask(config, connect_unverified(config.listen.ip(), stream).await?).await
    };
    matches!(timeout(Duration::from_secs(3), check).await, Ok(Ok(true)))
}

async fn ask(config: &Config, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<bool> {
    let request = format!(
        "GET {}{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        config.base_path,
        routes::HEALTH,
        config.listen
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    // Only a restart of the server recovers a task that has failed permanently.
    let text = String::from_utf8_lossy(&answer);
    Ok(text.starts_with("HTTP/1.1 200") && !text.contains(r#""restarts":false"#))
}
