//! A server with sign-in and a simulated engine, and requests to it.

use crate::{
    raw_http::Raw,
    server_process::{ServerProcess, manage_users},
};
use futures::StreamExt;
use quaylight::{
    actions::{account::ChangeAccount, users::ChangeUser},
    model::{AccountChange, Role, UserChange},
    sim::{Options, Running, Sim},
};
use serde::Serialize;
use std::{path::Path, time::Duration};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderName},
};

pub const PASSWORD: &str = "correct horse battery";

/// Time within which everything open ends with its session.
pub const ENDS_WITHIN: Duration = Duration::from_secs(5);

pub struct World {
    pub sim: Running,
    pub folder: TempDir,
    pub server: ServerProcess,
    pub setup: String,
}

pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The `Cookie` header for later requests.
    pub fn cookie(&self) -> String {
        let set = self.header("set-cookie").expect("it sets a cookie");
        format!("Cookie: {}\r\n", set.split(';').next().unwrap())
    }
}

impl World {
    /// Without users.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Without users, with additional environment variables.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
        let (server, setup) = ServerProcess::start_with_sign_in(sim.url(), folder.path(), false, env);
        Self { sim, folder, server, setup }
    }

    /// Restarts the server, which has users.
    pub fn restarted(self) -> Self {
        self.restarted_with(&[])
    }

    /// Restarts the server, which has users, with additional environment variables.
    pub fn restarted_with(self, env: &[(&str, &str)]) -> Self {
        self.restarted_after(env, |_| ())
    }

    /// Changes the data directory in between.
    pub fn restarted_after(self, env: &[(&str, &str)], change: impl FnOnce(&Path)) -> Self {
        let Self { sim, folder, server, setup } = self;
        drop(server);
        change(folder.path());
        let (server, _) = ServerProcess::start_with_sign_in(sim.url(), folder.path(), true, env);
        Self { sim, folder, server, setup }
    }

    pub async fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        let mut raw = Raw::request(&self.server.url, method, path, headers, body.as_bytes()).await;
        raw.until("\r\n\r\n").await;
        let is_endless = raw.text().contains("text/event-stream");
        let text = if is_endless { raw.text() } else { raw.whole().await };
        Response::of(&text)
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Response {
        self.request("GET", path, cookie, "").await
    }

    pub async fn post_form(&self, path: &str, form: &str) -> Response {
        self.request("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", form).await
    }

    pub async fn sign_in(&self, name: &str, password: &str, next: &str) -> Response {
        let next = next.replace('/', "%2F");
        self.post_form("/login", &format!("name={name}&password={}&next={next}", password.replace(' ', "+"))).await
    }

    /// Signs in with additional header lines, each with its line end.
    pub async fn sign_in_with(&self, headers: &str, name: &str, password: &str) -> Response {
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\n{headers}");
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        self.request("POST", "/login", &headers, &form).await
    }

    /// Creates the first user, `anna`. Returns her cookie.
    pub async fn set_up(&self) -> String {
        let token = self.setup.split_once("token=").unwrap().1;
        let form = format!("token={token}&name=anna&password={}", PASSWORD.replace(' ', "+"));
        let done = self.post_form("/setup", &form).await;
        assert_eq!((done.status, done.header("location")), (303, Some("/")), "{}", done.body);
        done.cookie()
    }

    /// Runs `quaylight user` with this standard input. Returns its output.
    pub fn user(&self, arguments: &[&str], input: &str) -> String {
        manage_users(self.folder.path(), arguments, input).unwrap()
    }

    /// Adds a viewer and an operator with the same password.
    pub fn add_users(&self) {
        for (name, role) in [("vera", "viewer"), ("omar", "operator")] {
            self.user(&["add", name, "--role", role, "--password-stdin"], PASSWORD);
        }
    }

    /// Calls a server function. Returns the status and the body as text.
    pub async fn call<T: Serialize>(&self, path: &str, headers: &str, arguments: &T) -> (u16, String) {
        let response = self.response_to(path, headers, arguments).await;
        (response.status, response.body)
    }

    /// Calls a server function.
    async fn response_to<T: Serialize>(&self, path: &str, headers: &str, arguments: &T) -> Response {
        let headers = format!("{headers}Content-Type: application/x-postcard\r\n");
        let body = postcard::to_allocvec(arguments).unwrap();
        let raw = Raw::request(&self.server.url, "POST", path, &headers, &body).await;
        Response::of(&raw.whole().await)
    }

    /// Changes the password from [`PASSWORD`]. Returns the cookie of the new session.
    pub async fn change_password(&self, cookie: &str, new: &str) -> String {
        let change = AccountChange::Password { current: PASSWORD.into(), new: new.into() };
        let response = self.response_to("/actions/account", cookie, &ChangeAccount { change }).await;
        assert_eq!(response.status, 200, "{}", response.body);
        response.cookie()
    }

    pub async fn change(&self, headers: &str, change: AccountChange) -> (u16, String) {
        self.call("/actions/account", headers, &ChangeAccount { change }).await
    }

    pub async fn change_user(&self, headers: &str, change: UserChange) -> (u16, String) {
        self.call("/actions/users", headers, &ChangeUser { change, password: PASSWORD.into() }).await
    }

    /// The header line with a new API token.
    pub async fn create_token(&self, cookie: &str, role: Role) -> String {
        self.create_token_with(cookie, PASSWORD, role).await
    }

    pub async fn create_token_with(&self, cookie: &str, password: &str, role: Role) -> String {
        let password = password.to_owned();
        let change = AccountChange::CreateToken { name: "grafana".into(), role, days: Some(1), password };
        let (status, body) = self.change(cookie, change).await;
        assert_eq!(status, 200, "{body}");
        format!("Authorization: Bearer {}\r\n", &body[body.find("qlt_").expect(&body)..])
    }

    pub async fn socket(&self, path: &str, cookie: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let address = self.server.url.trim_start_matches("tcp://");
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        if let Some((name, value)) = cookie.trim_end().split_once(": ") {
            request.headers_mut().insert(name.to_lowercase().parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        connect_async(request).await.unwrap().0
    }
}

/// Reads until the socket is closed. Returns the code.
pub async fn close_code(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> u16 {
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return frame.expect("it has a code").code.into();
            }
        }
        panic!("the socket ended without a close frame");
    };
    tokio::time::timeout(ENDS_WITHIN, closed).await.expect("it is closed")
}
