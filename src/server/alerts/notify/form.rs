//! Conversion of channels to and from form settings.

use super::{Channel, Email, Login, NotifyError, Ntfy, Secret, Security, Webhook};
use crate::model::{ChannelKind, ChannelSettings, MASK, MailSecurity};

impl Channel {
    pub fn of(form: ChannelSettings) -> Result<Self, NotifyError> {
        let secret = |text: String| (!text.trim().is_empty()).then(|| Secret::new(text.trim()));
        Ok(match form {
            ChannelSettings::Webhook { url, token } => {
                Self::Webhook(Webhook { url: url.parse()?, token: secret(token) })
            }
            ChannelSettings::Ntfy { server, topic, token } => {
                Self::Ntfy(Ntfy { server: server.parse()?, topic: Secret::new(topic.trim()), token: secret(token) })
            }
            ChannelSettings::Email { host, port, security, login, password, from, to } => {
                let login = Some(login).filter(|name| !name.trim().is_empty());
                let words = to.split(',').map(str::trim).filter(|it| !it.is_empty());
                Self::Email(Email {
                    host: host.trim().to_owned(),
                    port,
                    security: match security {
                        MailSecurity::Tls => Security::Tls,
                        MailSecurity::StartTls => Security::StartTls,
                        MailSecurity::Plain => Security::Plain,
                    },
                    login: login.map(|name| Login { name, password: Secret::new(password) }),
                    from: from.trim().to_owned(),
                    to: words.map(str::to_owned).collect(),
                })
            }
        })
    }

    /// Tokens and passwords are masked. A topic is not: a user who may see the form has to know where notifications go.
    pub fn form(&self) -> ChannelSettings {
        let mask = |secret: &Option<Secret>| secret.as_ref().map(|_| MASK.to_owned()).unwrap_or_default();
        match self {
            Self::Webhook(it) => ChannelSettings::Webhook { url: it.url.as_str().to_owned(), token: mask(&it.token) },
            Self::Ntfy(it) => ChannelSettings::Ntfy {
                server: it.server.as_str().to_owned(),
                topic: it.topic.reveal().to_owned(),
                token: mask(&it.token),
            },
            Self::Email(it) => ChannelSettings::Email {
                host: it.host.clone(),
                port: it.port,
                security: match it.security {
                    Security::Tls => MailSecurity::Tls,
                    Security::StartTls => MailSecurity::StartTls,
                    Security::Plain => MailSecurity::Plain,
                },
                login: it.login.as_ref().map(|login| login.name.clone()).unwrap_or_default(),
                password: it.login.as_ref().map(|_| MASK.to_owned()).unwrap_or_default(),
                from: it.from.clone(),
                to: it.to.join(", "),
            },
        }
    }

    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Webhook(_) => ChannelKind::Webhook,
            Self::Ntfy(_) => ChannelKind::Ntfy,
            Self::Email(_) => ChannelKind::Email,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_round_trips_through_its_masked_form() {
        let email = ChannelSettings::Email {
            host: "mail.example.org".into(),
            port: 465,
            security: MailSecurity::Tls,
            login: "ops".into(),
            password: "s3cret".into(),
            from: "q@example.org".into(),
            to: "a@example.org, b@example.org".into(),
        };
        let webhook = ChannelSettings::Webhook { url: "https://hooks.example.org/x".into(), token: "s3cret".into() };
        for typed in [email, webhook] {
            let channel = Channel::of(typed).unwrap();
            let form = channel.form();
            assert!(!serde_json::to_string(&form).unwrap().contains("s3cret"));
            assert_eq!(Channel::of(form).unwrap().unmasked(Some(&channel)), Ok(channel));
        }
    }

    #[test]
    fn empty_token_is_absent_and_invalid_url_is_rejected() {
        let typed = ChannelSettings::Webhook { url: "https://hooks.example.org/x".into(), token: " ".into() };
        assert!(matches!(Channel::of(typed), Ok(Channel::Webhook(Webhook { token: None, .. }))));
        let typed = ChannelSettings::Webhook { url: "hooks".into(), token: String::new() };
        assert!(matches!(Channel::of(typed), Err(NotifyError::Settings(_))));
    }
}
