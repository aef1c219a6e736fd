//! Sweeper for leaked helper containers: probes of a self-test whose browser was closed halfway, and volume helpers left when
//! the server was killed.
//!
//! Removes only ids that Quaylight has created itself: any client can set a label.

use super::app::App;
use std::time::Duration;
use tokio::time::interval;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs as long as the server. Calls an engine only if there is something to remove. A read-only server removes nothing, not
/// even containers left by an earlier, writable one: it has no engine that it could change.
pub async fn sweep(app: App) {
    let mut looks = interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        for engine in app.hosts.iter_writable() {
            for id in engine.own().leftovers(engine.host()) {
                let host = engine.host();
                match engine.remove_own(&id).await {
                    Ok(()) => tracing::info!(%host, container.id = %id, "removed a leaked helper container"),
                    Err(error) => {
                        tracing::warn!(%host, container.id = %id, %error, "failed to remove a leaked helper container")
                    }
                }
            }
        }
    }
}
