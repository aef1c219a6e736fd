//! Operations: what both buttons and the protocol's `action` message run.

use super::{
    app::App,
    auth::{ADDRESS, Caller, Changed, LONGEST_USER_NAME, NEW_NAME, TOKEN, USER, require, require_full_view},
    engine::{Engine, EngineError, WritableEngine, away_hint},
    registries,
    state::Reader,
    tasks,
};
use crate::{
    message,
    model::{
        AccessScope, AccountChange, Action, AlertChange, Container, ContainerAction, ContainerId, ContainerSpec,
        ContainerState, Entity, Event, FilePath, FilesOf, HostId, ImageAction, Job, Key, Labels, Message,
        NetworkAction, Permission, Preferences, Prune, RegistryLogin, Request, TaskId, TaskKind, UserChange,
    },
    wire::{ActionError, Done, ErrorKind},
};
use std::{future::Future, net::IpAddr, time::Duration};

/// Time limit for the response to an action: proxies assume that a request that takes longer is dead. An engine gives a
/// container ten seconds to stop, or more if configured. A slower action continues, and its effect arrives as a diff.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Runs a request. The history records who requested it, whether it succeeds or not.
pub async fn perform(app: &App, caller: &Caller, request: Request) -> Result<Done, ActionError> {
    require(app, caller, request.permission())
        .and_then(|()| in_scope(app, caller, &request))
        .inspect_err(|refused| note(app, of(app, caller, &request), refused))?;
    match request {
        Request::Act(action) => act(app, caller, action).await,
        Request::Start(host, job) => start(app, caller, host, job).await,
        Request::CancelTask(host, id) => cancel(app, caller, &host, id),
    }
}

/// Fails unless the request concerns only a container in the caller's scope. A new name could leave the scope, or reveal that
/// another container has it.
fn in_scope(app: &App, caller: &Caller, request: &Request) -> Result<(), ActionError> {
    match request {
        Request::Act(Action::Container(host, id, action)) if !matches!(action, ContainerAction::Rename { .. }) => {
            let id = full_id(&app.state_for(caller), host, id.clone());
            app.require_visible(caller, host, &id)
        }
        _ => require_full_view(caller),
    }
}

/// Explains the error of an action: an engine that can't be reached has changed nothing.
fn of_an_action(error: EngineError) -> ActionError {
    let is_unreachable = matches!(error, EngineError::Unreachable(_));
    let error = ActionError::from(error);
    if is_unreachable { error.hint(message!("No changes were made. {hint}", hint = away_hint())) } else { error }
}

/// Runs the action of a button that was drawn for a container in the state `drawn_for`. Fails if the container offers other
/// actions by now, so that a late click never does what its button didn't show.
pub async fn perform_as_drawn(
    app: &App,
    caller: &Caller,
    action: Action,
    drawn_for: ContainerState,
) -> Result<Done, ActionError> {
    require(app, caller, action.permission())
        .and_then(|()| in_scope(app, caller, &action.clone().into()))
        .and_then(|()| as_drawn(app, &action, drawn_for))
        .inspect_err(|refused| note(app, asked(app, caller, &action), refused))?;
    perform(app, caller, action.into()).await
}

fn as_drawn(app: &App, action: &Action, drawn_for: ContainerState) -> Result<(), ActionError> {
    let Action::Container(host, id, action) = action else { return Ok(()) };
    match app.reader.look(|state| state.container(host, id).map(|it| it.state)) {
        // In the wrong state, the engine refuses the others itself.
        _ if !action.depends_on_the_state() => Ok(()),
        Some(now) if !now.has_actions_of(drawn_for) => Err(ActionError::new(
            ErrorKind::Conflict,
            message!("The container's state is now {now}", now = Message::term(now.as_str())),
        )
        .hint(message!(
            "Nothing was done, because the button was drawn for a {state} container.",
            state = Message::term(drawn_for.as_str())
        ))),
        // The engine reports a container that is gone.
        _ => Ok(()),
    }
}

/// Requests the cancellation. The task's end is reported when it has ended.
fn cancel(app: &App, caller: &Caller, host: &HostId, id: TaskId) -> Result<Done, ActionError> {
    let done = app.tasks.cancel(id).map(|()| Done::default());
    note(app, of_a_task(app, caller, host, id), done.as_ref().err());
    done
}

