//! Panels above every page, and whether each is open.

use leptos::prelude::*;

/// Whether the task panel is open. Starting a task opens it.
#[derive(Clone, Copy)]
pub struct TasksOpen(pub RwSignal<bool>);

/// Whether the notification center is open.
#[derive(Clone, Copy)]
pub struct NotificationCenterOpen(pub RwSignal<bool>);
