//! Notification delivery to real servers on loopback that accept, refuse, hang or are unreachable.

use crate::{
    authority::Authority,
    mail_sink::{MailSink, Options},
    support::{TIMEOUT, eventually},
    web_receiver::{Answer, WebReceiver},
};
use quaylight::{
    model::{ContainerId, Timestamp},
    server::{
        alerts::notify::{
            Channel, DeliveryId, Dispatcher, Email, Login, Notification, NotifyError, Ntfy, Outbound, Outcome,
            Recipient, Retries, Secret, Security, Severity, State, Subject, Webhook,
        },
        clock::Clock,
    },
};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::broadcast, time::timeout};

fn notification() -> Notification {
    Notification {
        title: "web-1 is unhealthy: größer als ✓".into(),
        text: "Its health check fails.\n.hidden\n..\n.\nDas war's.".into(),
        severity: Severity::Critical,
        state: State::Firing,
        rule: "health".into(),
        subject: Some(Subject { name: "web-1".into(), id: Some(ContainerId::new(&"0123456789ab".repeat(5)).unwrap()) }),
        at: Timestamp::from_seconds(1_795_237_596),
        link: Some("http://127.0.0.1:7300/containers/0123456789ab".into()),
    }
}

fn webhook(address: SocketAddr) -> Channel {
    let url = format!("http://{address}/hook?key=s3cret-key").parse().unwrap();
    Channel::Webhook(Webhook { url, token: Some(Secret::new("s3cret-token")) })
}

fn email(address: SocketAddr, security: Security) -> Email {
    Email {
        host: "localhost".into(),
        port: address.port(),
        security,
        login: Some(Login { name: "ops".into(), password: Secret::new("s3cret-word") }),
        from: "Quaylight <quaylight@example.org>".into(),
        to: vec!["ops@example.org".into(), "Zoë <zoe@example.org>".into()],
    }
}

/// The AUTH PLAIN response for the login of [`email`].
const LOGIN: &str = "AG9wcwBzM2NyZXQtd29yZA==";

/// An outbound client that trusts no certificate authority.
fn trusting_none() -> Outbound {
    Outbound::trusting(Vec::new())
}

async fn send(channel: &Channel, outbound: &Outbound) -> Result<(), NotifyError> {
    let sent = channel.send(&notification(), DeliveryId::random(), outbound).await;
    if let Err(error) = &sent {
        let text = format!("{error} {error:?} {}", error.hint());
        assert!(!text.contains("s3cret"), "{text}");
        assert!(!error.hint().is_empty());
    }
    sent
}

#[tokio::test]
async fn a_webhook_gets_the_notification_as_json() {
    let receiver = WebReceiver::start([]).await;
    send(&webhook(receiver.address), &trusting_none()).await.unwrap();
    let [request] = receiver.requests().try_into().unwrap();
    assert_eq!(request.line, "POST /hook?key=s3cret-key");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["authorization"], "Bearer s3cret-token");
    assert_eq!(request.headers["quaylight-delivery"].len(), 32);
    let expected = json!({
        "title": "web-1 is unhealthy: größer als ✓",
        "text": "Its health check fails.\n.hidden\n..\n.\nDas war's.",
        "severity": "critical",
        "state": "firing",
        "rule": "health",
        "subject": {"name": "web-1", "id": "0123456789ab".repeat(5)},
        "at": "2026-11-21T05:06:36Z",
        "link": "http://127.0.0.1:7300/containers/0123456789ab",
    });
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
}

#[tokio::test]
async fn webhook_over_tls_requires_a_trusted_certificate() {
    let authority = Authority::new();
    let receiver = WebReceiver::secure(authority.acceptor()).await;
    let address = |host: &str| format!("https://{host}:{}/", receiver.address.port()).parse().unwrap();
    let channel = Channel::Webhook(Webhook { url: address("localhost"), token: None });
    send(&channel, &Outbound::trusting(vec![authority.root()])).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
    let by_address = Channel::Webhook(Webhook { url: address("127.0.0.1"), token: None });
    for (channel, root) in [(&channel, Authority::new().root()), (&by_address, authority.root())] {
        let error = send(channel, &Outbound::trusting(vec![root])).await.unwrap_err();
        assert!(matches!(error, NotifyError::Insecure { .. }) && !error.may_pass(), "{error:?}");
    }
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = WebReceiver::start([]).await;
    let location = format!("Location: http://{}/\r\n", elsewhere.address);
    let receiver = WebReceiver::start([Answer::Status("307 Temporary Redirect", location, "")]).await;
    let error = send(&webhook(receiver.address), &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Refused { code: 307, lasting: true, .. }), "{error:?}");
    assert!(error.hint().to_string().contains("redirects elsewhere"), "{}", error.hint());
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn http_refusal_includes_the_response_and_is_permanent_by_its_status() {
    for (status, lasting) in [
        ("404 Not Found", true),
        ("401 Unauthorized", true),
        ("429 Too Many Requests", false),
        ("500 Internal Server Error", false),
    ] {
        let receiver = WebReceiver::start([Answer::Status(status, String::new(), "no\r\nsuch  channel")]).await;
        let error = send(&webhook(receiver.address), &trusting_none()).await.unwrap_err();
        assert_eq!(error.may_pass(), !lasting, "{error:?}");
        let code = &status[..3];
        assert_eq!(error.to_string(), format!("http://{} rejected it with {code}: no such channel", receiver.address));
    }
}

