//! Web server that records requests, after a list of prepared failures.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Clone)]
pub struct Request {
    /// `POST /path`.
    pub line: String,
    /// Keyed by lowercase names.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

pub enum Answer {
    /// A status such as `500 Internal Server Error`, with whole header lines and a body.
    Status(&'static str, String, &'static str),
    /// Accepts the request and never responds.
    Hang,
}

impl Answer {
    pub fn status(line: &'static str) -> Self {
        Self::Status(line, String::new(), "")
    }
}

pub struct WebReceiver {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl WebReceiver {
    /// Gives these answers first, and 200 from then on.
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), None, answers)
    }

    pub async fn secure(acceptor: TlsAcceptor) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Some(acceptor), [])
    }

    pub fn on(listener: TcpListener, acceptor: Option<TlsAcceptor>, answers: impl IntoIterator<Item = Answer>) -> Self {
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let answers: Arc<Mutex<VecDeque<Answer>>> = Arc::new(Mutex::new(answers.into_iter().collect()));
        let noted = requests.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (noted, answers, acceptor) = (noted.clone(), answers.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &noted, &answers).await,
                        Some(acceptor) => serve(acceptor.accept(stream).await.ok()?, &noted, &answers).await,
                    }
                });
            }
        });
        Self { address, requests, task }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for WebReceiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one request. None if the client disconnects in the middle of it.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    noted: &Mutex<Vec<Request>>,
    answers: &Mutex<VecDeque<Answer>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let headers = head[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let mut body = vec![0; headers.get("content-length").map_or(0, |it| it.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let line = head[0].trim_end_matches(" HTTP/1.1").to_owned();
    noted.lock().unwrap().push(Request { line, headers, body: String::from_utf8(body).unwrap() });
    let answer = answers.lock().unwrap().pop_front().unwrap_or(Answer::status("200 OK"));
    match answer {
        Answer::Hang => std::future::pending().await,
        Answer::Status(status, headers, body) => {
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.ok()?;
            stream.shutdown().await.ok()
        }
    }
}
