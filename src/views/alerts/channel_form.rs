//! Form of a notification channel. A stored secret shows as `***` and is kept if the field stays unchanged.

use super::{Page, form::form};
use crate::{
    client::t,
    model::{AlertChange, ChannelDraft, ChannelKind, ChannelSettings, MailSecurity},
    views::widgets::{boxed, choice, field},
};
use leptos::prelude::*;

type Draft = StoredValue<ChannelDraft>;

pub(super) fn channel_form(page: Page, draft: ChannelDraft) -> AnyView {
    let is_new = draft.id.is_empty();
    let title = if is_new { t("New channel").to_owned() } else { crate::t!("Edit {}", draft.name) };
    let (name, first) = (draft.name.clone(), draft.settings.kind());
    let draft = StoredValue::new(draft);
    let kind = RwSignal::new(first);
    let kinds = ChannelKind::ALL.iter().map(|it| (it.word(), t(it.word()))).collect();
    let choose = move |word: String| {
        let chosen = ChannelKind::ALL.into_iter().find(|it| it.word() == word).unwrap_or(first);
        draft.update_value(|draft| draft.settings = chosen.blank());
        kind.set(chosen);
    };
    let fields = view! {
        {field("Name", "text", name, "ops", Box::new(move |text| draft.update_value(|draft| draft.name = text)))}
        {is_new.then(|| choice("Type", kinds, first.word(), Box::new(choose)))}
        {boxed(move || { kind.track(); settings(draft) })}
    }
    .into_any();
    let change = move || Ok(AlertChange::PutChannel(draft.get_value()));
    form(page, title, fields, Box::new(change), "Channel saved")
}

fn settings(draft: Draft) -> AnyView {
    match draft.with_value(|draft| draft.settings.clone()) {
        ChannelSettings::Webhook { url, token } => view! {
            {text("Address", url, "https://example.org/hook", draft, 0)}
            {secret("Token (optional)", token, draft, 1)}
        }
        .into_any(),
        ChannelSettings::Ntfy { server, topic, token } => view! {
            {text("Server", server, "https://ntfy.sh", draft, 0)}
            {text("Topic", topic, "", draft, 1)}
            {secret("Token (optional)", token, draft, 2)}
        }
        .into_any(),
        ChannelSettings::Email { host, port, security, login, password, from, to } => {
            let securities = vec![("start_tls", "STARTTLS"), ("tls", "TLS"), ("plain", t("None (localhost only)"))];
            let chosen = match security {
                MailSecurity::StartTls => "start_tls",
                MailSecurity::Tls => "tls",
                MailSecurity::Plain => "plain",
            };
            view! {
                <div class="pair">
                    {text("SMTP server", host, "mail.example.org", draft, 0)}
                    {field("Port", "number", port.to_string(), "", typed(draft, 1))}
                </div>
                {choice("Encryption", securities, chosen, typed(draft, 2))}
                <div class="pair">
                    {text("Username (optional)", login, "", draft, 3)}
                    {secret("Password", password, draft, 4)}
                </div>
                {text("Sender", from, "quaylight@example.org", draft, 5)}
                {text("To (comma-separated)", to, "ops@example.org", draft, 6)}
            }
            .into_any()
        }
    }
}

fn text(label: &'static str, value: String, hint: &'static str, draft: Draft, nth: usize) -> AnyView {
    field(label, "text", value, hint, typed(draft, nth))
}

fn secret(label: &'static str, value: String, draft: Draft, nth: usize) -> AnyView {
    field(label, "password", value, "", typed(draft, nth))
}

/// Sets the nth field of this kind of channel.
fn typed(draft: Draft, nth: usize) -> Box<dyn FnMut(String)> {
    Box::new(move |text| draft.update_value(|draft| put(&mut draft.settings, nth, text)))
}

fn put(settings: &mut ChannelSettings, nth: usize, typed: String) {
    match (settings, nth) {
        (ChannelSettings::Webhook { url, .. }, 0) => *url = typed,
        (ChannelSettings::Webhook { token, .. }, _) => *token = typed,
        (ChannelSettings::Ntfy { server, .. }, 0) => *server = typed,
        (ChannelSettings::Ntfy { topic, .. }, 1) => *topic = typed,
        (ChannelSettings::Ntfy { token, .. }, _) => *token = typed,
        (ChannelSettings::Email { host, .. }, 0) => *host = typed,
        (ChannelSettings::Email { port, .. }, 1) => *port = typed.parse().unwrap_or_default(),
        (ChannelSettings::Email { security, .. }, 2) => {
            *security = match typed.as_str() {
                "tls" => MailSecurity::Tls,
                "plain" => MailSecurity::Plain,
                _ => MailSecurity::StartTls,
            }
        }
        (ChannelSettings::Email { login, .. }, 3) => *login = typed,
        (ChannelSettings::Email { password, .. }, 4) => *password = typed,
        (ChannelSettings::Email { from, .. }, 5) => *from = typed,
        (ChannelSettings::Email { to, .. }, _) => *to = typed,
    }
}
