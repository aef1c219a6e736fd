//! Latency and failures of the engine, by call.

use super::EngineError;
use crate::{
    model::{Action, ContainerAction, ImageAction, NetworkAction, VolumeAction},
    server::metrics::{Counter, Histogram},
};
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Timeout for an action. It is longer than bollard's timeout for the head of a response: stopping a container takes a while.
pub(super) const ACT_TIMEOUT: Duration = Duration::from_secs(150);

/// Upper bounds of the histogram, in µs: from a short list to the timeout of a stop.
const ENDS: &[u64] = &[
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    120_000_000,
];

macro_rules! calls {
    ($($call:ident $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Call {
            $($call,)*
        }

        impl Call {
            pub const ALL: &[Self] = &[$(Self::$call,)*];

            /// `<noun>.<verb>`, like the names of actions.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$call => $name,)*
                }
            }
        }
    };
}

calls! {
    Ping "engine.ping",
    Version "engine.version",
    Info "engine.info",
    // Measured until the stream starts.
    Events "engine.events",
    ContainerList "container.list",
    ContainerInspect "container.inspect",
    ContainerStart "container.start",
    ContainerStop "container.stop",
    ContainerRestart "container.restart",
    ContainerPause "container.pause",
    ContainerUnpause "container.unpause",
    ContainerKill "container.kill",
    ContainerRename "container.rename",
    ContainerRemove "container.remove",
    ContainerCreate "container.create",
    ContainerUpdate "container.update",
    ContainerCommit "container.commit",
    ContainerExport "container.export",
    ImageList "image.list",
    ImageInspect "image.inspect",
    ImageHistory "image.history",
    ImageTag "image.tag",
    ImageUntag "image.untag",
    ImageRemove "image.remove",
    // The next four are measured until their output starts.
    ImagePull "image.pull",
    ImagePush "image.push",
    ImageBuild "image.build",
    ImageImport "image.import",
    ImageExport "image.export",
    RegistrySignIn "registry.sign_in",
    DiskUsage "engine.disk_usage",
    BuildPrune "engine.prune_build_cache",
    VolumeList "volume.list",
    VolumeInspect "volume.inspect",
    VolumeCreate "volume.create",
    VolumeRemove "volume.remove",
    VolumeExport "volume.export",
    NetworkList "network.list",
    NetworkInspect "network.inspect",
    NetworkCreate "network.create",
    NetworkConnect "network.connect",
    NetworkDisconnect "network.disconnect",
    NetworkRemove "network.remove",
    ContainerStats "container.stats",
    ContainerLogs "container.logs",
    ContainerTop "container.top",
    ExecCreate "exec.create",
    ExecStart "exec.start",
    ContainerChanges "container.changes",
    FilesStat "files.stat",
    FilesGet "files.get",
    FilesPut "files.put",
}

impl From<&Action> for Call {
    fn from(action: &Action) -> Self {
        match action {
            Action::Container(_, _, action) => match action {
                ContainerAction::Start => Self::ContainerStart,
                ContainerAction::Stop { .. } => Self::ContainerStop,
                ContainerAction::Restart { .. } => Self::ContainerRestart,
                ContainerAction::Pause => Self::ContainerPause,
                ContainerAction::Unpause => Self::ContainerUnpause,
                ContainerAction::Kill { .. } => Self::ContainerKill,
                ContainerAction::Rename { .. } => Self::ContainerRename,
                ContainerAction::Update { .. } => Self::ContainerUpdate,
                ContainerAction::Commit { .. } => Self::ContainerCommit,
                ContainerAction::Remove { .. } => Self::ContainerRemove,
            },
            Action::Image(_, _, action) => match action {
                ImageAction::Tag { .. } => Self::ImageTag,
                ImageAction::Untag { .. } => Self::ImageUntag,
                ImageAction::Remove { .. } => Self::ImageRemove,
            },
            Action::Volume(_, _, action) => match action {
                VolumeAction::Create { .. } => Self::VolumeCreate,
                VolumeAction::Remove { .. } => Self::VolumeRemove,
            },
            Action::CreateNetwork(..) => Self::NetworkCreate,
            Action::Network(_, _, action) => match action {
                NetworkAction::Connect { .. } => Self::NetworkConnect,
                NetworkAction::Disconnect { .. } => Self::NetworkDisconnect,
                NetworkAction::Remove => Self::NetworkRemove,
            },
        }
    }
}

/// Measurements of an engine's calls, in the order of [`Call::ALL`].
#[derive(Clone)]
pub struct Calls(Arc<[Measured]>);

pub struct Measured {
    pub took: Histogram,
    /// Number of calls without a response or with an error. "Not found" does not count.
    pub failed: Counter,
}

impl Calls {
    pub(super) fn new() -> Self {
        let measured = |_: &Call| Measured { took: Histogram::new(ENDS), failed: Counter::default() };
        Self(Call::ALL.iter().map(measured).collect())
    }

    pub(super) async fn time<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let begun = Instant::now();
        let outcome = work.await.map_err(|error| error.of_call(call));
        let measured = &self.0[call as usize];
        measured.took.observe(begun.elapsed());
        if outcome.as_ref().is_err_and(|error| !error.is_not_found()) {
            measured.failed.add(1);
        }
        outcome
    }

    /// Measures a call through bollard, and adds a timeout: bollard's own covers only the head of the response.
    pub(super) async fn act<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        self.time(call, async { timeout(ACT_TIMEOUT, work).await.map_err(|_| EngineError::Timeout)? }).await
    }

    pub fn iter(&self) -> impl Iterator<Item = (Call, &Measured)> {
        Call::ALL.iter().copied().zip(self.0.iter())
    }
}