async fn act(app: &App, caller: &Caller, action: Action) -> Result<Done, ActionError> {
    let action = in_full(&app.state_for(caller), action);
    let deed = asked(app, caller, &action);
    let engine = allowed(app, &action).await.inspect_err(|refused| note(app, deed.clone(), refused))?;
    tracing::info!(caller = %caller.name(), noun = action.noun(), verb = action.verb(), id = action.target(), "action");
    let entry = app.audit.begin(app, deed).await;
    // In a separate task: a caller that disconnects does not stop it halfway.
    let work = tokio::spawn(async move {
        let done = engine.act(&action).await.map_err(of_an_action);
        entry.end(done.as_ref().err());
        done.map(|id| Done { id, task: None })
    });
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(interrupted()),
        Err(_) => Err(takes_long()),
    }
}

pub fn interrupted() -> ActionError {
    ActionError::new(ErrorKind::Engine, message!("The action was interrupted"))
}

pub fn takes_long() -> ActionError {
    ActionError::new(ErrorKind::Timeout, message!("The engine is still working on it"))
        .hint(message!("Still in progress. The change appears here when it's done."))
}

/// Starts a task for the job. Returns when it has started.
async fn start(app: &App, caller: &Caller, host: HostId, job: Job) -> Result<Done, ActionError> {
    let job = with_full_ids(&app.reader, &host, job);
    let deed = job_event(app, caller, &host, &job);
    let may = async {
        let engine = app.hosts.writable(&host)?.clone();
        startable(app, &engine, &job).await?;
        Ok(engine)
    };
    let engine = may.await.inspect_err(|refused: &ActionError| note(app, deed.clone(), refused))?;
    tracing::info!(caller = %caller.name(), noun = job.noun(), verb = job.kind().verb(), id = %job.subject(), "task");
    let (kind, context) = (job.kind(), app.context(engine));
    let subject = match &job {
        // By its name, which only the history's entry has.
        Job::Recreate(..) => Message::verbatim(&deed.name),
        job => job.subject(),
    };
    start_task(app, deed, (kind, subject), |report| tasks::work(job, context, report)).await
}

/// Checks that can fail before the task starts.
async fn startable(app: &App, engine: &Engine, job: &Job) -> Result<(), ActionError> {
    match job {
        Job::Create(_, new) => faultless(&new.spec),
        Job::Recreate(id, spec) => {
            unprotected(app, engine, id).await?;
            faultless(spec)
        }
        Job::Prune(prune) if prune.is_empty() => {
            Err(ActionError::new(ErrorKind::Invalid, message!("Nothing to remove")))
        }
        Job::Prune(prune) => {
            for id in &prune.containers {
                unprotected(app, engine, id).await.map_err(|error| match error.kind {
                    ErrorKind::Forbidden => {
                        error.hint(message!("Remove {container} from the selection.", container = id.short()))
                    }
                    _ => error,
                })?;
            }
            Ok(())
        }
        Job::Pull(..) | Job::Push(..) | Job::Build(..) => Ok(()),
    }
}

fn faultless(spec: &ContainerSpec) -> Result<(), ActionError> {
    spec.fault().map_or(Ok(()), |fault| Err(ActionError::new(ErrorKind::Invalid, fault)))
}

/// Fails if the container is protected. Must be called with its full id before every action that ends a container.
async fn unprotected(app: &App, engine: &Engine, id: &ContainerId) -> Result<(), ActionError> {
    let known = app.reader.look(|state| state.container(engine.host(), id).map(|it| it.is_protected()));
    let is_protected = match known {
        Some(is_protected) => is_protected,
        // A container that the state does not include yet.
        None => engine.container(id).await.map_err(of_an_action)?.is_some_and(|it| it.is_protected()),
    };
    if !is_protected {
        return Ok(());
    }
    Err(ActionError::new(ErrorKind::Forbidden, message!("This container is protected"))
        .hint(message!("The label quaylight.protect=true prevents stopping or removing it from Quaylight.")))
}

/// Starts a task. The history gets the outcome of `deed` when the task has ended.
pub async fn start_task<F>(
    app: &App,
    deed: Event,
    (kind, subject): (TaskKind, Message),
    work: impl FnOnce(tasks::Report) -> F,
) -> Result<Done, ActionError>
where
    F: Future<Output = Result<Message, ActionError>> + Send + 'static,
{
    let (host, actor) = (deed.host.clone(), deed.actor.clone().unwrap_or_default());
    let start = tasks::Start { host, kind, subject, actor };
    let entry = app.audit.begin(app, deed).await;
    let ended = move |outcome: &tasks::Outcome| match outcome {
        tasks::Outcome::Done(words) => {
            entry.end_with(None, |deed| deed.attributes.insert("result".into(), words.to_string()));
        }
        tasks::Outcome::Failed(error) => entry.end(Some(error)),
        tasks::Outcome::Cancelled => {
            entry.end(Some(&ActionError::new(ErrorKind::Conflict, message!("Cancelled"))));
        }
    };
    Ok(Done { id: None, task: Some(app.tasks.start(start, work, ended)?) })
}

