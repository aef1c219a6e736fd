//! Slow container actions: stop, kill, restart, remove and exit.
//!
//! From `die` until Docker has processed the exit (`--lock-ms`), it holds the container's lock: requests for the
//! container wait, and the list still shows the previous state. The networks are released shortly before the end of
//! that period.

use super::{
    Sim, life,
    time::{self, Nanos},
    world::{Container, Refusal, State, World},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

type Outcome = Result<(), Refusal>;

const TERM: i64 = 15;
const KILL: i64 = 9;

/// Delay before the restart policy starts a container again. Docker doubles it each time.
const RESTART_AFTER: Duration = Duration::from_millis(100);

impl Sim {
    /// Runs an action on a container as soon as its lock is free. The action receives the container's id.
    pub(super) async fn when_free<T>(
        &self,
        reference: &str,
        act: impl FnOnce(&mut World, &str, Nanos) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut settled = self.settled.subscribe();
        loop {
            {
                let mut stage = self.stage();
                let container = stage.world.find(reference)?.clone();
                if container.dying.is_none() {
                    let now = time::now();
                    let outcome = act(&mut stage.world, &container.id, now);
                    self.tell(&mut stage, now);
                    return outcome;
                }
            }
            // The sender lives as long as `self`.
            let _ = settled.changed().await;
        }
    }

    /// Returns the container as soon as its lock is free.
    pub(super) async fn inspect(&self, reference: &str) -> Result<Arc<Container>, Refusal> {
        self.when_free(reference, |world, id, _| world.find(id).cloned()).await
    }

    pub(super) async fn start_container(self: &Arc<Self>, reference: &str) -> Outcome {
        let id = self
            .when_free(reference, |world, id, now| {
                world.start(id, now)?;
                Ok(id.to_owned())
            })
            .await?;
        life::begins(self, &id);
        Ok(())
    }

    pub(super) async fn stop_container(self: &Arc<Self>, reference: &str) -> Outcome {
        let id = self
            .when_free(reference, |world, id, _| {
                let container = world.find(id)?.clone();
                match container.state {
                    // Its process has already exited: only the pending restart is cancelled.
                    State::Restarting => {
                        world.end_of_restarting(id);
                    }
                    it if it.is_up() => {
                        let ignores_term = container.exits_with == 128 + KILL;
                        world.signal(id, TERM);
                        world.die(id, ignores_term.then_some(KILL), container.exits_with)?;
                    }
                    _ => return Err(Refusal::not_modified()),
                }
                Ok(id.to_owned())
            })
            .await?;
        self.complete_exit(&id, false).await;
        self.change(|world, _| world.say(&id, "stop"));
        self.forget_if_asked(&id);
        Ok(())
    }

    /// Stops the container if it is up, then starts it.
    pub(super) async fn restart_container(self: &Arc<Self>, reference: &str) -> Outcome {
        let id = self.inspect(reference).await?.id.clone();
        match self.stop_container(&id).await {
            Err(refusal) if refusal.status != 304 => return Err(refusal),
            _ => {}
        }
        match self.start_container(&id).await {
            Err(refusal) if refusal.status != 304 => return Err(refusal),
            _ => {}
        }
        self.change(|world, _| world.say(&id, "restart"));
        Ok(())
    }

    /// For `KILL`, returns when the container is dead; for other signals, at once.
    pub(super) async fn kill_container(self: &Arc<Self>, reference: &str, signal: i64) -> Outcome {
        let dies = matches!(signal, 1..=3 | 6 | KILL | TERM);
        let id = self
            .when_free(reference, |world, id, _| {
                let refused = |it: Refusal| Refusal {
                    message: format!("Cannot kill container: {reference}: {}", it.message),
                    ..it
                };
                world.require_up(id).map_err(refused)?;
                if dies {
                    world.die(id, Some(signal), 128 + signal)?;
                } else {
                    world.signal(id, signal);
                }
                Ok(id.to_owned())
            })
            .await?;
        let sim = self.clone();
        let end = async move {
            sim.complete_exit(&id, false).await;
            sim.forget_if_asked(&id);
        };
        match signal {
            KILL => end.await,
            _ if dies => drop(tokio::spawn(end)),
            _ => {}
        }
        Ok(())
    }

    pub(super) async fn remove_container(self: &Arc<Self>, reference: &str, force: bool, volumes: bool) -> Outcome {
        let id = self
            .when_free(reference, |world, id, _| {
                if !force {
                    world.require_removable(id)?;
                }
                world.end_of_restarting(id);
                if world.find(id)?.state.is_up() {
                    world.die(id, Some(KILL), 128 + KILL)?;
                }
                Ok(id.to_owned())
            })
            .await?;
        self.complete_exit(&id, false).await;
        self.change(|world, _| world.remove(&id, volumes))?;
        self.settled.send_replace(());
        Ok(())
    }

    /// Lets the container's process exit by itself. The restart policy may start it again.
    pub(super) async fn end_container(self: &Arc<Self>, reference: &str, exit_code: i64) -> Outcome {
        let (id, restarts) = self
            .when_free(reference, |world, id, _| {
                world.require_up(id)?;
                let container = world.find(id)?;
                let restarts = match container.restart_policy.as_str() {
                    "always" | "unless-stopped" => true,
                    "on-failure" => {
                        let most = container.most_restarts;
                        exit_code != 0 && (most == 0 || container.restart_count < most)
                    }
                    _ => false,
                };
                world.die(id, None, exit_code)?;
                Ok((id.to_owned(), restarts))
            })
            .await?;
        self.complete_exit(&id, restarts).await;
        if restarts {
            sleep(RESTART_AFTER).await;
            let started = self.change(|world, now| world.end_of_restarting(&id) && world.start(&id, now).is_ok());
            if started {
                life::begins(self, &id);
            }
        } else {
            self.forget_if_asked(&id);
        }
        Ok(())
    }

    /// Completes an exit, from `die` to the visible state. Does nothing if the container isn't dying.
    async fn complete_exit(&self, id: &str, restarting: bool) {
        if self.look(|world| world.get(id).is_none_or(|it| it.dying.is_none())) {
            return;
        }
        sleep(self.lock.mul_f64(0.75)).await;
        self.change(|world, _| world.release(id));
        sleep(self.lock.mul_f64(0.25)).await;
        self.change(|world, now| world.finish_exit(id, restarting, now));
        self.settled.send_replace(());
    }

    /// Removes the container if it was run with `docker run --rm`.
    fn forget_if_asked(&self, id: &str) {
        let asked = self.look(|world| world.get(id).is_some_and(|it| it.auto_remove));
        if asked && self.change(|world, _| world.remove(id, true)).is_ok() {
            self.settled.send_replace(());
        }
    }
}
