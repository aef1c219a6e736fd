//! What users can do to containers.

use crate::{
    model::{ContainerAction, ContainerId, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// What is to be done to one of several.
pub type Act = (HostId, ContainerId, ContainerAction);

/// Does each of these. "None" means accepted, as below; else why not, each in its place.
#[server(prefix = "/actions", endpoint = "containers", input = Postcard, output = Postcard)]
pub async fn act_on_containers(acts: Vec<Act>) -> Result<Vec<Option<ActionError>>, ActionError> {
    use crate::{
        model::Action,
        server::{app::App, auth::Caller, commands::perform},
    };
    use futures::{StreamExt, stream};
    // So many are at work at the same time, as with Docker's own command line.
    const AT_ONCE: usize = 50;
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    let one = |(host, id, action): Act| {
        let (app, caller) = (app.clone(), caller.clone());
        async move { perform(&app, &caller, Action::Container(host, id, action).into()).await.err() }
    };
    Ok(stream::iter(acts).map(one).buffered(AT_ONCE).collect().await)
}

/// Does `action` to one container. "Ok" means accepted: the effect comes back as a change of the state.
#[server(prefix = "/actions", endpoint = "container", input = Postcard, output = Postcard)]
pub async fn act_on_container(host: HostId, id: ContainerId, action: ContainerAction) -> Result<(), ActionError> {
    use crate::{
        model::Action,
        server::{app::App, auth::Caller, commands::perform},
    };
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    let action = Action::Container(host, id, action);
    perform(&app, &caller, action.into()).await.map(drop)
}
