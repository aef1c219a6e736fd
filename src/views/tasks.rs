//! Task panel: progress and results of long-running tasks, and a button to cancel each.

use super::{
    format,
    lazy::lazy_code,
    may,
    rows::{RowKey, keyed},
    widgets::{Ago, Icon, boxed, on_click},
};
use crate::{
    actions::requests::cancel_task,
    client::{ArcDerived, Store, Toasts, effect, erased_memo, scoped_memo, t, translate},
    model::{Permission, Progress, Task, TaskKind, TaskPart, TaskState},
};
use leptos::{html, prelude::*, task::spawn_local};

lazy_code!(pub(super) TASKS_PANEL in pages: tasks_panel());

fn tasks_panel() -> AnyView {
    let board = expect_context::<Store>().tasks();
    let panel = NodeRef::<html::Div>::new();
    effect(move || {
        if let Some(panel) = panel.get() {
            let _ = panel.focus();
        }
    });
    // Latest first.
    let lines = erased_memo(move || {
        board.with(|board| board.all().iter().rev().map(|it| RowKey::Number(it.id.0)).collect::<Vec<_>>())
    });
    view! {
        <div class="notification-center tasks" role="dialog" aria-labelledby="tasks" tabindex="-1" node_ref=panel>
            <div class="title">
                <h2 id="tasks">{t("Tasks")}</h2>
            </div>
            <ul>{keyed(move || lines.get(), line)}</ul>
        </div>
    }
    .into_any()
}

fn line(line: RowKey) -> AnyView {
    let RowKey::Number(id) = line else { return ().into_any() };
    let board = expect_context::<Store>().tasks();
    let task = scoped_memo(move || board.with(|board| board.all().iter().find(|it| it.id.0 == id)?.unpack()));
    let Some(now) = task.get_untracked() else { return ().into_any() };
    item(now, task)
}

fn item(now: Task, task: ArcDerived<Option<Task>>) -> AnyView {
    let read = move |task: &ArcDerived<Option<Task>>| task.get();
    let of = {
        let task = task.clone();
        move |read_it: fn(Task) -> String| {
            let task = task.clone();
            boxed(move || read(&task).map(read_it).unwrap_or_default())
        }
    };
    let state = of(|it| word(it.state).to_owned());
    let head = of(|it| t(it.kind.in_words(it.state)).to_owned());
    let words = of(|it| translate(&it.words));
    let hint = {
        let task = task.clone();
        boxed(move || {
            read(&task).and_then(|it| it.hint).map(|hint| view! { <p class="hint">{translate(&hint)}</p> }.into_any())
        })
    };
    let bar = {
        let task = task.clone();
        boxed(move || read(&task).filter(|it| it.state == TaskState::Running).map(|it| bar(it.progress, &subject(&it))))
    };
    let cancel = {
        let (task, toasts, host, id) = (task.clone(), expect_context::<Toasts>(), now.host.clone(), now.id);
        let label = crate::t!("Cancel {} of {}", t(now.kind.verb()).to_lowercase(), subject(&now));
        let may_cancel = may(Permission::Create);
        boxed(move || {
            let is_running = read(&task).is_some_and(|it| it.state == TaskState::Running);
            (may_cancel && is_running).then(|| {
                let (host, label) = (host.clone(), label.clone());
                let press = move |_| {
                    let host = host.clone();
                    spawn_local(async move {
                        if let Err(error) = cancel_task(host, id).await {
                            toasts.failed(t("This task can't be cancelled"), &error);
                        }
                    });
                };
                view! { <button class="button" aria-label=label on:click=on_click(press)>{t("Cancel")}</button> }
                    .into_any()
            })
        })
    };
    let time = {
        let task = task.clone();
        boxed(move || {
            let time = read(&task).map(|it| it.ended.unwrap_or(it.started))?;
            Some(view! { <Ago time /> }.into_any())
        })
    };
    view! {
        <li data-task=now.id.0.to_string() data-state=state>
            <Icon name=icon(now.kind) />
            <div>
                <p><span>{head} " "</span><b>{subject(&now)}</b></p>
                <p class="words">{words}</p>
                {hint}
                {bar}
                {more(task)}
            </div>
            <div class="end">{time} {cancel}</div>
        </li>
    }
    .into_any()
}

