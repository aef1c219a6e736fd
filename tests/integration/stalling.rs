//! Proxy that can stall and continue without losing bytes, like an engine that is paused and continued.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub struct Wire {
    url: String,
    flows: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A proxy to `tcp://host:port`.
    pub async fn to(url: &str) -> Self {
        let there = url.trim_start_matches("tcp://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tcp://{}", listener.local_addr().unwrap());
        let flows = watch::Sender::new(true);
        let flowing = flows.subscribe();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (there, flowing) = (there.clone(), flowing.clone());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(there).await else { return };
                    join(near, far, flowing).await;
                });
            }
        });
        Self { url, flows, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn stall(&self, stalled: bool) {
        self.flows.send_replace(!stalled);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copies both ways until one side ends; then the other side ends too.
async fn join(near: TcpStream, far: TcpStream, flowing: watch::Receiver<bool>) {
    for stream in [&near, &far] {
        let _ = stream.set_nodelay(true);
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = flow(near_in, far_out, flowing.clone()) => {}
        () = flow(far_in, near_out, flowing) => {}
    }
}

async fn flow(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut flowing: watch::Receiver<bool>,
) {
    let mut bytes = [0; 8 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if flowing.wait_for(|flows| *flows).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