/// The event for the history.
fn of(app: &App, caller: &Caller, request: &Request) -> Event {
    match request {
        Request::Act(action) => asked(app, caller, action),
        Request::Start(host, job) => job_event(app, caller, host, job),
        Request::CancelTask(host, id) => of_a_task(app, caller, host, *id),
    }
}

fn of_a_task(app: &App, caller: &Caller, host: &HostId, id: TaskId) -> Event {
    let task = app.tasks.all().1.into_iter().find(|task| task.id == id);
    let name = task.map_or_else(String::new, |task| format!("{} {}", task.kind.verb(), task.subject));
    Event { host: host.clone(), id: id.0.to_string(), ..blank(app, caller, "task", "cancel", name) }
}

/// A user action without details.
pub fn blank(app: &App, caller: &Caller, kind: &str, action: &str, name: String) -> Event {
    let mut attributes = Labels::default();
    if caller.is_signed_in() {
        attributes.insert(ADDRESS.into(), caller.address().to_string());
    }
    if let Some(token) = caller.token() {
        attributes.insert(TOKEN.into(), token.to_owned());
    }
    Event { actor: Some(caller.name().to_owned()), attributes, ..without_actor(app, kind, action, name) }
}

fn without_actor(app: &App, kind: &str, action: &str, name: String) -> Event {
    Event {
        seq: 0,
        host: HostId::new("local").expect("a valid host ID"),
        time: app.clock.now(),
        kind: kind.into(),
        action: action.into(),
        id: String::new(),
        name,
        project: None,
        actor: None,
        error: None,
        message: None,
        attributes: Labels::default(),
    }
}

/// Records that a user has signed in or out, or set up the server.
pub fn note_session(app: &App, caller: &Caller, action: &str) {
    app.history.record(blank(app, caller, USER, action, caller.name().to_owned()));
}

/// Records a failed sign-in. It has no actor, since anyone may have sent the name.
pub fn note_failed_sign_in(app: &App, address: IpAddr, name: &str, error: Message) {
    let name = name.chars().take(LONGEST_USER_NAME).collect();
    let mut event = Event { error: Some(error), ..without_actor(app, USER, "sign_in", name) };
    event.attributes.insert(ADDRESS.into(), address.to_string());
    app.history.record(event);
}

/// The event for the history.
fn job_event(app: &App, caller: &Caller, host: &HostId, job: &Job) -> Event {
    let verb = match job.kind() {
        TaskKind::Prune => "prune".to_owned(),
        kind => kind.verb().to_ascii_lowercase(),
    };
    match job {
        Job::Recreate(id, _) => on_container(app, caller, (host, id), &verb),
        job => Event { host: host.clone(), ..blank(app, caller, job.noun(), &verb, job.subject().to_string()) },
    }
}

/// An action on a container, with its current name, since it may be gone afterwards.
pub fn on_container(app: &App, caller: &Caller, (host, id): (&HostId, &ContainerId), action: &str) -> Event {
    let container = app.reader.look(|state| state.container(host, id).cloned());
    let name = container.as_ref().map_or_else(|| id.short().to_owned(), |it| it.name.clone());
    let mut event = blank(app, caller, "container", action, name);
    if let Some(container) = container {
        event.project = container.project().map(str::to_owned);
        event.attributes.insert("image".into(), container.image.clone());
    }
    Event { host: host.clone(), id: id.to_string(), ..event }
}

/// Lets the engine verify the credentials with the registry, and stores them if they are accepted.
pub async fn sign_in(app: &App, caller: &Caller, host: &HostId, sign_in: RegistryLogin) -> Result<(), ActionError> {
    require(app, caller, Permission::Configure)?;
    let entry = app.audit.begin(app, of_a_registry(app, caller, "sign in", &sign_in.registry)).await;
    let work = async {
        let credentials = registries::credentials(sign_in)?;
        app.hosts.writable(host)?.sign_in(&credentials).await?;
        app.registries.keep(credentials).await
    };
    let done = work.await;
    entry.end(done.as_ref().err());
    done
}

pub async fn sign_out(app: &App, caller: &Caller, registry: &str) -> Result<(), ActionError> {
    require(app, caller, Permission::Configure)?;
    let entry = app.audit.begin(app, of_a_registry(app, caller, "sign out", registry)).await;
    let done = app.registries.forget(registry).await;
    entry.end(done.as_ref().err());
    done
}

fn of_a_registry(app: &App, caller: &Caller, action: &str, registry: &str) -> Event {
    blank(app, caller, "registry", action, registry.chars().take(200).collect())
}

