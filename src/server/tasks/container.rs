//! Create and recreate containers. The old container is kept until its replacement runs, and is restored if it does not.

use super::{Report, transfer};
use crate::{
    message,
    model::{
        ContainerAction, ContainerId, ContainerName, ContainerSpec, ContainerState, Health, ImageName, Message,
        MountSpec, MountWay, NewContainer, Pull, Recipe,
    },
    server::{
        engine::{EngineError, WritableEngine},
        registries::Registries,
    },
    wire::{ActionError, ErrorKind},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A container that has run for this long has started.
const SETTLED: Duration = Duration::from_secs(2);

/// Time between two checks that it still runs.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Time for a restarting engine to be reachable again: until then steps of the rollback are retried.
const COMES_BACK: Duration = Duration::from_secs(60);

/// Time to become healthy for the replacement of a healthy container.
const HEALTHY: Duration = Duration::from_secs(90);

/// Removes what is left of a container that could not be started.
const GONE: ContainerAction = ContainerAction::Remove { force: true, volumes: true };

pub(super) async fn create(
    engine: &WritableEngine,
    registries: &Registries,
    name: &ContainerName,
    new: NewContainer,
    report: &Report,
) -> Result<Message, ActionError> {
    let NewContainer { spec, start, values_of } = new;
    let spec = match values_of {
        Some(id) => spec.with_values_of(&known(engine, &id).await?.spec),
        None => spec,
    };
    have_image(engine, registries, &spec, report).await?;
    report.no_return();
    report.words(message!("Creating"));
    let id = engine.create(name, &spec).await?;
    if !start {
        return Ok(message!("{name} created", name));
    }
    report.words(message!("Starting"));
    if let Err(error) = engine.act_on_container(&id, ContainerAction::Start).await {
        return Err(match once_back(|| engine.act_on_container(&id, GONE)).await {
            Ok(()) => error.into(),
            Err(EngineError::Refused { status: 404, .. }) => error.into(),
            Err(_) => ActionError::from(error).hint(message!(
                "{name} was created but not started. Start or remove it when the engine is back.",
                name
            )),
        });
    }
    Ok(message!("{name} is running", name))
}

pub(super) async fn recreate(
    engine: &WritableEngine,
    registries: &Registries,
    id: &ContainerId,
    spec: ContainerSpec,
    report: &Report,
) -> Result<Message, ActionError> {
    let Recipe { name, spec: before, .. } = known(engine, id).await?;
    let its_name = ContainerName::new(&name).map_err(|error| ActionError::new(ErrorKind::Engine, error))?;
    if before.auto_remove {
        return Err(ActionError::new(
            ErrorKind::Conflict,
            message!("It has auto-remove (--rm) enabled, so it would be deleted when stopped"),
        )
        .hint(message!("Duplicate it with the changes instead.")));
    }
    let mut spec = spec.with_values_of(&before);
    take_over_volumes(engine, id, &before, &mut spec).await?;
    have_image(engine, registries, &spec, report).await?;
    let Some(old) = engine.container(id).await? else { return Err(gone()) };
    report.no_return();

    let aside = format!("{name}-before-{}", id.short());
    report.words(message!("Renaming the old container"));
    rename(engine, id, &aside).await?;
    report.words(message!("Creating the new container"));
    let new = match engine.create(&its_name, &spec).await {
        Ok(new) => new,
        Err(error) => return Err(with_its_name(engine, id, (&name, &aside), error.into()).await),
    };
    let put_back = async |error: ActionError| {
        report.words(message!("Restoring the old container"));
        // It shares the anonymous volumes of the old one, which must stay.
        let remove = ContainerAction::Remove { force: true, volumes: false };
        let removed = once_back(|| engine.act_on_container(&new, remove.clone())).await;
        if let Err(second) = removed.map_err(ActionError::from).or_else(without(ErrorKind::NotFound)) {
            return half_done(&error, &second, &aside);
        }
        let error = with_its_name(engine, id, (&name, &aside), error).await;
        let started = if old.state.is_up() {
            once_back(|| engine.act_on_container(id, ContainerAction::Start)).await
        } else {
            Ok(())
        };
        match started {
            // It is running already.
            Ok(()) | Err(EngineError::Refused { status: 304, .. }) => error,
            Err(second) => half_done(&error, &second.into(), &name),
        }
    };
    if old.state.is_up() {
        report.words(message!("Stopping the old container"));
        if old.state == ContainerState::Paused {
            let _ = engine.act_on_container(id, ContainerAction::Unpause).await;
        }
        if let Err(error) = engine.act_on_container(id, ContainerAction::Stop { timeout: None }).await {
            return Err(put_back(error.into()).await);
        }
        report.words(message!("Starting the new container"));
        if let Err(error) = starts(engine, &new, old.health == Some(Health::Healthy)).await {
            return Err(put_back(error).await);
        }
    }
    report.words(message!("Removing the old container"));
    let remove = ContainerAction::Remove { force: false, volumes: false };
    engine.act_on_container(id, remove).await.map_err(|error| {
        ActionError::from(error)
            .hint(message!("The new container was created. Remove the old one, {aside}, manually.", aside))
    })?;
    Ok(message!("{name} recreated", name))
}

async fn known(engine: &WritableEngine, id: &ContainerId) -> Result<Recipe, ActionError> {
    engine.recipe(id).await?.ok_or_else(gone)
}

fn gone() -> ActionError {
    ActionError::new(ErrorKind::NotFound, message!("Container not found"))
        .hint(message!("Check the name, or whether it was just removed."))
}

/// Renames the container back to its original name. Adds the result to `error`.
async fn with_its_name(
    engine: &WritableEngine,
    id: &ContainerId,
    (name, aside): (&str, &str),
    error: ActionError,
) -> ActionError {
    let renamed = once_back(|| async {
        // An earlier attempt may have succeeded, with its response lost.
        if engine.container(id).await?.is_some_and(|it| it.name == name) {
            return Ok(());
        }
        engine.act_on_container(id, ContainerAction::Rename { name: name.to_owned() }).await
    });
    match renamed.await {
        Ok(()) => {
            // The hint about an unreachable engine no longer applies: its state is known now.
            let hint = error.hint.clone().filter(|_| error.kind != ErrorKind::Unavailable);
            let unchanged = message!("The old container is unchanged.");
            error.hint(match hint {
                Some(hint) => message!("{hint} {unchanged}", hint, unchanged),
                None => unchanged,
            })
        }
        Err(second) => half_done(&error, &second.into(), aside),
    }
}

fn half_done(error: &ActionError, second: &ActionError, called: &str) -> ActionError {
    let what = message!(
        "{failure}; restoring the old container {name} failed: {reason}",
        failure = error.message,
        name = called,
        reason = second.message
    );
    ActionError::new(error.kind, what).hint(message!(
        "The old container still exists with its data. It was renamed to {name}. Rename it back and start it manually.",
        name = called
    ))
}

/// Runs `act`, and retries while the engine is unreachable.
async fn once_back<F: Future<Output = Result<(), EngineError>>>(act: impl Fn() -> F) -> Result<(), EngineError> {
    let until = Instant::now() + COMES_BACK;
    loop {
        match act().await {
            Err(error) if error.is_away() && Instant::now() < until => sleep(LOOK_EVERY).await,
            done => return done,
        }
    }
}

fn without(kind: ErrorKind) -> impl Fn(ActionError) -> Result<(), ActionError> {
    move |error| if error.kind == kind { Ok(()) } else { Err(error) }
}

async fn rename(engine: &WritableEngine, id: &ContainerId, name: &str) -> Result<(), ActionError> {
    Ok(engine.act_on_container(id, ContainerAction::Rename { name: name.to_owned() }).await?)
}

/// Pulls the image if it is missing, as `docker run` does.
async fn have_image(
    engine: &WritableEngine,
    registries: &Registries,
    spec: &ContainerSpec,
    report: &Report,
) -> Result<(), ActionError> {
    if let Some(fault) = spec.fault() {
        return Err(ActionError::new(ErrorKind::Invalid, fault));
    }
    if engine.image(&spec.image).await?.is_some() {
        return Ok(());
    }
    let name = ImageName::new(&spec.image)
        .map_err(|_| ActionError::new(ErrorKind::NotFound, message!("Image {image} not found", image = spec.image)))?;
    transfer::pull(engine, registries, &name, &Pull::default(), report).await.map(drop)
}

/// Reuses the anonymous volumes. Each belongs to its container alone: a replacement with new ones would lose the data.
async fn take_over_volumes(
    engine: &WritableEngine,
    id: &ContainerId,
    before: &ContainerSpec,
    spec: &mut ContainerSpec,
) -> Result<(), EngineError> {
    for (target, volume) in engine.anonymous_volumes(id).await? {
        let was_asked_for = before.mounts.iter().any(|it| it.target == target);
        match spec.mounts.iter_mut().find(|it| it.target == target) {
            Some(mount) if mount.kind == MountWay::Volume && mount.source.is_empty() => mount.source = volume,
            // Another mount took its place, or it was removed from the spec.
            Some(_) => {}
            None if was_asked_for => {}
            // Declared by the image.
            None => spec.mounts.push(MountSpec { source: volume, target, ..MountSpec::default() }),
        }
    }
    Ok(())
}

/// Starts the container. Succeeds once it runs, or has exited without failure; also waits for it to be healthy if required.
async fn starts(engine: &WritableEngine, id: &ContainerId, is_to_be_healthy: bool) -> Result<(), ActionError> {
    engine.act_on_container(id, ContainerAction::Start).await?;
    let began = Instant::now();
    let mut health = None;
    while began.elapsed() < SETTLED || is_to_be_healthy && health == Some(Health::Starting) && began.elapsed() < HEALTHY
    {
        sleep(LOOK_EVERY).await;
        let Some(container) = engine.container(id).await? else { return Err(gone()) };
        let has_failed = container.failed_with().is_some() || container.state == ContainerState::Restarting;
        if has_failed {
            let exited = match container.exit_code {
                Some(code) => message!("The new container exited with code {code} right after starting", code),
                None => message!("The new container exited right after starting"),
            };
            return Err(ActionError::new(ErrorKind::Conflict, exited));
        }
        health = container.health;
        if is_to_be_healthy && health == Some(Health::Unhealthy) {
            return Err(ActionError::new(
                ErrorKind::Conflict,
                message!("The new container is unhealthy; the old one was healthy"),
            ));
        }
    }
    Ok(())
}
