//! Prune task: removes the listed unused resources one by one, and skips those that are in use again.

use super::Report;
use crate::{
    message,
    model::{Action, ContainerAction, HostId, ImageAction, Message, NetworkAction, Prune, TaskPart, VolumeAction},
    server::engine::WritableEngine,
    wire::{ActionError, ErrorKind},
};
use std::time::Duration;
use tokio::time::timeout;

/// Timeout of measuring the size of images: older engines measure every volume for it.
const SIZE_TIMEOUT: Duration = Duration::from_secs(20);

/// Containers come first, since they use all the other resources.
fn in_order(host: &HostId, prune: &Prune) -> Vec<(Message, Action)> {
    let mut all = Vec::with_capacity(prune.len());
    for id in prune.containers.clone() {
        let action = ContainerAction::Remove { force: false, volumes: false };
        all.push((message!("container {id}", id = id.short()), Action::Container(host.clone(), id, action)));
    }
    for id in prune.images.clone() {
        all.push((
            message!("image {id}", id = id.short()),
            Action::Image(host.clone(), id, ImageAction::Remove { force: false }),
        ));
    }
    for name in prune.volumes.clone() {
        let action = VolumeAction::Remove { force: false };
        all.push((message!("volume {name}", name), Action::Volume(host.clone(), name, action)));
    }
    for id in prune.networks.clone() {
        let short: String = id.as_str().chars().take(12).collect();
        all.push((message!("network {id}", id = short), Action::Network(host.clone(), id, NetworkAction::Remove)));
    }
    all
}

pub(super) async fn prune(engine: &WritableEngine, prune: Prune, report: &Report) -> Result<Message, ActionError> {
    let with_images = !prune.images.is_empty();
    let size = async || if with_images { timeout(SIZE_TIMEOUT, engine.layers_size()).await.ok()?.ok() } else { None };
    let before = size().await;
    let all = in_order(engine.host(), &prune);
    let count = prune.len();
    let (mut gone, mut kept, mut of_the_cache) = (0_usize, 0_usize, None);
    let part = |id: Message, step: Message, is_over| TaskPart { id, step, is_over, done: 0, total: 0 };
    for (at, (name, action)) in all.into_iter().enumerate() {
        report.words(message!("{name} ({number} of {count})", name, number = at + 1, count));
        match engine.act(&action).await.map_err(ActionError::from) {
            // Removed by this task, or by another client in the meantime.
            Ok(_) => gone += 1,
            Err(error) if error.kind == ErrorKind::NotFound => gone += 1,
            Err(error) => {
                kept += 1;
                report.part(part(name, error.words(), true));
            }
        }
        let permille = (at + 1) * 1000 / count.max(1);
        report.progress(u16::try_from(permille).unwrap_or(1000), 0, 0);
    }
    if prune.build_cache {
        report.words(message!("Build cache"));
        match engine.prune_build_cache().await.map_err(ActionError::from) {
            Ok(bytes) => {
                gone += 1;
                of_the_cache = Some(message!("{size} of build cache freed", size = in_megabytes(bytes)));
            }
            Err(error) => {
                kept += 1;
                report.part(part(message!("build cache"), error.words(), true));
            }
        }
    }
    let after = if before.is_some() { size().await } else { None };
    let freed = before.zip(after).map(|(before, after)| before.saturating_sub(after));
    let freed = freed.map(|bytes| message!("{size} of images freed", size = in_megabytes(bytes)));
    let is_complete = kept == 0;
    let removed = message!("{count} removed", count = gone);
    let kept = (!is_complete).then(|| message!("{count} kept", count = kept));
    let outcome = Message::list([Some(removed), freed, of_the_cache, kept].into_iter().flatten());
    match is_complete {
        true => Ok(outcome),
        false => Err(ActionError::new(ErrorKind::Conflict, outcome)
            .hint(message!("Items that couldn't be removed are listed below with the reason."))),
    }
}

/// Decimal units, as Docker uses.
fn in_megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