#[tokio::test(start_paused = true)]
async fn unresponsive_server_times_out_after_ten_seconds() {
    let receiver = WebReceiver::start([Answer::Hang]).await;
    let start = tokio::time::Instant::now();
    let error = send(&webhook(receiver.address), &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Timeout { .. }) && error.may_pass(), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn ntfy_gets_title_priority_tags_and_click() {
    let receiver = WebReceiver::start([]).await;
    let server = format!("http://{}", receiver.address).parse().unwrap();
    let token = Some(Secret::new("s3cret-token"));
    send(&Channel::Ntfy(Ntfy { server, topic: Secret::new("s3cret-topic"), token }), &trusting_none()).await.unwrap();
    let [request] = receiver.requests().try_into().unwrap();
    assert_eq!((request.line.as_str(), request.headers["authorization"].as_str()), ("POST /", "Bearer s3cret-token"));
    let expected = json!({
        "topic": "s3cret-topic",
        "title": "web-1 is unhealthy: größer als ✓",
        "message": "Its health check fails.\n.hidden\n..\n.\nDas war's.",
        "priority": 5,
        "tags": ["rotating_light"],
        "click": "http://127.0.0.1:7300/containers/0123456789ab",
    });
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
}

#[tokio::test]
async fn email_preserves_leading_dots_and_non_ascii_text() {
    let sink = MailSink::start(Options { login: Some(LOGIN), ..Options::default() }).await;
    send(&Channel::Email(email(sink.address, Security::Plain)), &trusting_none()).await.unwrap();
    let [mail] = sink.mails().try_into().unwrap();
    assert_eq!(mail.from, "quaylight@example.org");
    assert_eq!(mail.to, ["ops@example.org", "zoe@example.org"]);
    assert!(mail.raw.is_ascii(), "the server has not said that it takes more: {}", mail.raw);
    assert!(mail.raw.contains("\r\n..hidden\r\n"), "{}", mail.raw);
    let read = mail.read().await;
    let headers = &read["headers"];
    assert_eq!(headers["subject"], "web-1 is unhealthy: größer als ✓");
    assert_eq!(headers["from"], "Quaylight <quaylight@example.org>");
    assert_eq!(headers["to"], "ops@example.org, Zoë <zoe@example.org>");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert_eq!(headers["date"], "Sat, 21 Nov 2026 05:06:36 +0000");
    assert!(headers["message-id"].as_str().unwrap().ends_with("@example.org>"), "{headers}");
    let text = read["text"].as_str().unwrap().replace("\r\n", "\n");
    assert!(text.starts_with("Its health check fails.\n.hidden\n..\n.\nDas war's.\n\nRule: health\n"), "{text}");
    assert!(text.contains("State: firing, critical\nContainer: web-1 (0123456789ab)\n"), "{text}");
    assert!(text.trim_end().ends_with("\n\nhttp://127.0.0.1:7300/containers/0123456789ab"), "{text}");
}

#[tokio::test]
async fn email_over_starttls_and_tls_requires_a_trusted_certificate() {
    let authority = Authority::new();
    let login = Some(LOGIN);
    for security in [Security::StartTls, Security::Tls] {
        let acceptor = Some(authority.acceptor());
        let options = match security {
            Security::StartTls => Options { start_tls: acceptor, login, ..Options::default() },
            _ => Options { tls: acceptor, login, ..Options::default() },
        };
        let sink = MailSink::start(options).await;
        let channel = Channel::Email(email(sink.address, security));
        let error = send(&channel, &trusting_none()).await.unwrap_err();
        assert!(matches!(error, NotifyError::Insecure { .. }), "{error:?}");
        send(&channel, &Outbound::trusting(vec![authority.root()])).await.unwrap();
        let [mail] = sink.mails().try_into().unwrap();
        assert!(mail.encrypted);
    }
}

/// A man in the middle could have removed the STARTTLS offer.
#[tokio::test]
async fn server_without_starttls_receives_no_password_and_no_mail() {
    let sink = MailSink::start(Options { login: Some(LOGIN), ..Options::default() }).await;
    let error = send(&Channel::Email(email(sink.address, Security::StartTls)), &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Insecure { .. }), "{error:?}");
    let heard = sink.heard();
    assert!(!heard.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{heard:?}");
}

#[tokio::test]
async fn smtp_refusal_is_permanent_or_temporary_by_its_code() {
    let sink = MailSink::start(Options { login: Some("AAAA"), ..Options::default() }).await;
    let error = send(&Channel::Email(email(sink.address, Security::Plain)), &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Refused { code: 535, lasting: true, .. }), "{error:?}");
    assert!(error.hint().to_string().contains("password"), "{}", error.hint());

    let refusals = ["451 4.7.1 greylisted, come back", "550 5.1.1 no such user"];
    let sink = MailSink::start(Options { refusals: refusals.into(), ..Options::default() }).await;
    let channel = Channel::Email(Email { login: None, ..email(sink.address, Security::Plain) });
    let error = send(&channel, &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Refused { code: 451, lasting: false, .. }), "{error:?}");
    let error = send(&channel, &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Refused { code: 550, lasting: true, .. }), "{error:?}");
    send(&channel, &trusting_none()).await.unwrap();
}

