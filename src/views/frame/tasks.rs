//! The way to what takes long, and how much of it runs. There from the first task on.

use super::hanging::hanging;
use crate::{
    client::{Store, derived, t},
    views::{
        later::{apart, tasks},
        widgets::{Icon, live},
    },
};
use leptos::prelude::*;

/// Whether the panel of tasks is open: who starts one opens it.
#[derive(Clone, Copy)]
pub struct TasksOpen(pub RwSignal<bool>);

#[component]
pub fn TasksButton() -> impl IntoView {
    let board = expect_context::<Store>().tasks();
    let open = expect_context::<TasksOpen>().0;
    let counts = derived(move || board.with(|board| (board.all().len(), board.running())));
    let is_there = derived(move || counts.get().0 > 0);
    live(move || {
        is_there.get().then(|| {
            let label = derived(move || match counts.get().1 {
                0 => t("Tasks").to_owned(),
                running => crate::t!("Tasks, {} running", running),
            });
            let running = move || counts.get().1;
            let face = view! {
                <Icon name="tasks" />
                {live(move || (running() > 0).then(|| view! { <b class="running">{running().min(99)}</b> }.into_any()))}
            }
            .into_any();
            hanging(label, open, face, apart(derived(move || open.get()), || Box::pin(tasks())))
        })
    })
}
