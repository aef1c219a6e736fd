//! The way to the notification centre, and how much in it has not been read.

use super::hanging::hanging;
use crate::{
    client::{Store, Toasts, derived, t},
    views::{
        later::{apart, centre},
        widgets::{Icon, live},
    },
};
use leptos::prelude::*;

/// Whether the notification centre is open.
#[derive(Clone, Copy)]
pub struct CentreOpen(pub RwSignal<bool>);

#[component]
pub fn Bell() -> impl IntoView {
    let (unread, failures) = (expect_context::<Store>().unread(), expect_context::<Toasts>().failures());
    let open = RwSignal::new(false);
    provide_context(CentreOpen(open));
    let count = derived(move || unread.get() + failures.get());
    let label = derived(move || match count.get() {
        0 => t("Notifications").to_owned(),
        count => crate::t!("Notifications, {} unread", count),
    });
    let face = view! {
        <Icon name="alerts" />
        {live(move || (count.get() > 0).then(|| view! { <b>{count.get().min(99)}</b> }.into_any()))}
    }
    .into_any();
    hanging(label, open, face, apart(derived(move || open.get()), || Box::pin(centre())))
}