/// Retry delays short enough for a test.
const SOON: Retries = Retries { most: 50, first: Duration::from_millis(20), longest: Duration::from_millis(50) };

fn dispatcher() -> (Dispatcher, broadcast::Receiver<Outcome>) {
    let (dispatcher, rounds) = Dispatcher::open(trusting_none(), Clock::SYSTEM, SOON);
    tokio::spawn(rounds.run());
    let outcomes = dispatcher.outcomes();
    (dispatcher, outcomes)
}

fn recipient(name: &str, channel: Channel) -> Arc<Recipient> {
    Arc::new(Recipient { name: name.into(), channel })
}

async fn outcome(outcomes: &mut broadcast::Receiver<Outcome>) -> Outcome {
    timeout(TIMEOUT, outcomes.recv()).await.expect("an outcome comes").unwrap()
}

#[tokio::test]
async fn failed_delivery_is_retried_with_the_same_id_until_it_succeeds() {
    let failure = || Answer::status("503 Service Unavailable");
    let receiver = WebReceiver::start([failure(), failure()]).await;
    let (dispatcher, mut outcomes) = dispatcher();
    dispatcher.send(notification(), &[recipient("hook", webhook(receiver.address))]);
    let delivery = outcome(&mut outcomes).await;
    assert_eq!((delivery.channel.as_str(), delivery.tries, delivery.result), ("hook", 3, Ok(())));
    dispatcher.send(notification(), &[recipient("hook", webhook(receiver.address))]);
    assert_eq!(outcome(&mut outcomes).await.tries, 1);
    let ids: Vec<_> = receiver.requests().iter().map(|it| it.headers["quaylight-delivery"].clone()).collect();
    assert_eq!(ids.len(), 4);
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3], "{ids:?}");
}

#[tokio::test]
async fn notification_is_delivered_once_the_server_is_reachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = send(&webhook(address), &trusting_none()).await.unwrap_err();
    assert!(matches!(error, NotifyError::Unreachable { .. }) && error.to_string().contains("refused"), "{error:?}");

    let (dispatcher, mut outcomes) = dispatcher();
    dispatcher.send(notification(), &[recipient("hook", webhook(address))]);
    let receiver = WebReceiver::on(TcpListener::bind(address).await.unwrap(), None, []);
    assert_eq!(outcome(&mut outcomes).await.result, Ok(()));
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn hanging_channel_delays_no_other_channel() {
    let hanging = WebReceiver::start((0..10).map(|_| Answer::Hang)).await;
    let (receiver, sink) = (WebReceiver::start([]).await, MailSink::start(Options::default()).await);
    let (dispatcher, mut outcomes) = dispatcher();
    let mail = Email { login: None, ..email(sink.address, Security::Plain) };
    let to = [
        recipient("hanging", webhook(hanging.address)),
        recipient("hook", webhook(receiver.address)),
        recipient("mail", Channel::Email(mail)),
    ];
    for _ in 0..5 {
        dispatcher.send(notification(), &to);
    }
    for _ in 0..10 {
        let delivery = outcome(&mut outcomes).await;
        assert!(delivery.channel != "hanging" && delivery.result.is_ok(), "{delivery:?}");
    }
    assert_eq!((receiver.requests().len(), sink.mails().len()), (5, 5));
    eventually(TIMEOUT, "one try hangs", async || hanging.requests().len() == 1).await;
}

#[tokio::test]
async fn channel_test_is_sent_immediately_and_returns_its_outcome() {
    let receiver = WebReceiver::start([Answer::status("403 Forbidden")]).await;
    let (dispatcher, mut outcomes) = dispatcher();
    let channel = webhook(receiver.address);
    assert!(matches!(dispatcher.test(&channel).await, Err(NotifyError::Refused { code: 403, .. })));
    assert_eq!(dispatcher.test(&channel).await, Ok(()));
    let sent: Value = serde_json::from_str(&receiver.requests()[1].body).unwrap();
    assert_eq!((&sent["rule"], &sent["severity"]), (&json!("test"), &json!("info")));
    assert!(outcomes.try_recv().is_err(), "a test's outcome is not broadcast");
}
