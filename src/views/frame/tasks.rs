//! Button that opens the task panel, with the number of running tasks. Shown once there has been a task.

use super::popover::popover;
use crate::{
    client::{Store, erased_memo, t},
    views::{
        lazy::lazy,
        panels::TasksOpen,
        tasks::TASKS_PANEL,
        widgets::{Icon, boxed},
    },
};
use leptos::prelude::*;

#[component]
pub fn TasksButton() -> impl IntoView {
    let board = expect_context::<Store>().tasks();
    let open = expect_context::<TasksOpen>().0;
    let counts = erased_memo(move || board.with(|board| (board.all().len(), board.running())));
    let is_there = erased_memo(move || counts.get().0 > 0);
    boxed(move || {
        is_there.get().then(|| {
            let label = erased_memo(move || match counts.get().1 {
                0 => t("Tasks").to_owned(),
                running => crate::t!("Tasks, {} running", running),
            });
            let running = move || counts.get().1;
            let face = view! {
                <Icon name="tasks" />
                {boxed(move || (running() > 0).then(|| view! { <b class="running">{running().min(99)}</b> }.into_any()))}
            }
            .into_any();
            popover(label, open, face, lazy(erased_memo(move || open.get()), TASKS_PANEL))
        })
    })
}
