//! Actions on containers.

use crate::{
    model::{ContainerAction, ContainerId, ContainerState, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// An action on one of several containers, and the state for which its button was drawn.
pub type Act = (HostId, ContainerId, ContainerAction, ContainerState);

/// Runs all actions. `None` means accepted, as below. Otherwise the error, at the position of its action. An action whose
/// container offers other actions by now is refused.
#[server(prefix = "/actions", endpoint = "containers", input = Postcard, output = Postcard)]
pub async fn act_on_containers(acts: Vec<Act>) -> Result<Vec<Option<ActionError>>, ActionError> {
    use crate::{
        model::Action,
        server::{auth::request_context, operations::perform_as_drawn},
    };
    use futures::{StreamExt, stream};
    // The number of concurrent actions, as in the Docker CLI.
    const AT_ONCE: usize = 50;
    let (app, caller) = request_context();
    let one = |(host, id, action, drawn_for): Act| {
        let (app, caller) = (app.clone(), caller.clone());
        let action = Action::Container(host, id, action);
        async move { perform_as_drawn(&app, &caller, action, drawn_for).await.err() }
    };
    Ok(stream::iter(acts).map(one).buffered(AT_ONCE).collect().await)
}

/// Runs `action` on one container. `Ok` means accepted: the effect is received as a change of the state.
#[server(prefix = "/actions", endpoint = "container", input = Postcard, output = Postcard)]
pub async fn act_on_container(host: HostId, id: ContainerId, action: ContainerAction) -> Result<(), ActionError> {
    use crate::{
        model::Action,
        server::{auth::request_context, operations::perform},
    };
    let (app, caller) = request_context();
    let action = Action::Container(host, id, action);
    perform(&app, &caller, action.into()).await.map(drop)
}
