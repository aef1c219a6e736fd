//! Sign-in with a password: who is refused, and what ends with a session.

use crate::{
    accounts::{ENDS_WITHIN, PASSWORD, World, close_code},
    raw_http::Raw,
    requests::{pages, rule},
    server_process::{ServerProcess, manage_users, refused},
    support::eventually,
};
use futures::{SinkExt, StreamExt, stream};
use leptos::server_fn::axum::server_fn_paths;
use quaylight::{
    actions::{alerts::ChangeAlerts, users::ChangeUser},
    model::{AccountChange, AlertChange, Condition, Role, UserChange},
    server::{auth::Access, http::table},
    sim::{Options, Sim},
    wire::{NOT_SIGNED_IN, routes::ACTION},
};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;

/// Fills the placeholders of a route.
fn filled(path: &str, id: &str) -> String {
    let path = path.replace("{id}", id).replace("{name}", "data").replace("{action}", "container.stop");
    path.replace("{step}", "create").replace("{token}", "x").replace("{image}", "x").replace("{volume}", "data")
}

/// CVE-2018-12678, CVE-2026-44848: requests that no check of the session had covered.
#[tokio::test]
async fn nothing_answers_without_sign_in_except_public_routes() {
    let world = World::start().await;
    let id = world.sim.truth().containers[0].id.clone();
    let expired = "Cookie: quaylight_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n";
    for set_up in [false, true] {
        if set_up {
            world.set_up().await;
        }
        for cookie in ["", expired] {
            for route in table().iter().filter(|route| route.access != Access::Public) {
                let path = filled(route.path, &id);
                let response = world.request(route.method.as_str(), &path, cookie, "").await;
                assert_eq!(response.status, 401, "{} {path}: {}", route.method, response.body);
                if route.path.starts_with("/ws") {
                    let mut socket = world.socket(&path, cookie).await;
                    assert_eq!(close_code(&mut socket).await, NOT_SIGNED_IN, "{path}");
                }
            }
            for (path, _) in server_fn_paths() {
                let response = world.request("POST", path, cookie, "").await;
                assert_eq!(response.status, 401, "{path}");
            }
            for page in pages().iter().map(|page| filled(page, &id)).chain(["/no-such-page".to_owned()]) {
                let response = world.get(&page, cookie).await;
                let location = response.header("location").unwrap_or_default();
                assert!(response.status == 303 && location.starts_with("/login"), "{page}: {}", response.head);
                assert!(!response.body.contains(&id));
            }
        }
    }
    let health = world.get("/healthz", "").await;
    assert_eq!((health.status, &*health.body), (200, r#"{"failed_tasks":[],"status":"ok"}"#));
    assert_eq!(world.sim.truth().requests.keys().filter(|it| it.starts_with("POST")).count(), 0);
}

#[tokio::test]
async fn the_setup_link_creates_one_user_who_can_sign_in() {
    let world = World::start().await;
    assert_eq!(world.get("/login", "").await.header("location"), Some("/setup"));
    assert!(world.get("/setup", "").await.body.contains("setup link"));
    assert!(world.get(&world.setup, "").await.body.contains("new-password"));
    let token = world.setup.split_once("token=").unwrap().1;
    let wrong = world.post_form("/setup", "token=wrong&name=eve&password=correct+horse+battery").await;
    assert_eq!(wrong.status, 403);
    let short = world.post_form("/setup", &format!("token={token}&name=anna&password=short")).await;
    assert_eq!(short.status, 422);
    assert!(short.body.contains("12 to 256 characters"), "{}", short.body);
    let named = world.post_form("/setup", &format!("token={token}&name=%3Cb%3E&password=correct+horse+battery")).await;
    assert_eq!(named.status, 409);
    assert!(!named.body.contains("<b>"), "{}", named.body);
    let cookie = world.set_up().await;
    let again = world.post_form("/setup", &format!("token={token}&name=eve&password=correct+horse+battery")).await;
    assert_eq!(again.status, 403);
    assert_eq!(world.get(&world.setup, "").await.header("location"), Some("/login"));
    assert_eq!(world.get("/api/state", &cookie).await.status, 200);
    let page = world.get("/containers?q=a", &cookie).await;
    assert_eq!(page.status, 200);
    let browsers = format!("{cookie}Accept-Encoding: gzip, br\r\n");
    let compressed = world.get("/containers?q=a", &browsers).await;
    assert!(compressed.head.contains("content-encoding: br"), "{}", compressed.head);
    assert!(compressed.body.ends_with("\r\n0\r\n\r\n"), "it ends with its last chunk");
    assert!(page.body.contains("data-user=\"anna\""));

    assert_eq!(world.sign_in("anna", "wrong", "").await.status, 401);
    let unknown = world.sign_in("eve", PASSWORD, "").await;
    assert!(unknown.status == 401 && unknown.body.contains("Wrong user name or password"), "{}", unknown.body);
    let login = world.get("/containers?q=a", "").await;
    assert_eq!(login.header("location"), Some("/login?next=%2Fcontainers%3Fq%3Da"));
    let signed_in = world.sign_in("anna", PASSWORD, "/containers?q=a").await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/containers?q=a")));
    let attributes = signed_in.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "/login"] {
        let next = world.sign_in("anna", PASSWORD, elsewhere).await;
        assert_eq!(next.header("location"), Some("/"), "{elsewhere}");
    }
    let foreign = "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.example\r\n";
    assert_eq!(world.request("POST", "/login", foreign, "name=anna&password=x").await.status, 403);

    let world = world.restarted();
    assert_eq!(world.get("/api/state", &cookie).await.status, 200, "the session outlives a restart");
    let files = std::fs::read_dir(world.folder.path())
        .unwrap()
        .flatten()
        .map(|it| std::fs::read(it.path()).unwrap_or_default());
    let secret = cookie.trim().split_once('=').unwrap().1.to_owned();
    for file in files {
        let contains = |text: &str| file.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(!contains(PASSWORD) && !contains(&secret), "neither is stored");
    }
}

#[tokio::test]
async fn open_connections_end_with_their_session() {
    let world = World::start().await;
    world.set_up().await;
    world.add_users();
    let id = world.sim.truth().containers[0].id.clone();
    let sign_in = async |name| world.sign_in(name, PASSWORD, "").await.cookie();
    // By its user, by another process that removes the user, and by one that changes the role.
    for (name, way) in [("anna", "logout"), ("vera", "removed"), ("omar", "changed")] {
        let cookie = sign_in(name).await;
        let mut state = world.socket("/ws", &cookie).await;
        assert!(matches!(state.next().await, Some(Ok(Message::Text(_)))));
        let mut logs =
            if name == "vera" { None } else { Some(world.socket(&format!("/ws/logs?ids={id}"), &cookie).await) };
        let mut stream = Raw::get_with(&world.server.url, "/api/stream", &cookie).await;
        stream.until("data:").await;
        match way {
            "logout" => assert_eq!(world.request("POST", "/logout", &cookie, "").await.status, 303),
            "removed" => drop(world.user(&["remove", name], "")),
            _ => drop(world.user(&["role", name, "viewer"], "")),
        }
        let began = Instant::now();
        assert_eq!(close_code(&mut state).await, NOT_SIGNED_IN, "{way}");
        if let Some(logs) = &mut logs {
            assert_eq!(close_code(logs).await, NOT_SIGNED_IN, "{way}");
        }
        stream.whole_within(ENDS_WITHIN).await;
        assert!(began.elapsed() < ENDS_WITHIN, "{:?}", began.elapsed());
        for path in ["/api/state", "/api/stream", "/metrics"] {
            assert_eq!(world.get(path, &cookie).await.status, 401, "{path} after {way}");
        }
    }
}

#[tokio::test]
async fn requests_without_sign_in_are_short_and_not_remembered() {
    let world = World::start().await;
    let anna = world.set_up().await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let long = world.request("POST", "/login", form, &format!("name=anna&password={}", "x".repeat(20_000))).await;
    assert_eq!(long.status, 413, "{}", long.body);
    let start = async |caller: &str, target: &str| {
        let headers = format!("{caller}Idempotency-Key: same\r\nContent-Type: application/json\r\n");
        let body = format!(r#"{{"target": "{target}"}}"#);
        world.request("POST", "/api/actions/container.start", &headers, &body).await.status
    };
    let (one, other) = ("0".repeat(64), "1".repeat(64));
    assert_eq!((start("", &one).await, start("", &other).await), (401, 401));
    assert_eq!((start(&anna, &one).await, start(&anna, &one).await, start(&anna, &other).await), (404, 404, 422));
}

/// As the output itself, which only callers who read logs may request.
#[tokio::test]
async fn task_steps_and_output_are_for_callers_who_may_read_logs() {
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let vera = world.sign_in("vera", PASSWORD, "").await.cookie();
    let headers = format!("{anna}Content-Type: application/json\r\n");
    eventually(Duration::from_secs(10), "the engine's first list", async || {
        world.get("/api/state", &anna).await.body.contains("reachable")
    })
    .await;
    let pull = world.request("POST", "/api/actions/image.pull", &headers, r#"{"target": "some/thing:2"}"#).await;
    assert_eq!(pull.status, 200, "{}", pull.body);
    let task = async |cookie: &str| {
        let tasks: Value = serde_json::from_str(&world.get("/api/tasks", cookie).await.body).unwrap();
        tasks["tasks"][0].clone()
    };
    let steps = |task: &Value| task["parts"].as_array().unwrap().len() + task["output"].as_array().unwrap().len();
    eventually(Duration::from_secs(10), "steps of the task", async || steps(&task(&anna).await) > 0).await;
    let seen = task(&vera).await;
    assert_eq!((seen["kind"].as_str(), steps(&seen)), (Some("pull"), 0), "{seen}");
    let mut stream = Raw::get_with(&world.server.url, "/api/stream?encoding=postcard", &vera).await;
    stream.until("thing:2").await;
    let layer = task(&anna).await["parts"][0]["id"].to_string();
    assert!(!stream.text().contains(layer.trim_matches('"')), "{layer}");
}

#[tokio::test]
async fn log_lines_of_alerts_are_for_callers_who_may_read_logs() {
    const LINE: &str = "/api/items/";
    const WITHOUT_LINE: &str = "logged a matching line";
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let vera = world.sign_in("vera", PASSWORD, "").await.cookie();
    let omar = world.sign_in("omar", PASSWORD, "").await.cookie();
    let mut socket = world.socket("/ws", &vera).await;
    let mut stream = Raw::get_with(&world.server.url, "/api/stream?encoding=postcard", &vera).await;
    let rule = ChangeAlerts { change: AlertChange::PutRule(rule("requests", Condition::Log { text: "GET".into() })) };
    assert_eq!(world.call("/actions/alerts", &anna, &rule).await.0, 200);
    let responses = async |cookie: &str| {
        let events = world.get("/api/events?kind=alert", cookie).await.body;
        let address = vec![("kind".to_owned(), "alert".to_owned())];
        [
            world.get("/api/alerts", cookie).await.body,
            events,
            world.call("/queries/events", cookie, &address).await.1,
            world.call("/queries/alerts", cookie, &()).await.1,
            world.call("/queries/notices", cookie, &()).await.1,
        ]
    };
    eventually(Duration::from_secs(20), "an operator reads the line everywhere", async || {
        responses(&omar).await.iter().all(|it| it.contains(LINE))
    })
    .await;
    for (at, response) in responses(&vera).await.iter().enumerate() {
        assert!(response.contains(WITHOUT_LINE) && !response.contains(LINE), "{at}: {response}");
    }
    stream.until(WITHOUT_LINE).await;
    assert!(!stream.text().contains(LINE), "{}", stream.text());
    loop {
        let message = socket.next().await.unwrap().unwrap().to_string();
        assert!(!message.contains(LINE), "{message}");
        if message.contains(WITHOUT_LINE) {
            break;
        }
    }
}

#[tokio::test]
async fn password_change_ends_all_sessions_and_replaces_the_current_one() {
    let world = World::start().await;
    let mine = world.set_up().await;
    let other = world.sign_in("anna", PASSWORD, "").await.cookie();
    let token = world.create_token(&mine, Role::Admin).await;
    let mut socket = world.socket("/ws", &other).await;
    let new = "another battery staple";
    let change = |current: &str, new: &str| AccountChange::Password { current: current.into(), new: new.into() };
    let (status, body) = world.change(&mine, change("wrong", new)).await;
    assert!(status != 200 && body.contains("current password is wrong"), "{status} {body}");
    let (status, body) = world.change(&mine, change(PASSWORD, "short")).await;
    assert!(status != 200 && body.contains("Passwords must have"), "{status} {body}");
    assert_eq!(world.get("/api/state", &other).await.status, 200);
    let mut stolen = world.socket("/ws", &mine).await;
    let renewed = world.change_password(&mine, new).await;
    assert_eq!(world.get("/api/state", &other).await.status, 401);
    for socket in [&mut socket, &mut stolen] {
        assert_eq!(close_code(socket).await, NOT_SIGNED_IN);
    }
    assert_eq!(world.get("/api/state", &mine).await.status, 401, "the token is replaced");
    assert_eq!(world.get("/api/state", &renewed).await.status, 200);
    assert_eq!(world.get("/api/state", &token).await.status, 200);
    assert_eq!(world.sign_in("anna", PASSWORD, "").await.status, 401);
    assert_eq!(world.sign_in("anna", new, "").await.status, 303);
}

#[tokio::test]
async fn sign_in_page_says_nothing_about_a_damaged_file() {
    let world = World::start().await;
    world.set_up().await;
    std::fs::write(world.folder.path().join("users.json"), r#"[{"name": "anna", "role": "$argon2id$secret"}]"#)
        .unwrap();
    let refused = world.sign_in("anna", PASSWORD, "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("sign in right now"), "{}", refused.body);
    assert!(!refused.body.contains("argon2id") && !refused.body.contains("users.json"), "{}", refused.body);
}

#[tokio::test]
async fn sign_in_replaces_the_session_of_the_browser() {
    let world = World::start().await;
    let before = world.set_up().await;
    let mut socket = world.socket("/ws", &before).await;
    let after = world.sign_in_with(&before, "anna", PASSWORD).await.cookie();
    assert_ne!(before, after);
    assert_eq!(close_code(&mut socket).await, NOT_SIGNED_IN);
    assert_eq!(world.get("/api/state", &before).await.status, 401);
    assert_eq!(world.get("/api/state", &after).await.status, 200);
}

#[tokio::test]
async fn users_end_their_own_sessions_only() {
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let vera = world.sign_in("vera", PASSWORD, "").await.cookie();
    let second = world.sign_in("vera", PASSWORD, "").await.cookie();
    let (_, account) = world.call("/queries/account", &anna, &()).await;
    let id = account.as_bytes().windows(16).find(|it| it.iter().all(u8::is_ascii_hexdigit)).unwrap();
    let id = String::from_utf8(id.to_vec()).unwrap();
    for change in [AccountChange::EndSession { id: id.clone() }, AccountChange::RevokeToken { id }] {
        world.change(&vera, change).await;
    }
    assert_eq!(world.get("/api/state", &anna).await.status, 200);
    assert_eq!(world.change(&vera, AccountChange::EndOtherSessions).await.0, 200);
    assert_eq!(world.get("/api/state", &second).await.status, 401);
    assert_eq!(world.get("/api/state", &vera).await.status, 200);
}

#[tokio::test]
async fn api_token_gives_its_role_until_it_is_revoked() {
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let omar = world.sign_in("omar", PASSWORD, "").await.cookie();
    let create = |role, password: &str| AccountChange::CreateToken {
        name: "x".into(),
        role,
        days: None,
        password: password.into(),
    };
    let (status, body) = world.change(&omar, create(Role::Viewer, "wrong")).await;
    assert!(status != 200 && body.contains("current password is wrong"), "{status} {body}");
    let above = create(Role::Admin, PASSWORD);
    let (status, body) = world.change(&omar, above).await;
    assert!(status != 200 && body.contains("Your role doesn't allow this"), "{status} {body}");
    let (viewer, operator) =
        (world.create_token(&anna, Role::Viewer).await, world.create_token(&omar, Role::Operator).await);
    for path in ["/metrics", "/api/state", "/containers"] {
        assert_eq!(world.get(path, &viewer).await.status, 200, "{path}");
    }
    let id = world.sim.truth().containers[0].id.clone();
    let logs = format!("/api/containers/{id}/logs");
    assert_eq!(world.get(&logs, &viewer).await.status, 403);
    assert_eq!(world.get(&logs, &operator).await.status, 200);
    let invalid = "Authorization: Bearer qlt_wrong\r\n";
    assert_eq!(world.get("/metrics", invalid).await.status, 401);
    assert_eq!(
        world.get("/metrics", &format!("{anna}{invalid}")).await.status,
        401,
        "the token counts, if there is one"
    );
    // Of a proxy in front.
    assert_eq!(world.get("/metrics", &format!("{anna}Authorization: Basic YTpi\r\n")).await.status, 200);
    let (status, body) = world.change(&viewer, AccountChange::EndOtherSessions).await;
    assert!(status != 200 && body.contains("Sign in with a password"), "a token manages no account: {status} {body}");

    let (_, account) = world.call("/queries/account", &anna, &()).await;
    assert!(account.contains("grafana") && !account.contains("qlt_"), "{account}");
    let mut socket = world.socket("/ws", &operator).await;
    let mut stream = Raw::get_with(&world.server.url, "/api/stream", &operator).await;
    stream.until("data:").await;
    world.user(&["role", "omar", "viewer"], "");
    assert_eq!(close_code(&mut socket).await, NOT_SIGNED_IN, "its role is above the user's");
    stream.whole_within(ENDS_WITHIN).await;
    assert_eq!(world.get("/api/state", &operator).await.status, 401);
    let world = world.restarted();
    assert_eq!(world.get("/metrics", &viewer).await.status, 200, "it outlives a restart");
}

#[tokio::test]
async fn admins_manage_other_users_and_each_change_ends_their_sessions() {
    let world = World::start().await;
    let anna = world.set_up().await;
    let name = || "ben".to_owned();
    // After the length of the text in postcard.
    let password_of = |body: &str| body[body.len() - 22..].to_owned();
    let (status, body) =
        world.change_user(&anna, UserChange::Add { name: name(), role: Role::Operator, scope: None }).await;
    assert_eq!(status, 200, "{body}");
    let first = password_of(&body);
    let ben = world.sign_in("ben", &first, "").await.cookie();
    let token = world.create_token_with(&ben, &first, Role::Operator).await;
    let (_, users) = world.call("/queries/users", &anna, &()).await;
    assert!(users.contains("anna") && users.contains("ben") && !users.contains("argon2"), "{users}");

    let refused = async |headers: &str, change: UserChange, words: &str| {
        let (status, body) = world.change_user(headers, change).await;
        assert!(status != 200 && body.contains(words), "{status} {body}");
    };
    refused(&anna, UserChange::Add { name: "BEN".into(), role: Role::Viewer, scope: None }, "already exists").await;
    refused(&anna, UserChange::Add { name: "<b>".into(), role: Role::Viewer, scope: None }, "User names have").await;
    refused(&anna, UserChange::Remove { name: "eve".into() }, "There is no user {name}").await;
    for change in [
        UserChange::Remove { name: "anna".into() },
        UserChange::ChangeRole { name: "anna".into(), role: Role::Viewer, scope: None },
        UserChange::ResetPassword { name: "anna".into() },
    ] {
        refused(&anna, change, "Another admin must change your user").await;
    }
    let wrong = ChangeUser { change: UserChange::Remove { name: name() }, password: "wrong".into() };
    let (status, body) = world.call("/actions/users", &anna, &wrong).await;
    assert!(status != 200 && body.contains("current password is wrong"), "{status} {body}");
    let admin_token = world.create_token(&anna, Role::Admin).await;
    refused(&admin_token, UserChange::Remove { name: name() }, "Sign in with a password").await;
    assert_eq!(world.get("/api/state", &ben).await.status, 200, "nothing has changed");

    let mut socket = world.socket("/ws", &ben).await;
    assert_eq!(world.change_user(&anna, UserChange::ResetPassword { name: name() }).await.0, 200);
    assert_eq!(close_code(&mut socket).await, NOT_SIGNED_IN);
    assert_eq!(world.sign_in("ben", &first, "").await.status, 401);
    let (_, body) = world.change_user(&anna, UserChange::ResetPassword { name: name() }).await;
    let second = password_of(&body);
    let ben = world.sign_in("ben", &second, "").await.cookie();
    assert_eq!(world.get("/api/state", &token).await.status, 401, "a reset revokes tokens");
    let token = world.create_token_with(&ben, &second, Role::Operator).await;
    assert_eq!(world.get("/api/state", &token).await.status, 200);

    assert_eq!(world.change_user(&anna, UserChange::EndSessions { name: name() }).await.0, 200);
    for credential in [&ben, &token] {
        assert_eq!(world.get("/api/state", credential).await.status, 401);
    }
    assert_eq!(world.get("/api/state", &anna).await.status, 200, "of others");
    refused(&anna, UserChange::EndSessions { name: "eve".into() }, "There is no user {name}").await;
    let ben = world.sign_in("ben", &second, "").await.cookie();
    let token = world.create_token_with(&ben, &second, Role::Operator).await;

    let change = UserChange::ChangeRole { name: name(), role: Role::Viewer, scope: None };
    assert_eq!(world.change_user(&anna, change).await.0, 200);
    for credential in [&ben, &token] {
        assert_eq!(world.get("/api/state", credential).await.status, 401);
    }
    let ben = world.sign_in("ben", &second, "").await.cookie();
    let token = world.create_token_with(&ben, &second, Role::Viewer).await;
    assert_eq!(world.change_user(&anna, UserChange::Remove { name: name() }).await.0, 200);
    for credential in [&ben, &token] {
        assert_eq!(world.get("/api/state", credential).await.status, 401);
    }
    assert_eq!(world.sign_in("ben", &second, "").await.status, 401);

    eventually(Duration::from_secs(5), "the history has the changes", async || {
        let events = world.get("/api/events?q=anna", &anna).await.body;
        let recorded = |action: &str, role: &str| {
            events.lines().any(|it| it.contains(action) && it.contains("\"ben\"") && it.contains(role))
        };
        recorded("add", "operator")
            && recorded("reset_password", "")
            && recorded("end_sessions", "")
            && recorded("change_role", "viewer")
            && recorded("remove", "")
            && !events.contains(&second)
    })
    .await;
}

#[tokio::test]
async fn sign_ins_and_clients_are_recorded_for_admins_only() {
    let world = World::start().await;
    let anna = world.set_up().await;
    world.add_users();
    let container = world.sim.truth().containers[0].id.clone();
    assert_eq!(world.sign_in("vera", "wrong", "").await.status, 401);
    let vera = world.sign_in("vera", PASSWORD, "").await.cookie();
    let mut live = world.socket("/ws", &vera).await;
    live.send(Message::text(r#"{"type": "subscribe", "channels": ["events"]}"#)).await.unwrap();
    let token = world.create_token(&anna, Role::Admin).await;
    let headers = format!("{token}Content-Type: application/json\r\n");
    let stop = ACTION.replace("{action}", "container.stop");
    let stopped = world.request("POST", &stop, &headers, &format!(r#"{{"target": "{container}"}}"#)).await;
    assert_eq!(stopped.status, 200, "{}", stopped.body);
    assert_eq!(world.request("POST", "/logout", &anna, "").await.status, 303);

    let events = async |credential: &str, query: &str| -> Vec<Value> {
        let page = world.get(&format!("/api/events?{query}"), credential).await.body;
        serde_json::from_str::<Value>(&page).expect(&page)["events"].as_array().unwrap().clone()
    };
    let entry = |event: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let client = text(&event["attributes"]["address"]);
        (text(&event["action"]), text(&event["name"]), text(&event["actor"]), client)
    };
    let row = |action: &str, name: &str, actor: &str| {
        (action.to_owned(), name.to_owned(), actor.to_owned(), "127.0.0.1".to_owned())
    };
    // Newest first. A failed sign-in has no actor.
    let all: Vec<_> = events(&token, "kind=user").await.iter().map(entry).collect();
    let expected = [
        row("sign_out", "anna", "anna"),
        row("create_token", "anna", "anna"),
        row("sign_in", "vera", "vera"),
        row("sign_in", "vera", ""),
        row("set_up", "anna", "anna"),
    ];
    assert_eq!(all, expected);
    assert_eq!(events(&vera, "kind=user").await.iter().map(entry).collect::<Vec<_>>(), expected[2..3]);
    let exported = world.get("/api/events?format=ndjson", &vera).await.body;
    assert!(exported.contains("sign_in") && !exported.contains("create_token"), "{exported}");

    let of_the_stop = async |credential: &str| {
        let found = events(credential, "action=stop&by=users").await;
        assert_eq!((found.len(), &found[0]["actor"]), (1, &Value::from("anna")));
        found[0]["attributes"].clone()
    };
    let seen = of_the_stop(&token).await;
    assert_eq!((&seen["token"], &seen["address"]), (&Value::from("grafana"), &Value::from("127.0.0.1")));
    let seen = of_the_stop(&vera).await;
    assert!(seen.get("token").is_none() && seen.get("address").is_none(), "{seen}");

    // The viewer's socket, up to the stop.
    loop {
        let Some(Ok(Message::Text(text))) = live.next().await else { panic!("the socket has closed") };
        assert!(!text.contains("create_token") && !text.contains(r#""token":"#), "{text}");
        if text.contains(r#""actor":"anna""#) {
            break;
        }
    }
}

#[tokio::test]
async fn wrong_passwords_are_throttled_by_address() {
    let world = World::start().await;
    world.set_up().await;
    let mut failures = 0;
    let refused = loop {
        let response = world.sign_in("anna", "wrong", "").await;
        if response.status != 401 {
            break response;
        }
        failures += 1;
        // On a busy machine a check may take longer than the first waits.
        assert!(failures < 10, "no wait after {failures} failures");
    };
    assert!(failures >= 5, "{failures}");
    assert!(refused.status == 429 && refused.body.contains("Try again in"), "{}", refused.body);
    eventually(Duration::from_secs(40), "the end of the wait", async || {
        world.sign_in("anna", PASSWORD, "").await.status == 303
    })
    .await;
}

/// 100 wrong passwords a second from 50 addresses.
#[tokio::test]
async fn owner_signs_in_within_a_second_while_others_guess_the_password() {
    const GUESSES: u32 = 1_000;
    let world = World::start_with(&[("QUAYLIGHT_TRUSTED_PROXIES", "127.0.0.1")]).await;
    world.set_up().await;
    let from = |address: String| format!("X-Forwarded-For: {address}\r\n");
    let owner_signs_in = async || {
        let began = Instant::now();
        let response = world.sign_in_with(&from("198.51.100.1".into()), "anna", PASSWORD).await;
        assert_eq!(response.status, 303, "{}", response.body);
        began.elapsed()
    };
    let guess = async |number: u32| {
        tokio::time::sleep(Duration::from_millis(10) * number).await;
        world.sign_in_with(&from(format!("192.0.2.{}", number % 50)), "anna", "wrong").await.status
    };
    let mut alone = owner_signs_in().await;
    for _ in 0..2 {
        alone = alone.max(owner_signs_in().await);
    }
    let guesses = stream::iter(0..GUESSES).map(guess).buffer_unordered(GUESSES as usize).collect::<Vec<_>>();
    let owner = async {
        let (mut slowest, mut memory) = (Duration::ZERO, Vec::new());
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(450)).await;
            slowest = slowest.max(owner_signs_in().await);
            memory.push(world.server.anonymous_memory());
        }
        (slowest, memory)
    };
    let (statuses, (slowest, memory)) = futures::join!(guesses, owner);
    let count = |status: u16| statuses.iter().filter(|it| **it == status).count();
    eprintln!(
        "{} wrong, {} refused; slowest sign-in {slowest:?}, without guesses {alone:?}; MB: {memory:?}",
        count(401),
        count(429)
    );
    assert_eq!(count(401) + count(429), GUESSES as usize);
    // After 50, the account is closed to the addresses that have failed.
    assert!((50..100).contains(&count(401)), "{}", count(401));
    // On a machine that is busy with something else, passwords take longer: the owner's may wait for 50 others, two at a time.
    assert!(slowest < Duration::from_secs(1).max(27 * alone), "{slowest:?}, without guesses {alone:?}");
    // Two password checks at a time need 38 MB.
    let (least, most) = (memory.iter().min().unwrap(), memory.iter().max().unwrap());
    assert!(most - least <= 48, "{memory:?}");
}

#[tokio::test]
async fn clients_of_a_trusted_proxy_are_throttled_one_by_one_and_others_cannot_choose_their_address() {
    let world = World::start_with(&[("QUAYLIGHT_TRUSTED_PROXIES", "127.0.0.1")]).await;
    world.set_up().await;
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    let throttled = async |world: &World, address: &dyn Fn(usize) -> String| {
        for attempt in 0..10 {
            let response = world.sign_in_with(&from(&address(attempt)), "anna", "wrong").await;
            if response.status == 429 {
                return true;
            }
            assert_eq!(response.status, 401);
        }
        false
    };
    // What the client itself sends comes first.
    assert!(throttled(&world, &|attempt| format!("198.51.100.{attempt}, 192.0.2.7")).await);
    assert_eq!(world.sign_in_with(&from("192.0.2.8"), "anna", PASSWORD).await.status, 303);

    let untrusting = World::start().await;
    untrusting.set_up().await;
    assert!(throttled(&untrusting, &|attempt| format!("192.0.2.{attempt}")).await);
}

#[tokio::test]
async fn cookie_is_secure_on_https() {
    let world = World::start_with(&[("QUAYLIGHT_HOSTS", "docker.example.com")]).await;
    world.set_up().await;
    let http = world.sign_in("anna", PASSWORD, "").await;
    assert!(!http.header("set-cookie").unwrap().contains("Secure"));
    let https = world.sign_in_with("Origin: https://docker.example.com\r\n", "anna", PASSWORD).await;
    let cookie = https.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-quaylight_session=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(world.get("/api/state", &https.cookie()).await.status, 200);
    let page = world.get("/login", &https.cookie()).await;
    assert_eq!((page.status, page.header("set-cookie")), (303, None), "the session is valid");
    let out = world.request("POST", "/logout", &https.cookie(), "").await;
    assert_eq!(out.head.matches("Max-Age=0").count(), 2, "{}", out.head);
    assert_eq!(world.get("/api/state", &https.cookie()).await.status, 401);
    let page = world.get("/login?next=%2Fsettings", &https.cookie()).await;
    assert_eq!((page.status, page.head.matches("Max-Age=0").count()), (200, 2), "{}", page.head);
}

#[tokio::test]
async fn server_without_sign_in_that_other_machines_can_reach_must_be_allowed_and_says_so() {
    let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let open = [("DOCKER_HOST", sim.url()), ("QUAYLIGHT_LISTEN", "0.0.0.0:0"), ("QUAYLIGHT_AUTH", "none")];
    assert!(refused(&open, folder.path()).contains("allow-open-network"));
    std::fs::write(folder.path().join("Leptos.toml"), "[auth]\nallow-open-network = true\n").unwrap();
    let server = ServerProcess::start_with(&open, folder.path());
    for page in ["/", "/containers", "/settings"] {
        let html = Raw::get(&server.url, page).await.whole().await;
        assert!(html.contains("Anyone who can reach this address controls the Docker host."), "{page}");
    }
    drop(server);
    let local = ServerProcess::start_with(&[("DOCKER_HOST", sim.url())], folder.path());
    assert!(!Raw::get(&local.url, "/").await.whole().await.contains("Anyone who can reach"));
}

#[tokio::test]
async fn trusted_proxies_sign_users_in_and_other_clients_cannot() {
    let (sim, folder) = (Sim::start(Options::default()).await.unwrap(), tempfile::tempdir().unwrap());
    let file = "[auth]\nadmin-groups = [\"admins\"]\noperator-groups = [\"ops\"]\n";
    std::fs::write(folder.path().join("Leptos.toml"), file).unwrap();
    let start = |trusted: &str| {
        let env = [("DOCKER_HOST", sim.url()), ("QUAYLIGHT_AUTH", "proxy"), ("QUAYLIGHT_TRUSTED_PROXIES", trusted)];
        ServerProcess::start_with(&env, folder.path())
    };
    let get = async |server: &ServerProcess, path: &str, headers: &str| {
        let text = Raw::get_with(&server.url, path, headers).await.whole().await;
        (text.split(' ').nth(1).unwrap().parse::<u16>().unwrap(), text)
    };
    let admin = "Remote-User: anna\r\nRemote-Groups: users,admins\r\n";
    let operator = "Remote-User: omar\r\nRemote-Groups: ops\r\n";
    let viewer = "Remote-User: vera\r\n";
    let id = sim.truth().containers[0].id.clone();
    let logs = format!("/api/containers/{id}/logs");
    let registries = "/queries/registries";

    let server = start("127.0.0.1");
    eventually(Duration::from_secs(10), "the engine's first list", async || {
        get(&server, "/api/state", viewer).await.1.contains(&id)
    })
    .await;
    for (headers, may_read) in [(admin, true), (operator, true), (viewer, false)] {
        assert_eq!(get(&server, "/api/state", headers).await.0, 200);
        assert_eq!(get(&server, &logs, headers).await.0, if may_read { 200 } else { 403 }, "{headers}");
    }
    for (headers, status) in [(admin, 200), (operator, 403), (viewer, 403)] {
        let headers = format!("{headers}Content-Type: application/x-postcard\r\n");
        let text = Raw::request(&server.url, "POST", registries, &headers, b"").await.whole().await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {text}");
    }
    let (status, page) = get(&server, "/settings", admin).await;
    assert!(status == 200 && page.contains("data-user=\"anna\"") && page.contains("data-role=\"admin\""));
    assert_eq!(get(&server, "/api/state", "").await.0, 401);
    assert_eq!(get(&server, "/containers", "").await.0, 303);
    let (status, page) = get(&server, "/login", "").await;
    assert!(status == 401 && page.contains("sent no remote-user header"), "{page}");
    assert_eq!(get(&server, "/login", viewer).await.0, 303);
    assert_eq!(get(&server, "/api/state", &format!("{viewer}{admin}")).await.0, 401, "two users");
    drop(server);

    let server = start("192.0.2.1");
    assert_eq!(get(&server, "/api/state", admin).await.0, 401);
    let forwarded = format!("{admin}X-Forwarded-For: 192.0.2.1\r\n");
    assert_eq!(get(&server, "/api/state", &forwarded).await.0, 401, "the connection's own address counts");
    let (_, page) = get(&server, "/login", admin).await;
    assert!(page.contains("to trusted-proxies"), "{page}");
}

#[tokio::test]
async fn users_are_managed_from_the_command_line() {
    let world = World::start().await;
    world.set_up().await;
    let password = world.user(&["add", "ben"], "");
    let password = password.trim().strip_prefix("Password: ").unwrap();
    let cookie = world.sign_in("ben", password, "").await.cookie();
    assert_eq!(world.get("/api/state", &cookie).await.status, 200);
    assert_eq!(world.user(&["list"], ""), "anna\tadmin\nben\tviewer\n");
    world.user(&["reset", "ben", "--password-stdin"], "another long password\n");
    assert_eq!(world.get("/api/state", &cookie).await.status, 401, "the reset ends the sessions");
    assert_eq!(world.sign_in("ben", password, "").await.status, 401);
    assert_eq!(world.sign_in("ben", "another long password", "").await.status, 303);
    let refused = |arguments: &[&str], input| manage_users(world.folder.path(), arguments, input).unwrap_err();
    assert!(refused(&["remove", "anna"], "").contains("only admin"));
    assert!(refused(&["reset", "eve"], "").contains("no user eve"));
    assert!(refused(&["add", "eve", "--role", "root"], "").contains("viewer, operator, admin"));
    assert!(refused(&["reset", "ben", "--password-stdin"], "short").contains("12 to 256"));
}
