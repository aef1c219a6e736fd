//! `quaylight healthcheck`: asks the running server whether it is well.

use super::config::Config;
use crate::wire::routes;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Whether the server at the configured address answers 200 within 3 s.
pub async fn is_healthy(config: &Config) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(config.listen).await?;
        let request = format!(
            "GET {}{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            config.base_path,
            routes::HEALTH,
            config.listen
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    matches!(timeout(Duration::from_secs(3), ask).await, Ok(Ok(true)))
}
