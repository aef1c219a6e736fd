//! Requests: actions on images, volumes and networks, and jobs, each by the type that the protocol also uses.

use crate::{
    model::{Action, HostId, Job, Request, TaskId},
    wire::{ActionError, Done},
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// `Ok` means done, or started if it is a long-running task: the effect is received as a change of the state.
#[server(prefix = "/actions", endpoint = "request", input = Postcard, output = Postcard)]
pub async fn ask(request: Request) -> Result<Done, ActionError> {
    use crate::server::{auth::request_context, operations::perform};
    let (app, caller) = request_context();
    perform(&app, &caller, request).await
}

pub async fn act(action: Action) -> Result<Done, ActionError> {
    ask(Request::Act(action)).await
}

pub async fn start(host: HostId, job: Job) -> Result<Done, ActionError> {
    ask(Request::Start(host, job)).await
}

pub async fn cancel_task(host: HostId, id: TaskId) -> Result<Done, ActionError> {
    ask(Request::CancelTask(host, id)).await
}
