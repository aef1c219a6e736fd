//! Corner of the screen that shows toasts.

use crate::{
    client::{Level, Prefs, Store, Toasts, t, translate},
    model::{AlertState, Severity, ToastPreferences},
    views::widgets::{Icon, boxed},
    wire::Notice,
};
use leptos::prelude::*;

#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    let notices = expect_context::<Store>().notices();
    let prefs = expect_context::<Prefs>();
    Effect::new(move |seen: Option<u64>| {
        notices.with(|notices| {
            let wanted = |notice: &&Notice| prefs.read_untracked(|it| is_shown(&it.toasts, notice));
            let new: Vec<_> = notices.since(seen.unwrap_or_default()).filter(wanted).cloned().collect();
            untrack(|| new.into_iter().for_each(|notice| toasts.show(level(&notice), translate(&notice.text), None)));
            notices.count
        })
    });
    view! {
        <div class="toasts" role="status" aria-label=t("Notifications")>
            {boxed(move || toasts.all().into_iter().map(|toast| view! {
                <div class="toast" data-level=toast.level.as_str()>
                    <Icon name=match toast.level {
                        Level::Ok => "check",
                        Level::Info => "info",
                        Level::Warn => "warn",
                        Level::Error => "error",
                    } />
                    <p>
                        {toast.text}
                        {toast.detail.map(|detail| view! { <small>{detail}</small> }.into_any())}
                    </p>
                    <button class="button bare square" aria-label=t("Dismiss") on:click=move |_| toasts.dismiss(toast.number)>
                        <Icon name="close" />
                    </button>
                </div>
            }.into_any()).collect::<Vec<_>>())}
        </div>
    }
}

/// Whether a notice pops up as a toast. Notices that aren't alerts always do.
fn is_shown(toasts: &ToastPreferences, notice: &Notice) -> bool {
    match notice.alert {
        None => true,
        Some(AlertState::Resolved) => toasts.resolved && toasts.alerts.is_some(),
        Some(_) => toasts.alerts.is_some_and(|least| notice.level >= least),
    }
}

fn level(notice: &Notice) -> Level {
    match (notice.alert, notice.level) {
        (Some(AlertState::Resolved), _) => Level::Ok,
        (_, Severity::Info) => Level::Info,
        (_, Severity::Warning) => Level::Warn,
        (_, Severity::Critical) => Level::Error,
    }
}
