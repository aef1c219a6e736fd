//! Button that opens the notification center, with its unread count.

use super::popover::popover;
use crate::{
    client::{Store, Toasts, erased_memo, t},
    views::{
        lazy::lazy,
        notification_center::NOTIFICATION_CENTER,
        panels::NotificationCenterOpen,
        widgets::{Icon, boxed},
    },
};
use leptos::prelude::*;

#[component]
pub fn Bell() -> impl IntoView {
    let (unread, failures) = (expect_context::<Store>().unread(), expect_context::<Toasts>().failures());
    let open = RwSignal::new(false);
    provide_context(NotificationCenterOpen(open));
    let count = erased_memo(move || unread.get() + failures.get());
    let label = erased_memo(move || match count.get() {
        0 => t("Notifications").to_owned(),
        count => crate::t!("Notifications, {} unread", count),
    });
    let face = view! {
        <Icon name="alerts" />
        {boxed(move || (count.get() > 0).then(|| view! { <b>{count.get().min(99)}</b> }.into_any()))}
    }
    .into_any();
    popover(label, open, face, lazy(erased_memo(move || open.get()), NOTIFICATION_CENTER))
}
