//! The corner where notices appear.

use crate::{
    client::{Level, Toasts},
    views::widgets::{Icon, live},
};
use leptos::prelude::*;

#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    view! {
                <div class="toasts" role="status" aria-label="Notices">
            {live(move || toasts.all().into_iter().map(|toast| view! {
                <div class="toast" data-level=toast.level.as_str()>
                    <Icon name=match toast.level {
                        Level::Ok => "check",
                        Level::Error => "error",
                    } />
                    <p>
                        {toast.text}
                        {toast.detail.map(|detail| view! { <small>{detail}</small> })}
                    </p>
                    <button class="button bare square" aria-label="Dismiss" on:click=move |_| toasts.dismiss(toast.number)>
                        <Icon name="close" />
                    </button>
                </div>
            }.into_any()).collect::<Vec<_>>())}
        </div>
    }
}
