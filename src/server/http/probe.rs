//! `POST /api/probe/:step`: a self-test takes its own container through a lifecycle. No other container is touched.

use crate::{
    message,
    model::{ContainerAction, ContainerId, Message},
    server::{
        app::App,
        engine::{OwnKind, WritableEngine},
        problem::Problem,
    },
    wire::{ActionError, ErrorKind},
};
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Create,
    Start,
    Pause,
    Unpause,
    Rename,
    Stop,
    Remove,
}

#[derive(Deserialize)]
pub struct Target {
    id: Option<String>,
    name: Option<String>,
}

#[derive(Serialize)]
pub struct Probe {
    id: ContainerId,
    /// Set if the step has assigned a new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

pub async fn probe(State(app): State<App>, Path(step): Path<Step>, Json(target): Json<Target>) -> Response {
    match walk(&app, step, target).await {
        Ok(probe) => Json(probe).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn walk(app: &App, step: Step, target: Target) -> Result<Probe, ActionError> {
    let engine = app.hosts.writable(app.hosts.meant(None)?.host())?;
    if step == Step::Create {
        let name = format!("quaylight-probe-{:08x}", rand::random::<u32>());
        let arch = app.reader.look(|state| state.host(engine.host()).and_then(|host| host.engine.clone()));
        let id = engine.create_probe(&name, &arch.map(|it| it.arch).unwrap_or_default()).await?;
        return Ok(Probe { id, name: Some(name) });
    }
    let id = ContainerId::new(target.id.as_deref().unwrap_or_default())
        .map_err(|error| ActionError::new(ErrorKind::Invalid, Message::verbatim(error)))?;
    if !is_probe(engine, &id) {
        return Err(ActionError::new(ErrorKind::Forbidden, message!("That container isn't a self-test probe")));
    }
    let action = match step {
        Step::Create => unreachable!("handled above"),
        Step::Rename => {
            let name = target.name.unwrap_or_else(|| format!("quaylight-probe-{:08x}", rand::random::<u32>()));
            if !name.starts_with("quaylight-probe-") {
                return Err(ActionError::new(
                    ErrorKind::Invalid,
                    message!("Probe names must start with quaylight-probe-"),
                ));
            }
            let rename = ContainerAction::Rename { name: name.clone() };
            engine.act_on_container(&id, rename).await?;
            return Ok(Probe { id, name: Some(name) });
        }
        Step::Start => ContainerAction::Start,
        Step::Pause => ContainerAction::Pause,
        Step::Unpause => ContainerAction::Unpause,
        Step::Stop => ContainerAction::Stop { timeout: None },
        Step::Remove => {
            engine.remove_own(&id).await?;
            return Ok(Probe { id, name: None });
        }
    };
    engine.act_on_container(&id, action).await?;
    Ok(Probe { id, name: None })
}

/// Whether Quaylight created it for a self-test. Its label is no proof: any container could have it.
fn is_probe(engine: &WritableEngine, id: &ContainerId) -> bool {
    engine.own().kind(engine.host(), id) == Some(OwnKind::Probe)
}
