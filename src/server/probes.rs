//! What is left behind: probes of a self-test whose browser was closed in the middle, and the containers that volumes were
//! reached by when the server was killed. Removed after a while.

use super::{app::App, engine::PROBE_LABEL};
use crate::model::{ContainerAction, ContainerId, HELPER, HostId};
use std::time::Duration;
use tokio::time::interval;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// No self-test takes so long, in seconds.
const FORGOTTEN_AFTER: i64 = 300;

/// Nor does a backup take so long.
const HELPER_FORGOTTEN_AFTER: i64 = 86_400;

/// For as long as the server runs. Looks at the state, and calls an engine only where there is something to remove.
pub async fn sweep(app: App) {
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        for (host, id) in forgotten(&app, PROBE_LABEL, FORGOTTEN_AFTER) {
            let Some(engine) = app.hosts.get(&host) else { continue };
            match engine.remove_probe(&id).await {
                Ok(()) => tracing::info!(%host, container.id = %id, "removed a probe that a self-test had left"),
                Err(error) => tracing::warn!(%host, container.id = %id, %error, "can't remove a forgotten probe"),
            }
        }
        for (host, id) in forgotten(&app, HELPER, HELPER_FORGOTTEN_AFTER) {
            let Some(engine) = app.hosts.get(&host) else { continue };
            let remove = ContainerAction::Remove { force: true, volumes: false };
            match engine.act_on_container(&id, remove).await {
                Ok(()) => tracing::info!(%host, container.id = %id, "removed what a volume was reached by"),
                Err(error) => tracing::warn!(%host, container.id = %id, %error, "can't remove a forgotten helper"),
            }
        }
    }
}

fn forgotten(app: &App, label: &str, after: i64) -> Vec<(HostId, ContainerId)> {
    // Nothing is changed on a read-only server, not even what it made itself before.
    if app.read_only {
        return Vec::new();
    }
    let now = app.clock.now().seconds();
    app.reader.look(|state| {
        let probes = state.containers().filter(|it| it.labels.get(label).is_some());
        let old = probes.filter(|it| now - it.created.seconds() > after);
        old.map(|it| (it.host.clone(), it.id.clone())).collect()
    })
}
