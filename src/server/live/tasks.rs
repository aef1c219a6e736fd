//! Progress of tasks: on the socket by subscription, otherwise by `GET /api/tasks`.

use super::{Asked, follower::Payload, poll::binary_answer};
use crate::{
    model::Task,
    server::{app::App, tasks::Tasks},
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
    heard: Option<Heard>,
}

struct Heard {
    /// The last version that was sent.
    until: u64,
    version: watch::Receiver<u64>,
}

impl Listener {
    pub(super) fn new(tasks: Tasks) -> Self {
        Self { tasks, heard: None }
    }

    /// Subscribes. Returns the current tasks; [`Self::next`] returns later changes.
    pub(super) fn begin(&mut self) -> wire::Tasks {
        let receiver = self.tasks.version();
        let (version, tasks) = self.tasks.all();
        self.heard = Some(Heard { until: version, version: receiver });
        wire::Tasks { version, tasks }
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
                return task;
            }
            // The tasks live as long as the server.
            let _ = heard.version.changed().await;
        }
    }
}

/// `GET /api/tasks`: the running tasks, and the latest that have ended.
pub async fn tasks(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let (version, tasks) = app.tasks.all();
    let tasks = wire::Tasks { version, tasks };
    match asked.encoding() {
        Encoding::Json => ([(header::CACHE_CONTROL, "no-store")], Json(tasks)).into_response(),
        Encoding::Postcard => {
            let now = app.clock.now();
            let payload = Payload::of(ServerFrame::Tasks(tasks), Encoding::Postcard);
            binary_answer(payload.message(now, now).into_data().into())
        }
    }
}
