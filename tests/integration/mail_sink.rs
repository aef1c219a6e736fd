//! Mail server that stores received mail (the subset of RFC 5321 that a client needs), and an independent mail parser.

use serde_json::Value;
use std::{
    collections::VecDeque,
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::Command,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

#[derive(Default, Clone)]
pub struct Options {
    /// TLS from the first byte.
    pub tls: Option<TlsAcceptor>,
    pub start_tls: Option<TlsAcceptor>,
    /// The required AUTH PLAIN response, in base64. Without it no mail is accepted.
    pub login: Option<&'static str>,
    /// Responses to the first messages, instead of accepting them.
    pub refusals: VecDeque<&'static str>,
}

#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub encrypted: bool,
    /// As received, without the final dot.
    pub raw: String,
}

pub struct MailSink {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl MailSink {
    pub async fn start(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mails, heard) = (Arc::<Mutex<Vec<Mail>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let options = Arc::new(Mutex::new(options));
        let (its_mails, its_heard) = (mails.clone(), heard.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (options, mails, heard) = (options.clone(), its_mails.clone(), its_heard.clone());
                tokio::spawn(async move {
                    let tls = options.lock().unwrap().tls.clone();
                    let stream: Box<dyn Stream> = match tls.clone() {
                        None => Box::new(stream),
                        Some(acceptor) => Box::new(acceptor.accept(stream).await.ok()?),
                    };
                    let stream = BufReader::new(stream);
                    Session { stream, encrypted: tls.is_some(), options, mails, heard }.run_until_ended().await
                });
            }
        });
        Self { address, mails, heard, task }
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Every command of all clients.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Session {
    stream: BufReader<Box<dyn Stream>>,
    encrypted: bool,
    options: Arc<Mutex<Options>>,
    mails: Arc<Mutex<Vec<Mail>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Session {
    /// None when the client disconnects.
    async fn run_until_ended(mut self) -> Option<()> {
        let options = self.options.lock().unwrap().clone();
        let (mut from, mut to, mut known) = (String::new(), Vec::new(), options.login.is_none());
        self.say("220 sink").await?;
        loop {
            let line = self.line().await?;
            let line = line.trim_end();
            self.heard.lock().unwrap().push(line.to_owned());
            let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.say("250-sink").await?;
                    if options.start_tls.is_some() && !self.encrypted {
                        self.say("250-STARTTLS").await?;
                    }
                    self.say(if options.login.is_some() { "250 AUTH PLAIN LOGIN" } else { "250 8BITMIME" }).await?;
                }
                "STARTTLS" => {
                    self.say("220 go on").await?;
                    let stream = options.start_tls.clone()?.accept(self.stream.into_inner()).await.ok()?;
                    self.stream = BufReader::new(Box::new(stream));
                    self.encrypted = true;
                }
                "AUTH" => {
                    known = options.login.is_some_and(|login| line == format!("AUTH PLAIN {login}"));
                    self.say(if known { "235 welcome" } else { "535 5.7.8 wrong name or password" }).await?;
                }
                "MAIL" if !known => self.say("530 5.7.0 who are you?").await?,
                "MAIL" => {
                    let refusal = self.options.lock().unwrap().refusals.pop_front();
                    from = address();
                    self.say(refusal.unwrap_or("250 fine")).await?;
                }
                "RCPT" => {
                    to.push(address());
                    self.say("250 fine").await?;
                }
                "DATA" => {
                    self.say("354 go on").await?;
                    let mut raw = String::new();
                    while !raw.ends_with("\r\n.\r\n") {
                        raw.push_str(&self.line().await?);
                    }
                    raw.truncate(raw.len() - ".\r\n".len());
                    let mail = Mail { from: from.clone(), to: std::mem::take(&mut to), encrypted: self.encrypted, raw };
                    self.mails.lock().unwrap().push(mail);
                    self.say("250 taken").await?;
                }
                "QUIT" => return self.say("221 bye").await,
                _ => self.say("502 not here").await?,
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        Some(line)
    }

    async fn say(&mut self, line: &str) -> Option<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
        self.stream.flush().await.ok()
    }
}

const READER: &str = "
import email, email.policy, json, sys
raw = sys.stdin.buffer.read().replace(b'\\r\\n..', b'\\r\\n.')
mail = email.message_from_bytes(raw, policy=email.policy.default)
print(json.dumps({'headers': {k.lower(): v for k, v in mail.items()}, 'text': mail.get_content()}))
";

impl Mail {
    /// Parses the mail with Python's library after removing the dot stuffing: `headers` by lowercase names, and `text`.
    pub async fn read(&self) -> Value {
        let mut command = Command::new("python3");
        command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut python = command.spawn().expect("there is a python3");
        let mut stdin = python.stdin.take().unwrap();
        stdin.write_all(self.raw.as_bytes()).await.unwrap();
        drop(stdin);
        serde_json::from_slice(&python.wait_with_output().await.unwrap().stdout).unwrap()
    }
}
