//! List of notification channels.

use super::{Dialog, Page, rules::icon_button};
use crate::{
    client::{erased_memo, t},
    model::{AlertChange, ChannelDraft, ChannelInfo, ChannelKind},
    views::widgets::{boxed, button},
};
use leptos::prelude::*;

pub(super) fn channels(page: Page) -> AnyView {
    let channels = erased_memo(move || page.look(|book| (book.channels.clone(), book.may_configure)));
    let lines = boxed(move || {
        let (channels, may) = channels.get();
        channels.into_iter().map(|channel| line(page, channel, may)).collect::<Vec<_>>()
    });
    let is_empty = erased_memo(move || channels.with(|(channels, _)| channels.is_empty()));
    let may = erased_memo(move || channels.with(|(_, may)| *may));
    let add = move |_| {
        let settings = ChannelKind::Webhook.blank();
        page.ask(Dialog::Channel(ChannelDraft { id: String::new(), name: String::new(), settings }));
    };
    view! {
        <section aria-labelledby="channels">
            <header>
                <h2 id="channels">{t("Channels")}</h2>
                {boxed(move || may.get().then(|| button("button", "add", boxed(|| t("New channel").to_owned()), Box::new(add))))}
            </header>
            {boxed(move || is_empty.get().then(|| view! {
                <p class="quiet">{t("Alerts only appear in Quaylight. Add a channel to send them to a webhook, ntfy or email.")}</p>
            }.into_any()))}
            <ul class="alerts channels">{lines}</ul>
        </section>
    }
    .into_any()
}

fn line(page: Page, channel: ChannelInfo, may: bool) -> AnyView {
    let what = format!("{} · {}", t(channel.kind.word()), channel.place);
    let ChannelInfo { id, name, settings, .. } = channel;
    let acts = may.then(|| {
        let (tested, shown, deleted, of_deleted) = (id.clone(), name.clone(), id.clone(), name.clone());
        let test = move |_| {
            let done = crate::t!("Test message sent to {}", shown);
            page.change(AlertChange::TestChannel(tested.clone()), done, "Test notification not delivered");
        };
        let draft = settings.map(|settings| ChannelDraft { id, name: name.clone(), settings });
        let edit = move |_| page.ask(draft.clone().map(Dialog::Channel).unwrap_or_default());
        let delete = move |_| page.ask(Dialog::DeleteChannel(deleted.clone(), of_deleted.clone()));
        view! {
            <span class="acts">
                {button("button", "send", boxed(|| t("Send test").to_owned()), Box::new(test))}
                {icon_button("edit", crate::t!("Edit {}", name), Box::new(edit))}
                {icon_button("remove", crate::t!("Delete {}", name), Box::new(delete))}
            </span>
        }
        .into_any()
    });
    view! {
        <li data-channel=name.clone()>
            <b title=name.clone()>{name.clone()}</b>
            <small title=what.clone()>{what.clone()}</small>
            {acts}
        </li>
    }
    .into_any()
}
