//! Email notifications, sent through an SMTP server.

use super::{DeliveryId, Notification, NotifyError, Outbound, Secret, State, error::one_line};
use crate::{message, server::web_client::innermost};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write,
    net::IpAddr,
    time::{Duration, UNIX_EPOCH},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    pub host: String,
    pub port: u16,
    pub security: Security,
    #[serde(default)]
    pub login: Option<Login>,
    /// `name@host`, or `Name <name@host>`.
    pub from: String,
    pub to: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte: usually port 465.
    Tls,
    /// STARTTLS, required: usually port 587.
    StartTls,
    /// Unencrypted: only to this machine.
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub name: String,
    pub password: Secret,
}

impl Email {
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn check(&self) -> Result<(), NotifyError> {
        self.mailboxes()?;
        let is_here = self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        if self.security == Security::Plain && !is_here {
            let what = message!("Unencrypted email is only allowed to localhost. Use STARTTLS or TLS");
            return Err(NotifyError::Settings(what));
        }
        Ok(())
    }

    pub(super) async fn send(
        &self,
        notification: &Notification,
        delivery: DeliveryId,
        outbound: &Outbound,
    ) -> Result<(), NotifyError> {
        self.check()?;
        let message = self.message(notification, delivery)?;
        let transport = self.transport(outbound)?;
        transport.send(message).await.map_err(|error| self.explained(&error))?;
        Ok(())
    }

    fn mailboxes(&self) -> Result<(Mailbox, Vec<Mailbox>), NotifyError> {
        let mailbox = |text: &String| {
            let wrong = |_| {
                NotifyError::Settings(message!(
                    "\"{text}\" isn't a valid email address. Use name@host",
                    text = text.escape_debug().to_string()
                ))
            };
            text.trim().parse::<Mailbox>().map_err(wrong)
        };
        let to = self.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(NotifyError::Settings(message!("Enter at least one recipient")));
        }
        Ok((mailbox(&self.from)?, to))
    }

    fn message(&self, notification: &Notification, delivery: DeliveryId) -> Result<Message, NotifyError> {
        let (from, to) = self.mailboxes()?;
        let state = match notification.state {
            State::Firing => "",
            State::Resolved => "Resolved: ",
        };
        let since = Duration::from_micros(notification.at.micros().try_into().unwrap_or_default());
        let builder = Message::builder()
            .message_id(Some(format!("<{delivery}@{}>", from.email.domain())))
            .date(UNIX_EPOCH + since)
            .subject(one_line(&format!("{state}{}", notification.title)))
            .header(ContentType::TEXT_PLAIN)
            // Prevents automatic replies such as vacation notices (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .from(from);
        let message = to.into_iter().fold(builder, lettre::message::MessageBuilder::to).body(body(notification));
        message.map_err(|error| {
            NotifyError::Settings(message!("Couldn't compose the email: {error}", error = error.to_string()))
        })
    }

    fn transport(&self, outbound: &Outbound) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotifyError> {
        let encrypted = || {
            let mut parameters = TlsParameters::builder(self.host.clone()).certificate_store(CertificateStore::None);
            for root in outbound.roots() {
                let root = Certificate::from_der(root.to_vec()).map_err(|error| self.explained(&error))?;
                parameters = parameters.add_root_certificate(root);
            }
            parameters.build_rustls().map_err(|error| self.explained(&error))
        };
        let tls = match self.security {
            Security::Tls => Tls::Wrapper(encrypted()?),
            Security::StartTls => Tls::Required(encrypted()?),
            Security::Plain => Tls::None,
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host).port(self.port).tls(tls);
        let login = self.login.as_ref();
        let login = login.map(|it| Credentials::new(it.name.clone(), it.password.reveal().to_owned()));
        Ok(match login {
            Some(login) => transport.credentials(login).build(),
            None => transport.build(),
        })
    }

    fn explained(&self, error: &smtp::Error) -> NotifyError {
        let (place, cause) = (self.place(), innermost(error));
        if let Some(code) = error.status() {
            let (code, lasting) = (u16::from(code), error.is_permanent());
            return NotifyError::Refused { place, code, answer: one_line(&cause), lasting };
        }
        if error.is_timeout() {
            NotifyError::Timeout { place }
        } else if error.is_tls() || cause.contains("certificate") || cause.contains("STARTTLS") {
            NotifyError::Insecure { place, cause }
        } else if error.is_client() {
            NotifyError::Settings(message!("Can't connect to {place} this way: {cause}", place, cause))
        } else {
            NotifyError::Unreachable { place, cause }
        }
    }
}

fn body(notification: &Notification) -> String {
    let Notification { text, severity, state, rule, subject, at, link, .. } = notification;
    let state = match state {
        State::Firing => "firing",
        State::Resolved => "resolved",
    };
    let mut body = format!("{text}\n\nRule: {rule}\nState: {state}, {}\n", severity.as_str());
    if let Some(subject) = subject {
        let id = subject.id.as_ref().map(|id| format!(" ({})", id.short())).unwrap_or_default();
        let _ = writeln!(body, "Container: {}{id}", subject.name);
    }
    let _ = writeln!(body, "Time: {at}");
    if let Some(link) = link {
        let _ = writeln!(body, "\n{link}");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_email_settings_are_rejected_with_the_reason() {
        let good = Email {
            host: "127.0.0.1".into(),
            port: 25,
            security: Security::Plain,
            login: None,
            from: "q@example.org".into(),
            to: vec!["Ops <ops@example.org>".into()],
        };
        assert_eq!(good.check(), Ok(()));
        let wrong = |change: fn(&mut Email)| {
            let mut it = good.clone();
            change(&mut it);
            it.check().unwrap_err().to_string()
        };
        assert!(wrong(|it| it.host = "mail.example.org".into()).contains("STARTTLS"));
        assert!(wrong(|it| it.from = "someone".into()).contains("\"someone\""));
        assert!(wrong(|it| it.to.push("a b".into())).contains("\"a b\""));
        assert!(wrong(|it| it.to.clear()).contains("recipient"));
    }
}
