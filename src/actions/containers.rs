//! What users can do to containers.

use crate::{
    model::{ContainerAction, ContainerId, HostId},
    wire::ActionError,
};
use leptos::{prelude::*, server_fn::codec::Postcard};

/// Does `action` to one container. "Ok" means accepted: the effect comes back as a change of the state.
#[server(prefix = "/actions", endpoint = "container", input = Postcard, output = Postcard)]
pub async fn act_on_container(host: HostId, id: ContainerId, action: ContainerAction) -> Result<(), ActionError> {
    use crate::{
        model::Action,
        server::{app::App, auth::Caller, commands::perform},
    };
    let (app, caller) = (expect_context::<App>(), expect_context::<Caller>());
    let action = Action::Container(host, id, action);
    perform(&app, &caller, action).await
}
