//! Progress of tasks: on the socket by subscription, otherwise by `GET /api/tasks`.

use super::{Asked, follower::Payload, poll::binary_answer};
use crate::{
    model::Task,
    server::{app::App, auth::Caller, tasks::Tasks},
    wire::{self, Encoding, ServerFrame},
};
use axum::{
    Json,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use tokio::sync::watch;

/// One client's task subscription. Receives nothing until [`Listener::begin`]. Each change contains the task's latest state.
pub(super) struct Listener {
    tasks: Tasks,
    caller: Caller,
    heard: Option<Heard>,
}

struct Heard {
    /// The last version that was sent.
    until: u64,
    version: watch::Receiver<u64>,
}

impl Listener {
    pub(super) fn new(tasks: Tasks, caller: Caller) -> Self {
        Self { tasks, caller, heard: None }
    }

    /// Subscribes. Returns the current tasks; [`Self::next`] returns later changes.
    pub(super) fn begin(&mut self) -> wire::Tasks {
        let receiver = self.tasks.version();
        let tasks = seen_by(&self.caller, &self.tasks);
        self.heard = Some(Heard { until: tasks.version, version: receiver });
        tasks
    }

    pub(super) fn end(&mut self) {
        self.heard = None;
    }

    /// The next change; pending while there is no subscription. Cancel safe.
    pub(super) async fn next(&mut self) -> Task {
        loop {
            let Some(heard) = &mut self.heard else {
                std::future::pending::<()>().await;
                continue;
            };
            heard.version.borrow_and_update();
            if let Some((version, task)) = self.tasks.after(heard.until) {
                heard.until = version;
                match self.caller.see_task(task) {
                    Some(task) => return task,
                    None => continue,
                }
            }
            // The tasks live as long as the server.
            let _ = heard.version.changed().await;
        }
    }
}

/// All tasks, as the caller may see them.
pub(super) fn seen_by(caller: &Caller, tasks: &Tasks) -> wire::Tasks {
    let (version, tasks) = tasks.all();
    // With a scope there are none, and no changes of them.
    let version = if caller.scope().is_some() { 0 } else { version };
    wire::Tasks { version, tasks: tasks.into_iter().filter_map(|task| caller.see_task(task)).collect() }
}

/// `GET /api/tasks`: the running tasks, and the latest that have ended.
pub async fn tasks(State(app): State<App>, caller: Caller, Query(asked): Query<Asked>) -> Response {
    let tasks = seen_by(&caller, &app.tasks);
    match asked.encoding() {
        Encoding::Json => ([(header::CACHE_CONTROL, "no-store")], Json(tasks)).into_response(),
        Encoding::Postcard => {
            let now = app.clock.now();
            let payload = Payload::of(ServerFrame::Tasks(tasks), Encoding::Postcard);
            binary_answer(payload.message(now, now).into_data().into())
        }
    }
}
