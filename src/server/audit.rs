//! Audit entries of actions in progress: each is stored before its action runs, so that no crash in between loses it.

use super::{
    app::App,
    history::{Collection, History},
    operations::note,
};
use crate::{
    message,
    model::Event,
    wire::{ActionError, ErrorKind},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

/// The kind of the documents.
const KIND: &str = "action";

/// How long an action waits until its entry is stored. If the disk is full or does not respond, it runs anyway.
const STORED_WITHIN: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Shared>);

struct Shared {
    begun: Collection<Event>,
    history: History,
    /// Distinguishes the entries of this run from those that an earlier one left.
    run: String,
    count: AtomicU64,
}

impl Audit {
    pub fn open(history: &History) -> Self {
        let run = format!("{:016x}", rand::random::<u64>());
        let begun = Collection::open(history.clone(), KIND);
        Self(Arc::new(Shared { begun, history: history.clone(), run, count: AtomicU64::default() }))
    }

    /// Records the actions that an earlier run of the server did not end, as soon as they can be read.
    pub async fn record_interrupted(self) {
        let Shared { begun, history, run, .. } = &*self.0;
        let mut is_loaded = begun.watch_load();
        let _ = begun.load().await;
        // Fails only when the server ends.
        if is_loaded.wait_for(|it| *it).await.is_err() {
            return;
        }
        for (id, deed) in begun.all().into_iter().filter(|(id, _)| !id.starts_with(run)) {
            let error = message!("Quaylight stopped before it ended. Check whether it was applied.");
            history.record(Event { error: Some(error), ..deed });
            begun.remove(&id).await;
        }
    }

    /// Stores the entry of an action that is about to run.
    pub async fn begin(&self, app: &App, deed: Event) -> Entry {
        let id = format!("{}-{}", self.0.run, self.0.count.fetch_add(1, Ordering::Relaxed));
        // In a separate task, since a write that is cancelled would be lost.
        let storing = tokio::spawn({
            let (begun, id, deed) = (self.0.begun.clone(), id.clone(), deed.clone());
            async move { begun.insert(&id, deed).await }
        });
        // Before the wait, in which the caller may leave.
        let mut entry = Entry { app: app.clone(), id, deed: Some(deed), storing: Some(storing) };
        let is_stored = match &mut entry.storing {
            Some(storing) => timeout(STORED_WITHIN, storing).await.is_ok(),
            None => true,
        };
        if is_stored {
            entry.storing = None;
        } else {
            tracing::warn!("an action runs before its audit entry is stored");
        }
        entry
    }
}

/// The entry of an action that runs. Without an outcome, such as after a panic, it is recorded as interrupted.
pub struct Entry {
    app: App,
    id: String,
    /// `None` when it is recorded.
    deed: Option<Event>,
    /// The write of its document, which has to end before the document is deleted.
    storing: Option<JoinHandle<()>>,
}

impl Entry {
    /// Records the outcome.
    pub fn end(self, error: Option<&ActionError>) {
        self.end_with(error, |_| ());
    }

    /// Likewise, after a change of the event.
    pub fn end_with(mut self, error: Option<&ActionError>, change: impl FnOnce(&mut Event)) {
        if let Some(mut deed) = self.deed.take() {
            change(&mut deed);
            note(&self.app, deed, error);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(deed) = self.deed.take() {
            note(&self.app, deed, &ActionError::new(ErrorKind::Engine, message!("The action was interrupted")));
        }
        // The runtime is gone when the server ends: the next run finds the entry.
        if let Ok(runtime) = Handle::try_current() {
            let (begun, id) = (self.app.audit.0.begun.clone(), std::mem::take(&mut self.id));
            let storing = self.storing.take();
            runtime.spawn(async move {
                if let Some(storing) = storing {
                    // It fails only by a panic, after which there may be a document, too.
                    let _ = storing.await;
                }
                begun.remove(&id).await;
            });
        }
    }
}