/// Changes rules, channels, silences and quiet hours. The history records who requested it.
pub async fn change_alerts(app: &App, caller: &Caller, change: AlertChange) -> Result<(), ActionError> {
    require(app, caller, permission(&change))?;
    let (kind, action, name) = change.history_entry();
    let name = app.alerts.name_of(name).unwrap_or_else(|| name.to_owned());
    let entry = app.audit.begin(app, blank(app, caller, kind, action, name)).await;
    let alerts = &app.alerts;
    let done = match change {
        AlertChange::PutRule(rule) => alerts.put_rule(rule).await.map(drop),
        AlertChange::DeleteRule(id) => alerts.delete_rule(&id).await,
        AlertChange::Silence(id, seconds) => alerts.silence(&id, seconds).await,
        AlertChange::PutChannel(draft) => alerts.put_draft(draft).await.map(drop),
        AlertChange::DeleteChannel(id) => alerts.delete_channel(&id).await,
        AlertChange::TestChannel(id) => alerts.test_channel(&id).await,
        AlertChange::QuietHours(hours) => alerts.put_quiet_hours(hours).await,
    };
    entry.end(done.as_ref().err());
    done
}

/// Stores preferences, even on a read-only server: they belong to the caller, and change nothing on an engine.
pub async fn keep_preferences(
    app: &App,
    caller: &Caller,
    before: Preferences,
    after: Preferences,
) -> Result<Preferences, ActionError> {
    require(app, caller, Permission::See)?;
    if !before.are_sound() || !after.are_sound() {
        return Err(ActionError::new(ErrorKind::Invalid, message!("Invalid settings")));
    }
    Ok(app.preferences.change(caller.name(), &before, after, app.clock).await)
}

/// Changes the caller's own account, also on a read-only server: see [`Auth::change_account`](super::auth::Auth::change_account).
pub async fn change_account(app: &App, caller: &Caller, change: AccountChange) -> Result<Changed, ActionError> {
    require(app, caller, Permission::See)?;
    let mut deed = blank(app, caller, USER, change.verb(), caller.name().to_owned());
    if let Some(token) = token_name(app, caller, &change) {
        deed.attributes.insert(TOKEN.into(), token);
    }
    let entry = app.audit.begin(app, deed).await;
    let done = app.auth.change_account(caller, change).await;
    entry.end(done.as_ref().err());
    done
}

fn token_name(app: &App, caller: &Caller, change: &AccountChange) -> Option<String> {
    match change {
        AccountChange::CreateToken { name, .. } => Some(name.chars().take(200).collect()),
        AccountChange::RevokeToken { id } => {
            let tokens = app.auth.account(caller).ok()?.tokens;
            tokens.into_iter().find(|it| it.id == *id).map(|it| it.name)
        }
        _ => None,
    }
}

/// Changes another user: see [`Auth::change_user`](super::auth::Auth::change_user).
pub async fn change_user(
    app: &App,
    caller: &Caller,
    change: UserChange,
    password: String,
) -> Result<Option<String>, ActionError> {
    require(app, caller, Permission::ManageUsers)?;
    let name = change.name().chars().take(LONGEST_USER_NAME).collect();
    let mut deed = blank(app, caller, USER, change.verb(), name);
    if let Some((role, scope)) = change.access() {
        deed.attributes.insert("role".into(), role.as_str().to_owned());
        if let Some(AccessScope { projects, names }) = scope {
            deed.attributes.insert("projects".into(), projects.join(", "));
            deed.attributes.insert("containers".into(), names.join(", "));
        }
    }
    let entry = app.audit.begin(app, deed).await;
    let done = app.auth.change_user(caller, change, password).await;
    entry.end(done.as_ref().err());
    done
}

fn permission(change: &AlertChange) -> Permission {
    match change {
        AlertChange::Silence(..) => Permission::Silence,
        _ => Permission::Configure,
    }
}

/// Records that a user revealed a hidden value. The history contains its name, not the value.
pub fn note_look(app: &App, caller: &Caller, (host, id): (&HostId, &ContainerId), variable: &str) {
    let mut event = on_container(app, caller, (host, id), "reveal");
    event.attributes.insert("variable".into(), variable.to_owned());
    app.history.record(event);
}

/// Records that a user read a file.
pub fn note_read(app: &App, caller: &Caller, host: &HostId, of: &FilesOf, path: &FilePath) {
    let mut event = on_files(app, caller, (host, of), "read");
    event.attributes.insert("path".into(), path.to_string());
    app.history.record(event);
}