fn subject(task: &Task) -> String {
    translate(&task.subject)
}

/// The task's parts, such as layers, and its output.
fn more(task: ArcDerived<Option<Task>>) -> AnyView {
    let site = super::Site::expect();
    // Drawn once there is content. It stays open until the user closes it.
    let both = {
        let task = task.clone();
        erased_memo(move || task.get().map_or((false, false), |it| (!it.parts.is_empty(), !it.output.is_empty())))
    };
    let id = task.get_untracked().map_or(0, |it| it.id.0);
    boxed(move || {
        let (with_parts, with_output) = both.get();
        let parts = with_parts.then(|| {
            let task = task.clone();
            let list = boxed(move || {
                task.get().map(|it| it.parts).unwrap_or_default().into_iter().map(part).collect::<Vec<_>>()
            });
            view! { <details><summary>{t("Details")}</summary><ul>{list}</ul></details> }.into_any()
        });
        let output = with_output.then(|| {
            let (task, whole) = (task.clone(), task.clone());
            let text = boxed(move || task.get().map(|it| it.output.join("\n")).unwrap_or_default());
            // Output of a successful task starts collapsed.
            let is_open = whole.get_untracked().is_none_or(|it| it.state != TaskState::Done);
            let href = site.page(&format!("/api/tasks/{id}/output"));
            let earlier = boxed(move || {
                let count = whole.get().map_or(0, |it| it.earlier_lines);
                let href = href.clone();
                let words = crate::t!("{} earlier", format::count(usize::try_from(count).unwrap_or(0), ["{} line", "{} lines"]));
                (count > 0).then(|| view! { <a href=href target="_blank">{words}</a> }.into_any())
            });
            view! { <details open=is_open><summary>{t("Output")}</summary>{earlier}<div class="end-first"><pre tabindex="0">{text}</pre></div></details> }
                .into_any()
        });
        view! { {parts} {output} }.into_any()
    })
    .into_any()
}

fn part(part: TaskPart) -> AnyView {
    let TaskPart { id, step, done, total, .. } = part;
    let size = (total > 0).then(|| {
        let ((done, unit), (total, of)) = (format::bytes(done), format::bytes(total));
        let unit = if unit == of { String::new() } else { format!(" {unit}") };
        crate::t!("{} of {}", format!("{done}{unit}"), format!("{total} {of}"))
    });
    view! { <li><code>{translate(&id)}</code> <span>{translate(&step)}</span> <small>{size}</small></li> }.into_any()
}

/// A progress bar. Without known progress it is indeterminate.
fn bar(progress: Progress, subject: &str) -> AnyView {
    let Progress { permille, bytes, total_bytes, bytes_per_second } = progress;
    let is_known = permille > 0;
    let width = format!("{}.{}%", permille / 10, permille % 10);
    let now = is_known.then(|| (permille / 10).to_string());
    let sizes = (bytes > 0).then(|| {
        let size = |bytes| {
            let (number, unit) = format::bytes(bytes);
            format!("{number} {unit}")
        };
        let done = if total_bytes > 0 { crate::t!("{} of {}", size(bytes), size(total_bytes)) } else { size(bytes) };
        let rate = (bytes_per_second > 0).then(|| format!(" · {}", format::rate(bytes_per_second as f64)));
        done + &rate.unwrap_or_default()
    });
    view! {
        <div class="far">
            <svg
                class="meter"
                role="progressbar"
                aria-label=crate::t!("Progress of {}", subject)
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=now
            >
                <rect width=width></rect>
            </svg>
            <small>{is_known.then(|| format!("{}%", permille / 10))} " " {sizes}</small>
        </div>
    }
    .into_any()
}

fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::Running => "running",
        TaskState::Done => "done",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "cancelled",
    }
}

fn icon(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Pull => "pull",
        TaskKind::Push => "push",
        TaskKind::Build => "build",
        TaskKind::Prune => "prune",
        TaskKind::Import | TaskKind::Upload | TaskKind::Restore => "import",
        TaskKind::Export | TaskKind::Backup => "export",
        TaskKind::Create | TaskKind::Recreate => "containers",
    }
}
