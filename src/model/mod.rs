//! The domain model: entities, actions, jobs, alerts, preferences. Shared by server and browser; does no I/O.

mod access_scope;
mod account;
mod action;
mod alert;
pub mod ansi;
mod change;
mod channel;
mod container;
mod details;
mod diff;
mod disk;
mod dockerfile;
mod event;
mod files;
mod host;
mod ids;
mod image;
mod job;
mod log;
pub mod mask;
mod message;
mod network;
mod pattern;
mod permission;
mod preferences;
pub mod recipe;
mod registry;
mod sorted;
mod spec;
mod state;
mod stats;
mod task;
mod time;
mod usage;
mod usage_history;
mod user;
mod volume;

pub use access_scope::AccessScope;
pub use account::{Account, AccountChange, AccountResponse, Enrollment, QrCode, SessionInfo, TokenInfo};
pub use action::{Action, ContainerAction, ImageAction, NetworkAction, NewNetwork, VolumeAction};
pub use alert::{
    Alert, AlertScope, AlertState, Condition, ENGINE_DISK, QuietHours, Rule, Severity, logged, without_line,
};
pub use change::{Change, Entity, Key, Kind};
pub use channel::{
    AlertBook, AlertChange, ChannelDraft, ChannelInfo, ChannelKind, ChannelSettings, MASK, MailSecurity,
};
pub use container::{
    Attachment, Container, ContainerState, HELPER, Health, Labels, Mount, MountKind, Port, Protocol, RestartPolicy,
};
pub use details::{FileChange, FileChangeKind, ImageDetails, Inspected, Layer, Processes};
pub use diff::diff;
pub use disk::{DiskUsage, SharedSize};
pub use dockerfile::{Syntax, line_of_step, unsupported_syntax};
pub use event::{BadQuery, Event, EventPage, EventQuery, HistoryStatus, is_noise, moment};
pub use files::{FileEntry, FileKind, FilePath, FileText, FilesOf, Folder, Found, NoPath};
pub use host::{Engine, FailedList, Host, HostStatus, Lack};
pub use ids::{ContainerId, ContainerName, HostId, ImageId, ImageName, InvalidId, NetworkId, NetworkName, VolumeName};
pub use image::{Image, ImagePlatform};
pub use job::{Build, Job, NewContainer, Prune, Pull, Request};
pub use log::{LONGEST_LINE, LogLine, LogStream};
pub use message::{Message, MessageValue, StructuredMessage, check_template};
pub use network::{Network, Subnet};
pub use permission::{Permission, Role};
pub use preferences::{Column, Density, Language, Layout, Preferences, Theme, ToastPreferences, Units, Zone};
pub use registry::{RegistryInfo, RegistryLogin};
pub use sorted::Sorted;
pub use spec::{ContainerSpec, HealthSpec, Limits, MountSpec, MountWay, NetworkSpec, PortSpec, Recipe, Ulimit};
pub use state::EngineState;
pub use stats::{Load, Machine, Rates, Sample, Scope, combined};
pub use task::{Progress, SENT_LINES, Task, TaskId, TaskKind, TaskPart, TaskState};
pub use time::Timestamp;
pub use usage::{Usage, Used};
pub use usage_history::{UsageBucket, UsageLevel, UsagePoint};
pub use user::{UserChange, UserInfo};
pub use volume::Volume;

#[cfg(test)]
pub mod arbitrary;
