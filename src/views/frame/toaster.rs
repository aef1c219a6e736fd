//! The corner where notices appear.

use crate::{
    client::{Level, Toasts},
    views::widgets::Icon,
};
use leptos::prelude::*;

#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = expect_context::<Toasts>();
    view! {
        <section aria-label="Notices">
        <ol class="toasts" role="status">
            <For each=move || toasts.all() key=|toast| toast.number let:toast>
                <li class="toast" data-level=toast.level.as_str()>
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
                </li>
            </For>
        </ol>
        </section>
    }
}