/// The event for the history.
pub fn on_files(app: &App, caller: &Caller, (host, of): (&HostId, &FilesOf), action: &str) -> Event {
    match of {
        FilesOf::Container(id) => on_container(app, caller, (host, id), action),
        FilesOf::Volume(name) => {
            let id = name.to_string();
            Event { host: host.clone(), id, ..blank(app, caller, "volume", action, name.to_string()) }
        }
    }
}

/// Records that a user opened a terminal, or failed to.
pub fn note_terminal(app: &App, caller: &Caller, container: &Container, command: &str, error: Option<&ActionError>) {
    let mut event = on_container(app, caller, (&container.host, &container.id), "terminal");
    event.attributes.insert("command".into(), command.chars().take(200).collect());
    note(app, event, error);
}

/// Expands the container's id.
fn in_full(reader: &Reader, action: Action) -> Action {
    let Action::Container(host, id, verb) = action else { return action };
    let id = full_id(reader, &host, id);
    Action::Container(host, id, verb)
}

fn with_full_ids(reader: &Reader, host: &HostId, job: Job) -> Job {
    match job {
        Job::Recreate(id, spec) => Job::Recreate(full_id(reader, host, id), spec),
        Job::Prune(prune) => {
            let containers = prune.containers.into_iter().map(|id| full_id(reader, host, id)).collect();
            Job::Prune(Prune { containers, ..prune })
        }
        job => job,
    }
}

/// Expands a shortened id, which an engine accepts, but the state does not know.
fn full_id(reader: &Reader, host: &HostId, id: ContainerId) -> ContainerId {
    let full = reader.look(|state| {
        let mut meant = state.containers().filter(|it| it.host == *host && it.id.as_str().starts_with(id.as_str()));
        meant.next().map(|it| it.id.clone()).filter(|_| meant.next().is_none())
    });
    full.unwrap_or(id)
}

/// The engine to run the action on, if it is allowed.
async fn allowed(app: &App, action: &Action) -> Result<WritableEngine, ActionError> {
    let engine = app.hosts.writable(action.host())?.clone();
    if let Action::Container(_, id, verb) = action
        && verb.ends_the_container()
    {
        unprotected(app, &engine, id).await?;
    }
    Ok(engine)
}

/// The event for the history, with the current name of the target, since it may be gone afterwards.
fn asked(app: &App, caller: &Caller, action: &Action) -> Event {
    let verb = action.verb().to_ascii_lowercase();
    let target = action.target();
    let mut event = match action {
        Action::Container(host, id, _) => on_container(app, caller, (host, id), &verb),
        other => Event {
            host: other.host().clone(),
            id: target.into(),
            ..blank(app, caller, other.noun(), &verb, target.to_owned())
        },
    };
    app.reader.look(|state| match action {
        Action::Image(host, id, _) => {
            let image = state.get(&Key::Image(host.clone(), id.clone()));
            event.name = image.and_then(Entity::as_image).map_or_else(|| id.short(), |it| it.name()).to_owned();
        }
        Action::Network(host, id, _) => {
            let network = state.get(&Key::Network(host.clone(), id.clone())).and_then(Entity::as_network);
            event.name = network.map_or_else(|| id.as_str(), |it| &it.name).to_owned();
        }
        Action::Container(..) | Action::CreateNetwork(..) | Action::Volume(..) => {}
    });
    if let Some((word, value)) = detail(action) {
        event.attributes.insert(word.into(), value);
    }
    event
}

/// An additional attribute of an action's event.
fn detail(action: &Action) -> Option<(&'static str, String)> {
    match action {
        Action::Container(_, _, ContainerAction::Rename { name }) => Some((NEW_NAME, name.clone())),
        Action::Container(_, _, ContainerAction::Kill { signal }) => {
            Some(("signal", signal.clone().unwrap_or_else(|| "KILL".to_owned())))
        }
        Action::Image(_, _, ImageAction::Tag { name } | ImageAction::Untag { name }) => Some(("tag", name.to_string())),
        Action::Network(
            _,
            _,
            NetworkAction::Connect { container, .. } | NetworkAction::Disconnect { container, .. },
        ) => Some(("container", container.to_string())),
        _ => None,
    }
}

/// Records an action that has ended or was refused.
pub fn note<'a>(app: &App, mut deed: Event, error: impl Into<Option<&'a ActionError>>) {
    let ended = app.clock.now();
    let took_ms = (ended.millis() - deed.time.millis()).max(0);
    deed.attributes.insert("took_ms".into(), took_ms.to_string());
    deed.time = ended;
    deed.error = error.into().map(|error| error.message.clone());
    app.notifications.add(&deed);
    app.history.record(deed);
}
